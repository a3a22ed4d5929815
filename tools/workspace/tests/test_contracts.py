"""Which changes of an OpenAPI document break its clients."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace.contracts import ContractChange, Weight, contract_changes

BREAK, ADDITION = Weight.BREAK, Weight.ADDITION


def document(
    *, body: dict[str, Any] | None = None, answer: dict[str, Any] | None = None, parameters: list[Any] | None = None
) -> dict[str, Any]:
    """A document of one operation."""
    operation: dict[str, Any] = {"responses": {"200": {"content": {"application/json": {"schema": answer or {}}}}}}
    if body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    if parameters is not None:
        operation["parameters"] = parameters
    return {"paths": {"/rows": {"post": operation}}}


def fields(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
TEXT_OR_NULL = {"anyOf": [TEXT, {"type": "null"}]}


def query(schema: dict[str, Any], *, required: bool = False, name: str = "limit") -> list[dict[str, Any]]:
    return [{"in": "query", "name": name, "required": required, "schema": schema}]


# before, after, what is said of it when a client sends it, and when it is given it; None where it is no change.
SCHEMAS = [
    (fields(a=TEXT), fields(a=TEXT, b=TEXT), (".b: field added", ADDITION), (".b: field added", ADDITION)),
    (fields(a=TEXT, b=TEXT), fields(a=TEXT), (".b: field removed", ADDITION), (".b: field removed", BREAK)),
    (
        fields(a=TEXT, b=TEXT),
        {**fields(a=TEXT), "additionalProperties": False},
        (".b: field removed", BREAK),
        (".b: field removed", BREAK),
    ),
    (fields(), fields(("b",), b=TEXT), (".b: required field added", BREAK), (".b: field added", ADDITION)),
    (
        fields(b=TEXT),
        fields(("b",), b=TEXT),
        (".b: field became required", BREAK),
        (".b: field is always there", ADDITION),
    ),
    (
        fields(("b",), b=TEXT),
        fields(b=TEXT),
        (".b: field may be left out", ADDITION),
        (".b: field may be missing", BREAK),
    ),
    (TEXT, NUMBER, (": type string -> number", BREAK), (": type string -> number", BREAK)),
    (WHOLE, NUMBER, (": type integer -> number", ADDITION), (": type integer -> number", BREAK)),
    (NUMBER, WHOLE, (": type number -> integer", BREAK), (": type number -> integer", ADDITION)),
    (TEXT, TEXT_OR_NULL, (": may be null", ADDITION), (": may be null", BREAK)),
    (TEXT_OR_NULL, TEXT, (": cannot be null", BREAK), (": cannot be null", ADDITION)),
    ({"type": ["string", "null"]}, TEXT_OR_NULL, None, None),
    ({"enum": ["a", "b"]}, {"enum": ["a"]}, (": value 'b' removed", BREAK), (": value 'b' removed", ADDITION)),
    ({"enum": ["a"]}, {"enum": ["a", "b"]}, (": value 'b' added", ADDITION), (": value 'b' added", BREAK)),
    (TEXT, {**TEXT, "enum": ["a"]}, (": limited to listed values", BREAK), (": limited to listed values", ADDITION)),
    ({"const": "a"}, {"enum": ["a"]}, None, None),
    ({**WHOLE, "maximum": 9}, {**WHOLE, "maximum": 5}, (": maximum 9 -> 5", BREAK), None),
    ({**WHOLE, "minimum": 1}, {**WHOLE, "minimum": 0}, (": minimum 1 -> 0", ADDITION), None),
    (TEXT, {**TEXT, "maxLength": 10}, (": maxLength none -> 10", BREAK), None),
    (TEXT, {**TEXT, "pattern": "^a"}, (": pattern none -> ^a", BREAK), None),
    (
        TEXT,
        {**TEXT, "format": "date"},
        (": format any -> date", BREAK),
        (": format any -> date", ADDITION),
    ),
    (
        {"type": "array", "items": TEXT},
        {"type": "array", "items": WHOLE},
        ("[]: type string -> integer", BREAK),
        ("[]: type string -> integer", BREAK),
    ),
    (
        {"oneOf": [fields(a=TEXT), fields(b=TEXT), fields(c=TEXT)]},
        {"oneOf": [fields(a=TEXT), fields(b=TEXT)]},
        (": fewer alternatives: 3 -> 2", BREAK),
        (": fewer alternatives: 3 -> 2", ADDITION),
    ),
]


def expected(where: str, said: tuple[str, Weight] | None) -> list[ContractChange]:
    if said is None:
        return []
    place, _, what = f"{where}{said[0]}".partition(": ")
    return [ContractChange(place, what, said[1])]


@pytest.mark.parametrize(("before", "after", "sent", "_given"), SCHEMAS)
def test_a_changed_request_breaks_who_sends_what_is_no_longer_taken(
    before: dict[str, Any], after: dict[str, Any], sent: tuple[str, Weight] | None, _given: object
) -> None:
    assert contract_changes(document(body=before), document(body=after)) == expected("POST /rows body", sent)


@pytest.mark.parametrize(("before", "after", "_sent", "given"), SCHEMAS)
def test_a_changed_answer_breaks_who_reads_what_is_no_longer_given(
    before: dict[str, Any], after: dict[str, Any], _sent: object, given: tuple[str, Weight] | None
) -> None:
    assert contract_changes(document(answer=before), document(answer=after)) == expected("POST /rows 200", given)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (query(WHOLE), [], ("parameter removed", BREAK)),
        ([], query(WHOLE), ("parameter added", ADDITION)),
        ([], query(WHOLE, required=True), ("required parameter added", BREAK)),
        (query(WHOLE), query(WHOLE, required=True), ("parameter became required", BREAK)),
        (query(WHOLE, required=True), query(WHOLE), ("parameter may be left out", ADDITION)),
        (query({**WHOLE, "maximum": 500}), query({**WHOLE, "maximum": 100}), ("maximum 500 -> 100", BREAK)),
    ],
)
def test_parameters_are_judged_as_what_a_client_sends(
    before: list[Any], after: list[Any], said: tuple[str, Weight]
) -> None:
    found = contract_changes(document(parameters=before), document(parameters=after))
    assert found == [ContractChange("POST /rows query limit", *said)]


def test_removed_operations_answers_and_media_types_break_and_added_ones_do_not() -> None:
    before = document(answer=TEXT)
    after = copy.deepcopy(before)
    answers = after["paths"]["/rows"]["post"]["responses"]
    answers["201"] = answers.pop("200")
    after["paths"]["/accounts"] = {"get": {}}

    assert contract_changes(before, after) == [
        ContractChange("GET /accounts", "added", ADDITION),
        ContractChange("POST /rows 200", "answer removed", BREAK),
        ContractChange("POST /rows 201", "answer added", ADDITION),
    ]
    assert ContractChange("GET /accounts", "removed", BREAK) in contract_changes(after, before)


def test_a_renamed_component_is_no_change_and_one_that_holds_itself_ends() -> None:
    def tree(name: str) -> dict[str, Any]:
        reference = {"$ref": f"#/components/schemas/{name}"}
        schema = fields(("name",), name=TEXT, parts={"type": "array", "items": reference})
        return {**document(answer=reference), "components": {"schemas": {name: schema}}}

    changed = tree("Leaf")
    changed["components"]["schemas"]["Leaf"]["properties"]["name"] = WHOLE

    assert contract_changes(tree("Node"), tree("Leaf")) == []
    assert contract_changes(tree("Node"), changed) == [
        ContractChange("POST /rows 200.name", "type string -> integer", BREAK)
    ]


def test_joined_schemas_are_compared_as_one() -> None:
    joined = {"allOf": [fields(("a",), a=TEXT), fields(b=TEXT)]}
    assert contract_changes(document(body=joined), document(body=fields(("a",), a=TEXT, b=TEXT))) == []


leaves = st.sampled_from([TEXT, NUMBER, WHOLE, TEXT_OR_NULL, {"enum": ["a", "b"]}, {**WHOLE, "maximum": 9}])
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).flatmap(
            lambda properties: st.sets(st.sampled_from(sorted(properties) or ["a"])).map(
                lambda required: fields(tuple(required & properties.keys()), **properties)
            )
        ),
    ),
    max_leaves=8,
)


@given(schemas)
def test_a_document_does_not_differ_from_itself(schema: dict[str, Any]) -> None:
    same = document(body=schema, answer=schema, parameters=query(schema))
    assert contract_changes(same, copy.deepcopy(same)) == []


@given(schemas, schemas)
def test_what_narrows_a_request_widens_it_the_other_way(before: dict[str, Any], after: dict[str, Any]) -> None:
    there = contract_changes(document(body=before), document(body=after))
    back = contract_changes(document(body=after), document(body=before))
    assert bool(there) == bool(back)
    if all(change.weight is ADDITION for change in there) and not any("removed" in change.what for change in there):
        assert not there or any(change.weight is BREAK or "removed" in change.what for change in back)
