"""Keeping and applying the rules that categorise rows by their text."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api_common.columns import new_id
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import CategoryNotFound, IdTaken, TooManyRules
from transaction_service.models import Rule
from transaction_service.repository.categories import CategoryRepository, RuleRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.schemas.categories import RuleChange, RuleCreate, RulesApplied

MOST_RULES = 1000


class Rules:
    """The rules of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._rules = RuleRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)
        self._transactions = TransactionRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)

    async def list(self) -> Sequence[Rule]:
        """All rules in the order in which they are tried."""
        return await self._rules.ordered()

    async def get(self, rule_id: UUID) -> Rule:
        """One rule. Raises RuleNotFound."""
        return await self._rules.get(rule_id)

    async def create(self, wanted: RuleCreate) -> Rule:
        """Create a rule, by default the last to be tried. Raises CategoryNotFound, IdTaken, TooManyRules."""
        await self._ledger.begin_change()
        await self._check_category(wanted.category_id)
        if wanted.id is not None and (existing := await self._rules.get_or_none(wanted.id)) is not None:
            if (existing.contains, existing.category_id) != (wanted.contains, wanted.category_id):
                raise IdTaken(f"The id {wanted.id} stands for another rule already. Send another id, or none.")
            return existing
        if await self._rules.count() >= MOST_RULES:
            raise TooManyRules(f"There are {MOST_RULES} rules, which is the limit. Delete or join some first.")
        position = wanted.position if wanted.position is not None else await self._rules.last_position() + 1
        return await self._rules.add(
            Rule(
                id=wanted.id or new_id(),
                user_id=self._user_id,
                conditions=[{"field": "text", "operator": "contains", "value": wanted.contains}],
                category_id=wanted.category_id,
                position=position,
            )
        )

    async def change(self, rule_id: UUID, changes: RuleChange, expected: Precondition) -> Rule:
        """Change the given fields. Raises RuleNotFound, Stale, CategoryNotFound."""
        await self._ledger.begin_change()
        rule = await self._rules.get(rule_id)
        expected.check(rule.version)
        if changes.category_id is not None:
            await self._check_category(changes.category_id)
        given = changes.given()
        if "contains" in given:
            rule.conditions = [{"field": "text", "operator": "contains", "value": given.pop("contains")}]
        for name, value in given.items():
            setattr(rule, name, value)
        await self._rules.session.flush()
        return rule

    async def delete(self, rule_id: UUID, expected: Precondition) -> None:
        """Delete a rule; rows that it categorised keep their category until the rules are applied.

        Raises RuleNotFound, Stale.
        """
        await self._ledger.begin_change()
        rule = await self._rules.get(rule_id)
        expected.check(rule.version)
        await self._rules.delete(rule)

    async def apply(self) -> RulesApplied:
        """Categorise all rows as the rules say now; what the user chose stays."""
        await self._ledger.begin_change()
        matched, changed, cleared = await self._transactions.apply_rules(await self._rules.ordered())
        return RulesApplied(matched=matched, changed=changed, cleared=cleared)

    async def _check_category(self, category_id: UUID) -> None:
        if category_id not in await self._categories.tree():
            raise CategoryNotFound(f"There is no category {category_id}.")
