"""/v1/csv-profiles."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common import idempotency
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import PayloadTooLarge, responses
from fastapi import APIRouter, Query, Request, Response

from transaction_service.errors import (
    CsvMappingInvalid,
    CsvProfileExists,
    CsvProfileNotFound,
    FileNeeded,
    StatementRefused,
    TooManyCsvProfiles,
)
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.routes.uploads import FILE_BODY, uploaded_file
from transaction_service.schemas.csv_profiles import (
    CsvProfileChange,
    CsvProfileCreate,
    CsvProfileSchema,
    CsvProposal,
    profile_schema,
)
from transaction_service.schemas.fields import FileName
from transaction_service.service.csv_profiles import CsvProfiles, propose

router = APIRouter(prefix="/v1/csv-profiles", tags=["csv profiles"])


@router.post("/proposals", responses=responses(FileNeeded, StatementRefused, PayloadTooLarge), openapi_extra=FILE_BODY)
async def propose_csv_mapping(
    request: Request,
    _user: Reader,
    filename: Annotated[FileName | None, Query(description="The file's name, for a raw body.")] = None,
) -> CsvProposal:
    """Say how a table (CSV, TSV, Excel) of any shape might be read: a form's field `file`, or the file as the body.

    Nothing is written. Send its `mapping`, corrected where needed, to `POST /v1/csv-profiles`, and upload the file.
    """
    async with uploaded_file(request) as uploaded:
        return await propose(uploaded.file, filename=filename or uploaded.filename)


@router.get("", responses=responses(InvalidCursor))
async def list_csv_profiles(user: Reader, session: Reading, page: Paging, links: Links) -> Page[CsvProfileSchema]:
    """List the mappings that were confirmed, newest first."""
    return links.page(await CsvProfiles(session, user.user_id).list(page), profile_schema)


@router.post(
    "",
    status_code=201,
    response_model=CsvProfileSchema,
    responses=responses(CsvMappingInvalid, CsvProfileExists, TooManyCsvProfiles, *idempotency.PROBLEMS),
)
async def create_csv_profile(wanted: CsvProfileCreate, user: Writer, once: Once, session: Writing) -> Response:
    """Confirm how files with a header are read; from then on uploads of such files book."""
    return await once.once(
        user.user_id,
        status=201,
        model=CsvProfileSchema,
        effect=lambda: CsvProfiles(session, user.user_id).create(wanted),
        headers=lambda profile: {"Location": f"/v1/csv-profiles/{profile.id}", "ETag": etag(profile.version)},
    )


@router.get("/{profile_id}", responses=responses(CsvProfileNotFound))
async def read_csv_profile(profile_id: UUID, user: Reader, session: Reading, response: Response) -> CsvProfileSchema:
    """Read one mapping."""
    profile = await CsvProfiles(session, user.user_id).get(profile_id)
    response.headers["ETag"] = etag(profile.version)
    return profile_schema(profile)


@router.patch(
    "/{profile_id}",
    responses=responses(CsvProfileNotFound, CsvMappingInvalid, CsvProfileExists, Stale, IfMatchMissing),
)
async def change_csv_profile(
    profile_id: UUID,
    changes: CsvProfileChange,
    user: Writer,
    if_match: IfMatch,
    session: Writing,
    response: Response,
) -> CsvProfileSchema:
    """Correct a mapping. Rows that were booked stay as they are: undo their import and upload the file again."""
    profile = await CsvProfiles(session, user.user_id).change(profile_id, changes, if_match)
    response.headers["ETag"] = etag(profile.version)
    return profile_schema(profile)


@router.delete("/{profile_id}", status_code=204, responses=responses(CsvProfileNotFound, Stale, IfMatchMissing))
async def delete_csv_profile(profile_id: UUID, user: Writer, if_match: IfMatch, session: Writing) -> None:
    """Delete a mapping; rows that were read by it stay."""
    await CsvProfiles(session, user.user_id).delete(profile_id, if_match)
