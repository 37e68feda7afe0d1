"""What a chart of a trajectory shows, gathered from the record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.charts.charted import ChartedSeries, Judged, Unchanged
from app.db.codes import OrganisationMode
from app.db.results import last_verdicts
from app.db.session import Work
from app.services.trajectories import Trajectory
from app.services.verdicts import plan_of
from app.trajectories.few_verdicts import FEW_OCCASIONS, is_of_few_occasions
from app.trajectories.progress import Signal, SignalReason


def charted_series(work: Work, trajectory: Trajectory) -> ChartedSeries:
    """Give the series of a trajectory as a chart shows it, each score with the verdict last issued on it.

    In the mode `record` nothing is held against anything, and nothing is said.
    """
    series, policy = trajectory.series, trajectory.settings.policy
    form = next(form for form in trajectory.instrument.forms if form.family == trajectory.kept.form_family)
    treated = [each.administration_id for each in series.treated()]
    decides = trajectory.settings.mode is OrganisationMode.DECISION_SUPPORT
    issued = last_verdicts(work, [each for each in treated if isinstance(each, UUID)]) if decides else {}
    return ChartedSeries(
        instrument=trajectory.instrument.key.upper(),
        scale=form.subscale(trajectory.instrument.main_subscale),
        series=series,
        curve=trajectory.curve,
        band_level=policy.band_level,
        early_window_dose=policy.early_window_dose,
        late_window_dose=policy.late_window(plan_of(trajectory.record)),
        reviews=trajectory.reviews,
        judged={each: _judged(verdict) for each, verdict in issued.items()},
        ended_weeks=_ended_weeks(trajectory),
        set_aside=len(trajectory.set_aside),
        stale=trajectory.stale,
        time_zone=trajectory.settings.time_zone,
        unchanged=Unchanged.of(trajectory.few.known, series, policy.band_level) if trajectory.few else None,
        by_calendar=trajectory.instrument.by_calendar,
    )


def _judged(verdict: Mapping[str, Any]) -> Judged:
    band = None if verdict["lower"] is None else (verdict["lower"], verdict["upper"])
    subject = FEW_OCCASIONS if is_of_few_occasions(verdict["curve"]) else ""
    return Judged(Signal(verdict["signal"]), SignalReason(verdict["signal_reason"]), verdict["expected"], band, subject)


def _ended_weeks(trajectory: Trajectory) -> float | None:
    """Give when the treatment ended, in weeks since the baseline."""
    series, ended_at = trajectory.series, trajectory.record.treatment_ended_at
    if ended_at is None or series.baseline_index is None:
        return None
    return (ended_at - series.observations[series.baseline_index].completed_at) / timedelta(weeks=1)
