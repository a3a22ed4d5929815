"""What rows of an archive must hold beyond the kinds of their columns, so that every answer can show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import ValidationError

from transaction_service.identity.proposed import row_from_json
from transaction_service.models import Rule
from transaction_service.schemas.csv_profiles import CsvMappingSchema
from transaction_service.schemas.imports import ImportSchema
from transaction_service.schemas.rules import rule_schema
from transaction_service.transfers.evidence import TransferReason

_Row = Mapping[str, Any]


def check_rows(table: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """See that rows of a table can be shown. Raises ValueError with the place of the row in the batch in `args[1]`."""
    check = _CHECKS.get(table)
    if check is None:
        return
    looked_at = _LOOKED_AT.get(table, names)
    columns = [names.index(name) for name in looked_at]
    for place, row in enumerate(rows):
        try:
            check({name: row[column] for name, column in zip(looked_at, columns, strict=True)})
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in wrong["loc"])
            raise ValueError(f"{where}: {wrong['msg']}" if where else wrong["msg"], place) from None
        except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
            raise ValueError(f"the row is none of {table}: {error}", place) from None


def _details(row: _Row) -> None:
    if isinstance(row["details"], list):
        # As lists of rows are written: numbers beyond 64 bits cannot be.
        orjson.dumps(row["details"])


def _import(row: _Row) -> None:
    ImportSchema.model_validate({**row, **row["report"]})


def _mapping(row: _Row) -> None:
    CsvMappingSchema.model_validate(row["mapping"])


def _proposal(row: _Row) -> None:
    row_from_json(row["row"])
    for import_id in row["also_in"]:
        UUID(import_id)


def _rule(row: _Row) -> None:
    rule_schema(Rule(**row))


def _transfer(row: _Row) -> None:
    for reason in row["reason"].split():
        TransferReason(reason)


_CHECKS: Final[Mapping[str, Callable[[_Row], None]]] = {
    "csv_profiles": _mapping,
    "imports": _import,
    "proposals": _proposal,
    "rules": _rule,
    "transactions": _details,
    "transfers": _transfer,
}
_LOOKED_AT: Final[Mapping[str, Sequence[str]]] = {"transactions": ("details",)}
"""The columns that a check needs, for tables with more rows than it would be cheap to look at whole."""
