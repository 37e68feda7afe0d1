"""Seal the audit in epochs, list who has something to seal, and find the events of one patient.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

# The database as it stands now: another one after a dump was restored, a server upgraded, a standby promoted.
CLUSTER = """
create function spor_cluster() returns text
    language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select (select system_identifier from pg_control_system())
           || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
           || '/' || (select oid from pg_database where datname = current_database());
end
"""

# The bounds on xid keep each look as small as what came since the last one.
UNSEALED = """
create function spor_unsealed() returns table (organisation_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select o.id
      from public.organisations o
      left join lateral (select s.end_xid, s.after_id, s.cluster
                           from public.audit_seals s
                          where s.organisation_id = o.id
                          order by s.number desc
                          limit 1) last on true
     where case
           when last.cluster = public.spor_cluster()
           then exists (select from public.audit_events e
                         where e.organisation_id = o.id
                           and e.xid >= last.end_xid
                           and e.xid < pg_snapshot_xmax(pg_current_snapshot())
                           and e.id > last.after_id)
           else exists (select from public.audit_events e where e.organisation_id = o.id)
           end;
end
"""

# No index helps a role behind row-level security to look into an array: the function looks, in the same organisation.
ABOUT_PATIENT = """
create function spor_events_about(patient_id uuid, before bigint, most integer)
    returns setof audit_events
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select e.*
      from public.audit_events e
     where e.patient_ids @> array[$1]
       and e.organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid
       and ($2 is null or e.id < $2)
     order by e.id desc
     limit $3;
end
"""

SIGNATURES = ("spor_cluster()", "spor_unsealed()", "spor_events_about(uuid, bigint, integer)")
COLUMNS = (
    ("epoch", sa.Integer(), "1"),
    ("cluster", sa.Text(), "''"),
    ("after_id", sa.BigInteger(), "0"),
    ("last_id", sa.BigInteger(), "0"),
)


def upgrade() -> None:
    # Constant defaults are kept in the catalogue; no program has written a seal before this revision.
    for name, kind, default in COLUMNS:
        column = sa.Column(name, kind, server_default=sa.text(default), nullable=False)
        op.add_column("audit_seals", column, if_not_exists=True)
    op.add_column("audit_events", sa.Column("resource_id", sa.Uuid(), nullable=True), if_not_exists=True)
    for function in (CLUSTER, UNSEALED, ABOUT_PATIENT):
        op.execute(function.replace("create function", "create or replace function", 1))
    for signature in SIGNATURES:
        op.execute(f"revoke all on function {signature} from public")
        op.execute(f"grant execute on function {signature} to spor_app")
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists audit_events_patient_ids_idx")  # one that was cut short
        op.execute(
            "create index concurrently if not exists audit_events_patient_ids_idx"
            " on audit_events using gin (patient_ids) with (fastupdate = off)"
        )


def downgrade() -> None:
    for signature in reversed(SIGNATURES):
        op.execute(f"drop function {signature}")
    op.drop_index("audit_events_patient_ids_idx", "audit_events")
    op.drop_column("audit_events", "resource_id")
    for name, _, _ in reversed(COLUMNS):
        op.drop_column("audit_seals", name)
