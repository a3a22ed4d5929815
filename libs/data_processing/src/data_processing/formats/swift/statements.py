"""One MT940 statement or MT942 report while its fields pass by."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Final

from data_processing.amounts import shortened
from data_processing.errors import TruncatedFile
from data_processing.formats.row_checks import MAX_FIELD, currency_code, ids_that_tell_rows_apart
from data_processing.formats.swift.fields import Field
from data_processing.formats.swift.information import InformationReader
from data_processing.formats.swift.lines import balance, statement_line
from data_processing.formats.swift.rows import account_of, entry_of
from data_processing.statement import Balance, Entry, RefusedRow, Statement

_PENDING: Final = frozenset({"EC", "ED"})
_COUNT = re.compile(r"([0-9]{1,5})").match


class StatementInProgress:
    """Collects the account, the balances and the rows of one statement."""

    def __init__(self, information: InformationReader, *, today: date, account: Field | None = None) -> None:
        self.account_field = account
        self.rows = 0
        self._today = today
        self._information_of = information
        self._line: Field | None = None
        self._information: Field | None = None
        self._entries: list[Entry] = []
        self._refused: list[RefusedRow] = []
        self._balances: list[Balance] = []
        self._currency: str | None = None
        self._notes: list[str] = []
        self._counts: dict[str, int] = {}
        self._interim = False

    @property
    def opened(self) -> bool:
        """Whether an opening balance or a row came by."""
        return bool(self._balances or self.rows or self._line)

    @property
    def closed(self) -> bool:
        """Whether the closing balance came by."""
        return any(found.kind == "closing" for found in self._balances)

    @property
    def interim(self) -> bool:
        """Whether this is an interim report (MT942): it has a floor limit or a time, and no balances."""
        return self._interim and not any(found.kind in ("opening", "closing") for found in self._balances)

    def field(self, field: Field) -> None:
        """One more field of the statement."""
        tag = field.tag
        if tag == "61":
            self._finish_line()
            self._line = field
        elif tag == "86":
            if self._line is not None:
                before = self._information
                if before is None:
                    self._information = field
                elif len(before.body) <= MAX_FIELD:
                    self._information = replace(before, body=f"{before.body}\n{field.body}")
        else:
            self._finish_line()
            self._other(field)

    def _other(self, field: Field) -> None:
        if field.tag in ("25", "25P"):
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

    def _balance(self, field: Field) -> None:
        try:
            found = balance(field.tag, field.first, today=self._today)
        except ValueError as reason:
            if field.tag.startswith("62"):
                raise TruncatedFile(
                    f"Line {field.line}: the closing balance (:{field.tag}:) cannot be read ({reason}), so the file "
                    "may be cut off there. Download it again."
                ) from reason
            self._notes.append(f"The balance in line {field.line} is left out: {reason}.")
            return
        self._currency = self._currency or found.currency
        self._balances.append(found)

    def _finish_line(self) -> None:
        line, about = self._line, self._information
        if line is None:
            return
        self._line = self._information = None
        self.rows += 1
        place = f"line {line.line}"
        try:
            self._entries.append(self._entry(line, about, place))
        except ValueError as reason:
            raw = shortened(" ".join((line.text, about.text if about else "")).strip(), 300)
            self._refused.append(RefusedRow(place, str(reason), None, raw))

    def _entry(self, line: Field, about: Field | None, place: str) -> Entry:
        if len(line.body) > MAX_FIELD or (about is not None and len(about.body) > MAX_FIELD):
            raise ValueError(f"a field of the row is longer than {MAX_FIELD} characters")
        if self._currency is None:
            raise ValueError("no balance before the row tells its currency")
        found = statement_line(line.first, today=self._today)
        for note in found.notes:
            self._notes.append(f"{place.capitalize()}: {note}, as banks count months of thirty days.")
        return entry_of(
            found,
            self._information_of.read(about),
            supplement=line.below if "\n" in line.body else "",
            place=place,
            currency=self._currency,
            pending=found.mark in _PENDING,
        )

    def finished(self) -> tuple[Statement, list[str]]:
        """The statement and what the user should know about it.

        Raises:
            TruncatedFile: it has an opening balance and no closing one.
        """
        self._finish_line()
        opening = next((found for found in self._balances if found.kind == "opening"), None)
        closing = next((found for found in self._balances if found.kind == "closing"), None)
        if opening is not None and closing is None:
            raise TruncatedFile(
                "A statement of the MT940 file has no closing balance (:62F:), so rows may be missing. "
                "Download it again."
            )
        self._compare_counts()
        entries, notes = ids_that_tell_rows_apart(self._entries, name="The bank's reference")
        if self.interim:
            entries = [replace(entry, pending=True) for entry in entries]
        statement = Statement(
            account=account_of(self.account_field, self._currency),
            currency=self._currency,
            entries=tuple(entries),
            refused=tuple(self._refused),
            balances=tuple(self._balances),
            period_start=opening.date if opening else None,
            period_end=closing.date if closing else None,
        )
        return statement, [*self._notes, *notes]

    def _compare_counts(self) -> None:
        if not self._counts:
            return
        stated = sum(self._counts.values())
        if stated != self.rows and self._counts.keys() >= {"90C", "90D"}:
            self._notes.append(f"The report counts {stated} rows and holds {self.rows}.")
