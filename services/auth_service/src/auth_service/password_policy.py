"""Which passwords are accepted: long ones that are not known to everybody. No rules on their composition."""

import re
from functools import cache
from importlib.resources import files

from auth_service.password_hashing import normalise_password

MIN_LENGTH = 12
MAX_LENGTH = 256
LEAST_OF_ONES_OWN = 8
SHORTEST_PERSONAL_WORD = 4

_LOOKALIKES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
_NOT_LETTERS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_RUNS = (
    "0123456789" * 4,
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "qwertyuiopasdfghjklzxcvbnm" * 2,
    "qwertzuiopasdfghjklyxcvbnm" * 2,
    "azertyuiopqsdfghjklmwxcvbn" * 2,
    "1234567890qwertyuiop",
)


class PasswordPolicyError(ValueError):
    """A password was refused; ``code`` names the rule and the message says what helps."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_password(password: str, *, personal: tuple[str, ...] = ()) -> None:
    """Raise `PasswordPolicyError` unless the password is acceptable.

    Lengths are counted in characters after Unicode NFKC: at least 12, at most 256. ``personal`` holds the e-mail
    address and the name of the person; a password that is these and little else is refused, like one from the list of
    common ones, a repeated word, or a run along the keyboard.
    """
    text = normalise_password(password)
    if len(text) < MIN_LENGTH:
        raise PasswordPolicyError(
            "password_too_short",
            f"The password has {len(text)} characters; at least {MIN_LENGTH} are needed. Take a sentence of yours.",
        )
    if len(text) > MAX_LENGTH:
        raise PasswordPolicyError(
            "password_too_long", f"The password has {len(text)} characters; at most {MAX_LENGTH} are accepted."
        )
    if is_common(text):
        raise PasswordPolicyError(
            "password_common",
            "This password, or one very close to it, is among the first that an attacker tries. Choose your own words.",
        )
    if is_personal(text, personal):
        raise PasswordPolicyError(
            "password_personal",
            "The password is little more than your e-mail address or name. Choose words that do not stand there.",
        )


def is_common(password: str) -> bool:
    """Tell whether a password is on the list, or is one of the list with padding, look-alike letters or repetition."""
    folded = password.casefold()
    period = _period(folded)
    core = _core(folded)
    forms = {folded, period, core, _core(period), core.translate(_LOOKALIKES), _core(folded.translate(_LOOKALIKES))}
    return len(period) <= SHORTEST_PERSONAL_WORD or _is_run(folded) or not forms.isdisjoint(common_passwords())


def is_personal(password: str, personal: tuple[str, ...]) -> bool:
    """Tell whether fewer than eight characters remain when the person's own words are taken out."""
    remaining = password.casefold()
    for word in sorted(_words(personal), key=len, reverse=True):
        remaining = remaining.replace(word, "")
    return remaining != password.casefold() and len(remaining) < LEAST_OF_ONES_OWN


@cache
def common_passwords() -> frozenset[str]:
    """Give the list of common passwords, each in lower case."""
    text = (files("auth_service") / "common_passwords.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _words(personal: tuple[str, ...]) -> set[str]:
    folded = [normalise_password(text).casefold() for text in personal if text]
    words = {word for text in folded for word in re.split(r"[\W_]+", text)}
    whole = {part for text in folded for part in (text, text.partition("@")[0])}
    return {word for word in words | whole if len(word) >= SHORTEST_PERSONAL_WORD}


def _core(text: str) -> str:
    return _NOT_LETTERS.sub("", text)


def _period(text: str) -> str:
    """Give the shortest word that, repeated, makes the text ("abcabc" gives "abc")."""
    return text[: (text + text).index(text, 1)]


def _is_run(text: str) -> bool:
    return any(text in run or text[::-1] in run for run in _RUNS)
