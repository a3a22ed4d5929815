"""Hot answers: bytes that are encoded once, with the schema still declared.

FastAPI builds a model object per row and then serialises it. A list that is read all the time skips both: the rows of
the query become JSON directly, while the route still declares its model:

    @router.get("/v1/transactions", response_model=Page[TransactionOut])
    async def transactions(...) -> Response:
        items = [{"id": id_, "amount": str(amount)} for id_, amount in await session.execute(columns)]
        return json_bytes({"items": items, "next_cursor": cursor})

Selecting columns instead of entities, and naming the members in one comprehension, is what makes it fast.

Nothing checks the bytes at run time, so each such route has a test with `api_common.testing.assert_matches_model`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import orjson
from starlette.responses import Response

_JSON_TYPE = (b"content-type", b"application/json")
# Pydantic writes UTC as "Z"; the two ways of answering must not differ.
_OPTIONS = orjson.OPT_UTC_Z


class EncodedJson(Response):
    """An answer that is JSON already."""

    media_type = "application/json"

    def __init__(self, body: bytes, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        # Starlette's own constructor looks for given content headers first; here they are known.
        self.status_code = status_code
        self.body = body
        self.background = None
        self.raw_headers = [_JSON_TYPE, (b"content-length", b"%d" % len(body))]
        if headers:
            self.raw_headers += [
                (name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()
            ]


def json_bytes(content: object, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> EncodedJson:
    """Encode plain rows (dictionaries, lists, dates, UUIDs, enums, decimals) and answer them.

    Decimals become strings, as in the models. An unknown type raises TypeError.
    """
    return EncodedJson(
        orjson.dumps(content, default=_encode, option=_OPTIONS), status_code=status_code, headers=headers
    )


def encoded_page(
    items: Sequence[str], next_cursor: str | None, *, headers: Mapping[str, str] | None = None
) -> EncodedJson:
    """Answer a `Page` whose items are JSON texts already."""
    body = f'{{"items":[{",".join(items)}],"next_cursor":{orjson.dumps(next_cursor).decode()}}}'
    return EncodedJson(body.encode(), headers=headers)


def _encode(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    # orjson turns this into its own message, which names the type.
    raise TypeError
