"""Rows per second of reading statement files beside public readers of the same bytes, and the memory of reading.

    .venv/bin/python libs/data_processing/benchmarks/bench_parse.py [rows]

Peers: ``ofxparse`` for OFX, ``pycamt`` for camt, ``mt-940`` for MT940 and, where it is installed, ``quiffen`` for QIF.
Tables have no peer that reads statements: beside them stand the readers that only cut cells apart, which mark the
limit. The two take turns, each reads a file of ``rows`` rows (default 5,000; some peers take the square of them), and
what is compared is processor time. Of several rounds the middle is given, with the least and the most.

Memory is what a process of its own takes at most beside its imports while it reads the file part by part
(``open_statement_file``), for files of 10,000 and of 40,000 rows.
"""

from __future__ import annotations

import csv
import gc
import json
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from importlib import import_module
from io import BytesIO, StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import polars as pl
from data_processing import fingerprints, read_statement_file

ROWS = 5_000
ROUNDS = 3
MEMORY_ROWS = (10_000, 40_000)


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


def xlsx_statement(rows: int) -> bytes:
    """The table as a workbook, with numbers for amounts."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    lines = csv.reader(StringIO(csv_statement(rows).decode()), delimiter=";")
    header, *table = lines
    amounts = [float(row[2].replace(".", "").replace(",", ".")) for row in table]
    workbook = import_module("workbooks").xlsx
    return bytes(
        workbook([header, *([*row[:2], amount, *row[3:]] for row, amount in zip(table, amounts, strict=True))])
    )


def ofxparse_reader(content: bytes) -> object:
    """The peer's reading of the bytes."""
    return import_module("ofxparse").OfxParser.parse(BytesIO(content))


def pycamt_reader(content: bytes) -> object:
    """The peer's reading of the bytes."""
    return import_module("pycamt.parser").Camt053Parser(content).get_transactions()


def mt_940_reader(content: bytes) -> object:
    """The peer's reading of the bytes."""
    return import_module("mt940.models").Transactions().parse(content.decode())


def quiffen_reader(content: bytes) -> object:
    """The peer's reading of the bytes."""
    return import_module("quiffen").Qif.parse_string(content.decode())


def csv_reader(content: bytes) -> object:
    """The cells of the table."""
    return list(csv.reader(StringIO(content.decode()), delimiter=";"))


def polars_reader(content: bytes) -> object:
    """The columns of the table, all of them texts."""
    return pl.read_csv(content, separator=";", infer_schema=False)


def calamine_reader(content: bytes) -> object:
    """The cells of the first sheet."""
    return import_module("python_calamine").load_workbook(BytesIO(content)).get_sheet_by_index(0).to_python()


@dataclass(frozen=True)
class Case:
    """A format: how a file of it is made, and the readers beside ours by the names of their distributions."""

    name: str
    made: Callable[[int], bytes]
    beside: dict[str, Callable[[bytes], object]]


CASES = (
    Case("OFX 1, no end tags", partial(ofx_statement, end_tags=False), {"ofxparse": ofxparse_reader}),
    Case("OFX 1, end tags", partial(ofx_statement, end_tags=True), {"ofxparse": ofxparse_reader}),
    Case("camt.053", camt_statement, {"pycamt": pycamt_reader}),
    Case("MT940", mt940_statement, {"mt-940": mt_940_reader}),
    Case("QIF", qif_statement, {"quiffen": quiffen_reader}),
    Case("CSV", csv_statement, {"csv.reader": csv_reader, "polars.read_csv": polars_reader}),
    Case("Excel (xlsx)", xlsx_statement, {"python-calamine": calamine_reader}),
)


@dataclass(frozen=True)
class Spread:
    """The middle of the rounds, the least and the most."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        """The spread of the figures."""
        return cls(median(figures), min(figures), max(figures))


def seconds(work: Callable[[], object]) -> float:
    """The processor time of the work, once."""
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def compared(case: Case, rows: int) -> tuple[Spread, dict[str, Spread]]:
    """Our rows per second, and how many times those of each reader beside."""
    content = case.made(rows)
    ours: list[float] = []
    ratios: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        # The best of three, because other work on the machine only ever adds.
        mine = min(seconds(lambda: read_statement_file(content)) for _ in range(3))
        ours.append(rows / mine)
        for name, read in case.beside.items():
            try:
                theirs = seconds(partial(read, content))
            except ImportError:
                continue
            ratios.setdefault(name, []).append(theirs / mine)
    return Spread.of(ours), {name: Spread.of(found) for name, found in ratios.items()}


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


def memory(case: Case, rows: int) -> float:
    """MiB that reading a file part by part takes."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "statement")
        path.write_bytes(case.made(rows))
        command = [sys.executable, "-c", _READ_IN_PARTS, str(path)]
        read, grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if int(read) != rows:
        raise SystemExit(f"{case.name}: {read} of {rows} rows were read")
    return int(grown) / 1024


def main(rows: int = ROWS) -> None:
    """Measure, and print a table and one JSON line."""
    warnings.filterwarnings("ignore")
    figures: dict[str, object] = {}
    few, many = MEMORY_ROWS
    print(
        f"| format | rows/s | beside | times as fast | MiB, {few:,} rows | MiB, {many:,} rows |",
        "|---|---|---|---|---|---|",
        sep="\n",
    )
    for case in CASES:
        ours, ratios = compared(case, rows)
        held = [memory(case, number) for number in MEMORY_ROWS]
        figures[case.name] = {"rows/s": asdict(ours), "ratios": {k: asdict(v) for k, v in ratios.items()}, "MiB": held}
        first = f"{case.name} | {ours.middle:,.0f} ({ours.least:,.0f} to {ours.most:,.0f})"
        last = " | ".join(f"{mebibytes:.0f}" for mebibytes in held)
        beside = [f"{name} | {r.middle:.2f} ({r.least:.2f} to {r.most:.2f})" for name, r in ratios.items()]
        for peer in beside or ["– | –"]:
            print(f"| {first} | {peer} | {last} |", flush=True)
            first, last = " | ", " | "
    entries = read_statement_file(csv_statement(rows)).statements[0].entries
    figures["fingerprints rows/s"] = rows / min(seconds(lambda: fingerprints(entries)) for _ in range(3))
    print(json.dumps({"benchmark": "data_processing.parse", "rows": rows, **figures}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
