import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from api_gateway.data_folder import DataFolderError, hold


def test_a_folder_held_by_one_process_is_refused_to_another_and_free_after_a_kill(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from api_gateway.data_folder import hold\n"
            "with hold(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        with pytest.raises(DataFolderError) as refusal, hold(tmp_path):
            pass
    finally:
        holder.kill()
        holder.communicate()

    assert str(refusal.value) == (
        f"data folder {tmp_path} is in use by another Purser (process {holder.pid}). "
        "Stop that one first, or name another folder in PURSER_DATA_DIR."
    )
    with hold(tmp_path):
        assert (tmp_path / "purser.lock").read_text() == f"{os.getpid()}\n"


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with hold(folder):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_path_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(DataFolderError, match=f"data folder {taken}: .* PURSER_DATA_DIR"), hold(taken):
        pass


def test_a_folder_that_cannot_be_locked_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", without_locks)
    with pytest.raises(DataFolderError, match=r"cannot be locked .* on a disk of this machine"), hold(tmp_path):
        pass
