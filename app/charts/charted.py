"""What a chart of one series shows: the scores, what they were held against, and what was said of each."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from app.scales.change import ChangeCategory
from app.scales.instrument import Form, Instrument
from app.scales.norms import Norm
from app.scales.subscale import Subscale
from app.trajectories.few_occasions import Known, Limits, known_of, later_scores, limits_of
from app.trajectories.few_verdicts import EVALUATION_WEEKS, FEW_OCCASIONS, FewScores, assess_few, is_of_few_occasions
from app.trajectories.growth import GrowthCurve
from app.trajectories.outlook import (
    CurvePoint,
    ExpectedCurve,
    NaturalPoint,
    ReviewPoint,
    expected_curve,
    review_points,
)
from app.trajectories.policy import Plan, Policy
from app.trajectories.progress import Progress, Signal, SignalReason
from app.trajectories.series import Observation, Phase, Series
from app.trajectories.tracking import assess_each

_WEEKS_AHEAD_OF_ONE = 4.0
"""So far a band is drawn from a first score on that no other has followed."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of one score.

    Parameters
    ----------
    signal : Signal
        Level of the verdict.
    signal_reason : SignalReason
        What set it.
    expected : float or None
        Expected score given the baseline, points; None at the baseline itself.
    band : tuple of int or None
        Lowest and highest expected score given the baseline, points; None at the baseline itself.
    subject : str
        Of what it was said, where the words differ: `few_occasions` without a curve.
    """

    signal: Signal
    signal_reason: SignalReason
    expected: float | None
    band: tuple[int, int] | None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What was to be expected of every later score if nothing had truly changed: where there is no curve.

    Parameters
    ----------
    limits : Limits
        Expectation and band.
    level : float or None
        Central probability of the band; None where it rests on published points, which have none.
    changes : mapping of Hashable to ChangeCategory
        What became of each later score, by administration.
    """

    limits: Limits
    level: float | None
    changes: Mapping[Hashable, ChangeCategory] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, known: Known, series: Series, level: float) -> Unchanged | None:
        """Hold the scores of a series against the first; None without one, and where a change can't be told."""
        if series.baseline_index is None:
            return None
        limits = limits_of(known, series.observations[series.baseline_index].score, level)
        if limits is None:
            return None
        later = later_scores(series, known, level)
        changes = {each.administration_id: held.change for each, held in later if held.change is not None}
        return cls(limits, None if known.published else level, changes)


@dataclass(frozen=True, slots=True)
class ChartedSeries:
    """One series as a chart shows it.

    In the mode `record` there is no curve, and nothing is judged: only scores, severity bands and cut-off are drawn.

    Parameters
    ----------
    instrument : str
        Name of the instrument, as `PHQ-9`.
    scale : Subscale
        Range, severity bands, cut-off and direction of the score.
    series : Series
        The scores, placed on dose and weeks. Forms that need clarification are not among them.
    curve : ExpectedCurve or None
        What was and is to be expected; None in the mode `record`, without a curve and before treatment.
    band_level : float
        Central probability of the expected band.
    early_window_dose, late_window_dose : int
        Dose by which early responders improve, and from which late ones do.
    reviews : tuple of ReviewPoint
        Where to take stock.
    judged : mapping of Hashable to Judged
        What was said of each score, by administration.
    ended_weeks : float or None
        When the treatment ended, weeks since the baseline; None while it goes on.
    set_aside : int
        Forms of the series that need clarification: they are counted, and never drawn.
    stale : bool
        Whether a measure that was due has been missing for long.
    time_zone : tzinfo or None
        Whose days the table names; None where only weeks are known.
    unchanged : Unchanged or None
        What stands in for the curve where none is known.
    by_calendar : bool
        Whether the form is filled in at months, whatever the sessions: then no doses are shown.
    """

    instrument: str
    scale: Subscale
    series: Series
    curve: ExpectedCurve | None
    band_level: float
    early_window_dose: int
    late_window_dose: int
    reviews: tuple[ReviewPoint, ...] = ()
    judged: Mapping[Hashable, Judged] = field(default_factory=dict, hash=False)
    ended_weeks: float | None = None
    set_aside: int = 0
    stale: bool = False
    time_zone: tzinfo | None = None
    unchanged: Unchanged | None = None
    by_calendar: bool = False

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All scores, in time order."""
        return self.series.observations

    @property
    def baseline(self) -> Observation | None:
        """Where the series started; None without a score."""
        index = self.series.baseline_index
        return None if index is None else self.observations[index]

    @property
    def newest_judged(self) -> Observation | None:
        """The last score that something was said of."""
        return next((each for each in reversed(self.observations) if each.administration_id in self.judged), None)

    @property
    def expected(self) -> tuple[CurvePoint, ...]:
        """What was to be expected from the baseline on, as long as the treatment lasts."""
        return (
            tuple(point for point in self.curve.from_baseline if self._in_treatment(point.weeks)) if self.curve else ()
        )

    @property
    def ahead(self) -> tuple[CurvePoint, ...]:
        """What is to be expected from the newest score on; nothing new at the baseline, or after the treatment."""
        known_better = self.curve is not None and len(self.series.treated()) > 1
        return self.curve.updated if self.curve and known_better and self.ended_weeks is None else ()

    @property
    def natural(self) -> tuple[NaturalPoint, ...]:
        """What similar people would probably have had; empty where that is unknown."""
        points = (self.curve.natural if self.curve else None) or ()
        return tuple(point for point in points if self._in_treatment(point.weeks))

    @property
    def natural_is_unknown(self) -> bool:
        """Whether there is a curve to set beside a natural course, and no source for one."""
        return self.curve is not None and self.curve.natural is None

    @property
    def reviews_in_treatment(self) -> tuple[ReviewPoint, ...]:
        """The review points that the treatment has reached or will reach."""
        return tuple(review for review in self.reviews if self._in_treatment(review.weeks))

    @property
    def weeks_of_doses(self) -> dict[int, float]:
        """Give when each dose was or will be reached, weeks since the baseline."""
        if self.by_calendar:
            return {}
        if self.expected:
            return {point.dose: point.weeks for point in self.expected}
        weeks: dict[int, float] = {}
        for each in self.series.treated():
            weeks.setdefault(each.dose, each.weeks)
        return weeks

    @property
    def last_week(self) -> float:
        """How far the chart goes: to the last score, the end of the curve, or the evaluation that comes next."""
        last = max((0.0, *(each.weeks for each in self.observations), *(each.weeks for each in self.expected)))
        if self.by_calendar and self.ended_weeks is None and self.baseline is not None:
            return max(math.ceil(last / EVALUATION_WEEKS), 1) * EVALUATION_WEEKS
        return last or (_WEEKS_AHEAD_OF_ONE if self.unchanged is not None else 0.0)

    @property
    def evaluations(self) -> list[float]:
        """The weeks at which a form that is filled in at months is evaluated, within the chart and the treatment."""
        if not self.by_calendar or self.baseline is None:
            return []
        reached = range(1, int(self.last_week / EVALUATION_WEEKS) + 1)
        return [weeks for number in reached if self._in_treatment(weeks := number * EVALUATION_WEEKS)]

    def expectation(self, observation: Observation) -> tuple[float, tuple[int, int]] | None:
        """Give what was expected of a score, and its band; None at the baseline and where nothing was."""
        if self.unchanged is not None:
            limits = self.unchanged.limits
            held = observation.administration_id in self.unchanged.changes
            return (limits.expected, (limits.lower, limits.upper)) if held else None
        judged = self.judged.get(observation.administration_id)
        if judged is None or judged.expected is None or judged.band is None:
            return None
        return judged.expected, judged.band

    def change(self, observation: Observation) -> ChangeCategory | None:
        """Classify the change from the baseline to a later score; None where no change is published or possible."""
        if self.unchanged is not None:
            return self.unchanged.changes.get(observation.administration_id)
        criteria, baseline = self.scale.criteria, self.baseline
        if criteria is None or criteria.reliable_change is None or baseline is None:
            return None
        if observation is baseline or observation.phase is Phase.WAITING:
            return None
        return criteria.category(baseline.score, observation.score)

    def _in_treatment(self, weeks: float) -> bool:
        return self.ended_weeks is None or weeks <= self.ended_weeks


def judged_afresh(
    instrument: Instrument,
    series: Series,
    curve: GrowthCurve | None,
    policy: Policy,
    plan: Plan,
    *,
    form: Form | None = None,
    norm: Norm | None = None,
) -> ChartedSeries:
    """Hold a series against a curve, or else against its first score, and judge each of its scores.

    Parameters
    ----------
    instrument : Instrument
        What was answered.
    series : Series
        The scores, placed on dose and weeks.
    curve : GrowthCurve or None
        The growth model of the score; None where there is none.
    policy : Policy
        Windows and thresholds.
    plan : Plan
        What is planned for the patient.
    form : Form, optional
        Which form; the only one, if not given.
    norm : Norm, optional
        Of the patient's group at the baseline, where the norms go by sex and grade.

    Returns
    -------
    ChartedSeries
        Without curve and verdicts where neither a curve nor anything else is known.
    """
    scale = (form or instrument.form(None)).subscale(instrument.main_subscale)
    charted = ChartedSeries(
        instrument=instrument.key.upper(),
        scale=scale,
        series=series,
        curve=None,
        band_level=policy.band_level,
        early_window_dose=policy.early_window_dose,
        late_window_dose=policy.late_window(plan),
        by_calendar=instrument.by_calendar,
    )
    criteria = scale.criteria
    if criteria is None:
        return charted
    if curve is None:
        known = known_of(scale, norm)
        assert known is not None, "what has criteria can be known"
        few = FewScores(series, known, policy, plan)
        return replace(
            charted, unchanged=Unchanged.of(known, series, policy.band_level), judged=_judged(assess_few(few))
        )
    return replace(
        charted,
        curve=expected_curve(series, curve, policy, plan),
        reviews=review_points(series, criteria, curve, policy, plan),
        judged=_judged(assess_each(series, criteria, curve, policy, plan)),
    )


def _judged(verdicts: Iterable[Progress]) -> dict[Hashable, Judged]:
    return {each.administration_id: _judged_as(each) for each in verdicts}


def _judged_as(verdict: Progress) -> Judged:
    subject = FEW_OCCASIONS if is_of_few_occasions(verdict.curve_version) else ""
    return Judged(verdict.signal, verdict.signal_reason, verdict.expected, verdict.band, subject)
