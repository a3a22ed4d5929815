"""/v1/transactions: the list."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from api_common.fields import Day
from api_common.pagination import InvalidCursor, Links, Page, PageQuery
from api_common.problems import FieldError, responses
from api_common.responses import json_bytes
from fastapi import APIRouter, Depends, Query, Response

from transaction_service.amounts import Amount
from transaction_service.errors import AccountNotFound, CategoryNotFound, RangeReversed
from transaction_service.repository.listing import NEWEST_FIRST, OLDEST_FIRST, TransactionFilter
from transaction_service.routes.access import Reader, Reading
from transaction_service.schemas.fields import SearchText
from transaction_service.schemas.transactions import TransactionSchema
from transaction_service.service.listing import Listing

router = APIRouter(prefix="/v1/transactions", tags=["transactions"])

UNCATEGORISED = "uncategorised"


class TransactionSort(StrEnum):
    """The orders of the list."""

    OLDEST_FIRST = "booking_date"
    NEWEST_FIRST = "-booking_date"


_KEYSETS = {TransactionSort.OLDEST_FIRST: OLDEST_FIRST, TransactionSort.NEWEST_FIRST: NEWEST_FIRST}


@router.get(
    "",
    response_model=Page[TransactionSchema],
    responses=responses(AccountNotFound, CategoryNotFound, InvalidCursor, RangeReversed),
)
async def list_transactions(
    user: Reader,
    session: Reading,
    page: Annotated[PageQuery, Depends()],
    links: Links,
    account_id: Annotated[list[UUID] | None, Query(description="Repeat it for several accounts.")] = None,
    from_date: Annotated[Day | None, Query(alias="from", description="First booking date.")] = None,
    to_date: Annotated[Day | None, Query(alias="to", description="Last booking date.")] = None,
    amount_min: Annotated[Amount | None, Query(description="Smallest amount; money out is negative.")] = None,
    amount_max: Annotated[Amount | None, Query(description="Largest amount.")] = None,
    category_id: Annotated[
        UUID | Literal["uncategorised"] | None, Query(description="A category and all below it, or `uncategorised`.")
    ] = None,
    import_id: Annotated[UUID | None, Query(description="Rows that this import booked.")] = None,
    text: Annotated[SearchText | None, Query(description="Part of any text of the row, in any case.")] = None,
    deleted: Annotated[bool, Query(description="The deleted rows instead of those that stand.")] = False,
    sort: TransactionSort = TransactionSort.NEWEST_FIRST,
) -> Response:
    """List the rows that pass all given filters."""
    _check_range("from", from_date, "to", to_date)
    _check_range("amount_min", amount_min, "amount_max", amount_max)
    wanted = TransactionFilter(
        account_ids=account_id or (),
        from_date=from_date,
        to_date=to_date,
        amount_min=amount_min,
        amount_max=amount_max,
        uncategorised=category_id == UNCATEGORISED,
        import_id=import_id,
        text=text,
        deleted=deleted,
    )
    found = await Listing(session, user.user_id).list(
        wanted, _KEYSETS[sort], page, category_id=category_id if isinstance(category_id, UUID) else None
    )
    headers = {"Link": links.next(found.next_cursor)} if found.next_cursor else None
    return json_bytes({"items": found.items, "next_cursor": found.next_cursor}, headers=headers)


def _check_range(lower: str, first: date | Decimal | None, upper: str, last: date | Decimal | None) -> None:
    """Refuse bounds that nothing can lie between: an empty list would look like an empty ledger."""
    if first is None or last is None or not first > last:  # type: ignore[operator]  # both are of one type
        return
    raise RangeReversed(
        f"{lower}={first} lies after {upper}={last}. Swap the two.",
        errors=[FieldError(pointer=f"/query/{lower}", detail=f"lies after `{upper}`", code="range_reversed")],
    )
