"""The commands that a page tells its reader to type, typed, and what they print compared with what the page shows."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

README_URL = "http://127.0.0.1:8000"
ANYTHING = "…"
"""Stands in the README for what differs from run to run."""

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


def typed(steps: list[Step], url: str, folder: Path, outputs: Path) -> list[str]:
    """Type the commands of a page in a folder, and give what they print otherwise than the page."""
    bash = shutil.which("bash")
    if bash is None or shutil.which("curl") is None:
        pytest.skip("the commands of the documents need bash and curl")
    script = ["set -euo pipefail"]
    for number, step in enumerate(steps):
        script += [f"exec >{outputs}/step-{number}", step.commands.replace(README_URL, url)]

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
