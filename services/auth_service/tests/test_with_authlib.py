"""A foreign OAuth client library against a real server: what the standard promises holds for those who rely on it."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import uvicorn
from api_common import create_app
from api_common.testing import SettingsFactory
from auth_house import PASSWORD
from auth_service.main import service
from auth_service.settings import Settings
from authlib.integrations.httpx_client import (  # type: ignore[import-untyped]  # Authlib ships no types
    AsyncOAuth2Client,
    OAuthError,
)


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, configuration: uvicorn.Config) -> None:
        super().__init__(configuration)
        self.answers = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


@pytest.fixture
def address(settings_for: SettingsFactory) -> Iterator[str]:
    """Give the address of the service, served by uvicorn in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = settings_for(Settings, jwks_file=None, public_url=address, token_issuer=address)
        app = create_app(service(settings))
        server = _Server(uvicorn.Config(app, log_config=None, proxy_headers=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert server.answers.wait(timeout=30)
            yield address
        finally:
            server.should_exit = True
            thread.join(timeout=30)


async def _discover(address: str) -> dict[str, Any]:
    """Make an account, and give what the server says of itself."""
    async with httpx2.AsyncClient(base_url=address) as http:
        signed_up = await http.post("/v1/auth/sign-up", json={"email": "ada@example.org", "password": PASSWORD})
        assert signed_up.status_code == 201, signed_up.text
        return dict((await http.get("/.well-known/oauth-authorization-server")).json())


async def test_a_person_signs_in_stays_signed_in_and_signs_out(address: str) -> None:
    refreshed: list[str] = []

    async def keep(_token: dict[str, Any], refresh_token: str | None = None, access_token: str | None = None) -> None:
        refreshed.append(str(refresh_token))

    async with AsyncOAuth2Client("purser", scope="profile:read ledger:read", update_token=keep) as client:
        metadata = await _discover(address)
        client.metadata["token_endpoint"] = metadata["token_endpoint"]
        first = dict(
            await client.fetch_token(metadata["token_endpoint"], username="ada@example.org", password=PASSWORD)
        )
        assert first["scope"] == "ledger:read profile:read"
        assert (await client.get(f"{address}/v1/auth/me")).json()["email"] == "ada@example.org"

        client.token = {**first, "expires_at": 1}
        assert (await client.get(f"{address}/v1/auth/me")).status_code == 200
        assert refreshed == [first["refresh_token"]]
        second = dict(client.token)
        assert second["refresh_token"] != first["refresh_token"]

        third = dict(await client.refresh_token(metadata["token_endpoint"], second["refresh_token"]))
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.refresh_token(metadata["token_endpoint"], first["refresh_token"])
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.refresh_token(metadata["token_endpoint"], third["refresh_token"])


async def test_revoking_a_token_ends_the_session(address: str) -> None:
    async with AsyncOAuth2Client("purser") as client:
        metadata = await _discover(address)
        await client.fetch_token(metadata["token_endpoint"], username="ada@example.org", password=PASSWORD)
        revoked = await client.revoke_token(
            metadata["revocation_endpoint"], token=client.token["refresh_token"], token_type_hint="refresh_token"
        )
        assert revoked.status_code == 200
        assert (await client.get(f"{address}/v1/auth/me")).json()["code"] == "session_ended"
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.refresh_token(metadata["token_endpoint"], client.token["refresh_token"])


async def test_a_wrong_password_is_an_error_that_the_library_understands(address: str) -> None:
    async with AsyncOAuth2Client("purser") as client:
        with pytest.raises(OAuthError) as refused:
            await client.fetch_token(f"{address}/v1/auth/token", username="ada@example.org", password="wrong")
    assert refused.value.error == "invalid_grant"
    assert refused.value.description == "The e-mail address or the password is wrong."


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_program_gets_its_token_by_either_way_of_naming_itself(address: str, method: str) -> None:
    token_endpoint = f"{address}/v1/auth/token"
    async with AsyncOAuth2Client("purser") as admin:
        await _discover(address)
        await admin.fetch_token(token_endpoint, username="ada@example.org", password=PASSWORD)
        body = {"name": "nightly import", "scopes": ["users:admin", "ledger:read"]}
        created = (await admin.post(f"{address}/v1/clients", json=body)).json()
    async with AsyncOAuth2Client(
        created["client_id"], created["client_secret"], token_endpoint_auth_method=method, scope="users:admin"
    ) as program:
        token = await program.fetch_token(token_endpoint, grant_type="client_credentials")
        assert (token["scope"], "refresh_token" in token) == ("users:admin", False)
        assert len((await program.get(f"{address}/v1/users")).json()["items"]) == 1
    async with AsyncOAuth2Client(created["client_id"], "wrong", token_endpoint_auth_method=method) as program:
        with pytest.raises(OAuthError, match="invalid_client"):
            await program.fetch_token(token_endpoint, grant_type="client_credentials")
