"""The ledger against a simple model of a bank: no order of its files loses or doubles a row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bank_files import BankRow, camt
from household_machine import HouseholdMachine, Tie, live
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, precondition, rule

Key = tuple[date, Decimal, str]
"""What a row is to the user: day, amount and the shop."""

START = date(2026, 3, 1)
DAYS = 10
SHOPS = ("Bakery", "Cinema", "Kiosk")
AMOUNTS = ("-2.80", "-2.80", "-40")
HOTELS = ("Hotel Adler", "Sushi Palace", "Garage Nord")


@dataclass(frozen=True)
class Movement:
    """A row of the bank, which it may have announced before with another amount."""

    number: int
    day: date
    amount: Decimal
    shop: str
    announced: tuple[date, Decimal] | None = None

    @property
    def key(self) -> Key:
        return self.day, self.amount, self.shop


@dataclass
class Upload:
    """A file that was uploaded, and the days of which it has all rows."""

    import_id: str
    content: bytes
    first: date
    last: date
    standing: bool = True


@dataclass(frozen=True)
class Ids:
    """How the bank names its rows in a file: an epoch of ids, or none at all."""

    epoch: int | None
    reworded: bool


def text_of(shop: str, ids: Ids) -> str:
    return f"{shop.upper()} //0815" if ids.reworded else shop


class Histories(HouseholdMachine):
    """What both machines share: the bank, the uploads, and how the ledger is read."""

    files = Bundle("files")

    def __init__(self) -> None:
        super().__init__()
        self.bank: list[Movement] = []
        self.uploads: list[Upload] = []
        self.touched: set[str] = set()
        self.deleted: Counter[Key] = Counter()

    # The bank

    def _movements(self, first: date, last: date) -> list[Movement]:
        return [row for row in self.bank if first <= row.day <= last]

    def _opening(self, first: date) -> Decimal:
        return Decimal(1000) + sum((row.amount for row in self.bank if row.day < first), Decimal(0))

    def _file(self, first: date, last: date, ids: Ids, *, proved: bool, announced: Sequence[Movement] = ()) -> bytes:
        rows = [
            BankRow(row.day, row.amount, text_of(row.shop, ids), _id(ids, row.number))
            for row in self._movements(first, last)
            if row not in announced
        ]
        for row in announced:
            assert row.announced is not None
            day, amount = row.announced
            rows.append(BankRow(day, amount, text_of(row.shop, ids), _id(ids, 100 + row.number), pending=True))
        opening = self._opening(first) if proved else None
        return camt(rows, opening=opening, first=first, last=last)

    # The ledger

    def upload(self, content: bytes, first: date, last: date) -> Upload:
        answer = self.request("POST", "/v1/imports", content=content)
        became = ("booked", "repeated", "replaced", "refused", "proposed")
        assert answer["read"] == sum(answer[name] for name in became)
        done = Upload(answer["id"], content, first, last)
        self.uploads.append(done)
        again = self.request("POST", "/v1/imports", content=content, params={"preview": "true"})
        assert (again["booked"], again["replaced"]) == (0, 0), "a second upload of the file books nothing"
        return done

    def rows(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.request("GET", "/v1/transactions", params={"limit": 500})["items"]
        return items

    def waiting(self) -> Counter[Key]:
        found = self.request("GET", "/v1/proposals", params={"status": "waiting", "limit": 500})["items"]
        return Counter(
            (date.fromisoformat(p["proposed"]["booking_date"]), Decimal(p["proposed"]["amount"]), _shop(p["proposed"]))
            for p in found
        )

    def booked(self) -> Counter[Key]:
        return Counter(_key(row) for row in self.rows() if not row["pending"])

    def known(self) -> Counter[Key]:
        """The bank's rows of all days that a file which was not undone is about."""
        days = {
            found.first + timedelta(days=n)
            for found in self.uploads
            if found.standing
            for n in range((found.last - found.first).days + 1)
        }
        return Counter(row.key for row in self.bank if row.day in days)

    def kept(self) -> Counter[Key]:
        """Rows that stay when their import is undone, because the user has changed them."""
        return Counter(_key(row) for row in self.rows() if row["id"] in self.touched)

    def expected(self) -> Counter[Key]:
        """What the ledger should hold: what files have told and the user has changed, less what the user deleted."""
        expected = self.known()
        for key, number in (self.kept() + self.deleted).items():
            expected[key] = max(expected[key], number)
        return expected - self.deleted

    # What the user does

    @initialize(data=st.data())
    def live(self, data: st.DataObject) -> None:
        rows = st.tuples(st.integers(0, DAYS - 1), st.sampled_from(AMOUNTS), st.sampled_from(SHOPS))
        for number, (day, amount, shop) in enumerate(data.draw(st.lists(rows, min_size=3, max_size=12))):
            self.bank.append(Movement(number, START + timedelta(days=day), Decimal(amount), shop))

    @precondition(lambda self: any(found.standing for found in self.uploads))
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        found = data.draw(st.sampled_from([upload for upload in self.uploads if upload.standing]))
        self.request("POST", f"/v1/imports/{found.import_id}/undo")
        found.standing = False

    @precondition(lambda self: self.uploads)
    @rule(data=st.data())
    def upload_again(self, data: st.DataObject) -> None:
        found = data.draw(st.sampled_from(self.uploads))
        self.upload(found.content, found.first, found.last)

    @rule(data=st.data(), how=st.sampled_from(["note", "amount", "delete"]))
    def change(self, data: st.DataObject, how: str) -> None:
        rows = [row for row in self.rows() if not row["pending"]]
        if not rows:
            return
        row = data.draw(st.sampled_from(sorted(rows, key=_order)))
        path, headers = f"/v1/transactions/{row['id']}", {"If-Match": "*"}
        if how == "delete":
            self.request("DELETE", path, headers=headers)
            self.deleted[_key(row)] += 1
            self.touched.discard(row["id"])
            return
        changed = {"note": "mine"} if how == "note" else {"amount": "-77", "booking_date": "2026-06-01"}
        self.request("PATCH", path, json=changed, headers=headers)
        self.touched.add(row["id"])


def _id(ids: Ids, number: int) -> str:
    return "" if ids.epoch is None else f"{ids.epoch}-{number}"


def _shop(row: dict[str, Any]) -> str:
    return next(shop for shop in (*SHOPS, *HOTELS) if row["description"].lower().startswith(shop.lower()))


def _key(row: dict[str, Any]) -> Key:
    return date.fromisoformat(row["stated_date"] or row["booking_date"]), _amount(row), _shop(row)


def _amount(row: dict[str, Any]) -> Decimal:
    return Decimal(row["amount"] if row["stated_amount"] is None else row["stated_amount"])


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    return (*_key(row), row["id"])


PERIODS = st.tuples(st.integers(0, DAYS - 1), st.integers(0, DAYS - 1)).map(
    lambda days: (START + timedelta(days=min(days)), START + timedelta(days=max(days)))
)
IDS = st.builds(Ids, st.sampled_from([None, 1, 1, 2, 3]), st.booleans())


class ProvedHistories(Histories):
    """All files have balances that add up: the ledger is the bank's, whatever ids the rows come with."""

    @rule(period=PERIODS, ids=IDS)
    def upload_statement(self, period: tuple[date, date], ids: Ids) -> None:
        self.upload(self._file(*period, ids, proved=True), *period)

    @invariant()
    def the_ledger_is_the_bank_s(self) -> None:
        booked, expected = self.booked(), self.expected()
        assert booked <= expected, "a row is there twice"
        assert expected <= booked + self.waiting(), "a row is lost"
        if all(found.standing for found in self.uploads):
            assert booked == expected, "balances have proved every row"


class MixedHistories(Histories):
    """Files with and without balances, and rows that were announced: nothing is doubled, and nothing is lost."""

    @initialize(data=st.data())
    def announce(self, data: st.DataObject) -> None:
        for number, shop in enumerate(HOTELS[: data.draw(st.integers(0, 3))]):
            day = START + timedelta(days=data.draw(st.integers(2, DAYS - 1)))
            amount = Decimal(data.draw(st.sampled_from(["-91", "-110", "-100"])))
            before = day - timedelta(days=data.draw(st.integers(0, 2)))
            self.bank.append(Movement(50 + number, day, amount, shop, (before, Decimal(-100))))

    @rule(period=PERIODS, ids=IDS, proved=st.booleans())
    def upload_statement(self, period: tuple[date, date], ids: Ids, proved: bool) -> None:
        self.upload(self._file(*period, ids, proved=proved), *period)

    @precondition(lambda self: any(row.announced for row in self.bank))
    @rule(data=st.data(), ids=IDS)
    def upload_announced(self, data: st.DataObject, ids: Ids) -> None:
        row = data.draw(st.sampled_from([row for row in self.bank if row.announced]))
        assert row.announced is not None
        content = self._file(START - timedelta(days=9), START - timedelta(days=8), ids, proved=False, announced=[row])
        self.upload(content, START - timedelta(days=9), START - timedelta(days=8))

    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        found = self.request("GET", "/v1/proposals", params={"status": "waiting"})["items"]
        if found:
            proposal = found[data.draw(st.integers(0, len(found) - 1))]
            self.request("POST", f"/v1/proposals/{proposal['id']}/accept")

    @invariant()
    def nothing_is_doubled_or_lost(self) -> None:
        booked, expected = self.booked(), self.expected()
        assert booked <= expected, "a row is there twice"
        assert expected <= booked + self.waiting(), "a row is lost"
        announced = Counter(_shop(row) for row in self.rows() if row["pending"])
        assert all(number == 1 for number in announced.values()), "a row is announced twice"
        assert not announced.keys() & {shop for _, _, shop in booked}, "a booked row is still announced"

    def teardown(self) -> None:
        first, last = START - timedelta(days=2), START + timedelta(days=DAYS + 1)
        if self.bank:
            self.upload(self._file(first, last, Ids(9, reworded=False), proved=True), first, last)
            assert self.booked() == self.expected(), "the whole history has proved every row"
            assert not self.waiting(), "and every proposal"
            assert not any(row["pending"] for row in self.rows())


@pytest.mark.parametrize("kind", [ProvedHistories, MixedHistories])
def test_no_history_of_files_doubles_or_loses_a_row(tied: Tie[Any], kind: type[Histories], database_url: str) -> None:
    live(tied(kind), examples=25 if database_url.startswith("sqlite") else 6)
