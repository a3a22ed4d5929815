"""Which third-party distributions a change of uv.lock touches, and which others require them."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Locked:
    """One lock: what is pinned of each distribution, and what each requires; the workspace's own are left out."""

    pins: Mapping[str, str]
    requires: Mapping[str, frozenset[str]]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class LockChange:
    """A distribution whose pin differs: another version, other files, or there in one of the two locks only."""

    distribution: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """Give the change in words."""
        if self.before == self.after:
            return f"{self.distribution} {self.after} comes from other files"
        return f"{self.distribution} {self.before or 'added as'} -> {self.after or 'removed'}"


@dataclass(frozen=True)
class LockChanges:
    """The changes between two locks, and for each distribution what requires it in either of them."""

    changes: tuple[LockChange, ...] = ()
    required_by: Mapping[str, frozenset[str]] = field(default_factory=dict)


def locked(text: str) -> Locked:
    """Read a uv.lock; an empty text is a lock of nothing."""
    pins: dict[str, list[str]] = {}
    requires: dict[str, set[str]] = {}
    versions: dict[str, list[str]] = {}
    for package in tomllib.loads(text).get("package", []):
        source = package.get("source", {})
        if "editable" in source or "virtual" in source:
            continue
        name = canonicalize_name(package["name"])
        pins.setdefault(name, []).append(repr(sorted(package.items())))
        versions.setdefault(name, []).append(package.get("version", ""))
        listed = [*package.get("dependencies", [])]
        for extra in package.get("optional-dependencies", {}).values():
            listed += extra
        requires.setdefault(name, set()).update(canonicalize_name(required["name"]) for required in listed)
    return Locked(
        {name: "\n".join(sorted(texts)) for name, texts in pins.items()},
        {name: frozenset(names) for name, names in requires.items()},
        {name: ", ".join(sorted(found)) for name, found in versions.items()},
    )


def lock_changes(base: Locked, head: Locked) -> LockChanges:
    """Compare two locks; what requires a removed distribution is known from the earlier one."""
    names = sorted(base.pins.keys() | head.pins.keys())
    changes = [
        LockChange(name, base.versions.get(name), head.versions.get(name))
        for name in names
        if base.pins.get(name) != head.pins.get(name)
    ]
    users: dict[str, set[str]] = {}
    for lock in (base, head):
        for user, required in lock.requires.items():
            for name in required:
                users.setdefault(name, set()).add(user)
    return LockChanges(tuple(changes), {name: frozenset(found) for name, found in users.items()})


def distributions(requirements: Iterable[str]) -> list[str]:
    """Give the comparable names of requirement texts such as `SQLAlchemy[asyncio]>=2`."""
    return [canonicalize_name(Requirement(text).name) for text in requirements]
