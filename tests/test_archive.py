"""The archive as its page tells of it: the tables and columns, the example, and the way from one Purser to another."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Server, Start, User


@pytest.fixture
def archive(embedded: Server, sign_up: Callable[..., User], repository: Path) -> bytes:
    user = sign_up(embedded.url)
    user.upload((repository / "docs/examples/statement.ofx").read_bytes(), "statement.ofx")
    answer = user.get("/v1/archive")
    assert answer.status_code == 200, answer.text
    return answer.content


def manifest(archive: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        found: dict[str, Any] = json.loads(file.read("manifest.json"))
    return found


def listed(columns: dict[str, str]) -> str:
    """The columns of a table as the page lists them: by kind."""
    kinds = dict.fromkeys(columns.values())
    return "; ".join(
        f"{kind}: {', '.join(f'`{name}`' for name, given in columns.items() if given == kind)}" for kind in kinds
    )


def test_the_page_names_every_table_with_its_columns(archive: bytes, repository: Path) -> None:
    page = (repository / "docs/archive.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (\w+: .+) \|$", page, re.MULTILINE))
    assert told == {name: listed(table["columns"]) for name, table in manifest(archive)["tables"].items()}


def test_the_example_of_the_page_runs(archive: bytes, repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs/archive.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "purser.zip").write_bytes(archive)
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"EUR +┆ 61 ", done.stdout), done.stdout


def test_a_ledger_moves_to_another_purser_where_its_files_book_nothing_again(
    archive: bytes, start: Start, sign_up: Callable[..., User], repository: Path
) -> None:
    user = sign_up(start().url)
    moved = user.client.post("/v1/archive", files={"file": ("purser.zip", archive)})
    assert (moved.status_code, moved.json()["ids"]) == (201, "kept")
    again = user.upload((repository / "docs/examples/statement.ofx").read_bytes(), "statement.ofx").json()
    assert (again["booked"], again["repeated"]) == (0, 61)
    assert user.get("/v1/transactions", q="bergsp").json()["items"]
