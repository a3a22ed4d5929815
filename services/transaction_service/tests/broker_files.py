"""Statements of an investment account, written transaction by transaction."""

CASH = "<INVBANKTRAN><STMTTRN><DTPOSTED>{day}<TRNAMT>{amount}<FITID>{fitid}<NAME>Deposit</STMTTRN></INVBANKTRAN>"
BUY = (
    "<BUYMF><INVBUY><INVTRAN><FITID>{fitid}<DTTRADE>{day}</INVTRAN><SECID><UNIQUEID>{security}<UNIQUEIDTYPE>ISIN</SECID>"
    "<UNITS>{units}<UNITPRICE>10.125<COMMISSION>1.00<TOTAL>{amount}</INVBUY></BUYMF>"
)
DIVIDEND = (
    "<INCOME><INVTRAN><FITID>{fitid}<DTTRADE>{day}</INVTRAN><SECID><UNIQUEID>{security}<UNIQUEIDTYPE>ISIN</SECID>"
    "<INCOMETYPE>DIV<TOTAL>{amount}</INCOME>"
)
IN_KIND = (
    "<TRANSFER><INVTRAN><FITID>{fitid}<DTTRADE>{day}</INVTRAN><SECID><UNIQUEID>{security}<UNIQUEIDTYPE>ISIN</SECID>"
    "<UNITS>{units}<TFERACTION>IN</TRANSFER>"
)
WORLD, BONDS = "IE00B4L5Y983", "IE00B3F81R35"


def held(security: str, units: str, value: str, part: str = "CASH") -> str:
    """A position."""
    return (
        f"<POSMF><INVPOS><SECID><UNIQUEID>{security}<UNIQUEIDTYPE>ISIN</SECID><HELDINACCT>{part}<POSTYPE>LONG"
        f"<UNITS>{units}<UNITPRICE>10.5<MKTVAL>{value}</INVPOS></POSMF>"
    )


def broker(*transactions: str, as_of: str = "20260430", positions: str | None = "", names: bool = True) -> bytes:
    """A statement of an investment account."""
    described = "".join(
        f"<MFINFO><SECINFO><SECID><UNIQUEID>{security}<UNIQUEIDTYPE>ISIN</SECID><SECNAME>{name}</SECINFO></MFINFO>"
        for security, name in [(WORLD, "World Fund"), (BONDS, "Bond Fund")]
        if names
    )
    listed = f"<INVPOSLIST>{positions}</INVPOSLIST>" if positions is not None else ""
    return (
        f"<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><DTASOF>{as_of}<CURDEF>EUR<INVACCTFROM><BROKERID>b.example"
        f"<ACCTID>X1</INVACCTFROM><INVTRANLIST>{''.join(transactions)}</INVTRANLIST>{listed}"
        f"</INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1><SECLISTMSGSRSV1><SECLIST>{described}</SECLIST></SECLISTMSGSRSV1></OFX>"
    ).encode()


DEPOSIT = CASH.format(day="20260401", amount="1000.00", fitid="C1")
BOUGHT = BUY.format(fitid="B1", day="20260402", security=WORLD, units="12.3456789", amount="-126.00")
PAID = DIVIDEND.format(fitid="D1", day="20260410", security=WORLD, amount="3.21")
MOVED = IN_KIND.format(fitid="T1", day="20260415", security=BONDS, units="40")


TAKEN_BACK = CASH.format(day="20260401", amount="1000.00", fitid="C9<CORRECTFITID>C1<CORRECTACTION>DELETE")
