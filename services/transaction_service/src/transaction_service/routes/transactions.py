"""/v1/transactions: single rows."""

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
    RangeReversed,
    RawTextKept,
    RowIsSplit,
    RowReplaced,
    RowsUnknown,
    SplitsDiffer,
    TooManyRows,
    TooManyTags,
    TransactionNotFound,
)
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.bulk import BulkEdit, BulkEdited
from transaction_service.schemas.transactions import (
    SplitsChange,
    TransactionChange,
    TransactionCreate,
    TransactionSchema,
)
from transaction_service.service.bulk import BulkEdits
from transaction_service.service.transactions import Transactions

router = APIRouter(prefix="/v1/transactions", tags=["transactions"])


@router.post(
    "",
    status_code=201,
    response_model=TransactionSchema,
    responses=responses(
        AccountNotFound,
        CategoryNotFound,
        CurrencyDiffers,
        IdTaken,
        RowIsSplit,
        SplitsDiffer,
        TooManyTags,
        *idempotency.PROBLEMS,
    ),
)
async def enter_transaction(wanted: TransactionCreate, user: Writer, once: Once, session: Writing) -> Response:
    """Enter a row by hand."""
    return await once.once(
        user.user_id,
        status=201,
        model=TransactionSchema,
        effect=lambda: Transactions(session, user.user_id).enter(wanted),
        headers=lambda row: {"Location": f"/v1/transactions/{row.id}", "ETag": etag(row.version)},
    )


@router.post(
    "/bulk",
    response_model=BulkEdited,
    responses=responses(
        AccountNotFound, CategoryNotFound, RangeReversed, RowsUnknown, TooManyRows, TooManyTags, *idempotency.PROBLEMS
    ),
)
async def edit_transactions(wanted: BulkEdit, user: Writer, once: Once, session: Writing, reading: Reading) -> Response:
    """Change, delete or restore many rows at once, or say what that would do: all rows are changed, or none."""
    if wanted.preview:
        answer = await BulkEdits(reading, user.user_id).preview(wanted)
        return Response(answer.model_dump_json(), media_type="application/json")
    return await once.once(
        user.user_id,
        status=200,
        model=BulkEdited,
        effect=lambda: BulkEdits(session, user.user_id).apply(wanted),
    )


@router.get("/{transaction_id}", responses=responses(TransactionNotFound))
async def read_transaction(
    transaction_id: UUID, user: Reader, session: Reading, response: Response
) -> TransactionSchema:
    """Read one row."""
    row = await Transactions(session, user.user_id).get(transaction_id)
    response.headers["ETag"] = etag(row.version)
    return row


@router.patch(
    "/{transaction_id}",
    responses=responses(
        TransactionNotFound, CategoryNotFound, RawTextKept, RowIsSplit, SplitsDiffer, TooManyTags, Stale, IfMatchMissing
    ),
)
async def change_transaction(
    transaction_id: UUID,
    changes: TransactionChange,
    user: Writer,
    if_match: IfMatch,
    session: Writing,
    response: Response,
) -> TransactionSchema:
    """Change the given fields of a row; what is set here is never changed by a rule."""
    row = await Transactions(session, user.user_id).change(transaction_id, changes, if_match)
    response.headers["ETag"] = etag(row.version)
    return row


@router.put(
    "/{transaction_id}/splits",
    responses=responses(TransactionNotFound, CategoryNotFound, SplitsDiffer, Stale, IfMatchMissing),
)
async def split_transaction(
    transaction_id: UUID,
    wanted: SplitsChange,
    user: Writer,
    if_match: IfMatch,
    session: Writing,
    response: Response,
) -> TransactionSchema:
    """Split a row into parts that sum to its amount, or make it whole again by an empty list."""
    row = await Transactions(session, user.user_id).split(transaction_id, wanted.splits, if_match)
    response.headers["ETag"] = etag(row.version)
    return row


@router.delete("/{transaction_id}", status_code=204, responses=responses(TransactionNotFound, Stale, IfMatchMissing))
async def delete_transaction(transaction_id: UUID, user: Writer, if_match: IfMatch, session: Writing) -> None:
    """Delete a row; no later import books it again, and it can be restored."""
    await Transactions(session, user.user_id).delete(transaction_id, if_match)


@router.post("/{transaction_id}/restore", responses=responses(TransactionNotFound, RowReplaced))
async def restore_transaction(
    transaction_id: UUID, user: Writer, session: Writing, response: Response
) -> TransactionSchema:
    """Bring a deleted row back; `GET /v1/transactions?deleted=true` lists them."""
    row = await Transactions(session, user.user_id).restore(transaction_id)
    response.headers["ETag"] = etag(row.version)
    return row
