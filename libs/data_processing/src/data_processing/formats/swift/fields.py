"""The text of MT940 files cut into messages and fields.

A field starts with its tag at the start of a line; what follows up to the next tag belongs to it. Envelopes (``{1:…}``,
``ABNANL2A``, ``940``) and the marks that end a message are no fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TAG = re.compile(r":(20|21|25P?|28C?|13D?|34F|60[FM]|61|62[FM]|64|65|86|90[CD]|NS):")
_END = re.compile(r"-(?:\}.*|XXX)?")
_CONTROLS: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])
_ENVELOPE = re.compile(r"\{1:.*\{4:")
_TAG_LENGTH: Final = 4
FULL_LINE: Final = 65
"""A line of this length was cut by the bank, in the middle of a word if need be; a shorter one ends where it should."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its tag, the line it starts on (from 1), and its lines."""

    tag: str
    line: int
    lines: tuple[str, ...]

    @property
    def first(self) -> str:
        """What stands behind the tag on its line."""
        return self.lines[0].strip()

    @property
    def text(self) -> str:
        """All lines in one: cut lines are put together again, others are parted by a space."""
        return unwrapped(self.lines)


def fields(text: str) -> Iterator[Field | None]:
    """The fields of a file, in order; None where a message ends."""
    tag, start, lines = "", 0, list[str]()
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        line = raw.translate(_CONTROLS)
        if line.startswith("{1:"):
            line = _ENVELOPE.sub("", line)
        match = _TAG.match(line)
        ended = match is None and _END.fullmatch(line.strip()) is not None
        if match is None and not ended:
            lines.append(line)
            continue
        if tag:
            yield Field(tag, start, tuple(lines))
        tag, start, lines = "", number, []
        if match is not None:
            tag, lines = match[1], [line[match.end() :]]
        else:
            yield None
    if tag:
        yield Field(tag, start, tuple(lines))


def unwrapped(lines: tuple[str, ...]) -> str:
    """The lines in one."""
    return " ".join(joined(lines).split())


def joined(lines: tuple[str, ...]) -> str:
    """The lines put together, cut ones without a gap; some banks count the tag into the length of the first line."""
    full = [len(line) >= FULL_LINE - (_TAG_LENGTH if index == 0 else 0) for index, line in enumerate(lines)]
    return "".join(line if cut else f"{line} " for line, cut in zip(lines, full, strict=True))
