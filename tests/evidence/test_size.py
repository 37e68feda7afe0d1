"""The record at full size: nothing is read in vain, and the hot requests answer as quickly as ever."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

import httpx2
import numpy as np
import psycopg
from fastapi.testclient import TestClient
from psycopg import sql

from app.db.embedded import EmbeddedServer
from app.db.models import Base
from app.db.provision import DATABASE
from app.identity.policy import Action
from tests.crowd import TIMES as ASKED
from tests.crowd import Crowd, crowd
from tests.every_route import Asking, every_route
from tests.factories import Caller, Clinic
from tests.programs import enterable_folder, free_port, serving

logger = logging.getLogger("evidence")

ADMINISTRATIONS: Final = int(os.environ.get("ADMINISTRATIONS", "4000"))
"""`make evidence` asks for as many as make ten million rows in all the tables."""

ENOUGH_FOR_PLANS: Final = 100_000
"""In a smaller database the planner rightly reads whole tables; tests/db/test_plans.py asks at this size."""

EPISODES: Final = 20
"""Whose rows are asked for in turn."""

TIMES: Final = 300 if ADMINISTRATIONS >= ENOUGH_FOR_PLANS else 5

HOT: Final = (
    Action.PUT_ADMINISTRATION,
    Action.PUT_ADMINISTRATIONS,
    Action.READ_ADMINISTRATION,
    Action.READ_TRAJECTORY,
    Action.READ_CASELOAD,
    Action.LIST_EPISODES,
    Action.LIST_PATIENTS,
    Action.LIST_RISK_ALERTS,
)


def test_the_record_at_full_size() -> None:
    faults: Mapping[str, set[str]] = {}
    address = f"http://127.0.0.1:{free_port()}"
    with enterable_folder() as folder, httpx2.Client(base_url=address, timeout=120) as client:
        with EmbeddedServer(folder / "spor", durable=False) as server:
            started = time.monotonic()
            with crowd(server, DATABASE, ADMINISTRATIONS) as big:
                logger.info("filled, vacuumed and analysed in %.0f s", time.monotonic() - started)
                tell_sizes(big)
                # Chosen before the requests for the plans open episodes that have nothing yet.
                with psycopg.connect(big.owner) as connection:
                    requests = every_route(connection, over_the_wire(big.clinic, client))
                if ADMINISTRATIONS >= ENOUGH_FOR_PLANS:
                    faults = big.all_faults()
                    logger.info(
                        "%d kinds of request, each %d times: %d read in vain", len(big.requests), ASKED, len(faults)
                    )
        with serving("serve", "--port", address.rpartition(":")[2], "--data-dir", folder / "spor") as (program, _):
            tell_times(requests)
            program.terminate()
            assert program.wait(60) == 0
    assert faults == {}


def tell_sizes(big: Crowd) -> None:
    with psycopg.connect(big.owner) as connection:
        rows = {
            table: connection.execute(
                sql.SQL("select count(*), pg_total_relation_size({}) from {}").format(table, sql.Identifier(table))
            ).fetchall()[0]
            for table in Base.metadata.tables
        }
    logger.info(
        "%.1f million rows, %.1f GB with their indexes",
        *(sum(each) / unit for each, unit in zip(zip(*rows.values(), strict=True), (1e6, 1e9), strict=True)),
    )
    for table, (count, size) in sorted(rows.items(), key=lambda each: -each[1][1])[:6]:
        logger.info("    %-20s %12d rows %6.2f GB", table, count, size / 1e9)


def over_the_wire(clinic: Clinic, client: httpx2.Client) -> Clinic:
    """Give a clinic whose staff use another client."""
    # The test's own client is one of these, and nothing is used here that it adds.
    therapist, tablet, lead = (
        Caller(cast(TestClient, client), each.token) for each in (clinic.therapist, clinic.tablet, clinic.lead)
    )
    return replace(clinic, therapist=therapist, tablet=tablet, lead=lead)


def tell_times(requests: Mapping[str, Asking]) -> None:
    """Ask for each of the hot things many times, one after the other over one connection, on a durable database."""
    for name in HOT:
        milliseconds = []
        for number in range(TIMES):
            started = time.perf_counter()
            answer = requests[name].ask(number % EPISODES)
            milliseconds.append(1000 * (time.perf_counter() - started))
            assert answer.is_success, answer.text
        # The first ones open connections and prepare statements.
        p50, p99 = np.percentile(milliseconds[TIMES // 10 :], [50, 99])
        logger.info("    %-20s p50 %7.1f ms, p99 %7.1f ms", name, p50, p99)
