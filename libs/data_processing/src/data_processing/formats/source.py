"""What a format gets to look at: the bytes of an upload, their text, and the day of reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from data_processing.decoding import DecodedText, decode
from data_processing.formats.delimited.mapping import CsvMapping

_HEAD_CHARACTERS = 64 * 1024


@dataclass(frozen=True)
class Source:
    """One uploaded file.

    ``filename`` only ever serves messages; ``today`` settles the century of two-digit years; ``mappings`` are the
    user's own readings of tables.
    """

    content: bytes
    today: date
    filename: str | None = None
    mappings: Sequence[CsvMapping] = ()

    @cached_property
    def decoded(self) -> DecodedText:
        """The whole text; raises ``BinaryFile`` or ``WrongEncoding``."""
        return decode(self.content)

    @property
    def text(self) -> str:
        """The whole text without a byte order mark."""
        return self.decoded.text

    @cached_property
    def head(self) -> str:
        """The first 64 Ki characters: what a format detects itself by."""
        return self.text[:_HEAD_CHARACTERS]
