"""Everything that a user has as one file, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING
from uuid import UUID

from api_common.columns import now
from api_common.compute import offload
from api_common.logging import get_logger
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.archive.format import ArchivedTable, Kind, archived_tables
from transaction_service.archive.reader import ArchiveReader
from transaction_service.archive.unpacked import UnpackedArchive
from transaction_service.archive.values import NewIds
from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.disk_room import room_on_disk
from transaction_service.errors import ArchiveBroken, LedgerNotEmpty
from transaction_service.repository.archive import BATCH_ROWS, ArchiveRepository
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.ledger import LedgerRepository

if TYPE_CHECKING:
    from transaction_service.archive.writer import ArchiveWriter

log = get_logger()


@dataclass(frozen=True)
class Archived:
    """What was imported: rows by table, and whether they have other ids than in the archive."""

    tables: dict[str, int]
    ids: str
    created_at: datetime


class Archives:
    """The archives of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._archive = ArchiveRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)

    async def export(self) -> IO[bytes]:
        """Make an archive on disk and give it, open at its first byte; it is gone from the disk when it is closed.

        The session shows one state from the first row to the last (`Database.snapshot`).

        Raises InsufficientStorage.
        """
        with room_on_disk():
            return await self._export()

    async def _export(self) -> IO[bytes]:
        folder = TemporaryDirectory(prefix="purser-archive-", ignore_cleanup_errors=True)
        try:
            archive = await self._write(Path(folder.name))
            # On the systems Purser runs on, an open file outlives its name: whatever ends the answer, nothing is left.
            return await offload(archive.open, "rb")
        finally:
            await asyncio.shield(offload(folder.cleanup))

    async def _write(self, folder: Path) -> Path:
        writer = await offload(_writer, folder, self._archive.dialect)
        for table in archived_tables():
            await offload(writer.begin, table)
            async for rows in self._archive.batches(table):
                await offload(writer.write, table, rows)
            await offload(writer.end, table)
        await self._write_ledger(writer)
        await offload(writer.finish, now())
        return writer.path

    async def _write_ledger(self, writer: ArchiveWriter) -> None:
        tree, parts = await self._categories.tree(), await self._ledger.parts()
        after: tuple[date, UUID] | None = None
        while True:
            rows = await self._ledger.rows(after=after, limit=BATCH_ROWS)
            if rows or after is None:
                await offload(writer.write_ledger, rows, parts, tree)
            if len(rows) < BATCH_ROWS:
                return
            last = rows[-1]
            after = (date.fromisoformat(str(last.booking_date)), UUID(str(last.id)))

    async def unpack(self, unpacked: UnpackedArchive) -> None:
        """Check all rows of an archive that was verified, and prepare them for `import_`. Takes long; writes nothing.

        Ids stay as they are, unless somebody else on this server has them: then all are exchanged for new ones.

        Raises ArchiveBroken, InsufficientStorage.
        """
        roots = await offload(_roots, unpacked.archive)
        new_ids = _new_ids(roots) if await self._are_taken(roots) else None
        with room_on_disk():
            await offload(unpacked.unpack, new_ids)

    async def import_(self, unpacked: UnpackedArchive) -> Archived:
        """Fill an empty ledger with an archive that was unpacked: all of it, or, when anything fails, nothing.

        Raises LedgerNotEmpty, ArchiveBroken.
        """
        await self._ledger.begin_change()
        present = await self._archive.counts()
        if present:
            listed = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in present.items())
            raise LedgerNotEmpty(
                f"An archive goes into an empty ledger, and this one holds {listed}. Delete everything first "
                "(DELETE /v1/ledger), or import as another user.",
                present=present,
            )
        archive = unpacked.archive
        if not unpacked.renewed and await self._are_taken(await offload(_roots, archive)):
            # Somebody has imported the same archive in the meantime.
            await self.unpack(unpacked)
        for table in archive.tables:
            await self._archive.insert(table, unpacked.columns(table), unpacked.rows(table))
        await self._archive.check_references()
        await self._archive.check_splits()
        await self._check_categories()
        counts = {name: table.rows for name, table in archive.manifest.tables.items() if table.rows}
        log.info("archive_imported", rows=sum(counts.values()), new_ids=unpacked.renewed)
        return Archived(counts, "renewed" if unpacked.renewed else "kept", archive.manifest.created_at)

    async def _are_taken(self, roots: Mapping[ArchivedTable, Sequence[str]]) -> bool:
        """Whether ids of the archive are taken.

        Rows that hang on no others tell it: the rows of somebody who has any of the archive's hang on these.
        """
        for table, texts in roots.items():
            if await self._archive.is_taken(table, [found for text in texts if (found := _uuid(text))]):
                return True
        return False

    async def _check_categories(self) -> None:
        tree = await self._categories.tree()
        strange = await self._archive.used_categories() - {node.id for node in tree}
        if strange:
            raise ArchiveBroken(f"Rows have the category {min(strange)}, which the archive does not hold.")


def _writer(folder: Path, dialect: str) -> ArchiveWriter:
    # Polars takes long to import: in a thread for the first who asks, instead of at every start.
    from transaction_service.archive.writer import ArchiveWriter

    return ArchiveWriter(folder, dialect)


def _roots(archive: ArchiveReader) -> Mapping[ArchivedTable, Sequence[str]]:
    """The ids of the rows that hang on no others, as texts."""
    return {table: archive.ids(table) for table in archive.tables if table.is_root}


def _new_ids(roots: Mapping[ArchivedTable, Sequence[str]]) -> NewIds:
    names = {c.name for table in archived_tables() for c in table.columns if c.kind is Kind.ID}
    built_in = {category.id for category in DEFAULT_CATEGORIES}
    return NewIds(kept=built_in, known={text for texts in roots.values() for text in texts}, names=names)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
