"""What a format gets to look at: the bytes of an upload, their text, and the day of reading."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from io import SEEK_END, BytesIO, TextIOWrapper
from pathlib import Path
from typing import IO, Final, TextIO

from data_processing.decoding import DecodedText, encoding_of, public_name
from data_processing.errors import UnsafeFile
from data_processing.formats.delimited.mapping import CsvMapping
from data_processing.formats.excel.container import may_be_workbook, workbook_kind

MOST_HELD: Final = 256 * 1024 * 1024
"""The most bytes of a file whose format is read from memory; tables as text may be larger."""
LONGEST_LINE: Final = 16 * 1024 * 1024
"""The most bytes that a line of a table may have."""

_HEAD_CHARACTERS: Final = 64 * 1024
_PIECE: Final = 1 << 20
_LINE_END: Final = 2
"""So many bytes a line end has in UTF-16, the widest encoding."""


class Source:
    """One uploaded file.

    ``file`` is its bytes, a path, or a binary file that can be read from its start more than once. ``filename`` only
    ever serves messages; ``today`` settles the century of two-digit years; ``mappings`` are the user's own readings of
    tables.
    """

    def __init__(
        self,
        file: bytes | Path | IO[bytes],
        today: date,
        filename: str | None = None,
        mappings: Sequence[CsvMapping] = (),
    ) -> None:
        self.today = today
        self.filename = filename
        self.mappings = mappings
        self.longest_run = 0
        self._file = file

    @contextmanager
    def binary(self) -> Iterator[IO[bytes]]:
        """The bytes from the start."""
        if isinstance(self._file, Path):
            with self._file.open("rb") as opened:
                yield opened
        elif isinstance(self._file, bytes):
            yield BytesIO(self._file)
        else:
            self._file.seek(0)
            yield self._file

    @contextmanager
    def lines(self) -> Iterator[TextIO]:
        """The text from the start, without a byte order mark; every line end is a newline."""
        with self.binary() as opened:
            text = TextIOWrapper(opened, self.encoding_used, newline=None)
            try:
                yield text
            finally:
                text.detach()

    def texts(self) -> Iterator[str]:
        """The text in pieces, with the line ends as they are."""
        decoder = codecs.getincrementaldecoder(self.encoding_used)()
        for piece in self.pieces():
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces that end with a line, but for lines longer than a piece; ``longest_run`` counts those."""
        with self.binary() as opened:
            rest, run = b"", 0
            while piece := opened.read(_PIECE):
                end = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
                run = 0 if end else run + len(piece)
                self.longest_run = max(self.longest_run, run)
                if end:
                    yield rest + piece[:end]
                    rest = piece[end:]
                else:
                    yield rest + piece
                    rest = b""
            if rest:
                yield rest

    @cached_property
    def start(self) -> bytes:
        """The first bytes, by which files that are no texts are known."""
        with self.binary() as opened:
            return opened.read(_HEAD_CHARACTERS)

    @property
    def open_ended(self) -> bool:
        """Whether the file ends without a line end."""
        with self.binary() as opened:
            opened.seek(0, SEEK_END)
            opened.seek(max(0, opened.tell() - _LINE_END))
            return not set(opened.read(_LINE_END)) & set(b"\r\n")

    @cached_property
    def workbook(self) -> str | None:
        """``xlsx`` or ``xls`` where the bytes are those of a workbook."""
        return workbook_kind(self.content) if may_be_workbook(self.start) else None

    @cached_property
    def content(self) -> bytes:
        """All bytes; raises as ``refuse_too_large``."""
        if isinstance(self._file, bytes):
            return self._file
        self.refuse_too_large()
        with self.binary() as opened:
            return opened.read()

    def refuse_too_large(self) -> None:
        """Raise ``UnsafeFile`` for more bytes than a file may have whose rows are held in memory."""
        with self.binary() as opened:
            size = opened.seek(0, SEEK_END)
        if size > MOST_HELD:
            raise UnsafeFile(
                f"The file is larger than {MOST_HELD // 1024**2} MiB, which only tables (CSV, TSV) may be. Export "
                "shorter periods and upload them one by one."
            )

    @cached_property
    def encoding_used(self) -> str:
        """The encoding by Python's name; raises ``BinaryFile`` or ``WrongEncoding``."""
        return encoding_of(self.pieces)

    @property
    def encoding(self) -> str:
        """The encoding as it is called towards users; raises ``BinaryFile`` or ``WrongEncoding``."""
        return public_name(self.encoding_used)

    @cached_property
    def decoded(self) -> DecodedText:
        """The whole text; raises ``BinaryFile`` or ``WrongEncoding``."""
        encoding = self.encoding_used
        return DecodedText(self.content.decode(encoding), public_name(encoding))

    @property
    def text(self) -> str:
        """The whole text without a byte order mark."""
        return self.decoded.text

    @cached_property
    def head(self) -> str:
        """The first 64 Ki characters: what a format detects itself by."""
        head = ""
        for text in self.texts():
            head += text[: _HEAD_CHARACTERS - len(head)]
            if len(head) >= _HEAD_CHARACTERS:
                break
        return head
