"""The composite of PHQ-9 and GAD-7 in an episode, as NHS Talking Therapies counts outcomes: what its end may bring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from app.db.curves import Line
from app.db.episode_records import EpisodeRecord, KeptSeries
from app.errors import InstrumentDataError
from app.services.placing import place
from app.services.settings import ServiceSettings
from app.services.verdicts import criteria_for, plan_of
from app.trajectories.composite import (
    CompositeChances,
    JointCurve,
    Scored,
    composite_chances,
    default_joint_curve,
    joint_cells,
)
from app.trajectories.series import Observation

MEASURES: Final = ("phq-9", "gad-7")
"""The two, in the order of the joint curve."""

_ONE_OCCASION: Final = timedelta(days=1)
"""Scores of the two measures that lie no further apart were given on one occasion."""

_WEEK: Final = timedelta(weeks=1)
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class Composite:
    """What the two measures together may show at an end that lies ahead."""

    end_dose: int
    chances: CompositeChances


def composite_of(record: EpisodeRecord, kept: KeptSeries, settings: ServiceSettings) -> Composite | None:
    """Give the composite of an episode, whose one series is shown and whose other one the same person filled in.

    None where the episode has no such pair with a treated score each, the treatment has ended or its end has passed, or
    the organisation's curves of the two don't go together.
    """
    pair = _pair(record, kept)
    joint = None if pair is None else _joint(record, pair, settings)
    if pair is None or joint is None or record.treatment_ended_at is not None:
        return None
    treated = [place(record, series.id).treated() for series in pair]
    if not all(treated):
        return None
    newest = max((each[-1] for each in treated), key=lambda each: each.completed_at)
    plan = plan_of(record)
    end_dose = settings.policy.end_dose(plan, newest.dose)
    if end_dose == newest.dose:
        return None
    known = _on_one_calendar(*treated)
    end_weeks = known[-1].weeks + plan.weeks_for(end_dose - newest.dose)
    criteria = [criteria_for(Line(series.instrument, series.form_family)) for series in pair]
    cells = joint_cells(joint, known, end_dose, end_weeks)
    found = composite_chances(cells, [each for each in criteria if each], [each[0].score for each in treated])
    return Composite(end_dose, CompositeChances(*(round(each, _DECIMALS) for each in found)))


def _pair(record: EpisodeRecord, kept: KeptSeries) -> tuple[KeptSeries, KeptSeries] | None:
    """Give the series of the two measures that the person of one of them filled in, in the order of the measures."""
    if kept.instrument not in MEASURES:
        return None
    other = MEASURES[1 - MEASURES.index(kept.instrument)]
    others = [each for each in record.series if each.instrument == other and each.informant_id == kept.informant_id]
    if not others:
        return None
    return (kept, others[-1]) if kept.instrument == MEASURES[0] else (others[-1], kept)


def _joint(record: EpisodeRecord, pair: tuple[KeptSeries, KeptSeries], settings: ServiceSettings) -> JointCurve | None:
    """Give the joint curve: the curves in force, with the default's correlations; None where they don't go together."""
    found = [settings.curve_for(Line(each.instrument, each.form_family, record.programme_id)) for each in pair]
    first, second = found
    if first is None or second is None:
        return None
    try:
        return replace(default_joint_curve(), curves=(first, second))
    except InstrumentDataError:
        return None


def _on_one_calendar(first: tuple[Observation, ...], second: tuple[Observation, ...]) -> list[Scored]:
    """Give the scores of both in time order, in weeks since the first of them."""
    start = min(first[0].completed_at, second[0].completed_at)
    marked = [*((each, 0) for each in first), *((each, 1) for each in second)]
    marked.sort(key=lambda pair: pair[0].completed_at)
    scores: list[Scored] = []
    occasion = start
    for each, measure in marked:
        if each.completed_at - occasion > _ONE_OCCASION:
            occasion = each.completed_at
        scores.append(Scored(measure, each.dose, (occasion - start) / _WEEK, each.score))
    return scores
