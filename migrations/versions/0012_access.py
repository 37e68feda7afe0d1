"""Keep whom patients have blocked, and who has opened the record of a colleague's patient.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None

OWN_ROWS = "organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid"
BY_SERVICE = "episodes_organisation_id_service_id_id_idx"


def upgrade() -> None:
    # Episodes are opened meanwhile; an index that a cut connection has left half made is made anew.
    with op.get_context().autocommit_block():
        op.drop_index(BY_SERVICE, table_name="episodes", if_exists=True, postgresql_concurrently=True)
        columns = ["organisation_id", "service_id", "id"]
        op.create_index(BY_SERVICE, "episodes", columns, if_not_exists=True, postgresql_concurrently=True)
    # New tables; their foreign keys take a lock on patients, users and services for a moment.
    make_blocks()
    make_break_glass()
    for table in ("blocks", "break_glass"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy own_organisation on {table} using ({OWN_ROWS}) with check ({OWN_ROWS})")
    op.execute("grant select, insert, update (lifted_at, lifted_by, version) on blocks to spor_app")
    op.execute("grant select, insert, update (reviewed_at, reviewed_by, finding, version) on break_glass to spor_app")


def make_blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(lifted_at is null) = (lifted_by is null)", name=op.f("blocks_lifted_by_a_person_check")),
        belongs_to("blocks", "patients", "patient_id"),
        belongs_to("blocks", "users", "user_id"),
        belongs_to("blocks", "users", "recorded_by"),
        belongs_to("blocks", "users", "lifted_by"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("blocks_pkey")),
    )
    op.create_index(
        "blocks_in_force_key",
        "blocks",
        ["organisation_id", "user_id", "patient_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at is null"),
    )
    op.create_index(op.f("blocks_organisation_id_patient_id_idx"), "blocks", ["organisation_id", "patient_id"])


def make_break_glass() -> None:
    op.create_table(
        "break_glass",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "purpose in ('emergency', 'covering_for_colleague', 'asked_by_patient')",
            name=op.f("break_glass_purpose_check"),
        ),
        sa.CheckConstraint("finding in ('justified', 'not_justified')", name=op.f("break_glass_finding_check")),
        sa.CheckConstraint(
            "num_nonnulls(reviewed_at, reviewed_by, finding) in (0, 3)",
            name=op.f("break_glass_reviewed_by_a_person_check"),
        ),
        sa.CheckConstraint("reviewed_by <> user_id", name=op.f("break_glass_reviewed_by_somebody_else_check")),
        sa.CheckConstraint("expires_at > opened_at", name=op.f("break_glass_expires_after_opening_check")),
        belongs_to("break_glass", "patients", "patient_id"),
        belongs_to("break_glass", "services", "service_id"),
        belongs_to("break_glass", "users", "user_id"),
        belongs_to("break_glass", "users", "reviewed_by"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("break_glass_pkey")),
    )
    for columns in (["user_id", "expires_at"], ["patient_id"], ["service_id", "id"]):
        named = f"break_glass_organisation_id_{'_'.join(columns)}_idx"
        op.create_index(op.f(named), "break_glass", ["organisation_id", *columns])


def belongs_to(table: str, other: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{other}.organisation_id", f"{other}.id"],
        name=op.f(f"{table}_organisation_id_{column}_fkey"),
    )


def downgrade() -> None:
    op.drop_index(BY_SERVICE, table_name="episodes")
    op.drop_table("break_glass")
    op.drop_table("blocks")
