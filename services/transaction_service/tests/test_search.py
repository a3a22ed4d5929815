"""The list over HTTP as a search: every filter, order and page is what a plain reading of all rows would give."""

import operator
import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import httpx2
import pytest
from api_common.database import Database
from api_common.pagination import Page
from api_common.testing import assert_matches_model
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.models import Transaction
from transaction_service.repository import listing, row_search
from transaction_service.schemas.transactions import TransactionSchema
from transaction_service.search.words import query_words, search_words

DESCRIPTIONS = (
    "Müller Straße 5",
    "MUELLER GmbH",
    "muller",
    "Post Frankfurt",
    "McDonald's Köln",
    "Ørsted A/S",
    "łódź ĄĆ",
    "Kartenzahlung REWE 123",
    "kartenzahlung Grünauer",
    "☕ coffee",
    "",
    "blau blue blu",
)
MERCHANTS = ("Aldi", "aldi", "Zara", "Ökomarkt", None)
NOTES = (None, "holiday with Zoë", "tax 2026")
TAGS = ("Urlaub", "b/c", "éte")
QUERIES = (
    "muller",
    "Müller",
    "MUELL",
    "mueller",
    "kart",
    "karte rewe",
    "k",
    "zoe hol",
    "urlaub",
    "a s",
    "5",
    "☕",
    "--",
)
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "booking_date": operator.itemgetter("booking_date"),
    "amount": lambda row: Decimal(row["amount"]),
    "merchant": lambda row: (row["merchant"] or "").translate({65 + n: 97 + n for n in range(26)}).encode(),
    "created_at": operator.itemgetter("created_at"),
}


class Reference:
    """A ledger over HTTP, and the same rows in Python."""

    def __init__(self, client: httpx2.AsyncClient, rows: list[dict[str, Any]], accounts: list[dict[str, Any]]) -> None:
        self.client, self.rows, self.accounts = client, rows, accounts

    async def found(self, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of all pages."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await self.client.get("/v1/transactions", params={**parameters, **cursor})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            assert len(page["items"]) == int(parameters.get("limit", 50))
            cursor = {"cursor": page["next_cursor"]}

    async def totals(self, **parameters: Any) -> dict[str, Any]:
        """The sums of the list."""
        answer = await self.client.get("/v1/transactions/totals", params=parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def expected(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows that pass a filter, in its order."""
        passing = [row for row in self.rows if all(_passes(row, name, value) for name, value in wanted.items())]
        name = wanted["sort"].removeprefix("-")
        return sorted(passing, key=lambda row: (SORTS[name](row), row["id"]), reverse=wanted["sort"].startswith("-"))


def _words_of(row: dict[str, Any]) -> str:
    texts = (row["description"], row["merchant"], row["note"], row["counterparty"], *row["tags"])
    return search_words(" ".join(text for text in texts if text))


def _passes(row: dict[str, Any], name: str, value: Any) -> bool:
    amount = Decimal(row["amount"])
    match name:
        case "q":
            words = query_words(value)
            return bool(words) and all(word.fits(_words_of(row)) for word in words)
        case "account_id":
            return bool(row["account_id"] in value)
        case "from":
            return bool(row["booking_date"] >= value)
        case "to":
            return bool(row["booking_date"] <= value)
        case "amount_min":
            return amount >= Decimal(value)
        case "amount_max":
            return amount <= Decimal(value)
        case "direction":
            return amount > 0 if value == "in" else amount < 0
        case "tag":
            return set(value) <= set(row["tags"])
        case "has_note":
            return bool((row["note"] is not None) == value)
        case "deleted":
            return bool((row["deleted_at"] is not None) == value)
        case "marked_transfer" | "currency" | "merchant" | "categorised_by":
            return bool(row[name] == value)
        case _:
            return True


def _filters(reference: Reference) -> st.SearchStrategy[dict[str, Any]]:
    accounts = [account["id"] for account in reference.accounts]
    signs = ["", "-"]
    return st.fixed_dictionaries(
        {
            "sort": st.builds(operator.add, st.sampled_from(signs), st.sampled_from(sorted(SORTS))),
            "limit": st.sampled_from([1, 3, 7, 50]),
            "deleted": st.sampled_from([False, False, False, True]),
        },
        optional={
            "q": st.sampled_from(QUERIES),
            "account_id": st.lists(st.sampled_from(accounts), min_size=1, max_size=2, unique=True),
            "from": st.sampled_from(["2026-01-03", "2026-01-10"]),
            "to": st.sampled_from(["2026-01-12", "2026-01-20"]),
            "amount_min": st.sampled_from(["-5", "0"]),
            "amount_max": st.sampled_from(["0", "3.50"]),
            "direction": st.sampled_from(["in", "out"]),
            "tag": st.lists(st.sampled_from(TAGS), min_size=1, max_size=2, unique=True),
            "has_note": st.booleans(),
            "marked_transfer": st.booleans(),
            "currency": st.sampled_from(["EUR", "USD"]),
            "merchant": st.sampled_from([merchant for merchant in MERCHANTS if merchant]),
            "categorised_by": st.sampled_from(["none", "user"]),
        },
    )


@pytest.fixture
async def reference(household: Any, client: httpx2.AsyncClient) -> Reference:
    """Fifty rows on three accounts, some deleted."""
    chance = random.Random(7)
    accounts = [await household.account(name=f"Account {n}", currency="USD" if n == 2 else "EUR") for n in range(3)]
    for n in range(50):
        row = await household.enter(
            chance.choice(accounts),
            f"{chance.randint(-900, 900) / 100:.2f}",
            booking_date=str(date(2026, 1, 1) + timedelta(days=chance.randrange(20))),
            description=chance.choice(DESCRIPTIONS),
            merchant=chance.choice(MERCHANTS),
            note=chance.choice(NOTES),
            tags=chance.sample(TAGS, chance.choice([0, 0, 1, 2])),
            category_id=str(DEFAULT_CATEGORIES[-1].id) if n % 7 == 0 else None,
            marked_transfer=chance.random() < 0.1,
        )
        if n % 9 == 0:
            await household.delete(f"/v1/transactions/{row['id']}", row["version"])
    found = [
        item
        for deleted in ("false", "true")
        for item in (await client.get("/v1/transactions", params={"limit": 500, "deleted": deleted})).json()["items"]
    ]
    assert len(found) == 50
    return Reference(client, found, accounts)


class Way(NamedTuple):
    """What a small ledger is told, so that its searches go the way of a large one."""

    first: int
    further: int
    furthest: int
    often: int


WAYS = {
    "the first rows of the order": Way(5_000, 5_000, 5_000, 20),
    "candidates near the beginning of the order": Way(4, 4, 1_000, 1_000),
    "all candidates": Way(4, 4, 0, 1_000),
    "words that many rows have": Way(2, 8, 0, 0),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
async def test_every_search_finds_what_a_reading_of_all_rows_finds(
    reference: Reference, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FIRST", way.first)
    monkeypatch.setattr(listing, "FURTHER", way.further)
    monkeypatch.setattr(listing, "FURTHEST", way.furthest)
    monkeypatch.setattr(row_search, "OFTEN", way.often)
    found_any = 0

    async def compare(wanted: dict[str, Any]) -> None:
        nonlocal found_any
        expected = reference.expected(wanted)
        assert await reference.found(**wanted) == expected
        found_any += bool(expected)
        filters = {name: value for name, value in wanted.items() if name not in {"sort", "limit"}}
        assert await reference.totals(**filters) == _totals(expected)

    for wanted in examples(_filters(reference), 60):
        await compare(wanted)
    for query in QUERIES:
        await compare({"sort": "-booking_date", "limit": 7, "deleted": False, "q": query})
    assert found_any > 10


def examples(strategy: st.SearchStrategy[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """So many examples, drawn outside of the event loop."""
    drawn: list[dict[str, Any]] = []

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(example: dict[str, Any]) -> None:
        drawn.append(example)

    collect()
    return drawn


def _totals(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = []
    for currency in sorted({row["currency"] for row in rows}):
        amounts = [Decimal(row["amount"]) for row in rows if row["currency"] == currency]
        money_in = sum((amount for amount in amounts if amount > 0), Decimal(0))
        total = sum(amounts, Decimal(0))
        found.append(
            {
                "currency": currency,
                "rows": len(amounts),
                "total": f"{total:.2f}",
                "money_in": f"{money_in:.2f}",
                "money_out": f"{total - money_in:.2f}",
            }
        )
    return {"rows": len(rows), "currencies": found}


async def test_nobody_finds_the_rows_of_others(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FIRST", 1)
    account = await household.account()
    for n in range(3):
        await household.enter(account, "-1", description=f"secret {n}", tags=["mine"], note="x", merchant="Shop")
    filters: tuple[dict[str, str], ...] = ({"q": "secret"}, {"tag": "mine"}, {"merchant": "Shop"}, {"has_note": "true"})
    for parameters in filters:
        assert len((await client.get("/v1/transactions", params=parameters)).json()["items"]) == 3
        for path in ("/v1/transactions", "/v1/transactions/totals"):
            answer = (await client.get(path, params=parameters, headers=stranger)).json()
            assert answer in ({"items": [], "next_cursor": None}, {"rows": 0, "currencies": []})


async def test_a_cursor_belongs_to_its_order_and_filters(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    for n in range(3):
        await household.enter(account, f"-{n}.00", description="word")
    wanted = {"q": "word", "sort": "amount", "limit": "1"}
    cursor = (await client.get("/v1/transactions", params=wanted)).json()["next_cursor"]
    again = await client.get("/v1/transactions", params={**wanted, "cursor": cursor})
    assert (again.status_code, again.json()["items"][0]["amount"]) == (200, "-1.00")
    for other in ({"q": "wor"}, {"sort": "-amount"}, {"direction": "out"}, {"account_id": account["id"]}):
        refused = await client.get("/v1/transactions", params={**wanted, **other, "cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor"), other


async def test_totals_are_exact_however_large(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    for _ in range(12):
        await household.enter(account, "999999999999.999999")
    await household.enter(account, "-0.000001")
    answer = (await client.get("/v1/transactions/totals")).json()
    assert answer["currencies"] == [
        {
            "currency": "EUR",
            "rows": 13,
            "total": "11999999999999.999987",
            "money_in": "11999999999999.999988",
            "money_out": "-0.000001",
        }
    ]


async def test_the_list_is_what_its_model_says(reference: Reference) -> None:
    for sort in ("merchant", "-amount"):
        answer = await reference.client.get("/v1/transactions", params={"sort": sort, "limit": 20})
        assert_matches_model(answer.content, Page[TransactionSchema])


async def test_the_database_writes_every_value_as_the_model_does(household: Any, app: FastAPI) -> None:
    account = await household.account()
    row = await household.enter(account, "-0.000001", description='"quoted" \\ tab\t \u2028 ☕ \x7f')
    database: Database = app.state.runtimes["transaction_service"].database
    details: list[dict[str, object]] = [{"amount": 1.5, "text": 'a "b" ü'}, {}]
    async with database.write() as session:
        stored = await session.get_one(Transaction, UUID(row["id"]))
        stored.confidence, stored.details = 0.1 + 0.2, details
        stored.balance, stored.stated_amount = Decimal("-1234567.8901"), Decimal(0)
        stored.created_at, stored.edited_at = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 600, UTC)
    (listed,) = await household.rows()
    read = (await household.client.get(f"/v1/transactions/{row['id']}")).json()
    assert listed == read
    expected = (0.1 + 0.2, details, "-1234567.8901", "2026-01-01T00:00:00Z", "2026-01-02T03:04:05.000600Z")
    names = ("confidence", "details", "balance", "created_at", "edited_at")
    assert tuple(listed[name] for name in names) == expected
