"""Keeping the rules, and applying them to the rows that are there."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api_common.columns import new_id
from api_common.compute import offload
from api_common.logging import get_logger
from api_common.pagination import PageQuery, Slice
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import (
    AccountNotFound,
    CategoryNotFound,
    IdTaken,
    NothingInCommon,
    RuleNotFound,
    RuleTooSlow,
    TooManyRules,
    TransactionNotFound,
)
from transaction_service.models import JournalAction, Rule
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.row_states import RowStateRepository
from transaction_service.repository.rules import NEWEST_FIRST, RuleRepository
from transaction_service.rows.state import RowState, journal_fields
from transaction_service.rules.categorisation import Categoriser
from transaction_service.rules.language import RuleField
from transaction_service.rules.runs import RuleRun
from transaction_service.rules.suggestion import suggested
from transaction_service.schemas.rules import (
    AnyCondition,
    RuleChange,
    RuleCreate,
    RuleOrder,
    RulesApplied,
    RulesPreview,
    RuleSuggestion,
    SuggestionWanted,
    row_preview,
    rule_suggestion,
)
from transaction_service.service.journal import Journal, RowChange

MOST_RULES = 1000
_ANY: dict[str, object] = {"transfer": True}
"""Some action, for a rule of which only the conditions matter."""

log = get_logger()


class Rules:
    """The rules of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._rules = RuleRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)
        self._states = RowStateRepository(session, user_id)
        self._journal = Journal(session, user_id)
        self._ledger = LedgerRepository(session, user_id)

    async def list(self, page: PageQuery) -> Slice[Rule]:
        """One page of the rules, in the order in which they are tried."""
        return await self._rules.list(page)

    async def get(self, rule_id: UUID) -> Rule:
        """One rule. Raises RuleNotFound."""
        return await self._rules.get(rule_id)

    async def create(self, wanted: RuleCreate) -> Rule:
        """Create a rule, by default the last to be tried.

        Raises CategoryNotFound, AccountNotFound, IdTaken, TooManyRules.
        """
        await self._ledger.begin_change()
        await self._check(wanted.actions.category_id, wanted.conditions)
        rule = await self._made(wanted)
        if wanted.id is not None and (existing := await self._rules.get_or_none(wanted.id)) is not None:
            if _content(existing) != _content(rule):
                raise IdTaken(f"The id {wanted.id} stands for another rule already. Send another id, or none.")
            return existing
        if await self._rules.count() >= MOST_RULES:
            raise TooManyRules(f"There are {MOST_RULES} rules, which is the limit. Delete or join some first.")
        return await self._rules.add(rule)

    async def change(self, rule_id: UUID, changes: RuleChange, expected: Precondition) -> Rule:
        """Change the given fields. Raises RuleNotFound, Stale, CategoryNotFound, AccountNotFound."""
        await self._ledger.begin_change()
        rule = await self._rules.get(rule_id)
        expected.check(rule.version)
        given = changes.given()
        if changes.conditions is not None:
            await self._check(None, changes.conditions)
            given["conditions"] = _stored(changes.conditions)
        if changes.actions is not None:
            await self._check(changes.actions.category_id, ())
            rule.category_id, given["actions"] = changes.actions.category_id, changes.actions.stored()
        for name, value in given.items():
            setattr(rule, name, value)
        await self._rules.session.flush()
        return rule

    async def order(self, wanted: RuleOrder) -> Sequence[Rule]:
        """Put the rules into this order; those that are not named follow. Raises RuleNotFound."""
        await self._ledger.begin_change()
        rules = {rule.id: rule for rule in await self._rules.ordered()}
        for rule_id in wanted.ids:
            if rule_id not in rules:
                raise RuleNotFound(f"There is no rule {rule_id}.")
        ordered = [rules.pop(rule_id) for rule_id in wanted.ids] + list(rules.values())
        for position, rule in enumerate(ordered):
            if rule.position != position:
                rule.position = position
        await self._rules.session.flush()
        return ordered

    async def delete(self, rule_id: UUID, expected: Precondition) -> None:
        """Delete a rule; rows keep what it gave them until the rules are applied. Raises RuleNotFound, Stale."""
        await self._ledger.begin_change()
        rule = await self._rules.get(rule_id)
        expected.check(rule.version)
        await self._rules.delete(rule)

    async def apply(self) -> RulesApplied:
        """Give all rows what the rules say now, and take back what none says any more; what the user chose stays.

        Raises RuleTooSlow, and nothing is changed.
        """
        await self._ledger.begin_change()
        rules = [rule for rule in await self._rules.ordered() if rule.enabled]
        run = RuleRun(Categoriser(rules))
        entry_id: UUID | None = None
        async for rows in self._rules.history():
            tags = await self._states.tags([row.id for row in rows])
            changes = await offload(run.tried, rows, tags)
            _check_time(run.categoriser)
            if not changes:
                continue
            await self._states.write(changes, edited=False)
            if entry_id is None:
                single = rules[0].id if len(rules) == 1 else None
                entry_id = await self._journal.record(JournalAction.RULES_APPLIED, rule_id=single)
            await self._journal.extend(entry_id, await offload(_row_changes, changes))
        applied = RulesApplied(matched=run.matched, changed=run.changed, cleared=run.cleared)
        if entry_id is not None:
            await self._journal.extend(entry_id, summary=applied.model_dump())
        log.info("rules_applied", rules=len(rules), **applied.model_dump())
        return applied

    async def preview(self, candidate: RuleCreate | None, page: PageQuery) -> RulesPreview:
        """What `apply` would do, if there were this rule too or instead of the one with its id; nothing is written.

        Raises CategoryNotFound, AccountNotFound, InvalidCursor.
        """
        rules = list(await self._rules.ordered())
        if candidate is not None:
            await self._check(candidate.actions.category_id, candidate.conditions)
            rules = [rule for rule in rules if rule.id != candidate.id] + [await self._made(candidate, rules)]
        run = RuleRun(Categoriser(rules))
        found: list[tuple[RowState, RowState]] = []
        async for rows in self._rules.history(page.cursor):
            tags = await self._states.tags([row.id for row in rows])
            changes = await offload(run.tried, rows, tags)
            found += changes[: page.limit + 1 - len(found)]
            if page.cursor is not None and len(found) > page.limit:
                break  # only the first page counts the whole history
        shown = found[: page.limit]
        counts = RulesApplied(matched=run.matched, changed=run.changed, cleared=run.cleared)
        return RulesPreview(
            counts=counts if page.cursor is None else None,
            timed_out=list(run.categoriser.timed_out),
            items=[row_preview(before, after) for before, after in shown],
            next_cursor=NEWEST_FIRST.cursor(shown[-1][0]) if len(found) > page.limit else None,
        )

    async def suggest(self, wanted: SuggestionWanted) -> RuleSuggestion:
        """The rule that rows have in common. Raises TransactionNotFound, NothingInCommon."""
        states = await self._states.named(wanted.transaction_ids)
        for row_id in wanted.transaction_ids:
            if row_id not in {state.id for state in states}:
                raise TransactionNotFound(f"There is no transaction {row_id}.")
        found = await offload(suggested, states)
        if found is None:
            raise NothingInCommon(
                "The rows have neither a merchant nor an account nor a word in common. Name rows that belong together."
            )
        rule = Rule(user_id=self._user_id, position=0, conditions=[dict(c) for c in found.conditions], actions=_ANY)
        run = RuleRun(Categoriser([rule]))
        async for rows in self._rules.history():
            await offload(run.tried, rows, await self._states.tags([row.id for row in rows]))
        return rule_suggestion(found, run.matched)

    async def _made(self, wanted: RuleCreate, others: Sequence[Rule] = ()) -> Rule:
        """The rule as it would be kept. Without a position it takes that of the rule with its id, or the last."""
        position = wanted.position
        if position is None:
            same = next((rule.position for rule in others if rule.id == wanted.id), None)
            position = await self._rules.last_position() + 1 if same is None else same
        return Rule(
            id=wanted.id or new_id(),
            user_id=self._user_id,
            name=wanted.name,
            enabled=wanted.enabled,
            position=position,
            match=wanted.match,
            conditions=_stored(wanted.conditions),
            category_id=wanted.actions.category_id,
            actions=wanted.actions.stored(),
        )

    async def _check(self, category_id: UUID | None, conditions: Sequence[AnyCondition]) -> None:
        """Raise CategoryNotFound or AccountNotFound for what the user does not have."""
        if category_id is not None and category_id not in await self._categories.tree():
            raise CategoryNotFound(f"There is no category {category_id}.")
        named = [condition.value for condition in conditions if condition.field is RuleField.ACCOUNT]
        known = {account.id for account in await self._accounts.book()} if named else set()
        for account_id in named:
            if account_id not in known:
                raise AccountNotFound(f"There is no account {account_id}.")


def _check_time(categoriser: Categoriser) -> None:
    if categoriser.timed_out:
        raise RuleTooSlow(
            f"{' '.join(categoriser.notes)} Nothing was changed: make them simpler, or disable these rules, and apply "
            "the rules again.",
            rules=[str(rule_id) for rule_id in categoriser.timed_out],
        )


def _stored(conditions: Sequence[AnyCondition]) -> list[dict[str, object]]:
    return [
        condition.model_dump(mode="json", exclude_none=True, exclude=None if condition.negated else {"negated"})
        for condition in conditions
    ]


def _content(rule: Rule) -> tuple[object, ...]:
    return rule.name, rule.enabled, rule.match, rule.conditions, rule.category_id, rule.actions


def _row_changes(changes: Sequence[tuple[RowState, RowState]]) -> list[RowChange]:
    return [RowChange(before.id, *journal_fields(before, after)) for before, after in changes]
