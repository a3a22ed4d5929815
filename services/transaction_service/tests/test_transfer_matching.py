"""Which rows are the two sides of one transfer: the laws, and the cases between link, proposal and nothing."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from transaction_service.transfers.evidence import MatchRow, observed_rates
from transaction_service.transfers.matching import find_transfers
from transaction_service.transfers.own_accounts import OwnAccount, OwnAccounts
from transaction_service.transfers.sieve import BareRow, sifted

CHECKING, SAVINGS, CARD, DOLLARS = (UUID(int=n) for n in range(1, 5))
DAY = date(2026, 3, 2)


def row(number: int, account: UUID, amount: str, *, day: int = 0, to: UUID | None = None, **fields: Any) -> MatchRow:
    return MatchRow(
        id=UUID(int=number),
        account_id=account,
        currency=fields.pop("currency", "EUR"),
        booking_date=DAY + timedelta(days=day),
        value_date=None,
        amount=Decimal(amount),
        points_to=frozenset({to} if to else ()),
        **fields,
    )


def pairs(
    *rows: MatchRow, apart: tuple[tuple[int, int], ...] = (), rates_of: Sequence[MatchRow] = ()
) -> tuple[list[tuple[int, int]], ...]:
    """The numbers of the linked and of the proposed rows."""
    rates = observed_rates((r.currency, r.amount, r.original_currency, r.original_amount) for r in rates_of or rows)
    found = find_transfers(rows, rates=rates, apart={(UUID(int=out), UUID(int=inc)) for out, inc in apart})
    return tuple(
        sorted((c.outgoing.id.int, c.incoming.id.int) for c in kind) for kind in (found.linked, found.proposed)
    )


def test_one_account_number_is_enough_when_nothing_else_could_be_meant() -> None:
    assert pairs(row(1, CHECKING, "-100", to=SAVINGS), row(2, SAVINGS, "100", day=4)) == ([(1, 2)], [])


def test_rows_six_days_apart_are_no_transfer() -> None:
    assert pairs(row(1, CHECKING, "-100", to=SAVINGS), row(2, SAVINGS, "100", day=6)) == ([], [])


def test_the_nearer_of_booking_and_value_date_counts() -> None:
    later = row(2, SAVINGS, "100", day=7)._replace(value_date=DAY + timedelta(days=1))
    assert pairs(row(1, CHECKING, "-100", to=SAVINGS), later) == ([(1, 2)], [])


def test_a_number_that_names_another_own_account_rules_a_pair_out() -> None:
    assert pairs(row(1, CHECKING, "-100", to=CARD), row(2, SAVINGS, "100")) == ([], [])


def test_two_possible_outgoing_rows_are_ambiguous_and_the_best_is_proposed() -> None:
    rows = (row(1, CHECKING, "-100", to=SAVINGS), row(2, CHECKING, "-100", day=2, to=SAVINGS))
    assert pairs(*rows, row(3, SAVINGS, "100", day=2)) == ([], [(2, 3)])


def test_equally_good_pairs_are_all_proposed() -> None:
    rows = (row(1, CHECKING, "-100", to=SAVINGS), row(2, CHECKING, "-100", to=SAVINGS))
    assert pairs(*rows, row(3, SAVINGS, "100")) == ([], [(1, 3), (2, 3)])


def test_as_many_outgoing_as_incoming_rows_of_two_accounts_are_linked_in_the_order_of_their_dates() -> None:
    rows = [row(n, CHECKING, "-50", day=n, to=SAVINGS) for n in range(1, 8)]
    rows += [row(10 + n, SAVINGS, "50", day=n + 1) for n in range(1, 8)]
    assert pairs(*rows) == ([(n, 10 + n) for n in range(1, 8)], [])


def test_numbers_on_both_sides_go_before_a_number_on_one_side() -> None:
    mutual = (row(1, CHECKING, "-100", to=SAVINGS), row(2, SAVINGS, "100", to=CHECKING))
    assert pairs(*mutual, row(3, CARD, "-100", to=SAVINGS)) == ([(1, 2)], [])


def test_a_rival_with_a_hint_makes_one_number_ambiguous() -> None:
    rival = row(3, CARD, "-100", names=frozenset({SAVINGS}))
    assert pairs(row(1, CHECKING, "-100", to=SAVINGS), row(2, SAVINGS, "100"), rival) == ([], [(1, 2)])


def test_a_named_account_is_proposed_and_never_linked() -> None:
    assert pairs(row(1, CHECKING, "-100", names=frozenset({SAVINGS})), row(2, SAVINGS, "100")) == ([], [(1, 2)])


def test_two_rows_in_transfer_categories_are_linked() -> None:
    assert pairs(row(1, CHECKING, "-100", marked=True), row(2, SAVINGS, "100", marked=True)) == ([(1, 2)], [])


def test_equal_amounts_alone_are_proposed_within_three_days_when_unique() -> None:
    out, refund = row(1, CARD, "-2.80"), row(2, CHECKING, "2.80", day=3)
    assert pairs(out, refund) == ([], [(1, 2)])
    assert pairs(out, refund._replace(booking_date=DAY + timedelta(days=4))) == ([], [])
    assert pairs(out, refund, row(3, CARD, "-2.80", day=6)) == ([], [])


def test_a_categorised_row_or_a_foreign_account_number_is_a_reason_against_equal_amounts() -> None:
    assert pairs(row(1, CARD, "-2.80", categorised=True), row(2, CHECKING, "2.80")) == ([], [])
    assert pairs(row(1, CARD, "-2.80", foreign=True), row(2, CHECKING, "2.80")) == ([], [])


def test_one_number_against_somebody_else_s_is_only_proposed() -> None:
    assert pairs(row(1, CHECKING, "-100", to=SAVINGS), row(2, SAVINGS, "100", foreign=True)) == ([], [(1, 2)])


def test_a_rejected_pair_is_not_found_again() -> None:
    rows = (row(1, CHECKING, "-100", to=SAVINGS), row(2, SAVINGS, "100", to=CHECKING))
    assert pairs(*rows, apart=((1, 2),)) == ([], [])


def test_the_original_amount_decides_across_currencies() -> None:
    out = row(1, CHECKING, "-92.51", to=DOLLARS, original_amount=Decimal(-100), original_currency="USD")
    assert pairs(out, row(2, DOLLARS, "100", currency="USD", day=1)) == ([(1, 2)], [])
    assert pairs(out, row(2, DOLLARS, "99", currency="USD", day=1)) == ([], [])


def test_amounts_that_state_each_other_need_no_account_number() -> None:
    out = row(1, CHECKING, "-92.51", original_amount=Decimal(-100), original_currency="USD")
    back = row(2, DOLLARS, "100", currency="USD", original_amount=Decimal("92.51"), original_currency="EUR")
    assert pairs(out, back) == ([(1, 2)], [])


def test_the_rate_of_the_row_decides_across_currencies() -> None:
    out = row(1, CHECKING, "-92.51", to=DOLLARS, exchange_rate=Decimal("1.08097"))
    found = find_transfers([out, row(2, DOLLARS, "100", currency="USD")])
    assert [str(c.rate) for c in found.linked] == ["1.08096422"]


def test_a_plausible_rate_is_only_proposed() -> None:
    shop = row(9, CHECKING, "-9.25", day=1, original_amount=Decimal(-10), original_currency="USD")
    out = row(1, CHECKING, "-92.51", to=DOLLARS)
    assert pairs(out, row(2, DOLLARS, "100", currency="USD"), shop) == ([], [(1, 2)])
    assert pairs(out, row(2, DOLLARS, "140", currency="USD"), shop) == ([], [])


def test_pairs_without_a_fresh_row_are_left_as_they_are() -> None:
    rows = (row(1, CHECKING, "-100", to=SAVINGS, fresh=False), row(2, SAVINGS, "100", fresh=False))
    assert pairs(*rows) == ([], [])


ACCOUNTS = OwnAccounts(
    [
        OwnAccount(CHECKING, "EUR", frozenset({"de89370400440532013000"}), frozenset({"checking"})),
        OwnAccount(SAVINGS, "EUR", frozenset({"0007654321"}), frozenset({"rainy days"})),
    ],
    own_names=["anna müller"],
)


def test_accounts_are_known_by_number_in_any_spelling_and_by_the_end_of_an_iban() -> None:
    assert ACCOUNTS.pointed("DE89 3704 0044 0532 0130 00") == {CHECKING}
    assert ACCOUNTS.pointed("37040044/0532013000") == {CHECKING}
    assert ACCOUNTS.pointed("DE44500105170007654321") == {SAVINGS}
    assert (
        ACCOUNTS.pointed("DE44500105170007654399") == ACCOUNTS.pointed("321") == ACCOUNTS.pointed(None) == frozenset()
    )


def test_accounts_are_known_by_their_whole_number_in_a_text() -> None:
    assert ACCOUNTS.mentioned("OWN ACCOUNT DE89370400440532013000", None) == {CHECKING}
    assert ACCOUNTS.mentioned("to 0007654321.") == {SAVINGS}
    assert ACCOUNTS.mentioned("7654321", "XDE89370400440532013000", None) == frozenset()


def test_accounts_are_known_by_their_names_as_whole_words() -> None:
    assert ACCOUNTS.named("To RAINY  days", None) == {SAVINGS}
    assert ACCOUNTS.named("Checkings") == OwnAccounts([]).named("Checking") == frozenset()
    assert ACCOUNTS.is_own_name("Anna MÜLLER") and not ACCOUNTS.is_own_name("Anna") and not ACCOUNTS.is_own_name(None)


SIDES = st.builds(
    lambda account, amount, day, to, named, marked: (account, amount, day, to, named, marked),
    st.sampled_from([CHECKING, SAVINGS, CARD]),
    st.sampled_from(["-100", "100", "-50", "50"]),
    st.integers(0, 12),
    st.sampled_from([None, None, CHECKING, SAVINGS]),
    st.sampled_from([None, None, None, CARD]),
    st.booleans(),
)


def ledger(sides: list[tuple[UUID, str, int, UUID | None, UUID | None, bool]]) -> list[MatchRow]:
    return [
        row(n, account, amount, day=day, to=to, names=frozenset({named} if named else ()), marked=marked)
        for n, (account, amount, day, to, named, marked) in enumerate(sides, start=1)
    ]


@given(st.lists(SIDES, max_size=14))
def test_no_row_is_in_two_links_and_linked_rows_sum_to_zero(sides: Any) -> None:
    found = find_transfers(ledger(sides))
    linked = [row.id for pair in found.linked for row in (pair.outgoing, pair.incoming)]
    assert len(linked) == len(set(linked))
    assert not set(linked) & {row.id for pair in found.proposed for row in (pair.outgoing, pair.incoming)}
    for pair in (*found.linked, *found.proposed):
        assert pair.outgoing.amount + pair.incoming.amount == 0 and pair.outgoing.amount < 0
        assert pair.outgoing.account_id != pair.incoming.account_id and pair.days <= 5


@given(st.lists(SIDES, max_size=14), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(sides: Any, random: Any) -> None:
    rows = ledger(sides)
    shuffled = random.sample(rows, len(rows))
    assert pairs(*rows) == pairs(*shuffled)


@given(st.lists(SIDES, max_size=14))
def test_with_every_sign_turned_the_same_rows_belong_together(sides: Any) -> None:
    rows = ledger(sides)
    turned = pairs(*(row._replace(amount=-row.amount) for row in rows))
    assert pairs(*rows) == tuple(sorted((inc, out) for out, inc in kind) for kind in turned)


BARE = OwnAccounts([OwnAccount(a, "EUR", frozenset({f"no{a.int}"}), frozenset()) for a in (CHECKING, SAVINGS, CARD)])
ACROSS = st.tuples(
    st.sampled_from([(CHECKING, "EUR"), (SAVINGS, "EUR"), (CARD, "USD"), (DOLLARS, "USD")]),
    st.sampled_from(["-100", "100", "-110", "110"]),
    st.integers(0, 25),
    st.sampled_from([None, None, CHECKING, SAVINGS, CARD]),
    st.sampled_from([None, None, "110"]),
    st.booleans(),
)


@given(st.lists(ACROSS, max_size=14))
def test_the_sieve_keeps_every_row_that_matters(sides: Any) -> None:
    rows, bare = [], []
    for n, ((account, currency), amount, day, to, original, fresh) in enumerate(sides, start=1):
        stated = {"original_amount": Decimal(original), "original_currency": "USD"} if original else {}
        made = row(n, account, amount, day=day, to=to, currency=currency, fresh=fresh, **stated)
        rows.append(made)
        bare.append(
            BareRow(
                str(n),
                str(account),
                made.booking_date.toordinal(),
                int(made.amount * 1_000_000),
                fresh,
                currency,
                int(Decimal(original) * 1_000_000) if original else None,
                made.original_currency,
                f"no{to.int}" if to else None,
            )
        )
    kept = sifted(bare, BARE, across=True)
    assert pairs(*(r for r in rows if str(r.id.int) in kept), rates_of=rows) == pairs(*rows)
