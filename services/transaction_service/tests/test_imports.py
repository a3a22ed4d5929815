"""Importing statement files over HTTP: accounts, identity, counts, preview and undo."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from transaction_service.categories.defaults import default_category_id

FOOD = str(default_category_id("food"))
Files = Callable[..., bytes]


async def test_an_import_creates_the_account_that_the_file_names_and_tells_all_about_it(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    answer = await household.upload(
        ofx(row("2026-03-02", "-12.50", fitid="a"), row("2026-03-03", "1000.0001", fitid="b"), closing="987.5001"),
        filename="march.ofx",
    )
    account = (await client.get("/v1/accounts")).json()["items"][0]
    assert (account["type"], account["currency"], account["balance"]) == ("checking", "EUR", "987.5001")
    assert account["references"] == [{"number": "1234", "bank": "77", "name": None}]
    assert answer == {
        "id": answer["id"],
        "status": "booked",
        "format": "ofx",
        "filename": "march.ofx",
        "sha256": answer["sha256"],
        "statements": 1,
        "read": 2,
        "booked": 2,
        "repeated": 0,
        "replaced": 0,
        "refused": 0,
        "proposed": 0,
        "proved": 0,
        "proposals": [],
        "refusals": [],
        "accounts": [
            {
                "account_id": account["id"],
                "name": account["name"],
                "currency": "EUR",
                "created": True,
                "booked": 2,
                "repeated": 0,
                "replaced": 0,
                "proposed": 0,
                "proved": 0,
                "trusts_bank_ids": True,
                "sum": "987.5001",
                "statements": [
                    {
                        "position": 0,
                        "starts": "2026-01-01",
                        "ends": "2026-11-01",
                        "opening": None,
                        "closing": "987.5001",
                        "status": "unproven",
                    }
                ],
            }
        ],
        "sums": [{"currency": "EUR", "amount": "987.5001"}],
        "balances": [
            {
                "account_id": account["id"],
                "kind": "closing",
                "amount": "987.5001",
                "currency": "EUR",
                "date": "2026-11-01",
            }
        ],
        "reconciliations": [{"status": "unproven", "opening": None, "closing": "987.5001", "gaps": []}],
        "notes": [],
        "transfers": {"linked": 0, "proposed": 0},
        "previewed_transfers": [],
        "corrected": 0,
        "investments": 0,
        "positions": 0,
        "started_at": answer["started_at"],
        "finished_at": answer["finished_at"],
        "undone_at": None,
    }
    assert (await client.get(f"/v1/imports/{answer['id']}")).json() == answer


async def test_reimporting_the_same_file_books_nothing(household: Any, ofx: Files, row: Any) -> None:
    file = ofx(row("2026-03-02", "-1.50"), row("2026-03-02", "-1.50"), row("2026-03-03", "-7", fitid="x"))
    first, second = await household.upload(file), await household.upload(file)
    assert (first["booked"], first["repeated"]) == (3, 0)
    assert (second["booked"], second["repeated"]) == (0, 3)
    assert len(await household.rows()) == 3


async def test_an_overlapping_file_books_only_what_is_missing(household: Any, ofx: Files, row: Any) -> None:
    coffee = row("2026-03-02", "-2.80", name="Coffee")
    await household.upload(ofx(row("2026-03-01", "-9"), coffee))
    answer = await household.upload(ofx(coffee, coffee, row("2026-03-05", "-4")))
    assert (answer["booked"], answer["repeated"]) == (2, 1)
    assert [r["amount"] for r in await household.rows()] == ["-9.00", "-2.80", "-2.80", "-4.00"]


async def test_rows_that_share_an_id_and_are_worded_differently_are_all_booked_once(
    household: Any, ofx: Files, row: Any
) -> None:
    rows = [row("2026-03-02", "-2.80", name=name, fitid="7") for name in ("Kiosk", "Bakery", "Cinema", "Kiosk")]
    answer = await household.upload(ofx(*rows))
    assert (answer["booked"], answer["repeated"]) == (3, 1)
    for again in (rows[::-1], rows[1:], rows[:1]):
        assert (await household.upload(ofx(*again)))["booked"] == 0
    assert sorted(r["description"] for r in await household.rows()) == ["Bakery", "Cinema", "Kiosk"]


async def test_equal_rows_of_two_accounts_are_two_rows(household: Any, ofx: Files, row: Any) -> None:
    same = row("2026-03-02", "-2.80", fitid="same")
    await household.upload(ofx(same, account="1"))
    answer = await household.upload(ofx(same, account="2"))
    assert answer["booked"] == 1
    assert len({r["account_id"] for r in await household.rows()}) == 2


async def test_deleting_a_row_does_not_make_the_next_import_book_it_again(household: Any, ofx: Files, row: Any) -> None:
    file = ofx(row("2026-03-02", "-2.80", fitid="a"), row("2026-03-03", "-3", fitid="b"))
    await household.upload(file)
    first = (await household.rows())[0]
    assert (await household.delete(f"/v1/transactions/{first['id']}", first["version"])).status_code == 204
    assert (await household.upload(file))["booked"] == 0
    assert [r["amount"] for r in await household.rows()] == ["-3.00"]


async def test_editing_a_row_keeps_its_identity(household: Any, ofx: Files, row: Any) -> None:
    file = ofx(row("2026-03-02", "-2.80"))
    await household.upload(file)
    booked = (await household.rows())[0]
    changed = await household.change(
        f"/v1/transactions/{booked['id']}", booked["version"], amount="-2.85", booking_date="2026-03-09", note="shared"
    )
    assert (changed.json()["amount"], changed.json()["note"]) == ("-2.85", "shared")
    assert (await household.upload(file))["repeated"] == 1
    assert [r["amount"] for r in await household.rows()] == ["-2.85"]


async def test_a_form_and_a_raw_body_are_the_same_upload(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    file = ofx(row("2026-03-02", "-2.80"))
    by_form = await client.post("/v1/imports", files={"file": ("m.ofx", file)})
    assert (by_form.status_code, by_form.json()["filename"], by_form.json()["booked"]) == (201, "m.ofx", 1)
    assert by_form.headers["location"] == f"/v1/imports/{by_form.json()['id']}"
    assert (await household.upload(file))["repeated"] == 1
    without = await client.post("/v1/imports", files={"other": ("m.ofx", file)})
    assert (without.status_code, without.json()["code"]) == (400, "file_needed")


async def test_a_file_without_an_account_needs_one_and_the_answer_lists_them(
    household: Any, client: httpx2.AsyncClient
) -> None:
    file = b"Date,Description,Amount,Currency\n2026-04-02,Rent,-700.00,EUR\n"
    account = await household.account(name="Giro")
    refused = await client.post("/v1/imports", content=file)
    assert (refused.status_code, refused.json()["code"]) == (422, "account_needed")
    assert refused.json()["accounts"] == [{"id": account["id"], "name": "Giro", "currency": "EUR"}]
    assert "account_id" in refused.json()["detail"]
    assert (await household.upload(file, account_id=account["id"]))["booked"] == 1
    assert (await household.upload(file, account_id=account["id"]))["repeated"] == 1


async def test_a_currency_is_never_guessed(household: Any, client: httpx2.AsyncClient) -> None:
    file = (
        b'"Date","Amount","Account","Counterparty","Name","Description"\n"2026-12-06","-8,78","NL26BUNQ20","","A","B"\n'
    )
    refused = await client.post("/v1/imports", content=file)
    assert (refused.status_code, refused.json()["code"]) == (422, "currency_needed")
    assert (await client.get("/v1/accounts")).json()["items"] == []
    assert (await household.upload(file, currency="eur"))["accounts"][0]["currency"] == "EUR"
    # The account is known by its number from then on, and its currency with it.
    assert (await household.upload(file))["repeated"] == 1


async def test_a_currency_that_contradicts_the_file_or_the_account_is_refused(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    account = await household.account(currency="USD")
    for parameters in ({"currency": "USD"}, {"account_id": account["id"]}):
        refused = await client.post("/v1/imports", params=parameters, content=ofx(row("2026-03-02", "-1")))
        assert (refused.status_code, refused.json()["code"]) == (422, "currency_differs")
    assert await household.rows() == []


async def test_an_account_given_with_the_upload_is_known_by_the_file_s_number_from_then_on(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    account = await household.account(name="Everyday")
    await household.upload(ofx(row("2026-03-02", "-1"), account="DE 44"), account_id=account["id"])
    later = await household.upload(ofx(row("2026-03-03", "-1"), account="DE44"))
    assert later["accounts"][0] | {"sum": "-1.00"} == later["accounts"][0]
    assert (later["accounts"][0]["account_id"], later["accounts"][0]["created"]) == (account["id"], False)
    other = await household.account(name="Other")
    taken = await client.post(
        "/v1/imports", params={"account_id": other["id"]}, content=ofx(row("2026-03-03", "-1"), account="DE44")
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "reference_taken")


async def test_a_file_of_several_accounts_cannot_be_put_into_one(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    header = b"Date,Description,Original Description,Amount,Transaction Type,Category,Account Name,Labels,Notes\n"
    lines = b"6/12/15,A,A,10.00,debit,Food,Checking,,\n6/13/15,B,B,20.00,debit,Food,Savings,,\n"
    account = await household.account()
    refused = await client.post("/v1/imports", params={"account_id": account["id"]}, content=header + lines)
    assert (refused.status_code, refused.json()["code"]) == (422, "several_accounts")
    answer = await household.upload(header + lines, currency="EUR")
    # The account that is there has the name of one of them; the other is created.
    assert [(a["name"], a["created"], a["sum"]) for a in answer["accounts"]] == [
        ("Checking", False, "-10.00"),
        ("Savings", True, "-20.00"),
    ]


async def test_rows_in_another_currency_than_the_given_account_are_refused_one_by_one(household: Any) -> None:
    file = (
        b"Date,Description,Amount,Currency\n2026-04-02,Rent,-700.00,EUR\n2026-04-03,Hotel,-90.00,USD\n"
        b"2026-04-04,Coins,-1.00,BTC\n"
    )
    euro, dollar = await household.account(), await household.account(currency="USD")
    first = await household.upload(file, account_id=euro["id"])
    assert (first["booked"], [r["place"] for r in first["refusals"]]) == (1, ["line 4", "line 3"])
    assert "USD" in first["refusals"][1]["reason"]
    second = await household.upload(file, account_id=dollar["id"])
    assert (second["booked"], second["refused"], second["read"]) == (1, 2, 3)
    assert [r["amount"] for r in await household.rows(import_id=second["id"])] == ["-90.00"]


async def test_a_number_with_several_currencies_is_an_account_for_each(household: Any, ofx: Files, row: Any) -> None:
    await household.upload(ofx(row("2026-03-02", "-1")))
    other = await household.upload(ofx(row("2026-03-02", "-1"), currency="USD"))
    assert [(a["name"], a["created"]) for a in other["accounts"]] == [("77 1234 USD", True)]
    again = await household.upload(ofx(row("2026-03-02", "-1"), currency="USD"))
    assert (again["repeated"], again["accounts"][0]["created"]) == (1, False)


async def test_an_account_that_two_of_the_user_s_may_be_is_not_guessed(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    for bank in ("GENODEF1", "COBADEFF"):
        await household.account(name=bank, references=[{"number": "1234", "bank": bank}])
    await household.account(name="Third", references=[{"number": "99"}])
    booked = await household.upload(ofx(row("2026-03-02", "-1"), account="99"))
    assert booked["accounts"][0]["name"] == "Third"
    header = b"Client account;Row type;Date;Beneficiary/Payer;Details;Amount;Currency;Debit/Credit;Transfer reference;"
    file = header + b"Transaction type;Reference number;Document number\n1234;20;04.01.2016;N;P;10,00;EUR;D;1;MK;;\n"
    refused = await client.post("/v1/imports", content=file)
    assert (refused.status_code, refused.json()["code"]) == (422, "account_ambiguous")
    assert [a["name"] for a in refused.json()["accounts"]] == ["GENODEF1", "COBADEFF"]


async def test_a_preview_says_what_would_happen_and_writes_nothing(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    file = ofx(row("2026-03-02", "-1"), row("2026-03-03", "-2"))
    preview = await client.post("/v1/imports", params={"preview": "true"}, content=file)
    assert (preview.status_code, preview.json()["status"], preview.json()["booked"]) == (200, "preview", 2)
    assert preview.json()["transfers"] == {"linked": 0, "proposed": 0}
    assert (await client.get("/v1/accounts")).json()["items"] == []
    assert (await client.get("/v1/imports")).json()["items"] == []
    assert (await household.upload(file))["booked"] == 2


async def test_undo_removes_what_the_import_booked_and_a_new_upload_books_it_again(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    earlier = await household.upload(ofx(row("2026-03-01", "-5")))
    file = ofx(row("2026-03-01", "-5"), row("2026-03-02", "-1"), closing="-6")
    booked = await household.upload(file)
    undone = await client.post(f"/v1/imports/{booked['id']}/undo")
    assert undone.json() == {"id": booked["id"], "status": "undone", "removed": 1, "handed_over": 0, "kept": []}
    assert [r["amount"] for r in await household.rows()] == ["-5.00"]
    again = await client.post(f"/v1/imports/{booked['id']}/undo")
    assert (again.status_code, again.json()["code"]) == (409, "import_already_undone")
    assert (await household.upload(file))["booked"] == 1
    listed = (await client.get("/v1/imports")).json()["items"]
    assert [item["status"] for item in listed] == ["booked", "undone", "booked"]
    assert listed[2]["id"] == earlier["id"]


@pytest.mark.parametrize(("edited", "kept"), [("keep", 1), ("drop", 0)])
async def test_undo_keeps_and_names_the_rows_that_were_edited_unless_told_otherwise(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any, edited: str, kept: int
) -> None:
    file = ofx(row("2026-03-01", "-5"), row("2026-03-02", "-1"), row("2026-03-03", "-3"))
    booked = await household.upload(file)
    first, second, _ = await household.rows()
    await household.change(f"/v1/transactions/{first['id']}", first["version"], note="mine")
    await household.delete(f"/v1/transactions/{second['id']}", second["version"])
    undone = (await client.post(f"/v1/imports/{booked['id']}/undo", params={"edited": edited})).json()
    assert [r["id"] for r in undone["kept"]] == [first["id"]][:kept]
    assert undone["removed"] == 3 - 2 * kept
    # A kept row and a row that the user deleted are not booked again.
    assert (await household.upload(file))["booked"] == 3 - 2 * kept


@pytest.mark.parametrize("booked_on", ["2026-03-01", "2026-03-03"])
async def test_a_pending_row_is_replaced_by_its_booking_and_what_the_user_said_about_it_stays(
    household: Any, client: httpx2.AsyncClient, booked_on: str
) -> None:
    account = await household.account()
    header = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
    other = "CARD_PAYMENT,Current,2026-03-01 11:00:00,,Bakery,-9.90,0.00,EUR,PENDING,\n"
    announced = header + "CARD_PAYMENT,Current,2026-03-01 10:00:00,,Bakery,-2.80,0.00,EUR,PENDING,\n" + other
    booked = (
        header
        + f"CARD_PAYMENT,Current,2026-03-01 10:00:00,{booked_on} 12:00:00,Bakery,-2.80,0.00,EUR,COMPLETED,7.20\n"
        + other
    )
    await household.upload(announced.encode(), account_id=account["id"])
    first = next(r for r in await household.rows() if r["amount"] == "-2.80")
    assert first["pending"] is True
    await household.change(f"/v1/transactions/{first['id']}", 1, note="breakfast", category_id=FOOD)
    read = (await client.get(f"/v1/accounts/{account['id']}")).json()
    assert (read["balance"], read["pending"]) == ("0.00", "-12.70")
    answer = await household.upload(booked.encode(), account_id=account["id"])
    assert (answer["booked"], answer["replaced"], answer["repeated"]) == (0, 1, 1)
    rows = {r["amount"]: r for r in await household.rows()}
    assert rows.keys() == {"-9.90", "-2.80"}
    kept = [rows["-2.80"][name] for name in ("pending", "booking_date", "note", "category_id", "categorised_by")]
    assert kept == [False, booked_on, "breakfast", FOOD, "user"]
    # Neither file books anything again, in whatever order they come.
    for file in (announced, booked):
        again = await household.upload(file.encode(), account_id=account["id"])
        assert (again["booked"], again["replaced"], again["repeated"]) == (0, 0, 2)


async def test_undo_of_a_booking_lets_the_pending_row_stand_again(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    header = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
    announced = header + "CARD_PAYMENT,Current,2026-03-01 10:00:00,,Bakery,-2.80,0.00,EUR,PENDING,\n"
    booked = (
        header + "CARD_PAYMENT,Current,2026-03-01 10:00:00,2026-03-03 12:00:00,Bakery,-2.80,0.00,EUR,COMPLETED,7.20\n"
    )
    await household.upload(announced.encode(), account_id=account["id"])
    before = await household.rows()
    answer = await household.upload(booked.encode(), account_id=account["id"])
    await client.post(f"/v1/imports/{answer['id']}/undo")
    after = await household.rows()
    assert [r | {"version": 1} for r in after] == before
    assert (await household.upload(booked.encode(), account_id=account["id"]))["replaced"] == 1


async def test_an_idempotency_key_replays_the_answer_of_the_import(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any
) -> None:
    file, headers = ofx(row("2026-03-02", "-1")), {"Idempotency-Key": "upload-1"}
    first = await client.post("/v1/imports", content=file, headers=headers)
    replayed = await client.post("/v1/imports", files={"file": ("x.ofx", file)}, headers=headers)
    assert (replayed.status_code, replayed.json()) == (201, first.json())
    other = await client.post("/v1/imports", content=ofx(row("2026-03-02", "-2")), headers=headers)
    assert other.status_code == 422
    assert len((await client.get("/v1/imports")).json()["items"]) == 1


async def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    household: Any, ofx: Files, row: Any, counted_queries: Any
) -> None:
    counts = []
    for size in (2, 3, 400):
        file = ofx(*(row("2026-03-02", f"-{n}.01", fitid=f"{size}-{n}") for n in range(size)), account=str(size))
        with counted_queries() as statements:
            await household.upload(file)
        counts.append(len(statements))
    # The first finds an empty ledger, so that there is less to look for.
    assert counts[1] == counts[2]


async def test_imports_of_others_are_unknown(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any, stranger: dict[str, str]
) -> None:
    booked = await household.upload(ofx(row("2026-03-02", "-1")))
    for answer in (
        await client.get(f"/v1/imports/{booked['id']}", headers=stranger),
        await client.post(f"/v1/imports/{booked['id']}/undo", headers=stranger),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "import_not_found")
    assert (await client.get("/v1/imports", headers=stranger)).json()["items"] == []
