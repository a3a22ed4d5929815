"""The OpenAPI document, with problems in the place of FastAPI's own errors."""

from typing import Any

from api_common import problems
from api_common.auth import InsufficientScope, InvalidToken, MissingToken
from api_common.problems import InvalidInput

_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")
_ANY_PROBLEM = {
    "description": "Any other problem",
    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{problems.SCHEMA_NAME}"}}},
}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Declare what routes may answer: 422 for wrong input, 401 and 403 where a token is asked for, or any problem."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPI_ERRORS:
        schemas.pop(name, None)
    schemas[problems.SCHEMA_NAME] = dict(problems.SCHEMA)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    invalid = {str(status): entry for status, entry in problems.responses(InvalidInput).items()}
    refused = {
        str(status): entry
        for status, entry in problems.responses(MissingToken, InvalidToken, InsufficientScope).items()
    }
    for path in document.get("paths", {}).values():
        for operation in path.values():
            declared = operation.setdefault("responses", {})
            if _is_fastapi_error(declared.get("422")):
                declared["422"] = invalid["422"]
            if "security" in operation:
                declared.update({status: entry for status, entry in refused.items() if status not in declared})
            declared.setdefault("default", _ANY_PROBLEM)
            operation["responses"] = dict(sorted(declared.items()))
    return document


def _is_fastapi_error(entry: dict[str, Any] | None) -> bool:
    schema = (entry or {}).get("content", {}).get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith("/HTTPValidationError")
