"""All that is told in one report, added and subtracted: no few persons may come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest

from app.reports.casemix import by_dimension
from app.reports.cohort import Dimension, Measured, Period, Started
from app.reports.document import Cell, Table
from app.reports.guarded import Where
from app.reports.outcomes import OUTCOMES, Tabulated, denominators, outcomes
from app.reports.tabulation import PARTS, Part, Stage, part_of
from tests.reports.made_up import (
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
    YEAR,
    Course,
    cells,
    measured,
    started,
    tabulated,
)

THRESHOLD = 8
SERVICES = ("a", "b", "c")
YEARS = (YEAR - 2, YEAR - 1, YEAR)
KINDS: tuple[Course, ...] = (
    RECOVERED,
    IMPROVED_CASE,
    UNCHANGED_CASE,
    UNCHANGED_BELOW,
    IMPROVED_BELOW,
    FIRST_CASE,
    FIRST_BELOW,
    BELOW_ONLY,
    WORSE_CASE,
    WORSE_BELOW,
)
SIZES = (24, 14, 12, 8, 6, 7, 5, 2, 3, 1)

Atom = tuple[str, int, Part]
ATOMS: tuple[Atom, ...] = tuple((s, year, part) for s in SERVICES for year in YEARS for part in PARTS)


def organisation(seed: int) -> tuple[list[Started], list[Measured], dict[Atom, int]]:
    """Three services of very different size over three years, and how many persons there are of each kind."""
    random = np.random.default_rng(seed)
    begun: list[Started] = []
    courses: list[Measured] = []
    persons = dict.fromkeys(ATOMS, 0)
    for service, scale in zip(SERVICES, random.permutation([0.3, 1.5, 4.0]), strict=True):
        for year in YEARS:
            none, single, unmeasured = random.poisson(np.array([5, 8, 7]) * scale).tolist()
            counts = random.poisson(np.array(SIZES) * scale).tolist()
            courses += [measured(k, n, service=service, year=year) for k, n in zip(KINDS, counts, strict=True)]
            for sessions, count in ((0, none), (1, single), (2, unmeasured + sum(counts))):
                begun.append(started(sessions, count, service=service, year=year))
            for stage, count in zip(list(Stage)[:3], (none, single, unmeasured), strict=True):
                persons[service, year, Part(stage)] = count
    for each in courses:
        persons[each.service, each.year, part_of(each.paired, each.change, each.case_at_start, each.case_at_end)] += (
            each.episodes
        )
    return begun, courses, persons


def _stage(*names: Stage) -> Callable[[Part], bool]:
    return lambda part: part.stage in names


STAGES = list(Stage)
OF: dict[str, Callable[[Part], bool]] = {
    "referred": _stage(*STAGES),
    "started": _stage(*STAGES[1:]),
    "two_sessions": _stage(*STAGES[2:]),
    "paired": _stage(*STAGES[5:]),
    "cases": _stage(Stage.PAIRED_CASE),
    "single_session": _stage(Stage.ONE_SESSION),
    "with_first": _stage(*STAGES[3:]),
    "first_cases": _stage(Stage.FIRST_CASE, Stage.PAIRED_CASE),
    "reliable_improvement": lambda part: part.change == "improved",
    "no_reliable_change": lambda part: part.change == "unchanged",
    "reliable_deterioration": lambda part: part.change == "deteriorated",
    "recovery": lambda part: part.recovery in ("reliable", "below_only"),
    "reliable_recovery": lambda part: part.recovery == "reliable",
}


def mask(where: Where, holds: Callable[[Part], bool]) -> int:
    found = 0
    for place, (service, year, part) in enumerate(ATOMS):
        if where.service in (None, service) and where.period.holds(year) and holds(part):
            found |= 1 << place
    return found


def told_in(table: Table, key: str, column: str) -> tuple[int | None, int | None]:
    """The count that a reader gets from a cell, and its denominator."""
    cell: Cell = cells(table, key)[column]
    if cell.value is None:
        return None, None
    assert isinstance(cell.value, int | float)
    return round(cell.value if cell.of is None else cell.value * cell.of), cell.of


Figure = tuple[int, int | None]


def figures(found: Tabulated, own: Where) -> Iterator[Figure]:
    """All numbers of persons that the tables of a report show, and of whom they are."""
    flow, table = denominators(found, own), outcomes(found, own, None)
    for name in ("referred", "started", "two_sessions", "paired", "cases", "single_session"):
        yield mask(own, OF[name]), told_in(flow, name, "count")[0]
    for name, _ in OUTCOMES:
        recovery = name.endswith("recovery")
        yield mask(own, OF[name]), told_in(table, name, "count")[0]
        yield mask(own, OF["cases" if recovery else "paired"]), told_in(table, name, "share")[1]
        first = "first_cases" if recovery else "with_first"
        everybody = first if recovery else "two_sessions"
        own_mask, paired = mask(own, OF[name]), mask(own, OF["cases" if recovery else "paired"])
        carried, of_first = told_in(table, name, "carried_forward")
        without = mask(own, OF[first]) & ~paired if name == "no_reliable_change" else 0
        yield own_mask | without, carried
        yield mask(own, OF[first]), of_first
        yield own_mask, told_in(table, name, "lowest")[0]
        yield own_mask | (mask(own, OF[everybody]) & ~paired), told_in(table, name, "highest")[0]
    rows = {service: Where(own.period, service) for service in SERVICES}
    rows |= {str(year): Where(Period(year), own.service) for year in YEARS}
    rows["window"] = Where(Period(YEAR, 3), own.service)
    by = by_dimension(Dimension.SERVICE, found, rows, {})
    for key, where in rows.items():
        for column, name in (("ended", "referred"), ("paired", "paired")):
            yield mask(where, OF[name]), told_in(by, key, column)[0]
        for name in ("reliable_improvement", "recovery", "reliable_recovery", "reliable_deterioration"):
            count, of = told_in(by, key, name)
            yield mask(where, OF[name]), count
            yield mask(where, OF["cases" if name.endswith("recovery") else "paired"]), of


def told_by(begun: list[Started], courses: list[Measured], own: Where, threshold: int) -> dict[int, int]:
    """All counts that a report shows, by whom they are of; what it shows twice is the same."""
    told: dict[int, int] = {}
    for whom, count in figures(tabulated(begun, courses, threshold, services=SERVICES), own):
        if count is not None:
            assert told.setdefault(whom, count) == count
    return told


def few_in(told: dict[int, int]) -> Iterator[int]:
    """Small numbers of persons that come out of one count, of two, or of three or four put together."""
    held = list(told.items())
    for whole, count in held:
        yield count
        parts = [(whom, part) for whom, part in held if whom != whole and whom & ~whole == 0]
        for _, part in parts:
            yield count - part
        for (one, first), (other, second) in combinations(parts, 2):
            # Those in neither of two; of two that overlap, where what they have in common is told as well.
            common = told.get(one & other) if one & other else 0
            if common is not None:
                yield count - first - second + common


WHERES = (Where(Period(YEAR)), Where(Period(YEAR, 3)), Where(Period(YEAR), "b"))


@pytest.mark.parametrize("own", WHERES)
@pytest.mark.parametrize("seed", range(6))
def test_no_sum_or_difference_of_what_is_told_is_of_few(seed: int, own: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is hidden must be enough by itself, also where counts are not rounded.
    monkeypatch.setattr("app.reports.guarded.ROUNDED_TO", 1)
    begun, courses, persons = organisation(seed)
    told = told_by(begun, courses, own, THRESHOLD)
    assert len(told) > (0 if own.service else 10), "something is told"
    for whom, count in told.items():
        assert count == sum(n for place, n in enumerate(persons.values()) if whom >> place & 1)
    assert not [few for few in few_in(told) if 0 < few < THRESHOLD]


@pytest.mark.parametrize("weaker", [1, 4])
def test_the_sums_find_few_where_they_are_told(weaker: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.reports.guarded.ROUNDED_TO", 1)
    found: set[int] = set()
    for seed in range(6):
        begun, courses, _ = organisation(seed)
        found |= set(few_in(told_by(begun, courses, WHERES[1], weaker)))
    assert found & set(range(1, THRESHOLD))
