"""The graph of Pants: every target with its files and what it depends on."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workspace.errors import WorkspaceError

TESTS = frozenset({"python_test"})
VISIBILITY = "pants.backend.experimental.visibility"
ARTEFACTS = frozenset({"pex_binary", "docker_image", "python_distribution"})


@dataclass(frozen=True)
class Target:
    """A target of Pants. `requirements` is set for third-party requirements only."""

    address: str
    kind: str
    files: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder whose BUILD file declares the target, or that its file is in; empty at the root."""
        path = self.address.removeprefix("//").partition(":")[0].partition("#")[0]
        return str(Path(path).parent) if self.files and path in self.files else path


def targets(root: Path, *, launcher: Path | None = None, refuse_forbidden: bool = True) -> dict[str, Target]:
    """Ask Pants for all targets, by address; dependencies against the visibility rules are refused, unless told not to.

    Raises WorkspaceError with what Pants says when it cannot tell.
    """
    lenient = (
        []
        if refuse_forbidden
        else [f"--backend-packages=-['{VISIBILITY}']", "--python-infer-unowned-dependency-behavior=ignore"]
    )
    command = [str(launcher or root / "pants"), *lenient, "peek", "::"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    if done.returncode != 0:
        raise WorkspaceError(f"`pants peek ::` fails, so nobody can tell what depends on what:\n{done.stderr.strip()}")
    return {target.address: target for target in _parsed(json.loads(done.stdout))}


def _parsed(listed: Iterable[Mapping[str, object]]) -> Iterable[Target]:
    for item in listed:
        yield Target(
            address=str(item["address"]),
            kind=str(item["target_type"]),
            files=_texts(item.get("sources")),
            depends_on=_texts(item.get("dependencies")),
            requirements=_texts(item.get("requirements")) if item["target_type"] == "python_requirement" else (),
        )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(entry) for entry in value) if isinstance(value, list) else ()
