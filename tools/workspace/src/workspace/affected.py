"""What the changes since a commit can affect, and by which chain.

Pants knows the dependents of every file that is there. It cannot know those of a file that is gone, of a lock, or of a
file that no target owns; for these the declarations of both commits, the difference of the two locks and the declared
file groups speak. What nobody can place affects everything.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workspace.errors import WorkspaceError
from workspace.file_groups import EVERYTHING, NOTHING, FileGroup, file_groups, scope
from workspace.git import Change, ChangedFile, changed_files, files_at, merge_base
from workspace.lock_changes import LockChanges, distributions, lock_changes, locked
from workspace.package_graph import DECLARATIONS, PackageGraph, package_graph
from workspace.targets import ARTEFACTS, TESTS, Target, targets

UV_LOCK = "uv.lock"
DERIVED_LOCKS = frozenset({"3rdparty/python/requirements.txt", "3rdparty/python/default.lock"})
_ALL = "everything"


@dataclass(frozen=True)
class Step:
    """One link of a chain: a file, a target, a package or a requirement, and how the link before it reaches it."""

    node: str
    how: str


@dataclass(frozen=True)
class Affected:
    """What the changes reach. `reached_from` holds, for every node reached, the step that reached it first."""

    base: str
    changes: tuple[ChangedFile, ...]
    packages: tuple[str, ...]
    tests: tuple[str, ...]
    artefacts: tuple[str, ...]
    all_tests: tuple[str, ...]
    all_artefacts: tuple[str, ...]
    reached_from: Mapping[str, Step | None] = field(repr=False)

    @property
    def everything(self) -> bool:
        """Whether a change affects the whole repository."""
        return _ALL in self.reached_from

    def chain(self, node: str) -> list[Step]:
        """Give the steps from a change to the node, an empty list when no change reaches it."""
        if node not in self.reached_from:
            return []
        steps: list[Step] = []
        step = self.reached_from[node]
        while step is not None:
            steps.append(Step(node, step.how))
            node, step = step.node, self.reached_from[step.node]
        return [Step(node, "changed"), *reversed(steps)]


@dataclass(frozen=True)
class State:
    """Everything that the answer rests on."""

    targets: Mapping[str, Target]
    base_packages: PackageGraph
    head_packages: PackageGraph
    locks: LockChanges
    groups: Sequence[FileGroup]


def affected(root: Path, base: str, *, launcher: Path | None = None) -> Affected:
    """Tell what the changes of the working folder since `base` affect. Raises WorkspaceError for an unknown base."""
    commit = merge_base(root, base)
    changes = changed_files(root, base)
    earlier = files_at(root, commit, [*DECLARATIONS, UV_LOCK])
    base_lock = earlier.pop(UV_LOCK, "")
    declarations = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for pattern in DECLARATIONS
        for path in sorted(root.glob(pattern))
    }
    lock = root / UV_LOCK
    head_lock = lock.read_text(encoding="utf-8") if lock.exists() else ""
    state = State(
        targets=targets(root, launcher=launcher),
        base_packages=package_graph(earlier),
        head_packages=package_graph(declarations),
        locks=lock_changes(locked(base_lock), locked(head_lock)),
        groups=file_groups(root),
    )
    return reach(state, changes, base=base)


def reach(state: State, changes: Sequence[ChangedFile], *, base: str) -> Affected:
    """Follow the changes through the graph, breadth first, so that every chain is a shortest one."""
    edges = _edges(state)
    reached: dict[str, Step | None] = {}
    waiting: deque[str] = deque()
    for cause, first, how in _causes(state, changes):
        reached.setdefault(cause, None)
        if first not in reached:
            reached[first] = Step(cause, how)
            waiting.append(first)
    while waiting:
        node = waiting.popleft()
        for following, how in edges.get(node, ()):
            if following not in reached:
                reached[following] = Step(node, how)
                waiting.append(following)
    return _answer(state, changes, reached, base)


def _answer(state: State, changes: Sequence[ChangedFile], reached: Mapping[str, Step | None], base: str) -> Affected:
    folders = sorted(state.head_packages.depends_on)
    owners = {state.head_packages.owner(f"{t.folder}/") for a, t in state.targets.items() if a in reached}
    tests = sorted(a for a, t in state.targets.items() if t.kind in TESTS)
    artefacts = sorted(a for a, t in state.targets.items() if t.kind in ARTEFACTS)
    return Affected(
        base=base,
        changes=tuple(changes),
        packages=tuple(folder for folder in folders if folder in owners or _package(folder) in reached),
        tests=tuple(address for address in tests if address in reached),
        artefacts=tuple(address for address in artefacts if address in reached),
        all_tests=tuple(tests),
        all_artefacts=tuple(artefacts),
        reached_from=reached,
    )


def _causes(state: State, changes: Sequence[ChangedFile]) -> Iterator[tuple[str, str, str]]:
    """For each change: its name, the first node that it reaches, and how."""
    owners: dict[str, list[str]] = {}
    for address, target in state.targets.items():
        # A generator lists the files of what it generates; dependents of one file are those of its own target.
        if len(target.files) == 1 or target.kind == "pex_binary":
            for path in target.files:
                owners.setdefault(path, []).append(address)
    paths = {file.path for file in changes}
    for file in changes:
        cause = f"{file.path} ({file.change})"
        if file.path == UV_LOCK:
            for change in state.locks.changes:
                yield f"{UV_LOCK}: {change}", _requirement(change.distribution), "is locked there"
            continue
        if file.path in DERIVED_LOCKS:
            if UV_LOCK not in paths:
                yield cause, _ALL, f"is derived from {UV_LOCK}, which did not change"
            continue
        for first, how in _first(state, file, owners.get(file.path, [])):
            yield cause, first, how


def _first(state: State, file: ChangedFile, owners: Sequence[str]) -> Iterator[tuple[str, str]]:
    declared = scope(state.groups, file.path)
    if declared == NOTHING:
        return
    if declared == EVERYTHING:
        yield _ALL, "belongs to a file group that affects all"
        return
    if declared is not None:
        yield _package(declared), "belongs to a file group that affects it"
        return
    folder = state.head_packages.owner(file.path) or state.base_packages.owner(file.path)
    declares = Path(file.path).name in {"BUILD", "pyproject.toml"}
    if owners and file.change is not Change.DELETED:
        for address in owners:
            yield address, "owns it"
    elif folder is not None and file.path.startswith(f"{folder}/tests/") and not declares:
        yield _tests(folder), "is gone or has no target, and the tests may use it"
    elif folder is not None:
        yield _package(folder), "is gone or has no target, and the package may use it"
    else:
        yield _ALL, "is in no package and in no file group"
    if owners and declares and folder is not None:
        yield _package(folder), "declares it"


def _edges(state: State) -> dict[str, list[tuple[str, str]]]:
    """What each node affects directly, and how."""
    edges: dict[str, list[tuple[str, str]]] = {}

    def add(node: str, following: str, how: str) -> None:
        edges.setdefault(node, []).append((following, how))

    for address, target in sorted(state.targets.items()):
        for dependency in target.depends_on:
            # A lock is compared by its content; as a file it would stand for every requirement.
            if dependency.partition(":")[0] not in DERIVED_LOCKS:
                add(dependency, address, "depends on it")
        for distribution in distributions(target.requirements):
            add(_requirement(distribution), address, "requires it")
        folder = state.head_packages.owner(f"{target.folder}/")
        if folder is not None:
            add(_package(folder), address, "is in the package")
            if f"{target.folder}/".startswith(f"{folder}/tests/"):
                add(_tests(folder), address, "is among the tests")
        add(_ALL, address, "is in the repository")
    for name, graph in (("at the base", state.base_packages), ("", state.head_packages)):
        for folder, dependencies in sorted(graph.depends_on.items()):
            for dependency in sorted(dependencies):
                add(_package(dependency), _package(folder), f"declares it {name}".strip())
    for folder in sorted(state.head_packages.depends_on):
        add(_ALL, _package(folder), "is in the repository")
    for distribution, users in sorted(state.locks.required_by.items()):
        for user in sorted(users):
            add(_requirement(distribution), _requirement(user), "requires it")
    return edges


def nodes_of(found: Affected, root: Path, name: str) -> list[str]:
    """Give the nodes that a person may mean by `name`: an address, a file, or a package's folder or name.

    Raises WorkspaceError when there is nothing of that name among what is reached or could be.
    """
    folders = [f"{group}/{name}" for group in ("libs", "services", "tools")]
    known = [*found.reached_from, *found.all_tests, *found.all_artefacts]
    wanted = {name, f"//{name}", _package(name.rstrip("/")), *map(_package, folders)}
    nodes = [node for node in dict.fromkeys(known) if node in wanted or node.startswith((f"{name}:", f"{name} ("))]
    if not nodes and not any((root / path).exists() for path in (name, *folders)):
        raise WorkspaceError(
            f'Nothing is called "{name}". Name a package (libs/config), a file, or an address from `make affected`.'
        )
    return nodes


def _package(folder: str) -> str:
    return f"package {folder}"


def _tests(folder: str) -> str:
    return f"tests of {folder}"


def _requirement(distribution: str) -> str:
    return f"requirement {distribution}"
