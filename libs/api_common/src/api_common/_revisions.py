"""What the files of a chain of migrations say, read without Alembic, whose import would slow down every start."""

import re
from importlib.util import find_spec
from pathlib import Path

_REVISION = re.compile(r"^revision\b[^=]*=\s*[\"'](\w+)[\"']", re.MULTILINE)
_DOWN_REVISION = re.compile(r"^down_revision\b[^=]*=(.*)$", re.MULTILINE)
_ID = re.compile(r"[\"'](\w+)[\"']")


class MigrationError(Exception):
    """A migration cannot run; the text says why and what to do."""


def versions_folder(package: str) -> Path:
    """Give the folder of a service's revisions. Raises MigrationError when the package is missing."""
    try:
        found = find_spec(package)
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise MigrationError(
            f"The package {package} with the migrations is missing. Make it, with a folder `versions`."
        )
    return Path(found.submodule_search_locations[0]) / "versions"


def heads_of(versions: Path) -> set[str]:
    """Give the revisions that no other one follows; one, unless two branches were merged carelessly."""
    sources = [file.read_text(encoding="utf-8") for file in versions.glob("*.py")]
    revisions = {found for source in sources for found in _REVISION.findall(source)}
    followed = {found for source in sources for line in _DOWN_REVISION.findall(source) for found in _ID.findall(line)}
    return revisions - followed
