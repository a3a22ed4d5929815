"""What the user's rules make of a row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from time import thread_time
from typing import Any
from uuid import UUID

from transaction_service.models import Rule
from transaction_service.rules.facts import NOTHING, Decision, RowFacts
from transaction_service.rules.language import TAGS, Match, RowTest, TextCondition, test_of
from transaction_service.rules.text_patterns import TextIndex, TextPattern
from transaction_service.search.text import folded

__all__ = ["NOTHING", "Categoriser", "Decision", "RowFacts"]

MOST_KNOWN = 100_000
"""So many different texts are remembered with the rules that fit them."""
PATTERN_SECONDS = 2.0
PATTERN_SECONDS_PER_ROW = 0.0004
"""Processor time that all regular expressions of a run may take together: so much, and so much for each text."""
MOST_MEMORY = 96 * 1024 * 1024
"""Bytes that it may take to look for all texts and expressions of a user's rules."""


class _ReadyRule:
    """A rule with its conditions as tests: those of texts, whose results are remembered, and those of the whole row."""

    def __init__(self, rule: Rule) -> None:
        self.rule_id = rule.id
        self.title = f'"{rule.name}"' if rule.name else str(rule.id)
        self.gives = _gives(rule)
        tests = [test_of(stored) for stored in rule.conditions]
        self.of_texts = [test for test in tests if isinstance(test, TextCondition)]
        self.of_rows: list[RowTest] = [test for test in tests if not isinstance(test, TextCondition)]
        # Quick ones first: many a regular expression is not tried then.
        self.of_texts.sort(key=lambda test: test.timed)
        self.any = rule.match == Match.ANY
        self.only_category = self.gives == Decision(self.gives.category_id, self.gives.rule_id)
        self.seconds = 0.0
        self.memory = sum(test.memory for test in self.of_texts)

    def needs(self) -> Sequence[TextCondition]:
        """Conditions of which one must hold if the rule fits; none of them where there are no such ones."""
        with_key = [test for test in self.of_texts if test.key is not None]
        if not self.any:
            return with_key[:1]
        return with_key if len(with_key) == len(self.of_texts) and not self.of_rows else ()

    def fits_row(self, facts: RowFacts) -> bool:
        """Whether the row's other fields do what the texts left open."""
        tests = (test(facts) for test in self.of_rows)
        return any(tests) if self.any else all(tests)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """The rules that fit a text, in order. A rule that stands in `open` fits if the row's other fields do."""

    rules: tuple[_ReadyRule, ...]
    open: frozenset[int]
    decision: Decision | None
    """What the rules give, where the text alone decides."""


class Categoriser:
    """The user's rules, ready to be tried on many rows.

    All rules that fit a row give it what they have to give, in the order of their positions: the first one with a
    category gives the category, the first one with a merchant the merchant, the first one with a note the note; tags
    add up.

    A rule whose regular expressions take too long is left out from then on, and is named by `timed_out`. One for which
    there is no memory any more, of which only rules of an archive can be too many, is `too_costly` from the beginning.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = sorted((rule for rule in rules if rule.enabled), key=lambda rule: (rule.position, rule.id))
        self._rules: list[_ReadyRule] = []
        too_costly: list[_ReadyRule] = []
        memory = 0
        for rule in map(_ReadyRule, ordered):
            fits = memory + rule.memory <= MOST_MEMORY
            memory += rule.memory if fits else 0
            (self._rules if fits else too_costly).append(rule)
        self.too_costly = tuple(rule.rule_id for rule in too_costly)
        self._titles = {rule.rule_id: rule.title for rule in (*self._rules, *too_costly)}
        self._places = sorted({test.place for rule in self._rules for test in rule.of_texts})
        self._always = {number for number, rule in enumerate(self._rules) if not rule.needs()}
        self._indexes = _indexes(self._rules)
        self._known: dict[tuple[Any, ...], _Fitting] = {}
        self._joined: dict[tuple[UUID, ...], Decision] = {}
        self._seconds_left = PATTERN_SECONDS
        self.timed_out: tuple[UUID, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What went wrong, for people."""
        slow = (self._titles[rule_id] for rule_id in self.timed_out)
        costly = (self._titles[rule_id] for rule_id in self.too_costly)
        return [
            *(f"The rule {title} was left out: its regular expressions take too long." for title in slow),
            *(f"The rule {title} was left out: the rules before it take all the memory." for title in costly),
        ]

    def decide(self, facts: RowFacts) -> Decision:
        """What the rules give a row."""
        key = tuple([facts[place] for place in self._places])
        fitting = self._known.get(key)
        if fitting is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            fitting = self._known[key] = self._fitting(key)
        if fitting.decision is not None:
            return fitting.decision
        return self._together(
            [rule for n, rule in enumerate(fitting.rules) if n not in fitting.open or rule.fits_row(facts)]
        )

    def _fitting(self, key: Sequence[Any]) -> _Fitting:
        texts = {place: _folded(place, value) for place, value in zip(self._places, key, strict=True)}
        self._seconds_left += PATTERN_SECONDS_PER_ROW
        found: list[_ReadyRule] = []
        open_ones: set[int] = set()
        categorised = False
        for rule in self._candidates(texts):
            if (categorised and rule.only_category) or rule.rule_id in self.timed_out:
                continue
            fits = self._fits_texts(rule, texts)
            if fits is False:
                continue
            if fits is None:
                open_ones.add(len(found))
            else:
                categorised = categorised or rule.gives.category_id is not None
            found.append(rule)
        decision = None if open_ones else self._together(found)
        return _Fitting(tuple(found), frozenset(open_ones), decision)

    def _candidates(self, texts: dict[int, Any]) -> list[_ReadyRule]:
        """The rules that these texts do not rule out, in order: few of very many."""
        numbers = self._always.union(*(index.numbers(texts[place]) for place, index in self._indexes.items()))
        return [self._rules[number] for number in sorted(numbers)]

    def _fits_texts(self, rule: _ReadyRule, texts: dict[int, Any]) -> bool | None:
        """Whether the texts make the rule fit; None where the row's other fields decide."""
        for test in rule.of_texts:
            if self._tried(rule, test, texts[test.place]) is rule.any:
                return rule.any
        return None if rule.of_rows else not rule.any

    def _tried(self, rule: _ReadyRule, condition: TextCondition, text: Any) -> bool:
        test: Callable[[Any], bool] = condition.test
        if not condition.timed:
            return test(text)
        begun = thread_time()
        fits = test(text)
        seconds = thread_time() - begun
        rule.seconds += seconds
        self._seconds_left -= seconds
        if self._seconds_left < 0:
            slowest = max(self._rules, key=lambda rule: rule.seconds)
            self._seconds_left += slowest.seconds
            slowest.seconds = 0.0
            self.timed_out += (slowest.rule_id,)
            self._known.clear()
        return fits

    def _together(self, rules: Sequence[_ReadyRule]) -> Decision:
        if len(rules) < 2:
            return rules[0].gives if rules else NOTHING
        key = tuple(rule.rule_id for rule in rules)
        if key not in self._joined:
            self._joined[key] = reduce(Decision.joined_with, (rule.gives for rule in rules))
        return self._joined[key]


def memory_of(rules: Iterable[Rule]) -> int:
    """The bytes that it may take to look for all texts and expressions of the rules. Slow for very many."""
    return sum(_ReadyRule(rule).memory for rule in rules if rule.enabled)


def _indexes(rules: Sequence[_ReadyRule]) -> dict[int, TextIndex]:
    """By place of the text, what the rules look for in it."""
    texts: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    patterns: dict[int, list[tuple[TextPattern, int]]] = defaultdict(list)
    for number, rule in enumerate(rules):
        for condition in rule.needs():
            if isinstance(condition.key, TextPattern):
                patterns[condition.place].append((condition.key, number))
            elif condition.key is not None:
                texts[condition.place][condition.key].append(number)
    return {place: TextIndex(texts[place], patterns[place]) for place in texts.keys() | patterns.keys()}


def _gives(rule: Rule) -> Decision:
    tags, merchant, note = rule.actions.get("tags"), rule.actions.get("merchant"), rule.actions.get("note")
    return Decision(
        category_id=rule.category_id,
        rule_id=rule.id if rule.category_id is not None else None,
        merchant=str(merchant) if merchant else None,
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        note=str(note) if note else None,
        transfer=bool(rule.actions.get("transfer")),
    )


def _folded(place: int, value: Any) -> Any:
    if place == TAGS:
        return tuple(folded(tag) for tag in value)
    return value if place == 0 else folded(value or "")
