"""`/v1/analytics`: figures of the caller's ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from analytics_core import Period
from api_common import Runtime, runtime_of
from api_common.auth import InsufficientScope, InvalidToken, UserPrincipal, requires_user
from api_common.clients import PeerUnavailable
from api_common.compute import offload
from api_common.fields import Day
from api_common.problems import InvalidInput, responses
from fastapi import APIRouter, Depends, Header, Query, Response, status
from pydantic import BaseModel

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


async def selection(
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


Row = TypeVar("Row")


async def answered(
    current: CurrentLedger,
    question: Sequence[object],
    if_none_match: str | None,
    figures: Callable[[], Awaitable[list[Row]]],
    model: Callable[[CurrentLedger, list[Row]], BaseModel],
) -> Response:
    """The answer to `question`, which `model` makes of the figures; 304 for a client that keeps this very answer."""
    etag = current.etag(*question)
    # The answer depends on the user, so no shared cache may keep it, and the user's own must ask each time.
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    kept = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in kept or "*" in kept:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    rows = await figures()
    # A ledger of many years has thousands of months; making their JSON would keep everybody else waiting.
    body = await offload(lambda: model(current, rows).model_dump_json(by_alias=True))
    return Response(body, media_type="application/json", headers=headers)


@router.get("/summary", response_model=Summary)
async def summary(current: Current, if_none_match: IfNoneMatch = None) -> Response:
    """Income, spending, net and savings rate of a period, per currency."""
    return await answered(current, ["summary"], if_none_match, current.summary, Summary.of)


@router.get("/cash-flow", response_model=CashFlow)
async def cash_flow(current: Current, if_none_match: IfNoneMatch = None) -> Response:
    """Income, spending and net of each calendar month, per currency."""
    return await answered(current, ["cash-flow"], if_none_match, current.cash_flow, CashFlow.of)


@router.get("/categories", response_model=Categories)
async def categories(
    current: Current,
    depth: Annotated[int | None, Query(ge=1, le=10, description="Levels of the tree that are told apart.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Spending by category with shares, highest first, per currency."""
    return await answered(
        current, ["categories", depth], if_none_match, lambda: current.categories(depth), Categories.of
    )


@router.get("/merchants", response_model=Merchants)
async def merchants(
    current: Current,
    limit: Annotated[int, Query(ge=1, le=500, description="Merchants per currency.")] = 20,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The merchants on whom most was spent, highest first, per currency."""
    return await answered(current, ["merchants", limit], if_none_match, lambda: current.merchants(limit), Merchants.of)
