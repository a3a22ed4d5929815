"""What statements bring beside rows: balances, proposals, identities, investments."""

import sqlalchemy as sa
from alembic import op
from api_common.columns import Money, UtcDateTime

revision = "3d0f6c5b81ae"
down_revision = "02a3eb9e2edd"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "csv_profiles",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("header_key", sa.String(64), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("user_id", "header_key"),
    )
    op.create_table(
        "securities",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("id_type", sa.String(20)),
        sa.Column("unique_id", sa.String(80)),
        sa.Column("name", sa.String(200)),
        sa.Column("ticker", sa.String(40)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("currency", sa.String(3)),
        sa.UniqueConstraint("user_id", "key"),
    )
    op.create_table(
        "position_statements",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.UniqueConstraint("account_id", "as_of", "import_id"),
    )
    op.create_table(
        "positions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column(
            "security_id", sa.Uuid(), sa.ForeignKey("securities.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("units", sa.String(40), nullable=False),
        sa.Column("unit_price", sa.String(40)),
        sa.Column("market_value", Money()),
        sa.Column("currency", sa.String(3)),
        sa.UniqueConstraint("account_id", "security_id", "import_id", "as_of"),
    )
    op.create_table(
        "statement_balances",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column(
            "account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("balance_date", sa.Date()),
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column(
            "account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Date()),
        sa.Column("ends", sa.Date()),
        sa.Column("opening", Money()),
        sa.Column("closing", Money()),
        sa.Column("status", sa.String(10), nullable=False),
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("bank_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), sa.ForeignKey("transactions.id", ondelete="SET NULL"), index=True),
        sa.Column("replaced_by", sa.Uuid(), sa.ForeignKey("transactions.id", ondelete="SET NULL"), index=True),
        sa.Column("linked_to", sa.Uuid(), sa.ForeignKey("transactions.id", ondelete="SET NULL"), index=True),
        sa.UniqueConstraint("account_id", "bank_id", "import_id"),
    )
    op.create_table(
        "investment_entries",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("transaction_id", sa.Uuid(), sa.ForeignKey("transactions.id", ondelete="SET NULL"), index=True),
        sa.Column("security_id", sa.Uuid(), sa.ForeignKey("securities.id", ondelete="CASCADE"), index=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("trade_date", sa.Date(), nullable=False),
        sa.Column("settle_date", sa.Date()),
        sa.Column("units", sa.String(40)),
        sa.Column("unit_price", sa.String(40)),
        sa.Column("split", sa.String(80)),
        sa.Column("amount", Money()),
        sa.Column("total", Money()),
        sa.Column("commission", Money()),
        sa.Column("fees", Money()),
        sa.Column("taxes", Money()),
        sa.Column("currency", sa.String(3)),
        sa.Column("other_account", sa.String(200)),
        sa.Column("text", sa.Text(), nullable=False),
        sa.UniqueConstraint("account_id", "identity", "import_id"),
    )
    op.create_index(
        "ix_investment_entries_user_id_trade_date_id", "investment_entries", ["user_id", "trade_date", "id"]
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column(
            "transaction_id",
            sa.Uuid(),
            sa.ForeignKey("transactions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("decided_by", sa.String(10)),
        sa.Column("booked_as", sa.Uuid()),
        sa.Column("also_in", sa.JSON(), nullable=False),
        sa.Column("proved_by", sa.Uuid()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime()),
        sa.UniqueConstraint("account_id", "identity"),
    )
    op.create_table(
        "repeated_rows",
        sa.Column("import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "transaction_id",
            sa.Uuid(),
            sa.ForeignKey("transactions.id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "row_identities",
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("identity", sa.Text(), primary_key=True),
        sa.Column(
            "import_id", sa.Uuid(), sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True, index=True
        ),
        sa.Column(
            "transaction_id",
            sa.Uuid(),
            sa.ForeignKey("transactions.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False, index=True),
    )


def downgrade() -> None:
    for table in (
        "row_identities",
        "repeated_rows",
        "proposals",
        "investment_entries",
        "corrections",
        "statements",
        "statement_balances",
        "positions",
        "position_statements",
        "securities",
        "csv_profiles",
    ):
        op.drop_table(table)
