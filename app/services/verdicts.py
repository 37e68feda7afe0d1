"""Verdicts as they are issued: which ones an event changes, and the rows that keep them.

Verdicts are never changed. A late answer, a correction or a late attendance issues anew those that come out
differently, and the earlier ones stay: what did the therapist see, and when?
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.codes import IssueCause, OrganisationMode
from app.db.curves import Line
from app.db.episode_records import EpisodeRecord, KeptSeries
from app.db.results import last_verdicts
from app.db.session import Work
from app.scales.catalogue import instrument as find_instrument
from app.scales.change import ChangeCriteria
from app.services.few_scores import known_of_main
from app.services.placing import PlacedEpisode
from app.services.settings import ServiceSettings
from app.trajectories.course import Course
from app.trajectories.few_verdicts import FewScores, Judgeable, assess_all
from app.trajectories.growth import GrowthCurve
from app.trajectories.policy import Plan
from app.trajectories.progress import Progress
from app.trajectories.series import Series


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the scores of a series are held against: the criteria of change and the expected curve."""

    criteria: ChangeCriteria
    curve: GrowthCurve


def comparison_for(record: EpisodeRecord, series: KeptSeries, settings: ServiceSettings) -> Comparison | None:
    """Give what a series of an episode is held against; None where no curve or no criteria of change are known."""
    line = Line(series.instrument, series.form_family, record.programme_id)
    curve = settings.curve_for(line)
    criteria = None if curve is None else criteria_for(line)
    return None if curve is None or criteria is None else Comparison(criteria, curve)


def criteria_for(line: Line) -> ChangeCriteria | None:
    """Give the criteria of change of an instrument that has a curve; None where it has none, or is not followed."""
    instrument = find_instrument(line.instrument)  # curves are published for shipped instruments only
    form = next(form for form in instrument.forms if form.family == line.form_family)
    return form.subscale(instrument.main_subscale).criteria if instrument.for_change else None


def plan_of(record: EpisodeRecord) -> Plan:
    """Give the plan of an episode as the core takes it."""
    return Plan(
        planned_dose=record.planned_dose,
        interval_days=record.planned_interval_days,
        pathway=record.pathway,
        crisis_pause=record.crisis_pause_since is not None,
    )


def standing_verdicts(work: Work, episodes: Iterable[PlacedEpisode]) -> dict[UUID, Mapping[str, Any]]:
    """Read, by series, the verdict last issued on the newest score in treatment.

    A score that has become waiting time or follow-up since (a corrected attendance, an earlier closing) keeps its
    history, but no longer says how the patient is doing.
    """
    treated = {series_id: series.treated() for each in episodes for series_id, series in each.series.items()}
    newest = {series_id: scores[-1].administration_id for series_id, scores in treated.items() if scores}
    issued = last_verdicts(work, [_uuid(each) for each in newest.values()])
    return {series_id: issued[_uuid(each)] for series_id, each in newest.items() if each in issued}


@dataclass(frozen=True, slots=True)
class Affected:
    """A series whose verdicts an event touches, from one of its scores on; those on new answers are first issues."""

    record: EpisodeRecord
    course: Judgeable
    new_ids: Collection[UUID] = ()


def verdicts_for_answers(
    work: Work, answered: Iterable[tuple[PlacedEpisode, UUID, Collection[UUID]]], settings: ServiceSettings
) -> list[dict[str, Any]]:
    """Judge new answers, and issue anew the later verdicts of their series that they change.

    `answered` holds episodes, the series in them, and the ids of their new administrations.
    """
    affected = []
    for episode, series_id, new_ids in answered:
        series = episode.series[series_id]
        first = next(i for i, each in enumerate(series.observations) if each.administration_id in new_ids)
        if course := _course(episode.record, series_id, series, first, settings):
            affected.append(Affected(episode.record, course, new_ids))
    return _issued(work, affected, settings, IssueCause.LATE_ANSWER)


def verdicts_issued_anew(
    work: Work,
    episodes: Iterable[PlacedEpisode],
    settings: ServiceSettings,
    cause: IssueCause,
    *,
    since: datetime | None = None,
) -> list[dict[str, Any]]:
    """Issue anew the verdicts of episodes that an event changes: those since a time, or only the newest ones."""
    affected = []
    for episode in episodes:
        for series_id, placed in episode.series.items():
            series = placed
            if since is None:
                series = _until_newest_treated(series)
                first = len(series.observations) - 1
            else:
                first = sum(each.completed_at < since for each in series.observations)
            course = _course(episode.record, series_id, series, max(first, 0), settings)
            if course:
                affected.append(Affected(episode.record, course))
    return _issued(work, affected, settings, cause)


def _until_newest_treated(series: Series) -> Series:
    treated = series.treated()
    return series.until(series.observations.index(treated[-1])) if treated else series


def _course(
    record: EpisodeRecord, series_id: UUID, series: Series, first: int, settings: ServiceSettings
) -> Judgeable | None:
    """Give what a series is judged by; nothing in record mode, which has no curves and no signals."""
    if settings.mode is not OrganisationMode.DECISION_SUPPORT:
        return None
    kept = next(series for series in record.series if series.id == series_id)
    held_against = comparison_for(record, kept, settings)
    reviewed = tuple(record.reviewed_doses)
    plan = plan_of(record)
    if held_against is None:
        known = known_of_main(record, kept, series)
        return None if known is None else FewScores(series, known, settings.policy, plan, reviewed, first)
    return Course(series, held_against.criteria, held_against.curve, settings.policy, plan, reviewed, first)


def _issued(
    work: Work, affected: Sequence[Affected], settings: ServiceSettings, cause: IssueCause
) -> list[dict[str, Any]]:
    """Give the rows of the verdicts on new answers, and of those others that say something else than the last issue."""
    judged = list(zip(affected, assess_all([each.course for each in affected]), strict=True))
    later = [_id(verdict) for each, verdicts in judged for verdict in verdicts if _id(verdict) not in each.new_ids]
    last_issued = last_verdicts(work, later)
    rows = []
    for each, verdicts in judged:
        versions = {kept.id: kept.version for kept in each.record.administrations}
        for verdict in verdicts:
            row = _row(work, verdict, versions[_id(verdict)], settings)
            last = last_issued.get(_id(verdict))
            if _id(verdict) in each.new_ids:
                row |= {"issue": 1, "cause": IssueCause.ANSWER}
            elif last is None or _says(row) != _says(last):
                row |= {"issue": last["issue"] + 1 if last else 1, "cause": cause}
            else:
                continue
            rows.append(row)
    return rows


_ABOUT_THE_ISSUE = {"issue", "issued_at", "cause", "settings_version", "administration_version"}


def _says(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _ABOUT_THE_ISSUE}


def _id(judged: Progress) -> UUID:
    return _uuid(judged.administration_id)


def _uuid(administration_id: Hashable) -> UUID:
    assert isinstance(administration_id, UUID), "the record's administrations have UUIDs"
    return administration_id


def _row(work: Work, judged: Progress, version: int, settings: ServiceSettings) -> dict[str, Any]:
    lower, upper = judged.band or (None, None)
    return {
        "organisation_id": work.scope.organisation_id,
        "administration_id": _id(judged),
        "administration_version": version,
        "dose": judged.dose,
        "end_dose": judged.end_dose,
        "lower": lower,
        "upper": upper,
        "settings_version": settings.version,
        "issued_at": work.now,
        "weeks": float(judged.weeks),
        "score": float(judged.score),
        "baseline": float(judged.baseline),
        "expected": judged.expected,
        "goal_probability": judged.probabilities.goal_by_end,
        "deterioration_probability": judged.probabilities.deterioration_by_end,
        "change_probability": judged.probabilities.established_change,
        "curve": judged.curve_version,
        "change": judged.change,
        "signal": judged.signal,
        "signal_reason": judged.signal_reason,
        "responder_state": judged.responder_state,
        "reasons": [{"code": reason.code, "evidence": _to_keep(reason.evidence)} for reason in judged.reasons],
    }


def _to_keep(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Round what is shown with one decimal to six digits: sixteen of them would be a third of what a reason takes."""
    return {name: float(f"{each:.6g}") if isinstance(each, float) else each for name, each in evidence.items()}
