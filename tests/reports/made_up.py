"""Counted cells of invented organisations, and their tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.reports.cohort import Lasting, Measured, Pair, Period, Started
from app.reports.document import Cell, Row, Table
from app.reports.guarded import Where
from app.reports.outcomes import Tabulated
from app.reports.tabulation import Axes

YEAR = 2025
IN_YEAR = Period(YEAR)
ALL = Where(IN_YEAR)

Course = tuple[bool, int | None, bool | None, bool | None]
"""Paired; change; case at the start; case at the end."""


def measured(
    kind: Course,
    episodes: int,
    *,
    service: str = "a",
    year: int = YEAR,
    value: str | None = None,
    baseline: float | None = 15.0,
    sessions: int = 2,
) -> Measured:
    paired, change, start, end = kind
    return Measured(year, service, value, baseline, sessions, paired, change, start, end, episodes)


RECOVERED = (True, 1, True, False)
BELOW_ONLY = (True, 0, True, False)
IMPROVED_CASE = (True, 1, True, True)
UNCHANGED_CASE = (True, 0, True, True)
WORSE_CASE = (True, -1, True, True)
IMPROVED_BELOW = (True, 1, False, False)
UNCHANGED_BELOW = (True, 0, False, False)
WORSE_BELOW = (True, -1, False, True)
FIRST_CASE = (False, None, True, None)
FIRST_BELOW = (False, None, False, None)


def started(sessions: int, episodes: int, *, service: str = "a", year: int = YEAR) -> Started:
    return Started(year, service, None, sessions, episodes)


def value_of(cell: Started | Measured) -> str | None:
    return cell.value


def tabulated(
    begun: Iterable[Started],
    cells: Iterable[Measured],
    threshold: int = 1,
    *,
    services: Sequence[str] = (),
    period: Period = IN_YEAR,
) -> Tabulated:
    begun, cells = list(begun), list(cells)
    axes = Axes.of(begun, cells, period, services, value_of)
    return Tabulated.of(axes, begun, cells, value_of, threshold)


def pair(baseline: float, last: float, episodes: int = 1) -> Pair:
    return Pair(YEAR, None, baseline, last, episodes)


def lasting(baseline: float, last: float, episodes: int = 1, *, dose: int = 8, weeks: int = 8) -> Lasting:
    return Lasting(YEAR, None, baseline, dose, weeks, episodes, last * episodes, last**2 * episodes)


def row(table: Table, key: str) -> Row:
    [found] = [each for each in table.rows if each.key == key]
    return found


def cells(table: Table, key: str) -> dict[str, Cell]:
    return {column.key: cell for column, cell in zip(table.columns, row(table, key).cells, strict=True)}


def values(table: Table, key: str) -> dict[str, float | int | str | None]:
    return {name: cell.value for name, cell in cells(table, key).items()}
