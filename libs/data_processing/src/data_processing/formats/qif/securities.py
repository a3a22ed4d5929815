"""QIF lists of securities and of their prices."""

from __future__ import annotations

import re
from typing import Final

from data_processing.formats.qif.records import Record
from data_processing.investments import Security, SecurityKind

_KINDS: Final = {
    "stock": SecurityKind.STOCK,
    "bond": SecurityKind.BOND,
    "mutual fund": SecurityKind.FUND,
    "etf": SecurityKind.FUND,
    "option": SecurityKind.OPTION,
    "options": SecurityKind.OPTION,
}
_PRICE = re.compile(r'"([^"]{1,200})"\s*,\s*"?([^"]{0,60}?)"?\s*,\s*"([^"]{1,40})"')


class SecurityList:
    """The securities that the file describes, found by their names or symbols."""

    def __init__(self) -> None:
        self._named: dict[str, Security] = {}
        self._described: list[Security] = []

    def describe(self, record: Record) -> None:
        """Take a record of the list."""
        name, symbol = record.get("N") or None, record.get("S") or None
        if name is None and symbol is None:
            return
        kind = _KINDS.get(record.get("T").casefold(), SecurityKind.OTHER)
        security = Security(name=name, ticker=symbol, kind=kind)
        for key in (name, symbol):
            if key is not None:
                self._named.setdefault(key.casefold(), security)
        self._described.append(security)

    def named(self, text: str) -> Security | None:
        """The security that a record names; None where it names none."""
        if not text:
            return None
        return self._named.setdefault(text.casefold(), Security(name=text))

    @property
    def all(self) -> tuple[Security, ...]:
        """Every security that the file describes or names, once."""
        return tuple(dict.fromkeys([*self._described, *self._named.values()]))


def price_parts(line: str) -> tuple[str, str, str] | None:
    """The security, the price and the day that a line of the list of prices names, as text."""
    found = _PRICE.fullmatch(line)
    return (found[1].strip(), found[2].strip(), found[3].strip()) if found else None
