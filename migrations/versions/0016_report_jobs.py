"""Keep reports that are made while their reader does something else: how far they are, and the file, for a day.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | None = None
depends_on: str | None = None

OWN_ROWS = "organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "report_jobs",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sections_done", sa.SmallInteger(), nullable=False),
        sa.Column("sections", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        check("file_format", "file_format in ('csv', 'xlsx', 'pdf')"),
        check("state", "state in ('waiting', 'running', 'done', 'failed', 'expired')"),
        check("sections_done", "sections_done between 0 and sections"),
        check("content", "(state = 'done') = (content is not null)"),
        check("problem", "(state = 'failed') = (problem is not null)"),
        sa.ForeignKeyConstraint(
            ["organisation_id", "service_id"],
            ["services.organisation_id", "services.id"],
            name=op.f("report_jobs_organisation_id_service_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("report_jobs_pkey")),
        if_not_exists=True,
    )
    op.execute("-- squawk-ignore prefer-robust-stmts\nalter table report_jobs enable row level security")
    op.execute("drop policy if exists own_organisation on report_jobs")
    op.execute(f"create policy own_organisation on report_jobs using ({OWN_ROWS}) with check ({OWN_ROWS})")
    op.execute("grant select, insert, update on report_jobs to spor_app")


def check(name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"report_jobs_{name}_check"))


def downgrade() -> None:
    op.drop_table("report_jobs")
