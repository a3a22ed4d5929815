"""Exact money: whole micros (10^-6 of the currency unit) inside frames, `Decimal` outside."""

from __future__ import annotations

from decimal import Decimal

MICROS_PER_UNIT = 1_000_000
"""How many micros one unit of a currency has."""

_DECIMALS = 6
_SHOWN_DECIMALS = 2


def decimal_of_micros(micros: int) -> Decimal:
    """Give the exact amount in currency units, with two to six decimals.

    The digits are placed, not divided, so the result does not depend on the decimal context and is exact at any size.

    Parameters
    ----------
    micros
        Signed amount in 10^-6 of the currency unit.

    Examples
    --------
    >>> decimal_of_micros(-12_340_000)
    Decimal('-12.34')
    >>> decimal_of_micros(1)
    Decimal('0.000001')
    >>> decimal_of_micros(10**30)
    Decimal('1000000000000000000000000.00')
    """
    whole, fraction = divmod(abs(micros), MICROS_PER_UNIT)
    digits = f"{fraction:0{_DECIMALS}d}".rstrip("0").ljust(_SHOWN_DECIMALS, "0")
    sign = "-" if micros < 0 else ""
    return Decimal(f"{sign}{whole}.{digits}")


def ratio(part: int, whole: int) -> float | None:
    """Divide two exact amounts; None unless `whole` is positive.

    The quotient of two integers is the float nearest to the exact fraction, at any size.

    >>> ratio(1, 4), ratio(1, 0), ratio(1, -4)
    (0.25, None, None)
    """
    return part / whole if whole > 0 else None
