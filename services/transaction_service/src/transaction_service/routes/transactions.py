"""/v1/transactions."""

from __future__ import annotations

from uuid import UUID

from api_common import idempotency
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import responses
from fastapi import APIRouter, Response

from transaction_service.errors import (
    AccountNotFound,
    CategoryNotFound,
    CurrencyDiffers,
    IdTaken,
    RawTextKept,
    TransactionNotFound,
)
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.transactions import (
    TransactionChange,
    TransactionCreate,
    TransactionSchema,
    transaction_schema,
)
from transaction_service.service.transactions import Transactions

router = APIRouter(prefix="/v1/transactions", tags=["transactions"])


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
