"""What a file says beside rows to book: investments, and rows that its bank takes back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from data_processing import StatementFile
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.identity.plan import ImportPlan
from transaction_service.repository.accounts import AccountRepository
from transaction_service.service.corrections import Corrections
from transaction_service.service.investments import Investments
from transaction_service.statements.accounts import StatementAccounts


@dataclass(frozen=True, slots=True)
class SupplementCounts:
    """What came of it, for the answer, and what the user should know."""

    corrected: int
    investments: int
    positions: int
    notes: tuple[str, ...]

    @property
    def fields(self) -> dict[str, object]:
        """The fields of the answer."""
        return {"corrected": self.corrected, "investments": self.investments, "positions": self.positions}


class Supplements:
    """The supplements of one user's imports."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._accounts = AccountRepository(session, user_id)
        self._corrections = Corrections(session, user_id)
        self._investments = Investments(session, user_id)

    async def decide(self, file: StatementFile, plan: ImportPlan) -> None:
        """Decide the unknown rows of a plan of which the bank has said what they are."""
        await self._corrections.decide(file, plan)

    async def keep(
        self,
        file: StatementFile,
        plan: ImportPlan,
        import_id: UUID | None,
        *,
        account_id: UUID | None,
        currency: str | None,
    ) -> SupplementCounts:
        """Keep what the file says, after its rows were booked.

        import_id:  None for a preview, which keeps nothing and counts
        account_id: the account that the user has named for the whole file
        currency:   what the user says where the file does not
        """
        accounts = StatementAccounts(await self._accounts.book(), plan, account_id=account_id, currency=currency)
        corrected = await self._corrections.corrected(file, plan, accounts)
        if import_id is not None:
            await self._corrections.keep(file, plan, accounts, import_id)
        kept = await self._investments.keep(file, accounts, import_id)
        return SupplementCounts(corrected, kept.investments, kept.positions, kept.notes)

    async def forget(self, import_id: UUID) -> None:
        """Take back what an import has kept, after its rows were removed."""
        await self._corrections.forget(import_id)
        await self._investments.forget(import_id)
