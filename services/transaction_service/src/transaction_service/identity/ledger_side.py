"""What the ledger holds that rows of a file may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from transaction_service.identity.pairing import LedgerRow
from transaction_service.identity.pending import PendingRow
from transaction_service.identity.plan import WaitingProposal
from transaction_service.identity.proofs import Coverage


def same_format(one: str, other: str) -> bool:
    """Whether files of these two formats name, word and date a row alike: camt.052 and camt.053 do."""
    return _kind(one) == _kind(other)


def _kind(name: str) -> str:
    return next((kind for kind in ("camt", "mt94") if name.startswith(kind)), name)


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
