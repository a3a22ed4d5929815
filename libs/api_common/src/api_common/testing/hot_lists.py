"""Checking that bytes which were encoded by hand are what the declared model would have said."""

import json
from typing import Any

from pydantic import TypeAdapter


def assert_matches_model(body: bytes, model: Any) -> None:
    """Assert that a body is exactly what the model gives: same members, same forms of dates and decimals.

    Args:
        body: the answer of a route that returns `api_common.responses.json_bytes`.
        model: the model that the route declares, such as ``Page[TransactionOut]``.

    Raises:
        AssertionError: with both documents.
        pydantic.ValidationError: the body is not valid for the model at all.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    expected = adapter.dump_json(adapter.validate_json(body))
    if json.loads(body) != json.loads(expected):
        raise AssertionError(f"answered {body.decode()}, the model says {expected.decode()}")
