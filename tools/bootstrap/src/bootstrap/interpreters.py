"""Finding the Python 3.9 that Pants itself runs on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bootstrap.commands import run, say
from bootstrap.errors import BootstrapError

_ASK_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_MISSING = (
    "Pants needs Python 3.9 to run itself (your code runs on Python 3.11), and none was found: not as `python3.9` on "
    "the PATH, not below {pyenv}, and it could not be downloaded.\n"
    "Install it (for example: pyenv install 3.9), or install the official `pants` launcher. "
    "Then run the same command again."
)


def python39(uv: Path) -> Path:
    """Give a CPython 3.9 that runs; downloads one by uv as the last resort.

    Raises BootstrapError when there is none.
    """
    for candidate in installed():
        if version_of(candidate) == "3.9":
            return candidate
    say("  No Python 3.9 on this machine: downloading one")
    try:
        run([uv, "python", "install", "3.9"], "Downloading Python 3.9")
        found = subprocess.run(
            [uv, "python", "find", "--managed-python", "3.9"], capture_output=True, text=True, check=True
        )
    except (BootstrapError, subprocess.CalledProcessError) as error:
        raise BootstrapError(_MISSING.format(pyenv=pyenv_versions())) from error
    return Path(found.stdout.strip())


def installed() -> Iterator[Path]:
    """Give the places where a Python 3.9 may be, best first; a pyenv shim among them may exist and not run."""
    on_path = shutil.which("python3.9")
    if on_path:
        yield Path(on_path)
    yield from sorted(pyenv_versions().glob("3.9.*/bin/python3.9"), reverse=True)


def pyenv_versions() -> Path:
    """Give the folder in which pyenv keeps its interpreters."""
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"


def version_of(python: Path) -> str | None:
    """Give `major.minor` of an interpreter, or None when it does not run."""
    try:
        answer = subprocess.run([python, "-c", _ASK_VERSION], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
