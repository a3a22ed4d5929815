"""Which bookings take the place of which announced rows, decided without a database."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from data_processing import Entry
from hypothesis import given
from hypothesis import strategies as st
from transaction_service.identity.pending import PendingRow, bookings_of

MARCH = date(2026, 3, 1)


def announced(amount: str, text: str) -> PendingRow:
    return PendingRow(uuid4(), uuid4(), "", "", MARCH, Decimal(amount), text, None, edited=False)


def booked(amount: str, text: str) -> Entry:
    return Entry("line 1", date(2026, 3, 3), Decimal(amount), text)


AMOUNTS = st.integers(1, 60).map(lambda cents: f"-{cents}.50")


@given(st.lists(AMOUNTS, max_size=8), st.lists(AMOUNTS, max_size=8))
def test_a_moved_amount_is_told_where_no_other_pair_fits(one: list[str], other: list[str]) -> None:
    waiting = [announced(amount, "Hotel Adler") for amount in one]
    entries = [booked(amount, "HOTEL ADLER 0815") for amount in other]
    found = bookings_of(waiting, list(enumerate(entries)))
    assert len({row.id for row in found.values()}) == len(found)
    for number, row in found.items():
        assert row.like(entries[number])
        assert sum(row.amount == entries[number].amount for row in waiting) <= 1
    if len(waiting) == len(entries) == 1:
        assert bool(found) == waiting[0].like(entries[0])


@pytest.mark.parametrize("count", [2, 3_000])
def test_of_many_alike_none_is_guessed_and_the_very_words_are_found(count: int) -> None:
    waiting = [announced("-1.00", f"Fee {number}") for number in range(count)]
    entries = [booked("-1.00", f"Fee {number} reworded") for number in range(count - 1)]
    entries.append(booked("-1.00", "FEE 1"))
    found = bookings_of([*waiting, announced("-500", "Hotel")], [*enumerate(entries), (count, booked("-510", "HOTEL"))])
    assert {number: row.text for number, row in found.items()} == {count - 1: "Fee 1", count: "Hotel"} | (
        {0: "Fee 0"} if count == 2 else {}
    )
