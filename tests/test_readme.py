"""Every command that the README and the docs tell their reader to type is typed here, and prints what they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Server, User

README_URL = "http://127.0.0.1:8000"
ANYTHING = "…"
"""Stands in the README for what differs from run to run."""

PAGES_WITH_COMMANDS = ["formats.md", "rows.md", "rules.md", "search.md", "transfers-and-reconciliation.md"]
"""Pages of docs/ whose commands go on where the journey has uploaded its statement."""

FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A fenced block of commands and the block of output that follows it, if any."""

    commands: str
    prints: str | None


def journey(readme: str) -> list[Step]:
    return commands(readme.split("\n## The journey\n", 1)[1].split("\n## ", 1)[0])


def commands(page: str) -> list[Step]:
    blocks = [(block["language"], block["text"]) for block in FENCE.finditer(page)]
    steps = []
    for (language, text), (following, output) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language == "bash":
            steps.append(Step(text, output if following == "json" else None))
    return steps


def differences(printed: object, expected: object, place: str = "") -> list[str]:
    if expected == ANYTHING:
        return []
    if isinstance(expected, dict) and isinstance(printed, dict) and expected.keys() == printed.keys():
        return [line for key in expected for line in differences(printed[key], expected[key], f"{place}/{key}")]
    if isinstance(expected, list) and isinstance(printed, list) and len(expected) == len(printed):
        return [
            line
            for number, (have, want) in enumerate(zip(printed, expected, strict=True))
            for line in differences(have, want, f"{place}/{number}")
        ]
    return [] if printed == expected else [f"{place}: the page prints {expected!r}, the server {printed!r}"]


def typed(steps: list[Step], server: Server, folder: Path, outputs: Path) -> list[str]:
    """Type the commands of a page in a folder, and give what they print otherwise than the page."""
    bash = shutil.which("bash")
    if bash is None or shutil.which("curl") is None:
        pytest.skip("the commands of the documents need bash and curl")
    script = ["set -euo pipefail"]
    for number, step in enumerate(steps):
        script += [f"exec >{outputs}/step-{number}", step.commands.replace(README_URL, server.url)]

    run = subprocess.run(
        [bash, "-c", "\n".join(script)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "no_proxy": "127.0.0.1"},
    )

    assert run.returncode == 0, run.stderr
    found = []
    for number, step in enumerate(steps):
        printed = (outputs / f"step-{number}").read_text(encoding="utf-8")
        if step.prints is None:
            assert printed == "", f"step {number} prints what the page does not show: {printed}"
            continue
        found += differences(json.loads(printed), json.loads(step.prints), f"step {number}")
    return found


def test_the_journey_prints_what_the_readme_prints(embedded: Server, repository: Path, tmp_path: Path) -> None:
    steps = journey((repository / "README.md").read_text(encoding="utf-8"))
    assert len(steps) >= 6
    assert typed(steps, embedded, repository, tmp_path) == []


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
    assert typed([shorthands, logged_in, *steps], embedded, repository, tmp_path) == []


def test_the_analysts_page_prints_what_it_says(
    embedded: Server, repository: Path, tmp_path: Path, sign_up: Callable[..., User]
) -> None:
    page = (repository / "docs" / "analysts.md").read_text(encoding="utf-8")
    blocks = {block["language"]: block["text"] for block in FENCE.finditer(page)}
    analyst = sign_up(embedded.url)
    analyst.upload((repository / "docs" / "examples" / "statement.ofx").read_bytes(), "statement.ofx")
    (tmp_path / "ledger.parquet").write_bytes(analyst.get("/v1/ledger", format="parquet").content)

    run = subprocess.run(
        [sys.executable, "-c", blocks["python"]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)},
    )

    assert run.stdout == blocks["text"]


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
