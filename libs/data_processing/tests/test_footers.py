"""Lines above and below the rows of a table: told where they are no rows, refused where they may be broken ones."""

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
from data_processing import mapping_from_json, open_statement_file, read_statement_file
from hypothesis import given
from hypothesis import strategies as st

HEADER = "Buchungsdatum;Text;Betrag;Saldo\n"
ROWS = "01.04.2026;Kiosk;-2,80;97,20\n13.04.2026;Lohn;1.000,00;1.097,20\n"
MAPPING = {
    "columns": [
        {"name": "Buchungsdatum", "role": "booking_date"},
        {"name": "Text", "role": "text"},
        {"name": "Betrag", "role": "amount"},
        {"name": "Saldo", "role": "balance"},
    ],
    "decimal": ",",
    "thousands": ".",
    "currency": "EUR",
}


def read(text):
    return read_statement_file(text.encode(), today=date(2026, 11, 20), profiles=[mapping_from_json(MAPPING)])


def told(text):
    """The amounts read, the places refused, and the notes."""
    file = read(text)
    (statement,) = file.statements
    return (
        [str(entry.amount) for entry in statement.entries],
        [row.place for row in statement.refused],
        list(file.notes),
    )


FOOTERS = [
    "Ende des Berichts",
    "Seite 1 von 1",
    "Alle Angaben ohne Gewähr, Irrtum vorbehalten.",
    "Erstellt am;30.04.2026",
    "Zeitraum: 01.04.2026 - 30.04.2026",
    "Kontostand vom 30.04.2026;;;1.097,20",
    "Kontostand;30.04.2026;;1.097,20;EUR",
    "30.04.2026;Neuer Saldo;;1.097,20",
    "Endsaldo: 1.097,20 EUR",
    "Summe;;997,20;",
    "Total;;997,20 EUR",
    ";Summe;997,20;1.097,20",
    "Summe Soll;;-2,80",
    "Anzahl;2",
    ";;;Ende",
]


@pytest.mark.parametrize("line", FOOTERS)
def test_a_line_below_the_rows_that_cannot_be_a_row_is_told_and_not_refused(line):
    amounts, refused, notes = told(HEADER + ROWS + "\n" + line + "\n")
    assert (amounts, refused) == (["-2.80", "1000.00"], [])
    assert notes == [f'1 line is below the rows and no row: line 5 "{line.rstrip(";")}".']


BROKEN = [
    ";Kiosk;-2,80;94,40",
    "32.04.2026;Kiosk;-2,80;94,40",
    "14.04.2026;Kiosk;-2;80;94,40",
    "14.04.2026;Kiosk;;94,40",
    "14.04.2026;Kiosk",
    "14.04.2026",
    "14.04.2026,Kiosk,-2.80",
    "Kiosk;-2,80",
    "Kiosk -2,80",
    ";Kiosk;12..34;",
    ";Kiosk;1O0,00;",
    ";Total;-50,00;",
    "Summe;;997,21;",
    "Summe;;997,20;5,00",
    "Total;;soon 1",
    ";Balance transfer;-500,00;",
    "14.04.2026;Saldo;12,x0;1,00",
]


@pytest.mark.parametrize("line", BROKEN)
def test_a_line_below_the_rows_that_may_be_a_broken_row_is_refused(line):
    amounts, refused, notes = told(HEADER + ROWS + line + "\n")
    assert (amounts, refused, notes) == (["-2.80", "1000.00"], ["line 4"], [])


def test_lines_between_rows_are_refused_because_no_footer_has_rows_below_it():
    amounts, refused, notes = told(HEADER + ROWS + "Seite 1\n" + "15.04.2026;Brot;-7,20;1.090,00\nSeite 2\n")
    assert amounts == ["-2.80", "1000.00", "-7.20"]
    assert refused == ["line 4"]
    assert notes == ['1 line is below the rows and no row: line 6 "Seite 2".']


def test_a_broken_row_below_a_text_shows_that_the_text_is_no_footer():
    amounts, refused, notes = told(HEADER + ROWS + "Seite 1\n;Kiosk;-2,80;1\nSeite 2\n")
    assert (amounts, refused) == (["-2.80", "1000.00"], ["line 4", "line 5"])
    assert notes == ['1 line is below the rows and no row: line 6 "Seite 2".']


def test_lines_above_the_header_and_between_header_and_rows_are_told():
    text = "Umsätze;Girokonto\n\nZeitraum;01.04.2026;30.04.2026\n" + HEADER + "Anfangssaldo;;;100,00\n" + ROWS
    amounts, refused, notes = told(text)
    assert (amounts, refused) == (["-2.80", "1000.00"], [])
    assert notes == [
        '3 lines are above the rows and no rows: line 1 "Umsätze;Girokonto", '
        'line 3 "Zeitraum;01.04.2026;30.04.2026", line 5 "Anfangssaldo;;;100,00".'
    ]


def test_a_row_above_the_header_is_refused_and_not_passed_over():
    amounts, refused, notes = told("15.04.2026;Brot;-7,20;1.090,00\n" + HEADER + ROWS)
    assert (amounts, refused, notes) == (["-2.80", "1000.00"], ["line 1"], [])


def test_a_file_without_rows_tells_what_it_says_instead():
    amounts, refused, notes = told(HEADER + "Keine Umsätze im gewählten Zeitraum\n")
    assert (amounts, refused) == ([], [])
    assert notes == ['1 line is below the rows and no row: line 2 "Keine Umsätze im gewählten Zeitraum".']


def test_many_lines_below_the_rows_are_counted():
    notes = told(HEADER + ROWS + "Hinweis der Bank\n" * 30)[2]
    assert notes[0].startswith('30 lines are below the rows and no rows: line 4 "Hinweis der Bank", ')
    assert notes[0].endswith('line 23 "Hinweis der Bank" and 10 more.')


def test_more_lines_than_any_footer_has_are_refused():
    amounts, refused, notes = told(HEADER + ROWS + "Hinweis der Bank\n" * 300)
    assert (len(amounts), len(refused)) == (2, 201)
    assert notes[0].startswith("99 lines are below the rows and no rows:")


@given(st.lists(st.integers(-10_000, 10_000).filter(bool), min_size=1, max_size=20), st.integers(-3, 3))
def test_a_total_is_a_footer_exactly_when_it_is_the_sum_of_the_rows(cents, off):
    def written(number):
        return f"{Decimal(number).scaleb(-2):f}".replace(".", ",")

    rows = "".join(f"13.04.2026;Kiosk;{written(number)};\n" for number in cents)
    amounts, refused, _ = told(f"{HEADER}{rows}Total;;{written(sum(cents) + off)};\n")
    known = {sum(cents), sum(n for n in cents if n > 0), sum(n for n in cents if n < 0), len(cents) * 100}
    assert [Decimal(amount) for amount in amounts] == [Decimal(number).scaleb(-2) for number in cents]
    assert refused == ([] if abs(sum(cents) + off) in map(abs, known) else [f"line {len(cents) + 2}"])


def test_the_parts_of_a_file_hold_each_line_once():
    text = HEADER + ROWS + "Seite 1\nSeite 2\n15.04.2026;Brot;-7,20;1.090,00\nEnde\n"
    with open_statement_file(BytesIO(text.encode()), profiles=[mapping_from_json(MAPPING)], rows=1) as reader:
        parts = [part.statement for part in reader]
        places = [row.place for part in parts for row in part.entries] + [
            row.place for part in parts for row in part.refused
        ]
        assert reader.notes == ('1 line is below the rows and no row: line 7 "Ende".',)
    assert sorted(places) == [f"line {number}" for number in range(2, 7)]
