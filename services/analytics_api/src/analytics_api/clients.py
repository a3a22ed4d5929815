"""What analytics_api reads of transaction_service."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import httpx2
from api_common import ServiceClient
from api_common.auth import InsufficientScope, InvalidToken
from api_common.problems import ServiceUnavailable

PROVIDER = "transaction_service"
ARROW_STREAM = "application/vnd.apache.arrow.stream"

SCHEMA_HEADER = "Purser-Ledger-Schema"
SCHEMA_VERSION = "2"
"""The version of the published columns that is read here."""

LEDGER_PATH = "/v1/ledger"
ACCOUNT_PATH = "/v1/accounts/{account_id}"


class LedgerUnavailable(ServiceUnavailable):
    """transaction_service answered, but not with a ledger."""

    code = "ledger_unavailable"
    title = "The ledger cannot be read"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{PROVIDER} {reason}.", peer=PROVIDER)


async def fetch_ledger(client: ServiceClient, *, token: str, etag: str | None) -> tuple[bytes, str] | None:
    """The caller's ledger as an Arrow stream with the ETag of its state; None when `etag` still names that state.

    Raises:
        PeerUnavailable: transaction_service does not answer.
        LedgerUnavailable: it answers with something else than a ledger.
        InvalidToken, InsufficientScope: it refuses the caller's token.
    """
    headers = {"Accept": ARROW_STREAM}
    if etag is not None:
        headers["If-None-Match"] = etag
    response = await client.get(LEDGER_PATH, token=token, params={"format": "arrow"}, headers=headers)
    if response.status_code == HTTPStatus.NOT_MODIFIED and etag is not None:
        return None
    _expect_success(response)
    if "etag" not in response.headers:
        raise LedgerUnavailable("sent a ledger without an ETag, so nobody can tell which state it shows")
    published = response.headers.get(SCHEMA_HEADER, SCHEMA_VERSION)
    if published != SCHEMA_VERSION:
        raise LedgerUnavailable(f"publishes version {published} of the ledger's columns, {SCHEMA_VERSION} is read here")
    return response.content, response.headers["etag"]


async def has_account(client: ServiceClient, account_id: UUID, *, token: str) -> bool:
    """Whether the caller has the account, be it one without any transaction.

    Raises:
        PeerUnavailable, LedgerUnavailable, InvalidToken, InsufficientScope: as `fetch_ledger`.
    """
    response = await client.get(ACCOUNT_PATH.format(account_id=account_id), token=token)
    if response.status_code == HTTPStatus.NOT_FOUND:
        return False
    _expect_success(response)
    return True


def _expect_success(response: httpx2.Response) -> None:
    match response.status_code:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED:
            raise InvalidToken(f"{PROVIDER} does not accept the access token. Log in again.")
        case HTTPStatus.FORBIDDEN:
            raise InsufficientScope(
                f"{PROVIDER} refused the access token: figures are made from the ledger, "
                "so the token needs the scope ledger:read beside analytics:read."
            )
        case status:
            raise LedgerUnavailable(f"answered {status} when asked for the ledger. Try again later")
