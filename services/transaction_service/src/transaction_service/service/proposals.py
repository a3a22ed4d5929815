"""Suspected repeats: kept by imports, decided by balances or by the user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from api_common.columns import new_id, now
from api_common.pagination import PageQuery, Slice
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import ProposalDecided, ProposalsUnknown
from transaction_service.identity.pairing import under_other_id
from transaction_service.identity.plan import AccountPlan
from transaction_service.identity.proposed import row_from_json, row_to_json
from transaction_service.models import (
    Account,
    JournalAction,
    Proposal,
    ProposalStatus,
)
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.booking import BookingRepository
from transaction_service.repository.imports import BookingRows, ImportRepository, one_row
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.proposals import ProposalRepository, imports_of
from transaction_service.repository.recognition import RecognitionRepository
from transaction_service.repository.rules import RuleRepository
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.rules.categorisation import Categoriser
from transaction_service.schemas.proposals import BulkDecided, BulkDecision, ProposalSchema, proposal_schema
from transaction_service.service.journal import Journal, RowChange

BY_USER = "user"
BY_PROOF = "proof"

_ACTIONS = {
    ProposalStatus.ACCEPTED: JournalAction.PROPOSAL_ACCEPTED,
    ProposalStatus.REJECTED: JournalAction.PROPOSAL_REJECTED,
}


class Proposals:
    """The proposals of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._session = session
        self._proposals = ProposalRepository(session, user_id)
        self._imports = ImportRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._booking = BookingRepository(session, user_id)
        self._recognition = RecognitionRepository(session, user_id)
        self._transactions = TransactionRepository(session, user_id)
        self._rules = RuleRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._journal = Journal(session, user_id)

    async def list(
        self,
        page: PageQuery,
        *,
        status: ProposalStatus | None = None,
        account_id: UUID | None = None,
        import_id: UUID | None = None,
    ) -> Slice[ProposalSchema]:
        """One page of the proposals, newest first. Raises AccountNotFound, ImportNotFound."""
        if account_id is not None:
            await self._accounts.get(account_id)
        if import_id is not None:
            await self._imports.get(import_id)
        found = await self._proposals.list(page, status=status, account_id=account_id, import_id=import_id)
        return Slice(await self._described(found.items), found.next_cursor)

    async def get(self, proposal_id: UUID) -> ProposalSchema:
        """One proposal. Raises ProposalNotFound."""
        return await self._describe(await self._proposals.get(proposal_id))

    async def accept(self, proposal_id: UUID, *, anew: bool) -> ProposalSchema:
        """Say that the proposed row is the ledger's: it is never booked, under whichever of its ids it comes.

        A row that was booked because the proposal had been rejected goes again.

        Raises ProposalNotFound, ProposalDecided.
        """
        return await self._decide(proposal_id, ProposalStatus.ACCEPTED, anew=anew)

    async def reject(self, proposal_id: UUID, *, anew: bool) -> ProposalSchema:
        """Say that the proposed row is a row of its own: it is booked, and stands when a file brings it again.

        Raises ProposalNotFound, ProposalDecided.
        """
        return await self._decide(proposal_id, ProposalStatus.REJECTED, anew=anew)

    async def decide_many(self, wanted: BulkDecision) -> BulkDecided:
        """Accept or reject many proposals, with one entry in the journal: all of them, or, when one cannot be, none.

        Raises ImportNotFound, ProposalsUnknown, ProposalDecided.
        """
        await self._ledger.begin_change()
        named = await self._wanted(wanted)
        undecided = [proposal for proposal in named if proposal.status != wanted.decision]
        for proposal in undecided:
            _check_open(proposal, anew=wanted.anew)
        changes = await self._carry_out(undecided, wanted.decision)
        entry_id = None
        if undecided:
            entry_id = await self._journal.record(
                _ACTIONS[wanted.decision],
                summary={"proposals": len(undecided)},
                import_id=wanted.import_id,
                changes=changes,
            )
        return BulkDecided(
            decision=wanted.decision,
            matched=len(named),
            decided=len(undecided),
            booked=len(changes) if wanted.decision == ProposalStatus.REJECTED else 0,
            removed=len(changes) if wanted.decision == ProposalStatus.ACCEPTED else 0,
            journal_entry_id=entry_id,
        )

    async def _wanted(self, wanted: BulkDecision) -> Sequence[Proposal]:
        if wanted.import_id is not None:
            brought = await self._proposals.brought_by((await self._imports.get(wanted.import_id)).id)
            return [p for p in brought if wanted.anew or p.status == ProposalStatus.WAITING]
        ids = list(dict.fromkeys(wanted.ids or ()))
        found = await self._proposals.named(ids)
        known = {proposal.id for proposal in found}
        unknown = [str(proposal_id) for proposal_id in ids if proposal_id not in known]
        if unknown:
            raise ProposalsUnknown(
                f"{len(unknown)} of {len(ids)} ids are no proposals, the first is {unknown[0]}. Nothing was decided.",
                unknown=unknown,
            )
        return found

    async def _decide(self, proposal_id: UUID, status: ProposalStatus, *, anew: bool) -> ProposalSchema:
        await self._ledger.begin_change()
        proposal = await self._proposals.get(proposal_id)
        if proposal.status != status:
            _check_open(proposal, anew=anew)
            changes = await self._carry_out([proposal], status)
            await self._journal.record(
                _ACTIONS[status],
                summary={"proposal_id": proposal.id, "transaction_id": proposal.transaction_id},
                import_id=proposal.import_id,
                changes=changes,
            )
        return await self._describe(proposal)

    async def _carry_out(self, proposals: Sequence[Proposal], status: ProposalStatus) -> Sequence[RowChange]:
        """Decide proposals that are not decided so yet; gives the rows that come or go by it."""
        return await (self._accept(proposals) if status == ProposalStatus.ACCEPTED else self._reject(proposals))

    async def _accept(self, proposals: Sequence[Proposal]) -> Sequence[RowChange]:
        doubles = [proposal.booked_as for proposal in proposals if proposal.booked_as is not None]
        for proposal in proposals:
            if proposal.booked_as is not None:
                await self._proposals.suspect_instead(proposal.booked_as, proposal.transaction_id)
                await self._booking.merge(proposal.booked_as, into=proposal.transaction_id)
        await self._keep_accepted([(proposal, proposal.transaction_id) for proposal in proposals], by=BY_USER)
        return [RowChange(row_id, {"deleted": False}, {"deleted": True}) for row_id in doubles]

    async def _reject(self, proposals: Sequence[Proposal]) -> Sequence[RowChange]:
        brought_by = {proposal.id: imports_of(proposal) for proposal in proposals}
        for proposal in proposals:
            if proposal.status == ProposalStatus.ACCEPTED:
                account_id, identity = proposal.account_id, proposal.identity
                brought_by[proposal.id] = await self._booking.taught_by(account_id, identity)
                for import_id in brought_by[proposal.id]:
                    await self._booking.take_back_identities(account_id, [identity], import_id)
        booked = await self._book(proposals)
        for proposal in proposals:
            await self._booking.keep_same([booked[proposal.id]], brought_by[proposal.id])
            self._decided(proposal, ProposalStatus.REJECTED, by=BY_USER)
            proposal.booked_as = booked[proposal.id]
        await self._session.flush()
        await self.settle_trust({proposal.account_id for proposal in proposals})
        return [RowChange(row_id, {}, {"booked": True}) for row_id in booked.values()]

    # For imports

    async def keep(self, plan: AccountPlan, import_id: UUID, rows: BookingRows) -> None:
        """Keep what an import proposes for an account, and what it decides of earlier proposals."""
        account_id, decisions = plan.account.id, plan.decisions
        if decisions.waiting or decisions.accepted or decisions.rejected:
            known = {proposal.id: proposal for proposal in await self._proposals.open_of(account_id)}
            for _, found in decisions.waiting:
                proposal = known[found.id]
                if import_id not in imports_of(proposal):
                    proposal.also_in = [*proposal.also_in, str(import_id)]
            accepted = [
                (known[found.id], rows.ids[account_id, target] if isinstance(target, int) else target)
                for found, target in decisions.accepted
            ]
            await self._keep_accepted(accepted, by=BY_PROOF, proved_by=import_id)
            for found, number in decisions.rejected:
                await self._keep_rejected(known[found.id], rows.ids[account_id, number], proved_by=import_id)
        if decisions.proposed:
            await self._propose(plan, import_id)
        await self._session.flush()

    async def _propose(self, plan: AccountPlan, import_id: UUID) -> None:
        proposed = {plan.identities[found.number]: found for found in plan.decisions.proposed}
        for known in await self._proposals.of_identities(plan.account.id, list(proposed)):
            await self._session.delete(known)
        await self._session.flush()
        self._session.add_all(
            Proposal(
                user_id=self._user_id,
                import_id=import_id,
                account_id=plan.account.id,
                transaction_id=found.row_id,
                identity=identity,
                row=row_to_json(plan.rows[found.number]),
                reason=found.reason,
            )
            for identity, found in proposed.items()
        )

    async def _keep_accepted(
        self, accepted: Sequence[tuple[Proposal, UUID]], *, by: str, proved_by: UUID | None = None
    ) -> None:
        """Let every import that brought a proposed row have brought that row of the ledger."""
        own = await self._booking.identities_of([row_id for _, row_id in accepted])
        await self._booking.keep_identities(
            (proposal.account_id, proposal.identity, import_id, row_id)
            for proposal, row_id in accepted
            for import_id in imports_of(proposal)
            if proposal.identity != own[row_id]
        )
        brought: dict[UUID, list[UUID]] = defaultdict(list)
        changed: set[UUID] = set()
        for proposal, row_id in accepted:
            for import_id in imports_of(proposal):
                brought[import_id].append(row_id)
            if under_other_id(proposal.identity, own[row_id]):
                changed.add(proposal.account_id)
            self._decided(proposal, ProposalStatus.ACCEPTED, by=by, proved_by=proved_by)
        for import_id, row_ids in brought.items():
            await self._booking.keep_same(row_ids, [import_id])
        await self._session.flush()
        await self.settle_trust(changed)

    def _decided(self, proposal: Proposal, status: ProposalStatus, *, by: str, proved_by: UUID | None = None) -> None:
        """Keep who has decided, and when."""
        proposal.status, proposal.decided_by, proposal.decided_at = status, by, now()
        proposal.proved_by, proposal.booked_as = proved_by, None

    async def _book(self, proposals: Sequence[Proposal]) -> dict[UUID, UUID]:
        """Book the proposed rows as rows of the imports that brought them; gives their ids by the proposals'."""
        if not proposals:
            return {}
        categoriser, created_at = Categoriser(await self._rules.ordered()), now()
        booked: dict[UUID, UUID] = {}
        for proposal in proposals:
            account = await self._session.get_one(Account, proposal.account_id)
            identity = proposal.identity
            if await self._booking.is_taken(account.id, identity):
                identity = f"{identity}~{new_id().hex}"
            booked[proposal.id], rows = one_row(
                account,
                row_from_json(proposal.row),
                identity,
                import_id=proposal.import_id,
                categoriser=categoriser,
                created_at=created_at,
            )
            await self._imports.book(rows)
        return booked

    async def _keep_rejected(self, proposal: Proposal, row_id: UUID, *, proved_by: UUID) -> None:
        """Let every import that brought the proposed row have brought the row that is booked for it."""
        await self._booking.keep_same([row_id], imports_of(proposal))
        self._decided(proposal, ProposalStatus.REJECTED, by=BY_PROOF, proved_by=proved_by)
        proposal.booked_as = row_id

    async def reopen(self, import_id: UUID) -> None:
        """Open the questions again that only the statements of an import have answered, as it is being undone."""
        accepted: dict[tuple[UUID, UUID], list[str]] = defaultdict(list)
        for proposal in await self._proposals.proved_by(import_id):
            imports = imports_of(proposal)
            if proposal.status == ProposalStatus.ACCEPTED:
                for brought_by in imports:
                    accepted[proposal.account_id, brought_by].append(proposal.identity)
            elif proposal.booked_as is not None:
                others = set(await self._booking.brought_again_by(proposal.booked_as)) - {*imports, import_id}
                if others:
                    proposal.proved_by = None
                    continue
                await self._booking.forget_same(proposal.booked_as, imports)
            proposal.status, proposal.decided_by, proposal.decided_at = ProposalStatus.WAITING, None, None
            proposal.proved_by = proposal.booked_as = None
        for (account_id, brought_by), identities in accepted.items():
            await self._booking.take_back_identities(account_id, identities, brought_by)
        await self._session.flush()

    async def leave(self, import_id: UUID) -> None:
        """Let the other imports that brought a proposal keep it; one that no other brought vanishes."""
        for proposal in await self._proposals.brought_by(import_id):
            others = [other for other in imports_of(proposal) if other != import_id]
            if others:
                proposal.import_id, proposal.also_in = others[0], [str(other) for other in others[1:]]
            else:
                await self._session.delete(proposal)
        await self._session.flush()

    async def release(self, import_id: UUID, *, edited: bool) -> None:
        """Book proposed rows whose suspected row is about to go with its import.

        Of several that suspect one row, the oldest is booked, and the others are suspected to be that one.
        """
        suspects: dict[UUID, list[Proposal]] = defaultdict(list)
        for proposal in await self._booking.suspects_among(import_id, edited=edited):
            suspects[proposal.transaction_id].append(proposal)
        booked = await self._book([oldest for oldest, *_ in suspects.values()])
        for oldest, *others in suspects.values():
            for proposal in others:
                proposal.transaction_id = booked[oldest.id]
            await self._booking.keep_same([booked[oldest.id]], imports_of(oldest))
            await self._session.delete(oldest)
        await self._session.flush()

    async def settle_trust(self, account_ids: Iterable[UUID]) -> None:
        """Trust the ids of an account's bank as long as no row is known to have had two."""
        for account_id in account_ids:
            account = await self._accounts.get_or_none(account_id)
            if account is not None:
                trusts = not await self._recognition.ids_have_changed(account_id)
                if account.trusts_bank_ids != trusts:
                    account.trusts_bank_ids = trusts
        await self._session.flush()

    async def _describe(self, proposal: Proposal) -> ProposalSchema:
        return (await self._described([proposal]))[0]

    async def _described(self, proposals: Sequence[Proposal]) -> Sequence[ProposalSchema]:
        ids = {proposal.transaction_id for proposal in proposals}
        rows = {row.id: row for row in await self._booking.with_ids(ids)}
        return [proposal_schema(proposal, rows[proposal.transaction_id]) for proposal in proposals]


def _check_open(proposal: Proposal, *, anew: bool) -> None:
    if proposal.status != ProposalStatus.WAITING and not anew:
        raise ProposalDecided(
            f"The proposal {proposal.id} is {proposal.status} already, by the {proposal.decided_by}. Repeat with "
            "?anew=true to decide it the other way.",
            status_of_proposal=proposal.status,
        )
