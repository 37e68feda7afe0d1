"""The section of a report about dose: when improvement came, and after how many sessions treatment ended well."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.db import reports as questions
from app.db.counted import count
from app.reports import dose
from app.reports.cohort import Dimension
from app.reports.document import Section, Table
from app.reports.guarded import Where
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
    if asked.by is Dimension.BASELINE_THIRD:
        steps = [cell for cell in steps if cell.value is not None]
    guarded = dose.guarded_steps(axes_over(gathered, gathered.whole.axes.values), steps, threshold)
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


def _dose_by(gathered: Gathered, key: str, dimension: Dimension) -> Table:
    asked = replace(gathered.asked, by=dimension, cuts=gathered.whole.cuts)
    steps, cells = count(gathered.work, questions.steps(asked), questions.firsts(asked))
    steps = [cell for cell in steps if cell.value]
    strata = sorted({str(cell.value) for cell in steps}, key=_place_of_stratum)
    axes = axes_over(gathered, tuple(strata) or (None,))
    guarded = dose.guarded_steps(axes, steps, gathered.threshold)
    where = {stratum: Where(gathered.request.period, gathered.service, stratum, any_value=False) for stratum in strata}
    by_stratum = {stratum: [cell for cell in cells if cell.value == stratum] for stratum in strata}
    return dose.dose_by(key, guarded, where, by_stratum)


def _place_of_stratum(name: str) -> tuple[int, str]:
    return _INTERVALS.index(name) if name in _INTERVALS else len(_INTERVALS), name
