"""Transfers between own accounts: found at import and on demand, decided by the user, neither income nor spending."""

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx2
import polars as pl
from analytics_core import summarise

IBAN, OTHER_IBAN = "DE89370400440532013000", "DE44500105175407324931"


async def two_accounts(household: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    checking = await household.account(name="Checking", references=[{"number": IBAN}])
    savings = await household.account(name="Rainy days", type="savings", references=[{"number": OTHER_IBAN}])
    return checking, savings


async def transfers(client: httpx2.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/transfers", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def find(client: httpx2.AsyncClient) -> dict[str, int]:
    answer = await client.post("/v1/transfers/find")
    assert answer.status_code == 200, answer.text
    found: dict[str, int] = answer.json()
    return found


async def test_rows_whose_texts_name_the_other_account_are_proposed_once(
    household: Any, client: httpx2.AsyncClient
) -> None:
    checking, savings = await two_accounts(household)
    out = await household.enter(checking, "-200", counterparty="Rainy Days", booking_date="2026-03-01")
    inc = await household.enter(savings, "200", booking_date="2026-03-03")
    await household.enter(checking, "-2.80", description="Bakery")
    assert await find(client) == {"linked": 0, "proposed": 1}
    assert await find(client) == {"linked": 0, "proposed": 0}
    (proposed,) = await transfers(client, status="proposed")
    assert (proposed["outgoing"]["transaction_id"], proposed["incoming"]["transaction_id"]) == (out["id"], inc["id"])
    assert (proposed["reasons"], proposed["rate"]) == (["account_name", "equal_amount"], None)
    assert await transfers(client, status="linked") == await transfers(client, status="rejected") == []


def camt(account: str, amount: str, sign: str, counterparty: str) -> bytes:
    """A camt.053 statement of one entry whose counterparty has an account number."""
    party = "Cdtr" if sign == "DBIT" else "Dbtr"
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>'
        "<CreDtTm>2026-03-02T00:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt>"
        "<NtryDtls><TxDtls><RltdPties>"
        f"<{party}><Pty><Nm>Anna Meier</Nm></Pty></{party}>"
        f"<{party}Acct><Id><IBAN>{counterparty}</IBAN></Id></{party}Acct>"
        "</RltdPties></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"
    ).encode()


async def test_statements_that_name_each_others_account_are_linked_as_the_second_one_comes(
    household: Any, client: httpx2.AsyncClient
) -> None:
    first = await household.upload(camt(IBAN, "500.00", "DBIT", OTHER_IBAN))
    assert first["transfers"] == {"linked": 0, "proposed": 0}
    second = await household.upload(camt(OTHER_IBAN, "500.00", "CRDT", IBAN))
    assert second["transfers"] == {"linked": 1, "proposed": 0}
    (linked,) = await transfers(client)
    assert (linked["status"], linked["decided_by"]) == ("linked", "none")
    assert linked["reasons"] == ["account_numbers", "equal_amount"]
    assert (linked["outgoing"]["amount"], linked["incoming"]["amount"]) == ("-500.00", "500.00")
    undone = await client.post(f"/v1/imports/{second['id']}/undo")
    assert undone.status_code == 200, undone.text
    assert await transfers(client) == []
    again = await household.upload(camt(OTHER_IBAN, "500.00", "CRDT", IBAN))
    assert again["transfers"] == {"linked": 1, "proposed": 0}


async def linked_pair(household: Any, client: httpx2.AsyncClient) -> tuple[dict[str, Any], ...]:
    """Two rows and the transfer that they are linked as by hand."""
    checking, savings = await two_accounts(household)
    out, inc = await household.enter(checking, "-75"), await household.enter(savings, "75")
    answer = await client.post("/v1/transfers", json={"transaction_ids": [inc["id"], out["id"]]})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/transfers/{answer.json()['id']}"
    return out, inc, answer.json()


async def test_a_transfer_that_came_back_is_not_linked_to_a_row_that_is_like_it_by_chance(
    household: Any, client: httpx2.AsyncClient
) -> None:
    _, savings = await two_accounts(household)
    for sign in ("DBIT", "CRDT"):
        await household.upload(camt(IBAN, "100.00", sign, OTHER_IBAN))
    await household.enter(savings, "100", booking_date="2026-03-04", description="Birthday")
    assert await find(client) == {"linked": 0, "proposed": 1}
    (doubtful,) = await transfers(client)
    assert (doubtful["status"], doubtful["reasons"]) == ("proposed", ["account_number", "equal_amount"])
    await household.enter(savings, "-100", booking_date="2026-03-03")
    assert await find(client) == {"linked": 2, "proposed": 0}


async def test_a_row_that_the_user_calls_no_transfer_is_never_found_and_can_be_linked_by_hand(
    household: Any, client: httpx2.AsyncClient
) -> None:
    _, savings = await two_accounts(household)
    await household.upload(camt(IBAN, "100.00", "DBIT", OTHER_IBAN))
    inc = await household.enter(savings, "100", booking_date="2026-03-04", marked_transfer=False)
    assert await find(client) == {"linked": 0, "proposed": 0}
    (out,) = await household.rows(direction="out")
    by_hand = await client.post("/v1/transfers", json={"transaction_ids": [out["id"], inc["id"]]})
    assert (by_hand.status_code, by_hand.json()["status"]) == (201, "linked")


async def test_rows_linked_by_hand_show_their_transfer_and_the_other_account(
    household: Any, client: httpx2.AsyncClient
) -> None:
    out, inc, transfer = await linked_pair(household, client)
    assert (transfer["status"], transfer["decided_by"], transfer["reasons"]) == ("linked", "user", ["chosen"])
    shown = {
        row["id"]: (row["transfer_id"], row["transfer_account_id"])
        for row in [*await household.rows(), (await client.get(f"/v1/transactions/{out['id']}")).json()]
    }
    expected = {out["id"]: (transfer["id"], inc["account_id"]), inc["id"]: (transfer["id"], out["account_id"])}
    assert shown == expected
    again = await client.post("/v1/transfers", json={"transaction_ids": [out["id"], inc["id"]]})
    assert (again.status_code, again.json()) == (201, transfer)


async def test_rows_that_cannot_be_one_transfer_are_refused_with_the_reason(
    household: Any, client: httpx2.AsyncClient
) -> None:
    out, inc, transfer = await linked_pair(household, client)
    checking, savings = {"id": out["account_id"]}, {"id": inc["account_id"]}
    other = await household.enter(savings, "75")
    wrong = {
        "same_account": (other, inc),
        "same_sign": (await household.enter(checking, "75"), other),
        "amounts_differ": (out, await household.enter(savings, "74.99")),
        "already_linked": (out, other),
        "transaction_not_found": (out, {"id": transfer["id"]}),
    }
    for code, (one, two) in wrong.items():
        answer = await client.post("/v1/transfers", json={"transaction_ids": [one["id"], two["id"]]})
        assert answer.json()["code"] == code, answer.text
    assert [t["id"] for t in await transfers(client)] == [transfer["id"]]


async def test_a_rejection_is_remembered_until_the_user_thinks_better_of_it(
    household: Any, client: httpx2.AsyncClient
) -> None:
    checking, savings = await two_accounts(household)
    await household.enter(checking, "-200", counterparty="Rainy days")
    await household.enter(savings, "200")
    await find(client)
    (proposed,) = await transfers(client, status="proposed")
    rejected = (await client.post(f"/v1/transfers/{proposed['id']}/reject")).json()
    assert (rejected["status"], rejected["decided_by"]) == ("rejected", "user")
    assert await find(client) == {"linked": 0, "proposed": 0}
    accepted = await client.post(f"/v1/transfers/{proposed['id']}/accept")
    assert accepted.json()["status"] == "linked"
    assert (await client.post(f"/v1/transfers/{proposed['id']}/accept")).json() == accepted.json()
    assert [t["id"] for t in await transfers(client, status="linked")] == [proposed["id"]]
    actions = [e["action"] for e in (await client.get("/v1/journal")).json()["items"] if "transfer" in e["action"]]
    assert actions == ["transfer_linked", "transfer_rejected"]


async def test_an_accepted_proposal_withdraws_the_others_of_its_rows(
    household: Any, client: httpx2.AsyncClient
) -> None:
    checking, savings = await two_accounts(household)
    for _ in range(2):
        await household.enter(checking, "-200", counterparty="Rainy days")
    await household.enter(savings, "200")
    assert await find(client) == {"linked": 0, "proposed": 2}
    first, second = await transfers(client)
    assert (await client.post(f"/v1/transfers/{first['id']}/accept")).status_code == 200
    assert [t["id"] for t in await transfers(client)] == [first["id"]]
    gone = await client.get(f"/v1/transfers/{second['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "transfer_not_found")


async def test_a_deleted_transfer_leaves_rows_that_may_be_linked_anew(
    household: Any, client: httpx2.AsyncClient
) -> None:
    out, inc, transfer = await linked_pair(household, client)
    path = f"/v1/transfers/{transfer['id']}"
    assert (await client.delete(path)).status_code == 428
    assert (await household.delete(path, transfer["version"] + 1)).status_code == 412
    assert (await household.delete(path, transfer["version"])).status_code == 204
    assert [row["transfer_id"] for row in await household.rows()] == [None, None]
    relinked = await client.post("/v1/transfers", json={"transaction_ids": [out["id"], inc["id"]]})
    assert relinked.status_code == 201


async def test_a_transfer_ends_when_a_row_is_deleted_or_its_amount_changed(
    household: Any, client: httpx2.AsyncClient
) -> None:
    out, inc, transfer = await linked_pair(household, client)
    path = f"/v1/transactions/{out['id']}"
    changed = await household.change(path, "*", note="for the roof")
    assert changed.json()["transfer_id"] == transfer["id"]
    changed = await household.change(path, "*", amount="-70")
    assert (changed.json()["transfer_id"], await transfers(client)) == (None, [])
    past = (await client.get(f"/v1/transactions/{inc['id']}/history")).json()["items"]
    assert (past[0]["before"], past[0]["after"]) == ({"transfer_id": transfer["id"]}, {"transfer_id": None})
    await household.change(path, "*", amount="-75", counterparty="Rainy days")
    await find(client)
    (proposed,) = await transfers(client, status="proposed")
    await client.post(f"/v1/transfers/{proposed['id']}/accept")
    assert (await client.delete(path, headers={"If-Match": "*"})).status_code == 204
    assert await transfers(client) == []
    await client.post(f"{path}/restore")
    assert await find(client) == {"linked": 0, "proposed": 1}


async def test_a_transfer_is_neither_income_nor_spending_in_the_exported_ledger(
    household: Any, client: httpx2.AsyncClient
) -> None:
    out, inc, _ = await linked_pair(household, client)
    await household.enter({"id": out["account_id"]}, "-20")
    await household.enter({"id": out["account_id"]}, "500")
    ledger = pl.read_ipc_stream(io.BytesIO((await client.get("/v1/ledger")).content))
    kinds = dict(zip(ledger["id"], ledger["kind"], strict=True))
    assert (kinds[out["id"]], kinds[inc["id"]]) == ("transfer", "transfer")
    (summary,) = summarise(ledger)
    assert (summary.income, summary.spending, summary.basis.transfers) == (Decimal(500), Decimal(20), 2)


async def test_transfers_are_listed_by_account_and_row_and_belong_to_their_user(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    out, inc, transfer = await linked_pair(household, client)
    third = await household.account(name="Cash")
    assert [t["id"] for t in await transfers(client, account_id=inc["account_id"])] == [transfer["id"]]
    assert [t["id"] for t in await transfers(client, transaction_id=out["id"])] == [transfer["id"]]
    assert await transfers(client, account_id=third["id"]) == []
    path = f"/v1/transfers/{transfer['id']}"
    foreign = [
        await client.get(path, headers=stranger),
        await client.post(f"{path}/reject", headers=stranger),
        await client.delete(path, headers={**stranger, "If-Match": "*"}),
        await client.post("/v1/transfers", json={"transaction_ids": [out["id"], inc["id"]]}, headers=stranger),
    ]
    assert [answer.status_code for answer in foreign] == [404, 404, 404, 404]
    assert (await client.get(path)).json() == transfer


async def test_a_long_history_is_searched_window_by_window(household: Any, client: httpx2.AsyncClient) -> None:
    checking, savings = await two_accounts(household)
    for year in range(2022, 2026):
        for month in (1, 7):
            day = f"{year}-{month:02}-28"
            await household.enter(checking, "-100", counterparty="Rainy days", booking_date=day)
            await household.enter(savings, "100", booking_date=day)
    assert await find(client) == {"linked": 0, "proposed": 8}


async def test_a_row_that_names_an_account_in_another_currency_is_proposed_at_a_plausible_rate(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    dollars = await household.account(name="Dollars", currency="USD", references=[{"number": "9900112233"}])
    await household.enter(dollars, "250", booking_date="2026-03-05")
    euros = await household.upload(ofx(row("2026-03-04", "-230.10", name="Dollars")))
    assert euros["transfers"] == {"linked": 0, "proposed": 1}
    (proposed,) = await transfers(client)
    assert (proposed["reasons"], proposed["rate"]) == (["account_name", "estimated_rate"], "1.086484137")
