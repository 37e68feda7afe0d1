"""Keep, with a risk alert, the legal duties that its item reminded of when it was raised.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    # A constant default is kept in the catalogue: no row is written, and programs of the revision before go on.
    op.add_column(
        "risk_alerts",
        sa.Column("duties", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("risk_alerts", "duties")
