"""What the functions promise, on small ledgers worked out by hand."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest
from analytics_core import (
    Basis,
    CategoryShare,
    LedgerError,
    MerchantTotal,
    MonthlyCashFlow,
    Period,
    cash_flow,
    category_breakdown,
    merchant_name,
    summarise,
    top_merchants,
)
from analytics_core.merchant_names import AFTER_CAPITALS, BEFORE_CAPITALS

ALL = Period()


def test_a_refund_reduces_spending_and_is_no_income(ledger):
    [summary] = summarise(ledger({"amount_micros": -30_000_000}, {"amount_micros": 12_000_000}))

    assert (summary.income, summary.spending, summary.net) == (Decimal(0), Decimal(18), Decimal(-18))
    assert summary.savings_rate is None


def test_transfers_and_pending_rows_are_left_out_and_counted(ledger):
    [summary] = summarise(
        ledger(
            {"amount_micros": 4_000_000, "kind": "income", "booking_date": dt.date(2024, 1, 2)},
            {"kind": "transfer", "booking_date": dt.date(2024, 1, 1)},
            {"kind": "transfer", "pending": True},
            {"pending": True, "booking_date": dt.date(2024, 1, 3)},
        )
    )

    assert summary.basis == Basis(ALL, None, rows=1, transfers=1, pending=2)
    assert (summary.income, summary.savings_rate) == (Decimal(4), 1.0)
    assert (summary.first_date, summary.last_date) == (dt.date(2024, 1, 2), dt.date(2024, 1, 2))


def test_currencies_are_never_added_up(ledger):
    rows = ledger({"currency": "USD"}, {"currency": "EUR"}, {"currency": "JPY"}, category="Food", description="Baker")

    for function in (summarise, cash_flow, category_breakdown, top_merchants):
        assert [result.currency for result in function(rows)] == ["EUR", "JPY", "USD"]
        assert {result.spending for result in function(rows)} == {Decimal(1)}


def test_both_ends_of_a_period_count(ledger):
    rows = ledger(
        *({"booking_date": dt.date(2024, 2, day), "amount_micros": -(10**day)} for day in (1, 2, 8, 9)),
    )

    [summary] = summarise(rows, period=Period(dt.date(2024, 2, 2), dt.date(2024, 2, 8)), accounts=("a", "unused", "a"))

    assert summary.spending * 10**6 == 10**2 + 10**8
    assert summary.basis.accounts == ("a", "unused")
    assert summary.basis.period == Period(dt.date(2024, 2, 2), dt.date(2024, 2, 8))


def test_months_without_rows_and_with_transfers_only_are_there_with_zeros(ledger):
    flows = cash_flow(
        ledger(
            {"booking_date": dt.date(2023, 11, 30), "amount_micros": 2_500_000, "kind": "income"},
            {"booking_date": dt.date(2024, 1, 1), "kind": "transfer"},
        )
    )

    def zero(month, transfers):
        return MonthlyCashFlow(
            month, "EUR", Decimal(0), Decimal(0), Decimal(0), None, Basis(ALL, None, 0, transfers, 0)
        )

    assert flows == [
        MonthlyCashFlow(
            dt.date(2023, 11, 1), "EUR", Decimal("2.5"), Decimal(0), Decimal("2.5"), 1.0, Basis(ALL, None, 1, 0, 0)
        ),
        zero(dt.date(2023, 12, 1), 0),
        zero(dt.date(2024, 1, 1), 1),
    ]


def test_categories_roll_up_to_the_depth_asked_for(ledger):
    rows = ledger(
        {"category": "Food > Groceries > Organic", "amount_micros": -1_000_000},
        {"category": "Food > Groceries", "amount_micros": -2_000_000},
        {"category": "Food", "amount_micros": -4_000_000},
        {"category": "Car", "amount_micros": -8_000_000},
        {"category": None, "amount_micros": -1_000_000},
    )

    def spent(depth):
        return {entry.category: int(entry.spending) for entry in category_breakdown(rows, depth=depth)}

    assert spent(1) == {"Car": 8, "Food": 7, None: 1}
    assert spent(2) == {"Car": 8, "Food": 4, "Food > Groceries": 3, None: 1}
    assert spent(None) == {"Car": 8, "Food": 4, "Food > Groceries": 2, "Food > Groceries > Organic": 1, None: 1}


def test_a_category_with_net_refunds_keeps_its_amount_and_has_no_share(ledger):
    rows = ledger(
        {"category": "Food", "amount_micros": -3_000_000},
        {"category": None, "amount_micros": -1_000_000},
        {"category": "Shoes", "amount_micros": 2_000_000},
        {"category": "Food", "kind": "income", "amount_micros": 9_000_000},
    )
    basis = Basis(ALL, None, rows=3, transfers=0, pending=0)

    assert category_breakdown(rows) == [
        CategoryShare("EUR", "Food", Decimal(3), 0.75, Decimal(4), 1, basis),
        CategoryShare("EUR", None, Decimal(1), 0.25, Decimal(4), 1, basis),
        CategoryShare("EUR", "Shoes", Decimal(-2), 0.0, Decimal(4), 1, basis),
    ]


def test_nothing_but_refunds_has_no_shares_at_all(ledger):
    [entry] = category_breakdown(ledger({"category": "Shoes", "amount_micros": 2_000_000}))

    assert (entry.spending, entry.share, entry.share_of) == (Decimal(-2), None, Decimal(0))


def test_merchants_come_from_the_column_then_counterparty_then_description(ledger):
    rows = ledger(
        {"merchant": "Tesco", "description": "REWE", "amount_micros": -5_000_000},
        {"merchant": "", "counterparty": "Tesco Express", "description": "REWE", "amount_micros": -4_000_000},
        {"counterparty": "", "description": "SQ *TESCO", "amount_micros": -3_000_000},
        {"amount_micros": -1_000_000},
        {"merchant": "Shoes", "amount_micros": 1_000_000},
        {"merchant": "Job", "kind": "income", "amount_micros": 1_000_000},
    )
    basis = Basis(ALL, None, rows=5, transfers=0, pending=0)

    assert top_merchants(rows) == [
        MerchantTotal("EUR", "TESCO", Decimal(7), 7 / 13, Decimal(13), 2, basis),
        MerchantTotal("EUR", "Tesco", Decimal(5), 5 / 13, Decimal(13), 1, basis),
        MerchantTotal("EUR", None, Decimal(1), 1 / 13, Decimal(13), 1, basis),
    ]


def test_the_limit_holds_per_currency_and_equal_spendings_are_in_order_of_name(ledger):
    rows = ledger(
        *({"merchant": name, "currency": code} for name in ("C", "A", "B") for code in ("USD", "EUR")),
        {"merchant": "D", "currency": "EUR", "amount_micros": -2_000_000},
    )

    found = [(total.currency, total.merchant) for total in top_merchants(rows, limit=2)]

    assert found == [("EUR", "D"), ("EUR", "A"), ("USD", "A"), ("USD", "B")]


def test_a_frame_that_is_no_ledger_is_refused_with_all_its_problems():
    frame = pl.DataFrame({"amount_micros": [1.5], "currency": ["EUR"], "kind": [1], "booking_date": ["2024-01-01"]})

    with pytest.raises(LedgerError) as refusal:
        summarise(frame)

    assert str(refusal.value) == (
        "The frame is not a ledger: column 'pending' is missing; column 'amount_micros' is Float64, "
        "must be whole micros as a signed integer of at most 64 bits (amount * 1_000_000, never a float); "
        "column 'kind' is Int64, must be text; column 'booking_date' is String, must be a date, or a datetime "
        "without time zone. Its columns are amount_micros, currency, kind, booking_date"
    )


def test_the_columns_of_a_foreign_frame_are_named():
    for frame in (pd.DataFrame({"Betrag": [1.0], "Datum": ["2024-01-01"]}), pl.LazyFrame({"Betrag": [], "Datum": []})):
        with pytest.raises(LedgerError, match=r"'amount_micros' is missing; .*\. Its columns are Betrag, Datum$"):
            summarise(frame)


def test_a_moment_with_a_time_zone_is_no_booking_date(ledger):
    zoned = ledger({}).with_columns(pl.lit(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).alias("booking_date"))

    with pytest.raises(LedgerError, match="without time zone"):
        cash_flow(zoned)


def test_columns_are_needed_only_where_they_are_used(ledger):
    rows = ledger({}, category="Food")

    assert len(category_breakdown(rows.drop("booking_date", "account_id"))) == 1
    with pytest.raises(LedgerError, match="column 'account_id' is missing"):
        category_breakdown(rows.drop("account_id"), accounts=["a"])
    with pytest.raises(LedgerError, match="column 'booking_date' is missing"):
        category_breakdown(rows.drop("booking_date"), period=Period.year(2024))
    with pytest.raises(LedgerError, match="it needs 'merchant', 'counterparty' or 'description'"):
        top_merchants(rows.drop("merchant", "counterparty", "description"))


def test_several_rows_without_a_currency_are_counted(ledger):
    with pytest.raises(LedgerError, match="2 ledger rows have no 'currency'; fill the column"):
        summarise(ledger({"currency": None}, {"currency": None}, {}))


def test_an_unknown_kind_is_refused_by_name(ledger):
    for function in (summarise, cash_flow, category_breakdown, top_merchants):
        with pytest.raises(LedgerError, match=r"Column 'kind' holds 'Expense'; it must hold 'income', 'expense'"):
            function(ledger({"kind": "Expense"}, {}, category="Food", description="x"))


def test_a_column_of_mixed_types_is_refused():
    frame = pd.DataFrame(
        {"amount_micros": [1, 2], "currency": ["EUR", 7], "kind": ["income"] * 2, "pending": [False, False]}
    ).assign(booking_date=pd.Timestamp(2024, 1, 1))

    with pytest.raises(LedgerError, match="give each column one type"):
        summarise(frame)


def test_text_columns_may_be_categorical(ledger):
    rows = ledger({"category": "Food"}, {"category": None})

    assert category_breakdown(rows.with_columns(pl.col("currency", "kind", "category").cast(pl.Categorical))) == (
        category_breakdown(rows)
    )


@pytest.mark.parametrize("thing", [[1, 2], {"a": [1]}, None, pl.Series([1])], ids=["list", "dict", "none", "series"])
def test_what_is_no_frame_is_refused(thing):
    with pytest.raises(TypeError, match="A ledger must be a Polars, pandas, PyArrow, DuckDB or Spark frame, not"):
        summarise(thing)


def test_arguments_that_cannot_be_meant_are_refused(ledger):
    with pytest.raises(TypeError, match=r"accounts must be a collection of account ids, not one string; write \['a'\]"):
        summarise(ledger({}), accounts="a")
    with pytest.raises(ValueError, match="depth must be at least 1, not 0"):
        category_breakdown(ledger({}), depth=0)
    with pytest.raises(ValueError, match="limit must be at least 1, not 0"):
        top_merchants(ledger({}), limit=0)
    with pytest.raises(ValueError, match="starts on 2024-02-01 after its end on 2024-01-01"):
        Period(dt.date(2024, 2, 1), dt.date(2024, 1, 1))
    with pytest.raises(TypeError, match=r"Period end must be a datetime\.date or None"):
        Period(end=dt.datetime(2024, 2, 1))  # noqa: DTZ001 - any datetime is wrong here


def test_calendar_periods_end_on_their_last_day():
    assert Period.month(2023, 2) == Period(dt.date(2023, 2, 1), dt.date(2023, 2, 28))
    assert Period.year(2024) == Period(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    assert dt.date(2024, 12, 31) in Period.year(2024)
    assert dt.date(2025, 1, 1) not in Period.year(2024)
    assert dt.date(2023, 12, 31) not in Period.year(2024)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("POS MERCHANDISE;CONNIE'S HAIR D", "CONNIE'S HAIR D"),
        ("CLOUDFLARE 650-3198939, US 9.95 USD, 1 USD = 0.88241 EUR", "CLOUDFLARE"),
        ("Refund: CLOUDFLARE (650-3198939, US) 1 USD = 1.13 EUR", "CLOUDFLARE"),
        ("Devolución Tarjeta AMZN Mktp ES", "AMAZON"),
        ("Amazon.de*AB12", "AMAZON"),
        ("UBER   *TRIP HELP.UBER.COM", "UBER"),
        ("CARD PAYMENT TO TESCO STORES 3217 ON 12 MAY 2024", "TESCO"),
        ("REWE SAGT DANKE. 42130//BERLIN/DE", "REWE"),
        ("CHECKCARD 0512 STARBUCKS #1234 SEATTLE WA", "STARBUCKS"),
        ("www.netflix.com/browse", "NETFLIX"),
        ("7-ELEVEN 34567 DALLAS TX", "7-ELEVEN"),
        ("Studio 54 Bar", "STUDIO 54 BAR"),
        ("365 Online  ", "365 ONLINE"),
        ("1&1 Telecom GmbH", "1&1 TELECOM"),
        ("dm-drogerie markt GmbH + Co. KG", "DM-DROGERIE MARKT"),
        ("H&M 0123 London GB", "H&M"),
        ("Bäckerei Müller 12.03.24 14:33", "BÄCKEREI MÜLLER"),
        ("PAYMENT", "PAYMENT"),
        ("4711", "4711"),
        ("***", "***"),
        (" \t\n", ""),
    ],
)
def test_raw_bank_text_gives_the_merchants_name(text, name):
    assert merchant_name(text) == name


@pytest.mark.parametrize("rule", [*BEFORE_CAPITALS, *AFTER_CAPITALS], ids=lambda rule: rule.pattern[:20])
def test_every_rule_keeps_to_what_all_regex_engines_share(rule):
    for special in ("(?", r"\b", r"\d", r"\s", r"\w", r"\p", r"\1", "*+", "++", "?+", "&&", "[["):
        assert special not in rule.pattern
    assert "$" not in rule.replacement
    assert "\\" not in rule.replacement
