"""Keyset pagination: pages that stay right while rows come and go, at the same cost on page 1 and on page 1000.

A repository says in which order, by columns that are never NULL and end with a unique one:

    NEWEST = Keyset(col(Transaction.booking_date).desc(), col(Transaction.id).desc())

    async def list(self, page: PageQuery) -> Slice[Transaction]:
        return await self.page(self.mine(), NEWEST, page)

and a route turns the slice into an answer with a `Link` header:

    @router.get("/v1/transactions")
    async def list_transactions(page: Paging, links: Links, ...) -> Page[TransactionOut]:
        found = await transactions.list(page)
        return links.page(found, TransactionOut.model_validate)

An index over the user and the key columns, in that order, serves every page without sorting.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import (
    Column,
    ColumnElement,
    Label,
    Select,
    UnaryExpression,
    and_,
    bindparam,
    inspect,
    literal,
    not_,
    or_,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.operators import desc_op
from sqlmodel.sql.sqltypes import AutoString

from api_common.parameters import gathered
from api_common.problems import InvalidInput

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 500

T = TypeVar("T")
S = TypeVar("S")
Value = str | int | bool | Decimal | date | datetime | UUID


class InvalidCursor(InvalidInput):
    """A cursor that this list has not given."""

    code = "invalid_cursor"
    title = "Invalid cursor"


class Page(BaseModel, Generic[T]):
    """One page of a list. `next_cursor` is the `cursor` of the next page, null on the last."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True)
class PageQuery:
    """Which page a client wants: the query parameters `limit` and `cursor`; a route takes it as `Paging`."""

    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="How many items the page has at most.")] = (
        DEFAULT_LIMIT
    )
    cursor: Annotated[
        str | None,
        Query(max_length=2000, description="`next_cursor` of the page before; leave it out for the first page."),
    ] = None


Paging = Annotated[PageQuery, gathered(PageQuery)]
"""The route parameter that says which page is wanted."""


@dataclass(frozen=True)
class Slice(Generic[T]):
    """The rows of one page, in order, and the cursor of the next page (None on the last)."""

    items: Sequence[T]
    next_cursor: str | None


Ordering = ColumnElement[Any] | Mapped[Any]
"""A column of a model, `.asc()` or `.desc()` of it, or the column itself.

Or a labelled expression that is never NULL, such as `func.coalesce(...).label("name")`, for which each row has a value
of that name.
"""

Key = Column[Any] | Label[Any]


class Keyset:
    """The order of a list: columns, each `.asc()` (or plain) or `.desc()`, which together are unique.

    Raises ValueError for a column that may be NULL: rows with NULL would be on no page.
    """

    def __init__(self, *order: Ordering) -> None:
        self.order = order
        self._columns = tuple(_column_of(expression) for expression in order)
        self._descending = tuple(_is_descending(expression) for expression in order)
        for column in self._columns:
            if isinstance(column, Column) and column.nullable:
                raise ValueError(f"{column} may be NULL and cannot order pages; order by a column that is always set.")
        described = ",".join(f"{c}{'-' if d else '+'}" for c, d in zip(self._columns, self._descending, strict=True))
        self._described = described
        self._mark = hashlib.sha256(described.encode()).hexdigest()[:8]

    def bound_to(self, *filters: object) -> "Keyset":
        """Give the same order with cursors of its own: they hold for these filters only (values with a stable repr)."""
        bound = Keyset(*self.order)
        bound._mark = hashlib.sha256(f"{self._described} {filters!r}".encode()).hexdigest()[:8]
        return bound

    def after(self, cursor: str) -> ColumnElement[bool]:
        """Give the condition for rows that come after the cursor's. Raises InvalidCursor."""
        return self._beyond(self._bounds(cursor))

    def after_parameters(self) -> ColumnElement[bool]:
        """Give the same condition with parameters, for a statement that is compiled once."""
        return self._beyond([bindparam(f"after_{n}", type_=column.type) for n, column in enumerate(self._columns)])

    def parameters(self, cursor: str) -> dict[str, Value]:
        """Give the values of these parameters. Raises InvalidCursor."""
        return {f"after_{n}": value for n, value in enumerate(self.values(cursor))}

    def _beyond(self, bounds: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
        if len(set(self._descending)) == 1:
            # A row comparison, which both databases answer from one index range.
            row, bound = tuple_(*self._columns), tuple_(*bounds)
            return self._within(bounds, row < bound if self._descending[0] else row > bound, beyond=True)
        alternatives = []
        for i, (column, bound_value, descending) in enumerate(
            zip(self._columns, bounds, self._descending, strict=True)
        ):
            equal = [c == b for c, b in zip(self._columns[:i], bounds[:i], strict=True)]
            alternatives.append(and_(*equal, column < bound_value if descending else column > bound_value))
        return or_(*alternatives)

    def until(self, cursor: str) -> ColumnElement[bool]:
        """Give the condition for rows up to the cursor's own, which is among them. Raises InvalidCursor."""
        if len(set(self._descending)) > 1:
            return not_(self.after(cursor))
        bounds = self._bounds(cursor)
        row, bound = tuple_(*self._columns), tuple_(*bounds)
        return self._within(bounds, row >= bound if self._descending[0] else row <= bound, beyond=False)

    def cursor(self, row: object) -> str:
        """Give the cursor that stands after this row: a mapped object, or a result row with the key columns."""
        return self.cursor_at([_value(row, column) for column in self._columns])

    def cursor_at(self, values: Sequence[Value]) -> str:
        """Give the cursor that stands after the row with these values of the key columns, in their order."""
        key = [_plain(value) for value in values]
        return base64.urlsafe_b64encode(orjson.dumps([self._mark, *key])).decode().rstrip("=")

    def _within(
        self, bounds: Sequence[ColumnElement[Any]], compared: ColumnElement[bool], *, beyond: bool
    ) -> ColumnElement[bool]:
        first = self._columns[0]
        if isinstance(first, Column):
            return compared
        # SQLite looks a row comparison up in no index over an expression, but a comparison of the expression alone.
        return and_(first <= bounds[0] if beyond == self._descending[0] else first >= bounds[0], compared)

    def _bounds(self, cursor: str) -> list[ColumnElement[Any]]:
        # Compared as the column's own type, so that money is scaled and ids are rendered as they are stored.
        return [literal(value, column.type) for value, column in zip(self.values(cursor), self._columns, strict=True)]

    def values(self, cursor: str) -> list[Value]:
        """Read a cursor back. Raises InvalidCursor."""
        try:
            mark, *texts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if mark != self._mark or len(texts) != len(self._columns):
                raise ValueError("the cursor belongs to another list")
            return [_parsed(text, _python_type(column)) for text, column in zip(texts, self._columns, strict=True)]
        except (ValueError, TypeError, InvalidOperation, binascii.Error) as error:
            raise InvalidCursor(
                "The cursor is not one that this list has given for this order and these filters. "
                "Leave it out for the first page.",
            ) from error


async def paginate(session: AsyncSession, statement: Select[T], keyset: Keyset, page: PageQuery) -> Slice[T]:
    """Run a statement without an order of its own for one page. Raises InvalidCursor."""
    if page.cursor is not None:
        statement = statement.where(keyset.after(page.cursor))
    # One row more than asked for tells whether there is a next page, without counting.
    rows = (await session.scalars(statement.order_by(*keyset.order).limit(page.limit + 1))).all()
    items = rows[: page.limit]
    return Slice(items, keyset.cursor(items[-1]) if len(rows) > page.limit else None)


class PageLinks:
    """Makes the answer of a list route: a `Page`, and the `Link` header with the next page's address (RFC 8288)."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request = request
        self._response = response

    def page(self, found: Slice[T], convert: Callable[[T], S]) -> Page[S]:
        """Convert the rows and set the header."""
        if found.next_cursor is not None:
            self._response.headers["Link"] = self.next(found.next_cursor)
        return Page(items=[convert(item) for item in found.items], next_cursor=found.next_cursor)

    def next(self, cursor: str) -> str:
        """Give the value of the Link header; its address is relative, so that it holds behind any proxy."""
        url = self._request.url.include_query_params(cursor=cursor)
        return f'<{url.path}?{url.query}>; rel="next"'


Links = Annotated[PageLinks, gathered(PageLinks)]
"""The route parameter that makes pages out of slices."""


def _column_of(expression: Ordering) -> Key:
    inner = expression.element if isinstance(expression, UnaryExpression) else expression
    column = getattr(inner, "expression", inner)  # an attribute of a model stands for its column
    if not isinstance(column, Column | Label):
        raise TypeError(f"{expression} is not a column of a table, and cannot order pages.")
    return column


def _is_descending(expression: Ordering) -> bool:
    return isinstance(expression, UnaryExpression) and expression.modifier is desc_op


def _value(row: object, column: Key) -> Value:
    state = inspect(row, raiseerr=False)
    if isinstance(column, Column) and state is not None and hasattr(state, "mapper"):
        value: Value = getattr(row, state.mapper.get_property_by_column(column).key)
        return value
    attribute: Value = getattr(row, str(column.key))
    return attribute


def _plain(value: Value) -> str | int | bool:
    if isinstance(value, int | str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _python_type(column: Key) -> type[Any]:
    kind = column.type
    # A decorated type that does not say what it gives, such as SQLModel's strings, gives what it decorates.
    return kind.impl_instance.python_type if isinstance(kind, AutoString) else kind.python_type


def _parsed(plain: object, kind: type[Any]) -> Value:
    if kind in {int, bool, str}:
        if type(plain) is not kind:
            raise ValueError(f"{plain!r} is no {kind.__name__}")
        return plain  # type: ignore[return-value]  # one of the three, by the line above
    if not isinstance(plain, str):
        raise ValueError(f"{plain!r} is no {kind.__name__}")
    if kind in {date, datetime}:
        moment: Value = kind.fromisoformat(plain)
        return moment
    if kind in {Decimal, UUID}:
        value: Value = kind(plain)
        return value
    raise ValueError(f"values of {kind.__name__} cannot order pages")
