"""Statements of investment accounts: typed entries, positions and securities, and the cash among the ordinary rows."""

from datetime import date
from decimal import Decimal
from html import escape

import pytest
from data_processing import (
    InvestmentKind,
    Position,
    Security,
    SecurityKind,
    Statement,
    StatementFile,
    investment_frame,
    investment_identities,
    position_frame,
    read_statement_file,
)
from hypothesis import given
from hypothesis import strategies as st

APPLE = Security("CUSIP", "037833100", "Apple Inc.", "AAPL", SecurityKind.STOCK)
FUND = Security("ISIN", "IE00B4L5Y983", "World Fund", None, SecurityKind.FUND)
INFO = {SecurityKind.STOCK: "STOCK", SecurityKind.FUND: "MF", SecurityKind.BOND: "DEBT", SecurityKind.OPTION: "OPT"}
TODAY = date(2026, 11, 20)


def leaf(tag, value, *, ends=False):
    if value is None:
        return ""
    text = f"{value:%Y%m%d}" if isinstance(value, date) else f"{value:f}" if isinstance(value, Decimal) else str(value)
    return f"<{tag}>{escape(text, quote=False)}" + (f"</{tag}>" if ends else "\n")


def secid(security, *, ends=False):
    unique_id, id_type = (
        leaf("UNIQUEID", security.unique_id, ends=ends),
        leaf("UNIQUEIDTYPE", security.id_type, ends=ends),
    )
    return f"<SECID>{unique_id}{id_type}</SECID>"


def transaction(tag, inner="", *, fitid="T1", traded="20260401", settled=None, memo=None, security=APPLE):
    """A transaction as brokers write it: what trades do stands in an aggregate of its own."""
    head = (
        f"<INVTRAN>{leaf('FITID', fitid)}{leaf('DTTRADE', traded)}{leaf('DTSETTLE', settled)}{leaf('MEMO', memo)}"
        "</INVTRAN>"
    )
    body = head + (secid(security) if security else "") + inner
    wrapper = tag[:3] if tag.startswith("BUY") else tag[:4] if tag.startswith("SELL") else None
    return f"<{tag}><INV{wrapper}>{body}</INV{wrapper}></{tag}>" if wrapper else f"<{tag}>{body}</{tag}>"


def document(*transactions, positions="", securities=(APPLE, FUND), after="", ends=False):
    described = "".join(
        f"<{INFO[s.kind]}INFO><SECINFO>{secid(s, ends=ends)}{leaf('SECNAME', s.name, ends=ends)}"
        f"{leaf('TICKER', s.ticker, ends=ends)}</SECINFO></{INFO[s.kind]}INFO>"
        for s in securities
    )
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><TRNUID>1<INVSTMTRS>"
        "<DTASOF>20260430<CURDEF>USD<INVACCTFROM><BROKERID>b.example<ACCTID>X1</INVACCTFROM><INVTRANLIST>"
        f"<DTSTART>20260401<DTEND>20260430{''.join(transactions)}</INVTRANLIST><INVPOSLIST>{positions}</INVPOSLIST>"
        f"{after}</INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1><SECLISTMSGSRSV1><SECLIST>{described}</SECLIST>"
        "</SECLISTMSGSRSV1></OFX>"
    ).encode()


def only(content):
    (found,) = read_statement_file(content, today=TODAY).statements
    return found


TRADE = "<UNITS>{units}<UNITPRICE>10.5<COMMISSION>1.00<TAXES>0.25<FEES>0.50<LOAD>0.10<TOTAL>{total}<SUBACCTSEC>CASH"


@pytest.mark.parametrize(
    ("tag", "inner", "kind", "action", "units", "amount"),
    [
        ("BUYSTOCK", TRADE.format(units="10", total="-106.85"), "buy", "BUYSTOCK", "10", "-106.85"),
        ("BUYMF", TRADE.format(units="4.0320", total="300.0"), "buy", "BUYMF", "4.0320", "-300.0"),
        ("BUYMF", TRADE.format(units="-4", total="42"), "buy", "BUYMF", "-4", "42"),
        ("BUYDEBT", TRADE.format(units="1,5", total="-15,75"), "buy", "BUYDEBT", "1.5", "-15.75"),
        ("BUYOPT", TRADE.format(units="2", total="-21"), "buy", "BUYOPT", "2", "-21"),
        ("BUYOTHER", TRADE.format(units="0.000000000012", total="-0.01"), "buy", "BUYOTHER", "1.2E-11", "-0.01"),
        ("SELLSTOCK", TRADE.format(units="-10", total="104"), "sell", "SELLSTOCK", "-10", "104"),
        ("SELLMF", TRADE.format(units="10", total="104"), "sell", "SELLMF", "-10", "104"),
        ("SELLDEBT", TRADE.format(units="-1", total="-0.40"), "sell", "SELLDEBT", "-1", "-0.40"),
        ("SELLOPT", TRADE.format(units="-1", total="5"), "sell", "SELLOPT", "-1", "5"),
        ("SELLOTHER", TRADE.format(units="-1", total="5"), "sell", "SELLOTHER", "-1", "5"),
        ("INCOME", "<INCOMETYPE>DIV<TOTAL>12.34", "dividend", "INCOME DIV", None, "12.34"),
        ("INCOME", "<INCOMETYPE>INTEREST<TOTAL>1", "interest", "INCOME INTEREST", None, "1"),
        ("INCOME", "<INCOMETYPE>CGLONG<TOTAL>1", "capital_gain", "INCOME CGLONG", None, "1"),
        ("INCOME", "<INCOMETYPE>CGSHORT<TOTAL>1", "capital_gain", "INCOME CGSHORT", None, "1"),
        ("INCOME", "<INCOMETYPE>MISC<TOTAL>-1", "other_income", "INCOME MISC", None, "-1"),
        ("INCOME", "<INCOMETYPE>LUCK<TOTAL>5", "other_income", "INCOME LUCK", None, "5"),
        ("REINVEST", "<INCOMETYPE>DIV<TOTAL>-12<UNITS>1.2", "reinvest", "REINVEST DIV", "1.2", "0"),
        ("RETOFCAP", "<TOTAL>50", "return_of_capital", "RETOFCAP", None, "50"),
        ("MARGININTEREST", "<TOTAL>-3", "interest", "MARGININTEREST", None, "-3"),
        ("INVEXPENSE", "<TOTAL>3", "expense", "INVEXPENSE", None, "-3"),
        ("TRANSFER", "<UNITS>5<TFERACTION>IN<POSTYPE>LONG", "transfer_in", "TRANSFER IN", "5", "0"),
        ("TRANSFER", "<UNITS>-5<TFERACTION>OUT<POSTYPE>LONG", "transfer_out", "TRANSFER OUT", "-5", "0"),
        ("TRANSFER", "<UNITS>5<TFERACTION>IN<POSTYPE>SHORT", "transfer_in", "TRANSFER IN", "-5", "0"),
        (
            "SPLIT",
            "<OLDUNITS>10<NEWUNITS>15<NUMERATOR>3<DENOMINATOR>2<FRACCASH>0.70",
            "split",
            "SPLIT",
            "5",
            "0.70",
        ),
        ("CLOSUREOPT", "<OPTACTION>EXERCISE<UNITS>1<SHPERCTRCT>100", "option", "CLOSUREOPT EXERCISE", "1", "0"),
        ("JRNLFUND", "<SUBACCTTO>MARGIN<SUBACCTFROM>CASH<TOTAL>100", "journal", "JRNLFUND", None, "0"),
        ("JRNLSEC", "<SUBACCTTO>MARGIN<SUBACCTFROM>CASH<UNITS>100", "journal", "JRNLSEC", "0", "0"),
    ],
)
def test_each_transaction_is_a_typed_entry_and_its_cash_an_ordinary_row(tag, inner, kind, action, units, amount):
    found = only(document(transaction(tag, inner, fitid="F 1", settled="20260403")))
    (entry,) = found.investments
    assert (entry.kind, entry.action, entry.security) == (InvestmentKind(kind), action, APPLE)
    assert (entry.units, entry.amount) == (None if units is None else Decimal(units), Decimal(amount))
    assert (entry.trade_date, entry.settle_date) == (date(2026, 4, 1), date(2026, 4, 3))
    assert found.refused == ()
    cash = [
        (e.place, e.amount, e.bank_id, e.booking_date, e.value_date, e.counterparty, e.currency) for e in found.entries
    ]
    row = (entry.place, entry.amount, "F 1", date(2026, 4, 1), date(2026, 4, 3), "Apple Inc.", "USD")
    assert cash == ([row] if entry.amount else [])


@pytest.mark.parametrize(
    ("parts", "cash"),
    [
        ("<SUBACCTSEC>CASH<SUBACCTFUND>CASH", "-50"),
        ("<SUBACCTSEC>OTHER<SUBACCTFUND>OTHER", "-50"),
        ("<SUBACCTSEC>CASH<SUBACCTFUND>OTHER", "0"),
        ("<SUBACCTSEC>OTHER<SUBACCTFUND>OTHER<INV401KSOURCE>PRETAX", "0"),
        ("<SUBACCTSEC>CASH<SUBACCTFUND>CASH<INV401KSOURCE>PRETAX", "-50"),
    ],
)
def test_what_another_account_or_an_employer_pays_is_none_of_the_accounts_cash(parts, cash):
    found = only(document(transaction("BUYMF", f"<UNITS>5<UNITPRICE>10<TOTAL>-50{parts}")))
    (entry,) = found.investments
    assert (entry.units, entry.total, entry.amount) == (Decimal(5), Decimal(-50), Decimal(cash))
    assert sum(row.amount for row in found.entries) == Decimal(cash)


def test_purchases_of_an_employers_plan_are_paid_by_payroll_whatever_they_say_themselves():
    buy = transaction("BUYMF", "<UNITS>5<TOTAL>-50<SUBACCTSEC>OTHER<SUBACCTFUND>OTHER")
    plan = "<INV401K><EMPLOYERNAME>Example</INV401K><INV401KBAL><TOTAL>58470.53</INV401KBAL>"
    assert [row.amount for row in only(document(buy)).entries] == [Decimal(-50)]
    assert only(document(buy, after=plan)).entries == ()


def test_a_split_without_its_ratio_has_the_units_after_and_before():
    (entry,) = only(document(transaction("SPLIT", "<OLDUNITS>10<NEWUNITS>15"))).investments
    assert (entry.split, entry.units) == ((Decimal(15), Decimal(10)), Decimal(5))


def test_costs_taxes_and_fees_are_kept_apart():
    (entry,) = only(document(transaction("BUYSTOCK", TRADE.format(units="10", total="-106.85")))).investments
    assert (entry.commission, entry.fees, entry.taxes) == (Decimal("1.00"), Decimal("0.60"), Decimal("0.25"))
    assert (entry.unit_price, entry.total, entry.sub_account) == (Decimal("10.5"), Decimal("-106.85"), "CASH")


def test_costs_are_as_written_where_one_of_the_statement_has_a_minus_and_else_money_out():
    one = transaction("INVEXPENSE", "<TOTAL>3", fitid="A")
    other = transaction("MARGININTEREST", "<TOTAL>-2", fitid="B", security=None)
    assert [entry.amount for entry in only(document(one, other)).entries] == [Decimal(3), Decimal(-2)]
    file = read_statement_file(document(one, one))
    assert [entry.amount for entry in file.statements[0].entries] == [Decimal(-3), Decimal(-3)]
    assert file.notes == ("2 purchases or costs have a total without a minus and count as money out.",)


@pytest.mark.parametrize(
    ("tag", "inner", "reason"),
    [
        ("BUYSTOCK", "<TOTAL>-5", "the row has no units (UNITS)"),
        ("BUYSTOCK", "<UNITS>5", "the row has no total (TOTAL)"),
        ("BUYSTOCK", "<UNITS>5<TOTAL>many", 'TOTAL: amount "many" is not a number'),
        ("BUYSTOCK", "<UNITS>1,234<TOTAL>-5", 'UNITS: "1,234" can be read as 1.234 or as 1234'),
        ("BUYSTOCK", "<UNITS>0.1234567890123456789<TOTAL>-5", "has more than 18 decimals"),
        ("REINVEST", "<INCOMETYPE>DIV<TOTAL>5", "the row has no units (UNITS)"),
        ("TRANSFER", "<TFERACTION>IN", "the row has no units (UNITS)"),
        ("TRANSFER", "<UNITS>5<TFERACTION>UP", 'the direction of the transfer (TFERACTION) is "UP"'),
        ("SPLIT", "<NUMERATOR>2", "the row does not say the ratio of the split"),
        ("INCOME", "<INCOMETYPE>DIV<TOTAL>5<UNITPRICE>" + "9" * 10_001, "longer than 10000 characters"),
    ],
)
def test_a_broken_transaction_is_refused_with_its_reason_and_the_rest_is_read(tag, inner, reason):
    good = transaction("INCOME", "<INCOMETYPE>DIV<TOTAL>1", fitid="G")
    found = only(document(transaction(tag, inner, fitid="B"), good))
    assert [entry.bank_id for entry in found.entries] == ["G"]
    assert [entry.bank_id for entry in found.investments] == ["G"]
    (refused,) = found.refused
    assert (refused.place, refused.bank_id) == ("transaction 1 (FITID B)", "B")
    assert refused.reason.startswith(f"{tag}: ")
    assert reason in refused.reason


def test_a_transaction_without_date_or_security_is_refused():
    found = only(
        document(
            transaction("INCOME", "<INCOMETYPE>DIV<TOTAL>1", traded=""),
            transaction("INCOME", "<INCOMETYPE>DIV<TOTAL>1", security=None),
        )
    )
    assert [row.reason for row in found.refused] == [
        "INCOME: the row has no trade date (DTTRADE)",
        "INCOME: the row names no security (UNIQUEID)",
    ]


def test_a_transaction_of_an_unknown_kind_is_refused_and_positions_and_securities_of_one_are_read():
    inner = f"<INVBUY><INVTRAN><FITID>F1<DTTRADE>20260401</INVTRAN>{secid(APPLE)}<TOTAL>-5</INVBUY>"
    bank = "<INVBANKTRAN><STMTTRN><DTPOSTED>20260401<TRNAMT>1<FITID>F2</STMTTRN><SUBACCTFUND></INVBANKTRAN>"
    held = f"<POSCOIN><INVPOS>{secid(APPLE)}<UNITS>2</INVPOS></POSCOIN>"
    content = document(f"<BUYCOIN>{inner}</BUYCOIN>{bank}<SELLCOIN>{inner}</SELLCOIN>", positions=held, securities=())
    described = f"<COININFO><SECINFO>{secid(APPLE)}<SECNAME>Coin</SECINFO></COININFO></SECLIST>"
    found = only(content.replace(b"</SECLIST>", described.encode()))
    assert [(row.place, row.reason.split(",")[0]) for row in found.refused] == [
        ("transaction 1 (FITID F1)", "BUYCOIN: transactions of this kind are not known"),
        ("transaction 3 (FITID F1)", "SELLCOIN: transactions of this kind are not known"),
    ]
    assert [entry.bank_id for entry in found.entries] == ["F2"]
    assert [(p.security.name, p.security.kind, p.units) for p in found.positions] == [("Coin", SecurityKind.OTHER, 2)]


def test_a_list_of_trades_outside_of_a_statement_is_of_an_unnamed_account():
    trade = transaction("BUYSTOCK", TRADE.format(units="1", total="-5"))
    found = only(f"<OFX><INVTRANLIST>{trade}</INVTRANLIST></OFX>".encode())
    assert [entry.amount for entry in found.investments] == [Decimal(-5)]


def test_cash_rows_of_trades_stand_between_the_others_in_the_order_of_the_file():
    bank = (
        "<INVBANKTRAN><STMTTRN><DTPOSTED>20260402<TRNAMT>{0}<FITID>B{0}</STMTTRN><SUBACCTFUND>CASH</INVBANKTRAN>"
    ).format
    trade = transaction("INCOME", "<INCOMETYPE>DIV<TOTAL>5", fitid="D")
    found = only(document(bank(1), trade, bank(2), transaction("TRANSFER", "<UNITS>5<TFERACTION>IN", fitid="T")))
    assert [entry.amount for entry in found.entries] == [Decimal(1), Decimal(5), Decimal(2)]
    assert [entry.bank_id for entry in found.investments] == ["D", "T"]
    assert len({entry.place for entry in (*found.entries, *found.investments)}) == 4


def test_a_transfer_names_the_other_account_and_leaves_the_statements_own_alone():
    other = "<UNITS>5<TFERACTION>IN<INVACCTFROM><BROKERID>c.example<ACCTID>Z9</INVACCTFROM><AVGCOSTBASIS>3<UNITPRICE>7"
    found = only(document(transaction("TRANSFER", other)))
    assert (found.account.number, found.account.bank, found.account.type) == ("X1", "b.example", "investment")
    (entry,) = found.investments
    assert (entry.other_account, entry.unit_price) == ("Z9", Decimal(7))


def test_a_transaction_in_another_currency_says_so():
    inner = "<INCOMETYPE>DIV<TOTAL>5<CURRENCY><CURRATE>1.1<CURSYM>EUR</CURRENCY>"
    found = only(document(transaction("INCOME", inner)))
    assert [found.entries[0].currency, found.investments[0].currency, found.currency] == ["EUR", "EUR", "USD"]


def position(tag, inner, security=APPLE):
    return f"<{tag}><INVPOS>{secid(security)}{inner}</INVPOS></{tag}>"


def test_positions_and_the_balance_of_cash_are_kept():
    held = "<HELDINACCT>CASH<POSTYPE>{}<UNITS>{}<UNITPRICE>10.50<MKTVAL>{}<DTPRICEASOF>20260429"
    content = document(
        positions=position("POSSTOCK", held.format("LONG", "10", "105.00"))
        + position("POSMF", held.format("SHORT", "2.5", "26.25"), FUND)
        + position("POSOTHER", "<POSTYPE>LONG", FUND),
        after="<INVBAL><AVAILCASH>12.34<MARGINBALANCE>-5.00<SHORTBALANCE>0.00</INVBAL>",
    )
    file = read_statement_file(content)
    (found,) = file.statements
    price, day = Decimal("10.50"), date(2026, 4, 30)
    assert found.positions == (
        Position(APPLE, Decimal(10), day, price, Decimal("105.00"), "USD", date(2026, 4, 29), "CASH"),
        Position(FUND, Decimal("-2.5"), day, price, Decimal("-26.25"), "USD", date(2026, 4, 29), "CASH"),
    )
    assert [(row.place, row.reason) for row in found.refused] == [
        ("position 3 (World Fund)", "POSOTHER: the position has no units (UNITS)")
    ]
    assert [(b.kind, b.code, b.amount, b.date) for b in found.balances] == [
        ("available", "AVAILCASH", Decimal("12.34"), day)
    ]
    assert file.notes == ("Account X1 has a margin balance of -5.00.",)
    assert file.securities == (APPLE, FUND)


def test_an_account_that_holds_nothing_says_so_and_one_without_a_list_does_not():
    empty = document()
    assert (only(empty).positions, only(empty).positions_as_of) == ((), date(2026, 4, 30))
    assert only(empty.replace(b"<INVPOSLIST></INVPOSLIST>", b"")).positions_as_of is None


def test_positions_without_a_day_of_the_statement_are_of_the_latest_price():
    held = "<UNITS>1<DTPRICEASOF>2026042{}"
    content = document(positions=position("POSMF", held.format(1)) + position("POSMF", held.format(3), FUND))
    found = only(content.replace(b"<DTASOF>20260430", b""))
    assert {held.as_of for held in found.positions} == {found.positions_as_of} == {date(2026, 4, 23)}
    undated = only(document(positions=position("POSMF", "<UNITS>1")).replace(b"<DTASOF>20260430", b""))
    assert undated.refused[0].reason.startswith("POSMF: neither the statement nor the position says the day")


def test_a_security_that_no_list_describes_is_known_by_its_id():
    trade = transaction("BUYMF", TRADE.format(units="1", total="-1"), security=FUND)
    file = read_statement_file(document(trade, securities=()))
    assert file.securities == (Security("ISIN", "IE00B4L5Y983", kind=SecurityKind.FUND),)
    assert file.statements[0].entries[0].counterparty == "IE00B4L5Y983"


def test_frames_of_trades_and_positions_hold_exact_numbers():
    content = document(
        transaction("BUYSTOCK", TRADE.format(units="0.123456789012", total="-10.123456")),
        positions=position("POSSTOCK", "<UNITS>7.1<UNITPRICE>3<MKTVAL>21.3"),
    )
    file = read_statement_file(content)
    trades, positions = investment_frame(file), position_frame(file)
    assert trades.select("security", "kind", "units", "amount").rows() == [
        ("Apple Inc.", "buy", Decimal("0.123456789012"), Decimal("-10.123456"))
    ]
    assert positions.select("account", "ticker", "as_of", "units", "market_value").rows() == [
        ("X1", "AAPL", date(2026, 4, 30), Decimal("7.1"), Decimal("21.3"))
    ]
    assert investment_frame(StatementFile("ofx", "utf-8", (Statement(),))).is_empty()


amounts = st.decimals(Decimal("0.01"), 10**7, places=2)
quantities = st.decimals(Decimal("0.000001"), 10**6, places=6)
securities = st.builds(
    Security,
    st.sampled_from(["CUSIP", "ISIN"]),
    st.from_regex(r"[A-Z0-9]{6,12}", fullmatch=True),
    st.text(st.sampled_from("abc ÄÖÜ&<.'"), min_size=1, max_size=20).map(lambda text: f"N{text}".strip()),
    st.none() | st.from_regex(r"[A-Z]{1,5}", fullmatch=True),
    st.sampled_from(list(INFO)),
)
trades = st.tuples(
    st.sampled_from(["BUY", "SELL", "DIV", "TRANSFER", "REINVEST", "SPLIT"]),
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    quantities,
    amounts,
    st.integers(0, 3),
)


@given(
    st.lists(securities, min_size=4, max_size=4, unique_by=lambda s: s.unique_id),
    st.lists(trades, max_size=8),
    st.booleans(),
)
def test_what_is_written_as_an_investment_statement_is_read_back_and_its_cash_adds_up(known, rows, ends):
    written, expected = [], []
    for number, (kind, day, units, total, which) in enumerate(rows):
        security = known[which]
        put = f"{leaf('UNITS', units, ends=ends)}{leaf('UNITPRICE', units, ends=ends)}"
        tag, inner, moved, cash = {
            "BUY": (f"BUY{INFO[security.kind]}", f"{put}{leaf('TOTAL', -total, ends=ends)}", units, -total),
            "SELL": (f"SELL{INFO[security.kind]}", f"{leaf('UNITS', -units)}{leaf('TOTAL', total)}", -units, total),
            "DIV": ("INCOME", f"<INCOMETYPE>DIV\n{leaf('TOTAL', total, ends=ends)}", None, total),
            "TRANSFER": ("TRANSFER", f"{put}<TFERACTION>OUT", -units, Decimal(0)),
            "REINVEST": ("REINVEST", f"<INCOMETYPE>DIV{leaf('TOTAL', -total)}{put}", units, Decimal(0)),
            "SPLIT": ("SPLIT", "<NUMERATOR>3<DENOMINATOR>2", None, Decimal(0)),
        }[kind]
        written.append(transaction(tag, inner, fitid=f"N{number}", traded=f"{day:%Y%m%d}", security=security))
        expected.append((f"N{number}", day, security, moved, cash))
    file = read_statement_file(document(*written, securities=known, ends=ends))
    (found,) = file.statements
    assert found.refused == ()
    assert [(e.bank_id, e.trade_date, e.security, e.units, e.amount) for e in found.investments] == expected
    assert sum(entry.amount for entry in found.entries) == sum(cash for *_, cash in expected)
    assert file.securities == tuple(known)
    identities = investment_identities(found.investments)
    assert len(set(identities)) == len(identities)
    again = read_statement_file(document(*written[::-1], securities=known[::-1], ends=ends)).statements[0]
    assert sorted(investment_identities(again.investments)) == sorted(identities)
