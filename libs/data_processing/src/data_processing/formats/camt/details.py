"""One transaction detail (TxDtls): a payment behind an entry."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from data_processing.formats.camt.elements import Record
from data_processing.formats.camt.values import bounded, exact_amount, joined, reference, turned
from data_processing.formats.row_checks import currency_code
from data_processing.statement import EntryDetail

_REFERENCES: Final = tuple(f"Refs/{name}" for name in ("EndToEndId", "TxId", "InstrId", "PmtInfId", "ChqNb", "MndtId"))
_NAME: Final = ("Nm", "Pty/Nm", "Agt/FinInstnId/Nm")
_NUMBER: Final = tuple(f"Id/{name}" for name in ("IBAN", "Othr/Id", "BBAN", "PrtryAcct/Id", "UPIC"))
_NAMES: Final = {
    side: tuple(f"RltdPties/{party}/{name}" for party in (side, f"Ultmt{side}") for name in _NAME)
    for side in ("Dbtr", "Cdtr")
}
_NUMBERS: Final = {side: tuple(f"RltdPties/{side}Acct/{path}" for path in _NUMBER) for side in ("Dbtr", "Cdtr")}

Party = tuple[str | None, str | None]
"""Name and account of the other side of a payment."""


class Payment(NamedTuple):
    """What the transaction details say; ``record`` is kept for the amounts in other currencies."""

    record: Record
    text: str
    reference: str | None
    bank_id: str | None

    def counterparty(self, *, credited: bool, reversal: bool) -> Party:
        """Name and account of the other side: the debtor of money that came in, else the creditor.

        A reversal has the parties of the original; some banks turn them, so what stands alone is taken.
        """
        text = self.record.text
        side, opposite = ("Dbtr", "Cdtr") if credited is not reversal else ("Cdtr", "Dbtr")
        name, account = text(*_NAMES[side]), text(*_NUMBERS[side])
        if reversal and not name and not account:
            name, account = text(*_NAMES[opposite]), text(*_NUMBERS[opposite])
        return name or None, account or None

    def detail(self, entry: Record, party: Party) -> EntryDetail:
        """The payment as a part of its entry."""
        amount, currency = self._amount(entry)
        return EntryDetail(amount, currency, self.text, *party, self.reference)

    def _amount(self, entry: Record) -> tuple[Decimal | None, str | None]:
        texts = self.record.texts
        for path in ("Amt", "AmtDtls/TxAmt/Amt"):
            if path not in texts:
                continue
            direction = texts.get("CdtDbtInd") or entry.text("CdtDbtInd")
            try:
                return turned(exact_amount(texts[path]), direction), currency_code(texts.get(f"{path}@Ccy", ""))
            except ValueError:
                continue
        return None, None


def payment(record: Record) -> Payment:
    """The details of one payment; raises ``ValueError`` for a text longer than any bank's."""
    texts = record.texts
    found = None
    for path in _REFERENCES:
        if path in texts and (found := reference(texts[path])):
            break
    return Payment(record, bounded(joined(_told(record))), found, reference(texts.get("Refs/AcctSvcrRef", "")))


def account_number(account: Record) -> str:
    """The number of an account, in any of the ways the versions write it."""
    return account.text(*_NUMBER)


def _told(record: Record) -> list[str]:
    """What the payer wrote, what the bank adds, and why a payment came back."""
    lists, texts = record.lists, record.texts
    parts = list(lists.get("RmtInf/Ustrd", ()))
    parts += lists.get("RmtInf/Strd", ())
    if "AddtlTxInf" in texts:
        parts.append(texts["AddtlTxInf"])
    if returned := record.text("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"):
        parts.append(returned)
    parts += lists.get("RtrInf/AddtlInf", ())
    return parts
