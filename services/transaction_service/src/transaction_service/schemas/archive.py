"""What the import of an archive answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class ArchiveImported(BaseModel):
    """What came out of an archive."""

    tables: dict[str, int] = Field(description="How many rows each table has got.")
    ids: Literal["kept", "renewed"] = Field(
        description="`renewed` when another user of this server has the archive's ids: then all rows have new ones."
    )
    created_at: datetime = Field(description="When the archive was made.")
