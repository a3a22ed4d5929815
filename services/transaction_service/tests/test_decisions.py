"""What is decided without a database: texts, amounts, which account a file means, what cannot be booked."""

from contextlib import closing
from decimal import Decimal
from io import BytesIO
from uuid import UUID, uuid4

import polars as pl
import pytest
from data_processing import LEDGER_SCHEMA
from hypothesis import given
from hypothesis import strategies as st
from transaction_service.amounts import LARGEST, amount_text, keepable
from transaction_service.categories.defaults import CategoryKind
from transaction_service.categories.tree import CategoryNode, CategoryTree
from transaction_service.identity.identities import Identities
from transaction_service.ledger.format import LedgerFormat
from transaction_service.ledger.frame import ledger_file
from transaction_service.models import Account, AccountReference
from transaction_service.search.text import folded
from transaction_service.statements.account_matching import AccountBook, ReferenceKey, reference_key
from transaction_service.statements.rows import prepare
from transaction_service.statements.spool import numbers

MICROS = st.integers(-(2**60), 2**60)


@given(st.text())
def test_folding_a_text_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(text.upper()) == folded(text.upper().lower())


def test_case_width_and_spaces_do_not_tell_texts_apart() -> None:
    assert folded("  MÜLLER\t Straße ＲＥＷＥ ") == "müller strasse rewe"
    assert folded("mu\u0308ller") == folded("MÜLLER")


@given(MICROS)
def test_an_amount_s_text_is_the_amount_in_full(micros: int) -> None:
    amount = Decimal(micros).scaleb(-6)
    text = amount_text(amount)
    assert Decimal(text) == amount
    decimals = text.partition(".")[2]
    assert len(decimals) == 2 or (2 < len(decimals) <= 6 and not decimals.endswith("0"))


def test_zero_has_no_sign() -> None:
    assert amount_text(Decimal("-0.00")) == "0.00"


@given(st.lists(MICROS, min_size=1, max_size=20))
def test_the_amounts_of_the_csv_are_the_amounts_of_the_ledger(micros: list[int]) -> None:
    columns = {
        name: pl.Series(name, micros if name == "amount_micros" else [None] * len(micros), dtype=dtype)
        for name, dtype in LEDGER_SCHEMA.items()
    }
    csv = pl.read_csv(ledger_file(pl.DataFrame(columns), LedgerFormat.CSV), infer_schema=False)
    assert csv["amount"].to_list() == [amount_text(Decimal(n).scaleb(-6)) for n in micros]


def test_amounts_that_the_ledger_cannot_hold_are_known_beforehand() -> None:
    assert keepable(Decimal("-0.000001"))
    assert keepable(LARGEST - 1)
    for text in ("0.0000001", "1e12", "NaN", "-Infinity"):
        assert not keepable(Decimal(text))


def account(name: str, currency: str = "EUR") -> Account:
    return Account(user_id=uuid4(), name=name, type="checking", currency=currency)


def reference(of: Account, key: ReferenceKey) -> AccountReference:
    return AccountReference(user_id=of.user_id, account_id=of.id, key=key.key, bank_key=key.bank, currency=of.currency)


def key(number: str | None = None, bank: str | None = None, name: str | None = None) -> ReferenceKey:
    found = reference_key(number=number, bank=bank, name=name)
    assert found is not None
    return found


def test_a_number_is_the_same_however_it_is_spaced_and_the_bank_only_has_to_fit() -> None:
    first, second = account("A"), account("B")
    book = AccountBook(
        [first, second],
        [
            reference(first, key("DE44 5001-05", "ING")),
            reference(second, key("77")),
            reference(second, key(name="Joint")),
        ],
    )
    assert book.matching(key("de44500105", "ing"), currency=None) == [first]
    assert book.matching(key("DE44500105"), currency="EUR") == [first]
    assert book.matching(key("DE44500105", "Other"), currency=None) == []
    assert book.matching(key("DE44500105"), currency="USD") == []
    assert book.matching(key("77", "any"), currency=None) == [second]
    assert book.matching(key(name="JOINT"), currency=None) == [second]
    # An account's own name is as good as a reference, but a number never matches a name.
    assert book.matching(key(name="a"), currency=None) == [first]
    assert book.matching(key("A"), currency=None) == []
    assert reference_key(number=" - ", bank="X", name=" ") is None


def test_a_category_s_path_and_its_descendants() -> None:
    ids: list[UUID] = [uuid4() for _ in range(3)]
    nodes = [
        CategoryNode(one, parent, name, CategoryKind.EXPENSE, 1)
        for one, parent, name in zip(ids, [None, *ids], "ABC", strict=False)
    ]
    tree = CategoryTree(nodes)
    assert tree.path(ids[2]) == "A > B > C"
    assert tree.with_descendants(ids[1]) == set(ids[1:])
    assert [node.id for node in tree.children(ids[0])] == [ids[1]]
    assert uuid4() not in tree


def test_what_cannot_be_booked_is_refused_row_by_row() -> None:
    content = (
        b"Date,Description,Amount,Currency\n"
        b"2026-04-01,Fine,-1.00,EUR\n2026-04-02,Huge,1000000000000.00,EUR\n2026-04-03,Coin,-1.00,BTC\n"
    )
    prepared = prepare(BytesIO(content), filename=None)
    with closing(prepared.rows):
        [group] = prepared.groups
        assert [len(section.rows) for section in group.sections.values()] == [1]
        assert [(row.place, row.raw) for row in prepared.refused.first] == [("line 3", "Huge"), ("line 4", "Coin")]
        assert (prepared.refused.count, prepared.currencies) == (2, {"EUR"})


@pytest.mark.parametrize("length", [10, 5000])
def test_an_identity_fits_an_index_however_long_the_bank_s_id_is(length: int) -> None:
    ofx = (
        "<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR</CURDEF><BANKACCTFROM><BANKID>1</BANKID><ACCTID>2</ACCTID>"
        "<ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM><BANKTRANLIST><STMTTRN><TRNTYPE>OTHER</TRNTYPE>"
        f"<DTPOSTED>20260301</DTPOSTED><TRNAMT>-1</TRNAMT><FITID>{'9' * length}</FITID><NAME>A</NAME></STMTTRN>"
        "</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
    with closing(prepare(BytesIO(ofx.encode()), filename=None).rows) as rows:
        identities = Identities(rows)
        [number] = identities.tell(numbers([0]), numbers([0]))
        identity = identities[number]
        assert identities.find(identity, numbers([number])) == number
    assert len(identity) <= 300
    assert identity.startswith("bank:" if length == 10 else "hash:")
