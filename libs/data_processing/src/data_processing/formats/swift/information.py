"""The information to the account owner (``:86:``), structured as some countries do, or free."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from data_processing.formats.swift.fields import Field
from data_processing.quick import quick

_CODED = re.compile(r"\s*([0-9]{3})\s*([^0-9A-Za-z\s])([0-9]{2})")
_SLASHED = re.compile(r"/([A-Z]{4}|BIC)/")
_SEPA = re.compile(r"EREF\+|KREF\+|MREF\+|CRED\+|DEBT\+|SVWZ\+|ABWA\+|ABWE\+|IBAN\+|BIC\+|MTLG:")
_FULL_SUBFIELD: Final = 27
_MOST_LAYOUTS: Final = 200
"""So many layouts of a file get a pattern of their own."""
_NEVER = re.compile(r"(?!)")
_PURPOSE: Final = frozenset(f"{number}" for number in (*range(20, 30), *range(60, 64)))
_APART: Final = frozenset({"30", "31", "32", "33", "38", "10", "34", *_PURPOSE})
"""The other party, what the bank writes for itself, and the purpose."""
_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED"})


@dataclass(frozen=True, slots=True)
class Information:
    """What the bank says about a line beside its amount."""

    text: str = ""
    counterparty: str | None = None
    counterparty_account: str | None = None
    reference: str | None = None
    code: str | None = None


_new_information = quick(Information)


class InformationReader:
    """Reads the information of one file's rows, which share a few layouts; mostly a row has that of the one before."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._last: _Layout | None = None

    def read(self, field: Field | None) -> Information:
        """What the field says, in the dialect it is written in; nothing where there is no field."""
        if field is None:
            return Information()
        whole = field.whole
        last = self._last
        if last is not None and (same := last.match(whole)) is not None:
            return _coded(same.groups(), last)
        coded = _CODED.match(whole)
        if coded is not None:
            fields = _numbered(whole, coded[2])
            self._last = self._layout_of(coded[2], *fields)
            return _coded((coded[1], *fields.values()), self._last)
        text = field.text
        return _slashed(text) if _SLASHED.match(text) else _new_information(text)

    def _layout_of(self, mark: str, *numbers: str) -> _Layout:
        known = self._layouts.get((mark, *numbers))
        if known is not None:
            return known
        if len(self._layouts) >= _MOST_LAYOUTS:
            return _layout(numbers, _NEVER)
        sign = re.escape(mark)
        texts = "".join(f"{sign}{number}([^{sign}]*+)" for number in numbers)
        layout = _layout(numbers, re.compile(rf"\s*([0-9]{{3}})\s*{texts}"))
        self._layouts[mark, *numbers] = layout
        return layout


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which numbered fields a row has: what cuts it into its code and their texts, and where these stand."""

    match: Callable[[str], re.Match[str] | None]
    purpose: tuple[int, ...]
    others: tuple[int, ...]
    names: tuple[int, ...]
    accounts: tuple[int, ...]


def _layout(numbers: tuple[str, ...], pattern: re.Pattern[str]) -> _Layout:
    at = {number: place for place, number in enumerate(numbers, start=1)}
    return _Layout(
        pattern.fullmatch,
        tuple(at[number] for number in sorted(numbers) if number in _PURPOSE),
        tuple(at[number] for number in sorted(numbers) if number not in _APART),
        tuple(at[number] for number in ("32", "33") if number in at),
        tuple(at[number] for number in ("38", "31") if number in at),
    )


def _numbered(whole: str, mark: str) -> dict[str, str]:
    """German and Polish banks: fields that start with a mark and a number; one that stands twice is put together."""
    found: dict[str, str] = {}
    _, *pieces = re.split(rf"{re.escape(mark)}([0-9]{{2}})", whole)
    for number, text in zip(pieces[::2], pieces[1::2], strict=True):
        found[number] = found.get(number, "") + text
    return found


def _coded(texts: tuple[str, ...], layout: _Layout) -> Information:
    """The information of the code, which is the first text, and of the fields behind it."""
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
    return _new_information(
        f"{besides} {about}".strip() if besides else about,
        _repeated(name) or None,
        account or None,
        _end_to_end(about) if "EREF+" in about else None,
        texts[0],
    )


def _together(parts: list[str]) -> str:
    """The text of fields that hold 27 characters each; only a shorter one ends at the end of a word."""
    if not parts or max(map(len, parts)) < _FULL_SUBFIELD:
        return _spaced(" ".join(parts))
    text = ""
    for part, following in pairwise(parts):
        text += f"{part} " if len(part) < _FULL_SUBFIELD or _SEPA.match(following) else part
    return _spaced(text + parts[-1])


def _end_to_end(purpose: str) -> str | None:
    """The payer's own reference behind ``EREF+``, which the purpose has, up to the next key."""
    written = purpose.rpartition("EREF+")[2]
    end = _SEPA.search(written)
    found = (written[: end.start()] if end else written).strip()
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
