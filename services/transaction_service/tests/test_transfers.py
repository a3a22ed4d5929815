"""Transfers between one's own accounts: found at import and on demand, decided by the user, never income or spending."""

from collections.abc import Callable
from typing import Any

import httpx2
from transaction_service.default_categories import default_category_id

IBAN, OTHER_IBAN = "DE89370400440532013000", "DE44500105175407324931"
CSV = "Booking date;Amount;Currency;Counterparty;IBAN;Purpose\n"


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
