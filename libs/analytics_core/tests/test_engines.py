"""Every public function gives the same answer on every kind of frame."""

import datetime as dt
import unicodedata
from functools import partial

import narwhals as nw
import polars as pl
import pytest
from analytics_core import (
    LedgerError,
    Period,
    add_merchant_names,
    cash_flow,
    category_breakdown,
    merchant_name,
    summarise,
    top_merchants,
)

FUNCTIONS = [
    summarise,
    cash_flow,
    category_breakdown,
    partial(category_breakdown, depth=1),
    top_merchants,
    partial(top_merchants, limit=None),
    partial(top_merchants, limit=2),
]
SCOPES = [
    {},
    {"period": Period(dt.date(2023, 3, 31), dt.date(2024, 6, 1)), "accounts": ["a", "c"]},
    {"period": Period(start=dt.date(2024, 2, 29))},
    {"accounts": []},
]
LIMIT = 2**63 - 1
RAW_TEXTS = [
    "POS MERCHANDISE;MCDONALD'S #112",
    "Refund: CLOUDFLARE (650-3198939, US) 1 USD = 1.133257403189066 EUR",
    "Card payment to Tesco Stores 3217 on 12 MAY 2024",
    "Kartenzahlung REWE SAGT DANKE. 42130//BERLIN/DE 2024-01-05T18:30",
    "  dm-drogerie\tmarkt GmbH + Co. KG\n",
    "https://www.netflix.com/browse",
    "PAYPAL *SPOTIFY 35314369001",
    "VISA DEBIT PURCHASE CHECKCARD 0512 STARBUCKS #1234 SEATTLE WA",
    "Straße ﬁt ŉ ΐ ΰ և",
    "Ἀθῆναι ΣΊΣΥΦΟΣ İstanbul ıspanak",
    "日本 スターバックス 1234",
    "***",
    "",
    " ",
    "4711",
    "\u00a0Naïve—Café\u2028x",
    "line\r\n$",
    "emoji 🍕 PIZZA 0001",
    "🍕é" * 300,
    "Baker" + ".,/ " * 5000 + "x",
]


@pytest.mark.parametrize("scope", SCOPES, ids=["all", "period_and_accounts", "open_period", "no_accounts"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_every_engine_gives_the_answer_of_polars(function, scope, as_frame, household):
    assert function(as_frame(household), **scope) == function(household, **scope)


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_an_empty_ledger_gives_an_empty_list(function, as_frame, household):
    assert function(as_frame(household.head(0))) == []


def test_sums_beyond_64_bits_are_exact(as_frame, ledger):
    frame = as_frame(
        ledger(
            {"amount_micros": LIMIT, "kind": "income"},
            {"amount_micros": LIMIT, "kind": "income"},
            {"amount_micros": LIMIT, "kind": "income"},
            {"amount_micros": -LIMIT - 1},
            {"amount_micros": -LIMIT - 1},
            {"amount_micros": -LIMIT - 1, "booking_date": dt.date(2024, 2, 1)},
            category="Food",
            description="Baker",
        )
    )
    income, spending = 3 * LIMIT, 3 * (LIMIT + 1)

    [summary] = summarise(frame)
    assert summary.income * 10**6 == income
    assert summary.spending * 10**6 == spending
    assert summary.net * 10**6 == -3
    assert [flow.spending * 10**6 for flow in cash_flow(frame)] == [2 * (LIMIT + 1), LIMIT + 1]
    assert [entry.spending * 10**6 for entry in category_breakdown(frame)] == [spending]
    assert [entry.spending * 10**6 for entry in top_merchants(frame)] == [spending]


@pytest.mark.parametrize("column", ["amount_micros", "currency", "kind", "pending", "booking_date"])
def test_a_row_without_a_needed_value_is_refused_by_name(column, as_frame, household):
    hole = household.with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise(pl.col(column)).alias(column)
    )
    # NumPy has no missing integer: pandas turns such a column into floats, which the check of types refuses.
    expected = f"1 ledger row has no '{column}'|column '{column}' is (Float64|Object)"

    with pytest.raises(LedgerError, match=expected):
        summarise(as_frame(hole))
    with pytest.raises(LedgerError, match=expected):
        cash_flow(as_frame(hole))
    with pytest.raises(LedgerError, match=expected):
        category_breakdown(as_frame(hole), period=Period(start=dt.date(2000, 1, 1)))
    with pytest.raises(LedgerError, match=expected):
        top_merchants(as_frame(hole), period=Period(end=dt.date(2100, 1, 1)))


def test_times_of_day_do_not_move_a_booking(as_frame, household):
    evening = household.with_columns(pl.col("booking_date").cast(pl.Datetime("us")) + pl.duration(hours=23, minutes=59))
    period = Period(dt.date(2023, 3, 31), dt.date(2023, 4, 30))

    assert summarise(as_frame(evening), period=period) == summarise(household, period=period)
    assert cash_flow(as_frame(evening)) == cash_flow(household)


def test_merchant_names_of_raw_texts_are_those_of_the_plain_function(as_frame):
    frame = pl.DataFrame({"number": range(len(RAW_TEXTS) + 1), "text": [*RAW_TEXTS, None]})

    answer = _collected(add_merchant_names(as_frame(frame), text="text", name="name"))

    assert [*answer.sort("number")["name"]] == [*map(merchant_name, RAW_TEXTS), None]


def test_merchant_names_of_every_letter_are_those_of_the_plain_function(as_frame):
    letters = [chr(code) for code in range(0x20, 0x30000) if unicodedata.category(chr(code))[0] in "LMNPSZ"]
    texts = ["".join(letters[start : start + 40]) for start in range(0, len(letters), 40)]
    frame = pl.DataFrame({"number": range(len(texts)), "text": texts})

    answer = _collected(add_merchant_names(as_frame(frame), text="text"))

    assert [*answer.sort("number")["merchant"]] == [*map(merchant_name, texts)]


def _collected(frame) -> pl.DataFrame:
    opened = nw.from_native(frame)
    return (opened.collect("polars") if isinstance(opened, nw.LazyFrame) else opened).to_polars()
