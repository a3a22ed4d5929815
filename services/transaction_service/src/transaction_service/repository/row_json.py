"""Listed rows as JSON, written by the database.

The list is read more than anything else, and each value of a row would otherwise be made three times: as the driver's
object, as ours (ids, decimals, dates), and as text again. The database writes each row as the text of the JSON object
that `TransactionSchema` describes, tags, parts and transfer included, and a page is those texts one after another.

The expressions are SQL text and not SQLAlchemy's: a statement of forty columns and as many functions takes longer to
look up among the compiled ones than to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, Protocol

import orjson
from api_common.columns import Money, UtcDateTime
from sqlalchemy import JSON, Boolean, ColumnElement, Float, Uuid, inspect, literal_column
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from transaction_service.models import Split, Transaction

_PUBLISHED = {"text": "description"}
_UNPUBLISHED = {"id", "user_id", "identity", "content", "search_text", "search_words", "replaced_by"}
_BESIDES_ID = [column.key for column in inspect(Transaction).columns if column.key not in _UNPUBLISHED]
_OF_SPLIT = ("id", "amount", "category_id", "note")
_LINKED = (
    "SELECT x.id, (SELECT y.account_id FROM transactions AS y"
    " WHERE y.id = CASE transactions.id WHEN x.outgoing_id THEN x.incoming_id ELSE x.outgoing_id END) AS account_id"
    " FROM transfers AS x"
    " WHERE x.status = 'linked' AND (x.outgoing_id = transactions.id OR x.incoming_id = transactions.id) LIMIT 1"
)
"""The linked transfer of a row, and the account of its other side."""


class RowWriter(Protocol):
    """How one database gives rows as JSON."""

    columns: tuple[ColumnElement[Any], ...]
    """What to select from `transactions`, before anything else."""

    def value(self, name: str, kind: TypeEngine[Any]) -> str:
        """The SQL of a value as JSON has it, and as a cursor can hold it."""

    def written(self, rows: Iterable[Sequence[Any]]) -> list[str]:
        """Selected rows as JSON."""


class _Sqlite:
    """How SQLite writes JSON: ids are stored as 32 digits, money as millionths, moments with a space in the middle.

    Ids and flags are left to us: most are those of many rows, and are written once for all of them. SQLite takes
    longer for the dashes of ids than for all the texts of a row.
    """

    def __init__(self) -> None:
        columns = inspect(Transaction).columns
        self._shared = {
            name: convert for name in _BESIDES_ID if (convert := _conversion(columns[name].type)) is not None
        }
        own = [name for name in _BESIDES_ID if name not in self._shared]
        part = self._object(_fields(self, Split, "x", _OF_SPLIT))
        # Asked once per page: most ledgers have no parts at all.
        parts = f"iif(EXISTS (SELECT 1 FROM splits), {self._hanging(part, 'splits', 'position')}, json('[]'))"  # noqa: S608  (our own names)
        tags = self._hanging("x.tag", "transaction_tags", "tag")
        fields = [*_fields(self, Transaction, "transactions", own), ("tags", tags), ("splits", parts)]
        shared = [f"transactions.{name}" for name in ("id", *self._shared)]
        self._in_common = lru_cache(maxsize=4_096)(self._shared_fields)
        self.columns = _literal(self._object(fields), *shared, _transfer())

    def value(self, name: str, kind: TypeEngine[Any]) -> str:
        """The SQL of a value as JSON has it, and as a cursor can hold it."""
        if isinstance(kind, Uuid):
            pieces = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
            return " || '-' || ".join(f"substr({name}, {start}, {length})" for start, length in pieces)
        if isinstance(kind, Money):
            sign, micros = f"iif({name} < 0, '-', '')", f"abs({name})"
            cents = f"printf('%s%d.%02d', {sign}, {micros} / 1000000, {micros} / 10000 % 100)"
            full = f"rtrim(printf('%s%d.%06d', {sign}, {micros} / 1000000, {micros} % 1000000), '0')"
            return f"CASE WHEN {name} IS NULL THEN NULL WHEN {name} % 10000 = 0 THEN {cents} ELSE {full} END"
        if isinstance(kind, UtcDateTime):
            return f"replace(replace({name}, ' ', 'T'), '.000000', '') || 'Z'"
        return f"json({name})" if isinstance(kind, JSON) else name

    def written(self, rows: Iterable[Sequence[Any]]) -> list[str]:
        """Selected rows as JSON."""
        end = len(self.columns)
        found = []
        for row in rows:
            own, row_id, text = row[0], row[1], self._in_common(row[2:end])
            dashes = f"{row_id[:8]}-{row_id[8:12]}-{row_id[12:16]}-{row_id[16:20]}-{row_id[20:]}"
            found.append(f'{{"id":"{dashes}",{text},{own[1:]}')
        return found

    def _shared_fields(self, selected: Sequence[Any]) -> str:
        *values, transfer = selected
        fields = {
            name: None if value is None else convert(value)
            for (name, convert), value in zip(self._shared.items(), values, strict=True)
        }
        fields["transfer_id"] = _dashed(transfer[:32]) if transfer else None
        fields["transfer_account_id"] = _dashed(transfer[32:]) if transfer else None
        return orjson.dumps(fields).decode()[1:-1]

    @staticmethod
    def _object(fields: Iterable[tuple[str, str]]) -> str:
        members = ", ".join(f"'{name}', {value}" for name, value in fields)
        return f"json_object({members})"

    @staticmethod
    def _hanging(element: str, table: str, order: str) -> str:
        """What hangs on the row, in an order, as an array."""
        mine = f"SELECT * FROM {table} WHERE transaction_id = transactions.id ORDER BY {order}"  # noqa: S608  (our own names)
        return f"(SELECT json_group_array({element}) FROM ({mine}) AS x)"  # noqa: S608  (our own names)


class _Postgresql:
    """How PostgreSQL writes JSON: by itself, but for decimals and moments."""

    def __init__(self) -> None:
        part = self._object(_fields(self, Split, "x", _OF_SPLIT))
        fields = [
            *_fields(self, Transaction, "transactions", ["id", *_BESIDES_ID]),
            ("transfer_id", "linked.id"),
            ("transfer_account_id", "linked.account_id"),
            # By code points, as Python sorts.
            ("tags", self._hanging("x.tag", "transaction_tags", 'x.tag COLLATE "C"')),
            ("splits", self._hanging(part, "splits", "x.position")),
        ]
        # A row may have no transfer. Both its sides are looked for at once: each look costs more to plan than to run.
        own = f"(SELECT) AS own LEFT JOIN LATERAL ({_LINKED}) AS linked ON true"
        whole = f"{self._object(fields, own)}::text"
        self.columns: tuple[ColumnElement[Any], ...] = (literal_column(whole).label("row"),)

    def value(self, name: str, kind: TypeEngine[Any]) -> str:
        """The SQL of a value as JSON has it, and as a cursor can hold it."""
        if isinstance(kind, Money):
            return f"regexp_replace({name}::text, '0{{1,4}}$', '')"
        if isinstance(kind, UtcDateTime):
            # Our connections have UTC as their time zone.
            return f"replace(to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '.000000', '')"
        return name

    def written(self, rows: Iterable[Sequence[Any]]) -> list[str]:
        """Selected rows as JSON."""
        return [row[0] for row in rows]

    @staticmethod
    def _object(fields: Iterable[tuple[str, str]], source: str = "(SELECT) AS own") -> str:
        """Shorter and quicker than `json_build_object`, which writes spaces."""
        members = ", ".join(f'{value} AS "{name}"' for name, value in fields)
        return f"(SELECT row_to_json(o) FROM (SELECT {members} FROM {source}) AS o)"  # noqa: S608  (our own names)

    @staticmethod
    def _hanging(element: str, table: str, order: str) -> str:
        """What hangs on the row, in an order, as an array."""
        mine = f"{table} AS x WHERE x.transaction_id = transactions.id"
        return f"ARRAY(SELECT {element} FROM {mine} ORDER BY {order})"  # noqa: S608  (our own names)


@cache
def row_writer(dialect: str) -> RowWriter:
    """How a database gives rows as JSON."""
    return _Sqlite() if dialect == "sqlite" else _Postgresql()


def _conversion(kind: TypeEngine[Any]) -> Callable[[Any], object] | None:
    """How a value becomes JSON that SQLite leaves to us; None when it writes it itself."""
    if isinstance(kind, Uuid):
        return _dashed
    if isinstance(kind, Boolean):
        return bool
    # SQLite would write fifteen of its seventeen digits.
    return float if isinstance(kind, Float) else None


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _fields(
    writer: RowWriter | _Sqlite | _Postgresql, model: type[SQLModel], table: str, names: Iterable[str]
) -> list[tuple[str, str]]:
    columns = inspect(model).columns
    return [(_PUBLISHED.get(name, name), writer.value(f"{table}.{name}", columns[name].type)) for name in names]


def _transfer() -> str:
    """The ids of the linked transfer of the row, which is one side of it or the other, and of the other's account."""
    sides = (("outgoing_id", "incoming_id"), ("incoming_id", "outgoing_id"))
    found = (
        f"(SELECT x.id || y.account_id FROM transfers AS x JOIN transactions AS y ON y.id = x.{other}"  # noqa: S608  (our own names)
        f" WHERE x.{side} = transactions.id AND x.status = 'linked')"
        for side, other in sides
    )
    return f"coalesce({', '.join(found)})"


def _literal(*texts: str) -> tuple[ColumnElement[Any], ...]:
    return tuple(literal_column(text) for text in texts)
