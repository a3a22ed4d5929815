"""Rows that may be ones of the ledger, where very many have one day and amount, such as a bank's fees."""

from contextlib import closing
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from data_processing import Entry
from transaction_service.identity.decisions import decide
from transaction_service.identity.identities import Identities
from transaction_service.identity.ledger_side import LedgerSide
from transaction_service.identity.pairing import MOST_COMPARISONS, LedgerRow
from transaction_service.identity.plan import AccountPlan
from transaction_service.identity.suspects import MOST_BESIDE, Suspects
from transaction_service.models import Account
from transaction_service.statements.rows import Section, row_of
from transaction_service.statements.spool import FileRows, numbers

DAY = date(2026, 3, 5)
COUNT = 1_000


def file_of(texts: list[str], rows: FileRows) -> FileRows:
    entries = (Entry(f"line {n}", DAY, Decimal("-1.00"), text, bank_id=f"new {n}") for n, text in enumerate(texts))
    rows.extend([row_of(entry) for entry in entries])
    return rows


def ledger_of(texts: list[str]) -> list[LedgerRow]:
    """The rows that an earlier file has brought under other ids."""
    entries = [Entry("", DAY, Decimal("-1.00"), text) for text in texts]
    return [
        LedgerRow(
            uuid4(),
            f"bank:old {number}#0",
            row_of(entry).content,
            DAY,
            entry.amount,
            None,
            entry.text,
            None,
            pending=False,
            deleted=False,
            import_id=None,
        )
        for number, entry in enumerate(entries)
    ]


def test_a_row_is_compared_with_few_of_very_many_and_with_those_of_its_content() -> None:
    texts = [f"Fee {number}" for number in range(COUNT)]
    with closing(file_of(texts, FileRows())) as rows:
        near = numbers(range(COUNT))
        suspects = Suspects(rows, near, ledger_of(texts[::-1]), days=3)
        compared = [[known.text for _, known in suspects.of(n, rows[n].content)] for n in near]
    assert suspects.passed_over
    assert COUNT * COUNT > MOST_COMPARISONS
    assert all(text in found for text, found in zip(texts, compared, strict=True))
    assert max(map(len, compared)) <= 2 * MOST_BESIDE


@pytest.mark.parametrize("kinds", [1, 7, COUNT])
def test_of_very_many_equal_amounts_each_row_under_another_id_is_proposed(kinds: int) -> None:
    texts = [f"Fee card {number % kinds}" for number in range(COUNT)]
    account = Account(user_id=uuid4(), name="A", type="checking", currency="EUR")
    with closing(file_of(texts, FileRows())) as rows:
        plan = AccountPlan(account, False, rows, Identities(rows), [Section(0, numbers(range(COUNT)))])
        plan.identify()
        plan.unknown = plan.chosen
        decide(plan, LedgerSide(rows=ledger_of(texts[::-1])))
    proposed = plan.decisions.proposed
    assert not plan.decisions.book
    assert sorted(found.number for found in proposed) == list(range(COUNT))
    assert len({found.row_id for found in proposed}) == COUNT
