"""MT940 and MT942: what a bank writes is read back; messages, dates, balances and what is refused."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from data_processing import TruncatedFile, fingerprints, reconcile
from hypothesis import given
from hypothesis import strategies as st
from swift_messages import HEAD, mt940, only_entry, read


def written(amount):
    return f"{abs(amount):f}".replace(".", ",")


def mark(amount):
    return "D" if amount < 0 else "C"


amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False)
days = st.dates(date(2000, 1, 1), date(2026, 11, 20))
texts = st.text("ABCabc 123.-/", min_size=1, max_size=60).map(lambda text: " ".join(text.split())).filter(bool)
rows = st.tuples(days, st.integers(-60, 60), amounts, texts.filter(lambda text: text[0] != "/"))


@given(
    statements=st.lists(st.lists(rows, max_size=5), min_size=1, max_size=3),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    marks=st.sampled_from([("D", "C"), ("RC", "RD"), ("DR", "CR")]),
    end=st.sampled_from(["-", "-}{5:}", "-XXX", ""]),
    opening=amounts,
)
def test_what_a_bank_writes_is_read_back_exactly(statements, line_end, marks, end, opening):
    total, lines, expected = opening, [], []
    for content in statements:
        lines += [":20:X", ":25:NL91EXMP0000123456", f":60F:{mark(total)}260401EUR{written(total)}"]
        for value_date, shift, amount, text in content:
            booked = value_date + timedelta(days=shift)
            sign = marks[0] if amount < 0 else marks[1]
            lines += [f":61:{value_date:%y%m%d}{booked:%m%d}{sign}{written(amount)}NTRFNONREF", f":86:{text}"]
            total += amount
        lines += [f":62F:{mark(total)}260430EUR{written(total)}", *([end] if end else [])]
        expected.append([(day, day + timedelta(days=shift), amount, text) for day, shift, amount, text in content])
    file = read(line_end.join([*lines, ""]))
    assert file.format == "mt940"
    assert [
        [(e.value_date, e.booking_date, e.amount, e.text) for e in found.entries] for found in file.statements
    ] == expected
    assert all(found.refused == () and found.currency == "EUR" for found in file.statements)
    assert {reconcile(found).status for found in file.statements} == {"adds_up"}
    assert all(len(set(fingerprints(found.entries))) == len(found.entries) for found in file.statements)


def test_account_period_and_balances_of_a_statement():
    text = mt940(closing="5,5").replace(":62F", ":64:D260430EUR1,25\r\n:65:C260501EUR2,\r\n:62F")
    (found,) = read(text).statements
    assert (found.account.bank, found.account.number, found.account.currency) == ("10020030", "1234567", "EUR")
    assert (found.period_start, found.period_end) == (date(2026, 4, 1), date(2026, 4, 30))
    assert [(item.kind, item.code, item.amount) for item in found.balances] == [
        ("opening", "60F", Decimal(0)),
        ("available", "64", Decimal("-1.25")),
        ("available", "65", Decimal(2)),
        ("closing", "62F", Decimal("5.5")),
    ]


@pytest.mark.parametrize(
    ("written_account", "bank", "number"),
    [
        ("NL91EXMP0000123456EUR", None, "NL91EXMP0000123456"),
        ("NL91EXMP0000123456 EUR", None, "NL91EXMP0000123456"),
        ("0001234567", None, "0001234567"),
        ("BPHKPLPK/320000546101", "BPHKPLPK", "320000546101"),
        ("//EX39364/12345678912/EUR", "EX39364", "12345678912"),
        ("/PL50160014591890544930000001", None, "PL50160014591890544930000001"),
    ],
)
def test_accounts_are_named_with_and_without_a_bank_and_a_currency(written_account, bank, number):
    (found,) = read(mt940().replace("10020030/1234567", written_account)).statements
    assert (found.account.bank, found.account.number) == (bank, number)


@pytest.mark.parametrize(
    ("marks", "amount"),
    [("D", -5), ("C", 5), ("RC", -5), ("RD", 5), ("DR", -5), ("CR", 5), ("RCR", -5), ("RDR", 5), ("CD", 5), ("DD", -5)],
)
def test_reversal_marks_turn_the_sign_and_the_currencys_third_letter_does_not(marks, amount):
    assert only_entry(f":61:2604020402{marks}5,00NTRFNONREF").amount == amount


@pytest.mark.parametrize(
    ("dates", "value_date", "booking_date"),
    [
        ("2512311231", date(2025, 12, 31), date(2025, 12, 31)),
        ("2512310102", date(2025, 12, 31), date(2026, 1, 2)),
        ("2601021231", date(2026, 1, 2), date(2025, 12, 31)),
        ("260402", date(2026, 4, 2), date(2026, 4, 2)),
        ("260402    ", date(2026, 4, 2), date(2026, 4, 2)),
        ("9912311231", date(1999, 12, 31), date(1999, 12, 31)),
    ],
)
def test_the_entry_date_without_a_year_is_the_one_nearest_to_the_value_date(dates, value_date, booking_date):
    entry = only_entry(f":61:{dates}C1,NTRFNONREF")
    assert (entry.value_date, entry.booking_date) == (value_date, booking_date)


def test_the_thirtieth_of_february_is_the_last_day_of_the_month_and_is_said():
    file = read(mt940(":61:2602300302D1,NTRFNONREF", ":61:2402300230D1,NTRFNONREF", closing="0,"))
    first, second = file.statements[0].entries
    assert (first.value_date, first.booking_date) == (date(2026, 2, 28), date(2026, 3, 2))
    assert (second.value_date, second.booking_date) == (date(2024, 2, 29), date(2024, 2, 29))
    assert file.notes == (
        "Line 5: value date 30 February 2026 is read as 28 February, as banks count months of thirty days.",
        "Line 6: value date 30 February 2024 is read as 29 February, as banks count months of thirty days.",
        "Line 6: entry date 30 February 2024 is read as 29 February, as banks count months of thirty days.",
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (":61:260431C1,NTRF", "value date 2026-04-31 is no day"),
        (":61:2604020431C1,NTRF", "entry date 2026-04-31 is no day"),
        (":61:260402C1.00NTRF", 'amount "1.00" has no decimal comma'),
        (":61:260402C1NTRF", 'amount "1" has no decimal comma'),
        (":61:260402C1,1234567NTRF", "more than 6 decimals"),
        (":61:260402X1,NTRF", "is no statement line"),
        (":61:", "is no statement line"),
        (":61:260402C1,NTRFNONREF\r\n:86:" + "x" * 10_001, "longer than 10000"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_place(line, reason):
    (found,) = read(mt940(line, ":61:260402C1,NTRFNONREF")).statements
    assert [entry.amount for entry in found.entries] == [1]
    assert [refused.place for refused in found.refused] == ["line 5"]
    assert reason in found.refused[0].reason


def test_one_id_at_two_equal_lines_is_no_id_and_loses_no_row():
    file = read(mt940(*[":61:260402C1,NTRFNONREF//0012345678"] * 2))
    entries = file.statements[0].entries
    assert [entry.bank_id for entry in entries] == [None, None]
    assert len(set(fingerprints(entries))) == 2
    assert file.notes == (
        "The bank's reference 0012345678 stands at several equal rows, so it is not taken as their id.",
    )


INTERIM = (
    ":20:1\n:25:NL91EXMP0000123456\n:28C:1\n:34F:EUR0,\n:13D:2604021200+0200\n:61:260402C5,NTRFNONREF\n:86:Wages\n"
    ":61:260402ED2,NTRFNONREF\n:90D:1EUR2,\n:90C:2EUR5,\n-\n"
)


def test_an_interim_report_is_pending_and_its_own_count_is_compared():
    file = read(INTERIM)
    (found,) = file.statements
    assert file.format == "mt942"
    assert [(entry.amount, entry.pending, entry.currency) for entry in found.entries] == [
        (Decimal(5), True, "EUR"),
        (Decimal(-2), True, "EUR"),
    ]
    assert file.notes == ("The report counts 3 rows and holds 2.",)
    assert read(INTERIM.replace("90C:2", "90C:1")).notes == ()


def test_a_pending_row_and_its_booking_share_their_identity():
    (interim,) = read(INTERIM).statements
    (booked,) = read(mt940(":61:260402C5,NTRFNONREF", ":86:Wages")).statements
    assert fingerprints(interim.entries)[0] == fingerprints(booked.entries)[0]


def test_a_row_whose_tag_is_indented_is_a_row():
    (found,) = read(mt940(":61:260402C1,NTRFNONREF", ":86:TEA", " :61:260403C2,NTRFNONREF", "\t:86:CAKE")).statements
    assert [(str(entry.amount), entry.text) for entry in found.entries] == [("1", "TEA"), ("2", "CAKE")]


def test_a_control_character_in_a_number_does_not_put_its_digits_together():
    (found,) = read(mt940(":61:2604020402D12\x0e3,45NTRFNONREF", ":86:TEA")).statements
    assert found.entries == ()
    assert [(refused.place, "no statement line" in refused.reason) for refused in found.refused] == [("line 5", True)]


def test_envelopes_control_characters_and_lines_between_messages_are_no_text():
    message = mt940(":61:260402C1,NTRFNONREF", ":86:A\x02B")
    text = "\x01\r\nEXMPNL2A\r\n940\r\n" + message.replace("-\r\n", "-\x03\r\n")
    enveloped = "{1:F01EXMPNL2A0}{2:O940}{4:\r\n" + message.replace("-\r\n", "-}{5:}\r\n")
    for whole in (text + enveloped, "{1:F01EXMPNL2A0}{4:" + text.partition("940\r\n")[2]):
        assert {entry.text for found in read(whole).statements for entry in found.entries} == {"AB"}


def test_a_second_opening_balance_starts_a_statement_of_the_same_account():
    second = ":60M:C260430EUR0,\r\n:61:260501C1,NTRFNONREF\r\n:62M:C260501EUR1,\r\n"
    file = read(mt940().replace("-\r\n", second))
    assert [len(found.entries) for found in file.statements] == [0, 1]
    assert {found.account.number for found in file.statements} == {"1234567"}
    assert {reconcile(found).status for found in file.statements} == {"adds_up"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (mt940(":61:260402C1,NTRFNONREF").partition(":62F")[0], "no closing balance"),
        (mt940().partition("0430")[0], "closing balance .:62F:. cannot be read"),
        (":61:260402C1,NTRFNONREF\r\n" + mt940(), "before the start of a message"),
    ],
)
def test_a_file_that_is_cut_off_yields_nothing(text, words):
    with pytest.raises(TruncatedFile, match=words):
        read(text)


def test_a_balance_that_cannot_be_read_is_left_out_and_said():
    file = read(mt940().replace(":62F", ":64:C260430EUR1.00\r\n:62F"))
    assert [item.code for item in file.statements[0].balances] == ["60F", "62F"]
    assert "line 5 is left out" in file.notes[0]


def test_a_row_before_any_balance_has_the_currency_of_a_later_one_or_none():
    row = ":20:1\n:25:2\n:61:260402C1,NTRFNONREF\n"
    for rest, currency in (("-\n", None), (":62F:C260402EUR1,\n-\n", "EUR")):
        (found,) = read(row + rest).statements
        assert [(entry.currency, found.currency) for entry in found.entries] == [(currency, currency)]


def test_a_balance_without_its_currency_or_on_no_day_is_a_balance():
    file = read(HEAD + ":61:260402C1,NTRFNONREF\r\n:62F:C2604311,\r\n-\r\n")
    (found,) = file.statements
    assert [(item.kind, item.amount, item.currency, item.date) for item in found.balances] == [
        ("opening", Decimal(0), "EUR", date(2026, 4, 1)),
        ("closing", Decimal(1), "EUR", None),
    ]
    assert file.notes == ("The balance in line 6 is dated on no day of the calendar.",)
    assert reconcile(found).status == "adds_up"


def test_a_closing_balance_that_cannot_be_read_but_ends_is_left_out_and_said():
    file = read(mt940(":61:260402C1,NTRFNONREF", closing="1"))
    assert [item.code for item in file.statements[0].balances] == ["60F"]
    assert "The balance in line 6 is left out" in file.notes[0]
    assert reconcile(file.statements[0]).status == "unproven"


def test_a_dash_after_the_opening_balance_ends_no_message():
    (found,) = read(mt940(":61:260402C1,NTRFNONREF", closing="1,").replace("EUR0,\r\n", "EUR0,\r\n-\r\n")).statements
    assert len(found.entries) == 1
    assert reconcile(found).status == "adds_up"


@pytest.mark.parametrize("end", ["-\r\n", ""])
def test_messages_without_a_reference_of_their_own_are_read(end):
    one = mt940(":61:260402C1,NTRFNONREF", closing="1,").partition("\r\n")[2].replace("-\r\n", end)
    two = one.replace("1234567", "7654321")
    statements = read("EXMPNL2A\r\n940\r\nEXMPNL2A\r\n" + one + two).statements
    assert [(found.account.number, len(found.entries)) for found in statements] == [("1234567", 1), ("7654321", 1)]


PAGE = (
    ":20:X\n:25:NL91EXMP0000123456\n:28C:7/{number}\n:60{start}:C260402EUR{before},\n"
    ":61:260402C1,NTRFNONREF//0012345678\n:86:TEA\n:62{end}:C260402EUR{after},\n-\n"
)


def test_the_pages_of_a_statement_are_one_statement_and_its_equal_rows_are_two():
    pages = [
        PAGE.format(number=number, start=start, end=end, before=number, after=number + 1)
        for number, start, end in ((1, "F", "M"), (2, "M", "M"), (3, "M", "F"))
    ]
    (found,) = read("".join(pages)).statements
    assert [item.code for item in found.balances] == ["60F", "62F"]
    assert len(set(fingerprints(found.entries))) == 3
    assert reconcile(found).status == "adds_up"
    apart = read(pages[0] + pages[2]).statements
    assert [[item.code for item in page.balances] for page in apart] == [["60F", "62M"], ["60M", "62F"]]
