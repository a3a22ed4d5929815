"""What a figure rests on."""

from __future__ import annotations

from dataclasses import dataclass

from analytics_core.period import Period


@dataclass(frozen=True, slots=True)
class Basis:
    """The inputs of a figure: which rows of the ledger were asked for, and how many of them count.

    All counts are of rows in one currency (and in one month, for a monthly figure), inside `period` and `accounts`.
    Rows that are neither counted nor listed as left out belong to the other side: income, for a figure on spending.

    Attributes
    ----------
    period
        The booking dates asked for, inclusive.
    accounts
        The account ids asked for, sorted; None means all accounts.
    rows
        Rows that were added up.
    transfers
        Rows left out because they move money between own accounts.
    pending
        Rows left out because they are not booked yet (of any kind: a pending transfer counts here).
    """

    period: Period
    accounts: tuple[str, ...] | None
    rows: int
    transfers: int
    pending: int
