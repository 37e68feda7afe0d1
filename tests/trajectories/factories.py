"""Series for tests: weekly by default, one keyword away from anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.scales.change import ChangeCriteria
from app.trajectories.growth import GrowthCurve, Provenance, default_curve
from app.trajectories.link import Link, LinkKind
from app.trajectories.progress import ReasonCode
from app.trajectories.series import CountedSession, Measurement, Series
from app.trajectories.shapes import ResponseShape
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


def b7b(instrument: str = "phq-9") -> GrowthCurve:
    """Give the published default of one shape on the raw scale (methods, B7b): a model with a known table."""
    of = {
        "phq-9": ((0, 27), (14.3, -3.1, 3.74, 1.6, 10.0, 6.0)),
        "gad-7": ((0, 21), (12.8, -3.0, 3.0, 1.5, 6.5, 4.0)),
    }
    (minimum, maximum), (intercept, slope, sd_intercept, sd_slope, drift, noise) = of[instrument]
    return GrowthCurve(
        key="b7b-1",
        version=1,
        instrument=instrument,
        link=Link(LinkKind.IDENTITY, minimum, maximum, middle=10),
        intercept=intercept,
        session_slope=slope,
        sd_intercept=sd_intercept,
        sd_slope=sd_slope,
        correlation=0.0,
        drift_variance=drift,
        drift_weeks=13.0,
        noise_variance=noise,
        provenance=Provenance("methods, B7b", "derived", "B"),
    )


def of_all_shapes(curve: GrowthCurve) -> GrowthCurve:
    """Give the curve with so many patients of each shape that every one of them shows; worsening loses six points."""
    shares = dict(zip(ResponseShape, (0.4, 0.3, 0.2, 0.1), strict=True))
    return replace(curve, shares=shares, worsening=6.0)


def all_alike(curve: GrowthCurve, *, noise_variance: float = 0.25) -> GrowthCurve:
    """Give the curve of persons who go the mean course, with so much noise that rounding does not show in a mean."""
    return replace(curve, sd_intercept=0.0, sd_slope=0.0, drift_variance=0.0, noise_variance=noise_variance)


def mirrored(curve: GrowthCurve) -> GrowthCurve:
    """Give the curve of the same score running the other way, from its maximum down to its minimum."""
    link = curve.link
    ends = link.minimum + link.maximum
    return replace(
        curve,
        link=replace(link, middle=ends - link.middle),
        intercept=ends - curve.intercept,
        session_slope=-curve.session_slope,
        natural_fall=-curve.natural_fall,
        worsening=-curve.worsening,
    )


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
