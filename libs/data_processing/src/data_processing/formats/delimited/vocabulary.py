"""What banks call their columns, and the words they write into them, as ``vocabulary.toml`` lists them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from data_processing.formats.delimited.mapping import ColumnRole

CellWords = Literal[
    "directions_out",
    "directions_in",
    "booked",
    "pending",
    "left_out",
    "balance_lines",
    "total_lines",
    "about_lines",
    "line_fillers",
    "net_amounts",
    "currency_codes",
]

_NOT_WORDS = re.compile(r"[^\w+-]+")
_JOINTS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def words(text: str) -> str:
    """The text in small letters without accents and punctuation, its words parted by single spaces."""
    plain = unicodedata.normalize("NFKD", _JOINTS.sub(" ", text.strip()).casefold()).replace("ı", "i")
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if len(kept) > 1:
        kept = kept.replace("_", " ").replace("-", " ")
    return " ".join(_NOT_WORDS.sub(" ", kept).split())


def cell_words(kind: CellWords) -> frozenset[str]:
    """The words of a kind, as ``words`` writes them."""
    return _vocabulary()[1][kind]


def other_direction(word: str) -> str | None:
    """The word that stands for the other direction where this one stands for one, in capitals where it is."""
    other = _document()["other_directions"].get(words(word))
    return other if other is None or not word.islower() else other.casefold()


def header_scores(cell: str) -> dict[ColumnRole, float]:
    """How well the name of a column fits each role, from 0 to 1; roles that it does not fit are left out.

    A name that is wholly one of the known ones counts most, then one that holds a known name, the more the more of it.
    """
    name = words(cell)
    scores: dict[ColumnRole, float] = {}
    if not name:
        return scores
    padded = f" {name} "
    for role, phrases in _vocabulary()[0].items():
        if name in phrases:
            scores[role] = 1.0
            continue
        found = max((len(phrase) for phrase in phrases if len(phrase) > 1 and f" {phrase} " in padded), default=0)
        if not found:
            # German and Dutch put words together: Buchungsbetrag, Rekeningsaldo.
            found = max((len(phrase) for phrase in phrases if len(phrase) > 4 and name.endswith(phrase)), default=0)
        if found:
            scores[role] = round(0.4 + 0.5 * found / len(name), 3)
    return scores


@cache
def _document() -> dict[str, dict[str, Any]]:
    source = files("data_processing.formats.delimited") / "vocabulary.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


@cache
def _vocabulary() -> tuple[dict[ColumnRole, frozenset[str]], dict[str, frozenset[str]]]:
    document = _document()
    columns = {ColumnRole(role): frozenset(map(words, phrases)) for role, phrases in document["columns"].items()}
    return columns, {kind: frozenset(map(words, phrases)) for kind, phrases in document["cells"].items()}
