"""Pair tablets by a code, open assignments by a code or a link, and let schedules make them.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None

OWN_ROWS = "organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid"

DEVICES: dict[str, sa.types.TypeEngine[Any]] = {
    "pairing_hash": sa.LargeBinary(),
    "pairing_expires_at": sa.DateTime(timezone=True),
    "paired_at": sa.DateTime(timezone=True),
    "last_seen_on": sa.Date(),
    "revoked_at": sa.DateTime(timezone=True),
}
ASSIGNMENTS: dict[str, sa.types.TypeEngine[Any]] = {
    "code_hash": sa.LargeBinary(),
    "code_expires_at": sa.DateTime(timezone=True),
    "link_hash": sa.LargeBinary(),
    "link_expires_at": sa.DateTime(timezone=True),
    "completed_at": sa.DateTime(timezone=True),
    "administration_id": sa.Uuid(),
    "schedule_key": sa.Text(),
}
INDEXES = {
    "devices_pairing_hash_key": ("devices", ["pairing_hash"], "pairing_hash is not null"),
    "assignments_link_hash_key": ("assignments", ["link_hash"], "link_hash is not null"),
    "assignments_code_key": ("assignments", ["organisation_id", "code_hash"], "code_hash is not null"),
    "assignments_schedule_key": (
        "assignments",
        ["organisation_id", "episode_id", "schedule_key"],
        "schedule_key is not null",
    ),
}
BEFORE = (
    "'unreadable', 'clock_ahead', 'episode_closed', 'wrong_form_for_age', 'wrong_informant', 'unknown_informant',"
    " 'unknown_session', 'too_many_missing'"
)
RULE = "administrations_clarifications_check"

OF_SESSION = "assignments_organisation_id_treatment_session_id_idx"

FUNCTIONS = {
    "spor_take_pairing_code": """
        update public.devices d
           set pairing_hash = null, pairing_expires_at = null
         where d.pairing_hash = $1 and d.pairing_expires_at > now() and d.revoked_at is null
        returning d.organisation_id, d.id, 'device', d.service_id;
    """,
    "spor_take_link": """
        update public.assignments a
           set link_hash = null, link_expires_at = null
          from public.episodes e
         where a.link_hash = $1 and a.link_expires_at > now() and a.opens_at <= now() and a.state = 'offered'
           and e.organisation_id = a.organisation_id and e.id = a.episode_id
        returning a.organisation_id, a.id, 'respondent', e.service_id;
    """,
}
"""Each takes a secret by its hash, once: what is looked up before the organisation is known is used up by it."""


def upgrade() -> None:
    # Each step can be done again, since what comes after the first transaction may be cut short.
    for table, columns in (("devices", DEVICES), ("assignments", ASSIGNMENTS)):
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True), if_not_exists=True)
    # Tablets that have a token are paired; there are a few of them in a service.
    op.execute(
        "update devices d set paired_at = c.created_at from credentials c"
        " where c.organisation_id = d.organisation_id and c.device_id = d.id and d.paired_at is null"
    )
    op.execute(f"-- squawk-ignore ban-drop-constraint\nalter table administrations drop constraint if exists {RULE}")
    op.execute(
        f"alter table administrations add constraint {RULE}"
        f" check (clarifications <@ array[{BEFORE}, 'not_assigned']) not valid"
    )
    with op.get_context().autocommit_block():  # answers are put meanwhile
        op.execute(f"alter table administrations validate constraint {RULE}")
        for name, (table, on, where) in INDEXES.items():
            op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name,
                table,
                on,
                unique=True,
                if_not_exists=True,
                postgresql_where=sa.text(where),
                postgresql_concurrently=True,
            )
        op.drop_index(OF_SESSION, table_name="assignments", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            OF_SESSION,
            "assignments",
            ["organisation_id", "treatment_session_id"],
            if_not_exists=True,
            postgresql_concurrently=True,
        )
    # What follows is one transaction, so that it is done wholly or not at all.
    add_openings()
    for name, body in FUNCTIONS.items():
        op.execute(
            f"create or replace function {name}(secret_hash bytea)"
            " returns table (organisation_id uuid, actor_id uuid, role text, service_id uuid)"
            " language sql volatile security definer set search_path = pg_catalog, pg_temp"
            f" begin atomic {body} end;"
        )
        op.execute(f"revoke all on function {name}(bytea) from public")
        op.execute(f"grant execute on function {name}(bytea) to spor_app")


def add_openings() -> None:
    """Keep on which tablets an assignment was opened; where, decides which episodes a tablet reaches."""
    op.create_table(
        "assignment_openings",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                ["organisation_id", column],
                [f"{table}.organisation_id", f"{table}.id"],
                name=op.f(f"assignment_openings_organisation_id_{column}_fkey"),
            )
            for table, column in (
                ("assignments", "assignment_id"),
                ("devices", "device_id"),
                ("episodes", "episode_id"),
            )
        ),
        sa.PrimaryKeyConstraint("organisation_id", "assignment_id", "device_id", name=op.f("assignment_openings_pkey")),
    )
    op.create_index(
        op.f("assignment_openings_organisation_id_episode_id_device_id_idx"),
        "assignment_openings",
        ["organisation_id", "episode_id", "device_id"],
    )
    op.create_index(
        "assignment_openings_open_on_idx",
        "assignment_openings",
        ["organisation_id", "device_id"],
        postgresql_where=sa.text("closed_at is null"),
    )
    op.execute("alter table assignment_openings enable row level security")
    op.execute(f"create policy own_organisation on assignment_openings using ({OWN_ROWS}) with check ({OWN_ROWS})")
    op.execute("grant select, insert, update on assignment_openings to spor_app")


def downgrade() -> None:
    op.drop_constraint(op.f(RULE), "administrations")
    op.create_check_constraint(op.f(RULE), "administrations", f"clarifications <@ array[{BEFORE}]")
    for name in FUNCTIONS:
        op.execute(f"drop function {name}(bytea)")
    op.drop_index(OF_SESSION, table_name="assignments")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    op.drop_table("assignment_openings")
    for table, columns in (("assignments", ASSIGNMENTS), ("devices", DEVICES)):
        for name in reversed(columns):
            op.drop_column(table, name)
