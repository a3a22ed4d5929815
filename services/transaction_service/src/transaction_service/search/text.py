"""The form in which texts are compared: the same for what is stored and for what is asked.

Databases disagree on the case of letters outside ASCII (SQLite folds none of them), so the folding is done here, once,
and the database only compares.
"""

from __future__ import annotations

import unicodedata

_LIKE_ESCAPE = "\\"


def folded(text: str) -> str:
    """`text` without differences of case, width and spacing: `folded("MÜLLER  Straße") == "müller strasse"`."""
    if text.isascii():
        return " ".join(text.lower().split())
    # Folding can undo the normalisation, hence twice.
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def searchable(*parts: str | None) -> str:
    """The folded text in which a row is found; empty parts leave nothing behind."""
    return folded(" ".join(part for part in parts if part))


def contains_pattern(text: str) -> str:
    """A LIKE pattern (escape character: backslash) that finds the folded `text` anywhere."""
    escaped = folded(text)
    for character in (_LIKE_ESCAPE, "%", "_"):
        escaped = escaped.replace(character, _LIKE_ESCAPE + character)
    return f"%{escaped}%"
