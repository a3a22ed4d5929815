"""Identity, reconciliation and the frame: what importing rests on."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import data_processing
import polars as pl
import pytest
from data_processing import (
    ENTRY_SCHEMA,
    LEDGER_SCHEMA,
    LEDGER_SCHEMA_VERSION,
    AccountReference,
    Balance,
    Entry,
    Fingerprinter,
    Reconciler,
    Statement,
    fingerprints,
    frame,
    read_statement_file,
    reconcile,
)
from hypothesis import given
from hypothesis import strategies as st

DAY = date(2026, 4, 2)


def entry(amount="-2.80", text="KAFFEEBAR NORD", **changes):
    values = {"place": "line 2", "booking_date": DAY, "amount": Decimal(amount), "text": text, "currency": "EUR"}
    return Entry(**(values | changes))


def test_the_hash_is_the_same_on_every_machine_and_in_every_version():
    assert fingerprints([entry(), entry(bank_id="F1")]) == [
        "row:4d87788a5b5cdd9815afb59b98eae242#1",
        "bank:F1#7a487bc9e7127c39",
    ]


def test_two_equal_coffees_on_one_day_stay_two_and_a_longer_file_finds_the_first_again():
    first, second = fingerprints([entry(), entry()])
    assert first != second
    assert fingerprints([entry(), entry(), entry()])[:2] == [first, second]


ACCOUNTS = [None, AccountReference(number="1"), AccountReference(number="2")]
few_entries = st.builds(
    entry,
    amount=st.sampled_from(["-2.80", "-2.8", "1"]),
    text=st.sampled_from(["KAFFEE", "KAFFEE ", "TEE", "Ä"]),
    bank_id=st.sampled_from([None, None, "1", "2"]),
    pending=st.booleans(),
    account=st.sampled_from(ACCOUNTS),
)


@given(st.lists(few_entries, max_size=12))
def test_identities_of_passing_rows_are_those_of_the_whole_list(entries):
    passing = Fingerprinter()
    found = [passing.add(one) for one in entries]
    for number, identity in passing.changes().items():
        assert found[number] != identity
        found[number] = identity
    assert found == fingerprints(entries)


def test_padding_and_composed_letters_do_not_change_an_identity():
    assert fingerprints([entry(text="CAFE\u0301   NORD ")]) == fingerprints([entry(text="CAFÉ NORD", amount="-2.8")])


@pytest.mark.parametrize(
    "change", [{"amount": Decimal("-2.81")}, {"currency": "USD"}, {"booking_date": date(2026, 4, 3)}]
)
def test_one_bank_id_with_different_substance_is_two_rows(change):
    one, other = entry(bank_id="1"), entry(bank_id="1", **change)
    assert len(set(fingerprints([one, other]))) == 2
    assert fingerprints([one]) != fingerprints([other])


def test_a_bank_rewording_its_text_does_not_change_a_row_with_an_id():
    assert fingerprints([entry(bank_id="1")]) == fingerprints([entry(bank_id="1", text="Kaffeebar Nord, Utrecht")])
    assert len(set(fingerprints([entry(bank_id="1"), entry(bank_id="1")]))) == 1


def test_rows_of_one_file_that_share_an_id_and_are_worded_differently_are_different_rows():
    kiosk, bakery = entry(bank_id="7", text="Kiosk"), entry(bank_id="7", text="Bakery")
    first, second, third = fingerprints([kiosk, bakery, kiosk])
    assert (first == third, first == second) == (True, False)
    assert fingerprints([bakery]) == [second]
    # An announcement and its booking are worded differently and yet one row.
    assert len(set(fingerprints([kiosk, replace(bakery, pending=True)]))) == 1


def test_occurrences_are_counted_within_an_account():
    rows = [entry(account=AccountReference(name=name)) for name in ("A", "B", "A")]
    assert [identity[-2:] for identity in fingerprints(rows)] == ["#1", "#1", "#2"]


entries = st.builds(
    entry,
    amount=st.sampled_from(["-2.80", "-2.8", "5", "0", "1000000"]),
    text=st.sampled_from(["A", "B", "a"]),
    counterparty=st.sampled_from([None, "X"]),
    bank_id=st.sampled_from([None, None, "1", "2"]),
)


@given(st.lists(entries, max_size=12), st.randoms())
def test_the_order_of_rows_never_changes_the_identities(rows, draw):
    shuffled = rows[:]
    draw.shuffle(shuffled)
    assert sorted(fingerprints(rows)) == sorted(fingerprints(shuffled))


@given(st.lists(entries, max_size=12))
def test_rows_without_an_id_never_share_an_identity(rows):
    without = [replace(row, bank_id=None) for row in rows]
    assert len(set(fingerprints(without))) == len(rows)


def running(amounts, opening="100"):
    balance, rows = Decimal(opening), []
    for number, amount in enumerate(amounts):
        balance += Decimal(amount)
        day = date(2026, 4, 1 + number)
        rows.append(entry(amount, place=f"line {number + 2}", balance=balance, booking_date=day))
    return rows


def test_opening_entries_and_closing_that_add_up_are_proved():
    balances = (Balance("opening", Decimal("10.00")), Balance("closing", Decimal("7.20")))
    proof = reconcile(Statement(entries=(entry(), entry(pending=True)), balances=balances))
    assert (proof.status, proof.entries_sum, proof.checks, proof.gaps) == ("adds_up", Decimal("-2.80"), 1, ())


def test_a_gap_is_named_with_its_amount_and_dates():
    balances = (Balance("opening", Decimal(10)), Balance("closing", Decimal(5)))
    proof = reconcile(
        Statement(entries=(entry(),), balances=balances, period_start=date(2026, 4, 1), period_end=date(2026, 4, 30))
    )
    (gap,) = proof.gaps
    assert proof.status == "gap"
    assert (gap.amount, gap.start, gap.end) == (Decimal("-2.20"), date(2026, 4, 1), date(2026, 4, 30))


def test_a_statement_without_two_balances_proves_nothing():
    assert reconcile(Statement(entries=(entry(),), balances=(Balance("closing", Decimal(1)),))).status == "unproven"
    assert reconcile(Statement()).status == "unproven"


@given(st.lists(st.sampled_from(["-2.80", "5.00", "0.01"]), min_size=2, max_size=10), st.integers())
def test_running_balances_prove_a_complete_file_in_any_order(amounts, seed):
    rows = running(amounts)
    random.Random(seed).shuffle(rows)
    proof = reconcile(Statement(entries=tuple(rows)))
    assert (proof.status, proof.checks) == ("adds_up", len(rows) - 1)


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_missing_row_shows_between_its_neighbours(newest_first):
    rows = running(["-1", "-2", "-4", "-8"])
    del rows[1]
    proof = reconcile(Statement(entries=tuple(reversed(rows)) if newest_first else tuple(rows)))
    (gap,) = proof.gaps
    assert (gap.amount, gap.start, gap.end, gap.place) == (Decimal(-2), date(2026, 4, 1), date(2026, 4, 3), "line 4")


def test_balances_once_a_day_or_out_of_order_prove_nothing_false():
    sparse = [entry("-1", balance=Decimal(100)), entry("-2"), entry("-3", balance=Decimal(100))]
    assert reconcile(Statement(entries=tuple(sparse))).status == "unproven"
    gapped = running(["-1", "-2", "-4", "-8", "-16"])
    scattered = (gapped[4], gapped[0], gapped[2])
    assert reconcile(Statement(entries=scattered)).status == "unproven"


@pytest.mark.parametrize("step", [1, -1])
def test_of_very_many_gaps_the_first_are_kept_and_the_statement_still_does_not_add_up(step):
    rows = [
        entry("1", place=f"line {n}", booking_date=date(2026, 4, n), balance=Decimal(n * n * 10)) for n in range(1, 9)
    ]
    passing = Reconciler(most_gaps=2)
    for row in rows[::step]:
        passing.add(row)
    found = passing.result(Statement())
    assert (found.status, found.checks, found.entries_sum) == ("gap", 7, Decimal(8))
    assert found.gaps == reconcile(Statement(entries=tuple(rows[::step]))).gaps[:2]


def test_accounts_of_one_file_are_checked_apart():
    rows = [replace(row, account=AccountReference(name=name)) for name in ("A", "B") for row in running(["-1", "-2"])]
    assert reconcile(Statement(entries=tuple(rows))).checks == 2


def test_a_frame_holds_every_entry_exactly():
    content = b"Date,Description,Amount,Currency,Account\n2026-04-02,Tea,-2.800001,EUR,A\n2026-04-03,Cake,1,EUR,A\n"
    found = frame(read_statement_file(content))
    assert found.schema == ENTRY_SCHEMA
    assert found["amount"].sum() == Decimal("-1.800001")
    assert found["account"].to_list() == ["A", "A"]


def test_the_ledger_schema_holds_exact_integers_and_is_versioned():
    assert LEDGER_SCHEMA_VERSION == 2
    assert pl.DataFrame(schema=LEDGER_SCHEMA).schema == LEDGER_SCHEMA
    assert LEDGER_SCHEMA["amount_micros"] == pl.Int64
    assert list(LEDGER_SCHEMA)[:4] == ["id", "account_id", "account", "booking_date"]


def test_who_reads_statement_files_does_not_wait_for_polars():
    probe = "import sys, data_processing; data_processing.read_statement_file; print('polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, env=_environment(), check=True)
    assert done.stdout.strip() == "False"
    with pytest.raises(AttributeError, match="LEDGER_SCHEME"):
        _ = data_processing.LEDGER_SCHEME


def _environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)}
