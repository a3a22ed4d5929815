"""Which of the user's accounts a statement file means.

A file names an account by its number (perhaps with the bank), or only by a name. The comparison forgives spaces, dashes
and case, nothing else: an account is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from transaction_service.models import Account, AccountReference
from transaction_service.search.text import folded

_LONGEST_KEY = 220
_LONGEST_BANK = 100


@dataclass(frozen=True)
class ReferenceKey:
    """The comparable form of a reference. An empty `bank` fits any bank."""

    key: str
    bank: str = ""

    def fits(self, other: ReferenceKey) -> bool:
        """Whether both may mean the same account."""
        return self.key == other.key and (self.bank == other.bank or not self.bank or not other.bank)


def reference_key(*, number: str | None, bank: str | None, name: str | None) -> ReferenceKey | None:
    """The key of a reference, or None when it names nothing. A number counts before a name."""
    digits = "".join(folded(number or "").split()).replace("-", "")
    if digits:
        return ReferenceKey(f"number:{digits}"[:_LONGEST_KEY], "".join(folded(bank or "").split())[:_LONGEST_BANK])
    if folded(name or ""):
        return ReferenceKey(f"name:{folded(name or '')}"[:_LONGEST_KEY])
    return None


class AccountBook:
    """A user's accounts with the references that statement files use for them."""

    def __init__(self, accounts: Iterable[Account], references: Iterable[AccountReference]) -> None:
        self._accounts = {account.id: account for account in accounts}
        self._keys: dict[UUID, list[ReferenceKey]] = {account_id: [] for account_id in self._accounts}
        for reference in references:
            self._keys[reference.account_id].append(ReferenceKey(reference.key, reference.bank_key))

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def get(self, account_id: UUID) -> Account | None:
        """The user's account with this id."""
        return self._accounts.get(account_id)

    def add(self, account: Account) -> None:
        """Make an account known that was created a moment ago."""
        self._accounts[account.id] = account
        self._keys.setdefault(account.id, [])

    def knows(self, account: Account, key: ReferenceKey) -> bool:
        """Whether files have named the account exactly so."""
        return key in self._keys[account.id]

    def bind(self, account: Account, key: ReferenceKey) -> bool:
        """Remember that files name the account so; False when that was known already."""
        keys = self._keys[account.id]
        if key in keys:
            return False
        keys.append(key)
        return True

    def matching(self, key: ReferenceKey, *, currency: str | None) -> Sequence[Account]:
        """The accounts that the key may mean: by a remembered reference, else by the account's own name.

        A reference with the very same bank wins over one that only does not contradict.
        """
        candidates = [a for a in self._accounts.values() if currency is None or a.currency == currency]
        exact = [a for a in candidates if key in self._keys[a.id]]
        if exact:
            return exact
        fitting = [a for a in candidates if any(key.fits(known) for known in self._keys[a.id])]
        if fitting or not key.key.startswith("name:"):
            return fitting
        return [a for a in candidates if f"name:{folded(a.name)}"[:_LONGEST_KEY] == key.key]
