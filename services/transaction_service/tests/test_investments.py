"""Statements of investment accounts over HTTP: entries, securities and positions, and rows that a bank takes back."""

import csv
import io
from decimal import Decimal
from itertools import permutations
from typing import Any

import httpx2
import pytest
from broker_files import (
    BONDS,
    BOUGHT,
    BUY,
    DEPOSIT,
    MOVED,
    PAID,
    TAKEN_BACK,
    WORLD,
    broker,
    held,
)


async def items(client: httpx2.AsyncClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """All items of a list."""
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_an_investment_statement_is_kept_beside_the_rows_of_its_cash(client, household):
    booked = await household.upload(broker(DEPOSIT, BOUGHT, PAID, MOVED, positions=held(WORLD, "12.3456789", "129.63")))
    assert (booked["booked"], booked["investments"], booked["positions"]) == (3, 3, 1)
    (account,) = await items(client, "/v1/accounts")
    assert (account["type"], account["currency"]) == ("investment", "EUR")
    rows = {row["description"]: row for row in await household.rows()}
    assert await household.total() == Decimal("1000.00") - Decimal("126.00") + Decimal("3.21")
    moved, paid, bought = await items(client, "/v1/investments")
    assert [moved["kind"], paid["kind"], bought["kind"]] == ["transfer_in", "dividend", "buy"]
    assert (moved["units"], moved["amount"], moved["transaction_id"]) == ("40", "0.00", None)
    assert paid["transaction_id"] == rows["INCOME DIV World Fund"]["id"]
    assert await items(client, "/v1/investments", transaction_id=paid["transaction_id"]) == [paid]
    security = bought.pop("security")
    assert {key: bought[key] for key in ("action", "trade_date", "units", "unit_price", "amount", "commission")} == {
        "action": "BUYMF",
        "trade_date": "2026-04-02",
        "units": "12.3456789",
        "unit_price": "10.125",
        "amount": "-126.00",
        "commission": "1.00",
    }
    assert (security["unique_id"], security["name"], security["kind"]) == (WORLD, "World Fund", "fund")
    assert [known["name"] for known in await items(client, "/v1/securities")] == ["World Fund", "Bond Fund"]
    assert (await client.get(f"/v1/securities/{security['id']}")).json() == security


async def test_a_purchase_is_neither_spending_nor_the_side_of_a_transfer_and_a_dividend_is_income(client, household):
    savings = await household.account(name="Savings")
    await household.enter(savings, "126.00", booking_date="2026-04-02")
    await household.enter(savings, "-3.21", booking_date="2026-04-10")
    await household.upload(broker(BOUGHT, PAID))
    assert (await client.get("/v1/transfers")).json()["items"] == []
    marked = {row["amount"]: (row["marked_transfer"], row["transfer_by"]) for row in await household.rows()}
    assert (marked["-126.00"], marked["3.21"]) == ((True, "none"), (False, "none"))
    await client.post("/v1/rules/apply")
    assert [row["amount"] for row in await household.rows() if row["marked_transfer"]] == ["-126.00"]


async def test_a_purchase_stays_no_spending_when_all_marks_are_given_back_to_the_rules(client, household):
    await household.upload(broker(DEPOSIT, BOUGHT))
    edit = {"filter": {}, "changes": {"marked_transfer": None}}
    answer = await client.post("/v1/transactions/bulk", json=edit)
    assert (answer.status_code, answer.json()["matched"], answer.json()["changed"]) == (200, 2, 0)
    assert {row["amount"]: row["marked_transfer"] for row in await household.rows()} == {
        "1000.00": False,
        "-126.00": True,
    }


@pytest.mark.parametrize("in_bulk", [False, True])
async def test_a_purchase_is_no_spending_again_when_the_user_s_own_mark_is_given_back(client, household, in_bulk):
    booked = await household.upload(broker(DEPOSIT, BOUGHT, PAID))
    account_id = booked["accounts"][0]["account_id"]

    async def mark(row: dict[str, Any], wanted: bool | None) -> tuple[Any, ...]:
        if in_bulk:
            body = {"ids": [row["id"]], "changes": {"marked_transfer": wanted}}
            assert (await client.post("/v1/transactions/bulk", json=body)).status_code == 200
        else:
            await household.change(f"/v1/transactions/{row['id']}", "*", marked_transfer=wanted)
        (found,) = [r for r in await household.rows(account_id=account_id) if r["id"] == row["id"]]
        return found["marked_transfer"], found["transfer_by"]

    async def kinds() -> dict[str, str]:
        ledger = (await client.get("/v1/ledger", params={"format": "csv"})).text
        return {line["amount"]: line["kind"] for line in csv.DictReader(io.StringIO(ledger))}

    deposit, bought, paid = await household.rows()
    told = {"1000.00": "income", "-126.00": "transfer", "3.21": "income"}
    assert await kinds() == told
    assert await mark(bought, False) == (False, "user")
    assert await kinds() == {**told, "-126.00": "expense"}
    assert await mark(bought, None) == (True, "none")
    assert await mark(paid, True) == (True, "user")
    assert await kinds() == {**told, "3.21": "transfer"}
    assert await mark(paid, None) == (False, "none")
    assert await mark(deposit, True) == (True, "user")
    assert await mark(deposit, None) == (False, "none")
    assert await kinds() == told


async def test_a_shop_s_row_is_spending_again_when_the_user_s_own_mark_is_given_back(client, household):
    account = await household.account()
    row = await household.enter(account, "-5", description="Shop", marked_transfer=True)
    rule = {"conditions": [{"field": "text", "operator": "contains", "value": "shop"}]}
    path = f"/v1/transactions/{row['id']}"

    async def kind() -> str:
        (line,) = csv.DictReader(io.StringIO((await client.get("/v1/ledger", params={"format": "csv"})).text))
        return str(line["kind"])

    assert await kind() == "transfer"
    assert (await household.change(path, "*", marked_transfer=None)).json()["transfer_by"] == "none"
    assert await kind() == "expense"
    await client.post("/v1/rules", json={**rule, "actions": {"transfer": True}})
    await household.change(path, "*", marked_transfer=False)
    assert await kind() == "expense"
    assert (await household.change(path, "*", marked_transfer=None)).json()["transfer_by"] == "rule"
    assert await kind() == "transfer"


async def test_a_preview_counts_and_keeps_nothing(client, household):
    content = broker(DEPOSIT, BOUGHT, MOVED, positions=held(WORLD, "12.3456789", "129.63"))
    answer = await client.post("/v1/imports", params={"preview": True}, content=content)
    assert (answer.json()["investments"], answer.json()["positions"]) == (2, 1)
    for path in ("/v1/securities", "/v1/investments", "/v1/positions"):
        assert await items(client, path) == []


async def test_the_same_entries_in_further_files_are_one_and_stay_while_one_import_brings_them(client, household):
    first = await household.upload(broker(DEPOSIT, BOUGHT, MOVED))
    second = await household.upload(broker(BOUGHT, PAID, MOVED, names=False))
    assert (second["investments"], second["booked"]) == (1, 1)
    assert [entry["kind"] for entry in await items(client, "/v1/investments")] == ["transfer_in", "dividend", "buy"]
    assert (await client.post(f"/v1/imports/{first['id']}/undo")).status_code == 200
    left = await items(client, "/v1/investments")
    assert [(entry["kind"], entry["import_id"]) for entry in left] == [
        ("transfer_in", second["id"]),
        ("dividend", second["id"]),
        ("buy", second["id"]),
    ]
    assert left[2]["transaction_id"] in {row["id"] for row in await household.rows()}
    assert (await client.post(f"/v1/imports/{second['id']}/undo")).status_code == 200
    for path in ("/v1/securities", "/v1/investments", "/v1/positions", "/v1/transactions"):
        assert await items(client, path) == []


async def test_overlapping_statements_give_the_same_in_any_order_and_undone_ones_were_never_there(client, household):
    files = [broker(DEPOSIT, BOUGHT, PAID), broker(BOUGHT, PAID, MOVED, names=False), broker(MOVED, DEPOSIT)]
    for order in permutations(range(3)):
        booked = {number: await household.upload(files[number]) for number in order}
        assert sum(found["investments"] for found in booked.values()) == 3
        assert await household.total() == Decimal("877.21")
        assert [entry["kind"] for entry in await items(client, "/v1/investments")] == ["transfer_in", "dividend", "buy"]
        await client.post(f"/v1/imports/{booked[order[0]]['id']}/undo")
        kinds = [{"dividend", "buy"}, {"transfer_in", "dividend", "buy"}, {"transfer_in"}]
        left = kinds[order[1]] | kinds[order[2]]
        assert {entry["kind"] for entry in await items(client, "/v1/investments")} == left
        for number in order[1:]:
            await client.post(f"/v1/imports/{booked[number]['id']}/undo")
        assert await items(client, "/v1/securities") == []


async def test_positions_are_those_of_the_latest_statement_on_or_before_the_day(client, household):
    march = broker(as_of="20260331", positions=held(WORLD, "10", "100") + held(WORLD, "2.5", "25", "MARGIN"))
    april = broker(as_of="20260430", positions=held(WORLD, "12.5", "130") + held(BONDS, "4", "20.10"))
    await household.upload(april)
    await household.upload(march)
    sold = await household.upload(broker(as_of="20260531"))

    async def on(**parameters: Any) -> list[tuple[Any, ...]]:
        found = await items(client, "/v1/positions", **parameters)
        return [(held["security"]["name"], held["units"], held["market_value"], held["as_of"]) for held in found]

    assert await on(as_of="2026-03-30") == []
    assert await on(as_of="2026-04-29") == [("World Fund", "12.5", "125.00", "2026-03-31")]
    of_april = [("World Fund", "12.5", "130.00", "2026-04-30"), ("Bond Fund", "4", "20.10", "2026-04-30")]
    assert await on(as_of="2026-05-30") == of_april
    assert await on() == []
    await client.post(f"/v1/imports/{sold['id']}/undo")
    assert await on() == of_april


async def test_a_corrected_statement_of_the_same_day_counts_instead(client, household):
    await household.upload(broker(positions=held(WORLD, "1", "10")))
    later = await household.upload(broker(positions=held(WORLD, "2", "20")))
    assert [held["units"] for held in await items(client, "/v1/positions")] == ["2"]
    await client.post(f"/v1/imports/{later['id']}/undo")
    assert [held["units"] for held in await items(client, "/v1/positions")] == ["1"]


async def test_entries_are_filtered_and_paged(client, household):
    await household.upload(broker(DEPOSIT, BOUGHT, PAID, MOVED))
    world, bonds = await items(client, "/v1/securities")
    (account,) = await items(client, "/v1/accounts")

    async def kinds(**parameters: Any) -> list[str]:
        return [entry["kind"] for entry in await items(client, "/v1/investments", **parameters)]

    assert await kinds(security_id=bonds["id"]) == ["transfer_in"]
    assert await kinds(kind=["buy", "dividend"]) == ["dividend", "buy"]
    assert await kinds(**{"from": "2026-04-03", "to": "2026-04-10"}) == ["dividend"]
    assert await kinds(account_id=account["id"], security_id=world["id"]) == ["dividend", "buy"]
    first = await client.get("/v1/investments", params={"limit": 2})
    rest = await client.get("/v1/investments", params={"limit": 2, "cursor": first.json()["next_cursor"]})
    assert [entry["kind"] for entry in first.json()["items"] + rest.json()["items"]] == [
        "transfer_in",
        "dividend",
        "buy",
    ]
    for path, parameters, code in [
        ("/v1/investments", {"from": "2026-05-01", "to": "2026-04-01"}, "range_reversed"),
        ("/v1/investments", {"security_id": account["id"]}, "security_not_found"),
        ("/v1/investments", {"account_id": world["id"]}, "account_not_found"),
        ("/v1/positions", {"account_id": world["id"]}, "account_not_found"),
        (f"/v1/securities/{account['id']}", {}, "security_not_found"),
    ]:
        assert (await client.get(path, params=parameters)).json()["code"] == code


async def test_investments_are_nobody_elses(client, household, stranger):
    await household.upload(broker(DEPOSIT, BOUGHT, MOVED, positions=held(WORLD, "1", "10")))
    (world, *_) = await items(client, "/v1/securities")
    for path in ("/v1/securities", "/v1/investments", "/v1/positions"):
        assert (await client.get(path, headers=stranger)).json()["items"] == []
    assert (await client.get(f"/v1/securities/{world['id']}", headers=stranger)).status_code == 404


async def test_an_account_takes_its_investments_with_it(client, household):
    await household.upload(broker(DEPOSIT, BOUGHT, MOVED, positions=held(WORLD, "1", "10")))
    (account,) = await items(client, "/v1/accounts")
    path = f"/v1/accounts/{account['id']}"
    assert (await household.delete(path, account["version"], with_transactions=True)).status_code == 200
    for listed in ("/v1/investments", "/v1/positions", "/v1/securities"):
        assert await items(client, listed) == []


async def test_an_archive_holds_the_investments_and_the_corrections(client, household, stranger):
    await household.upload(broker(DEPOSIT, BOUGHT, PAID, MOVED, positions=held(WORLD, "12.3456789", "129.63")))
    await household.upload(broker(TAKEN_BACK, positions=None))
    archive = (await client.get("/v1/archive")).content
    assert (await client.post("/v1/archive", content=archive, headers=stranger)).status_code == 201

    async def plain(path: str, **headers: Any) -> list[dict[str, Any]]:
        found = (await client.get(path, **headers)).json()["items"]
        own = {"id", "account_id", "import_id", "transaction_id"}
        return [{key: value for key, value in _flat(item).items() if key not in own} for item in found]

    for path in ("/v1/investments", "/v1/positions", "/v1/securities"):
        mine = await plain(path)
        assert mine
        assert await plain(path, headers=stranger) == mine
    again = await client.post("/v1/imports", content=broker(DEPOSIT, BOUGHT, positions=None), headers=stranger)
    assert (again.json()["booked"], again.json()["investments"]) == (0, 0)


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    security = item.get("security") or {}
    return {**item, "security": security.get("name")}


async def test_a_bank_can_take_back_a_row_of_cash_of_an_investment_account(client, household):
    await household.upload(broker(DEPOSIT, BOUGHT))
    booked = await household.upload(broker(TAKEN_BACK))
    assert booked["corrected"] == 1
    assert [row["amount"] for row in await household.rows()] == ["-126.00"]


QIF = b"!Type:Invst\nD04/02/2026\nNBuy\nYACME\nQ3\nT30.00\n^\nD12/31/2026\nNReinvDiv\nYACME\nQ0.1\nT1.00\n^\n"


async def test_a_qif_register_of_investments_goes_to_the_account_that_the_user_names(client, household):
    account = await household.account(type="investment")
    booked = await household.upload(QIF, account_id=account["id"])
    assert (booked["booked"], booked["investments"]) == (1, 2)
    reinvested, bought = await items(client, "/v1/investments", account_id=account["id"])
    assert (reinvested["kind"], reinvested["amount"], reinvested["total"]) == ("reinvest", "0.00", "1.00")
    assert (bought["transaction_id"], bought["units"]) == ((await household.rows())[0]["id"], "3")
    again = await household.upload(QIF, account_id=account["id"])
    assert (again["booked"], again["repeated"], again["investments"]) == (0, 1, 0)


@pytest.mark.parametrize("amount", ["-5000000000000", "-1"])
async def test_an_entry_whose_cash_cannot_be_kept_stays_out_with_it(client, household, amount):
    huge = amount != "-1"
    trade = BUY.format(fitid="B9", day="20260402", security=WORLD, units="1", amount=amount)
    booked = await household.upload(broker(DEPOSIT, trade))
    assert (booked["booked"], booked["refused"], booked["investments"]) == ((1, 1, 0) if huge else (2, 0, 1))
    assert any("stays out" in note for note in booked["notes"]) is huge
