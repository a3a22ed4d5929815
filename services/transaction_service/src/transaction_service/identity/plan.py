"""What an import would do: which rows of the file stand in the ledger already, and what becomes of the others.

No database. The rows themselves are never changed or moved: what is decided about them is kept by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from api_common.columns import new_id
from api_common.compute import uncollected
from data_processing import Balance, RefusedRow

from transaction_service.identity.pairing import KnownRow, LedgerRow
from transaction_service.identity.pending import PendingRow
from transaction_service.identity.proofs import Coverage, coverage
from transaction_service.models import Account, AccountReference
from transaction_service.statements.rows import Row, RowGroup, Section


@dataclass(frozen=True, slots=True)
class KnownIdentities:
    """What an account of the ledger knows of the identities in a file.

    `standing` are those that its rows carry, tombstones included, and whether the row is pending; `aliases` those under
    which files have brought a row beside its own. `by_content` is there for an account whose bank has been seen to
    change its ids: its rows by what the bank wrote, in the order in which they came.
    """

    standing: Mapping[str, bool] = field(default_factory=dict)
    aliases: Mapping[str, KnownRow] = field(default_factory=dict)
    by_content: Mapping[str, Sequence[KnownRow]] | None = None


@dataclass(frozen=True, slots=True)
class WaitingProposal:
    """A row of an earlier file that waits for the user to say whether it is one of the ledger's."""

    id: UUID
    identity: str
    row: Row
    transaction_id: UUID
    reason: str
    imports: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A row of the file that may be one of the ledger's, and why."""

    number: int
    ledger_row: LedgerRow
    reason: str


@dataclass(slots=True)
class Decisions:
    """What becomes of the rows of one account, by their numbers.

    `book` are inserted, `settle` inserted in place of pending rows that the bank has booked; `announced_late` are
    pending rows whose booking stands in the ledger already. `standing` are the identities of rows that are there and
    that the file vouches for; `same` are rows that the ledger holds under another identity. `proposed` wait for the
    user, and `waiting` have done so since an earlier import. `accepted` and `rejected` are waiting proposals that this
    file has decided: the row is the ledger's (or the one with that number in this file), or it is a row of its own.
    """

    book: list[int] = field(default_factory=list)
    settle: list[tuple[PendingRow, int]] = field(default_factory=list)
    announced_late: list[tuple[int, LedgerRow]] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
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
        return sorted([*earlier, *((found.number, found.ledger_row.id, found.reason) for found in self.proposed)])


@dataclass(slots=True)
class AccountPlan:
    """The rows that a file has for one account, and what becomes of each.

    `chosen` is the row that stands for an identity, `section_of` the place of each row's statement, `unknown` the rows
    that no identity tells. Where rows are not recognised `by_identity`, identities may be `taken` by other rows.
    `contradicted` are rows that an alias takes for a row which the file has besides.
    """

    account: Account
    created: bool
    sections: list[Section] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    coverages: list[Coverage] = field(default_factory=list)
    section_of: list[int] = field(default_factory=list)
    decisions: Decisions = field(default_factory=Decisions)
    chosen: dict[str, int] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    by_identity: bool = True
    taken: Mapping[str, bool] = field(default_factory=dict)
    contradicted: set[int] = field(default_factory=set)

    def take(self, group: RowGroup) -> None:
        """Take in the rows and balances of a group."""
        self.balances.extend(group.balances)
        by_number = {section.number: section for section in self.sections}
        for number, section in group.sections.items():
            if number in by_number:
                by_number[number].add(section)
            else:
                self.sections.append(section)

    @property
    def sum(self) -> Decimal:
        """The exact sum of the account's rows in the file."""
        return sum((row.entry.amount for row in self.rows), Decimal(0))

    def identify(self) -> None:
        """Give each row its identity; equal rows are counted over all spellings of the account."""
        for place, section in enumerate(self.sections):
            self.rows += section.rows
            self.identities += section.identities()
            self.section_of += [place] * len(section.rows)
            self.coverages.append(coverage(section))
        self._choose()

    def _choose(self) -> None:
        """Let one row stand for all of an identity: the first, or the booked one of a pending and a booked row."""
        chosen, rows, decisions = self.chosen, self.rows, self.decisions
        for number, identity in enumerate(self.identities):
            first = chosen.setdefault(identity, number)
            if first != number:
                decisions.repeated += 1
                if rows[first].entry.pending and not rows[number].entry.pending:
                    chosen[identity] = number

    def identity_of(self, number: int) -> str:
        """The identity that a row is booked with: its own, unless another row has it."""
        identity = self.identities[number]
        return f"{identity}~{new_id().hex}" if identity in self.taken else identity

    def recognise(self, known: KnownIdentities, pending: Sequence[PendingRow]) -> None:
        """Tell the rows that the ledger knows by their identity; the others are `unknown`."""
        announced = {row.id: row for row in pending if not row.deleted}
        if known.by_content is not None:
            self.by_identity, self.taken = False, known.standing
            self._recognise_by_content(known.by_content, announced)
            return
        by_identity = {row.identity: row for row in announced.values()}
        standing, rows, decisions = known.standing, self.rows, self.decisions
        for identity, number in self.chosen.items():
            stands_pending = standing.get(identity)
            if stands_pending is None:
                self.unknown.append(number)
            elif identity in by_identity and not rows[number].entry.pending:
                decisions.settle.append((by_identity[identity], number))
            else:
                decisions.repeated += 1
                if stands_pending or not rows[number].entry.pending:
                    # A file that only announces what the ledger holds as booked does not vouch for the booking.
                    decisions.standing.append(identity)
        if known.aliases:
            self._recognise_aliases(known.aliases, announced)

    def _recognise_aliases(self, aliases: Mapping[str, KnownRow], announced: Mapping[UUID, PendingRow]) -> None:
        unknown, self.unknown = self.unknown, []
        claimed: set[UUID] = set()
        for number in unknown:
            found = aliases.get(self.identities[number])
            # Two rows of one file are two rows: what an alias says of the second is wrong.
            if found is None or found.identity in self.chosen or found.id in claimed:
                self.unknown.append(number)
                if found is not None:
                    self.contradicted.add(number)
            else:
                claimed.add(found.id)
                self._same(number, found, announced)

    def _recognise_by_content(
        self, by_content: Mapping[str, Sequence[KnownRow]], announced: Mapping[UUID, PendingRow]
    ) -> None:
        occurrences: dict[tuple[int, str], int] = {}
        first: dict[tuple[str, int], int] = {}
        for number in self.chosen.values():
            content, place = self.rows[number].content, self.section_of[number]
            occurrence = occurrences[place, content] = occurrences.get((place, content), -1) + 1
            if first.setdefault((content, occurrence), number) != number:
                self.decisions.repeated += 1
                continue
            known = by_content.get(content, ())
            if occurrence < len(known):
                self._same(number, known[occurrence], announced)
            else:
                self.unknown.append(number)

    def _same(self, number: int, known: KnownRow, announced: Mapping[UUID, PendingRow]) -> None:
        """The row is that row of the ledger, or, if that one is pending, its booking."""
        if known.id in announced and not self.rows[number].entry.pending:
            self.decisions.settle.append((announced[known.id], number))
            return
        self.decisions.repeated += 1
        if known.pending or not self.rows[number].entry.pending:
            self.decisions.same.append((number, known))


@dataclass(slots=True)
class ImportPlan:
    """The accounts that an import touches, the references it learns, and the rows that fit no account."""

    accounts: list[AccountPlan] = field(default_factory=list)
    references: list[AccountReference] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)

    @property
    def created(self) -> list[Account]:
        """The accounts that the import creates."""
        return [plan.account for plan in self.accounts if plan.created]

    @property
    def standing(self) -> list[AccountPlan]:
        """The plans of accounts that were there before."""
        return [plan for plan in self.accounts if not plan.created]

    @uncollected()
    def identify(self) -> None:
        """Give each row its identity. Slow for large files: runs in a thread."""
        for plan in self.accounts:
            plan.identify()

    @uncollected()
    def recognise(self, known: Mapping[UUID, KnownIdentities], pending: Iterable[PendingRow]) -> None:
        """Tell the rows that the ledger knows by their identity. Slow for large files: runs in a thread."""
        by_account: dict[UUID, list[PendingRow]] = {plan.account.id: [] for plan in self.accounts}
        for row in pending:
            by_account[row.account_id].append(row)
        for plan in self.accounts:
            plan.recognise(known.get(plan.account.id, KnownIdentities()), by_account[plan.account.id])
