"""Risk alerts: raised when a critical item is answered, closed only by a person."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.db.editing import edit
from app.db.episode_records import EpisodeRecord, KeptAdministration
from app.db.ids import uuid7
from app.db.models import RiskAlert
from app.db.scope import get_of_episode
from app.db.session import Work
from app.errors import StateConflict
from app.scales.risk import RiskDuty, risk_duty
from app.scales.scoring import CriticalAnswer, CriticalStatus
from app.services.admission import Admission, months_old


def alert_rows(
    work: Work, admission: Admission, record: EpisodeRecord, version: int, time_zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Give the rows of the alerts that an administration raises, whatever else is the matter with it."""
    return [
        row
        for answer in admission.critical
        if answer.status is CriticalStatus.POSITIVE
        and _concerns(admission, answer, record, work.now)
        and (row := _alert_row(work, admission, answer, record, version, time_zone))
    ]


def _concerns(admission: Admission, answer: CriticalAnswer, record: EpisodeRecord, now: datetime) -> bool:
    """Tell whether an item raises alerts of a patient of this age; who may be young enough is taken for it."""
    critical = admission.instrument.critical_item(answer.item)
    if critical.under_age is None:
        return True
    return months_old(record.birth_month, admission.submission.completed_at or now) <= 12 * critical.under_age


def _alert_row(
    work: Work,
    admission: Admission,
    answer: CriticalAnswer,
    record: EpisodeRecord,
    version: int,
    time_zone: ZoneInfo,
) -> dict[str, Any] | None:
    submission = admission.submission
    answered_at = min(submission.completed_at or work.now, work.now)
    previous_version = _same_administration(admission, record, answer.item)
    if previous_version == answer.code:
        return None  # a correction of something else; the alert of the earlier version stands
    assert answer.code is not None, "a positive answer has a code"
    previous = previous_version if previous_version is not None else _last_code(admission, answer, record, answered_at)
    duty = risk_duty(answer.code, previous, _since_assessment(admission, answer, record, work.now))
    return {
        "organisation_id": work.scope.organisation_id,
        "id": uuid7(),
        "version": 1,
        "administration_id": submission.id,
        "administration_version": version,
        "patient_id": record.patient_id,
        "episode_id": record.id,
        "instrument": admission.instrument.key,
        "item": answer.item,
        "kind": answer.kind,
        "code": answer.code,
        "duty": duty,
        "duties": list(admission.instrument.critical_item(answer.item).duties),
        "answered_at": answered_at,
        "raised_at": work.now,
        "due_at": _end_of_day(work.now, time_zone) if duty is RiskDuty.SAME_DAY else None,
    }


def _same_administration(admission: Admission, record: EpisodeRecord, item: str) -> int | None:
    """Give what the version before this one of the same administration answered."""
    same = admission.submission.id
    for kept in record.administrations:
        if kept.id == same and kept.answers is not None:
            return _code(admission, record, kept, item)
    # An answer that could not be read as a whole is known by the alert that it raised.
    raised = [alert.code for alert in record.alerts if (alert.administration_id, alert.item) == (same, item)]
    return raised[-1] if raised else None


def _last_code(
    admission: Admission, answer: CriticalAnswer, record: EpisodeRecord, answered_at: datetime
) -> int | None:
    """Give what was last answered to the item: from the forms, or from the alert where a form could not be read."""
    instrument = admission.instrument.key
    readings = [
        (min(kept.completed_at or kept.received_at, kept.received_at), code)
        for kept in record.administrations
        if (code := _code(admission, record, kept, answer.item)) is not None
    ]
    readings += [
        (alert.answered_at, alert.code)
        for alert in record.alerts
        if (alert.instrument, alert.item) == (instrument, answer.item)
    ]
    before = [reading for reading in readings if reading[0] <= answered_at]
    return max(before)[1] if before else None


def _code(admission: Admission, record: EpisodeRecord, kept: KeptAdministration, item: str) -> int | None:
    """Give what was answered to an item, if it is of the same instrument in the same version."""
    instrument = admission.instrument
    if kept.answers is None or kept.instrument != instrument.key:
        return None
    if any(each.id == kept.series_id and each.instrument_version != instrument.version for each in record.series):
        return None
    return kept.answers[instrument.form(kept.form).position[item]]


def _since_assessment(
    admission: Admission, answer: CriticalAnswer, record: EpisodeRecord, now: datetime
) -> timedelta | None:
    assessed = [
        alert.acknowledged_at
        for alert in record.alerts
        if (alert.instrument, alert.item) == (admission.instrument.key, answer.item) and alert.acknowledged_at
    ]
    return now - max(assessed) if assessed else None


def _end_of_day(now: datetime, time_zone: ZoneInfo) -> datetime:
    """Give the end of the service's day: the duty is to be met before it."""
    local = now.astimezone(time_zone)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), time_zone)
    return midnight.astimezone(UTC)


def acknowledge_alert(work: Work, alert_id: UUID, version: int, assessment: str) -> RiskAlert:
    """Record that a person has assessed a critical answer, and what they found.

    Raises
    ------
    StateConflict
        If somebody has done so already.
    """
    alert = get_of_episode(work, RiskAlert, alert_id)
    if alert.acknowledged_at is not None:
        raise StateConflict("the alert has been acknowledged already")
    changes = {"acknowledged_at": work.now, "acknowledged_by": work.scope.actor_id, "assessment": assessment}
    return edit(work, work.entry, alert, version, changes)
