"""The full-text index of SQLite, brought up to date before each commit; PostgreSQL keeps its own."""

from __future__ import annotations

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

# Triggers note the rows that a unit of work changes, with the words that the index holds of them. The statements are
# as in the migration that makes the index: a word in it begins with the end of its user's id.
_ANY_CHANGES = text("SELECT 1 FROM transactions_search_changes LIMIT 1")
_FORGET = text(
    "INSERT INTO transactions_search (transactions_search, rowid, words) "
    "SELECT 'delete', row, words FROM transactions_search_changes WHERE words IS NOT NULL ORDER BY row"
)
_LEARN = text(
    "INSERT INTO transactions_search (rowid, words) "
    "SELECT t.rowid, replace(rtrim(t.search_words), ' ', ' ' || substr(t.user_id, -8)) "
    "FROM transactions_search_changes AS c CROSS JOIN transactions AS t ON t.rowid = c.row ORDER BY c.row"
)
_DONE = text("DELETE FROM transactions_search_changes")


def keep_search_index(session: AsyncSession) -> None:
    """Have the index follow what this unit of work changes; every writing use case asks for it."""
    if session.get_bind().dialect.name == "sqlite" and not event.contains(
        session.sync_session, "before_commit", _follow
    ):
        event.listen(session.sync_session, "before_commit", _follow)


def _follow(session: Session) -> None:
    session.flush()
    if session.scalar(_ANY_CHANGES) is None:
        return
    for statement in (_FORGET, _LEARN, _DONE):
        session.execute(statement)
