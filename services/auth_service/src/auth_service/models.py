"""The tables of auth_service. None of them is an API schema."""

from datetime import datetime
from uuid import UUID

from api_common.columns import UtcDateTime, Versioned, new_id
from api_common.database import NAMING_CONVENTION
from sqlalchemy import Enum, ForeignKey, LargeBinary, MetaData, String, Text, Uuid
from sqlmodel import Field, SQLModel

from auth_service.scopes import Role

ROLE = Enum(Role, native_enum=False, length=32, values_callable=lambda roles: [role.value for role in roles])


class Table(SQLModel):
    """Base of the tables, with a metadata of their own."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Installation(Table, table=True):
    """The one row of what happens once in the life of a database; locked by what must not happen twice at a time."""

    __tablename__ = "installation"

    id: int = Field(default=1, primary_key=True)
    first_user_id: UUID | None = Field(default=None, sa_type=Uuid)
    first_key_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class User(Versioned, Table, table=True):
    """A person who signs in."""

    __tablename__ = "user_account"

    id: UUID = Field(default_factory=new_id, primary_key=True, sa_type=Uuid)
    email: str = Field(sa_type=String(254), unique=True)
    password_hash: str = Field(sa_type=String(255))
    role: Role = Field(default=Role.MEMBER, sa_type=ROLE)
    display_name: str | None = Field(default=None, sa_type=String(120))
    created_at: datetime = Field(sa_type=UtcDateTime)
    password_changed_at: datetime = Field(sa_type=UtcDateTime)
    last_sign_in_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    locked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lock_reason: str | None = Field(default=None, sa_type=String(500))


class Session(Table, table=True):
    """One sign-in on one device, and with it one family of refresh tokens.

    ``ended_at`` ends all of it: no token of an ended session is ever good again.
    """

    __tablename__ = "session"

    id: UUID = Field(default_factory=new_id, primary_key=True, sa_type=Uuid)
    user_id: UUID = Field(sa_column_args=[ForeignKey("user_account.id", ondelete="CASCADE")], sa_type=Uuid, index=True)
    client_id: str = Field(sa_type=String(120))
    scope: str = Field(sa_type=String(500))
    device: str | None = Field(default=None, sa_type=String(200))
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    end_reason: str | None = Field(default=None, sa_type=String(32))


class RefreshToken(Table, table=True):
    """A refresh token that was given out: only its digest, so that a stolen database opens no session.

    ``sealed_successor`` holds the next token, encrypted so that only the bearer of this one can have it again; see
    `auth_service.refresh_tokens`. It is removed when that next token is used.
    """

    __tablename__ = "refresh_token"

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary(32))
    session_id: UUID = Field(sa_column_args=[ForeignKey("session.id", ondelete="CASCADE")], sa_type=Uuid, index=True)
    issued_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sealed_successor: bytes | None = Field(default=None, sa_type=LargeBinary)


class SigningKey(Table, table=True):
    """An ES256 key pair; the private half is encrypted under the secret key of the installation."""

    __tablename__ = "signing_key"

    id: str = Field(primary_key=True, sa_type=String(64))
    public_jwk: str = Field(sa_type=Text)
    sealed_private_key: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcDateTime)
    signs_from: datetime = Field(sa_type=UtcDateTime)


class ServiceClient(Table, table=True):
    """A program that gets tokens without a person, by client credentials."""

    __tablename__ = "service_client"

    id: str = Field(primary_key=True, sa_type=String(64))
    name: str = Field(sa_type=String(120), unique=True)
    secret_digest: bytes = Field(sa_type=LargeBinary(32))
    scope: str = Field(sa_type=String(500))
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: UUID | None = Field(default=None, sa_type=Uuid)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
