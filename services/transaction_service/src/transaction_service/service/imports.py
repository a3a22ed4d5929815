"""Importing statement files, and undoing imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import IO
from uuid import UUID

from api_common.columns import new_id, now
from api_common.compute import offload
from api_common.logging import get_logger
from api_common.pagination import PageQuery, Slice
from data_processing import CsvMapping, StatementFileError
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import ImportAlreadyUndone
from transaction_service.identity.decisions import decide
from transaction_service.identity.identities import columns_of
from transaction_service.identity.ledger_side import LedgerSide
from transaction_service.identity.parts_of_days import BroughtRow, cut_days, tell_equal_rows
from transaction_service.identity.pending import PendingRow
from transaction_service.identity.plan import AccountPlan, ImportPlan, pieces_of
from transaction_service.identity.proofs import Coverage, continues_day, touching_days
from transaction_service.models import ImportStatus, JournalAction, StatementImport, Transaction
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.booking import BookingRepository
from transaction_service.repository.imports import BookingRows, ImportRepository, booking_rows
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.proposals import ProposalRepository
from transaction_service.repository.recognition import RecognitionRepository, window_of
from transaction_service.repository.rules import RuleRepository
from transaction_service.rules.categorisation import Categoriser
from transaction_service.schemas.imports import ImportSchema
from transaction_service.service.import_metrics import FILES, FileOutcome, count_when_committed, refusals_counted
from transaction_service.service.import_report import describe, previewed_proposals, report
from transaction_service.service.journal import Journal
from transaction_service.service.many_rows import ManyRows
from transaction_service.service.proposals import Proposals
from transaction_service.service.supplements import SupplementCounts, Supplements
from transaction_service.service.transfer_preview import TransferPreview, is_previewed
from transaction_service.service.transfers import Transfers
from transaction_service.statements.account_matching import AccountBook
from transaction_service.statements.assignment import assign_accounts, statement_refused
from transaction_service.statements.rows import PreparedFile, Refusals, prepare
from transaction_service.statements.spool import Numbers

_COUNTS = ("format", "read", "booked", "repeated", "replaced", "refused", "proposed")

log = get_logger()


@dataclass(frozen=True)
class Upload:
    """A statement file that was read, not yet booked, and what the request says about it."""

    prepared: PreparedFile
    filename: str | None
    sha256: str
    account_id: UUID | None
    currency: str | None
    started_at: datetime


@dataclass(frozen=True)
class Undone:
    """What undoing an import did: rows removed, rows that are another import's from then on, and rows that it kept."""

    removed: int
    handed_over: int
    kept: Sequence[Transaction]


async def read_upload(
    content: IO[bytes],
    *,
    sha256: str,
    filename: str | None,
    account_id: UUID | None,
    currency: str | None,
    profiles: Sequence[CsvMapping] = (),
) -> Upload:
    """Read a statement file, off the event loop and outside of any transaction; tables by the profiles first.

    Raises StatementRefused with the reader's code and reason.
    """
    started_at = now()
    with refusals_counted():
        try:
            prepared = await offload(lambda: prepare(content, filename=filename, profiles=profiles))
        except StatementFileError as error:
            raise statement_refused(error) from error
    return Upload(prepared, filename[:255] if filename else None, sha256, account_id, currency, started_at)


class Imports:
    """The imports of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._imports = ImportRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._transactions = BookingRepository(session, user_id)
        self._rules = RuleRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._recognition = RecognitionRepository(session, user_id)
        self._open_proposals = ProposalRepository(session, user_id)
        self._proposals = Proposals(session, user_id)
        self._rows = ManyRows(session, user_id)
        self._journal = Journal(session, user_id)
        self._supplements = Supplements(session, user_id)

    async def list(self, page: PageQuery) -> Slice[StatementImport]:
        """One page of the imports, newest first."""
        return await self._imports.list(page)

    async def get(self, import_id: UUID) -> ImportSchema:
        """One import with its reasons. Raises ImportNotFound."""
        return describe(await self._imports.get(import_id))

    async def preview(self, upload: Upload) -> ImportSchema:
        """What `book` would do; nothing is written. Raises the same problems."""
        plan = await self._plan(upload)
        import_id = new_id()
        preview = describe(self._record(import_id, upload, plan, ImportStatus.PREVIEW))
        supplements = await self._keep_supplements(upload, plan, None)
        found: dict[str, object] = {"proposals": previewed_proposals(plan), **supplements.fields}
        if is_previewed(plan) and not supplements.investments:
            rows = await self._booking_rows(upload, plan, import_id, Categoriser(await self._rules.ordered()))
            session = self._imports.session
            transfers = await TransferPreview(session, self._user_id).find(plan, rows, import_id)
            found["transfers"], found["previewed_transfers"] = transfers
        FILES.add(FileOutcome.PREVIEWED)
        return preview.model_copy(update=found)

    async def _booking_rows(
        self, upload: Upload, plan: ImportPlan, import_id: UUID, categoriser: Categoriser
    ) -> BookingRows:
        created_at = upload.started_at
        return await offload(
            lambda: booking_rows(plan, import_id=import_id, categoriser=categoriser, created_at=created_at)
        )

    async def book(self, upload: Upload) -> ImportSchema:
        """Book the file's rows that the ledger does not hold: all of them, or, when anything fails, none.

        Raises what `account_assignment.assign_accounts` raises.
        """
        await self._ledger.begin_change()
        await self._imports.take_time()
        plan = await self._plan(upload)
        import_id = new_id()
        categoriser = Categoriser(await self._rules.ordered())
        rows = await self._booking_rows(upload, plan, import_id, categoriser)
        session = self._imports.session
        session.add_all(plan.created)
        await session.flush()
        session.add_all(plan.references)
        record = await self._imports.add(self._record(import_id, upload, plan))
        await self._transactions.put_aside(rows.settled)
        await self._imports.book(rows)
        await self._rows.hand_parts_on((settled.pending_id, settled.booked_id) for settled in rows.settled)
        await self._transactions.put_aside(rows.late)
        await self._imports.keep_balances(plan, import_id)
        await self._imports.keep_statements(plan, import_id)
        for of_account in plan.accounts:
            await self._keep_decisions(of_account, import_id, rows)
        supplements = await self._keep_supplements(upload, plan, import_id)
        transfers = await Transfers(session, self._user_id).find(import_id)
        notes = [*upload.prepared.file.notes, *categoriser.notes, *supplements.notes]
        record.report = {
            **record.report,
            **supplements.fields,
            "notes": notes,
            "transfers": transfers.model_dump(),
        }
        await self._journal.record(
            JournalAction.IMPORT_BOOKED,
            rows=record.booked + record.replaced,
            summary={name: getattr(record, name) for name in _COUNTS},
            import_id=import_id,
        )
        count_when_committed(session, record)
        log.info(
            "import_booked", format=record.format, rows=record.booked, repeated=record.repeated, refused=record.refused
        )
        return describe(record)

    async def undo(self, import_id: UUID, *, drop_edited: bool) -> Undone:
        """Remove the rows that an import booked, so that the ledger is as if the file had never come.

        Rows that another import brings too stay, as that import's. Rows that the user has edited or deleted since stay
        as they are, unless `drop_edited`. Pending rows that the import had booked are pending again.

        Raises ImportNotFound, ImportAlreadyUndone.
        """
        await self._ledger.begin_change()
        record = await self._imports.get(import_id)
        if record.status == ImportStatus.UNDONE:
            raise ImportAlreadyUndone(f"The import {import_id} was undone before.")
        record.status, record.undone_at = ImportStatus.UNDONE, now()
        await self._imports.session.flush()
        await self._proposals.reopen(import_id)
        await self._transactions.forget_repeated(import_id)
        accounts = await self._transactions.forget_identities(import_id)
        await self._proposals.leave(import_id)
        handed_over = await self._transactions.hand_over(import_id)
        await self._proposals.release(import_id, edited=drop_edited)
        removed = await self._transactions.remove_import(import_id, edited=drop_edited)
        await self._supplements.forget(import_id)
        await self._imports.forget_statements(import_id)
        await self._proposals.settle_trust(accounts)
        undone = Undone(removed, handed_over, await self._transactions.of_import(import_id))
        await self._journal.record(
            JournalAction.IMPORT_UNDONE,
            rows=removed,
            summary={"removed": removed, "handed_over": handed_over, "kept": len(undone.kept)},
            import_id=import_id,
        )
        return undone

    async def _plan(self, upload: Upload) -> ImportPlan:
        book = await self._accounts.book()
        with refusals_counted():
            plan = await offload(lambda: self._assigned(upload, book))
        await offload(plan.identify)
        standing = [p.account.id for p in plan.standing]
        pending: dict[UUID, list[PendingRow]] = {p.account.id: [] for p in plan.accounts}
        for row in await self._transactions.pending(standing):
            pending[row.account_id].append(row)
        for p in plan.accounts:
            await self._recognise(p, pending[p.account.id])
        await self._supplements.decide(upload.prepared.file, plan)
        waiting = await self._open_proposals.waiting(standing)
        for p in plan.accounts:
            ledger = LedgerSide(pending=pending[p.account.id], waiting=waiting.get(p.account.id, ()))
            if not p.created:
                ledger = await self._ledger_side(p, ledger, upload.prepared.file.format)
            await offload(decide, p, ledger)
        return plan

    def _assigned(self, upload: Upload, book: AccountBook) -> ImportPlan:
        return assign_accounts(
            upload.prepared, book, user_id=self._user_id, account_id=upload.account_id, currency=upload.currency
        )

    async def _recognise(self, plan: AccountPlan, pending: Sequence[PendingRow]) -> None:
        """Ask the ledger, some thousand rows at a time, which of an account's rows it knows."""
        account_id, recognition = plan.account.id, self._recognition
        if plan.created:
            plan.unknown = plan.chosen
            return
        aliases = plan.by_identity and await recognition.has_aliases(account_id)
        for piece in pieces_of(plan.chosen if aliases else await self._of_known_days(plan)):
            identities = await offload(plan.identities.of, piece)
            known = await recognition.known(account_id, identities, aliases=aliases)
            await offload(plan.recognise, piece, identities, known, pending)
        if days := plan.parts_of_days():
            statements = await recognition.statements(account_id)
            moved = await recognition.day_sums(account_id, set(days.values()))
            await offload(_tell_apart, plan, days, statements, moved)
        await self._tell_equal_rows(plan)
        for piece in () if plan.by_identity else plan.days():
            contents = await offload(plan.contents, piece)
            first, last = plan.rows.first_and_last_day(piece)
            by_content = await recognition.by_content(account_id, set(contents), first, last)
            await offload(plan.recognise_by_content, piece, contents, by_content, pending)
        if not plan.by_identity and plan.unknown:
            identities = await offload(plan.identities.of, plan.unknown)
            if accepted := await self._open_proposals.accepted(account_id, identities):
                taught = await recognition.aliases(account_id, list(accepted))
                await offload(plan.recognise_decided, accepted, taught, pending)
        plan.unknown = columns_of(plan.rows).in_order(plan.unknown)

    async def _tell_equal_rows(self, plan: AccountPlan) -> None:
        """Say which of several equal rows those are that a file brings of the days that it cuts."""
        account_id = plan.account.id
        cut = await offload(cut_days, plan)
        proved = await self._recognition.statements(account_id) if cut else ()
        cut = {key: rows for key, rows in cut.items() if not any(known.proves(key[1]) for known in proved)}
        if not cut:
            return
        brought = await self._recognition.brought(account_id, {day for _, day in cut})
        for found in (await self._open_proposals.waiting([account_id])).get(account_id, ()):
            entry, content, _ = found.row
            row = entry.booking_date, entry.amount, content, found.identity
            brought += [BroughtRow(import_id, *row, waits=True) for import_id in found.imports]
        await offload(tell_equal_rows, plan, cut, brought)

    async def _of_known_days(self, plan: AccountPlan) -> Numbers:
        if not plan.chosen:
            return plan.chosen
        first, last = plan.rows.first_and_last_day(plan.chosen)
        days = await self._recognition.days(plan.account.id, first, last)
        return await offload(plan.of_days, days)

    async def _keep_supplements(self, upload: Upload, plan: ImportPlan, import_id: UUID | None) -> SupplementCounts:
        return await self._supplements.keep(
            upload.prepared.file, plan, import_id, account_id=upload.account_id, currency=upload.currency
        )

    async def _ledger_side(self, plan: AccountPlan, ledger: LedgerSide, of_file: str) -> LedgerSide:
        """Read what the ledger holds for rows that no identity tells."""
        account_id = plan.account.id
        days = [(found.row.entry.booking_date, found.row.entry.amount) for found in ledger.waiting]
        window = window_of(plan, days)
        if window is None:
            return ledger
        rows = await self._recognition.rows(account_id, window)
        if not rows and not ledger.waiting:
            return ledger
        statements = await self._recognition.statements(account_id)
        return replace(
            ledger,
            rows=rows,
            statements=statements,
            others=await self._recognition.other_formats(account_id, of_file),
            day_sums=await self._recognition.day_sums(account_id, touching_days(plan.coverages, statements)),
            ids_are_stable=plan.account.trusts_bank_ids and await self._recognition.ids_are_stable(account_id),
            replaced=await self._recognition.replaced(account_id, window),
            rejected=await self._open_proposals.rejected(account_id),
        )

    async def _keep_decisions(self, plan: AccountPlan, import_id: UUID, rows: BookingRows) -> None:
        """Keep what the file has shown about rows of the ledger."""
        account, decisions = plan.account, plan.decisions
        for piece in pieces_of(decisions.standing):
            await self._transactions.keep_repeated(account.id, await offload(plan.identities.of, piece), import_id)
        await self._transactions.keep_same({row.id for _, row in decisions.same}, [import_id])
        taught = await offload(lambda: list(plan.further_identities()))
        await self._transactions.keep_identities(
            (account.id, identity, import_id, row_id) for identity, row_id in taught
        )
        await self._proposals.keep(plan, import_id, rows)
        if decisions.ids_change:
            account.trusts_bank_ids = False
            await self._imports.session.flush()

    def _record(
        self, import_id: UUID, upload: Upload, plan: ImportPlan, status: ImportStatus = ImportStatus.BOOKED
    ) -> StatementImport:
        refused = Refusals()
        for found in (upload.prepared.refused, plan.refused):
            refused.add(found)
        decisions = [p.decisions for p in plan.accounts]
        booked = sum(len(d.book) for d in decisions)
        repeated = sum(d.repeated for d in decisions)
        replaced = sum(len(d.settle) for d in decisions)
        proposed = sum(d.proposals for d in decisions)
        return StatementImport(
            id=import_id,
            user_id=self._user_id,
            status=status,
            format=upload.prepared.file.format,
            filename=upload.filename,
            sha256=upload.sha256,
            statements=len(upload.prepared.file.statements),
            read=booked + repeated + replaced + proposed + refused.count,
            booked=booked,
            repeated=repeated,
            replaced=replaced,
            refused=refused.count,
            proposed=proposed,
            report=report(upload.prepared, plan, refused.first),
            started_at=upload.started_at,
            finished_at=now(),
        )


def _tell_apart(
    plan: AccountPlan, days: Mapping[int, date], statements: Sequence[Coverage], moved: Mapping[date, Decimal]
) -> None:
    """Tell apart the statements of parts of days that go on where the ledger's end. Slow for many: runs in a thread."""
    for place, day in days.items():
        if continues_day(plan.coverages[place], statements, moved.get(day, Decimal(0))):
            plan.tell_apart(place)
