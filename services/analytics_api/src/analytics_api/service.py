"""Figures of a user's ledger: read it, make sure it is current, compute off the event loop."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from analytics_core import (
    CategoryShare,
    CurrencySummary,
    LedgerError,
    MerchantTotal,
    MonthlyCashFlow,
    Period,
    cash_flow,
    category_breakdown,
    summarise,
    top_merchants,
)
from analytics_core.ledger import ACCOUNT_ID, BOOKING_DATE, CATEGORY, MERCHANT, MONEY_COLUMNS
from api_common import Runtime, ServiceClient
from api_common.auth import UserPrincipal
from api_common.compute import offload
from api_common.problems import NotFound

from analytics_api._version import VERSION
from analytics_api.clients import PROVIDER, LedgerUnavailable, fetch_ledger, has_account
from analytics_api.ledger_cache import Ledger, LedgerCache, SingleFlight
from analytics_api.settings import Settings

if TYPE_CHECKING:
    import polars as pl

COLUMNS = (*MONEY_COLUMNS, ACCOUNT_ID, BOOKING_DATE, CATEGORY, MERCHANT)
"""What is kept of a ledger; the other columns, such as the bank's raw text, would only fill the cache."""

Row = TypeVar("Row")


class AccountNotFound(NotFound):
    """A filter names an account that the caller does not have."""

    code = "account_not_found"
    title = "There is no such account"


@dataclass(frozen=True)
class Selection:
    """Which rows of the ledger are asked for: booked in `period`, on `accounts` (None: on all)."""

    period: Period
    accounts: frozenset[UUID] | None

    @property
    def account_ids(self) -> list[str] | None:
        """The accounts as the ledger writes them, in order."""
        return None if self.accounts is None else sorted(map(str, self.accounts))


@dataclass(frozen=True)
class CurrentLedger:
    """The caller's ledger, current at some moment of this request, and the question asked of it."""

    ledger: Ledger
    selection: Selection

    def etag(self, *question: object) -> str:
        """The entity tag of the answer to `question`: it changes with the ledger, the question and the release."""
        asked = repr((VERSION, self.ledger.etag, self.selection.period, self.selection.account_ids, question))
        return f'"{hashlib.sha256(asked.encode()).hexdigest()[:32]}"'

    async def summary(self) -> list[CurrencySummary]:
        """Income, spending, net and savings rate, per currency."""
        return await self._compute(summarise)

    async def cash_flow(self) -> list[MonthlyCashFlow]:
        """Income, spending and net of each calendar month, per currency."""
        return await self._compute(cash_flow)

    async def categories(self, depth: int | None) -> list[CategoryShare]:
        """Spending by category, cut to `depth` levels, with shares, per currency."""
        return await self._compute(category_breakdown, depth=depth)

    async def merchants(self, limit: int) -> list[MerchantTotal]:
        """The `limit` merchants on whom most was spent, per currency."""
        return await self._compute(top_merchants, limit=limit)

    async def _compute(self, figures: Callable[..., list[Row]], **options: object) -> list[Row]:
        def computed() -> list[Row]:
            return figures(
                self.ledger.frame, period=self.selection.period, accounts=self.selection.account_ids, **options
            )

        try:
            return await offload(computed)
        except LedgerError as error:
            raise LedgerUnavailable(f"sent rows that are no ledger: {error}") from error


class Analytics:
    """The use cases of analytics_api, for one running service."""

    def __init__(self, provider: Callable[[], ServiceClient], *, cache_bytes: int) -> None:
        self._provider = provider
        self._cache = LedgerCache(cache_bytes)
        self._loads: SingleFlight[Ledger] = SingleFlight()

    async def current(self, caller: UserPrincipal, selection: Selection) -> CurrentLedger:
        """The caller's ledger as it is at some moment after this call began.

        Raises:
            AccountNotFound: the selection names an account that the caller does not have.
            PeerUnavailable, LedgerUnavailable, InvalidToken, InsufficientScope: the ledger cannot be read. A copy that
                cannot be revalidated is never answered from: it might be wrong without saying so.
        """
        # The token is part of the key: nobody is given what only another token of the same user may read.
        ledger = await self._loads.run((caller.user_id, caller.token), lambda: self._revalidated(caller))
        await self._refuse_foreign_accounts(caller, ledger, selection)
        return CurrentLedger(ledger, selection)

    async def _revalidated(self, caller: UserPrincipal) -> Ledger:
        kept = self._cache.get(caller.user_id)
        fresh = await fetch_ledger(self._provider(), token=caller.token, etag=kept.etag if kept else None)
        if fresh is None and kept is not None:
            return kept
        assert fresh is not None  # noqa: S101 (None answers an ETag, which only a kept ledger has)
        content, etag = fresh
        ledger = Ledger(await offload(_read_frame, content), etag)
        self._cache.put(caller.user_id, ledger)
        return ledger

    async def _refuse_foreign_accounts(self, caller: UserPrincipal, ledger: Ledger, selection: Selection) -> None:
        if selection.accounts is None:
            return
        for account_id in sorted(selection.accounts - ledger.accounts):
            # An account without a row is not in the ledger, and still the caller's.
            if not await has_account(self._provider(), account_id, token=caller.token):
                raise AccountNotFound(
                    f"Account {account_id} does not exist or is not yours. GET /v1/accounts lists yours."
                )


def _read_frame(content: bytes) -> pl.DataFrame:
    # Takes 0.4 s to import, in a thread on the first request instead of at the start.
    import polars as pl

    try:
        return pl.read_ipc_stream(io.BytesIO(content), columns=list(COLUMNS))
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:
        raise LedgerUnavailable(f"sent something that is no ledger: {error}") from error


@asynccontextmanager
async def analytics_lifespan(runtime: Runtime) -> AsyncIterator[None]:
    """Give the routes one Analytics for as long as the service runs."""
    settings = runtime.settings
    assert isinstance(settings, Settings)  # noqa: S101 (main builds the Service with these settings)
    # Looked up by the first request that needs it: a service whose peer is unknown or down still starts and says so.
    runtime.provide(Analytics(lambda: runtime.client(PROVIDER), cache_bytes=settings.cache_bytes))
    yield


async def reach_provider(runtime: Runtime) -> None:
    """Readiness: without the ledger there is nothing to answer. Raises PeerUnavailable."""
    await runtime.client(PROVIDER).get("/livez")
