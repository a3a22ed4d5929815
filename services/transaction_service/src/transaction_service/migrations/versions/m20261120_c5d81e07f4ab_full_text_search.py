"""Full-text search, and the index of the order of merchants.

They are made by hand, because each database has its own:

- PostgreSQL: a GIN index over `search_words`.
- SQLite: an FTS5 table without content, whose rowids are those of `transactions`. Writing to it row by row takes ten
  times as long as in bulk, so `repository/search_index.py` brings it up to date before each commit. Rows beyond
  `transactions_search_end` are not yet in it; of the others, triggers keep the words that it holds and should not.
  VACUUM keeps the rowids of a table with indexes. A migration that makes `transactions` anew (a batch that alters a
  column) drops the triggers and numbers the rows anew: it must make the SQLite part of this one anew too.

A word in the index begins with the end of its user's id (eight digits), so that nobody's search reads what others have
written. SQLite keeps the beginnings of words of one to four letters as well: without them a search for a beginning
would put together the rows of all words that begin with it, and several words would be as slow as the most frequent.
"""

from alembic import op

revision = "c5d81e07f4ab"
down_revision = "3d0f6c5b81ae"
branch_labels = None
depends_on = None

_SQLITE = (
    """
    CREATE VIRTUAL TABLE transactions_search
    USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii', prefix='9 10 11 12')
    """,
    "CREATE TABLE transactions_search_changes (row INTEGER PRIMARY KEY, words TEXT NOT NULL)",
    "CREATE TABLE transactions_search_end (row INTEGER NOT NULL)",
    "INSERT INTO transactions_search_end VALUES (0)",
    """
    CREATE TRIGGER transactions_search_update AFTER UPDATE OF search_words ON transactions
    WHEN old.search_words <> new.search_words AND old.rowid <= (SELECT row FROM transactions_search_end) BEGIN
        INSERT INTO transactions_search_changes (row, words)
        VALUES (old.rowid, replace(rtrim(old.search_words), ' ', ' ' || substr(old.user_id, -8)))
        ON CONFLICT DO NOTHING;
    END
    """,
    """
    CREATE TRIGGER transactions_search_delete AFTER DELETE ON transactions
    WHEN old.rowid <= (SELECT row FROM transactions_search_end) BEGIN
        INSERT INTO transactions_search_changes (row, words)
        VALUES (old.rowid, replace(rtrim(old.search_words), ' ', ' ' || substr(old.user_id, -8)))
        ON CONFLICT DO NOTHING;
    END
    """,
    "CREATE INDEX ix_transactions_merchant ON transactions (user_id, substr(lower(coalesce(merchant, '')), 1, 60), id)",
)

_POSTGRESQL = (
    """
    CREATE INDEX ix_transactions_search ON transactions USING gin ((array_to_tsvector(string_to_array(ltrim(
        replace(rtrim(search_words), ' ', ' ' || right(user_id::text, 8))), ' '))))
    """,
    "CREATE INDEX ix_transactions_merchant ON transactions "
    # With the merchant itself PostgreSQL reads the order from the index alone.
    "(user_id, (substr(lower(coalesce(merchant, '') COLLATE \"C\"), 1, 60)), id) INCLUDE (merchant)",
)


def upgrade() -> None:
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("update", "delete"):
            op.execute(f"DROP TRIGGER transactions_search_{event}")
        for name in ("transactions_search_end", "transactions_search_changes", "transactions_search"):
            op.execute(f"DROP TABLE {name}")
    else:
        op.execute("DROP INDEX ix_transactions_search")
    op.execute("DROP INDEX ix_transactions_merchant")
