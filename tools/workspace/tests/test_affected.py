"""What a change affects, on a small repository that real Pants and real git look at."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workspace.affected import Affected, affected, nodes_of
from workspace.affected_report import as_json, as_text, chain_as_json, chain_as_text
from workspace.affected_runs import outcomes, summary
from workspace.errors import WorkspaceError
from workspace.lock_changes import lock_changes, locked

LAUNCHER = Path(os.environ.get("WORKSPACE_PANTS") or Path(__file__).parents[3] / "pants")

pytestmark = pytest.mark.skipif(
    not LAUNCHER.is_file() or shutil.which("git") is None,
    reason="needs Pants and git: run `make test`, which says where Pants is",
)

ROOT_FILES = {
    "pants.toml": """\
[GLOBAL]
pants_version = "2.17.1"
backend_packages = ["pants.backend.python"]
ignore_warnings = ["DEPRECATED: Running Pants in an external Python interpreter"]
pants_ignore = [".*/"]

[source]
root_patterns = ["/libs/*", "/libs/*/src", "/libs/*/tests", "/services/*", "/services/*/src", "/services/*/tests"]

[python]
interpreter_constraints = ["CPython==3.11.*"]

[python-infer]
use_rust_parser = true
ambiguity_resolution = "by_source_root"

[anonymous-telemetry]
enabled = false
""",
    "pyproject.toml": """\
[[tool.purser.file-groups]]
files = ["README.md", "*/benchmarks/*"]
affects = "none"

[[tool.purser.file-groups]]
files = ["pants.toml", "pyproject.toml", ".ci/*"]
affects = "all"

[[tool.purser.file-groups]]
files = ["fixtures/ledger.csv"]
affects = "libs/ledger"
""",
    "README.md": "A small repository.\n",
    ".gitignore": ".pants.d\n.pids\ndist\n",
    ".ci/run": "make test\n",
    "docs/BUILD": 'files(name="docs", sources=["*.md"])\n',
    "docs/guide.md": "How to.\n",
    "fixtures/ledger.csv": "1\n",
    "3rdparty/python/default.lock": "{}\n",
    "uv.lock": """\
version = 1
[[package]]
name = "numpy"
version = "2.0"
source = { registry = "index" }
[[package]]
name = "polars"
version = "1.0"
source = { registry = "index" }
dependencies = [{ name = "numpy" }]
[[package]]
name = "httpx"
version = "1.0"
source = { registry = "index" }
[[package]]
name = "purser-ledger"
version = "0.1.0"
source = { editable = "libs/ledger" }
dependencies = [{ name = "polars" }]
""",
}


def package(folder: str, *requirements: str, binary: bool = False, **modules: str) -> dict[str, str]:
    """The files of a package with one test that imports all of its modules."""
    name = Path(folder).name
    listed = ", ".join(f'"{requirement}"' for requirement in requirements)
    reqs = 'python_requirements(name="reqs", source="pyproject.toml")\n' if requirements else ""
    pex = f'pex_binary(name="{name}", entry_point="{name}.main")\n' if binary else ""
    files = {
        f"{folder}/pyproject.toml": f'[project]\nname = "purser-{name}"\nversion = "1"\ndependencies = [{listed}]\n',
        f"{folder}/BUILD": reqs + pex,
        f"{folder}/src/{name}/BUILD": 'python_sources(sources=["**/*.py"])\n',
        f"{folder}/tests/BUILD": 'python_tests(sources=["test_*.py"])\n',
        f"{folder}/benchmarks/bench.py": "",
    }
    for module, text in modules.items():
        files[f"{folder}/src/{name}/{module}.py"] = f"{text}\n"
        files[f"{folder}/tests/test_{module}.py"] = f"import {name}.{module}\n\n\ndef test_it():\n    pass\n"
    return files


FILES = {
    **ROOT_FILES,
    **package("libs/money", amounts="", rates=""),
    **package("libs/ledger", "purser-money", "polars", rows="import money.amounts", frames="import polars"),
    **package("services/web", "purser-ledger", "httpx", binary=True, main="import ledger.rows\nimport httpx"),
    **package("services/jobs", "purser-money", binary=True, main="import money.rates"),
}


class Repository:
    """A repository with one commit, `base`, in which a test makes its changes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        self.write(path, (self.root / path).read_text(encoding="utf-8") + text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def affected(self) -> Affected:
        return affected(self.root, "base", launcher=LAUNCHER)


@pytest.fixture(scope="module")
def only_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    for path, text in FILES.items():
        repository.write(path, text)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message=all")
    repository.git("tag", "base")
    yield repository
    for record in repository.root.glob(".pids/*/pantsd/pid"):
        os.kill(int(record.read_text()), signal.SIGKILL)


@pytest.fixture
def repository(only_repository: Repository) -> Repository:
    """The repository as it was committed; starting Pants anew for each test would take long."""
    only_repository.git("reset", "--quiet", "--hard", "base")
    only_repository.git("clean", "--quiet", "-d", "--force")
    return only_repository


MONEY = {"libs/money/tests/test_amounts.py", "libs/money/tests/test_rates.py"}
LEDGER = {"libs/ledger/tests/test_rows.py", "libs/ledger/tests/test_frames.py"}
WEB = {"services/web/tests/test_main.py", "services/web:web"}
JOBS = {"services/jobs/tests/test_main.py", "services/jobs:jobs"}
EVERYTHING = MONEY | LEDGER | WEB | JOBS


def modify_a_module(repository: Repository) -> None:
    repository.append("libs/money/src/money/amounts.py", "CENT = 1\n")


def modify_a_test(repository: Repository) -> None:
    repository.append("libs/ledger/tests/test_rows.py", "# more\n")


def comment_a_build_file(repository: Repository) -> None:
    repository.append("services/jobs/BUILD", "# a word\n")


def declare_another_bound(repository: Repository) -> None:
    repository.replace("services/web/pyproject.toml", "httpx", "httpx>=1")


def delete_a_module(repository: Repository) -> None:
    (repository.root / "libs/money/src/money/amounts.py").unlink()
    (repository.root / "libs/money/tests/test_amounts.py").unlink()


def rename_a_module(repository: Repository) -> None:
    repository.git("mv", "libs/money/src/money/rates.py", "libs/money/src/money/quotes.py")
    repository.git("commit", "--quiet", "--message=renamed")


def delete_a_package_that_others_declared(repository: Repository) -> None:
    shutil.rmtree(repository.root / "libs/ledger")
    repository.replace("services/web/src/web/main.py", "import ledger.rows\n", "")
    repository.replace("services/web/pyproject.toml", '"purser-ledger", ', "")


def add_a_package(repository: Repository) -> None:
    for path, text in package("libs/dates", days="").items():
        repository.write(path, text)


def bump_a_pin_that_others_require(repository: Repository) -> None:
    repository.replace("uv.lock", 'name = "numpy"\nversion = "2.0"', 'name = "numpy"\nversion = "2.1"')
    repository.write("3rdparty/python/default.lock", '{"numpy": 2.1}\n')


def bump_a_pin_of_one_service(repository: Repository) -> None:
    repository.replace("uv.lock", 'name = "httpx"\nversion = "1.0"', 'name = "httpx"\nversion = "1.1"')


def remove_a_pin(repository: Repository) -> None:
    numpy = '[[package]]\nname = "numpy"\nversion = "2.0"\nsource = { registry = "index" }\n'
    repository.replace("uv.lock", numpy, "")
    repository.replace("uv.lock", 'dependencies = [{ name = "numpy" }]\n', "")


def edit_the_derived_lock_alone(repository: Repository) -> None:
    repository.write("3rdparty/python/default.lock", '{"by": "hand"}\n')


def edit_the_readme(repository: Repository) -> None:
    repository.append("README.md", "More.\n")


def edit_the_docs(repository: Repository) -> None:
    repository.append("docs/guide.md", "More.\n")


def edit_a_benchmark(repository: Repository) -> None:
    repository.append("libs/money/benchmarks/bench.py", "print(1)\n")


def edit_the_build_tool_settings(repository: Repository) -> None:
    repository.append("pants.toml", "# a word\n")


def edit_ci(repository: Repository) -> None:
    repository.append(".ci/run", "make lint\n")


def edit_a_file_of_a_group(repository: Repository) -> None:
    repository.append("fixtures/ledger.csv", "2\n")


def add_a_file_that_nobody_knows(repository: Repository) -> None:
    repository.write("settings.ini", "a = 1\n")


def change_nothing(repository: Repository) -> None:
    assert repository.root.is_dir()


ORACLE: list[tuple[Callable[[Repository], None], set[str]]] = [
    (change_nothing, set()),
    (modify_a_module, {"libs/money/tests/test_amounts.py", "libs/ledger/tests/test_rows.py"} | WEB),
    (modify_a_test, {"libs/ledger/tests/test_rows.py"}),
    (comment_a_build_file, JOBS),
    (declare_another_bound, WEB),
    (delete_a_module, EVERYTHING - {"libs/money/tests/test_amounts.py"}),
    (rename_a_module, EVERYTHING),
    (delete_a_package_that_others_declared, WEB),
    (add_a_package, {"libs/dates/tests/test_days.py"}),
    (bump_a_pin_that_others_require, {"libs/ledger/tests/test_frames.py"}),
    (bump_a_pin_of_one_service, WEB),
    (remove_a_pin, {"libs/ledger/tests/test_frames.py"}),
    (edit_the_derived_lock_alone, EVERYTHING),
    (edit_the_readme, set()),
    (edit_the_docs, set()),
    (edit_a_benchmark, set()),
    (edit_the_build_tool_settings, EVERYTHING),
    (edit_ci, EVERYTHING),
    (edit_a_file_of_a_group, LEDGER | WEB),
    (add_a_file_that_nobody_knows, EVERYTHING),
]


@pytest.mark.parametrize(("change", "expected"), ORACLE, ids=[change.__name__ for change, _ in ORACLE])
def test_a_change_affects_what_can_break_and_nothing_else(
    repository: Repository, change: Callable[[Repository], None], expected: set[str]
) -> None:
    change(repository)
    found = repository.affected()
    assert {*found.tests, *found.artefacts} == expected


def test_the_affected_packages_are_those_whose_targets_are_reached(repository: Repository) -> None:
    modify_a_module(repository)
    found = repository.affected()
    assert found.packages == ("libs/ledger", "libs/money", "services/web")
    assert json.loads(as_json(found))["of"] == {"tests": 6, "artefacts": 2}
    assert as_text(found).startswith(
        "1 changed file since base affect 3 packages, 3 of 6 test files and 1 of 2 artefacts"
    )


def test_why_names_the_chain_from_the_change_to_the_target(repository: Repository) -> None:
    modify_a_module(repository)
    found = repository.affected()
    [node] = [node for node in nodes_of(found, repository.root, "services/web") if ":" in node]
    chain = found.chain(node)
    assert [step.node for step in chain] == [
        "libs/money/src/money/amounts.py (modified)",
        "libs/money/src/money/amounts.py",
        "libs/ledger/src/ledger/rows.py",
        "services/web/src/web/main.py",
        "services/web:web",
    ]
    assert chain_as_text(chain).splitlines()[-1] == "        -> services/web:web (depends on it)"
    assert json.loads(chain_as_json(chain))[1] == {"node": "libs/money/src/money/amounts.py", "how": "owns it"}


def test_why_of_a_lock_names_the_pin_and_what_requires_it(repository: Repository) -> None:
    bump_a_pin_that_others_require(repository)
    chain = repository.affected().chain("libs/ledger/tests/test_frames.py")
    assert [step.node for step in chain][:3] == ["uv.lock: numpy 2.0 -> 2.1", "requirement numpy", "requirement polars"]


def test_a_base_that_git_does_not_know_is_refused_with_the_way_out(repository: Repository) -> None:
    with pytest.raises(WorkspaceError, match='no common commit of HEAD and "last-week"'):
        affected(repository.root, "last-week", launcher=LAUNCHER)


def test_a_target_that_does_not_exist_is_refused_by_name(repository: Repository) -> None:
    with pytest.raises(WorkspaceError, match='Nothing is called "libs/nobody"'):
        nodes_of(repository.affected(), repository.root, "libs/nobody")


def test_a_pin_with_other_files_is_a_change_though_its_version_is_the_same() -> None:
    one = '[[package]]\nname = "A.b"\nversion = "1"\nsource = { registry = "x" }\nsdist = { hash = "sha256:1" }\n'
    changes = lock_changes(locked(one), locked(one.replace("sha256:1", "sha256:2"))).changes
    assert [str(change) for change in changes] == ["a-b 1 comes from other files"]


def test_the_summary_says_what_ran_what_was_cached_and_what_was_skipped() -> None:
    reported = (
        "✓ libs/a/tests/test_a.py:tests succeeded in 2.50s.\n"
        "✓ libs/b/tests/test_b.py:tests and 3 other files succeeded in 4.00s (cached locally).\n"
        "✕ libs/c/tests/test_c.py:tests failed in 1.00s.\n"
        "something else\n"
    )
    known = {"libs/a/tests/test_a.py:tests": 9.0, "libs/d/tests/test_d.py:tests": 7.0}
    assert str(summary(outcomes(reported), known, skipped=5)) == (
        "ran 2 in 3.5 s; 1 came from the cache, saving 4.0 s; 5 were not affected, saving 7.0 s as they last took"
    )
