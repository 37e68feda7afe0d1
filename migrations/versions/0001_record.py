"""Make the record: every table, who may do what to it, and the wall between organisations.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.db.models.oversight import TransactionId

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

# What the application role may do beside reading and adding. Nothing may be deleted; what is not named here is
# never changed either: scores, progress, audit events and seals are append-only.
EDITED = (
    "services",
    "users",
    "devices",
    "programmes",
    "patients",
    "informants",
    "episodes",
    "treatment_relations",
    "episode_programmes",
    "treatment_sessions",
    "attendances",
    "assignments",
    "curves",
    "risk_alerts",
    "reviews",
)
APPEND_ONLY = (
    "organisation_settings",
    "series",
    "scores",
    "progress",
    "audit_events",
    "audit_seals",
)
# Tables of which single columns may change.
MARKED = {"administrations": "superseded_at", "credentials": "revoked_at, expires_at"}

OWN_ROWS = "organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid"

AUTHENTICATE = """
create function spor_authenticate(token_hash bytea)
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
end
"""


def upgrade() -> None:
    make_tables()
    separate_organisations()
    grant()


def separate_organisations() -> None:
    """Let a connection see the rows of the organisation it has named, and none without a name."""
    for table in (*EDITED, *APPEND_ONLY, *MARKED):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy own_organisation on {table} using ({OWN_ROWS}) with check ({OWN_ROWS})")
    own_row = OWN_ROWS.replace("organisation_id", "id", 1)
    op.execute("alter table organisations enable row level security")
    op.execute(f"create policy own_organisation on organisations using ({own_row}) with check ({own_row})")


def grant() -> None:
    """Give the application role reading and adding, and changing where a table is edited in place."""
    op.execute("grant usage on schema public to spor_app")
    op.execute("grant select on alembic_version to spor_app")
    op.execute("grant select, insert on organisations to spor_app")
    for table in EDITED:
        op.execute(f"grant select, insert, update on {table} to spor_app")
    for table in APPEND_ONLY:
        op.execute(f"grant select, insert on {table} to spor_app")
    for table, columns in MARKED.items():
        op.execute(f"grant select, insert, update ({columns}) on {table} to spor_app")
    op.execute(AUTHENTICATE)
    op.execute("revoke all on function spor_authenticate(bytea) from public")
    op.execute("grant execute on function spor_authenticate(bytea) to spor_app")


def make_tables() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("organisations_pkey")),
    )
    op.create_table(
        "audit_events",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("xid", TransactionId(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("patient_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.CheckConstraint(
            "purpose in ('treatment', 'answering', 'administration')", name=op.f("audit_events_purpose_check")
        ),
        sa.CheckConstraint("role in ('device', 'therapist', 'service_lead')", name=op.f("audit_events_role_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("audit_events_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "xid", "id", name=op.f("audit_events_pkey")),
    )
    op.create_table(
        "audit_seals",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_xid", TransactionId(), nullable=False),
        sa.Column("end_xid", TransactionId(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("root_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_seal", sa.LargeBinary(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("audit_seals_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "number", name=op.f("audit_seals_pkey")),
    )
    op.create_table(
        "curves",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("provenance", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evaluation", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state = 'candidate' or activated_by is not null", name=op.f("curves_activated_by_a_person_check")
        ),
        sa.CheckConstraint("state in ('candidate', 'live', 'retired')", name=op.f("curves_state_check")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("curves_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("curves_pkey")),
        sa.UniqueConstraint(
            "organisation_id", "key", "instrument", name=op.f("curves_organisation_id_key_instrument_key")
        ),
    )
    op.create_table(
        "organisation_settings",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("max_missing", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("language in ('nb', 'nn', 'en')", name=op.f("organisation_settings_language_check")),
        sa.CheckConstraint("mode in ('record', 'decision_support')", name=op.f("organisation_settings_mode_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("organisation_settings_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "version", name=op.f("organisation_settings_pkey")),
    )
    op.create_table(
        "programmes",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("counted_contact_types", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("planned_dose", sa.SmallInteger(), nullable=True),
        sa.Column("planned_interval_days", sa.SmallInteger(), nullable=False),
        sa.Column("main_instrument", sa.Text(), nullable=True),
        sa.Column("schedule", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("decision_rule", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("evidence_level", sa.SmallInteger(), nullable=True),
        sa.Column("evidence_source", sa.Text(), nullable=True),
        sa.Column("evidence_date", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "counted_contact_types <@ array['assessment', 'individual', 'group', 'parents', 'module', 'support_call', 'network_meeting', 'follow_up']",
            name=op.f("programmes_counted_contact_types_check"),
        ),
        sa.CheckConstraint(
            "format in ('individual', 'group', 'parents', 'guided_self_help')", name=op.f("programmes_format_check")
        ),
        sa.CheckConstraint("evidence_level between 0 and 5", name=op.f("programmes_evidence_level_check")),
        sa.CheckConstraint(
            "evidence_level is null or (evidence_source is not null and evidence_date is not null)",
            name=op.f("programmes_evidence_has_a_source_check"),
        ),
        sa.CheckConstraint("planned_dose between 1 and 500", name=op.f("programmes_planned_dose_check")),
        sa.CheckConstraint(
            "planned_interval_days between 1 and 366", name=op.f("programmes_planned_interval_days_check")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("programmes_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("programmes_pkey")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("programmes_organisation_id_name_key")),
    )
    op.create_table(
        "services",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("services_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("services_pkey")),
    )
    op.create_table(
        "devices",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "service_id"],
            ["services.organisation_id", "services.id"],
            name=op.f("devices_organisation_id_service_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("devices_pkey")),
    )
    op.create_table(
        "users",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('device', 'therapist', 'service_lead')", name=op.f("users_role_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "service_id"],
            ["services.organisation_id", "services.id"],
            name=op.f("users_organisation_id_service_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("users_pkey")),
    )
    op.create_table(
        "credentials",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(user_id, device_id) = 1", name=op.f("credentials_one_holder_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "device_id"],
            ["devices.organisation_id", "devices.id"],
            name=op.f("credentials_organisation_id_device_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "user_id"],
            ["users.organisation_id", "users.id"],
            name=op.f("credentials_organisation_id_user_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("credentials_organisation_id_fkey")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("credentials_pkey")),
    )
    op.create_table(
        "patients",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("birth_month", sa.Date(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("language in ('nb', 'nn', 'en')", name=op.f("patients_language_check")),
        sa.CheckConstraint("sex in ('female', 'male')", name=op.f("patients_sex_check")),
        sa.CheckConstraint("extract(day from birth_month) = 1", name=op.f("patients_birth_month_is_a_month_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "registered_by"],
            ["users.organisation_id", "users.id"],
            name=op.f("patients_organisation_id_registered_by_fkey"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("patients_organisation_id_fkey")),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("patients_pkey")),
        sa.UniqueConstraint("organisation_id", "reference", name=op.f("patients_organisation_id_reference_key")),
    )
    op.create_table(
        "treatment_sessions",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=True),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_type", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("minutes", sa.SmallInteger(), nullable=True),
        sa.Column("module", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "contact_type in ('assessment', 'individual', 'group', 'parents', 'module', 'support_call', 'network_meeting', 'follow_up')",
            name=op.f("treatment_sessions_contact_type_check"),
        ),
        sa.CheckConstraint(
            "mode in ('in_person', 'video', 'phone', 'text', 'digital')", name=op.f("treatment_sessions_mode_check")
        ),
        sa.CheckConstraint("minutes between 0 and 1440", name=op.f("treatment_sessions_minutes_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "programme_id"],
            ["programmes.organisation_id", "programmes.id"],
            name=op.f("treatment_sessions_organisation_id_programme_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "service_id"],
            ["services.organisation_id", "services.id"],
            name=op.f("treatment_sessions_organisation_id_service_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "therapist_id"],
            ["users.organisation_id", "users.id"],
            name=op.f("treatment_sessions_organisation_id_therapist_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("treatment_sessions_pkey")),
    )
    op.create_table(
        "episodes",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_reason", sa.Text(), nullable=True),
        sa.Column("pathway", sa.SmallInteger(), nullable=True),
        sa.Column("problem_areas", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("planned_dose", sa.SmallInteger(), nullable=True),
        sa.Column("planned_interval_days", sa.SmallInteger(), nullable=True),
        sa.Column("planned_end", sa.Date(), nullable=True),
        sa.Column("crisis_pause_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("main_series_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "closing_reason in ('completed', 'agreed_early_end', 'dropped_out', 'referred_on', 'single_session', 'not_started', 'moved', 'died', 'other')",
            name=op.f("episodes_closing_reason_check"),
        ),
        sa.CheckConstraint(
            "(closed_at is null) = (closing_reason is null)", name=op.f("episodes_closed_with_a_reason_check")
        ),
        sa.CheckConstraint("closed_at >= opened_at", name=op.f("episodes_closed_after_opening_check")),
        sa.CheckConstraint("pathway between 1 and 3", name=op.f("episodes_pathway_check")),
        sa.CheckConstraint("planned_dose between 1 and 500", name=op.f("episodes_planned_dose_check")),
        sa.CheckConstraint(
            "planned_interval_days between 1 and 366", name=op.f("episodes_planned_interval_days_check")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "main_series_id"],
            ["series.organisation_id", "series.id"],
            name=op.f("episodes_organisation_id_main_series_id_fkey"),
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "patient_id"],
            ["patients.organisation_id", "patients.id"],
            name=op.f("episodes_organisation_id_patient_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "service_id"],
            ["services.organisation_id", "services.id"],
            name=op.f("episodes_organisation_id_service_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("episodes_pkey")),
    )
    op.create_index(
        op.f("episodes_organisation_id_patient_id_idx"), "episodes", ["organisation_id", "patient_id"], unique=False
    )
    op.create_table(
        "informants",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role in ('self', 'parent', 'teacher', 'clinician')", name=op.f("informants_role_check")),
        sa.CheckConstraint("visibility in ('restricted', 'open')", name=op.f("informants_visibility_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "patient_id"],
            ["patients.organisation_id", "patients.id"],
            name=op.f("informants_organisation_id_patient_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("informants_pkey")),
        sa.UniqueConstraint(
            "organisation_id", "patient_id", "label", name=op.f("informants_organisation_id_patient_id_label_key")
        ),
    )
    op.create_index(
        "informants_self_informant_key",
        "informants",
        ["organisation_id", "patient_id"],
        unique=True,
        postgresql_where="role = 'self'",
    )
    op.create_table(
        "assignments",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("informant_id", sa.Uuid(), nullable=False),
        sa.Column("treatment_session_id", sa.Uuid(), nullable=True),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('offered', 'completed', 'declined', 'unable')", name=op.f("assignments_state_check")
        ),
        sa.CheckConstraint(
            "state not in ('declined', 'unable') or reason is not null", name=op.f("assignments_reason_given_check")
        ),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("assignments_closes_after_opening_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("assignments_organisation_id_episode_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "informant_id"],
            ["informants.organisation_id", "informants.id"],
            name=op.f("assignments_organisation_id_informant_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "treatment_session_id"],
            ["treatment_sessions.organisation_id", "treatment_sessions.id"],
            name=op.f("assignments_organisation_id_treatment_session_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("assignments_pkey")),
    )
    op.create_index(
        op.f("assignments_organisation_id_episode_id_idx"),
        "assignments",
        ["organisation_id", "episode_id"],
        unique=False,
    )
    op.create_table(
        "attendances",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("treatment_session_id", sa.Uuid(), nullable=False),
        sa.Column("informant_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("minutes", sa.SmallInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "mode in ('in_person', 'video', 'phone', 'text', 'digital')", name=op.f("attendances_mode_check")
        ),
        sa.CheckConstraint("outcome in ('attended', 'cancelled', 'no_show')", name=op.f("attendances_outcome_check")),
        sa.CheckConstraint("minutes between 0 and 1440", name=op.f("attendances_minutes_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("attendances_organisation_id_episode_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "informant_id"],
            ["informants.organisation_id", "informants.id"],
            name=op.f("attendances_organisation_id_informant_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "treatment_session_id"],
            ["treatment_sessions.organisation_id", "treatment_sessions.id"],
            name=op.f("attendances_organisation_id_treatment_session_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("attendances_pkey")),
    )
    op.create_index(
        op.f("attendances_organisation_id_episode_id_idx"),
        "attendances",
        ["organisation_id", "episode_id"],
        unique=False,
    )
    op.create_index(
        "attendances_participant_key",
        "attendances",
        ["organisation_id", "treatment_session_id", "episode_id", "informant_id"],
        unique=True,
    )
    op.create_table(
        "episode_programmes",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("episode_programmes_ended_after_start_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("episode_programmes_organisation_id_episode_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "programme_id"],
            ["programmes.organisation_id", "programmes.id"],
            name=op.f("episode_programmes_organisation_id_programme_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("episode_programmes_pkey")),
        sa.UniqueConstraint(
            "organisation_id",
            "episode_id",
            "position",
            name=op.f("episode_programmes_organisation_id_episode_id_position_key"),
        ),
    )
    op.create_table(
        "reviews",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("with_patient", sa.Boolean(), nullable=False),
        sa.Column("causes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "action <> 'snooze' or (snoozed_until is not null and note is not null)",
            name=op.f("reviews_snooze_has_reason_and_date_check"),
        ),
        sa.CheckConstraint(
            "action in ('continue', 'change_focus', 'change_programme', 'change_frequency', 'involve_network', 'supervision', 'step_up', 'prepare_ending', 'snooze')",
            name=op.f("reviews_action_check"),
        ),
        sa.CheckConstraint(
            "causes <@ array['alliance', 'motivation_and_goals', 'social_support', 'life_events', 'risk', 'medication_or_health', 'method_fit', 'measure_fit', 'none_found']",
            name=op.f("reviews_causes_check"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "author_id"],
            ["users.organisation_id", "users.id"],
            name=op.f("reviews_organisation_id_author_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("reviews_organisation_id_episode_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("reviews_pkey")),
    )
    op.create_index(
        op.f("reviews_organisation_id_episode_id_idx"), "reviews", ["organisation_id", "episode_id"], unique=False
    )
    op.create_table(
        "series",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_version", sa.Text(), nullable=False),
        sa.Column("form_family", sa.Text(), nullable=False),
        sa.Column("informant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("series_organisation_id_episode_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "informant_id"],
            ["informants.organisation_id", "informants.id"],
            name=op.f("series_organisation_id_informant_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("series_pkey")),
        sa.UniqueConstraint(
            "organisation_id",
            "episode_id",
            "instrument",
            "instrument_version",
            "form_family",
            "informant_id",
            name=op.f("series_organisation_id_episode_id_instrument_instrument_version_form_family_informant_id_key"),
        ),
    )
    op.create_table(
        "treatment_relations",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("treatment_relations_organisation_id_episode_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "user_id"],
            ["users.organisation_id", "users.id"],
            name=op.f("treatment_relations_organisation_id_user_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("treatment_relations_pkey")),
    )
    op.create_index(
        "treatment_relations_active_relation_key",
        "treatment_relations",
        ["organisation_id", "user_id", "episode_id"],
        unique=True,
        postgresql_where="ended_at is null",
    )
    op.create_index(
        op.f("treatment_relations_organisation_id_episode_id_idx"),
        "treatment_relations",
        ["organisation_id", "episode_id"],
        unique=False,
    )
    op.create_table(
        "administrations",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("treatment_session_id", sa.Uuid(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_version", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("timing", sa.Text(), nullable=True),
        sa.Column("occasion", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("helped_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("item_states", sa.Text(), nullable=True),
        sa.Column("answers", postgresql.ARRAY(sa.SMALLINT()), nullable=True),
        sa.Column("clarifications", postgresql.ARRAY(sa.TEXT()), nullable=True),
        sa.Column("accepted", postgresql.ARRAY(sa.TEXT()), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "clarifications <@ array['unreadable', 'clock_ahead', 'episode_closed', 'wrong_form_for_age', 'wrong_informant', 'unknown_informant', 'unknown_session', 'too_many_missing']",
            name=op.f("administrations_clarifications_check"),
        ),
        sa.CheckConstraint(
            "mode in ('tablet', 'home', 'paper', 'read_aloud', 'interpreter', 'phone')",
            name=op.f("administrations_mode_check"),
        ),
        sa.CheckConstraint(
            "occasion in ('intake', 'session', 'period_evaluation', 'closing', 'follow_up')",
            name=op.f("administrations_occasion_check"),
        ),
        sa.CheckConstraint(
            "state in ('final', 'amended', 'needs_clarification', 'entered_in_error')",
            name=op.f("administrations_state_check"),
        ),
        sa.CheckConstraint("timing in ('before', 'after', 'between')", name=op.f("administrations_timing_check")),
        sa.CheckConstraint(
            "body is not null or answers is not null", name=op.f("administrations_something_kept_check")
        ),
        sa.CheckConstraint(
            "cardinality(answers) = length(item_states)", name=op.f("administrations_one_state_per_answer_check")
        ),
        sa.CheckConstraint(
            "version = 1 or reason is not null", name=op.f("administrations_later_versions_have_a_reason_check")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("administrations_organisation_id_episode_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "series_id"],
            ["series.organisation_id", "series.id"],
            name=op.f("administrations_organisation_id_series_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "treatment_session_id"],
            ["treatment_sessions.organisation_id", "treatment_sessions.id"],
            name=op.f("administrations_organisation_id_treatment_session_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", "version", name=op.f("administrations_pkey")),
    )
    op.create_index(
        op.f("administrations_id_idx"), "administrations", ["id"], unique=True, postgresql_where="version = 1"
    )
    op.create_index(
        op.f("administrations_organisation_id_episode_id_idx"),
        "administrations",
        ["organisation_id", "episode_id"],
        unique=False,
        postgresql_where="superseded_at is null",
    )
    op.create_index(
        op.f("administrations_organisation_id_treatment_session_id_idx"),
        "administrations",
        ["organisation_id", "treatment_session_id"],
        unique=False,
        postgresql_where="treatment_session_id is not null",
    )
    op.create_table(
        "progress",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("administration_id", sa.Uuid(), nullable=False),
        sa.Column("issue", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("administration_version", sa.SmallInteger(), nullable=False),
        sa.Column("dose", sa.SmallInteger(), nullable=False),
        sa.Column("end_dose", sa.SmallInteger(), nullable=True),
        sa.Column("lower", sa.SmallInteger(), nullable=True),
        sa.Column("upper", sa.SmallInteger(), nullable=True),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("weeks", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("baseline", sa.Double(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=True),
        sa.Column("goal_probability", sa.Double(), nullable=True),
        sa.Column("deterioration_probability", sa.Double(), nullable=True),
        sa.Column("change_probability", sa.Double(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("curve", sa.Text(), nullable=True),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("signal_reason", sa.Text(), nullable=False),
        sa.Column("responder_state", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "cause in ('answer', 'late_answer', 'correction', 'attendance', 'plan', 'review')",
            name=op.f("progress_cause_check"),
        ),
        sa.CheckConstraint(
            "responder_state in ('early', 'pending', 'late', 'none', 'not_assessed')",
            name=op.f("progress_responder_state_check"),
        ),
        sa.CheckConstraint("signal in ('red', 'yellow', 'green', 'grey')", name=op.f("progress_signal_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "administration_id", "administration_version"],
            ["administrations.organisation_id", "administrations.id", "administrations.version"],
            name=op.f("progress_organisation_id_administration_id_administration_version_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "administration_id", "issue", name=op.f("progress_pkey")),
    )
    op.create_table(
        "risk_alerts",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("episode_id", sa.Uuid(), nullable=False),
        sa.Column("administration_id", sa.Uuid(), nullable=False),
        sa.Column("administration_version", sa.SmallInteger(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("assessment", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("duty in ('same_day', 'shown')", name=op.f("risk_alerts_duty_check")),
        sa.CheckConstraint(
            "(acknowledged_at is null) = (acknowledged_by is null)",
            name=op.f("risk_alerts_acknowledged_by_a_person_check"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "acknowledged_by"],
            ["users.organisation_id", "users.id"],
            name=op.f("risk_alerts_organisation_id_acknowledged_by_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "administration_id", "administration_version"],
            ["administrations.organisation_id", "administrations.id", "administrations.version"],
            name=op.f("risk_alerts_organisation_id_administration_id_administration_version_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "episode_id"],
            ["episodes.organisation_id", "episodes.id"],
            name=op.f("risk_alerts_organisation_id_episode_id_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "patient_id"],
            ["patients.organisation_id", "patients.id"],
            name=op.f("risk_alerts_organisation_id_patient_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("risk_alerts_pkey")),
        sa.UniqueConstraint(
            "organisation_id",
            "administration_id",
            "administration_version",
            "item",
            name=op.f("risk_alerts_organisation_id_administration_id_administration_version_item_key"),
        ),
    )
    op.create_index(
        op.f("risk_alerts_organisation_id_episode_id_idx"),
        "risk_alerts",
        ["organisation_id", "episode_id"],
        unique=False,
    )
    op.create_table(
        "scores",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("administration_id", sa.Uuid(), nullable=False),
        sa.Column("administration_version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("subscale", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("missing", sa.SmallInteger(), nullable=False),
        sa.Column("prorated", sa.Boolean(), nullable=False),
        sa.Column("is_case", sa.Boolean(), nullable=True),
        sa.Column("band", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(value is null) = (reason is not null)", name=op.f("scores_value_or_reason_check")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "administration_id", "administration_version"],
            ["administrations.organisation_id", "administrations.id", "administrations.version"],
            name=op.f("scores_organisation_id_administration_id_administration_version_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "administration_id", "administration_version", "subscale", name=op.f("scores_pkey")
        ),
    )

    op.create_foreign_key(
        "episodes_organisation_id_main_series_id_fkey",
        "episodes",
        "series",
        ["organisation_id", "main_series_id"],
        ["organisation_id", "id"],
    )


def downgrade() -> None:
    """Take everything away again; for trying the migration, since a record is never dropped."""
    op.execute("drop function spor_authenticate(bytea)")
    op.drop_constraint("episodes_organisation_id_main_series_id_fkey", "episodes")
    for table in (
        "scores",
        "risk_alerts",
        "progress",
        "attendances",
        "assignments",
        "administrations",
        "treatment_sessions",
        "treatment_relations",
        "series",
        "reviews",
        "episode_programmes",
        "credentials",
        "informants",
        "episodes",
        "patients",
        "users",
        "devices",
        "services",
        "programmes",
        "organisation_settings",
        "curves",
        "audit_seals",
        "audit_events",
        "organisations",
    ):
        op.drop_table(table)
