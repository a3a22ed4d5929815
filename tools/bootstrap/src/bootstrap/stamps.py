"""Stamps: what a finished step was made from, so that a repeated run does nothing."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(files: Iterable[Path] = (), texts: Iterable[str] = ()) -> str:
    """Give one hash over the texts, and over the names and contents of the files; a missing file counts as empty."""
    total = hashlib.sha256()
    for text in texts:
        total.update(text.encode() + b"\0")
    for file in sorted(files):
        content = file.read_bytes() if file.is_file() else b""
        total.update(str(file).encode() + b"\0" + hashlib.sha256(content).digest())
    return total.hexdigest()


class Stamp:
    """The record of one finished step."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def matches(self, inputs: str, outputs: Iterable[Path]) -> bool:
        """Tell whether the step was finished from these inputs and everything it made is still there."""
        return self._file.is_file() and self._file.read_text() == inputs and all(output.exists() for output in outputs)

    def write(self, inputs: str) -> None:
        """Record that the step was finished from these inputs."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(inputs)

    def clear(self) -> None:
        """Forget the step, before it is begun anew: an interrupted one must not look finished."""
        self._file.unlink(missing_ok=True)
