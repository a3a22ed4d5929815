"""What hangs on the rows of a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RowParts:
    """What hangs on the rows of a ledger, with the driver's own values.

    tags:      row and tag
    splits:    row, part, amount in millionths and category, the parts of a row in their order
    transfers: the rows that are a side of a linked transfer
    """

    tags: Sequence[Sequence[Any]] = ()
    splits: Sequence[Sequence[Any]] = ()
    transfers: Sequence[Sequence[Any]] = ()
