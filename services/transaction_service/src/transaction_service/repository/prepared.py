"""Statements that are compiled once and run by the driver.

SQLAlchemy finds a statement among those that it has compiled by walking through it, which for the page that everybody
reads takes as long as the database takes for the rows. The values of such a statement come by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api_common.driver_errors import translated_errors
from sqlalchemy import Dialect, Select
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True)
class PreparedStatement:
    """A compiled statement, and how its values become those of the driver."""

    text: str
    order: Sequence[str] | None
    values: Mapping[str, object]
    converters: Mapping[str, Callable[[Any], Any]]

    @classmethod
    def of(cls, statement: Select[Any], dialect: Dialect) -> PreparedStatement:
        """Compile a statement whose values are named by `bindparam`; those that it brings itself stay."""
        compiled = statement.compile(dialect=dialect)
        converters = {
            name: convert
            for bind, name in compiled.bind_names.items()
            if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
        return cls(str(compiled), order, compiled.params, converters)

    async def rows(self, connection: AsyncConnection, values: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Run it, with a value for each name, outside of a transaction; rows come as the driver gives them."""
        named = {**self.values, **values}
        for name, convert in self.converters.items():
            named[name] = convert(named[name])
        parameters: Any = named if self.order is None else tuple(named[name] for name in self.order)
        # Past SQLAlchemy, whose results cost a tenth of a page.
        driver: Any = (await connection.get_raw_connection()).driver_connection
        async with translated_errors(connection, self.text):
            cursor = driver.cursor()
            await cursor.execute(self.text, parameters)
            found: Sequence[Sequence[Any]] = await cursor.fetchall()
        return found
