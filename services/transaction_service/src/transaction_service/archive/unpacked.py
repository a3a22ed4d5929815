"""The rows of an archive, checked and converted and kept on disk, so that only inserting them is left to do."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO

from api_common.compute import uncollected

from transaction_service.archive.format import WORKED_OUT, ArchivedTable
from transaction_service.archive.reader import ArchiveReader
from transaction_service.archive.values import NewIds
from transaction_service.search.words import search_words

SEARCHED = "search_text"


@contextmanager
def on_disk(archive: ArchiveReader) -> Iterator[UnpackedArchive]:
    """Give an archive room for its rows, until the block ends."""
    with TemporaryFile(prefix="purser-archive-") as file:
        yield UnpackedArchive(archive, file)


class UnpackedArchive:
    """An archive with its rows as the database takes them, in a temporary file. Slow: its methods run in threads."""

    def __init__(self, archive: ArchiveReader, file: IO[bytes]) -> None:
        self.archive = archive
        self.renewed = False
        self._file = file
        self._starts: dict[str, int] = {}

    @uncollected()
    def unpack(self, new_ids: NewIds | None) -> None:
        """Check all rows and keep them, with new ids where these are given. Raises ArchiveBroken."""
        self.renewed = new_ids is not None
        self._file.seek(0)
        self._file.truncate()
        for table in self.archive.tables:
            self._starts[table.name] = self._file.tell()
            searched = next((place for place, c in enumerate(table.columns) if c.name == SEARCHED), None)
            for batch in self.archive.rows(table, new_ids):
                rows = batch if searched is None else [(*row, search_words(str(row[searched]))) for row in batch]
                pickle.dump(rows, self._file, pickle.HIGHEST_PROTOCOL)
            pickle.dump((), self._file)

    def columns(self, table: ArchivedTable) -> list[str]:
        """The names of the columns of a table's rows: those of the archive, and those that are worked out."""
        names = [column.name for column in table.columns]
        return [*names, *WORKED_OUT] if SEARCHED in names else names

    def rows(self, table: ArchivedTable) -> Iterator[tuple[object, ...]]:
        """The rows of a table, once; a batch of them is held at a time."""
        self._file.seek(self._starts[table.name])
        while batch := pickle.load(self._file):  # noqa: S301  (what `unpack` has written)
            yield from batch
