"""Tables of unknown shape: proposing how to read them, and keeping what the user has confirmed."""

from __future__ import annotations

from typing import IO
from uuid import UUID

from api_common.columns import new_id, now
from api_common.compute import offload
from api_common.logging import get_logger
from api_common.pagination import PageQuery, Slice
from api_common.preconditions import Precondition
from api_common.problems import FieldError
from data_processing import CsvMapping, InvalidMapping, StatementFileError, mapping_from_json, propose_mapping
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import CsvMappingInvalid, CsvProfileExists, TooManyCsvProfiles
from transaction_service.models import CsvProfile
from transaction_service.repository.csv_profiles import CsvProfileRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.schemas.csv_profiles import (
    CsvMappingSchema,
    CsvProfileChange,
    CsvProfileCreate,
    CsvProposal,
    proposal_schema,
)
from transaction_service.statements.assignment import statement_refused

MOST_PROFILES = 500

log = get_logger()


async def propose(file: IO[bytes], *, filename: str | None) -> CsvProposal:
    """How a table might be read; nothing is written. Raises StatementRefused for a file that is no table."""
    try:
        return proposal_schema(await offload(lambda: propose_mapping(file, filename=filename)))
    except StatementFileError as error:
        raise statement_refused(error) from error


class CsvProfiles:
    """The mappings of tables that one user has confirmed."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._profiles = CsvProfileRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)

    async def mappings(self) -> list[CsvMapping]:
        """All mappings as files are read by them."""
        found = []
        for profile in await self._profiles.all():
            try:
                found.append(_mapping(profile.name, profile.mapping))
            except InvalidMapping:
                # Out of an archive; without it the file is answered with a proposal, as if it had never been confirmed.
                log.warning("csv_profile_unusable", profile_id=str(profile.id))
        return found

    async def list(self, page: PageQuery) -> Slice[CsvProfile]:
        """One page of the mappings, newest first."""
        return await self._profiles.list(page)

    async def get(self, profile_id: UUID) -> CsvProfile:
        """One mapping. Raises CsvProfileNotFound."""
        return await self._profiles.get(profile_id)

    async def create(self, wanted: CsvProfileCreate) -> CsvProfile:
        """Keep a mapping for the files with its header.

        Raises CsvMappingInvalid, CsvProfileExists, TooManyCsvProfiles.
        """
        await self._ledger.begin_change()
        mapping = _checked(wanted.name, wanted.mapping)
        await self._check_free(mapping.header_key)
        if await self._profiles.count() >= MOST_PROFILES:
            raise TooManyCsvProfiles(f"There are {MOST_PROFILES} mappings, which is the limit. Delete some first.")
        return await self._profiles.add(
            CsvProfile(
                id=new_id(),
                user_id=self._user_id,
                name=wanted.name,
                header_key=mapping.header_key,
                mapping=_stored(wanted.mapping),
            )
        )

    async def change(self, profile_id: UUID, changes: CsvProfileChange, expected: Precondition) -> CsvProfile:
        """Change the given fields. Raises CsvProfileNotFound, Stale, CsvMappingInvalid, CsvProfileExists."""
        await self._ledger.begin_change()
        profile = await self._profiles.get(profile_id)
        expected.check(profile.version)
        if changes.name is not None:
            profile.name = changes.name
        if changes.mapping is not None:
            mapping = _checked(profile.name, changes.mapping)
            if mapping.header_key != profile.header_key:
                await self._check_free(mapping.header_key)
            profile.header_key, profile.mapping = mapping.header_key, _stored(changes.mapping)
        profile.updated_at = now()
        await self._profiles.session.flush()
        return profile

    async def delete(self, profile_id: UUID, expected: Precondition) -> None:
        """Delete a mapping; rows that were read by it stay. Raises CsvProfileNotFound, Stale."""
        await self._ledger.begin_change()
        profile = await self._profiles.get(profile_id)
        expected.check(profile.version)
        await self._profiles.delete(profile)

    async def _check_free(self, header_key: str) -> None:
        if (other := await self._profiles.of_header(header_key)) is not None:
            raise CsvProfileExists(
                f'The mapping "{other.name}" reads files with this header already. Change that one '
                f"(PATCH /v1/csv-profiles/{other.id}), or delete it first.",
                profile_id=other.id,
            )


def _checked(name: str, given: CsvMappingSchema) -> CsvMapping:
    try:
        return _mapping(name, _stored(given))
    except InvalidMapping as error:
        raise CsvMappingInvalid(
            str(error),
            errors=[
                FieldError(pointer=_pointer(problem.field), detail=problem.detail, code="mapping")
                for problem in error.problems
            ],
        ) from error


def _pointer(field: str) -> str:
    return "/body/mapping/" + field.replace("[", "/").replace("]", "").replace(".", "/")


def _mapping(name: str, stored: dict[str, object]) -> CsvMapping:
    return mapping_from_json({**stored, "name": name})


def _stored(mapping: CsvMappingSchema) -> dict[str, object]:
    return mapping.model_dump(mode="json")
