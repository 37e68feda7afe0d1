"""The pipeline: many statements, one round trip, and nothing that outlives its transaction but what is prepared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import DivisionByZero, InvalidTextRepresentation, UndefinedTable
from psycopg.pq import TransactionStatus

from app.db.embedded import EmbeddedServer
from app.db.pipeline import Pipeline, statement
from app.db.provision import APP_ROLE
from app.db.session import Access, Database
from app.errors import Unauthenticated

ONE = statement("select 1")
ECHO = statement("select %(number)s::integer, %(text)s::text, %(number)s::integer + 1")
DIVIDE = statement("select 1 / %(number)s::integer")
COMMIT = statement("commit")
PREPARED = statement("select name from pg_prepared_statements where name like 'spor%%' order by name")


@pytest.fixture
def driver(server: EmbeddedServer, database: Database) -> Iterator[psycopg.Connection]:
    """A connection as the pool opens it: the driver itself prepares nothing."""
    with closing(psycopg.connect(server.conninfo("spor", APP_ROLE), prepare_threshold=None)) as connection:
        yield connection


def test_a_statement_is_numbered_and_named_by_its_words() -> None:
    assert ECHO.sql == b"select $1::integer, $2::text, $1::integer + 1"
    assert ECHO.parameters == ("number", "text")
    assert statement("select   1\n").name == ONE.name != DIVIDE.name


def test_each_statement_gets_its_own_rows(driver: psycopg.Connection) -> None:
    pipeline = Pipeline(driver)
    for number in range(3):  # prepared at first, then used as it is
        rows = pipeline.send((ONE, {}), (ECHO, {"number": number, "text": None}), (ECHO, {"number": 7, "text": "ø"}))
        assert rows == [[(1,)], [(number, None, number + 1)], [(7, "ø", 8)]]


def test_values_come_back_as_they_went(driver: psycopg.Connection) -> None:
    values = {
        "uuid": uuid4(),
        "bytea": b"\x00\xff",
        "timestamptz": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        "boolean": True,
        "bigint": 2**40,
        "text": "it's 100 %",
    }
    everything = statement(f"select {', '.join(f'%({kind})s::{kind}' for kind in values)}")
    assert Pipeline(driver).send((everything, values)) == [[tuple(values.values())]]


def test_a_transaction_begins_with_its_first_statement_and_ends_with_its_commit(driver: psycopg.Connection) -> None:
    pipeline = Pipeline(driver)
    passed = []
    for last in ([], [COMMIT]):
        assert pipeline.send((ONE, {}), *((each, {}) for each in last))[0] == [(1,)]
        passed.append(driver.info.transaction_status)
    assert passed == [TransactionStatus.INTRANS, TransactionStatus.IDLE]


def test_after_a_failure_nothing_more_is_carried_out(driver: psycopg.Connection) -> None:
    pipeline = Pipeline(driver)
    with pytest.raises(DivisionByZero):
        pipeline.send((DIVIDE, {"number": 0}), (COMMIT, {}))
    assert driver.info.transaction_status is TransactionStatus.INERROR
    driver.rollback()
    assert pipeline.send((DIVIDE, {"number": 1}), (ONE, {})) == [[(1,)], [(1,)]]


def test_what_could_not_be_prepared_is_tried_again_and_what_could_is_not(driver: psycopg.Connection) -> None:
    pipeline, nowhere = Pipeline(driver), statement("select * from nowhere")
    for _ in range(2):
        with pytest.raises(UndefinedTable):
            pipeline.send((ONE, {}), (nowhere, {}), (ECHO, {"number": 1, "text": "a"}))
        driver.rollback()
        assert pipeline.send((PREPARED, {}))[0] == sorted([(ONE.name.decode(),), (PREPARED.name.decode(),)])
        driver.rollback()


def test_a_value_that_cannot_be_sent_leaves_the_connection_as_it_was(driver: psycopg.Connection) -> None:
    pipeline = Pipeline(driver)
    with pytest.raises(psycopg.ProgrammingError):
        pipeline.send((ONE, {}), (ECHO, {"number": 1, "text": object()}))
    with pytest.raises(KeyError):
        pipeline.send((ECHO, {"number": 1}))
    assert driver.info.transaction_status is TransactionStatus.IDLE
    with pytest.raises(InvalidTextRepresentation):
        pipeline.send((ECHO, {"number": "one", "text": ""}))


def test_more_than_the_network_takes_at_once_goes_both_ways(driver: psycopg.Connection) -> None:
    """The server answers before it has read everything: whoever only sends, or only reads, would wait for ever."""
    much = "å" * 4_000_000
    rows = Pipeline(driver).send(*[(ECHO, {"number": number, "text": much}) for number in range(4)])
    assert [row[0][:1] for row in rows] == [(number,) for number in range(4)]
    assert all(row[0][1] == much for row in rows)


def test_a_server_that_is_gone_is_an_operational_error(driver: psycopg.Connection) -> None:
    pipeline = Pipeline(driver)
    with pytest.raises(psycopg.OperationalError):
        pipeline.send((statement("select pg_terminate_backend(pg_backend_pid())"), {}))
    assert driver.closed


def test_nothing_is_prepared_where_a_pooler_would_not_know_of_it(driver: psycopg.Connection) -> None:
    pipeline = Pipeline(driver, prepares=False)
    for number in range(3):
        rows = pipeline.send((ONE, {}), (ECHO, {"number": number, "text": "ø"}))
        assert rows == [[(1,)], [(number, "ø", number + 1)]]
    assert pipeline.send((PREPARED, {}), (COMMIT, {})) == [[], ()]
    assert driver.info.transaction_status == TransactionStatus.IDLE
    with pytest.raises(DivisionByZero):
        pipeline.send((DIVIDE, {"number": 0}))
    driver.rollback()


def test_a_database_behind_a_pooler_prepares_nothing(server: EmbeddedServer, database: Database) -> None:
    with closing(Database(server.url("spor", APP_ROLE), pool_size=1, prepares=False)) as pooled:
        for _ in range(2):
            with pytest.raises(Unauthenticated), pooled.work_for_token(b"nobody", Access("test", uuid4())):
                pass
        with pooled.engine.connect() as connection:
            prepared = connection.exec_driver_sql("select count(*) from pg_prepared_statements").scalar_one()
    assert prepared == 0
