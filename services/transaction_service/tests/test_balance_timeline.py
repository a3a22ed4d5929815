"""Known balances beside the ledger's, and what rows may have to do with a gap, without a database."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from transaction_service.reconciliation.gap_causes import SuspectRow, row_causes, suspect_amounts
from transaction_service.reconciliation.timeline import (
    BalanceGap,
    BalanceSource,
    KnownBalance,
    LedgerBalances,
    anchor_of,
    anchored,
    carried_difference,
    check_balances,
    last_difference,
)

DAY = date(2026, 3, 1)


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def closing(day: int, amount: str, source: BalanceSource = BalanceSource.CLOSING) -> KnownBalance:
    return KnownBalance(after(day), source, Decimal(amount))


def ledger(before: str, **sums: str) -> LedgerBalances:
    """The sums by day: `d1="-5"` for the day after `DAY`."""
    return LedgerBalances(Decimal(before), {after(int(day[1:])): Decimal(amount) for day, amount in sums.items()})


def gaps(checked: Any) -> list[tuple[str, date | None, date] | None]:
    return [item.gap and (str(item.gap.amount), item.gap.after, item.gap.until) for item in checked]


def test_a_gap_is_named_where_it_arises_and_stays_a_difference() -> None:
    checked = check_balances([closing(1, "90"), closing(3, "70"), closing(5, "60")], ledger("100", d1="-10", d4="-10"))
    assert [str(item.difference) for item in checked] == ["0", "-20", "-20"]
    assert gaps(checked) == [None, ("-20", after(1), after(3)), None]


def test_a_gap_that_closes_is_a_gap_of_the_opposite_amount() -> None:
    checked = check_balances([closing(1, "80"), closing(2, "100")], ledger("100"))
    assert gaps(checked) == [("-20", None, after(1)), ("20", after(1), after(2))]


def test_of_two_balances_for_one_day_the_one_that_agrees_is_believed() -> None:
    both = [closing(1, "55"), closing(1, "100", BalanceSource.ASSERTION), closing(2, "100")]
    assert gaps(check_balances(both, ledger("100"))) == [("-45", None, after(1)), None, None]


def closed(number: int, day: int, amount: str) -> KnownBalance:
    """What the import of this number closes a day with."""
    return KnownBalance(after(day), BalanceSource.CLOSING, Decimal(amount), UUID(int=number))


def test_a_day_that_a_later_file_closes_otherwise_is_no_gap() -> None:
    noon, evening, next_day = closed(1, 1, "90"), closed(2, 1, "70"), closed(3, 2, "65")
    own = ledger("100", d1="-30", d2="-5")
    checked = check_balances([evening, noon, next_day], own)
    assert gaps(checked) == [None, None, None]
    assert [item.superseded for item in checked] == [True, False, False]
    assert (last_difference(checked[:2]), carried_difference(checked[:2])) == (Decimal(0), Decimal(0))
    assert anchor_of([evening, noon]) == evening
    assert anchored([evening, noon, next_day], ledger("0", d1="-30", d2="-5")) == 100


def test_an_interim_balance_is_no_gap_where_the_day_s_end_is_known() -> None:
    evening, noon = closed(1, 1, "70"), replace(closed(2, 1, "90"), interim=True)
    own = ledger("100", d1="-30")
    for other in (evening, closing(1, "70", BalanceSource.RUNNING), closing(1, "70", BalanceSource.ASSERTION)):
        checked = check_balances([other, noon], own)
        assert gaps(checked) == [None, None]
        assert [item.superseded for item in sorted(checked, key=lambda item: item.known.amount)] == [False, True]
        assert (last_difference(checked), carried_difference(checked)) == (Decimal(0), Decimal(0))
    assert anchor_of([evening, noon]) == evening
    lacking = check_balances([evening, noon, closed(3, 2, "65")], ledger("100", d1="-10", d2="-5"))
    assert gaps(lacking) == [("-20", None, after(1)), None, None]
    assert gaps(check_balances([noon], own)) == [("20", None, after(1))]
    assert gaps(check_balances([noon], ledger("100", d1="-10"))) == [None]


def test_a_later_file_that_closes_a_day_with_what_the_ledger_lacks_is_a_gap() -> None:
    checked = check_balances([closed(1, 1, "90"), closed(2, 1, "70")], ledger("100", d1="-10"))
    assert gaps(checked) == [None, ("-20", None, after(1))]
    assert last_difference(checked) == -20
    assert carried_difference(checked) == 0


def test_an_opening_is_the_start_of_its_day_or_the_end_of_the_day_before() -> None:
    rows = ledger("100", d1="-10", d2="-5")
    opened = [closing(1, "100", BalanceSource.OPENING), closing(1, "90", BalanceSource.OPENING)]
    assert [gaps(check_balances([known], rows)) for known in opened] == [[None], [None]]
    wrong = check_balances([closing(2, "99", BalanceSource.OPENING)], rows)
    assert (wrong[0].ledger, gaps(wrong)) == (Decimal(90), [("9", None, after(1))])


def test_the_first_balance_anchors_and_the_next_tells_how_an_opening_is_dated() -> None:
    rows = ledger("0", d1="-10", d2="-5")
    opening = closing(1, "100", BalanceSource.OPENING)
    assert anchored([closing(1, "90")], rows) == Decimal(100)
    assert anchored([opening], rows) == Decimal(100)
    assert anchored([opening, closing(2, "85")], rows) == Decimal(100)
    assert anchored([opening, closing(2, "95")], rows) == Decimal(110)


MONEY = st.decimals(-1000, 1000, places=2)


@given(st.dictionaries(st.integers(0, 30), MONEY, max_size=12), MONEY, st.sets(st.integers(0, 30), max_size=8))
def test_a_ledger_never_differs_from_its_own_balances(sums: Any, before: Any, days: Any) -> None:
    own = LedgerBalances(before, {after(day): amount for day, amount in sums.items()})
    known = [KnownBalance(after(day), BalanceSource.CLOSING, own.at_end(after(day))) for day in days]
    known += [KnownBalance(after(day), BalanceSource.OPENING, own.at_start(after(day))) for day in days]
    assert all(item.gap is None and not item.difference for item in check_balances(known, own))


@given(
    st.dictionaries(st.integers(0, 30), MONEY, min_size=1, max_size=12),
    st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True),
    st.data(),
)
def test_the_gaps_sum_to_the_last_difference(sums: Any, days: Any, data: Any) -> None:
    own = LedgerBalances(Decimal(0), {after(day): amount for day, amount in sums.items()})
    known = [KnownBalance(after(day), BalanceSource.CLOSING, data.draw(MONEY)) for day in days]
    checked = check_balances(known, own)
    assert sum((item.gap.amount for item in checked if item.gap), Decimal(0)) == checked[-1].difference


def suspect(number: int, amount: str, day: int = 2, **fields: Any) -> SuspectRow:
    plain = {"stated_date": None, "stated_amount": None, "pending": False, "deleted": False}
    return SuspectRow(
        id=UUID(int=number),
        booking_date=after(day),
        amount=Decimal(amount),
        description="Bakery",
        **{**plain, **fields},
    )


def causes(missing: str, *rows: SuspectRow) -> list[tuple[str, int]]:
    gap = BalanceGap(Decimal(missing), after(0), after(4))
    return [(str(c.cause), c.transaction_id.int) for c in row_causes(gap, rows) if c.transaction_id]


def test_the_rows_that_may_have_made_a_gap_are_told_apart() -> None:
    assert causes("-8", suspect(1, "8")) == [("not_in_statement", 1)]
    assert causes("8", suspect(1, "-8"), suspect(2, "-8", 7)) == [("possible_repeat", 1)]
    assert causes("-8", suspect(1, "-8", deleted=True), suspect(2, "-8", 9, deleted=True)) == [("deleted", 1)]
    assert causes("-8", suspect(1, "-8", pending=True)) == [("pending", 1)]
    assert causes("-8", suspect(1, "4")) == [("wrong_sign", 1)]
    assert causes("-8", suspect(1, "-8", 5)) == [("other_side_of_the_balance", 1)]
    assert causes("-8", suspect(1, "-8")) == [("equal_row_missing", 1)]
    assert causes("-8", suspect(1, "16")) == [("doubled_amount", 1)]
    assert causes("-8", suspect(1, "-1", stated_amount=Decimal(-9))) == [("edited_amount", 1)]
    assert causes("-8", suspect(1, "8", stated_date=after(-3))) == [("edited_date", 1)]
    assert causes("-8", suspect(1, "-8", 6, stated_date=after(1))) == [("edited_date", 1)]
    assert causes("-8", suspect(1, "5"), suspect(2, "8", 9), suspect(3, "1", 6)) == []


def test_the_likeliest_cause_comes_first() -> None:
    rows = (suspect(1, "-8", deleted=True), suspect(2, "-8"), suspect(3, "8"), suspect(4, "-8", pending=True))
    assert [cause for cause, _ in causes("-8", *rows)] == [
        "deleted",
        "pending",
        "not_in_statement",
        "equal_row_missing",
    ]


def test_amounts_that_no_row_can_have_are_not_looked_for() -> None:
    assert suspect_amounts(Decimal("0.000001")) == [Decimal("0.000001"), Decimal("-0.000001"), Decimal("-0.000002")]
