"""The ledger as a whole: its export and its end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api_common.compute import offload
from api_common.database import WriteSession
from api_common.idempotency import forget_user
from data_processing import LEDGER_SCHEMA_VERSION
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.categories.tree import CategoryTree
from transaction_service.ledger.format import LedgerFormat
from transaction_service.ledger.parts import RowParts
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.schemas.accounts import Deleted

_MOST_READINGS = 3

# A release that renames a built-in category changes the exported bytes without any write of the user.
_TREE_MARK = hashlib.sha256(repr(DEFAULT_CATEGORIES).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class ExportedLedger:
    """A ledger's file and the entity tag of the state that it shows."""

    content: bytes
    tag: str


class WholeLedger:
    """One user's ledger as a whole."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id
        self._ledger = LedgerRepository(session, user_id)

    async def tag(self, form: LedgerFormat) -> str:
        """The entity tag of the present state, without quotes; changes with every write."""
        return self._tag(form, await self._ledger.revision())

    async def export(self, form: LedgerFormat) -> ExportedLedger:
        """The whole ledger as a file.

        Reading takes several statements, each of which sees what is committed at its start; it is repeated when
        somebody wrote in between, so that the tag names what the file shows.
        """
        revision = await self._ledger.revision()
        for _ in range(_MOST_READINGS):
            rows, parts = await self._ledger.rows(), await self._ledger.parts()
            tree = await CategoryRepository(self._session, self._user_id).tree()
            before, revision = revision, await self._ledger.revision()
            if before == revision:
                break
        content = await offload(_file, rows, parts, tree, form)
        # Under constant writing the earlier revision is the safe one: its holder asks again and gets the rest.
        return ExportedLedger(content, self._tag(form, before))

    async def delete_everything(self, *, closing: bool = False) -> Deleted:
        """Delete all of the user's data in this service, and for `closing` let nothing new come; says what went."""
        await self._ledger.begin_change(closing=closing)
        deleted = await self._ledger.delete_everything()
        await forget_user(WriteSession(self._session), self._user_id)
        return Deleted(deleted=deleted)

    def _tag(self, form: LedgerFormat, revision: int) -> str:
        owner = hashlib.sha256(self._user_id.bytes).hexdigest()[:12]
        return f"{form}{LEDGER_SCHEMA_VERSION}-{_TREE_MARK}-{owner}-{revision}"


def _file(rows: Sequence[Row[Any]], parts: RowParts, tree: CategoryTree, form: LedgerFormat) -> bytes:
    # Polars takes long to import: in a thread for the first who asks, instead of at every start.
    from transaction_service.ledger.frame import ledger_file, ledger_frame

    return ledger_file(ledger_frame(rows, parts, tree), form)
