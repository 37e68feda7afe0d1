"""Verdicts as they are issued: which ones an event changes, and the rows that keep them.

Verdicts are never changed. A late answer, a correction or a late attendance issues anew those that come out
differently, and the earlier ones stay: what did the therapist see, and when?
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.administrations import EpisodeRecord, KeptAdministration, KeptSeries
from app.db.codes import AdministrationState, IssueCause, OrganisationMode
from app.db.results import last_verdicts
from app.db.session import Work
from app.scales.catalogue import instrument as find_instrument
from app.scales.change import ChangeCriteria
from app.services.settings import ServiceSettings
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.policy import Plan
from app.trajectories.progress import Progress
from app.trajectories.series import CountedSession, Measurement, Series, Timing
from app.trajectories.tracking import assess, assess_each

USED_STATES = (AdministrationState.FINAL, AdministrationState.AMENDED)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the scores of a series are held against: the criteria of change and the expected curve."""

    criteria: ChangeCriteria
    curve: GrowthCurve


def comparison_for(series: KeptSeries) -> Comparison | None:
    """Give what a series is held against; None where no curve or no criteria are known for the instrument."""
    instrument = find_instrument(series.instrument)
    form = next(form for form in instrument.forms if form.family == series.form_family)
    criteria, curve = form.subscale(instrument.main_subscale).criteria, default_curve(series.instrument)
    if criteria is None or curve is None or not instrument.for_change:
        return None
    return Comparison(criteria, curve)


def plan_of(record: EpisodeRecord) -> Plan:
    """Give the plan of an episode as the core takes it."""
    return Plan(
        planned_dose=record.planned_dose,
        interval_days=record.planned_interval_days,
        pathway=record.pathway,
        crisis_pause=record.crisis_pause_since is not None,
    )


def used_scores(record: EpisodeRecord, series_id: UUID) -> list[KeptAdministration]:
    """Give the administrations of a series that have a score and need no clarification."""
    return [
        kept
        for kept in record.administrations
        if kept.series_id == series_id and kept.state in USED_STATES and kept.score is not None
    ]


def place(record: EpisodeRecord, series_id: UUID) -> Series:
    """Place the scores of a series on dose and calendar."""
    measurements = [
        Measurement(
            administration_id=kept.id,
            completed_at=kept.completed_at,
            score=kept.score,
            session_id=kept.treatment_session_id,
            timing=Timing(kept.timing) if kept.timing else None,
            session_starts_at=kept.session_starts_at,
        )
        for kept in used_scores(record, series_id)
        if kept.completed_at is not None and kept.score is not None
    ]
    sessions = [CountedSession(session_id, starts_at) for session_id, starts_at in record.sessions]
    return Series.build(measurements, sessions, record.treatment_ended_at)


def standing_verdicts(work: Work, records: Iterable[EpisodeRecord]) -> dict[UUID, Mapping[str, Any]]:
    """Read, by series, the verdict last issued on the newest score in treatment.

    A score that has become waiting time or follow-up since (a corrected attendance, an earlier closing) keeps its
    history, but no longer says how the patient is doing.
    """
    treated = {kept.id: place(record, kept.id).treated() for record in records for kept in record.series}
    newest = {series_id: scores[-1].administration_id for series_id, scores in treated.items() if scores}
    issued = last_verdicts(work, [_uuid(each) for each in newest.values()])
    return {series_id: issued[_uuid(each)] for series_id, each in newest.items() if each in issued}


def verdicts_for_answers(
    work: Work, record: EpisodeRecord, series_id: UUID, settings: ServiceSettings, new_ids: Collection[UUID]
) -> list[dict[str, Any]]:
    """Judge new answers, and issue anew the later verdicts of their series that they change."""
    held_against = _held_against(record, series_id, settings)
    if held_against is None:
        return []
    series = place(record, series_id)
    newest = series.observations[-1].administration_id if series.observations else None
    if len(new_ids) == 1 and newest in new_ids:
        judged = assess(series, **_standard(held_against, settings, record))
        return [_row(work, judged, record, settings, 1, IssueCause.ANSWER)] if judged else []
    first = min(index for index, each in enumerate(series.observations) if each.administration_id in new_ids)
    affected = {each.administration_id for each in series.observations[first:]}
    each_judged = [
        judged
        for judged in assess_each(series, **_standard(held_against, settings, record))
        if judged.administration_id in affected
    ]
    new = [judged for judged in each_judged if judged.administration_id in new_ids]
    later = [judged for judged in each_judged if judged.administration_id not in new_ids]
    rows = [_row(work, judged, record, settings, 1, IssueCause.ANSWER) for judged in new]
    return rows + _changed(work, later, record, settings, IssueCause.LATE_ANSWER)


def verdicts_issued_anew(
    work: Work, record: EpisodeRecord, settings: ServiceSettings, cause: IssueCause, *, since: datetime | None = None
) -> list[dict[str, Any]]:
    """Issue anew the verdicts of an episode that an event changes: those since a time, or only the newest ones."""
    rows: list[dict[str, Any]] = []
    for kept in record.series:
        held_against = _held_against(record, kept.id, settings)
        if held_against is None:
            continue
        series = place(record, kept.id)
        standard = _standard(held_against, settings, record)
        if since is None:
            newest = _newest_judged(series, standard)
            judged = [newest] if newest else []
        else:
            affected = {each.administration_id for each in series.observations if each.completed_at >= since}
            judged = [each for each in assess_each(series, **standard) if each.administration_id in affected]
        rows += _changed(work, judged, record, settings, cause)
    return rows


def _newest_judged(series: Series, standard: dict[str, Any]) -> Progress | None:
    treated = series.treated()
    if not treated:
        return None
    newest = series.observations.index(treated[-1])
    return assess(series.until(newest), **standard)


def _held_against(record: EpisodeRecord, series_id: UUID, settings: ServiceSettings) -> Comparison | None:
    """Give what a series is held against; nothing in record mode, which has no curves and no signals."""
    if settings.mode is not OrganisationMode.DECISION_SUPPORT:
        return None
    return comparison_for(next(series for series in record.series if series.id == series_id))


def _standard(held_against: Comparison, settings: ServiceSettings, record: EpisodeRecord) -> dict[str, Any]:
    return {
        "criteria": held_against.criteria,
        "curve": held_against.curve,
        "policy": settings.policy,
        "plan": plan_of(record),
        "reviewed_doses": record.reviewed_doses,
    }


def _changed(
    work: Work, judged: list[Progress], record: EpisodeRecord, settings: ServiceSettings, cause: IssueCause
) -> list[dict[str, Any]]:
    """Give the rows of those verdicts that say something else than the one issued last."""
    issued = last_verdicts(work, [_id(each) for each in judged])
    rows = []
    for each in judged:
        last = issued.get(_id(each))
        row = _row(work, each, record, settings, last["issue"] + 1 if last else 1, cause)
        if last is None or _says(row) != _says(last):
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


def _row(
    work: Work, judged: Progress, record: EpisodeRecord, settings: ServiceSettings, issue: int, cause: IssueCause
) -> dict[str, Any]:
    lower, upper = judged.band or (None, None)
    version = next(kept.version for kept in record.administrations if kept.id == judged.administration_id)
    return {
        "organisation_id": work.scope.organisation_id,
        "administration_id": _id(judged),
        "issue": issue,
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
        "cause": cause,
        "curve": judged.curve_version,
        "change": judged.change,
        "signal": judged.signal,
        "signal_reason": judged.signal_reason,
        "responder_state": judged.responder_state,
        "reasons": [{"code": reason.code, "evidence": dict(reason.evidence)} for reason in judged.reasons],
    }
