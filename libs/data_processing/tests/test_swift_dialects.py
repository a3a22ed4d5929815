"""The rows of MT940 in the dialects of banks: references, other parties, texts and what is cut or left out."""

from decimal import Decimal

import pytest
from swift_messages import mt940, only_entry, read


def test_german_subfields_are_told_apart():
    entry = only_entry(
        ":61:2604020402DR850,00NTRFKREF+//DB26092123456789",
        ":86:105?00SEPA-LASTSCHRIFT?109310?20EREF+M-2026-04?21SVWZ+Miete April, Garte",
        "nweg?22 7 a?23IBAN: DE02?30EXMPDEFF?31DE02120300000000202051?32Hausverwal",
        "tung Linden?33hof?34992",
    )
    assert entry.text == "SEPA-LASTSCHRIFT EREF+M-2026-04 SVWZ+Miete April, Gartenweg 7 a IBAN: DE02"
    assert (entry.counterparty, entry.counterparty_account) == ("Hausverwaltung Lindenhof", "DE02120300000000202051")
    assert (entry.reference, entry.bank_category, entry.bank_id) == ("M-2026-04", "105", "DB26092123456789")


def test_lines_that_the_bank_cut_are_put_together_without_a_gap():
    first, second = "051?00GUTSCHRIFT?20" + "a" * 27 + "?21" + "b" * 16, "c" * 11 + "?32Anna?33 Weber"
    assert len(first) == 65
    entry = only_entry(":61:260402C1,NTRFNONREF", f":86:{first}", second)
    assert entry.text == "GUTSCHRIFT " + "a" * 27 + "b" * 16 + "c" * 11
    assert entry.counterparty == "Anna Weber"


def test_polish_subfields_have_another_mark():
    entry = only_entry(
        ":61:260402C1,NTRFNONREF", ":86:020<00Przelew<20Czynsz<32JAN NOWAK<38PL61109010140000071219812874"
    )
    assert (entry.text, entry.counterparty) == ("Przelew Czynsz", "JAN NOWAK")
    assert entry.counterparty_account == "PL61109010140000071219812874"


def test_dutch_slashes_are_told_apart():
    about = (
        ":86:/EREF/NOTPROVIDED/BENM//NAME/JOHN DOE/IBAN/NL70ABNA0987654321/BIC/ABNANL2A/REMI/Invoice 7/ISDT/2026-04-02"
    )
    entry = only_entry(":61:260402D10,00N154EREF", about)
    assert (entry.counterparty, entry.counterparty_account) == ("JOHN DOE", "NL70ABNA0987654321")
    assert (entry.reference, "Invoice 7" in entry.text) == (None, True)


@pytest.mark.parametrize(
    ("lines", "text", "counterparty", "account"),
    [
        ((":61:260402D1,NMSCNONREF//", "/ABC/MISC"), "/ABC/MISC", None, None),
        ((":61:260402D1,NMSCNONREF", "Card", ":86:Card payment"), "Card payment", None, None),
        ((":61:260402D1,NMSCNONREF", "Card", ":86:Shop"), "Card Shop", None, None),
        (
            (":61:260402D1,NOVBNL47INGB9999999999", "j de vries", ":86:x"),
            "j de vries x",
            "j de vries",
            "NL47INGB9999999999",
        ),
        ((":61:260402D1,N102EREF", "NL70ABNA0987654321"), "NL70ABNA0987654321", None, "NL70ABNA0987654321"),
    ],
)
def test_the_text_in_the_lines_under_a_statement_line_is_kept(lines, text, counterparty, account):
    entry = only_entry(*lines)
    assert (entry.text, entry.counterparty, entry.counterparty_account) == (text, counterparty, account)


def test_a_short_reference_of_the_bank_is_no_id():
    (found,) = read(mt940(":61:260402C1,NTRFNONREF//55555", ":61:260402C1,NTRFNONREF//POS TERMINAL")).statements
    assert [(entry.bank_id, entry.reference) for entry in found.entries] == [(None, "55555"), (None, "POS TERMINAL")]


def test_information_in_several_fields_is_put_together():
    entry = only_entry(":61:260402C1,NTRFNONREF", ":86:Invoice 7", ":86:of March")
    assert entry.text == "Invoice 7 of March"


@pytest.mark.parametrize(
    ("line", "kind", "reference", "bank_id"),
    [
        (":61:260402D1,00NID NONREF", "NID", None, None),
        (":61:260402D1,00NONREF", None, None, None),
        (":61:2604020402DN1,00//19239782213", None, None, "19239782213"),
        (":61:2604020402DF1,00S   X", "S", None, None),
        (":61:2604020402D1,00 NTRFAB/1//2026040200012345", "NTRF", "AB/1", "2026040200012345"),
        (":61:260402D1,00", None, None, None),
        (":61:2604020402DR\r\n1,00NTRFNONREF", "NTRF", None, None),
    ],
)
def test_what_stands_behind_the_amount_may_be_short_or_missing(line, kind, reference, bank_id):
    entry = only_entry(line)
    assert (entry.amount, entry.bank_category, entry.reference, entry.bank_id) == (-1, kind, reference, bank_id)


def test_a_name_behind_the_reference_is_the_other_party():
    named = only_entry(":61:260402D000000000044,95N0600733959555      EXAMPLE TELECOM BV")
    unnumbered = only_entry(":61:260402D000000000044,95N030NONREF          EXAMPLE STATION")
    assert (named.counterparty, named.counterparty_account, named.reference) == (
        "EXAMPLE TELECOM BV",
        "0733959555",
        None,
    )
    assert (unnumbered.counterparty, unnumbered.counterparty_account) == ("EXAMPLE STATION", None)


def test_what_was_paid_in_another_currency_is_kept():
    below = only_entry(":61:260402D10,NCHGNONREF", "/OCMT/USD11,85//CHGS/EUR0,50/", ":86:020?20Books")
    own = only_entry(":61:260402D10,NCHGNONREF", "/OCMT/EUR9,50//CHGS/EUR0,50/")
    information = only_entry(":61:260402C10,NTRFNONREF", ":86:/OCMT/USD11,85/", "INVOICE 7")
    assert (below.original_amount, below.original_currency) == (Decimal("-11.85"), "USD")
    assert (own.original_amount, own.original_currency) == (None, None)
    assert (information.original_amount, information.text) == (Decimal("11.85"), "/OCMT/USD11,85/ INVOICE 7")


@pytest.mark.parametrize(
    ("line", "about", "counterparty", "account"),
    [
        (
            "C1",
            "/CNTP/NL71EXMP0841238000/EXMPNL2A/GREEN ASSETS BV///REMI/USTD//7/",
            "GREEN ASSETS BV",
            "NL71EXMP0841238000",
        ),
        ("C1", "/TRTP/SEPA/BBAN/53851317/BIC/EXMPNL2A/NAME/J DOE/REMI/7", "J DOE", "53851317"),
        ("C1", "/ORDP/EXAMPLE INC.\r\n/REMI//INV/7", "EXAMPLE INC.", None),
        ("D1", "/BENM/300000000000133\r\n/EXAMPLE BANK AD\r\n/Fee", "EXAMPLE BANK AD", "300000000000133"),
        ("D1", "/ORDP/PAYER LTD\r\n/BENM/PAYEE LTD\r\nBILL 5", "PAYEE LTD", None),
        ("C1", "/ORDP/PAYER LTD\r\n/BENM/PAYEE LTD\r\nBILL 5", "PAYER LTD", None),
    ],
)
def test_the_other_party_is_told_by_the_keys_of_many_banks(line, about, counterparty, account):
    entry = only_entry(f":61:260402{line},NTRFNONREF", f":86:{about}")
    assert (entry.counterparty, entry.counterparty_account) == (counterparty, account)


def test_a_subfield_at_the_start_of_a_line_follows_the_one_before_without_a_gap():
    entry = only_entry(
        ":61:260402D1,NTRFNONREF",
        ":86:166?00TRANSFER?10931?20EREF+ZV01002841909493000000",
        "?2102 ?22SVWZ+Tea?31DE85 0000",
        "?32Treasury of Example Departm",
        "?33ent",
    )
    assert (entry.reference, entry.text) == (
        "ZV0100284190949300000002",
        "TRANSFER EREF+ZV0100284190949300000002 SVWZ+Tea",
    )
    assert (entry.counterparty, entry.counterparty_account) == ("Treasury of Example Department", "DE850000")


def test_the_code_of_the_information_may_stand_in_a_field_of_its_own():
    entry = only_entry(":61:260402D1,S073", ":86:073", ":86:073~00VE02", "~20Card payment", "~21Tea~22", "~32TEA HOUSE")
    assert (entry.bank_category, entry.text, entry.counterparty) == ("073", "VE02 Card payment Tea", "TEA HOUSE")


def test_a_mark_that_texts_have_too_is_one_where_it_comes_again():
    about = (":86:000+20Plata           +30302410000+31RO890000+32PRESS SRL", "+33/", "+23FACT 4603309")
    entry = only_entry(":61:260402D210,60NTRFOPH478", "PLATA FACT", *about)
    assert (entry.text, entry.counterparty) == ("PLATA FACT Plata FACT 4603309", "PRESS SRL/")
    assert (entry.counterparty_account, entry.reference) == ("RO890000", "OPH478")


def test_free_information_that_starts_with_a_number_is_kept_whole():
    for text in ("150,00 EUR Rent", "123 -45 Tea", "049 +49 30 123456", "100 (20 pieces)", "100+20 Tea"):
        assert only_entry(":61:260402D1,NTRFNONREF", f":86:{text}").text == text


def test_information_in_numbered_lines_is_read():
    entry = only_entry(
        ":61:260402D1,S   X",
        ":NS:01Invoice 7",
        "02of March",
        "15Treasury of Example Departm",
        "16ent",
        "17DEBIT",
        "3412345",
    )
    assert (entry.text, entry.counterparty) == ("DEBIT Invoice 7 of March", "Treasury of Example Department")
    assert entry.counterparty_account == "12345"


@pytest.mark.parametrize("rest", [":25:37", ":28:37", ":13:37"])
def test_the_rest_of_a_time_at_the_start_of_a_line_is_no_field(rest):
    entry = only_entry(":61:260402D1,NTRFNONREF", ":86:106?20Tea 12-09-2026T16", f"{rest} No?21 7")
    (found,) = read(mt940(":61:260402D1,NTRFNONREF", ":86:106?20Tea 12-09-2026T16", f"{rest} No?21 7")).statements
    assert entry.text == f"Tea 12-09-2026T16 {rest} No 7"
    assert found.account.number == "1234567"


def test_a_dash_under_a_row_is_text_unless_a_message_follows():
    (found,) = read(
        mt940(":61:260402C1,NTRFNONREF", ":86:TEA", "-", ":61:260402C2,NTRFNONREF", ":86:CAKE", "-")
    ).statements
    assert [entry.text for entry in found.entries] == ["TEA -", "CAKE -"]


def test_the_account_of_the_statement_is_nobody_elses():
    assert only_entry(":61:260402D1,NTRFNONREF", ":86:000>20Fee>311234567").counterparty_account is None


def test_subfields_in_any_order_and_twice_are_put_together_by_their_numbers():
    line = ":61:2604020402D2,80NTRFNONREF"
    ordered = only_entry(line, ":86:020?00KARTE?20SVWZ+TEE?21KANNE?32HAUS")
    mixed = only_entry(line, ":86:020?32HAUS?21KANNE?20SVWZ+?00KARTE?20TEE")
    assert (mixed.text, mixed.counterparty) == (ordered.text, ordered.counterparty) == ("KARTE SVWZ+TEE KANNE", "HAUS")


@pytest.mark.parametrize(
    ("name", "encodings"),
    [
        ("JÜRGEN GRÖßE für Müller", ("utf-8", "cp1252", "cp850")),
        ("Zażółć gęślą jaźń ŁUKASZ ŚWIĄTEK", ("utf-8", "cp1250", "iso8859-2", "cp852")),
        ("Příliš žluťoučký kůň ŽIŽKOV", ("utf-8", "cp1250", "iso8859-2", "cp852")),
        ("Överföring från Åke", ("utf-8", "cp1252", "cp850")),
    ],
)
def test_the_encodings_that_banks_write_are_told_apart(name, encodings):
    text = mt940(":61:260402C1,NTRFNONREF", f":86:020?20Text?32{name}")
    for encoding in encodings:
        file = read(text, encoding=encoding)
        assert (encoding, file.statements[0].entries[0].counterparty) == (encoding, name)
