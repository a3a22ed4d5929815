"""Log lines gathered in memory and written by a thread, so that no request waits for the terminal or a slow pipe."""

import atexit
import contextlib
import sys
import threading
import time
from collections import deque

FLUSH_SECONDS = 0.1
MOST_LINES = 50_000
"""So many lines wait at most; when nobody reads them, the oldest are lost and not the process."""


class LineWriter:
    """Writes lines to standard error at most `FLUSH_SECONDS` after they were given, in their order."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._lost = 0
        self._wake = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def write(self, line: str) -> None:
        """Take one line, without its line end."""
        self._lost += len(self._lines) == MOST_LINES
        self._lines.append(line)
        if not self._wake.is_set():
            self._start()
            self._wake.set()

    def flush(self) -> None:
        """Write what was gathered so far."""
        with self._writing:
            # Taken one by one: a line that another thread adds meanwhile is in this batch or in the next, never lost.
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if not lines:
                return
            if self._lost:
                lines.insert(0, f'{{"level":"warning","event":"log_lines_lost","lines":{self._lost}}}')
                self._lost = 0
            # A reader that went away, or a test's closed capture, must not take the service down.
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write("\n".join(lines) + "\n")
                sys.stderr.flush()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(FLUSH_SECONDS)
            self._wake.clear()
            self.flush()


writer = LineWriter()
atexit.register(writer.flush)
