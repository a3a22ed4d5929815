"""The PostgreSQL that tests run on ends with them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HOLDER = """
import sys
from api_common.testing.databases import running_postgres
with running_postgres() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def start() -> tuple[subprocess.Popen[str], Path, int]:
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    folder = Path(parse_qs(urlsplit(holder.stdout.readline().strip()).query)["host"][0])
    return holder, folder, int((folder / "postmaster.pid").read_text().partition("\n")[0])


def is_there(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def ends(folder: Path, process: int) -> bool:
    deadline = time.monotonic() + 30
    while folder.exists() or is_there(process):
        if time.monotonic() > deadline:
            return False
    return True


def test_it_ends_with_the_tests_however_they_end() -> None:
    for how in (signal.SIGKILL, signal.SIGINT):
        holder, folder, process = start()
        assert folder.is_dir()
        assert is_there(process)
        holder.send_signal(how)
        holder.communicate(timeout=60)
        assert ends(folder, process)
