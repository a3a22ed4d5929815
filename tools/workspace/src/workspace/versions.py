"""Released versions, as tags `package@version` of the repository tell, and what a change asks of the next one."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from workspace.contracts import Weight
from workspace.errors import WorkspaceError


@dataclass(frozen=True)
class Release:
    """A version of a package that a tag names."""

    package: str
    version: Version

    @property
    def tag(self) -> str:
        """The name of its tag."""
        return f"{self.package}@{self.version}"


def last_release(root: Path, package: str) -> Release | None:
    """Give the highest version of a package that a tag below HEAD names, None when it was never released."""
    listed = subprocess.run(
        ["git", "tag", "--list", f"{package}@*", "--merged", "HEAD"],
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
    )
    found = []
    for tag in listed.stdout.split():
        try:
            found.append(Release(package, Version(tag.partition("@")[2])))
        except InvalidVersion as error:
            raise WorkspaceError(f'The tag "{tag}" names no version: {error}') from error
    return max(found, key=lambda release: release.version, default=None)


def bump(before: Version, after: Version) -> Weight | None:
    """Give how much a step between versions announces, None when it is none.

    Below 1.0 the second number stands for the first, as the ranges `>=0.1,<0.2` of the packages say.

    >>> bump(Version("0.1.0"), Version("0.2.0")), bump(Version("1.4.0"), Version("1.4.1"))
    (<Weight.BREAK: 2>, <Weight.FIX: 0>)
    """
    if after <= before:
        return None
    if after.major > before.major or (before.major == 0 and after.minor > before.minor):
        return Weight.BREAK
    if after.minor > before.minor or before.major == 0:
        return Weight.ADDITION
    return Weight.FIX


def following(version: Version, weight: Weight) -> Version:
    """Give the lowest version that announces a change of that weight.

    >>> str(following(Version("0.1.0"), Weight.BREAK)), str(following(Version("1.4.2"), Weight.ADDITION))
    ('0.2.0', '1.5.0')
    """
    major, minor, micro = version.major, version.minor, version.micro
    if major == 0:
        return Version(f"0.{minor + 1}.0" if weight is Weight.BREAK else f"0.{minor}.{micro + 1}")
    if weight is Weight.BREAK:
        return Version(f"{major + 1}.0.0")
    return Version(f"{major}.{minor + 1}.0" if weight is Weight.ADDITION else f"{major}.{minor}.{micro + 1}")
