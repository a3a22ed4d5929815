"""Speed of the ledger functions beside the same answers written by hand in pandas, Polars and DuckDB SQL.

    python libs/analytics_core/benchmarks/bench_ledger.py [ROWS]

Every contender runs once per round, in turn, so that a busy machine slows all of them alike; the medians of three
rounds are compared. All answers must be equal, in whole micros. `ours/…` is the library on that kind of frame, and is
compared with what is written by hand for it.
"""

import argparse
import datetime as dt
import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
from analytics_core import Basis, cash_flow, category_breakdown, summarise, top_merchants

ROUNDS = 3
SEED = 20_240_229
Answer = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Frames:
    """The same ledger in each engine."""

    polars: pl.DataFrame
    pandas: pd.DataFrame
    relation: duckdb.DuckDBPyRelation
    connection: duckdb.DuckDBPyConnection


def synthetic_ledger(rows: int) -> pl.DataFrame:
    """Give a seeded ledger of ten years: 3 currencies, 1,000 accounts, 24 categories, 50,000 merchants."""
    draw = np.random.default_rng(SEED)
    groups = ("Food", "Home", "Car", "Leisure", "Health", "Children")
    categories = [f"{group} > {part}" for group in groups for part in ("A", "B", "C", "D")]
    merchants = [f"MERCHANT {number}" for number in range(50_000)]
    texts = [f"Card payment to Merchant {number} GmbH 0{number}" for number in range(50_000)]
    merchant = np.minimum(draw.zipf(1.2, rows) - 1, len(merchants) - 1).astype(np.uint32)

    def pick(values: list[str], indices: np.ndarray) -> pl.Series:
        return pl.Series(values)[indices]

    return pl.DataFrame(
        {
            "account_id": pick([f"account-{number}" for number in range(1000)], draw.integers(0, 1000, rows)),
            "booking_date": np.datetime64("2015-01-01") + draw.integers(0, 3653, rows).astype("timedelta64[D]"),
            "amount_micros": -draw.integers(-500, 50_000, rows) * 10_000,
            "currency": pick(["EUR", "USD", "GBP"], draw.choice(3, rows, p=[0.8, 0.15, 0.05])),
            "kind": pick(["expense", "income", "transfer"], draw.choice(3, rows, p=[0.85, 0.1, 0.05])),
            "category": pick(categories, draw.integers(0, len(categories), rows)),
            "merchant": pick(merchants, merchant),
            "description": pick(texts, merchant),
            "pending": draw.random(rows) < 0.01,
        }
    )


def frames(rows: int) -> Frames:
    """Load the ledger into each engine, each in its native form."""
    ledger = synthetic_ledger(rows)
    connection = duckdb.connect()
    connection.register("source", ledger.to_arrow())
    connection.execute("create table ledger as select * from source")
    connection.unregister("source")
    return Frames(ledger, ledger.to_pandas(), connection.table("ledger"), connection)


# --- Plain answers of the library -------------------------------------------------------------------------------------


def _micros(amount: Any) -> int:
    return int(amount.scaleb(6))


def _left_out(basis: Basis) -> tuple[int, int, int]:
    return basis.rows, basis.transfers, basis.pending


def ours_summary(ledger: Any) -> Answer:
    """Sum up per currency, by the library."""
    return [
        (a.currency, _micros(a.income), _micros(a.spending), a.first_date, a.last_date, *_left_out(a.basis))
        for a in summarise(ledger)
    ]


def ours_cash_flow(ledger: Any) -> Answer:
    """Sum up per month, by the library."""
    return [
        (a.currency, a.month, _micros(a.income), _micros(a.spending), *_left_out(a.basis)) for a in cash_flow(ledger)
    ]


def ours_categories(ledger: Any) -> Answer:
    """Break spending down by category, by the library."""
    return [
        (a.currency, a.category, _micros(a.spending), a.rows, *_left_out(a.basis)) for a in category_breakdown(ledger)
    ]


def ours_merchants(ledger: Any) -> Answer:
    """List the twenty highest merchants, by the library."""
    return [
        (a.currency, a.merchant, _micros(a.spending), _micros(a.share_of), a.rows, *_left_out(a.basis))
        for a in top_merchants(ledger)
    ]


# --- By hand: one pass over the rows per engine, and the same small rest in Python ------------------------------------


def _fold(groups: Any) -> dict[Any, list[int]]:
    """Fold (key, kind, pending, micros, rows) into key -> [income, spending, rows, transfers, pending]."""
    found: dict[Any, list[int]] = {}
    for key, kind, pending, micros, rows in groups:
        tally = found.setdefault(key, [0, 0, 0, 0, 0])
        if pending:
            tally[4] += rows
        elif kind == "transfer":
            tally[3] += rows
        else:
            tally[2] += rows
            tally[0 if kind == "income" else 1] += micros if kind == "income" else -micros
    return dict(sorted(found.items()))


def _summary(groups: list[tuple[Any, ...]]) -> Answer:
    counted = [row for row in groups if row[1] != "transfer" and not row[2]]
    return [
        (
            code,
            *tally[:2],
            min(row[5] for row in counted if row[0] == code),
            max(row[6] for row in counted if row[0] == code),
            *tally[2:],
        )
        for code, tally in _fold(row[:5] for row in groups).items()
    ]


def _cash_flow(groups: list[tuple[Any, ...]]) -> Answer:
    return [(*key, *tally) for key, tally in _fold(((row[0], row[1]), *row[2:]) for row in groups).items()]


def _breakdown(groups: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> Answer:
    """Combine rows (currency, name, micros of money out, rows, [total]) with the counts of the other rows."""
    left = _fold((code, kind, pending, 0, rows) for code, kind, pending, rows in others)
    return [(*row, *left[row[0]][3:]) for row in groups]


def pandas_summary(ledger: pd.DataFrame) -> Answer:
    """Sum up per currency, by hand in pandas."""
    groups = ledger.groupby(["currency", "kind", "pending"]).agg(
        micros=("amount_micros", "sum"),
        rows=("amount_micros", "size"),
        first=("booking_date", "min"),
        last=("booking_date", "max"),
    )
    return _summary([(*key, m, n, a.date(), b.date()) for key, m, n, a, b in groups.itertuples()])


def pandas_cash_flow(ledger: pd.DataFrame) -> Answer:
    """Sum up per month, by hand in pandas."""
    month = ledger["booking_date"].dt.to_period("M")
    groups = ledger.groupby(["currency", month, "kind", "pending"])["amount_micros"].agg(["sum", "size"])
    return _cash_flow([(c, m.start_time.date(), k, p, s, n) for (c, m, k, p), s, n in groups.itertuples()])


def _pandas_breakdown(ledger: pd.DataFrame, by: str) -> tuple[pd.DataFrame, list[tuple[Any, ...]]]:
    spending = (ledger["kind"] == "expense") & ~ledger["pending"]
    groups = ledger[spending].groupby(["currency", by])["amount_micros"].agg(["sum", "size"]).reset_index()
    groups["sum"] = -groups["sum"]
    groups["rows"] = groups.groupby("currency")["size"].transform("sum")
    others = ledger[~spending].groupby(["currency", "kind", "pending"]).size()
    return groups, [(*key, rows) for key, rows in others.items()]


def pandas_categories(ledger: pd.DataFrame) -> Answer:
    """Break spending down by category, by hand in pandas."""
    groups, others = _pandas_breakdown(ledger, "category")
    groups = groups.sort_values(["currency", "sum", "category"], ascending=[True, False, True])
    return _breakdown([*groups.itertuples(index=False, name=None)], others)


def pandas_merchants(ledger: pd.DataFrame) -> Answer:
    """List the twenty highest merchants, by hand in pandas."""
    groups, others = _pandas_breakdown(ledger, "merchant")
    groups["whole"] = groups["sum"].clip(lower=0).groupby(groups["currency"]).transform("sum")
    groups = groups[groups["sum"] > 0].sort_values(["currency", "sum", "merchant"], ascending=[True, False, True])
    groups = groups.groupby("currency").head(20)[["currency", "merchant", "sum", "whole", "size", "rows"]]
    return _breakdown([*groups.itertuples(index=False, name=None)], others)


_KEYS = ("currency", "kind", "pending")


def polars_summary(ledger: pl.DataFrame) -> Answer:
    """Sum up per currency, by hand in Polars."""
    day = pl.col("booking_date")
    groups = (
        ledger.lazy()
        .group_by(_KEYS)
        .agg(pl.sum("amount_micros"), pl.len(), day.min().alias("first"), day.max().alias("last"))
    )
    return _summary(groups.collect().rows())


def polars_cash_flow(ledger: pl.DataFrame) -> Answer:
    """Sum up per month, by hand in Polars."""
    groups = (
        ledger.lazy()
        .group_by("currency", pl.col("booking_date").dt.truncate("1mo"), "kind", "pending")
        .agg(pl.sum("amount_micros"), pl.len())
    )
    return _cash_flow(groups.collect().rows())


def _polars_breakdown(ledger: pl.DataFrame, by: str) -> tuple[pl.DataFrame, list[tuple[Any, ...]]]:
    spending = (pl.col("kind") == "expense") & ~pl.col("pending")
    groups = ledger.lazy().filter(spending).group_by("currency", by).agg(-pl.sum("amount_micros"), pl.len())
    others = ledger.lazy().filter(~spending).group_by(_KEYS).agg(pl.len())
    return groups.with_columns(rows=pl.sum("len").over("currency")).collect(), others.collect().rows()


def polars_categories(ledger: pl.DataFrame) -> Answer:
    """Break spending down by category, by hand in Polars."""
    groups, others = _polars_breakdown(ledger, "category")
    return _breakdown(groups.sort("currency", -pl.col("amount_micros"), "category").rows(), others)


def polars_merchants(ledger: pl.DataFrame) -> Answer:
    """List the twenty highest merchants, by hand in Polars."""
    groups, others = _polars_breakdown(ledger, "merchant")
    best = (
        groups.with_columns(whole=pl.col("amount_micros").clip(0).sum().over("currency"))
        .filter(pl.col("amount_micros") > 0)
        .sort("currency", -pl.col("amount_micros"), "merchant")
        .group_by("currency", maintain_order=True)
        .head(20)
    )
    return _breakdown(best.select("currency", "merchant", "amount_micros", "whole", "len", "rows").rows(), others)


def duckdb_summary(connection: duckdb.DuckDBPyConnection) -> Answer:
    """Sum up per currency, by hand in SQL."""
    return _summary(
        connection.execute(
            "select currency, kind, pending, sum(amount_micros), count(*), min(booking_date), max(booking_date) "
            "from ledger group by all"
        ).fetchall()
    )


def duckdb_cash_flow(connection: duckdb.DuckDBPyConnection) -> Answer:
    """Sum up per month, by hand in SQL."""
    return _cash_flow(
        connection.execute(
            "select currency, date_trunc('month', booking_date)::date, kind, pending, sum(amount_micros), count(*) "
            "from ledger group by all"
        ).fetchall()
    )


def _duckdb_breakdown(connection: duckdb.DuckDBPyConnection, columns: str, by: str, rest: str) -> Answer:
    groups = connection.execute(
        f"with spent as (select currency, {by}, -sum(amount_micros) as micros, count(*) as n from ledger "
        f"where kind = 'expense' and not pending group by all) "
        f"select {columns}, sum(n) over (partition by currency) as rows from spent {rest}"
    ).fetchall()
    others = connection.execute(
        "select currency, kind, pending, count(*) from ledger where kind <> 'expense' or pending group by all"
    ).fetchall()
    return _breakdown(groups, others)


def duckdb_categories(connection: duckdb.DuckDBPyConnection) -> Answer:
    """Break spending down by category, by hand in SQL."""
    return _duckdb_breakdown(
        connection, "currency, category, micros, n", "category", "order by currency, micros desc, category"
    )


def duckdb_merchants(connection: duckdb.DuckDBPyConnection) -> Answer:
    """List the twenty highest merchants, by hand in SQL."""
    whole = "sum(greatest(micros, 0)) over (partition by currency)"
    return _duckdb_breakdown(
        connection,
        f"currency, merchant, micros, {whole}, n",
        "merchant",
        "qualify micros > 0 and row_number() over (partition by currency order by micros desc, merchant) <= 20 "
        "order by currency, micros desc, merchant",
    )


Contenders = Mapping[str, Callable[[], Answer]]


def jobs(data: Frames) -> dict[str, Contenders]:
    """Give the contenders of each job."""
    by_hand = {
        "summary": (ours_summary, pandas_summary, polars_summary, duckdb_summary),
        "cash flow": (ours_cash_flow, pandas_cash_flow, polars_cash_flow, duckdb_cash_flow),
        "categories": (ours_categories, pandas_categories, polars_categories, duckdb_categories),
        "merchants": (ours_merchants, pandas_merchants, polars_merchants, duckdb_merchants),
    }
    return {
        job: {
            "ours/polars": partial(ours, data.polars),
            "ours/duckdb": partial(ours, data.relation),
            "ours/pandas": partial(ours, data.pandas),
            "polars": partial(in_polars, data.polars),
            "duckdb": partial(in_duckdb, data.connection),
            "pandas": partial(in_pandas, data.pandas),
        }
        for job, (ours, in_pandas, in_polars, in_duckdb) in by_hand.items()
    }


def _timed(run: Callable[[], Answer]) -> tuple[float, Answer]:
    gc.collect()
    start = time.perf_counter()
    answer = run()
    return time.perf_counter() - start, answer


def measure(contenders: Contenders) -> dict[str, float]:
    """Give the median seconds of each contender, over interleaved rounds after one warm-up."""
    answers = {name: run() for name, run in contenders.items()}
    expected = answers["pandas"]
    for name, answer in answers.items():
        if [tuple(row) for row in answer] != [tuple(row) for row in expected]:
            message = f"{name} gives {answer[:3]}, pandas gives {expected[:3]}"
            raise AssertionError(message)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            seconds, _answer = _timed(run)
            times[name].append(seconds)
    return {name: median(seconds) for name, seconds in times.items()}


def main() -> None:
    """Run all jobs and print seconds and ratios."""
    parser = argparse.ArgumentParser(description="Benchmark of the ledger functions")
    parser.add_argument(
        "rows", nargs="?", type=int, default=10_000_000, help="rows of the ledger (default: 10 million)"
    )
    rows = parser.parse_args().rows
    data = frames(rows)
    print(f"{rows:,} rows, medians of {ROUNDS} interleaved rounds, seconds; {dt.date.today()}")  # noqa: DTZ011
    names = ("ours/polars", "polars", "ours/duckdb", "duckdb", "ours/pandas", "pandas")
    print(f"{'job':12}" + "".join(f"{name:>13}" for name in names))
    for job, contenders in jobs(data).items():
        seconds = measure(contenders)
        print(f"{job:12}" + "".join(f"{seconds[name]:13.3f}" for name in names))
        print(
            f"{'':12}ours/polars is {seconds['pandas'] / seconds['ours/polars']:.1f} times as fast as pandas; "
            f"time of ours by hand's: polars {seconds['ours/polars'] / seconds['polars']:.2f}, "
            f"duckdb {seconds['ours/duckdb'] / seconds['duckdb']:.2f}, "
            f"pandas {seconds['ours/pandas'] / seconds['pandas']:.2f}"
        )


if __name__ == "__main__":
    main()
