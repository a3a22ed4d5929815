"""CSV: every dialect round-trips, and the odd things real exports do."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from data_processing import BrokenFile, UnclearDates, UnknownCsvShape, fingerprints, read_statement_file
from data_processing.formats.delimited.names import column_name
from data_processing.formats.delimited.profile import Profile, profile_from, profiles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TODAY = date(2026, 11, 20)
BY_NAME = {profile.dialect: profile for profile in profiles()}


def read(text, *, encoding="utf-8"):
    return read_statement_file(text.encode(encoding), today=TODAY)


def only(text, *, encoding="utf-8"):
    (found,) = read(text, encoding=encoding).statements
    return found


def write(profile: Profile, rows, *, delimiter=",", line_end="\n", optional=True):
    """The rows (day, amount, text, counterparty) as this dialect writes them."""
    header = [*profile.header, *(profile.optional if optional else ())]
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=delimiter, lineterminator=line_end)
    writer.writerow([name.removesuffix(" #2") for name in header])
    for day, amount, text, counterparty in rows:
        cells = cells_of(profile, day, amount, text, counterparty)
        writer.writerow([cells.get(name, "") for name in header])
    return target.getvalue()


def cells_of(profile, day, amount, text, counterparty):
    written_day = {"day": f"{day:%d/%m/%Y}", "month": f"{day:%m/%d/%Y}", "either": f"{day:%Y-%m-%d}"}[
        profile.dates.order
    ]
    money = profile.amount
    exact = -amount if money.inverted else amount
    payer = profile.columns.counterparty_in if amount > 0 else ""
    cells = {profile.dates.booking: written_day, profile.dates.value: written_day}
    cells |= {payer or profile.columns.counterparty: counterparty}
    cells |= dict.fromkeys(profile.columns.text[:1], text)
    if money.money_out:
        turned = money.out_is_negative if amount < 0 else money.in_is_negative
        cells[money.money_out if amount < 0 else money.money_in] = number(
            profile, -abs(exact) if turned else abs(exact)
        )
    elif money.flag:
        cells[money.flag] = money.out_values[0] if amount < 0 else money.in_values[0]
        cells[money.column] = number(profile, abs(exact))
    else:
        cells[money.column] = number(profile, exact)
    if profile.status:
        cells[profile.status.column] = profile.status.booked[0]
    if profile.account.number:
        cells[profile.account.number] = "AC-1"
    return cells


def number(profile, exact):
    thousands = profile.amount.thousands[:1]
    return f"{exact:,.2f}".replace(",", "T").replace(".", profile.amount.decimal).replace("T", thousands)


printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).map(str.strip).filter(bool)
cents = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False).filter(bool)
days = st.dates(date(2000, 1, 1), date(2026, 11, 20))
rows_of_a_file = st.lists(st.tuples(days, cents, printable, printable), max_size=6)


@pytest.mark.parametrize("profile", profiles(), ids=lambda profile: profile.dialect)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=rows_of_a_file,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    optional=st.booleans(),
)
def test_what_a_dialect_writes_is_read_back_exactly(profile, rows, delimiter, line_end, optional):
    text = write(profile, rows, delimiter=delimiter, line_end=line_end, optional=optional)
    file = read(text)
    (found,) = file.statements
    assert file.format == f"csv/{profile.dialect}"
    assert found.refused == ()
    assert [(entry.booking_date, entry.amount) for entry in found.entries] == [
        (day, amount) for day, amount, *_ in rows
    ]
    assert sum(entry.amount for entry in found.entries) == sum(amount for _, amount, *_ in rows)
    if any(column in profile.header for column in profile.columns.text):
        assert [entry.text for entry in found.entries] == [row[2] for row in rows]
    again = write(profile, rows, delimiter=";", line_end="\n", optional=optional)
    assert fingerprints(only(again).entries) == fingerprints(found.entries)


def test_no_two_dialects_claim_one_header():
    for one in profiles():
        names = {column_name(name) for name in one.header}
        others = [
            other.dialect
            for other in profiles()
            if other is not one
            and {column_name(name) for name in other.header} <= names
            and (other.any_columns or names <= {column_name(name) for name in (*other.header, *other.optional)})
        ]
        assert others == [], f"the header of {one.dialect} also fits {others}"


def test_at_least_forty_dialects_come_with_the_package():
    assert len(profiles()) >= 40
    assert len({profile.title for profile in profiles()}) == len(profiles())


GENERIC = "Date,Description,Amount,Currency\n"


def test_a_garbled_row_is_refused_with_its_line_and_the_rest_is_read():
    found = only(GENERIC + '2026-04-02,Tea,-2.00,EUR\n\n2026-04-03,Cake,12..34,EUR\n2026-04-04,"A\nB",1.00,eur\n')
    assert [(entry.place, entry.text, entry.currency) for entry in found.entries] == [
        ("line 2", "Tea", "EUR"),
        ("line 5", "A\nB", "EUR"),
    ]
    (refused,) = found.refused
    assert (refused.place, refused.reason) == ("line 4", 'amount "12..34" is not a number')
    assert refused.raw == "2026-04-03,Cake,12..34,EUR"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Tea,1.00,EUR", "no date"),
        ("2026-02-30,Tea,1.00,EUR", "no day of the calendar"),
        ("2026-04-02,Tea,,EUR", "the amount is empty"),
        ("2026-04-02,Tea,1.00,Euros", 'currency "Euros"'),
        ("2026-04-02,Tea,1.00", "3 cells, the header 4"),
        ("2026-04-02,Tea,and cake,1.00,EUR", "5 cells, the header 4"),
        ("2026-04-02," + "x" * 10_001 + ",1.00,EUR", "longer than 10000"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_reason(row, reason):
    found = only(GENERIC + row + "\n2026-04-02,Tea,1.00,EUR\n")
    assert len(found.entries) == 1
    assert [(refused.place, refused.bank_id) for refused in found.refused] == [("line 2", None)]
    assert reason in found.refused[0].reason


def test_empty_cells_behind_the_last_column_do_not_matter():
    assert len(only(GENERIC.strip() + ",\n2026-04-02,Tea,1.00,EUR,,\n").entries) == 1


def test_preamble_blank_lines_and_a_repeated_header_are_no_rows():
    text = "Account overview\n\nsep=;\n" + (
        GENERIC + "2026-04-02,Tea,1.00,EUR\n" + GENERIC + "2026-04-03,Tea,1.00,EUR\n"
    )
    assert [entry.place for entry in only(text).entries] == ["line 5", "line 7"]


def test_headers_are_compared_without_case_and_padding():
    assert len(only(" DATE , description ,Amount, CURRENCY\n2026-04-02,Tea,1.00,EUR\n").entries) == 1


def test_a_header_alone_is_a_statement_without_rows():
    assert only(GENERIC).entries == ()


def test_the_currency_in_the_header_is_the_rows_currency():
    text = "Date,Counter Party,Reference,Type,Amount (EUR),Balance (EUR)\n14/09/2026,Cafe,Lunch,CARD,-7.77,92.23\n"
    found = only(text)
    assert (found.currency, found.entries[0].balance) == ("EUR", Decimal("92.23"))


def test_a_month_first_file_in_a_day_first_dialect_is_refused():
    with pytest.raises(UnclearDates, match="day first"):
        read("Date,Details,Debit,Credit,Balance\n04/13/2026,Tea,1.00,,\n")


def test_two_amount_columns_give_the_direction_and_contradictions_are_refused():
    rows = [
        "01/09/2026,A,5.00,,",
        "01/09/2026,B,,5.00,",
        "01/09/2026,C,5.00,0.00,",
        "01/09/2026,D,1,2,",
        "01/09/2026,E,,,",
    ]
    found = only("Date,Details,Debit,Credit,Balance\n" + "\n".join([*rows, "01/09/2026,F,-5.00,,"]))
    assert [entry.amount for entry in found.entries] == [Decimal("-5.00"), Decimal("5.00"), Decimal("-5.00")]
    assert [refused.place for refused in found.refused] == ["line 5", "line 6", "line 7"]
    assert "both money out" in found.refused[0].reason


def test_a_flag_gives_the_direction_and_an_unknown_one_is_refused():
    columns = ["Datum", "Naam / Omschrijving", "Rekening", "Tegenrekening", "Code", "Af Bij", "Bedrag (EUR)"]
    header = ";".join(f'"{column}"' for column in [*columns, "Mutatiesoort", "Mededelingen"]) + "\n"
    body = "".join(
        f'"20260{day}01";"Winkel";"NL01";"";"BA";"{flag}";"{money}";"x";"y"\n'
        for day, flag, money in [(1, "Af", "1.000,50"), (2, "bij", "2,00"), (3, "Om", "3,00"), (4, "Af", "-3,00")]
    )
    found = only(header + body)
    assert [entry.amount for entry in found.entries] == [Decimal("-1000.50"), Decimal("2.00")]
    assert [refused.reason for refused in found.refused] == [
        'Af Bij "Om" is no known direction',
        "the amount has a sign although Af Bij gives the direction",
    ]
    assert (found.account.number, found.currency) == ("NL01", "EUR")


REVOLUT = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"


def test_pending_declined_and_unknown_states_are_told_apart():
    file = read(
        REVOLUT
        + "CARD,Current,2026-03-01 10:00:00,2026-03-02 08:00:00,Lunch,-4.50,0.25,GBP,COMPLETED,100.00\n"
        + "CARD,Current,2026-03-03 10:00:00,,Hotel,-10.00,0.00,GBP,PENDING,\n"
        + "CARD,Current,2026-03-03 11:00:00,,Shoes,-60.00,0.00,GBP,DECLINED,\n"
        + "CARD,Current,2026-03-03 12:00:00,,Odd,-60.00,0.00,GBP,LIMBO,\n"
    )
    (found,) = file.statements
    assert [(entry.amount, entry.pending, entry.booking_date.day) for entry in found.entries] == [
        (Decimal("-4.75"), False, 2),
        (Decimal("-10.00"), True, 3),
    ]
    assert file.notes == ('1 row moves no money and is left out: State "DECLINED".',)
    assert [refused.reason for refused in found.refused] == [
        'State "LIMBO" is unknown, so it is unclear whether money moved'
    ]
    assert not found.account.identified


def test_several_accounts_in_one_file_are_named_row_by_row():
    rows = "".join(
        f"A,{name},2026-03-01,2026-03-02,Move,{money},0,EUR,COMPLETED,\n"
        for name, money in [("Current", "-5"), ("Savings", "5")]
    )
    found = only(REVOLUT + rows)
    assert [entry.account.name for entry in found.entries] == ["Current EUR", "Savings EUR"]
    assert not found.account.identified
    header = "Date,Description,Amount,Currency,Account\n"
    several = only(header + "2026-03-01,Tea,-1.00,EUR,AC-1\n2026-03-01,Tea,-1.00,USD,AC-2\n2026-03-01,Tea,-1.00,EUR,\n")
    assert [(e.account.number, e.account.currency) for e in several.entries] == [("AC-1", "EUR"), ("AC-2", "USD")]
    assert several.currency is None
    assert "does not name its account" in several.refused[0].reason


def test_the_account_number_above_the_header_is_the_accounts():
    text = (
        '"Girokonto";"DE02 1203 0000 0000 2020 51"\n""\n"Kontostand vom 10.10.2026:";"1.234,56 €"\n""\n'
        '"Buchungsdatum";"Wertstellung";"Status";"Zahlungspflichtige*r";"Zahlungsempfänger*in";"Verwendungszweck";'
        '"Umsatztyp";"IBAN";"Betrag (€)";"Gläubiger-ID";"Mandatsreferenz";"Kundenreferenz"\n'
        '"08.10.26";"09.10.26";"Gebucht";"Mia Muster";"Drogerie Nord";"Einkauf";"Ausgang";"DE11";"-23,45 €";"";"";""\n'
        '"07.10.26";"07.10.26";"Gebucht";"Firma Süd";"Mia Muster";"Lohn";"Eingang";"DE12";"2.500";"";"";""\n'
        '"06.10.26";"";"Vorgemerkt";"Mia Muster";"Tankstelle";"Benzin";"Ausgang";"";"-60,00";"";"";""\n'
    )
    for encoding in ("utf-8", "cp1252", "utf-8-sig"):
        found = only(text, encoding=encoding)
        assert (found.account.number, found.currency) == ("DE02 1203 0000 0000 2020 51", "EUR")
        assert [(e.counterparty, e.amount, e.pending) for e in found.entries] == [
            ("Drogerie Nord", Decimal("-23.45"), False),
            ("Firma Süd", Decimal(2500), False),
            ("Tankstelle", Decimal("-60.00"), True),
        ]


def test_a_repeated_column_name_is_told_apart():
    text = (
        "Umsatzanzeige;Datei erstellt am: 01.10.2026\n\nIBAN;DE55 5001 0517 0000 0000 01\n\n"
        "Buchung;Wertstellungsdatum;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;Saldo;Währung;Betrag;Währung\n"
        "01.09.2026;01.09.2026;Kiosk;Lastschrift;Zeitung;97,20;EUR;-2,80;EUR\n"
    )
    found = only(text, encoding="cp1252")
    assert (found.account.number, found.entries[0].amount, found.entries[0].balance) == (
        "DE55 5001 0517 0000 0000 01",
        Decimal("-2.80"),
        Decimal("97.20"),
    )


def test_a_balance_that_is_no_number_is_left_out_and_said():
    file = read("Date,Description,Amount,Currency,Balance\n2026-04-02,Tea,-1.00,EUR,soon\n")
    assert file.statements[0].entries[0].balance is None
    assert file.notes == ('The balance in line 2 is left out: amount "soon" is not a number.',)


def test_an_unknown_header_is_shown_with_the_way_out():
    with pytest.raises(UnknownCsvShape) as caught:
        read("My export\nWhen;What;How much\n2026-04-02;Tea;1,00\n")
    assert caught.value.header == ("When", "What", "How much")
    assert "line 2" in caught.value.detail
    assert "When | What | How much" in caught.value.detail
    assert "Confirm or correct the mapping that is proposed" in caught.value.detail
    assert len(caught.value.detail) < 300
    assert "Revolut" in caught.value.dialects


def test_an_unknown_column_is_not_ignored_but_named_with_the_nearest_dialect():
    with pytest.raises(UnknownCsvShape, match="nearest to Bank of Ireland, but has in addition reversed"):
        read("Date,Details,Debit,Credit,Balance,Reversed\n01/09/2026,Tea,1.00,,,yes\n")


def test_quotation_marks_that_do_not_match_refuse_the_file():
    with pytest.raises(BrokenFile, match="Line 3: the quotation marks"):
        read(GENERIC + '2026-04-02,"Tea,1.00,EUR\n2026-04-03,Cake,1.00,EUR\n')


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"Tea "Earl Grey" hot"', 'Tea "Earl Grey" hot'),
        ('"Cafe "Mia""', 'Cafe "Mia"'),
        ('"Tea"  ', "Tea"),
    ],
)
def test_marks_inside_of_a_cell_and_blanks_behind_it_are_read(written, text):
    file = read(f'{GENERIC}2026-04-02,{written},-1.00,EUR\n"2026-04-03","Cake, ""two""\npieces",-2.00,EUR\n')
    entries = file.statements[0].entries
    assert [entry.text for entry in entries] == [text, 'Cake, "two"\npieces']
    assert [entry.place for entry in entries] == ["line 2", "line 3"]


def test_a_line_whose_marks_tell_no_cells_is_refused_alone():
    file = read(f'{GENERIC}2026-04-02,"Tea"x,1.00,EUR\n2026-04-03,Cake,-1.00,EUR\n')
    (statement,) = file.statements
    assert [row.place for row in statement.refused] == ["line 2"]
    assert [entry.place for entry in statement.entries] == ["line 3"]


MINIMAL = {
    "title": "x",
    "header": ["D", "A"],
    "dates": {"booking": "D", "order": "day"},
    "amount": {"column": "A"},
    "columns": {},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"dates": {"booking": "D", "order": "year"}}, "not day, month or either"),
        ({"amount": {"column": "A", "money_out": "A", "money_in": "D"}}, "either column, or money_out"),
        ({"columns": {"text": ["Nowhere"]}}, 'column "Nowhere" is neither'),
        ({"dates": {"booking": "Z", "order": "day"}}, 'column "Z" must be in header'),
        ({"dates": {"order": "day"}}, "booking"),
    ],
)
def test_a_wrong_profile_is_refused_by_name(change, message):
    assert profile_from("mine", MINIMAL).title == "x"
    with pytest.raises(ValueError, match=f"profile mine: .*{message}"):
        profile_from("mine", {**MINIMAL, **change})
