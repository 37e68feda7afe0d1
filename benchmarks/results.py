"""What a bench has found, and the tables that show it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.core import CoreTime
from benchmarks.counting import Asked, Statement
from benchmarks.disk import Disk, Growth
from benchmarks.load import Run
from benchmarks.machine import Machine
from benchmarks.targets import (
    DISK_LIMIT,
    TARGETS,
    Figure,
    Quantity,
    Runs,
    disk_is_met,
    figure,
    figure_of,
    is_met,
    values_of,
)
from benchmarks.works import WORKS

BEGIN, END = "<!-- written by make bench: begin -->", "<!-- written by make bench: end -->"
_WORDS = {work.key: work.says for work in WORKS}


@dataclass(frozen=True, slots=True)
class Results:
    """All that one bench has found."""

    machine: Machine
    seconds: int
    runs: dict[str, list[Run]]
    asked: dict[str, Asked]
    disk: Disk | None
    statements: list[Statement]
    core: list[CoreTime]


def keep(results: Results, folder: Path) -> None:
    """Write the raw figures, and the tables between the marks of the README."""
    (folder / "results.json").write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    readme = folder / "README.md"
    readme.write_text(with_tables(readme.read_text(encoding="utf-8"), tables(results)), encoding="utf-8")


def with_tables(text: str, written: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """Put the tables between the marks, in place of what was there."""
    begin, end = marks
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    assert found, "the README has both marks"
    return f"{before}{begin}\n\n{written}\n\n{end}{after}"


def tables(results: Results) -> str:
    """Give all tables, the targets first."""
    machine = results.machine
    measured = (
        f"Measured {machine.measured_at[:10]} at revision `{machine.revision}`: {machine.processor},"
        f" {machine.cores} cores, {machine.memory_gb:g} GB, Python {machine.python}, PostgreSQL {machine.postgresql};"
        f" a page of 8 kB is on the disk after {machine.sync_microseconds:.0f} µs. {_rounds(results.runs)} rounds of"
        f" {results.seconds} s for each work. Figures are medians over the rounds; the lowest and the highest round"
        " are in brackets."
    )
    parts = [
        (None, measured),
        (None, targets_table(results.runs, results.disk)),
        ("All works", works_table(results.runs)),
        ("What a request asks of the database", asked_table(results.asked)),
        ("Disk, by table", disk_table(results.disk) if results.disk else ""),
        ("Time within the database, for one put at 8 connections", statements_table(results.statements)),
        ("The core alone", core_table(results.core)),
    ]
    return "\n\n".join(f"### {title}\n\n{text}" if title else text for title, text in parts if text)


def _rounds(runs: Runs) -> int:
    return max(map(len, runs.values()), default=0)


def targets_table(runs: Runs, disk: Disk | None) -> str:
    """Show each target that was measured beside its figure."""
    rows = []
    for target in TARGETS:
        if target.work not in runs or (target.reference and target.reference not in runs):
            continue
        found = figure_of(target, runs)
        limit = f"{target.bound} {_number(target.limit)} {target.unit}"
        rows.append([target.says, limit, _spread(found), _met(is_met(target.bound, target.limit, found.median))])
    if disk is not None:
        figures = f"{_number(disk.bytes_of_a_put)} B, and {_number(disk.wal)} B of log"
        rows.append(["disk, one put", f"at most {_number(DISK_LIMIT)} B", figures, _met(disk_is_met(disk))])
    return table(["work", "target", "figure", "met?"], rows)


def works_table(runs: Runs) -> str:
    """Show throughput and latency of everything that was put under load."""
    return table(
        ["work", "a second", "median, ms", "p99, ms"],
        (
            [
                _WORDS[key],
                *(_spread(figure(values_of(key, quantity, runs))) for quantity in _SHOWN),
            ]
            for key in runs
        ),
    )


_SHOWN = (Quantity.THROUGHPUT, Quantity.MEDIAN, Quantity.P99)


def asked_table(asked: dict[str, Asked]) -> str:
    """Show what one request of each work asks of the database."""
    return table(
        ["request", "statements", "round trips", "commits", "messages of the client"],
        (
            [
                _WORDS[key],
                *(f"{number:g}" for number in (each.statements, each.round_trips, each.commits)),
                ", ".join(f"{number:g} {name}" for name, number in each.messages.items()),
            ]
            for key, each in asked.items()
        ),
    )


def disk_table(disk: Disk) -> str:
    """Show by how much each table grows for a put."""
    grown = sorted(disk.tables, key=lambda each: -each.together)
    everything = Growth("all", sum(each.rows for each in grown), sum(each.indexes for each in grown))
    return table(
        ["table", "rows, B a put", "indexes, B a put", "together"],
        (
            [each.table, *(f"{size:.0f}" for size in (each.rows, each.indexes, each.together))]
            for each in (*grown, everything)
        ),
    )


def statements_table(statements: Sequence[Statement]) -> str:
    """Show the statements of a put by the time they take within the database."""
    return table(
        ["statement", "calls", "planning, ms", "execution, ms", "log, B"],
        (
            [
                f"`{each.text.replace('|', chr(92) + '|')}`",
                f"{each.calls:.2f}",
                f"{each.planning_ms:.3f}",
                f"{each.execution_ms:.3f}",
                f"{each.wal_bytes:.0f}",
            ]
            for each in statements
        ),
    )


def core_table(core: Sequence[CoreTime]) -> str:
    """Show what the core takes, without server and database."""
    return table(["work", "µs"], ([each.work, _number(each.microseconds)] for each in core))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table; none where there is nothing to show."""
    ruled = ["---", *["---:"] * (len(heads) - 1)]
    lines = ["| " + " | ".join(row) + " |" for row in (heads, ruled, *rows)]
    return "\n".join(lines) if len(lines) > len((heads, ruled)) else ""


def _spread(found: Figure) -> str:
    return f"{_number(found.median)} ({_number(found.lowest)}-{_number(found.highest)})"


def _number(value: float) -> str:
    """Write three digits that count, and all of those before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _met(met: bool) -> str:
    return "yes" if met else "**no**"
