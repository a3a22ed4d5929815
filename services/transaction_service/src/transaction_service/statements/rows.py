"""A statement file made ready for booking: its rows by account and statement, each with its content.

Pure and slow: runs in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import IO

from analytics_core import merchant_name
from api_common.compute import uncollected
from data_processing import (
    AccountReference,
    Balance,
    CsvMapping,
    Entry,
    Reconciler,
    Reconciliation,
    RefusedRow,
    Statement,
    StatementFile,
    StatementPart,
    content_hash,
    open_statement_file,
)

from transaction_service.amounts import LARGEST, keepable
from transaction_service.currencies import CURRENCIES
from transaction_service.days import FIRST_DAY, LAST_DAY, keepable_day
from transaction_service.statements.account_matching import ReferenceKey, reference_key
from transaction_service.statements.spool import FileRows, Numbers, Row, numbers

MOST_REFUSALS = 1000
"""So many refused rows are listed; all are counted."""
MOST_GAPS = 100
"""So many gaps of one statement are listed, the first ones."""

_MOST_MERCHANTS = 20_000


@dataclass(slots=True)
class Refusals:
    """Rows that cannot be booked: how many there are, and the first of them."""

    count: int = 0
    first: list[RefusedRow] = field(default_factory=list)

    def add_rows(self, refused: Iterable[RefusedRow]) -> None:
        """Take in further rows."""
        for row in refused:
            self.count += 1
            if len(self.first) < MOST_REFUSALS:
                self.first.append(row)

    def add(self, others: Refusals) -> None:
        """Take in others, in their order."""
        self.first += others.first[: MOST_REFUSALS - len(self.first)]
        self.count += others.count


@dataclass(slots=True)
class Section:
    """The rows that one statement of the file has for one account, with their sum and the balances about them.

    `reconciliation` is the whole statement's, where all its rows are here.
    """

    number: int
    rows: Numbers = field(default_factory=numbers)
    sum: Decimal = Decimal(0)
    balances: list[Balance] = field(default_factory=list)
    period_start: date | None = None
    period_end: date | None = None
    reconciliation: Reconciliation | None = None

    def with_rows_of(self, other: Section) -> Section:
        """This section with the rows of the same statement that name the same account in another way."""
        return replace(
            self,
            rows=self.rows + other.rows,
            sum=self.sum + other.sum,
            balances=self.balances + other.balances,
            reconciliation=None,
        )


@dataclass(slots=True)
class RowGroup:
    """The rows of one account in one currency, as far as the file tells; `key` is None when it names no account."""

    reference: AccountReference
    key: ReferenceKey | None
    currency: str | None
    sections: dict[int, Section] = field(default_factory=dict)
    balances: list[Balance] = field(default_factory=list)

    def section(self, number: int) -> Section:
        """The group's part of one statement."""
        found = self.sections.get(number)
        if found is None:
            found = self.sections[number] = Section(number)
        return found


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A file that was read: its rows, which of them are about which account, and those that cannot be booked.

    The statements of `file` are without their rows, but for those that are the cash of an investment.
    """

    file: StatementFile
    rows: FileRows
    groups: tuple[RowGroup, ...]
    refused: Refusals
    reconciliations: tuple[Reconciliation, ...]

    @property
    def currencies(self) -> set[str]:
        """The currencies that the file names."""
        return {group.currency for group in self.groups if group.currency is not None}


_Groups = dict[tuple[ReferenceKey | None, str | None], RowGroup]


def prepare(file: IO[bytes], *, filename: str | None, profiles: Sequence[CsvMapping] = ()) -> PreparedFile:
    """Read a statement file, tables by the user's own profiles first, and make its rows ready for booking.

    Raises data_processing.StatementFileError when the file as a whole cannot be read.
    """
    rows = FileRows()
    try:
        return _prepared(file, rows, filename=filename, profiles=profiles)
    except BaseException:
        rows.close()
        raise


def _prepared(file: IO[bytes], rows: FileRows, *, filename: str | None, profiles: Sequence[CsvMapping]) -> PreparedFile:
    groups: _Groups = {}
    refused = Refusals()
    statements: list[Statement] = []
    reconciliations: list[Reconciliation] = []
    make_row = _RowMaker()
    with open_statement_file(file, filename=filename, profiles=profiles) as reader:
        passing = _PassingStatement(rows, make_row)
        parts = iter(reader)
        while (part := _next_part(parts, passing)) is not None:
            if part.last:
                statement = _with_kept_period(part.statement)
                reconciliations.append(passing.sort_into(groups, part.number, statement))
                refused.add(passing.refused)
                statements.append(passing.without_rows(statement))
                passing = _PassingStatement(rows, make_row)
        read = StatementFile(
            reader.format,
            reader.encoding,
            tuple(statements),
            reader.notes,
            securities=reader.securities,
            prices=reader.prices,
        )
    return PreparedFile(read, rows, tuple(groups.values()), refused, tuple(reconciliations))


@uncollected()
def _next_part(parts: Iterator[StatementPart], passing: _PassingStatement) -> StatementPart | None:
    """Read and take in the next part; None at the end."""
    part = next(parts, None)
    if part is not None:
        passing.add(part.statement)
    return part


class _RowMaker:
    """Derives from an entry what the ledger keeps beside it; remembers the merchants of some thousand texts."""

    def __init__(self) -> None:
        self._merchants: dict[str, str | None] = {}

    def __call__(self, entry: Entry) -> Row:
        source = entry.counterparty or entry.text
        try:
            merchant = self._merchants[source]
        except KeyError:
            if len(self._merchants) >= _MOST_MERCHANTS:
                self._merchants.clear()
            merchant = self._merchants[source] = merchant_name(source) or None
        return Row(entry, content_hash(entry), merchant)


def row_of(entry: Entry) -> Row:
    """An entry with what the ledger derives from it."""
    return _RowMaker()(entry)


@dataclass(slots=True)
class _Alike:
    """The rows of a statement that name their account and currency in one way."""

    rows: Numbers = field(default_factory=numbers)
    sum: Decimal = Decimal(0)


class _PassingStatement:
    """The rows of a statement while its parts pass by.

    Which accounts they are about is said when all have passed: only the last part has the statement's currency.
    """

    def __init__(self, rows: FileRows, make_row: _RowMaker) -> None:
        self._rows = rows
        self._make_row = make_row
        self._alike: dict[tuple[AccountReference | None, str | None], _Alike] = {}
        self._currencies: set[str | None] = set()
        self._reconciler = Reconciler(most_gaps=MOST_GAPS)
        self._unread = Refusals()
        self._unbookable: list[tuple[int, RefusedRow]] = []
        self._unnamed = 0

    @property
    def refused(self) -> Refusals:
        """The rows that cannot be read, then those that cannot be booked."""
        found = Refusals(self._unread.count, list(self._unread.first))
        found.add_rows(row for _, row in sorted(self._unbookable, key=itemgetter(0)))
        found.count += self._unnamed
        return found

    def add(self, part: Statement) -> None:
        """Take in the rows of one part."""
        self._unread.add_rows(part.refused)
        first, kept = len(self._rows), list[Row]()
        alike, account, currency = None, None, None
        for entry in part.entries:
            self._reconciler.add(entry)
            if alike is None or entry.account is not account or entry.currency != currency:
                account, currency = entry.account, entry.currency
                alike = self._alike.setdefault((account, currency), _Alike())
                self._currencies.add(currency)
            if reason := _unbookable(entry):
                self._refuse(first + len(kept), entry, reason)
            else:
                alike.rows.append(first + len(kept))
                alike.sum += entry.amount
                kept.append(self._make_row(entry))
        self._rows.extend(kept)

    def _refuse(self, place: int, entry: Entry, reason: str) -> None:
        if len(self._unbookable) < MOST_REFUSALS:
            self._unbookable.append((place, refused_row(entry, reason)))
        else:
            self._unnamed += 1

    def sort_into(self, groups: _Groups, number: int, statement: Statement) -> Reconciliation:
        """Give rows and balances to their accounts, when all rows have passed."""
        found = self._reconciler.result(statement)
        touched = {id(section): section for section in self._sections(groups, number, statement)}
        self._add_balances(groups, statement)
        if not self._alike and statement.account.identified and statement.balances:
            section = _group(groups, statement.account, self._currency_of(statement)).section(number)
            touched[id(section)] = section
        for section in touched.values():
            section.period_start, section.period_end = statement.period_start, statement.period_end
            if len(touched) == 1:
                section.balances = list(statement.balances)
                section.reconciliation = found
        return found

    def _sections(self, groups: _Groups, number: int, statement: Statement) -> Iterator[Section]:
        """Sort the rows into groups; gives the sections that they are in."""
        for (named, written), alike in self._alike.items():
            account = named or statement.account
            currency = written or account.currency or statement.currency
            if currency is not None and currency not in CURRENCIES:
                for n in alike.rows:
                    self._refuse(n, self._rows[n].entry, f'"{currency}" is no ISO 4217 currency')
            elif alike.rows:
                section = _group(groups, account, currency).section(number)
                section.rows = numbers(sorted([*section.rows, *alike.rows])) if section.rows else alike.rows
                section.sum += alike.sum
                yield section

    def _add_balances(self, groups: _Groups, statement: Statement) -> None:
        """Give the statement's balances to its account; one without rows still names its account this way."""
        if not statement.account.identified and not statement.balances:
            return
        if any(named is not None for named, _ in self._alike):
            return  # a file of several accounts states no balance that could be told to be of one of them
        stated = self._currency_of(statement)
        if stated is not None and stated not in CURRENCIES:
            return
        if not statement.balances and not self._alike:
            _group(groups, statement.account, stated)
        for balance in statement.balances:
            if keepable(balance.amount) and balance.currency in {None, *CURRENCIES}:
                _group(groups, statement.account, balance.currency or stated).balances.append(balance)

    def _currency_of(self, statement: Statement) -> str | None:
        named = self._currencies
        return statement.currency or statement.account.currency or (next(iter(named)) if len(named) == 1 else None)

    def without_rows(self, statement: Statement) -> Statement:
        """The statement without its rows, but for those that are the cash of its investments."""
        places = {entry.place for entry in statement.investments}
        rows = (n for alike in self._alike.values() for n in alike.rows) if places else ()
        cash = (entry for entry in self._rows.entries(rows) if entry.place in places)
        return replace(statement, entries=tuple(cash), refused=())


def _with_kept_period(statement: Statement) -> Statement:
    stated = [statement.period_start, statement.period_end, *(balance.date for balance in statement.balances)]
    if all(day is None or keepable_day(day) for day in stated):
        return statement
    return replace(
        statement,
        period_start=_kept(statement.period_start),
        period_end=_kept(statement.period_end),
        balances=tuple(replace(balance, date=_kept(balance.date)) for balance in statement.balances),
    )


def _kept(day: date | None) -> date | None:
    return day if day is not None and keepable_day(day) else None


def _group(groups: _Groups, reference: AccountReference, currency: str | None) -> RowGroup:
    key = reference_key(number=reference.number, bank=reference.bank, name=reference.name)
    group = groups.get((key, currency))
    if group is None:
        group = groups[(key, currency)] = RowGroup(reference, key, currency)
    return group


def _unbookable(entry: Entry) -> str | None:
    if not keepable(entry.amount):
        return f"amount {entry.amount} cannot be kept: it must be below {LARGEST} with at most 6 decimals"
    if not keepable_day(entry.booking_date) or not keepable_day(entry.value_date or entry.booking_date):
        return f"its date is not kept: days go from {FIRST_DAY} to {LAST_DAY}"
    return None


def refused_row(entry: Entry, reason: str) -> RefusedRow:
    """An entry that could be read and cannot be booked."""
    return RefusedRow(place=entry.place, reason=reason, bank_id=entry.bank_id, raw=entry.text[:200])
