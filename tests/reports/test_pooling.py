"""What is withheld of a report over several organisations, since each of them knows its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.reports.document import Cell, Column, Kind, Report, Row, Section, Table, Withheld
from app.reports.outcomes import denominators, outcomes
from app.reports.pooling import withheld_from_each
from tests.reports.attacker import span_of
from tests.reports.made_up import (
    ALL,
    BELOW_ONLY,
    FIRST_BELOW,
    FIRST_CASE,
    IMPROVED_BELOW,
    IMPROVED_CASE,
    RECOVERED,
    UNCHANGED_BELOW,
    UNCHANGED_CASE,
    WORSE_BELOW,
    WORSE_CASE,
    Course,
    measured,
    started,
    tabulated,
)

SMALL = Cell(withheld=Withheld.SMALL_NUMBER)
UNKNOWN = Cell(withheld=Withheld.UNKNOWN)


def report(**rows: tuple[Cell, ...]) -> Report:
    columns = (Column("count", Kind.COUNT), Column("share", Kind.SHARE))
    table = Table("outcomes", columns, tuple(Row(key, cells) for key, cells in rows.items()))
    return Report("pooled", (), (), (Section("outcomes", (table, replace(table, key="another"))),))


def test_what_one_of_them_would_be_left_with_is_withheld_from_all() -> None:
    # Three organisations had 12, 3 and 4 better. Without the first, 7 are left: fewer than eight.
    whole = report(better=(Cell(19), Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(40), Cell(0.9)))
    without = [
        report(better=(SMALL, Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(20), Cell(0.9))),
        report(better=(Cell(16), Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(30), UNKNOWN)),
        report(better=(Cell(15), Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(30), Cell(0.9))),
    ]
    expected = report(better=(SMALL, Cell(0.5)), worse=(SMALL, SMALL), same=(Cell(40), Cell(0.9)))
    assert withheld_from_each(whole, without) == expected


def test_a_row_that_only_one_of_them_has_stays_as_it_is() -> None:
    # Without that one nobody is left in it, which may be told.
    whole = report(better=(Cell(19), Cell(0.5)), same=(Cell(40), Cell(0.9)))
    assert withheld_from_each(whole, [report(same=(Cell(20), Cell(0.9)))]) == whole


def test_the_same_row_of_another_table_is_another_row() -> None:
    whole = report(better=(Cell(19), Cell(0.5)))
    [section] = report(better=(SMALL, SMALL)).sections
    only_the_first = replace(whole, sections=(replace(section, tables=section.tables[:1]),))
    found = withheld_from_each(whole, [only_the_first]).sections[0].tables
    assert [table.rows[0].cells for table in found] == [(SMALL, SMALL), (Cell(19), Cell(0.5))]


# ---- One of them takes the own numbers away

THRESHOLD = 8
BELOW = (IMPROVED_BELOW, UNCHANGED_BELOW, WORSE_BELOW)
CASES = (RECOVERED, BELOW_ONLY, IMPROVED_CASE, UNCHANGED_CASE, WORSE_CASE)
PAIRS = (*BELOW, *CASES)
KINDS: tuple[int | Course, ...] = (0, 1, 2, FIRST_BELOW, FIRST_CASE, *PAIRS)
"""Sessions of those without a score, or what became of those with one."""
NAMED: dict[str, Sequence[int | Course]] = {
    "referred": KINDS,
    "started": KINDS[1:],
    "two_sessions": KINDS[2:],
    "single_session": [1],
    "paired": PAIRS,
    "cases": CASES,
    "reliable_improvement": [RECOVERED, IMPROVED_CASE, IMPROVED_BELOW],
    "no_reliable_change": [BELOW_ONLY, UNCHANGED_CASE, UNCHANGED_BELOW],
    "reliable_deterioration": [WORSE_CASE, WORSE_BELOW],
    "recovery": [RECOVERED, BELOW_ONLY],
    "reliable_recovery": [RECOVERED],
}
SUMS = {name: np.array([kind in some for kind in KINDS], dtype=np.int64) for name, some in NAMED.items()}

Counts = NDArray[np.int64]
"""Episodes by organisation and kind."""


def pooled_of(counts: Counts) -> Report:
    """Tell what may be told to all of the organisations."""
    return withheld_from_each(told_of(counts), [told_of(np.delete(counts, at, axis=0)) for at in range(len(counts))])


def told_of(counts: Counts) -> Report:
    """Tell the steps and outcomes of organisations together, each as a service of one."""
    begun, cells = [], []
    for place, own in enumerate(counts.tolist()):
        for kind, episodes in zip(KINDS, own, strict=True):
            begun.append(started(kind if isinstance(kind, int) else 2, episodes, service=str(place)))
            if not isinstance(kind, int):
                cells.append(measured(kind, episodes, service=str(place)))
    found = tabulated(begun, cells, THRESHOLD)
    tables = denominators(found, ALL), outcomes(found, ALL, None)
    return Report("pooled", (), (), (Section("outcomes", tables),))


def counts_told(pooled: Report) -> dict[str, int]:
    rows = [each for table in pooled.sections[0].tables for each in table.rows]
    return {each.key: int(each.cells[0].value) for each in rows if each.cells[0].value is not None}


def left_with_few(pooled: Report, counts: Counts) -> list[str]:
    """Give the figures that leave one of them with 1 to 7 persons of the others."""
    others = counts.sum(axis=0) - counts
    left = {name: others @ SUMS[name] for name in counts_told(pooled)}
    return [name for name, each in left.items() if ((each > 0) & (each < THRESHOLD)).any()]


def known_of_the_others(pooled: Report, own: NDArray[np.int64], name: str) -> tuple[int, int]:
    """Work out between what a count of the others must lie, for one who knows the own numbers exactly."""
    told = counts_told(pooled)
    # What is told as 0 is 0; all else is 8 or more, to the nearest 5.
    low = np.array([max(count - 2, THRESHOLD) if count else 0 for count in told.values()])
    high = np.array([count + 2 if count else 0 for count in told.values()])
    shown = np.array([SUMS[each] for each in told]).reshape(len(told), len(KINDS))
    return span_of(shown, np.maximum(low - shown @ own, 0), high - shown @ own, SUMS[name])


def made_up(seed: int) -> Counts:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(len(KINDS)))
    return np.array([rng.multinomial(many, shares) for many in rng.choice([6, 12, 25, 40, 80], size=3)])


def by_hand(*improved: int) -> Counts:
    """Organisations with so many who recovered, and thirty each of whom nothing changed."""
    kinds: list[dict[int | Course, int]] = [{RECOVERED: each, UNCHANGED_CASE: 30} for each in improved]
    return np.array([[each.get(kind, 0) for kind in KINDS] for each in kinds])


def test_eight_of_the_others_are_told_and_seven_are_not() -> None:
    told = counts_told(pooled_of(by_hand(20, 5, 3)))  # 28; the first is left with 8
    assert (told["paired"], told["recovery"], told["no_reliable_change"]) == (120, 30, 90)  # 118 pairs
    few = by_hand(20, 4, 3)  # 27; the first is left with 7
    assert counts_told(told_of(few))["recovery"] == 25, "of an organisation with three services it would be told"
    assert "recovery" not in counts_told(pooled_of(few))


def test_what_only_one_of_them_has_is_told() -> None:
    """Nobody is left to it; and the others are left with 20, of whom they don't know whose they are."""
    assert counts_told(pooled_of(by_hand(20, 0, 0)))["recovery"] == 20


@pytest.mark.parametrize("seed", range(30))
def test_none_of_them_learns_a_small_number_of_the_others(seed: int) -> None:
    counts = made_up(seed)
    pooled = pooled_of(counts)
    assert left_with_few(pooled, counts) == []
    for own in counts:
        for name, sums in SUMS.items():
            true = int((counts.sum(axis=0) - own) @ sums)
            if 0 < true < THRESHOLD:
                least, most = known_of_the_others(pooled, own, name)
                assert least <= true <= most
                assert least < most, name


def test_as_services_of_one_they_would_be_left_with_few() -> None:
    found = [left_with_few(told_of(made_up(seed)), made_up(seed)) for seed in range(30)]
    assert sum(map(bool, found)) > 15
