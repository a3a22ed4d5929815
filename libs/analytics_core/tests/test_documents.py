"""What the documents show is what happens."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import analytics_core
import pytest

MODULES = sorted(module.name for module in pkgutil.iter_modules(analytics_core.__path__))
WITHOUT_EXAMPLES = {"_frames", "_spending", "_tally", "_totals", "basis", "errors", "ledger"}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_run(name):
    failed, attempted = doctest.testmod(importlib.import_module(f"analytics_core.{name}"))

    assert failed == 0
    assert bool(attempted) == (name not in WITHOUT_EXAMPLES)


def test_the_example_of_the_readme_runs():
    readme = Path(__file__).parents[1] / "README.md"

    failed, attempted = doctest.testfile(str(readme), module_relative=False, encoding="utf-8")

    assert (failed, attempted > 10) == (0, True)


def test_importing_the_package_loads_no_engine():
    engines = {"polars", "narwhals", "pandas", "pyarrow", "duckdb", "pyspark", "numpy"}
    code = f"import sys, analytics_core; print(*sorted({engines!r} & set(sys.modules)))"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.split() == []
