"""The formats that can be read, and the one rule that picks among them: the content decides, never the name.

A format joins by adding an instance to ``FORMATS``.
"""

from __future__ import annotations

from typing import Protocol

from data_processing.formats.delimited.reader import DelimitedFormat
from data_processing.formats.ofx.reader import OfxFormat
from data_processing.formats.source import Source
from data_processing.statement import StatementFile


class Format(Protocol):
    """One statement format."""

    @property
    def name(self) -> str:
        """The short name that starts ``StatementFile.format``."""
        ...

    def detect(self, source: Source) -> float:
        """How surely the content is of this format: 0 certainly not, 1 certainly."""
        ...

    def read(self, source: Source) -> StatementFile:
        """The file's statements; raises ``StatementFileError`` for a file that is broken as a whole."""
        ...


FORMATS: tuple[Format, ...] = (OfxFormat(), DelimitedFormat())


def detect(source: Source) -> Format | None:
    """The format that is surest of the content; None when none claims it."""
    sureness, position = max((known.detect(source), -index) for index, known in enumerate(FORMATS))
    return FORMATS[-position] if sureness > 0 else None
