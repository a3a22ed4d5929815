"""Settings, service addresses, connection files and secrets of Purser."""

from config.connections import BigQueryConnection, PostgresConnection, SftpConnection, load_connection
from config.errors import ConnectionFileError, SettingsError
from config.loading import load
from config.profile import Profile
from config.settings import ServiceSettings

__all__ = [
    "BigQueryConnection",
    "ConnectionFileError",
    "PostgresConnection",
    "Profile",
    "ServiceSettings",
    "SettingsError",
    "SftpConnection",
    "load",
    "load_connection",
]
