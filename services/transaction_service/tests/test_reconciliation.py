"""The ledger beside every balance that is known of an account: agreement, gaps, and what may have made them."""

from collections.abc import Callable
from typing import Any

import httpx2


async def timeline(client: httpx2.AsyncClient, account: Any, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/accounts/{account['id']}/reconciliation", params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def assert_balance(client: httpx2.AsyncClient, account: Any, date: str, amount: str) -> dict[str, Any]:
    body = {"date": date, "amount": amount}
    answer = await client.post(f"/v1/accounts/{account['id']}/assertions", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def short(found: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [(item["date"], item["source"], item["stated"], item["ledger"], item["status"]) for item in found["items"]]


async def test_asserted_balances_are_compared_with_the_ledger(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account(opening_balance="100.00", opening_date="2026-01-01")
    await household.enter(account, "-30", booking_date="2026-01-10")
    missing = await household.enter(account, "-12.50", booking_date="2026-02-10", description="Dentist")
    january = await assert_balance(client, account, "2026-01-31", "70.00")
    february = await assert_balance(client, account, "2026-02-28", "70.00")
    found = await timeline(client, account)
    assert found["anchor"] == {"source": "opening_balance", "date": "2026-01-01", "amount": "100.00"}
    assert short(found) == [
        ("2026-01-31", "assertion", "70.00", "70.00", "adds_up"),
        ("2026-02-28", "assertion", "70.00", "57.50", "gap"),
    ]
    assert [item["assertion_id"] for item in found["items"]] == [january["id"], february["id"]]
    gap = found["items"][1]["gap"]
    assert (gap["amount"], gap["after"], gap["until"]) == ("12.50", "2026-01-31", "2026-02-28")
    assert [(c["cause"], c["transaction_id"]) for c in gap["likely"]] == [("not_in_statement", missing["id"])]


IBAN = "DE89370400440532013000"


def camt(month: int, opening: str, *amounts: str, closing: str) -> bytes:
    """A camt.053 statement of one month: entries on the 10th and the days after it."""
    entries = "".join(
        f'<Ntry><Amt Ccy="EUR">{amount.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{'DBIT' if amount[0] == '-' else 'CRDT'}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-{month:02}-{10 + n}</Dt></BookgDt>"
        f"<AddtlNtryInf>Entry {n}</AddtlNtryInf></Ntry>"
        for n, amount in enumerate(amounts)
    )
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-{month:02}-{day:02}</Dt></Dt></Bal>"
        for code, day, amount in (("OPBD", 1, opening), ("CLBD", 28, closing))
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>'
        "<CreDtTm>2026-06-01T00:00:00</CreDtTm></GrpHdr><Stmt>"
        f"<Id>{month}</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


async def only_account(client: httpx2.AsyncClient) -> dict[str, Any]:
    (account,) = (await client.get("/v1/accounts")).json()["items"]
    found: dict[str, Any] = account
    return found


async def overview(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/v1/reconciliation")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_statements_anchor_an_account_without_an_opening_balance_and_add_up(
    household: Any, client: httpx2.AsyncClient
) -> None:
    await household.upload(camt(1, "1000.00", "-100.00", "-50.50", closing="849.50"))
    await household.upload(camt(2, "849.50", "200.00", closing="1049.50"))
    account = await only_account(client)
    found = await timeline(client, account)
    assert found["anchor"] == {"source": "first_balance", "date": "2026-01-01", "amount": "1000.00"}
    assert short(found) == [
        ("2026-01-01", "opening", "1000.00", "1000.00", "adds_up"),
        ("2026-01-28", "closing", "849.50", "849.50", "adds_up"),
        ("2026-02-01", "opening", "849.50", "849.50", "adds_up"),
        ("2026-02-28", "closing", "1049.50", "1049.50", "adds_up"),
    ]
    (line,) = await overview(client)
    assert (line["account_id"], line["name"], line["currency"]) == (account["id"], account["name"], "EUR")
    assert (line["status"], line["last_agreed"], line["last_known"]) == ("adds_up", "2026-02-28", "2026-02-28")
    assert line["difference"] == "0.00"


async def test_a_file_that_comes_twice_states_its_balances_once(household: Any, client: httpx2.AsyncClient) -> None:
    content = camt(1, "1000.00", "-100.00", closing="900.00")
    imports = [await household.upload(content) for _ in range(2)]
    found = await timeline(client, await only_account(client))
    assert [item["source"] for item in found["items"]] == ["opening", "closing"]
    assert {item["import_id"] for item in found["items"]} == {imports[-1]["id"]}


async def test_a_statement_fetched_at_noon_and_again_in_the_evening_is_no_gap(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    morning, later = row("2026-11-01", "-10", fitid="a"), row("2026-11-01", "25", "Refund", "b")
    await household.upload(ofx(morning, closing="490.00"))
    await household.upload(ofx(morning, later, closing="515.00"))
    found = await timeline(client, await only_account(client))
    assert found["anchor"]["amount"] == "515.00"
    assert short(found) == [
        ("2026-11-01", "closing", "490.00", "515.00", "superseded"),
        ("2026-11-01", "closing", "515.00", "515.00", "adds_up"),
    ]
    assert [item["gap"] for item in found["items"]] == [None, None]
    (line,) = await overview(client)
    assert (line["status"], line["difference"]) == ("adds_up", "0.00")


def within_the_day(statement: bytes) -> bytes:
    """The statement as a report of the day that is not over yet (camt.052)."""
    report = statement.replace(b"camt.053", b"camt.052").replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt")
    return report.replace(b"<Stmt>", b"<Rpt>").replace(b"</Stmt>", b"</Rpt>")


async def test_a_report_of_noon_is_no_gap_whenever_it_comes(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    noon = within_the_day(camt(1, "1000.00", "-100.00", closing="900.00"))
    evening = camt(1, "1000.00", "-100.00", "-50.00", closing="850.00")
    for files, headers in (((noon, evening), {}), ((evening, noon), stranger)):
        for content in files:
            answer = await client.post("/v1/imports", content=content, headers=headers)
            assert answer.status_code == 201, answer.text
        (account,) = (await client.get("/v1/accounts", headers=headers)).json()["items"]
        answer = await client.get(f"/v1/accounts/{account['id']}/reconciliation", headers=headers)
        assert sorted(short(answer.json())) == [
            ("2026-01-01", "opening", "1000.00", "1000.00", "adds_up"),
            ("2026-01-28", "closing", "850.00", "850.00", "adds_up"),
            ("2026-01-28", "closing", "900.00", "850.00", "superseded"),
        ]
        (line,) = (await client.get("/v1/reconciliation", headers=headers)).json()["items"]
        assert (line["status"], line["difference"]) == ("adds_up", "0.00")


async def test_a_report_of_noon_is_no_gap_where_the_next_day_opens_otherwise(
    household: Any, client: httpx2.AsyncClient
) -> None:
    noon = within_the_day(camt(1, "1000.00", "-100.00", closing="900.00"))
    await household.upload(noon)
    account = await only_account(client)
    await household.enter(account, "-50", booking_date="2026-01-28", description="Cash")
    assert [item["status"] for item in (await timeline(client, account))["items"]] == ["adds_up", "gap"]
    await household.upload(camt(2, "850.00", "-30.00", closing="820.00").replace(b"2026-02-01", b"2026-01-29"))
    assert short(await timeline(client, account)) == [
        ("2026-01-01", "opening", "1000.00", "1000.00", "adds_up"),
        ("2026-01-29", "opening", "850.00", "850.00", "adds_up"),
        ("2026-02-28", "closing", "820.00", "820.00", "adds_up"),
    ]


async def test_balances_before_the_opening_date_are_not_compared(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account(opening_balance="900", opening_date="2026-02-01", references=[{"number": IBAN}])
    await household.upload(camt(1, "1000.00", "-100.00", closing="850.00"))
    await household.upload(camt(2, "900.00", "-30.00", closing="870.00"))
    assert [item["date"] for item in (await timeline(client, account))["items"]] == ["2026-02-01", "2026-02-28"]
    assert (await overview(client))[0]["status"] == "adds_up"


async def test_a_month_whose_import_was_undone_is_a_gap_that_names_the_import(
    household: Any, client: httpx2.AsyncClient
) -> None:
    await household.upload(camt(1, "1000.00", "-100.00", closing="900.00"))
    february = await household.upload(camt(2, "900.00", "-30.00", "-7.00", closing="863.00"))
    await household.upload(camt(3, "863.00", "-3.00", closing="860.00"))
    await client.post(f"/v1/imports/{february['id']}/undo")
    found = await timeline(client, await only_account(client))
    (gap,) = [item["gap"] for item in found["items"] if item["gap"]]
    assert (gap["amount"], gap["after"], gap["until"]) == ("-37.00", "2026-01-28", "2026-02-28")
    assert [(c["cause"], c["import_id"]) for c in gap["likely"]] == [("import_undone", february["id"])]
    (line,) = await overview(client)
    assert (line["status"], line["last_agreed"], line["difference"]) == ("gap", "2026-01-28", "-37.00")


async def test_a_deleted_and_an_edited_row_explain_their_gaps(household: Any, client: httpx2.AsyncClient) -> None:
    await household.upload(camt(1, "1000.00", "-100.00", "-50.00", closing="850.00"))
    await household.upload(camt(2, "850.00", "-20.00", closing="830.00"))
    first, second, third = await household.rows()
    await household.delete(f"/v1/transactions/{second['id']}", second["version"])
    await household.change(f"/v1/transactions/{third['id']}", "*", amount="-25")
    found = await timeline(client, await only_account(client))
    gaps = [item["gap"] for item in found["items"] if item["gap"]]
    assert [gap["amount"] for gap in gaps] == ["-50.00", "5.00"]
    assert [[(c["cause"], c["transaction_id"]) for c in gap["likely"]] for gap in gaps] == [
        [("deleted", second["id"])],
        [("edited_amount", third["id"])],
    ]
    await client.post(f"/v1/transactions/{second['id']}/restore")
    await household.change(f"/v1/transactions/{third['id']}", "*", amount="-20")
    assert (await overview(client))[0]["status"] == "adds_up"
    assert first["amount"] == "-100.00"


async def test_a_row_that_waits_as_a_suspected_repeat_explains_its_gap(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    await household.upload(ofx(row("2026-03-01", "-5", fitid="A1"), row("2026-03-02", "-9", fitid="A2")))
    again = await household.upload(ofx(row("2026-03-01", "-5", fitid="B1"), row("2026-03-04", "-7", fitid="B2")))
    assert again["proposed"] == 1
    account = await only_account(client)
    await assert_balance(client, account, "2026-02-28", "0")
    await assert_balance(client, account, "2026-03-31", "-26")
    found = await timeline(client, account)
    (likely,) = [c for c in found["items"][-1]["gap"]["likely"] if c["cause"] == "proposed_repeat"]
    assert (likely["amount"], likely["booking_date"], likely["import_id"]) == ("-5.00", "2026-03-01", again["id"])
    (proposal,) = (await client.get(f"/v1/imports/{again['id']}/proposals")).json()["items"]
    assert likely["proposal_id"] == proposal["id"]


async def test_an_import_that_refused_rows_is_named_where_it_stated_a_balance(
    household: Any, client: httpx2.AsyncClient
) -> None:
    booked = await household.upload(camt(1, "1000.00", "-100.00", "-1x.00", closing="890.00"))
    assert booked["refused"] == 1
    found = await timeline(client, await only_account(client))
    (likely,) = found["items"][1]["gap"]["likely"]
    assert (likely["cause"], likely["import_id"], likely["rows"]) == ("rows_refused", booked["id"], 1)


async def test_the_daily_ends_of_running_balances_are_known_balances(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account()
    header = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
    lines = [("05", "-2.80", "97.20"), ("05", "-7.20", "90.00"), ("06", "10.00", "100.00"), ("09", "-1.00", "99.00")]
    rows = [
        f"CARD_PAYMENT,Current,2026-03-{day} 10:00:00,2026-03-{day} 1{n}:00:00,Shop {n},{amount},0.00,EUR,COMPLETED,"
        f"{balance}\n"
        for n, (day, amount, balance) in enumerate(lines)
    ]
    await household.upload((header + "".join(reversed(rows))).encode(), account_id=account["id"])
    found = await timeline(client, account)
    assert short(found) == [
        ("2026-03-05", "opening", "100.00", "100.00", "adds_up"),
        ("2026-03-05", "running", "90.00", "90.00", "adds_up"),
        ("2026-03-06", "running", "100.00", "100.00", "adds_up"),
        ("2026-03-09", "closing", "99.00", "99.00", "adds_up"),
    ]
    (third,) = [row for row in await household.rows() if row["amount"] == "10.00"]
    await household.delete(f"/v1/transactions/{third['id']}", third["version"])
    found = await timeline(client, account)
    assert [item["status"] for item in found["items"]] == ["adds_up", "adds_up", "gap", "gap"]
    assert [c["cause"] for c in found["items"][2]["gap"]["likely"]] == ["deleted"]
    assert (await overview(client))[0]["last_agreed"] == "2026-03-05"


async def test_a_timeline_is_read_page_by_page_and_each_page_knows_what_was_before(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account(opening_balance="100", opening_date="2026-01-01")
    for day, amount in (("01-05", "100"), ("01-06", "90"), ("01-07", "90"), ("01-08", "100")):
        await assert_balance(client, account, f"2026-{day}", amount)
    whole = await timeline(client, account)
    assert (whole["next_from"], len(whole["items"])) == (None, 4)
    pages, start = [], None
    while True:
        page = await timeline(client, account, limit=1, **({"from": start} if start else {}))
        pages += page["items"]
        start = page["next_from"]
        if start is None:
            break
    assert pages == whole["items"]
    assert [bool(item["gap"]) for item in pages] == [False, True, False, True]
    inner = await timeline(client, account, **{"from": "2026-01-06", "to": "2026-01-07"})
    assert inner["items"] == whole["items"][1:3]
    reversed_range = await client.get(
        f"/v1/accounts/{account['id']}/reconciliation", params={"from": "2026-02-01", "to": "2026-01-01"}
    )
    assert reversed_range.json()["code"] == "range_reversed"


async def test_an_account_of_which_nothing_is_known_is_unproven(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    await household.enter(account, "-5")
    found = await timeline(client, account)
    assert (found["anchor"], found["items"], found["next_from"]) == (None, [], None)
    (line,) = await overview(client)
    assert (line["status"], line["last_agreed"], line["last_known"], line["difference"]) == (
        "unproven",
        None,
        None,
        None,
    )
    await assert_balance(client, account, "2026-03-31", "12")
    (line,) = await overview(client)
    assert (line["status"], line["last_agreed"]) == ("unproven", "2026-03-31")


async def test_assertions_are_kept_changed_and_taken_back(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    account = await household.account(opening_balance="10")
    made = await assert_balance(client, account, "2026-01-31", "10.00")
    assert (made["account_id"], made["note"], made["version"]) == (account["id"], None, 1)
    root = f"/v1/accounts/{account['id']}/assertions"
    path = f"{root}/{made['id']}"
    twice = await client.post(root, json={"date": "2026-01-31", "amount": "11"})
    assert (twice.status_code, twice.json()["code"], twice.json()["assertion_id"]) == (409, "day_asserted", made["id"])
    same = await client.post(root, json={"id": made["id"], "date": "2026-01-31", "amount": "10"})
    assert (same.status_code, same.json()) == (201, made)
    taken = await client.post(root, json={"id": made["id"], "date": "2026-01-31", "amount": "11"})
    assert taken.json()["code"] == "id_taken"
    later = await assert_balance(client, account, "2026-02-28", "9.00")
    assert [item["id"] for item in (await client.get(root)).json()["items"]] == [later["id"], made["id"]]
    clash = await household.change(path, made["version"], date="2026-02-28")
    assert clash.json()["code"] == "day_asserted"
    changed = await household.change(path, made["version"], date="2026-01-30", amount="10.50", note="counted")
    assert (changed.status_code, changed.json()["date"], changed.json()["amount"]) == (200, "2026-01-30", "10.50")
    assert (await household.change(path, made["version"], amount="1")).status_code == 412
    assert (await client.get(path)).json() == changed.json()
    other = await household.account(name="Other")
    foreign = [
        await client.get(path, headers=stranger),
        await client.get(path.replace(str(account["id"]), str(other["id"]))),
        await client.get(f"/v1/accounts/{account['id']}/reconciliation", headers=stranger),
    ]
    assert [answer.status_code for answer in foreign] == [404, 404, 404]
    assert (await client.get("/v1/reconciliation", headers=stranger)).json() == {"items": []}
    assert (await household.delete(path, changed.json()["version"])).status_code == 204
    assert (await client.get(path)).json()["code"] == "assertion_not_found"
    actions = [e["action"] for e in (await client.get("/v1/journal")).json()["items"] if "assert" in e["action"]]
    assert actions == ["assertion_deleted", "assertion_changed", "balance_asserted", "balance_asserted"]
