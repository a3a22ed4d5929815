"""Securities, entries of investment accounts, and positions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.columns import Money, new_id
from api_common.database import WriteSession
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from data_processing import InvestmentKind
from data_processing import Security as NamedSecurity
from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from transaction_service.errors import SecurityNotFound
from transaction_service.models import ChosenBy, InvestmentEntry, Position, PositionStatement, Security, Transaction
from transaction_service.repository.by_ids import of_user
from transaction_service.statements.investments import AccountInvestments, InvestmentRow, LedgerRow, security_key

T = TypeVar("T")

MOVES = frozenset({InvestmentKind.BUY, InvestmentKind.SELL, InvestmentKind.RETURN_OF_CAPITAL, InvestmentKind.SPLIT})
"""What turns money into securities or back, which is neither income nor spending."""

_AT_ONCE = 500
"""So many values go into one query."""

_CASH_ROW = (
    col(Transaction.id),
    func.coalesce(col(Transaction.stated_date), col(Transaction.booking_date)),
    func.coalesce(col(Transaction.stated_amount), col(Transaction.amount), type_=Money),
    col(Transaction.identity),
    col(Transaction.content),
)
_SECURITIES = Keyset(col(Security.id).asc())
_POSITIONS = Keyset(col(Position.account_id).asc(), col(Position.id).asc())
_NEWEST = Keyset(col(InvestmentEntry.trade_date).desc(), col(InvestmentEntry.id).desc())
_ENTRY_COLUMNS = (
    *("id", "user_id", "account_id", "import_id", "transaction_id", "security_id", "identity", "kind", "action"),
    *("trade_date", "settle_date", "units", "unit_price", "split", "amount", "total", "commission", "fees", "taxes"),
    *("currency", "other_account", "text"),
)
_POSITION_COLUMNS = (
    *("id", "user_id", "account_id", "security_id", "import_id", "as_of", "units", "unit_price", "market_value"),
    "currency",
)


class SecurityRepository(Repository[Security]):
    """The user's securities."""

    model = Security
    not_found = SecurityNotFound

    async def list(self, page: PageQuery) -> Slice[Security]:
        """One page of the securities, in the order in which statements first named them."""
        return await self.page(self.mine(), _SECURITIES, page)

    async def by_id(self, ids: Collection[UUID]) -> dict[UUID, Security]:
        """The securities with these ids."""
        found = await self.session.scalars(self.mine().where(col(Security.id).in_(ids)))
        return {security.id: security for security in found}

    async def keep(self, named: Mapping[str, NamedSecurity]) -> dict[str, UUID]:
        """Make sure that the securities are known, and give their ids; what one lacks is filled in."""
        known: dict[str, Security] = {}
        for keys in _parts(list(named)):
            found = await self.session.scalars(self.mine().where(col(Security.key).in_(keys)))
            known |= {security.key: security for security in found}
        for key, security in named.items():
            if key not in known:
                known[key] = Security(
                    user_id=self.user_id,
                    key=key,
                    id_type=(security.id_type or "")[:20] or None,
                    kind=str(security.kind),
                )
                self.session.add(known[key])
            _complete(known[key], security)
        await self.session.flush()
        return {key: known[key].id for key in named}

    async def forget_unnamed(self) -> None:
        """Delete the securities that neither an entry nor a position names any more."""
        in_entry = exists().where(col(InvestmentEntry.security_id) == col(Security.id))
        in_position = exists().where(col(Position.security_id) == col(Security.id))
        await self.session.execute(
            delete(Security)
            .where(col(Security.user_id) == self.user_id, ~in_entry, ~in_position)
            .execution_options(synchronize_session=False)
        )


def _complete(security: Security, named: NamedSecurity) -> None:
    security.unique_id = security.unique_id or (named.unique_id or "")[:80] or None
    security.name = security.name or (named.name or "")[:200] or None
    security.ticker = security.ticker or (named.ticker or "")[:40] or None
    security.currency = security.currency or named.currency
    if security.kind == "other":
        security.kind = str(named.kind)


@dataclass(frozen=True, kw_only=True)
class InvestmentFilter:
    """Which entries a list shows; what is None does not limit it. Days are inclusive."""

    account_id: UUID | None = None
    security_id: UUID | None = None
    transaction_id: UUID | None = None
    kinds: Collection[InvestmentKind] = ()
    from_date: date | None = None
    to_date: date | None = None


class InvestmentRepository(Repository[InvestmentEntry]):
    """The entries of the user's investment accounts, each import's own."""

    model = InvestmentEntry

    async def list(self, wanted: InvestmentFilter, page: PageQuery) -> Slice[InvestmentEntry]:
        """One page of the entries that pass the filter, newest first, each as the earliest import brought it."""
        earlier = aliased(InvestmentEntry)
        statement = self.mine().where(
            ~exists().where(
                col(earlier.account_id) == col(InvestmentEntry.account_id),
                col(earlier.identity) == col(InvestmentEntry.identity),
                col(earlier.import_id) < col(InvestmentEntry.import_id),
            )
        )
        if wanted.account_id is not None:
            statement = statement.where(col(InvestmentEntry.account_id) == wanted.account_id)
        if wanted.security_id is not None:
            statement = statement.where(col(InvestmentEntry.security_id) == wanted.security_id)
        if wanted.transaction_id is not None:
            statement = statement.where(col(InvestmentEntry.transaction_id) == wanted.transaction_id)
        if wanted.kinds:
            statement = statement.where(col(InvestmentEntry.kind).in_([str(kind) for kind in wanted.kinds]))
        if wanted.from_date is not None:
            statement = statement.where(col(InvestmentEntry.trade_date) >= wanted.from_date)
        if wanted.to_date is not None:
            statement = statement.where(col(InvestmentEntry.trade_date) <= wanted.to_date)
        return await self.page(statement, _NEWEST, page)

    async def standing(self, account_id: UUID, rows: Sequence[InvestmentRow]) -> set[str]:
        """Which of the entries' identities the account has already."""
        found: set[str] = set()
        for part in _parts([row.identity for row in rows]):
            statement = select(col(InvestmentEntry.identity)).where(
                col(InvestmentEntry.user_id) == self.user_id,
                col(InvestmentEntry.account_id) == account_id,
                col(InvestmentEntry.identity).in_(part),
            )
            found |= set(await self.session.scalars(statement))
        return found

    async def linked(self, transaction_ids: Collection[UUID]) -> dict[UUID, str]:
        """The identities of the entries that have these rows as their cash, by row."""
        found: dict[UUID, str] = {}
        for part in _parts(list(transaction_ids)):
            statement = select(col(InvestmentEntry.transaction_id), col(InvestmentEntry.identity)).where(
                col(InvestmentEntry.user_id) == self.user_id, col(InvestmentEntry.transaction_id).in_(part)
            )
            found |= {row_id: identity for row_id, identity in await self.session.execute(statement) if row_id}
        return found

    async def cash_rows(self, account_id: UUID, days: Iterable[date]) -> Sequence[LedgerRow]:
        """The account's rows of these days as their bank stated them, those that were deleted since too."""
        found: list[LedgerRow] = []
        for part in _parts(sorted(set(days))):
            statement = (
                select(*_CASH_ROW)
                .where(
                    col(Transaction.user_id) == self.user_id,
                    col(Transaction.account_id) == account_id,
                    or_(col(Transaction.booking_date).in_(part), col(Transaction.stated_date).in_(part)),
                    col(Transaction.replaced_by).is_(None),
                )
                .order_by(col(Transaction.id))
            )
            found += [LedgerRow(*row) for row in await self.session.execute(statement)]
        return found

    async def keep(
        self,
        found: AccountInvestments,
        import_id: UUID,
        *,
        securities: Mapping[str, UUID],
        links: Mapping[str, UUID],
        known_as: Mapping[str, str],
    ) -> None:
        """Store the entries of one account as this import's."""
        rows = {known_as.get(row.identity, row.identity): row for row in found.rows}
        await bulk_insert(
            WriteSession(self.session),
            InvestmentEntry,
            _ENTRY_COLUMNS,
            [
                (new_id(), self.user_id, found.account.id, import_id, *_values(row, identity, securities, links))
                for identity, row in rows.items()
            ],
        )

    async def mark_moves(self, row_ids: Collection[UUID], import_id: UUID) -> None:
        """Mark rows that the import booked as transfers: their money became securities, or came back from them."""
        for part in _parts(list(row_ids)):
            await self.session.execute(
                update(Transaction)
                .where(
                    of_user(self.user_id),
                    col(Transaction.import_id) == import_id,
                    col(Transaction.transfer_by) == str(ChosenBy.NONE),
                    col(Transaction.id).in_(part),
                )
                .values(marked_transfer=True)
                .execution_options(synchronize_session=False)
            )

    async def moves(self, row_ids: Collection[UUID]) -> set[UUID]:
        """Those of the rows that their import has marked as transfers, or would have if the user had not."""
        found: set[UUID] = set()
        for part in _parts(list(row_ids)):
            statement = (
                select(col(InvestmentEntry.transaction_id))
                .join(
                    Transaction,
                    and_(
                        col(Transaction.id) == col(InvestmentEntry.transaction_id),
                        col(Transaction.import_id) == col(InvestmentEntry.import_id),
                    ),
                )
                .where(
                    of_user(self.user_id, col(InvestmentEntry.user_id)),
                    col(InvestmentEntry.transaction_id).in_(part),
                    col(InvestmentEntry.kind).in_([str(kind) for kind in MOVES]),
                )
            )
            found.update(row_id for row_id in await self.session.scalars(statement) if row_id is not None)
        return found

    async def forget(self, import_id: UUID) -> None:
        """Delete what an import brought: entries and positions."""
        for model in (InvestmentEntry, Position, PositionStatement):
            await self.session.execute(
                delete(model)
                .where(col(model.user_id) == self.user_id, col(model.import_id) == import_id)
                .execution_options(synchronize_session=False)
            )


def _values(
    row: InvestmentRow, identity: str, securities: Mapping[str, UUID], links: Mapping[str, UUID]
) -> tuple[object, ...]:
    entry = row.entry
    return (
        links.get(row.identity),
        securities[security_key(entry.security)] if entry.security is not None else None,
        identity,
        str(entry.kind),
        entry.action[:40],
        entry.trade_date,
        entry.settle_date,
        _text(entry.units),
        _text(entry.unit_price),
        f"{_text(entry.split[0])}:{_text(entry.split[1])}" if entry.split is not None else None,
        entry.amount,
        entry.total,
        entry.commission,
        entry.fees,
        entry.taxes,
        entry.currency,
        (entry.other_account or "")[:200] or None,
        entry.text,
    )


class PositionRepository(Repository[Position]):
    """The positions that statements state."""

    model = Position

    async def list(self, page: PageQuery, *, account_id: UUID | None, as_of: date | None) -> Slice[Position]:
        """One page of what each account's latest statement on or before the day says that it holds."""
        stated, later = aliased(PositionStatement), aliased(PositionStatement)
        after = [
            col(later.account_id) == col(stated.account_id),
            or_(
                col(later.as_of) > col(stated.as_of),
                and_(col(later.as_of) == col(stated.as_of), col(later.import_id) > col(stated.import_id)),
            ),
        ]
        if as_of is not None:
            after.append(col(later.as_of) <= as_of)
        statement = (
            self.mine()
            .join(
                stated,
                and_(
                    col(stated.account_id) == col(Position.account_id),
                    col(stated.import_id) == col(Position.import_id),
                    col(stated.as_of) == col(Position.as_of),
                ),
            )
            .where(~exists().where(*after))
        )
        if as_of is not None:
            statement = statement.where(col(stated.as_of) <= as_of)
        if account_id is not None:
            statement = statement.where(col(Position.account_id) == account_id)
        return await self.page(statement, _POSITIONS, page)

    async def keep(self, found: AccountInvestments, import_id: UUID, *, securities: Mapping[str, UUID]) -> None:
        """Store the positions of one account as this import states them."""
        session = WriteSession(self.session)
        account_id = found.account.id
        statements = [(new_id(), self.user_id, account_id, import_id, day) for day in found.positions]
        await bulk_insert(session, PositionStatement, ("id", "user_id", "account_id", "import_id", "as_of"), statements)
        rows = [
            (
                new_id(),
                self.user_id,
                account_id,
                securities[security_key(position.security)],
                import_id,
                day,
                _text(position.units),
                _text(position.unit_price),
                position.market_value,
                position.currency,
            )
            for day, positions in found.positions.items()
            for position in positions
        ]
        await bulk_insert(session, Position, _POSITION_COLUMNS, rows)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _parts(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
