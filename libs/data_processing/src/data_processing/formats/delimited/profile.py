"""A bank's CSV dialect as data: which columns there are, what they mean, how numbers and dates are written.

Each file ``profiles/<dialect>.toml`` is one profile; adding a dialect is adding a file. The keys are the fields of the
classes below. A column is named as in the bank's header; ``(EUR)`` or any other currency code in brackets matches every
currency and tells the amounts' currency, and the second column of one name is ``Name #2``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar, cast, get_args

from data_processing.dates import DateOrder
from data_processing.statement import BalanceKind

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """Booking and value date; ``pending`` is the column that dates a row which has no booking date yet."""

    booking: str
    order: DateOrder
    value: str = ""
    pending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One signed ``column``; or ``column`` with a direction ``flag``; or two columns, money ``out`` and money ``in``.

    ``inverted`` is for cards that print purchases as positive; ``fees`` are columns that are taken off on top,
    printed with a minus where ``fees_are_negative``.
    ``out_is_negative`` and ``in_is_negative`` say which of the two columns is printed with a minus. Without
    ``whole_groups`` a number such as ``1,234`` is refused: it may be a decimal comma. With ``accounting`` the numbers
    ``(12.50)`` and ``12.50-`` are negative, and ``code`` may stand beside any number. With ``optional`` a row without
    an amount moves no money, such as shares that are moved, and is left out.
    """

    column: str = ""
    flag: str = ""
    out_values: tuple[str, ...] = ()
    in_values: tuple[str, ...] = ()
    money_out: str = ""
    money_in: str = ""
    out_is_negative: bool = False
    in_is_negative: bool = False
    fees: tuple[str, ...] = ()
    fees_are_negative: bool = False
    inverted: bool = False
    decimal: str = "."
    thousands: str = ""
    whole_groups: bool = True
    currency_signs: str = ""
    accounting: bool = False
    code: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the other columns mean. Several text columns are joined; ``counterparty_in`` is the payer of money in.

    ``original_amount`` and ``original_currency`` say what was paid in another currency than that of the account.
    """

    text: tuple[str, ...] = ()
    counterparty: str = ""
    counterparty_in: str = ""
    counterparty_account: str = ""
    reference: str = ""
    bank_id: str = ""
    bank_category: str = ""
    currency: str = ""
    balance: str = ""
    original_amount: str = ""
    original_currency: str = ""
    exchange_rate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How the file names the user's own account: by columns, or by a pattern (one group) above the header.

    ``name`` columns are joined. With ``shared_name`` the name is the same for every customer (``Current``), so it only
    tells the accounts of one file apart and does not identify one.
    """

    type: str = ""
    currency: str = ""
    number: str = ""
    bank: str = ""
    name: tuple[str, ...] = ()
    shared_name: bool = False
    number_above: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Which rows are booked, which are pending, and which move no money and are left out."""

    column: str
    booked: tuple[str, ...]
    pending: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLine:
    """A line above or below the rows that states a balance: told by the line or by the column that holds it.

    ``line`` is a pattern with a group ``amount``, and a group ``date`` where the line has one. It is looked for in the
    line's cells, joined by the delimiter.
    """

    kind: BalanceKind
    line: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One dialect. Every column of ``header`` must be there, in any order; columns outside ``optional`` must not.

    With ``continued`` a row without date and amount goes on with the text of the row above it, and with ``text_behind``
    the cells behind the last named column go on with it.

    ``balances`` are lines beside the rows whose balance is taken. ``left_out`` gives, for further columns, the words of
    rows that are left out, because they move no money.
    """

    dialect: str
    title: str
    header: tuple[str, ...]
    dates: Dates
    amount: Amount
    columns: Columns
    optional: tuple[str, ...] = ()
    any_columns: bool = False
    continued: bool = False
    text_behind: bool = False
    balances: tuple[BalanceLine, ...] = ()
    left_out: tuple[tuple[str, tuple[str, ...]], ...] = ()
    account: Account = field(default_factory=Account)
    status: Status | None = None


@cache
def profiles() -> tuple[Profile, ...]:
    """Every dialect that comes with the package, by name."""
    folder = files("data_processing") / "profiles"
    sources = sorted((item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name)
    return tuple(
        profile_from(item.name.removesuffix(".toml"), tomllib.loads(item.read_text(encoding="utf-8")))
        for item in sources
    )


def profile_from(dialect: str, document: Mapping[str, object]) -> Profile:
    """The profile that a TOML document describes; raises ``ValueError`` naming the dialect and the wrong key."""
    sections: dict[str, type[object]] = {
        "dates": Dates,
        "amount": Amount,
        "columns": Columns,
        "account": Account,
        "status": Status,
    }
    values: dict[str, object] = {"dialect": dialect}
    for key, value in document.items():
        if key == "balances":
            lines = cast(Sequence[Mapping[str, object]], value)
            values[key] = tuple(_section(dialect, BalanceLine, line) for line in lines)
            continue
        if key == "left_out":
            left_out = cast(Mapping[str, Sequence[str]], value)
            values[key] = tuple((column, tuple(words)) for column, words in left_out.items())
            continue
        kind = sections.get(key)
        values[key] = _section(dialect, kind, cast(Mapping[str, object], value)) if kind else value
    profile = _section(dialect, Profile, values)
    _check(profile)
    return profile


def _section(dialect: str, kind: type[Section], values: Mapping[str, object]) -> Section:
    known = {item.name for item in fields(cast(Any, kind))}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"profile {dialect}: unknown key {unknown[0]}; known: {', '.join(sorted(known))}")
    frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        return kind(**frozen)
    except TypeError as error:
        raise ValueError(f"profile {dialect}: {error}") from error


def _check(profile: Profile) -> None:
    amount = profile.amount
    if profile.dates.order not in get_args(DateOrder):
        raise ValueError(f'profile {profile.dialect}: dates.order is "{profile.dates.order}", not day, month or either')
    if bool(amount.column) == bool(amount.money_out and amount.money_in):
        raise ValueError(f"profile {profile.dialect}: amount wants either column, or money_out and money_in")
    needed = {profile.dates.booking, amount.column, amount.flag, amount.money_out, amount.money_in} - {""}
    if optional := sorted(needed - set(profile.header)):
        raise ValueError(f'profile {profile.dialect}: column "{optional[0]}" must be in header')
    named = {
        *(profile.dates.value, profile.dates.pending, *amount.fees),
        *profile.columns.text,
        *(getattr(profile.columns, item.name) for item in fields(profile.columns) if item.name != "text"),
        *(profile.account.number, profile.account.bank, *profile.account.name),
        *((profile.status.column,) if profile.status else ()),
        *(column for column, _ in profile.left_out),
        *(line.column for line in profile.balances),
    }
    if missing := sorted(named - {""} - {*profile.header, *profile.optional}):
        raise ValueError(f'profile {profile.dialect}: column "{missing[0]}" is neither in header nor in optional')
