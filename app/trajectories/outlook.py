"""What lies ahead of a patient: the curves of a chart, and the points at which to take stock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.scales.change import ChangeCriteria
from app.trajectories.conditional import Conditional
from app.trajectories.growth import GrowthCurve
from app.trajectories.looks import placed, weeks_at
from app.trajectories.natural import natural_course
from app.trajectories.policy import Plan, Policy
from app.trajectories.prediction import FloatArray
from app.trajectories.series import Series

_POINT_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of an expected curve.

    Parameters
    ----------
    dose : int
        Counted sessions.
    weeks : float
        Weeks since the baseline.
    mean : float
        Expected score, points, within the scale.
    lower, upper : int
        Ends of the closed band of a new score, points.
    """

    dose: int
    weeks: float
    mean: float
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class NaturalPoint:
    """One point of the natural course: what similar people would probably have had.

    Parameters
    ----------
    weeks : float
        Weeks since the baseline.
    score : float
        Points, within the scale.
    """

    weeks: float
    score: float


@dataclass(frozen=True, slots=True)
class ExpectedCurve:
    """The curves of one series, for a chart.

    Parameters
    ----------
    from_baseline : tuple of CurvePoint
        What was to be expected when only the baseline was known, at each dose from the baseline's to the end.
    updated : tuple of CurvePoint
        What is to be expected given all scores, at each dose from the newest one to the end.
    natural : tuple of NaturalPoint or None
        Natural course at the weeks of `from_baseline`; None where none is sourced: *unknown*.
    """

    from_baseline: tuple[CurvePoint, ...]
    updated: tuple[CurvePoint, ...]
    natural: tuple[NaturalPoint, ...] | None


class ReviewKind(StrEnum):
    """Why a dose is a point at which to take stock."""

    LATE_WINDOW = "late_window"
    PERIOD_EVALUATION = "period_evaluation"
    PLANNED_END = "planned_end"


@dataclass(frozen=True, slots=True)
class ReviewPoint:
    """A dose at which to take stock, and what is to be expected by then.

    Parameters
    ----------
    kind : ReviewKind
        Why.
    dose : int
        Counted sessions.
    weeks : float
        Weeks since the baseline.
    expected : float or None
        Expected score given all scores, points; None once the newest score lies at that dose or later.
    further_gain : float or None
        Expected further improvement from now, points; None likewise.
    natural_further_gain : float or None
        What the calendar alone would bring over the same weeks, points; None likewise, and where it is not known.
    """

    kind: ReviewKind
    dose: int
    weeks: float
    expected: float | None = None
    further_gain: float | None = None
    natural_further_gain: float | None = None


def expected_curve(series: Series, curve: GrowthCurve, policy: Policy, plan: Plan) -> ExpectedCurve | None:
    """Draw what was to be expected from the baseline, what is to be expected now, and the natural course.

    Parameters
    ----------
    series : Series
        The scores, placed on dose and weeks.
    curve : GrowthCurve
        The growth model of the score.
    policy : Policy
        Holds the level of the band.
    plan : Plan
        Holds the planned end and interval.

    Returns
    -------
    ExpectedCurve or None
        None without a treated observation.

    Notes
    -----
    The curves end at the dose that the probabilities of the verdict are for. The first point of `from_baseline` is
    the baseline itself, which is known and has no width.
    """
    treated = series.treated()
    if not treated:
        return None
    baseline, newest = treated[0], treated[-1]
    given = curve.given(*placed(treated))
    last = max(policy.end_dose(plan, newest.dose), *(each.dose for each in treated))
    doses = np.arange(baseline.dose, last + 1, dtype=np.float64)
    weeks = np.array([weeks_at(dose, treated, plan) for dose in doses.tolist()])
    ahead = doses >= newest.dose
    start = CurvePoint(baseline.dose, 0.0, float(baseline.score), round(baseline.score), round(baseline.score))
    natural = natural_course(curve.instrument, baseline.score, weeks)
    return ExpectedCurve(
        from_baseline=(start, *_curve_points(given, doses[1:], weeks[1:], policy.band_level, known=1)),
        updated=_curve_points(given, doses[ahead], weeks[ahead], policy.band_level, known=len(treated)),
        natural=None if natural is None else tuple(map(NaturalPoint, weeks.tolist(), natural.tolist())),
    )


def review_points(
    series: Series, criteria: ChangeCriteria, curve: GrowthCurve, policy: Policy, plan: Plan
) -> tuple[ReviewPoint, ...]:
    """Give the doses at which to take stock, with the gain that is still to be expected.

    Parameters
    ----------
    series : Series
        The scores, placed on dose and weeks.
    criteria : ChangeCriteria
        Tells which end of the scale is the good one.
    curve : GrowthCurve
        The growth model of the score.
    policy : Policy
        Holds the windows and period evaluations.
    plan : Plan
        Holds the planned end and interval.

    Returns
    -------
    tuple of ReviewPoint
        By dose; empty without a treated observation. Period evaluations that the plan does not reach are left out,
        except the first when no end is planned, and those that the patient has reached.
    """
    treated = series.treated()
    if not treated:
        return ()
    newest = treated[-1]
    kinds = _review_kinds(policy, plan, newest.dose)
    weeks = np.array([weeks_at(dose, treated, plan) for dose in kinds])
    given = curve.given(*placed(treated))
    now = float(given.predict(newest.dose, newest.weeks).tabled().expected()[0])
    rows = zip(
        kinds.items(),
        weeks.tolist(),
        given.predict(list(kinds), weeks).tabled().expected().tolist(),
        natural_gains(curve.instrument, criteria, treated[0].score, newest.weeks, weeks),
        strict=True,
    )
    return tuple(
        ReviewPoint(kind, dose, week, _points(expected), _points(criteria.improvement(now, expected)), natural)
        if dose > newest.dose
        else ReviewPoint(kind, dose, week)
        for (dose, kind), week, expected, natural in rows
    )


def _review_kinds(policy: Policy, plan: Plan, dose: int) -> dict[int, ReviewKind]:
    """Give the review points that concern a patient, by dose; the planned end names a dose that is several."""
    horizon = policy.period_evaluation_doses[:1] if plan.planned_dose is None else (plan.planned_dose,)
    last = max(dose, *horizon)
    kinds = {policy.late_window(plan): ReviewKind.LATE_WINDOW}
    kinds |= {each: ReviewKind.PERIOD_EVALUATION for each in policy.period_evaluation_doses if each <= last}
    if plan.planned_dose is not None:
        kinds[plan.planned_dose] = ReviewKind.PLANNED_END
    return dict(sorted(kinds.items()))


def natural_gains(
    instrument: str, criteria: ChangeCriteria, baseline: float, weeks_now: float, weeks: FloatArray
) -> list[float | None]:
    """Give what the calendar alone would bring from now on.

    Parameters
    ----------
    instrument : str
        Key of the instrument.
    criteria : ChangeCriteria
        Tells which end of the scale is the good one.
    baseline : float
        Baseline score, points.
    weeks_now : float
        Weeks since the baseline.
    weeks : ndarray, shape (m,)
        Weeks since the baseline at which the gains end, 0 or more.

    Returns
    -------
    list of float or None, of length m
        Points, positive when better; None where no natural course is sourced.
    """
    scores = natural_course(instrument, baseline, [weeks_now, *weeks])
    if scores is None:
        return [None] * len(weeks)
    now, *later = scores.tolist()
    return [_points(criteria.improvement(now, score)) for score in later]


def _curve_points(
    given: Conditional, doses: FloatArray, weeks: FloatArray, level: float, known: int
) -> tuple[CurvePoint, ...]:
    table = given.predict(doses, weeks, known).tabled()
    lower, upper = table.band(level)
    means = np.round(table.expected(), _POINT_DECIMALS)
    columns = (doses.astype(np.int64), weeks, means, lower, upper)
    return tuple(CurvePoint(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def _points(points: float) -> float:
    return round(points, _POINT_DECIMALS)
