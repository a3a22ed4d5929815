"""Which row of a file is which row of the ledger, where their identities do not say so. No database.

In this order:

1. A balance after the row that is the same as that of a row of the same day and amount: the same row.
2. Days for which balances prove that a statement has all rows: what the file has and the ledger has is the same.
3. Announced rows and their bookings.
4. Proposals that wait since an earlier import, and that this file decides.
5. Rows that look like one that the file should have and does not have: proposed to the user (`Suspicions`).
6. What is left is new.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from transaction_service.identity.identities import columns_of
from transaction_service.identity.ledger_side import LedgerSide, WaitingProposal
from transaction_service.identity.pairing import MOST_COMPARISONS, LedgerRow, likeness, paired, under_other_id
from transaction_service.identity.pending import PendingRow, announced_again, bookings_before, bookings_of, reach_of
from transaction_service.identity.plan import AccountPlan, Suspicion
from transaction_service.identity.proofs import ProvedDays, ProvedStatements, linked_balances, proved_days
from transaction_service.identity.suspects import Suspects
from transaction_service.identity.suspicion import Reason, Suspicions
from transaction_service.statements.spool import Numbers, numbers

_MOST_ROUNDS = 10
"""So often rows are compared whose amount very many rows of a day have: each time with some of them."""


class _RowOfDay(NamedTuple):
    """A row of the ledger (by its id) or of the file (by its number)."""

    key: UUID | int
    text: str
    counterparty: str | None
    import_id: UUID | None


def decide(plan: AccountPlan, ledger: LedgerSide) -> None:
    """Decide what becomes of the rows of an account that the ledger does not know by their identity."""
    _Deciding(plan, ledger).run()


class _Deciding:
    def __init__(self, plan: AccountPlan, ledger: LedgerSide) -> None:
        self.plan = plan
        self.columns = columns_of(plan.rows)
        self.ledger = ledger
        self.decisions = plan.decisions
        self.contained = self._known_by_identity()
        self.suspected: set[UUID] = set()
        proved = ProvedStatements(ledger.statements)
        self.days = [
            proved_days(found, proved, ledger.day_sums, apart=place in plan.apart)
            for place, found in enumerate(plan.coverages)
        ]
        self.suspicions = Suspicions(plan, ledger, self._days_of)
        self.booked, self.announced = self.columns.booked_and_pending(plan.unknown)

    def run(self) -> None:
        proposals = {found.identity: found for found in self.ledger.waiting}
        if any(not row.pending and not row.manual for row in self.ledger.rows):
            self._same_balance()
            self._proved_days()
        self._settle()
        self._announced()
        self._waiting(proposals)
        self._announced_before()
        self._suspect()
        self._drop_contradicted()
        self.decisions.book = self.columns.in_order(self.decisions.book, self.booked, self.announced)
        self._decide_absent(proposals)

    # What is left to decide

    def _known_by_identity(self) -> set[UUID]:
        """The rows of the ledger that the file brings under an identity of theirs."""
        ids = {known.id for _, known in self.decisions.same}
        return ids | {row.id for row in self.ledger.rows if self.plan.vouches_for(row.identity)}

    def _free(self) -> list[LedgerRow]:
        """The rows of files that the ledger has and that no row of this file is yet."""
        return [row for row in self.ledger.rows if not row.pending and row.id not in self.contained]

    def _names(self, row: PendingRow) -> bool:
        """Whether the file has the pending row under its own identity."""
        return self.plan.by_identity and self.plan.number_of(row.identity) is not None

    def _is_the_same(self, number: int, row: LedgerRow) -> None:
        """Balances have proved it."""
        self.contained.add(row.id)
        self.decisions.same.append((number, row))
        self.decisions.repeated += 1
        self.decisions.proved += 1
        if under_other_id(self.plan.identities[number], row.identity) and not self.ledger.in_other_format(row):
            self.decisions.ids_change = True

    # 1. and 2. Balances

    def _same_balance(self) -> None:
        known: dict[tuple[date, Decimal, Decimal], list[LedgerRow]] = defaultdict(list)
        for row in reversed(self._free()):
            if row.balance is not None and not row.manual:
                known[row.day, row.amount, row.balance].append(row)
        if not known:
            return
        wanted = {balance for _, _, balance in known}
        linked = [linked_balances(section, self.plan.rows, wanted) for section in self.plan.sections]
        same: list[int] = []
        for number in self._near((day, amount) for day, amount, _ in known):
            entry = self.plan.rows[number].entry
            if entry.balance is not None and entry.balance in linked[self.plan.section_of(number)]:
                rows = known.get((entry.booking_date, entry.amount, entry.balance))
                if rows:
                    self._is_the_same(number, rows.pop())
                    same.append(number)
        self.booked = self.columns.without(self.booked, same)

    def _near(self, stated: Iterable[tuple[date, Decimal]], *, days: int = 0) -> Numbers:
        """The booked rows that have one of the amounts on its day, or a few days from it."""
        return self.columns.near(self.booked, stated, days=days)

    def _day(self, number: int) -> date:
        return date.fromordinal(self.plan.rows.days[number])

    def _days_of(self, number: int) -> ProvedDays:
        return self.days[self.plan.section_of(number)]

    def _proved_days(self) -> None:
        waiting = {found.identity for found in self.ledger.waiting}
        groups: dict[tuple[date, Decimal], list[int]] = defaultdict(list)
        for number in self._near((row.day, row.amount) for row in self._free() if not row.manual):
            entry, days = self.plan.rows[number].entry, self._days_of(number)
            # A statement that has a part of the day says nothing new about a row that waits since it came first.
            asked = waiting and self.plan.identities[number] in waiting
            if days.whole(entry.booking_date) if asked else days.decides(entry.booking_date):
                groups[entry.booking_date, entry.amount].append(number)
        candidates: dict[tuple[date, Decimal], list[LedgerRow]] = defaultdict(list)
        for row in self._free():
            if not row.manual and (row.day, row.amount) in groups:
                candidates[row.day, row.amount].append(row)
        matched: set[int] = set()
        for key, found in candidates.items():
            rows = [(n, self.plan.rows[n].content, self.plan.rows[n].entry) for n in groups[key]]
            for number, row in paired(rows, found):
                self._is_the_same(number, row)
                matched.add(number)
        self.booked = self.columns.without(self.booked, matched)

    # 3. Announced rows

    def _settle(self) -> None:
        settled = {row.id for row, _ in self.decisions.settle} | {known.id for _, known in self.decisions.same}
        free = [row for row in self.ledger.pending if row.id not in settled and not self._names(row)]
        if not free or not self.booked:
            return
        reaches = [reach_of(row) for row in free]
        near = self.columns.within(self.booked, reaches)
        found = bookings_of(free, [(n, self.plan.rows[n].entry) for n in near])
        for number, row in found.items():
            if row.deleted:
                self.decisions.same.append((number, row.known))
                self.decisions.repeated += 1
            else:
                self.decisions.settle.append((row, number))
        self.booked = self.columns.without(self.booked, found)

    def _announced(self) -> None:
        if not self.announced:
            return
        replacing = {booked_as for _, booked_as in self.ledger.replaced}
        free = [row for row, _ in self.ledger.replaced]
        free += [row for row in self.ledger.pending if not self._names(row)]
        again = {row.content: row.known for row in free}
        found = {
            number: known
            for number in self.announced
            if (known := again.pop(self.plan.rows[number].content, None)) is not None
        }
        taken = {known.id for known in found.values()}
        rest = [(n, self.plan.rows[n].entry) for n in self.announced if n not in found]
        reworded = announced_again(rest, [row for row in free if row.id not in taken])
        found |= {number: row.known for number, row in reworded.items()}
        self.decisions.same += found.items()
        self.decisions.repeated += len(found)
        left = [number for number in self.announced if number not in found]
        bookings = [row for row in self._free() if not row.manual and row.id not in replacing]
        late = bookings_before([(n, self.plan.rows[n].entry) for n in left], bookings)
        for number, row in late.items():
            self.contained.add(row.id)
            self.decisions.announced_late.append((number, row))
            self.decisions.repeated += 1
        self.announced = numbers(number for number in left if number not in late)

    # 4. Proposals of earlier imports

    def _waiting(self, proposals: dict[str, WaitingProposal]) -> None:
        """Decide the proposals whose row the file brings again."""
        if not proposals:
            return
        for number, row in self.decisions.same:
            if (found := proposals.pop(self.plan.identities[number], None)) is not None:
                self.decisions.accepted.append((found, row.id))
        for _, number in self.decisions.settle:
            if (found := proposals.pop(self.plan.identities[number], None)) is not None:
                self.decisions.rejected.append((found, number))
        by_content: dict[str, deque[str]] = defaultdict(deque)
        for proposal in () if self.plan.account.trusts_bank_ids else proposals.values():
            by_content[proposal.row.content].append(proposal.identity)
        suspected = {row.id: row for row in self.ledger.rows}
        decided: list[int] = []
        for number in self.booked:
            found = proposals.pop(self.plan.identities[number], None)
            if found is None and by_content:
                found = _first(proposals, by_content.get(self.plan.rows[number].content, deque()))
            if found is None:
                continue
            decided.append(number)
            known = suspected.get(found.transaction_id)
            decides = self._days_of(number).whole(found.row.entry.booking_date)
            unlike = known is None or self.suspicions.of(number, self.plan.rows[number], known) is None
            if found.transaction_id in self.contained or (decides and unlike):
                # The file has both rows, or balances say that the ledger lacks one: they are two.
                self.decisions.rejected.append((found, number))
                self.decisions.book.append(number)
            else:
                self.suspected.add(found.transaction_id)
                self.decisions.waiting.append((number, found))
        self.booked = self.columns.without(self.booked, decided)

    def _decide_absent(self, proposals: Mapping[str, WaitingProposal]) -> None:
        """Decide proposals whose row the file does not name, on days of which it has every row: it is one of them."""
        asked: dict[tuple[date, Decimal], list[WaitingProposal]] = defaultdict(list)
        for proposal in proposals.values():
            day, amount = proposal.row.entry.booking_date, proposal.row.entry.amount
            if proposal.reason != Reason.OTHER_FORMAT and any(found.proves(day) for found in self.plan.coverages):
                asked[day, amount].append(proposal)
        here = self._rows_of(asked.keys()) if asked else {}
        taken: set[tuple[UUID, UUID | int]] = set()
        for key, of_day in asked.items():
            by_wording = len(of_day) * len(here[key]) <= MOST_COMPARISONS
            for proposal in of_day:
                # Rows that one import has brought are different rows.
                free = [row for row in here[key] if not any((of, row.key) in taken for of in proposal.imports)]
                found = _best(proposal, free, by_wording=by_wording)
                if found is not None:
                    taken |= {(import_id, found) for import_id in proposal.imports}
                    self.decisions.accepted.append((proposal, found))

    def _rows_of(self, stated: Collection[tuple[date, Decimal]]) -> Mapping[tuple[date, Decimal], list[_RowOfDay]]:
        """The rows that this file has for these days and amounts, be they in the ledger or about to be booked."""
        found: dict[tuple[date, Decimal], list[_RowOfDay]] = defaultdict(list)
        for row in self.ledger.rows:
            if row.id in self.contained:
                found[row.day, row.amount].append(_RowOfDay(row.id, row.text, row.counterparty, row.import_id))
        for number in self.columns.near(self.decisions.book, stated):
            entry = self.plan.rows[number].entry
            if not entry.pending:
                row_of_file = _RowOfDay(number, entry.text, entry.counterparty, None)
                found[entry.booking_date, entry.amount].append(row_of_file)
        return found

    # 5. Suspicions

    def _announced_before(self) -> None:
        """Propose rows that were announced word for word and booked otherwise, where the file has not both."""
        proposed: list[int] = []
        for number in self.booked if self.plan.announced_before else ():
            booking = self.plan.announced_before.get(number)
            if booking is None or booking.id in self.contained or booking.id in self.suspected:
                continue
            if not (self.plan.vouches_for(booking.identity) or self._days_of(number).decides(self._day(number))):
                proposed.append(number)
                self.suspected.add(booking.id)
                self.decisions.proposed.append(Suspicion(number, booking.id, Reason.ANNOUNCED))
        self.booked = self.columns.without(self.booked, proposed)

    def _suspect(self) -> None:
        for _ in range(_MOST_ROUNDS):
            if not self._suspect_some():
                return

    def _suspect_some(self) -> bool:
        """Pair rows with those that they may be; gives whether others are left that were not compared."""
        free = [row for row in self._free() if row.id not in self.suspected]
        if not free or not self.booked:
            return False
        found: list[tuple[tuple[int, int, float], int, LedgerRow, Reason]] = []
        days = self.suspicions.furthest.days
        near = self._near(((row.day, row.amount) for row in free), days=days)
        suspects = Suspects(self.plan.rows, near, free, days=days)
        for number, row in zip(near, self.plan.rows.of(near), strict=True):
            if self.plan.identities.of_row(number, row) in self.ledger.rejected:
                continue
            for apart, known in suspects.of(number, row.content):
                if (suspicion := self.suspicions.of(number, row, known)) is not None:
                    reason, rank, score = suspicion
                    found.append(((rank, apart, -score), number, known, reason))
        taken: set[int] = set()
        for _, number, known, reason in sorted(found, key=lambda item: (item[0], item[1], item[2].id)):
            if number not in taken and known.id not in self.suspected:
                taken.add(number)
                self.suspected.add(known.id)
                self.decisions.proposed.append(Suspicion(number, known.id, reason))
        self.booked = self.columns.without(self.booked, taken)
        return suspects.passed_over and bool(taken)

    def _drop_contradicted(self) -> None:
        """Leave rows that the user or a balance has taken for another row of this file where only a balance objects."""
        dropped = {
            number
            for number in self.plan.contradicted.intersection(self.booked)
            if not self._days_of(number).complete(self.plan.rows[number].entry.booking_date)
        }
        self.booked = self.columns.without(self.booked, dropped)
        self.decisions.repeated += len(dropped)


def _first(proposals: dict[str, WaitingProposal], identities: deque[str]) -> WaitingProposal | None:
    """Take the first of the named proposals that still waits."""
    while identities:
        if (found := proposals.pop(identities.popleft(), None)) is not None:
            return found
    return None


def _best(proposal: WaitingProposal, rows: Sequence[_RowOfDay], *, by_wording: bool) -> UUID | int | None:
    """The row that the proposal's is: the suspected one, else the one that is worded most like it, or the first."""
    others = [row for row in rows if row.import_id not in proposal.imports]
    if any(row.key == proposal.transaction_id for row in others):
        return proposal.transaction_id
    if others and not by_wording:
        return others[0].key
    entry = proposal.row.entry
    best = max(others, key=lambda row: likeness(entry, row.text, row.counterparty), default=None)
    return None if best is None else best.key
