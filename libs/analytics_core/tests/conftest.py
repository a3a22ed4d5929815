"""Ledgers for the tests, as frames of every supported kind."""

import datetime as dt
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

SCHEMA = {
    "id": pl.String,
    "account_id": pl.String,
    "booking_date": pl.Date,
    "amount_micros": pl.Int64,
    "currency": pl.String,
    "kind": pl.String,
    "category": pl.String,
    "merchant": pl.String,
    "counterparty": pl.String,
    "description": pl.String,
    "pending": pl.Boolean,
}
KINDS_OF_FRAME = (
    "polars",
    "polars_lazy",
    "pandas",
    "pandas_objects",
    "pandas_pyarrow",
    "pyarrow",
    "duckdb",
    "spark",
)

Row = dict[str, Any]
Ledger = Callable[..., pl.DataFrame]


def make_ledger(*rows: Row, **columns: Any) -> pl.DataFrame:
    """Give a ledger: each row is a booked expense in EUR of account `a`, but for what it says itself."""
    usual = {
        "account_id": "a",
        "booking_date": dt.date(2024, 1, 15),
        "amount_micros": -1_000_000,
        "currency": "EUR",
        "kind": "expense",
        "pending": False,
    }
    return pl.DataFrame(
        [{"id": str(number), **usual, **columns, **row} for number, row in enumerate(rows)], schema=SCHEMA
    )


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    return make_ledger


@pytest.fixture(scope="session")
def household() -> pl.DataFrame:
    """Give 400 rows of two years, three currencies, three accounts, with every kind of gap a ledger may have."""
    draw = random.Random(20)
    texts = [None, "", "SQ *BLUE BOTTLE COFFEE", "TESCO STORES 3217", "Straße 7 GmbH", "4711", "Ünal\tKaya//BERLIN/DE"]
    rows = [
        {
            "account_id": draw.choice("abc"),
            "booking_date": dt.date(2023, 1, 1) + dt.timedelta(days=draw.choice([*range(200), *range(400, 730)])),
            "amount_micros": draw.choice([1, -1, -1, -1]) * draw.randrange(0, 10**10),
            "currency": draw.choice(["EUR", "EUR", "USD", "JPY"]),
            "kind": draw.choice(["income", "expense", "expense", "expense", "transfer"]),
            "category": draw.choice([None, "Food", "Food > Groceries", "Food > Groceries > Organic", "Car > Fuel"]),
            "merchant": draw.choice([None, None, "", "TESCO", "Café Ölçü"]),
            "counterparty": draw.choice(texts),
            "description": draw.choice(texts),
            "pending": draw.random() < 0.1,
        }
        for _ in range(400)
    ]
    return make_ledger(*rows)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Give a Spark Connect session on a Sail server inside this process."""
    from pysail.spark import SparkConnectServer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        from pyspark.sql import SparkSession

        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()
        session.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")
        yield session
        session.stop()
        server.stop()


@pytest.fixture(scope="session", params=KINDS_OF_FRAME)
def as_frame(request: pytest.FixtureRequest) -> Callable[[pl.DataFrame], Any]:
    """Give the function that turns a Polars frame into one of another kind."""
    kind: str = request.param
    if kind == "spark":
        session = request.getfixturevalue("spark")
        # Spark makes no frame of an empty table, so an empty one is a row of nulls that is cut off.
        return lambda frame: session.createDataFrame((frame if len(frame) else frame.clear(1)).to_arrow()).limit(
            len(frame)
        )
    return {
        "polars": lambda frame: frame,
        "polars_lazy": lambda frame: frame.lazy(),
        "pandas": lambda frame: frame.to_pandas(),
        "pandas_objects": lambda frame: pd.DataFrame(frame.to_dict(as_series=False)).astype(
            {name: object for name, dtype in frame.schema.items() if dtype in (pl.String, pl.Date)}
        ),
        "pandas_pyarrow": lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
        "pyarrow": lambda frame: pa.table(frame),
        "duckdb": lambda frame: duckdb.from_arrow(frame.to_arrow()),
    }[kind]
