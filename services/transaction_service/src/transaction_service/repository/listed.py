"""The columns of a listed row, and the fields of the answer that are made from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, SQLColumnExpression, exists, func, null, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from transaction_service.models import Split, Tag, Transaction
from transaction_service.repository.row_states import RowStateRepository
from transaction_service.repository.transfers import TransferRepository, linked_transfer
from transaction_service.transfer_evidence import NO_PARTNER

_BETWEEN_TAGS = "\x1f"
"""No tag holds it, as tags have no control characters."""

LISTED: tuple[SQLColumnExpression[Any], ...] = (
    col(Transaction.id),
    col(Transaction.account_id),
    col(Transaction.import_id),
    col(Transaction.booking_date),
    col(Transaction.value_date),
    col(Transaction.amount),
    col(Transaction.currency),
    col(Transaction.stated_date),
    col(Transaction.stated_amount),
    col(Transaction.original_amount),
    col(Transaction.original_currency),
    col(Transaction.exchange_rate),
    col(Transaction.balance),
    col(Transaction.pending),
    col(Transaction.text).label("description"),
    col(Transaction.counterparty),
    col(Transaction.counterparty_account),
    col(Transaction.reference),
    col(Transaction.bank_category),
    col(Transaction.details),
    col(Transaction.merchant),
    col(Transaction.merchant_by),
    col(Transaction.note),
    col(Transaction.note_by),
    col(Transaction.category_id),
    col(Transaction.categorised_by),
    col(Transaction.rule_id),
    col(Transaction.confidence),
    col(Transaction.marked_transfer),
    col(Transaction.transfer_by),
    linked_transfer().label("transfer_id"),
    null().label("transfer_account_id"),
    select(func.aggregate_strings(col(Tag.tag), _BETWEEN_TAGS))
    .where(col(Tag.transaction_id) == col(Transaction.id))
    .correlate(Transaction)
    .scalar_subquery()
    .label("tags"),
    exists().where(col(Split.transaction_id) == col(Transaction.id)).correlate(Transaction).label("splits"),
    col(Transaction.version),
    col(Transaction.created_at),
    col(Transaction.edited_at),
    col(Transaction.deleted_at),
)
"""The fields of `TransactionSchema` in their order; `tags` in one text, `splits` only whether there are any."""


async def listed_rows(session: AsyncSession, user_id: UUID, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Rows of `LISTED` as the fields of `TransactionSchema`. Asks once more when a row is split, or in a transfer."""
    names = rows[0]._fields if rows else ()
    items: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    split = [item["id"] for item in items if item["splits"]]
    parts = await RowStateRepository(session, user_id).splits(split) if split else {}
    linked = [item["id"] for item in items if item["transfer_id"]]
    partners = await TransferRepository(session, user_id).partners(linked) if linked else {}
    for item in items:
        item["transfer_account_id"] = partners.get(item["id"], NO_PARTNER).account_id
        item["tags"] = sorted(item["tags"].split(_BETWEEN_TAGS)) if item["tags"] else []
        item["splits"] = [part.plain() for part in parts.get(item["id"], ())]
    return items
