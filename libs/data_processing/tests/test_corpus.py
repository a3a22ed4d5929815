"""Published statement files against what a correct reading must find; skipped without ``PURSER_CORPUS``."""

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest
from data_processing import BankError, fingerprints, read_statement_file

CORPUS = Path(os.environ.get("PURSER_CORPUS", ""))
REFUSED = {
    "ofx/broken_date_missing.ofx": ["184997056", "2000957249", "2000957249"],
    "csv/bsp_csv_garbled_amount.csv": [None],
}


def expectations():
    table = CORPUS / "expected.csv"
    if not os.environ.get("PURSER_CORPUS") or not table.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason="PURSER_CORPUS names no folder with expected.csv"))]
    with table.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["file"].startswith(("ofx/", "csv/"))]
    return [pytest.param(row, id=row["file"]) for row in rows]


@pytest.mark.parametrize("expected", expectations())
def test_a_published_file_is_read_as_expected(expected):
    name = expected["file"]
    content = (CORPUS / name).read_bytes()
    if int(expected["statements"]) == 0:
        with pytest.raises(BankError, match="General Server Error"):
            read_statement_file(content)
        return
    statements = read_statement_file(content).statements
    entries = [entry for statement in statements for entry in statement.entries]
    refused = [row for statement in statements for row in statement.refused]
    assert len(statements) == int(expected["statements"])
    assert [row.bank_id for row in refused] == REFUSED.get(name, [])
    if name == "ofx/broken_date_missing.ofx":
        assert entries == []
    else:
        assert len(entries) == int(expected["transactions"])
        assert sum((entry.amount for entry in entries), Decimal(0)) == Decimal(expected["sum"])
    assert {statement.currency for statement in statements} == {expected["currency"] or None}
    closing = [balance.amount for s in statements for balance in s.balances if balance.kind == "closing"]
    assert closing == [Decimal(balance) for balance in expected["balances"].split("|") if balance]
    assert all(len(set(fingerprints(s.entries))) == len(s.entries) for s in statements)
