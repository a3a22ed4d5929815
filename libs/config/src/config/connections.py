"""Connection files: where an outside system is, with its secrets kept elsewhere.

A connection file is JSON and may be committed or mounted freely, because it never holds a secret: each secret field
names an environment variable (``{"env": "LEDGER_PASSWORD"}``) or a file (``{"file": "/run/secrets/ledger"}``).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from config.errors import ConnectionFileError


class Connection(BaseModel):
    """What all connection files have in common: strict, immutable, and one file name per kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    file_name: ClassVar[str]


class PostgresConnection(Connection):
    """``postgres.json``: a PostgreSQL database that rows are read from."""

    file_name: ClassVar[str] = "postgres.json"

    host: str = Field(min_length=1)
    port: int = Field(5432, ge=1, le=65535)
    database: str = Field(min_length=1)
    user: str = Field(min_length=1)
    password: SecretStr | None = None
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"
    connect_timeout_seconds: int = Field(10, ge=1, le=300)


class BigQueryConnection(Connection):
    """``bigquery.json``: a BigQuery data set; without credentials the machine's own identity is used."""

    file_name: ClassVar[str] = "bigquery.json"

    project: str = Field(pattern=r"^[a-z][a-z0-9:.-]{4,61}[a-z0-9]$")
    dataset: str = Field(pattern=r"^[A-Za-z0-9_]{1,1024}$")
    location: str = "EU"
    credentials: SecretStr | None = Field(None, description="the service account's JSON key")
    maximum_bytes_billed: int | None = Field(None, ge=1)


class SftpConnection(Connection):
    """``sftp.json``: a folder on an SFTP server; the server's key must be known beforehand."""

    file_name: ClassVar[str] = "sftp.json"

    host: str = Field(min_length=1)
    port: int = Field(22, ge=1, le=65535)
    user: str = Field(min_length=1)
    password: SecretStr | None = None
    private_key: SecretStr | None = None
    passphrase: SecretStr | None = None
    host_key: str = Field(pattern=r"^(ssh-|ecdsa-)\S+ \S+")
    directory: str = "."
    pattern: str = "*"

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        if (self.password is None) == (self.private_key is None):
            raise ValueError("give either password or private_key")
        return self


C = TypeVar("C", bound=Connection)


def load_connection(kind: type[C], config_dir: Path, *, environment: Mapping[str, str] | None = None) -> C:
    """Read and check the connection file of one kind, with its secrets filled in.

    Args:
        kind: `PostgresConnection`, `BigQueryConnection` or `SftpConnection`; it names the file.
        config_dir: the folder of the connection files (`ServiceSettings.config_dir`).
        environment: where ``{"env": …}`` secrets are looked up; the process's environment by default.

    Raises:
        ConnectionFileError: the file is missing, is no JSON object, has a wrong or unknown field, holds a secret
            itself, or names a secret that is not there. The message never holds a secret.
    """
    path = config_dir / kind.file_name
    document = _read(path)
    variables = os.environ if environment is None else environment
    for field in _secret_fields(kind) & document.keys():
        document[field] = _secret(path, field, document[field], variables)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise ConnectionFileError(_explain(path, kind, error)) from None


def _read(path: Path) -> dict[str, Any]:
    example = f"docs/examples/connections/{path.name} shows one"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConnectionFileError(f"{path} does not exist: create it or set PURSER_CONFIG_DIR; {example}") from None
    except OSError as error:
        raise ConnectionFileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConnectionFileError(f"{path} is not UTF-8 text; {example}") from None
    except json.JSONDecodeError as error:
        raise ConnectionFileError(f"{path}, line {error.lineno}: broken JSON: {error.msg}; {example}") from None
    if not isinstance(document, dict):
        raise ConnectionFileError(f"{path} is not a JSON object; {example}")
    return document


def _secret_fields(kind: type[Connection]) -> set[str]:
    return {name for name, info in kind.model_fields.items() if info.annotation == SecretStr | None}


def _secret(path: Path, field: str, reference: object, environment: Mapping[str, str]) -> str | None:
    match reference:
        case None:
            return None
        case {"env": str(name), **rest} if not rest:
            if not environment.get(name):
                raise ConnectionFileError(f"{path}: {field} is taken from the variable {name}, which is not set")
            return environment[name]
        case {"file": str(name), **rest} if not rest:
            return _secret_file(path, field, name)
        case _:
            raise ConnectionFileError(
                f'{path}: {field} must not stand in the file: write {{"env": "VARIABLE"}} or {{"file": "/path"}}'
            )


def _secret_file(path: Path, field: str, name: str) -> str:
    # A relative path is meant beside the connection file, wherever the process was started.
    secret_path = path.parent / Path(name).expanduser()
    try:
        text = secret_path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConnectionFileError(
            f"{path}: {field} is taken from {secret_path}, which cannot be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise ConnectionFileError(f"{path}: {field} is taken from {secret_path}, which is not UTF-8 text") from None
    if not text:
        raise ConnectionFileError(f"{path}: {field} is taken from {secret_path}, which is empty")
    return text


def _explain(path: Path, kind: type[Connection], error: ValidationError) -> str:
    secret_fields = _secret_fields(kind)
    lines = []
    for detail in error.errors():
        field = ".".join(str(part) for part in detail["loc"]) or "the file"
        # An unknown field may be a misspelt secret, so its value stays hidden too.
        hidden = field in secret_fields or detail["type"] in {"missing", "value_error", "extra_forbidden"}
        shown = "" if hidden else f"={detail['input']!r}"
        lines.append(f"{field}{shown}: {detail['msg'].removeprefix('Value error, ')}")
    known = ", ".join(kind.model_fields)
    return f"{path}: {'; '.join(lines)}. Fields: {known}. docs/examples/connections/{path.name} shows a valid file."
