"""The grammars of amounts and dates: what is read, and what is refused instead of guessed."""

import doctest
import importlib
from datetime import date
from decimal import Decimal

import pytest
from data_processing.amounts import LARGEST, amount_reader, ofx_amount
from data_processing.dates import settle
from data_processing.errors import UnclearDates
from data_processing.formats.ofx.dates import ofx_date
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 11, 20)
ENGLISH = amount_reader(decimal=".", thousands=",")
GERMAN = amount_reader(decimal=",", thousands=".", currency_signs="€")

exact_amounts = st.decimals(min_value=-LARGEST, max_value=LARGEST, places=6, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"),
        ("-10", "-10"),
        ("+12.5", "12.5"),
        ("1,234.56", "1234.56"),
        ("-1,234,567.000001", "-1234567.000001"),
        ("00012.30", "12.30"),
        (".50", "0.50"),
        ("5.", "5"),
        ("\u22127.25", "-7.25"),
        ("- 7.25", "-7.25"),
        (" 3.00 ", "3.00"),
    ],
)
def test_an_english_amount_is_read_exactly(text, amount):
    assert ENGLISH(text) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("-1.234,56", "-1234.56"), ("8,78", "8.78"), ("-23,45 €", "-23.45"), ("€ 4", "4"), ("1234,5", "1234.5")],
)
def test_a_german_amount_is_read_exactly(text, amount):
    assert GERMAN(text) == Decimal(amount)


def test_a_number_of_groups_alone_is_refused_where_it_may_be_a_decimal_comma():
    careful = amount_reader(decimal=".", thousands=",", whole_groups=False)
    assert careful("1,234.5") == Decimal("1234.5")
    for text in ("1,234", "1,234."):
        with pytest.raises(ValueError, match="not a number"):
            careful(text)


def test_swiss_and_french_thousands_marks_are_read():
    assert amount_reader(decimal=".", thousands="'")("1\u2019234.50") == Decimal("1234.50")
    assert amount_reader(decimal=",", thousands=" ")("1\u202f234,50") == Decimal("1234.50")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12..34",
        "1,23,4",
        "1,2345.00",
        "12,34.5",
        "1e5",
        "NaN",
        "Infinity",
        "--5",
        "5-",
        "(5)",
        "1 2",
        "٣",
        "0x1",
        ".",
    ],
)
def test_an_amount_outside_the_grammar_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        ENGLISH(text)


def test_an_english_decimal_point_is_no_german_amount():
    with pytest.raises(ValueError, match=r'amount "12\.34" is not a number'):
        GERMAN("12.34")


def test_more_than_six_decimals_are_refused_and_six_are_exact():
    assert ENGLISH("0.123456") == Decimal("0.123456")
    with pytest.raises(ValueError, match="more than 6 decimals"):
        ENGLISH("0.1234567")


def test_an_amount_larger_than_a_ledger_holds_is_refused():
    assert ENGLISH(str(LARGEST)) == LARGEST
    with pytest.raises(ValueError, match="larger than"):
        ENGLISH(str(LARGEST + 1))


@given(exact_amounts)
def test_every_exact_amount_survives_writing_and_reading(amount):
    assert ENGLISH(f"{amount:,.6f}") == amount
    assert GERMAN(f"{amount:,.6f}".translate(str.maketrans(",.", ".,"))) == amount
    assert ofx_amount(f"{amount:.6f}", "EUR") == amount
    assert ofx_amount(f"{amount:.6f}".replace(".", ","), "EUR") == amount


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("-00000000001500.0000", "USD", "-1500"),
        ("+00000000000115.8331", "USD", "115.8331"),
        ("-12,34", "EUR", "-12.34"),
        ("1,234.56", "USD", "1234.56"),
        ("1.234,56", "EUR", "1234.56"),
        ("1,234", "TND", "1.234"),
        ("0,123", "EUR", "0.123"),
        (",5", None, "0.5"),
        ("1 234,56", "EUR", "1234.56"),
        ("-1\u00a0234.56", "USD", "-1234.56"),
        ("12.50-", "USD", "-12.50"),
        ("1.234,56 -", "EUR", "-1234.56"),
        ("(12.50)", "USD", "-12.50"),
        ("R$ -5.326,43", "BRL", "-5326.43"),
        ("-R$ 0,50", "BRL", "-0.50"),
        ("12,50 €", "EUR", "12.50"),
        ("-12.340000000000", "USD", "-12.34"),
    ],
)
def test_an_ofx_amount_is_read_in_either_notation(text, currency, amount):
    assert ofx_amount(text, currency) == Decimal(amount)


def test_an_ofx_amount_that_reads_two_ways_is_refused_with_both_readings():
    with pytest.raises(ValueError, match=r"can be read as 1\.234 or as 1234"):
        ofx_amount("1,234", "EUR")
    with pytest.raises(ValueError, match=r"can be read as -1\.234 or as -1234"):
        ofx_amount("1,234-", "EUR")


@pytest.mark.parametrize(
    "text", ["abc", "12..3", "1,23,4", "1.2,3.4", "", "1e3", "-5-", "(-5)", "()", "1 23", "$20", "R$ 5"]
)
def test_a_garbled_ofx_amount_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        ofx_amount(text, "EUR")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20110331", date(2011, 3, 31)),
        ("201103311200", date(2011, 3, 31)),
        ("20110331120000.000[-5:EST]", date(2011, 3, 31)),
        ("20090401230000 [0:GMT]", date(2009, 4, 1)),
        ("20180804093914:014", date(2018, 8, 4)),
        ("2024-02-29", date(2024, 2, 29)),
        ("2024/02/29 10:00", date(2024, 2, 29)),
        ("2024-2-9", date(2024, 2, 9)),
        ("20240229120000000", date(2024, 2, 29)),
    ],
)
def test_an_ofx_date_is_the_day_the_bank_wrote(text, day):
    assert ofx_date(text) == day


@pytest.mark.parametrize(
    "text", ["", "2011033", "201103311", "20120231", "00000000", "00010101000000", "2011/0331", "31/03/2011", "soon"]
)
def test_an_ofx_date_that_is_no_day_is_refused(text):
    with pytest.raises(ValueError, match="date"):
        ofx_date(text)


@pytest.mark.parametrize(
    ("order", "text", "day"),
    [
        ("day", "03/04/2026", date(2026, 4, 3)),
        ("month", "03/04/2026", date(2026, 3, 4)),
        ("day", "3.4.26", date(2026, 4, 3)),
        ("month", "6/12/15", date(2015, 6, 12)),
        ("day", "31.12.99", date(1999, 12, 31)),
        ("day", "2026-04-03", date(2026, 4, 3)),
        ("month", "2018-02-25 12:34:56 +0000", date(2018, 2, 25)),
        ("day", "20260403", date(2026, 4, 3)),
        ("day", "03-04-2026 10:15", date(2026, 4, 3)),
    ],
)
def test_a_date_is_read_in_the_order_of_the_dialect(order, text, day):
    assert settle(order, [text], today=TODAY).read(text) == day


@pytest.mark.parametrize("text", ["", "31/02/2026", "13/13/2026", "2026-13-01", "3 April", "03/04-2026", "1/1/202"])
def test_a_date_that_is_no_day_is_refused(text):
    with pytest.raises(ValueError, match="date"):
        settle("day", [], today=TODAY).read(text)


def test_one_date_settles_the_order_of_the_whole_file():
    assert settle("either", ["03/04/2026", "13/04/2026"], today=TODAY).read("03/04/2026") == date(2026, 4, 3)
    assert settle("either", ["03/04/2026", "04/13/2026"], today=TODAY).read("03/04/2026") == date(2026, 3, 4)
    assert settle("either", ["05/05/2026"], today=TODAY).read("05/05/2026") == date(2026, 5, 5)


@pytest.mark.parametrize(
    ("order", "dates", "message"),
    [
        ("day", ["03/04/2026", "04/13/2026"], "does not have the day first"),
        ("month", ["13/04/2026"], "does not have the month first"),
        ("day", ["13/04/2026", "04/13/2026"], "contradict each other"),
        ("either", ["03/04/2026"], "day or the month first"),
    ],
)
def test_dates_that_contradict_their_order_refuse_the_file(order, dates, message):
    with pytest.raises(UnclearDates, match=message):
        settle(order, dates, today=TODAY)


@pytest.mark.parametrize("module", ["amounts", "formats.ofx.dates", "frames", "reading", "reconciliation"])
def test_the_examples_in_the_documentation_hold(module):
    outcome = doctest.testmod(importlib.import_module(f"data_processing.{module}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0
