"""What rules may look at in a row, and what they may give it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from transaction_service.search.text import folded


class RowFacts(NamedTuple):
    """What the bank and the user wrote of a row, and never what a rule gave it.

    So neither the order of two runs nor a repetition changes what the rules make of a row. `search_text` is the folded
    text of all texts; a tuple, because a file has very many rows.
    """

    search_text: str
    text: str
    counterparty: str | None
    counterparty_account: str | None
    reference: str | None
    merchant: str | None
    note: str | None
    bank_category: str | None
    amount: Decimal
    currency: str
    account_id: UUID
    booking_date: date
    tags: tuple[str, ...] = ()


class Decision(NamedTuple):
    """What the rules give a row. `rule_id` is the rule that gave the category; None and empty give nothing."""

    category_id: UUID | None = None
    rule_id: UUID | None = None
    merchant: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    transfer: bool = False

    def joined_with(self, later: Decision) -> Decision:
        """What two rules give together: of each thing the earlier rule's, and the tags of both."""
        first = self if self.category_id is not None else later
        known = {folded(tag) for tag in self.tags}
        return Decision(
            category_id=first.category_id,
            rule_id=first.rule_id,
            merchant=self.merchant or later.merchant,
            tags=self.tags + tuple(tag for tag in later.tags if folded(tag) not in known),
            note=self.note or later.note,
            transfer=self.transfer or later.transfer,
        )


NOTHING = Decision()
