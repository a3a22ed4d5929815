"""The settings of the ledger."""

from __future__ import annotations

from typing import ClassVar

from config import ServiceSettings


class Settings(ServiceSettings):
    """The shared settings are all that this service needs."""

    service_name: ClassVar[str] = "transaction_service"
