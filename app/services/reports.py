"""The service lead's report: what became of the patients of a service, or of the whole organisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from app.db import reports as questions
from app.db.instruments import find_instrument
from app.db.session import Work
from app.errors import InvalidReference
from app.reports import compared, comparison, flow, outcomes
from app.reports.cohort import Change, Dimension, Period
from app.reports.document import Fact, Note, Report, Section, Table
from app.reports.summary import COMPOSITE
from app.scales.change import ChangeCriteria
from app.services.added_value import MEASURE, RESPONDENT, with_added_value
from app.services.calibration_panel import calibration_section
from app.services.report_doses import dose_section
from app.services.report_groups import for_whom, therapists_table
from app.services.report_request import (
    Gathered,
    ReportRequest,
    axes_over,
    check_request,
    gather,
    labels_of,
)


def outcomes_report(
    work: Work, request: ReportRequest, *, threshold: int, done: Callable[[int], None] = lambda _: None
) -> Report:
    """Give the report of outcomes; tell meanwhile how many of its sections are done.

    Raises
    ------
    Forbidden
        If a service lead asks for another service than the own one.
    InvalidReference
        If there is no such service, or nobody has the value that is asked for.
    MalformedBody
        If a dimension is asked for without a value, or a comparator without its source.
    """
    check_request(work, request)
    gathered = gather(work, request, threshold)
    sections = []
    for make in _SECTIONS:
        sections.append(make(gathered))
        done(len(sections))
    work.note()
    return Report("outcomes", facts_of(gathered), notes_of(gathered), tuple(sections))


def own_report(work: Work, period: Period, measure: str, *, threshold: int) -> Report:
    """Give a therapist the report of the own patients, and what they add to the end score among all therapists."""
    request = ReportRequest(period, measure, dimension=Dimension.THERAPIST, value=str(work.scope.actor_id))
    work.note()
    try:
        gathered = gather(work, request, threshold)
    except InvalidReference:
        return Report("own", (Fact("period", str(period.last_year)),), (Note("no_own_episodes"),), ())
    sections = [_denominators(gathered), _outcomes(gathered)]
    if gathered.criteria is not None:
        own = therapists_table(gathered, gathered.criteria)
        rows = tuple(row for row in own.rows if row.key == request.value)
        sections.append(Section("for_whom", (replace(own, rows=rows),)))
    about_others = ("service", f"only_{Dimension.THERAPIST}")
    facts = tuple(fact for fact in facts_of(gathered) if fact.key not in about_others)
    return Report("own", facts, notes_of(gathered), tuple(sections))


def tool_report(work: Work, year: int, measure: str) -> Report:
    """Tell how right the tool itself was, by the verdicts on episodes that were closed in a year.

    Of the whole organisation and of whole years alone: no table of counts guards what a service would differ by.
    """
    instrument = find_instrument(work, measure, pointer="/measure")
    section = calibration_section(work, instrument.key, instrument.forms[0].family, year)
    work.note()
    facts = (Fact("service", "whole_organisation"), Fact("period", str(year)), Fact("measure", measure.upper()))
    return Report("tool", facts, (Note("by_closing_date"), Note("intervals")), (section,))


def facts_of(gathered: Gathered) -> tuple[Fact, ...]:
    """Say what the report is about."""
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
        facts.append(Fact(f"only_{request.dimension}", labels_of(gathered, request.dimension).get(value, value)))
    return (*facts, Fact("threshold", str(gathered.threshold)))


def notes_of(gathered: Gathered) -> tuple[Note, ...]:
    """Say what must be read with all of it."""
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


def _denominators(gathered: Gathered) -> Section:
    return Section("denominators", (outcomes.denominators(gathered.whole.tabulated, gathered.where),))


def _outcomes(gathered: Gathered) -> Section:
    tabulated, criteria, curve = gathered.whole.tabulated, gathered.criteria, gathered.curve
    in_period = replace(gathered.asked, service_id=None, of=None)
    pairs, reference, unpaired = gathered.count(
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


def _compared(gathered: Gathered) -> Section:
    criteria, request = gathered.criteria, gathered.request
    tables = []
    if criteria is not None:
        [pairs] = gathered.count(questions.lasting(gathered.asked))
        natural = comparison.natural_comparators(request.measure, request.own_fall, request.own_source or "")
        table = compared.compared(gathered.whole.tabulated, gathered.where, pairs, criteria, gathered.curve, natural)
        added = (request.measure, request.respondent, request.dimension) == (MEASURE, RESPONDENT, None)
        if added and gathered.work is not None:
            told = gathered.whole.tabulated.stages.count(gathered.where, outcomes.PAIRED)
            table = with_added_value(gathered.work, table, request.period, request.service_id, told, gathered.threshold)
        tables.append(table)
    tables.append(compared.published(gathered.whole.tabulated, gathered.where, request.measure))
    return Section("compared", tuple(tables))


def _flow(gathered: Gathered) -> Section:
    asked = replace(gathered.asked, by=None, of=None)
    if gathered.request.dimension is not None:
        return Section("flow", (), notes=(Note("flow_of_everybody"),))
    endings, held, waiting, follow_up, with_one, changes, *waits = gathered.count(
        questions.endings(asked),
        questions.measuring(asked),
        questions.changes_in_waiting(asked),
        questions.changes_at_follow_up(asked),
        questions.followed_up(asked),
        questions.changes_in_treatment(asked),
        *questions.waits(asked),
    )
    tabulated, where = gathered.whole.tabulated.stages, gathered.where
    started, two_sessions = (tabulated.count(where, name) for name in (outcomes.STARTED, outcomes.TWO_SESSIONS))
    axes = axes_over(gathered, (None,))
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
        guarded_follow_up = flow.guarded_follow_up(axes, with_one, gathered.threshold)
        tables.append(flow.follow_up(guarded_follow_up, where, paired))
        treated = [] if paired is None else _treated(changes, gathered.criteria)
        tables.append(flow.phases(waited, treated, followed_up, gathered.threshold))
    return Section("flow", tuple(tables))


def _treated(changes: Sequence[Change], criteria: ChangeCriteria) -> list[Change]:
    return [each._replace(points=criteria.improvement(0.0, each.points)) for each in changes]


OF_MANY: Final = (_denominators, _outcomes, _compared, _flow)
"""The sections that can be of several organisations: what names no service, programme or therapist."""
_SECTIONS: Final = (_denominators, _outcomes, _compared, for_whom, dose_section, _flow)
SECTIONS: Final = len(_SECTIONS)
