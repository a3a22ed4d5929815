"""Merchant names from raw bank text: one table of rules, for one text or for a column of any engine.

The patterns keep to what Python, Rust (Polars, Sail), RE2 (DuckDB) and Java (Spark) read alike: no look-around, no
references, no `\\b`, `\\d`, `\\s` or flags, whose Unicode reach differs; characters are named outright. Replacements
are plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from narwhals.typing import FrameT, IntoFrameT

_BATCH = 8

_CompiledRule = tuple[str, Callable[[str, str], str], str]
"""What every match holds, the substitution, and the replacement."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Replace every match of `pattern` by `replacement`; `reason` says what the rule is about.

    Every match holds `needs`, so that a single text without it is passed over quickly.
    """

    pattern: str
    replacement: str
    reason: str
    needs: str = ""


def _any_of(words: str) -> str:
    """Give an alternation that tries longer phrases first, as leftmost-first matching needs."""
    phrases = [phrase.strip() for phrase in words.split("|")]
    return "|".join(sorted(phrases, key=len, reverse=True))


_DASHES = "\\-\u2010-\u2015"
_SPACES = "\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff"
_LONGEST = 200

_PAYMENT_WORDS = _any_of(
    "POS MERCHANDISE|POS PURCHASE|POS DEBIT|POS WITHDRAWAL|POS|CHECKCARD [0-9]{4}|CHECKCARD|ACH DEBIT|ACH"
    "|CARD PAYMENT TO|CARD PAYMENT|CARD PURCHASE|CONTACTLESS PAYMENT|CONTACTLESS|PURCHASE AT|PURCHASE"
    "|DEBIT CARD PURCHASE|DEBIT CARD PAYMENT|DEBIT CARD|DEBIT PURCHASE|CREDIT CARD PURCHASE"
    "|VISA DEBIT PURCHASE|VISA PURCHASE|VISA DEBIT|MASTERCARD ZAHLUNG|GIROCARD"
    "|DIRECT DEBIT PAYMENT TO|DIRECT DEBIT TO|DIRECT DEBIT|STANDING ORDER TO|STANDING ORDER|RECURRING PAYMENT"
    "|BILL PAYMENT TO|BILL PAYMENT|ONLINE PAYMENT TO|ONLINE PAYMENT|FASTER PAYMENT TO|BANK TRANSFER TO"
    "|PAYMENT TO|PAYMENT|REFUND FROM|REFUND|AUTOMATIC WITHDRAWAL|MISCELLANEOUS PAYMENTS"
    "|SEPA BASISLASTSCHRIFT|SEPA LASTSCHRIFT|SEPA ÜBERWEISUNG|SEPA DIRECT DEBIT|BASISLASTSCHRIFT|FOLGELASTSCHRIFT"
    "|LASTSCHRIFT|KARTENZAHLUNG|DAUERAUFTRAG|ÜBERWEISUNG|GUTSCHRIFT"
    "|PAGO EN|PAGO CON TARJETA EN|COMPRA EN|COMPRA|RECIBO|DEVOLUCIÓN TARJETA|BETAALAUTOMAAT|BETAALPAS|INCASSO"
    "|PAIEMENT PAR CARTE|PAIEMENT CB|ACHAT CB|PRLV SEPA|PRELEVEMENT|VIR SEPA|PAGAMENTO POS|ADDEBITO SEPA"
)
_CHECKOUTS = _any_of(
    "SQ|TST|PP|PAYPAL|PAYPAL INST XFER|SUMUP|IZ|IZETTLE|ZETTLE|ZTL|STRIPE|SP|SPO|DNH|GOOGLE|APPLE PAY"
    "|CKO|FS|EB|PY|BT|DRI|MOLLIE|ADYEN|KLARNA|CCV|NYX"
)
_MONTHS = "JAN|FEB|MAR|APR|MAY|MAI|JUN|JUL|AUG|SEP|OCT|OKT|NOV|DEC|DEZ"
_FIRMS = (
    _any_of(
        "GMBH|GMBH & CO KG|GMBH & CO|GMBH & CO. KG|GMBH U. CO. KG|GMBH UND CO KG|GMBH + CO. KG|GMBH + CO KG|MBH|UG"
        "|AG|SE|KG|KGAA|OHG|E.K|LTD|LIMITED|PLC|INC|LLC|LLP|CORP|SA|S.A|SAS"
        "|SARL|S.A.R.L|SL|S.L|SLU|S.L.U|SPA|S.P.A|SRL|S.R.L|BV|B.V|NV|N.V|OY|AB|A/S|APS|PTY LTD|PTY"
    )
    .replace(".", "\\.")
    .replace("+", "\\+")
)
_COUNTRIES = "USA|GBR|DEU|FRA|ESP|ITA|NLD|BEL|AUT|CHE|IRL|LUX|PRT|US|GB|UK|DE|FR|ES|IT|NL|BE|AT|CH|IE|LU|PT"
_DOMAINS = "COM|NET|ORG|EU|INFO|CO\\.UK|DE|FR|ES|IT|NL|BE|AT|CH|IE|US"

BEFORE_CAPITALS = (
    Rule(f"[{_SPACES}]+", " ", "line breaks, tabs and wide spaces are spaces"),
    # The capitals of the characters from here on differ between the engines' Unicode libraries.
    Rule("[\u00df\u1e9e]", "SS", "sharp s"),
    Rule("\u0149", "N", "n with apostrophe"),
    Rule("\u01f0", "J", "j with caron"),
    Rule("[\u0390\u1fd2\u1fd3\u1fd6\u1fd7]", "\u03aa", "iota with two accents"),
    Rule("[\u03b0\u1fe2\u1fe3\u1fe6\u1fe7]", "\u03ab", "upsilon with two accents"),
    Rule("\u0587", "\u0535\u0552", "Armenian ligature"),
    Rule("\ufb00", "FF", "ligature"),
    Rule("\ufb01", "FI", "ligature"),
    Rule("\ufb02", "FL", "ligature"),
    Rule("\ufb03", "FFI", "ligature"),
    Rule("\ufb04", "FFL", "ligature"),
    Rule("[\ufb05\ufb06]", "ST", "ligature"),
    Rule(
        "[\u019b\u0264\u0277\u027c\u1e96-\u1e9a\u1f50\u1f52\u1f54\u1f56\u1f80-\u1faf\u1fb2-\u1fb4\u1fb6\u1fb7\u1fbc\u1fc2-\u1fc4"
        "\u1fc6\u1fc7\u1fcc\u1fe4\u1ff2-\u1ff4\u1ff6\u1ff7\u1ffc\ua7d3\ua7d5\uab4b\uab4c\ufb13-\ufb17]",
        "",
        "ancient Greek, phonetic letters and ligatures that no bank writes",
    ),
)
"""Applied first, to the text as it came."""

_CUTS = (
    r" ?\*.*",  # an order or trip: AMZN MKTP US*2K4
    r" ?#.*",  # a shop number: STARBUCKS #1234 SEATTLE
    r"//.*",  # a place: REWE//BERLIN/DE
    r" (ON )?[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?",  # a date
    r" (ON )?[0-9]{1,2}[./-][0-9]{1,2}([./-][0-9]{2,4})?( .*)?",
    f" (ON )?[0-9]{{1,2}} ?({_MONTHS})[A-Z]*( ?[0-9]{{2,4}})?( .*)?",
    r" [0-9]+([.,][0-9]+)? [A-Z]{3} ?= ?[0-9].*",  # an exchange rate
    r" [0-9]+[.,][0-9]{2} ?[A-Z]{3}([ ,].*)?",  # an amount in foreign currency
    r" (STORE|NO|NR|FIL|FILIALE|REF|ID|TERMINAL|TERM)[.:]? ?[0-9].*",  # a shop or terminal number
    r"[ ,]+[X*]*[0-9]{3,}([^A-Z].*)?",  # a shop, phone or card number
    r" (SAGT DANKE|DANKT|SAYS THANK YOU).*",
)

AFTER_CAPITALS = (
    Rule("^[ .,:;*/#_]+", "", "leading punctuation"),
    Rule(f"^(({_PAYMENT_WORDS})[ :;,.*{_DASHES}]+)+", "", "how it was paid, in front of who was paid"),
    Rule(f"^({_CHECKOUTS})[ _]?\\* *", "", "the checkout in front of the shop: SQ *, PAYPAL *", "*"),
    Rule(r"^(HTTPS?:/*)?WWW\.|^HTTPS?:/*", "", "the start of a web address"),
    Rule(r" ?\([^()]*\)", " ", "remarks in brackets", "("),
    Rule(f"({'|'.join(_CUTS)})$", "", "details after the name, from the first one on"),
    Rule("[ .,:;/#_]+$", "", "trailing punctuation, in front of the next rules"),
    Rule(f"\\.({_DOMAINS})(/[^ ]*)?( |$)", " ", "the end of a web address: NETFLIX.COM", "."),
    Rule(f"[ ,]+({_COUNTRIES})$", "", "a country at the end"),
    Rule(f"([ ,]+({_FIRMS})\\.?)+$", "", "the legal form at the end"),
    Rule("^(AMZN|AMAZON) (MKTP|MKTPLACE|MARKETPLACE|PAYMENTS|EU|RETAIL|DIGITAL).*$|^AMZN$", "AMAZON", "one shop", "AM"),
    Rule("^MC ?DONALD[’']?S$", "MCDONALD'S", "one shop", "DONALD"),
    Rule("^TESCO[ -](STORES?|EXPRESS|EXTRA|METRO|SUPERSTORE|PFS|PAY AT PUMP).*$", "TESCO", "one shop", "TESCO"),
    Rule(f"^[ .,:;*/_{_DASHES}]+|[ .,:;*/_{_DASHES}]+$", "", "what the other rules left at the ends"),
    Rule(" +", " ", "single spaces", "  "),
)
"""Applied to the capitals of the text."""


def merchant_name(text: str) -> str:
    """Give the merchant's name in raw bank text, in capitals.

    Takes away how it was paid, checkouts, dates, shop and card numbers, countries, legal forms and parts of web
    addresses. Where nothing is left (`***`, `#12`), the text itself is the name, in capitals and single spaces. Only
    the first 200 characters are looked at.

    Parameters
    ----------
    text
        The counterparty or description as the bank wrote it.

    Returns
    -------
    str
        The name, the same as `add_merchant_names` gives on every engine; empty only for text without visible
        characters.

    Examples
    --------
    >>> merchant_name("POS MERCHANDISE;MCDONALD'S #112")
    "MCDONALD'S"
    >>> merchant_name("Paypal *Spotify")
    'SPOTIFY'
    >>> merchant_name("REWE Markt GmbH//Köln/DE 2024-01-05T18:30")
    'REWE MARKT'
    >>> merchant_name("  4711 ")
    '4711'
    """
    before, after = _compiled()
    # Of the first rules only the one of spaces is about characters of ASCII.
    plain = _apply(before[:1] if text.isascii() else before, text).strip(" ").upper()[:_LONGEST]
    return _apply(after, plain) or plain


def add_merchant_names(frame: IntoFrameT, *, text: str, name: str = "merchant") -> IntoFrameT:
    """Give the frame with one more column: `merchant_name` of every value of a text column.

    Parameters
    ----------
    frame
        A Polars, pandas, PyArrow, DuckDB or Spark frame.
    text
        The column with the raw bank text; null stays null.
    name
        The column to add (or to replace).

    Returns
    -------
    frame of the given kind

    Examples
    --------
    >>> import polars as pl
    >>> add_merchant_names(pl.DataFrame({"raw": ["SQ *BLUE BOTTLE", None]}), text="raw")["merchant"].to_list()
    ['BLUE BOTTLE', None]
    """
    import narwhals as nw

    named_frame: IntoFrameT = named(nw.from_native(frame), text, name).to_native()
    return named_frame


def named(rows: FrameT, text: str, name: str) -> FrameT:
    """Do the work of `add_merchant_names` on a Narwhals frame.

    The rules go in batches, one derived column each: all nested in one expression, they are deeper than the 100
    levels that a Spark Connect message may have.
    """
    import narwhals as nw

    plain = name + "_plain"
    rows = _applied(rows.with_columns(nw.col(text).cast(nw.String()).alias(name)), BEFORE_CAPITALS, name)
    rows = rows.with_columns(nw.col(name).str.strip_chars(" ").str.to_uppercase().str.head(_LONGEST).alias(plain))
    rows = _applied(rows.with_columns(nw.col(plain).alias(name)), AFTER_CAPITALS, name)
    found = nw.when(nw.col(name) == "").then(nw.col(plain)).otherwise(nw.col(name))
    return rows.with_columns(found.alias(name)).drop(plain)


def _applied(rows: FrameT, rules: tuple[Rule, ...], column: str) -> FrameT:
    import narwhals as nw

    for start in range(0, len(rules), _BATCH):
        replaced = nw.col(column)
        for rule in rules[start : start + _BATCH]:
            replaced = replaced.str.replace_all(rule.pattern, rule.replacement)
        rows = rows.with_columns(replaced.alias(column))
    return rows


def _apply(rules: tuple[_CompiledRule, ...], text: str) -> str:
    for needs, substitute, replacement in rules:
        if needs in text:
            text = substitute(replacement, text)
    return text


@cache
def _compiled() -> tuple[tuple[_CompiledRule, ...], tuple[_CompiledRule, ...]]:
    """Give the rules before and after the capitals."""
    before, after = (
        tuple((rule.needs, re.compile(rule.pattern).sub, rule.replacement) for rule in rules)
        for rules in (BEFORE_CAPITALS, AFTER_CAPITALS)
    )
    return before, after
