"""The organisation that the report is measured on: its summaries are those of its record, and the measuring runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.db import migrations
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.provision import APP_ROLE, OWNER_ROLE, provision
from app.db.session import Database
from benchmarks.report import practice as practices
from benchmarks.report.measuring import measure
from benchmarks.report.others import in_sql
from benchmarks.report.practice import Practice, checked, fill

EPISODES = 400


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> Iterator[tuple[Database, psycopg.Connection, Practice, str]]:
    name = f"bench_{uuid4().hex}"
    provision(server.conninfo("postgres", SUPERUSER), name)
    migrations.upgrade(server.url(name, OWNER_ROLE))
    url = server.url(name, APP_ROLE)
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(Database(url)) as database,
        psycopg.connect(server.conninfo(name, SUPERUSER), autocommit=True) as admin,
    ):
        for name_of, number in (("SERVICES", 2), ("THERAPISTS", 4), ("PROGRAMMES", 2)):
            patch.setattr(practices, name_of, number)
        yield database, admin, fill(database, admin, EPISODES, record=True), url
    with psycopg.connect(server.conninfo("postgres", SUPERUSER), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_the_service_finds_the_summaries_as_it_would_have_made_them(
    filled: tuple[Database, psycopg.Connection, Practice, str],
) -> None:
    database, admin, practice, _ = filled
    [administrations] = admin.execute("select count(*) from administrations").fetchone() or (0,)
    assert administrations == practice.administrations > 5 * EPISODES
    assert checked(database, practice) == (EPISODES, 0)
    first = "(select episode_id from series order by 1 limit 1)"
    wrong = f"update measure_summaries set last = last + %s where episode_id = {first}"
    admin.execute(wrong, [1])
    assert checked(database, practice) == (EPISODES, 1)
    admin.execute(wrong, [-1])


def test_the_scores_say_the_same_as_the_summaries(
    filled: tuple[Database, psycopg.Connection, Practice, str],
) -> None:
    _, admin, practice, _ = filled
    assert len(in_sql(admin, practice, 1)) == 1
    admin.execute("update measure_summaries set change = 0 where change = 1")
    with pytest.raises(AssertionError, match="the summaries say what the scores say"):
        in_sql(admin, practice, 1)


def test_a_report_is_measured_cold_warm_and_after_a_change(
    filled: tuple[Database, psycopg.Connection, Practice, str],
) -> None:
    _, admin, practice, url = filled
    found = measure(admin, url, practice, 1)
    assert (len(found.cold), len(found.started), len(found.warm), len(found.changed)) == (1, 1, 1, 1)
    assert found.tables > 10
    assert found.cells > 0
    assert found.peak_mb > 10
