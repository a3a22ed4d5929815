"""Tables as they come: with short rows, unnamed columns, rows of several lines, balances beside the rows."""

from datetime import date
from decimal import Decimal

import pytest
from data_processing import propose_mapping, read_statement_file, reconcile
from wild_tables import read, roles
from workbooks import xlsx


def test_rows_that_all_lack_the_last_cells_are_read():
    text = "Date,Description,Amount,Currency,Account\n2026-04-13,Tea,-2.80,EUR\n2026-04-14,Pay,50.00,EUR\nEnd\n"
    (statement,) = read(text).statements
    assert ([str(entry.amount) for entry in statement.entries], statement.refused) == (["-2.80", "50.00"], ())


def test_a_row_that_lacks_a_cell_which_others_have_is_refused():
    text = "Date,Description,Amount,Currency,Account\n2026-04-13,Tea,-2.80,EUR,A\n2026-04-14,Pay,50.00,EUR\n"
    (statement,) = read(text).statements
    assert [row.place for row in statement.refused] == ["line 3"]


def test_the_balances_that_lines_beside_the_rows_state_prove_the_rows():
    text = (
        "Numéro de compte : 04106119371;Devise : EUR;\n\nSolde en fin de période;;;;147,20;\n"
        "Date;Numéro d'opération;Libellé;Débit;Crédit;Détail\n13/04/2026;1;Thé;-2,80;;Bar\n"
        "14/04/2026;2;Paie;;50,00;Avril\nSolde en début de période;;;;100,00;\n"
    )
    (statement,) = read(text).statements
    assert [(balance.kind, str(balance.amount)) for balance in statement.balances] == [
        ("closing", "147.20"),
        ("opening", "100.00"),
    ]
    assert (reconcile(statement).status, statement.account.number) == ("adds_up", "04106119371")


def test_balances_in_columns_of_their_own_are_taken():
    text = (
        "Account Statement - (@mia) ,,,,,,,,,,,,,\nAccount Activity,,,,,,,,,,,,,\n"
        ",ID,Datetime,Type,Status,Note,From,To,Amount (total),Amount (fee),Funding Source,Destination,"
        "Beginning Balance,Ending Balance,Disclaimer\n,,,,,,,,,,,,$8.00,,\n"
        ",77,2026-04-13T18:43:08,Payment,Complete,Tea,Mia,Ben,- $2.00,,,Venmo balance,,,\n"
        ',78,2026-04-14T18:43:08,Payment,Complete,Rent,Ben,Mia,"+ $1,090.00",,,Venmo balance,,,\n'
        ",79,2026-04-15T18:43:08,Payment,Failed,Tea,Mia,Ben,- $2.00,,,,,,\n"
        ',,,,,,,,,,,,,"$1,096.00","In case of errors:\n  write\n  "\n'
    )
    file = read(text)
    (statement,) = file.statements
    assert [(str(entry.amount), entry.counterparty) for entry in statement.entries] == [
        ("-2.00", "Ben"),
        ("1090.00", "Ben"),
    ]
    assert (reconcile(statement).status, statement.refused) == ("adds_up", ())
    assert 'Status "Failed"' in file.notes[-1]


def test_a_row_of_several_lines_is_one_row_with_all_its_text():
    text = (
        "Account details for:,Savings 123\nTransaction History \n"
        "Transaction date,Value date,Description,Withdrawals (SGD),Deposits (SGD)\n"
        "13/04/2026,13/04/2026,DEBIT PURCHASE,2.80,\n,,12/04/26 TEA ROOM\n,,CARD 77\n"
        "14/04/2026,14/04/2026,SALARY,,50.00\n"
    )
    (statement,) = read(text).statements
    assert [(entry.place, str(entry.amount), entry.text) for entry in statement.entries] == [
        ("line 4", "-2.80", "DEBIT PURCHASE 12/04/26 TEA ROOM CARD 77"),
        ("line 7", "50.00", "SALARY"),
    ]
    assert (statement.currency, statement.account.number, statement.refused) == ("SGD", "Savings 123", ())


def test_shares_without_money_are_left_out_and_a_total_is_proved():
    text = (
        '"Transactions  for account Mia ...77 as of 04/30/2026 02:21:05 PM ET"\n'
        '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
        '"04/17/2026 as of 04/15/2026","Bank Interest","","INTEREST","","","","$0.03"\n'
        '"04/14/2026","Stock Plan Activity","ACME","ACME INC","300","","",""\n'
        '"04/13/2026","Buy","ACME","ACME INC","2","$10.00","","-$1,020.00"\n'
        '"Transactions Total","","","","","","","-$1,019.97"\n'
    )
    file = read(text)
    (statement,) = file.statements
    assert [(entry.booking_date.day, str(entry.amount)) for entry in statement.entries] == [
        (17, "0.03"),
        (13, "-1020.00"),
    ]
    assert (statement.refused, statement.account.number) == ((), "Mia ...77")
    assert "1 row moves no money and is left out: Amount is empty." in file.notes


def test_columns_without_a_name_are_known_by_their_place():
    text = (
        "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id\n"
        '30-04-2026,15:58,30-04-2026,FUND,LU0,"Conversie: Koop 0,000016",,,,EUR,"13,88",\n'
        '13-04-2026,08:14,13-04-2026,ACME,NL0,Dividend,,EUR,"0,19",EUR,"13,88",\n'
    )
    file = read(text)
    (statement,) = file.statements
    assert [(str(e.amount), e.currency, str(e.balance)) for e in statement.entries] == [("0.19", "EUR", "13.88")]
    assert "Column 9 is empty" in file.notes[0]


def test_memos_of_paypal_move_no_money():
    head = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,Transaction ID,Balance,Balance Impact\n"
    text = (
        head + "13/04/2026,07:45:51,PST,Shop,General Authorization,Completed,USD,-5,0,-5,T1,10,Memo\n"
        "13/04/2026,07:45:51,PST,Shop,Payment,Completed,USD,-5,0,-5,T2,5,Debit\n"
    )
    file = read(text)
    assert [entry.bank_id for entry in file.statements[0].entries] == ["T2"]
    assert file.notes == ('1 row moves no money and is left out: Balance Impact "Memo".',)


def test_marks_that_do_not_match_below_the_rows_lose_no_row():
    text = (
        "\n\nBrokerage\n\nRun Date,Action,Symbol,Security Description,Security Type,Quantity,Price ($),Commission ($),"
        "Fees ($),Accrued Interest ($),Amount ($),Settlement Date\n"
        " 04/13/2026, DEBIT CARD PURCHASE, , No Description,Cash,,,,,,-11.9,\n\n"
        '"The data is provided to you solely for your use."\n\n"Date downloaded" 04/30/2026, 9:11 AM'
    )
    file = read(text)
    (statement,) = file.statements
    assert [entry.amount for entry in statement.entries] == [Decimal("-11.9")]
    assert [row.raw for row in statement.refused] == []
    assert any("Date downloaded" in note for note in file.notes)


def test_cells_behind_the_last_named_column_are_text():
    text = (
        '"Data operacji","Data waluty","Typ transakcji","Kwota","Waluta","Saldo po transakcji",'
        '"Opis transakcji","",""\n'
        '"2026-04-14","2026-04-14","Przelew","+50.00","PLN","+100.00","Tytuł: Czynsz","Adres: Kiosk",""\n'
        '"2026-04-13","2026-04-13","Płatność kartą","-2.80","PLN","+50.00",'
        '"Tytuł: Herbata","Adres: Bar","Miasto: Łódź"\n'
    )
    (statement,) = read(text).statements
    assert [entry.text for entry in statement.entries] == [
        "Tytuł: Czynsz Adres: Kiosk",
        "Tytuł: Herbata Adres: Bar Miasto: Łódź",
    ]
    assert reconcile(statement).status == "adds_up"


def test_the_balance_above_the_rows_has_the_day_that_its_line_says():
    text = (
        "Created date / time : 30 April 2026 / 10:00:00\nBank 12; Branch 3456; Account 0123456-50 (Streamline)\n"
        "Ledger Balance : -47.20 as of 20260430\n\nDate,Unique Id,Tran Type,Cheque Number,Payee,Memo,Amount\n\n"
        '2026/04/13,2026041301,EFTPOS,,"TEA ROOM","CARD",-2.80\n'
    )
    (statement,) = read(text).statements
    (balance,) = statement.balances
    assert (balance.kind, str(balance.amount), balance.date) == ("closing", "-47.20", date(2026, 4, 30))
    assert statement.account.number == "0123456-50"


def test_what_was_paid_in_another_currency_is_kept_with_its_rate():
    text = (
        '"Date";"Amount";"Original amount";"Original currency";"Exchange rate";"Description";"Subject";"Category";'
        '"Tags";"Wise";"Spaces"\n'
        '"2026-04-13";"-69.46";"-75.80";"USD";"1.09128";"Airline";"";"travel";"";"no";"no"\n'
        '"2026-04-14";"-3.00";"";"";"";"Tea";"";"food";"";"no";"no"\n'
        '"2026-04-15";"-3.00";"soon";"USD";"";"Bun";"";"food";"";"no";"no"\n'
    )
    (statement,) = read(text).statements
    kept = [(e.currency, e.original_amount, e.original_currency, e.exchange_rate) for e in statement.entries]
    assert kept == [
        ("CHF", Decimal("-75.80"), "USD", Decimal("1.09128")),
        ("CHF", None, None, None),
        ("CHF", None, None, None),
    ]


def test_the_summary_above_the_rows_proves_them():
    text = (
        'Description,,Summary Amt.\nBeginning balance as of 04/01/2026,,"$1,100.00"\nTotal credits,,0\n'
        'Ending balance as of 04/30/2026,,"$57.83"\n\nDate,Description,Amount,Running Bal.\n'
        '04/01/2026,Beginning balance as of 04/01/2026,,"1,100.00"\n04/13/2026,"GROCER","-1,042.17","57.83"\n'
    )
    (statement,) = read(text).statements
    assert [(b.kind, str(b.amount), b.date) for b in statement.balances] == [
        ("opening", "1100.00", date(2026, 4, 1)),
        ("closing", "57.83", date(2026, 4, 30)),
    ]
    assert (reconcile(statement).status, statement.refused) == ("adds_up", ())


def test_a_sheet_without_a_header_is_answered_with_a_mapping_and_its_footer_is_told():
    rows = [
        [date(2026, 4, 13), "TEA ROOM", -2.8, 97.2],
        [date(2026, 4, 14), "PAY", 50.0, 147.2],
        [date(2026, 4, 15), "BUN", -1.25, 145.95],
        ["End of report"],
    ]
    content = xlsx(rows)
    proposal = propose_mapping(content, today=date(2026, 11, 20))
    assert proposal is not None
    assert roles(proposal) == ["booking_date", "text", "amount", "balance"]
    file = read_statement_file(content, today=date(2026, 11, 20), profiles=[proposal.mapping])
    (statement,) = file.statements
    assert [(e.place, str(e.amount)) for e in statement.entries] == [
        ("row 1", "-2.8"),
        ("row 2", "50"),
        ("row 3", "-1.25"),
    ]
    assert (reconcile(statement).status, statement.refused) == ("adds_up", ())
    assert file.notes == ('1 line is below the rows and no row: row 4 "End of report".',)


def test_fees_and_taxes_in_columns_of_their_own_are_taken_off():
    scalable = (
        "date;time;status;reference;description;assetType;type;isin;shares;price;amount;fee;tax;currency\n"
        "2026-04-13;13:10:35;Executed;R1;Acme;Security;Buy;US1;80;7,34;-587,20;0,99;0,00;EUR\n"
        "2026-04-14;16:04:22;Executed;R2;Acme;Security;Sell;US1;20;7,34;146,80;1,00;12,23;EUR\n"
        "2026-04-15;16:04:22;Cancelled;R3;Acme;Security;Sell;US1;20;7,34;146,80;1,00;12,23;EUR\n"
        "2026-04-16;16:04:22;Executed;R4;Acme;Security;Security transfer;US1;20;;;;;EUR\n"
    )
    republic = (
        '"datetime","date","account_type","category","type","asset_class","name","symbol","shares","price","amount","fee",'
        '"tax","currency","original_amount","original_currency","fx_rate","description","transaction_id",'
        '"counterparty_name","counterparty_iban","payment_reference","mcc_code"\n'
        '"2026-04-13T12:26:05Z","2026-04-13","DEFAULT","TRADING","BUY","FUND","World","IE0","76","5.85","-444.60","-1.00",'
        '"","EUR","","","","Buy","t-1","","","",""\n'
        '"2026-04-14T12:26:05Z","2026-04-14","DEFAULT","CASH","DIVIDEND","STOCK","Acme","US1","0.5","","0.300000","",'
        '"-0.12","EUR","0.35","USD","0.86","Dividend","t-2","","","",""\n'
    )
    for text, amounts in ((scalable, ["-588.19", "133.57"]), (republic, ["-445.60", "0.180000"])):
        (statement,) = read(text).statements
        assert ([str(entry.amount) for entry in statement.entries], statement.refused) == (amounts, ())
    assert read(republic).statements[0].entries[1].original_currency == "USD"


def test_a_summary_of_four_figures_above_the_rows_proves_them():
    text = (
        "INITIAL_BALANCE;CREDITS;DEBITS;FINAL_BALANCE\n100,00;1.050,00;-2,80;1.147,20\n\n"
        "RELEASE_DATE;TRANSACTION_TYPE;REFERENCE_ID;TRANSACTION_NET_AMOUNT;PARTIAL_BALANCE\n"
        "13-04-2026;Pix enviado;77;-2,80;97,20\n14-04-2026;Pix recebido;78;1.050,00;1.147,20\n"
    )
    (statement,) = read(text).statements
    assert [(b.kind, str(b.amount)) for b in statement.balances] == [("opening", "100.00"), ("closing", "1147.20")]
    assert reconcile(statement).status == "adds_up"


def test_lakhs_are_read_and_a_balance_alone_below_the_rows_is_proved_by_them():
    text = (
        "Statement of Account No - 930000000000001 for the period\nTran Date,CHQNO,PARTICULARS,DR,CR,BAL,SOL\n\n"
        '13-04-2026,-,TEA,"22,500.00",,"3,77,500.00",44\n14-04-2026,-,PAY,,"1,00,000.00","4,77,500.00",44\n\n'
        "Unless the constituent reports a discrepancy this statement is correct.\n"
    )
    for last, refused in ((',,,,,"4,77,500.00",\n', 0), (",,,,,4.00,\n", 1)):
        (statement,) = read(text + last).statements
        assert [str(entry.amount) for entry in statement.entries] == ["-22500.00", "100000.00"]
        assert (len(statement.refused), reconcile(statement).status) == (refused, "adds_up")
        assert statement.account.number == "930000000000001"


def test_each_header_of_a_file_in_sections_begins_rows_of_another_account():
    text = (
        "Following data is valid as of 20260430114529\n\n"
        "First Bank Card,Transaction Type,Date Posted, Transaction Amount,Description\n\n"
        "'5510',DEBIT,20260413,-2.8,[PR]TEA\n\n"
        "First Bank Card,Transaction Type,Date Posted, Transaction Amount,Description\n\n"
        "'5520',CREDIT,20260414,12.5,[CW]PAY\n"
    )
    (statement,) = read(text).statements
    assert [(e.account and e.account.number, str(e.amount)) for e in statement.entries] == [
        ("5510", "-2.8"),
        ("5520", "12.5"),
    ]
    assert statement.refused == ()


@pytest.mark.parametrize("end", ["", '"","","",'])
def test_rows_of_balances_among_the_rows_are_left_out_and_their_balances_taken(end):
    header = (
        '"Account No","","Date","Beneficiary","Details","Amount","Currency","D/K","Record ID","Code","Reference No",'
        '"Doc. No","Code in payer IS","Client code","Originator","Beneficiary party",\n'
    )
    lines = [
        '"LT01","10","2026-04-01","","Opening balance","100.00","EUR","K","","AS","","",',
        '"LT01","20","2026-04-13","KIOSK, OLD TOWN","TEA","2.80","EUR","D","77","K","","","",',
        '"LT01","20","2026-04-14","ACME","PAY","50.00","EUR","K","78","MK","","","",',
        '"LT01","82","2026-04-30","","Turnover","2.80","EUR","D","","K2","","",',
        '"LT01","86","2026-04-30","","Closing balance","147.20","EUR","K","","LS","","",',
    ]
    file = read(header + "".join(f"{line}{end}\n" for line in lines))
    (statement,) = file.statements
    assert [(str(entry.amount), entry.text) for entry in statement.entries] == [("-2.80", "TEA"), ("50.00", "PAY")]
    assert [(b.kind, str(b.amount), b.date) for b in statement.balances] == [
        ("opening", "100.00", date(2026, 4, 1)),
        ("closing", "147.20", date(2026, 4, 30)),
    ]
    assert (statement.refused, reconcile(statement).status) == ((), "adds_up")
    assert [note.partition(":")[2] for note in file.notes] == [f' Column 2 "{word}".' for word in (10, 82, 86)]


def test_of_two_opening_balances_none_is_taken():
    text = (
        "Account No,,Date,Beneficiary,Details,Amount,Currency,D/K,Record ID,Code,Reference No,Doc. No\n"
        "LT01,10,2026-04-01,,Opening balance,100.00,EUR,K,,AS,,\nLT01,10,2026-04-01,,Opening balance,7.00,USD,K,,AS,,\n"
        "LT01,20,2026-04-13,KIOSK,TEA,2.80,EUR,D,77,K,,\n"
    )
    (statement,) = read(text).statements
    assert (len(statement.entries), statement.balances, statement.refused) == (1, (), ())


def test_a_broken_short_row_is_not_left_out():
    text = (
        "Account No,,Date,Beneficiary,Details,Amount,Currency,D/K,Record ID,Code,Reference No,Doc. No\n"
        "LT01,20,2026-04-13,KIOSK,TEA,2.80,EUR,D,77,K,,\nLT01,20,2026-04-14,KIOSK,TEA,3.80,EUR\n"
        "LT01,20,2026-04-15,KIOSK,TEA,4.80,EUR,D,79,K,,\n"
    )
    (statement,) = read(text).statements
    assert [row.place for row in statement.refused] == ["line 3"]
    assert [str(entry.amount) for entry in statement.entries] == ["-2.80", "-4.80"]


def test_the_lines_below_a_row_are_its_text_and_name_no_other_account():
    text = (
        "IBAN;Booked At;Text;Credit/Debit Amount;Balance;Valuta Date\n"
        "CH01;2026-04-13 00:00:00.0;Tea house, abroad;-2.8;97.2;2026-04-13 00:00:00.0\n"
        ";;with a fee of CHF 0.30;;;\n"
        "CH01;2026-04-14 00:00:00.0;Collective order;-7.2;90;2026-04-14 00:00:00.0\n"
        ";;Jane Doe CHF 3.20;;;\n;;John Doe CHF 4.00;;;\n"
    )
    file = read(text)
    (statement,) = file.statements
    assert [entry.text for entry in statement.entries] == [
        "Tea house, abroad with a fee of CHF 0.30",
        "Collective order Jane Doe CHF 3.20 John Doe CHF 4.00",
    ]
    assert (statement.account.number, statement.refused, file.notes) == ("CH01", (), ())


def test_a_line_below_the_rows_names_no_account():
    text = (
        "Radnummer,Clearingnummer,Kontonummer,Produkt,Valuta,Bokföringsdag,Transaktionsdag,Valutadag,Referens,Beskrivning,"
        "Belopp,Bokfört saldo\n1,8000,77,Privat,SEK,2026-04-13,2026-04-13,2026-04-13,A,TEA,-2.80,97.20\n"
        "End of the report,,,,,,,,,,,\n"
    )
    (statement,) = read(text).statements
    assert (statement.account.number, len(statement.entries), statement.refused) == ("77", 1, ())


def test_the_account_above_a_french_table_is_known():
    sg = (
        '="0001234567000000";01/04/2026;30/04/2026;1;30/04/2026;97,20 EUR\n\n'
        "Date de l'opération;Libellé;Détail de l'écriture;Montant de l'opération;Devise\n"
        "13/04/2026;CARTE;CARTE X0001 TEA;-2,80;EUR\n"
    )
    lbp = (
        "Numéro Compte    ;05345678900\nType             ;CCP\nSolde (EUROS)    ;97,20\n\n"
        "Date;Libellé;Montant(EUROS);Montant(FRANCS)\n13/04/2026;TEA;-2,80;-18,37\n"
    )
    for text, account in ((sg, "0001234567000000"), (lbp, "05345678900")):
        (statement,) = read(text).statements
        assert (statement.account.number, str(statement.entries[0].amount), statement.refused) == (account, "-2.80", ())


def test_the_fee_of_an_old_business_export_has_a_minus_and_the_balances_prove_it():
    text = (
        "Date started (UTC),Date completed (UTC),Date started (Europe/Zurich),Date completed (Europe/Zurich),ID,Type,"
        "Description,Reference,Payer,Card number,Orig currency,Orig amount,Payment currency,Amount,Fee,Balance,Account,"
        "Beneficiary account number,Beneficiary sort code or routing number,Beneficiary IBAN,Beneficiary BIC\n"
        "2026-04-14,2026-04-14,2026-04-14,2026-04-14,b,CARD_PAYMENT,TEA,,,,USD,59.00,CHF,-54.26,-0.22,45.52,CHF,,,,\n"
        "2026-04-13,2026-04-13,2026-04-13,2026-04-13,a,TOPUP,PAY,,,,CHF,100.00,CHF,100.00,0.00,100.00,CHF,,,,\n"
    )
    (statement,) = read(text).statements
    (tea, pay) = statement.entries
    assert (str(tea.amount), str(tea.original_amount), tea.original_currency) == ("-54.48", "-59.00", "USD")
    assert (str(pay.amount), pay.original_amount, reconcile(statement).status) == ("100.00", None, "adds_up")


def test_accounts_and_states_of_a_business_bank_are_told_apart():
    text = (
        "Date (UTC),Description,Amount,Status,Source Account,Bank Description,Reference,Note,Timestamp,"
        "Original Currency\n"
        "04-13-2026,Kiosk,-2.80,Sent,Checking 01,KIOSK,,,04-13-2026 10:22:03,EUR\n"
        "04-14-2026,Wire,-9.00,Failed,Checking 01,WIRE,,,04-14-2026 10:22:03,\n"
        "04-15-2026,Shop,-5.00,Pending,Savings 02,SHOP,,,04-15-2026 10:22:03,\n"
    )
    file = read(text)
    (statement,) = file.statements
    assert [(e.account and e.account.name, str(e.amount), e.currency, e.pending) for e in statement.entries] == [
        ("Checking 01", "-2.80", "USD", False),
        ("Savings 02", "-5.00", "USD", True),
    ]
    assert file.notes == ('1 row moves no money and is left out: Status "Failed".',)
