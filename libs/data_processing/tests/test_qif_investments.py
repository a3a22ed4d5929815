"""QIF registers of investments: typed entries, securities and prices, and the cash among the ordinary rows."""

from datetime import date
from decimal import Decimal

import pytest
from data_processing import InvestmentKind, Security, SecurityKind, SecurityPrice, read_statement_file
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 11, 20)


def only(content):
    (found,) = read_statement_file(content, today=TODAY).statements
    return found


def qif(*records, lists=""):
    return (
        f"{lists}!Account\nNBroker\nTInvst\n^\n!Type:Invst\n{''.join(records)}D12/31/2025\nNCash\nT0.01\n^\n".encode()
    )


def action(name, amount="100.00", quantity="3.5", *more):
    fields = [
        f"N{name}",
        "YACME",
        "I28.00",
        *([f"Q{quantity}"] if quantity else []),
        *([f"T{amount}"] if amount else []),
    ]
    return "\n".join(["D04/01/2026", *fields, *more, "^", ""])


@pytest.mark.parametrize(
    ("name", "kind", "units", "amount"),
    [
        ("Buy", "buy", "3.5", "-100.00"),
        ("BuyX", "buy", "3.5", "0"),
        ("CvrShrt", "buy", "3.5", "-100.00"),
        ("Sell", "sell", "-3.5", "100.00"),
        ("SellX", "sell", "-3.5", "0"),
        ("ShtSell", "sell", "-3.5", "100.00"),
        ("Div", "dividend", None, "100.00"),
        ("DivX", "dividend", None, "0"),
        ("IntInc", "interest", None, "100.00"),
        ("MargInt", "interest", None, "-100.00"),
        ("CGLong", "capital_gain", None, "100.00"),
        ("CGMidX", "capital_gain", None, "0"),
        ("CGShort", "capital_gain", None, "100.00"),
        ("RtrnCap", "return_of_capital", None, "100.00"),
        ("MiscInc", "other_income", None, "100.00"),
        ("MiscExp", "expense", None, "-100.00"),
        ("MiscExpX", "expense", None, "0"),
        ("ReinvDiv", "reinvest", "3.5", "0"),
        ("ReinvLg", "reinvest", "3.5", "0"),
        ("ShrsIn", "transfer_in", "3.5", "0"),
        ("ShrsOut", "transfer_out", "-3.5", "0"),
        ("StkSplit", "split", None, "0"),
        ("Exercise", "option", None, "0"),
    ],
)
def test_each_qif_action_is_a_typed_entry_and_its_cash_an_ordinary_row(name, kind, units, amount):
    found = only(qif(action(name, "100.00", "3.5", "O5.00", "L[Checking]", "MNote")))
    (entry,) = found.investments
    assert (entry.kind, entry.action, entry.security) == (InvestmentKind(kind), name, Security(name="ACME"))
    assert (entry.units, entry.amount) == (None if units is None else Decimal(units), Decimal(amount))
    assert (entry.total, entry.commission, entry.unit_price) == (Decimal("100.00"), Decimal("5.00"), Decimal("28.00"))
    assert (entry.other_account, entry.text) == ("Checking", "Note")
    assert entry.split == ((Decimal("0.35"), Decimal(1)) if name == "StkSplit" else None)
    assert [e.amount for e in found.entries if e.place == entry.place] == ([entry.amount] if entry.amount else [])


def test_qif_transfers_of_cash_alone_are_ordinary_rows():
    names = {"XIn": "100.00", "ContribX": "100.00", "XOut": "-100.00", "WithdrwX": "-100.00"}
    found = only(qif(*(action(name, "100.00", "", "L[Checking]") for name in names)))
    assert [str(entry.amount) for entry in found.entries[:-1]] == list(names.values())
    assert {entry.counterparty_account for entry in found.entries[:-1]} == {"Checking"}
    assert found.investments == ()


def test_qif_lists_of_securities_and_prices_are_read():
    lists = (
        "!Type:Security\nNACME\nSACM\nTStock\n^\n!Type:Security\nNFund\nTMutual Fund\n^\n"
        '!Type:Prices\n"ACM",12 1/8," 2/11\' 4"\n^\n!Type:Prices\n"ACM",125.625,"12/30/2025"\n"ACM",,"x"\nmore\n^\n'
    )
    file = read_statement_file(qif(action("Buy"), lists=lists), today=TODAY)
    acme = Security(name="ACME", ticker="ACM", kind=SecurityKind.STOCK)
    assert file.securities == (acme, Security(name="Fund", kind=SecurityKind.FUND))
    assert file.statements[0].investments[0].security == acme
    assert file.prices == (
        SecurityPrice(acme, Decimal("12.125"), date(2004, 2, 11)),
        SecurityPrice(acme, Decimal("125.625"), date(2025, 12, 30)),
    )
    assert file.notes == ("1 line of the list of prices cannot be read.",)


MARKS = {
    "point": lambda number: f"{number:,f}",
    "comma": lambda number: f"{number:,f}".replace(",", "T").replace(".", ",").replace("T", "."),
    "Swiss": lambda number: f"{number:,f}".replace(",", "'"),
}
DIRECTIONS = {"Buy": (-1, 1), "Sell": (1, -1), "Div": (1, 0), "BuyX": (0, 1), "ReinvDiv": (0, 1), "ShrsOut": (0, -1)}
actions = st.tuples(
    st.sampled_from(list(DIRECTIONS)),
    st.dates(date(2004, 1, 13), date(2026, 11, 20)),
    st.decimals(Decimal("0.0001"), 10**6, places=4),
    st.decimals(Decimal("0.01"), 10**7, places=2),
    st.sampled_from(["ACME", "Welt & Söhne", "A,B.C"]),
)


@given(st.lists(actions, max_size=8), st.sampled_from(list(MARKS)))
def test_what_is_written_as_a_qif_register_of_investments_is_read_back(rows, mark):
    write = MARKS[mark]
    records = [
        f"D{day:%d/%m/%Y}\nN{name}\nY{security}\nQ{write(units)}\nI{write(units)}\nT{write(total)}\n^\n"
        for name, day, units, total, security in rows
    ]
    # The first record settles what no generated one may: the order of the dates and the decimal mark.
    settled = f"D31/12/2025\nNCash\nT{write(Decimal('0.01'))}\n^\n"
    found = only(f"!Type:Invst\n{settled}{''.join(records)}".encode())
    assert found.refused == ()
    assert [(e.action, e.trade_date, e.security.name, e.units, e.amount, e.unit_price) for e in found.investments] == [
        (
            name,
            day,
            security,
            units * DIRECTIONS[name][1] if DIRECTIONS[name][1] else None,
            total * DIRECTIONS[name][0],
            units,
        )
        for name, day, units, total, security in rows
    ]
    moved = sum(total * DIRECTIONS[name][0] for name, _, _, total, _ in rows)
    assert sum(entry.amount for entry in found.entries) == moved + Decimal("0.01")
