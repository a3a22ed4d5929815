"""One QIF record to an entry."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from data_processing.amounts import AmountReader, shortened
from data_processing.dates import DateReader
from data_processing.formats.qif.records import Record, Split
from data_processing.formats.row_checks import MAX_FIELD
from data_processing.statement import Entry, EntryDetail

_TRANSFER = re.compile(r"\[([^\]]+)\]").match
_SPLIT_MARKS: Final = frozenset({"--split--", "|split|"})
_CASH_IN: Final = frozenset(
    {"sell", "div", "intinc", "cglong", "cgmid", "cgshort", "miscinc", "rtrncap", "xin", "contribx", "shtsell"}
)
_CASH_OUT: Final = frozenset({"buy", "miscexp", "margint", "xout", "withdrwx", "cvrshrt"})
_SIGNED: Final = frozenset({"cash", "check", "deposit", "payment"})
_NO_CASH: Final = frozenset(
    {
        "buyx",
        "sellx",
        "divx",
        "intincx",
        "cglongx",
        "cgmidx",
        "cgshortx",
        "miscincx",
        "miscexpx",
        "margintx",
        "rtrncapx",
    }
    | {"reinvdiv", "reinvint", "reinvlg", "reinvmd", "reinvsh", "shrsin", "shrsout", "stksplit", "reminder"}
    | {"grant", "vest", "exercise", "exercisx", "expire", "shtsellx", "cvrshrtx", "rtrncapx"}
)


class EntryReader:
    """Reads the records of one file. Raises ``ValueError`` with the reason for a record that must be refused."""

    def __init__(self, dates: DateReader, amounts: AmountReader, plain_date: dict[str, str]) -> None:
        self.notes: list[str] = []
        self._dates = dates
        self._amount = amounts
        self._plain = plain_date

    def read(self, record: Record) -> Entry | None:
        """The entry; None for an investment action that moves no cash of this account."""
        if not record.ended:
            raise ValueError("the record has no end mark (^), so it may be cut off")
        if max(map(len, record.fields.values()), default=0) > MAX_FIELD:
            raise ValueError(f"a field of the record is longer than {MAX_FIELD} characters")
        written = record.get("D")
        if not written:
            raise ValueError("the record has no date (D)")
        place = f"line {record.line}"
        if record.section == "type:invst":
            return self._investment(record, place)
        amount = self._amount_of(record)
        category = record.get("L")
        details = tuple(self._detail(split) for split in record.splits)
        self._check_sum(details, amount, place)
        payee = record.get("P")
        return Entry(
            place=place,
            booking_date=self._dates.read(self._plain[written]),
            amount=amount,
            text=_text(payee, record.get("M")),
            counterparty=payee or None,
            counterparty_account=transfer_account(category),
            reference=record.get("N") or None,
            bank_category=None if category.casefold() in _SPLIT_MARKS else category or None,
            details=details,
        )

    def _amount_of(self, record: Record) -> Decimal:
        written = record.get("T") or record.get("U")
        if not written:
            raise ValueError("the record has no amount (T)")
        return self._amount(written)

    def _investment(self, record: Record, place: str) -> Entry | None:
        """The cash side of an action in securities."""
        action = record.get("N")
        kind = action.casefold()
        if kind in _NO_CASH:
            return None
        if kind not in _CASH_IN | _CASH_OUT | _SIGNED:
            raise ValueError(f'the action (N) is "{shortened(action, 40)}", so it is unclear whether cash moved')
        amount = self._amount_of(record)
        if kind not in _SIGNED and amount < 0:
            raise ValueError(f"the amount has a sign although the action {action} gives the direction")
        security = record.get("Y")
        payee = record.get("P")
        return Entry(
            place=place,
            booking_date=self._dates.read(self._plain[record.get("D")]),
            amount=-amount if kind in _CASH_OUT else amount,
            text=" ".join(part for part in (action, security, _text(payee, record.get("M"))) if part),
            counterparty=payee or security or None,
            counterparty_account=transfer_account(record.get("L")),
            bank_category=action,
        )

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


def transfer_account(category: str) -> str | None:
    """The account that a category names, as ``[Savings]`` does."""
    found = _TRANSFER(category)
    return found[1].strip() or None if found else None


def _text(payee: str, memo: str) -> str:
    if not memo or memo == payee:
        return payee
    return memo if memo.startswith(payee) else f"{payee} {memo}"
