"""Find the patients whom somebody has registered without reading those of the whole organisation.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

INDEX = "patients_organisation_id_registered_by_idx"


def upgrade() -> None:
    # Patients can be registered meanwhile; an index that a cut connection has left half made is made anew.
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, table_name="patients", if_exists=True, postgresql_concurrently=True)
        columns = ["organisation_id", "registered_by"]
        op.create_index(INDEX, "patients", columns, if_not_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, table_name="patients", if_exists=True, postgresql_concurrently=True)
