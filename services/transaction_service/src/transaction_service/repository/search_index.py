"""The full-text index of SQLite, brought up to date before each commit; PostgreSQL keeps its own."""

from __future__ import annotations

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

# The statements are as in the migration that makes the index: a word in it begins with the end of its user's id.
# Rows up to `transactions_search_end` are in the index, with the words that they had at the last commit; those that it
# should forget are in `transactions_search_changes`, by triggers.
_STATE = text(
    "SELECT (SELECT row FROM transactions_search_end) AS last_indexed, (SELECT max(rowid) FROM transactions) AS last,"
    " EXISTS (SELECT 1 FROM transactions_search_changes) AS changed"
)
_FORGET = text(
    "INSERT INTO transactions_search (transactions_search, rowid, words) "
    "SELECT 'delete', row, words FROM transactions_search_changes ORDER BY row"
)
_LEARN_CHANGED = text(
    "INSERT INTO transactions_search (rowid, words) "
    "SELECT t.rowid, replace(rtrim(t.search_words), ' ', ' ' || substr(t.user_id, -8)) "
    "FROM transactions_search_changes AS c CROSS JOIN transactions AS t ON t.rowid = c.row ORDER BY c.row"
)
_DONE = text("DELETE FROM transactions_search_changes")
LEARN_NEW = text(
    "INSERT INTO transactions_search (rowid, words) "
    "SELECT t.rowid, replace(rtrim(t.search_words), ' ', ' ' || substr(t.user_id, -8)) "
    "FROM transactions AS t WHERE t.rowid > :last_indexed ORDER BY t.rowid"
)
MOVE_END = text("UPDATE transactions_search_end SET row = :last")


def keep_search_index(session: AsyncSession) -> None:
    """Have the index follow what this unit of work changes; every writing use case asks for it."""
    if session.get_bind().dialect.name == "sqlite" and not event.contains(
        session.sync_session, "before_commit", _follow
    ):
        event.listen(session.sync_session, "before_commit", _follow)


def _follow(session: Session) -> None:
    session.flush()
    state = session.execute(_STATE).one()
    last = state.last or 0
    if state.changed:
        for statement in (_FORGET, _LEARN_CHANGED, _DONE):
            session.execute(statement)
    if last > state.last_indexed:
        session.execute(LEARN_NEW, {"last_indexed": state.last_indexed})
    if last != state.last_indexed:
        session.execute(MOVE_END, {"last": last})
