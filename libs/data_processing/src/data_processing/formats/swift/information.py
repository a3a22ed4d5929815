"""The information to the account owner (``:86:``), structured as some countries do, or free."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from data_processing.formats.swift.fields import Field

_CODED = re.compile(r"\s*([0-9]{3})\s*([^0-9A-Za-z\s])([0-9]{2})")
_SLASHED = re.compile(r"/([A-Z]{4})/")
_SEPA = re.compile(r"((?:EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC)\+|MTLG:)")
_FULL_SUBFIELD: Final = 27
_MOST_SUBFIELDS: Final = 201
_PURPOSE: Final = frozenset(f"{number}" for number in (*range(20, 30), *range(60, 64)))
_APART: Final = frozenset({"30", "31", "32", "33", "38", "10", "34", *_PURPOSE})
"""The other party, what the bank writes for itself, and the purpose."""
_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED"})


class Information(NamedTuple):
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
    pieces = _numbered(mark).split(whole)
    layout = _layout(tuple(pieces[1:_MOST_SUBFIELDS:2]))
    if layout is None or len(pieces) > _MOST_SUBFIELDS:
        return _subfields(mark.join(_in_order(mark, pieces)), code=code, mark=mark)
    texts = pieces[2::2]
    about = _together([texts[place] for place in layout.purpose])
    others = layout.others
    if len(others) == 1:
        besides = _repeated(texts[others[0]])
    else:
        besides = _together([texts[place] for place in others]) if others else ""
    name = account = ""
    for place in layout.names:
        name += texts[place]
    for place in layout.accounts:
        account = account or _repeated(texts[place])
    return Information(
        f"{besides} {about}".strip() if besides else about,
        _repeated(name) or None,
        account or None,
        _end_to_end(about),
        code,
    )


class _Layout(NamedTuple):
    """Where the fields of a row stand among all that it has; a bank's rows share a few layouts."""

    purpose: tuple[int, ...]
    others: tuple[int, ...]
    names: tuple[int, ...]
    accounts: tuple[int, ...]


@lru_cache(maxsize=256)
def _layout(numbers: tuple[str, ...]) -> _Layout | None:
    """The layout; None where the fields do not stand in the order of their numbers."""
    if any(earlier >= later for earlier, later in pairwise(numbers)):
        return None
    at = {number: place for place, number in enumerate(numbers)}
    return _Layout(
        tuple(place for number, place in at.items() if number in _PURPOSE),
        tuple(place for number, place in at.items() if number not in _APART),
        tuple(at[number] for number in ("32", "33") if number in at),
        tuple(at[number] for number in ("38", "31") if number in at),
    )


def _in_order(mark: str, pieces: list[str]) -> list[str]:
    """The fields by their numbers, what stands twice put together."""
    found: dict[str, str] = {}
    for number, text in zip(pieces[1::2], pieces[2::2], strict=True):
        found[number] = found.get(number, "") + text
    return [pieces[0], *(f"{number}{text}" for number, text in sorted(found.items()))]


@cache
def _numbered(mark: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(mark)}([0-9]{{2}})")


def _together(parts: list[str]) -> str:
    """The text of fields that hold 27 characters each; only a shorter one ends at the end of a word."""
    if len(parts) < 2:
        return _spaced(parts[0]) if parts else ""
    text = ""
    for part, following in pairwise(parts):
        text += f"{part} " if len(part) < _FULL_SUBFIELD or _SEPA.match(following) else part
    return _spaced(text + parts[-1])


def _end_to_end(purpose: str) -> str | None:
    """The payer's own reference behind ``EREF+``, up to the next key."""
    start = purpose.rfind("EREF+")
    if start < 0:
        return None
    end = _SEPA.search(purpose, start + 5)
    found = purpose[start + 5 : end.start() if end else None].strip()
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


@lru_cache(maxsize=4096)
def _repeated(text: str) -> str:
    return _spaced(text)


def _spaced(text: str) -> str:
    return " ".join(text.split())
