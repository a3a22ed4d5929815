"""Looking for what may have made the gaps of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.models import ImportStatus, Proposal
from transaction_service.reconciliation.gap_causes import Cause, LikelyCause, row_causes
from transaction_service.reconciliation.timeline import BalanceGap
from transaction_service.repository.reconciliation import ReconciliationRepository, SuspectImport

MOST_CAUSES = 20
"""So many likely causes of one gap are named."""


class GapSearch:
    """The likely causes of gaps in one user's accounts."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._balances = ReconciliationRepository(session, user_id)

    async def causes(self, account_id: UUID, gaps: Sequence[BalanceGap]) -> dict[BalanceGap, Sequence[LikelyCause]]:
        """What may have made each gap: rows first, then proposals, then imports whose rows are not there."""
        if not gaps:
            return {}
        proposals = await self._balances.proposals(account_id)
        imports = await self._balances.imports()
        return {
            gap: [
                *row_causes(gap, await self._balances.suspects(account_id, gap)),
                *(cause for proposal in proposals if (cause := _of_proposal(gap, proposal)) is not None),
                *(cause for suspect in imports if (cause := _of_import(gap, account_id, suspect)) is not None),
            ][:MOST_CAUSES]
            for gap in gaps
        }


def _of_proposal(gap: BalanceGap, proposal: Proposal) -> LikelyCause | None:
    try:
        amount = Decimal(str(proposal.row.get("amount")))
        day = date.fromisoformat(str(proposal.row.get("booking_date")))
    except (InvalidOperation, ValueError):
        return None
    if amount != gap.amount or not _within(gap, day):
        return None
    text = proposal.row.get("text") or proposal.row.get("counterparty") or ""
    return LikelyCause(
        Cause.PROPOSED_REPEAT, day, amount, str(text), proposal_id=proposal.id, import_id=proposal.import_id
    )


def _of_import(gap: BalanceGap, account_id: UUID, suspect: SuspectImport) -> LikelyCause | None:
    """An import that stated a balance of the account in these days, and whose rows do not all stand in the ledger."""
    if not any(_within(gap, day) for day in _stated_days(suspect.report, account_id)):
        return None
    if suspect.status is ImportStatus.UNDONE:
        return LikelyCause(Cause.IMPORT_UNDONE, import_id=suspect.id)
    return LikelyCause(Cause.ROWS_REFUSED, import_id=suspect.id, rows=suspect.refused)


def _stated_days(report: Mapping[str, object], account_id: UUID) -> list[date]:
    balances = report.get("balances")
    if not isinstance(balances, list):
        return []
    return [
        date.fromisoformat(balance["date"])
        for balance in balances
        if balance["account_id"] == str(account_id) and balance["date"] is not None
    ]


def _within(gap: BalanceGap, day: date) -> bool:
    return (gap.after is None or day > gap.after) and day <= gap.until
