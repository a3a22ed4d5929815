"""The files a workbook comes in, looked at before any of it is read: what it is, and how large it would become.

The reader of the sheets sets no bounds of its own: it unpacks whatever a zip file holds, and keeps a sheet as a full
rectangle from its first to its last cell. So a few kilobytes could ask for any amount of memory.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Final

from data_processing.errors import SpreadsheetFile, UnsafeFile
from data_processing.formats.excel.compound import SIGNATURE, fresh, spanned_cells, workbook_stream

MOST_UNPACKED: Final = 128 * 1024 * 1024
"""The most bytes that a workbook may unpack to."""
MOST_CELLS: Final = 8_000_000
"""The most cells, empty ones included, that a sheet may span."""

_ZIP: Final = b"PK\x03\x04"
_WORKBOOK: Final = "xl/workbook.xml"
_STREAMS: Final = tuple(name.encode("utf-16-le") for name in ("Workbook\0", "Book\0"))
_ENCRYPTED: Final = "EncryptedPackage\0".encode("utf-16-le")
_REFERENCE = re.compile(rb"""r\s*=\s*["']([A-Za-z]{0,3})([0-9]{1,10})["']""")
_CELL = re.compile(rb"<(?:[\w.-]+:)?(row|c)(?=[\s/>])")
_PIECE: Final = 1 << 20
_OVERLAP: Final = 64
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_REPAIR: Final = "Open the file in a spreadsheet program, save the sheet as CSV and upload that."


def may_be_workbook(start: bytes) -> bool:
    """Whether a file that starts with these bytes is worth a closer look."""
    return start.startswith((_ZIP, SIGNATURE))


def workbook_kind(content: bytes) -> str | None:
    """``xlsx`` or ``xls`` where the bytes are those of a workbook; None for any other file."""
    if content.startswith(_ZIP):
        try:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                return "xlsx" if _WORKBOOK in archive.namelist() else None
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return None
    if content.startswith(SIGNATURE) and (_ENCRYPTED in content or any(name in content for name in _STREAMS)):
        return "xls"
    return None


def safe_content(content: bytes, kind: str) -> bytes:
    """The bytes that may be given to the reader of the sheets.

    Raises:
        UnsafeFile: the workbook would not fit into memory.
        SpreadsheetFile: it is damaged or protected.
    """
    if kind == "xls" and _ENCRYPTED in content:
        raise SpreadsheetFile("The workbook is protected by a password. Save it without one and upload it again.")
    try:
        if kind == "xls":
            stream = workbook_stream(content)
            _check_extent(spanned_cells(stream))
            return fresh(stream)
        _check_archive(content)
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, NotImplementedError) as error:
        raise SpreadsheetFile(f"The Excel workbook ({kind}) is damaged. {_REPAIR}") from error
    return content


def _check_archive(content: bytes) -> None:
    unpacked = 0
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for member in archive.infolist():
            extent = _Extent()  # of every member: the workbook may keep its sheets under any name
            before = unpacked
            for piece in _pieces(content, member):
                unpacked += len(piece)
                if unpacked > MOST_UNPACKED:
                    raise UnsafeFile(
                        f"The Excel workbook unpacks to more than {MOST_UNPACKED // 1024**2} MiB, which no statement "
                        f"does. {_REPAIR}"
                    )
                extent.add(piece)
            if unpacked - before != member.file_size:
                raise ValueError("a member of the archive has another size than it claims")
            _check_extent(extent.cells)


def _check_extent(cells: int) -> None:
    if cells > MOST_CELLS:
        raise UnsafeFile(f"A sheet of the Excel workbook spans {cells} cells, more than {MOST_CELLS}. {_REPAIR}")


def _pieces(content: bytes, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member unpacked from its own bytes, whatever sizes the directory claims."""
    signature, name, extra = _LOCAL_HEADER.unpack_from(content, member.header_offset)
    start = member.header_offset + _LOCAL_HEADER.size + name + extra
    packed = content[start : start + member.compress_size]
    if signature != _ZIP or len(packed) != member.compress_size:
        raise ValueError("a member of the archive is cut off")
    if member.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise ValueError("a member of the archive is packed in an unusual way")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    while packed:
        yield unpacker.decompress(packed, _PIECE)
        packed = unpacker.unconsumed_tail


class _Extent:
    """How many cells a sheet spans, told from the places that its cells and rows name, and from their number."""

    def __init__(self) -> None:
        self._rest = b""
        self._row = self._column = 0
        self._rows = self._in_row = self._widest = 0

    @property
    def cells(self) -> int:
        """Rows times columns, up to the last of each."""
        return max(self._row, self._rows) * max(self._column, self._widest, 1)

    def add(self, piece: bytes) -> None:
        """The next bytes of the sheet."""
        text = self._rest + piece
        for letters, digits in set(_REFERENCE.findall(text)):
            self._row = max(self._row, int(digits))
            self._column = max(self._column, _column_number(letters))
        kinds = _CELL.findall(piece)
        if b"row" in kinds:
            runs = b" ".join(kinds).split(b"row")
            self._rows += len(runs) - 1
            counts = [run.count(b"c") for run in runs]
            self._widest = max(self._widest, self._in_row + counts[0], *counts[1:])
            self._in_row = counts[-1]
        else:
            self._in_row += len(kinds)
            self._widest = max(self._widest, self._in_row)
        self._rest = text[-_OVERLAP:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
