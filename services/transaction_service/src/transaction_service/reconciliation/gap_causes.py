"""Which rows may explain a gap between an account's balances and its rows. No database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from transaction_service.amounts import keepable
from transaction_service.reconciliation.timeline import BalanceGap

NEAR = timedelta(days=5)
"""So far outside a gap's days a row may have been dated."""


class Cause(StrEnum):
    """How a row, an import or a proposal may have made a gap."""

    DELETED = "deleted"
    EDITED_AMOUNT = "edited_amount"
    EDITED_DATE = "edited_date"
    POSSIBLE_REPEAT = "possible_repeat"
    PROPOSED_REPEAT = "proposed_repeat"
    PENDING = "pending"
    WRONG_SIGN = "wrong_sign"
    OTHER_SIDE = "other_side_of_the_balance"
    NOT_IN_STATEMENT = "not_in_statement"
    EQUAL_ROW_MISSING = "equal_row_missing"
    DOUBLED_AMOUNT = "doubled_amount"
    ROWS_REFUSED = "rows_refused"
    IMPORT_UNDONE = "import_undone"


_ORDER = {cause: place for place, cause in enumerate(Cause)}


@dataclass(frozen=True, slots=True)
class SuspectRow:
    """A row as gaps are explained by it; `deleted` by the user."""

    id: UUID
    booking_date: date
    amount: Decimal
    description: str
    stated_date: date | None
    stated_amount: Decimal | None
    pending: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class LikelyCause:
    """What may have made a gap, and where to look."""

    cause: Cause
    booking_date: date | None = None
    amount: Decimal | None = None
    description: str = ""
    transaction_id: UUID | None = None
    proposal_id: UUID | None = None
    import_id: UUID | None = None
    rows: int = 1


def suspect_amounts(gap: Decimal) -> list[Decimal]:
    """The amounts of rows that may have made a gap: of the missing money, its opposite, minus its half and double."""
    wanted = [gap, -gap, -gap / 2, -gap * 2]
    return [amount for amount in wanted if keepable(amount)]


def row_causes(gap: BalanceGap, rows: Sequence[SuspectRow]) -> list[LikelyCause]:
    """What the rows around a gap may have to do with it, the likeliest first."""
    found = [
        LikelyCause(cause, row.booking_date, row.amount, row.description, transaction_id=row.id)
        for row in rows
        if (cause := _cause(gap, row, rows)) is not None
    ]
    return sorted(found, key=lambda item: (_ORDER[item.cause], item.booking_date or date.min, str(item.transaction_id)))


def _cause(gap: BalanceGap, row: SuspectRow, rows: Iterable[SuspectRow]) -> Cause | None:
    missing, inside = gap.amount, _inside(gap, row.booking_date)
    if row.deleted:
        return Cause.DELETED if row.amount == missing and inside else None
    if row.pending:
        return Cause.PENDING if row.amount == missing else None
    if row.stated_amount is not None and inside and row.stated_amount - row.amount == missing:
        return Cause.EDITED_AMOUNT
    if row.stated_date is not None and _inside(gap, row.stated_date) != inside:
        moved = -row.amount if inside else row.amount
        if moved == missing:
            return Cause.EDITED_DATE
    if not inside:
        return Cause.OTHER_SIDE if row.amount == missing else None
    if row.amount == -missing:
        twin = any(other.id != row.id and _alike(row, other) for other in rows)
        return Cause.POSSIBLE_REPEAT if twin else Cause.NOT_IN_STATEMENT
    if row.amount * 2 == -missing:
        return Cause.WRONG_SIGN
    if row.amount == missing:
        return Cause.EQUAL_ROW_MISSING
    return Cause.DOUBLED_AMOUNT if row.amount == -missing * 2 else None


def _inside(gap: BalanceGap, day: date) -> bool:
    return (gap.after is None or day > gap.after) and day <= gap.until


def _alike(one: SuspectRow, other: SuspectRow) -> bool:
    standing = not other.deleted and not other.pending
    return standing and one.amount == other.amount and abs(one.booking_date - other.booking_date) <= NEAR
