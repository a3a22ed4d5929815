"""The workbook stream of an old Excel file (xls): found in its compound file, and measured before it is read."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_HEADER: Final = struct.Struct("<30xHH14xI4xII4xI4x")
_DIRECTORY_ENTRY: Final = struct.Struct("<64sH50xIQ")
_IN_HEADER: Final = 109
_LAST_SECTOR: Final = 0xFFFFFFFA
_NAMES: Final = frozenset({"Workbook", "Book"})
_RECORD: Final = struct.Struct("<HH")
_PLACE: Final = struct.Struct("<HH")
_START_OF_SHEET: Final = frozenset({0x0009, 0x0209, 0x0409, 0x0809})
_SEVERAL_CELLS: Final = frozenset({0x00BD, 0x00BE})
_CELLS: Final = _SEVERAL_CELLS | {0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x0206, 0x027E, 0x00D6, 0x00FD, 0x0406}


def workbook_streams(content: bytes) -> Iterator[bytes]:
    """The streams that may be the workbook; raises ``ValueError`` or ``struct.error`` for a damaged compound file."""
    shift, small_shift, first, cutoff, small_first, more = _header(content)
    if not 7 <= shift <= 16 or not 4 <= small_shift <= shift:
        raise ValueError("the sectors have an impossible size")
    sectors = _Sectors(content, 1 << shift, 1 << shift, _table(content, 1 << shift, more))
    entries = [
        (name[: max(0, length - 2)].decode("utf-16-le", "replace"), start, size & 0xFFFFFFFF)
        for name, length, start, size in _DIRECTORY_ENTRY.iter_unpack(_whole(sectors.stream(first)))
    ]
    root = entries[0] if entries else ("", _LAST_SECTOR, 0)
    for name, start, size in entries:
        if name not in _NAMES:
            continue
        if size >= cutoff:
            yield sectors.stream(start)[:size]
            continue
        table = sectors.stream(small_first)
        links = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
        yield _Sectors(sectors.stream(root[1]), 1 << small_shift, 0, links).stream(start)[:size]


def spanned_cells(stream: bytes) -> int:
    """How many cells the largest sheet spans, from the first to the last row and column that a cell stands in."""
    position = largest = last_row = last_column = 0
    while position + _RECORD.size <= len(stream):
        kind, length = _RECORD.unpack_from(stream, position)
        position += _RECORD.size
        if kind in _CELLS and length >= _PLACE.size and position + length <= len(stream):
            row, column = _PLACE.unpack_from(stream, position)
            if kind in _SEVERAL_CELLS:
                column = max(column, int.from_bytes(stream[position + length - 2 : position + length], "little"))
            last_row, last_column = max(last_row, row + 1), max(last_column, column + 1)
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
