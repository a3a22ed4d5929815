"""A full disk as what it is to a client: no fault of the request, and nothing was stored."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from api_common.problems import InsufficientStorage

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def room_on_disk() -> Iterator[None]:
    """Raise InsufficientStorage where a temporary file finds no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise InsufficientStorage("The server's disk for temporary files is full. Nothing was stored.") from error
