"""What the rows of a table prove about its columns, where their names do not tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from data_processing.formats.delimited.column_facts import ColumnFacts, NumberForms, balance_agreement
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.mapping import ColumnRole
from data_processing.formats.delimited.roles import RoleChoice
from data_processing.formats.delimited.vocabulary import cell_words, words

_PROVED = 0.8
_MOST_FIGURES = 12

Rows = Sequence[Sequence[str]]


def with_evidence(
    header: Header, choices: Sequence[RoleChoice], facts: Sequence[ColumnFacts], rows: Rows
) -> tuple[list[RoleChoice], bool]:
    """The roles with what the rows prove, and whether the signs of the amounts are turned.

    - A column of directions beside signed amounts says the same a second time, or that the signs are turned.
    - Two columns without names, of which each row fills one, are money out and money in.
    - A column whose steps are the amounts is the balance.
    - The fee is already in an amount that is called net.
    - A balance that is the same in all rows is the one of the file, and none of a row.
    """
    width = len(header.cells)
    rows = [row for row in rows if len(row) >= width]
    found = list(choices)
    at = {choice.role: position for position, choice in enumerate(found)}
    turned = False
    if ColumnRole.DIRECTION in at and ColumnRole.AMOUNT in at and facts[at[ColumnRole.AMOUNT]].negative:
        turned = _turned(rows, at[ColumnRole.DIRECTION], at[ColumnRole.AMOUNT])
        found[at[ColumnRole.DIRECTION]] = RoleChoice(ColumnRole.IGNORED, 0.5)
    if header.absent and ColumnRole.DEBIT not in at and (pair := _pair(rows, facts)):
        if ColumnRole.AMOUNT in at:
            found[at[ColumnRole.AMOUNT]] = RoleChoice(ColumnRole.IGNORED, 0.5)
        for position, role in zip(pair, (ColumnRole.DEBIT, ColumnRole.CREDIT), strict=True):
            found[position] = RoleChoice(role, 0.5)
    at = {choice.role: position for position, choice in enumerate(found)}
    if (
        ColumnRole.FEE in at
        and ColumnRole.AMOUNT in at
        and words(header.cells[at[ColumnRole.AMOUNT]]) in cell_words("net_amounts")
    ):
        found[at[ColumnRole.FEE]] = replace(found[at[ColumnRole.FEE]], role=ColumnRole.IGNORED)
    if ColumnRole.FEE in at and facts[at[ColumnRole.FEE]].negative:
        # Fees with a minus may be in the amount or beside it: the user has to tell.
        found[at[ColumnRole.FEE]] = RoleChoice(ColumnRole.IGNORED, 0.5)
    if (
        ColumnRole.BALANCE in at
        and ColumnRole.AMOUNT in at
        and _stands(rows, at[ColumnRole.BALANCE], at[ColumnRole.AMOUNT])
    ):
        found[at.pop(ColumnRole.BALANCE)] = RoleChoice(ColumnRole.IGNORED, 0.5)
    if ColumnRole.BALANCE not in at and ColumnRole.AMOUNT in at:
        free = [position for position, choice in enumerate(found) if choice.role is ColumnRole.IGNORED]
        balance = _balance(rows, facts, at[ColumnRole.AMOUNT], free)
        if balance is not None:
            found[balance] = RoleChoice(ColumnRole.BALANCE, 0.9)
    return found, turned


def _turned(rows: Rows, direction: int, amount: int) -> bool:
    """Whether the amounts that the directions call money out are mostly positive."""
    straight = turned = 0
    for cells in rows:
        word, written = words(cells[direction]), cells[amount]
        out = word in cell_words("directions_out")
        if not _nonzero(written) or not (out or word in cell_words("directions_in")):
            continue
        if out == ("-" in written or "(" in written):
            straight += 1
        else:
            turned += 1
    return turned > straight


def _stands(rows: Rows, balance: int, amount: int) -> bool:
    """Whether a balance is the same in all rows although money moves."""
    moving = [cells for cells in rows if _nonzero(cells[amount])]
    return len(moving) > 1 and len({cells[balance] for cells in moving}) == 1


def _pair(rows: Rows, facts: Sequence[ColumnFacts]) -> tuple[int, int] | None:
    """Two columns of figures of which each row has one."""
    figures = [position for position, fact in enumerate(facts) if fact.is_number and fact.decimals][:_MOST_FIGURES]
    for first, second in combinations(figures, 2):
        filled = [(_nonzero(cells[first]), _nonzero(cells[second])) for cells in rows]
        if all(one != other for one, other in filled) and any(one for one, _ in filled) and any(o for _, o in filled):
            return first, second
    return None


def _nonzero(text: str) -> bool:
    return any(digit in "123456789" for digit in text)


def _balance(rows: Rows, facts: Sequence[ColumnFacts], amount: int, free: Iterable[int]) -> int | None:
    """The column among the free ones whose steps are the amounts."""
    for position in free:
        fact = facts[position]
        if not (fact.is_number and fact.decimals and fact.fullness > _PROVED):
            continue
        pairs = [(cells[amount], cells[position]) for cells in rows]
        forms = NumberForms()
        for written in pairs:
            for text in written:
                forms.add(text)
        agreement = balance_agreement(
            pairs, decimal=forms.decimal, thousands=forms.thousands, signs=forms.signs, code="".join(forms.codes[:1])
        )
        if agreement[0] > _PROVED:
            return position
    return None
