"""One QIF record to an entry."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from data_processing.formats.qif.investments import Conventions, read_investment
from data_processing.formats.qif.records import Record, Split
from data_processing.formats.qif.texts import joined, transfer_account
from data_processing.formats.row_checks import MAX_FIELD, own_bank_id
from data_processing.investments import InvestmentEntry
from data_processing.statement import Entry, EntryDetail, new_entry

_SPLIT_MARKS: Final = frozenset({"--split--", "|split|"})
_TWICE: Final = {"D": "two dates (D)", "T": "two amounts (T)"}
_INVESTMENTS: Final = frozenset({"type:invst", "type:port"})


class EntryReader:
    """Reads the records of one file. Raises ``ValueError`` with the reason for a record that must be refused."""

    def __init__(self, conventions: Conventions, plain_date: dict[str, str]) -> None:
        self.notes: list[str] = []
        self._conventions = conventions
        self._dates = conventions.dates
        self._amount = conventions.amounts
        self._plain = plain_date

    def read(self, record: Record, *, cut_off: bool) -> tuple[Entry | None, InvestmentEntry | None]:
        """The entry, and what a record of an investment register does beside it; see ``read_investment``.

        cut_off: whether the last line of the file has no end, which may then be missing with more
        """
        if not record.ended and cut_off:
            raise ValueError("the record has no end mark (^) and its last line no end, so it may be cut off")
        if record.repeated:
            raise ValueError(
                f"the record has {_TWICE[record.repeated]}, so the end mark (^) between two records may be missing"
            )
        if max(map(len, record.fields.values()), default=0) > MAX_FIELD:
            raise ValueError(f"a field of the record is longer than {MAX_FIELD} characters")
        written = record.get("D")
        if not written:
            raise ValueError("the record has no date (D)")
        place = f"line {record.line}"
        if not record.ended:
            self.notes.append(f"The last record, in {place}, has no end mark (^); it is read as it stands.")
        if record.section in _INVESTMENTS:
            return read_investment(record, place, self._plain[written], self._conventions)
        return self._entry(record, place, self._plain[written]), None

    def _entry(self, record: Record, place: str, plain_date: str) -> Entry:
        amount = self._amount_of(record)
        category = _category(record)
        details = tuple(self._detail(split) for split in record.splits)
        self._check_sum(details, amount, place)
        payee = record.get("P")
        return new_entry(
            place=place,
            booking_date=self._dates.read(plain_date),
            amount=amount,
            text=joined(payee, record.get("M")),
            counterparty=payee or None,
            counterparty_account=transfer_account(category),
            reference=own_bank_id(record.get("N")),
            bank_category=category or None,
            details=details,
        )

    def _amount_of(self, record: Record) -> Decimal:
        written = record.get("T") or record.get("U")
        if not written:
            raise ValueError("the record has no amount (T)")
        return self._amount(written)

    def _detail(self, split: Split) -> EntryDetail:
        return EntryDetail(
            amount=self._amount(split.amount) if split.amount else None,
            text=split.memo,
            counterparty_account=transfer_account(split.category),
            category=split.category or None,
        )

    def _check_sum(self, details: tuple[EntryDetail, ...], amount: Decimal, place: str) -> None:
        parts = [detail.amount for detail in details if detail.amount is not None]
        if parts and len(parts) == len(details) and (total := sum(parts, Decimal(0))) != amount:
            self.notes.append(f"The splits of the record in {place} add up to {total}, its amount is {amount}.")


def _category(record: Record) -> str:
    """The category of the whole row: programs write that of the first split where the splits differ."""
    category = record.get("L")
    if category.casefold() in _SPLIT_MARKS or any(split.category != category for split in record.splits):
        return ""
    return category
