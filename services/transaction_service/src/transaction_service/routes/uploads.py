"""Uploaded files: on disk while they are read, never whole in memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from api_common.compute import offload
from fastapi import Request
from starlette.datastructures import UploadFile

from transaction_service.disk_room import room_on_disk
from transaction_service.errors import FileNeeded

_IN_MEMORY = 1024 * 1024

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}}},
            "application/octet-stream": {"schema": BINARY},
        },
    }
}
"""What a route that takes a file declares: `openapi_extra=FILE_BODY`."""


@dataclass(frozen=True)
class UploadedFile:
    """A file that came with a request, at its first byte; it is gone when the request is."""

    file: IO[bytes]
    filename: str | None
    size: int
    sha256: str


@asynccontextmanager
async def uploaded_file(request: Request) -> AsyncIterator[UploadedFile]:
    """Take the file of a request: a form's field `file`, or the body itself.

    Raises FileNeeded when a form has no such field, InsufficientStorage when there is no room for the file.
    """
    with room_on_disk():
        async with _taken(request) as uploaded:
            yield uploaded


@asynccontextmanager
async def _taken(request: Request) -> AsyncIterator[UploadedFile]:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            await _spool(request, file)
            yield await offload(_measured, file, None)
        return
    async with request.form(max_files=1, max_fields=10) as form:
        part = form.get("file")
        if not isinstance(part, UploadFile):
            raise FileNeeded('The form has no file in its field "file".')
        yield await offload(_measured, part.file, (part.filename or "").replace("\x00", "") or None)


async def _spool(request: Request, file: IO[bytes]) -> None:
    """Write the body to a file, a piece at a time; the disk is waited for in a thread."""
    piece = bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) >= _IN_MEMORY:
            await offload(file.write, piece)
            piece = bytearray()
    file.write(piece)


def _measured(file: IO[bytes], filename: str | None) -> UploadedFile:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_IN_MEMORY):
        digest.update(chunk)
    file.seek(0)
    return UploadedFile(file, filename, size, digest.hexdigest())
