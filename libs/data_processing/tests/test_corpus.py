"""Published statement files against what a correct reading must find; skipped without ``PURSER_CORPUS``."""

import csv
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from data_processing import BankError, EmptyFile, fingerprints, read_statement_file, reconcile

CORPUS = Path(os.environ.get("PURSER_CORPUS", ""))
REFUSED = {
    "ofx/broken_date_missing.ofx": ["184997056", "2000957249", "2000957249"],
    "csv/bsp_csv_garbled_amount.csv": [None],
    "qif/quiffen_test.qif": [None],
}
"""The bank's ids of the rows that must be refused; the purchase of shares in the QIF file says no cash amount."""
NOTHING_TO_READ = {
    "ofx/error_message.ofx": (BankError, "General Server Error"),
    "qif/quiffen_empty.qif": (EmptyFile, "empty"),
}


def expectations():
    table = CORPUS / "expected.csv"
    if not os.environ.get("PURSER_CORPUS") or not table.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason="PURSER_CORPUS names no folder with expected.csv"))]
    with table.open(newline="", encoding="utf-8") as lines:
        return [pytest.param(row, id=row["file"]) for row in csv.DictReader(lines)]


def balances_of(name, statements):
    """The balances in the notation of the table, each format's own."""

    def amounts(statement, kind):
        return [balance.amount for balance in statement.balances if balance.kind == kind]

    if name.startswith("camt/"):
        named = [(s, {b.code: b.amount for b in s.balances}) for s in statements]
        return [(code, codes[code]) for _, codes in named for code in ("OPBD", "CLBD") if code in codes]
    if name.startswith("mt940/"):
        return [("open", amounts(statements[0], "opening")[0]), ("close", amounts(statements[-1], "closing")[0])]
    return [("closing", amount) for statement in statements for amount in amounts(statement, "closing")]


def expected_balances(name, text):
    if name.startswith("camt/"):
        return [(code, Decimal(amount)) for code, amount in re.findall(r"(OPBD|CLBD)=(-?[0-9.]+)", text)]
    if name.startswith("mt940/"):
        return [(code, Decimal(amount)) for code, amount in re.findall(r"(open|close) (-?[0-9.]+)", text)]
    return [("closing", Decimal(balance)) for balance in text.split("|") if balance]


@pytest.mark.parametrize("expected", expectations())
def test_a_published_file_is_read_as_expected(expected):
    name = expected["file"]
    content = (CORPUS / name).read_bytes()
    if name in NOTHING_TO_READ:
        error, words = NOTHING_TO_READ[name]
        with pytest.raises(error, match=words):
            read_statement_file(content)
        return
    statements = read_statement_file(content).statements
    entries = [entry for statement in statements for entry in statement.entries]
    refused = [row for statement in statements for row in statement.refused]
    if expected["statements"]:
        assert len(statements) == int(expected["statements"])
    assert [row.bank_id for row in refused] == REFUSED.get(name, [])
    if name == "ofx/broken_date_missing.ofx":
        assert entries == []
    else:
        assert len(entries) == int(expected["transactions"])
        assert sum((entry.amount for entry in entries), Decimal(0)) == Decimal(expected["sum"])
    assert {statement.currency for statement in statements} == set(
        expected["currency"].split(",") if expected["currency"] else [None]
    )
    assert balances_of(name, statements) == expected_balances(name, expected["balances"])
    if "add up" in expected["balances"]:
        assert {reconcile(statement).status for statement in statements} == {"adds_up"}
    assert all(len(set(fingerprints(s.entries))) == len(s.entries) for s in statements)
