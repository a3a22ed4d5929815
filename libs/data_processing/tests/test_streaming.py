"""A file read part by part is the file read as a whole, and memory does not grow with its rows."""

import io
import os
import time
import tracemalloc
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import bad_files as bad
import pytest
import workbooks
from data_processing import (
    CsvMapping,
    Entry,
    RefusedRow,
    Statement,
    StatementFile,
    StatementFileError,
    UnclearDates,
    UnknownCsvShape,
    UnsafeFile,
    open_statement_file,
    propose_mapping,
    read_statement_file,
)
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 11, 20)
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
CORPUS = Path(os.environ.get("PURSER_CORPUS") or EXAMPLES)
FILES = sorted(path for folder in {EXAMPLES, CORPUS} for path in folder.rglob("*") if path.is_file())

WORKBOOK = workbooks.xlsx(
    [
        ["Date", "Description", "Amount", "Currency"],
        [date(2026, 4, 2), "Tea", -2.5, "EUR"],
        [date(2026, 4, 3), "Pay", 7.25, "EUR"],
    ]
)


def in_parts(file, *, rows, **arguments):
    """The file put together from its parts, and the parts."""
    with open_statement_file(file, today=TODAY, rows=rows, **arguments) as reader:
        parts = list(reader)
        statements: list[Statement] = []
        entries: list[Entry] = []
        refused: list[RefusedRow] = []
        for part in parts:
            assert part.number == len(statements)
            assert len(part.statement.entries) + len(part.statement.refused) <= rows or part.statement.investments
            entries += part.statement.entries
            refused += part.statement.refused
            if part.last:
                statements.append(replace(part.statement, entries=tuple(entries), refused=tuple(refused)))
                entries, refused = [], []
        assert not entries
        assert not refused
        return StatementFile(
            reader.format, reader.encoding, tuple(statements), reader.notes, reader.securities, reader.prices
        )


def outcome(read):
    try:
        return read()
    except StatementFileError as error:
        return type(error), error.detail


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("rows", [1, 7, 5000])
def test_the_parts_of_a_published_file_are_the_whole_file(path, rows):
    whole = outcome(lambda: read_statement_file(path.read_bytes(), today=TODAY))
    assert outcome(lambda: in_parts(path, rows=rows)) == whole
    with path.open("rb") as opened:
        assert outcome(lambda: in_parts(opened, rows=rows)) == whole
        assert not opened.closed


@given(content=bad.damaged() | st.binary(max_size=200), rows=st.integers(1, 4))
def test_the_parts_of_a_damaged_file_are_the_whole_file_or_the_same_error(content, rows):
    whole = outcome(lambda: read_statement_file(content, today=TODAY))
    assert outcome(lambda: in_parts(io.BytesIO(content), rows=rows)) == whole


@pytest.mark.parametrize("name", bad.HOSTILE)
def test_hostile_input_in_parts_ends_as_it_does_as_a_whole(name):
    whole = outcome(lambda: read_statement_file(bad.HOSTILE[name], today=TODAY))
    assert outcome(lambda: in_parts(io.BytesIO(bad.HOSTILE[name]), rows=2)) == whole


def table(rows, *, encoding="utf-8", line_end="\r\n", word="Caf\xe9"):
    lines = [
        "Date,Description,Amount,Currency",
        *(f"2026-04-{1 + n % 28:02},{word} {n},-1.50,EUR" for n in range(rows)),
    ]
    return (line_end.join(lines) + line_end).encode(encoding)


ENCODINGS = [
    *((encoding, end) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le") for end in ("\n", "\r\n", "\r")),
    ("cp1252", "\n"),
    ("cp1252", "\r\n"),
    ("mac_roman", "\r"),
]


@pytest.mark.parametrize(("encoding", "line_end"), ENCODINGS)
def test_text_is_decoded_across_the_pieces_it_is_read_in(encoding, line_end, monkeypatch):
    content = table(300, encoding=encoding, line_end=line_end)
    monkeypatch.setattr("data_processing.formats.source._PIECE", 257)
    file = in_parts(io.BytesIO(content), rows=100)
    assert [entry.text for entry in file.statements[0].entries] == [f"Caf\xe9 {n}" for n in range(300)]
    assert file.encoding == encoding.removesuffix("-sig")


@pytest.mark.parametrize("name", ["OFX", "CSV", "CAMT", "MT940", "QIF"])
@pytest.mark.parametrize("size", [3, 16, 61])
def test_no_format_depends_on_where_its_pieces_are_cut(name, size, monkeypatch):
    content = getattr(bad, name)
    whole = read_statement_file(content, today=TODAY)
    monkeypatch.setattr("data_processing.formats.source._PIECE", size)
    monkeypatch.setattr("data_processing.formats.swift.reader._PIECE", size)
    assert read_statement_file(content, today=TODAY) == whole
    assert in_parts(io.BytesIO(content), rows=1) == whole


def test_what_is_wrong_with_a_table_as_a_whole_is_said_before_the_first_part():
    content = (
        b"Date,Description,Amount,Currency\n13/04/2026,A,1,EUR\n"
        + b"12/04/2026,A,1,EUR\n" * 9
        + b"01/14/2026,A,1,EUR\n"
    )
    with pytest.raises(UnclearDates):
        open_statement_file(io.BytesIO(content), rows=2)


def test_a_users_mapping_reads_in_parts():
    content = b"When;What;How much\n13.04.2026;Tea;-2,80\n14.04.2026;Rent;-900,00\n"
    mapping = propose_mapping(content).mapping
    assert isinstance(mapping, CsvMapping)
    file = in_parts(io.BytesIO(content), rows=1, profiles=[mapping])
    assert file == read_statement_file(content, today=TODAY, profiles=[mapping])
    assert file.format == "csv/own"


def test_a_reader_that_is_closed_early_lets_go_of_its_file(tmp_path):
    path = tmp_path / "large.csv"
    path.write_bytes(table(100))
    with open_statement_file(path, rows=10) as reader:
        assert len(next(iter(reader)).statement.entries) == 10
    assert list(reader) == []


def peak_of_reading(path):
    tracemalloc.start()
    try:
        with open_statement_file(path, today=TODAY, rows=500) as reader:
            rows = sum(len(part.statement.entries) for part in reader)
        return rows, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows_of_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr("data_processing.formats.source._PIECE", 1 << 14)
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_bytes(table(3_000))
    large.write_bytes(table(20_000))
    peak_of_reading(small)  # what is made once
    few, few_peak = peak_of_reading(small)
    many, many_peak = peak_of_reading(large)
    assert (few, many) == (3_000, 20_000)
    assert many_peak < few_peak + 200_000, (few_peak, many_peak)


def test_memory_of_odd_rows_is_bounded_too(tmp_path):
    path = tmp_path / "odd.csv"
    row = "2026-04-01,Tea,-1.50,EUR,soon\n2026-04-01,Tea,one,EUR,soon\n"
    path.write_text("Date,Description,Amount,Currency,Balance\n" + row * 5_000)
    rows, peak = peak_of_reading(path)
    assert rows == 5_000
    assert peak < 4_000_000
    with open_statement_file(path) as reader:
        refused = sum(len(part.statement.refused) for part in reader)
    assert refused == 5_000
    assert len(reader.notes) == 101
    assert reader.notes[-1] == "The balances in 4900 more rows are left out."


def test_a_line_without_an_end_is_refused_before_it_is_held():
    content = table(3) + b"2026-04-01," + b"x" * (17 * 1024 * 1024)
    with pytest.raises(UnsafeFile, match="a line of more than 16 MiB"):
        open_statement_file(io.BytesIO(content))


def test_a_file_that_would_have_to_be_held_is_refused_when_it_is_too_large(tmp_path, monkeypatch):
    path = tmp_path / "statement.qif"
    path.write_bytes(bad.QIF * 20)
    monkeypatch.setattr("data_processing.formats.source.MOST_HELD", 1000)
    with pytest.raises(UnsafeFile, match="larger than"):
        open_statement_file(path)


ROWS_OF_TABLES = [("-900.00", "Rent"), ("1500.50", "Salary"), ("-12.30", "Caf\xe9"), ("-0.99", "App")]
TABLES = {
    "the amount last": "Date,Description,Amount (EUR)",
    "the amount first": "Amount (EUR),Date,Description",
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("order", TABLES)
def test_a_table_that_is_cut_off_anywhere_gives_no_row_that_the_whole_has_not(order, line_end):
    names = TABLES[order].split(",")
    rows = [
        {"Date": f"2026-04-{number:02}", "Description": text, "Amount (EUR)": amount}
        for number, (amount, text) in enumerate(ROWS_OF_TABLES, start=11)
    ]
    lines = [TABLES[order], *(",".join(row[name] for name in names) for row in rows)]
    content = line_end.join(lines).encode("utf-16")
    mapping = propose_mapping(content).mapping
    whole = read_statement_file(content, today=TODAY, profiles=[mapping]).statements[0].entries
    known = [(entry.booking_date, entry.amount) for entry in whole]
    assert len(known) == 4
    for end in range(len(content)):
        try:
            file = in_parts(io.BytesIO(content[:end]), rows=2, profiles=[mapping])
        except StatementFileError:
            continue
        found = [(entry.booking_date, entry.amount) for entry in file.statements[0].entries]
        # Of a single row nothing tells how it would have ended.
        assert found == known[: len(found)] or len(found) == 1, content[:end].decode("utf-16", "replace")[-40:]


@pytest.mark.parametrize("name", ["OFX", "CSV", "CAMT", "MT940", "QIF"])
def test_a_file_that_is_cut_off_anywhere_gives_no_row_that_the_whole_has_not(name):
    content = getattr(bad, name)
    (whole,) = read_statement_file(content, today=TODAY).statements
    known = [(entry.place, entry.booking_date, entry.amount) for entry in whole.entries]
    for end in range(len(content)):
        try:
            file = in_parts(io.BytesIO(content[:end]), rows=1)
        except StatementFileError:
            continue
        for statement in file.statements:
            found = [(entry.place, entry.booking_date, entry.amount) for entry in statement.entries]
            assert found == known[: len(found)], content[:end][-60:]


def test_a_last_row_without_a_line_end_is_read_unless_its_amount_is_shorter_than_all_others():
    head = b"When,What,Amount\n2026-04-01,A,-1.50\n2026-04-02,B,-2.50\n2026-04-03,C,"
    mapping = propose_mapping(head + b"-3.50\n").mapping
    for written, amounts in ((b"-3.50", 3), (b"-3.5", 2), (b"-3", 2), (b"-3\n", 3), (b"-3.5\n", 3)):
        (statement,) = read_statement_file(head + written, today=TODAY, profiles=[mapping]).statements
        assert len(statement.entries) == amounts, written
        assert all("the file stops inside this row" in row.reason for row in statement.refused)


WORDY = {
    "a long text of XML": bad.CAMT.replace(b"CAF", b"x" * 20_000_000),
    "a text of many XML lines": bad.CAMT.replace(b"CAF", b"x\n" * 2_000_000),
    "a text of many references": bad.CAMT.replace(b"CAF", b"&amp;" * 1_000_000),
    "many names of elements": bad.CAMT.replace(b"<Acct>", b"".join(b"<n%d/>" % n for n in range(30_000)) + b"<Acct>"),
    "many details": bad.CAMT.replace(b"<TxDtls>", b"<TxDtls><Amt>1</Amt></TxDtls>" * 30_000 + b"<TxDtls>"),
    "lines that look like fields": bad.MT940.replace(b":62F:", b":x\r\n" * 300_000 + b":62F:"),
    "lines that look like ends": bad.MT940.replace(b":62F:", b" -x\r\n" * 300_000 + b":62F:"),
    "a wide table of unknown shape": (b";".join([b"c"] * 490) + b"\n") + (b"1.5;" * 490 + b"\n") * 1_000,
    "long cells of unknown shape": b"When;What;Much\n" + (b"2026-04-01;" + b"x" * 100_000 + b";1,50\n") * 50,
}


@pytest.mark.parametrize("name", WORDY)
def test_wordy_files_are_read_in_a_time_that_grows_with_their_size_alone(name):
    started = time.process_time()
    found = outcome(lambda: in_parts(io.BytesIO(WORDY[name]), rows=10))
    assert time.process_time() - started < 30
    if isinstance(found, StatementFile):
        assert {str(entry.amount) for statement in found.statements for entry in statement.entries} <= {"-2.80", "7.5"}


@given(data=st.data())
def test_a_damaged_workbook_gives_no_amount_that_is_not_in_it(data):
    content = bytearray(WORKBOOK)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["cut", "drop", "swap"])):
            case "cut":
                del content[max(4, position) :]
            case "drop":
                del content[position : position + data.draw(st.integers(1, 40))]
            case _:
                content[position] = data.draw(st.integers(0, 255))
        if not content:
            break
    found = outcome(lambda: in_parts(io.BytesIO(bytes(content)), rows=1))
    if isinstance(found, StatementFile):
        entries = [entry for statement in found.statements for entry in statement.entries]
        assert {entry.amount for entry in entries} <= {Decimal("-2.5"), Decimal("7.25")}
        assert len(entries) <= 2


def test_a_workbook_of_unknown_shape_is_proposed_and_read_in_parts():
    rows = [["When", "What", "Much"], [date(2026, 4, 2), "Tea", -2.5], [date(2026, 4, 3), "Pay", 7.25]]
    content = workbooks.xlsx(rows)
    with pytest.raises(UnknownCsvShape) as caught:
        open_statement_file(io.BytesIO(content))
    proposal = caught.value.proposal
    assert proposal == propose_mapping(content)
    assert [column.role.value for column in proposal.columns] == ["booking_date", "text", "amount"]
    assert (proposal.encoding, proposal.header_line, proposal.decimal) == ("xlsx", 1, ".")
    file = in_parts(io.BytesIO(content), rows=1, profiles=[proposal.mapping])
    assert file.format == "excel/own"
    assert file.statements[0].entries == proposal.entries


def test_refused_rows_of_a_statement_that_is_held_come_in_parts_too():
    content = b"!Type:Bank\n" + b"D04/13/2026\nTx\n^\n" * 7 + b"D04/14/2026\nT1.00\n^\n" * 4
    file = in_parts(io.BytesIO(content), rows=3)
    assert (len(file.statements[0].refused), len(file.statements[0].entries)) == (7, 4)
    assert file == read_statement_file(content, today=TODAY)
