"""The information to the account owner (``:86:``), structured as some countries do, or free."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from data_processing.formats.row_checks import MAX_FIELD
from data_processing.formats.swift.fields import Field, joined
from data_processing.quick import quick

# Where a row has two fields, the first may be the code of the second.
_CODE: Final = r"\s*+(?:[0-9]{3}\s++(?=[0-9]{3}))?+([0-9]{3})\s*+"
# A mark that texts have too, as in "049 +49 30 1234", has to stand beside the code and to come again.
_CODED = re.compile(
    rf"{_CODE}(?:([?<>~^@|\\»¦§¬])(?=[0-9]{{2}})|(?<=[0-9])([+#&!$%*;])(?=[02]0.*\3[0-9]{{2}}))", re.DOTALL
)
_SLASHED = re.compile(r"/(TRTP|[A-Z]{4}|BIC)/")
_KEYS: Final = ("EREF+", "KREF+", "MREF+", "CRED+", "DEBT+", "SVWZ+", "ABWA+", "ABWE+", "IBAN+", "BIC+", "MTLG:")
_NEXT_KEY = re.compile("|".join(map(re.escape, _KEYS))).search
_ACCOUNT_AND_NAME = re.compile(r"/?([A-Z0-9]*[0-9]{5}[A-Z0-9]*)\s*/\s*([^/\n]+)").match
_ACCOUNT = re.compile(r"(?:[A-Z]{2}[0-9]{2}[A-Z0-9]|[0-9])[A-Z0-9/]*").fullmatch
_FULL_SUBFIELD: Final = 27
_MOST_LAYOUTS: Final = 200
"""So many layouts of a file get a pattern of their own."""
_NEVER = re.compile(r"(?!)")
_PURPOSE: Final = frozenset(f"{number}" for number in (*range(20, 30), *range(60, 64)))
_APART: Final = frozenset({"30", "31", "32", "33", "38", "10", "34", *_PURPOSE})
"""The other party, what the bank writes for itself, and the purpose."""
_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED"})
_LISTED_PURPOSE: Final = frozenset(f"{number:02}" for number in range(1, 15))


@dataclass(frozen=True, slots=True)
class Information:
    """What the bank says about a line beside its amount. ``payee`` is set where it names both payer and payee."""

    text: str = ""
    counterparty: str | None = None
    counterparty_account: str | None = None
    reference: str | None = None
    code: str | None = None
    payee: str | None = None


_new_information = quick(Information)
_NOTHING: Final = Information()


class InformationReader:
    """Reads the information of one file's rows, which share a few layouts; mostly a row has that of the one before."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._last = _layout("", (), _NEVER)

    def read(self, field: Field) -> Information:
        """What stands under the row, in the dialect it is written in; raises ``ValueError`` where it is too long."""
        body, last = field.information, self._last
        if len(body) > MAX_FIELD or len(field.body) > MAX_FIELD:
            raise ValueError(f"a field of the row is longer than {MAX_FIELD} characters")
        same = last.match(joined(body, last.mark))
        if same is not None:
            return _coded(same.groups(), last)
        coded = _CODED.match(body)
        if coded is not None:
            mark = coded[2] or coded[3]
            fields = _numbered(joined(body, mark), mark)
            self._last = self._layout_of(mark, *fields)
            return _coded((coded[1], *fields.values()), self._last)
        if not body:
            return _listed(field.listed) if field.listed else _NOTHING
        if _SLASHED.match(body):
            return _slashed(joined(body, gap="\n"))
        return _new_information(_spaced(joined(body)))

    def _layout_of(self, mark: str, *numbers: str) -> _Layout:
        known = self._layouts.get((mark, *numbers))
        if known is not None:
            return known
        if len(self._layouts) >= _MOST_LAYOUTS:
            return _layout(mark, numbers, _NEVER)
        sign = re.escape(mark)
        texts = "".join(f"{sign}{number}([^{sign}]*+)" for number in numbers)
        layout = _layout(mark, numbers, re.compile(f"{_CODE}{texts}"))
        self._layouts[mark, *numbers] = layout
        return layout


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which numbered fields a row has: what cuts it into its code and their texts, and where these stand."""

    mark: str
    match: Callable[[str], re.Match[str] | None]
    purpose: tuple[int, ...]
    others: tuple[int, ...]
    names: tuple[int, ...]
    accounts: tuple[int, ...]


def _layout(mark: str, numbers: tuple[str, ...], pattern: re.Pattern[str]) -> _Layout:
    at = {number: place for place, number in enumerate(numbers, start=1)}
    return _Layout(
        mark,
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
    about = besides = name = account = ""
    full = False
    for place in layout.purpose:
        part = texts[place]
        if full and part.startswith(_KEYS):
            about += " "
        full = len(part) >= _FULL_SUBFIELD
        about += part if full else f"{part} "
    for place in layout.others:
        besides += f"{_repeated(texts[place])} "
    for place in layout.names:
        name += texts[place]
    for place in layout.accounts:
        account = account or _account(texts[place])
    about = " ".join(about.split())
    return _new_information(
        f"{besides}{about}" if about else besides.rstrip(),
        _repeated(name) or None,
        account or None,
        _end_to_end(about) if "EREF+" in about else None,
        texts[0],
    )


def _end_to_end(purpose: str) -> str | None:
    """The payer's own reference behind ``EREF+``, which the purpose has, up to the next key."""
    written = purpose.rpartition("EREF+")[2].partition("SVWZ+")[0]
    end = _NEXT_KEY(written)
    return _provided(written[: end.start()] if end else written)


def _provided(reference: str) -> str | None:
    found = reference.strip()
    return None if not found or found.upper() in _NOT_PROVIDED else found


def _slashed(text: str) -> Information:
    """Dutch and other banks: ``/EREF/…/BENM//NAME/…/REMI/…``, ``/CNTP/account/BIC/name///REMI/…``."""
    _, *pieces = _SLASHED.split(text)
    written: dict[str, str] = {}
    for key, value in zip(pieces[::2], pieces[1::2], strict=True):
        written.setdefault(key, value.strip("/ \n"))
    found = {key: _spaced(value) for key, value in written.items()}
    account, name = found.get("IBAN") or found.get("BBAN"), found.get("NAME")
    if "CNTP" in found:
        number, _, named = (part.strip() for part in f"{found['CNTP']}//".split("/", 3)[:3])
        account, name = account or number, name or named
    (payer, from_account), (payee, to_account) = (_party(written.get(key, "")) for key in ("ORDP", "BENM"))
    return Information(
        text=_spaced(text),
        counterparty=name or payer or payee or None,
        counterparty_account=account or from_account or to_account or None,
        reference=_provided(found.get("EREF", "")),
        payee=payee if payer and not name else None,
    )


def _party(text: str) -> tuple[str, str]:
    """Name and account of a party that is written as a name, or as an account with the name behind it."""
    found = _ACCOUNT_AND_NAME(text)
    return (found[2].strip(), found[1]) if found else (_spaced(text.partition("\n")[0]), "")


def _listed(body: str) -> Information:
    """The lines of ``:NS:``, each with the number of its field: 01 to 14 the purpose, 15 and 16 the other party."""
    lines = [(line[:2], line[2:]) for line in body.split("\n")]
    found = dict(lines)
    purpose = " ".join(text for number, text in lines if number in _LISTED_PURPOSE)
    return Information(
        text=_spaced(f"{found.get('17', '')} {purpose}"),
        counterparty=_spaced(found.get("15", "") + found.get("16", "")) or None,
        counterparty_account=_spaced(found.get("34", "")) or None,
    )


@lru_cache(maxsize=4096)
def _account(text: str) -> str:
    """The account, without the spaces and line ends that stand inside a number."""
    number = "".join(text.split())
    return number if _ACCOUNT(number) else _spaced(text)


@lru_cache(maxsize=4096)
def _repeated(text: str) -> str:
    return _spaced(text)


def _spaced(text: str) -> str:
    return " ".join(text.split())
