"""What an import would do: which rows of the file stand in the ledger already, and what becomes of the others.

No database. The rows themselves are never changed or moved: what is decided about them is kept by their numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from api_common.columns import new_id
from data_processing import Balance

from transaction_service.identity.identities import Identities, columns_of
from transaction_service.identity.ledger_side import KnownIdentities, WaitingProposal
from transaction_service.identity.pairing import KnownRow, LedgerRow
from transaction_service.identity.pending import PendingRow
from transaction_service.identity.proofs import Coverage, chains, coverage
from transaction_service.models import Account, AccountReference
from transaction_service.statements.rows import Refusals, RowGroup, Section
from transaction_service.statements.spool import FileRows, Numbers, Row, numbers

PIECE = 20_000
"""The ledger is asked about so many rows at a time."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A row of the file that may be one of the ledger's, and why."""

    number: int
    row_id: UUID
    reason: str


@dataclass(slots=True)
class Decisions:
    """What becomes of the rows of one account, by their numbers.

    `book` are inserted, `settle` inserted in place of pending rows that the bank has booked; `announced_late` are
    pending rows whose booking stands in the ledger already. `standing` are rows that are there and that the file
    vouches for, in order; `same` are rows that the ledger holds under another identity. `proposed` wait for the user,
    and `waiting` have done so since an earlier import. `accepted` and `rejected` are waiting proposals that this file
    has decided: the row is the ledger's (or the one with that number in this file), or it is a row of its own.
    """

    book: Numbers = field(default_factory=numbers)
    settle: list[tuple[PendingRow, int]] = field(default_factory=list)
    announced_late: list[tuple[int, LedgerRow]] = field(default_factory=list)
    standing: Numbers = field(default_factory=numbers)
    same: list[tuple[int, KnownRow | LedgerRow]] = field(default_factory=list)
    proposed: list[Suspicion] = field(default_factory=list)
    waiting: list[tuple[int, WaitingProposal]] = field(default_factory=list)
    accepted: list[tuple[WaitingProposal, UUID | int]] = field(default_factory=list)
    rejected: list[tuple[WaitingProposal, int]] = field(default_factory=list)
    repeated: int = 0
    proved: int = 0
    ids_change: bool = False

    @property
    def proposals(self) -> int:
        """How many rows wait for the user."""
        return len(self.proposed) + len(self.waiting)

    def open_questions(self) -> list[tuple[int, UUID, str]]:
        """The rows that wait for the user: number, row of the ledger, reason."""
        earlier = [(number, found.transaction_id, found.reason) for number, found in self.waiting]
        return sorted([*earlier, *((found.number, found.row_id, found.reason) for found in self.proposed)])


@dataclass(slots=True)
class AccountPlan:
    """The rows that a file has for one account, and what becomes of each.

    `rows` and `identities` are the whole file's. `chosen` are the account's rows, of those with one identity one;
    `unknown` are those that no identity tells. Where rows are not recognised `by_identity`, because the bank has been
    seen to change its ids, the identities of rows may be `taken` by other ones. `contradicted` are rows that an alias
    takes for a row which the file has besides; `announced_before` are booked rows that the bank had announced word for
    word, with what took the place of the announced ones; `apart` are the places of statements that have other rows of
    their day than the ledger.
    """

    account: Account
    created: bool
    rows: FileRows
    identities: Identities
    sections: list[Section] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    coverages: list[Coverage] = field(default_factory=list)
    decisions: Decisions = field(default_factory=Decisions)
    chosen: Numbers = field(default_factory=numbers)
    unknown: Numbers = field(default_factory=numbers)
    taken: Numbers = field(default_factory=numbers)
    contradicted: set[int] = field(default_factory=set)
    announced_before: dict[int, KnownRow] = field(default_factory=dict)
    apart: set[int] = field(default_factory=set)
    _sorted: Numbers | None = None
    _claimed: set[UUID] = field(default_factory=set)

    def take(self, group: RowGroup) -> None:
        """Take in the rows and balances of a group."""
        self.balances.extend(group.balances)
        places = {section.number: place for place, section in enumerate(self.sections)}
        for number, section in group.sections.items():
            if number in places:
                self.sections[places[number]] = self.sections[places[number]].with_rows_of(section)
            else:
                self.sections.append(section)

    @property
    def by_identity(self) -> bool:
        """Whether the identities of the account's rows tell which they are."""
        return self.account.trusts_bank_ids

    @property
    def sum(self) -> Decimal:
        """The exact sum of the account's rows in the file."""
        return sum((section.sum for section in self.sections), Decimal(0))

    def identify(self) -> None:
        """Give each row its identity; equal rows are counted over all spellings of the account."""
        wanted = numbers()
        for place, section in enumerate(self.sections):
            wanted += section.rows
            for number in section.rows if place else ():
                self.identities.section_of[number] = place
            self.coverages.append(coverage(section, self.rows))
        self.chosen = self.identities.tell(wanted, chains(self.coverages))
        self.decisions.repeated += len(wanted) - len(self.chosen)

    def section_of(self, number: int) -> int:
        """The place of a row's statement among the account's."""
        return self.identities.section_of[number]

    def number_of(self, identity: str) -> int | None:
        """The row with this identity, if the file has one for the account."""
        if self._sorted is None:
            self._sorted = self.identities.sorted(self.chosen)
        return self.identities.find(identity, self._sorted)

    def vouches_for(self, identity: str) -> bool:
        """Whether the file has the row of the ledger that carries this identity under the same."""
        number = self.number_of(identity) if self.decisions.standing else None
        return number is not None and _has(self.decisions.standing, number)

    def identity_of(self, number: int, row: Row) -> str:
        """The identity that a row is booked with: its own, unless another row has it."""
        identity = self.identities.of_row(number, row)
        return f"{identity}~{new_id().hex}" if self.taken and _has(self.taken, number) else identity

    # What the ledger knows, piece by piece

    def of_days(self, days: Collection[date]) -> Numbers:
        """The chosen rows of days on which the ledger has rows.

        An identity holds the day of its row, so that no identity tells the others: they are `unknown`.
        """
        found, others = columns_of(self.rows).on_days(self.chosen, days)
        if self.by_identity:
            self.unknown.extend(others)
        return found

    def recognise(
        self, piece: Numbers, identities: Sequence[str], known: KnownIdentities, pending: Sequence[PendingRow]
    ) -> None:
        """Tell the rows of a piece of the chosen ones that the ledger knows by their identity; others are `unknown`."""
        if not self.by_identity:
            standing = zip(piece, identities, strict=True)
            self.taken.extend(number for number, identity in standing if identity in known.standing)
            return
        announced = {row.id: row for row in pending if not row.deleted}
        by_identity = {row.identity: row for row in announced.values()}
        decisions = self.decisions
        for number, identity in zip(piece, identities, strict=True):
            stands_pending, file_pending = known.standing.get(identity), self.rows.pending[number]
            if stands_pending is None:
                self._recognise_alias(number, identity, known.aliases, announced)
            elif identity in by_identity and not file_pending:
                decisions.settle.append((by_identity[identity], number))
            elif identity in known.booked_otherwise and not file_pending:
                self._recognise_announced(number, identity, known, announced)
            else:
                decisions.repeated += 1
                if stands_pending or not file_pending:
                    # A file that only announces what the ledger holds as booked does not vouch for the booking.
                    decisions.standing.append(number)

    def _recognise_alias(
        self, number: int, identity: str, aliases: Mapping[str, KnownRow], announced: Mapping[UUID, PendingRow]
    ) -> None:
        found = aliases.get(identity)
        # Two rows of one file are two rows: what an alias says of the second is wrong.
        if found is None or found.id in self._claimed or self.number_of(found.identity) is not None:
            self.unknown.append(number)
            if found is not None:
                self.contradicted.add(number)
        else:
            self._claimed.add(found.id)
            self._same(number, found, announced)

    def _recognise_announced(
        self, number: int, identity: str, known: KnownIdentities, announced: Mapping[UUID, PendingRow]
    ) -> None:
        """The row is word for word an announced one, which was booked otherwise: the same purchase, or a second one."""
        self.taken.append(number)
        found = known.booked_otherwise[identity]
        if found.again is not None:
            self._same(number, found.again, announced)
        elif identity in known.aliases:
            self._recognise_alias(number, identity, known.aliases, announced)
        else:
            self.announced_before[number] = found.booking
            self.unknown.append(number)

    def days(self) -> Iterator[Numbers]:
        """The chosen rows day by day, some thousands at a time and those of one day together."""
        return columns_of(self.rows).by_days(self.chosen, most=PIECE)

    def contents(self, piece: Numbers) -> list[str]:
        """What the bank wrote of the rows of a piece."""
        return [row.content for row in self.rows.of(piece)]

    def recognise_by_content(
        self,
        piece: Numbers,
        contents: Sequence[str],
        by_content: Mapping[str, Sequence[KnownRow]],
        pending: Sequence[PendingRow],
    ) -> None:
        """Tell the rows of some whole days by what the bank wrote; the others are `unknown`."""
        announced = {row.id: row for row in pending if not row.deleted}
        occurrences: dict[tuple[int, str], int] = {}
        first: dict[tuple[str, int], int] = {}
        for number, content in zip(piece, contents, strict=True):
            place = self.section_of(number)
            occurrence = occurrences[place, content] = occurrences.get((place, content), -1) + 1
            if first.setdefault((content, occurrence), number) != number:
                self.decisions.repeated += 1
                continue
            known = by_content.get(content, ())
            if occurrence < len(known):
                self._same(number, known[occurrence], announced)
            else:
                self.unknown.append(number)

    def recognise_decided(
        self, contents: Mapping[str, str], rows: Mapping[str, KnownRow], pending: Sequence[PendingRow]
    ) -> None:
        """Tell the unknown rows that have been found to be `rows` of the ledger, with these contents, by identity."""
        announced = {row.id: row for row in pending if not row.deleted}
        there = {known.id for _, known in self.decisions.same}
        left = numbers()
        for number, row in zip(self.unknown, self.rows.of(self.unknown), strict=True):
            identity = self.identities.of_row(number, row)
            known = rows.get(identity)
            if known is None or known.id in there or contents.get(identity) != row.content:
                left.append(number)
            else:
                there.add(known.id)
                self._same(number, known, announced)
        self.unknown = left

    def _same(self, number: int, known: KnownRow, announced: Mapping[UUID, PendingRow]) -> None:
        """The row is that row of the ledger, or, if that one is pending, its booking."""
        if known.id in announced and not self.rows.pending[number]:
            self.decisions.settle.append((announced[known.id], number))
            return
        self.decisions.repeated += 1
        if known.pending or not self.rows.pending[number]:
            self.decisions.same.append((number, known))

    def parts_of_days(self) -> dict[int, date]:
        """The statements, by place, that prove a part of one day."""
        if not self.by_identity:
            return {}
        found = enumerate(self.coverages)
        return {place: c.starts for place, c in found if c.proved and c.starts is not None and c.starts == c.ends}

    def tell_apart(self, place: int) -> None:
        """Take it that a statement has other rows of its day than the ledger: equal ones only look the same.

        Those that have an id of their bank are what the id says.
        """
        standing, rows = self.decisions.standing, self.rows
        apart = numbers(
            number
            for number in standing
            if self.section_of(number) == place and not rows.has_id[number] and not rows.pending[number]
        )
        self.decisions.standing = numbers(number for number in standing if not _has(apart, number))
        self.decisions.repeated -= len(apart)
        self.apart.add(place)
        self.taken = numbers(sorted(self.taken + apart))
        self.unknown = numbers(sorted(self.unknown + apart))

    def count_anew(self, occurrences: Mapping[int, int], there: Set[int]) -> None:
        """Let rows without an id be other ones of several equal rows, some of which are `there`."""
        if not occurrences:
            return
        decisions = self.decisions
        self.identities.count_anew(occurrences)
        self._sorted = None
        before = len(decisions.standing)
        known = {*decisions.standing} - occurrences.keys() | (there & occurrences.keys())
        decisions.standing = numbers(sorted(known))
        decisions.repeated += len(decisions.standing) - before
        left = {*self.unknown} - known | (occurrences.keys() - known)
        self.unknown = numbers(sorted(left))

    def further_identities(self) -> Iterator[tuple[str, UUID]]:
        """The identities, other than their own, under which the file has rows of the ledger."""
        for number, known in self.decisions.same:
            if self.by_identity or isinstance(known, LedgerRow):
                identity = self.identities[number]
                if identity != known.identity:
                    yield identity, known.id


def pieces_of(wanted: Numbers) -> Iterator[Numbers]:
    """Rows, some thousands at a time."""
    return (wanted[start : start + PIECE] for start in range(0, len(wanted), PIECE))


def _has(ordered: Numbers, number: int) -> bool:
    place = bisect_left(ordered, number)
    return place < len(ordered) and ordered[place] == number


@dataclass(slots=True)
class ImportPlan:
    """The accounts that an import touches, the references it learns, and the rows that fit no account."""

    rows: FileRows
    identities: Identities
    accounts: list[AccountPlan] = field(default_factory=list)
    references: list[AccountReference] = field(default_factory=list)
    refused: Refusals = field(default_factory=Refusals)

    @property
    def created(self) -> list[Account]:
        """The accounts that the import creates."""
        return [plan.account for plan in self.accounts if plan.created]

    @property
    def standing(self) -> list[AccountPlan]:
        """The plans of accounts that were there before."""
        return [plan for plan in self.accounts if not plan.created]

    def identify(self) -> None:
        """Give each row its identity. Slow for large files: runs in a thread."""
        for plan in self.accounts:
            plan.identify()
