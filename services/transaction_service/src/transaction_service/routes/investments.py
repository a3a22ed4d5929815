"""/v1/securities, /v1/investments and /v1/positions."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common.fields import Day
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.problems import FieldError, responses
from data_processing import InvestmentKind
from fastapi import APIRouter, Query

from transaction_service.errors import AccountNotFound, RangeReversed, SecurityNotFound
from transaction_service.repository.investments import InvestmentFilter
from transaction_service.routes.access import Reader, Reading
from transaction_service.schemas.investments import InvestmentSchema, PositionSchema, SecuritySchema
from transaction_service.service.investments import Investments

router = APIRouter(prefix="/v1", tags=["investments"])


@router.get("/securities", responses=responses(InvalidCursor))
async def list_securities(user: Reader, session: Reading, page: Paging, links: Links) -> Page[SecuritySchema]:
    """List the securities that the user's statements name, in the order in which they first did."""
    found = await Investments(session, user.user_id).securities(page)
    return links.page(found, SecuritySchema.model_validate)


@router.get("/securities/{security_id}", responses=responses(SecurityNotFound))
async def read_security(security_id: UUID, user: Reader, session: Reading) -> SecuritySchema:
    """Read one security."""
    return SecuritySchema.model_validate(await Investments(session, user.user_id).security(security_id))


@router.get("/investments", responses=responses(AccountNotFound, SecurityNotFound, InvalidCursor, RangeReversed))
async def list_investments(
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    account_id: Annotated[UUID | None, Query(description="Only entries of this account.")] = None,
    security_id: Annotated[UUID | None, Query(description="Only entries about this security.")] = None,
    transaction_id: Annotated[UUID | None, Query(description="The entry whose cash is this row.")] = None,
    kind: Annotated[list[InvestmentKind] | None, Query(description="Repeat it for several kinds.")] = None,
    from_date: Annotated[Day | None, Query(alias="from", description="First trade date.")] = None,
    to_date: Annotated[Day | None, Query(alias="to", description="Last trade date.")] = None,
) -> Page[InvestmentSchema]:
    """List the trades, distributions and transfers of the investment accounts, newest first."""
    if from_date is not None and to_date is not None and from_date > to_date:
        raise RangeReversed(
            f"from={from_date} lies after to={to_date}. Swap the two.",
            errors=[FieldError(pointer="/query/from", detail="lies after `to`", code="range_reversed")],
        )
    wanted = InvestmentFilter(
        account_id=account_id,
        security_id=security_id,
        transaction_id=transaction_id,
        kinds=kind or (),
        from_date=from_date,
        to_date=to_date,
    )
    found = await Investments(session, user.user_id).list(wanted, page)
    return links.page(found, lambda entry: entry)


@router.get("/positions", responses=responses(AccountNotFound, InvalidCursor))
async def list_positions(
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    account_id: Annotated[UUID | None, Query(description="Only what this account holds.")] = None,
    as_of: Annotated[Day | None, Query(description="What was held on this day; without it, what is held last.")] = None,
) -> Page[PositionSchema]:
    """List what each account holds by its latest statement on or before the day."""
    found = await Investments(session, user.user_id).positions(page, account_id=account_id, as_of=as_of)
    return links.page(found, lambda position: position)
