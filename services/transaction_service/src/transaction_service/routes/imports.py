"""/v1/imports."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Literal
from uuid import UUID

from api_common import idempotency
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.problems import InsufficientStorage, PayloadTooLarge, responses
from fastapi import APIRouter, Query, Request, Response

from transaction_service.errors import (
    AccountAmbiguous,
    AccountNeeded,
    AccountNotFound,
    CurrencyDiffers,
    CurrencyNeeded,
    FileNeeded,
    ImportAlreadyUndone,
    ImportNotFound,
    ReferenceTaken,
    SeveralAccounts,
    StatementRefused,
)
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.routes.uploads import FILE_BODY, uploaded_file
from transaction_service.schemas.fields import Currency, FileName
from transaction_service.schemas.imports import ImportSchema, ImportSummary, ImportUndone
from transaction_service.service.csv_profiles import CsvProfiles
from transaction_service.service.imports import Imports, read_upload
from transaction_service.service.transactions import Transactions

router = APIRouter(prefix="/v1/imports", tags=["imports"])

_REFUSALS = responses(
    FileNeeded,
    AccountNotFound,
    ReferenceTaken,
    StatementRefused,
    AccountNeeded,
    AccountAmbiguous,
    SeveralAccounts,
    CurrencyNeeded,
    CurrencyDiffers,
    PayloadTooLarge,
    InsufficientStorage,
    *idempotency.PROBLEMS,
)


@router.post("", status_code=201, response_model=ImportSchema, responses=_REFUSALS, openapi_extra=FILE_BODY)
async def import_statement(
    request: Request,
    user: Writer,
    once: Once,
    session: Writing,
    reading: Reading,
    account_id: Annotated[
        UUID | None, Query(description="The account, when the file names none, or a new name for it.")
    ] = None,
    currency: Annotated[Currency | None, Query(description="The currency, when the file names none.")] = None,
    filename: Annotated[FileName | None, Query(description="The file's name, for a raw body.")] = None,
    preview: Annotated[bool, Query(description="Say what would happen, and write nothing.")] = False,
) -> Response:
    """Import a statement file: a form's field `file`, or the file as the body.

    Rows that the ledger holds already are not booked again. All rows are booked, or, when anything fails, none.
    """
    async with uploaded_file(request) as uploaded:
        profiles = await CsvProfiles(reading, user.user_id).mappings()
        await reading.close()  # it opens again when it is asked: meanwhile its connection is for other requests
        upload = await read_upload(
            uploaded.file,
            sha256=uploaded.sha256,
            filename=filename or uploaded.filename,
            account_id=account_id,
            currency=currency,
            profiles=profiles,
        )
    with closing(upload.prepared.rows):
        if preview:
            answer = await Imports(reading, user.user_id).preview(upload)
            return Response(answer.model_dump_json(), media_type="application/json")
        return await once.once(
            user.user_id,
            status=201,
            model=ImportSchema,
            effect=lambda: Imports(session, user.user_id).book(upload),
            headers=lambda booked: {"Location": f"/v1/imports/{booked.id}"},
            payload=upload.sha256.encode(),
        )


@router.get("", responses=responses(InvalidCursor))
async def list_imports(user: Reader, session: Reading, page: Paging, links: Links) -> Page[ImportSummary]:
    """List the imports, newest first."""
    found = await Imports(session, user.user_id).list(page)
    return links.page(found, lambda record: ImportSummary.model_validate(record, from_attributes=True))


@router.get("/{import_id}", responses=responses(ImportNotFound))
async def read_import(import_id: UUID, user: Reader, session: Reading) -> ImportSchema:
    """Read one import: its counts, and why rows were refused."""
    return await Imports(session, user.user_id).get(import_id)


@router.post("/{import_id}/undo", responses=responses(ImportNotFound, ImportAlreadyUndone))
async def undo_import(
    import_id: UUID,
    user: Writer,
    session: Writing,
    edited: Annotated[
        Literal["keep", "drop"], Query(description="What becomes of rows that were edited or deleted since.")
    ] = "keep",
) -> ImportUndone:
    """Remove the rows that an import booked. A later upload of the file books them again."""
    undone = await Imports(session, user.user_id).undo(import_id, drop_edited=edited == "drop")
    return ImportUndone(
        id=import_id,
        removed=undone.removed,
        handed_over=undone.handed_over,
        kept=await Transactions(session, user.user_id).shown(undone.kept),
    )
