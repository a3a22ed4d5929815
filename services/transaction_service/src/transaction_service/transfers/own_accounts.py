"""How a row's texts point at another account of the same user: by its number, by its name, by the user's own name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from transaction_service.search.text import folded

_SEPARATORS = re.compile(r"[^0-9a-z]")
_IBAN = re.compile(r"[a-z]{2}[0-9]{2}[0-9a-z]{11,30}")
_SHORTEST_TAIL = 6
"""So many digits at the end of an IBAN are taken for the domestic number of an account."""
_SHORTEST_NAME = 4
_LONG_WORD = re.compile(r"\b[0-9a-z]{8,34}\b")


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account as rows of other accounts may name it: comparable numbers (`comparable_number`) and folded names."""

    id: UUID
    currency: str
    numbers: frozenset[str]
    names: frozenset[str]


def comparable_number(number: str) -> str:
    """An account number without spaces, dashes and case: `comparable_number("DE89 3704-0044") == "de8937040044"`."""
    return _SEPARATORS.sub("", folded(number))


class OwnAccounts:
    """Look-ups in the accounts of one user. `own_names` are folded names of the user as counterparty."""

    def __init__(self, accounts: Iterable[OwnAccount], own_names: Collection[str] = ()) -> None:
        self.accounts = {account.id: account for account in accounts}
        self._own_names = frozenset(name for name in own_names if len(name) >= _SHORTEST_NAME)
        self._by_number: dict[str, set[UUID]] = {}
        self._by_name: dict[str, set[UUID]] = {}
        for account in self.accounts.values():
            for number in account.numbers:
                self._by_number.setdefault(number, set()).add(account.id)
            for name in account.names:
                if len(name) >= _SHORTEST_NAME:
                    self._by_name.setdefault(name, set()).add(account.id)
        longest_first = sorted(self._by_name, key=lambda name: (-len(name), name))
        self._names = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b") if longest_first else None
        self._pointed: dict[str, frozenset[UUID]] = {}

    def pointed(self, counterparty_account: str | None) -> frozenset[UUID]:
        """The accounts whose number this is. A domestic number stands for the IBAN that ends with it, and vice versa.

        Several only where one number holds several currencies.
        """
        if not counterparty_account:
            return frozenset()
        found = self._pointed.get(counterparty_account)
        if found is None:
            found = self._pointed[counterparty_account] = self._look_up(counterparty_account)
        return found

    def mentioned(self, *texts: str | None) -> frozenset[UUID]:
        """The accounts whose whole number, of eight characters or more, one of the texts contains as a word."""
        found: set[UUID] = set()
        for text in texts:
            for word in _LONG_WORD.findall(folded(text or "")):
                found |= self._by_number.get(word, set())
        return frozenset(found)

    def named(self, *texts: str | None) -> frozenset[UUID]:
        """The accounts whose name one of the texts contains as whole words."""
        if self._names is None:
            return frozenset()
        found: set[UUID] = set()
        for text in texts:
            for match in self._names.finditer(folded(text or "")):
                found |= self._by_name[match.group()]
        return frozenset(found)

    def is_own_name(self, counterparty: str | None) -> bool:
        """Whether the counterparty is the user."""
        return bool(counterparty) and folded(counterparty or "") in self._own_names

    def _look_up(self, counterparty_account: str) -> frozenset[UUID]:
        whole = comparable_number(counterparty_account)
        exact = self._by_number.get(whole)
        if exact:
            return frozenset(exact)
        # "37040044/532013000" names the bank before the account.
        number = comparable_number(counterparty_account.rpartition("/")[2])
        found: set[UUID] = set()
        for known, ids in self._by_number.items():
            if known == number or _ends_with(whole, known) or _ends_with(known, number):
                found |= ids
        return frozenset(found)


def _ends_with(iban: str, number: str) -> bool:
    digits = number.lstrip("0")
    return len(digits) >= _SHORTEST_TAIL and digits.isdigit() and bool(_IBAN.fullmatch(iban)) and iban.endswith(digits)
