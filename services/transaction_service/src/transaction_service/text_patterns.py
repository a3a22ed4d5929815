"""Regular expressions that users write.

They are matched by RE2, in time that grows with the text and never explodes: `(a+)+$` is as harmless as any other. What
that asks for is a language without look-around and backreferences (https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import re2  # type: ignore[import-untyped]  # the package brings no types

from transaction_service.search_text import folded

LONGEST_TEXT = 1000
"""So many characters of a text are looked at."""
_MOST_MEMORY = 256 * 1024
"""Bytes that a compiled expression may take, which also limits its time for each character."""


class PatternError(ValueError):
    """A text that is no regular expression."""


class TextPattern:
    """A regular expression that is looked for in folded texts, so that its case does not matter.

    Raises PatternError, which names the place.
    """

    def __init__(self, source: str) -> None:
        self._compiled = _compiled(_folded_letters(source), source)

    def fits(self, text: str) -> bool:
        """Whether the expression is found anywhere in this folded text."""
        return self._compiled.search(text[:LONGEST_TEXT]) is not None


def _folded_letters(source: str) -> str:
    """The expression as it meets folded texts: letters beyond ASCII stand for themselves, and `ß` is folded to `ss`."""
    return "".join(character if character.isascii() else folded(character) or character for character in source)


def _compiled(source: str, written: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    try:
        return re2.compile(source, options)
    except re2.error as error:
        raise PatternError(_reason(error, written)) from error


def _reason(error: Exception, written: str) -> str:
    """What is wrong and where: the reader's message ends with the part that it stumbled over."""
    message = error.args[0] if error.args else ""
    reason = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    what, _, part = reason.partition(": ")
    if "too large" in what:
        return "the regular expression is too large; use fewer or smaller repetitions"
    place = written.find(part) if part else -1
    where = f" at character {place + 1}" if place >= 0 else ""
    if what == "invalid perl operator" or (what == "invalid escape sequence" and part[1:].isdigit()):
        what = "look-around and backreferences are not supported"
    return f"not a regular expression{where}: {what}" + (f" ({part[:40]})" if part else "")
