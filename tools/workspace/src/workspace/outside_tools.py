"""The programs that the bootstrap has installed below the checkout."""

from pathlib import Path

from workspace.errors import WorkspaceError


def tool(root: Path, name: str) -> str:
    """Give the path of a program, such as `uv` or `pex3`. Raises WorkspaceError when it is not there."""
    path = root / ".tools" / "python" / "bin" / name
    if not path.is_file():
        raise WorkspaceError(f"{path} is missing: run `make dev-install`")
    return str(path)
