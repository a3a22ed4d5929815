"""The images of the services, built by Pants with whatever engine there is: `make images`."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from workspace import git
from workspace.engine import Engine, base_image
from workspace.errors import WorkspaceError
from workspace.members import Member


def build(root: Path, engine: Engine, services: Sequence[Member]) -> None:
    """Build the image of each service. Raises WorkspaceError when Pants fails; it has then said why."""
    arguments = [f"BASE_IMAGE={base_image(root)}", f"REVISION={git.revision(root)}"]
    variables = {
        **os.environ,
        "PANTS_DOCKER_EXECUTABLE_SEARCH_PATHS": str([str(engine.path.parent)]),
        "PANTS_DOCKER_ENV_VARS": str([f"HOME={os.environ.get('HOME', '/')}", f"PATH={os.environ['PATH']}"]),
        "PANTS_DOCKER_BUILD_ARGS": str(arguments),
    }
    # The daemon would remember an engine of another day.
    command: list[str | Path] = [
        root / "pants",
        "--no-pantsd",
        "package",
        *(f"{service.path}:image" for service in services),
    ]
    if subprocess.run(command, cwd=root, env=variables, check=False).returncode != 0:
        raise WorkspaceError("The images could not be built; see above.")


def image(service: Member) -> str:
    """Give the name of a service's image; the one that embeds the others is called after the platform."""
    return "purser" if service.is_composition else f"purser-{service.host}"
