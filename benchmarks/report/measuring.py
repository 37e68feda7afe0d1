"""What the report takes: warm, after a change, cold, and how large its process gets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from benchmarks.report.asking import REQUEST
from benchmarks.report.practice import Practice
from benchmarks.server import ROOT


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one report, and the most that its process had held by then."""

    seconds: float
    peak_kb: int
    tables: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All reports of one organisation, in seconds."""

    episodes: int
    cold: list[float]
    """In a process that has just begun, with no cell kept."""
    started: list[float]
    """In a process that has just begun, with all cells kept."""
    warm: list[float]
    changed: list[float]
    """After the outcome of one episode of the last year has changed."""
    peak_mb: float
    """Most memory of any of the processes, in MB (1,000,000 B)."""
    tables: int
    cells: int
    """Rows that were counted and kept."""


def measure(admin: psycopg.Connection, url: str, practice: Practice, rounds: int) -> Measured:
    """Ask for the same report over and over: nobody else is at work."""
    cold: list[Took] = []
    started: list[Took] = []
    for _ in range(rounds):
        admin.execute("delete from counted_cells where organisation_id = %s", [practice.organisation_id])
        for found in (cold, started):
            with _asking(url, practice) as process:
                found.append(_ask(process))
    with _asking(url, practice) as process:
        _ask(process)
        warm = [_ask(process) for _ in range(rounds)]
        changed = []
        for number in range(rounds):
            _change(admin, practice, number)
            changed.append(_ask(process))
    [cells] = admin.execute(
        "select sum(jsonb_array_length(cells::jsonb)) from counted_cells where organisation_id = %s",
        [practice.organisation_id],
    ).fetchone() or (0,)
    everything = (*cold, *started, *warm, *changed)
    return Measured(
        episodes=practice.episodes,
        cold=_seconds(cold),
        started=_seconds(started),
        warm=_seconds(warm),
        changed=_seconds(changed),
        peak_mb=max(each.peak_kb for each in everything) * 1024 / 1e6,
        tables=everything[0].tables,
        cells=int(cells),
    )


def _seconds(found: list[Took]) -> list[float]:
    return [each.seconds for each in found]


def _change(admin: psycopg.Connection, practice: Practice, number: int) -> None:
    """Let the last score of one more episode be a reliable improvement, as its correction would."""
    admin.execute(
        "update measure_summaries set last = 0, change = 1, case_at_end = false"
        " where (organisation_id, episode_id) = (select organisation_id, episode_id from measure_summaries"
        " where organisation_id = %s and closed_year = %s and change = 0 and baseline > 9 and scores > 1"
        " order by episode_id offset %s limit 1)",
        [practice.organisation_id, REQUEST.period.last_year, number],
    )


@contextmanager
def _asking(url: str, practice: Practice) -> Iterator[subprocess.Popen[str]]:
    ids = (practice.organisation_id, practice.lead_id, practice.service_id)
    command = [sys.executable, "-m", "benchmarks.report.asking", url, *map(str, ids)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None, "it is asked by its input"
        process.stdin.close()


def _ask(process: subprocess.Popen[str]) -> Took:
    assert process.stdin is not None, "it is asked by its input"
    assert process.stdout is not None, "it answers by its output"
    process.stdin.write("\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit("bench: the report did not come")
    return Took(**json.loads(answer))
