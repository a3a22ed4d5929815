"""Queries on service clients."""

from datetime import datetime

from api_common.pagination import Keyset, PageQuery, Slice, paginate
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import ServiceClient
from auth_service.problems import ClientNotFound

BY_NAME = Keyset(col(ServiceClient.name).asc(), col(ServiceClient.id).asc())


class ServiceClients:
    """The programs that may get tokens of their own."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, client_id: str) -> ServiceClient | None:
        """Give a client, or None."""
        return await self._session.get(ServiceClient, client_id)

    async def get(self, client_id: str) -> ServiceClient:
        """Give a client; raises `ClientNotFound`."""
        client = await self.find(client_id)
        if client is None:
            raise ClientNotFound(f"There is no client {client_id}.")
        return client

    async def page(self, page: PageQuery) -> Slice[ServiceClient]:
        """Give a page of clients by name."""
        return await paginate(self._session, select(ServiceClient), BY_NAME, page)

    async def add(self, client: ServiceClient) -> None:
        """Insert a client; a taken name raises `auth_service.problems.ClientNameTaken`."""
        self._session.add(client)
        await self._session.flush()

    async def used(self, client_id: str, *, now: datetime) -> None:
        """Note a use."""
        await self._session.execute(
            update(ServiceClient).where(col(ServiceClient.id) == client_id).values(last_used_at=now)
        )

    async def remove(self, client: ServiceClient) -> None:
        """Delete a client; tokens it has end by themselves within minutes."""
        await self._session.delete(client)
        await self._session.flush()
