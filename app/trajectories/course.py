"""A course: the scores of one series, and what they are held against."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.policy import Flagging, Plan, Policy
from app.trajectories.series import Observation, Phase, Series


@dataclass(frozen=True, slots=True)
class Course:
    """All that the verdicts on one series rest on.

    Parameters
    ----------
    series : Series
        The scores, placed on dose and weeks.
    criteria : ChangeCriteria
        Reliable change, cut-off and important difference of the score. A rule that needs a figure which is not
        published does not apply.
    curve : GrowthCurve
        The growth model of the score.
    policy : Policy
        The organisation's windows and thresholds.
    plan : Plan
        What is planned for the patient.
    reviewed_doses : tuple of int
        Doses at which a review was recorded.
    first : int
        Position, among the observations of the series, of the first one to judge, 0 or more. Those before it count
        as scores all the same.

    Attributes
    ----------
    treated : tuple of Observation
        The scores that count: the baseline and what follows until the treatment ended.
    judged_from : int
        Position among those of the first one to judge.
    late_window : int
        Dose from which on a course without improvement is time for review. This and what follows exist only where
        something is treated.
    started_below_cutoff : bool
        Whether there is a cut-off and the course started on its good side.
    needed_improvement : float
        Points of true improvement that count: the policy's share of what there is to gain, and noticeable.
    goal_score : float or None
        The least ambitious score that shows reliable improvement or lies on the good side of the cut-off; None where
        neither is published, or neither lies within the scale.
    """

    series: Series
    criteria: ChangeCriteria
    curve: GrowthCurve
    policy: Policy
    plan: Plan
    reviewed_doses: tuple[int, ...] = ()
    first: int = 0
    treated: tuple[Observation, ...] = field(init=False, repr=False, compare=False)
    judged_from: int = field(init=False, repr=False, compare=False)
    late_window: int = field(init=False, repr=False, compare=False)
    started_below_cutoff: bool = field(init=False, repr=False, compare=False)
    needed_improvement: float = field(init=False, repr=False, compare=False)
    goal_score: float | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        scale = (self.criteria.minimum, self.criteria.maximum)
        assert scale == (self.curve.minimum, self.curve.maximum), "criteria and curve belong to one score"
        assert self.first >= 0, "a position counts from the start"
        treated = self.series.treated()
        asked = self.series.observations[self.first :]
        self._derive("treated", treated)
        self._derive("judged_from", len(treated) - sum(each.phase is Phase.TREATMENT for each in asked))
        if treated:
            self._derive("late_window", self.policy.late_window(self.plan))
            self._derive("started_below_cutoff", self.below_cutoff(self.baseline.score))
            self._derive("needed_improvement", self._needed_improvement())
            self._derive("goal_score", self._goal_score())

    def _derive(self, name: str, value: object) -> None:
        """Set a field that follows from the others: once, since every look asks for it."""
        object.__setattr__(self, name, value)

    @property
    def looked_at_from(self) -> int:
        """Position of the first to look at: the one before it where two looks in a row may set a signal."""
        return max(self.judged_from - (self.policy.flagging is Flagging.EARLY), 0)

    @property
    def baseline(self) -> Observation:
        """Where the course started."""
        return self.treated[0]

    @property
    def late_baseline(self) -> bool:
        """Whether treatment was well under way then."""
        return self.series.late_baseline

    def due_dose(self, dose: int) -> int | None:
        """Give the review point that is due at a dose: the newest one reached, unless it was reviewed since.

        Reviews at higher doses don't count, so that a verdict is the same when it is computed again later.
        """
        due = self.policy.due_dose(self.plan, dose)
        if due is None or any(due <= reviewed <= dose for reviewed in self.reviewed_doses):
            return None
        return due

    @property
    def lower_is_better(self) -> bool:
        """Whether the patient is better when the score is lower."""
        return self.criteria.better is Better.LOWER

    @property
    def deterioration_score(self) -> float | None:
        """The first score that is reliably worse than the baseline, within the scale or not.

        None where no reliable change is published.
        """
        reliable_change = self.criteria.reliable_change
        return None if reliable_change is None else self._worse_by(reliable_change)

    @property
    def improvement_score(self) -> float | None:
        """The least ambitious score that is reliably better than the baseline.

        None where no reliable change is published, or none lies within the scale.
        """
        reliable_change = self.criteria.reliable_change
        return None if reliable_change is None else self.within_scale(self._worse_by(-reliable_change))

    @property
    def subclinical_score(self) -> float | None:
        """The first score on the good side of the cut-off; None where there is none within the scale."""
        cutoff = self.criteria.cutoff
        if cutoff is None:
            return None
        # Where lower is better, the cut-off itself still lies on the clinical side.
        return self.within_scale(cutoff - 1 if self.lower_is_better else cutoff)

    def within_scale(self, score: float) -> float | None:
        """Give a score that can be reached; None for one outside the scale."""
        return score if self.criteria.minimum <= score <= self.criteria.maximum else None

    def improvement(self, score: float) -> float:
        """Give the points that a score is better than the baseline."""
        return self.criteria.improvement(self.baseline.score, score)

    def change(self, score: float) -> ChangeCategory:
        """Classify a score's change from the baseline."""
        return self.criteria.category(self.baseline.score, score)

    def below_cutoff(self, score: float) -> bool:
        """Tell whether a score lies on the good side of the cut-off; False where there is no cut-off."""
        return self.criteria.cutoff is not None and not self.criteria.is_case(score)

    def reaches_goal(self, score: float) -> bool:
        """Tell whether a score is at the goal or better; False where there is no goal."""
        goal = self.goal_score
        return goal is not None and self.criteria.improvement(goal, score) >= 0

    def worse_than(self, band: tuple[int, int], score: float) -> bool:
        """Tell whether a score lies outside a closed band, on its bad side."""
        lower, upper = band
        return score > upper if self.lower_is_better else score < lower

    def _worse_by(self, points: float) -> float:
        """Give the score that is so many points worse than the baseline, within the scale or not."""
        return self.baseline.score + (points if self.lower_is_better else -points)

    def _needed_improvement(self) -> float:
        good_end = self.criteria.minimum if self.lower_is_better else self.criteria.maximum
        share = self.policy.early_share * self.criteria.improvement(self.baseline.score, good_end)
        return max(share, self.criteria.important_difference or 0.0)

    def _goal_score(self) -> float | None:
        goals = [goal for goal in (self.improvement_score, self.subclinical_score) if goal is not None]
        return (max if self.lower_is_better else min)(goals, default=None)
