"""The packages of the workspace, as their own pyproject.toml files describe them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workspace.errors import WorkspaceError

GROUPS = ("libs", "services", "tools")
_QUANTITY = re.compile(r"[1-9][0-9]*[KMGT]i")


@dataclass(frozen=True)
class ServiceDeclaration:
    """The table [tool.purser.service] of a service.

    `memory` is what a container of it may take at most, and `scratch` the room for files that wait to be read, both as
    Kubernetes writes quantities.
    """

    port: int
    prefixes: tuple[str, ...]
    factory: str
    calls: tuple[str, ...]
    memory: str = "512Mi"
    scratch: str = "256Mi"


@dataclass(frozen=True)
class TestDeclaration:
    """The table [tool.purser.tests]: what the tests use beside the package itself.

    `requires` are distributions that they import, `runs` those whose programs they start, `imports` libraries of the
    workspace, `starts` services, `reads` folders of the root, `sees` variables of the environment.
    """

    requires: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """A package of the workspace."""

    root: Path
    path: str
    """Its folder, relative to the root: `libs/config`."""
    distribution: str
    version: str
    description: str
    service: ServiceDeclaration | None = None
    dependencies: tuple[str, ...] = ()
    """What it requires, as distributions without their bounds."""
    testing: tuple[str, ...] = ()
    """What its extra `testing` requires."""
    tags: tuple[str, ...] = ()
    owner: str = ""
    """Who looks after it."""
    named: tuple[str, ...] = ()
    """Requirements that nothing imports, because they are named in a text."""
    apart: tuple[str, ...] = ()
    """Folders of its modules that do not travel with those who use it."""
    public: tuple[str, ...] = ()
    """Patterns of the modules that are public beside the package itself."""
    tested_with: TestDeclaration = TestDeclaration()

    @property
    def name(self) -> str:
        """The name that code imports, which is the folder's."""
        return self.folder.name

    @property
    def host(self) -> str:
        """The name under which others reach a service; underscores are no part of a host's name."""
        return self.name.replace("_", "-")

    @property
    def has_tables(self) -> bool:
        """Whether a service keeps something in the database."""
        return (self.sources / "migrations").is_dir()

    @property
    def is_composition(self) -> bool:
        """Whether it runs the other services in its own process."""
        return "kind:composition" in self.tags

    @property
    def folder(self) -> Path:
        """The package's folder."""
        return self.root / self.path

    @property
    def sources(self) -> Path:
        """The folder of its modules."""
        return self.folder / "src" / self.name

    @property
    def tests(self) -> Path:
        """The folder of its tests."""
        return self.folder / "tests"


def members(root: Path) -> list[Member]:
    """Give all packages below `root`, libraries first, each group by name.

    Raises WorkspaceError for a pyproject.toml that lacks something.
    """
    return [
        _member(root, file.parent.relative_to(root).as_posix(), tomllib.loads(file.read_text(encoding="utf-8")))
        for group in GROUPS
        for file in sorted((root / group).glob("*/pyproject.toml"))
    ]


def services(root: Path) -> list[Member]:
    """Give the packages that declare a service, by name."""
    return [member for member in members(root) if member.service is not None]


def apart(services: Sequence[Member]) -> list[Member]:
    """Give the services that are there where each runs for itself: all but the one that holds the others."""
    return [service for service in services if not service.is_composition]


def chosen(root: Path, names: Sequence[str]) -> list[Member]:
    """Give the packages named by folder or import name, or all when none is named.

    Raises WorkspaceError for a name that no package has.
    """
    everything = members(root)
    if not names:
        return everything
    found = {key: member for member in everything for key in (member.name, member.path)}
    unknown = [name for name in names if name.rstrip("/") not in found]
    if unknown:
        raise WorkspaceError(
            f'No package is called "{unknown[0]}". There are: {", ".join(member.path for member in everything)}'
        )
    return [found[name.rstrip("/")] for name in names]


def requirements(member: Member) -> tuple[str, ...]:
    """Give the requirements of a package as it declares them, with their ranges."""
    declared = tomllib.loads((member.folder / "pyproject.toml").read_text(encoding="utf-8"))
    return _texts(_table(declared, "project", member.path), "dependencies", member.path, optional=True)


def _member(root: Path, path: str, declared: Mapping[str, object]) -> Member:
    project = _table(declared, "project", path)
    purser = _table(_table(declared, "tool", path, optional=True), "purser", path, optional=True)
    service = purser.get("service")
    return Member(
        root=root,
        path=path,
        distribution=_text(project, "name", path),
        version=_text(project, "version", path),
        description=_text(project, "description", path),
        service=_service(service, path) if isinstance(service, dict) else None,
        dependencies=_distributions(_texts(project, "dependencies", path, optional=True)),
        testing=_distributions(
            _texts(_table(project, "optional-dependencies", path, optional=True), "testing", path, optional=True)
        ),
        tags=_texts(purser, "tags", path, optional=True),
        owner=str(purser.get("owner", "")),
        named=_texts(purser, "named", path, optional=True),
        apart=_texts(purser, "apart", path, optional=True),
        public=_texts(purser, "public", path, optional=True),
        tested_with=tests_declared(_table(purser, "tests", path, optional=True), path),
    )


def tests_declared(table: Mapping[str, object], path: str) -> TestDeclaration:
    """Read a table [tool.purser.tests]. Raises WorkspaceError for an entry that is no list of texts."""
    known = {field.name for field in fields(TestDeclaration)}
    for key in table.keys() - known:
        raise WorkspaceError(
            f'{path}/pyproject.toml: [tool.purser.tests] has no entry "{key}"; there are {", ".join(sorted(known))}'
        )
    return TestDeclaration(**{name: _texts(table, name, path, optional=True) for name in known})


def _service(table: Mapping[str, object], path: str) -> ServiceDeclaration:
    port = table.get("port")
    if not isinstance(port, int):
        raise WorkspaceError(f"{path}/pyproject.toml: [tool.purser.service] needs a `port`, a whole number")
    return ServiceDeclaration(
        port=port,
        prefixes=_texts(table, "prefixes", path),
        factory=_text(table, "import", path),
        calls=_texts(table, "calls", path),
        memory=_quantity(table, "memory", ServiceDeclaration.memory, path),
        scratch=_quantity(table, "scratch", ServiceDeclaration.scratch, path),
    )


def _quantity(table: Mapping[str, object], key: str, default: str, path: str) -> str:
    value = str(table.get(key, default))
    if not _QUANTITY.fullmatch(value):
        raise WorkspaceError(f'{path}/pyproject.toml: [tool.purser.service] `{key}` is "{value}"; write 512Mi or 2Gi')
    return value


def _distributions(requirements: Sequence[str]) -> tuple[str, ...]:
    return tuple(canonicalize_name(Requirement(text).name) for text in requirements)


def _table(table: Mapping[str, object], key: str, path: str, *, optional: bool = False) -> Mapping[str, object]:
    value = table.get(key, {} if optional else None)
    if not isinstance(value, dict):
        raise WorkspaceError(f"{path}/pyproject.toml: the table [{key}] is missing")
    return value


def _text(table: Mapping[str, object], key: str, path: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise WorkspaceError(f"{path}/pyproject.toml: `{key}` is missing or not a text")
    return value


def _texts(table: Mapping[str, object], key: str, path: str, *, optional: bool = False) -> tuple[str, ...]:
    value = table.get(key, [] if optional else None)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WorkspaceError(f"{path}/pyproject.toml: `{key}` is missing or no list of texts")
    return tuple(value)
