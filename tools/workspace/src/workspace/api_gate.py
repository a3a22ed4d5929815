"""The gate before a release: a break or an addition of a public face must show in the version, or be waived."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from workspace.contracts import ContractChange, Weight, contract_changes
from workspace.errors import WorkspaceError
from workspace.git import laid_out
from workspace.library_face import face_changes, loaded
from workspace.members import Member
from workspace.versions import Release, bump, following, last_release

WAIVERS = "api-waivers.toml"


@dataclass(frozen=True)
class Judgement:
    """What changed in the public face of a package since its last release, waived changes left out."""

    package: Member
    released: Release
    changes: tuple[ContractChange, ...]
    unused_waivers: tuple[str, ...] = ()

    @property
    def needed(self) -> Weight:
        """What the changes ask of the version."""
        return max((change.weight for change in self.changes), default=Weight.FIX)

    def problems(self) -> list[str]:
        """Give a message for each change that the version does not announce, and for each waiver of nothing."""
        announced = bump(self.released.version, Version(self.package.version))
        unannounced = [c for c in self.changes if announced is None or c.weight > announced]
        found = []
        if unannounced:
            wanted = following(self.released.version, self.needed)
            listed = "\n".join(f"  {change.weight.name.lower()}: {change}" for change in unannounced)
            found.append(
                f"{self.package.path} {self.package.version} differs from {self.released.tag}; release it as {wanted}, "
                f"or say in {self.package.path}/{WAIVERS} why a change harms nobody:\n{listed}"
            )
        return found + [
            f'{self.package.path}/{WAIVERS} waives "{waiver}", which is no change' for waiver in self.unused_waivers
        ]


def judged(root: Path, packages: Sequence[Member]) -> list[Judgement]:
    """Compare each library and service with its last release; packages that were never released are left out."""
    found = []
    for package in packages:
        released = last_release(root, package.name)
        if released is None or package.path.startswith("tools/"):
            continue
        changes = (
            service_changes(root, package, released) if package.service else library_changes(root, package, released)
        )
        waived = waivers(package)
        kept = tuple(change for change in changes if str(change) not in waived)
        unused = tuple(sorted(waived.keys() - {str(change) for change in changes}))
        found.append(Judgement(package, released, kept, unused))
    return found


def library_changes(root: Path, package: Member, released: Release) -> list[ContractChange]:
    """Compare the public face of a library with the released one."""
    with laid_out(root, released.tag, f"{package.path}/src") as before:
        earlier = loaded(package.name, before / package.path / "src")
        return face_changes(earlier, loaded(package.name, package.folder / "src"), package.public)


def service_changes(root: Path, package: Member, released: Release) -> list[ContractChange]:
    """Compare the published OpenAPI document of a service with the released one."""
    name = f"{package.path}/openapi.json"
    with laid_out(root, released.tag, name) as before:
        earlier = json.loads((before / name).read_text(encoding="utf-8"))
    return contract_changes(earlier, json.loads((root / name).read_text(encoding="utf-8")))


def waivers(package: Member) -> dict[str, str]:
    """Give the waived changes of a package with their reasons.

    Raises WorkspaceError for an entry without `change` or `reason`.
    """
    file = package.folder / WAIVERS
    if not file.is_file():
        return {}
    found = {}
    for entry in tomllib.loads(file.read_text(encoding="utf-8")).get("waiver", []):
        change, reason = entry.get("change"), entry.get("reason")
        if not change or not reason:
            raise WorkspaceError(f"{package.path}/{WAIVERS}: every [[waiver]] needs `change` and `reason`")
        found[str(change)] = str(reason)
    return found
