"""The formats that can be read, and the one rule that picks among them: the content decides, never the name.

A format joins by adding an instance to ``FORMATS``.
"""

from __future__ import annotations

from typing import Protocol

from data_processing.formats.camt.reader import CamtFormat
from data_processing.formats.delimited.reader import DelimitedFormat
from data_processing.formats.excel.reader import ExcelFormat
from data_processing.formats.ofx.reader import OfxFormat
from data_processing.formats.parts import OpenFile, cut
from data_processing.formats.qif.reader import QifFormat
from data_processing.formats.source import Source
from data_processing.formats.swift.reader import SwiftFormat
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


FORMATS: tuple[Format, ...] = (ExcelFormat(), OfxFormat(), CamtFormat(), SwiftFormat(), QifFormat(), DelimitedFormat())


def detect(source: Source) -> Format | None:
    """The format that is surest of the content; None when none claims it.

    The first that is certain is taken without asking the others: those behind Excel look at text, which a workbook is
    not.
    """
    best, surest = None, 0.0
    for known in FORMATS:
        sureness = known.detect(source)
        if sureness >= 1:
            return known
        if sureness > surest:
            best, surest = known, sureness
    return best


def opened(known: Format, source: Source, *, rows: int) -> OpenFile:
    """The file in parts: from the file itself where the format can, else cut from the whole."""
    if isinstance(known, DelimitedFormat | ExcelFormat | CamtFormat | SwiftFormat):
        return known.open(source, rows=rows)
    return cut(known.read(source), rows=rows)
