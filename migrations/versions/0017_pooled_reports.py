"""Let an organisation agree that its counts are part of a report over several of them; none does until it says so.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    # A default that is a constant rewrites no row.
    op.add_column(
        "organisation_settings",
        sa.Column("pools_reports", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_column("organisation_settings", "pools_reports")
