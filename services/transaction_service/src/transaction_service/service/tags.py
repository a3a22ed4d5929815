"""The user's tags: listing, renaming and merging, deleting."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from api_common.pagination import PageQuery, Slice
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import TagNotFound
from transaction_service.models import JournalAction
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.rules import RuleRepository
from transaction_service.repository.tags import TagRepository
from transaction_service.rows.edits import Edit, edited, no_rules, with_tag_renamed
from transaction_service.rules.language import RuleField, TextOperator
from transaction_service.schemas.tags import TagSchema
from transaction_service.search.text import folded
from transaction_service.service.many_rows import ManyRows


class Tags:
    """The tags of one user's rows."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._tags = TagRepository(session, user_id)
        self._rules = RuleRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._rows = ManyRows(session, user_id)

    async def list(self, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of the tags, by name, each with the number of its rows."""
        return await self._tags.list(page)

    async def rename(self, tag: str, name: str) -> TagSchema:
        """Give a tag another name on all rows and in all rules; where rows have the other one too, the two are one.

        Raises TagNotFound.
        """
        await self._ledger.begin_change()
        rows = await self._known(tag)
        if name != tag:
            summary = {"tag": tag, "name": name}
            edit = partial(with_tag_renamed, tag=tag, name=name)
            await self._rows.change(self._tags.tagged(tag), edit, JournalAction.TAG_RENAMED, summary, edited=True)
            await self._rename_in_rules(tag, name)
        return TagSchema(tag=name, rows=rows)

    async def delete(self, tag: str) -> TagSchema:
        """Take a tag off all rows. A rule that gives it gives it again. Raises TagNotFound."""
        await self._ledger.begin_change()
        rows = await self._known(tag)
        edit = partial(edited, given=Edit(tags_remove=[tag]), decide=no_rules)
        await self._rows.change(self._tags.tagged(tag), edit, JournalAction.TAG_DELETED, {"tag": tag}, edited=True)
        return TagSchema(tag=tag, rows=rows)

    async def _known(self, tag: str) -> int:
        rows = await self._tags.count(tag)
        if not rows:
            raise TagNotFound(f'No row has the tag "{tag}". GET /v1/tags lists those that there are.')
        return rows

    async def _rename_in_rules(self, tag: str, name: str) -> None:
        for rule in await self._rules.ordered():
            if any(_asks_for(condition, tag) for condition in rule.conditions):
                rule.conditions = [{**c, "value": name} if _asks_for(c, tag) else c for c in rule.conditions]
            tags = rule.actions.get("tags")
            if isinstance(tags, list) and tag in tags:
                one = {folded(tag), folded(name)}
                renamed = dict.fromkeys(name if folded(other) in one else other for other in tags)
                rule.actions = {**rule.actions, "tags": list(renamed)}


def _asks_for(condition: Mapping[str, object], tag: str) -> bool:
    """Whether a condition of a rule asks for just this tag."""
    return (
        condition["field"] == RuleField.TAG
        and condition["operator"] == TextOperator.EQUALS
        and folded(str(condition["value"])) == folded(tag)
    )
