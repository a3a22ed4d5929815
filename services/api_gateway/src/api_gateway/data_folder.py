"""The data folder belongs to one running Purser at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = "purser.lock"


class DataFolderError(Exception):
    """The data folder cannot be used; the message names it, the reason and the way out."""


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Create `folder` (private to its owner) where it is missing and keep other Pursers out of it.

    The operating system gives the lock back when the process ends, however it ends: a killed Purser leaves nothing to
    clean up.

    Raises:
        DataFolderError: another Purser holds the folder, or it cannot be created, written or locked.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataFolderError(
            f"data folder {folder}: {error.strerror or error}. Name a folder that you may write to in PURSER_DATA_DIR."
        ) from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
        raise DataFolderError(
            f"data folder {folder} is in use by another Purser{f' (process {holder})' if holder else ''}. "
            "Stop that one first, or name another folder in PURSER_DATA_DIR."
        ) from error
    except OSError as error:
        raise DataFolderError(
            f"data folder {folder} cannot be locked ({error.strerror}), as some network folders cannot. "
            "Name one on a disk of this machine in PURSER_DATA_DIR."
        ) from error
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
