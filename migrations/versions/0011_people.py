"""Let people log in: as a provider's subject, or by a user name and a password that they set by an invitation.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None

OWN_ROWS = "organisation_id = nullif(current_setting('spor.organisation', true), '')::uuid"

COLUMNS = ("user_name", "oidc_issuer", "oidc_subject")
STAFF = "role in ('therapist', 'supervisor', 'service_lead', 'administrator', 'analyst', 'operator')"
EVERYBODY = (
    "role in ('device', 'respondent', 'therapist', 'supervisor', 'service_lead', 'administrator', 'analyst',"
    " 'operator')"
)
RULES = {
    "users_role_check": STAFF,
    "users_subject_of_an_issuer_check": "(oidc_issuer is null) = (oidc_subject is null)",
    "users_user_name_is_lower_case_check": "user_name = lower(user_name)",
}
# Each stands for one person of the whole server: they are looked up before the organisation is known.
KEYS = {
    "users_user_name_key": "users (user_name)",
    "users_oidc_issuer_oidc_subject_key": "users (oidc_issuer, oidc_subject)",
}

WHO = "returns table (organisation_id uuid, actor_id uuid, role text, service_id uuid)"
SAFELY = "security definer set search_path = pg_catalog, pg_temp"

FUNCTIONS = {
    "spor_authenticate_subject(text, text, text)": f"""
create or replace function spor_authenticate_subject(issuer text, subject text, organisation text)
    {WHO}
    language sql stable {SAFELY}
begin atomic
    select u.organisation_id, u.id, u.role, u.service_id
      from public.users u
     where u.oidc_issuer = $1
       and u.oidc_subject = $2
       and ($3 is null or u.organisation_id::text = $3)
       and u.deactivated_at is null;
end;
""",
    "spor_authenticate_invitation(bytea, timestamptz)": f"""
create or replace function spor_authenticate_invitation(token_hash bytea, at timestamptz)
    {WHO}
    language sql stable {SAFELY}
begin atomic
    select u.organisation_id, u.id, u.role, u.service_id
      from public.logins l
      join public.users u on u.organisation_id = l.organisation_id and u.id = l.user_id
     where l.invitation_hash = $1
       and l.invitation_expires_at > $2
       and u.deactivated_at is null;
end;
""",
    # An attempt is counted before the password is looked at, so that many at once are each counted. A user name that
    # nobody has writes to the log as well: a commit that waits for the disk takes longer than one that does not.
    "spor_count_login(text, timestamptz)": f"""
create or replace function spor_count_login(user_name text, at timestamptz)
    returns table (organisation_id uuid, actor_id uuid, role text, service_id uuid, password_hash text)
    language sql volatile {SAFELY}
begin atomic
    with counted as (
        update public.logins l
           set failures = l.failures + 1,
               locked_until = case when l.failures >= 4
                   then $2 + least(power(2, least(l.failures - 4, 6)), 60) * interval '1 minute' end
          from public.users u
         where u.user_name = $1
           and u.deactivated_at is null
           and l.organisation_id = u.organisation_id
           and l.user_id = u.id
           and l.password_hash is not null
           and (l.locked_until is null or l.locked_until <= $2)
        returning u.organisation_id, u.id, u.role, u.service_id, l.password_hash
    )
    select * from counted
    union all
    select null as organisation_id, null as id, null as role, null as service_id, null as password_hash
     where not exists (select from counted)
       and pg_logical_emit_message(true, 'spor', 'nobody') is not null;
end;
""",
}


def upgrade() -> None:
    # Each step can be done again, since what comes after the first transaction may be cut short.
    for name in COLUMNS:
        op.add_column("users", sa.Column(name, sa.Text(), nullable=True), if_not_exists=True)
    for name, rule in RULES.items():
        op.execute(f"-- squawk-ignore ban-drop-constraint\nalter table users drop constraint if exists {name}")
        op.execute(f"alter table users add constraint {name} check ({rule}) not valid")
    make_logins()
    for signature, function in FUNCTIONS.items():
        op.execute(function)
        op.execute(f"revoke all on function {signature} from public")
        op.execute(f"grant execute on function {signature} to spor_app")
    with op.get_context().autocommit_block():  # others work while rows are looked through
        for name in RULES:
            op.execute(f"alter table users validate constraint {name}")
        for name, columns in KEYS.items():
            op.execute(f"drop index concurrently if exists {name}")
            op.execute(f"create unique index concurrently if not exists {name} on {columns}")


def make_logins() -> None:
    """Make the table of passwords and invitations; its foreign key takes a lock on users for a moment."""
    op.create_table(
        "logins",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("invitation_hash", sa.LargeBinary(), nullable=True),
        sa.Column("invitation_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(invitation_hash is null) = (invitation_expires_at is null)", name=op.f("logins_invitation_expires_check")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "user_id"],
            ["users.organisation_id", "users.id"],
            name=op.f("logins_organisation_id_user_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "user_id", name=op.f("logins_pkey")),
        sa.UniqueConstraint("invitation_hash", name=op.f("logins_invitation_hash_key")),
        if_not_exists=True,
    )
    op.execute("-- squawk-ignore prefer-robust-stmts\nalter table logins enable row level security")
    op.execute("drop policy if exists own_organisation on logins")
    op.execute(f"create policy own_organisation on logins using ({OWN_ROWS}) with check ({OWN_ROWS})")
    op.execute("grant select, insert, update on logins to spor_app")


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"drop function {signature}")
    op.drop_table("logins")
    for name in RULES:
        op.drop_constraint(op.f(name), "users")
    op.create_check_constraint(op.f("users_role_check"), "users", EVERYBODY)
    for name in COLUMNS:
        op.drop_column("users", name)
