"""/v1/ledger."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api_common.preconditions import etag
from api_common.problems import NotAcceptable, responses
from data_processing import LEDGER_SCHEMA_VERSION
from fastapi import APIRouter, Header, Query, Response

from transaction_service.errors import ConfirmationNeeded
from transaction_service.ledger.format import LedgerFormat
from transaction_service.routes.access import Administrator, Reader, Reading, Writer, Writing
from transaction_service.schemas.accounts import Deleted
from transaction_service.service.ledger import WholeLedger

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])

CONFIRMATION = "delete everything"
SCHEMA_HEADER = "Purser-Ledger-Schema"


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "The ledger.",
            "content": {form.media_type: {"schema": {"type": "string", "format": "binary"}} for form in LedgerFormat},
            "headers": {
                "ETag": {"schema": {"type": "string"}, "description": "Changes with every write."},
                SCHEMA_HEADER: {"schema": {"type": "integer"}, "description": "Version of the columns."},
            },
        },
        304: {"description": "The ledger is the one that If-None-Match names."},
        **responses(NotAcceptable),
    },
)
async def export_ledger(
    user: Reader,
    session: Reading,
    form: Annotated[LedgerFormat | None, Query(alias="format", description="Goes before Accept.")] = None,
    accept: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Export the whole ledger: an Arrow stream or Parquet of the published columns, or CSV for people."""
    chosen = form or accepted_format(accept)
    ledger = WholeLedger(session, user.user_id)
    headers = {
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
        SCHEMA_HEADER: str(LEDGER_SCHEMA_VERSION),
    }
    tag = etag(await ledger.tag(chosen))
    if if_none_match is not None and _names(if_none_match, tag):
        return Response(status_code=304, headers={**headers, "ETag": tag})
    exported = await ledger.export(chosen)
    headers["ETag"] = etag(exported.tag)
    headers["Content-Disposition"] = f'attachment; filename="ledger.{chosen}"'
    return Response(exported.content, headers=headers, media_type=chosen.media_type)


@router.delete("", responses=responses(ConfirmationNeeded))
async def delete_own_ledger(
    user: Writer,
    session: Writing,
    confirm: Annotated[str, Query(description=f'The words "{CONFIRMATION}".')] = "",
) -> Deleted:
    """Delete all of one's own accounts, rows, categories, rules and imports, for ever."""
    if confirm != CONFIRMATION:
        raise ConfirmationNeeded(
            f"This deletes your whole ledger for ever. Repeat with ?confirm={CONFIRMATION.replace(' ', '+')}."
        )
    return await WholeLedger(session, user.user_id).delete_everything()


@router.delete("/users/{user_id}")
async def delete_ledger_of_user(user_id: UUID, _administrator: Administrator, session: Writing) -> Deleted:
    """Delete all data of a user for ever, say how much it was, and take nothing more from the user's last tokens."""
    return await WholeLedger(session, user_id).delete_everything(closing=True)


def accepted_format(accept: str | None) -> LedgerFormat:
    """The form that an Accept header prefers; Arrow when it takes anything. Raises NotAcceptable."""
    if not accept:
        return LedgerFormat.ARROW
    by_type = {form.media_type: form for form in LedgerFormat} | {
        "*/*": LedgerFormat.ARROW,
        "application/*": LedgerFormat.ARROW,
        "text/*": LedgerFormat.CSV,
    }
    wanted: list[tuple[float, LedgerFormat]] = []
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        if media_type in by_type and _number(quality) > 0:
            wanted.append((_number(quality), by_type[media_type]))
    if not wanted:
        raise NotAcceptable(f"The ledger can be had as {', '.join(form.media_type for form in LedgerFormat)}.")
    return max(wanted, key=lambda choice: choice[0])[1]


def _number(quality: str) -> float:
    try:
        return float(quality)
    except ValueError:
        return 0.0


def _names(if_none_match: str, tag: str) -> bool:
    tags = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return tag in tags or "*" in tags
