"""What an import has to tell: its accounts, sums, balances and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice

from data_processing import Reconciliation, RefusedRow

from transaction_service.identity.plan import AccountPlan, ImportPlan
from transaction_service.models import StatementImport
from transaction_service.schemas.imports import (
    CurrencySum,
    ImportedAccount,
    ImportSchema,
    PreviewedProposal,
    RefusalSchema,
    StatedBalance,
    StatementGap,
    StatementPeriod,
    StatementReconciliation,
)
from transaction_service.statements.rows import PreparedFile

MOST_PROPOSALS = 100
"""So many proposals are shown in a preview; all are counted."""


def report(prepared: PreparedFile, plan: ImportPlan, refused: Sequence[RefusedRow]) -> dict[str, object]:
    """The lists of an import's answer, as JSON can hold them."""
    sums: dict[str, Decimal] = {}
    for p in plan.accounts:
        sums[p.account.currency] = sums.get(p.account.currency, Decimal(0)) + p.sum
    refusals = [RefusalSchema(place=row.place, reason=row.reason, bank_id=row.bank_id) for row in refused]
    accounts = [
        ImportedAccount(
            account_id=p.account.id,
            name=p.account.name,
            currency=p.account.currency,
            created=p.created,
            booked=len(p.decisions.book),
            repeated=p.decisions.repeated,
            replaced=len(p.decisions.settle),
            proposed=p.decisions.proposals,
            proved=p.decisions.proved,
            trusts_bank_ids=p.account.trusts_bank_ids and not p.decisions.ids_change,
            sum=p.sum,
            statements=_periods(p),
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
        "reconciliations": [_reconciliation(found).model_dump(mode="json") for found in prepared.reconciliations],
        "proved": sum(p.decisions.proved for p in plan.accounts),
        "notes": list(prepared.file.notes),
    }


def previewed_proposals(plan: ImportPlan) -> list[PreviewedProposal]:
    """What would be proposed, the first of it."""
    questions = (
        (p, p.rows[number].entry, transaction_id, reason)
        for p in plan.accounts
        for number, transaction_id, reason in p.decisions.open_questions()
    )
    return [
        PreviewedProposal(
            account_id=p.account.id,
            place=entry.place,
            booking_date=entry.booking_date,
            amount=entry.amount,
            description=entry.text,
            transaction_id=transaction_id,
            reason=reason,
        )
        for p, entry, transaction_id, reason in islice(questions, MOST_PROPOSALS)
    ]


def _periods(plan: AccountPlan) -> list[StatementPeriod]:
    return [
        StatementPeriod(
            position=section.number,
            starts=found.starts,
            ends=found.ends,
            opening=found.opening,
            closing=found.closing,
            status=found.status,
        )
        for section, found in zip(plan.sections, plan.coverages, strict=True)
    ]


def _reconciliation(found: Reconciliation) -> StatementReconciliation:
    return StatementReconciliation(
        status=found.status,
        opening=found.opening,
        closing=found.closing,
        gaps=[StatementGap(amount=g.amount, start=g.start, end=g.end, place=g.place) for g in found.gaps],
    )


def describe(record: StatementImport) -> ImportSchema:
    """The answer that tells of an import."""
    return ImportSchema.model_validate({**record.model_dump(exclude={"report", "user_id"}), **record.report})
