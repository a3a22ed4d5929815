"""Full-text search, and the indexes of lists in any order.

The search index is made by hand, because each database has its own:

- PostgreSQL: a GIN index over `search_words`.
- SQLite: an FTS5 table without content, whose rowids are those of `transactions`. Writing to it row by row takes ten
  times as long as in bulk, so `repository/search_index.py` brings it up to date before each commit. Rows beyond
  `transactions_search_end` are not yet in it; of the others, triggers keep the words that it holds and should not.
  VACUUM keeps the rowids of a table with indexes. A migration that makes `transactions` anew (a batch that alters a
  column) drops the triggers and numbers the rows anew: it must make the SQLite part of this one anew too.

A word in the index begins with the end of its user's id, so that nobody's search reads what others have written.
"""

import sqlalchemy as sa
from alembic import op

from transaction_service.search.text import searchable
from transaction_service.search.words import search_words

revision = "c5d81e07f4ab"
down_revision = "6637f6cb4a22"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_transactions_booking_date": (
        ["user_id", "booking_date", "id", "amount", "currency", "account_id", "category_id", "pending", "deleted_at"],
        None,
    ),
    "ix_transactions_amount": (["user_id", "amount", "id"], None),
    "ix_transactions_created_at": (["user_id", "created_at", "id"], None),
    "ix_transactions_category": (["user_id", "category_id", "booking_date", "id"], None),
    "ix_transactions_deleted": (["user_id", "booking_date", "id"], "deleted_at IS NOT NULL"),
    "ix_transactions_pending": (["user_id", "booking_date", "id"], "pending"),
    "ix_transactions_with_note": (["user_id", "booking_date", "id"], "note IS NOT NULL"),
    "ix_transactions_marked": (["user_id", "booking_date", "id"], "marked_transfer"),
    "ix_transactions_by_user": (["user_id", "booking_date", "id"], "categorised_by = 'user'"),
}

_SQLITE = (
    """
    CREATE VIRTUAL TABLE transactions_search
    USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii')
    """,
    "CREATE TABLE transactions_search_changes (row INTEGER PRIMARY KEY, words TEXT NOT NULL)",
    "CREATE TABLE transactions_search_end (row INTEGER NOT NULL)",
    """
    INSERT INTO transactions_search (rowid, words)
    SELECT rowid, replace(rtrim(search_words), ' ', ' ' || substr(user_id, -8)) FROM transactions ORDER BY rowid
    """,
    "INSERT INTO transactions_search_end SELECT coalesce(max(rowid), 0) FROM transactions",
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
    "(user_id, (substr(lower(coalesce(merchant, '') COLLATE \"C\"), 1, 60)), id)",
)

_BATCH = 10_000


def upgrade() -> None:
    op.add_column("transactions", sa.Column("search_words", sa.Text(), nullable=False, server_default=""))
    _fill_words()
    op.drop_index("ix_transactions_user_id_booking_date_id", "transactions")
    for name, (columns, where) in _INDEXES.items():
        condition = sa.text(where) if where else None
        op.create_index(name, "transactions", columns, sqlite_where=condition, postgresql_where=condition)
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _fill_words() -> None:
    connection = op.get_bind()
    table = sa.table(
        "transactions",
        *(sa.column(name) for name in ("counterparty", "text", "reference", "merchant", "note", "search_words")),
        sa.column("id", sa.Uuid()),
    )
    tags: dict[object, list[str]] = {}
    for row_id, tag in connection.execute(sa.text("SELECT transaction_id, tag FROM transaction_tags")):
        tags.setdefault(str(row_id).replace("-", ""), []).append(tag)
    change = sa.update(table).where(table.c.id == sa.bindparam("row_id")).values(search_words=sa.bindparam("words"))
    texts = sa.select(
        table.c.id, table.c.counterparty, table.c.text, table.c.reference, table.c.merchant, table.c.note
    ).order_by(table.c.id)
    last = None
    while rows := connection.execute((texts if last is None else texts.where(table.c.id > last)).limit(_BATCH)).all():
        last = rows[-1].id
        words = [
            {"row_id": row.id, "words": search_words(searchable(*row[1:], *tags.get(row.id.hex, ())))} for row in rows
        ]
        connection.execute(change, words)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("update", "delete"):
            op.execute(f"DROP TRIGGER transactions_search_{event}")
        for name in ("transactions_search_end", "transactions_search_changes", "transactions_search"):
            op.execute(f"DROP TABLE {name}")
    else:
        op.execute("DROP INDEX ix_transactions_search")
    op.execute("DROP INDEX ix_transactions_merchant")
    for name in _INDEXES:
        op.drop_index(name, "transactions")
    op.create_index("ix_transactions_user_id_booking_date_id", "transactions", ["user_id", "booking_date", "id"])
    with op.batch_alter_table("transactions") as batch_op:
        batch_op.drop_column("search_words")
