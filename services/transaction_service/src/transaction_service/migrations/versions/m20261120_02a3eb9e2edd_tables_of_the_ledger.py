"""Tables of the ledger."""

import sqlalchemy as sa
from alembic import op
from api_common.columns import Money, UtcDateTime

revision = "02a3eb9e2edd"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("opening_balance", Money(), nullable=False),
        sa.Column("opening_date", sa.Date()),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("trusts_bank_ids", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "categories",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), primary_key=True),
        sa.Column("route", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("format", sa.String(60), nullable=False),
        sa.Column("filename", sa.String(255)),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime()),
    )
    op.create_table(
        "journal_entries",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("import_id", sa.Uuid()),
        sa.Column("rule_id", sa.Uuid()),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
    )
    op.create_index("ix_journal_entries_user_id_id", "journal_entries", ["user_id", "id"])
    op.create_table(
        "ledgers",
        sa.Column("user_id", sa.Uuid(), primary_key=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "rules",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("match", sa.String(3), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("category_id", sa.Uuid()),
        sa.Column("actions", sa.JSON(), nullable=False),
    )
    op.create_table(
        "account_references",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column(
            "account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("key", sa.String(220), nullable=False),
        sa.Column("bank_key", sa.String(100), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("number", sa.String(100)),
        sa.Column("bank", sa.String(100)),
        sa.Column("name", sa.String(200)),
        sa.UniqueConstraint("user_id", "key", "bank_key", "currency"),
    )
    op.create_table(
        "balance_assertions",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column(
            "account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("balance_date", sa.Date(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "journal_changes",
        sa.Column("entry_id", sa.Uuid(), sa.ForeignKey("journal_entries.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("transaction_id", sa.Uuid(), primary_key=True, index=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
    )
    op.create_table(
        "transactions",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("booking_date", sa.Date(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("marked_transfer", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", UtcDateTime()),
        sa.Column("category_id", sa.Uuid()),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("search_words", sa.Text(), nullable=False),
        sa.Column("categorised_by", sa.String(10), nullable=False),
        sa.Column("merchant", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id"), index=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("content", sa.String(40), nullable=False),
        sa.Column("value_date", sa.Date()),
        sa.Column("stated_date", sa.Date()),
        sa.Column("stated_amount", Money()),
        sa.Column("original_amount", Money()),
        sa.Column("original_currency", sa.String(3)),
        sa.Column("exchange_rate", sa.String(40)),
        sa.Column("balance", Money()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("counterparty", sa.Text()),
        sa.Column("counterparty_account", sa.Text()),
        sa.Column("reference", sa.Text()),
        sa.Column("bank_category", sa.Text()),
        sa.Column("details", sa.JSON()),
        sa.Column("merchant_by", sa.String(10), nullable=False),
        sa.Column("note_by", sa.String(10), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Uuid()),
        sa.Column("confidence", sa.Float()),
        sa.Column("transfer_by", sa.String(10), nullable=False),
        sa.Column("edited_at", UtcDateTime()),
        sa.Column("replaced_by", sa.Uuid()),
        sa.UniqueConstraint("account_id", "identity"),
    )
    op.create_index("ix_transactions_account_id_booking_date_id", "transactions", ["account_id", "booking_date", "id"])
    _index_some(
        "ix_transactions_account_id_stated_date",
        "transactions",
        ["account_id", "stated_date"],
        "stated_date IS NOT NULL",
    )
    op.create_index("ix_transactions_amount", "transactions", ["user_id", "amount", "id"])
    _index_some("ix_transactions_balance", "transactions", ["account_id", "booking_date"], "balance IS NOT NULL")
    op.create_index(
        "ix_transactions_booking_date",
        "transactions",
        ["user_id", "booking_date", "id", "amount", "currency", "account_id", "category_id", "pending", "deleted_at"],
    )
    _index_some("ix_transactions_by_user", "transactions", ["user_id", "booking_date", "id"], "categorised_by = 'user'")
    op.create_index("ix_transactions_category", "transactions", ["user_id", "category_id", "booking_date", "id"])
    op.create_index("ix_transactions_created_at", "transactions", ["user_id", "created_at", "id"])
    _index_some("ix_transactions_deleted", "transactions", ["user_id", "booking_date", "id"], "deleted_at IS NOT NULL")
    _index_some("ix_transactions_marked", "transactions", ["user_id", "booking_date", "id"], "marked_transfer")
    _index_some("ix_transactions_pending", "transactions", ["user_id", "booking_date", "id"], "pending")
    _index_some("ix_transactions_with_note", "transactions", ["user_id", "booking_date", "id"], "note IS NOT NULL")
    op.create_table(
        "splits",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column(
            "transaction_id",
            sa.Uuid(),
            sa.ForeignKey("transactions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("category_id", sa.Uuid()),
        sa.Column("note", sa.Text()),
    )
    op.create_table(
        "transaction_tags",
        sa.Column("transaction_id", sa.Uuid(), sa.ForeignKey("transactions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.String(60), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tagged_by", sa.String(10), nullable=False),
    )
    op.create_index("ix_transaction_tags_user_id_tag", "transaction_tags", ["user_id", "tag"])
    op.create_table(
        "transfers",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("outgoing_id", sa.Uuid(), sa.ForeignKey("transactions.id", ondelete="CASCADE"), nullable=False),
        sa.Column(
            "incoming_id", sa.Uuid(), sa.ForeignKey("transactions.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("decided_by", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("rate", sa.String(40)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime()),
        sa.UniqueConstraint("outgoing_id", "incoming_id"),
    )
    _index_some("uq_transfers_linked_incoming", "transfers", ["incoming_id"], "status = 'linked'", unique=True)
    _index_some("uq_transfers_linked_outgoing", "transfers", ["outgoing_id"], "status = 'linked'", unique=True)


def _index_some(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    """Make an index of those rows for which a condition holds."""
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for table in (
        "transfers",
        "transaction_tags",
        "splits",
        "transactions",
        "journal_changes",
        "balance_assertions",
        "account_references",
        "rules",
        "ledgers",
        "journal_entries",
        "imports",
        "idempotency_keys",
        "categories",
        "accounts",
    ):
        op.drop_table(table)
