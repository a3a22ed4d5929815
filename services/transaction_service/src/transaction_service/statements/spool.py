"""The rows of a statement file while it is imported: whole on disk, and in memory only what tells them apart."""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from operator import attrgetter
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple, TypeAlias

from api_common.columns import MICROS_PER_UNIT
from data_processing import Entry, EntryDetail, identity
from data_processing.statement import new_entry

KEY_BYTES = 16
RARE = ("original_amount", "original_currency", "exchange_rate", "balance", "details", "corrects")
"""The fields of entries that few files have."""

_LONGEST_IDENTITY = 300
_IN_MEMORY = 1024 * 1024
_READ_AT_ONCE = 16 * 1024
_WITHOUT_REFERENCES = 2
_RARE = attrgetter(*RARE)
_WORDS = attrgetter("currency", "text", "counterparty", "counterparty_account", "reference", "category")
_NOTHING_RARE = (None, None, None, None, (), None)
_day = lru_cache(date.fromordinal)

_PackedRare: TypeAlias = "tuple[str | None, str | None, str | None, str | None, list[_PackedDetail], str | None]"
_PackedDetail = tuple[str | None, str | None, str, str | None, str | None, str | None, str | None]

Numbers: TypeAlias = "array[int]"
"""Numbers of rows, four bytes each."""


def numbers(found: Iterable[int] = ()) -> Numbers:
    """The numbers of some rows."""
    return array("I", found)


class Row(NamedTuple):
    """An entry with what the ledger derives from it.

    `content` is the hash of what the bank wrote; which row of the ledger it is, the plan of the import says.
    """

    entry: Entry
    content: str
    merchant: str | None


class FileRows:
    """The rows of a file that can be booked; each is known by its number, from 0 in the order of the file.

    Whole rows are in a temporary file and are read back where they are asked for, without their account. In memory are,
    of each row, its day (`days`, as an ordinal) and amount (`amounts`, in millionths), whether it is `pending`, whether
    it `has_id` of its bank, and in `keys` the 16 bytes that stand for its identity but for the occurrence: 38 bytes in
    all. `rare` are those of the fields `RARE` that some row has.
    """

    def __init__(self) -> None:
        self.days = array("i")
        self.amounts = array("q")
        self.pending = bytearray()
        self.has_id = bytearray()
        self.keys = bytearray()
        self.rare: set[str] = set()
        self._starts = array("Q", [0])
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (open as long as the rows are needed)

    def __len__(self) -> int:
        return len(self.days)

    def __getitem__(self, number: int) -> Row:
        start = self._starts[number]
        self._file.seek(start)
        return _unpacked(self._file.read(self._starts[number + 1] - start))

    def of(self, numbers: Iterable[int]) -> Iterator[Row]:
        """The rows with these numbers; those that stand together are read together."""
        block, offset = b"", 0
        for number in numbers:
            start, end = self._starts[number], self._starts[number + 1]
            if start < offset or end > offset + len(block):
                self._file.seek(start)
                block, offset = self._file.read(max(_READ_AT_ONCE, end - start)), start
            yield _unpacked(block[start - offset : end - offset])

    def entries(self, numbers: Iterable[int]) -> Iterator[Entry]:
        """The entries of the rows with these numbers."""
        return (row.entry for row in self.of(numbers))

    def first_and_last_day(self, numbers: Numbers) -> Sequence[date]:
        """The first and the last day of these rows, nothing where there are none."""
        days = set(map(self.days.__getitem__, numbers))
        return [date.fromordinal(day) for day in (min(days), max(days))] if days else []

    def extend(self, rows: Sequence[Row]) -> None:
        """Keep further rows, which get the next numbers. Raises OSError where the disk has no room for them."""
        entries = [row.entry for row in rows]
        packed = [_packed(row, self._packed_rare(row.entry)) for row in rows]
        self._file.seek(self._starts[-1])
        self._file.write(b"".join(packed))
        self._file.flush()
        self._starts.extend(accumulate(map(len, packed), initial=self._starts.pop()))
        self.days.extend([entry.booking_date.toordinal() for entry in entries])
        self.amounts.extend([int(entry.amount * MICROS_PER_UNIT) for entry in entries])
        self.pending.extend([entry.pending for entry in entries])
        self.has_id.extend([entry.bank_id is not None for entry in entries])
        self.keys += b"".join(map(_key, rows))

    def _packed_rare(self, entry: Entry) -> _PackedRare | None:
        rare = _RARE(entry)
        if rare == _NOTHING_RARE:
            return None
        self.rare.update(name for name, value in zip(RARE, rare, strict=True) if value not in (None, ()))
        return _packed_rare(*rare)

    def close(self) -> None:
        """Let go of the temporary file."""
        self._file.close()


def key_of(text: str) -> bytes:
    """The key of an identity that has no occurrence in it."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def _key(row: Row) -> bytes:
    entry, content, _ = row
    return bytes.fromhex(content) if entry.bank_id is None else key_of(bounded(identity(entry, content)))


def bounded(text: str) -> str:
    """The identity itself, or a hash of it where a bank's id is longer than an index should hold."""
    return text if len(text) <= _LONGEST_IDENTITY else hashed(text)


def hashed(text: str) -> str:
    """What stands for a text that is too long to be kept."""
    return f"hash:{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=32).hexdigest()}"


def _packed(row: Row, rare: _PackedRare | None) -> bytes:
    entry, content, merchant = row
    return marshal.dumps(
        (
            entry.place,
            entry.booking_date.toordinal(),
            str(entry.amount),
            entry.text,
            None if entry.value_date is None else entry.value_date.toordinal(),
            entry.currency,
            entry.bank_id,
            entry.counterparty,
            entry.counterparty_account,
            entry.reference,
            entry.bank_category,
            entry.pending,
            rare,
            content,
            merchant,
        ),
        _WITHOUT_REFERENCES,
    )


def _packed_rare(
    original: Decimal | None,
    currency: str | None,
    rate: Decimal | None,
    balance: Decimal | None,
    details: tuple[EntryDetail, ...],
    corrects: str | None,
) -> _PackedRare:
    parts = [(_text(part.amount), *_WORDS(part)) for part in details]
    return _text(balance), _text(original), currency, _text(rate), parts, corrects


def _unpacked(packed: bytes) -> Row:
    found = marshal.loads(packed)  # noqa: S302  (written by this process)
    place, day, amount, text, value_day, *as_they_are, rare, content, merchant = found
    values: list[Any] = [place, _day(day), Decimal(amount), text, value_day and _day(value_day), *as_they_are]
    if rare is not None:
        values += _unpacked_rare(*rare)
    return Row(new_entry(*values), content, merchant)


def _unpacked_rare(
    balance: str | None,
    original: str | None,
    currency: str | None,
    rate: str | None,
    parts: list[_PackedDetail],
    corrects: str | None,
) -> tuple[Decimal | None, None, Decimal | None, str | None, Decimal | None, tuple[EntryDetail, ...], str | None]:
    details = tuple(EntryDetail(_decimal(amount), of, text, *words) for amount, of, text, *words in parts)
    return _decimal(balance), None, _decimal(original), currency, _decimal(rate), details, corrects


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
