"""The movements of one account as a bank's exports have them: each format words and names the same row differently."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from bank_files import BankRow, camt

ACCOUNT = "DE02120300000000202051"


@dataclass(frozen=True)
class Movement:
    """What has moved on the account; the number tells equal ones apart."""

    number: int
    day: date
    amount: Decimal
    shop: str


@dataclass(frozen=True)
class Extract:
    """What a file is asked for: the movements of some days, and the balance before them."""

    movements: Sequence[Movement]
    first: date
    last: date
    opening: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + sum((row.amount for row in self.movements), Decimal(0))


class Export(StrEnum):
    """The ways in which the bank exports."""

    CSV = "csv"
    CSV_BALANCES = "csv with balances"
    DIALECT = "csv of another dialect"
    OFX = "ofx"
    CAMT = "camt"
    CAMT_BALANCES = "camt with balances"
    MT940 = "mt940"


def written(how: Export, extract: Extract) -> bytes:
    """The file."""
    return _WRITERS[how](extract)


def _csv(extract: Extract, *, balances: bool = False) -> bytes:
    file, balance = io.StringIO(), extract.opening
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["Date", "Description", "Amount", "Currency", *(["Balance"] if balances else [])])
    for row in extract.movements:
        balance += row.amount
        table.writerow([row.day, row.shop, row.amount, "EUR", *([balance] if balances else [])])
    return file.getvalue().encode()


def _dialect(extract: Extract) -> bytes:
    lines = ["Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance"]
    lines += [
        f"CARD_PAYMENT,Current,{row.day} 10:00:00,{row.day} 12:00:00,POS PURCHASE,{row.amount},0.00,EUR,COMPLETED,"
        for row in extract.movements
    ]
    return ("\n".join(lines) + "\n").encode()


def _ofx(extract: Extract) -> bytes:
    rows = "".join(
        f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{row.day:%Y%m%d}<TRNAMT>{row.amount}<FITID>F{row.number}"
        f"<NAME>{row.shop.upper()[:32]}</STMTTRN>"
        for row in extract.movements
    )
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:UTF-8\nCHARSET:NONE\nCOMPRESSION:NONE\n"
        "OLDFILEUID:NONE\nNEWFILEUID:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO"
        f"</STATUS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>77<ACCTID>{ACCOUNT}<ACCTTYPE>CHECKING</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>{extract.first:%Y%m%d}<DTEND>{extract.last:%Y%m%d}{rows}</BANKTRANLIST>"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    ).encode()


def _camt(extract: Extract, *, balances: bool = False) -> bytes:
    rows = [
        BankRow(row.day, row.amount, f"KARTENZAHLUNG {4711 + row.number} {row.shop.split()[0]}", f"C{row.number}")
        for row in extract.movements
    ]
    opening = extract.opening if balances else None
    return camt(rows, opening=opening, first=extract.first, last=extract.last, account=ACCOUNT)


def _mt940(extract: Extract) -> bytes:
    def stated(amount: Decimal) -> tuple[str, str]:
        return "D" if amount < 0 else "C", f"{abs(amount):.2f}".replace(".", ",")

    def balance(tag: str, day: date, amount: Decimal) -> str:
        mark, text = stated(amount)
        return f":{tag}:{mark}{day:%y%m%d}EUR{text}"

    lines = [":20:STARTUMS", f":25:{ACCOUNT}", ":28C:1/1", balance("60F", extract.first, extract.opening)]
    for row in extract.movements:
        mark, text = stated(row.amount)
        lines.append(f":61:{row.day:%y%m%d}{row.day:%m%d}{mark}{text}NMSCNONREF")
        lines.append(f":86:?00LASTSCHRIFT?20SVWZ {row.shop.upper()}?21POS 0815")
    lines += [balance("62F", extract.last, extract.closing), "-"]
    return ("\r\n".join(lines) + "\r\n").encode()


_WRITERS: dict[Export, Callable[[Extract], bytes]] = {
    Export.CSV: _csv,
    Export.CSV_BALANCES: lambda extract: _csv(extract, balances=True),
    Export.DIALECT: _dialect,
    Export.OFX: _ofx,
    Export.CAMT: _camt,
    Export.CAMT_BALANCES: lambda extract: _camt(extract, balances=True),
    Export.MT940: _mt940,
}
