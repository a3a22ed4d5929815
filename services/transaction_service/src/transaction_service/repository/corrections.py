"""What banks have taken back, and the rows that it concerns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from api_common.repository import Repository
from sqlalchemy import ColumnElement, SQLColumnExpression, delete, exists, false, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from transaction_service.identity.pairing import OF_BANK, bank_id
from transaction_service.models import Correction, RowIdentity, Transaction
from transaction_service.repository.by_ids import of_user
from transaction_service.rows.state import RowState

_AT_ONCE = 500
_FEW = 20
"""Rows with so many ids are looked for by them; for more, the account's rows are gone through once."""


class CorrectionRepository(Repository[Correction]):
    """The user's corrections."""

    model = Correction

    async def bank_ids(self, account_id: UUID) -> set[str]:
        """The ids that the account's bank has taken back."""
        statement = select(col(Correction.bank_id)).where(
            col(Correction.user_id) == self.user_id, col(Correction.account_id) == account_id
        )
        return set(await self.session.scalars(statement))

    async def open(self, account_id: UUID) -> Sequence[Correction]:
        """The account's corrections of which no row is known, the earliest first."""
        statement = self.mine().where(
            col(Correction.account_id) == account_id, col(Correction.transaction_id).is_(None)
        )
        return (await self.session.scalars(statement.order_by(col(Correction.id)))).all()

    async def void_rows(self, account_id: UUID) -> dict[str, UUID]:
        """The rows that corrections of the account have taken back, by the bank's id."""
        statement = select(col(Correction.bank_id), col(Correction.transaction_id)).where(
            col(Correction.user_id) == self.user_id, col(Correction.account_id) == account_id
        )
        return {bank_id: row_id for bank_id, row_id in await self.session.execute(statement) if row_id is not None}

    async def links_of(self, row_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The rows that the user had linked with rows that were taken back, by these."""
        found: dict[UUID, UUID] = {}
        for part in _parts(row_ids):
            statement = select(col(Correction.transaction_id), col(Correction.linked_to)).where(
                of_user(self.user_id, col(Correction.user_id)), col(Correction.transaction_id).in_(part)
            )
            found |= {one: other for one, other in await self.session.execute(statement) if one and other}
        return found

    async def link_back(self, row_id: UUID, other_id: UUID) -> None:
        """Remember with a row that was taken back which row the user had linked with it, as that one stands again."""
        await self.session.execute(
            update(Correction)
            .where(
                of_user(self.user_id, col(Correction.user_id)),
                col(Correction.transaction_id) == row_id,
                col(Correction.linked_to).is_(None),
            )
            .values(linked_to=other_id)
        )

    async def stand_ins(self, rows: Collection[RowState]) -> dict[UUID, UUID]:
        """The rows that stand in the place of these, which the user had deleted before their bank replaced them."""
        by_bank_id = {
            (correction.account_id, correction.bank_id): correction.replaced_by
            for correction in await self._unmatched(rows)
        }
        named = {row.id: by_bank_id.get((row.account_id, bank_id(row.identity) or "")) for row in rows}
        wanted = {row_id for row_id in named.values() if row_id is not None}
        standing: set[UUID] = set()
        for part in _parts(wanted):
            statement = select(col(Transaction.id)).where(
                of_user(self.user_id), col(Transaction.id).in_(part), col(Transaction.deleted_at).is_(None)
            )
            standing |= set(await self.session.scalars(statement))
        return {row_id: other for row_id, other in named.items() if other in standing and other is not None}

    async def let_stand(self, rows: Collection[RowState]) -> None:
        """Take it that the user, who brings these rows back, knows that their bank has taken them away."""
        by_bank_id = {(row.account_id, bank_id(row.identity)): row.id for row in rows}
        for correction in await self._unmatched(rows):
            correction.transaction_id = by_bank_id.get((correction.account_id, correction.bank_id))
        await self.session.flush()

    async def _unmatched(self, rows: Collection[RowState]) -> Sequence[Correction]:
        """The corrections of which no row is known, of the accounts of these rows; the earliest last."""
        accounts = {row.account_id for row in rows}
        statement = self.mine().where(
            col(Correction.account_id).in_(accounts), col(Correction.transaction_id).is_(None)
        )
        return (await self.session.scalars(statement.order_by(col(Correction.id).desc()))).all()

    async def keep(self, corrections: Collection[Correction]) -> None:
        """Store new ones."""
        self.session.add_all(corrections)
        await self.session.flush()

    async def rows_named(self, account_id: UUID, identities: Sequence[str]) -> dict[str, UUID]:
        """The rows of the account with these identities, or that a file has brought under them."""
        found: dict[str, UUID] = {}
        for start in range(0, len(identities), _AT_ONCE):
            part = identities[start : start + _AT_ONCE]
            aliases = select(col(RowIdentity.identity), col(RowIdentity.transaction_id)).where(
                col(RowIdentity.user_id) == self.user_id,
                col(RowIdentity.account_id) == account_id,
                col(RowIdentity.identity).in_(part),
            )
            own = select(col(Transaction.identity), col(Transaction.id)).where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.account_id) == account_id,
                col(Transaction.identity).in_(part),
            )
            for statement in (aliases, own):
                found.update((identity, row_id) for identity, row_id in await self.session.execute(statement))
        return found

    async def bearers(self, account_id: UUID, bank_ids: Collection[str]) -> dict[str, list[Transaction]]:
        """The standing rows that have these ids from their bank, by id."""
        named = await self._named(account_id, bank_ids)
        rows: dict[UUID, Transaction] = {}
        for part in _parts(named):
            statement = select(Transaction).where(
                of_user(self.user_id),
                col(Transaction.id).in_(part),
                col(Transaction.deleted_at).is_(None),
            )
            rows |= {row.id: row for row in await self.session.scalars(statement)}
        found: dict[str, list[Transaction]] = {}
        for row_id, ids in named.items():
            for known_as in ids if row_id in rows else ():
                found.setdefault(known_as, []).append(rows[row_id])
        return found

    async def _named(self, account_id: UUID, bank_ids: Collection[str]) -> dict[UUID, set[str]]:
        """The rows of the account, tombstones too, that bear one of these ids or were brought under one."""
        few = bank_ids if len(bank_ids) <= _FEW else None
        found: dict[UUID, set[str]] = {}
        for identity, row_id, owner, account in (
            (col(Transaction.identity), col(Transaction.id), col(Transaction.user_id), col(Transaction.account_id)),
            (
                col(RowIdentity.identity),
                col(RowIdentity.transaction_id),
                col(RowIdentity.user_id),
                col(RowIdentity.account_id),
            ),
        ):
            statement = select(identity, row_id).where(
                owner == self.user_id, account == account_id, _begins(identity, few)
            )
            for known_as, bearer in await self.session.execute(statement):
                # LIKE takes small and capital letters for the same on SQLite.
                if (named := bank_id(known_as)) is not None and named in bank_ids:
                    found.setdefault(bearer, set()).add(named)
        return found

    async def replaced(self, rows: Mapping[UUID, UUID | None]) -> None:
        """Note which row stands in the place of which, if any."""
        for row_id, by in rows.items():
            await self.session.execute(
                update(Transaction)
                .where(col(Transaction.user_id) == self.user_id, col(Transaction.id) == row_id)
                .values(replaced_by=by)
            )

    async def forget(self, import_id: UUID) -> dict[UUID, UUID | None]:
        """Delete the corrections that an import brought.

        Gives the rows that nothing takes back any more, each with the row that the user had linked with it.
        """
        mine = (col(Correction.user_id) == self.user_id, col(Correction.import_id) == import_id)
        named = await self.session.scalars(select(col(Correction.transaction_id)).where(*mine))
        rows = {row_id for row_id in named if row_id is not None}
        links = await self.links_of(rows)
        await self.session.execute(delete(Correction).where(*mine).execution_options(synchronize_session=False))
        still: set[UUID] = set()
        for part in _parts(rows):
            statement = select(col(Correction.transaction_id)).where(
                col(Correction.user_id) == self.user_id, col(Correction.transaction_id).in_(part)
            )
            still |= {row_id for row_id in await self.session.scalars(statement) if row_id is not None}
        return {row_id: links.get(row_id) for row_id in rows - still}

    async def imports_of(self, row_ids: Collection[UUID]) -> Sequence[UUID]:
        """The imports that brought those of the rows that stand."""
        found: set[UUID] = set()
        for part in _parts(row_ids):
            statement = select(col(Transaction.import_id)).where(
                of_user(self.user_id),
                col(Transaction.id).in_(part),
                col(Transaction.deleted_at).is_(None),
            )
            found |= {import_id for import_id in await self.session.scalars(statement) if import_id is not None}
        return sorted(found)

    async def tombstones(self, row_ids: Collection[UUID]) -> Sequence[Transaction]:
        """Those of the rows that are deleted and that no standing row replaces."""
        replacing = aliased(Transaction)
        void = exists().where(col(Correction.transaction_id) == col(replacing.id))
        found: list[Transaction] = []
        for part in _parts(row_ids):
            statement = (
                select(Transaction)
                .outerjoin(replacing, col(replacing.id) == col(Transaction.replaced_by))
                .where(
                    of_user(self.user_id),
                    col(Transaction.id).in_(part),
                    col(Transaction.deleted_at).is_not(None),
                    or_(col(replacing.id).is_(None), col(replacing.replaced_by).is_not(None), void),
                )
            )
            found += await self.session.scalars(statement)
        return found


def _parts(row_ids: Collection[UUID]) -> Iterator[Sequence[UUID]]:
    ids = list(row_ids)
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _begins(column: SQLColumnExpression[str], bank_ids: Collection[str] | None) -> ColumnElement[bool]:
    """Whether an identity begins with one of the ids, or, for None, with any."""
    if bank_ids is None:
        return column.startswith(OF_BANK)
    return or_(false(), *(column.startswith(f"{OF_BANK}{named}#", autoescape=True) for named in bank_ids))
