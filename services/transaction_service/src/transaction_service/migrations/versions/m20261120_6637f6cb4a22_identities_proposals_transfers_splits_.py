"""Identities, proposals, transfers, splits, tags, the journal, investments and CSV profiles."""

import sqlalchemy as sa
from alembic import op
from api_common.columns import Money, UtcDateTime

revision = "6637f6cb4a22"
down_revision = "78d973b75901"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "csv_profiles",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("header_key", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_csv_profiles")),
        sa.UniqueConstraint("user_id", "header_key", name=op.f("uq_csv_profiles_user_id_header_key")),
    )
    with op.batch_alter_table("csv_profiles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_csv_profiles_user_id"), ["user_id"], unique=False)

    op.create_table(
        "journal_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entries")),
    )
    with op.batch_alter_table("journal_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_journal_entries_user_id_id"), ["user_id", "id"], unique=False)

    op.create_table(
        "securities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("id_type", sa.String(length=20), nullable=True),
        sa.Column("unique_id", sa.String(length=80), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("ticker", sa.String(length=40), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_securities")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_securities_user_id_key")),
    )
    with op.batch_alter_table("securities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_securities_user_id"), ["user_id"], unique=False)

    op.create_table(
        "balance_assertions",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("balance_date", sa.Date(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_balance_assertions_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_assertions")),
    )
    with op.batch_alter_table("balance_assertions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_balance_assertions_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_balance_assertions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "journal_changes",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["journal_entries.id"],
            name=op.f("fk_journal_changes_entry_id_journal_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entry_id", "transaction_id", name=op.f("pk_journal_changes")),
    )
    with op.batch_alter_table("journal_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_journal_changes_transaction_id"), ["transaction_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_journal_changes_user_id"), ["user_id"], unique=False)

    op.create_table(
        "positions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("security_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("units", sa.String(length=40), nullable=False),
        sa.Column("unit_price", sa.String(length=40), nullable=True),
        sa.Column("market_value", Money(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_positions_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_positions_import_id_imports"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["security_id"], ["securities.id"], name=op.f("fk_positions_security_id_securities"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_positions")),
        sa.UniqueConstraint(
            "account_id",
            "security_id",
            "import_id",
            "as_of",
            name=op.f("uq_positions_account_id_security_id_import_id_as_of"),
        ),
    )
    with op.batch_alter_table("positions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_positions_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_positions_security_id"), ["security_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_positions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "statements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("opening", Money(), nullable=True),
        sa.Column("closing", Money(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_statements_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_statements_import_id_imports"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
    )
    with op.batch_alter_table("statements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_statements_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_statements_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_statements_user_id"), ["user_id"], unique=False)

    op.create_table(
        "position_statements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_position_statements_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_position_statements_import_id_imports"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_statements")),
        sa.UniqueConstraint(
            "account_id", "as_of", "import_id", name=op.f("uq_position_statements_account_id_as_of_import_id")
        ),
    )
    with op.batch_alter_table("position_statements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_position_statements_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_position_statements_user_id"), ["user_id"], unique=False)

    op.create_table(
        "corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("bank_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("replaced_by", sa.Uuid(), nullable=True),
        sa.Column("linked_to", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_corrections_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_corrections_import_id_imports"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_corrections_transaction_id_transactions"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"],
            ["transactions.id"],
            name=op.f("fk_corrections_replaced_by_transactions"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["linked_to"],
            ["transactions.id"],
            name=op.f("fk_corrections_linked_to_transactions"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sa.UniqueConstraint(
            "account_id", "bank_id", "import_id", name=op.f("uq_corrections_account_id_bank_id_import_id")
        ),
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_corrections_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_corrections_linked_to"), ["linked_to"], unique=False)
        batch_op.create_index(batch_op.f("ix_corrections_replaced_by"), ["replaced_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_corrections_transaction_id"), ["transaction_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_corrections_user_id"), ["user_id"], unique=False)

    op.create_table(
        "investment_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("security_id", sa.Uuid(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("trade_date", sa.Date(), nullable=False),
        sa.Column("settle_date", sa.Date(), nullable=True),
        sa.Column("units", sa.String(length=40), nullable=True),
        sa.Column("unit_price", sa.String(length=40), nullable=True),
        sa.Column("split", sa.String(length=80), nullable=True),
        sa.Column("amount", Money(), nullable=True),
        sa.Column("total", Money(), nullable=True),
        sa.Column("commission", Money(), nullable=True),
        sa.Column("fees", Money(), nullable=True),
        sa.Column("taxes", Money(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("other_account", sa.String(length=200), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_investment_entries_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_investment_entries_import_id_imports"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["security_id"],
            ["securities.id"],
            name=op.f("fk_investment_entries_security_id_securities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_investment_entries_transaction_id_transactions"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_investment_entries")),
        sa.UniqueConstraint(
            "account_id", "identity", "import_id", name=op.f("uq_investment_entries_account_id_identity_import_id")
        ),
    )
    with op.batch_alter_table("investment_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_investment_entries_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_investment_entries_security_id"), ["security_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_investment_entries_transaction_id"), ["transaction_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_investment_entries_user_id_trade_date_id"), ["user_id", "trade_date", "id"], unique=False
        )

    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=10), nullable=True),
        sa.Column("booked_as", sa.Uuid(), nullable=True),
        sa.Column("also_in", sa.JSON(), nullable=False),
        sa.Column("proved_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_proposals_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_proposals_import_id_imports"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_proposals_transaction_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("account_id", "identity", name=op.f("uq_proposals_account_id_identity")),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proposals_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposals_transaction_id"), ["transaction_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposals_user_id"), ["user_id"], unique=False)

    op.create_table(
        "row_identities",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_row_identities_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_row_identities_import_id_imports"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_row_identities_transaction_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "identity", "import_id", name=op.f("pk_row_identities")),
    )
    with op.batch_alter_table("row_identities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_row_identities_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_row_identities_transaction_id"), ["transaction_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_row_identities_user_id"), ["user_id"], unique=False)

    op.create_table(
        "splits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_splits_transaction_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_splits")),
    )
    with op.batch_alter_table("splits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_splits_transaction_id"), ["transaction_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_splits_user_id"), ["user_id"], unique=False)

    op.create_table(
        "transaction_tags",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(length=60), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tagged_by", sa.String(length=10), nullable=False, server_default="user"),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_transaction_tags_transaction_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("transaction_id", "tag", name=op.f("pk_transaction_tags")),
    )
    with op.batch_alter_table("transaction_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transaction_tags_user_id_tag"), ["user_id", "tag"], unique=False)

    op.create_table(
        "transfers",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("outgoing_id", sa.Uuid(), nullable=False),
        sa.Column("incoming_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("rate", sa.String(length=40), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incoming_id"], ["transactions.id"], name=op.f("fk_transfers_incoming_id_transactions"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["outgoing_id"], ["transactions.id"], name=op.f("fk_transfers_outgoing_id_transactions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("outgoing_id", "incoming_id", name=op.f("uq_transfers_outgoing_id_incoming_id")),
    )
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transfers_incoming_id"), ["incoming_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_transfers_user_id"), ["user_id"], unique=False)
        for side in ("outgoing", "incoming"):
            batch_op.create_index(
                f"uq_transfers_linked_{side}",
                [f"{side}_id"],
                unique=True,
                sqlite_where=sa.text("status = 'linked'"),
                postgresql_where=sa.text("status = 'linked'"),
            )

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("trusts_bank_ids", sa.Boolean(), nullable=False, server_default=sa.true()))

    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proposed", sa.Integer(), nullable=False, server_default="0"))

    with op.batch_alter_table("rules", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column("match", sa.String(length=3), nullable=False, server_default="all"))
        batch_op.add_column(sa.Column("conditions", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("actions", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.alter_column("category_id", existing_type=sa.Uuid(), nullable=True)
    _conditions_from_texts()
    with op.batch_alter_table("rules", schema=None) as batch_op:
        batch_op.drop_column("contains")

    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("content", sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("stated_date", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("stated_amount", Money(), nullable=True))
        batch_op.add_column(sa.Column("original_amount", Money(), nullable=True))
        batch_op.add_column(sa.Column("original_currency", sa.String(length=3), nullable=True))
        batch_op.add_column(sa.Column("exchange_rate", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("balance", Money(), nullable=True))
        batch_op.add_column(sa.Column("details", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("merchant_by", sa.String(length=10), nullable=False, server_default="none"))
        batch_op.add_column(sa.Column("note_by", sa.String(length=10), nullable=False, server_default="none"))
        batch_op.add_column(sa.Column("rule_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("confidence", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("marked_transfer", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("transfer_by", sa.String(length=10), nullable=False, server_default="none"))
        batch_op.create_index(
            batch_op.f("ix_transactions_account_id_stated_date"),
            ["account_id", "stated_date"],
            unique=False,
            sqlite_where=sa.text("stated_date IS NOT NULL"),
            postgresql_where=sa.text("stated_date IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_transactions_balance"),
            ["account_id", "booking_date"],
            unique=False,
            sqlite_where=sa.text("balance IS NOT NULL"),
            postgresql_where=sa.text("balance IS NOT NULL"),
        )


_RULES = sa.table(
    "rules", sa.column("id", sa.Uuid()), sa.column("contains", sa.String()), sa.column("conditions", sa.JSON())
)


def _conditions_from_texts() -> None:
    connection = op.get_bind()
    for rule_id, text in connection.execute(sa.select(_RULES.c.id, _RULES.c.contains)).all():
        conditions = [{"field": "text", "operator": "contains", "value": text}]
        connection.execute(sa.update(_RULES).where(_RULES.c.id == rule_id).values(conditions=conditions))


def _texts_from_conditions() -> None:
    """Keep what a rule of the earlier form can say: the first text; a rule without one goes."""
    connection = op.get_bind()
    for rule_id, conditions in connection.execute(sa.select(_RULES.c.id, _RULES.c.conditions)).all():
        texts = [c["value"] for c in conditions if (c["field"], c["operator"]) == ("text", "contains")]
        if texts:
            connection.execute(sa.update(_RULES).where(_RULES.c.id == rule_id).values(contains=texts[0]))
        else:
            connection.execute(sa.delete(_RULES).where(_RULES.c.id == rule_id))


def downgrade() -> None:
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transactions_balance"))
        batch_op.drop_index(batch_op.f("ix_transactions_account_id_stated_date"))
        batch_op.drop_column("transfer_by")
        batch_op.drop_column("marked_transfer")
        batch_op.drop_column("confidence")
        batch_op.drop_column("rule_id")
        batch_op.drop_column("note_by")
        batch_op.drop_column("merchant_by")
        batch_op.drop_column("details")
        batch_op.drop_column("balance")
        batch_op.drop_column("exchange_rate")
        batch_op.drop_column("original_currency")
        batch_op.drop_column("original_amount")
        batch_op.drop_column("stated_amount")
        batch_op.drop_column("stated_date")
        batch_op.drop_column("content")

    op.execute(sa.text("DELETE FROM rules WHERE category_id IS NULL"))
    with op.batch_alter_table("rules", schema=None) as batch_op:
        batch_op.add_column(sa.Column("contains", sa.VARCHAR(length=200), nullable=False, server_default=""))
        batch_op.alter_column("category_id", existing_type=sa.Uuid(), nullable=False)
    _texts_from_conditions()
    with op.batch_alter_table("rules", schema=None) as batch_op:
        batch_op.drop_column("actions")
        batch_op.drop_column("conditions")
        batch_op.drop_column("match")
        batch_op.drop_column("enabled")
        batch_op.drop_column("name")

    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_column("proposed")

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("trusts_bank_ids")

    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.drop_index("uq_transfers_linked_incoming")
        batch_op.drop_index("uq_transfers_linked_outgoing")
        batch_op.drop_index(batch_op.f("ix_transfers_user_id"))
        batch_op.drop_index(batch_op.f("ix_transfers_incoming_id"))

    op.drop_table("transfers")
    with op.batch_alter_table("transaction_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transaction_tags_user_id_tag"))

    op.drop_table("transaction_tags")
    with op.batch_alter_table("splits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_splits_user_id"))
        batch_op.drop_index(batch_op.f("ix_splits_transaction_id"))

    op.drop_table("splits")
    with op.batch_alter_table("row_identities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_row_identities_user_id"))
        batch_op.drop_index(batch_op.f("ix_row_identities_transaction_id"))
        batch_op.drop_index(batch_op.f("ix_row_identities_import_id"))

    op.drop_table("row_identities")
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proposals_user_id"))
        batch_op.drop_index(batch_op.f("ix_proposals_transaction_id"))
        batch_op.drop_index(batch_op.f("ix_proposals_import_id"))

    op.drop_table("proposals")
    with op.batch_alter_table("investment_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_investment_entries_user_id_trade_date_id"))
        batch_op.drop_index(batch_op.f("ix_investment_entries_transaction_id"))
        batch_op.drop_index(batch_op.f("ix_investment_entries_security_id"))
        batch_op.drop_index(batch_op.f("ix_investment_entries_import_id"))

    op.drop_table("investment_entries")
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_corrections_user_id"))
        batch_op.drop_index(batch_op.f("ix_corrections_transaction_id"))
        batch_op.drop_index(batch_op.f("ix_corrections_replaced_by"))
        batch_op.drop_index(batch_op.f("ix_corrections_linked_to"))
        batch_op.drop_index(batch_op.f("ix_corrections_import_id"))

    op.drop_table("corrections")
    with op.batch_alter_table("position_statements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_position_statements_user_id"))
        batch_op.drop_index(batch_op.f("ix_position_statements_import_id"))

    op.drop_table("position_statements")
    with op.batch_alter_table("statements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_statements_user_id"))
        batch_op.drop_index(batch_op.f("ix_statements_import_id"))
        batch_op.drop_index(batch_op.f("ix_statements_account_id"))

    op.drop_table("statements")
    with op.batch_alter_table("positions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_positions_user_id"))
        batch_op.drop_index(batch_op.f("ix_positions_security_id"))
        batch_op.drop_index(batch_op.f("ix_positions_import_id"))

    op.drop_table("positions")
    with op.batch_alter_table("journal_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journal_changes_user_id"))
        batch_op.drop_index(batch_op.f("ix_journal_changes_transaction_id"))

    op.drop_table("journal_changes")
    with op.batch_alter_table("balance_assertions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_balance_assertions_user_id"))
        batch_op.drop_index(batch_op.f("ix_balance_assertions_account_id"))

    op.drop_table("balance_assertions")
    with op.batch_alter_table("securities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_securities_user_id"))

    op.drop_table("securities")
    with op.batch_alter_table("journal_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journal_entries_user_id_id"))

    op.drop_table("journal_entries")
    with op.batch_alter_table("csv_profiles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_csv_profiles_user_id"))

    op.drop_table("csv_profiles")
