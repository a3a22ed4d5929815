"""The folders and files of the checkout that the bootstrap reads and makes."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkout:
    """A checkout of the repository, by its root folder."""

    root: Path

    @property
    def tools(self) -> Path:
        """The ignored folder of everything that is not the project's own environment."""
        return self.root / ".tools"

    @property
    def environment(self) -> Path:
        """The project's virtual environment."""
        return self.root / ".venv"

    @property
    def uv(self) -> Path:
        """The uv of the workspace."""
        return self.tools / "python" / "bin" / "uv"

    def stamp(self, step: str) -> Path:
        """Give the file that records a finished step."""
        return self.tools / "stamps" / step

    def declarations(self) -> list[Path]:
        """Give every file that decides what the environment holds."""
        members = [
            folder / "pyproject.toml"
            for group in ("libs", "services", "tools")
            for folder in sorted((self.root / group).glob("*"))
        ]
        return [self.root / "uv.lock", self.root / "pyproject.toml", self.root / ".python-version", *members]

    def official_pants(self) -> Path | None:
        """Give a `pants` launcher on the PATH that is not this checkout's own script."""
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            launcher = Path(folder) / "pants"
            own = launcher.resolve() == self.root / "pants" or self.environment in launcher.parents
            if folder and not own and launcher.is_file() and os.access(launcher, os.X_OK):
                return launcher
        return None
