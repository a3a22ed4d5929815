"""Queries on signing keys."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import Installation, SigningKey


class SigningKeys:
    """The stored key pairs."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> list[SigningKey]:
        """Give all keys in the order in which they sign."""
        order = (col(SigningKey.signs_from), col(SigningKey.id))
        return list(await self._session.scalars(select(SigningKey).order_by(*order)))

    async def claim_first(self, now: datetime) -> bool:
        """Tell whether the caller is the one who makes the first key; of several processes only one is told yes."""
        claim = update(Installation).where(col(Installation.first_key_at).is_(None)).values(first_key_at=now)
        return (await self._session.execute(claim.returning(col(Installation.id)))).first() is not None

    async def lock(self) -> None:
        """Make other changes to the keys wait until this unit of work has ended."""
        await self._session.execute(select(Installation).with_for_update())

    async def add(self, key: SigningKey) -> None:
        """Insert a key."""
        self._session.add(key)
        await self._session.flush()

    async def remove(self, key_ids: set[str]) -> None:
        """Delete keys."""
        await self._session.execute(delete(SigningKey).where(col(SigningKey.id).in_(key_ids)))
