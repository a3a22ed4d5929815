"""The settings of transaction_service."""

from __future__ import annotations

from typing import ClassVar

from config import ServiceSettings
from pydantic import Field

_MIB = 1024 * 1024


class Settings(ServiceSettings):
    """How large what is uploaded may be; it is kept on disk while it is read, not in memory."""

    service_name: ClassVar[str] = "transaction_service"

    import_limit: int = Field(512 * _MIB, ge=1024, description="bytes of a statement file, at least 1024")
    archive_limit: int = Field(2048 * _MIB, ge=1024, description="bytes of an archive that is imported, at least 1024")
    archive_unpacked_limit: int = Field(
        16 * 1024 * _MIB, ge=1024, description="bytes of all files of such an archive, unpacked, at least 1024"
    )
