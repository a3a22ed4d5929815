"""The identity of an entry: what makes a row of one file the same row in the next file."""

from __future__ import annotations

import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b

from data_processing.statement import AccountReference, Entry

_written = lru_cache(date.isoformat)


def content_hash(entry: Entry, *, booking_date: date | None = None) -> str:
    """The hash of what the bank wrote: booking date, amount, currency, counterparty and text, without the bank's id.

    Equal rows have equal contents. ``booking_date`` asks what the content would be on another day.

    >>> from decimal import Decimal
    >>> coffee = Entry("line 2", date(2026, 4, 2), Decimal("-2.80"), "Coffee")
    >>> padded = Entry("line 9", date(2026, 4, 2), Decimal("-2.8"), " Coffee ", bank_id="17")
    >>> content_hash(coffee) == content_hash(padded)
    True
    """
    substance = _substance(entry, booking_date or entry.booking_date)
    return _hash(f"{substance}\x1f{_wording(entry)}", size=16)


def contents(entries: Iterable[Entry]) -> list[str]:
    """The content of each entry, in the order of the entries."""
    return [content_hash(entry) for entry in entries]


def fingerprints(entries: Iterable[Entry]) -> list[str]:
    """The identity of each entry within its account, in the order of the entries.

    - An entry with a bank's id is ``bank:<id>#<hash of booking date, amount and currency>``. The id alone does not do:
      two rows with one id that differ in date, amount or currency are two rows, in one file or in two. The text is left
      out, because banks reword it later. Two rows of one file that agree in all of these and in their wording are the
      same row listed twice; of two that are worded differently, neither may be lost: the first wording in the alphabet
      has the identity as above, the others end in a hash of theirs.
    - An entry without one is ``row:<content>#<occurrence>``, the content being the hash of booking date, amount,
      currency, counterparty and text (``content_hash``). The occurrence counts equal rows of one account in this file
      from 1, so two equal coffees on one day stay two, and a longer file finds the first of them again.

    The result does not depend on the order of the rows beyond which of several equal rows carries which occurrence, and
    is the same on every machine and in every version. Call it with the entries of one statement.

    A pending entry and its booking share an identity when nothing but their status differs; the ledger replaces the one
    by the other.
    """
    listed = list(entries)
    by_account: dict[AccountReference | None, list[int]] = defaultdict(list)
    for number, entry in enumerate(listed):
        by_account[entry.account].append(number)
    if len(by_account) <= 1:
        return identities(listed, contents(listed))
    result = [""] * len(listed)
    for numbers in by_account.values():
        of_account = [listed[number] for number in numbers]
        for number, identity in zip(numbers, identities(of_account, contents(of_account)), strict=True):
            result[number] = identity
    return result


def identity(entry: Entry, content: str, occurrence: int = 1) -> str:
    """The identity of one entry, by itself: the ``occurrence``-th with this content, where its bank gives it no id.

    ``identities`` gives the same, but for entries that share it and are worded differently.

    >>> from decimal import Decimal
    >>> identity(Entry("line 2", date(2026, 4, 2), Decimal("-2.80"), "Coffee", bank_id="17"), "")
    'bank:17#a88b80dc35562c15'
    """
    if entry.bank_id is None:
        return f"row:{content}#{occurrence}"
    return f"bank:{entry.bank_id}#{_hash(_substance(entry, entry.booking_date), size=8)}"


def identities(entries: Sequence[Entry], contents: Sequence[str]) -> list[str]:
    """The identities that ``fingerprints`` gives, for entries of one account whose contents are known already.

    Whoever knows that two spellings name one account counts equal rows across both.
    """
    seen: Counter[str] = Counter()
    wordings: dict[tuple[str, bool], list[tuple[str, int]]] = defaultdict(list)
    result: list[str] = []
    for entry, content in zip(entries, contents, strict=True):
        if entry.bank_id is None:
            seen[content] += 1
            result.append(identity(entry, content, seen[content]))
            continue
        of_bank = identity(entry, content)
        # A pending row and its booking are worded differently and yet one row.
        wordings[of_bank, entry.pending].append((_wording(entry), len(result)))
        result.append(of_bank)
    for (of_bank, _), worded in wordings.items():
        if len(worded) > 1:
            first = min(wording for wording, _ in worded)
            for wording, place in worded:
                result[place] = of_bank if wording == first else f"{of_bank}~{_hash(wording, size=8)}"
    return result


class Fingerprinter:
    """The identities of the entries of one statement while they pass by, for statements too large to be held.

    ``add`` gives the identity as far as the entries so far tell it; ``changes`` says at the end which of them have
    another one after all. Together they are what ``fingerprints`` gives. Of an entry no more is kept than a hash of 16
    bytes and a number, and of one with a bank's id its wording.

    >>> from decimal import Decimal
    >>> coffee = Entry("line 2", date(2026, 4, 2), Decimal("-2.80"), "Coffee")
    >>> passing = Fingerprinter()
    >>> [passing.add(coffee), passing.add(coffee)] == fingerprints([coffee, coffee]), passing.changes()
    (True, {})
    """

    def __init__(self) -> None:
        self._count = 0
        self._accounts: dict[AccountReference | None, bytes] = {None: b""}
        self._seen: dict[bytes, int] = {}
        self._first: dict[bytes, int] = {}
        self._numbers = array("Q")
        self._ends = array("Q", [0])
        self._wordings = bytearray()
        self._repeated: dict[bytes, tuple[str, list[tuple[str, int]]]] = {}

    def add(self, entry: Entry) -> str:
        """The identity of the next entry."""
        number, self._count = self._count, self._count + 1
        account = self._accounts.get(entry.account)
        if account is None:
            account = self._accounts[entry.account] = len(self._accounts).to_bytes(8, "big")
        if entry.bank_id is not None:
            of_bank = identity(entry, "")
            self._keep(_digest(f"{entry.pending}{of_bank}") + account, of_bank, entry, number)
            return of_bank
        content = content_hash(entry)
        key = bytes.fromhex(content) + account
        occurrence = self._seen[key] = self._seen.get(key, 0) + 1
        return identity(entry, content, occurrence)

    def changes(self) -> dict[int, str]:
        """The identities of entries that have another one than ``add`` gave, by their number from 0."""
        changed: dict[int, str] = {}
        for of_bank, worded in self._repeated.values():
            first = min(wording for wording, _ in worded)
            changed |= {number: f"{of_bank}~{_hash(wording, size=8)}" for wording, number in worded if wording != first}
        return changed

    def _keep(self, key: bytes, of_bank: str, entry: Entry, number: int) -> None:
        wording = _wording(entry)
        known = self._first.get(key)
        if known is None:
            self._first[key] = len(self._numbers)
            self._numbers.append(number)
            self._wordings += wording.encode("utf-8", "surrogatepass")
            self._ends.append(len(self._wordings))
            return
        if key not in self._repeated:
            written = bytes(self._wordings[self._ends[known] : self._ends[known + 1]])
            self._repeated[key] = of_bank, [(written.decode("utf-8", "surrogatepass"), self._numbers[known])]
        self._repeated[key][1].append((wording, number))


def _substance(entry: Entry, day: date) -> str:
    amount = str(entry.amount.normalize()) if entry.amount else "0"
    return f"{_written(day)}\x1f{amount}\x1f{entry.currency or ''}"


def _wording(entry: Entry) -> str:
    counterparty = entry.counterparty
    return f"{canonical(counterparty) if counterparty else ''}\x1f{canonical(entry.text)}"


def canonical(text: str) -> str:
    """The text with composed letters and single spaces, so that padding and encoding do not change an identity."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hash(text: str, *, size: int) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
