"""The templates that packages are made from, and what each package answered to its template's questions."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from workspace.errors import WorkspaceError
from workspace.git import changed_files, knows, laid_out, tree_of
from workspace.member_lists import range_of
from workspace.members import Member, members, requirements

TEMPLATES = "tools/workspace/src/workspace/templates"
ANSWERS = ".copier-answers.yml"
SHARED_LIBRARY = "api_common"
"""The library whose requirements give services the ranges of what they share with it."""


class Kind(StrEnum):
    """What a template makes."""

    SERVICE = "service"
    LIBRARY = "library"

    @property
    def group(self) -> str:
        """The folder of the root that holds such packages."""
        return {Kind.SERVICE: "services", Kind.LIBRARY: "libs"}[self]

    @property
    def template(self) -> str:
        """The folder of the template, relative to the root."""
        return f"{TEMPLATES}/{self}"


@dataclass(frozen=True)
class Answers:
    """What a package is made from; `port`, `tables` and `resource` are a service's, `scope` is a library's."""

    kind: Kind
    name: str
    description: str
    owner: str
    port: int = 0
    tables: bool = False
    resource: str = ""
    """What it keeps or answers, as a name in code and in the singular: `loan_plan`."""
    scope: str = ""

    @property
    def path(self) -> str:
        """The package's folder, relative to the root."""
        return f"{self.kind.group}/{self.name}"

    @property
    def prefix(self) -> str:
        """The URL prefix of a service."""
        return f"/v1/{plural(self.resource).replace('_', '-')}"


def plural(noun: str) -> str:
    """Give the plural of an English noun by the usual rules.

    >>> [plural(noun) for noun in ("loan_plan", "category", "day", "tax", "branch")]
    ['loan_plans', 'categories', 'days', 'taxes', 'branches']
    """
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('s', 'x', 'z', 'ch', 'sh')) else 's'}"


def committed_tree(root: Path, kind: Kind) -> str:
    """Give git's name for the content of a template, by which it is found again when the template has changed.

    Raises WorkspaceError for a template that is not committed: git could not give it back.
    """
    if any(changed.path.startswith(f"{kind.template}/") for changed in changed_files(root, "HEAD")):
        raise WorkspaceError(
            f"{kind.template} is not committed. Commit it first: a package is updated by what it was made from."
        )
    return tree_of(root, kind.template)


@contextmanager
def template_at(root: Path, tree: str) -> Iterator[Path]:
    """Lay out a template as it was. Raises WorkspaceError when this repository does not hold it."""
    if not knows(root, tree):
        raise WorkspaceError(
            f"This clone does not hold the template {tree}. A shallow one needs `git fetch --unshallow`; "
            "if the template never came to a shared branch, nobody has it."
        )
    with laid_out(root, tree) as folder:
        yield folder


def render(root: Path, template: Path, answers: Answers, *, tree: str, into: Path) -> None:
    """Write the package that a template makes of the answers into a folder, sorted and formatted as `make format` does.

    Raises WorkspaceError when the result is not valid.
    """
    # It takes as long to import as most commands take to run.
    import copier

    asked: dict[str, object] = {**asdict(answers), "template": tree}
    if answers.kind is Kind.SERVICE:
        asked |= {**_words(answers.resource), "path": answers.prefix, "ranges": _ranges(root)}
    copier.run_copy(str(template), into, data=asked, defaults=True, overwrite=True, quiet=True)
    # The order of imports and the length of lines depend on the name.
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--quiet", "--fix", "--select=I"], ["format", "--quiet"]):
        done = subprocess.run(
            [*ruff, *command, "--config", "pyproject.toml", str(into)],
            capture_output=True,
            text=True,
            cwd=root,
            check=False,
        )
        if done.returncode != 0:
            raise WorkspaceError(f"The template {answers.kind} makes no valid package:\n{done.stdout}{done.stderr}")


def recorded(member: Member) -> tuple[Answers, str]:
    """Give what a package was made from, and the tree of the template. Raises WorkspaceError when it does not tell."""
    path = member.folder / ANSWERS
    if not path.is_file():
        raise WorkspaceError(f"{member.path}/{ANSWERS} is missing: no template made this package")
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        tree = str(told.pop("template"))
        return Answers(**{**told, "kind": Kind(told["kind"])}), tree
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WorkspaceError(
            f"{member.path}/{ANSWERS} is not what the generators write ({error}); take it from git's history"
        ) from error


def _words(resource: str) -> dict[str, str]:
    many = plural(resource)
    return {
        "one_name": resource,
        "many_name": many,
        "one": resource.replace("_", " "),
        "many": many.replace("_", " "),
        "One": _class_name(resource),
        "Many": _class_name(many),
    }


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _ranges(root: Path) -> Mapping[str, str]:
    """Give the ranges that a service declares: of the two libraries under every service, and of what these declare."""
    found: dict[str, str] = {}
    for member in members(root):
        if member.name in {"config", SHARED_LIBRARY}:
            found[member.distribution] = range_of(member)
        if member.name == SHARED_LIBRARY:
            for text in requirements(member):
                requirement = Requirement(text)
                found.setdefault(requirement.name, ",".join(_as_declared(text, requirement)))
    return found


def _as_declared(text: str, requirement: Requirement) -> Iterator[str]:
    """Give the bounds in the order in which they were written, which `packaging` does not keep."""
    yield from sorted((str(part) for part in requirement.specifier), key=text.find)
