"""/v1/transfers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common import idempotency
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import responses
from fastapi import APIRouter, Query, Response

from transaction_service.errors import (
    AccountNotFound,
    AlreadyLinked,
    AmountsDiffer,
    ImportNotFound,
    RowPending,
    SameAccount,
    SameSign,
    TransactionNotFound,
    TransferNotFound,
)
from transaction_service.models import TransferStatus
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.transfers import TransferLink, TransferSchema, TransfersFound
from transaction_service.service.transfers import Transfers

router = APIRouter(prefix="/v1/transfers", tags=["transfers"])

_UNLINKABLE = (TransactionNotFound, SameAccount, SameSign, AmountsDiffer, RowPending, AlreadyLinked)


@router.get("", responses=responses(AccountNotFound, TransactionNotFound, InvalidCursor))
async def list_transfers(
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    status: Annotated[TransferStatus | None, Query(description="Only transfers of this status.")] = None,
    account_id: Annotated[UUID | None, Query(description="Only transfers out of or into this account.")] = None,
    transaction_id: Annotated[UUID | None, Query(description="Only transfers with this row.")] = None,
) -> Page[TransferSchema]:
    """List the transfers with both their rows, newest first."""
    found = await Transfers(session, user.user_id).list(
        page, status=status, account_id=account_id, transaction_id=transaction_id
    )
    return links.page(found, lambda transfer: transfer)


@router.post(
    "",
    status_code=201,
    response_model=TransferSchema,
    responses=responses(*_UNLINKABLE, *idempotency.PROBLEMS),
)
async def link_rows(wanted: TransferLink, user: Writer, once: Once, session: Writing) -> Response:
    """Link two rows as one transfer, whatever was proposed or rejected before."""
    return await once.once(
        user.user_id,
        status=201,
        model=TransferSchema,
        effect=lambda: Transfers(session, user.user_id).link(wanted.transaction_ids),
        headers=lambda transfer: {"Location": f"/v1/transfers/{transfer.id}", "ETag": etag(transfer.version)},
    )


@router.post("/find", responses=responses(ImportNotFound))
async def find_transfers(
    user: Writer,
    session: Writing,
    import_id: Annotated[UUID | None, Query(description="Only pairs with a row of this import.")] = None,
) -> TransfersFound:
    """Look for transfers in the whole history: certain ones are linked, likely ones proposed."""
    return await Transfers(session, user.user_id).search(import_id)


@router.get("/{transfer_id}", responses=responses(TransferNotFound))
async def read_transfer(transfer_id: UUID, user: Reader, session: Reading, response: Response) -> TransferSchema:
    """Read one transfer."""
    transfer = await Transfers(session, user.user_id).get(transfer_id)
    response.headers["ETag"] = etag(transfer.version)
    return transfer


@router.post("/{transfer_id}/accept", responses=responses(TransferNotFound, *_UNLINKABLE))
async def accept_transfer(transfer_id: UUID, user: Writer, session: Writing, response: Response) -> TransferSchema:
    """Say that a proposed pair is a transfer."""
    transfer = await Transfers(session, user.user_id).accept(transfer_id)
    response.headers["ETag"] = etag(transfer.version)
    return transfer


@router.post("/{transfer_id}/reject", responses=responses(TransferNotFound))
async def reject_transfer(transfer_id: UUID, user: Writer, session: Writing, response: Response) -> TransferSchema:
    """Say that a proposed or linked pair is no transfer; it is never found again."""
    transfer = await Transfers(session, user.user_id).reject(transfer_id)
    response.headers["ETag"] = etag(transfer.version)
    return transfer


@router.delete("/{transfer_id}", status_code=204, responses=responses(TransferNotFound, Stale, IfMatchMissing))
async def delete_transfer(transfer_id: UUID, user: Writer, if_match: IfMatch, session: Writing) -> None:
    """Unlink a transfer and forget it; `reject` it instead to keep a later search from linking it again."""
    await Transfers(session, user.user_id).delete(transfer_id, if_match)
