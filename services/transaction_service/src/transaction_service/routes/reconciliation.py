"""/v1/reconciliation, and of each account its timeline and the balances that the user asserts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common import idempotency
from api_common.fields import Day
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import FieldError, responses
from fastapi import APIRouter, Query, Response

from transaction_service.errors import AccountNotFound, AssertionNotFound, DayAsserted, IdTaken, RangeReversed
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.reconciliation import (
    AssertionChange,
    AssertionCreate,
    AssertionSchema,
    ReconciliationList,
    ReconciliationSchema,
)
from transaction_service.service.assertions import Assertions
from transaction_service.service.reconciliation import Reconciliation

router = APIRouter(prefix="/v1", tags=["reconciliation"])

_ASSERTIONS = "/accounts/{account_id}/assertions"


@router.get("/reconciliation")
async def reconcile_accounts(user: Reader, session: Reading) -> ReconciliationList:
    """Say of each account whether it agrees with the latest balance that is known of it."""
    return await Reconciliation(session, user.user_id).overview()


@router.get("/accounts/{account_id}/reconciliation", responses=responses(AccountNotFound, RangeReversed))
async def reconcile_account(
    account_id: UUID,
    user: Reader,
    session: Reading,
    from_date: Annotated[Day | None, Query(alias="from", description="First day of the timeline.")] = None,
    to_date: Annotated[Day | None, Query(alias="to", description="Last day of the timeline.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="On how many days at most.")] = 100,
) -> ReconciliationSchema:
    """Compare the ledger with every balance that statements, rows and the user state of an account.

    Each gap comes with its amount, the days between which it arose, and the rows that are likely to have made it.
    """
    if from_date is not None and to_date is not None and from_date > to_date:
        raise RangeReversed(
            f"from={from_date} lies after to={to_date}. Swap the two.",
            errors=[FieldError(pointer="/query/from", detail="lies after `to`", code="range_reversed")],
        )
    return await Reconciliation(session, user.user_id).timeline(account_id, first=from_date, last=to_date, limit=limit)


@router.get(_ASSERTIONS, responses=responses(AccountNotFound, InvalidCursor))
async def list_assertions(
    account_id: UUID, user: Reader, session: Reading, page: Paging, links: Links
) -> Page[AssertionSchema]:
    """List the balances that the user asserts of an account, latest day first."""
    found = await Assertions(session, user.user_id, account_id).list(page)
    return links.page(found, lambda assertion: assertion)


@router.post(
    _ASSERTIONS,
    status_code=201,
    response_model=AssertionSchema,
    responses=responses(AccountNotFound, DayAsserted, IdTaken, *idempotency.PROBLEMS),
)
async def assert_balance(
    account_id: UUID, wanted: AssertionCreate, user: Writer, once: Once, session: Writing
) -> Response:
    """Assert what an account held at the end of a day, in its currency; one assertion for each day."""
    return await once.once(
        user.user_id,
        status=201,
        model=AssertionSchema,
        effect=lambda: Assertions(session, user.user_id, account_id).create(wanted),
        headers=lambda made: {
            "Location": f"/v1/accounts/{account_id}/assertions/{made.id}",
            "ETag": etag(made.version),
        },
    )


@router.get(f"{_ASSERTIONS}/{{assertion_id}}", responses=responses(AccountNotFound, AssertionNotFound))
async def read_assertion(
    account_id: UUID, assertion_id: UUID, user: Reader, session: Reading, response: Response
) -> AssertionSchema:
    """Read one assertion."""
    assertion = await Assertions(session, user.user_id, account_id).get(assertion_id)
    response.headers["ETag"] = etag(assertion.version)
    return assertion


@router.patch(
    f"{_ASSERTIONS}/{{assertion_id}}",
    responses=responses(AccountNotFound, AssertionNotFound, DayAsserted, Stale, IfMatchMissing),
)
async def change_assertion(
    account_id: UUID,
    assertion_id: UUID,
    changes: AssertionChange,
    user: Writer,
    if_match: IfMatch,
    session: Writing,
    response: Response,
) -> AssertionSchema:
    """Change the given fields of an assertion."""
    assertion = await Assertions(session, user.user_id, account_id).change(assertion_id, changes, if_match)
    response.headers["ETag"] = etag(assertion.version)
    return assertion


@router.delete(
    f"{_ASSERTIONS}/{{assertion_id}}",
    status_code=204,
    responses=responses(AccountNotFound, AssertionNotFound, Stale, IfMatchMissing),
)
async def delete_assertion(
    account_id: UUID, assertion_id: UUID, user: Writer, if_match: IfMatch, session: Writing
) -> None:
    """Take an assertion back."""
    await Assertions(session, user.user_id, account_id).delete(assertion_id, if_match)
