"""Every statement file of the corpus, through the public API: counts, sums, balances, refusals, and nothing twice."""

import csv
import os
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest

CORPUS = os.environ.get("PURSER_CORPUS")
pytestmark = pytest.mark.skipif(CORPUS is None, reason="PURSER_CORPUS names no folder of sample statements")


def expectations() -> list[dict[str, str]]:
    """The lines of the corpus's expected.csv."""
    if CORPUS is None:
        return []
    with (Path(CORPUS) / "expected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


EXPECTED = expectations()
REFUSED_FILES = {"ofx/error_message.ofx": "bank_error", "qif/quiffen_empty.qif": "empty_file"}
# The QIF row is a purchase of shares without an amount; expected.csv does not count it.
REFUSED_ROWS = {"ofx/broken_date_missing.ofx": 3, "csv/bsp_csv_garbled_amount.csv": 1, "qif/quiffen_test.qif": 1}


async def upload(client: httpx2.AsyncClient, name: str) -> httpx2.Response:
    """Upload a file of the corpus as its owner would: with the account and currency that the answer asks for."""
    content = (Path(CORPUS or "") / name).read_bytes()
    parameters = {"filename": Path(name).name}
    for _ in range(3):
        answer = await client.post("/v1/imports", params=parameters, content=content)
        code = answer.json().get("code")
        if code == "currency_needed":
            parameters["currency"] = "USD"
        elif code == "account_needed":
            parameters["account_id"] = await an_account(client)
        elif code == "currency_differs":
            currency = next(c for c in ("EUR", "GBP", "USD") if c in answer.json()["detail"].split("the account")[0])
            parameters["account_id"] = await an_account(client, currency)
        else:
            break
    return answer


async def an_account(client: httpx2.AsyncClient, currency: str = "USD") -> str:
    for account in (await client.get("/v1/accounts")).json()["items"]:
        if account["currency"] == currency:
            return str(account["id"])
    created = await client.post("/v1/accounts", json={"name": f"Corpus {currency}", "currency": currency})
    return str(created.json()["id"])


@pytest.mark.parametrize("line", EXPECTED, ids=[line["file"] for line in EXPECTED])
async def test_a_file_of_the_corpus_gives_what_is_expected_of_it_and_nothing_the_second_time(
    client: httpx2.AsyncClient, line: dict[str, str]
) -> None:
    first = await upload(client, line["file"])
    if line["file"] in REFUSED_FILES:
        assert (first.status_code, first.json()["code"]) == (422, REFUSED_FILES[line["file"]])
        assert first.json().get("bank_message") or line["file"] != "ofx/error_message.ofx"
        return
    answer = first.json()
    assert first.status_code == 201, answer
    refused = REFUSED_ROWS.get(line["file"], 0)
    broken_rows_counted = line["file"].startswith("ofx/")
    booked = int(line["transactions"]) - (refused if broken_rows_counted else 0)
    assert (answer["booked"], answer["refused"]) == (booked, refused)
    assert not line["statements"] or answer["statements"] == int(line["statements"])
    expected_sum = Decimal(0) if booked == 0 else Decimal(line["sum"])
    assert sum(Decimal(item["amount"]) for item in answer["sums"]) == expected_sum
    if line["currency"]:
        moved = {item["currency"] for item in answer["sums"] if Decimal(item["amount"])}
        assert moved <= set(line["currency"].split(",")) <= {item["currency"] for item in answer["sums"]}
    if line["balances"] and line["file"].startswith("ofx/"):
        closing = {Decimal(b["amount"]) for b in answer["balances"] if b["kind"] == "closing"}
        assert closing == {Decimal(amount) for amount in line["balances"].split("|")}
    second = (await upload(client, line["file"])).json()
    assert (second["booked"], second["repeated"]) == (0, booked)
    accounts = (await client.get("/v1/accounts")).json()["items"]
    assert sum(account["transactions"] for account in accounts) == booked


async def test_refused_rows_are_named_by_the_bank_s_id_or_their_line(client: httpx2.AsyncClient) -> None:
    without_dates = (await upload(client, "ofx/broken_date_missing.ofx")).json()
    assert all(refusal["bank_id"] in refusal["place"] for refusal in without_dates["refusals"])
    garbled = (await upload(client, "csv/bsp_csv_garbled_amount.csv")).json()
    assert [(r["place"], "12..34" in r["reason"]) for r in garbled["refusals"]] == [("line 3", True)]
