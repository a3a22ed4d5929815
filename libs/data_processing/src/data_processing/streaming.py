"""Reading a file part by part, for files that are too large to be held as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from data_processing.formats.delimited.mapping import CsvMapping
from data_processing.formats.parts import ROWS_OF_A_PART, OpenFile, StatementPart
from data_processing.formats.registry import opened
from data_processing.investments import Security, SecurityPrice
from data_processing.reading import recognised


class StatementReader:
    """An open statement file: iterate over it once, for its parts.

    Close it, or use it as a context manager. A file that is given open stays open.
    """

    def __init__(self, file: OpenFile) -> None:
        self._file = file

    @property
    def format(self) -> str:
        """The format (``csv/n26``); of MT and camt files it is certain when all parts are read."""
        return self._file.format

    @property
    def encoding(self) -> str:
        """The encoding of the text, or the kind of workbook."""
        return self._file.encoding

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user; all of them are there when all parts are read."""
        return tuple(self._file.notes)

    @property
    def securities(self) -> tuple[Security, ...]:
        """The securities that the file describes or trades."""
        return self._file.securities

    @property
    def prices(self) -> tuple[SecurityPrice, ...]:
        """The prices of a list of prices."""
        return self._file.prices

    def __iter__(self) -> Iterator[StatementPart]:
        return self._file.parts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; what was not read is lost."""
        close = getattr(self._file.parts, "close", None)
        if close is not None:
            close()


def open_statement_file(
    file: Path | IO[bytes],
    *,
    filename: str | None = None,
    today: date | None = None,
    profiles: Sequence[CsvMapping] = (),
    rows: int = ROWS_OF_A_PART,
) -> StatementReader:
    """The statements of a file part by part, the same as ``read_statement_file`` gives as a whole.

    Tables as text (CSV, TSV) are read twice, once before the first part, and never held; so memory does not grow with
    their rows, and whatever is wrong with the file as a whole is raised here. Of workbooks the cells are held, but
    not the rows. MT and camt files are held a statement at a time, and may raise ``TruncatedFile`` or ``BrokenFile``
    between parts: book all parts or none. Of OFX and QIF all rows are held; a file of more than 256 MiB is refused.

    Args:
        file: a path, or a binary file that can be read from its start more than once.
        filename: its name, for messages; the format is told from the content alone.
        today: the day of reading (default: today in UTC); it settles the century of two-digit years.
        profiles: the user's own mappings of tables.
        rows: the most rows of a part.

    Raises what ``read_statement_file`` raises.

    >>> from io import BytesIO
    >>> content = b"Date,Description,Amount,Currency\\n2026-04-02,Tea,-2.80,EUR\\n2026-04-03,Tea,-2.80,EUR\\n"
    >>> with open_statement_file(BytesIO(content), rows=1) as reader:
    ...     [(len(part.statement.entries), part.last) for part in reader]
    [(1, False), (1, True)]
    """
    source, known = recognised(file, filename=filename, today=today, profiles=profiles)
    return StatementReader(opened(known, source, rows=rows))
