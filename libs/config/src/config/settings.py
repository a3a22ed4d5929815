"""The settings that every service shares."""

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_config_path, user_data_path
from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.errors import SettingsError
from config.profile import Profile

MINIMUM_SECRET_LENGTH = 32
# Generated keys carry this prefix so that a production process recognises one that was copied from a laptop.
DEVELOPMENT_SECRET_PREFIX = "development-"  # noqa: S105
_PORTS = {"http": 80, "https": 443}
_WEAK_SECRET_WORDS = ("changeme", "change-me", "change_me", "example", "insecure", "password", "placeholder")


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    # Asking for the port raises ValueError for one that there cannot be.
    if parts.scheme not in _PORTS or not parts.hostname or parts.port == 0:
        raise ValueError("not an http:// or https:// address")
    return value.rstrip("/")


def _origin(value: str) -> str:
    if value == "*":
        return value
    parts = urlsplit(value)
    host, port = parts.hostname, parts.port
    if parts.scheme not in _PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment or "@" in value:
        raise ValueError(f'"{value}" is not an origin such as https://app.example')
    # As browsers write it, who are compared with it: in small letters, and without the usual port.
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, _PORTS[parts.scheme]} else "")


def _proxy(value: str) -> str:
    # A "*" would believe whatever the client itself wrote into the header, and names resolve to nothing here.
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f'"{value}" is neither an IP address nor a network such as 10.0.0.0/8') from None
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]
Origin = Annotated[str, AfterValidator(_origin)]
Proxy = Annotated[str, AfterValidator(_proxy)]
Location = Annotated[Path, AfterValidator(Path.expanduser)]
"""A path; ``~`` stands for the home folder, which no shell fills in where a file gives the setting."""


def _default_log_format(data: dict[str, Any]) -> Literal["console", "json"]:
    return "console" if data.get("profile") is Profile.DEVELOPMENT else "json"


def _default_drain(data: dict[str, Any]) -> float:
    return 3.0 if data.get("profile") is Profile.PRODUCTION else 0.0


class ServiceSettings(BaseSettings):
    """Settings shared by all services; a service subclasses it and adds only its own fields.

    Shared fields are read by `config.load` from ``PURSER_<FIELD>``, a subclass's own fields from
    ``PURSER_<SERVICE_NAME>__<FIELD>``. Building an instance directly reads no variable at all, so that tests depend on
    nothing but their arguments.

    Example:
        >>> from typing import ClassVar
        >>> class Settings(ServiceSettings):
        ...     service_name: ClassVar[str] = "auth_service"
        ...     access_token_seconds: int = 600
        >>> Settings(profile="test").access_token_seconds
        600
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    service_name: ClassVar[str] = "purser"

    profile: Profile = Field(Profile.DEVELOPMENT, description="one of development, test, production")
    data_dir: Location = Field(
        default_factory=lambda: user_data_path("purser"), description="a folder for databases and generated keys"
    )
    config_dir: Location = Field(
        default_factory=lambda: user_config_path("purser"), description="the folder of the connection files"
    )
    secrets_dir: Location | None = Field(None, description="a folder with one file per secret, named like its variable")
    database_url: str | None = Field(
        None,
        repr=False,
        description="an SQLAlchemy address such as postgresql://user:password@host/purser; {service} is filled in",
    )
    migrate_on_start: bool | None = Field(
        None, description="true or false; without it every profile but production migrates when it starts"
    )
    service_urls: dict[str, HttpUrl] = Field(
        default_factory=dict, description="name=address pairs such as auth_service=http://127.0.0.1:8001, or JSON"
    )
    public_url: HttpUrl = Field("http://127.0.0.1:8000", description="the http(s) address that users see")
    host: str = Field("127.0.0.1", min_length=1, description="the address to listen on, such as 127.0.0.1 or 0.0.0.0")
    port: int = Field(8000, ge=1, le=65535, description="a port number from 1 to 65535")
    forwarded_allow_ips: tuple[Proxy, ...] = Field(
        (), description="addresses or networks of the proxies whose X-Forwarded-For is believed, separated by commas"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="one of debug, info, warning, error"
    )
    log_format: Literal["console", "json"] = Field(
        default_factory=_default_log_format, description="one of console, json"
    )
    cors_origins: tuple[Origin, ...] = Field((), description="origins such as https://app.example, separated by commas")
    body_limit: int = Field(32 * 1024 * 1024, ge=1024, description="bytes, at least 1024")
    rate_limit: str | None = Field(None, description="a rate such as 600/minute")
    redis_url: SecretStr | None = Field(None, description="an address such as redis://:password@host:6379/0")
    replicas: int = Field(1, ge=1, description="how many copies of this service run, at least 1")
    secret_key: SecretStr | None = Field(
        None, description=f"at least {MINIMUM_SECRET_LENGTH} random characters, e.g. from `openssl rand -base64 48`"
    )
    token_issuer: str = Field(
        default_factory=lambda data: data.get("public_url", ""), description="the `iss` of access tokens"
    )
    token_audience: str = Field("purser", min_length=1, description="the `aud` of access tokens")
    jwks_file: Location | None = Field(None, description="a JSON file with the public keys of the token issuer")
    drain_seconds: float = Field(
        default_factory=_default_drain,
        ge=0,
        le=300,
        description="seconds between readiness turning off and the server closing its port, 0 to 300",
    )
    shutdown_seconds: int = Field(20, ge=1, le=3600, description="seconds that running requests get to end, 1 to 3600")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments only; `config.load` brings in the environment."""
        return (init_settings,)

    @model_validator(mode="after")
    def _refuse_unsafe_production(self) -> Self:
        if self.profile is not Profile.PRODUCTION:
            return self
        problems = [*_secret_problems(self.secret_key), *self._scale_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _scale_problems(self) -> list[str]:
        if self.replicas > 1 and (self.database_url or "sqlite:").startswith("sqlite"):
            return [
                f"PURSER_REPLICAS={self.replicas} needs a database that several processes can share: "
                "set PURSER_DATABASE_URL to a PostgreSQL address, or PURSER_REPLICAS=1"
            ]
        return []

    @property
    def migrates_on_start(self) -> bool:
        """Whether a starting service upgrades its database itself."""
        if self.migrate_on_start is not None:
            return self.migrate_on_start
        return self.profile is not Profile.PRODUCTION

    def require_secret_key(self) -> SecretStr:
        """Return the secret key; outside production one is generated into ``<data_dir>/secret.key`` when missing.

        The file is readable by its owner only. Two processes that start together agree on one key.

        Raises SettingsError when the file can be neither read nor made, or holds no key.
        """
        if self.secret_key is not None:
            return self.secret_key
        path = self.data_dir / "secret.key"
        try:
            secret = _development_secret(path)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SettingsError([f"{path} cannot be used ({reason}): {_KEY_FILE_WAY_OUT}"]) from error
        if len(secret) < MINIMUM_SECRET_LENGTH:
            raise SettingsError([f"{path} holds no key of {MINIMUM_SECRET_LENGTH} characters: {_KEY_FILE_WAY_OUT}"])
        return SecretStr(secret)


_KEY_FILE_WAY_OUT = "repair it, name another folder in PURSER_DATA_DIR, or set PURSER_SECRET_KEY"


def _secret_problems(secret: SecretStr | None) -> list[str]:
    way_out = "set it to the output of `openssl rand -base64 48`, in the environment or in a file of PURSER_SECRETS_DIR"
    if secret is None:
        return [f"PURSER_SECRET_KEY is missing and production invents none: {way_out}"]
    value = secret.get_secret_value()
    if len(value) < MINIMUM_SECRET_LENGTH:
        return [f"PURSER_SECRET_KEY is shorter than {MINIMUM_SECRET_LENGTH} characters: {way_out}"]
    known = value.startswith(DEVELOPMENT_SECRET_PREFIX) or any(word in value.lower() for word in _WEAK_SECRET_WORDS)
    if known or len(set(value)) < 8:
        return [f"PURSER_SECRET_KEY is a development secret: {way_out}"]
    return []


def _development_secret(path: Path) -> str:
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = DEVELOPMENT_SECRET_PREFIX + secrets.token_urlsafe(48)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(fresh)
            file.flush()
            # What is sealed under it is lost for ever when a power cut leaves the file empty.
            os.fsync(file.fileno())
        # A hard link appears whole or not at all, so a second process reads either nothing or the finished key.
        os.link(temporary, path)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    finally:
        temporary.unlink()
    return fresh
