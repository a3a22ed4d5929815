"""A backup of the data folder, taken while Purser runs, and the way back.

    python -m api_gateway.backup create /mnt/backups/monday
    python -m api_gateway.backup check /mnt/backups/monday
    python -m api_gateway.backup restore /mnt/backups/monday

A backup is a folder with the same files and a `manifest.json`, which says what belongs to it and what each file must
hold. It appears under its name when it is whole.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from urllib.parse import quote

from api_common.server import EXIT_WRONG_SETTINGS
from config import SettingsError, load

from api_gateway._version import VERSION
from api_gateway.data_folder import LOCK_FILE, DataFolderError, hold
from api_gateway.settings import Settings

MANIFEST = "manifest.json"
_DATABASE = ".sqlite3"
# They belong to a database while it is open; what they hold is part of the copy.
_BESIDE_A_DATABASE = ("-wal", "-shm", "-journal")
_WRITER_SECONDS = 30.0
_FOR_ITS_OWNER = 0o600
_SECRET_KEY = "secret.key"  # noqa: S105


class BackupError(Exception):
    """A backup cannot be taken or used; the message names the file, the reason and the way out."""


@dataclass(frozen=True)
class Content:
    """What one file of a backup must hold."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself: the version that took it, when, and its files by name."""

    purser: str
    taken: str
    files: dict[str, Content]


def create(data: Path, backup: Path) -> Backup:
    """Copy the data folder into a folder that does not exist yet; Purser may go on writing meanwhile.

    All databases are copied as they were at one moment, give or take the milliseconds in which they are opened.

    Raises:
        BackupError: the backup exists, there is nothing to back up, or a database is damaged.
    """
    if backup.exists():
        raise BackupError(f"{backup} exists: a backup overwrites nothing. Name a folder that is not there yet.")
    databases = sorted(data.glob(f"*{_DATABASE}"))
    if not databases:
        raise BackupError(
            f"{data} holds no databases. Name the data folder in PURSER_DATA_DIR; "
            "services that run apart keep theirs in PostgreSQL, which has its own tools."
        )
    with _unfinished(backup) as folder:
        _copy_databases(databases, folder)
        for file in _other_files(data):
            _copy(file, folder / file.name)
        files = {file.name: _content(file) for file in sorted(folder.iterdir())}
        taken = Backup(VERSION, datetime.now(UTC).isoformat(timespec="seconds"), files)
        (folder / MANIFEST).write_text(json.dumps(asdict(taken), indent=2) + "\n", encoding="utf-8")
    return taken


def check(backup: Path) -> Backup:
    """Compare every file of a backup with what the manifest says of it.

    Raises:
        BackupError: naming the first file that is missing or holds something else.
    """
    try:
        read = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        found = Backup(
            read["purser"], read["taken"], {name: Content(**content) for name, content in read["files"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{backup} is no backup: its {MANIFEST} is missing or unreadable.") from error
    for name, expected in found.files.items():
        file = backup / name
        if file.parent != backup or not file.is_file():
            raise BackupError(f"{file} is missing: the backup is not whole. Use another one.")
        if _content(file) != expected:
            raise BackupError(f"{file} is not what was backed up: it is damaged or was changed. Use another backup.")
    return found


def restore(backup: Path, data: Path) -> Backup:
    """Put a backup into a data folder that is empty or does not exist.

    Raises:
        BackupError: the backup is not whole, or the folder holds something.
        api_gateway.data_folder.DataFolderError: a Purser runs on the folder, or it cannot be written.
    """
    found = check(backup)
    with hold(data):
        if there := sorted(file.name for file in data.iterdir() if file.name != LOCK_FILE):
            raise BackupError(
                f"{data} holds {there[0]} already: restore into an empty folder, or move that away first."
            )
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=data) as name:
            for file in found.files:
                _copy(backup / file, Path(name) / file)
            for file in found.files:
                (Path(name) / file).rename(data / file)
        _keep(data)
    return found


@contextmanager
def _unfinished(backup: Path) -> Iterator[Path]:
    """A folder beside the backup, which takes its name in the end; until then nothing has that name."""
    try:
        backup.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{backup.name}-", dir=backup.parent))
    except OSError as error:
        raise BackupError(f"{backup} cannot be written: {error.strerror}. Name another folder.") from error
    try:
        yield folder
        _keep(folder)
        folder.rename(backup)
        _keep(backup.parent)
    except OSError as error:
        raise BackupError(f"{backup} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_databases(databases: Sequence[Path], folder: Path) -> None:
    with ExitStack() as stack:
        # Every one is opened, and with it held as it is, before the first is copied.
        opened = [(file, stack.enter_context(closing(_as_it_is(file)))) for file in databases]
        for file, source in opened:
            try:
                verdict = _copied(source, folder / file.name)
            except sqlite3.DatabaseError as error:
                verdict = str(error)
            if verdict != "ok":
                raise BackupError(f"{file} cannot be backed up ({verdict}): keep your earlier backups.")


def _copied(source: sqlite3.Connection, target: Path) -> str:
    """Copy a database and give SQLite's verdict on the copy, `ok` or what is wrong with it."""
    with closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    target.chmod(_FOR_ITS_OWNER)
    _keep(target)
    with closing(sqlite3.connect(f"{_uri(target)}?immutable=1", uri=True)) as copy:
        return " ".join(str(copy.execute("PRAGMA quick_check(1)").fetchone()[0]).split())


def _as_it_is(file: Path) -> sqlite3.Connection:
    """Open a database and keep seeing it as it is at this moment, whatever is written afterwards."""
    connection = sqlite3.connect(f"{_uri(file)}?mode=rw", uri=True, timeout=_WRITER_SECONDS, isolation_level=None)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise BackupError(f"{file} cannot be read: {error}.") from error
    return connection


def _uri(file: Path) -> str:
    return f"file:{quote(str(file.absolute()))}"


def _other_files(data: Path) -> list[Path]:
    return [
        file
        for file in sorted(data.iterdir())
        if file.is_file()
        and not file.name.startswith(".")
        and file.name not in {LOCK_FILE, MANIFEST}
        and not file.name.endswith((_DATABASE, *(f"{_DATABASE}{end}" for end in _BESIDE_A_DATABASE)))
    ]


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(_FOR_ITS_OWNER)
    _keep(target)


def _content(file: Path) -> Content:
    with file.open("rb") as opened:
        return Content(file.stat().st_size, file_digest(opened, "sha256").hexdigest())


def _keep(path: Path) -> None:
    """Wait until a file or the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Some network folders cannot be waited for.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command on the data folder of the settings; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m api_gateway.backup", description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["create", "check", "restore"])
    parser.add_argument("folder", type=Path, help="the backup")
    options = parser.parse_args(arguments)
    os.umask(0o077)
    try:
        print(_done(options.command, options.folder.absolute()), flush=True)  # noqa: T201 (for the person at the terminal)
    except (SettingsError, BackupError, DataFolderError) as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 (for the person at the terminal)
        return EXIT_WRONG_SETTINGS if isinstance(error, SettingsError) else 1
    return 0


def _done(command: str, folder: Path) -> str:
    if command == "check":
        return f"{folder} is whole: {_told(check(folder))}."
    settings = load(Settings)
    data = settings.data_dir.absolute()
    if settings.database_url is not None:
        # What lies in the folder may be of another time, and a backup of that would be taken for one of what is used.
        raise BackupError(
            f"PURSER_DATABASE_URL names other databases than those in {data}. PostgreSQL has tools of its own, pg_dump "
            "and pg_restore; without that variable this command takes the folder."
        )
    if command == "restore":
        return f"Restored {_told(restore(folder, data))} into {data}. Start Purser on it."
    taken = create(data, folder)
    key = (
        ""
        if _SECRET_KEY in taken.files
        else f"\n{_SECRET_KEY} is not in {data}: keep PURSER_SECRET_KEY with the backup."
    )
    return f"Backed up {_told(taken)} to {folder}.{key}"


def _told(backup: Backup) -> str:
    size = sum(content.bytes for content in backup.files.values()) / 1e6
    return f"{len(backup.files)} files, {size:.1f} MB, of {backup.taken}, by Purser {backup.purser}"


if __name__ == "__main__":
    sys.exit(main())
