"""Keep, beside the record, what reports need of each episode and of each measure in it.

The tables begin empty; `spor report rebuild` fills them from the record, and the service keeps them from then on.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None

rights = import_module("migrations.versions.0013_patients_rights")

OWN_ROWS = rights.OWN_ROWS
TABLES = ("episode_summaries", "measure_summaries")
OF_PATIENT = {**dict.fromkeys(reversed(TABLES), rights.IN_EPISODES), **rights.OF_PATIENT}
DELETE_PATIENT = "spor_delete_patient"

# Rows of an episode under way are written anew with every answer.
ROOM = {"fillfactor": 80}


def upgrade() -> None:
    make_tables()
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy own_organisation on {table} using ({OWN_ROWS}) with check ({OWN_ROWS})")
        op.execute(f"grant select, insert, update, delete on {table} to spor_app")
    replace_deletion(OF_PATIENT)


def replace_deletion(of_patient: dict[str, str]) -> None:
    """Let the function that deletes a patient's record take these tables' rows too."""
    locks, found, _ = rights.FUNCTIONS[DELETE_PATIENT]
    op.execute(rights.function(DELETE_PATIENT, locks, found, of_patient))


def make_tables() -> None:
    op.create_table(
        "episode_summaries",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        *compared(),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.Column("planned_dose", sa.SmallInteger(), nullable=True),
        sa.Column("waiting_days", sa.SmallInteger(), nullable=True),
        sa.Column("treatment_days", sa.SmallInteger(), nullable=True),
        sa.Column("days_after_last", sa.SmallInteger(), nullable=True),
        sa.Column("attended", sa.SmallInteger(), nullable=False),
        sa.Column("cancelled", sa.SmallInteger(), nullable=False),
        sa.Column("no_shows", sa.SmallInteger(), nullable=False),
        sa.Column("missed_last", sa.Boolean(), nullable=True),
        sa.Column("forms_offered", sa.SmallInteger(), nullable=False),
        sa.Column("forms_completed", sa.SmallInteger(), nullable=False),
        sa.Column("forms_declined", sa.SmallInteger(), nullable=False),
        sa.Column("forms_unable", sa.SmallInteger(), nullable=False),
        rights.of("episode_summaries", "episodes", "episode_id"),
        sa.PrimaryKeyConstraint("organisation_id", "episode_id", name=op.f("episode_summaries_pkey")),
        postgresql_with=ROOM,
    )
    op.create_table(
        "measure_summaries",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("form_family", sa.Text(), nullable=False),
        sa.Column("informant_id", sa.Uuid(), nullable=False),
        *compared(),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("scores", sa.SmallInteger(), nullable=False),
        sa.Column("baseline", sa.Float(), nullable=True),
        sa.Column("last", sa.Float(), nullable=True),
        sa.Column("last_dose", sa.SmallInteger(), nullable=True),
        sa.Column("last_days", sa.SmallInteger(), nullable=True),
        sa.Column("change", sa.SmallInteger(), nullable=True),
        sa.Column("case_at_start", sa.Boolean(), nullable=True),
        sa.Column("case_at_end", sa.Boolean(), nullable=True),
        sa.Column("first_improved_dose", sa.SmallInteger(), nullable=True),
        sa.Column("measured_sessions", sa.SmallInteger(), nullable=False),
        sa.Column("waiting_change", sa.Float(), nullable=True),
        sa.Column("waiting_days", sa.SmallInteger(), nullable=True),
        sa.Column("follow_up_change", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "role in ('self', 'parent', 'teacher', 'clinician')", name=op.f("measure_summaries_role_check")
        ),
        sa.CheckConstraint("rank between 0 and 2", name=op.f("measure_summaries_rank_check")),
        sa.CheckConstraint("change between -1 and 1", name=op.f("measure_summaries_change_check")),
        rights.of("measure_summaries", "episodes", "episode_id"),
        sa.PrimaryKeyConstraint(
            "organisation_id",
            "episode_id",
            "measure",
            "form_family",
            "informant_id",
            name=op.f("measure_summaries_pkey"),
        ),
        postgresql_with=ROOM,
    )


def compared() -> list[sa.Column[object]]:
    """Give the columns by which episodes are compared."""
    return [
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=True),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("closed_year", sa.SmallInteger(), nullable=True),
        sa.Column("pathway", sa.SmallInteger(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("age_years", sa.SmallInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("problem_areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("interval_days", sa.SmallInteger(), nullable=True),
        sa.Column("dropped_out", sa.Boolean(), nullable=False),
    ]


def downgrade() -> None:
    replace_deletion(rights.OF_PATIENT)
    for table in reversed(TABLES):
        op.drop_table(table)
