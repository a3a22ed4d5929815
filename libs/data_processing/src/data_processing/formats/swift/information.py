"""The information to the account owner (``:86:``), structured as some countries do, or free."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from data_processing.formats.swift.fields import Field

_CODED = re.compile(r"\s*([0-9]{3})\s*([^0-9A-Za-z\s])([0-9]{2})")
_SLASHED = re.compile(r"/([A-Z]{4})/")
_SEPA = re.compile(r"((?:EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC)\+|MTLG:)")
_FULL_SUBFIELD: Final = 27
_PURPOSE: Final = (*(f"{number}" for number in range(20, 30)), *(f"{number}" for number in range(60, 64)))
_PARTNER: Final = frozenset({"30", "31", "32", "33", "38"})
_INTERNAL: Final = frozenset({"10", "34"})
_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED"})


@dataclass(frozen=True, slots=True)
class Information:
    """What the bank says about a line beside its amount."""

    text: str = ""
    counterparty: str | None = None
    counterparty_account: str | None = None
    reference: str | None = None
    code: str | None = None


def information(field: Field | None) -> Information:
    """The information in the dialect it is written in."""
    if field is None:
        return Information()
    whole = field.whole
    coded = _CODED.match(whole)
    if coded is not None:
        return _subfields(whole, code=coded[1], mark=coded[2])
    text = field.text
    return _slashed(text) if _SLASHED.match(text) else Information(text)


def _subfields(whole: str, *, code: str, mark: str) -> Information:
    """German and Polish banks: a business code of three digits, then fields that start with a mark and a number."""
    _, *pieces = _numbered(mark).split(whole)
    found: dict[str, str] = {}
    for number, text in zip(pieces[::2], pieces[1::2], strict=True):
        found[number] = found.get(number, "") + text
    purpose = _together([found[number] for number in _PURPOSE if number in found])
    apart = (*_PARTNER, *_INTERNAL, *_PURPOSE)
    others = _together([text for number, text in found.items() if number not in apart])
    return Information(
        text=f"{others} {purpose}".strip(),
        counterparty=_spaced(found.get("32", "") + found.get("33", "")) or None,
        counterparty_account=_spaced(found.get("38", "")) or _spaced(found.get("31", "")) or None,
        reference=_end_to_end(purpose),
        code=code,
    )


@cache
def _numbered(mark: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(mark)}([0-9]{{2}})")


def _together(parts: list[str]) -> str:
    """The text of fields that hold 27 characters each; only a shorter one ends at the end of a word."""
    if len(parts) < 2:
        return _spaced("".join(parts))
    pieces = [
        f"{part} " if len(part) < _FULL_SUBFIELD or _SEPA.match(following) else part
        for part, following in zip(parts, [*parts[1:], ""], strict=True)
    ]
    return _spaced("".join(pieces))


def _end_to_end(purpose: str) -> str | None:
    """The payer's own reference behind ``EREF+``, up to the next key."""
    if "EREF+" not in purpose:
        return None
    _, *pieces = _SEPA.split(purpose)
    found = dict(zip(pieces[::2], pieces[1::2], strict=True)).get("EREF+", "").strip()
    return None if not found or found.upper() in _NOT_PROVIDED else found


def _slashed(text: str) -> Information:
    """Dutch banks: ``/EREF/…/BENM//NAME/…/REMI/…``."""
    _, *pieces = _SLASHED.split(text)
    found: dict[str, str] = {}
    for key, value in zip(pieces[::2], pieces[1::2], strict=True):
        found.setdefault(key, value.strip("/ "))
    reference = found.get("EREF", "")
    return Information(
        text=text,
        counterparty=found.get("NAME") or None,
        counterparty_account=found.get("IBAN") or None,
        reference=reference if reference and reference.upper() not in _NOT_PROVIDED else None,
    )


def _spaced(text: str) -> str:
    return " ".join(text.split())
