"""A proposed row as JSON: complete, so that it can be booked later exactly as the file had it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal

from data_processing import Entry
from pydantic import TypeAdapter

from transaction_service.statements.rows import row_of
from transaction_service.statements.spool import Row


def row_to_json(row: Row) -> dict[str, object]:
    """The row as its file had it: amounts and dates as text, what is empty left out."""
    # False by itself: an amount of zero is equal to it.
    stored = {name: value for name, value in asdict(row.entry).items() if value is not False and value not in _EMPTY}
    stored.pop("account", None)
    return _plain(stored)


def row_from_json(stored: Mapping[str, object]) -> Row:
    """The row that `row_to_json` was given."""
    return row_of(_ENTRY.validate_python({"text": "", **stored}))


_EMPTY: tuple[object, ...] = (None, "", ())
_ENTRY = TypeAdapter(Entry)


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    return value
