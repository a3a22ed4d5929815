"""Reads an archive and trusts nothing in it. Slow: its methods run in threads."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from pydantic import ValidationError

from transaction_service.archive.checks import check_rows
from transaction_service.archive.format import (
    FORMAT,
    MANIFEST,
    ArchivedColumn,
    ArchivedTable,
    Kind,
    Manifest,
    archived_tables,
)
from transaction_service.archive.values import ColumnReader, NewIds, parsed_line
from transaction_service.errors import ArchiveBroken, ArchiveTooLarge, ArchiveTooNew

BATCH_ROWS = 20_000
_BATCH_BYTES = 16 * 1024 * 1024
LONGEST_LINE = 64 * 1024 * 1024
LARGEST_MANIFEST = 1024 * 1024
MOST_FILES = 1000
MOST_EXPANSION = 200
"""A file may be so many times as large as it is in the archive; rows of a ledger are compressed to a tenth."""
_PIECE = 1024 * 1024
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

_Damage = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, UnicodeDecodeError)


class ArchiveReader:
    """One archive. Raises ArchiveBroken wherever it is not what it says."""

    def __init__(self, file: IO[bytes], *, limit: int) -> None:
        """Open the archive and read its manifest; `limit` is the most bytes that all of its files may have.

        Raises ArchiveTooNew and ArchiveTooLarge, too.
        """
        try:
            self._zip = zipfile.ZipFile(file)
        except _Damage as error:
            raise ArchiveBroken("The file is no zip archive, or its end is missing.") from error
        self._entries = self._checked_entries(limit)
        self.manifest = self._manifest()
        self._compare_names()
        self.tables = [table for table in archived_tables() if table.name in self.manifest.tables]
        self._compare_columns()

    def verify(self) -> None:
        """Read every file once and compare it with the manifest: size and SHA-256."""
        for name, stated in self.manifest.files.items():
            digest, size = hashlib.sha256(), 0
            try:
                with self._zip.open(name) as file:
                    while piece := file.read(_PIECE):
                        digest.update(piece)
                        size += len(piece)
            except _Damage as error:
                raise ArchiveBroken(f"{name} is damaged: {error}.") from error
            if (size, digest.hexdigest()) != (stated.bytes, stated.sha256):
                raise ArchiveBroken(f"{name} is not the file that the manifest tells of: its SHA-256 differs.")

    def rows(self, table: ArchivedTable, new_ids: NewIds | None) -> Iterator[Sequence[Sequence[object]]]:
        """The rows of a table, as `ArchiveRepository.insert` takes them, some thousands at a time."""
        readers = [ColumnReader(column, new_ids) for column in table.columns]
        absent = self._absent(table)
        first = 1
        for lines in self._lines(table):
            stored = self._columns(table, lines, first)
            try:
                columns = [
                    reader.read(stored.get(reader.name) or [absent[reader.name]] * len(lines)) for reader in readers
                ]
                rows = list(zip(*columns, strict=True))
                check_rows(table.name, [reader.name for reader in readers], rows)
            except ValueError as error:
                reason, place = error.args
                raise ArchiveBroken(f"{table.data_file}, line {first + place}: {reason}.") from None
            yield rows
            first += len(lines)
        if first - 1 != self.manifest.tables[table.name].rows:
            stated = self.manifest.tables[table.name].rows
            raise ArchiveBroken(f"{table.data_file} has {first - 1} rows; the manifest tells of {stated}.")

    def _columns(self, table: ArchivedTable, lines: Sequence[bytes], first: int) -> Mapping[str, Sequence[object]]:
        """The values of some lines by column, as JSON has them."""
        kinds = self.manifest.tables[table.name].columns
        free = [name for name, kind in kinds.items() if kind is Kind.JSON]
        rows = []
        for place, line in enumerate(lines):
            row = _row(line, table.data_file, first + place, free)
            if row.keys() != kinds.keys():
                raise ArchiveBroken(f"{table.data_file}, line {first + place}: the row has other columns.")
            rows.append(tuple(map(row.__getitem__, kinds)))
        return dict(zip(kinds, zip(*rows, strict=True), strict=True))

    def ids(self, table: ArchivedTable) -> list[str]:
        """The ids of a table's rows, as texts."""
        found = []
        for lines in self._lines(table):
            for place, line in enumerate(lines):
                value = _row(line, table.data_file, place + 1).get("id")
                if isinstance(value, str):
                    found.append(value)
        return found

    def _lines(self, table: ArchivedTable) -> Iterator[list[bytes]]:
        try:
            with self._zip.open(table.data_file) as entry, io.BufferedReader(_Raw(entry), _PIECE) as file:
                lines: list[bytes] = []
                size = 0
                while line := file.readline(LONGEST_LINE + 1):
                    if len(line) > LONGEST_LINE:
                        raise ArchiveBroken(f"{table.data_file} has a line of more than {LONGEST_LINE} bytes.")
                    lines.append(line)
                    size += len(line)
                    if len(lines) == BATCH_ROWS or size > _BATCH_BYTES:
                        yield lines
                        lines, size = [], 0
                if lines:
                    yield lines
        except _Damage as error:
            raise ArchiveBroken(f"{table.data_file} is damaged: {error}.") from error

    def _checked_entries(self, limit: int) -> Mapping[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > MOST_FILES or len({entry.filename for entry in entries}) != len(entries):
            raise ArchiveBroken(f"The archive has a file twice, or more than {MOST_FILES} files.")
        for entry in entries:
            if entry.flag_bits & 0x1 or entry.compress_type not in _METHODS:
                raise ArchiveBroken(f"{entry.filename} is encrypted, or compressed in a way that archives are not.")
            if entry.file_size > MOST_EXPANSION * entry.compress_size + LARGEST_MANIFEST:
                raise ArchiveBroken(f"{entry.filename} would be {entry.file_size} bytes large: that is no ledger's.")
        # Nothing more is unpacked of a file than its entry says, whatever is in it.
        if (size := sum(entry.file_size for entry in entries)) > limit:
            raise ArchiveTooLarge(
                f"The archive would be {size} bytes large when it is unpacked, and the limit is {limit}. Who runs the "
                "server can raise it (PURSER_TRANSACTION_SERVICE__ARCHIVE_UNPACKED_LIMIT).",
                size=size,
                limit=limit,
            )
        return {entry.filename: entry for entry in entries}

    def _manifest(self) -> Manifest:
        entry = self._entries.get(MANIFEST)
        if entry is None or entry.file_size > LARGEST_MANIFEST:
            raise ArchiveBroken(f"The file is no archive of a ledger: it has no {MANIFEST}.")
        try:
            manifest = Manifest.model_validate_json(self._zip.read(MANIFEST))
        except ValidationError as error:
            wrong = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise ArchiveBroken(
                f"{MANIFEST} is not of the form of a manifest; see {wrong or 'its beginning'}."
            ) from None
        except _Damage as error:
            raise ArchiveBroken(f"{MANIFEST} is damaged: {error}.") from error
        if manifest.service != "transaction_service":
            raise ArchiveBroken(f"The archive is one of {manifest.service}, not of a ledger.")
        if manifest.format > FORMAT:
            raise ArchiveTooNew(
                f"The archive has format {manifest.format}; this Purser reads up to {FORMAT}. Import it with the "
                f"Purser that made it ({manifest.service_version}) or a newer one."
            )
        return manifest

    def _compare_names(self) -> None:
        needed = {f"data/{name}.jsonl" for name in self.manifest.tables}
        present = self._entries.keys() - {MANIFEST}
        if present != self.manifest.files.keys() or not needed <= present:
            odd = sorted((present ^ self.manifest.files.keys()) | (needed - present))
            raise ArchiveBroken(f"The archive and its manifest do not tell of the same files: {', '.join(odd[:5])}.")

    def _compare_columns(self) -> None:
        known = {table.name: table for table in archived_tables()}
        unknown = sorted(self.manifest.tables.keys() - known.keys())
        for name, stated in self.manifest.tables.items():
            if name in known:
                kinds = {column.name: column.kind for column in known[name].columns}
                unknown += sorted(
                    f"{name}.{column}" for column, kind in stated.columns.items() if kinds.get(column) != kind
                )
        if unknown:
            raise ArchiveTooNew(
                f"The archive holds {', '.join(unknown[:5])}, which this Purser does not know. Import it with the "
                f"Purser that made it ({self.manifest.service_version}) or a newer one."
            )
        for table in self.tables:
            self._absent(table)

    def _absent(self, table: ArchivedTable) -> dict[str, object]:
        """What columns hold that are younger than the archive. Raises ArchiveBroken for one that has no default."""
        stated = self.manifest.tables[table.name].columns
        return {column.name: _default(table, column) for column in table.columns if column.name not in stated}


class _Raw(io.RawIOBase):
    """A file in a zip archive as what buffers are made for; its own search for line ends takes four times as long."""

    def __init__(self, entry: IO[bytes]) -> None:
        self._entry = entry

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes."""
        view = memoryview(buffer)
        piece = self._entry.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


def _default(table: ArchivedTable, column: ArchivedColumn) -> object:
    default = column.column.default
    if default is not None and default.is_scalar:
        return getattr(default, "arg", None)
    if default is not None and default.is_callable and column.kind == "json":
        return {}
    if column.column.nullable:
        return None
    raise ArchiveBroken(f"The archive lacks the column {column.name} of {table.name}, which every row needs.")


def _row(line: bytes, file: str, number: int, free: Sequence[str] = ()) -> dict[str, object]:
    try:
        row = parsed_line(line, free=free)
    except ValueError as error:
        raise ArchiveBroken(f"{file}, line {number} is not JSON: {error}.") from None
    if not isinstance(row, dict):
        raise ArchiveBroken(f"{file}, line {number} is no JSON object.")
    return row
