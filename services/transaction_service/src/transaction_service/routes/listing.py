"""/v1/transactions: the list, and its sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from api_common.fields import Day
from api_common.pagination import InvalidCursor, Links, Page, PageQuery
from api_common.problems import FieldError, responses
from api_common.responses import json_bytes
from fastapi import APIRouter, Depends, Query, Response

from transaction_service.amounts import Amount
from transaction_service.errors import AccountNotFound, CategoryNotFound, RangeReversed
from transaction_service.models import ChosenBy
from transaction_service.repository.filters import Direction, TransactionFilter
from transaction_service.repository.row_orders import TransactionSort
from transaction_service.routes.access import Reader, Reading
from transaction_service.schemas.fields import Currency, Line, SearchText
from transaction_service.schemas.listing import CurrencyTotals, ListTotals
from transaction_service.schemas.transactions import TransactionSchema
from transaction_service.service.listing import Listing

router = APIRouter(prefix="/v1/transactions", tags=["transactions"])

UNCATEGORISED = "uncategorised"
_MOST_TAGS = 10


@dataclass(frozen=True)
class Filters:
    """The query parameters that say which rows: those that pass all given filters."""

    q: Annotated[
        SearchText | None,
        Query(description="Words, or beginnings of words, that the row's texts, note or tags must all have."),
    ] = None
    account_id: Annotated[list[UUID] | None, Query(description="Repeat it for several accounts.")] = None
    from_date: Annotated[Day | None, Query(alias="from", description="First booking date.")] = None
    to_date: Annotated[Day | None, Query(alias="to", description="Last booking date.")] = None
    amount_min: Annotated[Amount | None, Query(description="Smallest amount; money out is negative.")] = None
    amount_max: Annotated[Amount | None, Query(description="Largest amount.")] = None
    category_id: Annotated[
        UUID | Literal["uncategorised"] | None, Query(description="A category and all below it, or `uncategorised`.")
    ] = None
    categorised_by: Annotated[ChosenBy | None, Query(description="Who chose the category.")] = None
    import_id: Annotated[UUID | None, Query(description="Rows that this import booked.")] = None
    tag: Annotated[
        list[Line] | None, Query(description="Repeat it for rows that have several tags.", max_length=_MOST_TAGS)
    ] = None
    direction: Annotated[Direction | None, Query(description="Money in or money out.")] = None
    currency: Annotated[Currency | None, Query(description="ISO 4217 code.")] = None
    merchant: Annotated[Line | None, Query(description="The merchant's whole name.")] = None
    counterparty: Annotated[Line | None, Query(description="The counterparty's whole name.")] = None
    pending: Annotated[bool | None, Query(description="Announced rows, or booked ones.")] = None
    has_note: Annotated[bool | None, Query(description="Rows with a note, or without one.")] = None
    marked_transfer: Annotated[bool | None, Query(description="Rows marked as transfers, or not.")] = None
    in_transfer: Annotated[bool | None, Query(description="Rows that are a side of a linked transfer, or not.")] = None
    deleted: Annotated[bool, Query(description="The deleted rows instead of those that stand.")] = False

    @property
    def category(self) -> UUID | None:
        """The category by its id."""
        return self.category_id if isinstance(self.category_id, UUID) else None

    def wanted(self) -> TransactionFilter:
        """The filter without its category. Raises RangeReversed."""
        _check_range("from", self.from_date, "to", self.to_date)
        _check_range("amount_min", self.amount_min, "amount_max", self.amount_max)
        return TransactionFilter(
            text=self.q,
            account_ids=tuple(self.account_id or ()),
            from_date=self.from_date,
            to_date=self.to_date,
            amount_min=self.amount_min,
            amount_max=self.amount_max,
            uncategorised=self.category_id == UNCATEGORISED,
            categorised_by=self.categorised_by,
            import_id=self.import_id,
            tags=tuple(self.tag or ()),
            direction=self.direction,
            currency=self.currency,
            merchant=self.merchant,
            counterparty=self.counterparty,
            pending=self.pending,
            has_note=self.has_note,
            marked_transfer=self.marked_transfer,
            in_transfer=self.in_transfer,
            deleted=self.deleted,
        )


def _check_range(lower: str, first: date | Decimal | None, upper: str, last: date | Decimal | None) -> None:
    """Refuse bounds that nothing can lie between: an empty list would look like an empty ledger."""
    if first is None or last is None or not first > last:  # type: ignore[operator]  # both are of one type
        return
    raise RangeReversed(
        f"{lower}={first} lies after {upper}={last}. Swap the two.",
        errors=[FieldError(pointer=f"/query/{lower}", detail=f"lies after `{upper}`", code="range_reversed")],
    )


@router.get(
    "",
    response_model=Page[TransactionSchema],
    responses=responses(AccountNotFound, CategoryNotFound, InvalidCursor, RangeReversed),
)
async def list_transactions(
    user: Reader,
    session: Reading,
    filters: Annotated[Filters, Depends()],
    page: Annotated[PageQuery, Depends()],
    links: Links,
    sort: TransactionSort = TransactionSort.NEWEST_FIRST,
) -> Response:
    """List the rows that pass all given filters. A cursor holds for its filters and its order."""
    found = await Listing(session, user.user_id).list(filters.wanted(), sort, page, category_id=filters.category)
    headers = {"Link": links.next(found.next_cursor)} if found.next_cursor else None
    return json_bytes({"items": found.items, "next_cursor": found.next_cursor}, headers=headers)


@router.get("/totals", responses=responses(AccountNotFound, CategoryNotFound, RangeReversed))
async def sum_transactions(user: Reader, session: Reading, filters: Annotated[Filters, Depends()]) -> ListTotals:
    """Count and sum all rows that the list shows with the same filters, on however many pages."""
    found = await Listing(session, user.user_id).totals(filters.wanted(), category_id=filters.category)
    return ListTotals(
        rows=sum(total.rows for total in found), currencies=[CurrencyTotals(**vars(total)) for total in found]
    )
