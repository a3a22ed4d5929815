"""CSV: every dialect reads rows of its own header: day, amount with its sign, currency, words, account."""

import csv
import re
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from data_processing import read_statement_file
from data_processing.formats.delimited.profile import profiles

PROFILES = {profile.dialect: profile for profile in profiles()}
SPENT, EARNED = Decimal("-1012.34"), Decimal("987.60")


def cells_of(profile, amount):
    """One row by the names of its columns, as the dialect writes it."""
    dates, money, columns, own = profile.dates, profile.amount, profile.columns, profile.account

    def written(number):
        return f"{number:f}".replace(".", money.decimal)

    day = "04/13/2026" if dates.order == "month" else "13/04/2026"
    cells = {dates.booking: day, dates.value: day}
    if money.flag:
        cells |= {money.column: written(abs(amount))}
        cells |= {money.flag: (money.out_values if amount < 0 else money.in_values)[0]}
    elif money.column:
        cells |= {money.column: written(-amount if money.inverted else amount)}
    else:
        column, turned = (
            (money.money_out, money.out_is_negative) if amount < 0 else (money.money_in, money.in_is_negative)
        )
        cells |= {column: written(-abs(amount) if turned else abs(amount))}
    if profile.status:
        cells[profile.status.column] = profile.status.booked[0]
    others = {
        columns.currency: "EUR",
        own.number: "ACC-1",
        own.bank: "BANK-1",
        columns.counterparty: "Mia",
        columns.counterparty_in: "Ben",
        columns.counterparty_account: "ACC-2",
        columns.bank_id: f"ID-{amount}",
        columns.reference: "REF-1",
        columns.balance: "",
        columns.bank_category: "Fun",
    }
    return {**dict.fromkeys([*own.name, *columns.text], "Kiosk"), **others, **cells}


def file_of(profile):
    """The dialect's header with one row of money out and one of money in."""
    rows = [cells_of(profile, SPENT), cells_of(profile, EARNED)]
    used = {name for row in rows for name in row} - {""}
    header = [*profile.header, *(name for name in profile.optional if name in used)]
    text = StringIO()
    writer = csv.writer(text, delimiter=";" if profile.amount.decimal == "," else ",")
    writer.writerow([re.sub(r" #\d$|^Column \d+$", "", name) for name in header])
    writer.writerows([row.get(name, "") for name in header] for row in rows)
    return text.getvalue()


@pytest.mark.parametrize("dialect", PROFILES)
def test_a_dialect_reads_rows_of_its_own_header(dialect):
    profile = PROFILES[dialect]
    file = read_statement_file(file_of(profile).encode(), today=date(2026, 11, 20))
    (statement,) = file.statements
    spent, earned = statement.entries
    assert (file.format, statement.refused) == (f"csv/{dialect}", ())
    assert [(entry.booking_date, entry.amount, entry.pending) for entry in (spent, earned)] == [
        (date(2026, 4, 13), SPENT, False),
        (date(2026, 4, 13), EARNED, False),
    ]
    columns = profile.columns
    named = re.search(r"\(([A-Z]{3})\)", f"{profile.amount.column}{profile.amount.money_out}")
    stated = "EUR" if columns.currency else named[1] if named else profile.account.currency or None
    assert {spent.currency, earned.currency} == {stated}
    assert not columns.text or set(spent.text.split()) <= {"Kiosk", "Mia", "Fun"}
    if columns.counterparty and columns.counterparty not in {*columns.text, columns.bank_category}:
        assert spent.counterparty == "Mia"
        assert earned.counterparty == ("Ben" if columns.counterparty_in else "Mia")
    if profile.account.number:
        assert statement.account.number == "ACC-1"
