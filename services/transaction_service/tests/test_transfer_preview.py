"""A preview tells the transfers that the booking finds, and writes nothing."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from api_common.testing import Issuer
from broker_files import BOUGHT, DEPOSIT, broker
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

IBANS = ("DE89370400440532013000", "DE44500105175407324931", "NL91ABNA0417164300")
CURRENCIES = ("EUR", "EUR", "USD")
DAY = date(2026, 3, 2)

Entry = tuple[int, int, int, int]
"""Days after the first, an amount, which account its counterparty's number is (3: none), and whether it is booked."""


def camt(account: int, entries: list[Entry]) -> bytes:
    """A statement of one of the accounts."""
    written = []
    for n, (days, amount, other, booked) in enumerate(entries):
        party = "Cdtr" if amount < 0 else "Dbtr"
        number = f"<{party}Acct><Id><IBAN>{IBANS[other]}</IBAN></Id></{party}Acct>" if other < len(IBANS) else ""
        written.append(
            f'<Ntry><Amt Ccy="{CURRENCIES[account]}">{abs(amount)}.00</Amt>'
            f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd>"
            f"<Sts><Cd>{'BOOK' if booked else 'PDNG'}</Cd></Sts>"
            f"<BookgDt><Dt>{DAY + timedelta(days=days)}</Dt></BookgDt>"
            f"<NtryDtls><TxDtls><RltdPties><{party}><Pty><Nm>Somebody {n}</Nm></Pty></{party}>{number}</RltdPties>"
            "</TxDtls></NtryDtls></Ntry>"
        )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>'
        "<CreDtTm>2026-03-02T00:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id>"
        f"<Acct><Id><IBAN>{IBANS[account]}</IBAN></Id><Ccy>{CURRENCIES[account]}</Ccy></Acct>{''.join(written)}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


async def transfers(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    found = (await client.get("/v1/transfers", params={"limit": 500})).json()["items"]
    return {transfer["id"]: transfer for transfer in found}


def told(transfer: dict[str, Any]) -> tuple[Any, ...]:
    """What preview and ledger say alike of a transfer; ids of accounts that are yet to be made differ."""
    names = ("booking_date", "amount", "currency", "description")
    sides = (tuple(transfer[side][name] for name in names) for side in ("outgoing", "incoming"))
    return (transfer["status"], tuple(transfer["reasons"]), transfer["rate"], *sides)


async def preview(client: httpx2.AsyncClient, content: bytes) -> dict[str, Any]:
    answer = await client.post("/v1/imports", params={"preview": "true"}, content=content)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def agreed(client: httpx2.AsyncClient, content: bytes) -> dict[str, Any]:
    """Preview a file and book it; gives the preview, of which the booking has done what it said."""
    before = await transfers(client)
    previewed = await preview(client, content)
    assert await transfers(client) == before
    booked = (await client.post("/v1/imports", content=content)).json()
    assert previewed["transfers"] == booked["transfers"]
    after = await transfers(client)
    new = [told(transfer) for transfer_id, transfer in after.items() if transfer_id not in before]
    assert sorted(map(told, previewed["previewed_transfers"]), key=str) == sorted(new, key=str)
    assert booked["previewed_transfers"] == []
    return previewed


async def test_a_preview_names_the_rows_that_would_be_linked(client: httpx2.AsyncClient, household: Any) -> None:
    assert (await agreed(client, camt(0, [(0, -500, 1, True)])))["transfers"] == {"linked": 0, "proposed": 0}
    previewed = await agreed(client, camt(1, [(1, 500, 0, True), (1, -3, 3, True)]))
    assert previewed["transfers"] == {"linked": 1, "proposed": 0}
    (transfer,) = previewed["previewed_transfers"]
    (sent,) = [row for row in await household.rows() if row["amount"] == "-500.00"]
    assert (transfer["outgoing"]["transaction_id"], transfer["incoming"]["transaction_id"]) == (sent["id"], None)
    assert transfer["incoming"]["account_id"] == previewed["accounts"][0]["account_id"]


async def test_rules_of_the_user_are_heeded_in_a_preview(client: httpx2.AsyncClient, household: Any) -> None:
    conditions = [{"field": "text", "operator": "contains", "value": "somebody"}]
    await client.post("/v1/rules", json={"conditions": conditions, "actions": {"transfer": True}})
    await agreed(client, camt(0, [(0, -500, 3, True), (0, -70, 3, True)]))
    assert (await agreed(client, camt(1, [(4, 500, 3, True)])))["transfers"] == {"linked": 1, "proposed": 0}


async def test_an_account_that_would_be_made_is_known_by_its_number(client: httpx2.AsyncClient, household: Any) -> None:
    account = await household.account(name="Purse")
    await household.enter(account, "-500", booking_date="2026-03-02", description=f"to {IBANS[1]}")
    assert (await agreed(client, camt(1, [(0, 500, 3, True)])))["transfers"] == {"linked": 1, "proposed": 0}


async def test_of_investments_and_very_many_rows_no_transfers_are_previewed(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    previewed = await preview(client, broker(DEPOSIT, BOUGHT))
    assert (previewed["transfers"], previewed["previewed_transfers"]) == (None, [])
    monkeypatch.setattr("transaction_service.service.transfer_preview.MOST_ROWS", 1)
    assert (await preview(client, camt(0, [(0, -1, 1, True)])))["transfers"] == {"linked": 0, "proposed": 0}
    assert (await preview(client, camt(0, [(0, -1, 1, True), (0, -2, 1, True)])))["transfers"] is None


ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 6), st.sampled_from([-100, -50, 50, 100, 110]), st.integers(0, 3), st.sampled_from([1, 1, 1, 0])
    ),
    min_size=1,
    max_size=5,
)


# Every example is two dozen requests, so a failure is shown as it was found and not made smaller.
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@given(files=st.lists(st.tuples(st.integers(0, 2), ENTRIES), min_size=2, max_size=5))
async def test_the_booking_finds_the_transfers_that_the_preview_told(
    client: httpx2.AsyncClient, issuer: Issuer, files: list[tuple[int, list[Entry]]]
) -> None:
    client.headers.update(issuer.headers(uuid4()))
    for account, entries in files:
        previewed = await agreed(client, camt(account, entries))
        assert all(
            Decimal(transfer["outgoing"]["amount"]) < 0 < Decimal(transfer["incoming"]["amount"])
            for transfer in previewed["previewed_transfers"]
        )
