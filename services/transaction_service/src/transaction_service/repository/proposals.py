"""Suspected repeats that wait for the user, and those that were decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import ColumnElement, String, cast, or_, select
from sqlmodel import col

from transaction_service.errors import ProposalNotFound
from transaction_service.identity.ledger_side import WaitingProposal
from transaction_service.identity.proposed import row_from_json
from transaction_service.models import Proposal, ProposalStatus
from transaction_service.repository.recognition import among

_NEWEST = Keyset(col(Proposal.id).desc())


class ProposalRepository(Repository[Proposal]):
    """The user's proposals."""

    model = Proposal
    not_found = ProposalNotFound

    async def list(
        self,
        page: PageQuery,
        *,
        status: ProposalStatus | None = None,
        account_id: UUID | None = None,
        import_id: UUID | None = None,
    ) -> Slice[Proposal]:
        """One page of the proposals, newest first: with this status, of this account, brought by this import."""
        statement = self.mine()
        if status is not None:
            statement = statement.where(col(Proposal.status) == status)
        if account_id is not None:
            statement = statement.where(col(Proposal.account_id) == account_id)
        if import_id is not None:
            statement = statement.where(_brought_by(import_id))
        return await self.page(statement, _NEWEST, page)

    async def waiting(self, account_ids: Collection[UUID]) -> dict[UUID, Sequence[WaitingProposal]]:
        """The proposals of these accounts that wait, by account, oldest first."""
        statement = self.mine().where(
            col(Proposal.account_id).in_(account_ids), col(Proposal.status) == ProposalStatus.WAITING
        )
        found: dict[UUID, Sequence[WaitingProposal]] = {}
        for proposal in (await self.session.scalars(statement.order_by(col(Proposal.id)))).all():
            waiting = WaitingProposal(
                proposal.id,
                proposal.identity,
                row_from_json(proposal.row),
                proposal.transaction_id,
                proposal.reason,
                frozenset(imports_of(proposal)),
            )
            found[proposal.account_id] = (*found.get(proposal.account_id, ()), waiting)
        return found

    async def open_of(self, account_id: UUID) -> Sequence[Proposal]:
        """The proposals of an account that wait."""
        statement = self.mine().where(
            col(Proposal.account_id) == account_id, col(Proposal.status) == ProposalStatus.WAITING
        )
        return (await self.session.scalars(statement)).all()

    async def brought_by(self, import_id: UUID) -> Sequence[Proposal]:
        """The proposals that an import brought, oldest first."""
        statement = self.mine().where(_brought_by(import_id)).order_by(col(Proposal.id))
        return (await self.session.scalars(statement)).all()

    async def named(self, proposal_ids: Collection[UUID]) -> Sequence[Proposal]:
        """Those of the proposals with these ids that are the user's, oldest first."""
        statement = self.mine().where(col(Proposal.id).in_(set(proposal_ids))).order_by(col(Proposal.id))
        return (await self.session.scalars(statement)).all()

    async def suspect_instead(self, row_id: UUID, other_id: UUID) -> None:
        """Let the proposals that suspect a row suspect another one, as it takes the row's place."""
        for proposal in (await self.session.scalars(self.mine().where(col(Proposal.transaction_id) == row_id))).all():
            proposal.transaction_id = other_id
        await self.session.flush()

    async def proved_by(self, import_id: UUID) -> Sequence[Proposal]:
        """The proposals that a statement of an import has decided."""
        statement = self.mine().where(col(Proposal.proved_by) == import_id).order_by(col(Proposal.id))
        return (await self.session.scalars(statement)).all()

    async def rejected(self, account_id: UUID) -> frozenset[str]:
        """The identities of rows of an account that the user or a balance has called rows of their own."""
        statement = select(col(Proposal.identity)).where(
            col(Proposal.user_id) == self.user_id,
            col(Proposal.account_id) == account_id,
            col(Proposal.status) == ProposalStatus.REJECTED,
        )
        return frozenset((await self.session.scalars(statement)).all())

    async def accepted(self, account_id: UUID, identities: Sequence[str]) -> dict[str, str]:
        """What the bank wrote of those of the identities' rows that are known to be rows of the ledger."""
        found = await self.of_identities(account_id, identities)
        accepted = [proposal for proposal in found if proposal.status == ProposalStatus.ACCEPTED]
        return {proposal.identity: row_from_json(proposal.row).content for proposal in accepted}

    async def of_identities(self, account_id: UUID, identities: Sequence[str]) -> Sequence[Proposal]:
        """The proposals, decided or not, that an account has for these identities."""
        named = among(self.session, col(Proposal.identity), identities)
        statement = self.mine().where(col(Proposal.account_id) == account_id, named)
        return (await self.session.scalars(statement)).all()


def imports_of(proposal: Proposal) -> list[UUID]:
    """The imports that brought the proposed row, the first one first."""
    return [proposal.import_id, *(UUID(other) for other in proposal.also_in)]


def _brought_by(import_id: UUID) -> ColumnElement[bool]:
    also = cast(col(Proposal.also_in), String).contains(str(import_id))
    return or_(col(Proposal.import_id) == import_id, also)
