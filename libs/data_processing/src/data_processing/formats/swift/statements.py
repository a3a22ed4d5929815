"""One MT940 statement or MT942 report while its fields pass by."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from data_processing.amounts import shortened
from data_processing.errors import TruncatedFile
from data_processing.formats.row_checks import currency_code, ids_that_tell_rows_apart
from data_processing.formats.swift.fields import Field
from data_processing.formats.swift.information import InformationReader
from data_processing.formats.swift.lines import balance, balance_currency
from data_processing.formats.swift.rows import account_of, entry_of
from data_processing.statement import AccountReference, Balance, Entry, RefusedRow, Statement

_COUNT = re.compile(r"([0-9]{1,5})").match


class StatementInProgress:
    """Collects the account, the balances and the rows of one statement."""

    def __init__(self, information: InformationReader, *, today: date, line: int, account: Field | None = None) -> None:
        self.account_field = account
        self._line = line
        self.rows = 0
        self._today = today
        self._information = information
        self._entries: list[Entry] = []
        self._refused: list[RefusedRow] = []
        self._balances: list[Balance] = []
        self._currency: str | None = None
        self._notes: list[str] = []
        self._counts: dict[str, int] = {}
        self._interim = False
        self._unread: str | None = None
        self._last_tag = ""

    @property
    def closed(self) -> bool:
        """Whether the closing balance came by."""
        return self._unread is not None or any(found.kind == "closing" for found in self._balances)

    @property
    def interim(self) -> bool:
        """Whether this is an interim report (MT942): it has a floor limit or a time, and no balances."""
        return self._interim and not any(found.kind in ("opening", "closing") for found in self._balances)

    def field(self, field: Field) -> None:
        """One more field of the statement."""
        if field.tag == "61":
            self._row(field)
        elif field.tag in ("25", "25P"):
            self.account_field = field
        elif field.tag[0] == "6":
            self._balance(field)
        elif field.tag in ("34F", "13", "13D"):
            self._interim = True
            if field.tag == "34F":
                self._currency = self._currency or currency_code(field.first[:3])
        elif field.tag in ("90C", "90D"):
            counted = _COUNT(field.first)
            self._counts[field.tag] = int(counted[1]) if counted else 0
        self._last_tag = field.tag

    def _balance(self, field: Field) -> None:
        self._currency = self._currency or balance_currency(field.first)
        try:
            found = balance(field.tag, field.first, today=self._today, currency=self._currency)
        except ValueError as reason:
            if field.tag.startswith("62"):
                self._unread = f"Line {field.line}: the closing balance (:{field.tag}:) cannot be read ({reason})"
            self._notes.append(f"The balance in line {field.line} is left out: {reason}.")
            return
        if found.date is None:
            self._notes.append(f"The balance in line {field.line} is dated on no day of the calendar.")
        self._balances.append(found)

    def _row(self, field: Field) -> None:
        self.rows += 1
        place = f"line {field.line}"
        try:
            entry, notes = entry_of(
                field.body,
                self._information.read(field),
                place=place,
                currency=self._currency,
                today=self._today,
            )
        except ValueError as reason:
            raw = shortened(" ".join(f"{field.body} {field.information}".split()), 300)
            self._refused.append(RefusedRow(place, str(reason), None, raw))
            return
        self._entries.append(entry)
        for note in notes:
            self._notes.append(f"{place.capitalize()}: {note}, as banks count months of thirty days.")

    def finished(self, *, cut_off: bool) -> tuple[Statement, list[str]]:
        """The statement and what the user should know about it.

        Args:
            cut_off: whether the text ended without the mark that ends a message.

        Raises:
            TruncatedFile: it has an opening balance and no closing one, or the text may end within that.
        """
        if cut_off and self._unread and self._last_tag.startswith("62"):
            raise TruncatedFile(f"{self._unread}, so the file may be cut off there. Download it again.")
        opening = next((found for found in self._balances if found.kind == "opening"), None)
        closing = next((found for found in self._balances if found.kind == "closing"), None)
        account = account_of(self.account_field, self._currency)
        if opening is not None and not self.closed:
            raise TruncatedFile(
                f"The statement of account {account.number or '?'} that starts in line {self._line} of the MT940 file "
                "has no closing balance (:62F:), so rows may be missing. Download it again."
            )
        self._compare_counts()
        entries, notes = ids_that_tell_rows_apart(self._entries, name="The bank's reference")
        statement = Statement(
            account=account,
            currency=self._currency,
            entries=tuple(self._completed(entries, account)),
            refused=tuple(self._refused),
            balances=tuple(self._balances),
            period_start=opening.date if opening else None,
            period_end=closing.date if closing else None,
        )
        return statement, [*self._notes, *notes]

    def _completed(self, entries: list[Entry], account: AccountReference) -> list[Entry]:
        """The entries with what the whole statement tells: a report is pending, a later balance names the currency.

        Some banks name the account of the statement where the other party's belongs.
        """
        if self.interim:
            entries = [replace(entry, pending=True) for entry in entries]
        if entries and entries[0].currency is None and self._currency is not None:
            entries = [replace(entry, currency=self._currency) for entry in entries]
        own = account.number
        return [
            replace(entry, counterparty_account=None) if own and entry.counterparty_account == own else entry
            for entry in entries
        ]

    def _compare_counts(self) -> None:
        if not self._counts:
            return
        stated = sum(self._counts.values())
        if stated != self.rows and self._counts.keys() >= {"90C", "90D"}:
            self._notes.append(f"The report counts {stated} rows and holds {self.rows}.")
