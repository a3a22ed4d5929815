"""Tables of unknown shape: what is proposed, what is left open, and how a confirmed mapping reads."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from data_processing import (
    ColumnRole,
    CsvMapping,
    InvalidMapping,
    MappedColumn,
    SignRule,
    UnclearDates,
    UnknownCsvShape,
    UnknownFormat,
    mapping_from_json,
    propose_mapping,
    read_statement_file,
)
from data_processing.formats.delimited.profile import profiles
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 11, 20)


def propose(text, *, encoding="utf-8"):
    return propose_mapping(text.encode(encoding), today=TODAY)


def read(text, *mappings):
    return read_statement_file(text.encode(), today=TODAY, profiles=mappings)


def roles(proposal):
    return {column.name: column.role.value for column in proposal.columns}


GERMAN = (
    "Mein Export\n\nDatum;Wer;Zweck;Betrag;Saldo\n01.04.2026;REWE;Einkauf;-12,50;987,50\n"
    "03.04.2026;Firma;Gehalt;1.500,00;2.487,50\n14.04.2026;Haus;Miete;-900,00;1.587,50\n"
)
KINDS = {
    "German, with a balance": (
        GERMAN,
        {
            "Datum": "booking_date",
            "Wer": "counterparty",
            "Zweck": "text",
            "Betrag": "amount",
            "Saldo": "balance",
        },
        ("day", ",", SignRule.SIGNED),
        [("-12.50", "Einkauf"), ("1500.00", "Gehalt"), ("-900.00", "Miete")],
    ),
    "French, two columns": (
        "Date comptable;Libellé;Dépense;Recette;Devise\n01/04/2026;CARREFOUR;12,50;;EUR\n"
        "13/04/2026;SALAIRE;;1 500,00;EUR\n",
        {
            "Date comptable": "booking_date",
            "Libellé": "text",
            "Dépense": "debit",
            "Recette": "credit",
            "Devise": "currency",
        },
        ("day", ",", SignRule.TWO_COLUMNS),
        [("-12.50", "CARREFOUR"), ("1500.00", "SALAIRE")],
    ),
    "Dutch, with a direction": (
        "datum|omschrijving|bedrag|richting\n2026-04-01|AH|12,50|Af\n2026-04-02|Salaris|1500,00|Bij\n",
        {"datum": "booking_date", "omschrijving": "text", "bedrag": "amount", "richting": "direction"},
        (None, ",", SignRule.DIRECTION),
        [("-12.50", "AH"), ("1500.00", "Salaris")],
    ),
    "Polish": (
        "Data księgowania;Opis operacji;Kwota;Waluta;Saldo po operacji\n2026-04-01;Biedronka;-12,50;PLN;100,00\n"
        "2026-04-02;Żabka;-2,50;PLN;97,50\n2026-04-03;Orlen;-7,50;PLN;90,00\n",
        {
            "Data księgowania": "booking_date",
            "Opis operacji": "text",
            "Kwota": "amount",
            "Waluta": "currency",
            "Saldo po operacji": "balance",
        },
        (None, ",", SignRule.SIGNED),
        [("-12.50", "Biedronka"), ("-2.50", "Żabka"), ("-7.50", "Orlen")],
    ),
    "a status and ids": (
        "Date,Payee,Amount,State,Txn ID\n2026-04-01,AH,-12.50,SETTLED,t1\n2026-04-02,Sal,1500.00,PENDING,t2\n",
        {"Date": "booking_date", "Payee": "counterparty", "Amount": "amount", "State": "status", "Txn ID": "bank_id"},
        (None, ".", SignRule.SIGNED),
        [("-12.50", "AH"), ("1500.00", "Sal")],
    ),
    "purchases that lower the balance": (
        "Day,Shop,Charged,Balance\n04/01/2026,A,10.00,90.00\n04/13/2026,B,20.00,70.00\n04/14/2026,C,5.00,65.00\n",
        {"Day": "booking_date", "Shop": "text", "Charged": "amount", "Balance": "balance"},
        ("month", ".", SignRule.INVERTED),
        [("-10.00", "A"), ("-20.00", "B"), ("-5.00", "C")],
    ),
    "accounts' negatives, with a currency beside": (
        'When,What,Total\n04/13/2026,A,"(1,234.50) USD"\n04/14/2026,B,7.25- USD\n04/15/2026,C,9.00 USD\n',
        {"When": "booking_date", "What": "text", "Total": "amount"},
        ("month", ".", SignRule.SIGNED),
        [("-1234.50", "A"), ("-7.25", "B"), ("9.00", "C")],
    ),
    "names that say nothing": (
        "a;b;c;d\n01.04.2026;REWE;-12,50;1\n14.04.2026;Aldi;-2,50;2\n",
        {"a": "booking_date", "b": "text", "c": "amount", "d": "ignored"},
        ("day", ",", SignRule.SIGNED),
        [("-12.50", "REWE"), ("-2.50", "Aldi")],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_table_is_answered_with_a_mapping_that_reads_it(kind):
    text, expected_roles, forms, rows = KINDS[kind]
    proposal = propose(text)
    assert roles(proposal) == expected_roles
    assert (proposal.date_order, proposal.decimal, proposal.sign_rule) == forms
    assert [(str(entry.amount), entry.text) for entry in proposal.entries] == rows
    assert proposal.refused == ()
    assert proposal.rows == len(rows)
    assert 0 < proposal.confidence <= 1
    with pytest.raises(UnknownCsvShape) as caught:
        read(text)
    assert caught.value.proposal == proposal
    file = read(text, proposal.mapping)
    assert file.format == "csv/own"
    assert file.statements[0].entries == proposal.entries


@pytest.mark.parametrize("header", ["When,Amount," + "W" * 181, "When,Amount" + ",W" * 499])
def test_a_header_that_no_mapping_could_hold_gets_no_proposal(header):
    text = f"{header}\n" + f"2026-04-01,-1.00{',x' * (header.count(',') - 1)}\n" * 3
    with pytest.raises(UnknownFormat):
        propose(text)
    with pytest.raises(UnknownCsvShape) as caught:
        read(text)
    assert caught.value.proposal is None


def test_the_proposal_says_where_the_table_stands_and_how_it_is_written():
    proposal = propose(GERMAN, encoding="utf-16")
    assert (proposal.header_line, proposal.delimiter, proposal.encoding) == (3, ";", "utf-16")
    assert proposal.header == ("Datum", "Wer", "Zweck", "Betrag", "Saldo")
    assert proposal.header_key == proposal.mapping.header_key
    assert proposal.columns[1].examples == ("REWE", "Firma", "Haus")
    assert proposal.warnings == ()
    assert proposal.confidence > 0.9


OPEN = {
    "days and months": (
        "When,What,Amount\n01/02/2026,A,-1.50\n03/04/2026,B,2.50\n",
        "Days and months cannot be told apart",
        lambda proposal: proposal.date_order is None and proposal.mapping.date_order == "either",
    ),
    "contradictory dates": (
        "When,What,Amount\n13/02/2026,A,-1.50\n03/14/2026,B,2.50\n",
        "contradict each other",
        lambda proposal: proposal.date_order is None,
    ),
    "the decimal mark": (
        'When,What,Amount\n2026-04-01,A,-1\n2026-04-02,B,"-1,234"\n',
        '"-1,234" can be read both ways',
        lambda proposal: proposal.decimal == "" and proposal.confidence < 0.5,
    ),
    "contradictory marks": (
        'When,What,Amount\n2026-04-01,A,-1.50\n2026-04-02,B,"-1,50"\n',
        "has a decimal point",
        lambda proposal: proposal.decimal == "",
    ),
    "the sign": (
        "When,What,Price\n2026-04-01,A,1.50\n2026-04-02,B,2.50\n",
        "No amount is negative",
        lambda proposal: proposal.sign_rule is SignRule.UNKNOWN and proposal.confidence <= 0.2,
    ),
    "mostly purchases": (
        "When,What,Amount\n2026-04-01,A,1.50\n2026-04-02,B,2.50\n2026-04-02,C,2.50\n2026-04-03,D,-2.50\n",
        "Most amounts are positive",
        lambda proposal: proposal.confidence <= 0.5,
    ),
    "what is owed": (
        "Day,Shop,Amount,Balance\n2026-04-01,A,-10.00,10.00\n2026-04-02,B,-20.00,30.00\n2026-04-03,C,-5.00,35.00\n",
        "state what is owed",
        lambda proposal: not proposal.mapping.inverted,
    ),
    "the words of a status": (
        "When,What,Amount,Status\n2026-04-01,A,-1.50,booked\n2026-04-02,B,-2.50,odd\n",
        'What odd in the column "Status" says is unknown',
        lambda proposal: len(proposal.refused) == 1,
    ),
    "several currencies beside the amounts": (
        "When,What,Amount\n2026-04-01,A,-1.50 EUR\n2026-04-02,B,-2.50 USD\n",
        "Several currencies stand beside the amounts (EUR, USD)",
        lambda proposal: proposal.mapping.currency == "" and len(proposal.refused) == 2,
    ),
    "the text": (
        "When,Amount\n2026-04-01,-1.50\n2026-04-02,-2.50\n",
        "No column is the text",
        lambda proposal: len(proposal.entries) == 2,
    ),
    "the amount": (
        "When,What\n2026-04-01,A\n2026-04-02,B\n",
        "Choose either one column as the amount",
        lambda proposal: proposal.confidence == 0 and proposal.entries == (),
    ),
}


@pytest.mark.parametrize("what", OPEN)
def test_what_a_file_does_not_tell_is_left_open_and_said(what):
    text, warning, holds = OPEN[what]
    proposal = propose(text)
    assert any(warning in said for said in proposal.warnings), proposal.warnings
    assert holds(proposal)


def test_a_mapping_with_an_open_date_order_waits_for_a_file_that_settles_it():
    text = OPEN["days and months"][0]
    mapping = propose(text).mapping
    with pytest.raises(UnclearDates):
        read(text, mapping)
    (statement,) = read(text + "13/04/2026,C,1.00\n", mapping).statements
    assert [entry.booking_date for entry in statement.entries] == [
        date(2026, 2, 1),
        date(2026, 4, 3),
        date(2026, 4, 13),
    ]


def test_a_mapping_comes_before_the_known_banks_and_only_where_the_header_is_its_own():
    text = "Date,Description,Amount,Currency\n2026-04-02,Tea,2.80,EUR\n"
    columns = ("booking_date", "text", "amount", "currency")
    mapping = CsvMapping(
        columns=tuple(
            MappedColumn(name, ColumnRole(role))
            for name, role in zip(text.splitlines()[0].split(","), columns, strict=True)
        ),
        decimal=".",
        inverted=True,
    )
    assert [entry.amount for entry in read(text, mapping).statements[0].entries] == [Decimal("-2.80")]
    other = "Date,Description,Amount,Currency,ID\n2026-04-02,Tea,2.80,EUR,7\n"
    assert read(other, mapping).format == "csv/generic"


def test_the_key_of_a_header_passes_over_case_spaces_and_currencies_but_not_over_order():
    def key(*names):
        return CsvMapping(columns=tuple(MappedColumn(name, ColumnRole.IGNORED) for name in names)).header_key

    assert key("Date", "Amount (EUR)") == key(" date", "AMOUNT  (USD)")
    assert key("Date", "Amount") != key("Amount", "Date")


@pytest.mark.parametrize("profile", profiles(), ids=lambda profile: profile.dialect)
def test_the_columns_of_known_banks_are_understood_without_their_profiles(profile):
    """Dates and money of every bundled dialect are found where the words are known; a wrong column is never sure."""
    target = io.StringIO()
    writer = csv.writer(target)
    header = [name.removesuffix(" #2") for name in profile.header]
    writer.writerow(header)
    for number in range(1, 9):
        day = {"day": f"{12 + number}/04/2026", "month": f"04/{12 + number}/2026", "either": f"2026-04-{12 + number}"}
        out = number % 3 > 0
        money = profile.amount
        cells = {profile.dates.booking: day[profile.dates.order], profile.dates.value: day[profile.dates.order]}
        written = f"{number * 7}.25".replace(".", money.decimal)
        cells[money.column] = f"-{written}" if out and not money.flag else written
        cells[money.money_out if out else money.money_in] = written
        if money.flag:
            cells[money.flag] = (money.out_values if out else money.in_values)[0]
        writer.writerow([cells.get(name, f"word {number}") if name in cells else "" for name in profile.header])
    proposal = propose(target.getvalue())
    found = {column.role: column.name for column in proposal.columns}
    booking = found[ColumnRole.BOOKING_DATE]
    assert booking in (profile.dates.booking, profile.dates.value)
    if profile.amount.column:
        assert found.get(ColumnRole.AMOUNT) == profile.amount.column
    else:
        assert found.get(ColumnRole.DEBIT) == profile.amount.money_out
        assert found.get(ColumnRole.CREDIT) == profile.amount.money_in


@pytest.mark.parametrize("written", ["-(1.00)", "(-1.00)", "--1.00", "-1.00-", "(1.00", "1.00)", "EUR", "1.00 GBP"])
def test_an_amount_with_two_signs_or_half_a_bracket_is_refused(written):
    mapping = mapping_from_json({**GOOD, "currency": "EUR"})
    (statement,) = read(f"D,A\n2026-04-01,{written}\n2026-04-01,(1.00) EUR\n", mapping).statements
    assert [entry.amount for entry in statement.entries] == [Decimal("-1.00")]
    assert statement.entries[0].currency == "EUR"
    assert len(statement.refused) == 1


def test_a_mapping_survives_json():
    mapping = propose(KINDS["a status and ids"][0]).mapping
    document = json.loads(json.dumps(mapping.to_json()))
    assert mapping_from_json(document) == mapping
    assert mapping_from_json(document).header_key == mapping.header_key


GOOD = {
    "columns": [{"name": "D", "role": "booking_date"}, {"name": "A", "role": "amount"}],
    "decimal": ".",
}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"colour": "red"}, "colour", "is no field of a mapping"),
        ({"columns": "D"}, "columns", "must list every column"),
        ({"columns": [{"role": "text"}]}, "columns[0].name", "needs a name"),
        ({"columns": [{"name": "D", "role": "day"}]}, "columns[0].role", "choose one of booking_date"),
        ({"columns": [{"name": "A", "role": "amount"}]}, "columns", "No column is the booking_date"),
        ({"columns": [{"name": "D", "role": "booking_date"}]}, "columns", "either one column as the amount"),
        ({"columns": [*GOOD["columns"], {"name": "B", "role": "amount"}]}, "columns", "Only one column"),
        ({"columns": [*GOOD["columns"], {"name": "A", "role": "text"}]}, "columns", 'call the second one "A #2"'),
        ({"columns": [*GOOD["columns"], {"name": "F", "role": "direction"}]}, "out_words", "out_words"),
        ({"columns": [*GOOD["columns"], {"name": "S", "role": "status"}]}, "booked_words", "booked_words"),
        (
            {
                "columns": [
                    GOOD["columns"][0],
                    *({"name": name, "role": name} for name in ("debit", "credit", "direction")),
                ]
            },
            "columns",
            "needs an amount column",
        ),
        ({"decimal": ""}, "decimal", "Choose the decimal mark"),
        ({"decimal": 7}, "decimal", "must be a text"),
        ({"thousands": "."}, "thousands", "cannot be a thousands mark too"),
        ({"thousands": "_"}, "thousands", "is no thousands mark"),
        ({"currency_signs": "E"}, "currency_signs", "is no currency sign"),
        ({"inverted": "yes"}, "inverted", "must be true or false"),
        ({"out_words": "D"}, "out_words", "must be a list of words"),
        ({"out_words": ["D"], "in_words": ["d"]}, "in_words", "keep it in one"),
        ({"out_words": ["D"] * 60}, "out_words", "may hold 50 words"),
        ({"date_order": "year"}, "date_order", "Choose day, month or either"),
        ({"currency": "euro"}, "currency", "is no ISO 4217 code"),
        ({"account_type": "piggy"}, "account_type", "Choose one of checking"),
    ],
)
def test_a_wrong_mapping_is_refused_by_field_with_the_way_out(change, field, words):
    assert mapping_from_json(GOOD).profile().dates.booking == "D"
    with pytest.raises(InvalidMapping) as caught:
        mapping_from_json({**GOOD, **change})
    assert any(problem.field == field and words in problem.detail for problem in caught.value.problems)


def test_a_mapping_that_cannot_be_used_reads_nothing():
    text = OPEN["the decimal mark"][0]
    with pytest.raises(InvalidMapping, match="decimal mark"):
        read(text, propose(text).mapping)


@pytest.mark.parametrize(
    "text", ["Hello, dear bank,\nplease, send, money\n", "1,2,3\n4,5,6\n", "!Type:Bank\nD1/1/26\n^\n"]
)
def test_no_mapping_is_proposed_where_no_row_names_the_columns(text):
    with pytest.raises(UnknownFormat):
        propose(text)


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=6), max_size=8
    )
)
def test_any_table_is_proposed_or_refused_and_never_breaks(rows):
    target = io.StringIO(newline="")
    csv.writer(target).writerows(rows)
    content = ("Date,Amount\n" + target.getvalue()).encode()
    try:
        proposal = propose_mapping(content, today=TODAY)
    except Exception as error:
        assert type(error).__module__ == "data_processing.errors"
    else:
        assert len(proposal.entries) + len(proposal.refused) <= 10
