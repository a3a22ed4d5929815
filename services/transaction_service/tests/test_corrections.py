"""Rows that a bank takes back by CORRECTFITID: replaced or deleted, in whatever order the files come."""

from collections.abc import Iterable
from itertools import permutations
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from api_common.testing import Issuer
from corrected_files import DELETED, OLD, REPLACED, amounts, row, statement, undo
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st


async def test_a_replacement_takes_the_place_of_the_row_and_keeps_what_the_user_chose(client, household):
    await household.upload(OLD)
    (earlier,) = [found for found in await household.rows() if found["amount"] == "-10.00"]
    await household.change(f"/v1/transactions/{earlier['id']}", "*", note="with Ada")
    booked = await household.upload(REPLACED)
    assert (booked["booked"], booked["replaced"], booked["corrected"]) == (0, 1, 1)
    assert await amounts(household) == ["-12.00", "-5.00"]
    (later,) = [found for found in await household.rows() if found["amount"] == "-12.00"]
    assert later["note"] == "with Ada"
    again = await household.upload(OLD)
    assert (again["booked"], again["repeated"]) == (0, 2)
    assert await amounts(household) == ["-12.00", "-5.00"]


async def test_a_deletion_takes_the_row_away_and_the_journal_says_so(client, household):
    await household.upload(OLD)
    booked = await household.upload(DELETED)
    assert (booked["booked"], booked["read"], booked["corrected"]) == (0, 0, 1)
    assert await amounts(household) == ["-5.00"]
    entries = (await client.get("/v1/journal")).json()["items"]
    assert ("row_deleted", booked["id"]) in {(entry["action"], entry["import_id"]) for entry in entries}
    assert (await household.upload(OLD))["booked"] == 0
    assert await amounts(household) == ["-5.00"]


@pytest.mark.parametrize(("correction", "left"), [(REPLACED, ["-12.00", "-5.00"]), (DELETED, ["-5.00"])])
async def test_the_order_of_the_files_does_not_matter_and_undoing_the_correction_brings_the_row_back(
    client, household, correction, left
):
    if correction is DELETED:
        await household.account(name="Checking", currency="EUR", references=[{"number": "1234", "bank": "77"}])
    booked = await household.upload(correction)
    old = await household.upload(OLD)
    assert await amounts(household) == left
    assert old["corrected"] == 1
    await undo(client, booked)
    assert await amounts(household) == ["-10.00", "-5.00"]
    await undo(client, old)
    assert await amounts(household) == []


@pytest.mark.parametrize("correction", [REPLACED, DELETED])
async def test_undoing_a_correction_brings_the_row_back(client, household, correction):
    await household.upload(OLD)
    booked = await household.upload(correction)
    await undo(client, booked)
    assert await amounts(household) == ["-10.00", "-5.00"]
    assert (await household.upload(correction))["corrected"] == 1
    assert "-10.00" not in await amounts(household)


@pytest.mark.parametrize("correction", [REPLACED, DELETED])
async def test_a_correction_holds_while_one_import_brings_it(client, household, correction):
    await household.upload(OLD)
    first = await household.upload(correction)
    second = await household.upload(correction)
    await undo(client, first)
    assert "-10.00" not in await amounts(household)
    await undo(client, second)
    assert await amounts(household) == ["-10.00", "-5.00"]


async def test_undoing_all_leaves_nothing_in_whatever_order(client, household):
    for order in permutations(range(3)):
        booked = [
            await household.upload(content) for content in (OLD, REPLACED, statement(row("F2", "-5.00", name="Cake")))
        ]
        for number in order:
            await undo(client, booked[number])
        assert await amounts(household) == []


CHAIN = (OLD, REPLACED, statement(row("F10", "-13.00", corrects="F9", action="REPLACE")))


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_chain_of_corrections_ends_the_same_in_any_order_and_is_undone_link_by_link(client, household, order):
    booked = {number: await household.upload(CHAIN[number]) for number in order}
    assert await amounts(household) == ["-13.00", "-5.00"]
    await undo(client, booked[1])
    assert await amounts(household) == ["-10.00", "-13.00", "-5.00"]
    await undo(client, booked[2])
    assert await amounts(household) == ["-10.00", "-5.00"]
    await undo(client, booked[0])
    assert await amounts(household) == []


async def test_a_replacement_of_a_row_that_the_ledger_lacks_is_booked(client, household):
    booked = await household.upload(REPLACED)
    assert (booked["booked"], booked["corrected"]) == (1, 0)
    assert await amounts(household) == ["-12.00"]


async def test_a_correction_of_the_same_amount_is_no_suspected_repeat(client, household):
    await household.upload(OLD)
    booked = await household.upload(statement(row("F9", "-10.00", corrects="F1", action="REPLACE", name="Green tea")))
    assert (booked["replaced"], booked["proposed"]) == (1, 0)
    assert sorted(found["description"] for found in await household.rows()) == ["Cake", "Green tea"]


async def test_an_id_that_several_rows_bear_is_not_corrected(client, household):
    await household.upload(statement(row("F1", "-10.00"), row("F1", "-20.00", name="Rent")))
    booked = await household.upload(REPLACED)
    assert (booked["booked"], booked["corrected"]) == (1, 0)
    assert await amounts(household) == ["-10.00", "-12.00", "-20.00"]


async def test_ids_are_told_apart_by_small_and_capital_letters(client, household):
    await household.upload(statement(row("f1", "-10.00")))
    assert (await household.upload(REPLACED))["corrected"] == 0
    assert await amounts(household) == ["-10.00", "-12.00"]


@pytest.mark.parametrize("correction", [REPLACED, DELETED])
async def test_a_transfer_ends_when_the_bank_takes_a_side_back_and_is_found_again_when_that_is_undone(
    client, household, correction
):
    await household.upload(OLD)
    saved = row("S1", "10.00", name="From checking<BANKACCTTO><BANKID>77<ACCTID>1234</BANKACCTTO>")
    await household.upload(
        statement(saved).replace(b"<ACCTID>1234<ACCTTYPE>CHECKING", b"<ACCTID>5678<ACCTTYPE>SAVINGS")
    )

    async def touching() -> list[Any]:
        found = await client.get("/v1/transfers")
        return [transfer["status"] for transfer in found.json()["items"]]

    assert await touching() == ["linked"]
    booked = await household.upload(correction)
    assert await touching() == []
    await undo(client, booked)
    assert await touching() == ["linked"]


async def test_very_many_corrections_take_one_pass(client, household):
    numbers = range(1, 301)
    await household.upload(statement(*(row(f"F{n}", f"-{n}.00", name=f"Shop {n}") for n in numbers)))
    replaced = [row(f"R{n}", f"-{n}.50", corrects=f"F{n}", action="REPLACE", name=f"Shop {n}") for n in numbers[::2]]
    deleted = [row(f"D{n}", "0", corrects=f"F{n}", action="DELETE") for n in numbers[1::2]]
    booked = await household.upload(statement(*replaced, *deleted))
    assert (booked["replaced"], booked["corrected"]) == (150, 300)
    assert {found["amount"] for found in await household.rows()} == {f"-{n}.50" for n in numbers[::2]}


async def test_a_preview_says_what_would_be_taken_back_and_changes_nothing(client, household):
    await household.upload(OLD)
    for content in (REPLACED, DELETED):
        answer = await client.post("/v1/imports", params={"preview": True}, content=content)
        assert answer.json()["corrected"] == 1
    assert await amounts(household) == ["-10.00", "-5.00"]


async def test_a_row_that_the_user_deleted_stays_deleted_when_its_correction_is_undone(client, household):
    await household.upload(OLD)
    (earlier,) = [found for found in await household.rows() if found["amount"] == "-10.00"]
    assert (await household.delete(f"/v1/transactions/{earlier['id']}", earlier["version"])).status_code in {200, 204}
    booked = await household.upload(DELETED)
    assert booked["corrected"] == 0
    await undo(client, booked)
    assert await amounts(household) == ["-5.00"]


@pytest.mark.parametrize("correction", [REPLACED, DELETED])
async def test_a_file_that_came_again_while_its_row_was_taken_back_keeps_the_row(client, household, correction):
    await household.account(name="Checking", currency="EUR", references=[{"number": "1234", "bank": "77"}])
    first = await household.upload(OLD)
    corrected = await household.upload(correction)
    await undo(client, first)
    again = await household.upload(OLD)
    assert (again["booked"], again["repeated"]) == (1, 1)
    await undo(client, corrected)
    assert await amounts(household) == ["-10.00", "-5.00"]
    assert {found["import_id"] for found in await household.rows()} == {again["id"]}
    assert (await household.upload(OLD))["booked"] == 0


@pytest.mark.parametrize("correction", [REPLACED, DELETED])
async def test_an_edited_row_that_outlived_its_import_outlives_a_correction_too(client, household, correction):
    await household.account(name="Checking", currency="EUR", references=[{"number": "1234", "bank": "77"}])
    first = await household.upload(OLD)
    (edited,) = [found for found in await household.rows() if found["amount"] == "-10.00"]
    await household.change(f"/v1/transactions/{edited['id']}", "*", note="with Ada")
    await undo(client, first)
    await undo(client, await household.upload(correction))
    assert [(found["amount"], found["note"]) for found in await household.rows()] == [("-10.00", "with Ada")]


async def test_a_row_whose_edits_are_dropped_does_not_come_back_when_its_correction_is_undone(client, household):
    first = await household.upload(OLD)
    for found in await household.rows():
        await household.change(f"/v1/transactions/{found['id']}", "*", note="with Ada")
    corrected = await household.upload(REPLACED)
    dropped = await client.post(f"/v1/imports/{first['id']}/undo", params={"edited": "drop"})
    assert dropped.status_code == 200, dropped.text
    assert await amounts(household) == ["-12.00"]
    await undo(client, corrected)
    assert await amounts(household) == []


async def test_a_row_that_the_user_restored_stays_whatever_becomes_of_further_corrections(client, household):
    await household.upload(OLD)
    first = await household.upload(DELETED)
    (gone,) = await household.rows(deleted=True)
    assert (await client.post(f"/v1/transactions/{gone['id']}/restore")).status_code == 200
    second = await household.upload(DELETED)
    assert (second["booked"], second["corrected"]) == (0, 0)
    for booked in (second, first):
        assert await amounts(household) == ["-10.00", "-5.00"]
        await undo(client, booked)
    assert await amounts(household) == ["-10.00", "-5.00"]


async def test_a_deleted_row_that_the_bank_then_replaced_does_not_come_back_beside_the_other(client, household):
    await household.upload(OLD)
    (deleted,) = [found for found in await household.rows() if found["amount"] == "-10.00"]
    assert (await household.delete(f"/v1/transactions/{deleted['id']}", deleted["version"])).status_code == 204
    corrected = await household.upload(REPLACED)
    assert await amounts(household) == ["-12.00", "-5.00"]
    (other,) = [found for found in await household.rows() if found["amount"] == "-12.00"]
    refused = await client.post(f"/v1/transactions/{deleted['id']}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "row_replaced")
    assert other["id"] in refused.json()["detail"]
    all_back = await client.post("/v1/transactions/bulk", json={"filter": {}, "changes": {"restore": True}})
    assert (all_back.json()["matched"], all_back.json()["changed"]) == (1, 0)
    await undo(client, corrected)
    assert (await client.post(f"/v1/transactions/{deleted['id']}/restore")).status_code == 200
    assert await amounts(household) == ["-10.00", "-5.00"]


@pytest.mark.parametrize("together", [True, False])
async def test_a_row_restored_after_its_bank_took_it_away_is_not_taken_away_by_the_next_file(
    client, household, together
):
    await household.upload(OLD)
    (deleted,) = [found for found in await household.rows() if found["amount"] == "-10.00"]
    assert (await household.delete(f"/v1/transactions/{deleted['id']}", deleted["version"])).status_code == 204
    await household.upload(DELETED)
    if together:
        await client.post("/v1/transactions/bulk", json={"ids": [deleted["id"]], "changes": {"restore": True}})
    else:
        await client.post(f"/v1/transactions/{deleted['id']}/restore")
    await household.upload(statement(row("F5", "-1.00")))
    assert await amounts(household) == ["-1.00", "-10.00", "-5.00"]


SIX = range(6)
WORLDS = st.tuples(
    *(st.none() | st.tuples(st.integers(0, max(n - 1, 0)), st.sampled_from(["REPLACE", "DELETE"])) for n in SIX)
)
FILES = st.lists(st.sets(st.sampled_from(SIX), min_size=1), min_size=1, max_size=4)
World = tuple[tuple[int, str] | None, ...]


def left(world: World, files: Iterable[set[int]]) -> list[str]:
    """The amounts of the rows that the files bring and that none of them takes back."""
    brought = set().union(*files)
    corrections = {n: correction for n in brought if n and (correction := world[n]) is not None}
    gone = {target for target, _ in corrections.values()} | {
        n for n, (_, act) in corrections.items() if act == "DELETE"
    }
    return sorted(f"-{n + 1}.00" for n in brought - gone)


def written(world: World, numbers: set[int]) -> bytes:
    """A file of these rows; row 0 corrects nothing."""
    rows = []
    for n in sorted(numbers):
        target, action = (world[n] if n else None) or ("", "")
        rows.append(
            row(f"F{n}", f"-{n + 1}.00", corrects=f"F{target}" if action else "", action=action, name=f"Shop {n}")
        )
    return statement(*rows)


# Every example is a dozen requests, so a failure is shown as it was found and not made smaller.
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@example(
    world=(None, (0, "REPLACE"), (1, "REPLACE"), (1, "REPLACE"), (1, "REPLACE"), None),
    files=[{1, 2, 4, 5}, {0, 2, 3}, {0, 1, 3, 4, 5}, {0, 1}],
    order=[2, 0, 1, 3],
)
@example(world=(None, (0, "REPLACE"), None, None, (1, "DELETE"), None), files=[{0, 1}, {0, 2, 4}], order=[0, 1])
@given(world=WORLDS, files=FILES, order=st.permutations(range(4)))
async def test_the_ledger_holds_what_its_files_bring_and_none_of_them_takes_back(
    client: httpx2.AsyncClient, issuer: Issuer, world: World, files: list[set[int]], order: list[int]
) -> None:
    client.headers.update(issuer.headers(uuid4()))
    account = {"name": "Checking", "currency": "EUR", "references": [{"number": "1234", "bank": "77"}]}
    assert (await client.post("/v1/accounts", json=account)).status_code == 201

    async def standing() -> list[str]:
        return sorted(found["amount"] for found in (await client.get("/v1/transactions")).json()["items"])

    imports: dict[str, set[int]] = {}
    for numbers in files:
        answer = await client.post("/v1/imports", content=written(world, numbers))
        assert answer.status_code == 201, answer.text
        imports[answer.json()["id"]] = numbers
        assert await standing() == left(world, imports.values())
    booked = list(imports)
    for import_id in [booked[number] for number in order if number < len(booked)]:
        assert (await client.post(f"/v1/imports/{import_id}/undo")).status_code == 200
        del imports[import_id]
        assert await standing() == left(world, imports.values())
