"""A user's own reading of a table: which column means what, and how its dates and numbers are written.

A mapping is plain data (``to_json``, ``mapping_from_json``), kept for a user and tried before the dialects that come
with the package wherever a file has the same header.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import blake2b
from typing import Final, cast, get_args

from data_processing.amounts import shortened
from data_processing.dates import DateOrder
from data_processing.formats.delimited.names import column_name
from data_processing.formats.delimited.profile import Account, Amount, Columns, Dates, Profile, Status

OWN_DIALECT: Final = "own"
"""What stands behind ``csv/`` in the format of a file that a user's mapping has read."""
ACCOUNT_TYPES: Final = ("checking", "savings", "credit_card", "investment", "loan")
DECIMAL_MARKS: Final = (".", ",")
THOUSANDS_MARKS: Final = ".,' "
CURRENCY_SIGNS: Final = "€$£¥₹₺₽₩₪฿₫₴₦₱¢"
_LONGEST_NAME: Final = 200
_MOST_WORDS: Final = 50


class ColumnRole(StrEnum):
    """What a column of a table means."""

    BOOKING_DATE = "booking_date"
    VALUE_DATE = "value_date"
    AMOUNT = "amount"
    DEBIT = "debit"
    CREDIT = "credit"
    DIRECTION = "direction"
    FEE = "fee"
    CURRENCY = "currency"
    COUNTERPARTY = "counterparty"
    COUNTERPARTY_ACCOUNT = "counterparty_account"
    TEXT = "text"
    REFERENCE = "reference"
    BALANCE = "balance"
    ACCOUNT = "account"
    ACCOUNT_NAME = "account_name"
    STATUS = "status"
    CATEGORY = "category"
    BANK_ID = "bank_id"
    IGNORED = "ignored"


SEVERAL: Final = frozenset({ColumnRole.TEXT, ColumnRole.IGNORED, ColumnRole.ACCOUNT_NAME})
"""The roles that several columns of a table may have."""


@dataclass(frozen=True, slots=True)
class MappingProblem:
    """Why a mapping cannot be used: the field, its value as it was given, and a sentence with the way out."""

    field: str
    value: str
    detail: str


class InvalidMapping(ValueError):  # noqa: N818 - named after what the mapping is
    """A mapping that cannot be used; ``problems`` name every reason."""

    def __init__(self, problems: Sequence[MappingProblem]) -> None:
        super().__init__(" ".join(problem.detail for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column: its name in the header (the second of one name is ``Name #2``) and what it means."""

    name: str
    role: ColumnRole


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMapping:
    """How the tables of one header are read. ``columns`` are all columns, in the order of the header.

    - ``decimal`` is the decimal mark; ``thousands`` are the marks that may separate groups of three digits.
    - ``date_order`` is ``either`` where every file has to settle it for itself.
    - ``inverted`` turns the sign of the amounts (cards that print purchases as positive).
    - ``out_words`` and ``in_words`` are the words of the direction column; ``debit_is_negative`` and
      ``credit_is_negative`` say which of the two columns is printed with a minus.
    - ``booked_words``, ``pending_words`` and ``left_out_words`` are the words of the status column; a row with any
      other word is refused.
    - ``currency`` is that of rows which state none, and may stand beside amounts; ``account_type`` is one of
      ``ACCOUNT_TYPES`` or empty.
    """

    columns: tuple[MappedColumn, ...]
    name: str = ""
    date_order: DateOrder = "either"
    decimal: str = ""
    thousands: str = ""
    currency_signs: str = ""
    inverted: bool = False
    debit_is_negative: bool = False
    credit_is_negative: bool = False
    out_words: tuple[str, ...] = ()
    in_words: tuple[str, ...] = ()
    booked_words: tuple[str, ...] = ()
    pending_words: tuple[str, ...] = ()
    left_out_words: tuple[str, ...] = ()
    currency: str = ""
    account_type: str = ""

    @property
    def header_key(self) -> str:
        """What files this mapping reads: a hash of the header's names."""
        return header_key([column.name for column in self.columns])

    def of(self, role: ColumnRole) -> tuple[str, ...]:
        """The names of the columns of a role."""
        return tuple(column.name for column in self.columns if column.role is role)

    def problems(self) -> tuple[MappingProblem, ...]:
        """Every reason why the mapping cannot be used; empty for one that can."""
        return (*_column_problems(self), *_money_problems(self), *_word_problems(self), *_plain_problems(self))

    def profile(self) -> Profile:
        """The mapping in the form that tables are read by; raises ``InvalidMapping``."""
        if problems := self.problems():
            raise InvalidMapping(problems)
        return self.draft()

    def draft(self) -> Profile:
        """The profile without a check, for showing how rows would be read."""

        def first(role: ColumnRole) -> str:
            return next(iter(self.of(role)), "")

        status = first(ColumnRole.STATUS)
        return Profile(
            dialect=OWN_DIALECT,
            title=self.name or "own mapping",
            header=tuple(column.name for column in self.columns),
            dates=Dates(
                booking=first(ColumnRole.BOOKING_DATE), order=self.date_order, value=first(ColumnRole.VALUE_DATE)
            ),
            amount=Amount(
                column=first(ColumnRole.AMOUNT),
                flag=first(ColumnRole.DIRECTION),
                out_values=self.out_words,
                in_values=self.in_words,
                money_out=first(ColumnRole.DEBIT),
                money_in=first(ColumnRole.CREDIT),
                out_is_negative=self.debit_is_negative,
                in_is_negative=self.credit_is_negative,
                fees=self.of(ColumnRole.FEE),
                inverted=self.inverted,
                decimal=self.decimal or ".",
                thousands=self.thousands,
                currency_signs=self.currency_signs,
                accounting=True,
                code=self.currency,
            ),
            columns=Columns(
                text=self.of(ColumnRole.TEXT),
                counterparty=first(ColumnRole.COUNTERPARTY),
                counterparty_account=first(ColumnRole.COUNTERPARTY_ACCOUNT),
                reference=first(ColumnRole.REFERENCE),
                bank_id=first(ColumnRole.BANK_ID),
                bank_category=first(ColumnRole.CATEGORY),
                currency=first(ColumnRole.CURRENCY),
                balance=first(ColumnRole.BALANCE),
            ),
            account=Account(
                type=self.account_type,
                currency=self.currency,
                number=first(ColumnRole.ACCOUNT),
                name=self.of(ColumnRole.ACCOUNT_NAME),
            ),
            status=Status(
                column=status, booked=self.booked_words, pending=self.pending_words, left_out=self.left_out_words
            )
            if status
            else None,
        )

    def to_json(self) -> dict[str, object]:
        """The mapping as plain data that JSON can hold."""
        document: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            document[item.name] = list(value) if isinstance(value, tuple) else value
        document["columns"] = [{"name": column.name, "role": column.role.value} for column in self.columns]
        return document


def header_key(names: Sequence[str]) -> str:
    """A stable hash of a header: case, spacing and the currency in brackets do not matter, the order does."""
    folded = "\x1f".join(column_name(name) for name in names)
    return blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _column_problems(mapping: CsvMapping) -> list[MappingProblem]:
    problems: list[MappingProblem] = []
    counts = Counter(column.role for column in mapping.columns)
    for role, count in counts.items():
        if count > 1 and role not in SEVERAL:
            names = ", ".join(shortened(name) for name in mapping.of(role))
            problems.append(
                MappingProblem("columns", names, f"Only one column can be the {role}; choose one of {names}.")
            )
    if not counts[ColumnRole.BOOKING_DATE]:
        problems.append(
            MappingProblem("columns", "", "No column is the booking_date; choose the one that dates a row.")
        )
    doubled = [name for name, count in Counter(column.name for column in mapping.columns).items() if count > 1]
    problems += [
        MappingProblem(
            "columns",
            shortened(name),
            f'Two columns are named "{shortened(name)}"; call the second one "{shortened(name)} #2".',
        )
        for name in doubled
    ]
    return problems


def _money_problems(mapping: CsvMapping) -> list[MappingProblem]:
    problems: list[MappingProblem] = []
    amount, debit, credit = (
        bool(mapping.of(role)) for role in (ColumnRole.AMOUNT, ColumnRole.DEBIT, ColumnRole.CREDIT)
    )
    if amount == (debit and credit) or (amount and (debit or credit)):
        problems.append(
            MappingProblem("columns", "", "Choose either one column as the amount, or one as debit and one as credit.")
        )
    if mapping.of(ColumnRole.DIRECTION) and not amount:
        problems.append(
            MappingProblem("columns", mapping.of(ColumnRole.DIRECTION)[0], "A direction column needs an amount column.")
        )
    if mapping.decimal not in DECIMAL_MARKS:
        problems.append(
            MappingProblem(
                "decimal",
                shortened(mapping.decimal),
                'Choose the decimal mark of the amounts: "." or ",". The file does not tell.',
            )
        )
    elif mapping.decimal in mapping.thousands:
        problems.append(
            MappingProblem(
                "thousands",
                mapping.thousands,
                f'"{mapping.decimal}" is the decimal mark and cannot be a thousands mark too.',
            )
        )
    if strange := set(mapping.thousands) - set(THOUSANDS_MARKS):
        problems.append(
            MappingProblem(
                "thousands",
                shortened(mapping.thousands),
                f'"{min(strange)}" is no thousands mark; choose among . , \' and a space.',
            )
        )
    if strange := set(mapping.currency_signs) - set(CURRENCY_SIGNS):
        problems.append(
            MappingProblem(
                "currency_signs",
                shortened(mapping.currency_signs),
                f'"{min(strange)}" is no currency sign; known: {CURRENCY_SIGNS}',
            )
        )
    return problems


def _word_problems(mapping: CsvMapping) -> list[MappingProblem]:
    problems: list[MappingProblem] = []
    if mapping.of(ColumnRole.DIRECTION) and not (mapping.out_words and mapping.in_words):
        problems.append(
            MappingProblem(
                "out_words", "", "A direction column needs the words for money out (out_words) and in (in_words)."
            )
        )
    if mapping.of(ColumnRole.STATUS) and not mapping.booked_words:
        problems.append(
            MappingProblem("booked_words", "", "A status column needs the words of booked rows (booked_words).")
        )
    for group in (("out_words", "in_words"), ("booked_words", "pending_words", "left_out_words")):
        seen: dict[str, str] = {}
        for key in group:
            for word in cast(tuple[str, ...], getattr(mapping, key)):
                other = seen.setdefault(word.casefold(), key)
                if other != key:
                    problems.append(
                        MappingProblem(
                            key, shortened(word), f'"{shortened(word)}" stands in {other} and in {key}; keep it in one.'
                        )
                    )
    problems += [
        MappingProblem(item.name, "", f"{item.name} may hold {_MOST_WORDS} words of {_LONGEST_NAME} characters.")
        for item in fields(mapping)
        if item.name.endswith("_words") and _too_many(getattr(mapping, item.name))
    ]
    return problems


def _too_many(listed: Sequence[str]) -> bool:
    return len(listed) > _MOST_WORDS or any(len(word) > _LONGEST_NAME for word in listed)


def _plain_problems(mapping: CsvMapping) -> list[MappingProblem]:
    problems: list[MappingProblem] = []
    if mapping.date_order not in get_args(DateOrder):
        problems.append(
            MappingProblem(
                "date_order", shortened(mapping.date_order), "Choose day, month or either as the date_order."
            )
        )
    code = mapping.currency
    if code and not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        problems.append(
            MappingProblem(
                "currency",
                shortened(code),
                f'"{shortened(code)}" is no ISO 4217 code such as EUR; leave it empty if rows differ.',
            )
        )
    if mapping.account_type and mapping.account_type not in ACCOUNT_TYPES:
        problems.append(
            MappingProblem(
                "account_type",
                shortened(mapping.account_type),
                f"Choose one of {', '.join(ACCOUNT_TYPES)} as the account_type, or leave it empty.",
            )
        )
    return problems
