"""Copies of the repository, in which commands may change what they like."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace.git import copy_to


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """Copy what git tracks or would track; a Pants daemon that was started in the copy ends with it."""
    with tempfile.TemporaryDirectory(prefix="purser-copy-") as folder:
        copy = Path(folder)
        copy_to(root, copy)
        try:
            yield copy
        finally:
            for record in copy.glob(".pids/*/pantsd/pid"):
                os.kill(int(record.read_text()), signal.SIGKILL)
