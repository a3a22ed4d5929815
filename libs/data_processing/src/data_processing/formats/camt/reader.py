"""camt documents: their statements, reports or notifications, each with balances and entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from data_processing.amounts import shortened
from data_processing.errors import NoStatements
from data_processing.formats.camt.balances import arranged, balance_of
from data_processing.formats.camt.details import Payment, account_number, payment
from data_processing.formats.camt.elements import Event, Record, elements
from data_processing.formats.camt.entries import INFORMATION, bank_id_of, entry_of, reversal, status_of
from data_processing.formats.camt.reversals import Reversals
from data_processing.formats.camt.values import iso_day
from data_processing.formats.parts import ROWS_OF_A_PART, OpenFile, StatementPart, collected, cut_statement
from data_processing.formats.row_checks import MAX_FIELD, currency_code, ids_that_tell_rows_apart
from data_processing.formats.source import Source
from data_processing.statement import AccountReference, Balance, Entry, RefusedRow, Statement, StatementFile

_MESSAGES: Final = {
    "BkToCstmrAcctRpt": "camt.052",
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
}
_SERVICER: Final = tuple(f"Svcr/FinInstnId/{path}" for path in ("BICFI", "BIC", "ClrSysMmbId/MmbId"))
_TOO_LONG: Final = f"a field of the entry is longer than {MAX_FIELD} characters"
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
        return collected(self.open(source, rows=ROWS_OF_A_PART))

    def open(self, source: Source, *, rows: int) -> OpenFile:
        """The parts of the document, a statement at a time; raises as ``Format.read`` says, also between parts."""
        document = _Document()
        opened = OpenFile("camt.053", source.encoding, iter(()), document.notes)

        def parts() -> Iterator[StatementPart]:
            for number, statement in enumerate(document.statements(elements(source.texts()))):
                opened.format = document.message
                yield from cut_statement(number, statement, rows)
            if not document.count:
                raise NoStatements(
                    "The camt file holds no statement. Choose an account and a period with transactions in the export."
                )

        opened.parts = parts()
        return opened


class _Document:
    """The walk over a document: keeps the open statement."""

    def __init__(self) -> None:
        self.message = "camt.053"
        self.notes: list[str] = []
        self.count = 0
        self._entries = 0

    def statements(self, passing: Iterator[tuple[Event, Record]]) -> Iterator[Statement]:
        """Each statement when it ends."""
        current: _StatementInProgress | None = None
        for event, record in passing:
            if event is Event.RECORD:
                if current is not None:
                    self._of_statement(current, record)
            elif event is Event.MESSAGE:
                self.message = _MESSAGES[record.name]
            elif event is Event.STATEMENT:
                current = _StatementInProgress(final=record.name == "Stmt")
            elif current is not None:
                statement, notes = current.finished()
                self.count += 1
                self.notes += notes
                current = None
                yield statement

    def _of_statement(self, current: _StatementInProgress, record: Record) -> None:
        name = record.name
        if name == "Ntry":
            self._entries += 1
            current.entry(record, number=self._entries)
        elif name == "Acct":
            current.account(record)
        elif name == "FrToDt":
            current.period(record)
        else:
            current.balance(record)


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
        self._reversals = Reversals()
        self._without_status = 0
        self._start: date | None = None
        self._end: date | None = None

    def account(self, record: Record) -> None:
        """The account that the statement is about."""
        number = account_number(record)
        self._account = AccountReference(
            number=number or None,
            bank=record.text(*_SERVICER) or None,
            name=None if number else record.text("Nm") or None,
            currency=currency_code(record.text("Ccy")),
        )

    def period(self, record: Record) -> None:
        """From when to when; a date that cannot be read is no date."""
        self._start, self._end = (_day_or_none(record.text(f"{end}DtTm", f"{end}Dt")) for end in ("Fr", "To"))

    def balance(self, record: Record) -> None:
        """One more balance; one that cannot be read is left out with a note."""
        try:
            self._balances.append(balance_of(record))
        except ValueError as reason:
            self._notes.append(f"A balance of account {self._account.number or '?'} is left out: {reason}.")

    def entry(self, record: Record, *, number: int) -> None:
        """One more entry, or its refusal."""
        refusal = _TOO_LONG if record.too_long or any(found.too_long for found in record.payments) else None
        payments: list[Payment] = []
        for found in record.payments:
            try:
                payments.append(payment(found))
            except ValueError as reason:
                refusal = str(reason)
        bank_id = bank_id_of(record, payments)
        place = f"entry {number} (AcctSvcrRef {shortened(bank_id)})" if bank_id else f"entry {number}"
        status = status_of(record)
        if status == INFORMATION:
            self._information += 1
            return
        try:
            if refusal:
                raise ValueError(refusal)
            entry = self._made(record, payments, place, bank_id)
        except ValueError as reason:
            raw = shortened(" ".join(record.raw.split()), 300)
            self._refused.append(RefusedRow(place, str(reason), bank_id, raw))
            return
        self._without_status += not status
        if "RvslInd" in record.texts and reversal(record):
            self._reversals.add(len(self._entries), record, payments)
        self._entries.append(entry)

    def _made(self, record: Record, payments: Sequence[Payment], place: str, bank_id: str | None) -> Entry:
        return entry_of(record, payments, place=place, bank_id=bank_id, currency=self._account.currency)

    def finished(self) -> tuple[Statement, list[str]]:
        """The statement and what the user should know about it."""
        balances = arranged(self._balances, final=self._final)
        turned = {} if self._refused else self._reversals.turned(self._entries, balances, self._made)
        for number, entry in turned.items():
            self._entries[number] = entry
        entries, repeated = ids_that_tell_rows_apart(self._entries, name="AcctSvcrRef")
        self._notes += repeated
        if self._information:
            self._notes.append(f"{_entries(self._information)} for information only (Sts INFO) and left out.")
        if self._without_status:
            self._notes.append(f"{_entries(self._without_status)} without a status (Sts); a booking date says booked.")
        if self._reversals.count:
            self._notes.append(f"{_entries(self._reversals.count)} marked as a reversal (RvslInd).")
        if turned:
            self._notes.append("The reversals have the direction of what they reverse; the balances show it.")
        booked = [balance.currency for balance in self._balances if balance.kind != "available"]
        currencies = {entry.currency for entry in entries} or set(booked)
        currency = self._account.currency or (currencies.pop() if len(currencies) == 1 else None)
        statement = Statement(
            account=self._account,
            currency=currency,
            entries=tuple(entries),
            refused=tuple(self._refused),
            balances=balances,
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
