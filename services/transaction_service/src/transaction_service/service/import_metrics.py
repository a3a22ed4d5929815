"""What `/metrics` tells of imports: how many files and rows, what became of them, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from api_common.columns import now
from api_common.database import on_commit
from api_common.metrics import Durations, OutcomeCounter
from api_common.problems import Problem
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.models import StatementImport


class FileOutcome(StrEnum):
    """What became of an uploaded statement file."""

    BOOKED = "booked"
    PREVIEWED = "previewed"
    REFUSED = "refused"


class RowOutcome(StrEnum):
    """What became of a row of a booked file; each is a count of `StatementImport`."""

    BOOKED = "booked"
    REPEATED = "repeated"
    REPLACED = "replaced"
    REFUSED = "refused"
    PROPOSED = "proposed"


FILES = OutcomeCounter("purser_import_files", "Statement files that were uploaded.", FileOutcome)
ROWS = OutcomeCounter("purser_import_rows", "Rows of statement files that were booked.", RowOutcome)
SECONDS = Durations("purser_import_duration_seconds", "From the beginning of reading a file to its commit.")


@contextmanager
def refusals_counted() -> Iterator[None]:
    """Count the file as refused when what is done raises a problem."""
    try:
        yield
    except Problem:
        FILES.add(FileOutcome.REFUSED)
        raise


def count_when_committed(session: AsyncSession, record: StatementImport) -> None:
    """Count a file that is booked, once it is."""
    rows = {outcome: int(getattr(record, outcome.value)) for outcome in RowOutcome}
    started_at = record.started_at

    def count() -> None:
        FILES.add(FileOutcome.BOOKED)
        for outcome, number in rows.items():
            ROWS.add(outcome, number)
        SECONDS.observe((now() - started_at).total_seconds())

    on_commit(session, count)
