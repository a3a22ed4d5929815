"""Laws that hold for every ledger, beside a plain-Python oracle in decimals."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal, localcontext
from itertools import pairwise

import polars as pl
from analytics_core import Period, cash_flow, category_breakdown, summarise, top_merchants
from hypothesis import given, settings
from hypothesis import strategies as st

DAYS = st.dates(dt.date(2022, 11, 1), dt.date(2024, 3, 31))
ROWS = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from("abc"),
        "booking_date": DAYS,
        "amount_micros": st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**8), 10**8),
        "currency": st.sampled_from(["EUR", "USD"]),
        "kind": st.sampled_from(["income", "expense", "expense", "transfer"]),
        "category": st.sampled_from([None, "Food", "Food > Groceries", "Food > Groceries > Organic", "Car"]),
        "merchant": st.sampled_from([None, "", "TESCO", "REWE"]),
        "description": st.sampled_from(["Tesco 1234", "SQ *CAFE", None]),
        "pending": st.booleans(),
    }
)
LEDGERS = st.lists(ROWS, max_size=40)
SCHEMA = {
    "account_id": pl.String,
    "booking_date": pl.Date,
    "amount_micros": pl.Int64,
    "currency": pl.String,
    "kind": pl.String,
    "category": pl.String,
    "merchant": pl.String,
    "description": pl.String,
    "pending": pl.Boolean,
}


def frame(rows):
    return pl.DataFrame(rows, schema=SCHEMA)


def exact_sum(amounts):
    with localcontext(prec=60):
        return sum(amounts, Decimal(0))


def added(results, key):
    """Add up the figures of results per key: (income, spending, net, rows, transfers, pending)."""
    sums: defaultdict[object, tuple[Decimal, Decimal, Decimal, int, int, int]] = defaultdict(
        lambda: (Decimal(0), Decimal(0), Decimal(0), 0, 0, 0)
    )
    with localcontext(prec=60):
        for result in results:
            basis = result.basis
            figures = (result.income, result.spending, result.net, basis.rows, basis.transfers, basis.pending)
            sums[key(result)] = tuple(a + b for a, b in zip(sums[key(result)], figures, strict=True))
    return dict(sums)


def currency(result):
    return result.currency


@given(LEDGERS, st.none() | DAYS, st.none() | DAYS)
@settings(max_examples=60, deadline=None)
def test_a_summary_is_the_oracles_sum_in_decimals(rows, start, end):
    if start and end and start > end:
        start, end = end, start
    period = Period(start, end)
    in_scope = [row for row in rows if row["booking_date"] in period]
    booked = [row for row in in_scope if not row["pending"] and row["kind"] != "transfer"]

    def micros(code, kind):
        return exact_sum(
            Decimal(row["amount_micros"]) for row in booked if row["currency"] == code and row["kind"] == kind
        )

    answers = summarise(frame(rows), period=period)

    assert [answer.currency for answer in answers] == sorted({row["currency"] for row in in_scope})
    with localcontext(prec=60):
        for answer in answers:
            income, spending = micros(answer.currency, "income"), -micros(answer.currency, "expense")
            assert answer.income * 10**6 == income
            assert answer.spending * 10**6 == spending
            assert answer.net == answer.income - answer.spending
            assert answer.savings_rate == (float((income - spending) / income) if income > 0 else None)
            days = [row["booking_date"] for row in booked if row["currency"] == answer.currency]
            assert (answer.first_date, answer.last_date) == (min(days, default=None), max(days, default=None))
            assert answer.basis.rows == len(days)


@given(LEDGERS)
@settings(max_examples=60, deadline=None)
def test_the_months_add_up_to_the_summary(rows):
    flows = cash_flow(frame(rows))

    assert added(flows, currency) == added(summarise(frame(rows)), currency)
    assert flows == sorted(flows, key=lambda flow: (flow.currency, flow.month))
    for before, after in pairwise(flows):
        if before.currency == after.currency:
            assert (before.month + dt.timedelta(days=31)).replace(day=1) == after.month


@given(LEDGERS, st.none() | st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_the_categories_add_up_to_the_spending_of_the_summary_at_any_depth(rows, depth):
    entries = category_breakdown(frame(rows), depth=depth)

    for summary in summarise(frame(rows)):
        mine = [entry for entry in entries if entry.currency == summary.currency]
        assert exact_sum(entry.spending for entry in mine) == summary.spending
        assert sum(entry.rows for entry in mine) == (mine[0].basis.rows if mine else 0)
        shares = [entry.share for entry in mine if entry.share is not None]
        assert all(0 <= share <= 1 for share in shares)
        assert not shares or abs(sum(shares) - 1) < 1e-12
        assert len({entry.category for entry in mine}) == len(mine)


@given(LEDGERS)
@settings(max_examples=60, deadline=None)
def test_the_merchants_and_those_with_net_refunds_add_up_to_the_spending(rows):
    turned = [{**row, "amount_micros": -max(row["amount_micros"], -(2**63 - 1))} for row in rows]
    held = [{**row, "amount_micros": max(row["amount_micros"], -(2**63 - 1))} for row in rows]
    entries = top_merchants(frame(held), limit=None)
    refunding = top_merchants(frame(turned), limit=None)

    for summary in summarise(frame(held)):
        plus = exact_sum(entry.spending for entry in entries if entry.currency == summary.currency)
        minus = exact_sum(entry.spending for entry in refunding if entry.currency == summary.currency)
        assert exact_sum([plus, -minus]) == summary.spending
        assert all(entry.share_of == plus for entry in entries if entry.currency == summary.currency)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_rows_does_not_matter(data):
    rows = data.draw(LEDGERS)
    shuffled = data.draw(st.permutations(rows))

    for function in (summarise, cash_flow, category_breakdown, top_merchants):
        assert function(frame(shuffled)) == function(frame(rows))


@given(LEDGERS)
@settings(max_examples=40, deadline=None)
def test_the_accounts_add_up_to_the_whole(rows):
    parts = [summary for account in "abc" for summary in summarise(frame(rows), accounts=[account])]

    assert added(parts, currency) == added(summarise(frame(rows)), currency)


@given(LEDGERS, DAYS)
@settings(max_examples=40, deadline=None)
def test_the_days_before_and_from_a_date_add_up_to_the_whole(rows, day):
    before = summarise(frame(rows), period=Period(end=day - dt.timedelta(days=1)))
    after = summarise(frame(rows), period=Period(start=day))

    assert added([*before, *after], currency) == added(summarise(frame(rows)), currency)
