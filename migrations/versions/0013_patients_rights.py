"""Keep what was before an edit, consents and legal holds; delete a patient's record by decision, and leave a tombstone.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None

OWN_ORGANISATION = "nullif(current_setting('spor.organisation', true), '')::uuid"
OWN_ROWS = f"organisation_id = {OWN_ORGANISATION}"

NEW = {
    "earlier_values": "select, insert",
    "consents": "select, insert",
    "legal_holds": "select, insert, update (lifted_at, lifted_by, lifting_reason, version)",
    # Only the functions below write these, each time with what they delete.
    "deletions": "select",
    "deleted_administrations": "select",
}

RETENTION = {
    "retention_years": "retention_years between 1 and 200",
    "retention_until_age": "retention_until_age between 1 and 150",
    "retention_has_years": "retention_until_age is null or retention_years is not null",
}

# A row is deleted only when nothing refers to it any more, and these are how PostgreSQL finds that out without going
# through a whole table.
INDEXES = {
    "administrations_of_episode_idx": ("administrations", "episode_id"),
    "administrations_organisation_id_series_id_idx": ("administrations", "series_id"),
    "series_organisation_id_informant_id_idx": ("series", "informant_id"),
    "attendances_organisation_id_informant_id_idx": ("attendances", "informant_id"),
    "assignments_organisation_id_informant_id_idx": ("assignments", "informant_id"),
    "episodes_organisation_id_main_series_id_idx": ("episodes", "main_series_id"),
    "credentials_organisation_id_assignment_id_idx": ("credentials", "assignment_id"),
    "risk_alerts_organisation_id_patient_id_idx": ("risk_alerts", "patient_id"),
}
REPLACED = "administrations_organisation_id_episode_id_idx"

IN_EPISODES = "t.episode_id in (select id from e)"
IN_VERSIONS = "(t.administration_id, t.administration_version) in (select id, version from a)"

# Every table with a path to the patient, and which of its rows are the patient's. A table that comes later has to be
# added, in a function that replaces this one: tests/api/test_deletion.py finds the tables by their foreign keys.
OF_PATIENT = {
    "credentials": "t.assignment_id in (select id from x)",
    "scores": IN_VERSIONS,
    "progress": IN_VERSIONS,
    "risk_alerts": "t.id in (select id from r)",
    "administrations": "(t.id, t.version) in (select id, version from a)",
    "series": IN_EPISODES,
    "assignment_openings": IN_EPISODES,
    "assignments": IN_EPISODES,
    "attendances": IN_EPISODES,
    "goals": IN_EPISODES,
    "reviews": IN_EPISODES,
    "episode_programmes": IN_EPISODES,
    "treatment_relations": IN_EPISODES,
    "episodes": "t.id in (select id from e)",
    "treatment_sessions": "t.id in (select id from alone)",
    "informants": "t.patient_id in (select id from own)",
    "blocks": "t.patient_id in (select id from own)",
    "break_glass": "t.patient_id in (select id from own)",
    "consents": "t.patient_id in (select id from own)",
    "legal_holds": "t.patient_id in (select id from own)",
    "earlier_values": "t.patient_id in (select id from own)",
    "patients": "t.id in (select id from own)",
}
OF_ADMINISTRATION = {
    "scores": IN_VERSIONS,
    "progress": IN_VERSIONS,
    "risk_alerts": IN_VERSIONS,
    "administrations": "(t.id, t.version) in (select id, version from a)",
}

NOT_HELD = f"""not exists (
             select from public.legal_holds h
              where h.organisation_id = {OWN_ORGANISATION} and h.patient_id = p.id and h.lifted_at is null)"""

# The patient's administrations are those whose newest version stands in an episode of the patient's, in all versions
# (also where an earlier one was put on somebody else by mistake), and what was put on the patient by mistake. A session
# goes where the patient attended it and nothing of anybody else's refers to it.
PATIENT = f"""
         with own as (
              select p.id from public.patients p
               where p.organisation_id = {OWN_ORGANISATION} and p.id = $1 and {NOT_HELD}),
              e as (
              select t.id from public.episodes t
               where t.organisation_id = {OWN_ORGANISATION} and t.patient_id in (select id from own)),
              x as (
              select t.id from public.assignments t where t.organisation_id = {OWN_ORGANISATION} and {IN_EPISODES}),
              a as (
              select t.id, t.version from public.administrations t
               where t.organisation_id = {OWN_ORGANISATION}
                 and t.id in (select c.id from public.administrations c
                               where c.organisation_id = {OWN_ORGANISATION} and c.superseded_at is null
                                 and c.episode_id in (select id from e))
              union
              select t.id, t.version from public.administrations t
               where t.organisation_id = {OWN_ORGANISATION} and {IN_EPISODES}),
              r as (
              select t.id from public.risk_alerts t
               where t.organisation_id = {OWN_ORGANISATION} and t.patient_id in (select id from own)
              union
              select t.id from public.risk_alerts t
               where t.organisation_id = {OWN_ORGANISATION} and {IN_VERSIONS}),
              alone as (
              select s.id from public.treatment_sessions s
               where s.organisation_id = {OWN_ORGANISATION}
                 and s.id in (select t.treatment_session_id from public.attendances t
                               where t.organisation_id = {OWN_ORGANISATION} and {IN_EPISODES})
                 and not exists (
                     select from public.attendances t
                      where t.organisation_id = s.organisation_id and t.treatment_session_id = s.id
                        and t.episode_id not in (select id from e))
                 and not exists (
                     select from public.assignments t
                      where t.organisation_id = s.organisation_id and t.treatment_session_id = s.id
                        and t.episode_id not in (select id from e))
                 and not exists (
                     select from public.administrations t
                      where t.organisation_id = s.organisation_id and t.treatment_session_id = s.id
                        and (t.id, t.version) not in (select id, version from a)))"""

ADMINISTRATION = f"""
         with own as (
              select p.id from public.administrations c
                join public.episodes t on t.organisation_id = c.organisation_id and t.id = c.episode_id
                join public.patients p on p.organisation_id = t.organisation_id and p.id = t.patient_id
               where c.organisation_id = {OWN_ORGANISATION} and c.id = $1 and c.superseded_at is null and {NOT_HELD}),
              a as (
              select t.id, t.version from public.administrations t
               where t.organisation_id = {OWN_ORGANISATION} and t.id = $1 and exists (select from own))"""

# All deletions are one statement, so that they see the same rows; what refers to what is looked at when it has ended.
DELETE = """
create or replace function {name}(subject_id uuid, deletion_id uuid, ground text, decision text, decided_at timestamptz,
                                  decided_by text, deleted_by uuid, deleted_at timestamptz)
    returns jsonb language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
{locks}{found},
{deletions},
              tombstone as (
              insert into public.deletions (organisation_id, id, patient_id, ground, decision, decided_at, decided_by,
                                            deleted_by, deleted_at, counts)
              select {organisation}, $2, own.id, $3, $4, $5, $6, $7, $8, jsonb_build_object({counts})
                from own
              returning counts),
              hashes as (
              insert into public.deleted_administrations (organisation_id, id_hash, deletion_id)
              select distinct {organisation}, sha256(uuid_send(a.id)), $2 from a
              on conflict do nothing)
         select counts from tombstone;
end
"""

LOCK_PATIENT = f"""
         select from public.patients p where p.organisation_id = {OWN_ORGANISATION} and p.id = $1 for update;
         select from public.episodes t where t.organisation_id = {OWN_ORGANISATION} and t.patient_id = $1
          order by t.id for update;
         select from public.treatment_sessions s
          where s.organisation_id = {OWN_ORGANISATION}
            and s.id in (select t.treatment_session_id from public.attendances t
                           join public.episodes e on e.organisation_id = t.organisation_id and e.id = t.episode_id
                          where t.organisation_id = {OWN_ORGANISATION} and e.patient_id = $1)
          order by s.id for update;"""
LOCK_ADMINISTRATION = f"""
         select from public.patients p
          where p.organisation_id = {OWN_ORGANISATION}
            and p.id in (select t.patient_id from public.administrations c
                           join public.episodes t on t.organisation_id = c.organisation_id and t.id = c.episode_id
                          where c.organisation_id = {OWN_ORGANISATION} and c.id = $1)
          order by p.id for update;"""

FUNCTIONS = {
    "spor_delete_patient": (LOCK_PATIENT, PATIENT, OF_PATIENT),
    "spor_delete_administration": (LOCK_ADMINISTRATION, ADMINISTRATION, OF_ADMINISTRATION),
}
SIGNATURE = "(uuid, uuid, text, text, timestamptz, text, uuid, timestamptz)"


def upgrade() -> None:
    # Each step can be done again, since what comes after the first transaction may be cut short.
    make_tables()
    for column in ("retention_years", "retention_until_age"):
        op.add_column("organisation_settings", sa.Column(column, sa.SmallInteger(), nullable=True), if_not_exists=True)
    for name, rule in RETENTION.items():
        constraint = f"organisation_settings_{name}_check"
        dropped = f"alter table organisation_settings drop constraint if exists {constraint}"
        op.execute(f"-- squawk-ignore ban-drop-constraint\n{dropped}")
        op.execute(f"alter table organisation_settings add constraint {constraint} check ({rule}) not valid")
    for table, privileges in NEW.items():
        op.execute(f"-- squawk-ignore prefer-robust-stmts\nalter table {table} enable row level security")
        op.execute(f"drop policy if exists own_organisation on {table}")
        op.execute(f"create policy own_organisation on {table} using ({OWN_ROWS}) with check ({OWN_ROWS})")
        op.execute(f"grant {privileges} on {table} to spor_app")
    for name, (locks, found, of_subject) in FUNCTIONS.items():
        op.execute(function(name, locks, found, of_subject))
        op.execute(f"revoke all on function {name}{SIGNATURE} from public")
        op.execute(f"grant execute on function {name}{SIGNATURE} to spor_app")
    with op.get_context().autocommit_block():  # while others work
        for name in RETENTION:
            op.execute(f"alter table organisation_settings validate constraint organisation_settings_{name}_check")
        for name, (table, column) in INDEXES.items():
            op.execute(f"drop index concurrently if exists {name}")  # one that was cut short is there and not valid
            op.execute(f"create index concurrently if not exists {name} on {table} (organisation_id, {column})")
        op.execute(f"drop index concurrently if exists {REPLACED}")


def function(name: str, locks: str, found: str, of_subject: dict[str, str]) -> str:
    """Write the function that deletes one patient, or one administration, of the organisation that was named."""
    deletions = [
        f"              d_{table} as (delete from public.{table} t"
        f" where t.organisation_id = {OWN_ORGANISATION} and ({condition}) returning 1)"
        for table, condition in of_subject.items()
    ]
    counts = [f"'{table}', (select count(*) from d_{table})" for table in of_subject]
    return DELETE.format(
        name=name,
        locks=locks,
        found=found,
        organisation=OWN_ORGANISATION,
        deletions=",\n".join(deletions),
        counts=", ".join(counts),
    )


def make_tables() -> None:
    op.create_table(
        "earlier_values",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("was", postgresql.JSONB(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_by", sa.Uuid(), nullable=False),
        of_patient("earlier_values"),
        sa.PrimaryKeyConstraint("organisation_id", "row_id", "version", name=op.f("earlier_values_pkey")),
        if_not_exists=True,
    )
    op.create_table(
        "consents",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("informant_id", sa.Uuid(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("use in ('research', 'quality_register', 'teaching')", name=op.f("consents_use_check")),
        sa.CheckConstraint("decision in ('given', 'withdrawn')", name=op.f("consents_decision_check")),
        sa.CheckConstraint("medium in ('paper', 'verbal', 'digital')", name=op.f("consents_medium_check")),
        of_patient("consents"),
        of("consents", "informants", "informant_id"),
        of("consents", "users", "recorded_by"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("consents_pkey")),
        if_not_exists=True,
    )
    op.create_table(
        "legal_holds",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifting_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(lifted_at, lifted_by, lifting_reason) in (0, 3)",
            name=op.f("legal_holds_lifted_with_a_reason_check"),
        ),
        of_patient("legal_holds"),
        of("legal_holds", "users", "placed_by"),
        of("legal_holds", "users", "lifted_by"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("legal_holds_pkey")),
        if_not_exists=True,
    )
    op.create_table(
        "deletions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_by", sa.Uuid(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "ground in ('patient_demand', 'wrong_person', 'retention_expired', 'authority_decision', 'court_decision')",
            name=op.f("deletions_ground_check"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("deletions_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("deletions_pkey")),
        if_not_exists=True,
    )
    op.create_table(
        "deleted_administrations",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("deletion_id", sa.Uuid(), nullable=False),
        of("deleted_administrations", "deletions", "deletion_id"),
        sa.PrimaryKeyConstraint("organisation_id", "id_hash", name=op.f("deleted_administrations_pkey")),
        if_not_exists=True,
    )
    for table, column in (
        ("earlier_values", "patient_id"),
        ("consents", "patient_id"),
        ("consents", "informant_id"),
        ("consents", "use"),
        ("legal_holds", "patient_id"),
        ("deletions", "patient_id"),
        ("deleted_administrations", "deletion_id"),
    ):
        name = op.f(f"{table}_organisation_id_{column}_idx")
        op.create_index(name, table, ["organisation_id", column], if_not_exists=True)


def of_patient(table: str) -> sa.ForeignKeyConstraint:
    return of(table, "patients", "patient_id")


def of(table: str, other: str, column: str) -> sa.ForeignKeyConstraint:
    """Make the composite foreign key to another table of the same organisation."""
    return sa.ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{other}.organisation_id", f"{other}.id"],
        name=op.f(f"{table}_organisation_id_{column}_fkey"),
    )


def downgrade() -> None:
    op.create_index(
        REPLACED, "administrations", ["organisation_id", "episode_id"], postgresql_where="superseded_at is null"
    )
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
    for name in FUNCTIONS:
        op.execute(f"drop function {name}{SIGNATURE}")
    for name in RETENTION:
        op.drop_constraint(op.f(f"organisation_settings_{name}_check"), "organisation_settings")
    op.drop_column("organisation_settings", "retention_until_age")
    op.drop_column("organisation_settings", "retention_years")
    for table in reversed(NEW):
        op.drop_table(table)
