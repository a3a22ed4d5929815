"""The words by which rows are searched: spelling aside, the same for what is stored and for what is asked.

Case, accents and width do not count, and a word with an umlaut has three spellings that find one another: `Müller`,
`Mueller`, `Muller`. Databases disagree on all of this, and on where a word ends, so it is settled here, once, and the
database only compares words that stand between spaces.

What makes a row the same row is not decided on these words: see `search_text.folded`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

LONGEST_WORD = 100
"""Longer words are found by their first characters; an index holds no entry of any length."""

LONGEST_TEXT = 50_000
"""So many characters of a row are searched."""

_MOST_DIGRAPHS = 3
_DIGRAPH = re.compile("ae|oe|ue|aa")
_APOSTROPHES = "'\u2019`\u00b4\u02bc"
_APOSTROPHE = re.compile(f"[{_APOSTROPHES}]")
_INSIDE_WORD = re.compile(rf"(?<=\w)[{_APOSTROPHES}](?=\w)")
_JOINED = re.compile(rf"\w+(?:[{_APOSTROPHES}]\w+)+")

_WITHOUT_MARK = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
_DIGRAPHS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}


class _Folding(dict[int, str]):
    """What becomes of each character, for `str.translate`; filled as characters are met."""

    def __init__(self, *, digraphs: bool) -> None:
        super().__init__()
        self._digraphs = digraphs

    def __missing__(self, code: int) -> str:
        folded = self._fold(chr(code))
        self[code] = folded
        return folded

    def _fold(self, character: str) -> str:
        lower = character.lower()
        if self._digraphs and lower in _DIGRAPHS:
            return _DIGRAPHS[lower]
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
        return "".join(_part(part) for part in decomposed)


def _part(character: str) -> str:
    if character in _WITHOUT_MARK:
        return _WITHOUT_MARK[character]
    kind = unicodedata.category(character)
    if kind == "Cf" or unicodedata.combining(character) or "\ufe00" <= character <= "\ufe0f":
        return ""  # accents, soft hyphens, joiners and the variants of an emoji
    if kind[0] in "LNM":
        return character
    # A symbol such as an emoji is a word of its own; ASCII's are punctuation to most people.
    return f" {character} " if kind[0] == "S" and not character.isascii() else " "


_ASCII = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)).ljust(256)
_BASE = _Folding(digraphs=False)
_WRITTEN_OUT = _Folding(digraphs=True)


def search_words(text: str) -> str:
    """The words of a row's texts in all their spellings, each once, with a space before and after each; or nothing.

    >>> search_words("Müller & Söhne, MÜLLER")
    ' muller sohne mueller soehne '
    """
    text = text[:LONGEST_TEXT]
    words = dict.fromkeys(_ascii_spellings(text) if text.isascii() else _spellings(unicodedata.normalize("NFC", text)))
    if _APOSTROPHE.search(text):
        for joined in _JOINED.findall(text):
            words |= dict.fromkeys(_words(_INSIDE_WORD.sub("", joined), _BASE))
    return f" {' '.join(words)} " if words else ""


def _ascii_spellings(text: str) -> list[str]:
    # Most rows, and an import has very many: a tenth of the time that the general way takes.
    words = text.encode().translate(_ASCII).decode().split()
    if len(text) > LONGEST_WORD:
        words = [word[:LONGEST_WORD] for word in words]
    if _DIGRAPH.search(text.lower()):
        words += [spelling for word in words for spelling in _umlauts_for_digraphs(word)]
    return words


def _spellings(text: str) -> list[str]:
    words = _words(text, _BASE)
    others: list[str] = []
    for plain, full in zip(words, _words(text, _WRITTEN_OUT), strict=True):
        others += _umlauts_for_digraphs(plain) if plain == full else (full,)
    return words + others


def _words(text: str, folding: _Folding) -> list[str]:
    return [word[:LONGEST_WORD] for word in text.translate(folding).split()]


@lru_cache(maxsize=65_536)
def _umlauts_for_digraphs(word: str) -> tuple[str, ...]:
    """The spellings without the second letters of `ae`, `oe`, `ue` and `aa`, each of which may stand for an umlaut."""
    ends = [match.end() - 1 for match in _DIGRAPH.finditer(word)]
    if not ends:
        return ()
    sizes = range(1, len(ends) + 1) if len(ends) <= _MOST_DIGRAPHS else [len(ends)]
    dropped = (set(places) for size in sizes for places in combinations(ends, size))
    return tuple("".join(c for place, c in enumerate(word) if place not in places) for places in dropped)


class SearchWord(NamedTuple):
    """A word that must occur: a row has a word that begins with `prefix`, or one of `whole`."""

    prefix: str
    whole: tuple[str, ...]

    def fits(self, words: str) -> bool:
        """Whether it occurs in what `search_words` gives."""
        return f" {self.prefix}" in words or any(f" {whole} " in words for whole in self.whole)


def query_words(query: str) -> tuple[SearchWord, ...]:
    """The words of a search, each once; every one is the beginning of a word, because people type half of it.

    Only a whole word counts as the other spelling of one with `ae`, `oe`, `ue` or `aa`: of one that is being typed,
    `poe` would find every `post`.
    """
    text = _INSIDE_WORD.sub("", unicodedata.normalize("NFC", query))
    pairs = zip(_words(text, _BASE), _words(text, _WRITTEN_OUT), strict=True)
    found = (SearchWord(base, _umlauts_for_digraphs(base) if base == full else ()) for base, full in pairs)
    return tuple(dict.fromkeys(found))
