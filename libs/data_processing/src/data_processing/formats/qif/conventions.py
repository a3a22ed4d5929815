"""What a QIF file does not say and only the whole of it shows: its decimal mark."""

from __future__ import annotations

import re
from decimal import Decimal

from data_processing.amounts import (
    MAX_DECIMALS,
    QUANTITY_DECIMALS,
    AmountReader,
    accounting_reader,
    amount_reader,
    shortened,
)
from data_processing.errors import UnclearAmounts

_ONE_MARK = re.compile(r"[+-]?[0-9]*([.,])([0-9]+)-?")
_AROUND = re.compile("[ \u00a0\u202f'\u2019$€£()]")
_FRACTION = re.compile(r"(?:([0-9]{1,6}) +)?([0-9]{1,3})/(2|4|8|16|32|64|128|256)")
_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?:([.,])[0-9]{3})(?:\1[0-9]{3})+")


class ShownMarks:
    """The decimal marks that numbers show, each with the first number that shows it."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def add(self, text: str) -> None:
        """One more number."""
        mark = _decimal_mark(text) if text else None
        if mark:
            self._shown.setdefault(mark, text)

    @property
    def mark(self) -> str | None:
        """The one mark; None where no number shows any. Raises ``UnclearAmounts`` where they show both."""
        shown = self._shown
        if len(shown) > 1:
            raise UnclearAmounts(
                f'The file writes amounts in two ways: "{shown["."][:40]}" has a decimal point, "{shown[","][:40]}" a '
                "decimal comma. Export it again with one setting for numbers."
            )
        return next(iter(shown), None)


def amount_reader_of(amounts: ShownMarks) -> AmountReader:
    """The reader of the file's amounts, by the decimal mark that they show.

    Without a mark that can only be decimal, ``1,234`` and ``1.234`` are refused row by row, because each can be read in
    two ways.

    Raises:
        UnclearAmounts: some amounts show a decimal point, others a decimal comma.
    """
    return accounting_reader(_reader(amounts.mark, MAX_DECIMALS))


def quantity_reader_of(amounts: ShownMarks, quantities: ShownMarks) -> AmountReader:
    """The reader of units and prices: by the mark of the amounts or, where they show none, by their own.

    A price may be a fraction, such as ``12 1/8``.
    """
    mark = amounts.mark
    if mark is None:
        try:
            mark = quantities.mark
        except UnclearAmounts:
            mark = None
    plain = _reader(mark, QUANTITY_DECIMALS)

    def read(text: str) -> Decimal:
        fraction = _FRACTION.fullmatch(text)
        if fraction is None:
            return plain(text)
        return int(fraction[1] or 0) + Decimal(int(fraction[2])) / Decimal(int(fraction[3]))

    return read


def _reader(mark: str | None, max_decimals: int) -> AmountReader:
    if mark is None:
        return _unsettled
    thousands = (".'" if mark == "," else ",'") + " "
    return amount_reader(decimal=mark, thousands=thousands, currency_signs="$€£", max_decimals=max_decimals)


def _decimal_mark(text: str) -> str | None:
    text = _AROUND.sub("", text)
    point, comma = text.rfind("."), text.rfind(",")
    if point >= 0 and comma >= 0:
        return "." if point > comma else ","
    if match := _GROUPS.fullmatch(text):
        return "," if match[1] == "." else "."
    match = _ONE_MARK.fullmatch(text)
    return match[1] if match is not None and len(match[2]) != 3 else None


_WHOLE = amount_reader(decimal=".", thousands="' ", currency_signs="$€£")


def _unsettled(text: str) -> Decimal:
    if "." in text or "," in text:
        raise ValueError(
            f'amount "{shortened(text)}" can be read with a decimal or a thousands mark, and no amount of the file '
            "settles it"
        )
    return _WHOLE(text)
