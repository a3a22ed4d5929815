"""OFX as banks and programs write it beside the standard: shapes seen in files of many banks, in files of our own."""

from datetime import date
from decimal import Decimal

import pytest
from data_processing import TruncatedFile, open_statement_file, read_statement_file
from data_processing.formats.ofx.balance_rows import states_a_balance
from ofx_documents import XML_HEADER, document, only, row, statement


def in_parts(content, tmp_path):
    (tmp_path / "statement.ofx").write_bytes(content)
    with open_statement_file(tmp_path / "statement.ofx", rows=1) as reader:
        return [entry for part in reader for entry in part.statement.entries]


def test_tags_may_have_a_prefix_and_be_closed_in_themselves(tmp_path):
    body = (
        '<o:OFX xmlns:o="http://ofx.example/2003"><o:BANKMSGSRSV1><o:STMTTRNRS><o:STMTRS><o:CURDEF>EUR</o:CURDEF>'
        "<o:BANKACCTFROM><o:ACCTID>7</o:ACCTID></o:BANKACCTFROM><o:BANKTRANLIST><o:STMTTRN><o:PAYEE/>"
        "<o:DTPOSTED>20260402</o:DTPOSTED><o:TRNAMT>-1.00</o:TRNAMT><o:FITID>F1</o:FITID><o:NAME>TEA</o:NAME><o:MEMO />"
        "</o:STMTTRN></o:BANKTRANLIST></o:STMTRS></o:STMTTRNRS></o:BANKMSGSRSV1></o:OFX>"
    )
    content = (XML_HEADER + body).encode()
    (entry,) = only(content).entries
    assert (entry.amount, entry.bank_id, entry.counterparty, entry.text) == (Decimal(-1), "F1", "TEA", "TEA")
    assert only(body.replace("o:", "").replace("xmlns:o", "xmlns").encode()).entries == (entry,)
    assert in_parts(content, tmp_path) == [entry]


def test_a_less_than_sign_before_a_letter_stays_in_the_text():
    (entry,) = only(document(statement(row(more="<NAME>A<B SHOP\n<MEMO>1 <2 & 3> 2")))).entries
    assert (entry.counterparty, entry.text) == ("A<B SHOP", "A<B SHOP 1 <2 & 3> 2")


def test_a_document_without_its_end_tag_is_read_where_its_messages_are_complete():
    content = document(statement(row())).removesuffix(b"</OFX>") + b"\r\n"
    file = read_statement_file(content)
    assert [len(found.entries) for found in file.statements] == [1]
    assert file.notes == ("The file ends without </OFX>, but behind a complete set of messages; it is read as it is.",)
    with pytest.raises(TruncatedFile):
        read_statement_file(content.replace(b"</BANKMSGSRSV1>", b""))


def test_a_list_of_rows_outside_of_a_statement_is_one_of_an_unnamed_account():
    found = only(f"<OFX><BANKTRANLIST><DTSTART>20260401{row()}</BANKTRANLIST></OFX>".encode())
    assert (found.account.identified, found.period_start, len(found.entries)) == (False, date(2026, 4, 1), 1)


def test_a_row_with_a_text_instead_of_fields_is_refused_and_not_passed_over():
    found = only(document(statement("<STMTTRN>*removed*</STMTTRN><STMTTRN>stray" + row().removeprefix("<STMTTRN>"))))
    assert [entry.bank_id for entry in found.entries] == ["F1"]
    assert [(row.place, row.reason) for row in found.refused] == [
        ("transaction 1", "the row has no booking date (DTPOSTED)")
    ]


def test_a_loan_has_a_statement_of_its_own():
    loan = (
        "<LOANSTMTTRNRS><LOANSTMTRS><CURDEF>CAD<LOANACCTFROM><LOANACCTID>L-9<LOANACCTTYPE>AUTO</LOANACCTFROM><LOANTRANLIST>"
        f"<DTSTART>20260401{row('-500.00')}</LOANTRANLIST></LOANSTMTRS></LOANSTMTTRNRS>"
    )
    bank, found = read_statement_file(document(statement(row()), loan)).statements
    assert (found.account.number, found.account.type, found.currency) == ("L-9", "loan", "CAD")
    assert [entry.amount for entry in (*bank.entries, *found.entries)] == [Decimal("-1.00"), Decimal("-500.00")]


def test_a_statement_may_end_with_the_end_tag_of_another_kind():
    card = (
        f"<CCSTMTTRNRS><CCSTMTRS><CURDEF>AUD<CCACCTFROM><ACCTID>4</CCACCTFROM><BANKTRANLIST>{row()}</BANKTRANLIST>"
        "<LEDGERBAL><BALAMT>-1.00<DTASOF>20260403</LEDGERBAL></STMTRS></CCSTMTTRNRS>"
    )
    found, _ = read_statement_file(document(card, statement(""))).statements
    assert (found.account.number, len(found.entries), len(found.balances)) == ("4", 1, 1)


def test_a_warning_of_the_bank_beside_its_rows_is_passed_on():
    warning = "<STATUS><CODE>2028<SEVERITY>WARN<MESSAGE>Some rows are missing</STATUS>"
    file = read_statement_file(document(statement(row()).replace("<TRNUID>1", f"<TRNUID>1{warning}")))
    assert file.notes == ("The bank reports: Some rows are missing (code 2028).",)


@pytest.mark.parametrize(
    ("written", "counterparty", "text"),
    [
        ("<NAME>CARD<EXTDNAME>Ines Fischer<MEMO>Rent", "CARD", "CARD Ines Fischer Rent"),
        ("<NAME>GREENLEAF MARK<EXTDNAME>GREENLEAF MARKET<MEMO>GREENLEAF", "GREENLEAF MARKET", "GREENLEAF MARKET"),
        ("<EXTDNAME>Greenleaf", "Greenleaf", "Greenleaf"),
        ("<NAME> </NAME><PAYEE><NAME>Greenleaf<CITY>Utrecht</PAYEE>", "Greenleaf", "Greenleaf"),
        ("<NAME>Tea<MEMO>one<MEMO>two<MEMO2>three", "Tea", "Tea one two three"),
    ],
)
def test_every_wording_of_a_row_is_kept(written, counterparty, text):
    (entry,) = only(document(statement(row(more=written)))).entries
    assert (entry.counterparty, entry.text) == (counterparty, text)


@pytest.mark.parametrize(
    ("written", "reference"),
    [("<CHECKNUM>0<REFNUM>R7", "R7"), ("<CHECKNUM>12<REFNUM>R7", "12"), ("<CHECKNUM>0<REFNUM>0", None)],
)
def test_a_placeholder_for_the_number_of_a_cheque_does_not_hide_the_reference(written, reference):
    (entry,) = only(document(statement(row(more=written)))).entries
    assert entry.reference == reference


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("SALDO ANTERIOR", True),
        ("Saldo do dia", True),
        ("SALDO TOTAL DISPONÍVEL DIA", True),
        ("saldo em conta corrente anterior 31/07/2026", True),
        ("S A L D O", True),
        ("Balance brought forward", True),
        ("Solde précédent", True),
        ("PIX RECEBIDO SALDO ANTERIOR", False),
        ("SALDO FATTURA 17", False),
        ("Saldo", False),
        ("NEW BALANCE 1042", False),
        ("Balance", False),
        ("END CLOTHING", False),
    ],
)
def test_the_name_of_a_balance_is_told_from_a_payment(text, stated):
    assert states_a_balance(text) is stated


def test_rows_that_state_a_balance_are_left_out_and_said():
    rows = (
        row("2494.27", fitid="1", more="<MEMO>SALDO ANTERIOR")
        + row("-610.00", fitid="2", more="<MEMO>TED ENVIADA")
        + row(" . ", fitid="", more="<NAME>Saldo do dia</NAME><MEMO></MEMO>")
    )
    file = read_statement_file(document(statement(rows)))
    (found,) = file.statements
    assert [(entry.place, entry.amount) for entry in found.entries] == [("transaction 2 (FITID 2)", Decimal("-610.00"))]
    assert found.refused == ()
    assert file.notes == (
        "2 rows state a balance and no movement of money; left out: transaction 1 (FITID 1) and others.",
    )


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ("05/03/2025", "29/03/2025", [date(2025, 3, 5), date(2025, 3, 29)]),
        ("3/5/2025 10:15", "3/29/2025", [date(2025, 3, 5), date(2025, 3, 29)]),
        ("05/03/2025", "06/03/2025", []),
        ("13/03/2025", "03/13/2025", []),
    ],
)
def test_days_with_slashes_are_read_where_the_whole_file_shows_their_order(first, second, days):
    content = document(statement(row(posted=first), after=f"<LEDGERBAL><BALAMT>5<DTASOF>{second}</LEDGERBAL>"))
    found = only(content)
    assert [entry.booking_date for entry in found.entries] == days[:1]
    assert [balance.date for balance in found.balances] == (days[1:] or [None])
    assert [row.reason for row in found.refused] == ([] if days else [f'date "{first}" is not of the form YYYYMMDD'])


@pytest.mark.parametrize(
    ("rows", "amounts", "note"),
    [
        ([("DEBIT", "5"), ("CREDIT", "7"), ("FEE", "2"), ("OTHER", "0")], ["-5", "7", "-2", "0"], "No amount"),
        ([("DEBIT", "5"), ("DEBIT", "7")], ["-5", "-7"], "No amount"),
        ([("DEBIT", "5"), ("CREDIT", "-7")], ["5", "-7"], "All amounts of rows called DEBIT"),
        ([("DEBIT", "5")], ["5"], "All amounts of rows called DEBIT"),
        ([("DEBIT", "5"), ("DEBIT", "-7")], ["5", "-7"], None),
        ([("CREDIT", "-7"), ("DEBIT", "5"), ("DEBIT", "-5")], ["-7", "5", "-5"], None),
        ([("DEBIT", "5"), ("FEE", "-7"), ("CREDIT", "1")], ["5", "-7", "1"], None),
        ([("CREDIT", "7"), ("OTHER", "3")], ["7", "3"], None),
    ],
)
def test_amounts_without_any_sign_have_that_of_the_kinds_of_their_rows(rows, amounts, note):
    written = "".join(
        row(amount, fitid=f"F{number}").replace(">POS<", f">{kind}<") for number, (kind, amount) in enumerate(rows)
    )
    file = read_statement_file(document(statement(written)))
    assert [entry.amount for entry in file.statements[0].entries] == [Decimal(amount) for amount in amounts]
    assert [found.startswith(note or "") for found in file.notes] == ([True] if note else [])


def test_a_row_without_sign_whose_kind_tells_no_direction_is_refused():
    kinds = "".join(row("5", fitid=kind).replace(">POS<", f">{kind}<") for kind in ("DEBIT", "CREDIT", "XFER"))
    found = only(document(statement(kinds)))
    assert [entry.amount for entry in found.entries] == [Decimal(-5), Decimal(5)]
    (refused,) = found.refused
    assert (refused.place, refused.bank_id) == ("transaction 3 (FITID XFER)", "XFER")
    assert '"XFER" does not tell whether 5 came in or went out' in refused.reason


def test_rows_and_parts_without_end_tags_are_read_where_none_of_the_file_has_one():
    body = (
        "<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>2<BANKTRANLIST><DTSTART>20260401"
        "<STMTTRN><DTPOSTED>20260402<TRNAMT>-1.00<FITID>A<NAME>TEA\n<STMTTRN><DTPOSTED>20260403<TRNAMT>-2.00<FITID>B"
        "<MEMO>CAKE\n</BANKTRANLIST><LEDGERBAL><BALAMT>97.00<DTASOF>20260403</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
    found = only(body.encode())
    assert [(entry.bank_id, entry.amount, entry.text) for entry in found.entries] == [
        ("A", Decimal("-1.00"), "TEA"),
        ("B", Decimal("-2.00"), "CAKE"),
    ]
    assert (found.account.number, found.period_start, found.balances[0].amount) == ("2", date(2026, 4, 1), Decimal(97))


def test_the_period_of_a_statement_with_several_lists_is_that_of_all():
    lists = "".join(
        f"<BANKTRANLIST><DTSTART>202604{day}<DTEND>202604{day}{row(fitid=day)}</BANKTRANLIST>"
        for day in ("07", "01", "30")
    )
    content = document(statement("").replace("<BANKTRANLIST></BANKTRANLIST>", lists))
    found = only(content)
    assert [entry.bank_id for entry in found.entries] == ["07", "01", "30"]
    assert (found.period_start, found.period_end) == (date(2026, 4, 1), date(2026, 4, 30))
