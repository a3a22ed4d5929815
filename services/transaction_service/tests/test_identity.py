"""Which row of a file is which row of the ledger: what balances prove, and what is left to the user."""

from datetime import date
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from bank_files import BankRow, camt, march, renamed
from imported import counts, decide, proposals

ROWS = [march(2, "-2.80"), march(2, "-2.80"), march(5, "-40", "Cinema"), march(9, "1500", "Salary")]
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 10)


async def test_balances_prove_that_rows_under_other_ids_are_the_same_in_either_order(household: Any) -> None:
    whole = camt(renamed(ROWS, "a"), opening=Decimal(100), first=FIRST, last=LAST)
    later = [*ROWS[2:], march(12, "-7", "Kiosk")]
    overlapping = camt(renamed(later, "b"), opening=Decimal("94.40"), first=date(2026, 3, 4), last=date(2026, 3, 14))
    for number, files in enumerate(((whole, overlapping), (overlapping, whole))):
        first, second = [
            await household.upload(file.replace(b"DE02120300000000202051", f"DE{number}".encode())) for file in files
        ]
        assert (counts(second)["repeated"], counts(second)["proved"]) == (2, 2)
        assert second["accounts"][0]["trusts_bank_ids"] is False
        rows = await household.rows(account_id=first["accounts"][0]["account_id"])
        assert [r["amount"] for r in rows] == ["-2.80", "-2.80", "-40.00", "1500.00", "-7.00"]


async def test_without_proof_a_row_under_another_id_is_proposed_and_counted(
    household: Any, client: httpx2.AsyncClient
) -> None:
    await household.upload(camt(renamed(ROWS, "a")))
    preview = await client.post("/v1/imports", params={"preview": "true"}, content=camt(renamed(ROWS[2:], "b")))
    assert [p["reason"] for p in preview.json()["proposals"]] == ["same_row_other_id"] * 2
    answer = await household.upload(camt([*renamed(ROWS[2:], "b"), march(20, "-1", "New", "n")]))
    assert counts(answer) == {"read": 3, "booked": 1, "proposed": 2}
    waiting = await proposals(client, status="waiting")
    assert len(waiting) == 2
    assert (await client.get(f"/v1/imports/{answer['id']}/proposals")).json()["items"] == waiting
    cinema = waiting[1]
    assert (cinema["reason"], cinema["proposed"]["description"], cinema["suspected"]["description"]) == (
        "same_row_other_id",
        "Cinema",
        "Cinema",
    )
    again = await household.upload(camt([*renamed(ROWS[2:], "b"), march(20, "-1", "New", "n")]))
    assert counts(again) == {"read": 3, "repeated": 1, "proposed": 2}
    assert len(await proposals(client)) == 2


async def test_an_accepted_row_is_never_booked_and_a_rejected_one_is_and_both_are_remembered(
    household: Any, client: httpx2.AsyncClient
) -> None:
    await household.upload(camt(renamed(ROWS, "a")))
    file = camt(renamed(ROWS[2:], "b"))
    await household.upload(file)
    salary, cinema = await proposals(client)
    assert (await decide(client, cinema, "accept"))["status"] == "accepted"
    rejected = await decide(client, salary, "reject")
    assert (rejected["status"], rejected["decided_by"]) == ("rejected", "user")
    assert await decide(client, salary, "reject") == rejected
    assert len(await household.rows()) == 5
    again = await household.upload(file)
    assert counts(again) == {"read": 2, "repeated": 2}
    assert again["accounts"][0]["trusts_bank_ids"] is False
    booked = (await client.get(f"/v1/transactions/{rejected['booked_as']}")).json()
    assert (booked["amount"], booked["description"]) == ("1500.00", "Salary")


async def test_a_decision_can_be_taken_anew(household: Any, client: httpx2.AsyncClient) -> None:
    await household.upload(camt(renamed(ROWS, "a")))
    file = camt(renamed(ROWS[2:3], "b"))
    await household.upload(file)
    (cinema,) = await proposals(client)
    await decide(client, cinema, "accept")
    refused = await client.post(f"/v1/proposals/{cinema['id']}/reject")
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal_decided")
    for how, rows in (("reject", 5), ("accept", 4), ("reject", 5)):
        await decide(client, cinema, how, anew="true")
        assert len(await household.rows()) == rows
        assert counts(await household.upload(file)) == {"read": 1, "repeated": 1}


async def test_a_later_statement_decides_what_waits(household: Any, client: httpx2.AsyncClient) -> None:
    await household.upload(camt(renamed(ROWS[:3], "a")))
    await household.upload(camt(renamed(ROWS[2:3], "b")))
    assert [p["status"] for p in await proposals(client)] == ["waiting"]
    proof = await household.upload(camt(renamed(ROWS, "c"), opening=Decimal(0), first=FIRST, last=LAST))
    (decided,) = await proposals(client)
    assert (decided["status"], decided["decided_by"], decided["proved_by"]) == ("accepted", "proof", proof["id"])
    assert len(await household.rows()) == 4
    await client.post(f"/v1/imports/{proof['id']}/undo")
    assert [p["status"] for p in await proposals(client)] == ["waiting"]
    assert len(await household.rows()) == 3


async def test_a_file_that_brings_both_rows_shows_that_they_are_two(household: Any, client: httpx2.AsyncClient) -> None:
    one, other = march(2, "-2.80", bank_id="a"), march(2, "-2.80", bank_id="b")
    await household.upload(camt([one]))
    assert counts(await household.upload(camt([other]))) == {"read": 1, "proposed": 1}
    assert counts(await household.upload(camt([one, other]))) == {"read": 2, "booked": 1, "repeated": 1}
    (decided,) = await proposals(client)
    assert (decided["status"], decided["decided_by"]) == ("rejected", "proof")
    assert counts(await household.upload(camt([other]))) == {"read": 1, "repeated": 1}


async def test_running_balances_prove_the_same_row(household: Any) -> None:
    header = "Date,Description,Amount,Currency,Balance\n"
    account = await household.account()
    first = header + "2026-03-02,Shop,-2.00,EUR,98.00\n2026-03-02,Shop,-2.00,EUR,96.00\n"
    second = header + "2026-03-02,SHOP 17,-2.00,EUR,96.00\n2026-03-03,Bar,-1.00,EUR,95.00\n"
    await household.upload(first.encode(), account_id=account["id"])
    answer = await household.upload(second.encode(), account_id=account["id"])
    assert counts(answer) == {"read": 2, "booked": 1, "repeated": 1, "proved": 1}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (march(9, "-2.80", bank_id="z"), "booked"),
        (march(5, "-40", "Cinema Zoo", "z"), "proposed"),
        (march(6, "-40", "CINEMA", "z"), "proposed"),
        (march(5, "-41", "Cinema", "z"), "booked"),
        (march(5, "-40", "Insurance", "z"), "proposed"),
    ],
)
async def test_only_a_row_that_the_file_lacks_makes_another_one_suspicious(
    household: Any, row: BankRow, expected: str
) -> None:
    await household.upload(camt(renamed(ROWS, "a"), first=FIRST, last=LAST))
    answer = await household.upload(camt([row], first=date(2026, 3, 5), last=LAST))
    assert counts(answer) == {"read": 1, expected: 1}


async def test_a_file_of_the_next_days_is_not_suspicious(household: Any) -> None:
    await household.upload(camt([march(30, "-3.20", "Bus"), march(31, "-3.20", "Bus")]))
    april = [BankRow(date(2026, 4, day), Decimal("-3.20"), "Bus") for day in (1, 2, 3)]
    assert counts(await household.upload(camt(april))) == {"read": 3, "booked": 3}


async def test_stable_ids_make_a_row_of_another_day_another_row(household: Any) -> None:
    rows = renamed(ROWS, "a")
    await household.upload(camt(rows))
    answer = await household.upload(camt([rows[3], march(6, "-40", "Cinema", "z")], first=FIRST, last=LAST))
    assert counts(answer) == {"read": 2, "booked": 1, "repeated": 1}


async def test_a_row_entered_by_hand_is_compared_with_the_bank_s(household: Any, client: httpx2.AsyncClient) -> None:
    first = await household.upload(camt(renamed(ROWS[:1], "a")))
    account_id = first["accounts"][0]["account_id"]
    await household.enter({"id": account_id}, "-15.50", description="Bookshop", booking_date="2026-03-04")
    file = camt([march(5, "-15.50", "BOOKSHOP BERLIN", "b")])
    assert counts(await household.upload(file)) == {"read": 1, "proposed": 1}
    (proposal,) = await proposals(client)
    assert proposal["reason"] == "entered_by_hand"
    await decide(client, proposal, "accept")
    assert counts(await household.upload(file)) == {"read": 1, "repeated": 1}
    assert len(await household.rows()) == 2


async def test_two_spellings_of_an_account_count_equal_rows_together(household: Any) -> None:
    header = "Date,Description,Original Description,Amount,Transaction Type,Category,Account Name,Labels,Notes\n"
    lines = "6/12/15,A,A,10.00,debit,Food,Giro,,\n6/12/15,A,A,10.00,debit,Food,giro ,,\n"
    answer = await household.upload((header + lines).encode(), currency="EUR")
    assert counts(answer) == {"read": 2, "booked": 2}
    assert counts(await household.upload((header + lines).encode(), currency="EUR")) == {"read": 2, "repeated": 2}


async def test_a_bank_known_to_change_its_ids_is_recognised_by_wording(household: Any) -> None:
    proved: dict[str, Any] = {"opening": Decimal(0), "first": FIRST, "last": LAST}
    await household.upload(camt(renamed(ROWS, "a"), **proved))
    await household.upload(camt(renamed(ROWS, "b"), **proved))
    # No balances any more: still nothing to ask, as wording and number tell the rows.
    answer = await household.upload(camt([*renamed(ROWS, "c"), march(2, "-2.80", bank_id="c9")]))
    assert counts(answer) == {"read": 5, "booked": 1, "repeated": 4}
    assert len(await household.rows()) == 5


@pytest.mark.parametrize("edit", [{}, {"amount": "-41.00", "booking_date": "2026-03-20"}, None])
async def test_edited_and_deleted_rows_are_proved_to_be_the_same_as_well(household: Any, edit: Any) -> None:
    await household.upload(camt(renamed(ROWS, "a"), opening=Decimal(0), first=FIRST, last=LAST))
    cinema = next(r for r in await household.rows() if r["description"] == "Cinema")
    if edit is None:
        await household.delete(f"/v1/transactions/{cinema['id']}", cinema["version"])
    elif edit:
        await household.change(f"/v1/transactions/{cinema['id']}", cinema["version"], **edit)
    answer = await household.upload(camt(renamed(ROWS, "b"), opening=Decimal(0), first=FIRST, last=LAST))
    assert counts(answer) == {"read": 4, "repeated": 4, "proved": 4}
    assert len(await household.rows()) == (3 if edit is None else 4)


async def test_a_row_is_known_by_its_bank_s_day_wherever_the_user_moves_it(household: Any) -> None:
    await household.upload(camt(ROWS))
    for number, row in enumerate(await household.rows()):
        day = date(2024 + number, 6, 1).isoformat()
        await household.change(f"/v1/transactions/{row['id']}", row["version"], booking_date=day)
    assert counts(await household.upload(camt([*ROWS, march(10, "-1", "Kiosk")]))) == {
        "read": 5,
        "booked": 1,
        "repeated": 4,
    }


async def test_undoing_the_import_of_a_suspected_row_books_the_row_that_waited(
    household: Any, client: httpx2.AsyncClient
) -> None:
    first = await household.upload(camt([march(5, "-40", "Cinema", "a")]))
    file = camt([march(5, "-40", "Cinema", "b")])
    second, third = await household.upload(file), await household.upload(camt([march(5, "-40", "Cinema", "c")]))
    await client.post(f"/v1/imports/{first['id']}/undo")
    (row,) = await household.rows()
    assert row["import_id"] == second["id"]
    (left,) = await proposals(client)
    assert (left["import_id"], left["suspected"]["id"]) == (third["id"], row["id"])
    assert counts(await household.upload(file)) == {"read": 1, "repeated": 1}
    await client.post(f"/v1/imports/{third['id']}/undo")
    assert await proposals(client) == []


async def test_undo_takes_back_what_an_import_taught(household: Any, client: httpx2.AsyncClient) -> None:
    proved: dict[str, Any] = {"opening": Decimal(0), "first": FIRST, "last": LAST}
    await household.upload(camt(renamed(ROWS, "a"), **proved))
    second = await household.upload(camt(renamed(ROWS, "b"), **proved))
    assert (await client.post(f"/v1/imports/{second['id']}/undo")).json()["removed"] == 0
    third = await household.upload(camt(renamed(ROWS, "a")))
    assert (counts(third), third["accounts"][0]["trusts_bank_ids"]) == ({"read": 4, "repeated": 4}, True)


async def test_proposals_are_the_user_s_own(household: Any, client: httpx2.AsyncClient, stranger: Any) -> None:
    await household.upload(camt(renamed(ROWS[:1], "a")))
    answer = await household.upload(camt(renamed(ROWS[:1], "b")))
    (proposal,) = await proposals(client)
    for method, path in (
        ("GET", f"/v1/proposals/{proposal['id']}"),
        ("POST", f"/v1/proposals/{proposal['id']}/accept"),
        ("POST", f"/v1/proposals/{proposal['id']}/reject"),
        ("GET", f"/v1/imports/{answer['id']}/proposals"),
    ):
        assert (await client.request(method, path, headers=stranger)).status_code == 404
    assert (await client.get("/v1/proposals", headers=stranger)).json()["items"] == []


async def test_what_the_parser_gives_is_kept(household: Any) -> None:
    header = "Date,Description,Amount,Currency,Balance\n"
    account = await household.account()
    await household.upload((header + "2026-03-02,Shop,-2.00,EUR,98.00\n").encode(), account_id=account["id"])
    (row,) = await household.rows()
    assert row["balance"] == "98.00"


async def test_a_renamed_account_keeps_its_rows_and_one_made_anew_gets_them_once(
    household: Any, client: httpx2.AsyncClient
) -> None:
    file = camt(renamed(ROWS, "a"))
    account = (await household.upload(file))["accounts"][0]
    path = f"/v1/accounts/{account['account_id']}"
    renaming = await household.change(path, "*", name="Everyday")
    assert renaming.status_code == 200
    assert counts(await household.upload(file)) == {"read": 4, "repeated": 4}
    references = renaming.json()["references"]
    gone = await client.delete(path, params={"with_transactions": "true"}, headers={"If-Match": "*"})
    assert gone.status_code == 200, gone.text
    await household.account(name="Made anew", references=references)
    for expected in ({"read": 4, "booked": 4}, {"read": 4, "repeated": 4}):
        answer = await household.upload(file)
        assert (counts(answer), answer["accounts"][0]["name"]) == (expected, "Made anew")


async def test_deleting_an_account_takes_its_proposals_along(household: Any, client: httpx2.AsyncClient) -> None:
    account = (await household.upload(camt(renamed(ROWS, "a"))))["accounts"][0]
    await household.upload(camt(renamed(ROWS[2:], "b")))
    assert len(await proposals(client)) == 2
    await client.delete(
        f"/v1/accounts/{account['account_id']}", params={"with_transactions": "true"}, headers={"If-Match": "*"}
    )
    assert await proposals(client) == []


async def test_imports_and_decisions_stand_in_the_journal(household: Any, client: httpx2.AsyncClient) -> None:
    await household.upload(camt(renamed(ROWS, "a")))
    second = await household.upload(camt(renamed(ROWS[2:], "b")))
    salary, cinema = await proposals(client)
    await decide(client, salary, "reject")
    await decide(client, cinema, "accept")
    await client.post(f"/v1/imports/{second['id']}/undo")
    entries = (await client.get("/v1/journal")).json()["items"]
    assert [entry["action"] for entry in entries] == [
        "import_undone",
        "proposal_accepted",
        "proposal_rejected",
        "import_booked",
        "import_booked",
    ]
    assert len(await household.rows()) == 4
