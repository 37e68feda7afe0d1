"""Row-level security alone: the application's own conditions are taken away, and still one organisation is seen."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql
from sqlalchemy import true

from app.api.middleware import WITHOUT_CREDENTIAL
from app.config import Settings
from app.db import access, results, scope
from app.db import record as records
from app.db.embedded import EmbeddedServer
from app.db.provision import APP_ROLE, OWNER_ROLE
from app.db.session import Database
from app.main import create_app
from tests.factories import NAMES, Caller, Clinic, make_clinic, make_record, ok

Filled = list[tuple[Clinic, dict[str, str]]]


@pytest.fixture(scope="module")
def filled(database: Database, client: TestClient) -> Filled:
    clinics = [make_clinic(database, client) for _ in range(2)]
    return [(clinic, make_record(clinic)) for clinic in clinics]


@pytest.fixture
def unscoped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every condition of app/db/reach.py and app/db/scope.py hold for every row."""
    monkeypatch.setattr(scope, "reached", lambda *_, **__: true())
    monkeypatch.setattr(scope, "reached_in_sql", lambda *_: "true")
    for module in (scope, records):
        monkeypatch.setattr(module, "may_reach_patient", lambda *_, **__: true())
    for module in (scope, records, results, access):
        monkeypatch.setattr(module, "may_reach_episode", lambda *_, **__: true())
    for module in (scope, access):
        monkeypatch.setattr(module, "may_see_opening", lambda *_, **__: true())


def get_routes(caller: Caller) -> list[str]:
    document = ok(caller.get("/v1/openapi.json"))
    return [path for path, methods in document["paths"].items() if "get" in methods and path not in WITHOUT_CREDENTIAL]


def told(caller: Caller, record: dict[str, str]) -> str:
    """Give all that the routes tell somebody who asks for the rows of a record."""
    answers = [caller.get(path.format(**record, **NAMES)) for path in get_routes(caller)]
    return "\n".join(answer.text for answer in answers if answer.status_code == 200)


def ids_in(text: str, record: dict[str, str]) -> set[str]:
    return {name for name, row_id in record.items() if row_id in text}


@pytest.mark.usefixtures("unscoped")
def test_no_route_shows_another_organisation_s_rows(filled: Filled) -> None:
    (ours, record), (_, theirs) = filled
    callers = (ours.therapist, ours.colleague, ours.lead, ours.supervisor, ours.tablet)
    for caller in callers:
        assert ids_in(told(caller, theirs), theirs) == set()
        assert ids_in(told(caller, record), theirs) == set()
    # The conditions are really gone: a colleague without a treatment relation sees the record of the same organisation.
    assert {"patient_id", "episode_id", "administration_id", "alert_id"} <= ids_in(told(ours.colleague, record), record)


@pytest.mark.usefixtures("unscoped")
def test_it_is_row_level_security_that_holds_them_back(server: EmbeddedServer, filled: Filled) -> None:
    """The same requests, as a role for which it does not hold, do show them: so the test above can fail."""
    (ours, _), (_, theirs) = filled
    with closing(Database(server.url("spor", OWNER_ROLE))) as database:
        app = create_app(Settings(), database)
        client = TestClient(app, base_url="http://spor.test", raise_server_exceptions=False)
        asking = Caller(client, ours.therapist.token)
        assert {"patient_id", "episode_id"} <= ids_in(told(asking, theirs), theirs)


def tenant_tables(connection: psycopg.Connection) -> list[str]:
    """Every table of the catalogue that has an organisation."""
    found = connection.execute(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organisation_id'"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1"
    ).fetchall()
    return [name for (name,) in found]


def organisations_seen(connection: psycopg.Connection, table: str) -> set[object]:
    statement = sql.SQL("select distinct organisation_id from {}").format(sql.Identifier(table))
    return {organisation for (organisation,) in connection.execute(statement)}


def test_every_table_of_the_catalogue_shows_one_organisation_or_nothing(server: EmbeddedServer, filled: Filled) -> None:
    ours, theirs = (clinic.organisation_id for clinic, _ in filled)
    with psycopg.connect(server.conninfo("spor", OWNER_ROLE)) as connection:
        tables = tenant_tables(connection)
        everything = {table: organisations_seen(connection, table) for table in tables}
    assert len(tables) > 20
    with psycopg.connect(server.conninfo("spor", APP_ROLE)) as connection:
        assert {table: organisations_seen(connection, table) for table in tables} == {table: set() for table in tables}
        connection.execute("select set_config('spor.organisation', %s, true)", [str(ours)])
        seen = {table: organisations_seen(connection, table) for table in tables}
    assert seen == {table: everything[table] & {ours} for table in tables}
    assert {"patients", "episodes", "scores"} <= {table for table in tables if {ours, theirs} <= everything[table]}
