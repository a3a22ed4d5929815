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
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]+")
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
    def whole(self) -> str:
        """All lines in one as they are: cut ones put together again, others parted by a space."""
        return self.lines[0] if len(self.lines) == 1 else _joined(self.lines)

    @property
    def text(self) -> str:
        """All lines in one, with single spaces."""
        return " ".join(self.whole.split())

    @property
    def length(self) -> int:
        """How many characters the field has."""
        return sum(map(len, self.lines))


def fields(text: str) -> Iterator[Field | None]:
    """The fields of a file, in order; None where a message ends."""
    tag, start, lines = "", 0, list[str]()
    plain = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for number, line in enumerate(plain.split("\n"), start=1):
        if line.startswith("{1:") and (envelope := _ENVELOPE.match(line)):
            line = line[envelope.end() :]
        match = _TAG.match(line) if line.startswith(":") else None
        ended = match is None and line.lstrip().startswith("-") and _END.fullmatch(line.strip()) is not None
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


def _joined(lines: tuple[str, ...]) -> str:
    # Some banks count the tag into the length of the first line.
    full = [len(line) >= FULL_LINE - (_TAG_LENGTH if index == 0 else 0) for index, line in enumerate(lines)]
    return "".join(line if cut else f"{line} " for line, cut in zip(lines, full, strict=True))
