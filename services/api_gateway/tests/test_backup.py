"""A backup of the data folder: whole, of one moment, never over anything, and the same when it is put back."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from api_gateway.backup import MANIFEST, BackupError, check, create, main, restore
from api_gateway.data_folder import DataFolderError, hold

NAMES = ["auth_service.sqlite3", "secret.key", "transaction_service.sqlite3"]


def opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def rows(file: Path) -> list[tuple[int]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT id FROM rows ORDER BY id").fetchall()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of two databases with three rows each, a key, and what an interrupted Purser leaves behind."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("auth_service", "transaction_service"):
        with closing(opened(folder / f"{name}.sqlite3")) as database:
            database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY)")
            database.executemany("INSERT INTO rows VALUES (?)", [(1,), (2,), (3,)])
    (folder / "secret.key").write_text("development-key", encoding="ascii")
    (folder / "purser.lock").write_text("4711\n", encoding="ascii")
    (folder / ".secret.key.12.ab").write_text("half", encoding="ascii")
    return folder


def test_a_backup_holds_the_databases_and_the_key_for_its_owner_alone(data: Path, tmp_path: Path) -> None:
    taken = create(data, tmp_path / "kept" / "monday")

    backup = tmp_path / "kept" / "monday"
    assert sorted(taken.files) == NAMES
    assert names(backup) == sorted([*NAMES, MANIFEST])
    assert rows(backup / "auth_service.sqlite3") == rows(backup / "transaction_service.sqlite3") == [(1,), (2,), (3,)]
    assert {(backup / name).stat().st_mode & 0o777 for name in NAMES} == {0o600}
    assert backup.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path / "kept") == ["monday"]
    assert check(backup) == taken


def test_what_is_not_committed_when_the_backup_is_taken_is_not_in_it_and_is_not_held_up(
    data: Path, tmp_path: Path
) -> None:
    with closing(opened(data / "transaction_service.sqlite3")) as writer:
        writer.execute("INSERT INTO rows VALUES (4)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO rows VALUES (5)")
        create(data, tmp_path / "backup")
        writer.execute("COMMIT")

    assert rows(tmp_path / "backup" / "transaction_service.sqlite3") == [(1,), (2,), (3,), (4,)]
    assert rows(data / "transaction_service.sqlite3") == [(1,), (2,), (3,), (4,), (5,)]


def test_a_restored_folder_holds_what_was_backed_up(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup")
    restored = tmp_path / "elsewhere" / "data"

    restore(tmp_path / "backup", restored)

    assert names(restored) == sorted([*NAMES, "purser.lock"])
    assert {(restored / name).stat().st_mode & 0o777 for name in NAMES} == {0o600}
    for name in NAMES:
        assert (restored / name).read_bytes() == (tmp_path / "backup" / name).read_bytes()
    assert rows(restored / "auth_service.sqlite3") == [(1,), (2,), (3,)]


def test_nothing_is_ever_overwritten(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup")
    before = (tmp_path / "backup" / MANIFEST).read_bytes()

    with pytest.raises(BackupError, match=r"backup exists: a backup overwrites nothing"):
        create(data, tmp_path / "backup")
    with pytest.raises(BackupError, match=r"data holds \S+ already: restore into an empty folder"):
        restore(tmp_path / "backup", data)

    assert (tmp_path / "backup" / MANIFEST).read_bytes() == before


def test_a_running_purser_keeps_a_restore_out(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup")
    with hold(tmp_path / "new"), pytest.raises(DataFolderError, match="in use by another Purser"):
        restore(tmp_path / "backup", tmp_path / "new")
    assert names(tmp_path / "new") == ["purser.lock"]


def change(backup: Path) -> None:
    with (backup / "secret.key").open("a") as file:
        file.write("!")


def lose(backup: Path) -> None:
    (backup / "auth_service.sqlite3").unlink()


def lead_outside(backup: Path) -> None:
    written = json.loads((backup / MANIFEST).read_text())
    written["files"]["../data/secret.key"] = written["files"].pop("secret.key")
    (backup / MANIFEST).write_text(json.dumps(written))


def forget(backup: Path) -> None:
    (backup / MANIFEST).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change, r"secret\.key is not what was backed up: it is damaged or was changed"),
        (lose, r"auth_service\.sqlite3 is missing: the backup is not whole"),
        (lead_outside, r"secret\.key is missing: the backup is not whole"),
        (forget, r"backup is no backup: its manifest\.json is missing"),
    ],
)
def test_a_damaged_backup_is_named_and_restores_nothing(
    data: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    create(data, tmp_path / "backup")
    damage(tmp_path / "backup")

    with pytest.raises(BackupError, match=message):
        restore(tmp_path / "backup", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_damaged_database_gives_no_backup(data: Path, tmp_path: Path) -> None:
    file = data / "auth_service.sqlite3"
    content = bytearray(file.read_bytes())
    content[4096:4196] = b"\xff" * 100
    file.write_bytes(content)

    with pytest.raises(BackupError, match=r"auth_service\.sqlite3 cannot be backed up \(.+\): keep your earlier"):
        create(data, tmp_path / "kept" / "backup")
    assert names(tmp_path / "kept") == []


def test_a_file_that_is_no_database_is_named(data: Path, tmp_path: Path) -> None:
    (data / "auth_service.sqlite3").write_text("what a bad copy left" * 100, encoding="ascii")
    with pytest.raises(BackupError, match=r"auth_service\.sqlite3 cannot be read: file is not a database"):
        create(data, tmp_path / "backup")


def test_the_commands_say_what_they_did_and_what_is_wrong(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PURSER_DATA_DIR", str(data))
    monkeypatch.chdir(tmp_path)
    (data / "secret.key").unlink()

    statuses = [main(["create", "backup"]), main(["check", "backup"]), main(["create", "backup"])]
    monkeypatch.setenv("PURSER_DATA_DIR", str(tmp_path / "new"))
    statuses += [main(["restore", "backup"]), main(["create", "other"])]

    assert statuses == [0, 0, 1, 0, 0]
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("Backed up 2 files, 0.0 MB, of 20")
    assert lines[1] == f"secret.key is not in {data}: keep PURSER_SECRET_KEY with the backup."
    assert lines[2].startswith(f"{tmp_path / 'backup'} is whole: 2 files")
    assert lines[3].startswith("Restored 2 files")
    assert (
        said.err == f"{tmp_path / 'backup'} exists: a backup overwrites nothing. Name a folder that is not there yet.\n"
    )


def test_a_folder_without_databases_is_no_data_folder(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"holds no databases\. Name the data folder in PURSER_DATA_DIR"):
        create(tmp_path, tmp_path / "backup")


def test_a_place_that_cannot_be_written_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"secret\.key/backup cannot be written: File exists\. Name another folder"):
        create(data, data / "secret.key" / "backup")


def test_a_folder_whose_databases_are_not_those_in_use_is_neither_backed_up_nor_restored(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create(data, tmp_path / "backup")
    monkeypatch.setenv("PURSER_DATA_DIR", str(data))
    monkeypatch.setenv("PURSER_DATABASE_URL", "postgresql://ada:hidden@db.example.org/purser")
    monkeypatch.chdir(tmp_path)

    statuses = [main(["create", "other"]), main(["restore", "backup"]), main(["check", "backup"])]

    assert statuses == [1, 1, 0]
    said = capsys.readouterr().err
    assert said.count(f"PURSER_DATABASE_URL names other databases than those in {data}") == 2
    assert "hidden" not in said
    assert not (tmp_path / "other").exists()


def test_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PURSER_DATADIR", "x")
    assert main(["create", "backup"]) == 2
    assert "did you mean PURSER_DATA_DIR?" in capsys.readouterr().err
