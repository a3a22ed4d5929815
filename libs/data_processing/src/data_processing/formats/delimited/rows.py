"""One row of a table to an entry, as the dialect's profile says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from data_processing.amounts import accounting_reader, amount_reader, within_range
from data_processing.dates import DateReader
from data_processing.formats.delimited.footer import LineForm
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.original import original_function
from data_processing.formats.delimited.profile import Amount, Profile
from data_processing.formats.delimited.verdicts import verdict_function
from data_processing.formats.row_checks import MAX_FIELD, currency_code, own_bank_id
from data_processing.statement import AccountReference, Entry, new_entry

_MOST_NOTES: Final = 100
"""So many balances that cannot be read are named one by one."""
_MOST_SHARED: Final = 10_000
"""So many texts are remembered, so that rows which repeat one share it."""
_LONGEST_SHARED: Final = 200

Cells = Sequence[str]
AccountKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Positions:
    """Where the columns stand in this file; what it does not have is behind the last, where an empty cell is put."""

    booking: int
    value: int
    pending: int
    currency: int
    counterparty: int
    counterparty_in: int
    counterparty_account: int
    reference: int
    bank_id: int
    bank_category: int
    balance: int
    text: tuple[int, ...]


class RowReader:
    """Reads the rows of one file. Raises ``ValueError`` with the reason for a row that must be refused."""

    def __init__(self, profile: Profile, header: Header, dates: DateReader, accounts: bool) -> None:
        self.width = len(header.cells)
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.first_left_out: dict[tuple[str, str], tuple[str, Cells]] = {}
        self._notes: list[str] = []
        self._odd_balances = 0
        self._dates = dates
        self._codes: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._references: dict[tuple[AccountKey, str | None], AccountReference] = {}
        self._at = _positions(profile, header)
        self._amount = _amount_function(profile.amount, header)
        self._number = _reader_of(profile.amount)
        self._verdict = verdict_function(profile, header)
        self._inverted = profile.amount.inverted
        self._currency = file_currency(profile, header)
        self._account = account_columns(profile, header) if accounts else None
        self._account_type = profile.account.type or None
        self._original = original_function(profile.columns, header, self._number)

    @property
    def notes(self) -> list[str]:
        """What the user should know about the rows that were read."""
        more = self._odd_balances - len(self._notes)
        return [*self._notes, *([f"The balances in {more} more rows are left out."] if more else [])]

    def read(self, cells: Cells, place: str) -> Entry | None:
        """The row's entry; None for a row that moves no money by its words."""
        if len(cells) != self.width:
            if len(cells) < self.width and self._left_out_by_word(cells, place):
                return None
            if len(cells) < self.width or any(cell.strip() for cell in cells[self.width :]):
                raise ValueError(f"the row has {len(cells)} cells, the header {self.width}")
            cells = cells[: self.width]
        if max(map(len, cells)) > MAX_FIELD:
            raise ValueError(f"a field of the row is longer than {MAX_FIELD} characters")
        pending = False
        if self._verdict is not None:
            verdict = self._verdict(cells)
            if isinstance(verdict, tuple):
                self._leave_out(verdict, place, cells)
                return None
            pending = verdict
        return self._entry([*cells, ""], place, pending=pending)

    def _leave_out(self, verdict: tuple[str, str], place: str, cells: Cells) -> None:
        self.left_out[verdict] += 1
        self.first_left_out.setdefault(verdict, (place, cells))

    def _left_out_by_word(self, cells: Cells, place: str) -> bool:
        """Whether a row with fewer cells than the header is left out by a word, as rows of balances have fewer."""
        if self._verdict is None:
            return False
        try:
            verdict = self._verdict([*cells, *[""] * (self.width - len(cells))])
        except ValueError:
            return False
        if not isinstance(verdict, tuple) or not verdict[1]:
            return False
        self._leave_out(verdict, place, cells)
        return True

    def _entry(self, cells: Cells, place: str, *, pending: bool) -> Entry:
        at = self._at
        booked = cells[at.booking]
        if pending and not booked.strip():
            booked = cells[at.pending]
        amount = self._amount(cells)
        if self._inverted:
            amount = -amount
        counterparty = self._shared(cells[at.counterparty_in if amount > 0 else at.counterparty])
        text = cells[at.text[0]].strip() if len(at.text) == 1 else _joined(cells, at.text)
        value, balance = cells[at.value].strip(), cells[at.balance].strip()
        identifier = cells[at.bank_id].strip()
        entry = new_entry(
            place=place,
            booking_date=self._dates.read(booked),
            amount=amount,
            text=text or counterparty or "",
            value_date=self._dates.read(value) if value else None,
            currency=self._row_currency(cells[at.currency]),
            bank_id=own_bank_id(identifier) if identifier else None,
            counterparty=counterparty,
            counterparty_account=self._shared(cells[at.counterparty_account]),
            reference=cells[at.reference].strip() or None,
            bank_category=self._shared(cells[at.bank_category]),
            pending=pending,
            balance=self._balance(balance, place) if balance else None,
            account=self._row_account(self._account, cells) if self._account is not None else None,
        )
        return entry if self._original is None else self._original(entry, cells)

    def identifier(self, cells: Cells) -> str | None:
        """The bank's id of a row that may be refused."""
        position = self._at.bank_id
        text = cells[position].strip() if position < min(self.width, len(cells)) else ""
        return own_bank_id(text) if text else None

    def _row_currency(self, written: str) -> str | None:
        if not written:
            return self._currency
        if (known := self._codes.get(written)) is not None:
            return known
        if not written.strip():
            return self._currency
        code = currency_code(written)
        if code is None:
            raise ValueError(f'currency "{written[:20]}" is no currency code of three letters')
        if len(written) <= _LONGEST_SHARED:
            self._codes[written] = code
        return code

    def _balance(self, written: str, place: str) -> Decimal | None:
        try:
            return self._number(written)
        except ValueError as reason:
            self._odd_balances += 1
            if self._odd_balances <= _MOST_NOTES:
                self._notes.append(f"The balance in {place} is left out: {reason}.")
            return None

    def _row_account(self, columns: AccountColumns, cells: Cells) -> AccountReference:
        key = columns.key(cells)
        currency = self._row_currency(cells[self._at.currency])
        known = self._references.get((key, currency))
        if known is None:
            number, bank, name = key
            if not (number or name):
                raise ValueError("the row does not name its account, as other rows of the file do")
            if len(self._references) >= _MOST_SHARED:
                self._references.clear()
            known = AccountReference(number or None, bank or None, name or None, self._account_type, currency)
            self._references[key, currency] = known
        return known

    def _shared(self, cell: str) -> str | None:
        """The text of a cell, as one object where rows repeat it."""
        if not (text := cell.strip()):
            return None
        if len(self._texts) >= _MOST_SHARED:
            self._texts.clear()
        return self._texts.setdefault(text, text) if len(text) <= _LONGEST_SHARED else text


def line_form(profile: Profile, header: Header) -> LineForm:
    """What tells the rows of a file from its other lines."""
    dates = (profile.dates.booking, profile.dates.pending)
    return LineForm(
        width=len(header.cells),
        booking=tuple(at for column in dates if column and (at := header.position(column)) is not None),
        amounts=_amount_positions(profile.amount, header),
        balances=tuple(
            at for line in profile.balances if line.column and (at := header.position(line.column)) is not None
        ),
        number=_reader_of(profile.amount),
    )


def file_currency(profile: Profile, header: Header) -> str | None:
    """The currency the header or the dialect says for all rows."""
    return header.currency(profile.amount.column or profile.amount.money_out) or profile.account.currency or None


@dataclass(frozen=True, slots=True)
class AccountColumns:
    """Where a file names the user's own account."""

    number: int | None
    bank: int | None
    name: tuple[int, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """Every position that tells accounts apart."""
        return (*(position for position in (self.number, self.bank) if position is not None), *self.name)

    def key(self, cells: Cells) -> AccountKey:
        """Number, bank and name in this row, empty where missing."""
        return self._cell(cells, self.number), self._cell(cells, self.bank), _joined(cells, self.name)

    @staticmethod
    def _cell(cells: Cells, position: int | None) -> str:
        return cells[position].strip().strip("'") if position is not None else ""


def account_columns(profile: Profile, header: Header) -> AccountColumns | None:
    """Where the own account is named; None when no column names it."""
    own = profile.account
    number, bank = (header.position(column) if column else None for column in (own.number, own.bank))
    name = tuple(position for column in own.name if (position := header.position(column)) is not None)
    return AccountColumns(number, bank, name) if number is not None or name else None


def _positions(profile: Profile, header: Header) -> _Positions:
    columns = profile.columns

    def at(column: str) -> int:
        position = header.position(column) if column else None
        return len(header.cells) if position is None else position

    counterparty = at(columns.counterparty)
    counterparty_in = header.position(columns.counterparty_in) if columns.counterparty_in else None
    return _Positions(
        booking=_must(header, profile.dates.booking),
        value=at(profile.dates.value),
        pending=at(profile.dates.pending),
        currency=at(columns.currency),
        counterparty=counterparty,
        counterparty_in=counterparty if counterparty_in is None else counterparty_in,
        counterparty_account=at(columns.counterparty_account),
        reference=at(columns.reference),
        bank_id=at(columns.bank_id),
        bank_category=at(columns.bank_category),
        balance=at(columns.balance),
        text=tuple(position for column in columns.text if (position := header.position(column)) is not None),
    )


def _joined(cells: Cells, positions: Sequence[int]) -> str:
    return " ".join(part for position in positions if (part := cells[position].strip()))


def _reader_of(amount: Amount) -> Callable[[str], Decimal]:
    number = amount_reader(
        decimal=amount.decimal,
        thousands=amount.thousands,
        currency_signs=amount.currency_signs,
        whole_groups=amount.whole_groups,
    )
    return accounting_reader(number, code=amount.code) if amount.accounting else number


def _amount_function(amount: Amount, header: Header) -> Callable[[Cells], Decimal]:
    number = _reader_of(amount)
    if amount.money_out:
        money_out, money_in = _must(header, amount.money_out), _must(header, amount.money_in)
        return _two_columns(
            _unsigned(number, turned=amount.out_is_negative),
            _unsigned(number, turned=amount.in_is_negative),
            money_out,
            money_in,
        )
    column = _must(header, amount.column)
    if amount.flag:
        return _flagged(number, column, _must(header, amount.flag), amount)
    fees = [position for name in amount.fees if (position := header.position(name)) is not None]
    if fees:
        return _less_fees(number, column, fees, sign=1 if amount.fees_are_negative else -1)
    return lambda cells: number(cells[column])


def _must(header: Header, column: str) -> int:
    position = header.position(column)
    if position is None:
        raise ValueError(f'the file lacks the column "{column}"')
    return position


def _amount_positions(amount: Amount, header: Header) -> tuple[int, ...]:
    columns = (amount.column, amount.money_out, amount.money_in)
    return tuple(position for column in columns if column and (position := header.position(column)) is not None)


def _unsigned(number: Callable[[str], Decimal], *, turned: bool) -> Callable[[str], Decimal]:
    """Reads the amount of a column that gives the direction, and that is printed with a minus where ``turned``."""

    def read(text: str) -> Decimal:
        exact = -number(text) if turned else number(text)
        if exact < 0:
            raise ValueError(
                "an amount has no minus although its column is printed with one"
                if turned
                else "an amount has a sign although its column gives the direction"
            )
        return abs(exact)

    return read


def _two_columns(
    out_number: Callable[[str], Decimal], in_number: Callable[[str], Decimal], money_out: int, money_in: int
) -> Callable[[Cells], Decimal]:
    def read(cells: Cells) -> Decimal:
        out_text, in_text = cells[money_out].strip(), cells[money_in].strip()
        if not out_text and not in_text:
            raise ValueError("the row has no amount")
        paid = out_number(out_text) if out_text else Decimal(0)
        received = in_number(in_text) if in_text else Decimal(0)
        if paid and received:
            raise ValueError(f"the row has both money out ({out_text[:30]}) and money in ({in_text[:30]})")
        return -paid if paid else received

    return read


def _flagged(number: Callable[[str], Decimal], column: int, flag: int, amount: Amount) -> Callable[[Cells], Decimal]:
    directions = {
        **{word.casefold(): -1 for word in amount.out_values},
        **{word.casefold(): 1 for word in amount.in_values},
    }

    def read(cells: Cells) -> Decimal:
        exact = number(cells[column])
        direction = directions.get(cells[flag].strip().casefold())
        if direction is None:
            raise ValueError(f'{amount.flag} "{cells[flag].strip()[:40]}" is no known direction')
        if exact < 0:
            raise ValueError(f"the amount has a sign although {amount.flag} gives the direction")
        return -exact if direction < 0 else exact

    return read


def _less_fees(
    number: Callable[[str], Decimal], column: int, fees: Sequence[int], *, sign: int
) -> Callable[[Cells], Decimal]:
    def read(cells: Cells) -> Decimal:
        exact = number(cells[column])
        charged = [number(cells[fee]) for fee in fees if cells[fee].strip()]
        return within_range(exact + sign * sum(charged), cells[column]) if charged else exact

    return read
