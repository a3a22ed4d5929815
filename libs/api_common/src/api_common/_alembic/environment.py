"""How Alembic sees a service's tables; the same for every service and both databases."""

from collections.abc import Callable
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql.sqltypes import AutoString

from api_common.columns import Money, UtcDateTime


def run_migrations() -> None:
    """Run what was asked for, on the connection and the tables that `api_common.migrations` hands over."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=context.config.attributes["metadata"],
        render_as_batch=True,  # SQLite changes a table by rebuilding it; on PostgreSQL a batch is plain ALTER TABLE
        render_item=render_item,
        include_name=made_by_models(context.config.attributes["by_hand"]),
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def made_by_models(by_hand: tuple[str, ...]) -> Callable[[str | None, str, object], bool]:
    """Give the test whether a name in the database is of something that models describe."""

    def include(name: str | None, kind: str, _parents: object) -> bool:
        return kind not in {"table", "index"} or name is None or not name.startswith(by_hand)

    return include


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types by their names, and SQLModel's string as the plain one that it is."""
    if kind != "type":
        return False
    if isinstance(item, AutoString):
        length = getattr(item.impl, "length", None)
        return f"sa.String(length={length})" if length else "sa.String()"
    if isinstance(item, Money | UtcDateTime):
        name = type(item).__name__
        autogen.imports.add(f"from api_common.columns import {name}")
        return f"{name}()"
    return False
