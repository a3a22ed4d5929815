"""What the balances of many statements prove, which are not compared one by one."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from transaction_service.identity.proofs import ADDS_UP, Coverage, ProvedStatements, proved_days

FEW_DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(8)]
FEW_BALANCES = st.none() | st.sampled_from([Decimal(n) for n in range(3)])
SPANS = st.none() | st.lists(st.sampled_from(FEW_DAYS), min_size=2, max_size=2).map(sorted)
SUMS = st.dictionaries(st.sampled_from(FEW_DAYS), st.sampled_from([Decimal(n) for n in range(-2, 3)]))


@st.composite
def statements(draw: st.DrawFn) -> Coverage:
    starts, ends = draw(SPANS) or (None, None)
    return Coverage(starts, ends, draw(FEW_BALANCES), draw(FEW_BALANCES), draw(st.sampled_from([ADDS_UP, "gap"])))


@given(statements(), st.lists(statements(), max_size=6), SUMS)
def test_many_statements_prove_what_each_of_them_proves(
    of_file: Coverage, of_ledger: list[Coverage], sums: dict[date, Decimal]
) -> None:
    together = proved_days(of_file, ProvedStatements(of_ledger), sums)
    each = [proved_days(of_file, ProvedStatements([known]), sums) for known in of_ledger]
    shared = {day for one in each for day in one.shared}
    assert together.shared == shared
    assert together.following == {day for one in each for day in one.following} - shared
    decided = {day for day in FEW_DAYS if together.decides(day)}
    assert decided == {
        day for day in FEW_DAYS if together.complete(day) or any(known.proves(day) for known in of_ledger)
    }
