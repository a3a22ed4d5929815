"""Processor time: what a program costs, whatever else the machine does meanwhile. Reads Linux's `/proc`."""

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Clock:
    """Processor time of this process and, where there is one, of PostgreSQL's processes."""

    def __init__(self, postmaster: int | None) -> None:
        self._postmaster = postmaster

    def now(self) -> float:
        """The seconds so far."""
        return time.process_time() + self.of_servers()

    def of_servers(self) -> float:
        """The seconds of PostgreSQL's processes so far."""
        if self._postmaster is None:
            return 0.0
        listed = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children").read_text().split()
        ended = Path(f"/proc/{self._postmaster}/stat").read_text().rpartition(")")[2].split()[13:15]
        return sum(map(self._of_server, [self._postmaster, *map(int, listed)])) + sum(map(int, ended)) / TICKS

    @staticmethod
    def _of_server(process: int) -> float:
        try:
            return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
        except FileNotFoundError:
            return 0.0


def postmaster_of(folder: Path) -> int:
    """The process of the PostgreSQL server that keeps its files in a folder."""
    return int((folder / "postmaster.pid").read_text().split()[0])
