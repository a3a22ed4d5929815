"""Service clients: programs that get tokens of their own, and the revocation of any token."""

import hmac
import secrets
from hashlib import sha256
from uuid import UUID

from api_common import get_logger
from api_common.pagination import PageQuery, Slice

from auth_service.models import ServiceClient
from auth_service.oauth import (
    ClientCredentials,
    InvalidClient,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedTokenType,
)
from auth_service.problems import UnknownScopes
from auth_service.refresh_tokens import digest
from auth_service.repository.clients import ServiceClients
from auth_service.repository.sessions import Sessions
from auth_service.schemas import NewClient, TokenAnswer
from auth_service.scopes import ALL_SCOPES, UnknownScopeError, format_scope, narrow, parse_scope
from auth_service.service.parts import Parts

SECRET_BYTES = 32

log = get_logger()


class Programs:
    """The client credentials grant, the clients that may use it, and who may speak for a session."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, new: NewClient, *, created_by: UUID | None) -> tuple[ServiceClient, str]:
        """Make a client; give it and its secret, which is nowhere stored. Raises ClientNameTaken and UnknownScopes."""
        unknown = sorted(set(new.scopes) - ALL_SCOPES)
        if unknown:
            detail = f"There is no scope {unknown[0]}. Possible: {format_scope(ALL_SCOPES)}."
            raise UnknownScopes(detail, errors=[{"pointer": "/body/scopes", "detail": detail, "code": "unknown_scope"}])
        secret = secrets.token_urlsafe(SECRET_BYTES)
        client = ServiceClient(
            id=f"client_{secrets.token_hex(10)}",
            name=new.name,
            secret_digest=sha256(secret.encode()).digest(),
            scope=format_scope(new.scopes),
            created_at=self._parts.clock(),
            created_by=created_by,
        )
        async with self._parts.database.write() as unit:
            await ServiceClients(unit).add(client)
        log.info("client_created", client_id=client.id, created_by=str(created_by))
        return client, secret

    async def page(self, page: PageQuery) -> Slice[ServiceClient]:
        """Give a page of clients by name."""
        async with self._parts.database.read() as session:
            return await ServiceClients(session).page(page)

    async def delete(self, client_id: str) -> None:
        """Delete a client: it gets no further token. Raises ClientNotFound."""
        async with self._parts.database.write() as unit:
            clients = ServiceClients(unit)
            await clients.remove(await clients.get(client_id))
        log.info("client_deleted", client_id=client_id)

    async def exists(self, client_id: str | None) -> bool:
        """Tell whether there is a client of this id at this moment."""
        async with self._parts.database.read() as session:
            return client_id is not None and await ServiceClients(session).find(client_id) is not None

    async def token(self, credentials: ClientCredentials, *, scope: str | None) -> TokenAnswer:
        """Give a program its token. Raises InvalidClient, InvalidScope and UnauthorizedClient."""
        client = await self._authenticated(credentials)
        try:
            scopes = narrow(parse_scope(client.scope), scope)
        except UnknownScopeError as error:
            raise InvalidScope(str(error)) from error
        async with self._parts.database.write() as unit:
            await ServiceClients(unit).used(client.id, now=self._parts.clock())
        access = await self._parts.tokens.for_client(client.id, scopes=scopes)
        return TokenAnswer(access_token=access.text, expires_in=access.expires_in, scope=access.scope)

    def public_client(self, credentials: ClientCredentials) -> str:
        """Give the id of the application that signs a person in; the default one when it names none.

        Raises InvalidClient for an application that is not configured, UnauthorizedClient for a service client.
        """
        public = self._parts.settings.public_clients
        if credentials.client_id is None:
            return public[0]
        if credentials.client_id not in public:
            raise InvalidClient(f"There is no application {credentials.client_id[:64]} that signs people in.")
        if credentials.secret is not None:
            raise UnauthorizedClient(f"The application {credentials.client_id} has no secret; send none.")
        return credentials.client_id

    async def revoke(self, token: str, credentials: ClientCredentials) -> None:
        """End the session of a token (RFC 7009); an unknown token is no error. Raises UnsupportedTokenType.

        A refresh token, or an access token of a person, ends the whole session. An access token of a program cannot be
        called back: it is verified without asking anybody, and ends by itself within minutes.
        """
        claims = await self._parts.tokens.claims(token)
        if claims is None:
            client_id = self.public_client(credentials)
            async with self._parts.database.write() as unit:
                sessions = Sessions(unit)
                stored = await sessions.token(digest(token))
                session = await sessions.find(stored.session_id) if stored else None
                if session is not None and session.client_id == client_id:
                    await sessions.end(session.id, reason="revoked", now=self._parts.clock())
            return
        if claims.session_id is None:
            raise UnsupportedTokenType(
                "Tokens of service clients end by themselves; delete the client to stop further ones."
            )
        if claims.client_id == self.public_client(credentials):
            async with self._parts.database.write() as unit:
                await Sessions(unit).end(claims.session_id, reason="revoked", now=self._parts.clock())

    async def _authenticated(self, credentials: ClientCredentials) -> ServiceClient:
        if credentials.client_id is None:
            raise InvalidClient("Client credentials need a client id and a secret, by HTTP Basic or in the form.")
        if credentials.client_id in self._parts.settings.public_clients:
            raise UnauthorizedClient(
                f"The application {credentials.client_id} signs people in and gets no token of its own."
            )
        if credentials.secret is None:
            raise InvalidClient
        async with self._parts.database.read() as session:
            client = await ServiceClients(session).find(credentials.client_id)
        presented = sha256(credentials.secret.encode()).digest()
        if client is None or not hmac.compare_digest(presented, client.secret_digest):
            log.info("client_refused")
            raise InvalidClient
        return client
