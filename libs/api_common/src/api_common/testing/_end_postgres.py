"""Ends a test's PostgreSQL whose tests were killed: `python _end_postgres.py <folder>`, with a pipe from them as input.

A process of its own, since a killed one cleans nothing up; it imports nothing of ours, to be there at once.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

LONGEST_END_SECONDS = 10.0


def end(folder: Path) -> None:
    """Stop the server of a folder, if it still runs, and remove the folder."""
    with contextlib.suppress(OSError, ValueError):
        process = int((folder / "postmaster.pid").read_text(encoding="ascii").partition("\n")[0])
        os.kill(process, signal.SIGQUIT)
        deadline = time.monotonic() + LONGEST_END_SECONDS
        while time.monotonic() < deadline:
            os.kill(process, 0)  # raises once it has ended
            time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    # Ctrl-C is for the tests, which clean up after themselves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The other end of the pipe closes when the tests end, however they do.
    sys.stdin.read()
    end(Path(sys.argv[1]))
