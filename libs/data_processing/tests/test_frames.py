"""Frames of statement rows: exact in every kind that takes an Arrow stream."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from data_processing import LEDGER_SCHEMA, frame, investment_frame, ledger_frame, position_frame, read_statement_file

BROKER = Path(__file__).parents[3] / "docs" / "examples" / "broker.ofx"
SUMS = {
    frame: ("amount", Decimal("326.580000")),
    investment_frame: ("units", Decimal("12.420500000000000000")),
    position_frame: ("market_value", Decimal("7898.960000")),
}


@pytest.fixture(scope="module")
def file():
    return read_statement_file(BROKER.read_bytes(), today=date(2026, 11, 20))


@pytest.mark.parametrize("made", SUMS)
def test_other_kinds_of_frames_hold_the_same_exact_numbers(file, made):
    rows = made(file)
    column, expected = SUMS[made]
    assert rows[column].sum() == expected
    table = pa.table(rows)
    assert table.column_names == rows.columns
    assert sum(number for number in table[column].to_pylist() if number is not None) == expected
    assert pd.DataFrame.from_arrow(rows)[column].dropna().sum() == expected
    summed = duckdb.execute(f"SELECT sum({column}) FROM rows")
    assert summed.fetchall() == [(expected,)]


def test_the_rows_of_the_example_are_its_trades_and_positions(file):
    trades = investment_frame(file).select("kind", "security", "trade_date", "amount", "total").rows()
    assert trades == [
        ("buy", "Example World Index Fund", date(2026, 4, 2), Decimal("-1191.82"), Decimal("-1191.82")),
        ("dividend", "Example Industries", date(2026, 4, 15), Decimal("18.40"), Decimal("18.40")),
        ("reinvest", "Example World Index Fund", date(2026, 4, 20), Decimal(0), Decimal("-7.25")),
    ]
    assert position_frame(file).select("ticker", "units", "as_of").rows() == [
        (None, Decimal("52.4205"), date(2026, 4, 30)),
        ("EXMP", Decimal(46), date(2026, 4, 30)),
    ]


def test_a_file_alone_is_a_ledger_in_which_what_becomes_securities_is_not_spent(file):
    ledger = ledger_frame(file)
    assert ledger.schema == LEDGER_SCHEMA
    assert ledger["amount_micros"].sum() == 326_580_000
    assert ledger.select("account", "booking_date", "amount_micros", "kind").rows() == [
        ("DEPOT-77", date(2026, 4, 1), 1_500_000_000, "income"),
        ("DEPOT-77", date(2026, 4, 2), -1_191_820_000, "transfer"),
        ("DEPOT-77", date(2026, 4, 15), 18_400_000, "income"),
    ]


def test_rows_of_a_ledger_are_called_as_their_file_calls_them_and_have_an_identity_each():
    content = b"!Account\nNPurse\nTCash\n^\n!Type:Cash\n" + 2 * b"D12/31/2025\nT-2.80\nPTea\n^\n"
    ledger = ledger_frame(read_statement_file(content), currency="EUR")
    assert ledger.select("account_id", "currency", "description", "pending").unique().rows() == [
        ("Purse", "EUR", "Tea", False)
    ]
    assert ledger["id"].n_unique() == 2
