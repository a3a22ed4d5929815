"""The text of QIF files cut into records: fields of one letter each, up to a line with ``^``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

SECTION = re.compile(r"\s*!\s*(Type|Account|Option|Clear)\b\s*:?\s*(.*)", re.IGNORECASE)
PRICES: Final = "type:prices"
"""The section that lists prices of securities, each in a line of its own."""
_SPLIT_LETTERS: Final = "SE$%"
_WITHOUT_SPLITS: Final = frozenset({"type:invst", "type:security"})


@dataclass(slots=True)
class Split:
    """One part of a split row, as text."""

    category: str
    memo: str = ""
    amount: str = ""


@dataclass(slots=True)
class Record:
    """One record: the section it stands in, its first line (from 1), its fields, and whether it has an end.

    ``repeated`` is the letter of the date or the amount where the record has it twice.
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


def records(lines: Iterable[str]) -> Iterator[Record]:
    """The records of the lines in order; empty ones are left out. A section is named ``type:bank``, ``account`` …"""
    section = ""
    record: Record | None = None
    for number, raw in enumerate(lines, start=1):
        line = raw.strip(" \t\n\x1a\ufeff")
        if not line:
            continue
        if line[0] == "!" and (found := SECTION.match(line)):
            if record is not None:
                record.ended = False
                yield record
                record = None
            kind, rest = found[1].lower(), found[2].strip().lower()
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
    elif letter == "A":
        record.fields[letter] += f" {text}"
    elif letter == "T" or (letter == "D" and not record.splits):  # a split may have a date of its own
        record.repeated = letter
