"""What the scores of one series are held against: where it started, what counts as change, what is planned."""

from __future__ import annotations

from dataclasses import dataclass

from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.policy import Plan, Policy
from app.trajectories.prediction import FloatArray, Prediction
from app.trajectories.series import Observation


@dataclass(frozen=True, slots=True)
class Yardstick:
    """All that stays the same between the looks at one series.

    Parameters
    ----------
    baseline : Observation
        Where the series started.
    late_baseline : bool
        Whether treatment was well under way then.
    criteria : ChangeCriteria
        Reliable change, cut-off and important difference. A rule that needs a figure which is not published does
        not apply.
    curve : GrowthCurve
        The growth model of the score.
    policy : Policy
        Windows and thresholds.
    plan : Plan
        What is planned for the patient.
    reviewed_doses : tuple of int
        Doses at which a review was recorded.
    """

    baseline: Observation
    late_baseline: bool
    criteria: ChangeCriteria
    curve: GrowthCurve
    policy: Policy
    plan: Plan
    reviewed_doses: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        scale = (self.criteria.minimum, self.criteria.maximum)
        assert scale == (self.curve.minimum, self.curve.maximum), "criteria and curve belong to one score"

    @property
    def late_window(self) -> int:
        """Dose from which on a course without improvement is time for review."""
        return self.policy.late_window(self.plan)

    def due_dose(self, dose: int) -> int | None:
        """Give the review point that is due at a dose: the newest one reached, unless it was reviewed since.

        Reviews at higher doses don't count, so that a verdict is the same when it is computed again later.
        """
        due = self.policy.due_dose(self.plan, dose)
        if due is None or any(due <= reviewed <= dose for reviewed in self.reviewed_doses):
            return None
        return due

    @property
    def started_below_cutoff(self) -> bool:
        """Whether there is a cut-off and the series started on its good side."""
        return self.below_cutoff(self.baseline.score)

    @property
    def lower_is_better(self) -> bool:
        """Whether the patient is better when the score is lower."""
        return self.criteria.better is Better.LOWER

    @property
    def needed_improvement(self) -> float:
        """Points of true improvement that count: the policy's share of what there is to gain, and noticeable."""
        good_end = self.criteria.minimum if self.lower_is_better else self.criteria.maximum
        share = self.policy.early_share * self.criteria.improvement(self.baseline.score, good_end)
        return max(share, self.criteria.important_difference or 0.0)

    @property
    def goal_score(self) -> float | None:
        """The least ambitious score that shows reliable improvement or lies on the good side of the cut-off.

        None where neither is published, or neither lies within the scale.
        """
        criteria = self.criteria
        goals: list[float] = []
        if criteria.reliable_change is not None:
            step = -criteria.reliable_change if self.lower_is_better else criteria.reliable_change
            goals.append(self.baseline.score + step)
        if criteria.cutoff is not None:
            # Where lower is better, the cut-off itself still lies on the clinical side.
            goals.append(criteria.cutoff - 1 if self.lower_is_better else criteria.cutoff)
        within = [goal for goal in goals if criteria.minimum <= goal <= criteria.maximum]
        return (max if self.lower_is_better else min)(within, default=None)

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

    def chance_of_goal(self, prediction: Prediction) -> FloatArray | None:
        """Give the probability that new scores reach the goal; None where there is no goal."""
        goal = self.goal_score
        if goal is None:
            return None
        return prediction.at_most(goal) if self.lower_is_better else prediction.at_least(goal)

    def chance_of_deterioration(self, prediction: Prediction) -> FloatArray | None:
        """Give the probability that new scores are reliably worse than the baseline; None if that is not defined."""
        if self.criteria.reliable_change is None:
            return None
        if self.lower_is_better:
            return prediction.at_least(self.baseline.score + self.criteria.reliable_change)
        return prediction.at_most(self.baseline.score - self.criteria.reliable_change)
