"""One account's rows from files of several formats: nothing is booked twice, and nothing asked twice."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import httpx2
import pytest
from bank_formats import ACCOUNT, Export, Extract, Movement, written
from household_machine import HouseholdMachine, Tie, live
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
COUNTS = ("read", "booked", "repeated", "replaced", "proposed", "refused")


def counts(answer: Any) -> dict[str, int]:
    return {name: answer[name] for name in COUNTS if answer[name]}


def march(*stated: tuple[int, str, str], first: date = FIRST, last: date = LAST) -> Extract:
    rows = [Movement(n, date(2026, 3, day), Decimal(amount), shop) for n, (day, amount, shop) in enumerate(stated)]
    return Extract(rows, first, last, Decimal(1000))


MARCH = march(
    (1, "-850.00", "Landlord Meier"),
    (1, "-2.80", "Coffee House Berlin"),
    (2, "-2.80", "Coffee House Berlin"),
    (2, "-2.80", "Coffee House Berlin"),
    (2, "-2.80", "Kiosk am Platz"),
    (3, "-2.80", "Coffee House Berlin"),
    (17, "-45.99", "Amazon EU"),
    (31, "-12.34", "Stadtwerke"),
    (31, "2500.00", "Salary ACME"),
)


@pytest.mark.parametrize(("one", "other"), list(permutations(Export, 2)))
async def test_a_month_in_two_formats_is_booked_once_and_asked_about_once(
    household: Any, client: httpx2.AsyncClient, one: Export, other: Export
) -> None:
    account = await household.account()
    files = [written(how, MARCH) for how in (one, other)]
    first, second = [await household.upload(file, account_id=account["id"]) for file in files]
    assert (first["booked"], second["booked"]) == (9, 0)
    assert second["repeated"] + second["proposed"] == 9
    decision = {"decision": "accepted", "import_id": second["id"]}
    assert (await client.post("/v1/proposals/bulk", json=decision)).status_code == 200
    for file in files:
        again = await household.upload(file, account_id=account["id"])
        assert counts(again) == {"read": 9, "repeated": 9}
        assert again["accounts"][0]["trusts_bank_ids"] is True
    assert await household.total() == MARCH.closing - MARCH.opening


async def test_a_format_may_date_a_row_a_few_days_earlier(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    bought = march((5, "-24.00", "Cinema Lumiere"), (9, "-60.00", "Sushi Palace"), (20, "-7.00", "Kiosk"))
    booked = march((6, "-24.00", "Cinema Lumiere"), (12, "-60.00", "Sushi Palace"), (20, "-7.00", "Kiosk"))
    await household.upload(written(Export.DIALECT, bought), account_id=account["id"])
    file = written(Export.CAMT_BALANCES, booked)
    for _ in range(2):
        answer = await household.upload(file, account_id=account["id"])
        assert counts(answer)["proposed"] == 2
    reasons = [p["reason"] for p in (await client.get("/v1/proposals")).json()["items"]]
    assert reasons == ["other_format"] * 2
    await client.post("/v1/proposals/bulk", json={"decision": "accepted", "import_id": answer["id"]})
    assert counts(await household.upload(file, account_id=account["id"])) == {"read": 3, "repeated": 3}
    assert await household.total() == Decimal(-91)


@pytest.mark.parametrize("how", [Export.OFX, Export.CAMT, Export.CAMT_BALANCES])
async def test_a_row_of_the_day_on_which_two_formats_touch_is_asked_about_until_it_is_answered(
    household: Any, how: Export
) -> None:
    account = await household.account()
    later = march((5, "-2.80", "Bakery Smith"), (7, "-4.00", "Kiosk"))
    await household.upload(written(Export.DIALECT, later), account_id=account["id"])
    day = date(2026, 3, 5)
    file = written(how, march((5, "-2.80", "Bakery Smith"), first=day, last=day))
    for _ in range(2):
        assert counts(await household.upload(file, account_id=account["id"])) == {"read": 1, "proposed": 1}


async def test_the_next_month_in_another_format_is_not_asked_about(household: Any) -> None:
    account = await household.account()
    bus = [(day, "-3.20", "Bus") for day in range(1, 16)]
    later = [(day, "-3.20", "Bus") for day in range(16, 31)]
    early_extract = march(*bus, last=date(2026, 3, 15))
    await household.upload(written(Export.CSV, early_extract), account_id=account["id"])
    answer = await household.upload(
        written(Export.OFX, march(*later, first=date(2026, 3, 16))), account_id=account["id"]
    )
    assert counts(answer) == {"read": 15, "booked": 15}


async def test_a_row_of_a_day_that_one_file_ends_and_the_next_begins_with_is_not_asked_about(household: Any) -> None:
    account = await household.account()
    early = march((2, "-1.00", "A"), (5, "-40.00", "Cinema"), last=date(2026, 3, 5))
    late = march((5, "-40.00", "Insurance"), (8, "-2.00", "B"), first=date(2026, 3, 5))
    await household.upload(written(Export.OFX, early), account_id=account["id"])
    late_rows = [Movement(50 + row.number, row.day, row.amount, row.shop) for row in late.movements]
    file = written(Export.OFX, Extract(late_rows, late.first, late.last, late.opening))
    assert counts(await household.upload(file, account_id=account["id"])) == {"read": 2, "booked": 2}


# Generated histories

DAYS = 8
Key = tuple[date, Decimal]
"""What a row is in every format."""
PERIODS = st.tuples(st.integers(0, DAYS - 1), st.integers(0, DAYS - 1)).map(
    lambda days: (FIRST + timedelta(days=min(days)), FIRST + timedelta(days=max(days)))
)
ROWS = st.tuples(
    st.integers(0, DAYS - 1),
    st.sampled_from(["-2.80", "-2.80", "-40.00", "2.80", "0.00"]),
    st.sampled_from(["Bakery Smith", "Cinema Lumiere", "Kiosk"]),
)


class ManyFormats(HouseholdMachine):
    """A household that uploads whatever export it finds, and answers what it is asked by what has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.bank: list[Movement] = []
        self.uploads: list[tuple[str, bytes, date, date]] = []

    @initialize(rows=st.lists(ROWS, min_size=2, max_size=10))
    def live(self, rows: list[tuple[int, str, str]]) -> None:
        rows.sort(key=lambda row: row[0])
        for number, (day, amount, shop) in enumerate(rows):
            self.bank.append(Movement(number, FIRST + timedelta(days=day), Decimal(amount), shop))
        references = [{"number": ACCOUNT}]
        account = {"name": "Checking", "currency": "EUR", "references": references}
        self.account_id = self.request("POST", "/v1/accounts", json=account)["id"]

    def upload(self, content: bytes, first: date, last: date) -> None:
        params = {"account_id": self.account_id}
        answer = self.request("POST", "/v1/imports", content=content, params=params)
        assert answer["read"] == sum(answer[name] for name in COUNTS[1:])
        self.uploads.append((answer["id"], content, first, last))
        again = self.request("POST", "/v1/imports", content=content, params={**params, "preview": "true"})
        assert (again["booked"], again["proposed"]) == (0, answer["proposed"]), "a second upload finds nothing new"

    @rule(period=PERIODS, how=st.sampled_from(Export))
    def upload_extract(self, period: tuple[date, date], how: Export) -> None:
        first, last = period
        rows = [row for row in self.bank if first <= row.day <= last]
        if rows or how in {Export.OFX, Export.CAMT, Export.CAMT_BALANCES, Export.MT940}:
            opening = 1000 + sum((row.amount for row in self.bank if row.day < first), Decimal(0))
            self.upload(written(how, Extract(rows, first, last, opening)), first, last)

    @precondition(lambda self: self.uploads)
    @rule(data=st.data())
    def upload_again(self, data: st.DataObject) -> None:
        _, content, first, last = data.draw(st.sampled_from(self.uploads))
        self.upload(content, first, last)

    @precondition(lambda self: self.uploads)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        done = data.draw(st.sampled_from(self.uploads))
        self.uploads.remove(done)
        self.request("POST", f"/v1/imports/{done[0]}/undo")

    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        """As it is, and sometimes first the other way."""
        found = self.waiting()
        if found:
            proposal = data.draw(st.sampled_from(found))
            right = "accept" if self.is_booked(proposal) else "reject"
            if data.draw(st.booleans()):
                wrong = "reject" if right == "accept" else "accept"
                self.request("POST", f"/v1/proposals/{proposal['id']}/{wrong}")
            self.request("POST", f"/v1/proposals/{proposal['id']}/{right}", params={"anew": "true"})

    def is_booked(self, proposal: dict[str, Any]) -> bool:
        """Whether the ledger has as many rows like this as the bank."""
        key = _key(proposal["proposed"])
        return self.booked()[key] >= self.happened()[key]

    def waiting(self) -> list[dict[str, Any]]:
        params = {"status": "waiting", "limit": 500}
        found: list[dict[str, Any]] = self.request("GET", "/v1/proposals", params=params)["items"]
        return sorted(found, key=lambda p: (_key(p["proposed"]), p["proposed"]["description"], p["id"]))

    def booked(self) -> Counter[Key]:
        rows = self.request("GET", "/v1/transactions", params={"limit": 500})["items"]
        return Counter(_key(row) for row in rows)

    def happened(self) -> Counter[Key]:
        return Counter((row.day, row.amount) for row in self.bank)

    def known(self) -> Counter[Key]:
        """The bank's rows of all days that some file is about."""
        about = Counter[Key]()
        for row in self.bank:
            about[row.day, row.amount] += any(first <= row.day <= last for _, _, first, last in self.uploads)
        return about

    @invariant()
    def nothing_is_doubled_or_lost(self) -> None:
        booked, known = self.booked(), self.known()
        assert booked <= known, f"a row is there twice: {booked - known}"
        waiting = Counter(_key(proposal["proposed"]) for proposal in self.waiting())
        assert known <= booked + waiting, f"a row is lost: {known - booked - waiting}"

    def teardown(self) -> None:
        if not self.bank:
            return
        while found := self.waiting():
            how = "accept" if self.is_booked(found[0]) else "reject"
            self.request("POST", f"/v1/proposals/{found[0]['id']}/{how}")
        assert self.booked() == self.known(), "once all is answered, the ledger is the bank's"
        for _, content, first, last in list(self.uploads):
            self.upload(content, first, last)
            assert not self.waiting(), "what was answered is not asked again"
        for done in list(self.uploads):
            self.request("POST", f"/v1/imports/{done[0]}/undo")
        assert not self.booked() + Counter(_key(p["proposed"]) for p in self.waiting()), "undone is never imported"


def _key(row: dict[str, Any]) -> Key:
    return date.fromisoformat(row["booking_date"]), Decimal(row["amount"])


def test_no_mixture_of_formats_doubles_or_loses_a_row(tied: Tie[Any], database_url: str) -> None:
    live(tied(ManyFormats), examples=25 if database_url.startswith("sqlite") else 5)
