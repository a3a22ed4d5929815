"""A user of a running Purser, by the public API; and a Purser to be the user of."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workspace.errors import WorkspaceError
from workspace.smoke import free_port

START_SECONDS = 60.0
REQUEST_SECONDS = 600.0
_PAUSE = 0.1
_PAGE = 500


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    json: Mapping[str, Any]


class Ledger:
    """The ledger of a user who signs up for the purpose, so that nobody else's is touched.

    Raises WorkspaceError when the server cannot be reached or does not take the user.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._email = f"corpus-{secrets.token_hex(8)}@example.org"
        self._password = secrets.token_urlsafe(24)
        self._token = ""
        body = {"email": self._email, "password": self._password}
        signed_up = self._call("POST", "/v1/auth/sign-up", body=json.dumps(body).encode(), kind="application/json")
        if signed_up.status != 201:
            raise WorkspaceError(f"{self._url} lets nobody sign up: {signed_up.json.get('detail', signed_up.status)}")
        self._log_in()

    def clear(self) -> None:
        """Delete everything that the user has."""
        self._expect(200, "DELETE", "/v1/ledger", {"confirm": "delete everything"})

    def upload(self, content: bytes, parameters: Mapping[str, str]) -> Answer:
        """Import a statement file."""
        return self._authorized("POST", "/v1/imports", parameters, content)

    def undo(self, import_id: str) -> int:
        """Undo an import; gives the status of the answer."""
        return self._authorized("POST", f"/v1/imports/{import_id}/undo", {"edited": "drop"}).status

    def account(self, currency: str) -> str:
        """Give the id of the user's account in a currency; there is one, or there is one afterwards."""
        for found in self._expect(200, "GET", "/v1/accounts")["items"]:
            if found["currency"] == currency:
                return str(found["id"])
        body = json.dumps({"name": f"Corpus {currency}", "currency": currency}).encode()
        return str(self._expect(201, "POST", "/v1/accounts", body=body, kind="application/json")["id"])

    def rows(self) -> list[Mapping[str, Any]]:
        """All rows of the ledger."""
        return self._all("/v1/transactions")

    def imports(self) -> list[Mapping[str, Any]]:
        """All imports that are not undone."""
        return [record for record in self._all("/v1/imports") if record["status"] == "booked"]

    def _all(self, path: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        parameters = {"limit": str(_PAGE)}
        while True:
            page = self._expect(200, "GET", path, parameters)
            found += page["items"]
            if not page["next_cursor"]:
                return found
            parameters["cursor"] = page["next_cursor"]

    def _expect(
        self,
        status: int,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
        kind: str = "application/octet-stream",
    ) -> Mapping[str, Any]:
        answer = self._authorized(method, path, parameters, body, kind)
        if answer.status != status:
            raise WorkspaceError(f"{method} {path} was answered {answer.status}: {answer.json.get('detail', '')}")
        return answer.json

    def _authorized(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
        kind: str = "application/octet-stream",
    ) -> Answer:
        answer = self._call(method, path, parameters, body, kind)
        if answer.status == 401:
            # A token lasts for minutes, a large folder for hours.
            self._log_in()
            answer = self._call(method, path, parameters, body, kind)
        return answer

    def _log_in(self) -> None:
        form = {"grant_type": "password", "username": self._email, "password": self._password}
        answer = self._call(
            "POST",
            "/v1/auth/token",
            body=urllib.parse.urlencode(form).encode(),
            kind="application/x-www-form-urlencoded",
        )
        if answer.status != 200:
            raise WorkspaceError(f"{self._url} gives no token: {answer.json.get('detail', answer.status)}")
        self._token = str(answer.json["access_token"])

    def _call(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
        kind: str = "application/octet-stream",
    ) -> Answer:
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        request = urllib.request.Request(f"{self._url}{path}{query}", data=body, method=method)
        request.add_header("Content-Type", kind)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:
                return Answer(answer.status, _parsed(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _parsed(error.read()))
        except (urllib.error.URLError, OSError) as error:
            raise WorkspaceError(f"{self._url} cannot be reached: {error}") from error


@contextlib.contextmanager
def embedded() -> Iterator[str]:
    """Run all services in one process on an empty data folder, and give its address.

    Raises WorkspaceError when it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="purser-corpus-") as name:
        folder = Path(name)
        port = free_port()
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PURSER_")}
        settings = {"PURSER_DATA_DIR": str(folder / "data"), "PURSER_PORT": str(port), "PURSER_LOG_LEVEL": "warning"}
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "workspace.serve", "api_gateway.main"],
                cwd=folder,
                env={**inherited, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise WorkspaceError(f"Purser ended with status {process.returncode}:\n{log.read_text(errors='replace')}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_PAUSE)
    raise WorkspaceError(f"Purser does not answer after {START_SECONDS:.0f} s:\n{log.read_text(errors='replace')}")


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
