"""The journal as clients read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from api_common.pagination import Page
from pydantic import BaseModel

from transaction_service.models import JournalAction


class JournalEntrySchema(BaseModel):
    """One change of the ledger: what was done, to how many rows, and its counts and names in `summary`."""

    id: UUID
    at: datetime
    action: JournalAction
    import_id: UUID | None
    rule_id: UUID | None
    rows: int
    summary: dict[str, Any]


class JournalChangeSchema(BaseModel):
    """What an entry changed in one row: the fields that differ, before and after.

    `before` is empty for a row that was made, `after` for one that is gone. `action`, `at`, `import_id` and `rule_id`
    are those of the entry.
    """

    entry_id: UUID
    transaction_id: UUID
    at: datetime
    action: JournalAction
    import_id: UUID | None
    rule_id: UUID | None
    before: dict[str, Any]
    after: dict[str, Any]


class JournalEntryDetails(JournalEntrySchema):
    """One entry with a page of the rows that it changed; an import's own rows are found by its `import_id`."""

    changes: Page[JournalChangeSchema]
