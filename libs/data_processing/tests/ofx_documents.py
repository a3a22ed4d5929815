"""OFX documents for tests, as banks write them."""

from data_processing import read_statement_file

SGML_HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
XML_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n'
ACCOUNT = "<BANKACCTFROM><BANKID>77<ACCTID>0042<ACCTTYPE>CHECKING</BANKACCTFROM>"


def row(amount="-1.00", posted="20260402", fitid="F1", more="<NAME>COFFEE"):
    return f"<STMTTRN><TRNTYPE>POS<DTPOSTED>{posted}<TRNAMT>{amount}<FITID>{fitid}{more}</STMTTRN>"


def statement(rows, *, account=ACCOUNT, currency="EUR", after=""):
    return (
        f"<STMTTRNRS><TRNUID>1<STMTRS><CURDEF>{currency}{account}<BANKTRANLIST>{rows}</BANKTRANLIST>{after}"
        "</STMTRS></STMTTRNRS>"
    )


def document(*statements, header=SGML_HEADER):
    return (header + "<OFX><BANKMSGSRSV1>" + "".join(statements) + "</BANKMSGSRSV1></OFX>").encode()


def only(content):
    (found,) = read_statement_file(content).statements
    return found
