"""Rows that several imports bring."""

import sqlalchemy as sa
from alembic import op

revision = "5efe8d97819b"
down_revision = "0f0f2ddae35b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "repeated_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_repeated_rows_import_id_imports"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_repeated_rows_transaction_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "transaction_id", name=op.f("pk_repeated_rows")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("repeated_rows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_repeated_rows_transaction_id"), ["transaction_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("repeated_rows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_repeated_rows_transaction_id"))

    op.drop_table("repeated_rows")
