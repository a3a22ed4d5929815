"""The corpus runner beside a real Purser: a small folder of files, read as expected and otherwise; and the corpus.

`make corpus` runs on SQLite; here the same files are uploaded to a Purser on PostgreSQL.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workspace import corpus
from workspace.corpus_client import Ledger
from workspace.main import main

if TYPE_CHECKING:
    from conftest import Server, Start

EXPECTED = """file,source,licence,statements,transactions,sum,currency,balances,expected
kiosk.qif,own,Apache-2.0,,2,-7.30,,,account and currency are asked for
rows.csv,own,Apache-2.0,1,1,-2.80,EUR,,the second row is refused
empty.csv,own,Apache-2.0,0,0,0,,,clean error
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "kiosk.qif": "!Type:Bank\nD12/31/2025\nT-2.80\nPKiosk\n^\nD12/31/2025\nT-4.50\nPBakery\n^\n",
        "rows.csv": "Date,Amount,Currency,Description\n2026-03-01,-2.80,EUR,Kiosk\n2026-03-02,x,EUR,Bakery\n",
        "empty.csv": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_every_file_of_a_folder_is_compared_and_checked(embedded: Server, folder: Path) -> None:
    (folder / "expected.csv").write_text(EXPECTED, encoding="utf-8")
    results = {result.file: result for result in corpus.run(folder, Ledger(embedded.url))}
    assert {file: (result.verdict, result.problems) for file, result in results.items()} == {
        "empty.csv": ("refused: empty_file", ()),
        "kiosk.qif": ("as expected", ()),
        "rows.csv": ("as expected", ()),
    }
    assert [refusal.split(":")[0] for refusal in results["rows.csv"].observed.refusals] == ["line 3"]


def test_a_wrong_expectation_fails_the_run(embedded: Server, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "expected.csv").write_text("file,statements,transactions,sum\nkiosk.qif,1,2,-7.31\n", encoding="utf-8")
    assert main(["corpus", str(folder), "--url", embedded.url]) == 1
    assert "kiosk.qif: the sum is -7.30, -7.31 expected" in capsys.readouterr().out


@pytest.mark.skipif("PURSER_CORPUS" not in os.environ, reason="PURSER_CORPUS names no folder of statement files")
def test_the_corpus_is_read_on_postgresql_as_it_is_on_sqlite(start: Start, postgres_server: str) -> None:
    server = start(env={"PURSER_DATABASE_URL": postgres_server})
    results = corpus.run(Path(os.environ["PURSER_CORPUS"]), Ledger(server.url))
    assert [(result.file, result.problems) for result in results if result.problems] == []
