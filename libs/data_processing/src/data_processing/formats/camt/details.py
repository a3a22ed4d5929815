"""One transaction detail (TxDtls): a payment behind an entry."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element

from data_processing.formats.camt.elements import inner, text_of
from data_processing.formats.camt.values import bounded, exact_amount, joined, reference, turned
from data_processing.formats.row_checks import currency_code
from data_processing.statement import EntryDetail

_REFERENCES = ("EndToEndId", "TxId", "InstrId", "PmtInfId", "ChqNb", "MndtId")


@dataclass(frozen=True, slots=True)
class Payment:
    """What the transaction details say; ``element`` is kept for the amounts in other currencies."""

    element: Element
    text: str
    reference: str | None
    bank_id: str | None

    def counterparty(self, *, money_in: bool) -> tuple[str | None, str | None]:
        """Name and account of the other side: the debtor of money that came in, else the creditor."""
        parties = self.element.find("RltdPties")
        side = "Dbtr" if money_in else "Cdtr"
        name = _name(inner(parties, side)) or _name(inner(parties, f"Ultmt{side}"))
        return name or None, account_number(inner(parties, f"{side}Acct")) or None

    def detail(self, entry: Element, *, money_in: bool) -> EntryDetail:
        """The payment as a part of its entry."""
        amount, currency = self._amount(entry)
        name, account = self.counterparty(money_in=money_in)
        return EntryDetail(amount, currency, self.text, name, account, self.reference)

    def _amount(self, entry: Element) -> tuple[Decimal | None, str | None]:
        for found in (self.element.find("Amt"), inner(self.element, "AmtDtls", "TxAmt", "Amt")):
            if found is None:
                continue
            direction = text_of(self.element, "CdtDbtInd") or text_of(entry, "CdtDbtInd")
            try:
                return turned(exact_amount(text_of(found)), direction), currency_code(found.get("Ccy", ""))
            except ValueError:
                continue
        return None, None


def payment(element: Element) -> Payment:
    """The details of one payment; raises ``ValueError`` for a text longer than any bank's."""
    references = element.find("Refs")
    candidates = (reference(text_of(references, name)) for name in _REFERENCES)
    return Payment(
        element,
        bounded(joined([*_remittance(element.find("RmtInf")), text_of(element, "AddtlTxInf"), *_returned(element)])),
        next((found for found in candidates if found), None),
        reference(text_of(references, "AcctSvcrRef")),
    )


def account_number(account: Element | None) -> str:
    """The number of an account, in any of the ways the versions write it."""
    identification = inner(account, "Id")
    for path in (("IBAN",), ("Othr", "Id"), ("BBAN",), ("PrtryAcct", "Id"), ("UPIC",)):
        if number := text_of(identification, *path):
            return number
    return ""


def _name(party: Element | None) -> str:
    return text_of(party, "Nm") or text_of(party, "Pty", "Nm") or text_of(party, "Agt", "FinInstnId", "Nm")


def _remittance(information: Element | None) -> list[str]:
    if information is None:
        return []
    parts = [text_of(line) for line in information.findall("Ustrd")]
    for structured in information.findall("Strd"):
        parts.append(text_of(structured, "CdtrRefInf", "Ref"))
        parts += [text_of(line) for line in structured.findall("AddtlRmtInf")]
    return parts


def _returned(element: Element) -> list[str]:
    found = element.find("RtrInf")
    if found is None:
        return []
    reason = text_of(found, "Rsn", "Cd") or text_of(found, "Rsn", "Prtry")
    return [reason, *(text_of(line) for line in found.findall("AddtlInf"))]
