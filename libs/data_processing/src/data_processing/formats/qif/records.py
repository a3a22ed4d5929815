"""The text of QIF files cut into records: fields of one letter each, up to a line with ``^``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final

SECTION = re.compile(r"\s*!\s*(Type|Account|Option|Clear)\b\s*:?\s*(.*)", re.IGNORECASE)
PRICES: Final = "type:prices"
"""The section that lists prices of securities, each in a line of its own."""
UNNAMED: Final = "type:"
"""The section of a file that starts with its first record."""
ORDER: Final = "option:order"
"""The section name of a record that says which of day and month comes first: its field ``order``."""
_ORDERS: Final = {"mdy": "month", "dmy": "day"}
_SPLIT_LETTERS: Final = "SE$%"
_WITHOUT_SPLITS: Final = frozenset({"type:invst", "type:port", "type:security"})
_LINES_OF_TEXT: Final = "AM"
_ENTITIES: Final = re.compile("&(?:amp|lt|gt|quot|apos|#39);")
"""The signs that web pages encode, as some banks leave them in their files."""


@dataclass(slots=True)
class Split:
    """One part of a split row, as text."""

    category: str
    memo: str = ""
    amount: str = ""


@dataclass(slots=True)
class Record:
    """One record: the section it stands in, its first line (from 1), its fields, and whether it has an end.

    A mark (``^``) ends it, or the next section. ``repeated`` is the letter of the date or the amount where the record
    has it twice.
    """

    section: str
    line: int
    fields: dict[str, str] = field(default_factory=dict)
    splits: list[Split] = field(default_factory=list)
    ended: bool = True
    repeated: str = ""

    def get(self, letter: str) -> str:
        """The field's text; empty where it is missing."""
        return self.fields.get(letter, "")


def records(lines: Iterable[str], *, section: str = "") -> Iterator[Record]:
    """The records of the lines in order; empty ones are left out. A section is named ``type:bank``, ``account`` …

    section: the one that the lines before the first section belong to; without it they are passed over
    """
    record: Record | None = None
    for number, raw in enumerate(lines, start=1):
        line = raw.strip(" \t\n\x1a\ufeff")
        if not line:
            continue
        if "&" in line:
            line = _ENTITIES.sub(lambda found: unescape(found[0]), line)
        if line[0] == "!" and (found := SECTION.match(line)):
            if record is not None:
                yield record
                record = None
            kind, rest = found[1].lower(), found[2].strip().lower()
            if kind == "option" and rest in _ORDERS:
                yield Record(ORDER, number, {"order": _ORDERS[rest]})
            section = section if kind in ("option", "clear") else f"{kind}:{rest}" if kind == "type" else kind
        elif line[0] == "^":
            if record is not None:
                yield record
                record = None
        elif section == PRICES:
            yield Record(section, number, {"line": line})
        elif section:
            record = record or Record(section, number)
            _add(record, line[0], line[1:].strip())
    if record is not None:
        record.ended = False
        yield record


def _add(record: Record, letter: str, text: str) -> None:
    if letter in _SPLIT_LETTERS and record.section not in _WITHOUT_SPLITS:
        if letter == "S":
            record.splits.append(Split(text))
        elif record.splits:
            last = record.splits[-1]
            if letter == "E":
                last.memo = text
            elif letter == "$":
                last.amount = text
        return
    if letter not in record.fields:
        record.fields[letter] = text
    elif letter in _LINES_OF_TEXT:
        record.fields[letter] = f"{record.fields[letter]} {text}".strip()
    elif letter == "T" or (letter == "D" and not record.splits):  # a split may have a date of its own
        record.repeated = letter
