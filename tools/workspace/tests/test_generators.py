"""Packages made from the templates, and brought up to date with them, in a small repository."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import workspace
from workspace.anatomy import deviations
from workspace.errors import WorkspaceError
from workspace.generators import new_library, new_service
from workspace.main import main
from workspace.member_lists import declarations
from workspace.members import Member, chosen, members
from workspace.package_templates import TEMPLATES, Kind
from workspace.package_updates import Update, update

SHIPPED = Path(workspace.__file__).with_name("templates")

ROOT = """\
[tool.uv.sources]
purser-config = { workspace = true }
elsewhere = { git = "https://example.org/elsewhere" }

# Why it is as it is.
[tool.ruff]
line-length = 120

[tool.importlinter]
root_packages = ["front"]

[[tool.importlinter.contracts]]
id = "layers"
containers = ["front"]
"""
FRONT = """\
[project]
name = "purser-front"
version = "0.1.0"
description = "The front door"
dependencies = [
    "purser-config>=0.2,<0.3",  # why so
    "purser-gone>=0.1,<0.2",
]

[tool.purser]
tags = ["kind:composition"]

[tool.purser.service]
port = 8000
prefixes = ["/v1/front"]
import = "front.main:service"
calls = ["gone"]

[tool.purser.tests]
starts = []
"""
SHARED = ["fastapi>=0.163,<0.164", "pydantic>=2.12,<3", "sqlalchemy[asyncio]>=2.1", "sqlmodel>=0.1", "alembic>=1"]


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=.")


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def house(tmp_path: Path, declare: Callable[..., Path]) -> Path:
    """A repository with the templates, the libraries under every service, and a composition."""
    shutil.copytree(SHIPPED, tmp_path / TEMPLATES)
    declare("libs/config", project='name = "purser-config"\nversion = "0.2.1"\ndescription = "Settings"')
    shared = f'name = "purser-api-common"\nversion = "1.4.0"\ndescription = "Shared"\ndependencies = {SHARED}'
    declare("libs/api_common", project=shared)
    front = declare("services/front")
    (front / "pyproject.toml").write_text(FRONT, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(ROOT, encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


@pytest.fixture
def plans(house: Path) -> Member:
    """A service that was made from its template and committed."""
    new_service(house, "plan_service", "8020")
    commit(house)
    return chosen(house, ["plan_service"])[0]


def template(house: Path, file: str) -> Path:
    return house / Kind.SERVICE.template / file


def test_a_service_has_the_files_that_every_service_has(house: Path) -> None:
    written = new_service(house, "plan_service", "8020", description="What a household wants to buy", owner="planning")

    folder = house / "services" / "plan_service"
    declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(written) == {
        "pyproject.toml",
        "services/front/pyproject.toml",
        *(path.relative_to(house).as_posix() for path in folder.rglob("*") if path.is_file()),
    }
    assert {f"services/plan_service/src/plan_service/{name}.py" for name in ("main", "routes/plans", "models")} <= set(
        written
    )
    assert declared["project"]["dependencies"] == [
        "purser-config>=0.2,<0.3",
        "purser-api-common>=1.4,<2",
        "fastapi>=0.163,<0.164",
        "pydantic>=2.12,<3",
        "sqlalchemy[asyncio]>=2.1",
        "sqlmodel>=0.1",
        "alembic>=1",
    ]
    assert declared["tool"]["purser"]["service"]["prefixes"] == ["/v1/plans"]
    assert (declared["project"]["description"], declared["tool"]["purser"]["owner"]) == (
        "What a household wants to buy",
        "planning",
    )


def test_a_new_service_is_entered_wherever_packages_are_listed(house: Path) -> None:
    new_service(house, "plan_service", "8020")

    root = (house / "pyproject.toml").read_text(encoding="utf-8")
    front = (house / "services" / "front" / "pyproject.toml").read_text(encoding="utf-8")
    linter = tomllib.loads(root)["tool"]["importlinter"]
    purser = tomllib.loads(front)["tool"]["purser"]
    assert root.partition("\n\n")[0].splitlines()[1:] == [
        "purser-config = { workspace = true }",
        'elsewhere = { git = "https://example.org/elsewhere" }',
        "purser-api-common = { workspace = true }",
        "purser-front = { workspace = true }",
        "purser-plan-service = { workspace = true }",
    ]
    assert "\n# Why it is as it is.\n[tool.ruff]\n" in root
    assert linter["root_packages"] == linter["contracts"][0]["containers"] == ["front", "plan_service"]
    assert '"purser-config>=0.2,<0.3",  # why so\n    "purser-plan-service>=0.1,<0.2",\n]' in front
    assert purser["service"]["calls"] == purser["tests"]["starts"] == ["plan_service"]
    assert all(path.read_text(encoding="utf-8") == text for path, text in declarations(house, members(house)))


def test_a_service_without_tables_has_no_trace_of_any(house: Path) -> None:
    new_service(house, "hello_api", "8020", tables=False)

    sources = house / "services" / "hello_api" / "src" / "hello_api"
    text = "".join(path.read_text(encoding="utf-8") for path in (house / "services" / "hello_api").rglob("*.*"))
    assert sorted(path.name for path in sources.iterdir()) == [
        "__init__.py",
        "main.py",
        "py.typed",
        "routes",
        "schemas.py",
        "settings.py",
    ]
    assert "sqlmodel" not in text
    assert "DATABASE" not in text


def test_a_library_depends_on_nothing(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--root", str(house), "new-lib", "loan_math", "--description", "Loans"])

    made = chosen(house, ["loan_math"])[0]
    assert status == 0
    assert "wrote libs/loan_math/src/loan_math/parts.py\n" in capsys.readouterr().out
    assert (made.description, made.dependencies, made.tags) == ("Loans", (), ("kind:library", "scope:domain"))


@pytest.mark.parametrize(
    ("name", "port", "options", "message"),
    [
        ("PlanService", "8020", {}, 'NAME "PlanService" cannot be imported: use small letters'),
        ("../plans", "8020", {}, "cannot be imported"),
        ("json", "8020", {}, r'NAME "json" is what Python imports from .*json'),
        ("roles", "8020", {}, 'two containers would be called "roles"; give the service another name'),
        ("public", "8020", {}, 'NAME "public" would be a role that PostgreSQL keeps for itself; choose another'),
        ("pg_plans", "8020", {}, "keeps for itself"),
        ("ingress", "8020", {}, r"ingress\.yaml is of all services together: give the service another name"),
        ("front", "8020", {}, 'NAME "front" is taken by services/front'),
        ("config", "8020", {}, 'NAME "config" is taken by libs/config'),
        ("plans", "8000", {}, "PORT 8000 is taken by services/front; 8001 is free"),
        ("plans", "80", {}, 'PORT "80" cannot be had: choose one from 1024 to 65535'),
        ("plans", "many", {}, 'PORT "many" cannot be had'),
        ("plans", "8020", {"resource": "Plan"}, 'RESOURCE "Plan" is no name for what it keeps'),
        ("plans", "8020", {"resource": "table"}, 'RESOURCE "table" is no name for what it keeps'),
        (
            "plans",
            "8020",
            {"resource": "front"},
            'RESOURCE "front" would be served at /v1/fronts, and front serves /v1/fronts: choose another',
        ),
        ("plans", "8020", {"description": 'Says "plans"'}, "DESCRIPTION .*: write one line without quotes"),
        ("plans", "8020", {"description": "Plans."}, r"DESCRIPTION 'Plans\.': write one line"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_nothing_is_written(
    house: Path, name: str, port: str, options: dict[str, str], message: str
) -> None:
    edit(house / "services" / "front" / "pyproject.toml", "/v1/front", "/v1/fronts")
    before = {path: path.read_bytes() for path in house.rglob("*") if path.is_file() and ".git" not in path.parts}

    with pytest.raises(WorkspaceError, match=message):
        new_service(house, name, port, resource=options.get("resource", ""), description=options.get("description", ""))

    assert {
        path: path.read_bytes() for path in house.rglob("*") if path.is_file() and ".git" not in path.parts
    } == before


def test_the_name_of_a_package_that_was_deleted_is_free(house: Path, plans: Member) -> None:
    git(house, "rm", "-r", "--quiet", plans.path)
    (plans.sources / "__pycache__").mkdir(parents=True)
    (house / ".gitignore").write_text("__pycache__/\n*.pyc\n", encoding="utf-8")
    (plans.sources / "__pycache__" / "main.pyc").write_bytes(b"")

    assert f"{plans.path}/pyproject.toml" in new_service(house, "plan_service", "8020")


def test_a_package_that_was_deleted_leaves_the_lists(
    house: Path, plans: Member, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(plans.folder)

    status = main(["--root", str(house), "lists"])

    assert (status, capsys.readouterr().out) == (0, "wrote pyproject.toml\nwrote services/front/pyproject.toml\n")
    assert "plan" not in (house / "pyproject.toml").read_text(encoding="utf-8")
    assert "plan" not in (house / "services" / "front" / "pyproject.toml").read_text(encoding="utf-8")


def test_files_that_are_in_the_way_are_named(house: Path) -> None:
    (house / "libs" / "plans").mkdir()
    (house / "libs" / "plans" / "draft.md").write_text("Plans.\n", encoding="utf-8")

    with pytest.raises(WorkspaceError, match=r"libs/plans/draft\.md is there already"):
        new_library(house, "plans")


def test_a_change_of_the_template_reaches_the_package_and_what_was_changed_there_stays(
    house: Path, plans: Member
) -> None:
    edit(plans.sources / "settings.py", "adds none of its own", "has one more")
    edit(plans.folder / "README.md", "Reading takes", "Everything is free. Reading takes")
    (plans.sources / "routes" / "plans.py").unlink()
    commit(house)
    edit(template(house, "src/{{name}}/settings.py.jinja"), '"""The settings of', '"""Settings of')
    edit(template(house, "src/{{name}}/routes/{{many_name}}.py.jinja"), "List the", "Give the")
    template(house, "src/{{name}}/clients.py.jinja").write_text('"""What {{ name }} reads."""\n', encoding="utf-8")
    template(house, "src/{{name}}/models.py.jinja").unlink()
    commit(house)

    updated = update(house, plans)

    assert updated == Update(
        (
            ".copier-answers.yml",
            "src/plan_service/clients.py",
            "src/plan_service/models.py",
            "src/plan_service/settings.py",
        )
    )
    settings = (plans.sources / "settings.py").read_text(encoding="utf-8")
    assert settings.startswith('"""Settings of plan_service."""')
    assert "plan_service has one more" in settings
    assert "Everything is free." in (plans.folder / "README.md").read_text(encoding="utf-8")
    assert (plans.sources / "clients.py").read_text(encoding="utf-8") == '"""What plan_service reads."""\n'
    assert not (plans.sources / "models.py").exists()
    assert not (plans.sources / "routes" / "plans.py").exists()
    commit(house)
    assert update(house, plans) == Update()


def test_lines_that_both_sides_changed_are_shown_between_marks(
    house: Path, plans: Member, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(plans.sources / "settings.py", "The settings of", "My settings of")
    edit(template(house, "src/{{name}}/settings.py.jinja"), "The settings of", "All settings of")
    commit(house)

    status = main(["--root", str(house), "update-package", "plan_service"])

    settings = (plans.sources / "settings.py").read_text(encoding="utf-8")
    assert status == 1
    assert "src/plan_service/settings.py: both sides changed a line" in capsys.readouterr().err
    assert (
        '<<<<<<< HEAD\n"""My settings of plan_service."""\n=======\n"""All settings of plan_service."""\n' in settings
    )
    with pytest.raises(WorkspaceError, match=r"settings\.py, line 1: "):
        deviations(house, [plans])


@pytest.mark.parametrize("path", [f"{TEMPLATES}/service/new.md.jinja", "services/plan_service/notes.md"])
def test_what_is_not_committed_is_not_merged(house: Path, plans: Member, path: str) -> None:
    (house / path).write_text("Draft.\n", encoding="utf-8")

    with pytest.raises(WorkspaceError, match="is not committed"):
        update(house, plans)


def test_a_package_that_no_template_made_is_not_updated(house: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"services/front/\.copier-answers\.yml is missing"):
        update(house, chosen(house, ["front"])[0])


def test_a_template_that_this_clone_does_not_hold_is_told(house: Path, plans: Member) -> None:
    answers = plans.folder / ".copier-answers.yml"
    edit(answers, "template: ", f'template: "{"0" * 40}" # ')
    commit(house)

    with pytest.raises(WorkspaceError, match=r"does not hold the template 0000.*git fetch --unshallow"):
        update(house, plans)


def test_answers_that_were_broken_by_hand_are_named(house: Path, plans: Member) -> None:
    (plans.folder / ".copier-answers.yml").write_text("kind: house\ntemplate: abc\n", encoding="utf-8")

    with pytest.raises(WorkspaceError, match=r"services/plan_service/\.copier-answers\.yml is not what the generators"):
        update(house, plans)


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("src/plan_service/main.py", "port=8020", "port=8021", r"main\.py: run\(\) is not\ndef run"),
        (
            "src/plan_service/main.py",
            "def create_app",
            "def make_app",
            r"main\.py does not define service, create_app, run",
        ),
        ("src/plan_service/main.py", '"Plans of a user"', '"Plans"', "gives summary='Plans' and not 'Plans of a user'"),
        (
            "src/plan_service/settings.py",
            "The settings of",
            "Settings of",
            r"settings\.py does not begin with 'The sett",
        ),
        ("README.md", "Plans of a user", "About plans", r"README\.md does not begin with '# plan_service\\n\\nPlans"),
        ("CHANGELOG.md", "plan_service", "plans", r"CHANGELOG\.md does not begin with '# Changelog of plan_service'"),
        (
            "pyproject.toml",
            'license = "Apache-2.0"\n',
            "",
            r"pyproject\.toml: \[project\] does not have name, .* in this",
        ),
        ("pyproject.toml", "packages = [", 'packages = ["b", ', r"\[tool\.hatch\.build\.targets\.wheel\] packages is"),
        (
            "pyproject.toml",
            "fastapi>=0.163",
            "fastapi>=0.100",
            'requires "fastapi>=0.100,<0.164" and not "fastapi>=0.163',
        ),
    ],
)
def test_a_package_that_is_built_otherwise_than_its_template_is_told_where(
    house: Path, plans: Member, file: str, before: str, after: str, message: str
) -> None:
    alike = deviations(house, [plans])
    edit(plans.folder / file, before, after)

    found = deviations(house, [chosen(house, ["plan_service"])[0]])

    assert (alike, len(found)) == ([], 1)
    assert re.search(message, found[0])
    assert found[0].startswith(f"services/plan_service/{file}")


def test_files_that_every_package_has_are_missed(house: Path, plans: Member) -> None:
    for name in ("py.typed", "models.py"):
        (plans.sources / name).unlink()

    assert [message.partition(",")[0] for message in deviations(house, [plans])] == [
        "services/plan_service/src/plan_service/py.typed is missing",
        "services/plan_service/src/plan_service/models is missing",
    ]


def test_what_a_package_has_beside_the_common_parts_is_its_own(house: Path, plans: Member) -> None:
    edit(plans.folder / "pyproject.toml", 'owner = "platform"\n', 'owner = "planning"\nnamed = ["uvloop"]\n')
    edit(
        plans.sources / "main.py",
        "settings: Settings | None = None",
        "settings: Settings | None = None, *, rows: int = 1",
    )
    edit(plans.folder / "README.md", "of a user.", "of a user: what they cost, and when.")
    (plans.sources / "routes" / "plans.py").unlink()

    assert deviations(house, [chosen(house, ["plan_service"])[0]]) == []
