"""`/v1/analytics`: figures of the caller's ledger."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from analytics_core import Period
from api_common import Runtime, runtime_of
from api_common.auth import InsufficientScope, InvalidToken, UserPrincipal, requires_user
from api_common.clients import PeerUnavailable
from api_common.fields import Day
from api_common.problems import InvalidInput, responses
from fastapi import APIRouter, Depends, Header, Query, Response, status

from analytics_api.clients import LedgerUnavailable
from analytics_api.schemas import CashFlow, Categories, Merchants, Summary
from analytics_api.service import AccountNotFound, Analytics, CurrentLedger, Selection

SERVICE = "analytics_api"

router = APIRouter(
    prefix="/v1/analytics",
    tags=["analytics"],
    responses={
        status.HTTP_304_NOT_MODIFIED: {"description": "The answer with this ETag is still the same."},
        **responses(InvalidToken, InsufficientScope, AccountNotFound, InvalidInput, PeerUnavailable, LedgerUnavailable),
    },
)


class PeriodReversed(InvalidInput):
    """The period ends before it starts."""

    code = "period_reversed"
    title = "The period ends before it starts"


def selection(
    start: Annotated[Day | None, Query(alias="from", description="First booking date that counts.")] = None,
    end: Annotated[Day | None, Query(alias="to", description="Last booking date that counts.")] = None,
    account_id: Annotated[
        list[UUID] | None, Query(max_length=100, description="Count these accounts only; repeat for several.")
    ] = None,
) -> Selection:
    """Read the filters that all figures share."""
    try:
        period = Period(start, end)
    except ValueError as error:
        raise PeriodReversed(
            f"from={start} lies after to={end}. Swap the two dates.",
            errors=[{"pointer": "/query/from", "detail": "lies after `to`", "code": "period_reversed"}],
        ) from error
    return Selection(period, frozenset(account_id) if account_id else None)


async def current_ledger(
    caller: Annotated[UserPrincipal, requires_user("analytics:read", service=SERVICE)],
    asked: Annotated[Selection, Depends(selection)],
    runtime: Annotated[Runtime, Depends(runtime_of(SERVICE))],
) -> CurrentLedger:
    """The caller's ledger, revalidated for this request."""
    return await runtime.resource(Analytics).current(caller, asked)


Current = Annotated[CurrentLedger, Depends(current_ledger)]
IfNoneMatch = Annotated[str | None, Header(description="ETag of an answer that the client keeps.")]


def unchanged(response: Response, etag: str, if_none_match: str | None) -> Response | None:
    """The 304 for a client that keeps this very answer; else None, and `response` gets the ETag."""
    # The answer depends on the user, so no shared cache may keep it, and the user's own must ask each time.
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    kept = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in kept or "*" in kept:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    return None


@router.get("/summary", response_model=Summary)
async def summary(current: Current, response: Response, if_none_match: IfNoneMatch = None) -> Summary | Response:
    """Income, spending, net and savings rate of a period, per currency."""
    return unchanged(response, current.etag("summary"), if_none_match) or Summary.of(current, await current.summary())


@router.get("/cash-flow", response_model=CashFlow)
async def cash_flow(current: Current, response: Response, if_none_match: IfNoneMatch = None) -> CashFlow | Response:
    """Income, spending and net of each calendar month, per currency."""
    return unchanged(response, current.etag("cash-flow"), if_none_match) or CashFlow.of(
        current, await current.cash_flow()
    )


@router.get("/categories", response_model=Categories)
async def categories(
    current: Current,
    response: Response,
    depth: Annotated[int | None, Query(ge=1, le=10, description="Levels of the tree that are told apart.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Categories | Response:
    """Spending by category with shares, highest first, per currency."""
    return unchanged(response, current.etag("categories", depth), if_none_match) or Categories.of(
        current, await current.categories(depth)
    )


@router.get("/merchants", response_model=Merchants)
async def merchants(
    current: Current,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=500, description="Merchants per currency.")] = 20,
    if_none_match: IfNoneMatch = None,
) -> Merchants | Response:
    """The merchants on whom most was spent, highest first, per currency."""
    return unchanged(response, current.etag("merchants", limit), if_none_match) or Merchants.of(
        current, await current.merchants(limit)
    )
