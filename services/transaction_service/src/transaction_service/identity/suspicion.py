"""Why a row of a file may be one of the ledger's although nothing proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from transaction_service.identity.ledger_side import LedgerSide
from transaction_service.identity.pairing import ALIKE, LedgerRow, bank_id, likeness
from transaction_service.identity.plan import AccountPlan
from transaction_service.identity.proofs import Coverage, ProvedDays
from transaction_service.statements.spool import Row

NEAR = timedelta(days=3)
"""So far apart the dates of two rows may lie that are suspected to be one."""

_OF_OTHER_FORMAT = timedelta(days=14)
"""So far apart, where either is missing in the other format: of equal amounts, those left over are not neighbours."""


class Reason(StrEnum):
    """Why a row is suspected to be one of the ledger's."""

    SAME_ROW_OTHER_ID = "same_row_other_id"
    ALIKE = "alike"
    SAME_DAY_AND_AMOUNT = "same_day_and_amount"
    ENTERED_BY_HAND = "entered_by_hand"
    OTHER_FORMAT = "other_format"
    ANNOUNCED = "announced"


class Suspicions:
    """Compares the rows of an account in a file with rows of the ledger that the file does not bring."""

    def __init__(self, plan: AccountPlan, ledger: LedgerSide, days_of: Callable[[int], ProvedDays]) -> None:
        self._plan = plan
        self._ledger = ledger
        self._days_of = days_of
        # An account may have very many statements, and the same days are asked about again and again.
        self._one_is_missing = cache(self._either_lacks)
        self._dated_otherwise = cache(self._both_lack)
        self._of_file_about = cache(lambda day: _about(day, plan.coverages))
        self._of_others_about = cache(lambda day: _about(day, ledger.others.statements))

    @property
    def furthest(self) -> timedelta:
        """So far apart the dates of two rows may lie at most."""
        return _OF_OTHER_FORMAT if self._ledger.others.imports else NEAR

    def of(self, number: int, row: Row, known: LedgerRow) -> tuple[Reason, int, float] | None:
        """Why, and how strongly (0 is the strongest), the row of the file may be that row of the ledger."""
        entry = row.entry
        near = abs(known.day - entry.booking_date) <= NEAR
        score = likeness(entry, known.text, known.counterparty) if near else 0.0
        if known.manual:
            return (Reason.ENTERED_BY_HAND, 2, score) if near and score >= ALIKE else None
        if known.day == entry.booking_date:
            days = self._days_of(number)
            if days.decides(known.day) or known.day in days.following:
                return None
            if known.content == row.content:
                return Reason.SAME_ROW_OTHER_ID, 0, score
            if score >= ALIKE:
                return Reason.ALIKE, 1, score
            if self._one_is_missing(known.day) or self._ledger.in_other_format(known):
                return Reason.SAME_DAY_AND_AMOUNT, 3, score
            return None
        if near and score >= ALIKE and self._moved(number, row, known):
            return Reason.ALIKE, 4, score
        if self._ledger.in_other_format(known) and self._dated_otherwise(entry.booking_date, known.day):
            return Reason.OTHER_FORMAT, 5, score
        return None

    def _either_lacks(self, day: date) -> bool:
        """Whether the file should have the ledger's row of the day, or the ledger the file's, going by their dates.

        Neither should where the one ends on the day on which the other begins.
        """
        of_file, of_ledger = self._plan.coverages, self._ledger.statements
        if any(found.surrounds(day) for found in (*of_file, *of_ledger)):
            return True
        return any(
            any(map(at_edge, of_file)) and any(map(at_edge, of_ledger))
            for at_edge in (lambda found: _begins(found, day), lambda found: _ends(found, day))
        )

    def _moved(self, number: int, row: Row, known: LedgerRow) -> bool:
        """Whether the row may be one of another date: either of the two is missing where it should be."""
        identity, day = self._plan.identities.of_row(number, row), row.entry.booking_date
        of_bank = bank_id(identity) is not None and bank_id(known.identity) is not None
        trusted = of_bank and self._plan.account.trusts_bank_ids and not self._ledger.in_other_format(known)
        if trusted and (self._ledger.ids_are_stable or self._brings_known_ids()):
            return False
        if self._days_of(number).complete(day) and _proved(known.day, self._ledger.statements):
            return False
        missing_here = any(found.covers(known.day) for found in self._plan.coverages)
        return missing_here or any(statement.covers(day) for statement in self._ledger.statements)

    def _brings_known_ids(self) -> bool:
        return any(self._plan.rows.has_id[number] for number in self._plan.decisions.standing)

    def _both_lack(self, day: date, known: date) -> bool:
        """Whether rows of these days are missing where the other format should have them, as it may date them so."""
        near = abs(known - day) <= NEAR
        return any(
            found.covers(known, margin=margin) and other.covers(day, margin=margin)
            for found in self._of_file_about(known)
            for other in self._of_others_about(day)
            for margin in [NEAR if near and found.overlap(other) > NEAR else timedelta()]
        )


def _about(day: date, statements: Iterable[Coverage]) -> Sequence[Coverage]:
    return [found for found in statements if found.covers(day, margin=NEAR)]


def _begins(found: Coverage, day: date) -> bool:
    return found.starts == day and found.ends != day


def _ends(found: Coverage, day: date) -> bool:
    return found.ends == day and found.starts != day


def _proved(day: date, statements: Iterable[Coverage]) -> bool:
    return any(known.proves(day) for known in statements)
