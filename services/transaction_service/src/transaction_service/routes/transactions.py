"""/v1/transactions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from api_common import idempotency
from api_common.fields import Day
from api_common.pagination import InvalidCursor, Links, Page, PageQuery
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import FieldError, responses
from api_common.responses import json_bytes
from fastapi import APIRouter, Depends, Query, Response

from transaction_service.amounts import Amount
from transaction_service.errors import (
    AccountNotFound,
    CategoryNotFound,
    CurrencyDiffers,
    IdTaken,
    RangeReversed,
    RawTextKept,
    TransactionNotFound,
)
from transaction_service.repository.transactions import NEWEST_FIRST, OLDEST_FIRST, TransactionFilter
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.fields import SearchText
from transaction_service.schemas.transactions import (
    TransactionChange,
    TransactionCreate,
    TransactionSchema,
    transaction_schema,
)
from transaction_service.service.transactions import Transactions

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
    )
    found = await Transactions(session, user.user_id).list(
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


@router.post(
    "",
    status_code=201,
    response_model=TransactionSchema,
    responses=responses(AccountNotFound, CategoryNotFound, CurrencyDiffers, IdTaken, *idempotency.PROBLEMS),
)
async def enter_transaction(wanted: TransactionCreate, user: Writer, once: Once, session: Writing) -> Response:
    """Enter a row by hand."""

    async def enter() -> TransactionSchema:
        return transaction_schema(await Transactions(session, user.user_id).enter(wanted))

    return await once.once(
        user.user_id,
        status=201,
        model=TransactionSchema,
        effect=enter,
        headers=lambda row: {"Location": f"/v1/transactions/{row.id}", "ETag": etag(row.version)},
    )


@router.get("/{transaction_id}", responses=responses(TransactionNotFound))
async def read_transaction(
    transaction_id: UUID, user: Reader, session: Reading, response: Response
) -> TransactionSchema:
    """Read one row."""
    row = await Transactions(session, user.user_id).get(transaction_id)
    response.headers["ETag"] = etag(row.version)
    return transaction_schema(row)


@router.patch(
    "/{transaction_id}",
    responses=responses(TransactionNotFound, CategoryNotFound, RawTextKept, Stale, IfMatchMissing),
)
async def change_transaction(
    transaction_id: UUID,
    changes: TransactionChange,
    user: Writer,
    if_match: IfMatch,
    session: Writing,
    response: Response,
) -> TransactionSchema:
    """Change the given fields of a row; a category set here is never changed by a rule."""
    row = await Transactions(session, user.user_id).change(transaction_id, changes, if_match)
    response.headers["ETag"] = etag(row.version)
    return transaction_schema(row)


@router.delete("/{transaction_id}", status_code=204, responses=responses(TransactionNotFound, Stale, IfMatchMissing))
async def delete_transaction(transaction_id: UUID, user: Writer, if_match: IfMatch, session: Writing) -> None:
    """Delete a row; no later import books it again."""
    await Transactions(session, user.user_id).delete(transaction_id, if_match)
