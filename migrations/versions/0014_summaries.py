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
SUMMARIES = ("episode_summaries", "measure_summaries")
TABLES = (*SUMMARIES, "summary_years", "counted_cells")
OF_PATIENT = {**dict.fromkeys(reversed(SUMMARIES), rights.IN_EPISODES), **rights.OF_PATIENT}
DELETE_PATIENT = "spor_delete_patient"

# Rows of an episode under way are written anew with every answer.
ROOM = {"fillfactor": 80}


# What was counted of the episodes closed in a year holds until one of their rows comes, changes or goes. Rows of open
# episodes, which are written with every answer, cost no more than the question whether they have a year.
TOUCH = """
create or replace function spor_touch_year() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op <> 'INSERT' and old.closed_year is not null then
        insert into public.summary_years as y (organisation_id, closed_year, changes)
        values (old.organisation_id, old.closed_year, 1)
        on conflict (organisation_id, closed_year) do update set changes = y.changes + 1;
    end if;
    if tg_op <> 'DELETE' and new.closed_year is not null
       and (tg_op = 'INSERT' or new.closed_year is distinct from old.closed_year) then
        insert into public.summary_years as y (organisation_id, closed_year, changes)
        values (new.organisation_id, new.closed_year, 1)
        on conflict (organisation_id, closed_year) do update set changes = y.changes + 1;
    end if;
    return null;
end $$
"""
TOUCHED = {
    "insert": "new.closed_year is not null",
    "update": "old.closed_year is not null or new.closed_year is not null",
    "delete": "old.closed_year is not null",
}


def upgrade() -> None:
    make_tables()
    op.execute(TOUCH)
    for table in SUMMARIES:
        for event, condition in TOUCHED.items():
            op.execute(
                f"create trigger {table}_touch_year_on_{event} after {event} on {table}"
                f" for each row when ({condition}) execute function spor_touch_year()"
            )
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy own_organisation on {table} using ({OWN_ROWS}) with check ({OWN_ROWS})")
        op.execute(f"grant select, insert, update on {table} to spor_app")
    replace_deletion(OF_PATIENT)


def replace_deletion(of_patient: dict[str, str]) -> None:
    """Let the function that deletes a patient's record take these tables' rows too."""
    locks, found, _ = rights.FUNCTIONS[DELETE_PATIENT]
    op.execute(rights.function(DELETE_PATIENT, locks, found, of_patient))


def make_tables() -> None:
    # What always has a value of the same width comes first: so the rest is found at once, in rows read by the million.
    op.create_table(
        "episode_summaries",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        *always_known(),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("attended", sa.SmallInteger(), nullable=False),
        sa.Column("cancelled", sa.SmallInteger(), nullable=False),
        sa.Column("no_shows", sa.SmallInteger(), nullable=False),
        sa.Column("forms_offered", sa.SmallInteger(), nullable=False),
        sa.Column("forms_completed", sa.SmallInteger(), nullable=False),
        sa.Column("forms_declined", sa.SmallInteger(), nullable=False),
        sa.Column("forms_unable", sa.SmallInteger(), nullable=False),
        *perhaps_known(),
        sa.Column("planned_dose", sa.SmallInteger(), nullable=True),
        sa.Column("waiting_days", sa.SmallInteger(), nullable=True),
        sa.Column("treatment_days", sa.SmallInteger(), nullable=True),
        sa.Column("days_after_last", sa.SmallInteger(), nullable=True),
        sa.Column("missed_last", sa.Boolean(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        *in_words(),
        rights.of("episode_summaries", "episodes", "episode_id"),
        sa.PrimaryKeyConstraint("organisation_id", "episode_id", name=op.f("episode_summaries_pkey")),
        postgresql_with=ROOM,
    )
    op.create_table(
        "measure_summaries",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("informant_id", sa.Uuid(), nullable=False),
        *always_known(),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("scores", sa.SmallInteger(), nullable=False),
        sa.Column("measured_sessions", sa.SmallInteger(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        *perhaps_known(),
        sa.Column("change", sa.SmallInteger(), nullable=True),
        sa.Column("case_at_start", sa.Boolean(), nullable=True),
        sa.Column("case_at_end", sa.Boolean(), nullable=True),
        sa.Column("first_improved_dose", sa.SmallInteger(), nullable=True),
        sa.Column("last_dose", sa.SmallInteger(), nullable=True),
        sa.Column("last_days", sa.SmallInteger(), nullable=True),
        sa.Column("baseline", sa.Float(), nullable=True),
        sa.Column("last", sa.Float(), nullable=True),
        sa.Column("waiting_change", sa.Float(), nullable=True),
        sa.Column("waiting_days", sa.SmallInteger(), nullable=True),
        sa.Column("follow_up_change", sa.Float(), nullable=True),
        sa.Column("form_family", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        *in_words(),
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
    for table, columns in INDEXES.items():
        name = op.f(f"{table}_organisation_id_{'_'.join(columns)}_idx")
        op.create_index(name, table, ["organisation_id", *columns])
    op.create_table(
        "summary_years",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("closed_year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        of_organisation("summary_years"),
        sa.PrimaryKeyConstraint("organisation_id", "closed_year", name=op.f("summary_years_pkey")),
    )
    op.create_table(
        "counted_cells",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("closed_year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        of_organisation("counted_cells"),
        sa.PrimaryKeyConstraint("organisation_id", "question", "closed_year", name=op.f("counted_cells_pkey")),
    )


INDEXES = {"episode_summaries": ("closed_year",), "measure_summaries": ("measure", "closed_year")}


def of_organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"], ["organisations.id"], name=op.f(f"{table}_organisation_id_fkey")
    )


def always_known() -> list[sa.Column[object]]:
    """Give those columns by which episodes are compared that always have a value."""
    return [
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("age_years", sa.SmallInteger(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("dropped_out", sa.Boolean(), nullable=False),
    ]


def perhaps_known() -> list[sa.Column[object]]:
    """Give those that may have none."""
    return [
        sa.Column("closed_year", sa.SmallInteger(), nullable=True),
        sa.Column("pathway", sa.SmallInteger(), nullable=True),
        sa.Column("interval_days", sa.SmallInteger(), nullable=True),
        sa.Column("programme_id", sa.Uuid(), nullable=True),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
    ]


def in_words() -> list[sa.Column[object]]:
    """Give those that are words or lists of them."""
    return [
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("problem_areas", postgresql.ARRAY(sa.Text()), nullable=False),
    ]


def downgrade() -> None:
    replace_deletion(rights.OF_PATIENT)
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("drop function spor_touch_year()")
