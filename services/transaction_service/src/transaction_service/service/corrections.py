"""Rows that a bank takes back: replaced or deleted by a later statement, whichever file comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from itertools import chain
from uuid import UUID

from api_common.columns import now
from api_common.compute import offload
from data_processing import StatementFile
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.identity.pairing import bank_id
from transaction_service.identity.pending import PendingRow
from transaction_service.identity.plan import AccountPlan, ImportPlan
from transaction_service.models import Correction, JournalAction, Transaction
from transaction_service.repository.booking import BookingRepository
from transaction_service.repository.corrections import CorrectionRepository
from transaction_service.repository.row_states import RowStateRepository
from transaction_service.repository.transfers import TransferRepository
from transaction_service.service.journal import Journal, RowChange
from transaction_service.service.transfers import Transfers
from transaction_service.statements.accounts import StatementAccounts
from transaction_service.statements.spool import numbers

_WITH_CORRECTIONS = "ofx"
"""The one format in which a row can take back another."""


class Corrections:
    """What the banks of one user take back.

    A row that replaces another is booked in its place, as the booking of a pending row is. Every correction is
    remembered, so that a file that comes later does not bring the old row back.
    """

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id
        self._corrections = CorrectionRepository(session, user_id)
        self._booking = BookingRepository(session, user_id)
        self._states = RowStateRepository(session, user_id)
        self._journal = Journal(session, user_id)
        self._links = TransferRepository(session, user_id)
        self._transfers = Transfers(session, user_id)

    async def decide(self, file: StatementFile, plan: ImportPlan) -> None:
        """Decide the unknown rows that correct earlier ones, and those that were corrected before they came.

        Neither is suspected to be a repeat: the bank has said what they are.
        """
        for of_account in plan.standing:
            if file.format == _WITH_CORRECTIONS:
                await self._replace(of_account)
            void = await self._corrections.bank_ids(of_account.account.id) if of_account.unknown else set()
            if void:
                _book(of_account, await offload(_with_ids, of_account, of_account.unknown, void))

    async def _replace(self, plan: AccountPlan) -> None:
        correcting = await offload(_correcting, plan, plan.unknown)
        if not correcting:
            return
        bearers = await self._corrections.bearers(plan.account.id, set(correcting.values()))
        rows = {earlier: found[0] for earlier, found in bearers.items() if len(found) == 1}
        waiting = {row.id: row for row in await self._booking.as_pending(list(rows.values()))}
        for number, earlier in correcting.items():
            row = rows.pop(earlier, None)
            if row is None:
                plan.decisions.book.append(number)
            else:
                plan.decisions.settle.append((waiting[row.id], number))
        plan.unknown = numbers(number for number in plan.unknown if number not in correcting)

    async def corrected(self, file: StatementFile, plan: ImportPlan, accounts: StatementAccounts) -> int:
        """How many rows the file takes back, or brings although they were taken back before."""
        count = 0
        for of_account in plan.standing:
            count += len(_replaced(of_account))
            if void := await self._corrections.bank_ids(of_account.account.id):
                decisions = of_account.decisions
                booked = chain(decisions.book, (number for _, number in decisions.settle))
                count += len(await offload(_with_ids, of_account, booked, void))
        for account_id, stated in _deletions(file, accounts).items():
            ids = stated - (await self._corrections.void_rows(account_id)).keys()
            count += sum(len(found) == 1 for found in (await self._corrections.bearers(account_id, ids)).values())
        return count

    async def keep(self, file: StatementFile, plan: ImportPlan, accounts: StatementAccounts, import_id: UUID) -> None:
        """Remember what the file corrects, after its rows were booked, and put the rows aside that are void."""
        deletions = _deletions(file, accounts)
        for of_account in plan.accounts:
            account_id = of_account.account.id
            correcting = file.format == _WITH_CORRECTIONS
            corrections = await self._replacements(of_account, import_id) if correcting else {}
            for void in deletions.get(account_id, set()) - corrections.keys():
                corrections[void] = Correction(
                    user_id=self._user_id, account_id=account_id, import_id=import_id, bank_id=void
                )
            if corrections:
                known = await self._corrections.void_rows(account_id)
                for correction in corrections.values():
                    correction.transaction_id = correction.transaction_id or known.get(correction.bank_id)
                await self._keep_links(list(corrections.values()))
                await self._links.dissolve([row.id for row, _ in _replaced(of_account)])
                await self._corrections.keep(corrections.values())
            await self._put_aside(account_id, import_id)

    async def _keep_links(self, corrections: Sequence[Correction]) -> None:
        """Keep with corrections which rows the user has linked with those that they take back: these links end."""
        rows = [correction.transaction_id for correction in corrections if correction.transaction_id is not None]
        linked = await self._corrections.links_of(rows) | await self._links.chosen_partners(rows) if rows else {}
        for correction in corrections:
            if correction.transaction_id is not None and correction.linked_to is None:
                correction.linked_to = linked.get(correction.transaction_id)

    async def _replacements(self, plan: AccountPlan, import_id: UUID) -> dict[str, Correction]:
        """The corrections by rows that stand in the ledger; a row that waits for the user corrects nothing yet."""
        rows_of_file = (number for section in plan.sections for number in section.rows)
        correcting = await offload(_correcting, plan, rows_of_file)
        if not correcting:
            return {}
        rows = await self._corrections.rows_named(plan.account.id, plan.identities.of(correcting))
        replaced = {number: row.id for row, number in _replaced(plan)}
        found: dict[str, Correction] = {}
        for number, earlier in correcting.items():
            row_id = rows.get(plan.identities[number])
            if row_id is not None:
                found[earlier] = Correction(
                    user_id=self._user_id,
                    account_id=plan.account.id,
                    import_id=import_id,
                    bank_id=earlier,
                    transaction_id=replaced.get(number),
                    replaced_by=row_id,
                )
        return found

    async def _put_aside(self, account_id: UUID, import_id: UUID) -> None:
        """Turn the account's rows that corrections take back into tombstones."""
        waiting = await self._corrections.open(account_id)
        if not waiting:
            return
        bearers = await self._corrections.bearers(account_id, {correction.bank_id for correction in waiting})
        by: dict[UUID, UUID | None] = {}
        void: dict[UUID, Transaction] = {}
        for correction in waiting:
            rows = [row for row in bearers.get(correction.bank_id, ()) if row.id != correction.replaced_by]
            if len(rows) != 1:
                continue
            void[rows[0].id] = rows[0]
            correction.transaction_id = rows[0].id
            if correction.replaced_by is not None:
                by[rows[0].id] = correction.replaced_by
        await self._keep_links(waiting)
        await self._mark(list(void.values()), deleted=True, import_id=import_id)
        await self._corrections.replaced(by)

    async def forget(self, import_id: UUID) -> None:
        """Take back an import's corrections, after its rows were removed: what it had deleted stands again.

        Links of transfers ended with the correction: those of the user are made again, others are looked for anew.
        """
        rows = await self._corrections.forget(import_id)
        if not rows:
            return
        found = await self._corrections.tombstones(rows)
        gone = {row.id for row in await self._booking.adopt(found)}
        for row in found:
            if row.id in gone:
                await self._session.delete(row)
        standing = [row for row in found if row.id not in gone]
        await self._corrections.replaced({row.id: None for row in standing if row.replaced_by is not None})
        await self._mark(standing, deleted=False, import_id=import_id)
        for row_id, linked_to in rows.items():
            if row_id in gone or linked_to is None:
                continue
            if not await self._transfers.restore((row_id, linked_to)):
                await self._corrections.link_back(linked_to, row_id)
        for brought_by in await self._corrections.imports_of(rows):
            await self._transfers.find(brought_by)

    async def _mark(self, rows: Sequence[Transaction], *, deleted: bool, import_id: UUID) -> None:
        if not rows:
            return
        at = now() if deleted else None
        changes = [(before, replace(before, deleted_at=at)) for before in await self._states.of(rows)]
        await self._states.write(changes, edited=False)
        await self._journal.record(
            JournalAction.ROW_DELETED if deleted else JournalAction.ROW_RESTORED,
            summary={"corrected_by_bank": True},
            import_id=import_id,
            changes=[RowChange.between(before, after) for before, after in changes],
        )


def _correcting(plan: AccountPlan, among: Iterable[int]) -> dict[int, str]:
    """The rows that take the place of earlier ones, and the bank's ids of those."""
    if "corrects" not in plan.rows.rare:
        return {}
    return {n: earlier for n in among if (earlier := plan.rows[n].entry.corrects) is not None}


def _with_ids(plan: AccountPlan, among: Iterable[int], ids: Set[str]) -> set[int]:
    """The rows that have one of the bank's ids."""
    return {n for n in among if plan.rows.has_id[n] and plan.rows[n].entry.bank_id in ids}


def _book(plan: AccountPlan, chosen: set[int]) -> None:
    """Let rows be booked without a further look."""
    plan.decisions.book.extend(sorted(chosen))
    plan.unknown = numbers(number for number in plan.unknown if number not in chosen)


def _replaced(plan: AccountPlan) -> list[tuple[PendingRow, int]]:
    """The rows that rows of the file replace, by the bank's word, and the numbers of those."""
    return [
        (row, number)
        for row, number in plan.decisions.settle
        if (earlier := plan.rows[number].entry.corrects) is not None and bank_id(row.identity) == earlier
    ]


def _deletions(file: StatementFile, accounts: StatementAccounts) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = {}
    for statement in file.statements:
        account = accounts.of(statement) if statement.deletions else None
        if account is not None:
            found.setdefault(account.id, set()).update(deletion.bank_id for deletion in statement.deletions)
    return found
