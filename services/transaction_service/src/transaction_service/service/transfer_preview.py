"""The transfers that an import would bring to light, told before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from uuid import UUID

from api_common.compute import offload, uncollected
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.identity.plan import ImportPlan
from transaction_service.models import TransferStatus
from transaction_service.repository.imports import BookingRows
from transaction_service.repository.transfers import TransferRepository
from transaction_service.schemas.transfers import PreviewedSide, PreviewedTransfer, TransfersFound
from transaction_service.search.text import folded
from transaction_service.service.transfer_search import TransferSearch
from transaction_service.transfers.evidence import Candidate, MatchRow
from transaction_service.transfers.own_accounts import OwnAccount, comparable_number
from transaction_service.transfers.planned import PlannedRow, PlannedRows

MOST_ROWS = 50_000
"""Of a file with more new rows a preview does not look for transfers: these rows are held in memory."""
MOST_SHOWN = 100


class TransferPreview:
    """Looks for the transfers of one user's import that is not booked yet."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._search = TransferSearch(session, user_id)
        self._transfers = TransferRepository(session, user_id)

    async def find(
        self, plan: ImportPlan, rows: BookingRows, import_id: UUID
    ) -> tuple[TransfersFound, list[PreviewedTransfer]]:
        """How many transfers the import would link and propose, and the first of them."""
        planned = await offload(_planned, plan, rows)
        if not planned.rows:
            return TransfersFound(linked=0, proposed=0), []
        linked, proposed = await self._search.pairs(import_id, planned)
        return TransfersFound(linked=len(linked), proposed=len(proposed)), await self._shown(linked, proposed, planned)

    async def _shown(
        self, linked: Sequence[Candidate], proposed: Sequence[Candidate], planned: PlannedRows
    ) -> list[PreviewedTransfer]:
        pairs = [
            *((TransferStatus.LINKED, pair) for pair in linked),
            *((TransferStatus.PROPOSED, pair) for pair in proposed),
        ][:MOST_SHOWN]
        sides = [side.id for _, pair in pairs for side in (pair.outgoing, pair.incoming)]
        booked = await self._transfers.sides({row_id for row_id in sides if row_id not in planned.rows})

        def shown(row: MatchRow) -> PreviewedSide:
            new = planned.rows.get(row.id)
            return PreviewedSide(
                transaction_id=row.id if new is None else None,
                account_id=row.account_id,
                booking_date=row.booking_date,
                amount=row.amount,
                currency=row.currency,
                description=booked[row.id].description if new is None else new.text,
            )

        return [
            PreviewedTransfer(
                status=status,
                reasons=list(pair.reasons),
                rate=None if pair.rate is None else f"{pair.rate:f}",
                outgoing=shown(pair.outgoing),
                incoming=shown(pair.incoming),
            )
            for status, pair in pairs
        ]


def is_previewed(plan: ImportPlan) -> bool:
    """Whether a preview looks for the transfers of a plan."""
    return sum(len(p.decisions.book) + len(p.decisions.settle) for p in plan.accounts) <= MOST_ROWS


@uncollected()
def _planned(plan: ImportPlan, rows: BookingRows) -> PlannedRows:
    """The rows that would be booked. Slow for many: runs in a thread."""
    place = {name: number for number, name in enumerate(rows.columns)}
    places = [place.get(name) for name in PlannedRow._fields]
    pending, late = place["pending"], {settled.pending_id for settled in rows.late}
    booked = (row for row in islice(rows.values, MOST_ROWS) if not row[pending] and row[0] not in late)
    made = (PlannedRow._make(None if at is None else row[at] for at in places) for row in booked)
    replaced = frozenset(settled.pending_id for settled in rows.settled)
    return PlannedRows({row.id: row for row in made}, list(_called(plan)), replaced)


def _called(plan: ImportPlan) -> Iterable[OwnAccount]:
    """What the import would let accounts be called by."""
    for account in plan.created:
        yield OwnAccount(account.id, account.currency, frozenset(), frozenset({folded(account.name)}))
    for reference in plan.references:
        numbers = {comparable_number(reference.number or "")} - {""}
        names = {folded(reference.name)} if reference.name else set[str]()
        yield OwnAccount(reference.account_id, reference.currency, frozenset(numbers), frozenset(names))
