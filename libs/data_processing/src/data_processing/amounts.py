"""Exact amounts from text, by a strict number grammar.

Nothing is repaired: what the grammar does not accept raises ``ValueError`` with the reason. Digits are ASCII, an amount
has at most six decimals and fits a signed 64-bit count of millionths, which is how ledgers hold it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

MAX_DECIMALS = 6
QUANTITY_DECIMALS = 18
"""So many decimals units and prices may have; no ledger sums them."""
LARGEST = Decimal(2**63 - 1).scaleb(-MAX_DECIMALS)

_TOO_FINE = re.compile(rf"[+-]?[0-9.,' ]*[.,][0-9]{{{MAX_DECIMALS + 1},}}")
_SPACES = {"\u00a0": " ", "\u202f": " ", "\u2212": "-", "\u2019": "'"}
_SIGN_APART = re.compile(r"^([+-]) ")
_SPACES_PATTERN = re.compile("[" + "".join(_SPACES) + "]")

AmountReader = Callable[[str], Decimal]


def amount_reader(
    *,
    decimal: str,
    thousands: str = "",
    currency_signs: str = "",
    whole_groups: bool = True,
    max_decimals: int = MAX_DECIMALS,
) -> AmountReader:
    """A function from text to ``Decimal`` for one way of writing numbers.

    Args:
        decimal: the decimal mark, ``.`` or ``,``.
        thousands: the marks that may separate groups of three digits; empty for none.
        currency_signs: signs that may stand before or after the number, such as ``€$``.
        whole_groups: whether a number of groups may lack decimals; without it ``1,234`` is refused, because it may be
            a decimal comma.
        max_decimals: how many decimals a number may have.

    The function raises ``ValueError`` with a reason that quotes the text.

    >>> amount_reader(decimal=",", thousands=".")("-1.234,56")
    Decimal('-1234.56')
    """
    point = re.escape(decimal)
    whole = "[0-9]+"
    for mark in thousands:
        whole += rf"|[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+" + ("" if whole_groups else f"(?={point}[0-9])")
    if "," in thousands:
        whole += "|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"  # lakhs and crores of India: 12,34,567
    grammar = re.compile(rf"([+-]?)((?:{whole})(?:{point}[0-9]{{0,{max_decimals}}})?|{point}[0-9]{{1,{max_decimals}}})")
    plain = re.compile(rf"[+-]?[0-9]{{1,12}}(?:{point}[0-9]{{1,{max_decimals}}})?").fullmatch
    signs = re.compile(f"[{re.escape(currency_signs)}]") if currency_signs else None

    def read(text: str) -> Decimal:
        if plain(text):
            return Decimal(text if decimal == "." else text.replace(decimal, "."))
        match = grammar.fullmatch(text)
        if match is None:
            cleaned = _SPACES_PATTERN.sub(lambda found: _SPACES[found[0]], text)
            if signs:
                cleaned = signs.sub("", cleaned, count=1)
            cleaned = _SIGN_APART.sub(r"\1", cleaned.strip())
            match = grammar.fullmatch(cleaned)
            if match is None:
                raise ValueError(_refusal(text, cleaned, max_decimals))
        digits = match[2]
        for mark in thousands:
            digits = digits.replace(mark, "")
        return within_range(Decimal(match[1] + digits.replace(decimal, ".")), text)

    return read


def accounting_reader(read: AmountReader, *, code: str = "") -> AmountReader:
    """A reader of what ``read`` reads, and of ``(12.50)`` and ``12.50-`` for minus 12.50.

    Args:
        read: reads the number itself.
        code: the currency code that may stand before or after the number.

    >>> accounting_reader(amount_reader(decimal="."), code="EUR")("(12.50) EUR")
    Decimal('-12.50')
    """

    def read_negative(text: str) -> Decimal:
        cleaned = text.strip().replace("\u2212", "-")
        if code:
            cleaned = cleaned.removeprefix(code).removesuffix(code).strip()
        bracketed = cleaned.startswith("(") and cleaned.endswith(")")
        if not bracketed and not cleaned.endswith("-"):
            return read(cleaned)
        inner = cleaned[1:-1] if bracketed else cleaned[:-1]
        if "-" in inner or "+" in inner:
            raise ValueError(f'amount "{shortened(text)}" has two signs')
        return -read(inner)

    return read_negative


def within_range(amount: Decimal, text: str) -> Decimal:
    """The amount itself; ``ValueError`` when it is larger than a ledger can hold."""
    if abs(amount) > LARGEST:
        raise ValueError(f'amount "{shortened(text)}" is larger than {LARGEST}')
    return amount


def _refusal(text: str, cleaned: str, max_decimals: int) -> str:
    if not cleaned:
        return "the amount is empty"
    if _TOO_FINE.fullmatch(cleaned):
        return f'amount "{shortened(text)}" has more than {max_decimals} decimals'
    return f'amount "{shortened(text)}" is not a number'


def shortened(text: str, limit: int = 60) -> str:
    """The text, cut to ``limit`` characters with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def ofx_amount(text: str, currency: str | None) -> Decimal:
    """An amount as OFX files write it: either decimal mark, leading zeros, a plus sign, a minus behind the number.

    The sign of the currency may stand beside it, and decimals beyond the sixth are no matter where they are zeros.

    One comma followed by exactly three digits is refused unless the currency has three decimals: it may be a decimal
    comma (as the standard says) or a thousands mark (as some banks write).

    >>> ofx_amount("-00000000001500.0000", "USD")
    Decimal('-1500.0000')
    """
    if _OFX_PLAIN(text):
        return Decimal(text)
    cleaned = text.replace("\u2212", "-").strip()
    if (sign := _CURRENCY_SIGNS.get(currency or "")) and sign in cleaned:
        cleaned = cleaned.replace(sign, "", 1).strip()
    cleaned = _OFX_EXTRA_ZEROS("", cleaned)
    if _OFX_MINUS_BEHIND(cleaned):
        cleaned = "-" + cleaned.strip("()- ")
    if _OFX_COMMA(cleaned):
        _, _, decimals = cleaned.partition(",")
        if len(decimals) == 3 and currency not in THREE_DECIMALS and _OFX_GROUP(cleaned):
            whole = cleaned.replace(",", "")
            raise ValueError(f'amount "{cleaned}" can be read as {cleaned.replace(",", ".")} or as {whole}')
        return within_range(Decimal(cleaned.replace(",", ".")), text)
    reader = _OFX_GROUPED_POINT if cleaned.rfind(".") > cleaned.rfind(",") else _OFX_GROUPED_COMMA
    return reader(cleaned)


THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_OFX_PLAIN = re.compile(rf"[+-]?[0-9]{{1,12}}(?:\.[0-9]{{1,{MAX_DECIMALS}}})?").fullmatch
_OFX_EXTRA_ZEROS = re.compile(rf"(?<=[.,][0-9]{{{MAX_DECIMALS}}})0++$").sub
_CURRENCY_SIGNS = {"BRL": "R$", "EUR": "€", "GBP": "£"}
"""The sign that may stand at an amount of a currency; a dollar sign is that of many."""
_OFX_MINUS_BEHIND = re.compile(r"[0-9][0-9., \u00a0]* ?-|\([0-9][0-9., \u00a0]*\)").fullmatch
_OFX_COMMA = re.compile(rf"[+-]?[0-9]*,[0-9]{{1,{MAX_DECIMALS}}}").fullmatch
_OFX_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}").fullmatch
_OFX_GROUPED_POINT = amount_reader(decimal=".", thousands=", ")
_OFX_GROUPED_COMMA = amount_reader(decimal=",", thousands=". ")


def ofx_quantity(text: str) -> Decimal:
    """Units or a price as OFX files write them: like an amount, with up to 18 decimals.

    >>> ofx_quantity("0.000000000012")
    Decimal('1.2E-11')
    """
    cleaned = text.replace("\u2212", "-").strip()
    if _OFX_GROUP(cleaned):
        whole = cleaned.replace(",", "")
        raise ValueError(f'"{cleaned}" can be read as {cleaned.replace(",", ".")} or as {whole}')
    if "," not in cleaned:
        return _QUANTITY_POINT(cleaned)
    return _QUANTITY_GROUPED(cleaned) if cleaned.rfind(".") > cleaned.rfind(",") else _QUANTITY_COMMA(cleaned)


_QUANTITY_POINT = amount_reader(decimal=".", max_decimals=QUANTITY_DECIMALS)
_QUANTITY_GROUPED = amount_reader(decimal=".", thousands=",", max_decimals=QUANTITY_DECIMALS)
_QUANTITY_COMMA = amount_reader(decimal=",", thousands=".", max_decimals=QUANTITY_DECIMALS)
