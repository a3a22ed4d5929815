"""What rules cost: on their own, in an import, and over the whole history.

    python services/transaction_service/benchmarks/bench_rules.py [--rows 50000] [--rules 100]

No two rows have the same text, so that nothing can be remembered from row to row. Compared is the processor time of
this process; only the ratios of one run mean anything.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import httpx2
from api_common.testing import Issuer, client_for
from transaction_service.categories.defaults import default_category_id
from transaction_service.main import service
from transaction_service.models import Rule
from transaction_service.rules.categorisation import Categoriser, RowFacts
from transaction_service.search.text import searchable
from transaction_service.settings import Settings

GROCERIES = default_category_id("food/groceries")
USER = uuid4()


def text(number: int) -> str:
    """The text of a row: a card payment at one of many shops, with a reference of its own."""
    return f"Card payment shop {number * 7919 % 4000} Berlin ref {number:08d}"


def rules(count: int, kind: str) -> list[Rule]:
    """Rules of one kind, each for one shop."""
    return [
        Rule(id=uuid4(), user_id=USER, position=n, conditions=conditions(n, kind), category_id=GROCERIES)
        for n in range(count)
    ]


def conditions(shop: int, kind: str) -> list[dict[str, object]]:
    """The conditions of a rule for a shop."""
    if kind == "expressions":
        return [{"field": "text", "operator": "matches", "value": rf"shop {shop}\b.*ref \d+"}]
    of_text: dict[str, object] = {"field": "text", "operator": "contains", "value": f"shop {shop} berlin"}
    amount: dict[str, object] = {"field": "amount", "operator": "less", "value": "-1.00"}
    return [of_text] if kind == "texts" else [of_text, amount]


def shown(label: str, rows: int, seconds: float) -> float:
    """Print a line of the table."""
    print(f"{label:<44}{seconds:>8.2f} s{rows / seconds:>12,.0f} rows/s")
    return seconds


def decisions(rows: int, count: int) -> None:
    """Decide on rows by rules of every kind, without anything around it."""
    account, day = uuid4(), date(2026, 3, 1)
    texts = [text(number) for number in range(rows)]
    facts = [
        RowFacts(searchable(t), t, None, None, None, None, None, None, Decimal("-2.50"), "EUR", account, day)
        for t in texts
    ]
    for kind in ("texts", "text and amount", "expressions"):
        categoriser = Categoriser(rules(count, kind))
        started = time.process_time()
        found = sum(categoriser.decide(row).category_id is not None for row in facts)
        shown(f"decide, {count} rules of {kind} ({found} rows fit)", rows, time.process_time() - started)


def statement(rows: int) -> bytes:
    """A CSV statement of so many rows."""
    lines = (f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d},{text(n)},-{n % 900}.{n % 100:02d},EUR" for n in range(rows))
    return "\n".join(["Date,Description,Amount,Currency", *lines, ""]).encode()


async def timed(label: str, rows: int, client: httpx2.AsyncClient, path: str, **options: object) -> float:
    """Send a request and print what it cost."""
    started = time.process_time()
    answer = await client.post(path, timeout=600, **options)  # type: ignore[arg-type]  # passed on as given
    seconds = time.process_time() - started
    answer.raise_for_status()
    return shown(label, rows, seconds)


async def through_the_application(folder: Path, rows: int, wanted: Sequence[Rule]) -> None:
    """Upload with and without rules, and apply them to what is there."""
    issuer = Issuer(folder / "jwks.json")
    settings = Settings(profile="test", data_dir=folder, jwks_file=issuer.jwks_file, log_level="warning")
    async with client_for(service(settings)) as client:
        seconds = []
        for with_rules in (False, True):
            client.headers.update(issuer.headers(uuid4()))
            account = (await client.post("/v1/accounts", json={"name": "Bench", "currency": "EUR"})).json()
            for rule in wanted if with_rules else ():
                body = {"conditions": rule.conditions, "actions": {"category_id": str(rule.category_id)}}
                (await client.post("/v1/rules", json=body)).raise_for_status()
            label = f"upload with {len(wanted)} rules" if with_rules else "upload without rules"
            upload = {"params": {"account_id": account["id"]}, "content": statement(rows)}
            seconds.append(await timed(label, rows, client, "/v1/imports", **upload))
        print(f"without / with rules: {seconds[0] / seconds[1]:.2f}")
        await timed("dry run, nothing to change", rows, client, "/v1/rules/preview")
        await timed("apply, nothing to change", rows, client, "/v1/rules/apply")
        everything = {"field": "text", "operator": "contains", "value": "berlin"}
        body = {"conditions": [everything], "actions": {"tags": ["city"], "transfer": True}}
        (await client.post("/v1/rules", json=body)).raise_for_status()
        await timed("apply, every row changes", rows, client, "/v1/rules/apply")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rules", type=int, default=100)
    given = parser.parse_args()
    decisions(given.rows, given.rules)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(through_the_application(Path(folder), given.rows, rules(given.rules, "texts")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
