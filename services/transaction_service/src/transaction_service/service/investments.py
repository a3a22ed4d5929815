"""What statements say of investments beside the movements of cash: kept with an import, gone with its undoing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from api_common.pagination import PageQuery, Slice
from data_processing import StatementFile
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.models import InvestmentEntry, Position, Security
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.investments import (
    MOVES,
    InvestmentFilter,
    InvestmentRepository,
    PositionRepository,
    SecurityRepository,
)
from transaction_service.schemas.investments import InvestmentSchema, PositionSchema, SecuritySchema
from transaction_service.statements.accounts import StatementAccounts
from transaction_service.statements.investments import (
    AccountInvestments,
    InvestmentRow,
    cash_links,
    file_investments,
    says_anything,
)


@dataclass(frozen=True, slots=True)
class KeptInvestments:
    """How many entries of a file were unknown, how many positions it states, and what the user should know."""

    investments: int = 0
    positions: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Matched:
    """The rows of the ledger that are the cash of an account's entries, and entries known under other identities."""

    links: dict[str, UUID]
    known_as: dict[str, str]
    standing: set[str]

    def unknown(self, found: AccountInvestments) -> int:
        """How many entries the account does not have yet."""
        identities = {self.known_as.get(row.identity, row.identity) for row in found.rows}
        return len(identities - self.standing - set(self.known_as.values()))


class Investments:
    """The investments of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._accounts = AccountRepository(session, user_id)
        self._securities = SecurityRepository(session, user_id)
        self._entries = InvestmentRepository(session, user_id)
        self._positions = PositionRepository(session, user_id)

    async def keep(self, file: StatementFile, accounts: StatementAccounts, import_id: UUID | None) -> KeptInvestments:
        """Keep the file's entries and positions as this import's, after its rows were booked.

        An `import_id` of None keeps nothing and only counts.
        """
        if not says_anything(file):
            return KeptInvestments()
        found = file_investments(file, accounts)
        securities = await self._securities.keep(found.securities) if import_id is not None else {}
        unknown = stated = 0
        for of_account in found.accounts.values():
            matched = await self._match(of_account)
            unknown += matched.unknown(of_account)
            stated += sum(len(positions) for positions in of_account.positions.values())
            if import_id is not None:
                await self._entries.keep(
                    of_account, import_id, securities=securities, links=matched.links, known_as=matched.known_as
                )
                moves = [matched.links[row.identity] for row in of_account.rows if _is_move(row, matched)]
                await self._entries.mark_moves(moves, import_id)
                await self._positions.keep(of_account, import_id, securities=securities)
        return KeptInvestments(unknown, stated, _notes(found.left_out))

    async def _match(self, found: AccountInvestments) -> _Matched:
        """An entry whose cash is that of a known entry is that entry, though its bank has changed the id."""
        account_id = found.account.id
        days = [row.cash.booking_date for row in found.rows if row.cash is not None]
        links = cash_links(found.rows, await self._entries.cash_rows(account_id, days) if days else ())
        known = await self._entries.linked(links.values())
        known_as = {identity: known[row_id] for identity, row_id in links.items() if row_id in known}
        return _Matched(links, known_as, await self._entries.standing(account_id, found.rows))

    async def forget(self, import_id: UUID) -> None:
        """Delete what an import brought; what other imports brought too stays theirs."""
        await self._entries.forget(import_id)
        await self._securities.forget_unnamed()

    async def securities(self, page: PageQuery) -> Slice[Security]:
        """One page of the securities."""
        return await self._securities.list(page)

    async def security(self, security_id: UUID) -> Security:
        """One security. Raises SecurityNotFound."""
        return await self._securities.get(security_id)

    async def list(self, wanted: InvestmentFilter, page: PageQuery) -> Slice[InvestmentSchema]:
        """One page of the entries that pass the filter, newest first. Raises AccountNotFound, SecurityNotFound."""
        if wanted.account_id is not None:
            await self._accounts.get(wanted.account_id)
        if wanted.security_id is not None:
            await self._securities.get(wanted.security_id)
        found = await self._entries.list(wanted, page)
        securities = await self._securities.by_id({e.security_id for e in found.items if e.security_id is not None})
        return Slice([_entry(entry, securities) for entry in found.items], found.next_cursor)

    async def positions(self, page: PageQuery, *, account_id: UUID | None, as_of: date | None) -> Slice[PositionSchema]:
        """One page of what the accounts hold by their latest statements. Raises AccountNotFound."""
        if account_id is not None:
            await self._accounts.get(account_id)
        found = await self._positions.list(page, account_id=account_id, as_of=as_of)
        securities = await self._securities.by_id({position.security_id for position in found.items})
        return Slice([_position(position, securities) for position in found.items], found.next_cursor)


def _is_move(row: InvestmentRow, matched: _Matched) -> bool:
    """Whether the entry turned money into securities or back, which is neither income nor spending."""
    return row.entry.kind in MOVES and row.identity in matched.links


def _notes(left_out: int) -> tuple[str, ...]:
    if not left_out:
        return ()
    what = "1 investment entry or position has" if left_out == 1 else f"{left_out} investment entries or positions have"
    return (f"{what} an amount that cannot be kept exactly and stays out.",)


def _entry(entry: InvestmentEntry, securities: dict[UUID, Security]) -> InvestmentSchema:
    security = securities[entry.security_id] if entry.security_id is not None else None
    fields = entry.model_dump(exclude={"user_id", "security_id", "identity", "text"})
    return InvestmentSchema.model_validate(
        {
            **fields,
            "description": entry.text,
            "security": SecuritySchema.model_validate(security) if security is not None else None,
        }
    )


def _position(position: Position, securities: dict[UUID, Security]) -> PositionSchema:
    fields = position.model_dump(exclude={"user_id", "security_id"})
    security = SecuritySchema.model_validate(securities[position.security_id])
    return PositionSchema.model_validate({**fields, "security": security})
