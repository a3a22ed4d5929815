"""The settings of api_gateway."""

from typing import ClassVar

from config import ServiceSettings


class Settings(ServiceSettings):
    """Those that all services share; the front door adds none of its own."""

    service_name: ClassVar[str] = "api_gateway"
