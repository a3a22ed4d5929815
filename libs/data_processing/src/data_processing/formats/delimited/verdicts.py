"""Whether a row is booked, pending, or to be left out, by its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.profile import Profile, Status

Verdict = bool | tuple[str, str]
"""Whether the row is pending; or the column and the word by which it is left out."""
VerdictFunction = Callable[[Sequence[str]], Verdict]


def verdict_function(profile: Profile, header: Header) -> VerdictFunction | None:
    """The verdict on rows of this file; None where all rows are booked. It raises ``ValueError`` for unknown words."""
    status = _by_status(profile.status, header) if profile.status else None
    columns = [
        (position, column, frozenset(map(str.casefold, words)))
        for column, words in profile.left_out
        if (position := header.position(column)) is not None
    ]
    amount = profile.amount
    money = [
        (position, column)
        for column in (amount.column, amount.money_out, amount.money_in)
        if amount.optional and column and (position := header.position(column)) is not None
    ]
    if not columns and not money:
        return status

    def of(cells: Sequence[str]) -> Verdict:
        for position, column, words in columns:
            if (word := cells[position].strip()).casefold() in words:
                return column, word
        if money and not any(cells[position].strip() for position, _ in money):
            return money[0][1], ""
        return status(cells) if status is not None else False

    return of


def _by_status(status: Status, header: Header) -> VerdictFunction | None:
    position = header.position(status.column)
    if position is None:
        return None
    verdicts: dict[str, bool | None] = {
        **{word.casefold(): False for word in status.booked},
        **{word.casefold(): True for word in status.pending},
        **{word.casefold(): None for word in status.left_out},
    }

    def of(cells: Sequence[str]) -> Verdict:
        word = cells[position].strip()
        try:
            verdict = verdicts[word.casefold()]
        except KeyError:
            raise ValueError(
                f'{status.column} "{word[:40]}" is unknown, so it is unclear whether money moved'
            ) from None
        return (status.column, word) if verdict is None else verdict

    return of
