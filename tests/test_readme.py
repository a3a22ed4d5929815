"""Every command that the README and the docs tell their reader to type is typed here, and prints what they print."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from documented_commands import FENCE, Step, commands, journey, typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Server, User

PAGES_WITH_COMMANDS = ["formats.md", "rows.md", "rules.md", "search.md", "transfers-and-reconciliation.md"]
"""Pages of docs/ whose commands go on where the journey has uploaded its statement."""


def test_the_journey_prints_what_the_readme_prints(embedded: Server, repository: Path, tmp_path: Path) -> None:
    steps = journey((repository / "README.md").read_text(encoding="utf-8"))
    assert len(steps) >= 6
    assert typed(steps, embedded.url, repository, tmp_path) == []


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_a_page_prints_what_it_shows_where_the_journey_has_uploaded_its_statement(
    embedded: Server, repository: Path, tmp_path: Path, sign_up: Callable[..., User], page: str
) -> None:
    reader = sign_up(embedded.url)
    reader.upload((repository / "docs" / "examples" / "statement.ofx").read_bytes(), "statement.ofx")
    shorthands = journey((repository / "README.md").read_text(encoding="utf-8"))[0]
    logged_in = Step(f"AUTH='Authorization: Bearer {reader.token}'", None)
    steps = commands((repository / "docs" / page).read_text(encoding="utf-8"))
    assert steps
    assert typed([shorthands, logged_in, *steps], embedded.url, repository, tmp_path) == []


def test_the_analysts_page_prints_what_it_says(
    embedded: Server, repository: Path, tmp_path: Path, sign_up: Callable[..., User]
) -> None:
    page = (repository / "docs" / "analysts.md").read_text(encoding="utf-8")
    blocks = [(block["language"], block["text"]) for block in FENCE.finditer(page)]
    shown = [(code, output) for (_, code), (language, output) in pairwise(blocks) if language == "text"]
    analyst = sign_up(embedded.url)
    analyst.upload((repository / "docs" / "examples" / "statement.ofx").read_bytes(), "statement.ofx")
    (tmp_path / "ledger.parquet").write_bytes(analyst.get("/v1/ledger", format="parquet").content)
    shutil.copytree(repository / "docs" / "examples", tmp_path / "docs" / "examples")
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)

    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PYTHONPATH": paths},
        ).stdout
        for code, _ in shown
    ]

    assert printed == [output for _, output in shown]


def documents(repository: Path) -> list[Path]:
    return [repository / "README.md", *sorted((repository / "docs").rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the forges make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_file_and_heading_that_the_readme_and_the_docs_link_to_exists(repository: Path) -> None:
    broken = []
    for page in documents(repository):
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)", page.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(repository)}: {link}")
    assert broken == []


def test_every_page_of_the_docs_can_be_reached_from_the_readme(repository: Path) -> None:
    reached, waiting = set(), [(repository / "README.md").resolve()]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
            waiting += [(page.parent / link).resolve() for link in links]
    assert {page.resolve() for page in documents(repository)} - reached == set()


def test_every_target_of_make_that_the_readme_and_the_docs_name_exists(repository: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    unknown = []
    for page in documents(repository):
        text = page.read_text(encoding="utf-8")
        fenced = "".join(block["text"] for block in FENCE.finditer(text))
        named = re.findall(r"^make (\S.*)", fenced, re.MULTILINE) + re.findall(r"`make ([^`…]*)`", text)
        words = [word for command in named for word in shlex.split(command, comments=True) if "=" not in word]
        unknown += [f"{page.relative_to(repository)}: make {word}" for word in words if word not in targets]
    assert unknown == []
