"""Statements of parts of a day, without ids: equal rows are two where balances say so."""

from datetime import date
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from bank_files import BankRow, camt


def counts(answer: Any) -> dict[str, int]:
    names = ("read", "booked", "repeated", "replaced", "proposed", "refused")
    return {name: answer[name] for name in names if answer[name]}


DAY = date(2026, 3, 2)


def day_part(opening: str, *texts: str) -> bytes:
    """What the bank has booked on one day since the opening balance, and its closing one."""
    rows = [BankRow(DAY, Decimal("-2.80"), text) for text in texts]
    return camt(rows, opening=Decimal(opening), first=DAY, last=DAY)


@pytest.mark.parametrize("texts", [("Coffee", "Cake"), ("Coffee", "Cake", "Tea", "Juice")])
async def test_equal_rows_of_parts_of_a_day_are_two_where_the_balances_say_so_in_any_order(
    household: Any, texts: tuple[str, ...]
) -> None:
    one, two, three, four = (texts * 2)[:4]
    parts = [day_part("100.00", one), day_part("97.20", two, three), day_part("91.60", four)]
    whole = day_part("100.00", one, two, three, four)
    for number, order in enumerate(((0, 1, 2), (2, 1, 0), (1, 0, 2))):

        async def upload(content: bytes, iban: str = f"DE{number}") -> dict[str, Any]:
            found: dict[str, Any] = await household.upload(content.replace(b"DE02120300000000202051", iban.encode()))
            return found

        for place in order:
            assert counts(await upload(parts[place]))["booked"] == 1 + (place == 1)
        for content in (*parts, whole):
            again = await upload(content)
            assert again["repeated"] == again["read"] == content.count(b"<Ntry>")
        rows = await household.rows(account_id=again["accounts"][0]["account_id"])
        assert sorted(row["description"] for row in rows) == sorted([one, two, three, four])


@pytest.mark.parametrize("order", [(3, 0, 1, 2), (4, 3, 2, 1, 0), (0, 1, 2, 3), (2, 4, 0, 3)])
async def test_parts_of_a_day_in_one_file_are_parts_of_a_day(household: Any, order: tuple[int, ...]) -> None:
    parts = [day_part("100.00", "Coffee"), day_part("97.20", "Coffee", "Tea"), day_part("91.60", "Coffee")]
    files = [*parts, b"".join(parts), b"".join(reversed(parts))]
    for number in order:
        await household.upload(files[number])
    assert sorted(row["description"] for row in await household.rows()) == ["Coffee", "Coffee", "Coffee", "Tea"]
    assert counts(await household.upload(files[3])) == {"read": 4, "repeated": 4}


async def test_a_statement_that_stands_twice_in_one_file_is_booked_once(household: Any) -> None:
    part, other = (
        day_part("100.00", "Coffee", "Tea"),
        camt([BankRow(DAY, Decimal("5.60"), "Refund")], opening=Decimal("94.40"), first=DAY, last=DAY),
    )
    assert counts(await household.upload(part + part)) == {"read": 4, "booked": 2, "repeated": 2}
    assert counts(await household.upload(part + other + part)) == {"read": 5, "booked": 1, "repeated": 4}


async def test_undoing_a_part_of_a_day_leaves_the_others(household: Any, client: httpx2.AsyncClient) -> None:
    parts = [day_part("100.00", "Coffee"), day_part("97.20", "Coffee")]
    imports = [await household.upload(part) for part in parts]
    for undone, content in zip(imports, parts, strict=True):
        assert (await client.post(f"/v1/imports/{undone['id']}/undo")).json()["removed"] == 1
        assert len(await household.rows()) == 1
        assert counts(await household.upload(content)) == {"read": 1, "booked": 1}
    assert len(await household.rows()) == 2


async def test_a_part_of_a_day_is_repeated_where_the_ledger_has_more_than_parts_of_it(household: Any) -> None:
    account = await household.account()
    plain = b"Date,Description,Amount,Currency\n2026-03-02,Coffee,-2.80,EUR\n2026-03-02,Coffee,-2.80,EUR\n"
    for content, expected in (
        (day_part("100.00", "Coffee"), {"read": 1, "booked": 1}),
        (plain, {"read": 2, "booked": 1, "repeated": 1}),
        (day_part("97.20", "Coffee"), {"read": 1, "repeated": 1}),
    ):
        assert counts(await household.upload(content, account_id=account["id"])) == expected


def plain_part(*texts: str) -> bytes:
    """Some rows of the day, without balances; the texts say which amounts."""
    amounts = {"Coffee": "-2.80", "Bakery": "-4.10", "Cinema": "-24.00", "Bus": "-3.20"}
    return camt([BankRow(DAY, Decimal(amounts[text]), text) for text in texts])


MORNING, AFTERNOON, WHOLE = (
    plain_part("Bakery", "Coffee"),
    plain_part("Coffee", "Cinema"),
    plain_part("Bakery", "Coffee", "Coffee", "Cinema"),
)


@pytest.mark.parametrize("how", ["accept", "reject"])
async def test_an_equal_row_of_another_part_of_the_day_is_asked_about_once(
    household: Any, client: httpx2.AsyncClient, how: str
) -> None:
    await household.upload(MORNING)
    for expected in ({"read": 2, "booked": 1, "proposed": 1}, {"read": 2, "repeated": 1, "proposed": 1}):
        assert counts(await household.upload(AFTERNOON)) == expected
    assert counts(await household.upload(MORNING)) == {"read": 2, "repeated": 2}
    (proposal,) = (await client.get("/v1/proposals")).json()["items"]
    assert (proposal["reason"], proposal["proposed"]["description"]) == ("same_row_other_id", "Coffee")
    assert (await client.post(f"/v1/proposals/{proposal['id']}/{how}")).status_code == 200
    for content in (AFTERNOON, MORNING, AFTERNOON):
        assert counts(await household.upload(content)) == {"read": 2, "repeated": 2}
    assert len(await household.rows()) == (3 if how == "accept" else 4)
    # Uploaded again, a part keeps its rows when it is undone once.
    imports = (await client.get("/v1/imports")).json()["items"]
    for done in imports[2:]:
        await client.post(f"/v1/imports/{done['id']}/undo")
    assert len(await household.rows()) == (3 if how == "accept" else 4)
    for done in imports[:2]:
        await client.post(f"/v1/imports/{done['id']}/undo")
    assert (await household.rows(), (await client.get("/v1/proposals")).json()["items"]) == ([], [])


async def test_a_file_of_the_whole_day_says_that_equal_rows_are_two(household: Any, client: httpx2.AsyncClient) -> None:
    await household.upload(MORNING)
    await household.upload(AFTERNOON)
    assert counts(await household.upload(WHOLE)) == {"read": 4, "booked": 1, "repeated": 3}
    assert [p["status"] for p in (await client.get("/v1/proposals")).json()["items"]] == ["rejected"]
    for content in (MORNING, AFTERNOON, WHOLE):
        assert (await household.upload(content))["repeated"] == content.count(b"<Ntry>")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Bakery", "Coffee"), ("Bakery", "Coffee", "Cinema")),
        (("Bakery", "Coffee", "Cinema"), ("Coffee", "Cinema")),
        (("Bakery", "Coffee"), ("Coffee",)),
        (("Coffee", "Coffee"), ("Coffee",)),
    ],
)
async def test_of_longer_and_shorter_files_about_a_day_nobody_is_asked(
    household: Any, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    for first, second, account in ((one, other, "DE1"), (other, one, "DE2")):
        for texts in (first, second):
            content = plain_part(*texts).replace(b"DE02120300000000202051", account.encode())
            answer = await household.upload(content)
            assert answer["proposed"] == 0
        assert len(await household.rows(account_id=answer["accounts"][0]["account_id"])) == max(len(one), len(other))
