"""The service lead's report: what became of the patients of a service, or of the whole organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from app.db import reports as questions
from app.db.codes import Language, OrganisationMode, Role
from app.db.counted import count
from app.db.curves import Line
from app.db.editing import all_of_organisation
from app.db.instruments import find_instrument
from app.db.models import Programme, Service
from app.db.people import therapists_of
from app.db.reports import Asked
from app.db.session import Work
from app.errors import Forbidden, InvalidReference, MalformedBody
from app.reports import casemix, compared, comparison, dose, flow, outcomes
from app.reports.cohort import WINDOW_YEARS, Change, Dimension, Period
from app.reports.document import Fact, Note, Report, Section, Table
from app.reports.guarded import Where
from app.reports.summary import COMPOSITE
from app.reports.tabulation import Axes
from app.scales.change import ChangeCriteria
from app.services.calibration_panel import calibration_section
from app.services.report_cells import (
    ByDimension,
    age_bands,
    by_dimension,
    cuts_of,
    of_areas,
    of_respondents,
    tabulated,
)
from app.services.settings import ServiceSettings, current_settings
from app.trajectories.growth import GrowthCurve

FILTERS: Final = (
    Dimension.PROGRAMME,
    Dimension.PATHWAY,
    Dimension.SEX,
    Dimension.AGE_BAND,
    Dimension.BASELINE_THIRD,
    Dimension.LANGUAGE,
)
"""The dimensions of which a report can be about one value; it is then about no other."""

_LANGUAGES: Final[Mapping[str, str]] = {
    Language.BOKMAL: "Norsk bokmål",
    Language.NYNORSK: "Norsk nynorsk",
    Language.ENGLISH: "English",
}
"""By their own names, which are the same in every language."""

_INTERVALS: Final = ("weekly", "fortnightly", "rarer")
"""From the closest on."""

_PERIODS: Final = 5
"""How many years, and windows of years, are compared."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What is asked for: which episodes, which measure, and what it is held against besides what is known."""

    period: Period
    measure: str
    service_id: UUID | None = None
    """None: of the whole organisation."""
    respondent: str | None = None
    dimension: Dimension | None = None
    value: str | None = None
    own_fall: float | None = None
    own_source: str | None = None


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What all sections need: the request as the database is asked, names, and the whole of the organisation."""

    work: Work
    request: ReportRequest
    asked: Asked
    threshold: int
    settings: ServiceSettings
    services: Mapping[str, str]
    programmes: Mapping[str, str]
    criteria: ChangeCriteria | None
    curve: GrowthCurve | None
    whole: ByDimension
    """By the dimension of which one value is asked for; by none otherwise."""
    where: Where

    @property
    def service(self) -> str | None:
        return None if self.request.service_id is None else str(self.request.service_id)


def outcomes_report(work: Work, request: ReportRequest, *, threshold: int) -> Report:
    """Give the report of outcomes.

    Raises
    ------
    Forbidden
        If a service lead asks for another service than the own one.
    InvalidReference
        If there is no such service, or nobody has the value that is asked for.
    MalformedBody
        If a dimension is asked for without a value, or a comparator without its source.
    """
    _check(work, request)
    gathered = _gather(work, request, threshold)
    sections = [
        _denominators(gathered),
        _outcomes(gathered),
        _compared(gathered),
        _for_whom(gathered),
        _dose(gathered),
        _flow(gathered),
    ]
    work.note()
    return Report("outcomes", _facts(gathered), _notes(gathered), tuple(sections))


def own_report(work: Work, period: Period, measure: str, *, threshold: int) -> Report:
    """Give a therapist the report of the own patients, and what they add to the end score among all therapists."""
    request = ReportRequest(period, measure, dimension=Dimension.THERAPIST, value=str(work.scope.actor_id))
    work.note()
    try:
        gathered = _gather(work, request, threshold)
    except InvalidReference:
        return Report("own", (Fact("period", str(period.last_year)),), (Note("no_own_episodes"),), ())
    sections = [_denominators(gathered), _outcomes(gathered)]
    if gathered.criteria is not None:
        own = _therapists(gathered, gathered.criteria)
        rows = tuple(row for row in own.rows if row.key == request.value)
        sections.append(Section("for_whom", (replace(own, rows=rows),)))
    about_others = ("service", f"only_{Dimension.THERAPIST}")
    facts = tuple(fact for fact in _facts(gathered) if fact.key not in about_others)
    return Report("own", facts, _notes(gathered), tuple(sections))


def tool_report(work: Work, year: int, measure: str) -> Report:
    """Tell how right the tool itself was, by the verdicts on episodes that were closed in a year.

    Of the whole organisation and of whole years alone: no table of counts guards what a service would differ by.
    """
    instrument = find_instrument(work, measure, pointer="/measure")
    section = calibration_section(work, instrument.key, instrument.forms[0].family, year)
    work.note()
    facts = (Fact("service", "whole_organisation"), Fact("period", str(year)), Fact("measure", measure.upper()))
    return Report("tool", facts, (Note("by_closing_date"), Note("intervals")), (section,))


def require_own_service(work: Work, service_id: UUID | None) -> None:
    """Let a service lead ask for the own service or for the whole organisation.

    Raises
    ------
    Forbidden
        If another service is asked for.
    """
    if work.scope.role is Role.SERVICE_LEAD and service_id not in (None, work.scope.service_id):
        raise Forbidden("a service lead's reports are of the own service or of the whole organisation")


def _check(work: Work, request: ReportRequest) -> None:
    require_own_service(work, request.service_id)
    if request.dimension is not None and request.dimension not in FILTERS:
        raise MalformedBody("not a dimension of one value", pointer="/dimension", allowed=", ".join(FILTERS))
    if (request.dimension is None) != (request.value is None):
        raise MalformedBody("a dimension and its value go together", pointer="/value", allowed="both or neither")
    if (request.own_fall is None) != (not request.own_source):
        raise MalformedBody("a comparator of one's own goes with its source", pointer="/own_source")


def _gather(work: Work, request: ReportRequest, threshold: int) -> _Gathered:
    services = {str(each.id): each.name for each in all_of_organisation(work, Service)}
    if request.service_id is not None and str(request.service_id) not in services:
        raise InvalidReference("there is no such service", pointer="/service_id")
    settings = current_settings(work)
    criteria, curve = _held_against(work, request, settings)
    asked = Asked(request.period, request.measure, request.service_id, request.respondent, request.dimension)
    whole = by_dimension(work, asked, list(services), threshold)
    where = Where(request.period, None if request.service_id is None else str(request.service_id))
    if request.value is not None:
        if request.value not in whole.axes.values:
            raise InvalidReference("no closed episode has this value", pointer="/value")
        where = replace(where, value=request.value, any_value=False)
        asked = replace(asked, of=_database_values(whole, request))
    programmes = {str(each.id): each.name for each in all_of_organisation(work, Programme)}
    return _Gathered(work, request, asked, threshold, settings, services, programmes, criteria, curve, whole, where)


def _database_values(whole: ByDimension, request: ReportRequest) -> tuple[str, ...]:
    """Give the value as the database has it; of a third, all first scores in it."""
    if request.dimension is not Dimension.BASELINE_THIRD:
        return (str(request.value),)
    return tuple(
        sorted(
            {
                str(cell.value)
                for cell in whole.measured
                if cell.baseline is not None and str(casemix.third(cell.baseline, whole.cuts)) == request.value
            }
        )
    )


def _held_against(
    work: Work, request: ReportRequest, settings: ServiceSettings
) -> tuple[ChangeCriteria | None, GrowthCurve | None]:
    """Give the criteria of change of the measure, and the expected curve where the organisation has switched it on."""
    if request.measure == COMPOSITE:
        return None, None
    instrument = find_instrument(work, request.measure, pointer="/measure")
    form = instrument.forms[0]
    criteria = form.subscale(instrument.main_subscale).criteria
    shown = settings.mode is OrganisationMode.DECISION_SUPPORT and instrument.for_change
    return criteria, settings.curve_for(Line(request.measure, form.family)) if shown else None


def _facts(gathered: _Gathered) -> tuple[Fact, ...]:
    request = gathered.request
    period = str(request.period.last_year)
    if request.period.years > 1:
        period = f"{request.period.first_year}-{request.period.last_year}"
    facts = [
        Fact("service", gathered.services.get(gathered.service or "", "whole_organisation")),
        Fact("period", period),
        Fact("measure", request.measure.upper()),
    ]
    if request.respondent is not None:
        facts.append(Fact("respondent", request.respondent))
    if request.dimension is not None:
        value = str(request.value)
        facts.append(Fact(f"only_{request.dimension}", _labels(gathered, request.dimension).get(value, value)))
    return (*facts, Fact("threshold", str(gathered.threshold)))


def _notes(gathered: _Gathered) -> tuple[Note, ...]:
    composite = (Note("composite"),) if gathered.request.measure == COMPOSITE else ()
    return (
        Note("by_closing_date"),
        Note("denominators"),
        Note("intervals"),
        Note("small_numbers", {"threshold": gathered.threshold}),
        Note("definitions"),
        *composite,
        Note("uncontrolled"),
    )


def _denominators(gathered: _Gathered) -> Section:
    return Section("denominators", (outcomes.denominators(gathered.whole.tabulated, gathered.where),))


def _outcomes(gathered: _Gathered) -> Section:
    tabulated, criteria, curve = gathered.whole.tabulated, gathered.criteria, gathered.curve
    in_period = replace(gathered.asked, service_id=None, of=None)
    pairs, reference, unpaired = count(
        gathered.work,
        questions.pairs(gathered.asked),
        questions.pairs(in_period),
        questions.unpaired(gathered.asked),
    )
    modelled = None
    if criteria is not None and criteria.reliable_change is not None and curve is not None:
        modelled = comparison.modelled(unpaired, criteria, curve)
    tables: list[Table] = [outcomes.outcomes(tabulated, gathered.where, modelled)]
    if criteria is not None and criteria.cutoff is not None:
        tables.append(outcomes.effects(tabulated, gathered.where, pairs, reference, criteria))
    return Section("outcomes", tuple(tables))


def _compared(gathered: _Gathered) -> Section:
    criteria, request = gathered.criteria, gathered.request
    tables = []
    if criteria is not None:
        [pairs] = count(gathered.work, questions.lasting(gathered.asked))
        natural = comparison.natural_comparators(request.measure, request.own_fall, request.own_source or "")
        tables.append(
            compared.compared(gathered.whole.tabulated, gathered.where, pairs, criteria, gathered.curve, natural)
        )
    tables.append(compared.published(gathered.whole.tabulated, gathered.where, request.measure))
    return Section("compared", tuple(tables))


def _for_whom(gathered: _Gathered) -> Section:
    if gathered.request.dimension is not None:
        return Section("for_whom", (), notes=(Note("one_dimension"),))
    tables = [_by(gathered, dimension) for dimension in FILTERS]
    if gathered.request.respondent is None:
        roles = of_respondents(gathered.work, gathered.asked, list(gathered.services), gathered.threshold)
        tables.append(_by_overlapping(gathered, Dimension.RESPONDENT, roles, {}))
    areas = of_areas(gathered.work, gathered.asked, list(gathered.services), gathered.threshold)
    tables.append(_by_overlapping(gathered, Dimension.PROBLEM_AREA, areas, {area: area for area in areas}))
    tables.append(_by_period(gathered))
    period, tabulated = gathered.request.period, gathered.whole.tabulated
    if gathered.service is None:
        services = {key: Where(period, key) for key in gathered.services}
        tables.append(casemix.by_dimension(Dimension.SERVICE, tabulated, services, gathered.services))
    in_period = [cell for cell in gathered.whole.measured if period.holds(cell.year)]
    tables.append(casemix.funnel(tabulated, period, in_period, gathered.services))
    if gathered.criteria is not None:
        tables.append(_therapists(gathered, gathered.criteria))
    return Section("for_whom", tuple(tables))


def _by(gathered: _Gathered, dimension: Dimension) -> Table:
    asked, services, threshold = replace(gathered.asked, by=dimension), list(gathered.services), gathered.threshold
    if dimension is Dimension.BASELINE_THIRD:  # which the first scores of the whole tell already
        found = tabulated(asked, gathered.whole.started, gathered.whole.measured, services, threshold)
    else:
        found = by_dimension(gathered.work, asked, services, threshold)
    values = casemix.single_values(found.axes.values, gathered.request.period, gathered.service)
    table = casemix.by_dimension(dimension, found.tabulated, values, _labels(gathered, dimension))
    return replace(table, rows=tuple(row for row in table.rows if row.cells[0].value != 0))


def _labels(gathered: _Gathered, dimension: Dimension) -> Mapping[str, str]:
    if dimension is Dimension.PROGRAMME:
        return gathered.programmes
    if dimension is Dimension.LANGUAGE:
        return _LANGUAGES
    if dimension is Dimension.AGE_BAND:
        return age_bands()
    return {}


def _by_overlapping(
    gathered: _Gathered, dimension: Dimension, found: Mapping[str, ByDimension], labels: Mapping[str, str]
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


def _by_period(gathered: _Gathered) -> Table:
    years, last = gathered.whole.axes.years, gathered.request.period.last_year
    periods = [Period(year) for year in years if last - _PERIODS < year <= last]
    periods += [
        Period(year, WINDOW_YEARS)
        for year in years
        if last - _PERIODS < year <= last and year - WINDOW_YEARS + 1 >= years[0]
    ]
    named = {
        str(each.last_year) if each.years == 1 else f"{each.first_year}-{each.last_year}": Where(each, gathered.service)
        for each in periods
    }
    table = casemix.by_dimension(Dimension.SERVICE, gathered.whole.tabulated, named, {key: key for key in named})
    return replace(table, key="by_period")


def _therapists(gathered: _Gathered, criteria: ChangeCriteria) -> Table:
    asked = replace(gathered.asked, by=Dimension.THERAPIST)
    found = by_dimension(gathered.work, asked, list(gathered.services), gathered.threshold)
    [cells] = count(gathered.work, questions.of_therapists(replace(gathered.asked, service_id=None)))
    names = therapists_of(gathered.work, gathered.request.service_id)
    known = {each: name for each, name in names.items() if each in found.axes.values}
    return casemix.therapists(found.tabulated, gathered.request.period, cells, criteria.better, known)


def _dose(gathered: _Gathered) -> Section:
    asked, services, threshold = gathered.asked, list(gathered.services), gathered.threshold
    period, service = gathered.request.period, gathered.service
    steps, cells, reached = count(
        gathered.work, questions.steps(asked), questions.firsts(asked), questions.reached(replace(asked, by=None))
    )
    own = [cell for cell in cells if asked.of is None or cell.value in asked.of]
    guarded = dose.guarded_steps(_axes_of(gathered, gathered.whole.axes.values), _as_told(gathered, steps), threshold)
    tables = [dose.dose(guarded, gathered.where, own), dose.responders(guarded, gathered.where)]
    if gathered.request.dimension is None:
        for key, dimension in (("dose_by_third", Dimension.BASELINE_THIRD), ("dose_by_interval", Dimension.INTERVAL)):
            tables.append(_dose_by(gathered, key, dimension))
        levels = sorted({cell.step for cell in reached})
        if gathered.whole.tabulated.unknown.isdisjoint(("recovery", "reliable_improvement")):
            axes = _axes_of(gathered, tuple(str(step) for step in levels) or ("0",))
            tables.append(dose.good_enough(dose.guarded_levels(axes, reached, threshold), period, service))
    assert services, "an organisation with reports has services"
    return Section("dose", tuple(tables))


def _as_told(gathered: _Gathered, cells: Sequence[Any]) -> list[Any]:
    """Give cells with the values that the report tells: thirds for first scores."""
    if gathered.request.dimension is not Dimension.BASELINE_THIRD:
        return list(cells)
    cuts = gathered.whole.cuts
    return [
        cell._replace(value=str(casemix.third(float(cell.value), cuts))) for cell in cells if cell.value is not None
    ]


def _axes_of(gathered: _Gathered, values: tuple[str | None, ...]) -> Axes:
    return replace(gathered.whole.axes, values=values)


def _dose_by(gathered: _Gathered, key: str, dimension: Dimension) -> Table:
    asked = replace(gathered.asked, by=dimension)
    steps, cells = count(gathered.work, questions.steps(asked), questions.firsts(asked))
    name = _stratum(dimension, cuts_of(gathered.whole.measured))
    steps, cells = ([cell._replace(value=name(cell.value)) for cell in each if cell.value] for each in (steps, cells))
    strata = sorted({str(cell.value) for cell in steps}, key=_place_of_stratum)
    axes = _axes_of(gathered, tuple(strata) or (None,))
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


def _flow(gathered: _Gathered) -> Section:
    asked = replace(gathered.asked, by=None, of=None)
    if gathered.request.dimension is not None:
        return Section("flow", (), notes=(Note("flow_of_everybody"),))
    endings, held, waiting, follow_up, changes, *waits = count(
        gathered.work,
        questions.endings(asked),
        questions.measuring(asked),
        questions.changes_in_waiting(asked),
        questions.changes_at_follow_up(asked),
        questions.changes_in_treatment(asked),
        *questions.waits(asked),
    )
    tabulated, where = gathered.whole.tabulated.stages, gathered.where
    started, two_sessions = (tabulated.count(where, name) for name in (outcomes.STARTED, outcomes.TWO_SESSIONS))
    axes = _axes_of(gathered, (None,))
    guarded = flow.guarded_endings(axes, endings, gathered.threshold)
    own = [
        cell
        for cell in endings
        if gathered.request.period.holds(cell.year) and gathered.service in (None, cell.service)
    ]
    tables = [
        flow.waits([cell for each in waits for cell in each], started, two_sessions, gathered.threshold),
        flow.attendance(own, gathered.threshold),
        flow.endings(guarded["endings"], where),
        flow.drop_out(guarded, where),
        flow.measuring(held, own, gathered.threshold),
    ]
    if gathered.criteria is not None:
        waited, followed_up = (
            flow.changes_told(flow.guarded_changes(axes, cells, gathered.threshold), where, cells)
            for cells in (waiting, follow_up)
        )
        paired = tabulated.count(where, outcomes.PAIRED)
        treated = [] if paired is None else _treated(changes, gathered.criteria)
        tables.append(flow.phases(waited, treated, followed_up, gathered.threshold))
    return Section("flow", tuple(tables))


def _treated(changes: Sequence[Change], criteria: ChangeCriteria) -> list[Change]:
    return [each._replace(points=criteria.improvement(0.0, each.points)) for each in changes]
