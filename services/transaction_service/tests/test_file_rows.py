"""The rows of a file while it is imported: they come back from the disk as they were, and memory hardly grows."""

import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from io import BytesIO
from uuid import uuid4

import pytest
from data_processing import Entry, EntryDetail, content_hash, fingerprints
from hypothesis import given
from hypothesis import strategies as st
from transaction_service.identity.decisions import decide
from transaction_service.identity.identities import Identities, columns_of
from transaction_service.identity.ledger_side import KnownIdentities, LedgerSide
from transaction_service.identity.plan import AccountPlan, ImportPlan, pieces_of
from transaction_service.models import Account
from transaction_service.statements.account_matching import AccountBook
from transaction_service.statements.assignment import assign_accounts
from transaction_service.statements.rows import prepare, row_of
from transaction_service.statements.spool import FileRows, Row, bounded, numbers

MOST_BYTES_OF_A_ROW = 100

AMOUNTS = st.decimals(min_value=-(10**11), max_value=10**11, places=2)
WORDS = st.none() | st.text(st.characters(exclude_categories=()), max_size=20)
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
DETAILS = st.builds(EntryDetail, st.none() | AMOUNTS, WORDS, st.text(), WORDS, WORDS, WORDS, WORDS)
ENTRIES = st.builds(
    Entry,
    place=st.text(),
    booking_date=DAYS,
    amount=AMOUNTS,
    text=st.text(),
    value_date=st.none() | DAYS,
    currency=WORDS,
    bank_id=WORDS,
    counterparty=WORDS,
    counterparty_account=WORDS,
    reference=WORDS,
    bank_category=WORDS,
    pending=st.booleans(),
    balance=st.none() | AMOUNTS,
    original_amount=st.none() | AMOUNTS,
    original_currency=WORDS,
    exchange_rate=st.none() | AMOUNTS,
    details=st.lists(DETAILS, max_size=2).map(tuple),
    corrects=WORDS,
)
SIMILAR = st.builds(
    Entry,
    place=st.just("line 2"),
    booking_date=st.sampled_from([date(2026, 4, 2), date(2026, 4, 3)]),
    amount=st.sampled_from([Decimal("-2.80"), Decimal("-2.8"), Decimal(1)]),
    text=st.sampled_from(["Tea", "Tea ", "Coffee"]),
    bank_id=st.sampled_from([None, "1", "2", "9" * 400]),
    pending=st.booleans(),
)


@given(st.lists(ENTRIES, max_size=5))
def test_a_row_comes_back_as_it_was(entries: list[Entry]) -> None:
    written = [Row(entry, content_hash(entry), entry.counterparty) for entry in entries]
    with closing(FileRows()) as rows:
        rows.extend(written[:2])
        assert [repr(row) for row in rows.of(numbers([0] * min(1, len(rows))))] == [repr(row) for row in written[:1]]
        rows.extend(written[2:])
        assert [repr(rows[number]) for number in range(len(rows))] == [repr(row) for row in written]
        assert [repr(row) for row in rows.of(reversed(range(len(rows))))] == [repr(row) for row in reversed(written)]


@given(st.lists(SIMILAR, max_size=12))
def test_the_identities_of_rows_on_disk_are_those_of_the_whole_list(entries: list[Entry]) -> None:
    with closing(FileRows()) as rows:
        rows.extend([row_of(entry) for entry in entries])
        identities = Identities(rows)
        chosen = identities.tell(numbers(range(len(rows))), numbers([0]))
        expected = [bounded(name) for name in fingerprints(entries)]
        assert identities.of(range(len(rows))) == expected
        assert list(chosen) == sorted(_stand_for_all(entries, expected).values())
        in_order = identities.sorted(chosen)
        assert {name: identities.find(name, in_order) for name in expected} == _stand_for_all(entries, expected)
        assert identities.find("row:0#1", in_order) is None


@given(st.lists(SIMILAR, max_size=12), st.integers(1, 5))
def test_whole_days_are_given_at_a_time_and_every_row_once(entries: list[Entry], most: int) -> None:
    with closing(FileRows()) as rows:
        rows.extend([row_of(entry) for entry in entries])
        pieces = list(columns_of(rows).by_days(numbers(range(len(rows))), most=most))
        days = [{rows.days[number] for number in piece} for piece in pieces]
        assert all(pieces) and sorted(number for piece in pieces for number in piece) == list(range(len(rows)))
        assert sum(len(found) for found in days) == len(set(rows.days))
        assert all(len(piece) >= most for piece in pieces[:-1])


def test_rows_for_which_the_disk_has_no_room_are_told_when_they_are_written() -> None:
    room, allowed = 2 * 1024 * 1024, resource.getrlimit(resource.RLIMIT_FSIZE)
    # The last bytes of the row, fewer than any buffer holds, find no room.
    row = row_of(Entry("line 2", date(2026, 4, 2), Decimal("-2.80"), "x" * room))
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, allowed[1]))
    try:
        rows = FileRows()
        with pytest.raises(OSError, match="too large"):
            rows.extend([row])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    rows.close()


def _stand_for_all(entries: list[Entry], names: list[str]) -> dict[str, int]:
    """The row that stands for each identity: the first, or the first booked one where the first is pending."""
    chosen: dict[str, int] = {}
    for number, name in enumerate(names):
        first = chosen.setdefault(name, number)
        if entries[first].pending and not entries[number].pending:
            chosen[name] = number
    return chosen


def test_memory_hardly_grows_with_the_rows_of_a_file() -> None:
    few, many = 20_000, 80_000
    _peak_of_an_import(1)  # what is imported and compiled for the first time counts for neither
    grown = (_peak_of_an_import(many) - _peak_of_an_import(few)) / (many - few)
    assert grown < MOST_BYTES_OF_A_ROW


def _peak_of_an_import(count: int) -> int:
    """The most memory that it takes to read a file, and to plan its import twice: as new rows and as known ones."""
    file = BytesIO("".join(_lines(count)).encode())
    account = Account(user_id=uuid4(), name="A", type="checking", currency="EUR")
    tracemalloc.start()
    try:
        prepared = prepare(file, filename=None)
        with closing(prepared.rows):
            for known in (False, True):
                book = AccountBook([account], [])
                plan = assign_accounts(prepared, book, user_id=account.user_id, account_id=account.id, currency=None)
                assert _booked(plan, known=known) == (0 if known else count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _booked(plan: ImportPlan, *, known: bool) -> int:
    plan.identify()
    [of_account] = plan.accounts
    for piece in pieces_of(of_account.chosen):
        names = of_account.identities.of(piece)
        of_account.recognise(piece, names, KnownIdentities(dict.fromkeys(names, False) if known else {}), ())
    _check_all_are_there(of_account)
    decide(of_account, LedgerSide())
    return len(of_account.decisions.book)


def _check_all_are_there(plan: AccountPlan) -> None:
    assert len(plan.unknown) + len(plan.decisions.standing) == len(plan.rows)


def _lines(count: int) -> Iterator[str]:
    yield "Date,Description,Amount,Currency,Balance\n"
    balance = 0
    for n in range(count):
        balance += n % 7
        yield f"{date(2020 + n * 5 // count, 1 + n % 12, 1 + n % 28)},Shop {n % 50},{n % 7}.00,EUR,{balance}.00\n"
