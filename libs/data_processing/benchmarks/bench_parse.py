"""Rows per second of reading statement files beside public readers of the same bytes, and the memory of reading.

    .venv/bin/python libs/data_processing/benchmarks/bench_parse.py [rows]

Peers: ``ofxparse`` for OFX, ``pycamt`` for camt, ``mt-940`` for MT940 and, where it is installed, ``quiffen`` for QIF,
each on a file of ``PEER_ROWS`` rows (some of them take the square of the rows); and for CSV the standard library's
reader alone and Polars' reader, which only cut cells apart and so mark the limit. Every figure of speed is processor
time, the best of the repeats. Memory is what a process of its own holds at most beside its imports, for ``rows``
and for ten times as many.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import polars as pl
from data_processing import fingerprints, open_statement_file, read_statement_file

PEER_ROWS = 5_000


def ofx_statement(rows: int, *, end_tags: bool) -> bytes:
    """A statement of random rows from a fixed seed."""
    draw = random.Random(7)

    def leaf(tag: str, text: object) -> str:
        return f"<{tag}>{text}</{tag}>\n" if end_tags else f"<{tag}>{text}\n"

    body = []
    for number in range(rows):
        day = date(2024, 1, 1) + timedelta(days=number * 700 // rows)
        body.append(
            "<STMTTRN>\n"
            + leaf("TRNTYPE", "POS")
            + leaf("DTPOSTED", f"{day:%Y%m%d}120000")
            + leaf("TRNAMT", f"{draw.randint(-20000, 9000) / 100:.2f}")
            + leaf("FITID", f"2024{number:08d}")
            + leaf("NAME", f"GREENLEAF MARKET {number % 97:04d}")
            + leaf("MEMO", f"POS GREENLEAF MARKET {number % 97:04d} UTRECHT &amp; CARD 9041")
            + "</STMTTRN>\n"
        )
    head = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
    head += "<OFX>\n<BANKMSGSRSV1>\n<STMTTRNRS>\n"
    account = leaf("BANKID", "1") + leaf("ACCTID", "2") + leaf("ACCTTYPE", "CHECKING")
    start = f"<STMTRS>\n{leaf('CURDEF', 'EUR')}<BANKACCTFROM>\n{account}</BANKACCTFROM>\n<BANKTRANLIST>\n"
    dates = leaf("DTSTART", "20240101") + leaf("DTEND", "20251231")
    end = "</BANKTRANLIST>\n</STMTRS>\n</STMTTRNRS>\n</BANKMSGSRSV1>\n</OFX>\n"
    return (head + start + dates + "".join(body) + end).encode()


def csv_statement(rows: int) -> bytes:
    """A table in the German form: semicolons, decimal commas, day first."""
    draw = random.Random(7)
    lines = ["Buchungstag;Verwendungszweck;Betrag;CCY;IBAN;Ref"]
    for number in range(rows):
        day = date(2024, 1, 1) + timedelta(days=number * 700 // rows)
        amount = f"{draw.randint(-200000, 90000) / 100:,.2f}".translate(str.maketrans(",.", ".,"))
        lines.append(
            f"{day:%d.%m.%Y};Markt {number % 97} Zahlung {number};{amount};EUR;DE00123456780000000000;R-{number}"
        )
    return "\n".join(lines).encode()


def camt_statement(rows: int) -> bytes:
    """A camt.053 with one payment behind each entry."""
    draw = random.Random(7)
    entries = []
    for number in range(rows):
        day = date(2024, 1, 1) + timedelta(days=number * 700 // rows)
        cents = draw.randint(-20000, 9000)
        amount, side = f'<Amt Ccy="EUR">{abs(cents) / 100:.2f}</Amt>', "Cdtr" if cents < 0 else "Dbtr"
        entries.append(
            f"<Ntry>{amount}<CdtDbtInd>{'DBIT' if cents < 0 else 'CRDT'}</CdtDbtInd><Sts>BOOK</Sts>"
            f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>2024{number:08d}</AcctSvcrRef>"
            "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
            f"<NtryDtls><TxDtls><Refs><EndToEndId>E{number}</EndToEndId></Refs><AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
            f"<RltdPties><{side}><Nm>GREENLEAF MARKET {number % 97:04d}</Nm></{side}><{side}Acct><Id>"
            f"<IBAN>NL91EXMP0000123456</IBAN></Id></{side}Acct></RltdPties><RmtInf><Ustrd>POS GREENLEAF MARKET "
            f"{number % 97:04d} UTRECHT CARD 9041</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
        )
    head = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>'
    head += "<CreDtTm>2024-01-01T00:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id><CreDtTm>2024-01-01T00:00:00</CreDtTm>"
    account = "<Acct><Id><IBAN>NL91EXMP0000123456</IBAN></Id><Ccy>EUR</Ccy></Acct>"
    return (head + account + "".join(entries) + "</Stmt></BkToCstmrStmt></Document>").encode()


def mt940_statement(rows: int) -> bytes:
    """An MT940 in the German form."""
    draw = random.Random(7)
    lines = [":20:STARTUMS", ":25:10020030/1234567", ":28C:1/1", ":60F:C231231EUR0,00"]
    for number in range(rows):
        day = date(2024, 1, 1) + timedelta(days=number * 700 // rows)
        cents = draw.randint(-20000, 9000)
        amount = f"{abs(cents) / 100:.2f}".replace(".", ",")
        lines.append(f":61:{day:%y%m%d}{day:%m%d}{'D' if cents < 0 else 'C'}{amount}NTRFNONREF//2024{number:08d}")
        purpose = f"166?00GUTSCHRIFT?109310?20EREF+E{number}?21SVWZ+POS GREENLEAF?22 UTRECHT?30EXMPNL2A?31NL9"
        lines += [f":86:{purpose}", f"1EXMP0000123456?32GREENLEAF MARKET {number % 97:04d}"]
    return "\r\n".join([*lines, ":62F:C251231EUR0,00", "-", ""]).encode()


def qif_statement(rows: int) -> bytes:
    """A bank register in the American form."""
    draw = random.Random(7)
    lines = ["!Type:Bank"]
    for number in range(rows):
        day = date(2024, 1, 1) + timedelta(days=number * 700 // rows)
        amount = f"{draw.randint(-200000, 90000) / 100:,.2f}"
        lines += [f"D{day:%m/%d/%Y}", f"T{amount}", f"PGREENLEAF MARKET {number % 97:04d}", "MPOS UTRECHT CARD 9041"]
        lines += ["LFood:Groceries", f"N{number}", "^"]
    return "\n".join([*lines, ""]).encode()


def rows_per_second(work: Callable[[], object], rows: int, repeats: int = 3) -> float:
    """The best of the repeats."""
    best = float("inf")
    for _ in range(repeats):
        start = process_time()
        work()
        best = min(best, process_time() - start)
    return rows / best


def ofxparse_reader(content: bytes) -> Callable[[], object]:
    """The peer's reading of the same bytes."""
    from ofxparse import OfxParser

    return lambda: OfxParser.parse(BytesIO(content))


def pycamt_reader(content: bytes) -> Callable[[], object]:
    """The peer's reading of the same bytes."""
    parser = import_module("pycamt.parser").Camt053Parser
    return lambda: parser(content).get_transactions()


def mt_940_reader(content: bytes) -> Callable[[], object]:
    """The peer's reading of the same bytes."""
    transactions = import_module("mt940.models").Transactions
    return lambda: transactions().parse(content.decode())


def quiffen_reader(content: bytes) -> Callable[[], object]:
    """The peer's reading of the same bytes."""
    register = import_module("quiffen").Qif
    return lambda: register.parse_string(content.decode())


OTHER_FORMATS = {
    "camt.053": (camt_statement, "pycamt", pycamt_reader),
    "MT940": (mt940_statement, "mt-940", mt_940_reader),
    "QIF": (qif_statement, "quiffen", quiffen_reader),
}


def other_formats(rows: int) -> dict[str, float]:
    """The figures of the formats whose peers need not be installed."""
    figures: dict[str, float] = {}
    few = min(rows, PEER_ROWS)
    for name, (statement, peer_name, reader) in OTHER_FORMATS.items():
        content = statement(rows)
        ours = rows_per_second(lambda content=content: read_statement_file(content), rows)  # type: ignore[misc]
        figures[f"{name}: data_processing rows/s"] = ours
        try:
            peer = rows_per_second(reader(statement(few)), few, repeats=1)
        except ImportError:
            continue
        figures[f"{name}: {peer_name} rows/s"] = peer
        figures[f"{name}: ratio to {peer_name}"] = ours / peer
    return figures


_READ_IN_PARTS = """
import re, sys
from pathlib import Path
from data_processing import open_statement_file

def kibibytes(name):
    return int(re.search(name + r":\\s*([0-9]+)", Path("/proc/self/status").read_text())[1])

before = kibibytes("VmRSS")
with open_statement_file(Path(sys.argv[1])) as reader:
    rows = sum(len(part.statement.entries) for part in reader)
print(rows, kibibytes("VmHWM") - before)
"""


def memory_of_parts(rows: int) -> float:
    """MiB that reading a table in parts takes."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "statement.csv")
        path.write_bytes(csv_statement(rows))
        command = [sys.executable, "-c", _READ_IN_PARTS, str(path)]
        read, grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if int(read) != rows:
        raise SystemExit(f"{read} of {rows} rows were read")
    return int(grown) / 1024


def rows_of_parts(content: bytes) -> int:
    """The rows of a file, read in parts."""
    with open_statement_file(BytesIO(content)) as reader:
        return sum(len(part.statement.entries) for part in reader)


def main(rows: int = 100_000) -> None:
    """Measure and print a table and one JSON line."""
    warnings.filterwarnings("ignore")
    few = min(rows, PEER_ROWS)
    figures: dict[str, float] = {}
    for name, end_tags in (("OFX 1 without end tags", False), ("OFX 1 with end tags", True)):
        content = ofx_statement(rows, end_tags=end_tags)
        ours = rows_per_second(lambda content=content: read_statement_file(content), rows)  # type: ignore[misc]
        peer = rows_per_second(ofxparse_reader(ofx_statement(few, end_tags=end_tags)), few, repeats=1)
        figures[f"{name}: data_processing rows/s"] = ours
        figures[f"{name}: ofxparse rows/s"] = peer
        figures[f"{name}: ratio to ofxparse"] = ours / peer
    figures |= other_formats(rows)
    table = csv_statement(rows)
    ours = rows_per_second(lambda: read_statement_file(table), rows)
    cells = rows_per_second(lambda: list(csv.reader(StringIO(table.decode()), delimiter=";")), rows)
    frame = rows_per_second(lambda: pl.read_csv(table, separator=";", infer_schema=False), rows)
    figures |= {
        "CSV: data_processing rows/s": ours,
        "CSV: csv.reader alone rows/s": cells,
        "CSV: polars.read_csv alone rows/s": frame,
        "CSV: ratio to csv.reader alone": ours / cells,
        "CSV in parts: data_processing rows/s": rows_per_second(lambda: rows_of_parts(table), rows),
        f"CSV in parts: MiB for {rows:,} rows": memory_of_parts(rows),
        f"CSV in parts: MiB for {rows * 10:,} rows": memory_of_parts(rows * 10),
    }
    entries = read_statement_file(table).statements[0].entries
    figures["fingerprints rows/s"] = rows_per_second(lambda: fingerprints(entries), rows)
    for name, figure in figures.items():
        print(f"{name:48} {figure:>14,.2f}")
    print(json.dumps({"benchmark": "data_processing.parse", "rows": rows, **figures}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
