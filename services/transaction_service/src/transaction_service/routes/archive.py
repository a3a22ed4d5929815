"""/v1/archive."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Annotated

from api_common import Runtime, idempotency, runtime_of
from api_common.columns import now
from api_common.compute import offload
from api_common.problems import InsufficientStorage, PayloadTooLarge, responses
from fastapi import APIRouter, Depends, Request, Response
from starlette.types import Receive, Scope, Send

from transaction_service.archive.format import MEDIA_TYPE
from transaction_service.archive.reader import ArchiveReader
from transaction_service.archive.unpacked import on_disk
from transaction_service.errors import ArchiveBroken, ArchiveTooLarge, ArchiveTooNew, FileNeeded, LedgerNotEmpty
from transaction_service.routes.access import SERVICE, Once, Reader, Reading, Writer, Writing
from transaction_service.routes.uploads import BINARY, FILE_BODY, UploadedFile, uploaded_file
from transaction_service.schemas.archive import ArchiveImported
from transaction_service.service.archive import Archives
from transaction_service.settings import Settings

router = APIRouter(prefix="/v1/archive", tags=["archive"])

_PIECE = 256 * 1024

Here = Annotated[Runtime, Depends(runtime_of(SERVICE))]


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"description": "The archive.", "content": {MEDIA_TYPE: {"schema": BINARY}}},
        **responses(InsufficientStorage),
    },
)
async def export_archive(user: Reader, runtime: Here) -> Response:
    """Export everything: all that the ledger holds of the user, as a zip of JSON, Parquet and CSV files."""
    async with runtime.database.snapshot() as session:
        file = await Archives(session, user.user_id).export()
    name = f"purser-{now():%Y-%m-%d}.zip"
    return FileAnswer(file, {"Content-Type": MEDIA_TYPE, "Content-Disposition": f'attachment; filename="{name}"'})


@router.post(
    "",
    status_code=201,
    response_model=ArchiveImported,
    responses=responses(
        FileNeeded,
        ArchiveBroken,
        ArchiveTooNew,
        ArchiveTooLarge,
        LedgerNotEmpty,
        PayloadTooLarge,
        InsufficientStorage,
        *idempotency.PROBLEMS,
    ),
    openapi_extra=FILE_BODY,
)
async def import_archive(
    request: Request, user: Writer, once: Once, session: Writing, reading: Reading, runtime: Here
) -> Response:
    """Import an archive into an empty ledger: a form's field `file`, or the file as the body.

    Afterwards the ledger is exactly the archived one. All of it is imported, or, when anything is wrong, nothing.
    """
    settings = runtime.settings
    assert isinstance(settings, Settings)  # noqa: S101 (main builds the Service with these settings)
    async with uploaded_file(request) as uploaded:
        archive = await offload(_verified, uploaded, settings.archive_unpacked_limit)
        with on_disk(archive) as unpacked:
            await Archives(reading, user.user_id).unpack(unpacked)
            return await once.once(
                user.user_id,
                status=201,
                model=ArchiveImported,
                effect=lambda: Archives(session, user.user_id).import_(unpacked),
                payload=uploaded.sha256.encode(),
            )


def _verified(uploaded: UploadedFile, limit: int) -> ArchiveReader:
    archive = ArchiveReader(uploaded.file, limit=limit)
    archive.verify()
    return archive


class FileAnswer(Response):
    """An open file as the answer, read a piece at a time and closed whatever happens."""

    def __init__(self, file: IO[bytes], headers: Mapping[str, str]) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self.status_code = 200
        self.background = None
        self.init_headers({**headers, "Content-Length": str(size)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            more = True
            while more:
                piece = await offload(self._file.read, _PIECE)
                more = len(piece) == _PIECE
                await send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            self._file.close()
