"""Row-level security: what one organisation's transaction can see and write when nothing else holds it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from sqlalchemy import Row, insert, select, text, update

from app.api.examples import EXAMPLES
from app.api.schemas.consents import ConsentCreate
from app.api.schemas.deletion import DeletionCreate, LegalHoldCreate
from app.api.schemas.goals import GoalCreate
from app.api.schemas.instruments import Questionnaire
from app.db.codes import Role
from app.db.embedded import EmbeddedServer
from app.db.models import Base, Organisation, Patient, Service
from app.db.models.base import Edited
from app.db.provision import APP_ROLE, OWNER_ROLE
from app.db.session import Access, Database, Scope
from tests.db.conftest import Connection
from tests.factories import (
    START,
    Clinic,
    administration,
    at,
    created,
    keep_curve,
    make_clinic,
    make_episode,
    make_opening,
    make_sessions,
    ok,
    own_instrument,
    phq_9,
    put,
    put_weekly,
    say_of_programme,
    staff_of,
)

TABLES = sorted(Base.metadata.tables)

REFUSED = "violates row-level security policy|permission denied for table dele"
"""By the wall; tombstones are not the application's to write at all."""


def key_of(table: str) -> sql.Identifier:
    return sql.Identifier("id" if table == "organisations" else "organisation_id")


def fill_every_table(clinic: Clinic, as_owner: Connection) -> None:
    """Put at least one row of the organisation into every table there is."""
    programme = created(
        clinic.lead.post(
            "/v1/programmes", {"name": "Group", "format": "group", "counted_contact_types": ["individual"]}
        )
    )
    say_of_programme(clinic, programme)
    episode = make_episode(clinic, programme_id=programme["id"])
    make_sessions(clinic, episode, 1)
    put_weekly(clinic, episode, [15, 14])
    created(put(clinic.tablet, administration(episode, phq_9(10, item_9=1), week=2)))
    path = f"/v1/episodes/{episode['id']}"
    created(clinic.therapist.post(f"{path}/assignments", {"instrument": "gad-7", "opens_at": START.isoformat()}))
    review = {"dose": 1, "with_patient": True, "causes": ["alliance"], "action": "continue"}
    created(clinic.therapist.post(f"{path}/reviews", review))
    created(clinic.therapist.post(f"{path}/goals", EXAMPLES[GoalCreate]))
    created(clinic.therapist.post(f"/v1/patients/{episode['patient_id']}/blocks", staff_of(clinic, "operator")))
    make_opening(clinic, episode["patient_id"])
    created(clinic.lead.post("/v1/instruments", own_instrument()))
    created(clinic.lead.put("/v1/instruments/gad-7/forms/self/wording", EXAMPLES[Questionnaire]))
    keep_curve(as_owner, clinic)
    patient_path = f"/v1/patients/{episode['patient_id']}"
    created(clinic.therapist.post(f"{patient_path}/consents", EXAMPLES[ConsentCreate]))
    created(clinic.administrator.post(f"{patient_path}/legal-holds", EXAMPLES[LegalHoldCreate]))
    ok(clinic.therapist.patch(patient_path, {"language": "nn"}, 1))
    gone = make_episode(clinic)
    created(put(clinic.tablet, administration(gone, phq_9(3))))
    deletion = f"/v1/patients/{gone['patient_id']}/deletion"
    created(clinic.administrator.post(deletion, EXAMPLES[DeletionCreate], headers={"If-Match": '"1"'}))
    closing = {"closed_at": at(10), "closing_reason": "moved"}
    ok(clinic.therapist.patch(path, closing, ok(clinic.therapist.get(path))["version"]))
    ok(clinic.lead.get(f"/v1/reports/outcomes?year={START.year}&measure=phq-9"))
    asked = {"year": START.year, "measure": "phq-9", "file_format": "csv"}
    assert clinic.lead.post("/v1/report-jobs", asked).status_code == 202
    # Nothing writes these yet.
    as_owner.execute(
        "insert into audit_seals (organisation_id, number, first_xid, end_xid, events, root_hash, seal)"
        " values (%s, 1, '1', '2', 1, '', '')",
        [clinic.organisation_id],
    )


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer, database: Database, client: TestClient) -> tuple[Clinic, Clinic]:
    """Two organisations with rows in every table."""
    clinics = make_clinic(database, client), make_clinic(database, client)
    with psycopg.connect(server.conninfo("spor", OWNER_ROLE), row_factory=dict_row, autocommit=True) as connection:
        for clinic in clinics:
            fill_every_table(clinic, connection)
    return clinics


@pytest.fixture
def ours(filled: tuple[Clinic, Clinic]) -> UUID:
    return filled[0].organisation_id


@pytest.fixture
def theirs(filled: tuple[Clinic, Clinic]) -> UUID:
    return filled[1].organisation_id


@pytest.fixture
def as_ours(as_app: Connection, ours: UUID) -> Iterator[Connection]:
    """A transaction of the application's role that has named our organisation."""
    with as_app.transaction(force_rollback=True):
        as_app.execute("select set_config('spor.organisation', %s, true)", [str(ours)])
        yield as_app


def count(connection: Connection, table: str, organisation_id: UUID | None = None) -> int:
    where = sql.SQL("where {} = {}").format(key_of(table), organisation_id) if organisation_id else sql.SQL("")
    row = connection.execute(sql.SQL("select count(*) from {} {}").format(sql.Identifier(table), where)).fetchone()
    assert row is not None
    number: int = row["count"]
    return number


def one_row(as_owner: Connection, table: str, organisation_id: UUID) -> Jsonb:
    row = as_owner.execute(
        sql.SQL("select to_jsonb(t) as row from {} t where {} = {} limit 1").format(
            sql.Identifier(table), key_of(table), organisation_id
        )
    ).fetchone()
    assert row is not None
    return Jsonb(row["row"])


@pytest.mark.parametrize("table", TABLES)
def test_without_the_setting_nothing_is_seen(
    as_owner: Connection, as_app: Connection, ours: UUID, theirs: UUID, table: str
) -> None:
    assert count(as_owner, table, ours) > 0
    assert count(as_owner, table, theirs) > 0
    assert count(as_app, table) == 0


@pytest.mark.parametrize("table", TABLES)
def test_with_the_setting_one_organisation_is_seen(
    as_owner: Connection, as_ours: Connection, ours: UUID, theirs: UUID, table: str
) -> None:
    assert count(as_ours, table) == count(as_owner, table, ours) > 0
    assert count(as_ours, table, theirs) == 0


@pytest.mark.parametrize("table", TABLES)
def test_no_row_can_be_added_for_another_organisation(
    as_owner: Connection, as_ours: Connection, theirs: UUID, table: str
) -> None:
    copy = sql.SQL("insert into {0} overriding system value select * from jsonb_populate_record(null::{0}, %s)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
        as_ours.execute(copy.format(sql.Identifier(table)), [one_row(as_owner, table, theirs)])


@pytest.mark.parametrize("table", TABLES)
def test_no_row_can_be_added_without_the_setting(
    as_owner: Connection, as_app: Connection, ours: UUID, table: str
) -> None:
    copy = sql.SQL("insert into {0} overriding system value select * from jsonb_populate_record(null::{0}, %s)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=REFUSED):
        as_app.execute(copy.format(sql.Identifier(table)), [one_row(as_owner, table, ours)])


MARKED = {
    "administrations": "superseded_at",
    "credentials": "revoked_at",
    "curves": "retired_at",
    "blocks": "lifted_at",
    "break_glass": "reviewed_at",
    "legal_holds": "lifted_at",
}
"""Tables of which only columns are edited, and one of those."""

EDITED = sorted(
    str(mapper.local_table)
    for mapper in Base.registry.mappers
    if issubclass(mapper.class_, Edited) and str(mapper.local_table) not in MARKED
)


@pytest.mark.parametrize("table", EDITED)
def test_another_organisation_s_rows_can_t_be_changed_or_given_away(
    as_ours: Connection, theirs: UUID, table: str
) -> None:
    at = {"table": sql.Identifier(table), "theirs": sql.Literal(theirs)}
    changed = as_ours.execute(
        sql.SQL("update {table} set created_at = now() where organisation_id = {theirs}").format(**at)
    )
    assert changed.rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="violates row-level security policy"):
        as_ours.execute(sql.SQL("update {table} set organisation_id = {theirs}").format(**at))


@pytest.mark.parametrize(("table", "column"), MARKED.items())
def test_another_organisation_s_rows_can_t_be_marked(
    as_ours: Connection, theirs: UUID, table: str, column: str
) -> None:
    mark = sql.SQL("update {} set {} = now() where organisation_id = {}")
    assert as_ours.execute(mark.format(sql.Identifier(table), sql.Identifier(column), theirs)).rowcount == 0


@pytest.mark.parametrize("table", TABLES)
def test_nothing_can_be_deleted(as_ours: Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        as_ours.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))


def scope_of(clinic: Clinic) -> Scope:
    return Scope(clinic.organisation_id, clinic.therapist_id, Role.THERAPIST, clinic.service_id)


@pytest.mark.parametrize("mapper", sorted(Base.registry.mappers, key=str), ids=lambda mapper: mapper.local_table.name)
def test_a_forgotten_filter_shows_one_organisation(
    database: Database, filled: tuple[Clinic, Clinic], mapper: Any
) -> None:
    table = mapper.class_
    owner = table.id if table is Organisation else table.organisation_id
    with database.work(scope_of(filled[0]), Access("test", uuid4())) as work:
        assert set(work.db.scalars(select(owner))) == {filled[0].organisation_id}


def test_a_forgotten_filter_adds_and_changes_nothing_elsewhere(
    database: Database, filled: tuple[Clinic, Clinic], theirs: UUID
) -> None:
    refused = pytest.raises(Exception, match="violates row-level security policy")
    with refused, database.work(scope_of(filled[0]), Access("test", uuid4())) as work:
        work.db.execute(insert(Service).values(organisation_id=theirs, name="Not ours"))
    with database.work(scope_of(filled[0]), Access("test", uuid4())) as work:
        changed = work.db.execute(update(Patient).values(language="en").returning(Patient.organisation_id))
        assert set(changed.scalars()) == {filled[0].organisation_id}
        work.db.rollback()


WHO = text(
    "select pg_backend_pid() as backend, nullif(current_setting('spor.organisation', true), '') as organisation,"
    " (select count(*) from patients) as patients"
)


@pytest.fixture
def one_connection(server: EmbeddedServer) -> Iterator[Database]:
    """The application's database, with a pool that gives the same connection again and again."""
    database = Database(server.url("spor", APP_ROLE), pool_size=1)
    yield database
    database.close()


def next_transaction(database: Database) -> Row[Any]:
    with database.engine.connect() as connection:
        return connection.execute(WHO).one()


def test_the_setting_ends_with_its_transaction(one_connection: Database, filled: tuple[Clinic, Clinic]) -> None:
    with one_connection.work(scope_of(filled[0]), Access("test", uuid4())) as work:
        inside = work.db.execute(WHO).one()
    after = next_transaction(one_connection)
    assert (inside.organisation, inside.patients) == (str(filled[0].organisation_id), 1)
    assert (after.backend, after.organisation, after.patients) == (inside.backend, None, 0)


def test_the_setting_ends_with_a_transaction_that_fails(
    one_connection: Database, filled: tuple[Clinic, Clinic]
) -> None:
    inside: list[Row[Any]] = []

    def fail() -> None:
        with one_connection.work(scope_of(filled[0]), Access("test", uuid4())) as work:
            inside.append(work.db.execute(WHO).one())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    after = next_transaction(one_connection)
    assert inside[0].patients == 1
    assert (after.backend, after.organisation, after.patients) == (inside[0].backend, None, 0)


def test_two_organisations_take_turns_on_one_connection(
    one_connection: Database, filled: tuple[Clinic, Clinic]
) -> None:
    seen = []
    for clinic in (*filled, *filled):
        with one_connection.work(scope_of(clinic), Access("test", uuid4())) as work:
            seen.append(set(work.db.scalars(select(Patient.organisation_id))))
    assert seen == [{clinic.organisation_id} for clinic in (*filled, *filled)]
