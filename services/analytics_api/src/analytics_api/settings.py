"""The settings of analytics_api."""

from typing import ClassVar

from config import ServiceSettings
from pydantic import Field

MEBIBYTE = 1024 * 1024


class Settings(ServiceSettings):
    """Variables `PURSER_ANALYTICS_API__…`, beside those that all services share."""

    service_name: ClassVar[str] = "analytics_api"

    cache_bytes: int = Field(
        256 * MEBIBYTE,
        ge=0,
        description="bytes of memory for users' ledgers kept between requests; 0 reads the whole ledger each time",
    )
