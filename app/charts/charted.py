"""What a chart of one series shows: the scores, what they were held against, and what was said of each."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from app.scales.change import ChangeCategory
from app.scales.instrument import Instrument
from app.scales.subscale import Subscale
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
from app.trajectories.progress import Signal, SignalReason
from app.trajectories.series import Observation, Phase, Series
from app.trajectories.tracking import assess_each


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
    """

    signal: Signal
    signal_reason: SignalReason
    expected: float | None
    band: tuple[int, int] | None


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
        if self.expected:
            return {point.dose: point.weeks for point in self.expected}
        weeks: dict[int, float] = {}
        for each in self.series.treated():
            weeks.setdefault(each.dose, each.weeks)
        return weeks

    def change(self, observation: Observation) -> ChangeCategory | None:
        """Classify the change from the baseline to a later score; None where no change is published or possible."""
        criteria, baseline = self.scale.criteria, self.baseline
        if criteria is None or criteria.reliable_change is None or baseline is None:
            return None
        if observation is baseline or observation.phase is Phase.WAITING:
            return None
        return criteria.category(baseline.score, observation.score)

    def _in_treatment(self, weeks: float) -> bool:
        return self.ended_weeks is None or weeks <= self.ended_weeks


def judged_afresh(
    instrument: Instrument, series: Series, curve: GrowthCurve | None, policy: Policy, plan: Plan
) -> ChartedSeries:
    """Hold a series of an instrument with one form against a curve, and judge each of its scores.

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

    Returns
    -------
    ChartedSeries
        Without curve and verdicts where there is no curve, or the instrument has no criteria of change.
    """
    scale = instrument.form(None).subscale(instrument.main_subscale)
    criteria = scale.criteria
    charted = ChartedSeries(
        instrument=instrument.key.upper(),
        scale=scale,
        series=series,
        curve=None,
        band_level=policy.band_level,
        early_window_dose=policy.early_window_dose,
        late_window_dose=policy.late_window(plan),
    )
    if curve is None or criteria is None:
        return charted
    return replace(
        charted,
        curve=expected_curve(series, curve, policy, plan),
        reviews=review_points(series, criteria, curve, policy, plan),
        judged={
            each.administration_id: Judged(each.signal, each.signal_reason, each.expected, each.band)
            for each in assess_each(series, criteria, curve, policy, plan)
        },
    )
