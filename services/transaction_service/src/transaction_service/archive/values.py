"""Values of rows on their way into an archive and out of it.

A database's own values become JSON without a detour through Python objects where one can be spared, since a million
rows have forty million values.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from api_common.columns import MONEY_LIMIT, from_micros
from sqlalchemy import BigInteger, ColumnElement, String, cast, null, type_coerce

from transaction_service.archive.format import ArchivedColumn, Kind
from transaction_service.days import keepable_day

_MICROS = 1_000_000
_DECIMAL = re.compile(r"-?\d{1,13}\.\d{2,6}", re.ASCII)
# What neither database can keep in a text.
_STRANGE = re.compile("[\x00\ud800-\udfff]")
_REFUSED = (ValueError, TypeError, ArithmeticError, RecursionError)
# orjson would make a float of it.
_LONG_NUMBER = re.compile(rb"[\s:\[,]-?\d{19}")
_DEEPEST = 64
"""So many levels of objects and lists a JSON value may have: more than any row, fewer than an answer can be made of."""
_SMALL_LIMIT = 2**31
_LONG_LIMIT = 2**63
# A UUIDv7 is 48 bits of time, 4 of version, 12 that are random or count, 2 of variant, and 62 more of the former.
_RANDOM_BITS = 74
_VERSION_SHIFT = 64
_LOW_12 = 2**12 - 1
_LOW_62 = 2**62 - 1


def selected(column: ArchivedColumn, dialect: str) -> ColumnElement[Any]:
    """The column as it is read for an archive: the driver's own value, money in millionths."""
    if column.kind is Kind.JSON:
        return column.column
    if column.kind is Kind.MONEY:
        if dialect == "postgresql":
            return cast(column.column * _MICROS, BigInteger)
        return type_coerce(column.column, BigInteger)
    return type_coerce(column.column, String)


def writer(kind: Kind, dialect: str) -> Callable[[Any], object] | None:
    """What makes JSON of a driver's value that is not NULL; None where nothing is to be done."""
    if kind is Kind.MONEY:
        return _money_text
    if dialect == "postgresql":
        return _timestamp_text if kind is Kind.TIMESTAMP else None
    by_kind: dict[Kind, Callable[[Any], object]] = {
        Kind.ID: _id_text,
        Kind.TIMESTAMP: _stored_timestamp_text,
        Kind.BOOLEAN: bool,
    }
    return by_kind.get(kind)


def json_line(row: Mapping[str, object]) -> bytes:
    """A row as one line."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # Numbers beyond 64 bits and lone surrogates, in what a bank or a user once wrote.
        return json.dumps(row, default=str, separators=(",", ":")).encode() + b"\n"


def parsed_line(line: bytes, *, free: Sequence[str] = ()) -> object:
    """The row of a line; `free` are the members that may hold any JSON. Raises ValueError."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        pass  # perhaps for a lone surrogate
    else:
        is_plain = isinstance(row, dict) and all(row.get(name) is None for name in free)
        if is_plain or not _LONG_NUMBER.search(line):
            return row
    try:
        return json.loads(line, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _money_text(micros: int) -> str:
    return f"{from_micros(micros):f}"


def _id_text(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _timestamp_text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _stored_timestamp_text(stored: str) -> str:
    return f"{stored[:10]}T{stored[11:]}Z"


class NewIds:
    """Gives every id of an archive another one, the same for the same, in the same order of time.

    Used where the ids are taken: when the archive of a user is imported for another user of the same server. The ids of
    built-in categories are everybody's and stay.
    """

    def __init__(self, *, kept: Collection[UUID], known: Collection[str], names: Collection[str]) -> None:
        """Draw new ids.

        kept:  ids that stay
        known: ids that are exchanged wherever a JSON value is one of them
        names: members of JSON objects whose values are ids
        """
        self._step = secrets.randbits(_RANDOM_BITS - 2) | 1
        self._kept = frozenset(kept)
        self._known = frozenset(known)
        self._names = frozenset(names)

    def id(self, old: UUID) -> UUID:
        """The id that stands for an old one."""
        if old in self._kept:
            return old
        # Time, version and variant stay, and the rest moves by the same step for all: lists are sorted by ids. The
        # first of these bits is 0 in the ids that Purser makes, so that the sum stays in its place.
        bits = old.int
        moved = (((bits >> _VERSION_SHIFT & _LOW_12) << 62 | bits & _LOW_62) + self._step) % 2**_RANDOM_BITS
        fixed = bits & ~(_LOW_12 << _VERSION_SHIFT | _LOW_62)
        return UUID(int=fixed | moved >> 62 << _VERSION_SHIFT | moved & _LOW_62)

    def in_json(self, value: object, name: str = "") -> object:
        """A JSON value with the ids in it replaced: members named like columns of ids, and the known ones anywhere."""
        if isinstance(value, dict):
            return {key: self.in_json(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.in_json(item, name) for item in value]
        if not isinstance(value, str) or len(value) != 36 or not (name in self._names or value in self._known):
            return value
        try:
            return str(self.id(UUID(value)))
        except ValueError:
            return value


class ColumnReader:
    """Turns JSON values of one column into what the database takes, and refuses what does not belong there."""

    def __init__(self, column: ArchivedColumn, new_ids: NewIds | None) -> None:
        self.name = column.name
        self._column = column
        self._new_ids = new_ids
        self._longest, self._choices, self._container = column.longest, column.choices, column.container
        self._limit = _LONG_LIMIT if column.is_long else _SMALL_LIMIT
        self._seen: dict[str, object] = {}
        self._convert: Callable[[Any], object] = {
            Kind.ID: self._id,
            Kind.TEXT: self._text,
            Kind.MONEY: _money,
            Kind.DATE: self._date,
            Kind.TIMESTAMP: _timestamp,
            Kind.BOOLEAN: _boolean,
            Kind.INTEGER: self._integer,
            Kind.NUMBER: _number,
            Kind.JSON: self._json,
        }[column.kind]

    def read(self, values: Sequence[object]) -> list[object]:
        """Convert a batch of the column. Raises ValueError with the place of the value in the batch in `args[1]`."""
        self._seen = {}
        missing = values.count(None)
        if missing and not self._column.column.nullable:
            raise ValueError(f"{self.name} must not be null", values.index(None))
        nothing = null() if self._column.kind is Kind.JSON else None
        if missing == len(values):
            return [nothing] * missing
        if self._is_right([value for value in values if value is not None] if missing else values):
            return list(values)
        try:
            return [nothing if value is None else self._convert(value) for value in values]
        except _REFUSED:
            place = next(place for place, value in enumerate(values) if not self._fits(value))
            raise ValueError(f"{self.name} is no {self._column.kind} that fits there", place) from None

    def _is_right(self, values: Sequence[Any]) -> bool:
        """Whether the database takes the values of JSON as they are; looks at all of them at once."""
        types = set(map(type, values))
        match self._column.kind:
            case Kind.BOOLEAN:
                return types == {bool}
            case Kind.INTEGER:
                return types == {int} and -self._limit <= min(values) <= max(values) < self._limit
            case Kind.TEXT if types == {str}:
                is_short = self._longest is None or max(map(len, values)) <= self._longest
                is_known = self._choices is None or set(values) <= self._choices
                return is_short and is_known and _STRANGE.search("".join(values)) is None
        return False

    def _fits(self, value: object) -> bool:
        try:
            return value is None or self._convert(value) is not None
        except _REFUSED:
            return False

    def _id(self, value: Any) -> object:
        known = self._seen.get(value)
        if known is None:
            if not isinstance(value, str) or len(value) != 36:
                raise ValueError
            known = self._seen[value] = self._new_ids.id(UUID(value)) if self._new_ids else UUID(value)
        return known

    def _date(self, value: Any) -> object:
        known = self._seen.get(value)
        if known is None:
            if len(value) != 10:
                raise ValueError
            known = self._seen[value] = date.fromisoformat(value)
            if not keepable_day(known):
                raise ValueError
        return known

    def _text(self, value: Any) -> object:
        if not isinstance(value, str) or _STRANGE.search(value):
            raise ValueError
        if self._longest is not None and len(value) > self._longest:
            raise ValueError
        if self._choices is not None and value not in self._choices:
            raise ValueError
        return value

    def _integer(self, value: Any) -> object:
        if type(value) is not int or not -self._limit <= value < self._limit:
            raise ValueError
        return value

    def _json(self, value: Any) -> object:
        if self._container is None or not isinstance(value, self._container):
            raise TypeError
        # Python reads a number such as 1e999 as infinite, which JSON cannot hold.
        text = json.dumps(value, allow_nan=False)
        if text.count("{") + text.count("[") > _DEEPEST and _depth(value) > _DEEPEST:
            raise ValueError
        return self._new_ids.in_json(value) if self._new_ids else value


def _depth(value: object) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(_depth, members), default=0)


def _money(value: Any) -> Decimal:
    if not _DECIMAL.fullmatch(value):
        raise ValueError
    amount = Decimal(value)
    if abs(amount) > MONEY_LIMIT:
        raise ValueError
    return amount


def _timestamp(value: Any) -> datetime:
    if len(value) != 27 or not value.endswith("Z"):
        raise ValueError
    return datetime.fromisoformat(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)
