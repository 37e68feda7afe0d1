"""Keep the goals of an episode, in the patient's own words, which the form own-goals asks about by their places.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

OWN_ROWS = "organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid"


def upgrade() -> None:
    # A new table; its foreign key takes a lock on episodes for a moment, for which no migration waits long.
    op.create_table(
        "goals",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached", sa.Boolean(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ended_at is not null or reached is null", name=op.f("goals_reached_when_ended_check")),
        sa.CheckConstraint("ended_at >= set_at", name=op.f("goals_ends_after_it_was_set_check")),
        sa.CheckConstraint("place between 1 and 3", name=op.f("goals_place_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("goals_organisation_id_episode_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("goals_pkey")),
    )
    op.create_index(
        "goals_place_key",
        "goals",
        ["organisation_id", "episode_id", "place"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index(op.f("goals_organisation_id_episode_id_idx"), "goals", ["organisation_id", "episode_id"])
    op.execute("alter table goals enable row level security")
    op.execute(f"create policy own_organisation on goals using ({OWN_ROWS}) with check ({OWN_ROWS})")
    op.execute("grant select, insert, update on goals to spor_app")


def downgrade() -> None:
    op.drop_table("goals")
