"""Regular expressions that users write.

They are matched by RE2, in time that grows with the text and never explodes: `(a+)+$` is as harmless as any other. What
that asks for is a language without look-around and backreferences (https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import re2  # type: ignore[import-untyped]  # the package brings no types

from transaction_service.search.text import folded

LONGEST_TEXT = 1000
"""So many characters of a text are looked at."""
_MOST_MEMORY = 1024 * 1024
"""Bytes that a compiled expression may take, which also limits its time for each character."""
_LEAST_MEMORY = 64 * 1024
_MEMORY_PER_INSTRUCTION = 128
"""What an expression needs to be looked for at all: room for twenty states, which grow with its program."""
_MOST_IN_SET = 200_000
"""So many bytes of texts are looked for together: a set of twice as many may need more than its memory."""
_LEAST_SET_MEMORY = 8 * 1024 * 1024
_SET_MEMORY_PER_BYTE = 336
_TOO_LARGE = "the regular expression is too large; use fewer or smaller repetitions"


class PatternError(ValueError):
    """A text that is no regular expression."""


@lru_cache(maxsize=128)
def text_pattern(source: str) -> TextPattern:
    """A regular expression, which is not compiled anew for each request. Raises PatternError."""
    return TextPattern(source)


class TextPattern:
    """A regular expression that is looked for in folded texts, so that its case does not matter.

    `memory` is the most bytes that it ever takes. Raises PatternError, which names the place.
    """

    def __init__(self, source: str) -> None:
        self.source = _folded_letters(source)
        try:
            size = re2.compile(self.source, _options(_MOST_MEMORY)).programsize
        except re2.error as error:
            raise PatternError(_reason(error, source)) from error
        self.memory = min(_MOST_MEMORY, _LEAST_MEMORY + _MEMORY_PER_INSTRUCTION * size)
        # A set of one only says whether it is found, which takes half the time of finding where.
        self._alone = re2.Set.SearchSet(_options(self.memory))
        try:
            self._alone.Add(self.source)
            self._alone.Compile()
        except re2.error as error:
            raise PatternError(_TOO_LARGE) from error

    def fits(self, text: str) -> bool:
        """Whether the expression is found anywhere in this folded text."""
        return self._alone.Match(text[:LONGEST_TEXT]) is not None


def _folded_letters(source: str) -> str:
    """The expression as it meets folded texts: letters beyond ASCII stand for themselves, and `ß` is folded to `ss`."""
    return "".join(character if character.isascii() else folded(character) or character for character in source)


def _options(memory: int) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = memory
    return options


def text_memory(text: str) -> int:
    """The most bytes that it ever takes to look for a text together with others."""
    return len(text.encode()) * _SET_MEMORY_PER_BYTE


class TextIndex:
    """Many texts and expressions that are looked for in one pass, each with the numbers that it stands for.

    What is found may be too much, for an expression, and is never too little.
    """

    def __init__(self, texts: Mapping[str, Sequence[int]], patterns: Sequence[tuple[TextPattern, int]]) -> None:
        self._sets = [(_set_of(part), [texts[text] for text in part]) for part in _parts(texts)]
        self._pattern_numbers = [number for _, number in patterns]
        self._filter = None
        if patterns:
            self._filter = re2.Filter()
            for pattern, _ in patterns:
                self._filter.Add(pattern.source, _options(_MOST_MEMORY))
            self._filter.Compile()

    def numbers(self, text: str) -> set[int]:
        """The numbers of what may be in a folded text."""
        found: set[int] = set()
        for texts, numbers in self._sets:
            for place in texts.Match(text) or ():
                found.update(numbers[place])
        if self._filter is not None:
            found.update(self._pattern_numbers[place] for place in self._filter.Match(text, potential=True) or ())
        return found


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in parts that a set has the memory for."""
    part: list[str] = []
    size = 0
    for text in texts:
        size += len(text.encode())
        if part and size > _MOST_IN_SET:
            yield part
            part, size = [], len(text.encode())
        part.append(text)
    if part:
        yield part


def _set_of(texts: Sequence[str]) -> re2.Set:
    options = re2.Options()
    options.max_mem = _LEAST_SET_MEMORY + sum(map(text_memory, texts))
    found = re2.Set.SearchSet(options)
    for text in texts:
        found.Add(re2.escape(text))
    found.Compile()
    return found


def _reason(error: Exception, written: str) -> str:
    """What is wrong and where: the reader's message ends with the part that it stumbled over."""
    message = error.args[0] if error.args else ""
    reason = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    what, _, part = reason.partition(": ")
    if "too large" in what:
        return _TOO_LARGE
    place = written.find(part) if part else -1
    where = f" at character {place + 1}" if place >= 0 else ""
    if what == "invalid perl operator" or (what == "invalid escape sequence" and part[1:].isdigit()):
        what = "look-around and backreferences are not supported"
    return f"not a regular expression{where}: {what}" + (f" ({part[:40]})" if part else "")
