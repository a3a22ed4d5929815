"""Rows that a later row of the same statement replaces or deletes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from data_processing.amounts import shortened
from data_processing.statement import Deletion, Entry

_MOST_NOTES: Final = 50
"""So many corrections of a statement are named."""


def corrected(entries: Sequence[Entry], deletions: list[Deletion]) -> tuple[list[Entry], list[str]]:
    """The entries without those that others of them, or the deletions, take back, and a note for each.

    A row that is taken back itself and had replaced an earlier one still takes that back: it joins the deletions. An id
    that several rows bear tells nobody which of them is meant, so all of them stay, and a note says so.
    """
    takers = [(entry.corrects, entry.place) for entry in entries if entry.corrects is not None]
    takers += [(deletion.bank_id, deletion.place) for deletion in deletions]
    if not takers:
        return list(entries), []
    bearers: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.bank_id is not None:
            bearers[entry.bank_id].append(entry)
    gone: set[str] = set()
    notes: list[str] = []
    for bank_id, place in takers:
        # Three bearers are too many, whichever of them is the taker: no list of very many is gone through for each.
        found = [entry for entry in bearers[bank_id][:3] if entry.place != place]
        if len(found) > 1:
            notes.append(f"The {place} corrects FITID {shortened(bank_id)}, which several rows bear; all of them stay.")
            continue
        for entry in found:
            gone.add(entry.place)
            notes.append(f"The {entry.place} is left out, because the {place} takes it back.")
            if entry.corrects is not None:
                deletions.append(Deletion(entry.place, entry.corrects))
    more = len(notes) - _MOST_NOTES
    if more > 0:
        notes[_MOST_NOTES:] = [f"{more} further corrections of the statement are of the same kinds."]
    return [entry for entry in entries if entry.place not in gone], notes
