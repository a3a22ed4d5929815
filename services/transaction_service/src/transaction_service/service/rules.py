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
    RuleTooCostly,
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
from transaction_service.rules.categorisation import MOST_MEMORY, Categoriser, memory_of
from transaction_service.rules.language import accounts_named
from transaction_service.rules.runs import RuleRun
from transaction_service.rules.suggestion import suggested
from transaction_service.schemas.rules import (
    AnyCondition,
    RuleChange,
    RuleCreate,
    RuleOrder,
    RulesApplied,
    RuleSchema,
    RulesPreview,
    RuleSuggestion,
    SuggestionWanted,
    row_preview,
    rule_schema,
    rule_suggestion,
)
from transaction_service.service.journal import Journal, RowChange

MOST_RULES = 1000
_MIB = 1024 * 1024
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

    async def list(self, page: PageQuery) -> Slice[RuleSchema]:
        """One page of the rules, in the order in which they are tried."""
        found = await self._rules.list(page)
        return Slice(await self._shown(found.items), found.next_cursor)

    async def get(self, rule_id: UUID) -> RuleSchema:
        """One rule. Raises RuleNotFound."""
        return (await self._shown([await self._rules.get(rule_id)]))[0]

    async def create(self, wanted: RuleCreate) -> RuleSchema:
        """Create a rule, by default the last to be tried.

        Raises CategoryNotFound, AccountNotFound, IdTaken, TooManyRules, RuleTooCostly.
        """
        await self._ledger.begin_change()
        rule = await self._made(wanted)
        await self._check(rule)
        if wanted.id is not None and (existing := await self._rules.get_or_none(wanted.id)) is not None:
            if _content(existing) != _content(rule):
                raise IdTaken
            return (await self._shown([existing]))[0]
        rules = await self._rules.ordered()
        if len(rules) >= MOST_RULES:
            raise TooManyRules(f"There are {MOST_RULES} rules, which is the limit. Delete or join some first.")
        await _check_memory([*rules, rule])
        return rule_schema(await self._rules.add(rule))

    async def change(self, rule_id: UUID, changes: RuleChange, expected: Precondition) -> RuleSchema:
        """Change the given fields.

        Raises RuleNotFound, Stale, CategoryNotFound, AccountNotFound, RuleTooCostly.
        """
        await self._ledger.begin_change()
        rule = await self._rules.get(rule_id)
        expected.check(rule.version)
        given = changes.given()
        if changes.conditions is not None:
            given["conditions"] = _stored(changes.conditions)
        if changes.actions is not None:
            rule.category_id, given["actions"] = changes.actions.category_id, changes.actions.stored()
        for name, value in given.items():
            setattr(rule, name, value)
        if rule.enabled or changes.conditions is not None or changes.actions is not None:
            await self._check(rule)
        if rule.enabled:
            await _check_memory(await self._rules.ordered())
        await self._rules.session.flush()
        return (await self._shown([rule]))[0]

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

        Raises RuleTooSlow, RuleTooCostly, and nothing is changed.
        """
        await self._ledger.begin_change()
        rules = [rule for rule in await self._rules.ordered() if rule.enabled]
        await _check_memory(rules)
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

        Raises CategoryNotFound, AccountNotFound, RuleTooCostly, InvalidCursor.
        """
        rules = list(await self._rules.ordered())
        if candidate is not None:
            made = await self._made(candidate, rules)
            await self._check(made)
            rules = [*(rule for rule in rules if rule.id != candidate.id), made]
            await _check_memory(rules)
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

    async def _check(self, rule: Rule) -> None:
        """Raise CategoryNotFound or AccountNotFound for what the user does not have."""
        if rule.category_id is not None and rule.category_id not in await self._categories.tree():
            raise CategoryNotFound(f"There is no category {rule.category_id}.")
        named = accounts_named(rule.conditions)
        if missing := named - await self._accounts.ids(named):
            raise AccountNotFound(f"There is no account {min(missing)}.")

    async def _shown(self, rules: Sequence[Rule]) -> Sequence[RuleSchema]:
        named = {rule.id: accounts_named(rule.conditions) for rule in rules}
        known = await self._accounts.ids(frozenset().union(*named.values()))
        return [rule_schema(rule, missing=named[rule.id] - known) for rule in rules]


async def _check_memory(rules: Sequence[Rule]) -> None:
    memory = await offload(memory_of, rules)
    if memory > MOST_MEMORY:
        raise RuleTooCostly(
            f"To look for all texts and expressions of the rules would take {memory // _MIB} MiB of memory; there are "
            f"{MOST_MEMORY // _MIB} MiB. Use fewer repetitions, join rules, or disable some.",
            memory=memory,
            limit=MOST_MEMORY,
        )


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
