"""OFX statements in which a bank takes rows back by CORRECTFITID, and what tests ask of the ledger then."""

from typing import Any

import httpx2


def statement(*rows: str) -> bytes:
    """A statement of one account."""
    return (
        "<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>77<ACCTID>1234<ACCTTYPE>CHECKING"
        f"</BANKACCTFROM><BANKTRANLIST>{''.join(rows)}</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    ).encode()


def row(
    fitid: str, amount: str, *, corrects: str = "", action: str = "", day: str = "20260402", name: str = "Tea"
) -> str:
    """A row, which may correct an earlier one."""
    correction = f"<CORRECTFITID>{corrects}<CORRECTACTION>{action}" if corrects else ""
    return f"<STMTTRN><DTPOSTED>{day}<TRNAMT>{amount}<FITID>{fitid}{correction}<NAME>{name}</STMTTRN>"


OLD = statement(row("F1", "-10.00"), row("F2", "-5.00", name="Cake"))
REPLACED = statement(row("F9", "-12.00", corrects="F1", action="REPLACE"))
DELETED = statement(row("F8", "-10.00", corrects="F1", action="DELETE"))


async def amounts(household: Any) -> list[str]:
    """The amounts of all rows that stand, sorted."""
    return sorted(found["amount"] for found in await household.rows())


async def undo(client: httpx2.AsyncClient, booked: dict[str, object]) -> None:
    """Undo an import."""
    assert (await client.post(f"/v1/imports/{booked['id']}/undo")).status_code == 200
