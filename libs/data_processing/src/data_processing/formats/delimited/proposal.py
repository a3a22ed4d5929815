"""A table of unknown shape answered with how it might be read, for the user to confirm or to correct.

A proposal books nothing: what the file does not tell is left open and said in ``warnings``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Literal

from data_processing.amounts import shortened
from data_processing.dates import DateOrder, DateReader, DateSurvey
from data_processing.formats.delimited.column_facts import ColumnFacts, NumberForms, balance_agreement, facts_of
from data_processing.formats.delimited.evidence import with_evidence
from data_processing.formats.delimited.footer import balances_told
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.headerless import is_a_row
from data_processing.formats.delimited.mapping import ColumnRole, CsvMapping, MappedColumn
from data_processing.formats.delimited.names import column_name
from data_processing.formats.delimited.roles import RoleChoice, choose_roles
from data_processing.formats.delimited.rows import RowReader, account_columns, line_form
from data_processing.formats.delimited.short_rows import cells_lacking, padded
from data_processing.formats.delimited.vocabulary import cell_words, other_direction, words
from data_processing.statement import Entry, RefusedRow

_SAMPLE = 2000
_SAMPLED_CELLS = 100_000
_SHOWN = 10
_EXAMPLES = 5

NumberedRow = tuple[int, list[str]]


class SignRule(StrEnum):
    """How a table tells money out from money in."""

    SIGNED = "signed"
    INVERTED = "inverted"
    TWO_COLUMNS = "two_columns"
    DIRECTION = "direction"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProposedColumn:
    """One column: its name in the header, what it may mean, how sure that is (0 to 1), and some of its cells."""

    name: str
    role: ColumnRole
    confidence: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProposedMapping:
    """How a table of unknown shape might be read.

    ``mapping`` is what the user confirms or corrects; ``mapping.problems()`` says what must be chosen first.
    ``header_line`` counts from 1. ``date_order`` is None where the file's dates can be read both ways, and ``decimal``
    is empty where its amounts can. ``entries`` and ``refused`` are the first rows as they would be read.
    """

    header_key: str
    header: tuple[str, ...]
    header_line: int
    delimiter: str
    encoding: str
    columns: tuple[ProposedColumn, ...]
    mapping: CsvMapping
    date_order: Literal["day", "month"] | None
    decimal: str
    sign_rule: SignRule
    confidence: float
    rows: int
    entries: tuple[Entry, ...]
    refused: tuple[RefusedRow, ...]
    warnings: tuple[str, ...]


def propose(
    header: Header, rows: Callable[[], Iterable[NumberedRow]], *, encoding: str, today: date, place: str = "line"
) -> ProposedMapping:
    """The proposal for a table whose header was found; ``rows`` gives the rows below it, anew at each call."""
    width = len(header.cells)
    sample = [cells for _, cells in islice(rows(), max(_SHOWN, min(_SAMPLE, _SAMPLED_CELLS // width)))]
    lacking = cells_lacking(sample, width)
    sample = [padded(cells, width, lacking) for cells in sample]
    like_rows = [cells for cells in sample if is_a_row(cells)]
    facts = facts_of(like_rows if len(like_rows) * 2 > len(sample) else sample, width)
    choices, turned = with_evidence(header, choose_roles(header, facts), facts, sample)
    columns = tuple(MappedColumn(name, choice.role) for name, choice in zip(_names(header), choices, strict=True))
    warnings: list[str] = []
    mapping = CsvMapping(columns=columns)
    at = {column.role: index for index, column in reversed(list(enumerate(columns)))}
    dates, numbers, count = _survey(((line, padded(cells, width, lacking)) for line, cells in rows()), at, width)
    mapping = replace(mapping, **_written(dates, numbers, warnings))  # type: ignore[arg-type]
    mapping = _worded(mapping, at, facts, warnings)
    mapping, rule, sure = _signed(mapping, at, facts, sample, warnings)
    if turned:
        warnings.append("The column of directions shows that positive amounts are money out: their sign is turned.")
        mapping, rule, sure = replace(mapping, inverted=True), SignRule.INVERTED, 0.9
    date_order: Literal["day", "month"] | None = mapping.date_order if mapping.date_order != "either" else None
    entries, refused = _first_rows(header, mapping, rows(), lacking, today=today, place=place)
    if ColumnRole.TEXT not in at and ColumnRole.COUNTERPARTY not in at:
        warnings.append("No column is the text of a row; choose the one that says what a row was for.")
    if said := balances_told(like_rows):
        written = ", ".join(f'"{shortened(cell)}"' for cell in said[:5])
        warnings.append(
            f"Rows that say {written} may state a balance instead of money that moved. If a column tells such rows "
            "from others, make it the status, and name its words as left out."
        )
    warnings += [problem.detail for problem in mapping.problems() if problem.field in ("columns", "out_words")]
    shown = tuple(
        ProposedColumn(column.name, choice.role, choice.confidence, tuple(islice(fact.distinct, _EXAMPLES)))
        for column, choice, fact in zip(columns, choices, facts, strict=True)
    )
    return ProposedMapping(
        header_key=mapping.header_key,
        header=header.cells,
        header_line=header.line + 1,
        delimiter=header.delimiter,
        encoding=encoding,
        columns=shown,
        mapping=mapping,
        date_order=date_order,
        decimal=mapping.decimal,
        sign_rule=rule,
        confidence=_overall(choices, at, mapping, sure),
        rows=count,
        entries=tuple(entries),
        refused=tuple(refused),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _names(header: Header) -> list[str]:
    """The names as the header writes them; the second of one name is ``Name #2``."""
    return [
        name.capitalize()
        if not cell.strip(" \ufeff")
        else f"{cell.strip()} {name.rpartition(' ')[2]}"
        if name != column_name(cell)
        else cell.strip(" \ufeff")
        for cell, name in zip(header.cells, header.names, strict=True)
    ]


def _survey(rows: Iterable[NumberedRow], at: dict[ColumnRole, int], width: int) -> tuple[DateSurvey, NumberForms, int]:
    """What all rows of the file say about the order of dates and the marks of numbers."""
    dated = [at[role] for role in (ColumnRole.BOOKING_DATE, ColumnRole.VALUE_DATE) if role in at]
    money = (ColumnRole.AMOUNT, ColumnRole.DEBIT, ColumnRole.CREDIT, ColumnRole.BALANCE, ColumnRole.FEE)
    counted = [at[role] for role in money if role in at]
    dates, numbers, count = DateSurvey(), NumberForms(), 0
    for _, cells in rows:
        if len(cells) < width:
            continue
        count += 1
        for position in dated:
            dates.add(cells[position])
        for position in counted:
            numbers.add(cells[position])
    return dates, numbers, count


def _written(dates: DateSurvey, numbers: NumberForms, warnings: list[str]) -> dict[str, object]:
    """Order of dates, marks and signs of numbers, as far as the file tells them."""
    order: DateOrder = "either"
    if dates.day_first and dates.month_first:
        warnings.append(
            f'The dates contradict each other: "{dates.day_first.strip()}" has the day first, '
            f'"{dates.month_first.strip()}" the month. A spreadsheet may have rewritten them; export the file again.'
        )
    elif dates.day_first or dates.month_first:
        order = "day" if dates.day_first else "month"
    elif "." in dates.unsettled:
        order = "day"  # nobody writes the month first with points
    elif dates.unsettled:
        warnings.append(
            f'Days and months cannot be told apart: "{dates.unsettled.strip()}" can be read both ways, and no other '
            "date settles it. Choose the date order; the rows are shown with the day first."
        )
    decimal = numbers.decimal
    if numbers.points and numbers.commas:
        warnings.append(
            f'The amounts contradict each other: "{shortened(numbers.points)}" has a decimal point, '
            f'"{shortened(numbers.commas)}" a decimal comma. Choose the decimal mark; rows of the other form are '
            "refused."
        )
    elif not decimal:
        example = f' "{shortened(numbers.unsettled)}" can be read both ways.' if numbers.unsettled else ""
        warnings.append(f"No amount tells the decimal mark.{example} Choose the point or the comma.")
    thousands = "".join(mark for mark in numbers.thousands if mark != decimal)
    if decimal and (usual := "," if decimal == "." else ".") not in thousands:
        thousands += usual
    if len(numbers.codes) > 1:
        warnings.append(
            f"Several currencies stand beside the amounts ({', '.join(numbers.codes)}): only rows of the one that is "
            "chosen as the currency are read."
        )
    written: dict[str, object] = {"currency": numbers.codes[0] if len(numbers.codes) == 1 else ""}
    return written | {"date_order": order, "decimal": decimal, "thousands": thousands, "currency_signs": numbers.signs}


def _worded(
    mapping: CsvMapping, at: dict[ColumnRole, int], facts: Sequence[ColumnFacts], warnings: list[str]
) -> CsvMapping:
    """The mapping with the words of its direction and status columns."""
    if (position := at.get(ColumnRole.DIRECTION)) is not None:
        found = facts[position].distinct
        out = tuple(word for word in found if words(word) in cell_words("directions_out"))
        received = tuple(word for word in found if words(word) in cell_words("directions_in"))
        # All money of the file may go one way.
        out, received = out or _others(received), received or _others(out)
        mapping = replace(mapping, out_words=out, in_words=received)
    if (position := at.get(ColumnRole.STATUS)) is not None:
        found = facts[position].distinct
        kinds = {
            kind: tuple(word for word in found if words(word) in cell_words(kind))
            for kind in ("booked", "pending", "left_out")
        }
        mapping = replace(
            mapping, booked_words=kinds["booked"], pending_words=kinds["pending"], left_out_words=kinds["left_out"]
        )
        if unknown := [word for word in found if not any(word in listed for listed in kinds.values())]:
            warnings.append(
                f"What {', '.join(f'{shortened(word)}' for word in unknown[:5])} in the column "
                f'"{mapping.of(ColumnRole.STATUS)[0]}" says is unknown: such rows are refused until it stands among '
                "the words of booked, pending or left out rows."
            )
    return mapping


def _others(directions: Sequence[str]) -> tuple[str, ...]:
    return tuple(other for word in directions if (other := other_direction(word)) is not None)


def _signed(
    mapping: CsvMapping,
    at: dict[ColumnRole, int],
    facts: Sequence[ColumnFacts],
    sample: Sequence[Sequence[str]],
    warnings: list[str],
) -> tuple[CsvMapping, SignRule, float]:
    """The mapping with its rule of signs, and how sure the rule is: balances prove it, else the signs suggest it."""
    if ColumnRole.DEBIT in at and ColumnRole.CREDIT in at:
        out, received = facts[at[ColumnRole.DEBIT]], facts[at[ColumnRole.CREDIT]]
        turned = replace(
            mapping,
            debit_is_negative=bool(out.negative) and out.negative >= out.nonzero,
            credit_is_negative=bool(received.negative) and received.negative >= received.nonzero,
        )
        return turned, SignRule.TWO_COLUMNS, 0.95
    if ColumnRole.AMOUNT not in at:
        return mapping, SignRule.UNKNOWN, 0.0
    if ColumnRole.DIRECTION in at:
        return mapping, SignRule.DIRECTION, 0.95
    amounts = facts[at[ColumnRole.AMOUNT]]
    if ColumnRole.BALANCE in at:
        pair = at[ColumnRole.AMOUNT], at[ColumnRole.BALANCE]
        straight, turned_share = balance_agreement(
            [(cells[pair[0]], cells[pair[1]]) for cells in sample if len(cells) > max(pair)],
            decimal=mapping.decimal,
            thousands=mapping.thousands,
            signs=mapping.currency_signs,
            code=mapping.currency,
        )
        if turned_share > 0.8 and amounts.negative * 2 < amounts.nonzero:
            warnings.append("The balances show that positive amounts are money out: their sign is turned.")
            return replace(mapping, inverted=True), SignRule.INVERTED, 0.9
        if turned_share > 0.8:
            warnings.append("The balances grow as money goes out: they state what is owed.")
            return mapping, SignRule.SIGNED, 0.8
        if straight > 0.8 and amounts.negative * 3 >= amounts.nonzero:
            return mapping, SignRule.SIGNED, 0.99
    if not amounts.negative:
        warnings.append(
            "No amount is negative, and no column says which rows are money out. All rows would be money in: choose "
            "inverted if they are purchases, or a column of directions."
        )
        return mapping, SignRule.UNKNOWN, 0.2
    if amounts.negative * 3 < amounts.nonzero:
        warnings.append("Most amounts are positive. If these are purchases, as cards print them, choose inverted.")
        return mapping, SignRule.SIGNED, 0.5
    return mapping, SignRule.SIGNED, 0.85


def _first_rows(
    header: Header, mapping: CsvMapping, rows: Iterable[NumberedRow], lacking: int, *, today: date, place: str
) -> tuple[list[Entry], list[RefusedRow]]:
    """The first rows as the mapping reads them, as far as it can read any."""
    entries: list[Entry] = []
    refused: list[RefusedRow] = []
    if any(problem.field == "columns" for problem in mapping.problems()):
        return entries, refused
    profile = mapping.draft()
    dates = DateReader(day_first=mapping.date_order != "month", today=today)
    reader = RowReader(profile, header, dates, accounts=account_columns(profile, header) is not None)
    form = line_form(profile, header)
    held: list[RefusedRow] = []
    for line, written in islice(rows, _SHOWN):
        where = f"{place} {line}"
        cells = padded(written, len(header.cells), lacking)
        try:
            entry = reader.read(cells, where)
        except ValueError as reason:
            raw = shortened(header.delimiter.join(cells), 300)
            held.append(RefusedRow(where, str(reason), reader.identifier(cells), raw))
            if form.kind_of(cells) is not None:
                continue  # a line above or below the rows, if no row is on its other side
        else:
            if entry is not None:
                entries.append(entry)
                held = held if len(entries) > 1 or refused else []
        refused += held
        held = []
    return entries, refused


def _overall(choices: Sequence[RoleChoice], at: dict[ColumnRole, int], mapping: CsvMapping, sign: float) -> float:
    """How sure the proposal is of what decides about money: date, amount, sign and their forms."""
    money = [ColumnRole.AMOUNT] if ColumnRole.AMOUNT in at else [ColumnRole.DEBIT, ColumnRole.CREDIT]
    needed = [ColumnRole.BOOKING_DATE, *money]
    if any(role not in at for role in needed):
        return 0.0
    sure = min(choices[at[role]].confidence for role in needed)
    return round(min(sure, sign) * (1.0 if mapping.decimal else 0.5), 2)
