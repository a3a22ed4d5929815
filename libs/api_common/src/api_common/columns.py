"""Column types that mean the same on SQLite and on PostgreSQL: money, points in time, ids.

>>> from decimal import Decimal
>>> class Account(Table, table=True):                                  # doctest: +SKIP
...     id: UUID = Field(default_factory=new_id, primary_key=True)
...     opening_balance: Decimal = Field(sa_type=Money)
...     created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Numeric
from sqlalchemy.orm import declared_attr
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

MONEY_DECIMALS = 6
MICROS_PER_UNIT = 1_000_000
MONEY_LIMIT = Decimal(2**63 - 1).scaleb(-MONEY_DECIMALS)
"""The largest amount that can be stored, 9 223 372 036 854.775807; its negative is the smallest."""

_CENT = Decimal("0.01")


class UnstorableValue(ValueError):  # noqa: N818  (it names what the value is, like the problem of the same name)
    """A value that the column cannot hold exactly; reaches an HTTP client as 422 `unstorable_value`."""


def to_micros(amount: Decimal | int) -> int:
    """Give an amount in millionths of its currency's unit.

    Raises UnstorableValue when that would need rounding (more than 6 decimals), for an amount beyond `MONEY_LIMIT`
    and for what is no finite number.

    >>> to_micros(Decimal("12.345678"))
    12345678
    """
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int):
        raise UnstorableValue(f"Money must be a Decimal, not {type(amount).__name__} {amount!r}: floats are not exact.")
    exact = Decimal(amount)
    if not exact.is_finite():
        raise UnstorableValue(f"{amount} is not an amount of money.")
    if not -MONEY_LIMIT <= exact <= MONEY_LIMIT:
        raise UnstorableValue(f"{amount:f} is too large: amounts go up to {MONEY_LIMIT} either side of zero.")
    numerator, denominator = exact.as_integer_ratio()
    micros, rest = divmod(numerator * MICROS_PER_UNIT, denominator)
    if rest:
        raise UnstorableValue(f"{amount:f} has more than {MONEY_DECIMALS} decimals.")
    return micros


def from_micros(micros: int) -> Decimal:
    """Give the amount of so many millionths, with two decimals, or as many more as it needs.

    >>> from_micros(12_300_000), from_micros(12_345_678)
    (Decimal('12.30'), Decimal('12.345678'))
    """
    cents, rest = divmod(micros, MICROS_PER_UNIT // 100)
    if not rest:
        return Decimal(cents).scaleb(-2)
    return _trimmed(Decimal(micros).scaleb(-MONEY_DECIMALS))


def _trimmed(amount: Decimal) -> Decimal:
    """Drop trailing zeros beyond the cents, so that both databases give the same digits."""
    trimmed = amount.normalize()
    exponent = trimmed.as_tuple().exponent
    return trimmed.quantize(_CENT) if isinstance(exponent, int) and exponent > -2 else trimmed


class Money(TypeDecorator[Decimal]):
    """An exact amount with up to six decimals: NUMERIC(20, 6) on PostgreSQL, millionths in a BIGINT on SQLite.

    SQLite has no decimal type and would store a float. Comparisons and `func.sum` work on both; a product or quotient
    of two money columns does not (square millionths on one of them), nor does `func.avg`.

    Takes Decimal or int and gives Decimal with at least two decimals. An amount that would have to be rounded raises
    UnstorableValue.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose how a database stores it."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(20, MONEY_DECIMALS))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | int | None:
        """Convert on the way in."""
        if value is None:
            return None
        micros = to_micros(value)
        return Decimal(value) if dialect.name == "postgresql" else micros

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        """Convert on the way out."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return _trimmed(Decimal(value))
        return from_micros(int(value))

    def coerce_compared_value(self, op: object, value: object) -> TypeEngine[Any]:
        """Keep literals in comparisons as money: `amount >= 5` means five units, not five millionths."""
        return self

    @property
    def python_type(self) -> type[Decimal]:
        """Give the type of its values in Python."""
        return Decimal


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: aware datetimes in, UTC out; TIMESTAMPTZ on PostgreSQL, sortable text on SQLite.

    A naive datetime raises UnstorableValue: nobody can tell which moment it means.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert on the way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise UnstorableValue(f"{value.isoformat()} has no time zone.")
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @property
    def python_type(self) -> type[datetime]:
        """Give the type of its values in Python."""
        return datetime


def now() -> datetime:
    """Give the present moment in UTC, for `default_factory`."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """Give a UUID version 7: sorts by its time of making, so that inserts go to the end of the primary key's index."""
    return uuid_utils.compat.uuid7()


class Owned(SQLModel):
    """Mixin: a row with an id of its own that belongs to one user."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(index=True)


class Versioned(SQLModel):
    """Mixin: a row whose `version` goes up with every change and guards against lost updates.

    An UPDATE or DELETE of a row that has changed since it was read fails, and reaches an HTTP client as 412.
    `api_common.preconditions` turns the number into ETags.
    """

    version: int = Field(default=1, sa_type=Integer, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805  (a declared_attr receives the class)
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]  # the metaclass sets it on tables
