"""What analytics_api reads of transaction_service."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import httpx2
from api_common import ServiceClient
from api_common.problems import Forbidden, ServiceUnavailable, Unauthorized

PROVIDER = "transaction_service"
ARROW_STREAM = "application/vnd.apache.arrow.stream"

LEDGER = "/v1/ledger"
ACCOUNT = "/v1/accounts/{account_id}"


class LedgerUnavailable(ServiceUnavailable):
    """transaction_service answered, but not with a ledger."""

    code = "ledger_unavailable"
    title = "The ledger cannot be read"


class LedgerAccessDenied(Forbidden):
    """The caller's token lets it read analytics but not the ledger that they are made of."""

    code = "insufficient_scope"


class TokenRefused(Unauthorized):
    """transaction_service does not accept the caller's token."""

    code = "invalid_token"


async def fetch_ledger(client: ServiceClient, *, token: str, etag: str | None) -> tuple[bytes, str] | None:
    """The caller's ledger as an Arrow stream with the ETag of its state; None when `etag` still names that state.

    Raises:
        PeerUnavailable: transaction_service does not answer.
        LedgerUnavailable: it answers with something else than a ledger.
        LedgerAccessDenied, TokenRefused: it refuses the caller's token.
    """
    headers = {"Accept": ARROW_STREAM}
    if etag is not None:
        headers["If-None-Match"] = etag
    response = await client.get(LEDGER, token=token, params={"format": "arrow"}, headers=headers)
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        return None
    _expect_success(response)
    if "etag" not in response.headers:
        raise LedgerUnavailable(f"{PROVIDER} sent a ledger without an ETag, so it cannot be told which state it shows.")
    return response.content, response.headers["etag"]


async def has_account(client: ServiceClient, account_id: UUID, *, token: str) -> bool:
    """Whether the caller has the account, be it one without any transaction.

    Raises:
        PeerUnavailable, LedgerUnavailable, LedgerAccessDenied, TokenRefused: as for `fetch_ledger`.
    """
    response = await client.get(ACCOUNT.format(account_id=account_id), token=token)
    if response.status_code == HTTPStatus.NOT_FOUND:
        return False
    _expect_success(response)
    return True


def _expect_success(response: httpx2.Response) -> None:
    if response.status_code == HTTPStatus.OK:
        return
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise TokenRefused(f"{PROVIDER} refused the access token. Log in again.")
    if response.status_code == HTTPStatus.FORBIDDEN:
        raise LedgerAccessDenied(
            f"{PROVIDER} refused the access token: figures are made from the ledger, so the token needs the scope ledger:read too."
        )
    raise LedgerUnavailable(f"{PROVIDER} answered {response.status_code} instead of the ledger. Try again later.")
