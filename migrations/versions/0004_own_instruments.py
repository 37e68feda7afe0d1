"""Keep the instruments that an organisation brings itself, and the wordings that it may use, in versions.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

TABLES = ("own_instruments", "wordings")
OWN_ROWS = "organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid"


def upgrade() -> None:
    # Two new tables: nothing that is running knows of them, and nothing waits for a lock.
    op.create_table(
        "own_instruments",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("main_subscale", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("own_instruments_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "key", "version", name=op.f("own_instruments_pkey")),
    )
    op.create_table(
        "wordings",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_version", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("wording", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("wordings_organisation_id_fkey")),
        sa.PrimaryKeyConstraint(
            "organisation_id",
            "instrument",
            "instrument_version",
            "form",
            "language",
            "revision",
            name=op.f("wordings_pkey"),
        ),
    )
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy own_organisation on {table} using ({OWN_ROWS}) with check ({OWN_ROWS})")
        op.execute(f"grant select, insert on {table} to spor_app")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
