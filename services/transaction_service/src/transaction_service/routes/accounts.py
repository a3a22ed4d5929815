"""/v1/accounts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common import idempotency
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import responses
from fastapi import APIRouter, Query, Response

from transaction_service.errors import AccountHasTransactions, AccountNotFound, IdTaken, ReferenceTaken
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.accounts import AccountChange, AccountCreate, AccountDeleted, AccountSchema
from transaction_service.service.accounts import Accounts

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])


@router.get("", responses=responses(InvalidCursor))
async def list_accounts(
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    archived: Annotated[bool | None, Query(description="Only archived accounts, or only the others.")] = None,
) -> Page[AccountSchema]:
    """List the accounts with their balances, in the order of their creation."""
    found = await Accounts(session, user.user_id).list(page, archived=archived)
    return links.page(found, lambda account: account)


@router.post(
    "",
    status_code=201,
    response_model=AccountSchema,
    responses=responses(IdTaken, ReferenceTaken, *idempotency.PROBLEMS),
)
async def create_account(wanted: AccountCreate, user: Writer, once: Once, session: Writing) -> Response:
    """Create an account."""
    return await once.once(
        user.user_id,
        status=201,
        model=AccountSchema,
        effect=lambda: Accounts(session, user.user_id).create(wanted),
        headers=lambda account: {"Location": f"/v1/accounts/{account.id}", "ETag": etag(account.version)},
    )


@router.get("/{account_id}", responses=responses(AccountNotFound))
async def read_account(account_id: UUID, user: Reader, session: Reading, response: Response) -> AccountSchema:
    """Read one account with its balance."""
    account = await Accounts(session, user.user_id).get(account_id)
    response.headers["ETag"] = etag(account.version)
    return account


@router.patch("/{account_id}", responses=responses(AccountNotFound, ReferenceTaken, Stale, IfMatchMissing))
async def change_account(
    account_id: UUID, changes: AccountChange, user: Writer, if_match: IfMatch, session: Writing, response: Response
) -> AccountSchema:
    """Change the given fields of an account; its currency stays."""
    account = await Accounts(session, user.user_id).change(account_id, changes, if_match)
    response.headers["ETag"] = etag(account.version)
    return account


@router.delete("/{account_id}", responses=responses(AccountNotFound, AccountHasTransactions, Stale, IfMatchMissing))
async def delete_account(
    account_id: UUID,
    user: Writer,
    if_match: IfMatch,
    session: Writing,
    with_transactions: Annotated[bool, Query(description="Delete the account's rows too.")] = False,
) -> AccountDeleted:
    """Delete an account and say what went with it; rules with a condition on it are disabled."""
    return await Accounts(session, user.user_id).delete(account_id, if_match, with_transactions=with_transactions)
