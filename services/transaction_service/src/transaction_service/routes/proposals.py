"""/v1/proposals, and those of one import."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common import idempotency
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.problems import responses
from fastapi import APIRouter, Query, Response

from transaction_service.errors import (
    AccountNotFound,
    ImportNotFound,
    ProposalDecided,
    ProposalNotFound,
    ProposalsUnknown,
)
from transaction_service.models import ProposalStatus
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.proposals import BulkDecided, BulkDecision, ProposalSchema
from transaction_service.service.proposals import Proposals

router = APIRouter(tags=["proposals"])

Status = Annotated[ProposalStatus | None, Query(description="Waiting for the user, accepted or rejected.")]
Anew = Annotated[bool, Query(description="Decide it anew, although it was decided the other way.")]


@router.get("/v1/proposals", responses=responses(InvalidCursor, AccountNotFound))
async def list_proposals(
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    status: Status = None,
    account_id: Annotated[UUID | None, Query(description="Only those of this account.")] = None,
) -> Page[ProposalSchema]:
    """List rows of files that may be rows of the ledger, newest first."""
    found = await Proposals(session, user.user_id).list(page, status=status, account_id=account_id)
    return links.page(found, lambda proposal: proposal)


@router.get("/v1/imports/{import_id}/proposals", responses=responses(InvalidCursor, ImportNotFound))
async def list_proposals_of_import(
    import_id: UUID,
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    status: Status = None,
) -> Page[ProposalSchema]:
    """List the rows of one import that may be rows of the ledger, newest first."""
    found = await Proposals(session, user.user_id).list(page, status=status, import_id=import_id)
    return links.page(found, lambda proposal: proposal)


@router.get("/v1/proposals/{proposal_id}", responses=responses(ProposalNotFound))
async def read_proposal(proposal_id: UUID, user: Reader, session: Reading) -> ProposalSchema:
    """Read one proposal."""
    return await Proposals(session, user.user_id).get(proposal_id)


@router.post(
    "/v1/proposals/bulk",
    response_model=BulkDecided,
    responses=responses(ImportNotFound, ProposalsUnknown, ProposalDecided, *idempotency.PROBLEMS),
)
async def decide_proposals(wanted: BulkDecision, user: Writer, once: Once, session: Writing) -> Response:
    """Accept or reject many proposals at once: all of them, or, when one cannot be decided, none."""
    return await once.once(
        user.user_id,
        status=200,
        model=BulkDecided,
        effect=lambda: Proposals(session, user.user_id).decide_many(wanted),
    )


@router.post("/v1/proposals/{proposal_id}/accept", responses=responses(ProposalNotFound, ProposalDecided))
async def accept_proposal(proposal_id: UUID, user: Writer, session: Writing, anew: Anew = False) -> ProposalSchema:
    """Say that the row is the ledger's. It is not booked, now or later."""
    return await Proposals(session, user.user_id).accept(proposal_id, anew=anew)


@router.post("/v1/proposals/{proposal_id}/reject", responses=responses(ProposalNotFound, ProposalDecided))
async def reject_proposal(proposal_id: UUID, user: Writer, session: Writing, anew: Anew = False) -> ProposalSchema:
    """Say that the row is a row of its own. It is booked."""
    return await Proposals(session, user.user_id).reject(proposal_id, anew=anew)
