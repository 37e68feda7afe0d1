"""Measures the report, judges it, and keeps what was found: apart from the works that are measured more often."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.db.embedded import EmbeddedServer
from app.db.provision import APP_ROLE, DATABASE
from benchmarks.machine import Machine, describe
from benchmarks.report.asking import THRESHOLD
from benchmarks.report.measuring import Measured, measure
from benchmarks.report.others import InPolars, in_polars, in_sql
from benchmarks.report.practice import Practice, checked, fill
from benchmarks.results import table, with_tables
from benchmarks.server import admin, database_of, private_folder

EPISODES = (125_000, 1_250_000)
ROUNDS = 5
LIMIT = 1.0
"""Seconds of a warm report of the larger organisation."""

GROWTH = 1.1
"""How much more memory it may take than a report of the smaller one."""

BEGIN, END = "<!-- written by make bench WORK=report: begin -->", "<!-- written by make bench WORK=report: end -->"


@dataclass(frozen=True, slots=True)
class Results:
    """All that was found."""

    machine: Machine
    administrations: int
    checked: int
    """Episodes whose summaries the service worked out from the record, and found as they were kept."""
    measured: list[Measured]
    sql: list[float]
    polars: InPolars


def run(say: Callable[[str], None], rounds: int | None = None) -> Results:
    """Fill two organisations and measure; nothing stays of them."""
    with (
        private_folder() as folder,
        # What is written here need not outlive the machine: it is read, and thrown away.
        EmbeddedServer(folder / "spor", durable=False) as server,
        database_of(server) as database,
        admin(server) as connection,
    ):
        practices: list[Practice] = []
        for episodes in EPISODES:
            say(f"Writing an organisation with {episodes:,} episodes.")
            practices.append(fill(database, connection, episodes, record=episodes == EPISODES[-1]))
        connection.execute("vacuum analyze")
        largest = practices[-1]
        say("Checking a sample of its summaries against the record.")
        looked_at, differing = checked(database, largest)
        assert looked_at, "the sample has episodes"
        assert not differing, f"{differing} of {looked_at} summaries differ from the record"
        machine = describe(folder, connection)
        say("Aggregating the scores in SQL and in polars.")
        sql = in_sql(connection, largest, rounds or ROUNDS)
        polars = in_polars(connection, largest, folder, rounds or ROUNDS)
        url = server.url(DATABASE, APP_ROLE)
        say("Asking for reports.")
        measured = [measure(connection, url, practice, rounds or ROUNDS) for practice in practices]
    return Results(machine, largest.administrations, looked_at, measured, sql, polars)


def keep(results: Results, folder: Path) -> None:
    """Write the figures, and the table between its marks of the README."""
    (folder / "report.json").write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    readme = folder / "README.md"
    written = with_tables(readme.read_text(encoding="utf-8"), tables(results), (BEGIN, END))
    readme.write_text(written, encoding="utf-8")


def tables(results: Results) -> str:
    """Give the table, with what it was measured on."""
    machine, (small, large) = results.machine, results.measured
    measured = (
        f"Measured {machine.measured_at[:10]} at revision `{machine.revision}`: {machine.processor}, {machine.cores}"
        f" cores, {machine.memory_gb:g} GB, Python {machine.python}, PostgreSQL {machine.postgresql}."
        f" {large.episodes:,} closed episodes with {results.administrations:,} administrations; the report is of all"
        f" services over three years, {large.tables} tables, small numbers below {THRESHOLD} hidden. The service"
        f" worked out {results.checked:,} of the summaries from the record, and each was as it was kept. Seconds are"
        f" medians of {len(large.warm)}; the lowest and the highest are in brackets."
    )
    growth = large.peak_mb / small.peak_mb
    rows = [
        ["report, cells kept", *_seconds(small.warm, large.warm), f"under {LIMIT:g} s", _met(large.warm)],
        ["report, after a change in one year", *_seconds(small.changed, large.changed), "", ""],
        ["report, cells kept, by a new process", *_seconds(small.started, large.started), "", ""],
        ["report, no cells kept, by a new process", *_seconds(small.cold, large.cold), "", ""],
        ["cells kept for it", f"{small.cells:,}", f"{large.cells:,}", "", ""],
        [
            "memory of its process, at most",
            f"{small.peak_mb:.0f} MB",
            f"{large.peak_mb:.0f} MB",
            f"at most {GROWTH:g} of the smaller's",
            "yes" if growth <= GROWTH else f"**no** ({growth:.2f})",
        ],
        ["first, last and change by service, in SQL over the scores", "", *_seconds(results.sql), "", ""],
        [f"the same in polars {results.polars.version}, from a Parquet file", "", _polars(results.polars), "", ""],
    ]
    heads = ["", *(f"{each.episodes:,} episodes" for each in results.measured), "target", "met?"]
    return f"{measured}\n\n{table(heads, rows)}"


def _seconds(*found: Sequence[float]) -> list[str]:
    return [f"{statistics.median(each):.2f} s ({min(each):.2f}-{max(each):.2f})" for each in found]


def _met(seconds: Sequence[float]) -> str:
    return "yes" if statistics.median(seconds) < LIMIT else "**no**"


def _polars(found: InPolars) -> str:
    return found.missing or _seconds(found.seconds)[0]
