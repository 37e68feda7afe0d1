"""Ratios, targets and tables: worked out by hand here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.core import CoreTime
from benchmarks.counting import Asked, Statement, asked_of_one
from benchmarks.disk import Disk, Growth
from benchmarks.load import Run
from benchmarks.machine import Machine
from benchmarks.results import BEGIN, END, Results, keep, tables, targets_table, with_tables, works_table
from benchmarks.rounds import episodes_needed
from benchmarks.targets import (
    TARGETS,
    Bound,
    Figure,
    Quantity,
    disk_is_met,
    figure_of,
    is_met,
    values_of,
)
from benchmarks.wire import Tally
from benchmarks.works import COUNTED, WORKS, Supply, work_of


def run(per_second: float = 100, median_ms: float = 1, p99_ms: float = 2) -> Run:
    return Run(requests=round(per_second * 2), seconds=2, median_ms=median_ms, p99_ms=p99_ms, taken=0)


def test_a_ratio_is_taken_within_its_round() -> None:
    """The machine is half as fast in the second round, and the ratio is the same: 3, 3 and 6."""
    put = [run(median_ms=3), run(median_ms=6), run(median_ms=6)]
    inserted = [run(median_ms=1), run(median_ms=2), run(median_ms=1)]
    [first] = [each for each in TARGETS if each.work == "put-1"]
    assert figure_of(first, {"put-1": put, "inserted-1": inserted}) == Figure(median=3, lowest=3, highest=6)


def test_the_throughput_of_a_batch_is_in_administrations() -> None:
    runs = {"batch-500-of-500": [run(per_second=8)], "batch-20-of-one": [run(per_second=8)]}
    assert values_of("batch-500-of-500", Quantity.THROUGHPUT, runs) == [4000]
    assert values_of("batch-20-of-one", Quantity.THROUGHPUT, runs) == [160]


@pytest.mark.parametrize(
    ("bound", "at_limit", "below", "above"),
    [(Bound.AT_MOST, True, True, False), (Bound.UNDER, False, True, False), (Bound.AT_LEAST, True, False, True)],
)
def test_a_bound_holds_on_its_side(bound: Bound, at_limit: bool, below: bool, above: bool) -> None:
    assert [is_met(bound, 2, value) for value in (2, 1.9, 2.1)] == [at_limit, below, above]


def test_the_targets_are_those_that_were_set() -> None:
    """The table of the issue; the disk is judged beside it."""
    assert [(each.work, each.quantity, each.bound, each.limit, each.reference) for each in TARGETS] == [
        ("put-1", "median", "at most", 3, "inserted-1"),
        ("put-8", "throughput", "at least", 0.10, "parsed-8"),
        ("put-8", "throughput", "at least", 0.13, "parsed-8"),
        ("put-32", "p99", "at most", 2, "inserted-32"),
        ("batch-500-of-500", "throughput", "at least", 4000, None),
        ("batch-500-of-25", "throughput", "at least", 4000, None),
        ("trajectory-1", "median", "under", 10, None),
        ("caseload", "median", "under", 50, None),
    ]
    keys = [work.key for work in WORKS]
    assert len(set(keys)) == len(keys)
    assert {each.work for each in TARGETS} | {each.reference for each in TARGETS if each.reference} <= set(keys)
    assert all(work_of(key).connections == 1 for key in COUNTED)


def disk(rows: float) -> Disk:
    return Disk(20_000, [Growth("scores", rows, 100), Growth("progress", 400, 100)], wal=2500)


def test_the_disk_counts_tables_and_indexes_and_not_the_log() -> None:
    assert disk(900).bytes_of_a_put == 1500
    assert disk_is_met(disk(900))
    assert not disk_is_met(disk(901))


def test_what_was_counted_is_divided_by_the_requests() -> None:
    tally = Tally(statements=40, round_trips=25, commits=10)
    tally.messages.update(Bind=30, Sync=20)
    assert asked_of_one(tally, 10) == Asked(10, 4, 2.5, 1, {"Bind": 3, "Sync": 2})


def test_there_are_episodes_enough() -> None:
    """Three rounds of 5 s at up to 1,500 puts a second are 22,500, 15 to an episode; a batch runs 4 s, 20 to each."""
    assert episodes_needed([work_of("put-8")], 3, 5)[Supply.STARTED] >= 22_500 / 15
    batch = work_of("batch-500-of-25")
    assert episodes_needed([batch], 3, 5)[Supply.FRESH] >= 3 * 4 * batch.most_per_second / 20
    assert episodes_needed([work_of("put-8")], 3, 5)[Supply.CHARTED] == 0


RUNS = {
    "put-1": [run(400, 2, 9), run(300, 2.5, 12), run(350, 2.25, 10)],
    "inserted-1": [run(800, 1, 3), run(750, 1, 4), run(760, 1, 5)],
    "caseload": [run(15, 65, 80), run(16, 60, 70), run(14, 70, 90)],
}


def test_a_target_stands_beside_its_figure() -> None:
    assert targets_table(RUNS, disk(901)).splitlines() == [
        "| work | target | figure | met? |",
        "| --- | ---: | ---: | ---: |",
        "| put, 1 connection, median | at most 3.00 × bare insert | 2.25 (2.00-2.50) | yes |",  # noqa: RUF001
        "| caseload of 60, median | under 50.0 ms | 65.0 (60.0-70.0) | **no** |",
        "| disk, one put | at most 1,500 B | 1,501 B, and 2,500 B of log | **no** |",
    ]


def test_a_work_is_shown_with_its_spread() -> None:
    assert works_table({"put-1": RUNS["put-1"]}).splitlines()[2] == (
        "| put, 1 connection | 350 (300-400) | 2.25 (2.00-2.50) | 10.0 (9.00-12.0) |"
    )


RESULTS = Results(
    machine=Machine("2026-01-05T09:00:00+00:00", "abc1234", 2, "A processor", 8.0, "3.11.7", "18.6", 57.2),
    seconds=5,
    runs=RUNS,
    asked={"put-1": Asked(500, 6, 2, 1, {"Bind": 5, "Sync": 2})},
    disk=disk(500),
    statements=[Statement("select a | b", 1.0, 0.01, 0.123, 17)],
    core=[CoreTime("verdict", 123.4)],
)


def test_all_tables_are_written_between_the_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# How fast\n\n{BEGIN}\nold\n{END}\n\n## What stands in the way\n\nBy hand.\n", encoding="utf-8")
    for _ in range(2):
        keep(RESULTS, tmp_path)
    text = readme.read_text(encoding="utf-8")
    assert text == f"# How fast\n\n{BEGIN}\n\n{tables(RESULTS)}\n\n{END}\n\n## What stands in the way\n\nBy hand.\n"
    for line in (
        "A processor, 2 cores, 8 GB, Python 3.11.7, PostgreSQL 18.6; a page of 8 kB is on the disk after 57 µs.",
        "3 rounds of 5 s for each work.",
        "| put, 1 connection | 6 | 2 | 1 | 5 Bind, 2 Sync |",
        "| scores | 500 | 100 | 600 |",
        "| all | 900 | 200 | 1100 |",
        r"| `select a \| b` | 1.00 | 0.010 | 0.123 | 17 |",
        "| verdict | 123 |",
    ):
        assert line in text
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert kept["machine"]["revision"] == "abc1234"
    assert [each["median_ms"] for each in kept["runs"]["put-1"]] == [2, 2.5, 2.25]


def test_a_readme_without_marks_is_not_overwritten() -> None:
    with pytest.raises(AssertionError, match="marks"):
        with_tables("# How fast\n", "tables")


def test_the_readme_has_the_marks() -> None:
    readme = Path(__file__).parents[2] / "benchmarks" / "README.md"
    assert "new" in with_tables(readme.read_text(encoding="utf-8"), "new")
