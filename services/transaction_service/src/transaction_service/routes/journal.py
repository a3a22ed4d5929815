"""/v1/journal, and the history of one row."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common.fields import Day
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.problems import responses
from fastapi import APIRouter, Query

from transaction_service.errors import JournalEntryNotFound, RangeReversed, TransactionNotFound
from transaction_service.models import JournalAction
from transaction_service.repository.journal import JournalFilter
from transaction_service.routes.access import Reader, Reading
from transaction_service.schemas.journal import JournalChangeSchema, JournalEntryDetails, JournalEntrySchema
from transaction_service.schemas.listing import check_range
from transaction_service.service.journal import Journal

router = APIRouter(prefix="/v1", tags=["journal"])


@router.get("/journal", responses=responses(InvalidCursor, RangeReversed))
async def list_journal(
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    action: Annotated[list[JournalAction] | None, Query(description="Repeat it for several actions.")] = None,
    import_id: Annotated[UUID | None, Query(description="What was done by or to this import.")] = None,
    transaction_id: Annotated[UUID | None, Query(description="What changed this row.")] = None,
    from_date: Annotated[Day | None, Query(alias="from", description="First day, UTC.")] = None,
    to_date: Annotated[Day | None, Query(alias="to", description="Last day, UTC.")] = None,
) -> Page[JournalEntrySchema]:
    """List what was done to the ledger, newest first."""
    check_range("/query", "from", from_date, "to", to_date)
    wanted = JournalFilter(
        actions=action or (), import_id=import_id, transaction_id=transaction_id, from_date=from_date, to_date=to_date
    )
    found = await Journal(session, user.user_id).list(wanted, page)
    return links.page(found, lambda entry: JournalEntrySchema.model_validate(entry, from_attributes=True))


@router.get("/journal/{entry_id}", responses=responses(JournalEntryNotFound, InvalidCursor))
async def read_journal_entry(
    entry_id: UUID, user: Reader, session: Reading, page: Paging, links: Links
) -> JournalEntryDetails:
    """Read one entry with a page of the rows that it changed."""
    entry, changes = await Journal(session, user.user_id).get(entry_id, page)
    return JournalEntryDetails(
        **JournalEntrySchema.model_validate(entry, from_attributes=True).model_dump(),
        changes=links.page(changes, JournalChangeSchema.model_validate),
    )


@router.get("/transactions/{transaction_id}/history", responses=responses(TransactionNotFound, InvalidCursor))
async def read_history(
    transaction_id: UUID, user: Reader, session: Reading, page: Paging, links: Links
) -> Page[JournalChangeSchema]:
    """List what was done to a row, newest first; a deleted row has its history still."""
    found = await Journal(session, user.user_id).history(transaction_id, page)
    return links.page(found, JournalChangeSchema.model_validate)
