"""OFX 1 and 2: what banks really send, and the round trip of what the standard allows."""

import re
from datetime import date
from decimal import Decimal
from html import escape

import pytest
from data_processing import (
    AccountReference,
    BankError,
    BrokenFile,
    Deletion,
    NoStatements,
    TruncatedFile,
    fingerprints,
    read_statement_file,
)
from data_processing.formats.ofx.tokens import survey, tokens
from hypothesis import assume, example, given
from hypothesis import strategies as st
from ofx_documents import SGML_HEADER, XML_HEADER, document, only, row, statement


def test_a_statement_tells_account_period_balances_and_rows():
    content = document(
        statement(
            row("-2,80", "20260402120000[-5:EST]", "A-7", "<NAME>KAFFEEBAR<MEMO>KAFFEEBAR NORD 12<CHECKNUM>0031"),
            after="<LEDGERBAL><BALAMT>97.20<DTASOF>20260403</LEDGERBAL><AVAILBAL><BALAMT>90<DTASOF></AVAILBAL>",
        ).replace("<BANKTRANLIST>", "<BANKTRANLIST><DTSTART>20260401<DTEND>20260430")
    )
    found = only(content)
    assert found.account == AccountReference("0042", "77", None, "checking", "EUR")
    assert (found.period_start, found.period_end) == (date(2026, 4, 1), date(2026, 4, 30))
    assert [(b.kind, b.amount, b.date) for b in found.balances] == [
        ("closing", Decimal("97.20"), date(2026, 4, 3)),
        ("available", Decimal(90), None),
    ]
    (entry,) = found.entries
    assert (entry.place, entry.booking_date, entry.amount) == (
        "transaction 1 (FITID A-7)",
        date(2026, 4, 2),
        Decimal("-2.80"),
    )
    assert (entry.text, entry.counterparty, entry.reference) == ("KAFFEEBAR NORD 12", "KAFFEEBAR", "0031")
    assert (entry.bank_id, entry.currency, entry.bank_category) == ("A-7", "EUR", "POS")


def test_empty_tags_with_and_without_end_tags_lose_nothing():
    with_ends = row(more="<VALUEDATE></VALUEDATE><CHECKNUM></CHECKNUM><MEMO>TEA</MEMO>")
    without = row(fitid="F2", more="\n<CHECKNUM>\n<REFNUM>\n<MEMO>CAKE\n")
    found = only(document(statement(with_ends + without)))
    assert [entry.text for entry in found.entries] == ["TEA", "CAKE"]
    assert found.refused == ()


@pytest.mark.parametrize(
    "header", ["", "\n\n\n" + SGML_HEADER, XML_HEADER, SGML_HEADER.replace("\n", "\r\n"), "OFX junk\n"]
)
def test_a_missing_or_odd_header_does_not_matter(header):
    assert len(only(document(statement(row()), header=header)).entries) == 1


def test_lower_case_tags_and_spaces_in_tags_are_read():
    content = document(statement(row())).replace(b"<OFX>", b"<ofx >").replace(b"</OFX>", b"</ofx>")
    assert len(only(content).entries) == 1
    assert len(only(document(statement(row())).lower().replace(b"checking", b"CHECKING")).entries) == 1


def test_a_wrong_declared_encoding_does_not_damage_the_text():
    text = document(statement(row(more="<NAME>CAFÉ ZÜRICH"))).decode()
    utf8 = read_statement_file(text.encode("utf-8"))
    assert (utf8.encoding, utf8.statements[0].entries[0].text) == ("utf-8", "CAFÉ ZÜRICH")
    lying = text.replace("ENCODING:USASCII\nCHARSET:1252", "ENCODING:UTF-8\nCHARSET:NONE").encode("cp1252")
    assert only(lying).entries[0].text == "CAFÉ ZÜRICH"
    assert only(text.encode("utf-16")).entries[0].text == "CAFÉ ZÜRICH"
    assert only(text.encode("utf-16-le")).entries[0].text == "CAFÉ ZÜRICH"


def test_entities_and_cdata_are_read_once_and_never_expanded():
    bomb = '<!DOCTYPE OFX [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    rows = row(more="<MEMO>A &amp;amp; B &#233; &b; AT&T &#0;") + row(fitid="F2", more="<MEMO><![CDATA[X < Y & <Z>]]>")
    found = only(document(statement(rows), header=XML_HEADER + bomb))
    assert [entry.text for entry in found.entries] == ["A &amp; B é &b; AT&T \ufffd", "X < Y & <Z>"]


def test_a_stray_less_than_sign_stays_in_the_text():
    assert only(document(statement(row(more="<MEMO>I <3 TEA <!-- x -->")))).entries[0].text == "I <3 TEA"


def test_several_statements_and_a_card_are_kept_apart():
    card = (
        "<CCSTMTTRNRS><CCSTMTRS><CURDEF>USD<CCACCTFROM><ACCTID>4111</CCACCTFROM><BANKTRANLIST>"
        f"{row('-9.00')}</BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS>"
    )
    file = read_statement_file(
        document(statement(row()), card, statement("", account="<BANKACCTFROM><ACCTID>9</BANKACCTFROM>"))
    )
    assert [(s.account.number, s.account.type, s.currency, len(s.entries)) for s in file.statements] == [
        ("0042", "checking", "EUR", 1),
        ("4111", "credit_card", "USD", 1),
        ("9", None, "EUR", 0),
    ]


def test_an_investment_statement_gives_its_cash_rows_and_refuses_broken_trades_by_name():
    body = (
        "<INVSTMTTRNRS><INVSTMTRS><CURDEF>USD<INVACCTFROM><BROKERID>b.example<ACCTID>X1</INVACCTFROM><INVTRANLIST>"
        f"<INVBANKTRAN>{row('0.1234')}<SUBACCTFUND>CASH</INVBANKTRAN>"
        "<BUYSTOCK><INVBUY><INVTRAN><FITID>S9<DTTRADE>20260401</INVTRAN><UNITS>3</INVBUY></BUYSTOCK>"
        "</INVTRANLIST></INVSTMTRS></INVSTMTTRNRS>"
    )
    found = only(document(body))
    assert found.account == AccountReference("X1", "b.example", None, "investment", "USD")
    assert [entry.amount for entry in found.entries] == [Decimal("0.1234")]
    (refused,) = found.refused
    assert (refused.place, refused.bank_id) == ("transaction 2 (FITID S9)", "S9")
    assert refused.reason == "BUYSTOCK: the row names no security (UNIQUEID)"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (row(posted=""), "no booking date"),
        ("<STMTTRN><TRNAMT>-1.00<FITID>F1</STMTTRN>", "no booking date"),
        (row(posted="20120231"), "no day of the calendar"),
        (row(amount=""), "no amount"),
        (row(amount="12..34"), 'amount "12..34" is not a number'),
        (row(amount="0.1234567"), "more than 6 decimals"),
        (row(more="<MEMO>" + "x" * 10_001), "longer than 10000 characters"),
    ],
)
def test_a_broken_row_is_refused_with_place_and_reason_and_the_rest_is_read(broken, reason):
    found = only(document(statement(broken + row(fitid="F2"))))
    assert [entry.bank_id for entry in found.entries] == ["F2"]
    (refused,) = found.refused
    assert (refused.place, refused.bank_id) == ("transaction 1 (FITID F1)", "F1")
    assert reason in refused.reason
    assert len(refused.raw) <= 300


def correction(fitid, corrects, action, amount="-1.00"):
    return row(amount, fitid=fitid, more=f"<CORRECTFITID>{corrects}<CORRECTACTION>{action}<NAME>TEA")


def test_a_correction_says_which_earlier_row_it_replaces_or_deletes():
    found = only(document(statement(correction("F9", "F1", "REPLACE") + correction("F8", "F2", "delete"))))
    assert [(entry.bank_id, entry.corrects) for entry in found.entries] == [("F9", "F1")]
    assert found.deletions == (Deletion("transaction 2 (FITID F8)", "F2"),)


def test_a_row_that_the_same_statement_corrects_is_not_among_the_entries():
    rows = (
        row(fitid="F1") + row(fitid="F2") + correction("F9", "F1", "REPLACE", "-2.00") + correction("X", "F2", "DELETE")
    )
    file = read_statement_file(document(statement(rows)))
    assert [(e.bank_id, e.amount) for e in file.statements[0].entries] == [("F9", Decimal("-2.00"))]
    assert file.notes == (
        "The transaction 1 (FITID F1) is left out, because the transaction 3 (FITID F9) takes it back.",
        "The transaction 2 (FITID F2) is left out, because the transaction 4 (FITID X) takes it back.",
    )


def test_a_corrected_correction_still_takes_back_the_first_row():
    rows = correction("F2", "F1", "REPLACE", "-2.00") + correction("F3", "F2", "REPLACE", "-3.00")
    found = only(document(statement(rows)))
    assert [entry.bank_id for entry in found.entries] == ["F3"]
    assert found.deletions == (Deletion("transaction 1 (FITID F2)", "F1"),)


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 12), st.sampled_from(["REPLACE", "DELETE"])), min_size=1, max_size=9),
    st.randoms(use_true_random=False),
)
def test_what_no_other_row_takes_back_is_left_whatever_the_order(rows, random):
    """Row n corrects the row with the number that stands with it; numbers without a row are of earlier statements."""
    written = [
        row(f"-{n}.00", fitid=f"F{n}", more="" if to in (None, n) else f"<CORRECTFITID>F{to}<CORRECTACTION>{action}")
        for n, (to, action) in enumerate(rows)
    ]
    random.shuffle(written)
    found = only(document(statement("".join(written))))
    corrections = {n: to for n, (to, _) in enumerate(rows) if to not in (None, n)}
    deleting = {n for n in corrections if rows[n][1] == "DELETE"}
    left = set(range(len(rows))) - set(corrections.values()) - deleting
    assert {entry.bank_id for entry in found.entries} == {f"F{n}" for n in left}
    taken_back = {entry.corrects for entry in found.entries} | {deletion.bank_id for deletion in found.deletions}
    assert taken_back - {None} == {f"F{to}" for to in corrections.values()}


def test_an_id_that_several_rows_bear_is_not_corrected():
    file = read_statement_file(document(statement(row() + row("-5.00") + correction("F9", "F1", "REPLACE"))))
    assert [entry.bank_id for entry in file.statements[0].entries] == ["F1", "F1", "F9"]
    assert "which several rows bear" in file.notes[0]


def test_a_correction_without_its_kind_is_refused_and_a_placeholder_corrects_nothing():
    found = only(document(statement(correction("F9", "F1", "") + row(fitid="F3", more="<CORRECTFITID>0<NAME>TEA"))))
    assert [(entry.bank_id, entry.corrects) for entry in found.entries] == [("F3", None)]
    assert found.refused[0].reason.startswith("the row corrects the earlier row FITID F1 and does not say whether")


def test_rows_are_numbered_through_all_statements_and_documents_of_a_file():
    two = document(statement(row(fitid="A") + row(fitid="B")), statement(row(fitid="C")))
    places = [entry.place for found in read_statement_file(two + two).statements for entry in found.entries]
    assert [place.split()[1] for place in places] == ["1", "2", "3", "4", "5", "6"]


def test_placeholders_are_no_ids_and_unknown_currencies_are_not_guessed():
    rows = row(fitid="0") + row(fitid="N/A") + row(fitid="", more="<CURRENCY><CURRATE>1<CURSYM>AUD</CURRENCY><MEMO>T")
    found = only(document(statement(rows, currency="")))
    assert [entry.bank_id for entry in found.entries] == [None, None, None]
    assert found.currency is None
    assert [entry.currency for entry in found.entries] == [None, None, "AUD"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("<CURRATE>1.0825<CURSYM>USD", ("USD", Decimal("1.0825"))),
        ("<CURRATE>1,0825<CURSYM>usd", ("USD", Decimal("1.0825"))),
        ("<CURRATE>about one<CURSYM>USD", ("USD", None)),
        ("<CURSYM>USD", ("USD", None)),
        ("<CURRATE>1<CURSYM>EUR", (None, None)),
        ("<CURRATE>1.1<CURSYM>dollars", (None, None)),
    ],
)
def test_the_currency_that_was_paid_in_is_kept_with_its_rate_and_its_amount_is_not_made_up(written, kept):
    (entry,) = only(document(statement(row(more=f"<ORIGCURRENCY>{written}</ORIGCURRENCY>")))).entries
    assert (entry.original_currency, entry.exchange_rate) == kept
    assert (entry.original_amount, entry.currency) == (None, "EUR")


def test_a_pending_list_is_read_as_pending():
    pending = "<BANKTRANLISTP><STMTTRNP><TRNTYPE>POS<DTTRAN>20260405<TRNAMT>-3.00<NAME>TEA</STMTTRNP></BANKTRANLISTP>"
    found = only(document(statement(row(), after=pending)))
    assert [(entry.pending, entry.booking_date.day) for entry in found.entries] == [(False, 2), (True, 5)]


def test_a_balance_that_is_no_number_is_left_out_and_said():
    file = read_statement_file(document(statement(row(), after="<LEDGERBAL><BALAMT>many</LEDGERBAL>")))
    assert file.statements[0].balances == ()
    assert file.notes == ('The closing balance of account 0042 is left out: amount "many" is not a number.',)


ERROR = "<STMTTRNRS><STATUS><CODE>2000<SEVERITY>ERROR<MESSAGE>General error</STATUS></STMTTRNRS>"


def test_the_banks_own_error_reaches_the_user():
    with pytest.raises(BankError, match=r"General error \(code 2000\)") as caught:
        read_statement_file(document(ERROR))
    assert (caught.value.bank_code, caught.value.bank_message, caught.value.code) == (
        "2000",
        "General error",
        "bank_error",
    )


def test_an_error_for_one_account_beside_a_good_statement_is_noted():
    file = read_statement_file(document(statement(row()), ERROR))
    assert len(file.statements) == 1
    assert file.notes == ("The bank reports: General error (code 2000).",)


def test_a_document_without_statements_is_refused():
    with pytest.raises(NoStatements, match="no statement"):
        read_statement_file(document())


def test_a_transaction_outside_of_a_statement_refuses_the_file():
    with pytest.raises(BrokenFile, match="outside of any statement"):
        read_statement_file(document(row()))


def test_a_row_without_its_end_refuses_the_file():
    with pytest.raises(BrokenFile, match="Transaction 1 of the OFX file has no end"):
        read_statement_file(document(statement(row().replace("</STMTTRN>", "") + row())))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_document_is_refused_whole(share):
    content = document(statement(row() * 20))
    with pytest.raises(TruncatedFile, match="Download it again"):
        read_statement_file(content[: int(len(content) * share)])


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40).map(str.strip)
western = st.text(st.sampled_from("abc ÄÖÜäöüßéèñ€£&<>;'\"0"), max_size=40).map(str.strip)
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False)
days = st.dates(date(1970, 1, 1), date(2099, 12, 31))
# Every id holds a digit, which no placeholder such as "NA" or "None" does.
ids = st.from_regex(r"[A-Z][A-Za-z0-9.:/-]{0,30}[0-9]", fullmatch=True)
written_rows = st.lists(st.tuples(days, amounts, ids, texts, texts), max_size=8)


def write(rows, *, end_tags, comma):
    def leaf(tag, text):
        return f"<{tag}>{escape(text, quote=False)}" + (f"</{tag}>" if end_tags else "\n")

    def money(amount):
        return f"{amount:.4f}".replace(".", "," if comma else ".")

    return "".join(
        "<STMTTRN>"
        + leaf("DTPOSTED", f"{day:%Y%m%d}")
        + leaf("TRNAMT", money(amount))
        + leaf("FITID", fitid)
        + (leaf("NAME", name) if name else "")
        + (leaf("MEMO", memo) if memo else "")
        + "</STMTTRN>"
        for day, amount, fitid, name, memo in rows
    )


@given(written_rows, st.booleans(), st.booleans(), st.sampled_from(["", SGML_HEADER, XML_HEADER]))
def test_what_is_written_as_ofx_is_read_back_exactly(rows, end_tags, comma, header):
    found = only(document(statement(write(rows, end_tags=end_tags, comma=comma)), header=header))
    assert found.refused == ()
    assert [(e.booking_date, e.amount, e.bank_id, e.counterparty or "") for e in found.entries] == [
        (day, amount, fitid, name) for day, amount, fitid, name, _ in rows
    ]
    assert all(name in e.text and memo in e.text for e, (_, _, _, name, memo) in zip(found.entries, rows, strict=True))
    assert sum(e.amount for e in found.entries) == sum(amount for _, amount, *_ in rows)


ACCIDENTAL_UTF8 = re.compile(rb"[\xC2-\xF4][\x80-\xBF]")


def test_one_accidental_pair_of_utf8_does_not_outweigh_the_declared_encoding():
    rows = [(date(2024, 1, 2), Decimal("-1.00"), "A1", "£Ä£", "")]
    body = document(statement(write(rows, end_tags=False, comma=False))).decode().encode("cp1252")
    assert only(body).entries[0].counterparty == "£Ä£"


@given(st.lists(st.tuples(days, amounts, ids, western, western), max_size=5))
def test_the_declared_windows_encoding_is_read_back_exactly(rows):
    body = document(statement(write(rows, end_tags=False, comma=False))).decode().encode("cp1252")
    # Pairs such as "Ä£" are one letter of UTF-8, and a file that is UTF-8 throughout is read as that.
    assume(not ACCIDENTAL_UTF8.search(body))
    assert [entry.counterparty or "" for entry in only(body).entries] == [name for _, _, _, name, _ in rows]


@given(written_rows)
def test_end_tags_and_header_never_change_an_identity(rows):
    plain = only(document(statement(write(rows, end_tags=False, comma=True)), header=""))
    tagged = only(document(statement(write(rows, end_tags=True, comma=False)), header=XML_HEADER))
    assert fingerprints(plain.entries) == fingerprints(tagged.entries)


def test_two_rows_without_the_tags_between_them_are_not_taken_for_one():
    with pytest.raises(BrokenFile, match="Transaction 1 of the OFX file has no end"):
        only(document(statement((row() + row(fitid="F2")).replace("</STMTTRN><STMTTRN>", ""))))


@pytest.mark.parametrize("written", [str.lower, str.title, str.upper])
def test_tags_may_be_written_in_either_case(written):
    content = document(statement(row(), after="<LEDGERBAL><BALAMT>5.00<DTASOF>20260403</LEDGERBAL>"))
    found = only(re.sub(r"(?<=<)/?[A-Z]{4,}", lambda tag: written(tag[0]), content.decode()).encode())
    assert [(entry.amount, entry.bank_id, entry.text) for entry in found.entries] == [(Decimal(-1), "F1", "COFFEE")]
    assert [balance.amount for balance in found.balances] == [Decimal("5.00")]


FRAGMENTS = ["<OFX>", "</OFX>", "<STMTTRN>", "</STMTTRN>", "<MEMO>", "</MEMO>", "<stmttrn>", "<!--", "-->", "<![CDATA["]
FRAGMENTS += [
    "<o:OFX>",
    "</o:OFX>",
    "<A/>",
    "<B",
    "<o:MEMO>",
    "/>",
    "]]>",
    "!--",
    "A & B",
    " < ",
    "1.00",
    "\r\n",
    "<",
    ">",
    "/",
    "<NAME x='1'>",
]


@given(text=st.lists(st.sampled_from(FRAGMENTS)).map("".join), length=st.integers(1, 40))
@example(text="<!--<![CDATA[-->]]>", length=1)
@example(text="<MEMO>A<<!---->!--<MEMO>B", length=1)
def test_a_document_is_cut_into_the_same_tags_and_values_wherever_its_pieces_end(text, length):
    text = f"HEADER<OFX>{text}"
    pieces = [text[start : start + length] for start in range(0, len(text), length)]
    assert survey(pieces) == survey([text])
    assert list(tokens(pieces, odd=True)) == list(tokens([text], odd=True))
