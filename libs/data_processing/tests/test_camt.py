"""camt.052, .053 and .054: what a bank writes is read back, and the odd things that versions and banks differ in."""

from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest
from data_processing import (
    BrokenFile,
    EntryDetail,
    TruncatedFile,
    UnsafeFile,
    fingerprints,
    read_statement_file,
    reconcile,
)
from hypothesis import given
from hypothesis import strategies as st

MESSAGES = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
ACCOUNT = "<Acct><Id><IBAN>NL91EXMP0000123456</IBAN></Id><Ccy>EUR</Ccy></Acct>"
SIGNS = {True: "CRDT", False: "DBIT"}


def money(amount, currency="EUR"):
    return f'<Amt Ccy="{currency}">{abs(amount)}</Amt>'


def sign(amount):
    return f"<CdtDbtInd>{SIGNS[amount >= 0]}</CdtDbtInd>"


def balance(code, amount, *, day="2026-04-01"):
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f"<Bal>{kind}{money(Decimal(amount))}{sign(Decimal(amount))}<Dt><Dt>{day}</Dt></Dt></Bal>"


def entry(amount="-2.80", *, day="2026-04-02", status="BOOK", inside="", before="", currency="EUR"):
    exact = Decimal(amount)
    booked = f"<BookgDt><Dt>{day}</Dt></BookgDt>" if day else ""
    return f"<Ntry>{money(exact, currency)}{sign(exact)}{before}<Sts>{status}</Sts>{booked}{inside}</Ntry>"


def payment(*, refs="", parties="", text="", more=""):
    return (
        f"<TxDtls><Refs>{refs}</Refs>{more}<RltdPties>{parties}</RltdPties>"
        f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf></TxDtls>"
    )


LONG = "y" * 9_000


def document(*statements, message="camt.053", version="08", namespace="default"):
    root, inner = MESSAGES[message]
    body = "".join(f"<{inner}><Id>1</Id>{ACCOUNT}{content}</{inner}>" for content in statements)
    urn = f"urn:iso:std:iso:20022:tech:xsd:{message}.001.{version}"
    text = f"<Document><{root}><GrpHdr><MsgId>M</MsgId></GrpHdr>{body}</{root}></Document>"
    if namespace == "default":
        text = text.replace("<Document>", f'<Document xmlns="{urn}">')
    elif namespace == "prefix":
        text = text.replace("</", "\x00").replace("<", "<n:").replace("\x00", "</n:")
        text = text.replace("<n:Document>", f'<n:Document xmlns:n="{urn}">')
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def read(text, *, encoding="utf-8"):
    return read_statement_file(text.encode(encoding), today=date(2026, 11, 20))


def only(*content, **shape):
    (found,) = read(document("".join(content), **shape)).statements
    return found


def only_entry(*content, **shape):
    (found,) = only(*content, **shape).entries
    return found


words = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20).filter(
    lambda text: text.isprintable()
)
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=5, allow_nan=False)
rows = st.tuples(
    st.dates(date(1990, 1, 1), date(2026, 11, 20)), amounts, words, st.sampled_from(["BOOK", "<Cd>BOOK</Cd>"])
)


@given(
    statements=st.lists(st.lists(rows, max_size=5), min_size=1, max_size=3),
    message=st.sampled_from(sorted(MESSAGES)),
    version=st.sampled_from(["01", "02", "04", "08", "13"]),
    namespace=st.sampled_from(["default", "prefix", "none"]),
    opening=amounts,
)
def test_what_a_bank_writes_is_read_back_exactly(statements, message, version, namespace, opening):
    written, total = [], opening
    for content in statements:
        closing = total + sum((amount for _, amount, *_ in content), Decimal(0))
        lines = [
            entry(str(amount), day=str(day), status=status, inside=f"<NtryDtls>{payment(text=text)}</NtryDtls>")
            for day, amount, text, status in content
        ]
        written.append("".join([balance("OPBD", total), balance("CLBD", closing), *lines]))
        total = closing
    file = read(document(*written, message=message, version=version, namespace=namespace))
    assert file.format == message
    assert [[(e.booking_date, e.amount, e.text) for e in found.entries] for found in file.statements] == [
        [(day, amount, text) for day, amount, text, _ in content] for content in statements
    ]
    assert {reconcile(found).status for found in file.statements} == {"adds_up"}
    assert all(found.refused == () and found.currency == "EUR" for found in file.statements)
    assert all(len(set(fingerprints(found.entries))) == len(found.entries) for found in file.statements)


def test_account_period_and_balances_of_a_statement():
    period = "<FrToDt><FrDtTm>2026-04-01T00:00:00+02:00</FrDtTm><ToDtTm>2026-04-30T23:59:59+02:00</ToDtTm></FrToDt>"
    kinds = ["OPBD", "CLBD", "PRCD", "ITBD", "CLAV", "FWAV", "XPCD"]
    file = read(document(period + "".join(balance(kind, "-5.00") for kind in kinds)))
    (found,) = file.statements
    assert (found.account.number, found.account.currency) == ("NL91EXMP0000123456", "EUR")
    assert (found.period_start, found.period_end) == (date(2026, 4, 1), date(2026, 4, 30))
    assert [(item.kind, item.code, item.amount) for item in found.balances] == [
        ("opening", "OPBD", Decimal("-5.00")),
        ("closing", "CLBD", Decimal("-5.00")),
        ("running", "ITBD", Decimal("-5.00")),
        ("available", "CLAV", Decimal("-5.00")),
        ("available", "FWAV", Decimal("-5.00")),
    ]
    assert file.notes == ('A balance of account NL91EXMP0000123456 is left out: its type is "XPCD".',)


@pytest.mark.parametrize(
    ("message", "codes", "kinds"),
    [
        ("camt.053", ["PRCD", "CLBD"], ["opening", "closing"]),
        ("camt.053", ["OPBD", "ITBD"], ["opening", "closing"]),
        ("camt.053", ["ITBD", "ITBD"], ["opening", "closing"]),
        ("camt.053", ["ITBD", "CLBD"], ["opening", "closing"]),
        ("camt.053", ["ITBD"], ["running"]),
        ("camt.052", ["OPBD", "ITBD"], ["opening", "running"]),
    ],
)
def test_interim_balances_open_and_close_the_pages_of_a_statement_but_not_of_a_day(message, codes, kinds):
    found = only("".join(balance(code, "1") for code in codes), message=message)
    assert [item.kind for item in found.balances] == kinds


def test_other_ways_to_name_an_account():
    text = document("").replace(
        ACCOUNT,
        "<Acct><Id><Othr><Id>4711</Id></Othr></Id><Svcr><FinInstnId><BICFI>EXMPNL2A</BICFI></FinInstnId></Svcr></Acct>",
    )
    (found,) = read(text).statements
    assert (found.account.number, found.account.bank, found.currency) == ("4711", "EXMPNL2A", None)


@pytest.mark.parametrize(("status", "pending"), [("BOOK", False), ("PDNG", True), ("FUTR", True)])
def test_the_status_is_read_as_a_code_and_inside_an_element(status, pending):
    assert only_entry(entry(status=status)).pending is pending
    assert only_entry(entry(status=f"\n<Cd>{status}</Cd>\n")).pending is pending


def test_an_entry_for_information_moves_no_money_and_is_said():
    file = read(document(entry(status="INFO") + entry("1.00")))
    assert [item.amount for item in file.statements[0].entries] == [Decimal("1.00")]
    assert file.notes == ("1 entry is for information only (Sts INFO) and left out.",)


@pytest.mark.parametrize("status", ["PDNG", "BOOK"])
def test_an_entry_without_a_booking_date_takes_its_value_date(status):
    found = only_entry(entry(status=status, day="", inside="<ValDt><Dt>2026-04-05</Dt></ValDt>"))
    assert (found.booking_date, found.value_date) == (date(2026, 4, 5), date(2026, 4, 5))


PARTIES = (
    "<Dbtr><Pty><Nm>Payer</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>NL01</IBAN></Id></DbtrAcct>"
    "<Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><Othr><Id>77</Id></Othr></Id></CdtrAcct>"
)


@pytest.mark.parametrize(
    ("amount", "reversal", "name", "account"),
    [
        ("5.00", "", "Payer", "NL01"),
        ("-5.00", "", "Payee", "77"),
        ("5.00", "<RvslInd>true</RvslInd>", "Payee", "77"),
        ("-5.00", "<RvslInd>true</RvslInd>", "Payer", "NL01"),
        ("-5.00", "<RvslInd>false</RvslInd>", "Payee", "77"),
    ],
)
def test_the_indicator_gives_the_sign_and_a_reversal_keeps_its_parties(amount, reversal, name, account):
    inside = f"<NtryDtls>{payment(parties=PARTIES)}</NtryDtls>"
    file = read(document(entry(amount, before=reversal, inside=inside)))
    (found,) = file.statements[0].entries
    assert (found.amount, found.counterparty, found.counterparty_account) == (Decimal(amount), name, account)
    assert bool(file.notes) is ("true" in reversal)


def test_a_batch_is_booked_once_and_its_payments_are_kept():
    parts = "".join(
        payment(
            refs=f"<EndToEndId>E{n}</EndToEndId>",
            more=f"{money(Decimal(n), 'CHF')}<CdtDbtInd>DBIT</CdtDbtInd>",
            parties=f"<Cdtr><Nm>Payee {n}</Nm></Cdtr>",
            text=f"Invoice {n}",
        )
        for n in (1, 2)
    )
    batch = "<Btch><MsgId>M1</MsgId><PmtInfId>P1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>"
    found = only_entry(entry("-3", inside=f"<NtryDtls>{batch}{parts}</NtryDtls><AddtlNtryInf>Salaries</AddtlNtryInf>"))
    assert (found.amount, found.reference, found.counterparty) == (Decimal(-3), "P1", None)
    assert found.text == "Invoice 1 Invoice 2 Salaries"
    assert found.details == (
        EntryDetail(Decimal(-1), "CHF", "Invoice 1", "Payee 1", None, "E1"),
        EntryDetail(Decimal(-2), "CHF", "Invoice 2", "Payee 2", None, "E2"),
    )


def test_an_amount_in_another_currency_keeps_its_rate():
    rate = "<CcyXchg><SrcCcy>USD</SrcCcy><XchgRate>1.0850</XchgRate></CcyXchg>"
    for kind in ("InstdAmt", "TxAmt", "CntrValAmt"):
        foreign = f"<AmtDtls><{kind}>{money(Decimal('10.85'), 'USD')}{rate}</{kind}></AmtDtls>"
        for inside in (foreign, f"<NtryDtls>{payment(more=foreign)}</NtryDtls>"):
            found = only_entry(entry("-10.00", inside=inside))
            original = (found.original_amount, found.original_currency, found.exchange_rate)
            assert original == (Decimal("-10.85"), "USD", Decimal("1.0850"))
    same = f"<AmtDtls><TxAmt>{money(Decimal(10))}</TxAmt></AmtDtls>"
    assert only_entry(entry("-10.00", inside=same)).original_currency is None


def test_only_the_servicers_reference_is_an_id():
    refs = "<EndToEndId>NOTPROVIDED</EndToEndId><TxId>T-1</TxId>"
    inside = f"<AcctSvcrRef>NOTPROVIDED</AcctSvcrRef><NtryDtls>{payment(refs=refs)}</NtryDtls>"
    found = only_entry(entry(inside=inside))
    assert (found.bank_id, found.reference, found.place) == (None, "T-1", "entry 1")
    inner = f"<NtryDtls>{payment(refs='<AcctSvcrRef>B-77</AcctSvcrRef><EndToEndId>E-1</EndToEndId>')}</NtryDtls>"
    found = only_entry(entry(inside=inner))
    assert (found.bank_id, found.reference, found.place) == ("B-77", "E-1", "entry 1 (AcctSvcrRef B-77)")


def test_one_reference_at_two_equal_entries_is_no_id_and_loses_no_row():
    reference = "<AcctSvcrRef>BATCH-1</AcctSvcrRef>"
    file = read(document(entry(inside=reference) * 2 + entry("-9.00", inside=reference)))
    entries = file.statements[0].entries
    assert [item.bank_id for item in entries] == [None, None, "BATCH-1"]
    assert len(set(fingerprints(entries))) == 3
    assert file.notes == ("AcctSvcrRef BATCH-1 stands at several equal rows, so it is not taken as their id.",)


def test_structured_references_codes_and_return_reasons_are_kept():
    strd = "<Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf><AddtlRmtInf>Thanks</AddtlRmtInf></Strd>"
    back = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed account</AddtlInf></RtrInf>"
    inside = (
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><RmtInf>{strd}</RmtInf><AddtlTxInf>More</AddtlTxInf>{back}</TxDtls></NtryDtls>"
    )
    found = only_entry(entry(inside=inside))
    assert (found.text, found.bank_category) == ("RF18 Thanks More AC04 closed account", "PMNT-RCDT-ESCT")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (entry("1.1234567"), "more than 6 decimals"),
        (entry().replace(">2.80<", ">2,80<"), 'amount "2,80" is not a number'),
        (entry().replace(">2.80<", ">-2.80<"), 'amount "-2.80" is not a number'),
        (entry().replace(">2.80<", "><"), "the amount is empty"),
        (entry().replace("DBIT", "DEBIT"), 'is "DEBIT", neither CRDT nor DBIT'),
        (entry(status="LIMBO"), 'the status (Sts) is "LIMBO"'),
        (entry(day=""), "neither a booking date"),
        (entry(day="2026-02-30"), 'date "2026-02-30" is no day'),
        (entry(inside=f"<AddtlNtryInf>{'x' * 10_001}</AddtlNtryInf>"), "longer than 10000"),
        (entry(inside=f"<NtryDtls>{payment(text='x' * 10_001)}</NtryDtls>"), "longer than 10000"),
        (
            entry(inside=f"<NtryDtls>{payment(parties='<Cdtr><Nm>' + 'x' * 10_001 + '</Nm></Cdtr>')}</NtryDtls>"),
            "longer than 10000",
        ),
        (
            entry(inside=f"<NtryDtls>{payment(text='x' * 9_000, more=f'<AddtlTxInf>{LONG}</AddtlTxInf>')}</NtryDtls>"),
            "the texts of a payment are longer than 10000",
        ),
        ("<Ntry><Sts>BOOK</Sts></Ntry>", "no amount (Amt)"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_with_its_reason(row, reason):
    found = only(row, entry("1.00"))
    assert [item.place for item in found.entries] == ["entry 2"]
    assert [refused.place for refused in found.refused] == ["entry 1"]
    assert reason in found.refused[0].reason
    assert len(found.refused[0].raw) <= 300


def test_white_space_before_the_declaration_does_not_matter():
    (found,) = read("\r\n  " + document(entry())).statements
    assert [entry.amount for entry in found.entries] == [Decimal("-2.80")]


def test_the_encoding_that_the_file_declares_wrongly_does_not_matter():
    text = document(entry(inside="<AddtlNtryInf>Café</AddtlNtryInf>"))
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        assert read(text, encoding=encoding).statements[0].entries[0].text == "Café"
    latin = text.replace("UTF-8", "ISO-8859-1")
    assert read(latin, encoding="latin-1").statements[0].entries[0].text == "Café"
    assert read(latin, encoding="utf-8").statements[0].entries[0].text == "Café"


LAUGHS = '<!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>\n'


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (document(entry()).replace("<Document", LAUGHS + "<Document", 1), UnsafeFile, "<!DOCTYPE"),
        (document("<X>" * 100 + "</X>" * 100), UnsafeFile, "64 deep"),
        (document(entry(inside="<X/>" * 20_001)), UnsafeFile, "20000 parts"),
        (document(entry())[:-30], TruncatedFile, "stops before its end"),
        (document(entry()).replace("</Ntry>", ""), BrokenFile, "well-formed"),
        (document(entry(inside="<AddtlNtryInf>&unknown;</AddtlNtryInf>")), BrokenFile, "undefined entity"),
    ],
)
def test_a_hostile_or_damaged_document_is_refused_by_name(text, error, words):
    with pytest.raises(error, match=words):
        read(text)
