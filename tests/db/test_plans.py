"""No request reads a whole table, or more of one than its answer needs, when there are 100,000 administrations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.models import Base
from app.db.provision import provision
from app.identity.policy import Action
from tests.crowd import TIMES, Crowd, crowd
from tests.plans import SMALL

ADMINISTRATIONS: Final = 100_000

DESCRIPTIONS: Final = {Action.READ_OPENAPI, Action.READ_PROBLEM}
COUNTING: Final = {action for action in Action if "_report" in action}
"""What counts all of an organisation, and reads no more where it has been counted: see benchmarks/report."""
"""What is asked of the program itself."""


@pytest.fixture(scope="module")
def big(server: EmbeddedServer) -> Iterator[Crowd]:
    name = f"crowd_{uuid4().hex}"
    admin = server.conninfo("postgres", SUPERUSER)
    provision(admin, name)
    with crowd(server, name, ADMINISTRATIONS) as big:
        yield big
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_the_database_is_big(big: Crowd) -> None:
    with psycopg.connect(big.owner) as connection:
        rows = {
            table: connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchall()
            for table in Base.metadata.tables
        }
    sizes = {table: count for table, [(count,)] in rows.items()}
    assert sizes["administrations"] >= ADMINISTRATIONS
    assert {table for table, count in sizes.items() if count < 1000} == SMALL.keys()


def test_everything_that_can_be_asked_of_the_record_is_asked(big: Crowd) -> None:
    assert {name.partition(" ")[0].rstrip(",") for name in big.requests} == set(Action) - DESCRIPTIONS - COUNTING


def test_no_request_reads_more_than_it_needs(big: Crowd) -> None:
    assert big.all_faults() == {}


def test_the_plans_are_those_of_the_application_with_its_statements_prepared(big: Crowd) -> None:
    plans = big.plans(Action.READ_TRAJECTORY, range(TIMES))
    assert any("spor.organisation" in str(plan.root) for plan in plans), "row-level security is part of them"
    asked = [plan.is_generic for plan in plans if "$1" in plan.statement]
    assert any(asked), "some plans are made for all values"
    assert not all(asked), "the first ones are not"


@pytest.mark.parametrize(
    ("index", "request_name"),
    [
        ("administrations_of_episode_idx", Action.READ_TRAJECTORY),
        ("attendances_organisation_id_episode_id_idx", Action.READ_TRAJECTORY),
        ("risk_alerts_organisation_id_episode_id_idx", Action.LIST_RISK_ALERTS),
        ("treatment_relations_active_relation_key", Action.READ_CASELOAD),
        ("administrations_organisation_id_treatment_session_id_idx", "change_session to another day"),
    ],
)
def test_a_missing_index_is_found(big: Crowd, index: str, request_name: str) -> None:
    with psycopg.connect(big.owner, autocommit=True) as connection:
        found = connection.execute("select indexdef from pg_indexes where indexname = %s", [index]).fetchone()
        assert found is not None
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(index)))
        try:
            assert big.faults(request_name, range(TIMES, TIMES + 1))
        finally:
            connection.execute(found[0])
    assert not big.faults(request_name, range(TIMES + 1, TIMES + 2))
