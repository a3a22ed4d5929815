"""transaction_service as a value, as an application and as a process."""

import api_common
from api_common import Service
from api_common.database import DatabaseSpec
from api_common.server import run as serve
from config import load
from fastapi import FastAPI

from transaction_service._version import VERSION
from transaction_service.errors import IdTaken
from transaction_service.models import Table
from transaction_service.routes import (
    accounts,
    archive,
    categories,
    csv_profiles,
    imports,
    investments,
    journal,
    ledger,
    listing,
    proposals,
    reconciliation,
    rules,
    tags,
    transactions,
    transfers,
)
from transaction_service.settings import Settings

_WITH_OWN_IDS = ("accounts", "balance_assertions", "categories", "rules", "transactions")
"""Tables whose rows may have ids that clients have chosen."""

DATABASE = DatabaseSpec(
    schema="transaction_service",
    metadata=Table.metadata,
    migrations="transaction_service.migrations",
    conflicts={f"pk_{table}": IdTaken for table in _WITH_OWN_IDS},
    by_hand=("transactions_search", "ix_transactions_search", "ix_transactions_merchant"),
)


def service(settings: Settings | None = None) -> Service:
    """The service with the given settings, or those of the environment.

    Raises:
        config.SettingsError: a variable is wrong or unknown.
    """
    chosen = settings or load(Settings)
    return Service(
        name="transaction_service",
        version=VERSION,
        summary="Accounts, transactions, categories and statement imports: the ledger",
        settings=chosen,
        routers=[
            accounts.router,
            reconciliation.router,
            listing.router,
            transactions.router,
            transfers.router,
            tags.router,
            categories.router,
            rules.router,
            imports.router,
            proposals.router,
            csv_profiles.router,
            investments.router,
            journal.router,
            ledger.router,
            archive.router,
        ],
        database=DATABASE,
        calls=["auth_service"],
        body_limits={
            "/v1/imports": chosen.import_limit,
            "/v1/csv-profiles/proposals": chosen.import_limit,
            "/v1/archive": chosen.archive_limit,
        },
    )


def create_app() -> FastAPI:
    """The application of this service alone."""
    return api_common.create_app(service())


def run() -> None:
    """Serve until told to stop."""
    serve(service, port=8002)


if __name__ == "__main__":
    run()
