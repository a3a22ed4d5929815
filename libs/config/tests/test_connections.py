"""Connection files: where outside systems are, and where their secrets are kept."""

import json
from pathlib import Path

import pytest
from config import BigQueryConnection, ConnectionFileError, PostgresConnection, SftpConnection, load_connection
from config.connections import Connection

POSTGRES = {"host": "db", "database": "household", "user": "reader"}
SFTP = {"host": "sftp", "user": "me", "host_key": "ssh-ed25519 AAAA"}


def write(folder: Path, name: str, document: object) -> Path:
    (folder / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return folder


def test_a_password_is_taken_from_the_environment_and_never_printed(tmp_path: Path) -> None:
    write(tmp_path, "postgres.json", {**POSTGRES, "password": {"env": "DB_PASSWORD"}})
    found = load_connection(PostgresConnection, tmp_path, environment={"DB_PASSWORD": "hunter2"})
    assert found.password is not None
    assert found.password.get_secret_value() == "hunter2"
    assert (found.host, found.port, found.sslmode) == ("db", 5432, "verify-full")
    assert "hunter2" not in f"{found!r} {found.model_dump_json()}"


def test_a_secret_file_is_found_beside_the_connection_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("PRIVATE KEY\n")
    write(tmp_path, "sftp.json", {**SFTP, "private_key": {"file": "key"}})
    found = load_connection(SftpConnection, tmp_path)
    assert found.private_key is not None
    assert found.private_key.get_secret_value() == "PRIVATE KEY"


def test_without_credentials_the_machine_logs_in_by_itself(tmp_path: Path) -> None:
    write(tmp_path, "bigquery.json", {"project": "household-finance", "dataset": "exports"})
    found = load_connection(BigQueryConnection, tmp_path)
    assert (found.credentials, found.location) == (None, "EU")


@pytest.mark.parametrize(
    ("kind", "document", "message"),
    [
        (PostgresConnection, {**POSTGRES, "password": "hunter2"}, "password must not stand in the file"),
        (PostgresConnection, {**POSTGRES, "password": {"env": "NOT_SET"}}, "variable NOT_SET, which is not set"),
        (PostgresConnection, {**POSTGRES, "password": {"file": "none"}}, "cannot be read: No such file"),
        (PostgresConnection, {**POSTGRES, "password": {"file": "empty"}}, "which is empty"),
        (PostgresConnection, {**POSTGRES, "password": {"file": "binary"}}, "not UTF-8 text"),
        (PostgresConnection, {**POSTGRES, "port": "x"}, "port='x': Input should be a valid integer"),
        (PostgresConnection, {**POSTGRES, "passwrd": "hunter2"}, "passwrd: Extra inputs are not permitted"),
        (PostgresConnection, {"host": "db"}, "database: Field required"),
        (SftpConnection, SFTP, "give either password or private_key"),
        (SftpConnection, {**SFTP, "host_key": "?"}, "host_key='?'"),
        (BigQueryConnection, {"project": "P", "dataset": "d"}, "project='P'"),
        (BigQueryConnection, "[1]", "is not a JSON object"),
        (BigQueryConnection, '{\n"a": ]', "line 2: broken JSON"),
    ],
)
def test_a_wrong_file_is_refused_with_file_field_and_way_out(
    tmp_path: Path, kind: type[Connection], document: object, message: str
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xff")
    write(tmp_path, kind.file_name, document)
    with pytest.raises(ConnectionFileError) as caught:
        load_connection(kind, tmp_path, environment={})
    assert message in str(caught.value)
    assert str(tmp_path / kind.file_name) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_says_where_an_example_is(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFileError, match=r"docs/examples/connections/postgres.json shows one"):
        load_connection(PostgresConnection, tmp_path)


def test_a_file_of_another_encoding_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres.json").write_bytes(b"\xff\xfe{")
    (tmp_path / "sftp.json").mkdir()
    with pytest.raises(ConnectionFileError, match="is not UTF-8 text"):
        load_connection(PostgresConnection, tmp_path)
    with pytest.raises(ConnectionFileError, match="cannot be read"):
        load_connection(SftpConnection, tmp_path)


@pytest.mark.parametrize("kind", [PostgresConnection, BigQueryConnection, SftpConnection])
def test_the_examples_of_the_documentation_are_valid(tmp_path: Path, kind: type[Connection]) -> None:
    example = Path(__file__).parents[3] / "docs" / "examples" / "connections" / kind.file_name
    text = example.read_text().replace("/run/secrets/", "")
    write(tmp_path, kind.file_name, text)
    for name in ("bigquery-service-account.json", "sftp-key"):
        (tmp_path / name).write_text("secret")
    environment = {"HOUSEHOLD_DB_PASSWORD": "x", "BANK_SFTP_PASSPHRASE": "y"}
    assert load_connection(kind, tmp_path, environment=environment).model_dump()
