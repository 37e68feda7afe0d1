"""Series for tests: weekly by default, one keyword away from anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.scales.change import ChangeCriteria
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.progress import ReasonCode
from app.trajectories.series import CountedSession, Measurement, Series
from app.trajectories.tracking import Plan, Policy, Progress, assess_each

START = datetime(2024, 1, 8, 9, tzinfo=UTC)

# NHS Talking Therapies manual (cut-off, reliable change); Kounali et al. 2022 (important difference).
PHQ_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6, important_difference=1.7)
GAD_7 = ChangeCriteria(0, 21, cutoff=8, reliable_change=4, important_difference=1.5)


def at(weeks: float) -> datetime:
    return START + timedelta(weeks=weeks)


def a_curve(instrument: str = "phq-9") -> GrowthCurve:
    curve = default_curve(instrument)
    assert curve is not None
    return curve


def sessions(count: int, *, interval_weeks: float = 1) -> list[CountedSession]:
    """Give sessions an hour after the turn of each interval."""
    hour = timedelta(hours=1)
    return [CountedSession(number, at(number * interval_weeks) + hour) for number in range(count)]


def a_series(scores: Sequence[float], *, interval_weeks: float = 1, first_dose: int = 0) -> Series:
    """Give a series with one score shortly before each session: the first at `first_dose`, then one more each."""
    offset = first_dose * interval_weeks
    measurements = [
        Measurement(f"{number:03}", at(offset + number * interval_weeks), score) for number, score in enumerate(scores)
    ]
    return Series.build(measurements, sessions(first_dose + len(scores), interval_weeks=interval_weeks))


def at_doses(series: Series, doses: Sequence[int]) -> Series:
    """Give the same scores at other doses, as links may put them."""
    moved = zip(series.observations, doses, strict=True)
    return replace(series, observations=tuple(replace(each, dose=dose) for each, dose in moved))


def verdicts(
    scores: Sequence[float],
    *,
    criteria: ChangeCriteria = PHQ_9,
    curve: GrowthCurve | None = None,
    policy: Policy | None = None,
    plan: Plan | None = None,
    reviewed_doses: Sequence[int] = (),
    first_dose: int = 0,
) -> tuple[Progress, ...]:
    """Give the verdicts on weekly scores."""
    return assess_each(
        a_series(scores, first_dose=first_dose),
        criteria,
        curve or a_curve(),
        policy or Policy(),
        plan or Plan(),
        reviewed_doses=reviewed_doses,
    )


def newest(scores: Sequence[float], **options: Any) -> Progress:
    """Give the verdict on the last of weekly scores; options as for `verdicts`."""
    return verdicts(scores, **options)[-1]


def codes(progress: Progress) -> set[ReasonCode]:
    return {each.code for each in progress.reasons}
