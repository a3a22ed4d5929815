"""Mappings out of plain data, as users and archives give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import cast

from data_processing.amounts import shortened
from data_processing.formats.delimited.mapping import (
    ColumnRole,
    CsvMapping,
    InvalidMapping,
    MappedColumn,
    MappingProblem,
)


def mapping_from_json(document: Mapping[str, object]) -> CsvMapping:
    """The mapping that ``to_json`` wrote or a user has corrected; keys that are left out have their defaults.

    Raises ``InvalidMapping`` with every problem.
    """
    known = {item.name: item for item in fields(CsvMapping)}
    problems = [
        MappingProblem(
            key,
            shortened(str(document[key])),
            f'"{shortened(key)}" is no field of a mapping; known: {", ".join(known)}.',
        )
        for key in document
        if key not in known
    ]
    values: dict[str, object] = {}
    columns, wrong = _columns_from_json(document.get("columns"))
    problems += wrong
    for key, value in document.items():
        if key == "columns" or key not in known:
            continue
        if key.endswith("_words"):
            if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
                values[key] = tuple(value)
                continue
            problems.append(MappingProblem(key, shortened(str(value)), f"{key} must be a list of words."))
        elif isinstance(value, bool if isinstance(known[key].default, bool) else str):
            values[key] = value
        else:
            wanted = "true or false" if isinstance(known[key].default, bool) else "a text"
            problems.append(MappingProblem(key, shortened(str(value)), f"{key} must be {wanted}."))
    if problems:
        raise InvalidMapping(problems)
    mapping = CsvMapping(columns=columns, **values)  # type: ignore[arg-type]  # checked key by key above
    if found := mapping.problems():
        raise InvalidMapping(found)
    return mapping


def _columns_from_json(value: object) -> tuple[tuple[MappedColumn, ...], list[MappingProblem]]:
    if not isinstance(value, list | tuple) or not value:
        return (), [MappingProblem("columns", shortened(str(value)), "columns must list every column as {name, role}.")]
    columns: list[MappedColumn] = []
    problems: list[MappingProblem] = []
    for number, item in enumerate(value):
        given = cast(Mapping[str, object], item) if isinstance(item, Mapping) else {}
        name, role = given.get("name"), given.get("role")
        if not isinstance(name, str):
            problems.append(
                MappingProblem(f"columns[{number}].name", shortened(str(name)), f"columns[{number}] needs a name.")
            )
        elif role not in list(ColumnRole):
            problems.append(
                MappingProblem(
                    f"columns[{number}].role",
                    shortened(str(role)),
                    f'columns[{number}] ("{shortened(name)}"): "{shortened(str(role))}" is no role; '
                    f"choose one of {', '.join(ColumnRole)}.",
                )
            )
        else:
            columns.append(MappedColumn(name, ColumnRole(cast(str, role))))
    return tuple(columns), problems
