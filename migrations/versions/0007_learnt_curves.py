"""Keep what a curve was learnt from and who took it back, one live curve at a time, and let nobody change one.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

COLUMNS = {
    "form_family": "text not null",
    "programme_id": "uuid",
    "revision": "integer not null",
    "link": "text not null",
    "parameters_hash": "bytea not null",
    "data_from": "date not null",
    "data_to": "date not null",
    "n_episodes": "integer not null",
    "n_observations": "integer not null",
    "local_information": "double precision not null",
    "made_at": "timestamptz not null",
    "retired_by": "uuid",
    "retired_at": "timestamptz",
    "successor_id": "uuid",
}

CHECKS = {
    "link": "link in ('identity', 'arcsine', 'logit')",
    "passed_every_gate": """state = 'candidate' or coalesce(evaluation @> '{"passed": true}', false)""",
    "retired_by_a_person": "case when state = 'retired' then num_nonnulls(retired_at, retired_by) = 2"
    " else num_nonnulls(retired_at, retired_by, successor_id) = 0 end",
    "local_information": "local_information between 0 and 1",
}
REFERENCES = {"programme_id": "programmes", "activated_by": "users", "retired_by": "users", "successor_id": "curves"}

LINE = "organisation_id, instrument, form_family, programme_id"
INDEXES = {
    "curves_revision_key": f"({LINE}, revision) nulls not distinct",
    "curves_live_key": f"({LINE}) nulls not distinct where state = 'live'",
}

MARKED = "state, activated_by, activated_at, retired_by, retired_at, successor_id, version"


def upgrade() -> None:
    # No program has written or read a curve before this revision: there is no row to give a value, and nobody waits
    # while a rule or an index is made, so squawk's advice on these does not apply. The references take a lock on
    # programmes and users for a moment, for which no migration waits long.
    for name, kind in COLUMNS.items():
        unhindered("adding-required-field", f"alter table curves add column {name} {kind}")
    for name, condition in CHECKS.items():
        add_rule(f"{name}_check", f"check ({condition})")
    for column, table in REFERENCES.items():
        references = f"foreign key (organisation_id, {column}) references {table} (organisation_id, id)"
        add_rule(f"organisation_id_{column}_fkey", references)
    for name, of in INDEXES.items():
        unhindered("require-concurrent-index-creation", f"create unique index {name} on curves {of}")
    op.execute("revoke update on curves from spor_app")
    op.execute(f"grant update ({MARKED}) on curves to spor_app")


def add_rule(name: str, rule: str) -> None:
    """Add a constraint that holds at once."""
    advice = "adding-foreign-key-constraint, constraint-missing-not-valid"
    unhindered(advice, f"alter table curves add constraint curves_{name} {rule}")


def unhindered(advice: str, statement: str) -> None:
    """Run a statement on a table that nobody uses yet, against an advice for tables in use."""
    op.execute(f"-- squawk-ignore {advice}\n{statement}")


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="curves")
    for column in REFERENCES:
        op.drop_constraint(op.f(f"curves_organisation_id_{column}_fkey"), "curves")
    for name in CHECKS:
        op.drop_constraint(op.f(f"curves_{name}_check"), "curves")
    op.execute(f"revoke update ({MARKED}) on curves from spor_app")
    op.execute("grant update on curves to spor_app")
    for name in reversed(COLUMNS):
        op.drop_column("curves", name)
