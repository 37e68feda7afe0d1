"""The section of a report that says for whom: by groups, periods, services and therapists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.db import reports as questions
from app.db.people import therapists_of
from app.reports import casemix
from app.reports.cohort import WINDOW_YEARS, Dimension, Period
from app.reports.document import Note, Section, Table
from app.reports.guarded import Where
from app.scales.change import ChangeCriteria
from app.services.report_cells import ByDimension, by_dimension, of_areas, of_respondents, tabulated
from app.services.report_request import (
    FILTERS,
    Gathered,
    labels_of,
)

_PERIODS: Final = 5
"""How many years, and windows of years, are compared."""


def for_whom(gathered: Gathered) -> Section:
    """Tell the outcomes of each group, of the services and of the therapists."""
    if gathered.request.dimension is not None:
        return Section("for_whom", (), notes=(Note("one_dimension"),))
    tables = [_by(gathered, dimension) for dimension in FILTERS]
    if gathered.request.respondent is None:
        roles = of_respondents(gathered.count, gathered.asked, list(gathered.services), gathered.threshold)
        tables.append(_by_overlapping(gathered, Dimension.RESPONDENT, roles, {}))
    areas = of_areas(gathered.count, gathered.asked, gathered.whole, list(gathered.services), gathered.threshold)
    tables.append(_by_overlapping(gathered, Dimension.PROBLEM_AREA, areas, {area: area for area in areas}))
    tables.append(_by_period(gathered))
    period, tabulated = gathered.request.period, gathered.whole.tabulated
    if gathered.service is None:
        services = {key: Where(period, key) for key in gathered.services}
        tables.append(casemix.by_dimension(Dimension.SERVICE, tabulated, services, gathered.services))
    in_period = [cell for cell in gathered.whole.measured if period.holds(cell.year)]
    tables.append(casemix.funnel(tabulated, period, in_period, gathered.services))
    if gathered.criteria is not None:
        tables.append(therapists_table(gathered, gathered.criteria))
    return Section("for_whom", tuple(tables))


def _by(gathered: Gathered, dimension: Dimension) -> Table:
    asked, services, threshold = replace(gathered.asked, by=dimension), list(gathered.services), gathered.threshold
    if dimension is Dimension.BASELINE_THIRD:  # which the first scores of the whole tell already
        found = tabulated(asked, gathered.whole.started, gathered.whole.measured, services, threshold)
    else:
        found = by_dimension(gathered.count, asked, services, threshold)
    values = casemix.single_values(found.axes.values, gathered.request.period, gathered.service)
    table = casemix.by_dimension(dimension, found.tabulated, values, labels_of(gathered, dimension))
    return replace(table, rows=tuple(row for row in table.rows if row.cells[0].value != 0))


def _by_overlapping(
    gathered: Gathered, dimension: Dimension, found: Mapping[str, ByDimension], labels: Mapping[str, str]
) -> Table:
    """Put together the rows of values of which an episode may have several."""
    empty = casemix.by_dimension(dimension, gathered.whole.tabulated, {}, {})
    rows = [
        row
        for value, each in found.items()
        for row in casemix.by_dimension(
            dimension,
            each.tabulated,
            {value: Where(gathered.request.period, gathered.service, value, any_value=False)},
            labels,
        ).rows
    ]
    return replace(empty, rows=tuple(rows), notes=(Note("groups_overlap"),))


def _by_period(gathered: Gathered) -> Table:
    years, last = gathered.whole.axes.years, gathered.request.period.last_year
    periods = [Period(year) for year in years if last - _PERIODS < year <= last]
    periods += [
        Period(year, WINDOW_YEARS)
        for year in years
        if last - _PERIODS < year <= last and year - WINDOW_YEARS + 1 >= years[0]
    ]
    if gathered.request.period not in periods:
        periods.append(gathered.request.period)
    named = {
        str(each.last_year) if each.years == 1 else f"{each.first_year}-{each.last_year}": Where(each, gathered.service)
        for each in periods
    }
    table = casemix.by_dimension(Dimension.SERVICE, gathered.whole.tabulated, named, {key: key for key in named})
    return replace(table, key="by_period")


def therapists_table(gathered: Gathered, criteria: ChangeCriteria) -> Table:
    """Tell what each therapist adds, among all of them."""
    asked = replace(gathered.asked, by=Dimension.THERAPIST)
    found = by_dimension(gathered.count, asked, list(gathered.services), gathered.threshold)
    [cells] = gathered.count(questions.of_therapists(replace(gathered.asked, service_id=None)))
    names = therapists_of(gathered.own_work, gathered.request.service_id)
    known = {each: name for each, name in names.items() if each in found.axes.values}
    return casemix.therapists(found.tabulated, gathered.request.period, cells, criteria.better, known)
