"""What PostgreSQL itself keeps apart: keys, row-level security, and what the application's role may do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql

from app.config import Settings
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.models import Base
from app.db.provision import APP_ROLE, OWNER_ROLE
from app.db.session import Database
from app.errors import ServerMisconfigured
from app.main import create_app
from tests.db.conftest import Connection

TABLES = sorted(Base.metadata.tables)
TENANT_TABLES = [table for table in TABLES if table not in {"organisations", "credentials"}]
"""All but the tenant itself, and the one table that is looked up before the tenant is known (design, section 5)."""

OWN_ROWS = "({column} = (NULLIF(current_setting('spor.organisation'::text, true), ''::text))::uuid)"
"""The design's policy, as PostgreSQL writes it back."""

APPEND_ONLY = {
    "organisation_settings",
    "own_instruments",
    "earlier_values",
    "consents",
    "wordings",
    "series",
    "scores",
    "progress",
    "audit_events",
    "audit_seals",
    "organisations",
}
WRITTEN_BY_FUNCTIONS = {"deletions", "deleted_administrations"}
"""What the functions of the owner write, each time with what they delete."""

SINGLE_COLUMNS = {
    "legal_holds": {"lifted_at", "lifted_by", "lifting_reason", "version"},
    "administrations": {"superseded_at"},
    "credentials": {"revoked_at", "expires_at"},
    "blocks": {"lifted_at", "lifted_by", "version"},
    "break_glass": {"reviewed_at", "reviewed_by", "finding", "version"},
    # What was learnt, and how it did, stays as it was when a person saw it.
    "curves": {"state", "activated_by", "activated_at", "retired_by", "retired_at", "successor_id", "version"},
}


def test_the_models_are_all_the_tables(as_owner: Connection) -> None:
    found = as_owner.execute("select tablename from pg_tables where schemaname = 'public' order by 1").fetchall()
    assert [row["tablename"] for row in found] == sorted([*TABLES, "alembic_version"])


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_the_key_begins_with_the_organisation(as_owner: Connection, table: str) -> None:
    key = as_owner.execute(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
        " where i.indisprimary and i.indrelid = %s::regclass",
        [table],
    ).fetchone()
    assert key == {"attname": "organisation_id"}


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_no_reference_leaves_the_organisation(as_owner: Connection, table: str) -> None:
    references = as_owner.execute(
        "select pg_get_constraintdef(oid) as definition from pg_constraint"
        " where contype = 'f' and conrelid = %s::regclass",
        [table],
    ).fetchall()
    assert references, "a tenant's row belongs to an organisation, or to something of it"
    assert all(row["definition"].startswith("FOREIGN KEY (organisation_id") for row in references)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_behind_the_wall(as_owner: Connection, table: str) -> None:
    security = as_owner.execute(
        "select relrowsecurity, relforcerowsecurity, relowner::regrole::text as owner from pg_class"
        " where oid = %s::regclass",
        [table],
    ).fetchone()
    # Not forced, so that the owner's backfills and dumps see every row.
    assert security == {"relrowsecurity": True, "relforcerowsecurity": False, "owner": OWNER_ROLE}
    policies = as_owner.execute(
        "select permissive, roles::text[], cmd, qual, with_check from pg_policies where tablename = %s", [table]
    ).fetchall()
    own_rows = OWN_ROWS.format(column="id" if table == "organisations" else "organisation_id")
    assert policies == [
        {"permissive": "PERMISSIVE", "roles": ["public"], "cmd": "ALL", "qual": own_rows, "with_check": own_rows}
    ]


@pytest.mark.parametrize("table", TABLES)
def test_the_application_reads_adds_and_changes_only_what_is_edited(as_owner: Connection, table: str) -> None:
    row = as_owner.execute(
        "select array(select p from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references',"
        " 'trigger']) p where has_table_privilege(%(role)s, %(table)s, p) order by p) as whole,"
        " array(select attname::text from pg_attribute where attrelid = %(table)s::regclass and attnum > 0"
        " and not attisdropped and has_column_privilege(%(role)s, attrelid, attnum, 'update')) as columns",
        {"role": APP_ROLE, "table": table},
    ).fetchone()
    assert row is not None
    if table in APPEND_ONLY:
        assert row == {"whole": ["insert", "select"], "columns": []}
    elif table in WRITTEN_BY_FUNCTIONS:
        assert row == {"whole": ["select"], "columns": []}
    elif table in SINGLE_COLUMNS:
        assert row["whole"] == ["insert", "select"]
        assert set(row["columns"]) == SINGLE_COLUMNS[table]
    else:
        assert row["whole"] == ["insert", "select", "update"]


def test_the_application_owns_nothing_and_makes_nothing(as_owner: Connection) -> None:
    owned = as_owner.execute(
        "select classid::regclass::text, objid from pg_shdepend"
        " where deptype = 'o' and refclassid = 'pg_authid'::regclass and refobjid = %s::regrole",
        [APP_ROLE],
    ).fetchall()
    assert owned == []
    may = as_owner.execute(
        "select has_schema_privilege(%(role)s, 'public', 'create') as in_schema,"
        " has_database_privilege(%(role)s, current_database(), 'create') as schemas,"
        " has_database_privilege(%(role)s, current_database(), 'temporary') as temporary",
        {"role": APP_ROLE},
    ).fetchone()
    assert may == {"in_schema": False, "schemas": False, "temporary": False}


def test_the_application_is_an_ordinary_role(as_owner: Connection) -> None:
    role = as_owner.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,"
        " array(select roleid::regrole::text from pg_auth_members where member = r.oid) as member_of"
        " from pg_roles r where rolname = %s",
        [APP_ROLE],
    ).fetchone()
    assert role is not None
    assert not any(role.values())


SECURITY_DEFINERS = (
    "spor_authenticate",
    "spor_authenticate_invitation",
    "spor_authenticate_subject",
    "spor_count_login",
    "spor_delete_administration",
    "spor_delete_patient",
    "spor_events_about",
    "spor_take_link",
    "spor_take_pairing_code",
    "spor_unsealed",
)
"""What does more than the application's role may, in the order of the alphabet."""


def test_the_functions_beyond_the_wall_can_t_be_led_astray(as_owner: Connection) -> None:
    functions = as_owner.execute(
        "select proname, proowner::regrole::text as owner, proconfig, prosqlbody is not null as bound,"
        " has_function_privilege('public', oid, 'execute') as everybody,"
        " has_function_privilege(%s, oid, 'execute') as application"
        " from pg_proc where prosecdef and pronamespace = 'public'::regnamespace order by proname",
        [APP_ROLE],
    ).fetchall()
    functions.sort(key=lambda function: str(function["proname"]))
    # The manual's advice for security definer functions (CREATE FUNCTION, «Writing SECURITY DEFINER Functions
    # Safely»): a fixed path with pg_temp last, and execution taken from public.
    assert functions == [
        {
            "proname": name,
            "owner": OWNER_ROLE,
            "proconfig": ["search_path=pg_catalog, pg_temp"],
            "bound": True,
            "everybody": False,
            "application": True,
        }
        for name in SECURITY_DEFINERS
    ]


def test_the_application_s_role_may_serve(database: Database) -> None:
    database.check_role()


@pytest.mark.parametrize("role", [OWNER_ROLE, SUPERUSER])
def test_the_owner_and_the_superuser_may_not_serve(server: EmbeddedServer, database: Database, role: str) -> None:
    too_strong = Database(server.url("spor", role))
    with pytest.raises(ServerMisconfigured, match="connect as spor_app"):
        too_strong.check_role()
    with pytest.raises(ServerMisconfigured), TestClient(create_app(Settings(), too_strong)):
        pass  # the application does not even start
    too_strong.close()


@pytest.fixture
def other_role(server: EmbeddedServer, database: Database) -> Iterator[str]:
    """A role that can log in, and nothing else."""
    with psycopg.connect(server.conninfo("spor", SUPERUSER), autocommit=True) as connection:
        connection.execute("create role other_role login")
        connection.execute("grant connect on database spor to other_role")
        connection.execute("grant usage, create on schema public to other_role")
        yield "other_role"
        connection.execute("drop owned by other_role")
        connection.execute("drop role other_role")


@pytest.mark.parametrize(
    "too_much",
    [
        "alter role {role} bypassrls",
        "grant spor_owner to {role}",
        "grant spor_owner to {role} with inherit false",
        "create table public.stray (id integer); alter table public.stray owner to {role}",
    ],
)
def test_no_role_may_serve_that_could_see_more(server: EmbeddedServer, other_role: str, too_much: str) -> None:
    serving = Database(server.url("spor", other_role))
    serving.check_role()
    with psycopg.connect(server.conninfo("spor", SUPERUSER), autocommit=True) as connection:
        connection.execute(sql.SQL(too_much).format(role=sql.Identifier(other_role)))
    with pytest.raises(ServerMisconfigured, match="owns tables, is a superuser or bypasses"):
        serving.check_role()
    serving.close()
