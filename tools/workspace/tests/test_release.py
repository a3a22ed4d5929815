"""Plans and releases in a small repository of its own, with real git."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from packaging.version import Version
from workspace.api_gate import judged
from workspace.compatibility import failing_consumers
from workspace.errors import WorkspaceError
from workspace.members import chosen, members
from workspace.release import carry_out
from workspace.release_plan import as_table, release_plan, widened
from workspace.versions import last_release

TODAY = date(2026, 3, 1)
DOCUMENT = {"paths": {"/v1/rows": {"get": {"responses": {"200": {"description": "rows"}}}}}}


def declare(root: Path, path: str, *needs: str, version: str = "0.1.0", service: bool = False) -> None:
    folder = root / path
    (folder / "src" / folder.name).mkdir(parents=True, exist_ok=True)
    (folder / "src" / folder.name / "__init__.py").write_text("def read(path): ...\n", encoding="utf-8")
    listed = ", ".join(f'"{need}"' for need in needs)
    table = '\n[tool.purser.service]\nport = 1\nprefixes = []\nimport = "a:b"\ncalls = []\n' if service else ""
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "purser-{folder.name}"\nversion = "{version}"\ndescription = "d"\n'
        f"dependencies = [{listed}]\n{table}",
        encoding="utf-8",
    )
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0\n\n- First version.\n", encoding="utf-8")
    if service:
        (folder / "openapi.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=change")


def tell(root: Path, path: str, name: str, text: str = "A change.") -> None:
    (root / path / "changes").mkdir(exist_ok=True)
    (root / path / "changes" / f"+{name}").write_text(f"{text}\n", encoding="utf-8")


def release(root: Path) -> list[str]:
    return carry_out(root, release_plan(root), today=TODAY, derive=lambda: None)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library, a service that needs it, and one that does not; all released as 0.1.0."""
    for name, value in (("NAME", "Test"), ("EMAIL", "test@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    declare(tmp_path, "libs/money")
    declare(tmp_path, "services/books", "purser-money>=0.1,<0.2", service=True)
    declare(tmp_path, "services/other", service=True)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    assert release(tmp_path) == ["money@0.1.0", "books@0.1.0", "other@0.1.0"]
    return tmp_path


def planned(root: Path) -> dict[str, str]:
    return {step.package.name: str(step.after) for step in release_plan(root)}


def test_nothing_is_planned_when_nothing_was_told_and_nothing_changed(repository: Path) -> None:
    assert release_plan(repository) == []
    assert as_table([]).startswith("Nothing to release")


@pytest.mark.parametrize(
    ("kinds", "version"),
    [(["fixed"], "0.1.1"), (["added", "fixed"], "0.1.1"), (["breaking", "fixed"], "0.2.0")],
)
def test_the_heaviest_fragment_decides_the_version(repository: Path, kinds: list[str], version: str) -> None:
    for kind in kinds:
        tell(repository, "libs/money", f"{kind}.{kind}.md")
    assert planned(repository)["money"] == version


def test_a_dependent_is_released_only_where_its_range_excludes_the_new_version(repository: Path) -> None:
    tell(repository, "libs/money", "rates.added.md")
    assert planned(repository) == {"money": "0.1.1"}
    tell(repository, "libs/money", "names.breaking.md")

    assert planned(repository) == {"money": "0.2.0", "books": "0.1.1"}
    assert as_table(release_plan(repository)).splitlines() == [
        "package         from   to     because",
        "libs/money      0.1.0  0.2.0  1 breaking; 1 added",
        "services/books  0.1.0  0.1.1  needs purser-money>=0.1,<0.3",
    ]


def test_a_release_writes_versions_ranges_changelogs_one_commit_and_tags(repository: Path) -> None:
    tell(repository, "libs/money", "names.breaking.md", "`read` is `load`.")
    commit(repository)

    assert release(repository) == ["money@0.2.0", "books@0.1.1"]

    assert 'version = "0.2.0"' in (repository / "libs/money/pyproject.toml").read_text()
    assert '"purser-money>=0.1,<0.3"' in (repository / "services/books/pyproject.toml").read_text()
    assert (repository / "libs/money/CHANGELOG.md").read_text() == (
        "# Changelog\n\n## 0.2.0 (2026-03-01)\n\n### Breaking\n\n- `read` is `load`.\n\n## 0.1.0\n\n- First version.\n"
    )
    assert "- Works with purser-money>=0.1,<0.3." in (repository / "services/books/CHANGELOG.md").read_text()
    assert not list((repository / "libs/money/changes").glob("*.md"))
    assert git(repository, "log", "-1", "--format=%s") == "release: money@0.2.0, books@0.1.1\n"
    assert git(repository, "status", "--porcelain") == ""
    released = last_release(repository, "money")
    assert released is not None
    assert released.version == Version("0.2.0")
    assert release_plan(repository) == []


def test_a_change_that_nobody_is_told_of_is_refused(repository: Path) -> None:
    (repository / "libs/money/src/money/__init__.py").write_text("def read(path): return 1\n", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"libs/money changed since money@0\.1\.0 .*add libs/money/changes/"):
        release_plan(repository)


def test_a_fragment_of_an_unknown_kind_is_refused(repository: Path) -> None:
    tell(repository, "libs/money", "rates.feature.md")
    with pytest.raises(WorkspaceError, match=r"libs/money/changes/\+rates\.feature\.md: name it \+<what>\.<kind>\.md"):
        release_plan(repository)


def test_a_release_from_an_unclean_folder_is_refused_before_anything_is_written(repository: Path) -> None:
    tell(repository, "libs/money", "rates.added.md")
    with pytest.raises(WorkspaceError, match="is not committed"):
        release(repository)
    assert 'version = "0.1.0"' in (repository / "libs/money/pyproject.toml").read_text()


def break_the_library(root: Path) -> None:
    (root / "libs/money/src/money/__init__.py").write_text("def load(path): ...\n", encoding="utf-8")


def break_the_service(root: Path) -> None:
    (root / "services/books/openapi.json").write_text('{"paths": {}}', encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "path", "waived"),
    [
        (break_the_library, "libs/money", "money.read: removed"),
        (break_the_service, "services/books", "GET /v1/rows: removed"),
    ],
)
def test_a_break_that_the_version_does_not_announce_is_a_problem_unless_it_is_waived(
    repository: Path, change: Callable[[Path], None], path: str, waived: str
) -> None:
    change(repository)
    [problem] = [p for judgement in judged(repository, members(repository)) for p in judgement.problems()]
    name = Path(path).name
    assert problem.startswith(
        f"{path} 0.1.0 differs from {name}@0.1.0; release it as 0.2.0, or say in {path}/api-waivers"
    )
    assert f"  break: {waived}" in problem

    reason = "money.load: added" if path.startswith("libs") else "GET /v1/none: removed"
    entries = [(waived, "never documented"), (reason, "as well")]
    text = "".join(f'[[waiver]]\nchange = "{change}"\nreason = "{why}"\n' for change, why in entries)
    (repository / path / "api-waivers.toml").write_text(text, encoding="utf-8")
    left = [p for judgement in judged(repository, members(repository)) for p in judgement.problems()]
    unused = f'{path}/api-waivers.toml waives "GET /v1/none: removed", which is no change'
    assert left == ([] if path.startswith("libs") else [unused])


def test_a_break_of_the_public_face_raises_a_version_that_the_fragments_had_lower(repository: Path) -> None:
    break_the_library(repository)
    tell(repository, "libs/money", "names.fixed.md")
    assert planned(repository) == {"money": "0.2.0", "books": "0.1.1"}


def test_a_waiver_without_a_reason_is_refused(repository: Path) -> None:
    (repository / "libs/money/api-waivers.toml").write_text('[[waiver]]\nchange = "x"\n', encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"every .* needs `change` and `reason`"):
        judged(repository, members(repository))


@pytest.mark.parametrize(
    ("specifier", "version", "expected"),
    [
        (">=0.1,<0.2", "0.2.0", ">=0.1,<0.3"),
        (">=1.2,<2", "2.0.0", ">=1.2,<3"),
        ("==1.0", "1.1.0", ">=1.0,<2"),
        ("<2", "2.0.0", ">=2.0.0,<3"),
    ],
)
def test_a_widened_range_keeps_its_begin_and_ends_before_the_next_break(
    specifier: str, version: str, expected: str
) -> None:
    assert widened(specifier, Version(version)) == expected


# Stands for uv: an environment is one of this Python, and what is installed is found by its path.
UV = """
case "$1" in
venv) for folder; do :; done; exec {python} -m venv --without-pip "$folder" ;;
pip)
    while [ $# -gt 0 ]; do
        case "$1" in
        --python) site=$("$2" -c 'import sysconfig; print(sysconfig.get_path("purelib"))') ;;
        --editable=*) echo "${1#--editable=}/src" >> "$site/editable.pth" ;;
        esac
        shift
    done ;;
esac
"""


@pytest.fixture
def consumed(repository: Path, stand_in: Callable[[str, str], None], importable: Callable[..., None]) -> Path:
    """The repository with a service that uses the library, and one that holds that service; both released."""
    stand_in("uv", UV.replace("{python}", sys.executable))
    importable()
    (repository / ".gitignore").write_text(".tools\n__pycache__\n", encoding="utf-8")
    (repository / "pyproject.toml").write_text("[dependency-groups]\ntest = []\n", encoding="utf-8")
    (repository / "page.md").write_text("of the release", encoding="utf-8")
    declare(repository, "services/front", "purser-books>=0.1,<0.2", service=True)
    for service, test in {
        "books": "import money, pathlib\ndef test_reading():\n    money.read('file')\n"
        "    assert (pathlib.Path(__file__).parents[3] / 'page.md').read_text() == 'of the release'\n",
        "front": "def test_holding_the_books():\n    import books\n",
    }.items():
        (repository / "services" / service / "tests").mkdir()
        (repository / "services" / service / "tests" / f"test_{service}.py").write_text(test, encoding="utf-8")
        if service == "books":
            tell(repository, "services/books", "tests.fixed.md")
    commit(repository)
    assert release(repository) == ["books@0.1.1", "front@0.1.0"]
    (repository / "page.md").write_text("of today", encoding="utf-8")
    (repository / "services/books/tests/test_books.py").write_text("assert False", encoding="utf-8")
    return repository


def failing(root: Path, *names: str) -> list[str]:
    return failing_consumers(root, chosen(root, names))


def test_a_released_service_passes_on_a_library_that_only_gained_something(consumed: Path) -> None:
    (consumed / "libs/money/src/money/__init__.py").write_text("def read(path): ...\ndef write(): ...\n")
    assert failing(consumed, "books", "front") == []


def test_a_released_service_fails_on_a_library_that_lost_what_it_uses(
    consumed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    break_the_library(consumed)

    assert failing(consumed, "books", "front") == ["books@0.1.1 fails on the libraries as they are; see above"]
    assert "has no attribute 'read'" in capfd.readouterr().out


def test_a_released_service_is_left_out_where_its_range_excludes_the_library(
    consumed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    break_the_library(consumed)
    tell(consumed, "libs/money", "names.breaking.md")
    file = consumed / "libs/money/pyproject.toml"
    file.write_text(file.read_text().replace("0.1.0", "0.2.0"), encoding="utf-8")

    assert failing(consumed, "books") == []
    left_out = "books@0.1.1 is left out: books needs purser-money<0.2,>=0.1, and libs/money is at 0.2.0\n"
    assert capsys.readouterr().out == left_out


def test_a_released_service_that_cannot_be_installed_is_told_as_such(
    consumed: Path, stand_in: Callable[[str, str], None]
) -> None:
    stand_in("uv", '[ "$1" = venv ] || { echo "no such index" >&2; exit 1; }')
    [message] = failing(consumed, "books")
    assert message == "books@0.1.1 cannot be installed with the libraries as they are:\nno such index"
