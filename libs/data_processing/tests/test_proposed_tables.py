"""Tables that no dialect has, with or without a header: the mapping that is proposed for them, and what it reads."""

from datetime import date

import pytest
from data_processing import UnknownCsvShape
from data_processing.formats.delimited.mapping import ColumnRole
from wild_tables import proposed, read, roles

HEADERLESS = {
    "signed": (
        "13.04.2026;KIOSK;12.04.2026;-2,80;EUR;;\n14.04.2026;LOHN;14.04.2026;1.000,00;EUR;;\n",
        ["booking_date", "text", "value_date", "amount", "currency"],
        ["-2.80", "1000.00"],
    ),
    "with a balance": (
        "16-04-2026,TEA,-2.80,97.20\n15-04-2026,PAY,50.00,100.00\n14-04-2026,BUN,-1.00,50.00\n13-04-2026,BUS,-3.00,51.00\n",
        ["booking_date", "text", "amount", "balance"],
        ["-2.80", "50.00", "-1.00", "-3.00"],
    ),
    "money out and money in": (
        "04/13/2026,TEA,2.80,\n04/14/2026,PAY,,50.00\n04/15/2026,BUN,1.00,\n",
        ["booking_date", "text", "debit", "credit"],
        ["-2.80", "50.00", "-1.00"],
    ),
    "directions that turn the signs": (
        "2026-04-13,DEBIT,TEA ROOM,2.80\n2026-04-14,CREDIT,PAYMENT RECEIVED,-50.00\n2026-04-15,DEBIT,BUN,1.00\n",
        ["booking_date", "ignored", "text", "amount"],
        ["-2.80", "50.00", "-1.00"],
    ),
}


@pytest.mark.parametrize("case", HEADERLESS)
def test_a_table_without_a_header_is_answered_with_a_mapping_of_all_its_rows(case):
    text, expected, amounts = HEADERLESS[case]
    proposal = proposed(text)
    assert (proposal.header_line, proposal.rows, roles(proposal)) == (0, len(amounts), expected)
    assert [str(entry.amount) for entry in proposal.entries] == amounts
    assert proposal.columns[0].name == "Column 1: day"
    file = read(text, profiles=[proposal.mapping])
    (statement,) = file.statements
    assert ([str(entry.amount) for entry in statement.entries], statement.refused, file.notes) == (amounts, (), ())
    assert [entry.place for entry in statement.entries] == [f"line {n}" for n in range(1, len(amounts) + 1)]


def test_a_table_without_a_header_is_refused_until_its_mapping_is_confirmed():
    with pytest.raises(UnknownCsvShape, match="has no header row") as caught:
        read(HEADERLESS["signed"][0])
    assert caught.value.proposal is not None


def test_the_mapping_of_one_table_without_header_does_not_read_another():
    mapping = proposed(HEADERLESS["with a balance"][0]).mapping
    with pytest.raises(UnknownCsvShape):
        read("13-04-2026,-2.80,TEA,97.20\n14-04-2026,50.00,PAY,147.20\n", profiles=[mapping])


def test_the_own_account_is_not_looked_for_in_a_column_that_rows_leave_empty():
    proposal = proposed("Date,Account,Amount,Text\n2026-04-13,,-2.80,Tea\n2026-04-14,DE02120300000000202051,5.00,Mia\n")
    assert roles(proposal) == ["booking_date", "counterparty_account", "amount", "text"]


def test_the_fee_is_not_taken_off_a_net_amount_again():
    proposal = proposed(
        "Fecha,Concepto,Bruto,Comision,Neto\n13/04/2026,Venta,10.00,-0.50,9.50\n14/04/2026,Pago,-3.00,0.00,-3.00\n"
    )
    assert [str(entry.amount) for entry in proposal.entries] == ["9.50", "-3.00"]


def test_a_footer_does_not_hide_what_the_columns_are():
    proposal = proposed("Date;Libellé;Montant\n13/04/2026;Thé;-2,80\n14/04/2026;Paie;50,00\nSolde final;;47,20\n")
    assert roles(proposal) == ["booking_date", "text", "amount"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026.04.13.", 13),
        ("13.04.26, 13:56", 13),
        ("04/17/2026 as of 04/15/2026", 17),
        ("Apr 13, 2026", 13),
        ("2026-04-13T18:43:08Z", 13),
    ],
)
def test_days_are_read_in_the_forms_of_the_wild(written, day):
    proposal = proposed(f'When,What,How much\n"{written}",Tea,-2.80\n"{written}",Pay,5.00\n')
    assert [entry.booking_date for entry in proposal.entries] == [date(2026, 4, day)] * 2


def test_a_column_of_directions_without_amount_is_none():
    proposal = proposed("Date,Payee,Outflow,Inflow,Cleared\n2026-04-13,Tea,2.80,0.00,C\n2026-04-14,Pay,0.00,5.00,C\n")
    assert ColumnRole.DIRECTION not in [column.role for column in proposal.columns]
    assert [str(entry.amount) for entry in proposal.entries] == ["-2.80", "5.00"]


def test_a_file_in_which_all_money_goes_one_way_gets_the_word_of_the_other():
    proposal = proposed("Date;Text;Bedrag;D/C\n2026-04-13;Tea;2,80;D\n2026-04-14;Bun;1,00;D\n")
    assert (proposal.mapping.out_words, proposal.mapping.in_words) == (("D",), ("C",))
    assert [str(entry.amount) for entry in proposal.entries] == ["-2.80", "-1.00"]


def test_a_balance_before_each_row_is_not_taken_for_the_one_after_it():
    proposal = proposed(
        "EUR\t20260413\t1000,00\t987,50\t-12,50\tTEA\nEUR\t20260414\t987,50\t1187,50\t200,00\tPAY\n"
        "EUR\t20260415\t1187,50\t1137,50\t-50,00\tBUN\nEUR\t20260416\t1137,50\t1130,00\t-7,50\tBUS\n"
    )
    assert [proposal.columns[at].role for at in (2, 3, 4)] == [
        ColumnRole.IGNORED,
        ColumnRole.BALANCE,
        ColumnRole.AMOUNT,
    ]


def test_a_column_of_states_that_is_empty_is_not_read():
    proposal = proposed("Date,Pending?,Description,Credit,Debit\n2026-04-13,,TEA,,-2.80\n2026-04-14,,PAY,50.00,\n")
    assert roles(proposal) == ["booking_date", "ignored", "text", "credit", "debit"]
    (statement,) = read(
        "Date,Pending?,Description,Credit,Debit\n2026-04-13,,TEA,,-2.80\n2026-04-14,,PAY,50.00,\n",
        profiles=[proposal.mapping],
    ).statements
    assert [str(entry.amount) for entry in statement.entries] == ["-2.80", "50.00"]


def test_a_mapping_warns_of_rows_that_say_a_balance():
    rows = "2026-04-01,Opening balance,100.00\n2026-04-13,TEA,-2.80\n2026-04-14,PAY,50.00\n"
    assert any('"Opening balance"' in warning for warning in proposed("Day,What,Worth\n" + rows).warnings)
    assert not any("balance" in w for w in proposed("Day,What,Worth\n" + rows.partition("\n")[2]).warnings)


def test_a_balance_that_is_the_same_in_all_rows_is_none_of_a_row():
    proposal = proposed(
        "initial_balance,final_balance,Date,Description,Amount\n"
        "0.00,1000.00,2026-04-13,PAY,1500.00\n0.00,1000.00,2026-04-14,RENT,-500.00\n"
    )
    assert ColumnRole.BALANCE not in [column.role for column in proposal.columns]


def test_the_first_rows_of_a_proposal_are_without_the_lines_beside_them():
    proposal = proposed(
        "Data contabile;Data valuta;Descrizione;Accrediti;Addebiti\n;;Saldo contabile iniziale in Euro;;2'345;\n"
        "18.04.26;18.04.26;ACCREDITO;640.00;\n22.04.26;22.04.26;PAGAMENTO;;40.00\nSaldo finale al 28/04/2026;;;;2945\n"
    )
    assert ([str(entry.amount) for entry in proposal.entries], proposal.refused) == (["640.00", "-40.00"], ())
    between = proposed(
        "Data contabile;Data valuta;Descrizione;Accrediti;Addebiti\n18.04.26;18.04.26;ACCREDITO;640.00;\n"
        "Saldo finale al 28/04/2026;;;;2945.00\n22.04.26;22.04.26;PAGAMENTO;;40.00\n"
    )
    assert [row.place for row in between.refused] == ["line 3"]


def test_names_of_columns_in_turkish_are_known():
    proposal = proposed(
        "Tarih;Açıklama;İşlem Tutarı;Bakiye\n13.04.2026;ÇAY;-2,80;97,20\n14.04.2026;MAAŞ;50,00;147,20\n"
    )
    assert roles(proposal) == ["booking_date", "text", "amount", "balance"]
