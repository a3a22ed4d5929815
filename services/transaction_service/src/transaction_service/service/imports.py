"""Importing statement files, and undoing imports."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from api_common.columns import new_id, now
from api_common.compute import offload
from api_common.logging import get_logger
from api_common.pagination import PageQuery, Slice
from data_processing import Reconciliation, RefusedRow, StatementFileError
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.categorisation import Categoriser
from transaction_service.errors import ImportAlreadyUndone
from transaction_service.import_plan import ImportPlan, assign_accounts, statement_refused
from transaction_service.models import ImportStatus, StatementImport, Transaction
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.booking import BookingRepository
from transaction_service.repository.imports import ImportRepository, booking_rows
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.rules import RuleRepository
from transaction_service.schemas.imports import (
    CurrencySum,
    ImportedAccount,
    ImportSchema,
    RefusalSchema,
    StatedBalance,
    StatementGap,
    StatementReconciliation,
)
from transaction_service.service.transfers import Transfers
from transaction_service.statement_rows import PreparedFile, prepare

MOST_REFUSALS = 1000
"""So many refused rows are listed; all are counted."""
MOST_GAPS = 100
"""So many gaps of one statement are listed, the first ones."""

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


async def read_upload(content: bytes, *, filename: str | None, account_id: UUID | None, currency: str | None) -> Upload:
    """Read a statement file, off the event loop and outside of any transaction.

    Raises StatementRefused with the reader's code and reason.
    """
    started_at = now()
    try:
        prepared = await offload(lambda: prepare(content, filename=filename))
    except StatementFileError as error:
        raise statement_refused(error) from error
    sha256 = hashlib.sha256(content).hexdigest()
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

    async def list(self, page: PageQuery) -> Slice[StatementImport]:
        """One page of the imports, newest first."""
        return await self._imports.list(page)

    async def get(self, import_id: UUID) -> ImportSchema:
        """One import with its reasons. Raises ImportNotFound."""
        return describe(await self._imports.get(import_id))

    async def preview(self, upload: Upload) -> ImportSchema:
        """What `book` would do; nothing is written. Raises the same problems."""
        plan = await self._plan(upload)
        return describe(self._record(new_id(), upload, plan, ImportStatus.PREVIEW))

    async def book(self, upload: Upload) -> ImportSchema:
        """Book the file's rows that the ledger does not hold: all of them, or, when anything fails, none.

        Raises what `import_plan.assign_accounts` raises.
        """
        await self._ledger.begin_change()
        plan = await self._plan(upload)
        import_id = new_id()
        categoriser = Categoriser(await self._rules.ordered())
        rows = await offload(
            lambda: booking_rows(plan, import_id=import_id, categoriser=categoriser, created_at=upload.started_at)
        )
        session = self._imports.session
        session.add_all(plan.created)
        await session.flush()
        session.add_all(plan.references)
        record = await self._imports.add(self._record(import_id, upload, plan))
        await self._transactions.put_aside(rows.settled)
        await self._imports.book(rows)
        for of_account in plan.accounts:
            await self._transactions.keep_repeated(of_account.account.id, of_account.standing, import_id)
        await self._imports.keep_balances(plan, import_id)
        transfers = await Transfers(session, self._user_id).find(import_id)
        notes = [*upload.prepared.file.notes, *categoriser.notes]
        record.report = {**record.report, "notes": notes, "transfers": transfers.model_dump()}
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
        await self._imports.forget_repeated(import_id)
        handed_over = await self._transactions.hand_over(import_id)
        removed = await self._transactions.remove_import(import_id, edited=drop_edited)
        await self._imports.forget_balances(import_id)
        return Undone(removed, handed_over, await self._transactions.of_import(import_id))

    async def _plan(self, upload: Upload) -> ImportPlan:
        plan = assign_accounts(
            upload.prepared,
            await self._accounts.book(),
            user_id=self._user_id,
            account_id=upload.account_id,
            currency=upload.currency,
        )
        standing = await self._transactions.standing(plan.identities())
        pending = await self._transactions.pending(list(standing))
        await offload(plan.sort_out, standing, pending)
        return plan

    def _record(
        self, import_id: UUID, upload: Upload, plan: ImportPlan, status: ImportStatus = ImportStatus.BOOKED
    ) -> StatementImport:
        refused = [*upload.prepared.refused, *plan.refused]
        booked = sum(len(p.book) for p in plan.accounts)
        repeated = sum(p.repeated for p in plan.accounts)
        replaced = sum(len(p.settle) for p in plan.accounts)
        return StatementImport(
            id=import_id,
            user_id=self._user_id,
            status=status,
            format=upload.prepared.file.format,
            filename=upload.filename,
            sha256=upload.sha256,
            statements=len(upload.prepared.file.statements),
            read=booked + repeated + replaced + len(refused),
            booked=booked,
            repeated=repeated,
            replaced=replaced,
            refused=len(refused),
            report=_report(upload, plan, refused),
            started_at=upload.started_at,
            finished_at=now(),
        )


def _report(upload: Upload, plan: ImportPlan, refused: Sequence[RefusedRow]) -> dict[str, object]:
    sums: dict[str, Decimal] = {}
    for p in plan.accounts:
        sums[p.account.currency] = sums.get(p.account.currency, Decimal(0)) + p.sum
    refusals = [
        RefusalSchema(place=row.place, reason=row.reason, bank_id=row.bank_id) for row in refused[:MOST_REFUSALS]
    ]
    accounts = [
        ImportedAccount(
            account_id=p.account.id,
            name=p.account.name,
            currency=p.account.currency,
            created=p.created,
            booked=len(p.book),
            repeated=p.repeated,
            sum=p.sum,
        )
        for p in plan.accounts
    ]
    balances = [
        StatedBalance(account_id=p.account.id, kind=b.kind, amount=b.amount, currency=p.account.currency, date=b.date)
        for p in plan.accounts
        for b in p.balances
    ]
    stated = [CurrencySum(currency=currency, amount=amount) for currency, amount in sorted(sums.items())]
    return {
        "refusals": [item.model_dump(mode="json") for item in refusals],
        "accounts": [item.model_dump(mode="json") for item in accounts],
        "sums": [item.model_dump(mode="json") for item in stated],
        "balances": [item.model_dump(mode="json") for item in balances],
        "reconciliations": [
            _reconciliation(found).model_dump(mode="json") for found in upload.prepared.reconciliations
        ],
        "notes": list(upload.prepared.file.notes),
    }


def _reconciliation(found: Reconciliation) -> StatementReconciliation:
    return StatementReconciliation(
        status=found.status,
        opening=found.opening,
        closing=found.closing,
        gaps=[StatementGap(amount=g.amount, start=g.start, end=g.end, place=g.place) for g in found.gaps[:MOST_GAPS]],
    )


def describe(record: StatementImport) -> ImportSchema:
    """The answer that tells of an import."""
    return ImportSchema.model_validate({**record.model_dump(exclude={"report", "user_id"}), **record.report})
