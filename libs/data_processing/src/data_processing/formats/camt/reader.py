"""camt documents: their statements, reports or notifications, each with balances and entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

from data_processing.amounts import shortened
from data_processing.errors import NoStatements
from data_processing.formats.camt.balances import arranged, balance_of
from data_processing.formats.camt.details import Payment, account_number, payment
from data_processing.formats.camt.elements import START, elements, text_of
from data_processing.formats.camt.entries import INFORMATION, bank_id_of, entry_of, status_of
from data_processing.formats.camt.values import iso_day
from data_processing.formats.row_checks import currency_code, ids_that_tell_rows_apart
from data_processing.formats.source import Source
from data_processing.statement import AccountReference, Balance, Entry, RefusedRow, Statement, StatementFile

_MESSAGES: Final = {
    "BkToCstmrAcctRpt": "camt.052",
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
}
_STATEMENTS: Final = frozenset({"Rpt", "Stmt", "Ntfctn"})
_OPENED: Final = _STATEMENTS | frozenset(_MESSAGES)
_KEPT: Final = frozenset({"Acct", "FrToDt", "Bal", "Ntry", "TxDtls"})
_MESSAGE = re.compile(rf"<(?:[\w.-]+:)?(?:{'|'.join(_MESSAGES)})\b")
_NAMESPACE = re.compile(r"urn:[\w:.-]{0,80}camt\.05[234]\b")


class CamtFormat:
    """camt.052, camt.053 and camt.054 in every version, with or without a namespace."""

    name = "camt"

    def detect(self, source: Source) -> float:
        """Certain when one of the three messages or its namespace stands in the head of an XML text."""
        head = source.head
        if not head.lstrip("\ufeff \t\r\n").startswith("<"):
            return 0.0
        return 1.0 if _MESSAGE.search(head) or _NAMESPACE.search(head) else 0.0

    def read(self, source: Source) -> StatementFile:
        """The statements of the document; raises as ``Format.read`` says."""
        document = _Document()
        document.walk(elements(source.text, opened=_OPENED, kept=_KEPT))
        if not document.statements:
            raise NoStatements(
                "The camt file holds no statement. Choose an account and a period with transactions in the export."
            )
        return StatementFile(
            document.message, source.decoded.encoding, tuple(document.statements), tuple(document.notes)
        )


class _Document:
    """The walk over a document: keeps the open statement and the payments of the open entry."""

    def __init__(self) -> None:
        self.message = "camt.053"
        self.statements: list[Statement] = []
        self.notes: list[str] = []
        self._entries = 0
        self._payments: list[Payment] = []
        self._too_long: str | None = None
        self._current: _StatementInProgress | None = None

    def walk(self, parts: Iterator[tuple[str, Element]]) -> None:
        for event, element in parts:
            name = element.tag
            if name == "TxDtls":
                self._payment(element)
            elif name == "Ntry":
                self._entry(element)
            elif name in _MESSAGES:
                self.message = _MESSAGES[name]
            elif event == START:
                self._current = _StatementInProgress(final=name == "Stmt")
            elif self._current is not None:
                self._of_statement(self._current, element)

    def _payment(self, element: Element) -> None:
        try:
            self._payments.append(payment(element))
        except ValueError as reason:
            self._too_long = str(reason)

    def _entry(self, element: Element) -> None:
        payments, self._payments = self._payments, []
        too_long, self._too_long = self._too_long, None
        if self._current is None:
            return
        self._entries += 1
        self._current.add_entry(element, payments, number=self._entries, refusal=too_long)

    def _of_statement(self, current: _StatementInProgress, element: Element) -> None:
        name = element.tag
        if name == "Acct":
            current.account(element)
        elif name == "FrToDt":
            current.period(element)
        elif name == "Bal":
            current.balance(element)
        elif name in _STATEMENTS:
            statement, notes = current.finished()
            self.statements.append(statement)
            self.notes += notes
            self._current = None


class _StatementInProgress:
    """Collects the account, the balances and the entries of one statement."""

    def __init__(self, *, final: bool) -> None:
        self._final = final
        self._account = AccountReference()
        self._balances: list[Balance] = []
        self._entries: list[Entry] = []
        self._refused: list[RefusedRow] = []
        self._notes: list[str] = []
        self._information = 0
        self._reversals = 0
        self._start: date | None = None
        self._end: date | None = None

    def account(self, element: Element) -> None:
        """The account that the statement is about."""
        number = account_number(element)
        servicer = element.find("Svcr")
        codes = (text_of(servicer, "FinInstnId", name) for name in ("BICFI", "BIC"))
        self._account = AccountReference(
            number=number or None,
            bank=next((code for code in codes if code), None)
            or text_of(servicer, "FinInstnId", "ClrSysMmbId", "MmbId")
            or None,
            name=None if number else text_of(element, "Nm") or None,
            currency=currency_code(text_of(element, "Ccy")),
        )

    def period(self, element: Element) -> None:
        """From when to when; a date that cannot be read is no date."""
        self._start, self._end = (
            _day_or_none(text_of(element, f"{end}DtTm") or text_of(element, f"{end}Dt")) for end in ("Fr", "To")
        )

    def balance(self, element: Element) -> None:
        """One more balance; one that cannot be read is left out with a note."""
        try:
            self._balances.append(balance_of(element))
        except ValueError as reason:
            self._notes.append(f"A balance of account {self._account.number or '?'} is left out: {reason}.")

    def add_entry(self, element: Element, payments: list[Payment], *, number: int, refusal: str | None) -> None:
        """One more entry, or its refusal."""
        bank_id = bank_id_of(element, payments)
        place = f"entry {number}" + (f" (AcctSvcrRef {shortened(bank_id)})" if bank_id else "")
        if status_of(element) == INFORMATION:
            self._information += 1
            return
        try:
            if refusal:
                raise ValueError(refusal)
            entry = entry_of(element, payments, place=place)
        except ValueError as reason:
            raw = " ".join("".join(part).strip() for part in element.itertext())
            self._refused.append(RefusedRow(place, str(reason), bank_id, shortened(" ".join(raw.split()), 300)))
            return
        self._entries.append(entry)
        self._reversals += text_of(element, "RvslInd").lower() in ("true", "1")

    def finished(self) -> tuple[Statement, list[str]]:
        """The statement and what the user should know about it."""
        entries, repeated = ids_that_tell_rows_apart(self._entries, name="AcctSvcrRef")
        self._notes += repeated
        if self._information:
            self._notes.append(f"{_entries(self._information)} for information only (Sts INFO) and left out.")
        if self._reversals:
            self._notes.append(f"{_entries(self._reversals)} marked as a reversal (RvslInd).")
        booked = [balance.currency for balance in self._balances if balance.kind != "available"]
        currencies = {entry.currency for entry in entries} or set(booked)
        currency = self._account.currency or (currencies.pop() if len(currencies) == 1 else None)
        statement = Statement(
            account=self._account,
            currency=currency,
            entries=tuple(entries),
            refused=tuple(self._refused),
            balances=arranged(self._balances, final=self._final),
            period_start=self._start,
            period_end=self._end,
        )
        return statement, self._notes


def _entries(count: int) -> str:
    return "1 entry is" if count == 1 else f"{count} entries are"


def _day_or_none(text: str) -> date | None:
    try:
        return iso_day(text)
    except ValueError:
        return None
