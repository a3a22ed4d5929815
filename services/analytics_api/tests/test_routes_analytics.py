from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import pytest
from analytics_api.main import service
from analytics_api.settings import Settings
from api_common.testing import Issuer, SettingsFactory, client_for
from fastapi import Response

if TYPE_CHECKING:
    from conftest import LedgerProvider

ROUTES = ("summary", "cash-flow", "categories", "merchants")

GIRO, SAVINGS = (str(uuid4()) for _ in range(2))


@pytest.fixture
def household(provider: LedgerProvider) -> None:
    """Three months in two currencies, with a transfer, a refund and a pending row."""
    january, february, march = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 1)
    groceries = {"account_id": GIRO, "category": "Food > Groceries", "merchant": "Grocer"}
    eating_out = {"account_id": GIRO, "category": "Food > Eating out", "merchant": "Trattoria"}
    book = provider.book
    book(account_id=GIRO, booking_date=january, amount_micros=2_000_000_000, kind="income", merchant="Employer")
    book(booking_date=date(2026, 2, 1), amount_micros=-61_370_000, **groceries)
    book(booking_date=date(2026, 2, 3), amount_micros=-38_630_000, **eating_out)
    book(booking_date=february, amount_micros=11_370_000, **groceries)
    book(account_id=GIRO, booking_date=february, amount_micros=-500_000_000, kind="transfer")
    book(account_id=SAVINGS, booking_date=february, amount_micros=500_000_000, kind="transfer")
    book(account_id=SAVINGS, booking_date=march, amount_micros=-1_000_001, currency="USD", merchant="Grocer")
    book(account_id=GIRO, booking_date=march, amount_micros=-9_990_000, pending=True)


async def test_a_summary_keeps_currencies_apart_and_says_what_it_rests_on(
    client: httpx2.AsyncClient, household: None
) -> None:
    answer = await client.get("/v1/analytics/summary")

    assert answer.json() == {
        "from": None,
        "to": None,
        "account_ids": None,
        "ledger_version": "9",
        "currencies": [
            {
                "currency": "EUR",
                "income": "2000.00",
                "spending": "88.63",
                "net": "1911.37",
                "savings_rate": 0.955685,
                "first_date": "2026-01-31",
                "last_date": "2026-02-28",
                "basis": {"rows": 4, "transfers": 2, "pending": 1},
            },
            {
                "currency": "USD",
                "income": "0.00",
                "spending": "1.000001",
                "net": "-1.000001",
                "savings_rate": None,
                "first_date": "2026-03-01",
                "last_date": "2026-03-01",
                "basis": {"rows": 1, "transfers": 0, "pending": 0},
            },
        ],
    }


async def test_both_ends_of_a_period_count(client: httpx2.AsyncClient, household: None) -> None:
    answer = await client.get("/v1/analytics/summary", params={"from": "2026-01-31", "to": "2026-02-03"})

    assert (answer.json()["from"], answer.json()["to"]) == ("2026-01-31", "2026-02-03")
    assert [(one["income"], one["spending"]) for one in answer.json()["currencies"]] == [("2000.00", "100.00")]


async def test_accounts_named_in_the_filter_are_the_only_ones_that_count(
    client: httpx2.AsyncClient, household: None
) -> None:
    savings = await client.get("/v1/analytics/summary", params={"account_id": SAVINGS})
    both = await client.get("/v1/analytics/summary", params={"account_id": [SAVINGS, GIRO]})
    everything = await client.get("/v1/analytics/summary")

    assert savings.json()["account_ids"] == [SAVINGS]
    assert [(one["currency"], one["spending"]) for one in savings.json()["currencies"]] == [
        ("EUR", "0.00"),
        ("USD", "1.000001"),
    ]
    assert both.json()["account_ids"] == sorted([SAVINGS, GIRO])
    assert both.json()["currencies"] == everything.json()["currencies"]


async def test_cash_flow_goes_month_by_month(client: httpx2.AsyncClient, household: None) -> None:
    answer = await client.get("/v1/analytics/cash-flow", params={"account_id": GIRO})

    (euros,) = answer.json()["currencies"]
    assert [(one["month"], one["income"], one["spending"], one["net"]) for one in euros["months"]] == [
        ("2026-01", "2000.00", "0.00", "2000.00"),
        ("2026-02", "0.00", "88.63", "-88.63"),
        ("2026-03", "0.00", "0.00", "0.00"),
    ]


async def test_categories_share_the_spending_of_their_currency(client: httpx2.AsyncClient, household: None) -> None:
    answer = await client.get("/v1/analytics/categories", params={"to": "2026-02-28"})

    groceries, eating_out = pytest.approx(50 / 88.63), pytest.approx(38.63 / 88.63)
    assert answer.json()["currencies"] == [
        {
            "currency": "EUR",
            "share_of": "88.63",
            "basis": {"rows": 3, "transfers": 2, "pending": 0},
            "categories": [
                {"category": "Food > Groceries", "spending": "50.00", "share": groceries, "rows": 2},
                {
                    "category": "Food > Eating out",
                    "spending": "38.63",
                    "share": eating_out,
                    "rows": 1,
                },
            ],
        }
    ]
    coarse = await client.get("/v1/analytics/categories", params={"to": "2026-02-28", "depth": 1})
    assert [one["category"] for one in coarse.json()["currencies"][0]["categories"]] == ["Food"]


async def test_merchants_are_listed_by_spending_up_to_the_limit(client: httpx2.AsyncClient, household: None) -> None:
    answer = await client.get("/v1/analytics/merchants", params={"limit": 1})

    assert [(one["currency"], one["share_of"], one["merchants"]) for one in answer.json()["currencies"]] == [
        ("EUR", "88.63", [{"merchant": "Grocer", "spending": "50.00", "share": pytest.approx(50 / 88.63), "rows": 2}]),
        ("USD", "1.000001", [{"merchant": "Grocer", "spending": "1.000001", "share": 1.0, "rows": 1}]),
    ]


@pytest.mark.parametrize("route", ROUTES)
async def test_a_new_user_gets_empty_lists(client: httpx2.AsyncClient, route: str) -> None:
    answer = await client.get(f"/v1/analytics/{route}")

    assert (answer.status_code, answer.json()["currencies"]) == (200, [])


@pytest.mark.parametrize("route", ROUTES)
async def test_an_answer_is_revalidated_by_its_etag_until_the_ledger_changes(
    client: httpx2.AsyncClient, household: None, provider: LedgerProvider, route: str
) -> None:
    first = await client.get(f"/v1/analytics/{route}")
    again = await client.get(f"/v1/analytics/{route}", headers={"If-None-Match": first.headers["etag"]})
    other = await client.get(
        f"/v1/analytics/{route}", params={"to": "2026-02-28"}, headers={"If-None-Match": first.headers["etag"]}
    )
    provider.book(booking_date=date(2026, 3, 3))
    changed = await client.get(f"/v1/analytics/{route}", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert [other.status_code, changed.status_code] == [200, 200]
    assert changed.json() != first.json()
    assert first.headers["cache-control"] == "private, no-cache"


async def test_the_ledger_is_transferred_once_and_then_revalidated(
    client: httpx2.AsyncClient, household: None, provider: LedgerProvider
) -> None:
    for route in ROUTES:
        await client.get(f"/v1/analytics/{route}")

    assert provider.requests == ["full", "unchanged", "unchanged", "unchanged"]


async def test_equal_requests_at_once_transfer_the_ledger_once(
    client: httpx2.AsyncClient, household: None, provider: LedgerProvider
) -> None:
    answers = await asyncio.gather(*(client.get("/v1/analytics/summary") for _ in range(20)))

    assert {answer.json()["ledger_version"] for answer in answers} == {"9"}
    assert provider.requests.count("full") == 1


async def test_what_was_booked_before_a_request_is_in_its_answer_although_an_older_read_is_under_way(
    client: httpx2.AsyncClient, household: None, provider: LedgerProvider
) -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def linger() -> None:
        reading.set()
        await go_on.wait()

    provider.before_answer = linger
    older = asyncio.create_task(client.get("/v1/analytics/summary"))
    await reading.wait()
    provider.book(amount_micros=-1_000_000, currency="CHF")
    later = asyncio.create_task(client.get("/v1/analytics/summary"))
    go_on.set()

    assert [one["currency"] for one in (await later).json()["currencies"]] == ["CHF", "EUR", "USD"]
    assert (await older).status_code == 200


async def test_an_account_without_rows_gives_empty_figures_and_a_foreign_one_is_not_found(
    client: httpx2.AsyncClient, household: None, provider: LedgerProvider
) -> None:
    empty, foreign = uuid4(), uuid4()
    provider.accounts.add(empty)

    own = await client.get("/v1/analytics/summary", params={"account_id": str(empty)})
    refused = await client.get("/v1/analytics/summary", params={"account_id": [GIRO, str(foreign)]})

    assert (own.status_code, own.json()["currencies"]) == (200, [])
    assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    assert str(foreign) in refused.json()["detail"]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"from": "2026-02-01", "to": "2026-01-31"}, "/query/from"),
        ({"from": "yesterday"}, "/query/from"),
        ({"to": "86400"}, "/query/to"),
        ({"account_id": "4711"}, "/query/account_id/0"),
        ({"limit": "0"}, "/query/limit"),
        ({"until": "2026-01-31"}, "/query/until"),
    ],
)
async def test_a_wrong_parameter_is_named(client: httpx2.AsyncClient, params: dict[str, str], pointer: str) -> None:
    answer = await client.get("/v1/analytics/merchants", params=params)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("instead", "status", "code"),
    [
        (Response("<html>"), 503, "ledger_unavailable"),
        (Response("<html>", headers={"ETag": '"1"'}), 503, "ledger_unavailable"),
        (Response("", headers={"ETag": '"1"', "Purser-Ledger-Schema": "3"}), 503, "ledger_unavailable"),
        (Response(status_code=500), 503, "ledger_unavailable"),
        (Response(status_code=503), 503, "peer_unavailable"),
        (Response(status_code=401), 401, "invalid_token"),
        (Response(status_code=403), 403, "insufficient_scope"),
    ],
)
async def test_a_ledger_that_cannot_be_read_is_a_problem_and_never_an_old_figure(
    client: httpx2.AsyncClient, household: None, provider: LedgerProvider, instead: Response, status: int, code: str
) -> None:
    assert (await client.get("/v1/analytics/summary")).status_code == 200
    provider.instead = instead

    answer = await client.get("/v1/analytics/summary")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "transaction_service" in answer.json()["detail"]


async def test_without_an_address_of_the_ledger_the_service_names_what_it_misses(
    settings_for: SettingsFactory, issuer: Issuer
) -> None:
    async with client_for(service(settings_for(Settings)), headers=issuer.headers()) as client:
        answer = await client.get("/v1/analytics/summary")
        health = await client.get("/health")

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["peer"]) == (503, "peer_unavailable", "transaction_service")
    assert health.json()["services"]["analytics_api"]["checks"]["transaction_service"]["status"] == "down"


async def test_one_users_ledger_is_never_answered_to_another(
    provider: LedgerProvider, settings_for: SettingsFactory, issuer: Issuer
) -> None:
    provider.book()
    async with client_for(service(settings_for(Settings)), peers={"transaction_service": provider.app()}) as client:
        for _ in range(2):
            await client.get("/v1/analytics/summary", headers=issuer.headers(uuid4()))

    assert provider.requests == ["full", "full"]


async def test_figures_need_the_scope_for_analytics(client: httpx2.AsyncClient, issuer: Issuer) -> None:
    answer = await client.get("/v1/analytics/summary", headers=issuer.headers(scopes=("ledger:read",)))

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
