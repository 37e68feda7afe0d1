"""Keep, with an organisation's settings, the agreements by which it may use instruments that need one.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    # A constant default is kept in the catalogue: no row is written, and programs of the revision before go on.
    agreements = sa.Column("agreements", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    op.add_column("organisation_settings", agreements)


def downgrade() -> None:
    op.drop_column("organisation_settings", "agreements")
