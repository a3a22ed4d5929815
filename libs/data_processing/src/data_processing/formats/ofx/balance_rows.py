"""Rows that state a balance although they stand among the transactions, as banks in Brazil write them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_MAY_STATE_ONE = re.compile(
    r"\W*(?:s ?a ?l ?d|begin|e[in]*d|anfang|alter|neuer|akt|open|clos|start|prev|bala|ancien|nouv|sold)", re.IGNORECASE
).match
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_OF_A_SALDO: Final = (
    "anterior|inicial|final|atual|actual|parcial|total|dia|diario|disponivel|disponible|disponibile|contabil|contable|"
    "contabile|iniziale|finale|precedente|bloqueado"
)
_STATES_ONE = re.compile(
    rf"saldo(?: (?:do|del|da|em|en|na|conta|cuenta|corrente|corriente))*(?: (?:{_OF_A_SALDO}))"
    rf"(?: (?:do|del|da|em|en|na|conta|cuenta|corrente|corriente|{_OF_A_SALDO}))*"
    "|s a l d o|(?:begin|eind|anfangs|end)saldo|(?:alter|neuer|aktueller) kontostand"
    "|(?:opening|closing|beginning|starting|ending|previous) balance|balance (?:brought|carried) forward"
    "|(?:ancien|nouveau) solde|solde (?:initial|final|precedent|anterieur|disponible)"
)


def states_a_balance(text: str) -> bool:
    """Whether the text is the name of a balance and nothing else, but for days and marks around it.

    What may be the name of a shop or of a payment (``New Balance``, ``Saldo fattura 17``) is none.

    >>> states_a_balance("SALDO TOTAL DISPONÍVEL DIA"), states_a_balance("PIX SALDO ANTERIOR")
    (True, False)
    """
    if not _MAY_STATE_ONE(text):
        return False
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _STATES_ONE.fullmatch(_NOT_LETTERS.sub(" ", plain).strip()) is not None
