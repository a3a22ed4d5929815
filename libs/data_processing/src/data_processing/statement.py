"""What a statement file says, whatever its format: accounts, entries, balances and the rows that could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from data_processing.investments import InvestmentEntry, Position, Security, SecurityPrice
from data_processing.quick import quick

BalanceKind = Literal["opening", "closing", "available", "running"]


@dataclass(frozen=True, slots=True)
class AccountReference:
    """How a file names an account; every part is the bank's own wording and may be missing.

    ``type`` is one of ``checking``, ``savings``, ``credit_card``, ``investment``, ``loan``.
    """

    number: str | None = None
    bank: str | None = None
    name: str | None = None
    type: str | None = None
    currency: str | None = None

    @property
    def identified(self) -> bool:
        """Whether the file names the account at all."""
        return self.number is not None or self.name is not None


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """One part of an entry: a payment of a batch that was booked as one, or a split.

    ``amount`` is signed like the entry's, and None where the bank does not say it. Parts are never booked themselves.
    """

    amount: Decimal | None = None
    currency: str | None = None
    text: str = ""
    counterparty: str | None = None
    counterparty_account: str | None = None
    reference: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money as the bank wrote it.

    ``amount`` is exact and signed: money out is negative. ``currency`` is the currency of the amount, and None where
    the file does not say. ``text`` is kept as the bank wrote it. ``balance`` is the account's balance after the row,
    where the file prints one. ``account`` is set only where the rows of one file name several accounts.

    ``original_amount`` (signed like ``amount``) and ``original_currency`` say what was paid in another currency, and
    ``exchange_rate`` is the rate as the bank prints it, in whichever direction. ``details`` are the parts of a batch
    or of a split row. ``corrects`` is the bank's id of an earlier row that this one takes the place of.
    """

    place: str
    booking_date: date
    amount: Decimal
    text: str
    value_date: date | None = None
    currency: str | None = None
    bank_id: str | None = None
    counterparty: str | None = None
    counterparty_account: str | None = None
    reference: str | None = None
    bank_category: str | None = None
    pending: bool = False
    balance: Decimal | None = None
    account: AccountReference | None = None
    original_amount: Decimal | None = None
    original_currency: str | None = None
    exchange_rate: Decimal | None = None
    details: tuple[EntryDetail, ...] = ()
    corrects: str | None = None


new_entry = quick(Entry)
"""Makes an entry; for readers, which make very many."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """The bank's word that an earlier row, which had the id ``bank_id``, is void."""

    place: str
    bank_id: str


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance the bank states; ``date`` is None where the file gives none that can be read.

    ``code`` is the format's own name of the kind (``OPBD``, ``62M``), where it has one.
    """

    kind: BalanceKind
    amount: Decimal
    currency: str | None = None
    date: date | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be booked: where it stands, why, and its raw text (shortened)."""

    place: str
    reason: str
    bank_id: str | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """The rows a file holds for one account, or, for a CSV file, all rows of the file.

    ``investments`` are the trades and transfers of an investment account, whose cash is among the ``entries``, and
    ``positions`` what it holds on the day ``positions_as_of``, which is None where the file does not list them.
    ``deletions`` name earlier rows that the bank takes back.
    """

    account: AccountReference = field(default_factory=AccountReference)
    currency: str | None = None
    entries: tuple[Entry, ...] = ()
    refused: tuple[RefusedRow, ...] = ()
    balances: tuple[Balance, ...] = ()
    period_start: date | None = None
    period_end: date | None = None
    investments: tuple[InvestmentEntry, ...] = ()
    positions: tuple[Position, ...] = ()
    positions_as_of: date | None = None
    deletions: tuple[Deletion, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A file that was read: its format (``ofx``, ``csv/n26``), its encoding, its statements.

    ``notes`` are sentences for the user: what the bank reports beside the rows, and which rows move no money.
    ``securities`` are those that the file describes or trades, ``prices`` those of a list of prices.
    """

    format: str
    encoding: str
    statements: tuple[Statement, ...]
    notes: tuple[str, ...] = ()
    securities: tuple[Security, ...] = ()
    prices: tuple[SecurityPrice, ...] = ()
