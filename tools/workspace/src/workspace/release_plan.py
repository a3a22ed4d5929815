"""Which packages a release would publish, under which version, and why. Nothing is written here.

Each change of a package is told to its users by a fragment, `changes/+<what>.<kind>.md` below the package. The kinds
and what the public face says decide the version; a dependent is released only where its range excludes the new version
of what it needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from workspace.api_gate import Judgement, judged
from workspace.contracts import Weight
from workspace.errors import WorkspaceError
from workspace.git import differs_from
from workspace.members import Member, members, requirements
from workspace.versions import following, last_release

FRAGMENTS = "changes"


class Kind(StrEnum):
    """What a fragment tells of."""

    BREAKING = "breaking"
    ADDED = "added"
    FIXED = "fixed"


WEIGHTS = {Kind.BREAKING: Weight.BREAK, Kind.ADDED: Weight.ADDITION, Kind.FIXED: Weight.FIX}


@dataclass
class Step:
    """One package of the plan. `ranges` are the requirements on other packages that have to be widened."""

    package: Member
    before: Version | None
    after: Version
    reasons: list[str] = field(default_factory=list)
    ranges: dict[str, str] = field(default_factory=dict)


def release_plan(root: Path) -> list[Step]:
    """Plan the next release from the state of the working folder, libraries before their dependents.

    Raises WorkspaceError for a fragment of an unknown kind, and for a package that changed since its last release
    without telling so.
    """
    packages = [package for package in members(root) if not package.path.startswith("tools/")]
    faces = {judgement.package.name: judgement for judgement in judged(root, packages)}
    steps: dict[str, Step] = {}
    for package in packages:
        step = _own_step(root, package, faces.get(package.name))
        if step is not None:
            steps[package.name] = step
    _widen(packages, steps)
    return [steps[package.name] for package in _in_order(packages) if package.name in steps]


def as_table(plan: Sequence[Step]) -> str:
    """Give the plan as a table."""
    if not plan:
        return "Nothing to release: no package has fragments in changes/ or a dependency out of its range."
    rows = [("package", "from", "to", "because")]
    for step in plan:
        ranges = [f"needs {name}{specifier}" for name, specifier in step.ranges.items()]
        because = "; ".join([*step.reasons, *ranges])
        rows.append((step.package.path, str(step.before or "-"), str(step.after), because))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    )


def fragments(package: Member) -> dict[Path, Kind]:
    """Give the fragments of a package with their kinds. Raises WorkspaceError for a kind that is not known."""
    found = {}
    for file in sorted((package.folder / FRAGMENTS).glob("*.md")):
        kind = file.name.removesuffix(".md").rpartition(".")[2]
        if kind not in set(Kind):
            raise WorkspaceError(
                f"{file.relative_to(package.root)}: name it +<what>.<kind>.md, with one of the kinds {', '.join(Kind)}"
            )
        found[file] = Kind(kind)
    return found


def _own_step(root: Path, package: Member, face: Judgement | None) -> Step | None:
    released = last_release(root, package.name)
    told = fragments(package)
    if released is None:
        return Step(package, None, Version(package.version), ["first release"])
    if Version(package.version) > released.version:
        return Step(package, released.version, Version(package.version), ["version set by hand"])
    counts = {kind: list(told.values()).count(kind) for kind in Kind}
    reasons = [f"{count} {kind}" for kind, count in counts.items() if count]
    if not told:
        changed = differs_from(root, released.tag, [f"{package.path}/src", f"{package.path}/pyproject.toml"])
        if not changed:
            return None
        raise WorkspaceError(
            f"{package.path} changed since {released.tag} ({changed[0]}), and nothing tells its users: add "
            f"{package.path}/{FRAGMENTS}/+<what>.<kind>.md with one of the kinds {', '.join(Kind)}"
        )
    weight = max(WEIGHTS[kind] for kind in told.values())
    if face is not None and face.needed > weight:
        weight = face.needed
        reasons.append(f"its public face has a change that is {'a break' if weight is Weight.BREAK else 'an addition'}")
    return Step(package, released.version, following(released.version, weight), reasons)


def _widen(packages: Sequence[Member], steps: dict[str, Step]) -> None:
    """Widen the ranges that exclude a planned version, and plan the dependents that have to say so."""
    waiting = [step.package for step in steps.values()]
    while waiting:
        needed = waiting.pop(0)
        version = steps[needed.name].after
        for package in packages:
            specifier = _range(package, needed)
            if specifier is None or version in SpecifierSet(specifier):
                continue
            step = steps.get(package.name)
            if step is None:
                before = Version(package.version)
                step = steps[package.name] = Step(package, before, following(before, Weight.FIX))
                waiting.append(package)
            step.ranges[needed.distribution] = widened(specifier, version)


def widened(specifier: str, version: Version) -> str:
    """Give a range that begins as the earlier one did and ends before the next break after `version`.

    >>> widened(">=0.1,<0.2", Version("0.2.0"))
    '>=0.1,<0.3'
    """
    lower = sorted(str(part) for part in SpecifierSet(specifier) if part.operator in {">=", ">", "=="})
    end = following(version, Weight.BREAK)
    bound = f"{end.major}.{end.minor}" if end.major == 0 else str(end.major)
    kept = [part.replace("==", ">=") for part in lower] or [f">={version}"]
    return ",".join([*kept, f"<{bound}"])


def _range(package: Member, needed: Member) -> str | None:
    for text in requirements(package):
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == needed.distribution:
            return str(requirement.specifier)
    return None


def _in_order(packages: Sequence[Member]) -> list[Member]:
    """Order packages so that each comes after what it depends on."""
    left: Mapping[str, Member] = {package.distribution: package for package in packages}
    ordered: list[Member] = []
    done: set[str] = set()

    def visit(package: Member) -> None:
        if package.distribution in done:
            return
        done.add(package.distribution)
        for name in package.dependencies:
            if name in left:
                visit(left[name])
        ordered.append(package)

    for package in packages:
        visit(package)
    return ordered
