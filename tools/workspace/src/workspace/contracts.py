"""What changed between two OpenAPI documents, and whether a client of the earlier one can break.

Requests and answers are judged from opposite sides: a request that was accepted must still be, and an answer must still
hold what it held. Schemas are compared with their references resolved, so that a renamed component is no change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
_BOUNDS = {  # constraint: whether a larger value allows more
    "maximum": True,
    "exclusiveMaximum": True,
    "maxLength": True,
    "maxItems": True,
    "minimum": False,
    "exclusiveMinimum": False,
    "minLength": False,
    "minItems": False,
}
_ALTERNATIVES = ("anyOf", "oneOf")

Schema = Mapping[str, Any]


class Weight(IntEnum):
    """What a change asks of the version."""

    FIX = 0
    ADDITION = 1
    BREAK = 2


@dataclass(frozen=True, order=True)
class ContractChange:
    """One difference: where it is, what it is, and what it asks of the version."""

    where: str
    what: str
    weight: Weight

    def __str__(self) -> str:
        """Give the change in a line."""
        return f"{self.where}: {self.what}"


def contract_changes(base: Schema, head: Schema) -> list[ContractChange]:
    """Compare two documents; gives every break and every addition, in order and once.

    >>> from workspace.contracts import contract_changes
    >>> [str(change) for change in contract_changes({"paths": {"/v1/rows": {"get": {}}}}, {"paths": {}})]
    ['GET /v1/rows: removed']
    """
    return sorted(set(_Comparison(base, head).changes()))


@dataclass(frozen=True)
class _Comparison:
    base: Schema
    head: Schema

    def changes(self) -> Iterator[ContractChange]:
        before, after = _operations(self.base), _operations(self.head)
        for name in before.keys() - after.keys():
            yield ContractChange(name, "removed", Weight.BREAK)
        for name in after.keys() - before.keys():
            yield ContractChange(name, "added", Weight.ADDITION)
        for name in before.keys() & after.keys():
            yield from self._parameters(name, before[name], after[name])
            yield from self._body(name, before[name], after[name])
            yield from self._answers(name, before[name], after[name])

    def _parameters(self, where: str, base: Schema, head: Schema) -> Iterator[ContractChange]:
        before, after = self._named(self.base, base), self._named(self.head, head)
        for key in before.keys() - after.keys():
            yield ContractChange(f"{where} {_shown(key)}", "parameter removed", Weight.BREAK)
        for key in after.keys() - before.keys():
            if after[key].get("required"):
                yield ContractChange(f"{where} {_shown(key)}", "required parameter added", Weight.BREAK)
            else:
                yield ContractChange(f"{where} {_shown(key)}", "parameter added", Weight.ADDITION)
        for key in before.keys() & after.keys():
            place = f"{where} {_shown(key)}"
            yield from _requirement(place, before[key], after[key], "parameter")
            yield from self._schema(place, before[key].get("schema", {}), after[key].get("schema", {}), asked=True)

    def _named(self, document: Schema, operation: Schema) -> dict[tuple[str, str], Schema]:
        listed = [_resolved(document, parameter) for parameter in operation.get("parameters", [])]
        return {(str(parameter["in"]), str(parameter["name"])): parameter for parameter in listed}

    def _body(self, where: str, base: Schema, head: Schema) -> Iterator[ContractChange]:
        before = _resolved(self.base, base.get("requestBody", {}))
        after = _resolved(self.head, head.get("requestBody", {}))
        if not before and after:
            weight = Weight.BREAK if after.get("required") else Weight.ADDITION
            yield ContractChange(
                f"{where} body", "required body added" if after.get("required") else "body added", weight
            )
            return
        if before and after:
            yield from _requirement(f"{where} body", before, after, "body")
        yield from self._contents(f"{where} body", before, after, asked=True)

    def _answers(self, where: str, base: Schema, head: Schema) -> Iterator[ContractChange]:
        before, after = base.get("responses", {}), head.get("responses", {})
        for status in before.keys() - after.keys():
            yield ContractChange(f"{where} {status}", "answer removed", Weight.BREAK)
        for status in after.keys() - before.keys():
            yield ContractChange(f"{where} {status}", "answer added", Weight.ADDITION)
        for status in before.keys() & after.keys():
            old, new = _resolved(self.base, before[status]), _resolved(self.head, after[status])
            for header in old.get("headers", {}).keys() - new.get("headers", {}).keys():
                yield ContractChange(f"{where} {status}", f"header {header} removed", Weight.BREAK)
            yield from self._contents(f"{where} {status}", old, new, asked=False)

    def _contents(self, where: str, base: Schema, head: Schema, *, asked: bool) -> Iterator[ContractChange]:
        before, after = base.get("content", {}), head.get("content", {})
        for media in before.keys() - after.keys():
            yield ContractChange(f"{where} {media}", "media type removed", Weight.BREAK)
        for media in after.keys() - before.keys():
            yield ContractChange(f"{where} {media}", "media type added", Weight.ADDITION)
        for media in before.keys() & after.keys():
            old, new = before[media].get("schema", {}), after[media].get("schema", {})
            yield from self._schema(where, old, new, asked=asked)

    def _schema(
        self, where: str, base: Schema, head: Schema, *, asked: bool, inside: frozenset[tuple[str, str]] = frozenset()
    ) -> Iterator[ContractChange]:
        """Compare two schemas; `asked` for what a client sends, else what it is given. `inside` ends recursion."""
        names = (str(base.get("$ref", "")), str(head.get("$ref", "")))
        if names != ("", ""):
            if names in inside:
                return
            inside = inside | {names}
        old, new = _flat(self.base, base), _flat(self.head, head)
        yield from _types(where, old, new, asked=asked)
        yield from _values(where, old, new, asked=asked)
        if asked:
            yield from _bounds(where, old, new)
        yield from self._properties(where, old, new, asked=asked, inside=inside)
        if "items" in old and "items" in new:
            yield from self._schema(f"{where}[]", old["items"], new["items"], asked=asked, inside=inside)
        yield from self._alternatives(where, old, new, asked=asked, inside=inside)

    def _properties(
        self, where: str, old: Schema, new: Schema, *, asked: bool, inside: frozenset[tuple[str, str]]
    ) -> Iterator[ContractChange]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        closed = new.get("additionalProperties") is False
        for name in before.keys() - after.keys():
            # A server that takes unknown fields takes one that it no longer reads.
            breaks = not asked or closed
            yield ContractChange(f"{where}.{name}", "field removed", Weight.BREAK if breaks else Weight.ADDITION)
        for name in after.keys() - before.keys():
            if asked and name in needed_after:
                yield ContractChange(f"{where}.{name}", "required field added", Weight.BREAK)
            else:
                yield ContractChange(f"{where}.{name}", "field added", Weight.ADDITION)
        for name in before.keys() & after.keys():
            place = f"{where}.{name}"
            if name in needed_after - needed_before:
                what = "field became required" if asked else "field is always there"
                yield ContractChange(place, what, Weight.BREAK if asked else Weight.ADDITION)
            if name in needed_before - needed_after:
                what = "field may be left out" if asked else "field may be missing"
                yield ContractChange(place, what, Weight.ADDITION if asked else Weight.BREAK)
            yield from self._schema(place, before[name], after[name], asked=asked, inside=inside)

    def _alternatives(
        self, where: str, old: Schema, new: Schema, *, asked: bool, inside: frozenset[tuple[str, str]]
    ) -> Iterator[ContractChange]:
        before, after = _alternatives(old), _alternatives(new)
        if len(before) == len(after):
            for earlier, later in zip(before, after, strict=True):
                yield from self._schema(where, earlier, later, asked=asked, inside=inside)
        elif before and after:
            fewer = len(after) < len(before)
            what = f"{'fewer' if fewer else 'more'} alternatives: {len(before)} -> {len(after)}"
            yield ContractChange(where, what, Weight.BREAK if fewer == asked else Weight.ADDITION)


def _operations(document: Schema) -> dict[str, Schema]:
    return {
        f"{method.upper()} {path}": {
            **operation,
            "parameters": [*item.get("parameters", []), *operation.get("parameters", [])],
        }
        for path, item in document.get("paths", {}).items()
        for method, operation in item.items()
        if method in METHODS
    }


def _shown(key: tuple[str, str]) -> str:
    return f"{key[0]} {key[1]}"


def _requirement(where: str, base: Schema, head: Schema, name: str) -> Iterator[ContractChange]:
    if head.get("required") and not base.get("required"):
        yield ContractChange(where, f"{name} became required", Weight.BREAK)
    if base.get("required") and not head.get("required"):
        yield ContractChange(where, f"{name} may be left out", Weight.ADDITION)


def _resolved(document: Schema, value: Schema) -> Schema:
    seen: set[str] = set()
    while "$ref" in value and value["$ref"] not in seen:
        reference = str(value["$ref"])
        seen.add(reference)
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
        value = found
    return value


def _flat(document: Schema, schema: Schema) -> dict[str, Any]:
    """Resolve a schema, join its `allOf`, and tell null apart from its other types."""
    flat = dict(_resolved(document, schema))
    for part in flat.pop("allOf", []):
        joined = _flat(document, part)
        flat["properties"] = {**joined.pop("properties", {}), **flat.get("properties", {})}
        flat["required"] = [*joined.pop("required", []), *flat.get("required", [])]
        flat = {**joined, **flat}
    listed = flat.get("type", [])
    types = {listed} if isinstance(listed, str) else set(listed)
    for keyword in _ALTERNATIVES:
        rest = [part for part in flat.get(keyword, []) if part.get("type") != "null"]
        if len(rest) < len(flat.get(keyword, [])):
            types.add("null")
            flat[keyword] = rest
        if len(rest) == 1:
            del flat[keyword]
            only = _flat(document, rest[0])
            types |= only.pop("types") | ({"null"} if only.pop("nullable") else set())
            flat = {**only, **flat}
    if "const" in flat:
        flat["enum"] = [flat["const"]]
    flat["nullable"] = "null" in types or bool(flat.get("nullable"))
    flat["types"] = frozenset(types - {"null"})
    return flat


def _alternatives(schema: Schema) -> Sequence[Schema]:
    return next((schema[keyword] for keyword in _ALTERNATIVES if keyword in schema), ())


def _types(where: str, old: Schema, new: Schema, *, asked: bool) -> Iterator[ContractChange]:
    before, after = old["types"], new["types"]
    # Whole numbers are numbers: a client that sends or reads numbers takes them.
    allowed, given = (after, before) if asked else (before, after)
    if before != after:
        kept = bool(before) and all(kind in allowed or (kind == "integer" and "number" in allowed) for kind in given)
        widened = kept or not allowed
        what = f"type {_kinds(before)} -> {_kinds(after)}"
        yield ContractChange(where, what, Weight.ADDITION if widened else Weight.BREAK)
    if old["nullable"] != new["nullable"]:
        breaks = old["nullable"] == asked
        what = "may be null" if new["nullable"] else "cannot be null"
        yield ContractChange(where, what, Weight.BREAK if breaks else Weight.ADDITION)
    if old.get("format") != new.get("format"):
        what = f"format {old.get('format') or 'any'} -> {new.get('format') or 'any'}"
        widened = (asked and new.get("format") is None) or (not asked and old.get("format") is None)
        yield ContractChange(where, what, Weight.ADDITION if widened else Weight.BREAK)


def _kinds(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) or "any"


def _values(where: str, old: Schema, new: Schema, *, asked: bool) -> Iterator[ContractChange]:
    before, after = old.get("enum"), new.get("enum")
    if before is None or after is None:
        if before is not after:
            narrowed = after is not None
            what = "limited to listed values" if narrowed else "any value instead of listed ones"
            yield ContractChange(where, what, Weight.BREAK if narrowed == asked else Weight.ADDITION)
        return
    for value in [value for value in before if value not in after]:
        yield ContractChange(where, f"value {value!r} removed", Weight.BREAK if asked else Weight.ADDITION)
    for value in [value for value in after if value not in before]:
        # Clients were told of all values: one more in an answer is one that they do not know.
        yield ContractChange(where, f"value {value!r} added", Weight.ADDITION if asked else Weight.BREAK)


def _bounds(where: str, old: Schema, new: Schema) -> Iterator[ContractChange]:
    for keyword, larger_allows_more in _BOUNDS.items():
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        narrowed = after is not None and (before is None or (after < before) == larger_allows_more)
        what = f"{keyword} {'none' if before is None else before} -> {'none' if after is None else after}"
        yield ContractChange(where, what, Weight.BREAK if narrowed else Weight.ADDITION)
    before, after = old.get("pattern"), new.get("pattern")
    if before != after:
        what = f"pattern {before or 'none'} -> {after or 'none'}"
        yield ContractChange(where, what, Weight.ADDITION if after is None else Weight.BREAK)
