"""What the documents show is what happens."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
from pathlib import Path

import data_processing
import pytest

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parents[1]
PAGES = ROOT / "docs"
DOCUMENTS = {
    "README": LIBRARY / "README.md",
    "formats": PAGES / "formats.md",
    "analysts": PAGES / "analysts.md",
}
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PRINT = re.compile(r"^print\((.*)\)  # (.*)$", re.MULTILINE)
BLOCKS = [
    pytest.param(block, id=f"{name}-{number}")
    for name, path in DOCUMENTS.items()
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
    if "analytics_core" not in block
]
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(data_processing.__path__, "data_processing.") if not module.ispkg
)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_examples_run_and_print_what_their_comments_say(block, monkeypatch):
    monkeypatch.chdir(ROOT)
    said: list[tuple[str, str]] = []
    # A line that prints one thing and says which: what is printed is noted before it goes on.
    watched = _PRINT.sub(lambda line: f"said.append(({line[2]!r}, one_line({line[1]})))", block)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(
            compile(watched, "example", "exec"), {"said": said, "one_line": lambda *values: " ".join(map(str, values))}
        )
    for comment, printed in said:
        if not comment.startswith("a "):
            assert comment.startswith(printed), (comment, printed)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
