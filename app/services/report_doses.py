"""The section of a report about dose: when improvement came, and after how many sessions treatment ended well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from app.db import reports as questions
from app.db.counted import count
from app.reports import casemix, dose
from app.reports.cohort import Dimension
from app.reports.document import Section, Table
from app.reports.guarded import Where
from app.services.report_cells import cuts_of
from app.services.report_request import (
    Gathered,
    axes_over,
)

_INTERVALS: Final = ("weekly", "fortnightly", "rarer")
"""From the closest on."""


def dose_section(gathered: Gathered) -> Section:
    """Tell by which session improvement came, and how many sessions went with a good end."""
    asked, services, threshold = gathered.asked, list(gathered.services), gathered.threshold
    period, service = gathered.request.period, gathered.service
    steps, cells, reached = count(
        gathered.work, questions.steps(asked), questions.firsts(asked), questions.reached(replace(asked, by=None))
    )
    own = [cell for cell in cells if asked.of is None or cell.value in asked.of]
    guarded = dose.guarded_steps(axes_over(gathered, gathered.whole.axes.values), _as_told(gathered, steps), threshold)
    tables = [dose.dose(guarded, gathered.where, own), dose.responders(guarded, gathered.where)]
    if gathered.request.dimension is None:
        for key, dimension in (("dose_by_third", Dimension.BASELINE_THIRD), ("dose_by_interval", Dimension.INTERVAL)):
            tables.append(_dose_by(gathered, key, dimension))
        levels = sorted({cell.step for cell in reached})
        if gathered.whole.tabulated.unknown.isdisjoint(("recovery", "reliable_improvement")):
            axes = axes_over(gathered, tuple(str(step) for step in levels) or ("0",))
            tables.append(dose.good_enough(dose.guarded_levels(axes, reached, threshold), period, service))
    assert services, "an organisation with reports has services"
    return Section("dose", tuple(tables))


def _as_told(gathered: Gathered, cells: Sequence[Any]) -> list[Any]:
    """Give cells with the values that the report tells: thirds for first scores."""
    if gathered.request.dimension is not Dimension.BASELINE_THIRD:
        return list(cells)
    cuts = gathered.whole.cuts
    return [
        cell._replace(value=str(casemix.third(float(cell.value), cuts))) for cell in cells if cell.value is not None
    ]


def _dose_by(gathered: Gathered, key: str, dimension: Dimension) -> Table:
    asked = replace(gathered.asked, by=dimension)
    steps, cells = count(gathered.work, questions.steps(asked), questions.firsts(asked))
    name = _stratum(dimension, cuts_of(gathered.whole.measured))
    steps, cells = ([cell._replace(value=name(cell.value)) for cell in each if cell.value] for each in (steps, cells))
    strata = sorted({str(cell.value) for cell in steps}, key=_place_of_stratum)
    axes = axes_over(gathered, tuple(strata) or (None,))
    guarded = dose.guarded_steps(axes, steps, gathered.threshold)
    where = {stratum: Where(gathered.request.period, gathered.service, stratum, any_value=False) for stratum in strata}
    by_stratum = {stratum: [cell for cell in cells if cell.value == stratum] for stratum in strata}
    return dose.dose_by(key, guarded, where, by_stratum)


def _place_of_stratum(name: str) -> tuple[int, str]:
    return _INTERVALS.index(name) if name in _INTERVALS else len(_INTERVALS), name


def _stratum(dimension: Dimension, cuts: tuple[float, float]) -> Any:
    if dimension is Dimension.BASELINE_THIRD:
        return lambda value: str(casemix.third(float(value), cuts))
    return str
