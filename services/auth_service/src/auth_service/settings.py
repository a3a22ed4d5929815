"""The settings of auth_service."""

from typing import Annotated, ClassVar, Self

from config import Profile, ServiceSettings
from limits import parse
from pydantic import AfterValidator, Field, model_validator

from auth_service.password_hashing import Argon2Parameters

# RFC 9106 section 4, second recommended option; about a fifth of a second on one core.
RECOMMENDED_ARGON2 = Argon2Parameters(memory_kib=65536, passes=3, parallelism=4)
TEST_ARGON2 = Argon2Parameters(memory_kib=64, passes=1, parallelism=1)
LEAST_MEMORY_KIB = 19456
LEAST_PASSES = 2
LONGEST_ACCESS_TOKEN = 3600
"""Seconds; no setting lets a token live longer, so a signing key can be dropped this long after its last use."""
_VARIABLE = "PURSER_AUTH_SERVICE__"


def _rate(value: str) -> str:
    parse(value)
    return value


Rate = Annotated[str, AfterValidator(_rate)]


class Settings(ServiceSettings):
    """How long tokens live, what a password hash costs, and how many wrong passwords are too many."""

    service_name: ClassVar[str] = "auth_service"

    sign_up_open: bool = Field(True, description="true or false: whether people may make accounts for themselves")
    public_clients: tuple[str, ...] = Field(
        ("purser",), min_length=1, description="client ids of applications without a secret; the first is the default"
    )
    data_owners: dict[str, str] = Field(
        default_factory=lambda: {"transaction_service": "/v1/ledger/users/{user_id}"},
        description="service=path pairs: who deletes data of a deleted user, and where it is asked to",
    )

    access_token_seconds: int = Field(600, ge=30, le=LONGEST_ACCESS_TOKEN, description="seconds, 30 to 3600")
    refresh_token_seconds: int = Field(
        30 * 86400, ge=60, le=366 * 86400, description="seconds that an unused refresh token stays good"
    )
    session_seconds: int = Field(
        180 * 86400, ge=60, le=3660 * 86400, description="seconds after which a person signs in again in any case"
    )
    refresh_grace_seconds: int = Field(
        30, ge=0, le=300, description="seconds in which a used refresh token still gets the same successor, 0 to 300"
    )

    argon2_memory_kib: int | None = Field(None, ge=8, le=4 * 1024 * 1024, description="KiB of memory for one hash")
    argon2_passes: int | None = Field(None, ge=1, le=100, description="passes over that memory")
    argon2_parallelism: int | None = Field(None, ge=1, le=64, description="threads of one hash")
    hashing_slots: int = Field(2, ge=1, le=64, description="password hashes computed at once, 1 to 64")
    hashing_queue: int = Field(64, ge=1, le=10000, description="sign-ins that may wait for a slot; more get 503")

    failures_per_account: Rate = Field("10/15minutes", description="a rate such as 10/15minutes")
    failures_per_address: Rate = Field("50/15minutes", description="a rate such as 50/15minutes")
    sign_ups_per_address: Rate = Field("100/hour", description="a rate such as 100/hour")

    key_publish_seconds: int = Field(
        900, ge=0, le=7 * 86400, description="seconds that a new signing key is published before it signs"
    )
    key_reload_seconds: int = Field(
        30, ge=0, le=3600, description="seconds after which a process looks for new signing keys in the database"
    )

    @property
    def argon2(self) -> Argon2Parameters:
        """The cost of a hash: what is set, else RFC 9106's recommendation, or next to nothing in the profile test."""
        default = TEST_ARGON2 if self.profile is Profile.TEST else RECOMMENDED_ARGON2
        return Argon2Parameters(
            memory_kib=self.argon2_memory_kib or default.memory_kib,
            passes=self.argon2_passes or default.passes,
            parallelism=self.argon2_parallelism or default.parallelism,
        )

    @model_validator(mode="after")
    def _refuse_settings_that_contradict(self) -> Self:
        cost = self.argon2
        if cost.memory_kib < 8 * cost.parallelism:
            raise ValueError(
                f"{_VARIABLE}ARGON2_MEMORY_KIB={cost.memory_kib} is too little for "
                f"{_VARIABLE}ARGON2_PARALLELISM={cost.parallelism}: "
                f"Argon2 needs 8 KiB for each thread, so at least {8 * cost.parallelism}"
            )
        if self.profile is Profile.PRODUCTION and (cost.memory_kib < LEAST_MEMORY_KIB or cost.passes < LEAST_PASSES):
            raise ValueError(
                f"{_VARIABLE}ARGON2_MEMORY_KIB={cost.memory_kib} with {_VARIABLE}ARGON2_PASSES={cost.passes} "
                "is too weak for production: "
                f"use at least {LEAST_MEMORY_KIB} KiB and {LEAST_PASSES} passes"
            )
        for name, path in self.data_owners.items():
            if not path.startswith("/") or path.count("{user_id}") != 1:
                raise ValueError(
                    f'{_VARIABLE}DATA_OWNERS: the path of {name} is "{path}"; '
                    "it starts with / and holds {user_id} once"
                )
        if 0 < self.key_publish_seconds < self.key_reload_seconds:
            raise ValueError(
                f"{_VARIABLE}KEY_PUBLISH_SECONDS={self.key_publish_seconds} is shorter than "
                f"{_VARIABLE}KEY_RELOAD_SECONDS={self.key_reload_seconds}: "
                "others would not know a key when it starts to sign"
            )
        return self
