"""What the ledger holds that rows of a file may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from transaction_service.identity.pairing import KnownRow, LedgerRow
from transaction_service.identity.pending import PendingRow
from transaction_service.identity.proofs import Coverage
from transaction_service.statements.spool import Row


def same_format(one: str, other: str) -> bool:
    """Whether files of these two formats name, word and date a row alike: camt.052 and camt.053 do."""
    return _kind(one) == _kind(other)


def _kind(name: str) -> str:
    return next((kind for kind in ("camt", "mt94") if name.startswith(kind)), name)


@dataclass(frozen=True, slots=True)
class BookedOtherwise:
    """The booking of an announced row on another day or with another amount.

    `again` is a row that is booked besides, word for word as the announced one was, where there is one.
    """

    booking: KnownRow
    again: KnownRow | None = None


@dataclass(frozen=True, slots=True)
class KnownIdentities:
    """What an account of the ledger knows of some identities in a file.

    `standing` are those that its rows carry, tombstones included, and whether the row is pending; `booked_otherwise`
    those of announced rows whose booking differs; `aliases` those under which files have brought a row beside its own.
    """

    standing: Mapping[str, bool] = field(default_factory=dict)
    booked_otherwise: Mapping[str, BookedOtherwise] = field(default_factory=dict)
    aliases: Mapping[str, KnownRow] = field(default_factory=dict)


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
class OtherFormats:
    """The imports of files of another format than the file's, and what their statements are about.

    Such files word the same row in another way, name it by another id, and may date it by another day.
    """

    imports: frozenset[UUID] = frozenset()
    statements: Sequence[Coverage] = ()


@dataclass(frozen=True, slots=True)
class LedgerSide:
    """What the ledger holds that rows of the file may be.

    `rows` are those of about the same days and amounts, tombstones of deleted rows included; `statements` all that the
    account has; `day_sums` the sums of the bank's rows on the first and last days of statements; `ids_are_stable` says
    that earlier files have brought rows again under the same ids. `replaced` are pending rows that were booked, with
    what took their place; `rejected` identities of rows that are known to be rows of their own.
    """

    rows: Sequence[LedgerRow] = ()
    statements: Sequence[Coverage] = ()
    others: OtherFormats = OtherFormats()
    day_sums: Mapping[date, Decimal] = field(default_factory=dict)
    ids_are_stable: bool = False
    replaced: Sequence[tuple[PendingRow, UUID]] = ()
    pending: Sequence[PendingRow] = ()
    waiting: Sequence[WaitingProposal] = ()
    rejected: frozenset[str] = frozenset()

    def in_other_format(self, row: LedgerRow) -> bool:
        """Whether the ledger has the row from a file of another format."""
        return row.import_id in self.others.imports
