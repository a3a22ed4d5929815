"""Imports, the balances that statements state, and the bulk booking of rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from analytics_core import merchant_name
from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.database import WriteSession
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from data_processing import Entry
from sqlalchemy import delete, null
from sqlmodel import col

from transaction_service.errors import ImportNotFound
from transaction_service.identity.pending import PendingRow
from transaction_service.identity.plan import AccountPlan, ImportPlan
from transaction_service.models import (
    Account,
    ChosenBy,
    Statement,
    StatementBalance,
    StatementImport,
    Tag,
    Transaction,
)
from transaction_service.rules.categorisation import Categoriser, Decision, RowFacts
from transaction_service.rules.effects import UNTOUCHED, Booked, Chosen, booked
from transaction_service.search.text import searchable
from transaction_service.search.words import search_words
from transaction_service.statements.spool import Row

_REMEMBERED = 8_192
"""So many different texts are remembered while an import is booked."""

_COVERAGE = ("starts", "ends", "opening", "closing", "status")
_NEWEST = Keyset(col(StatementImport.id).desc())

_OF_ENTRY = (
    "booking_date",
    "value_date",
    "amount",
    "pending",
    "text",
    "counterparty_account",
    "reference",
    "bank_category",
)
"""What a row takes from its entry as it is."""
_ENTRY_VALUES = attrgetter(*_OF_ENTRY)
_COLUMNS = (
    "id",
    "user_id",
    "account_id",
    "import_id",
    "currency",
    "version",
    "created_at",
    "identity",
    "content",
    "counterparty",
    "search_text",
    "search_words",
    *_OF_ENTRY,
    *Booked._fields[:-1],
)


@dataclass(frozen=True, slots=True)
class Settled:
    """A pending row, and the booked row that takes its place; `same_identity` when only its status differs."""

    pending_id: UUID
    booked_id: UUID
    same_identity: bool


_RARE: Mapping[str, Callable[[Entry], object]] = {
    "original_amount": lambda entry: entry.original_amount,
    "original_currency": lambda entry: entry.original_currency,
    "exchange_rate": lambda entry: None if entry.exchange_rate is None else str(entry.exchange_rate),
    "balance": lambda entry: entry.balance,
    "details": lambda entry: details_of(entry) if entry.details else null(),
}
"""What few files have: where none of the rows has it, the column is left out."""


@dataclass(frozen=True, slots=True)
class BookingRows:
    """What an import inserts, as values of the table's columns, and the pending rows that give way to it.

    `rare` are the columns after the usual ones; `late` are pending rows among them that were booked before. `ids` are
    those of rows that proposals name, by account and number. `values` may be made only as they are taken, once, and
    `tags` with them.
    """

    rare: tuple[str, ...] = ()
    values: Iterable[tuple[object, ...]] = ()
    ids: dict[tuple[UUID, int], UUID] = field(default_factory=dict)
    tags: list[tuple[UUID, str, UUID, str]] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    late: list[Settled] = field(default_factory=list)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns whose values they are."""
        return (*_COLUMNS, *self.rare)


class _Booking(NamedTuple):
    """A row that is to be booked, and the pending row that it takes the place of."""

    row_id: UUID
    number: int
    identity: str
    announced: PendingRow | None


class _Given(NamedTuple):
    """What a row has from the user and the rules, as values of its columns; `searched` says that it has new texts."""

    booked: Booked
    values: tuple[object, ...]
    searched: bool

    @classmethod
    def of(cls, told_merchant: str | None, decision: Decision, chosen: Chosen) -> _Given:
        """What the user and the rules give a row whose texts tell a merchant."""
        found = booked(told_merchant, decision, chosen)
        values = tuple(str(value) if isinstance(value, ChosenBy) else value for value in found[:-1])
        return cls(found, values, bool(decision.merchant or decision.note or decision.tags))


@dataclass(frozen=True, slots=True)
class _Target:
    """The account that rows are booked on, and what they share."""

    account_id: UUID
    user_id: UUID
    currency: str
    shared: tuple[object, ...]
    categoriser: Categoriser
    rare: tuple[str, ...]
    tags: list[tuple[UUID, str, UUID, str]]
    # The texts of a bank repeat themselves, and what the rules give even more.
    searched: Callable[..., tuple[str, str]]
    given: Callable[[str | None, Decision, Chosen], _Given]

    @classmethod
    def of(
        cls, found: BookingRows, account: Account, *, import_id: UUID, categoriser: Categoriser, created_at: datetime
    ) -> _Target:
        """The target of rows of an account."""
        return cls(
            account.id,
            account.user_id,
            account.currency,
            (account.user_id, account.id, import_id, account.currency, 1, created_at),
            categoriser,
            found.rare,
            found.tags,
            lru_cache(_REMEMBERED)(_searched),
            lru_cache(_REMEMBERED)(_Given.of),
        )

    def decide(
        self, entry: Entry, search_text: str, counterparty: str | None, chosen: Chosen, told: str | None
    ) -> _Given:
        """What the user and the rules give a row whose texts tell a merchant."""
        facts = RowFacts(
            search_text,
            entry.text,
            counterparty,
            entry.counterparty_account,
            entry.reference,
            chosen.merchant or told,
            chosen.note,
            entry.bank_category,
            entry.amount,
            self.currency,
            self.account_id,
            entry.booking_date,
            chosen.tags,
        )
        return self.given(told, self.categoriser.decide(facts), chosen)


def booking_rows(plan: ImportPlan, *, import_id: UUID, categoriser: Categoriser, created_at: datetime) -> BookingRows:
    """The rows that the plan books. Slow for large files: runs in a thread, and so does what takes the values."""
    rare = tuple(name for name in _RARE if name in plan.rows.rare)
    values: list[Iterator[tuple[object, ...]]] = []
    found = BookingRows(rare, chain.from_iterable(values))
    for of_account in plan.accounts:
        account, decisions = of_account.account, of_account.decisions
        named = {target for _, target in (*decisions.rejected, *decisions.accepted) if isinstance(target, int)}
        first: list[_Booking] = []
        for announced, number in decisions.settle:
            row_id, identity = new_id(), of_account.identity_of(number, plan.rows[number])
            first.append(_Booking(row_id, number, identity, announced))
            found.settled.append(Settled(announced.id, row_id, announced.identity == identity))
        for number, standing in decisions.announced_late:
            row_id = new_id()
            first.append(_Booking(row_id, number, of_account.identity_of(number, plan.rows[number]), None))
            found.late.append(Settled(row_id, standing.id, same_identity=False))
        first += [
            _Booking(new_id(), number, of_account.identity_of(number, plan.rows[number]), None)
            for number in decisions.book
            if number in named
        ]
        found.ids.update({(account.id, booking.number): booking.row_id for booking in first})
        target = _Target.of(found, account, import_id=import_id, categoriser=categoriser, created_at=created_at)
        values.append(_values(target, of_account, first, named))
    return found


def _values(
    target: _Target, plan: AccountPlan, first: Sequence[_Booking], named: Collection[int]
) -> Iterator[tuple[object, ...]]:
    """The values of an account's rows: those whose ids are known first, so that all are in the order of their ids."""
    rows = plan.rows.of(booking.number for booking in first)
    for booking, row in zip(first, rows, strict=True):
        yield _row_values(target, booking.row_id, row, booking.identity, booking.announced)
    others = [number for number in plan.decisions.book if number not in named] if named else plan.decisions.book
    for number, row in zip(others, plan.rows.of(others), strict=True):
        yield _row_values(target, new_id(), row, plan.identity_of(number, row), None)


def one_row(
    account: Account, row: Row, identity: str, *, import_id: UUID, categoriser: Categoriser, created_at: datetime
) -> tuple[UUID, BookingRows]:
    """A single row that is to be booked, and its id."""
    entry = row.entry
    found, row_id = BookingRows(tuple(n for n in _RARE if getattr(entry, n) not in (None, ()))), new_id()
    target = _Target.of(found, account, import_id=import_id, categoriser=categoriser, created_at=created_at)
    return row_id, replace(found, values=[_row_values(target, row_id, row, identity, None)])


def details_of(entry: Entry) -> list[dict[str, object]]:
    """The parts of an entry, as JSON can hold them."""
    return [
        {
            name: str(value) if isinstance(value, Decimal) else value
            for name, value in asdict(part).items()
            if value not in (None, "")
        }
        for part in entry.details
    ]


def _searched(*parts: str | None) -> tuple[str, str]:
    """The text in which a row is found, and the words."""
    text = searchable(*parts)
    return text, search_words(text)


def _row_values(
    target: _Target, row_id: UUID, row: Row, identity: str, announced: PendingRow | None
) -> tuple[object, ...]:
    entry, chosen = row.entry, announced.chosen if announced is not None else UNTOUCHED
    counterparty, told = entry.counterparty, row.merchant
    if announced is not None and announced.edited:
        counterparty = announced.counterparty
        told = merchant_name(counterparty or entry.text) or None
    merchant = chosen.merchant or told
    searched = target.searched(counterparty, entry.text, entry.reference, merchant, chosen.note, *chosen.tags)
    given = target.decide(entry, searched[0], counterparty, chosen, told)
    tags = given.booked.tags
    if given.searched:
        names = (tag.name for tag in tags)
        searched = _searched(
            counterparty, entry.text, entry.reference, given.booked.merchant, given.booked.note, *names
        )
    if tags:
        target.tags.extend((row_id, tag.name, target.user_id, str(tag.by)) for tag in tags)
    return (
        row_id,
        *target.shared,
        identity,
        row.content,
        counterparty,
        *searched,
        *_ENTRY_VALUES(entry),
        *given.values,
        *[_RARE[name](entry) for name in target.rare],
    )


class ImportRepository(Repository[StatementImport]):
    """The user's imports."""

    model = StatementImport
    not_found = ImportNotFound

    async def list(self, page: PageQuery) -> Slice[StatementImport]:
        """One page of the imports, newest first."""
        return await self.page(self.mine(), _NEWEST, page)

    async def take_time(self) -> None:
        """Let PostgreSQL wait between two statements for as long as the rows of a large file take, in this transaction.

        Else it ends a transaction that asks nothing for a minute, as if its client had been lost.
        """
        connection = await self.session.connection()
        if connection.dialect.name == "postgresql":
            await connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout TO 0")

    async def book(self, rows: BookingRows) -> None:
        """Insert rows and their tags as `booking_rows` gives them, all at once."""
        session = WriteSession(self.session)
        await bulk_insert(session, Transaction, rows.columns, rows.values)
        await bulk_insert(session, Tag, ("transaction_id", "tag", "user_id", "tagged_by"), rows.tags)

    async def keep_balances(self, plan: ImportPlan, import_id: UUID) -> None:
        """Store the balances that the statements state."""
        columns = ("id", "user_id", "account_id", "import_id", "kind", "amount", "currency", "balance_date")
        rows = [
            (new_id(), self.user_id, p.account.id, import_id, b.kind, b.amount, p.account.currency, b.date)
            for p in plan.accounts
            for b in p.balances
        ]
        await bulk_insert(WriteSession(self.session), StatementBalance, columns, rows)

    async def keep_statements(self, plan: ImportPlan, import_id: UUID) -> None:
        """Store which days the statements are about, and what their balances prove."""
        columns = ("id", "user_id", "account_id", "import_id", "position", *_COVERAGE)
        rows = [
            (new_id(), self.user_id, p.account.id, import_id, section.number, *(getattr(found, n) for n in _COVERAGE))
            for p in plan.accounts
            for section, found in zip(p.sections, p.coverages, strict=True)
        ]
        await bulk_insert(WriteSession(self.session), Statement, columns, rows)

    async def forget_statements(self, import_id: UUID) -> None:
        """Delete the statements and balances that an import brought."""
        for model in (Statement, StatementBalance):
            await self.session.execute(
                delete(model).where(col(model.user_id) == self.user_id, col(model.import_id) == import_id)
            )
