"""The workbook of an old Excel file (xls): taken out of its compound file, measured, and put into a fresh one.

The reader of the sheets reserves as much memory as a file asks for, and ends the whole process where that fails. So it
is never given a compound file that was uploaded, only a fresh one around the workbook's own bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_HEADER: Final = struct.Struct("<30xHH14xI4xII4xI4x")
_DIRECTORY_ENTRY: Final = struct.Struct("<64sH50xIQ")
_IN_HEADER: Final = 109
_LAST_SECTOR: Final = 0xFFFFFFFA
_NAMES: Final = ("Workbook", "Book")
SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NEW_ENTRY: Final = struct.Struct("<64sHBBIII36xIQ")
_SECTOR: Final = 4096
_SECTOR_SHIFT: Final = 12
_SMALLEST: Final = 4096
_FREE: Final = 0xFFFFFFFF
_CHAIN_END: Final = 0xFFFFFFFE
_TABLE_MARK: Final = 0xFFFFFFFD
_NO_SMALL_SECTORS: Final = (_SMALLEST, _CHAIN_END, 0, _CHAIN_END, 0)
_STRINGS: Final = 0x00FC
_SHORTEST_STRING: Final = 3
_RECORD: Final = struct.Struct("<HH")
_PLACE: Final = struct.Struct("<HH")
_START_OF_SHEET: Final = frozenset({0x0009, 0x0209, 0x0409, 0x0809})
_SEVERAL_CELLS: Final = frozenset({0x00BD, 0x00BE})
_CELLS: Final = _SEVERAL_CELLS | {0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x0206, 0x027E, 0x00D6, 0x00FD, 0x0406}


def workbook_stream(content: bytes) -> bytes:
    """The bytes of the workbook; raises ``ValueError`` or ``struct.error`` where the compound file is damaged."""
    shift, small_shift, first, cutoff, small_first, more = _header(content)
    if not 7 <= shift <= 16 or not 4 <= small_shift <= shift:
        raise ValueError("the sectors have an impossible size")
    sectors = _Sectors(content, 1 << shift, 1 << shift, _table(content, 1 << shift, more))
    entries = [
        (name[: max(0, length - 2)].decode("utf-16-le", "replace"), start, size & 0xFFFFFFFF)
        for name, length, start, size in _DIRECTORY_ENTRY.iter_unpack(_whole(sectors.stream(first)))
    ]
    root = entries[0] if entries else ("", _LAST_SECTOR, 0)
    found = {name: (start, size) for name, start, size in reversed(entries) if name in _NAMES}
    if not found:
        raise ValueError("the compound file holds no workbook")
    start, size = found.get(_NAMES[0]) or found[_NAMES[1]]
    if size < cutoff:
        table = sectors.stream(small_first)
        links = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
        sectors = _Sectors(sectors.stream(root[1]), 1 << small_shift, 0, links)
    stream = sectors.stream(start)
    if len(stream) < size:
        raise ValueError("the workbook is cut off")
    return stream[:size]


def fresh(stream: bytes) -> bytes:
    """A compound file that holds nothing but the workbook."""
    padded = stream.ljust(_SMALLEST, b"\x00")
    padded += b"\x00" * (-len(padded) % _SECTOR)
    count, per_table = len(padded) // _SECTOR, _SECTOR // 4
    tables = 1
    while tables * per_table < count + 1 + tables:
        tables += 1
    if tables > _IN_HEADER:
        raise ValueError(f"the workbook is larger than {_IN_HEADER * per_table * _SECTOR} bytes")
    first = tables + 1
    links = [_TABLE_MARK] * tables + [_CHAIN_END, *range(first + 1, first + count), _CHAIN_END]
    links += [_FREE] * (tables * per_table - len(links))
    places = [*range(tables), *[_FREE] * (_IN_HEADER - tables)]
    head = struct.pack(
        "<8s16xHHHHH6x9I", SIGNATURE, 0x3E, 4, 0xFFFE, _SECTOR_SHIFT, 6, 1, tables, tables, 0, *_NO_SMALL_SECTORS
    )
    directory = b"".join(
        [
            _NEW_ENTRY.pack("Root Entry\0".encode("utf-16-le"), 22, 5, 1, _FREE, _FREE, 1, tables, 0),
            _NEW_ENTRY.pack("Workbook\0".encode("utf-16-le"), 18, 2, 1, _FREE, _FREE, _FREE, first, len(padded)),
            _NEW_ENTRY.pack(b"", 0, 0, 0, _FREE, _FREE, _FREE, 0, 0) * (_SECTOR // _NEW_ENTRY.size - 2),
        ]
    )
    head += struct.pack(f"<{_IN_HEADER}I", *places)
    return head.ljust(_SECTOR, b"\x00") + struct.pack(f"<{len(links)}I", *links) + directory + padded


def spanned_cells(stream: bytes) -> int:
    """How many cells the largest sheet spans, up to the last row and column that a cell stands in.

    Raises ``ValueError`` for a workbook that claims more strings than its bytes can hold.
    """
    position = largest = last_row = last_column = 0
    most_strings = len(stream) // _SHORTEST_STRING
    while position + _RECORD.size <= len(stream):
        kind, length = _RECORD.unpack_from(stream, position)
        position += _RECORD.size
        if kind in _CELLS and length >= _PLACE.size and position + length <= len(stream):
            row, column = _PLACE.unpack_from(stream, position)
            if kind in _SEVERAL_CELLS:
                column = max(column, int.from_bytes(stream[position + length - 2 : position + length], "little"))
            last_row, last_column = max(last_row, row + 1), max(last_column, column + 1)
        elif kind == _STRINGS and int.from_bytes(stream[position + 4 : position + 8], "little") > most_strings:
            raise ValueError("the workbook claims more strings than it can hold")
        elif kind in _START_OF_SHEET:
            largest, last_row, last_column = max(largest, last_row * last_column), 0, 0
        position += length
    return max(largest, last_row * last_column)


def _header(content: bytes) -> tuple[int, ...]:
    fields: tuple[int, ...] = _HEADER.unpack_from(content)
    return fields


def _table(content: bytes, size: int, more: int) -> Sequence[int]:
    """The table that links the sectors, from the sectors that hold it."""
    holders = list(struct.unpack_from(f"<{_IN_HEADER}I", content, 76))
    steps = 0
    while more < _LAST_SECTOR:
        steps += 1
        if steps * size > len(content):
            raise ValueError("the sectors are linked in a circle")
        found = struct.unpack_from(f"<{size // 4}I", content, (more + 1) * size)
        holders += found[:-1]
        more = found[-1]
    links: list[int] = []
    for holder in holders:
        if holder < _LAST_SECTOR:
            links += struct.unpack_from(f"<{size // 4}I", content, (holder + 1) * size)
    return links


def _whole(directory: bytes) -> bytes:
    return directory[: len(directory) // _DIRECTORY_ENTRY.size * _DIRECTORY_ENTRY.size]


@dataclass(frozen=True, slots=True)
class _Sectors:
    """Sectors of one size, ``offset`` bytes from the start of the content, and the table that links them."""

    content: bytes
    size: int
    offset: int
    links: Sequence[int]

    def stream(self, start: int) -> bytes:
        """The sectors from the first on, put together."""
        return b"".join(
            self.content[self.offset + number * self.size : self.offset + (number + 1) * self.size]
            for number in self._chain(start)
        )

    def _chain(self, start: int) -> list[int]:
        chain: list[int] = []
        while start < _LAST_SECTOR:
            if len(chain) > len(self.links) or start >= len(self.links):
                raise ValueError("the sectors are linked in a circle, or to nowhere")
            chain.append(start)
            start = self.links[start]
        return chain
