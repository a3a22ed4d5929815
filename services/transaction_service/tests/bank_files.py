"""camt.053 files as a bank would write them, for tests: with or without balances, ids and pending rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class BankRow:
    """A row in a bank's file; without an id the file states none."""

    day: date
    amount: Decimal
    text: str = "Bakery"
    bank_id: str = ""
    pending: bool = False


def march(day: int, amount: str, text: str = "Bakery", bank_id: str = "", *, pending: bool = False) -> BankRow:
    """A row of March 2026."""
    return BankRow(date(2026, 3, day), Decimal(amount), text, bank_id, pending)


def renamed(rows: Sequence[BankRow], mark: str) -> list[BankRow]:
    """The rows under other ids."""
    return [BankRow(row.day, row.amount, row.text, f"{mark}{n}", row.pending) for n, row in enumerate(rows)]


def camt(
    rows: Sequence[BankRow],
    *,
    opening: Decimal | None = None,
    first: date | None = None,
    last: date | None = None,
    account: str = "DE02120300000000202051",
) -> bytes:
    """A statement of these rows; with an opening balance it states the closing one too, so that it adds up."""
    balances = ""
    if opening is not None:
        closing = opening + sum((row.amount for row in rows if not row.pending), Decimal(0))
        balances = _balance("OPBD", opening, first) + _balance("CLBD", closing, last)
    period = f"<FrToDt><FrDtTm>{first}T00:00:00</FrDtTm><ToDtTm>{last}T23:59:59</ToDtTm></FrToDt>" if first else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">'
        "<BkToCstmrStmt><GrpHdr><MsgId>1</MsgId><CreDtTm>2026-11-01T00:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id>"
        f"<CreDtTm>2026-11-01T00:00:00</CreDtTm>{period}<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balances}{''.join(_entry(row) for row in rows)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _amount(amount: Decimal) -> str:
    sign = "CRDT" if amount >= 0 else "DBIT"
    return f'<Amt Ccy="EUR">{abs(amount)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _balance(code: str, amount: Decimal, day: date | None) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(amount)}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _entry(row: BankRow) -> str:
    reference = f"<AcctSvcrRef>{escape(row.bank_id)}</AcctSvcrRef>" if row.bank_id else ""
    return (
        f"<Ntry>{_amount(row.amount)}<Sts>{'PDNG' if row.pending else 'BOOK'}</Sts>"
        f"<BookgDt><Dt>{row.day}</Dt></BookgDt>{reference}"
        f"<NtryDtls><TxDtls><RmtInf><Ustrd>{escape(row.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
