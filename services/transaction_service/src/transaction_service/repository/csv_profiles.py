"""The user's own mappings of tables."""

from __future__ import annotations

from collections.abc import Sequence

from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import func, select
from sqlmodel import col

from transaction_service.errors import CsvProfileNotFound
from transaction_service.models import CsvProfile

_NEWEST = Keyset(col(CsvProfile.id).desc())


class CsvProfileRepository(Repository[CsvProfile]):
    """The mappings that one user has confirmed."""

    model = CsvProfile
    not_found = CsvProfileNotFound

    async def list(self, page: PageQuery) -> Slice[CsvProfile]:
        """One page of the mappings, newest first."""
        return await self.page(self.mine(), _NEWEST, page)

    async def all(self) -> Sequence[CsvProfile]:
        """All mappings."""
        return (await self.session.scalars(self.mine().order_by(col(CsvProfile.id)))).all()

    async def count(self) -> int:
        """How many there are."""
        counted = select(func.count()).select_from(CsvProfile).where(col(CsvProfile.user_id) == self.user_id)
        return int(await self.session.scalar(counted) or 0)

    async def of_header(self, header_key: str) -> CsvProfile | None:
        """The mapping for a header, None when there is none."""
        found: CsvProfile | None = await self.session.scalar(
            self.mine().where(col(CsvProfile.header_key) == header_key)
        )
        return found
