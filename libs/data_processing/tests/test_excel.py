"""Excel: the dialects of CSV in sheets, exact amounts from binary numbers, and workbooks built to do harm."""

import csv
import io
import struct
from datetime import date
from decimal import Decimal

import pytest
from data_processing import (
    EmptyFile,
    SpreadsheetFile,
    StatementFileError,
    UnknownCsvShape,
    UnsafeFile,
    fingerprints,
    read_statement_file,
)
from hypothesis import given
from hypothesis import strategies as st
from workbooks import EPOCH, sheet_xml, xlsx


def xls(rows):
    """An Excel 97 workbook of one sheet."""
    return compound_file(_biff(rows))


def _record(kind, content=b""):
    return struct.pack("<HH", kind, len(content)) + content


def _biff(rows):
    start = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6))
    formats = b"".join(
        _record(0x00E0, struct.pack("<HHHBBBBIIH", 0, number_format, 0, 0, 0, 0, 0, 0, 0, 0))
        for number_format in (0, 14)
    )
    end = _record(0x000A)
    name = b"Sheet1"
    length = len(start) + len(formats) + 4 + 8 + len(name) + len(end)
    sheet = _record(0x0085, struct.pack("<IBBBB", length, 0, 0, len(name), 0) + name)
    cells = b""
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str):
                text = value.encode("utf-16-le")
                cells += _record(0x0204, struct.pack("<HHHHB", number, column, 0, len(text) // 2, 1) + text)
            elif isinstance(value, date):
                cells += _record(0x0203, struct.pack("<HHHd", number, column, 1, float((value - EPOCH).days)))
            elif value is not None:
                cells += _record(0x0203, struct.pack("<HHHd", number, column, 0, float(value)))
    inner = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    return start + formats + sheet + end + inner + cells + end


def compound_file(stream, *, name="Workbook"):
    """A compound file with one stream, long enough to stand in sectors of 512 bytes."""
    stream = stream.ljust(4096, b"\x00")
    stream += b"\x00" * (-len(stream) % 512)
    count = len(stream) // 512
    tables = 1
    while tables * 128 < count + 1 + tables:
        tables += 1
    free, chain_end, table_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    first = tables + 1
    entries = [table_mark] * tables + [chain_end]
    entries += [*range(first + 1, first + count), chain_end]
    entries += [free] * (tables * 128 - len(entries))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, tables, tables, 0, 4096, chain_end, 0, chain_end, 0),
    )
    header += struct.pack("<109I", *range(tables), *([free] * (109 - tables)))

    def directory_entry(title, kind, child, start, size):
        written = (title + "\0").encode("utf-16-le") if title else b""
        return struct.pack("<64sHBBIII36xIQ", written, len(written), kind, 1, free, free, child, start, size)

    directory = directory_entry("Root Entry", 5, 1, chain_end, 0) + directory_entry(name, 2, free, first, len(stream))
    directory += directory_entry("", 0, free, 0, 0) * 2
    return header + struct.pack(f"<{tables * 128}I", *entries) + directory + stream


HEADER = ["Date", "Description", "Amount", "Currency"]
DKB = [
    ["Girokonto", "DE02 1203 0000 0000 2020 51"],
    [],
    [
        "Buchungsdatum",
        "Wertstellung",
        "Status",
        "Zahlungspflichtige*r",
        "Zahlungsempfänger*in",
        "Verwendungszweck",
        "Umsatztyp",
        "Betrag (€)",
    ],
    [date(2026, 10, 8), date(2026, 10, 9), "Gebucht", "Mia", "Drogerie", "Einkauf", "Ausgang", -1234.5],
    [date(2026, 10, 7), date(2026, 10, 7), "Vorgemerkt", "Mia", "Kiosk", "Zeitung", "Ausgang", "-2,80"],
    [date(2026, 10, 6), None, "Gebucht", "Lohn AG", "Mia", "Lohn", "Eingang", 2.125],
]
WRITERS = pytest.mark.parametrize("write", [xlsx, xls])


def read(content):
    return read_statement_file(content, today=date(2026, 11, 20))


def only(content):
    (found,) = read(content).statements
    return found


def as_csv(rows):
    target = io.StringIO()
    csv.writer(target, delimiter=";").writerows(rows)
    return target.getvalue().encode()


@WRITERS
def test_a_sheet_is_read_by_the_dialect_of_its_header(write):
    file = read(write(DKB))
    (found,) = file.statements
    assert file.format == "excel/dkb"
    assert (found.account.number, found.currency, found.refused) == ("DE02 1203 0000 0000 2020 51", "EUR", ())
    assert [(e.place, e.booking_date.day, e.amount, e.counterparty, e.pending) for e in found.entries] == [
        ("row 4", 8, Decimal("-1234.5"), "Drogerie", False),
        ("row 5", 7, Decimal("-2.80"), "Kiosk", True),
        ("row 6", 6, Decimal("2.125"), "Lohn AG", False),
    ]


texts = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
amounts = st.decimals(min_value=-(10**7), max_value=10**7, places=4, allow_nan=False)
days = st.dates(date(1980, 1, 1), date(2026, 11, 20))


@given(rows=st.lists(st.tuples(days, texts, amounts), max_size=8), write=st.sampled_from([xlsx, xls]))
def test_numbers_and_dates_of_cells_are_read_back_exactly_and_as_from_csv(rows, write):
    table = [HEADER, *([day, text, float(amount), "EUR"] for day, text, amount in rows)]
    found = only(write(table))
    assert [(e.booking_date, e.text, e.amount) for e in found.entries] == rows
    assert found.refused == ()
    written = [HEADER, *([day, text, amount, "EUR"] for day, text, amount in rows)]
    assert fingerprints(only(as_csv(written)).entries) == fingerprints(found.entries)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        (0.1, "0.1"),
        (-12.3, "-12.3"),
        (17, "17"),
        (1e-05, "0.00001"),
        (-0.0, "0"),
        (123456789.12, "123456789.12"),
        (0.1 + 0.2, None),
        (12.1234567, None),
        (1e300, None),
        (True, None),
    ],
)
def test_a_number_is_taken_by_its_shortest_digits_and_refused_beyond_six_decimals(cell, amount):
    cells = [HEADER, [date(2026, 4, 2), "Tea", cell, "EUR"]]
    content = xlsx(cells)
    if cell is True:
        content = xlsx(cells[:1], replace=[("xl/worksheets/sheet1.xml", sheet_xml(cells).replace("<v>True", "<v>x"))])
    found = only(content)
    assert [entry.amount for entry in found.entries] == ([Decimal(amount)] if amount else [])
    assert len(found.refused) == (0 if amount else 1)


def test_text_cells_keep_the_grammar_of_the_dialect():
    found = only(xlsx([HEADER, ["13/04/2026", "Tea", "-2.80", "EUR"], ["02/04/2026", "Cake", "1,50", "EUR"]]))
    assert [(entry.booking_date, entry.amount) for entry in found.entries] == [(date(2026, 4, 13), Decimal("-2.80"))]
    assert [(row.place, row.raw) for row in found.refused] == [("row 3", "02/04/2026 | Cake | 1,50 | EUR")]


def test_every_sheet_of_a_known_dialect_is_a_statement_and_others_are_said():
    rows = [HEADER, [date(2026, 4, 2), "Tea", -1.5, "EUR"]]
    file = read(xlsx(rows, [["Summary", "of the year"]], [], rows, names=["One", "Two", "Three", "Four"]))
    assert [found.entries[0].place for found in file.statements] == ['sheet "One", row 2', 'sheet "Four", row 2']
    assert file.notes == ("1 of 3 sheets hold no table of a known bank and are left out.",)


def test_blank_rows_and_a_repeated_header_are_no_rows():
    row = [date(2026, 4, 2), "Tea", -1.5, "EUR"]
    assert [e.place for e in only(xlsx([[], HEADER, row, [], HEADER, row])).entries] == ["row 3", "row 6"]


def test_an_unknown_header_is_shown():
    with pytest.raises(UnknownCsvShape) as caught:
        read(xlsx([["When", "What", "How much"], [date(2026, 4, 2), "Tea", 1.0]]))
    assert caught.value.header == ("When", "What", "How much")


def test_a_workbook_without_cells_is_empty():
    with pytest.raises(EmptyFile, match="no sheet with cells"):
        read(xlsx([]))


FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
WIDE = "<row>" + "<c><v>1</v></c>" * 9000 + "</row>" + "<row><c><v>1</v></c></row>" * 1000


def hostile(sheet=None, **members):
    path = "xl/worksheets/sheet1.xml"
    return xlsx([HEADER], replace=[(path, sheet)] if sheet else list(members.items()))


def understated():
    """A workbook whose directory claims that a member of many bytes unpacks to one."""
    content = bytearray(hostile(**{"xl/sharedStrings.xml": b" " * 140_000_000}))
    place = content.rindex(b"xl/sharedStrings.xml") - 46
    content[place + 24 : place + 28] = (1).to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: hostile(sheet_xml([HEADER]).replace("</sheetData>", FAR)), "spans 17179869184 cells"),
        (lambda: hostile(f"<worksheet><sheetData>{WIDE}</sheetData></worksheet>"), "spans 9009000 cells"),
        (lambda: hostile(**{"xl/sharedStrings.xml": b" " * 140_000_000}), "more than 128 MiB"),
        (understated, "more than 128 MiB"),
        (lambda: xls([HEADER, *([[]] * 65_534), [None] * 255 + [1.0]]), "spans 16777216 cells"),
    ],
    ids=["a far cell", "cells without a place", "a zip bomb", "a zip bomb that lies", "a far cell in xls"],
)
def test_a_workbook_that_would_exhaust_memory_is_refused_before_it_is_read(content, words):
    with pytest.raises(UnsafeFile, match=words):
        read(content())


@WRITERS
def test_a_damaged_workbook_is_refused_with_the_way_out(write):
    whole = write(DKB)
    for position in range(40, len(whole) - 40, max(1, len(whole) // 30)):
        content = whole[:position] + b"\xff\x00\xff" + whole[position + 3 :]
        try:
            found = only(content)
        except StatementFileError as error:
            assert error.detail.endswith(".")
        else:
            assert len(found.entries) + len(found.refused) <= 3


def test_a_workbook_with_a_password_says_so():
    with pytest.raises(SpreadsheetFile, match="password"):
        read(compound_file(b"\x01" * 5000, name="EncryptedPackage"))


def with_bytes(content, position, change):
    return content[:position] + change + content[position + len(change) :]


def many_strings():
    """A workbook that claims two thousand million shared strings."""
    claimed = struct.pack("<HHII", 0x00FC, 8, 2**31 - 1, 2**31 - 1)
    whole = xls([HEADER])
    return whole.replace(struct.pack("<HH", 0x000A, 0), claimed, 1)


@pytest.mark.parametrize(
    "content",
    [
        lambda: with_bytes(xls([HEADER]), 56, (2**20).to_bytes(4, "little")),
        lambda: with_bytes(xls([HEADER]), 30, (60).to_bytes(2, "little")),
        lambda: with_bytes(xls([HEADER]), 68, (2**20).to_bytes(4, "little")),
        lambda: with_bytes(xls([HEADER]), 76, (2**20).to_bytes(4, "little")),
        lambda: xls([HEADER])[:1500],
        many_strings,
        lambda: compound_file(b"\x09\x08\xff\xff" * 2000),
    ],
    ids=["small sectors", "sector size", "no table", "table elsewhere", "cut off", "claimed strings", "no records"],
)
def test_a_compound_file_that_is_damaged_or_asks_for_much_memory_is_refused(content):
    with pytest.raises(SpreadsheetFile, match="damaged"):
        read(content())


def test_an_old_workbook_asks_for_no_more_memory_than_it_holds():
    asking = with_bytes(xls(DKB), 40, (2**32 - 1).to_bytes(4, "little"))
    assert len(only(asking).entries) == 3


def test_a_large_old_workbook_is_read_whole():
    rows = [[date(2026, 4, 2), f"Market {number}", -1.25, "EUR"] for number in range(20_000)]
    found = only(xls([HEADER, *rows]))
    assert sum(entry.amount for entry in found.entries) == Decimal("-25000.00")
