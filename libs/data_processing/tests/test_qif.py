"""QIF: what programs write is read back, and what only the whole file settles."""

from datetime import date
from decimal import Decimal

import pytest
from data_processing import EntryDetail, NoStatements, UnclearAmounts, UnclearDates, fingerprints, read_statement_file
from hypothesis import assume, given
from hypothesis import strategies as st

TODAY = date(2026, 11, 20)
SETTLED = "D12/31/2025\nT1.00\n^\n"
"""A record that shows which of day and month comes first, and the decimal mark."""


def read(text, *, encoding="utf-8"):
    return read_statement_file(text.encode(encoding), today=TODAY)


def only(text, *, encoding="utf-8"):
    (found,) = read(text, encoding=encoding).statements
    return found


def first_entry(*lines, section="!Type:Bank"):
    return only("\n".join([section, *lines, "^", ""]) + SETTLED).entries[0]


FORMS = {
    "US": lambda day: f"{day:%m/%d/%Y}",
    "Quicken": lambda day: f"{day.month:2}/{day.day:2}'{day.year % 100:2}" if day.year > 1999 else f"{day:%m/%d/%y}",
    "German": lambda day: f"{day:%d.%m.%Y}",
    "British": lambda day: f"{day:%d/%m/%y}",
    "ISO": lambda day: f"{day:%Y-%m-%d}",
}
MARKS = {
    "point": lambda amount: f"{amount:,.2f}",
    "comma": lambda amount: f"{amount:,.2f}".replace(",", "T").replace(".", ",").replace("T", "."),
    "plain": lambda amount: f"{amount:.2f}",
    "Swiss": lambda amount: f"{amount:,.2f}".replace(",", "'"),
}
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False)
days = st.dates(date(1980, 1, 1), date(2026, 11, 20))
texts = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@given(
    rows=st.lists(st.tuples(days, amounts, texts, texts), max_size=6),
    form=st.sampled_from(sorted(FORMS)),
    mark=st.sampled_from(sorted(MARKS)),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    section=st.sampled_from(["Bank", "Cash", "CCard", "Oth A", "Oth L"]),
)
def test_what_a_program_writes_is_read_back_exactly(rows, form, mark, line_end, section):
    assume(form not in ("British", "Quicken") or all(day.year >= 1930 for day, *_ in rows))
    settled = [(date(2025, 12, 31), Decimal("1.25"), "x", "y"), *rows]
    lines = [f"!Type:{section}"]
    for day, amount, payee, memo in settled:
        lines += [f"D{FORMS[form](day)}", f"T{MARKS[mark](amount)}", f"P{payee}", f"M{memo}", "^"]
    file = read(line_end.join([*lines, ""]))
    (found,) = file.statements
    assert (file.format, found.refused) == ("qif", ())
    assert [(entry.booking_date, entry.amount, entry.counterparty) for entry in found.entries] == [
        (day, amount, payee) for day, amount, payee, _ in settled
    ]
    assert len(set(fingerprints(found.entries))) == len(settled)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2/14'2020", date(2020, 2, 14)),
        ("2/14'20", date(2020, 2, 14)),
        (" 2/ 4' 4", date(2004, 2, 4)),
        ("2/14/1998", date(1998, 2, 14)),
        ("2/14/98", date(1998, 2, 14)),
        ("2/14/26", date(2026, 2, 14)),
        ("2-14-104", date(2004, 2, 14)),
        ("2/14/99", date(1999, 2, 14)),
        ("2/14/100", date(2000, 2, 14)),
        ("2020-02-14", date(2020, 2, 14)),
        ("20200214", date(2020, 2, 14)),
    ],
)
def test_every_form_of_a_date_is_read(written, expected):
    assert first_entry(f"D{written}", "T-1.50").booking_date == expected


def test_the_whole_file_settles_whether_the_day_or_the_month_is_first():
    open_date = "!Type:Bank\nD1/2/2026\nT1.00\n^\n"
    assert only(open_date + "D13/2/2026\nT1.00\n^\n").entries[0].booking_date == date(2026, 2, 1)
    assert only(open_date + "D2/13/2026\nT1.00\n^\n").entries[0].booking_date == date(2026, 1, 2)
    with pytest.raises(UnclearDates, match="can be read with the day or the month first"):
        read(open_date)
    with pytest.raises(UnclearDates, match="contradict"):
        read(open_date + "D13/2/2026\nT1.00\n^\nD2/13/2026\nT1.00\n^\n")


def test_the_whole_file_settles_the_decimal_mark():
    rows = "!Type:Bank\nD12/31/2025\nT-1,234\n^\nD12/31/2025\nT{}\n^\n"
    assert [entry.amount for entry in only(rows.format("2.50")).entries] == [Decimal(-1234), Decimal("2.50")]
    assert [entry.amount for entry in only(rows.format("2,50")).entries] == [Decimal("-1.234"), Decimal("2.50")]
    assert [entry.amount for entry in only(rows.format("1.234,5")).entries] == [Decimal("-1.234"), Decimal("1234.5")]
    assert [entry.amount for entry in only(rows.format("1,234,567")).entries] == [Decimal(-1234), Decimal(1234567)]
    unsettled = only(rows.format("7"))
    assert [entry.amount for entry in unsettled.entries] == [Decimal(7)]
    assert 'amount "-1,234" can be read with a decimal or a thousands mark' in unsettled.refused[0].reason
    with pytest.raises(UnclearAmounts, match="two ways"):
        read(rows.format("2.50") + "D12/31/2025\nT2,50\n^\n")


def register(*dates):
    return "!Type:Bank\n" + "".join(f"D{written}\nT1.00\n^\n" for written in dates)


@pytest.mark.parametrize(
    ("dates", "days"),
    [
        (["13/08/12", "13/08/15", "13/3/3"], [date(2013, 8, 12), date(2013, 8, 15), date(2013, 3, 3)]),
        (["98-12-31", "99-01-02"], [date(1998, 12, 31), date(1999, 1, 2)]),
        (["13/08/12", "14/08/12", "15/08/12"], [date(2012, 8, 13), date(2012, 8, 14), date(2012, 8, 15)]),
        (["31/12/12", "31/12/13", "31/12/14"], [date(2012, 12, 31), date(2013, 12, 31), date(2014, 12, 31)]),
        (["13/08/12"], [date(2012, 8, 13)]),
    ],
)
def test_years_of_two_digits_stand_first_where_a_date_proves_it(dates, days):
    assert [entry.booking_date for entry in only(register(*dates)).entries] == days


def test_years_that_may_stand_first_are_refused_where_only_they_put_the_rows_in_order():
    with pytest.raises(UnclearDates, match="may stand first or last"):
        read(register("13/08/12", "13/08/15", "13/09/01"))


def test_splits_are_kept_as_details_and_a_wrong_sum_is_said():
    lines = ["D2/14/2026", "T-10.00", "PA Payee", "L--Split--", "S[Savings]", "$-9.00", "SFood:Fruit/Holiday", "EPears"]
    entry = first_entry(*lines, "$-1.00")
    assert entry.details == (
        EntryDetail(Decimal("-9.00"), counterparty_account="Savings", category="[Savings]"),
        EntryDetail(Decimal("-1.00"), text="Pears", category="Food:Fruit/Holiday"),
    )
    assert entry.bank_category is None
    file = read("\n".join(["!Type:Bank", *lines, "$-2.00", "^", ""]))
    assert file.notes == ("The splits of the record in line 2 add up to -11.00, its amount is -10.00.",)


def test_a_transfer_names_its_account_and_a_category_its_class():
    transfer = first_entry("D2/14/2026", "T-10.00", "L[Savings]/Holiday", "N1007")
    assert (transfer.counterparty_account, transfer.bank_category) == ("Savings", "[Savings]/Holiday")
    assert transfer.reference == "1007"
    assert first_entry("D2/14/2026", "U-10.00", "LFood:Fruit/Holiday").bank_category == "Food:Fruit/Holiday"


ACCOUNTS = (
    "!Option:AutoSwitch\n!Account\nNChecking\nTBank\n^\nNVisa\nTCCard\n^\n!Clear:AutoSwitch\n"
    "!Account\nNChecking\nTBank\n^\n!Type:Bank\nD12/31/2025\nT-1.00\n^\n"
    "!Account\nNVisa\nTCCard\n^\n!Type:CCard\nD12/31/2025\nT-2.00\n^\n"
    "!Type:Cat\nNFood\nE\n^\n!Type:Memorized\nKP\nT-99.00\n^\n"
    "!Account\nNChecking\nTBank\n^\n!Type:Bank\nD12/30/2025\nT-3.00\n^\n"
)


def test_each_account_of_a_list_is_a_statement_and_lists_are_no_rows():
    found = read(ACCOUNTS).statements
    assert [(s.account.name, s.account.type, [str(e.amount) for e in s.entries]) for s in found] == [
        ("Checking", "checking", ["-1.00", "-3.00"]),
        ("Visa", "credit_card", ["-2.00"]),
    ]


def test_the_opening_balance_names_the_account_of_a_file_without_a_list():
    opening = "!Type:Bank\nD12/31/2025\nT5.00\nPOpening Balance\nL[Savings]\n^\n"
    found = only(opening)
    assert (found.account.name, found.account.type, found.entries[0].amount) == ("Savings", "checking", Decimal("5.00"))


def investment(action, amount, *more):
    return "\n".join(
        ["!Type:Invst", "D12/31/2025", f"N{action}", "YACME", *([f"T{amount}"] if amount else []), *more, "^"]
    )


@pytest.mark.parametrize(
    ("action", "amount", "booked"),
    [
        ("Buy", "1,000.00", "-1000.00"),
        ("Sell", "1,000.00", "1000.00"),
        ("Div", "12.50", "12.50"),
        ("IntInc", "1.25", "1.25"),
        ("MiscExp", "3.00", "-3.00"),
        ("XIn", "500.00", "500.00"),
        ("XOut", "500.00", "-500.00"),
        ("Cash", "-7.00", "-7.00"),
    ],
)
def test_the_cash_side_of_an_investment_is_booked(action, amount, booked):
    (entry,) = only(investment(action, amount, "I10.00", "Q100", "O5.00")).entries
    assert (entry.amount, entry.bank_category, entry.counterparty) == (Decimal(booked), action, "ACME")
    assert entry.text == f"{action} ACME"


def test_reminders_are_left_out_and_unknown_actions_refused():
    file = read(investment("Reminder", ""))
    assert (file.statements[0].entries, file.statements[0].investments) == ((), ())
    assert file.notes == ("1 reminder is left out.",)
    for action, amount, reason in [
        ("Wonder", "1.00", 'the action (N) is "Wonder"'),
        ("Buy", "", "no amount (T)"),
        ("Buy", "-1.00", "has a minus, and the action Buy leaves open whether that is money in or out"),
        ("Sell", "-1.00", "the action Sell leaves open"),
        ("XOut", "-1.00", "the action XOut leaves open"),
        ("", "1.00", "no action (N)"),
    ]:
        assert reason in only(investment(action, amount)).refused[0].reason


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["T1.00"], "no date (D)"),
        (["D2/14/2026"], "no amount (T)"),
        (["D2/30/2026", "T1.00"], "no day of the calendar"),
        (["Dyesterday", "T1.00"], "not written as a date"),
        (["D2/14/2026", "T12..34"], "is not a number"),
        (["D2/14/2026", "T1.00", "M" + "x" * 10_001], "longer than 10000"),
        (["D2/14/2026", "T1.00", "D2/15/2026", "T2.00"], "the end mark (^) between two records may be missing"),
        (["D2/14/2026", "T1.00", "PTea", "T2.00"], "two amounts (T)"),
    ],
)
def test_a_record_that_cannot_be_read_is_refused_with_its_place(lines, reason):
    found = only("\n".join(["!Type:Bank", *lines, "^", ""]) + SETTLED)
    assert [entry.amount for entry in found.entries] == [Decimal("1.00")]
    assert [refused.place for refused in found.refused] == ["line 2"]
    assert reason in found.refused[0].reason


def test_a_last_record_without_its_end_mark_is_refused_only_where_its_last_line_may_be_cut_off():
    found = only("!Type:Bank\n" + SETTLED + "D12/30/2025\nT-100")
    assert len(found.entries) == 1
    assert "no end mark" in found.refused[0].reason
    file = read("!Type:Bank\n" + SETTLED + "D12/30/2025\nT-100\nPTea\n")
    assert [entry.amount for entry in file.statements[0].entries] == [Decimal("1.00"), Decimal(-100)]
    assert file.notes == ("The last record, in line 5, has no end mark (^); it is read as it stands.",)


def test_the_next_section_ends_a_record_as_a_mark_does():
    found = only("!Account\nNChecking\nTBank\n!Type:Bank\n" + SETTLED + "D12/30/2025\nT-2.00\n!Type:Cat\nNFood\n^\n")
    assert found.account.name == "Checking"
    assert [entry.amount for entry in found.entries] == [Decimal("1.00"), Decimal("-2.00")]


@pytest.mark.parametrize(("option", "day"), [("MDY", date(2026, 3, 4)), ("dmy", date(2026, 4, 3))])
def test_an_option_says_which_of_day_and_month_comes_first(option, day):
    assert only(f"!Option:{option}\n!Type:Bank\nD03.04.26\nT1.00\n^\n").entries[0].booking_date == day
    with pytest.raises(UnclearDates):
        read(f"!Option:{option}\n!Type:Bank\nD03.14.26\nT1.00\n^\nD14.03.26\nT1.00\n^\n")


def test_a_section_of_no_known_kind_is_a_register_where_its_records_are_dated_money():
    file = read("!Type:Konto\nD31.12.2025\nT-1,50\n^\nNPlain\n^\n!Type:Budget\nNFood\nD12/31/2025\nT9\n^\n")
    assert [[str(entry.amount) for entry in found.entries] for found in file.statements] == [["-1.50"]]
    assert file.notes == ('The section "konto" is of no known kind and read as the register of an account.',)
    business = read("!Account\nNInvoices\nTInvoice\n^\n!Type:Invoice\n" + SETTLED)
    assert (business.statements[0].account.name, business.notes) == ("Invoices", ())


@pytest.mark.parametrize("written", ["12.50-", "(12.50)", "-12.50", "$-12.50"])
def test_a_minus_may_stand_behind_and_brackets_for_it(written):
    assert first_entry("D12/31/2025", f"T{written}").amount == Decimal("-12.50")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_register_without_its_section_is_told_by_its_first_record(line_end):
    found = only(f"{SETTLED}D12/30/2025\nT-2.00\nPTea\n^\n".replace("\n", line_end))
    assert (found.account.type, [entry.amount for entry in found.entries]) == (
        None,
        [Decimal("1.00"), Decimal("-2.00")],
    )


def test_the_category_of_the_first_split_is_not_that_of_the_whole_row():
    lines = ["D2/22/2019", "T-119.48", "L[Cash Account]", "S[Cash Account]", "$-60.00", "SGroceries", "$-59.48"]
    entry = first_entry(*lines)
    assert (entry.bank_category, entry.counterparty_account) == (None, None)
    assert [detail.counterparty_account for detail in entry.details] == ["Cash Account", None]
    alike = first_entry("D2/22/2019", "T-3.00", "LFood", "SFood", "$-1.00", "SFood", "$-2.00")
    assert (alike.bank_category, len(alike.details)) == ("Food", 2)


def test_a_placeholder_is_no_number_of_a_cheque():
    assert first_entry("D12/31/2025", "T1.00", "NN/A").reference is None


def test_several_memos_are_one_and_an_account_may_stand_behind_a_category():
    entry = first_entry("D12/31/2025", "T1.00", "MOne", "MTwo", "LTax:Federal|[Savings]")
    assert (entry.text, entry.counterparty_account) == ("One Two", "Savings")


def test_signs_that_web_pages_encode_are_decoded_once_and_others_stay():
    entry = first_entry("D12/31/2025", "T1.00", "PA&amp;B &lt;x&#39;", "MAT&T; &amp;amp; &nbsp;")
    assert (entry.counterparty, entry.text) == ("A&B <x'", "A&B <x' AT&T; &amp; &nbsp;")


def test_money_of_an_investment_register_without_action_and_security_is_cash():
    found = only("!Type:Invst\nD12/31/2025\nT25.00\nPDeposit\n^\n")
    assert [(e.amount, e.text, e.bank_category) for e in found.entries] == [(Decimal("25.00"), "Deposit", None)]


@pytest.mark.parametrize(("action", "kind"), [("IntInc", "interest"), ("Div", "dividend"), ("XIn", None)])
def test_a_minus_at_income_takes_it_back(action, kind):
    found = only(investment(action, "-12.34"))
    assert [entry.amount for entry in found.entries] == [Decimal("-12.34")]
    assert [entry.kind.value for entry in found.investments] == ([kind] if kind else [])


def test_a_quantity_with_a_minus_is_refused_where_the_action_gives_its_direction():
    assert "the quantity (Q) has a minus" in only(investment("Sell", "1.00", "Q-5")).refused[0].reason


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "mac_roman", "utf-16"])
def test_old_encodings_are_read(encoding):
    line_end = "\r" if encoding == "mac_roman" else "\n"
    text = line_end.join(["!Type:Bank ", "D12/31/2025", "T-1.50", "PZürich Café", "^", ""])
    assert only(text, encoding=encoding).entries[0].counterparty == "Zürich Café"


def test_a_date_among_the_splits_is_not_that_of_the_record():
    entry = first_entry("D12/31/2025", "T-100.00", "SFood", "D1/10/2026", "$-60.00", "SHome", "$-40.00")
    assert (entry.booking_date, len(entry.details)) == (date(2025, 12, 31), 2)


@pytest.mark.parametrize("written", ["1 234,56", "1'234,56", "-$0,50", "€12,50"])
def test_one_amount_with_marks_around_its_digits_settles_the_decimal_mark(written):
    found = only(f"!Type:Bank\nD12/31/2025\nT{written}\n^\nD12/30/2025\nT1.234\n^\n")
    assert [str(entry.amount) for entry in found.entries[-1:]] == ["1234"]


@pytest.mark.parametrize("line_end", ["\n", "\r"])
def test_comments_and_blank_lines_before_the_first_section_do_not_matter(line_end):
    found = only(("### exported\n\n!type:bank\n\n" + SETTLED + "^\n\x1a").replace("\n", line_end))
    assert (len(found.entries), found.refused) == (1, ())


def test_a_file_of_lists_alone_has_no_statement():
    with pytest.raises(NoStatements, match="no register"):
        read("!Type:Cat\nNFood\nE\n^\n")
