"""Statements, round trips and commits of a request, and the time that each statement takes within the database."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from benchmarks.wire import Tally

if TYPE_CHECKING:
    from benchmarks.rounds import Loader
    from benchmarks.works import Work

_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request of a work asks of the database, on average over those of a run with one connection."""

    requests: int
    statements: float
    round_trips: float
    commits: float
    messages: dict[str, float]


def count(loader: Loader, tally: Tally, works: Sequence[Work]) -> dict[str, Asked]:
    """Count for each work, on warm connections: what opens a connection or prepares a statement is not in it."""
    asked = {}
    for work in works:
        loader.run(work, _SECONDS)
        handled, before = loader.handled(work), tally.copy()
        loader.run(work, _SECONDS)
        asked[work.key] = asked_of_one(tally.since(before), loader.handled(work) - handled)
    return asked


def asked_of_one(tally: Tally, requests: int) -> Asked:
    """Divide what was counted by the requests that were handled."""

    def of_one(number: int) -> float:
        return round(number / requests, 2)

    return Asked(
        requests,
        of_one(tally.statements),
        of_one(tally.round_trips),
        of_one(tally.commits),
        {name: of_one(number) for name, number in sorted(tally.messages.items())},
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement within the database, for each put."""

    text: str
    calls: float
    planning_ms: float
    execution_ms: float
    wal_bytes: float


STATISTICS = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_planning": "on"}
"""Settings that take effect at the next start, since the library has to be loaded with the server."""

_TIMES = """
select query, calls, total_plan_time, total_exec_time, wal_bytes::float8
  from pg_stat_statements
 where userid = 'spor_app'::regrole
 order by total_plan_time + total_exec_time desc
 limit 10
"""


def set_up_statistics(admin: psycopg.Connection) -> None:
    """Have the server keep statistics of its statements from its next start on."""
    admin.execute("create extension pg_stat_statements")
    for name, value in STATISTICS.items():
        admin.execute(f"alter system set {name} = '{value}'")


def time_statements(loader: Loader, work: Work, seconds: int) -> list[Statement]:
    """Load the server with puts, and tell how long each statement of a put takes within the database."""
    loader.run(work, seconds)
    loader.admin.execute("select pg_stat_statements_reset()")
    handled = loader.handled(work)
    loader.run(work, seconds)
    time.sleep(_SECONDS)
    puts = loader.handled(work) - handled
    return [
        Statement(_in_short(text), calls / puts, planning / puts, execution / puts, wal / puts)
        for text, calls, planning, execution, wal in loader.admin.execute(_TIMES)
    ]


def _in_short(text: str) -> str:
    words = re.sub(r"\s+", " ", text).strip()
    return words if len(words) <= 100 else f"{words[:97]}..."
