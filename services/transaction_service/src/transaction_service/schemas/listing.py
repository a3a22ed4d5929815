"""Which rows a list shows, and what is said of a whole list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from api_common.fields import Day
from api_common.problems import FieldError
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from transaction_service.amounts import Amount, ExactAmount
from transaction_service.errors import RangeReversed
from transaction_service.models import ChosenBy
from transaction_service.repository.filters import Direction, TransactionFilter
from transaction_service.schemas.fields import Currency, Line, SearchText

UNCATEGORISED = "uncategorised"
_MOST_TAGS = 10


@dataclass(frozen=True)
class Filters:
    """Which rows: those that pass all given filters. As query parameters, and as an object of a request's body."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    q: Annotated[
        SearchText | None,
        Query(description="Words, or beginnings of words, that the row's texts, note or tags must all have."),
    ] = None
    account_id: Annotated[list[UUID] | None, Query(description="Repeat it for several accounts.")] = None
    from_date: Annotated[Day | None, Query(alias="from", description="First booking date.")] = None
    to_date: Annotated[Day | None, Query(alias="to", description="Last booking date.")] = None
    amount_min: Annotated[Amount | None, Query(description="Smallest amount; money out is negative.")] = None
    amount_max: Annotated[Amount | None, Query(description="Largest amount.")] = None
    category_id: Annotated[
        UUID | Literal["uncategorised"] | None, Query(description="A category and all below it, or `uncategorised`.")
    ] = None
    categorised_by: Annotated[ChosenBy | None, Query(description="Who chose the category.")] = None
    import_id: Annotated[UUID | None, Query(description="Rows that this import booked.")] = None
    tag: Annotated[
        list[Line] | None, Query(description="Repeat it for rows that have several tags.", max_length=_MOST_TAGS)
    ] = None
    direction: Annotated[Direction | None, Query(description="Money in or money out.")] = None
    currency: Annotated[Currency | None, Query(description="ISO 4217 code.")] = None
    merchant: Annotated[Line | None, Query(description="The merchant's whole name.")] = None
    counterparty: Annotated[Line | None, Query(description="The counterparty's whole name.")] = None
    pending: Annotated[bool | None, Query(description="Announced rows, or booked ones.")] = None
    has_note: Annotated[bool | None, Query(description="Rows with a note, or without one.")] = None
    marked_transfer: Annotated[bool | None, Query(description="Rows marked as transfers, or not.")] = None
    in_transfer: Annotated[bool | None, Query(description="Rows that are a side of a linked transfer, or not.")] = None
    deleted: Annotated[bool, Query(description="The deleted rows instead of those that stand.")] = False

    @property
    def category(self) -> UUID | None:
        """The category by its id."""
        return self.category_id if isinstance(self.category_id, UUID) else None

    def wanted(self, place: str = "/query") -> TransactionFilter:
        """The filter without its category; `place` is where in the request it stands. Raises RangeReversed."""
        check_range(place, "from", self.from_date, "to", self.to_date)
        check_range(place, "amount_min", self.amount_min, "amount_max", self.amount_max)
        return TransactionFilter(
            text=self.q,
            account_ids=tuple(self.account_id or ()),
            from_date=self.from_date,
            to_date=self.to_date,
            amount_min=self.amount_min,
            amount_max=self.amount_max,
            uncategorised=self.category_id == UNCATEGORISED,
            categorised_by=self.categorised_by,
            import_id=self.import_id,
            tags=tuple(self.tag or ()),
            direction=self.direction,
            currency=self.currency,
            merchant=self.merchant,
            counterparty=self.counterparty,
            pending=self.pending,
            has_note=self.has_note,
            marked_transfer=self.marked_transfer,
            in_transfer=self.in_transfer,
            deleted=self.deleted,
        )


def check_range(place: str, lower: str, first: date | Decimal | None, upper: str, last: date | Decimal | None) -> None:
    """Refuse bounds that nothing can lie between: an empty list would look like an empty ledger.

    Raises RangeReversed.
    """
    if first is None or last is None or not first > last:  # type: ignore[operator]  # both are of one type
        return
    raise RangeReversed(
        f"{lower}={first} lies after {upper}={last}. Swap the two.",
        errors=[FieldError(pointer=f"{place}/{lower}", detail=f"lies after `{upper}`", code="range_reversed")],
    )


class CurrencyTotals(BaseModel):
    """The sums of the rows in one currency."""

    currency: str
    rows: int
    total: ExactAmount
    money_in: ExactAmount
    money_out: ExactAmount = Field(description="Negative, so that `total` is the sum of the two.")


class ListTotals(BaseModel):
    """How many rows pass the filters, and their sums by currency, in the order of the codes."""

    rows: int
    currencies: list[CurrencyTotals]
