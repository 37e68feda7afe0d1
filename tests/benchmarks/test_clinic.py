"""The clinic that is put under load: copies of patients are whole, and nobody's but their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.db import migrations
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.ids import uuid7
from app.db.provision import APP_ROLE, OWNER_ROLE, provision
from app.db.session import Access, Database
from app.identity.credentials import token_hash
from app.services.caseload import read_caseload
from app.services.trajectories import read_trajectory
from benchmarks import clinic as clinics
from benchmarks.clinic import STARTING_SCORES, WEEKS, Clinic, furnish

CASELOAD, STARTED, FRESH, CHARTED = 4, 5, 3, 2


@pytest.fixture(scope="module")
def bench_database(server: EmbeddedServer) -> Iterator[str]:
    name = f"bench_{uuid4().hex}"
    provision(server.conninfo("postgres", SUPERUSER), name)
    migrations.upgrade(server.url(name, OWNER_ROLE))
    yield name
    with psycopg.connect(server.conninfo("postgres", SUPERUSER), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def furnished(server: EmbeddedServer, bench_database: str) -> Iterator[tuple[Database, Clinic]]:
    with pytest.MonkeyPatch.context() as patch, closing(Database(server.url(bench_database, APP_ROLE))) as database:
        patch.setattr(clinics, "_TEMPLATES", 2)
        patch.setattr(clinics, "CASELOAD", CASELOAD)
        admin = server.conninfo(bench_database, SUPERUSER)
        yield database, furnish(database, admin, started=STARTED, fresh=FRESH, charted=CHARTED)


def test_every_episode_has_its_scores_and_its_sessions(
    server: EmbeddedServer, bench_database: str, furnished: tuple[Database, Clinic]
) -> None:
    _, clinic = furnished
    groups = (clinic.started, clinic.fresh, clinic.caseload, clinic.charted)
    assert [len(group) for group in groups] == [STARTED, FRESH, CASELOAD, CHARTED]
    assert len(set().union(*groups)) == sum(map(len, groups))
    expected = [{STARTING_SCORES}, {0}, {WEEKS, 4, 5, 6}, {WEEKS}]
    with psycopg.connect(server.conninfo(bench_database, SUPERUSER)) as connection:
        for group, scores in zip(groups, expected, strict=True):
            rows = connection.execute(
                "select (select count(*) from attendances a join treatment_sessions s on s.id = a.treatment_session_id"
                " where a.episode_id = e.id), (select count(*) from administrations a where a.episode_id = e.id"
                " and a.state = 'final'), (select count(*) from progress p join administrations a"
                " on a.id = p.administration_id where a.episode_id = e.id) from episodes e where e.id = any(%s)",
                [group],
            ).fetchall()
            assert len(rows) == len(group)
            assert {sessions for sessions, _, _ in rows} == {WEEKS}
            assert {forms for _, forms, _ in rows} == scores
            assert all(verdicts == forms for _, forms, verdicts in rows)


def test_nothing_points_at_what_is_not_there(
    server: EmbeddedServer, bench_database: str, furnished: tuple[Database, Clinic]
) -> None:
    """The copies are made past the foreign keys; here each key is checked as the database would."""
    with psycopg.connect(server.conninfo(bench_database, SUPERUSER)) as connection:
        keys = connection.execute(
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f'"
        ).fetchall()
        assert len(keys) > 20
        for table, name, definition in keys:
            connection.execute(f'alter table {table} drop constraint "{name}"')
            connection.execute(f'alter table {table} add constraint "{name}" {definition}')
        connection.rollback()


def test_no_two_episodes_share_what_is_of_one_patient(
    server: EmbeddedServer, bench_database: str, furnished: tuple[Database, Clinic]
) -> None:
    with psycopg.connect(server.conninfo(bench_database, SUPERUSER)) as connection:
        for table in ("series", "attendances"):
            [(strange,)] = connection.execute(
                f"select count(*) from {table} r join episodes e on e.id = r.episode_id"
                " join informants i on i.id = r.informant_id where i.patient_id <> e.patient_id"
            )
            assert strange == 0, table
        for column, table in (
            ("patient_id", "episodes"),
            ("treatment_session_id", "attendances"),
            ("main_series_id", "episodes"),
        ):
            [(shared,)] = connection.execute(f"select count({column}) - count(distinct {column}) from {table}")
            assert shared == 0, column
        [(strange,)] = connection.execute(
            "select count(*) from administrations a join series s on s.id = a.series_id"
            " where s.episode_id <> a.episode_id"
        )
        assert strange == 0


def test_the_therapist_has_the_caseload_and_the_colleague_the_others(furnished: tuple[Database, Clinic]) -> None:
    database, clinic = furnished
    with database.work_for_token(token_hash(clinic.therapist), Access("read_caseload", uuid7())) as work:
        entries = read_caseload(work)
        trajectory = read_trajectory(work, clinic.caseload[0], None, None, None)
    assert {entry.record.id for entry in entries} == set(clinic.caseload)
    assert all(entry.verdict is not None for entry in entries)
    assert len(trajectory.series.observations) == WEEKS
    with database.work_for_token(token_hash(clinic.colleague), Access("read_caseload", uuid7())) as work:
        assert {entry.record.id for entry in read_caseload(work)} >= {*clinic.started, *clinic.charted}
