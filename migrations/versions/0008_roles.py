"""Let people have the further roles, be deactivated, and a credential stand for one assignment.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

ROLES = "'device', 'respondent', 'therapist', 'supervisor', 'service_lead', 'administrator', 'analyst', 'operator'"
PURPOSES = (
    "'treatment', 'answering', 'administration', 'supervision', 'analysis', 'operation', 'patient_rights', 'emergency',"
    " 'covering_for_colleague', 'asked_by_patient'"
)
WIDER = {
    ("users", "role"): (f"role in ({ROLES})", "role in ('device', 'therapist', 'service_lead')"),
    ("audit_events", "role"): (f"role in ({ROLES})", "role in ('device', 'therapist', 'service_lead')"),
    ("audit_events", "purpose"): (
        f"purpose in ({PURPOSES})",
        "purpose in ('treatment', 'answering', 'administration')",
    ),
    ("credentials", "one_holder"): (
        "num_nonnulls(user_id, device_id, assignment_id) = 1",
        "num_nonnulls(user_id, device_id) = 1",
    ),
}

AUTHENTICATE = """
create or replace function spor_authenticate(token_hash bytea)
    returns table (organisation_id uuid, actor_id uuid, role text, service_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select c.organisation_id,
           coalesce(u.id, d.id, a.id),
           coalesce(u.role, case when d.id is null then 'respondent' else 'device' end),
           coalesce(u.service_id, d.service_id, e.service_id)
      from public.credentials c
      left join public.users u on u.organisation_id = c.organisation_id and u.id = c.user_id
      left join public.devices d on d.organisation_id = c.organisation_id and d.id = c.device_id
      left join public.assignments a on a.organisation_id = c.organisation_id and a.id = c.assignment_id
      left join public.episodes e on e.organisation_id = a.organisation_id and e.id = a.episode_id
     where c.token_hash = $1
       and c.revoked_at is null
       and (c.expires_at is null or c.expires_at > now())
       and u.deactivated_at is null;
end;
"""
AUTHENTICATE_BEFORE = """
create or replace function spor_authenticate(token_hash bytea)
    returns table (organisation_id uuid, actor_id uuid, role text, service_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select c.organisation_id,
           coalesce(u.id, d.id),
           coalesce(u.role, 'device'),
           coalesce(u.service_id, d.service_id)
      from public.credentials c
      left join public.users u on u.organisation_id = c.organisation_id and u.id = c.user_id
      left join public.devices d on d.organisation_id = c.organisation_id and d.id = c.device_id
     where c.token_hash = $1
       and c.revoked_at is null
       and (c.expires_at is null or c.expires_at > now());
end;
"""


LINKED = "credentials_organisation_id_assignment_id_fkey"
LINK = "foreign key (organisation_id, assignment_id) references assignments (organisation_id, id)"


def upgrade() -> None:
    # Each step can be done again, since what comes after the first transaction may be cut short.
    op.add_column("users", sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True), if_not_exists=True)
    op.add_column("credentials", sa.Column("assignment_id", sa.Uuid(), nullable=True), if_not_exists=True)
    rules = {(table, f"{table}_{name}_check"): f"check ({rule})" for (table, name), (rule, _) in WIDER.items()}
    rules["credentials", LINKED] = LINK
    for (table, name), rule in rules.items():
        replace(table, name, rule)
    op.execute(AUTHENTICATE)
    with op.get_context().autocommit_block():  # the rows are looked through while others work
        for table, name in rules:
            op.execute(f"alter table {table} validate constraint {name}")


def replace(table: str, name: str, rule: str) -> None:
    """Put a rule in the place of one that allows less, without looking through the rows."""
    op.execute(f"-- squawk-ignore ban-drop-constraint\nalter table {table} drop constraint if exists {name}")
    op.execute(f"alter table {table} add constraint {name} {rule} not valid")


def downgrade() -> None:
    op.execute(AUTHENTICATE_BEFORE)
    op.drop_constraint(LINKED, "credentials")
    for (table, name), (_, rule) in WIDER.items():
        op.drop_constraint(op.f(f"{table}_{name}_check"), table)
        op.create_check_constraint(op.f(f"{table}_{name}_check"), table, rule)
    op.drop_column("credentials", "assignment_id")
    op.drop_column("users", "deactivated_at")
