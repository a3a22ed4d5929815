"""The lists of packages inside pyproject.toml files: which packages there are is said once, by their folders.

The root's file lists all packages for uv and all services for import-linter; the composition lists the services that it
embeds. `make sync` keeps these lists; everything else in the files, comments included, stays as it is.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from tomlkit.items import Array

from workspace.members import Member, members
from workspace.release_plan import widened

LAYERS = "layers"
"""The contract of import-linter that holds in every service."""

_SOURCES = "[tool.uv.sources]"
_OURS = "purser-"
_LONGEST = 100


def declarations(root: Path, found: Sequence[Member]) -> Iterator[tuple[Path, str]]:
    """Give every pyproject.toml that lists other packages: its path, and its text with the lists as they must be."""
    yield root / "pyproject.toml", _root(root, found)
    for member in found:
        if member.is_composition:
            yield member.folder / "pyproject.toml", _composition(member, found)


def keep(root: Path) -> list[str]:
    """Write the lists that are not as they must be, and give the paths of their files."""
    written = []
    for path, text in declarations(root, members(root)):
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path.relative_to(root).as_posix())
    return written


def range_of(member: Member) -> str:
    """Give the range in which a package that is made today requires another: from its minor version to its next break.

    >>> range_of(Member(Path(), "libs/config", "purser-config", "1.4.2", ""))
    '>=1.4,<2'
    """
    version = Version(member.version)
    return widened(f">={version.major}.{version.minor}", version)


def _root(root: Path, found: Sequence[Member]) -> str:
    document: Any = tomlkit.parse(_with_sources((root / "pyproject.toml").read_text(encoding="utf-8"), found))
    linter = document.get("tool", {}).get("importlinter")
    if linter is not None:
        services = [member.name for member in found if member.service is not None]
        _adjust(linter["root_packages"], services)
        for contract in linter.get("contracts", []):
            if contract["id"] == LAYERS:
                _adjust(contract["containers"], services)
    return tomlkit.dumps(document)


def _with_sources(text: str, found: Sequence[Member]) -> str:
    """Let [tool.uv.sources] name every package. tomlkit would add lines below the comment of the next table."""
    before, head, rest = text.partition(f"{_SOURCES}\n")
    block, end, after = rest.partition("\n\n")
    lines = {line.partition(" ")[0]: line for line in block.splitlines()}
    names = [member.distribution for member in found]
    kept = [line for name, line in lines.items() if name in names or not name.startswith(_OURS)]
    kept += [f"{name} = {{ workspace = true }}" for name in names if name not in lines]
    return before + head + "\n".join(kept) + end + after if head else text


def _composition(composition: Member, found: Sequence[Member]) -> str:
    document: Any = tomlkit.parse((composition.folder / "pyproject.toml").read_text(encoding="utf-8"))
    embedded = [member for member in found if member.service is not None and member is not composition]
    required = document["project"].get("dependencies", tomlkit.array())
    declared = {canonicalize_name(Requirement(text).name): text for text in required}
    names = {member.distribution for member in found}
    kept = [text for name, text in declared.items() if name in names or not name.startswith(_OURS)]
    new = [member for member in embedded if member.distribution not in declared]
    _adjust(required, [*kept, *(f"{member.distribution}{range_of(member)}" for member in new)])
    purser = document["tool"]["purser"]
    for table, key in (("service", "calls"), ("tests", "starts")):
        _adjust(purser.get(table, {}).get(key, tomlkit.array()), [member.name for member in embedded])
    return tomlkit.dumps(document)


def _adjust(listed: Array, wanted: Sequence[str]) -> None:
    """Take out what is not wanted and add what is missing; what stays keeps its place, its line and its comment."""
    for gone in [entry for entry in listed if entry not in wanted]:
        listed.remove(gone)
    for entry in wanted:
        if entry not in listed:
            listed.append(entry)
    if len(listed.as_string()) > _LONGEST and "\n" not in listed.as_string():
        listed.multiline(True)
