"""What people upload by mistake, and what damage and malice make of files: a clear error, or exact rows."""

import io
import random
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from bad_files import CSV, HOSTILE, OFX, damaged
from data_processing import (
    ArchiveFile,
    BinaryFile,
    BrokenFile,
    EmptyFile,
    HtmlPage,
    NoStatements,
    PdfFile,
    SpreadsheetFile,
    StatementFile,
    StatementFileError,
    TruncatedFile,
    UnknownFormat,
    WrongEncoding,
    read_statement_file,
)
from hypothesis import example, given
from hypothesis import strategies as st


def archive(*names):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as zipped:
        for name in names:
            zipped.writestr(name, "x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "error", "code", "words"),
    [
        (b"", EmptyFile, "empty_file", ["empty", "Export"]),
        (b" \r\n\t ", EmptyFile, "empty_file", ["empty"]),
        (random.Random(1).randbytes(5000), BinaryFile, "binary_file", ["binary", "OFX", "CSV"]),
        (b"%PDF-1.7\n...", PdfFile, "pdf_file", ["PDF", "OFX"]),
        (archive("a.ofx", "b.csv"), ArchiveFile, "archive_file", ["a.ofx, b.csv", "unpack"]),
        (archive(*(f"{n}.csv" for n in range(9))), ArchiveFile, "archive_file", ["and 4 more"]),
        (archive(), ArchiveFile, "archive_file", ["nothing"]),
        (b"PK\x03\x04 broken", ArchiveFile, "archive_file", ["damaged"]),
        (
            archive("xl/workbook.xml", "[Content_Types].xml"),
            SpreadsheetFile,
            "spreadsheet_file",
            ["Excel", "save", "CSV"],
        ),
        (archive("mimetype", "content.xml"), SpreadsheetFile, "spreadsheet_file", ["OpenDocument"]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), SpreadsheetFile, "spreadsheet_file", ["old Excel"]),
        (b"\x1f\x8b\x08rest", ArchiveFile, "archive_file", ["gzip"]),
        (b"\x89PNG\r\n", BinaryFile, "binary_file", ["picture"]),
        (
            b"<!DOCTYPE html><html><title>Session\n expired</title>",
            HtmlPage,
            "html_page",
            ["Session expired", "Log in"],
        ),
        (b"<!-- a --><!-- b -->\n<HTML><body>no", HtmlPage, "html_page", ["web page"]),
        (b"!Type:Cat\nNFood\n^\n", NoStatements, "no_statements", ["QIF", "register"]),
        (b"{1:F01BANK}\n:20:1,2\n:25:3,4\n", NoStatements, "no_statements", ["MT940"]),
        (b":20:1,2\nnothing else", NoStatements, "no_statements", ["MT940"]),
        (b"<Document><BkToCstmrStmt>", TruncatedFile, "truncated_file", ["XML", "Line 1"]),
        (b"<Document><BkToCstmrStmt/></Document>", NoStatements, "no_statements", ["camt"]),
        (b"<Document><BkToCstmrStmt></Document>", BrokenFile, "broken_file", ["well-formed"]),
        (b'<?xml version="1.0"?><note/>', UnknownFormat, "unknown_format", ["XML"]),
        (b'[{"date": "2026-04-02"}]', UnknownFormat, "unknown_format", ["JSON"]),
        (b"Dear bank, please send my money.", UnknownFormat, "unknown_format", ["without rows"]),
        (b"OFXHEADER:100\nDATA:OFXSGML\n", StatementFileError, "truncated_file", ["</OFX>"]),
        (b"Date,Description,Amount\n\xc3\xa9\xc3\xa9,caf\xe9,1\n", WrongEncoding, "wrong_encoding", ["Line 2", "0xe9"]),
        (b"\xef\xbb\xbfDate,Tea\ncaf\xe9,1\n", WrongEncoding, "wrong_encoding", ["Line 2"]),
        ("\ufeffa,b\x00c".encode("utf-16-le"), BinaryFile, "binary_file", ["binary"]),
    ],
)
def test_a_foreign_file_is_named_with_the_way_out(content, error, code, words):
    with pytest.raises(error) as caught:
        read_statement_file(content, filename="statement.ofx")
    assert caught.value.code == code
    assert str(caught.value) == caught.value.detail
    for word in words:
        assert word in caught.value.detail


@pytest.mark.parametrize("name", ["statement.csv", "statement.pdf", None])
def test_the_name_of_the_file_decides_nothing(name):
    assert read_statement_file(OFX, filename=name).format == "ofx"
    assert read_statement_file(CSV, filename="x.ofx").format == "csv/generic"


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        ("cp1252", "Zürich – 5 €"),
        ("mac_roman", "Zürich"),
        ("cp1251", "Перевод между своими счетами"),
        ("cp1251", "Оплата за аренду квартиры"),
        ("cp1253", "Πληρωμή ενοικίου διαμερίσματος"),
        ("cp850", "Übertrag für Müller"),
        ("utf-16", "Zürich"),
    ],
)
def test_old_encodings_are_read(encoding, word):
    ending = "\r" if encoding == "mac_roman" else "\n"
    lines = ["Date,Description,Amount,Currency", *(f"2026-04-0{day},{word},-1.00,EUR" for day in range(1, 10)), ""]
    file = read_statement_file(ending.join(lines).encode(encoding))
    assert {entry.text for entry in file.statements[0].entries} == {word}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_in_an_error_or_in_the_rows_that_are_there(name):
    try:
        file = read_statement_file(HOSTILE[name])
    except StatementFileError as error:
        assert len(error.detail) < 5_000
    else:
        assert [str(entry.amount) for entry in file.statements[0].entries] in (
            ["-2.80", "7.5"],
            ["-2.80", "1.00"],
            ["-2.80"],
            ["7.5"],
        )
        assert all(len(refused.reason) < 300 for refused in file.statements[0].refused)


@given(damaged() | st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b",\n,\n")
@example(b"<OFX></OFX>")
def test_damaged_files_raise_only_statement_errors_and_give_only_exact_rows(content):
    try:
        file = read_statement_file(content, today=date(2026, 11, 20))
    except StatementFileError as error:
        assert error.code
        assert error.detail.endswith((".", ")"))
        return
    assert isinstance(file, StatementFile)
    for statement in file.statements:
        places = [entry.place for entry in statement.entries] + [row.place for row in statement.refused]
        assert len(places) == len(set(places))
        for entry in statement.entries:
            assert isinstance(entry.amount, Decimal)
            assert entry.amount == entry.amount.quantize(Decimal("0.000001"))
            assert "\x00" not in entry.text
        cash = {entry.place: entry.amount for entry in statement.entries}
        for moved in statement.investments:
            assert cash.get(moved.place, Decimal(0)) == moved.amount
