"""CSV: exports of banks and budgeting programs with their own oddities, and what each is read as."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from data_processing import read_statement_file
from data_processing.formats.delimited.profile import profiles


def read(text):
    return read_statement_file(text.encode(), today=date(2026, 11, 20))


EXPORTS = {
    "citi_card": (
        "Status,Date,Description,Debit,Credit,Member Name\n"
        'Cleared,04/13/2026,"GROCER #12",17.99,,MIA\nCleared,04/14/2026,PAYMENT THANK YOU,,-2000.05,MIA\n'
        "Cleared,04/15/2026,ODD,,5.00,MIA\n",
        ["-17.99", "2000.05"],
        ["no minus although its column is printed with one"],
    ),
    "bank_of_america": (
        "Description,,Summary Amt.\nBeginning balance as of 04/01/2026,,100.00\n\n"
        "Date,Description,Amount,Running Bal.\n"
        '04/01/2026,Beginning balance as of 04/01/2026,,"1,100.00"\n04/13/2026,"GROCER","-1,042.17","57.83"\n',
        ["-1042.17"],
        [],
    ),
    "comdirect": (
        ';\n"Umsätze Girokonto";"Zeitraum: 30 Tage";\n"Neuer Kontostand";"16,94 EUR";\n\n'
        '"Buchungstag";"Wertstellung (Valuta)";"Vorgang";"Buchungstext";"Umsatz in EUR";\n'
        '"01.04.2026";"03.04.2026";"Wertpapiere";" Buchungstext: Sparplan Ref. 7/2 ";"-1.119,98";\n'
        '"offen";"--";"Lastschrift";"Buchungstext: Kiosk";"-2,00";\n\n"Alter Kontostand";"16,94 EUR";\n',
        ["-1119.98"],
        ['date "offen" is not written as a date'],
    ),
    "postbank": (
        "Umsätze\nKonto;Filial-/Kontonummer;IBAN;Währung\nGirokonto;123 4567890 00;DE02120300000000202051;EUR\n\n"
        "Buchungstag;Wert;Umsatzart;Begünstigter / Auftraggeber;Verwendungszweck;IBAN / Kontonummer;BIC;Kundenreferenz;"
        "Mandatsreferenz;Gläubiger ID;Fremde Gebühren;Betrag;Abweichender Empfänger;Anzahl der Aufträge;"
        "Anzahl der Schecks;Soll;Haben;Währung\n"
        "1.4.2026;1.4.2026;SEPA Lastschrift;Kiosk;Zeitung;DE11;;;;;;-25;;;;-25;;EUR\n"
        "2.4.2026;2.4.2026;Gutschrift;Firma;Lohn;DE12;;;;;;2.500,5;;;;;2.500,5;EUR\n"
        "Kontostand;30.04.2026;;;2.762,97;EUR\n",
        ["-25", "2500.5"],
        [],
    ),
    "nationwide": (
        '"Account Name:","FlexAccount ****45678"\n"Account Balance:","£1,252.70"\n\n'
        '"Date","Transaction type","Description","Paid out","Paid in","Balance"\n'
        '"02 Apr 2026","Visa purchase","Page Books","£1,012.40","","£987.60"\n'
        '"13 April 2026","Bank credit","Refund","","£10.00","£997.60"\n"31 Apr 2026","Bank credit","x","","£1.00",""\n',
        ["-1012.40", "10.00"],
        ['date "31 Apr 2026" is no day of the calendar'],
    ),
    "fineco": (
        "Data_Operazione;Data_Valuta;Entrate;Uscite;Descrizione;Descrizione_Completa;Stato;Moneymap\n"
        "01/04/2026;31/03/2026;5,00;;Dividendo;Div. su 10 ACME;Contabilizzato;Altro\n"
        "13/04/2026;13/04/2026;;-1,00;PagoBancomat;Bar;Autorizzato;Altro\n",
        ["5.00", "-1.00"],
        [],
    ),
    "ynab": (
        '"Account","Flag","Date","Payee","Category Group/Category","Category Group","Category","Memo","Outflow",'
        '"Inflow","Cleared"\n"Cash","","04/13/2026","Kiosk","Fun: News","Fun","News","",$2.80,$0.00,"Cleared"\n'
        '"Card","","04/01/2026","Shop","","","","back",$0.00,"$1,012.00","Uncleared"\n',
        ["-2.80", "1012.00"],
        [],
    ),
    "credit_agricole": (
        "Téléchargement du 07/05/2026;\n\nCompte de Dépôt carte n° 04106119371;\nSolde au 07/05/2026 917,01 €\n\n"
        'Date;Libellé;Débit euros;Crédit euros;\n30/04/2026;"PAIEMENT PAR CARTE\nX4912 CAFE\n\n";22,07;;\n'
        '28/04/2026;"VIREMENT";;2 389,64;\n',
        ["-22.07", "2389.64"],
        [],
    ),
    "amex": (
        "Date,Description,Card Member,Account #,Amount\n04/13/2026,GROCER,MIA,-12345,17.99\n"
        "04/14/2026,PAYMENT,MIA,-12345,-500.00\n",
        ["-17.99", "500.00"],
        [],
    ),
    "rbc": (
        '"Account Type","Account Number","Transaction Date","Cheque Number","Description 1","Description 2",'
        '"CAD$","USD$"\n'
        'Chequing,01234-5678901,4/13/2026,,"COFFEE","",-3.45,\nSavings,01234-5678902,4/14/2026,,"BOOKS","",,-20.00\n',
        ["-3.45"],
        ["the amount is empty"],
    ),
}


@pytest.mark.parametrize("dialect", EXPORTS)
def test_the_odd_things_of_an_export_are_read(dialect):
    text, amounts, reasons = EXPORTS[dialect]
    file = read(text)
    (found,) = file.statements
    assert file.format == f"csv/{dialect}"
    assert [entry.amount for entry in found.entries] == [Decimal(amount) for amount in amounts]
    assert len(found.refused) == len(reasons)
    for refused, reason in zip(found.refused, reasons, strict=True):
        assert reason in refused.reason


def test_the_account_is_found_above_the_header_in_several_forms():
    numbers = {
        name: read(EXPORTS[name][0]).statements[0].account.number
        for name in ("postbank", "nationwide", "credit_agricole")
    }
    assert numbers == {
        "postbank": "DE02120300000000202051",
        "nationwide": "FlexAccount ****45678",
        "credit_agricole": "04106119371",
    }


def test_the_page_on_formats_lists_every_dialect_and_no_other():
    page = Path(__file__).parents[3] / "docs" / "formats.md"
    row = r"^\| `([a-z0-9_]+)` \| ([^|]+)(?: \| [^|]+){4} \|$"
    dialects = re.findall(row, page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(dialects) == sorted((profile.dialect, profile.title) for profile in profiles())
