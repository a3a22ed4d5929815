"""The cells of a sheet as the text that a CSV file of the same dialect would hold."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

Cell = int | float | str | bool | time | date | datetime | timedelta


def cell_text(cell: Cell, *, decimal: str = ".") -> str:
    """The cell's text.

    A number is written by the shortest digits that stand for it, with the dialect's decimal mark and without a
    thousands mark; so ``12.3`` stays ``12.3``, and a sum that a spreadsheet computed to ``12.300000000000001`` keeps
    its digits, which the number grammar then refuses. A date is written year first, whatever its format on the screen.

    >>> cell_text(-1234.5, decimal=","), cell_text(17.0), cell_text(date(2026, 4, 2))
    ('-1234,5', '17', '2026-04-02')
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return _number(cell, decimal)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    return str(cell)


def _number(number: float, decimal: str) -> str:
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    exact = Decimal(repr(number))
    return f"{exact:f}".replace(".", decimal) if exact.is_finite() else str(number)
