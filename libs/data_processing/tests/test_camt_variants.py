"""camt files as banks write them beside the schema: what is missing, stands elsewhere, or comes twice."""

from datetime import date
from decimal import Decimal

import pytest
from data_processing import TruncatedFile, open_statement_file, read_statement_file, reconcile

ACCOUNT = "<Acct><Id><IBAN>NL91EXMP0000123456</IBAN></Id><Ccy>EUR</Ccy></Acct>"
BOOKED = "<BookgDt><Dt>2026-04-02</Dt></BookgDt>"
DEBTOR = "<Dbtr><Nm>Anna</Nm></Dbtr><DbtrAcct><Id><IBAN>NL01EXMP0000000001</IBAN></Id></DbtrAcct>"
CREDITOR = "<Cdtr><Nm>Bert</Nm></Cdtr><CdtrAcct><Id><IBAN>NL02EXMP0000000002</IBAN></Id></CdtrAcct>"


def balance(code, amount):
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f'<Bal>{kind}<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-04-01</Dt></Dt></Bal>'


def entry(*payments, amount='<Amt Ccy="EUR">2.80</Amt>', indicator="DBIT", status="<Sts>BOOK</Sts>", more=""):
    details = "".join(f"<TxDtls>{content}</TxDtls>" for content in payments)
    head = f"{amount}<CdtDbtInd>{indicator}</CdtDbtInd>{more}{status}{BOOKED}"
    return f"<Ntry>{head}<NtryDtls>{details}</NtryDtls></Ntry>"


def document(*content):
    body = f"<Document><BkToCstmrStmt><Stmt>{ACCOUNT}{''.join(content)}</Stmt></BkToCstmrStmt></Document>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'


def read(text):
    return read_statement_file(text.encode(), today=date(2026, 11, 20))


def only(*payments, **shape):
    (found,) = read(document(entry(*payments, **shape))).statements
    assert found.refused == ()
    (row,) = found.entries
    return row


def party(content):
    return f"<RltdPties>{content}</RltdPties>"


def test_an_entry_without_a_status_is_booked_by_its_booking_date_and_said():
    file = read(document(entry(status=""), entry(status="").replace(BOOKED, "")))
    (found,) = file.statements
    assert [(row.booking_date, row.pending) for row in found.entries] == [(date(2026, 4, 2), False)]
    assert [(row.place, "the status (Sts)" in row.reason) for row in found.refused] == [("entry 2", True)]
    assert file.notes == ("1 entry is without a status (Sts); a booking date says booked.",)


def test_an_amount_without_a_currency_is_in_that_of_the_account():
    assert only(amount="<Amt>2.80</Amt>").currency == "EUR"


@pytest.mark.parametrize("between", ["", "\n", "\r\n\r\n", " "])
def test_several_documents_in_one_file_are_read(tmp_path, between):
    one = document(balance("OPBD", "3.80"), balance("CLBD", "1.00"), entry())
    path = tmp_path / "statements.xml"
    path.write_text(one + between + one, encoding="utf-8", newline="")
    file = read_statement_file(path)
    assert [[row.place for row in found.entries] for found in file.statements] == [["entry 1"], ["entry 2"]]
    assert {reconcile(found).status for found in file.statements} == {"adds_up"}
    with open_statement_file(path) as parts:
        assert tuple(part.statement for part in parts) == file.statements


def test_a_second_document_that_is_cut_off_is_named_by_its_line_in_the_file():
    with pytest.raises(TruncatedFile, match="Line 4: "):
        read(f"{document(entry())}\n{document(entry())[:-20]}")


@pytest.mark.parametrize(
    ("parties", "indicator", "name", "account"),
    [
        (DEBTOR + CREDITOR, "CRDT", "Bert", "NL02EXMP0000000002"),
        (DEBTOR + CREDITOR, "DBIT", "Anna", "NL01EXMP0000000001"),
        (CREDITOR, "DBIT", "Bert", "NL02EXMP0000000002"),
        (DEBTOR, "CRDT", "Anna", "NL01EXMP0000000001"),
    ],
)
def test_a_reversal_has_the_party_of_the_original_or_the_only_one_there_is(parties, indicator, name, account):
    row = only(party(parties), indicator=indicator, more="<RvslInd>true</RvslInd>")
    assert (row.counterparty, row.counterparty_account) == (name, account)


def test_a_reversal_in_the_direction_of_the_original_is_turned_where_the_balances_show_it():
    back = entry(party(DEBTOR + CREDITOR), party(DEBTOR + CREDITOR), more="<RvslInd>true</RvslInd>")
    rows = (entry(amount='<Amt Ccy="EUR">1.00</Amt>'), back.replace("<TxDtls>", '<TxDtls><Amt Ccy="EUR">1.40</Amt>'))
    for closing, amount, name in (("11.80", "2.80", "Bert"), ("6.20", "-2.80", "Anna"), ("7.00", "-2.80", "Anna")):
        file = read(document(balance("OPBD", "10.00"), balance("CLBD", closing), *rows))
        _, row = file.statements[0].entries
        assert (row.amount, row.counterparty) == (Decimal(amount), name)
        assert {part.amount for part in row.details} == {Decimal(amount) / 2}
        said = "The reversals have the direction of what they reverse; the balances show it."
        assert (said in file.notes) is (closing == "11.80")


def test_a_batch_has_the_party_that_all_its_payments_share():
    other = CREDITOR.replace("000002", "000003")
    row = only(party(CREDITOR), party(other))
    assert (row.counterparty, row.counterparty_account) == ("Bert", None)
    assert [part.counterparty_account for part in row.details] == ["NL02EXMP0000000002", "NL02EXMP0000000003"]
    assert only(party(CREDITOR), party(CREDITOR.replace("Bert", "Cleo"))).counterparty is None


def test_what_was_paid_may_stand_at_the_payment_itself_and_its_rate_at_the_entry():
    paid = '<Amt Ccy="USD">3.10</Amt>'
    rate = "<AmtDtls><CntrValAmt><CcyXchg><XchgRate>1.107</XchgRate></CcyXchg></CntrValAmt></AmtDtls>"
    row = only(paid, more=rate)
    assert (row.original_amount, row.original_currency, row.exchange_rate) == (
        Decimal("-3.10"),
        "USD",
        Decimal("1.107"),
    )


def test_the_number_of_an_invoice_is_text():
    row = only(
        "<RmtInf><Strd><RfrdDocInf><Nb>INV-7</Nb></RfrdDocInf><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf>"
    )
    assert row.text == "INV-7 RF18"


def test_the_code_of_the_transaction_may_stand_at_the_payment_alone():
    code = "<BkTxCd><Prtry><Cd>NDDT+105</Cd></Prtry></BkTxCd>"
    assert only(code, more="<BkTxCd/>").bank_category == "NDDT+105"
    assert only(code, more="<BkTxCd><Prtry><Cd>105</Cd></Prtry></BkTxCd>").bank_category == "105"
