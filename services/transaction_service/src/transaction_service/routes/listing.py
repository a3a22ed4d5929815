"""/v1/transactions: the list, and its sums."""

from __future__ import annotations

from typing import Annotated

from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.parameters import gathered
from api_common.problems import responses
from api_common.responses import encoded_page
from fastapi import APIRouter, Response

from transaction_service.errors import AccountNotFound, CategoryNotFound, RangeReversed
from transaction_service.repository.row_orders import TransactionSort
from transaction_service.routes.access import Reader, Reading
from transaction_service.schemas.listing import CurrencyTotals, Filters, ListTotals
from transaction_service.schemas.transactions import TransactionSchema
from transaction_service.service.listing import Listing

router = APIRouter(prefix="/v1/transactions", tags=["transactions"])

Wanted = Annotated[Filters, gathered(Filters)]
"""The route parameter of all filters."""


@router.get(
    "",
    response_model=Page[TransactionSchema],
    responses=responses(AccountNotFound, CategoryNotFound, InvalidCursor, RangeReversed),
)
async def list_transactions(
    user: Reader,
    session: Reading,
    filters: Wanted,
    page: Paging,
    links: Links,
    sort: TransactionSort = TransactionSort.NEWEST_FIRST,
) -> Response:
    """List the rows that pass all given filters. A cursor holds for its filters and its order."""
    found = await Listing(session, user.user_id).list(filters.wanted(), sort, page, category_id=filters.category)
    headers = {"Link": links.next(found.next_cursor)} if found.next_cursor else None
    return encoded_page(found.items, found.next_cursor, headers=headers)


@router.get("/totals", responses=responses(AccountNotFound, CategoryNotFound, RangeReversed))
async def sum_transactions(user: Reader, session: Reading, filters: Wanted) -> ListTotals:
    """Count and sum all rows that the list shows with the same filters, on however many pages."""
    found = await Listing(session, user.user_id).totals(filters.wanted(), category_id=filters.category)
    return ListTotals(
        rows=sum(total.rows for total in found), currencies=[CurrencyTotals(**vars(total)) for total in found]
    )
