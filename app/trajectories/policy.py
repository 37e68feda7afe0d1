"""What an organisation has decided about signals, and what is planned for one patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from app.errors import MalformedBody

_SESSIONS_LEFT_AT_REVIEW = 2
"""With a short plan the late window closes this many sessions before the planned end (design, 4.3)."""

_PROBABILITIES = (
    "early_share",
    "established_probability",
    "no_change_probability",
    "goal_probability",
    "clear_probability",
    "deterioration_probability",
    "band_level",
    "clear_band_level",
    "plateau_probability",
)


class Flagging(StrEnum):
    """When a flat or out-of-band course turns yellow."""

    PENDING = "pending"
    """From the late window on. Before it only expected worsening does: scores can't tell late responders yet."""

    EARLY = "early"
    """From the early window on, by two looks or one clear one. Finds more, and calls late responders too."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The windows and thresholds of an organisation; each version of them is kept.

    Parameters
    ----------
    flagging : Flagging
        When a flat or out-of-band course turns yellow.
    early_window_dose : int
        Dose by which early responders improve, and the first at which anything is judged.
    late_window_dose : int
        Dose from which on a course without improvement is time for review.
    period_evaluation_doses : tuple of int
        Doses at which the review is repeated, ascending.
    early_share : float
        Share of the way from the baseline to the good end of the scale that counts as improvement.
    established_probability : float
        Probability from which on a true improvement counts as established.
    no_change_probability : float
        Probability of that improvement below which a course counts as unchanged.
    goal_probability : float
        Probability of reaching the goal below which it counts as unlikely. For a share of episodes that a team can
        take up, :func:`thresholds_for_budget` finds this and `deterioration_probability`.
    clear_probability : float
        The same for a single look that is clear by itself, under early flagging.
    deterioration_probability : float
        Probability of reliable deterioration from which on it counts as likely.
    band_level : float
        Central probability of the expected band.
    clear_band_level : float
        The same for a single look that is clear by itself, under early flagging.
    stale_intervals, stale_extra_days : int
        A series is stale when its newest score is older than so many planned intervals and days more.
    plateau_dose : int
        Dose after which a plateau is looked for. A plateau is told, and sets no signal.
    plateau_sessions : int
        Sessions ahead in which nothing noticeable is to be expected there.
    plateau_probability : float
        Probability of a noticeable gain in them below which it counts as unlikely.

    Raises
    ------
    MalformedBody
        If a figure lies outside its range or two of them contradict each other.

    References
    ----------
    Windows 3 and 7, evaluations at 12, 20 and 52: design, 4.3. Share, established and no change: methods, B3
    (derived from Beard & Delgadillo 2019, Depression and Anxiety 36:866; B). Goal less likely than not: methods, B2
    (simulation; B). Deterioration .20: engine, section 4 (simulation; B). Stale after 21 days weekly and 35
    fortnightly: methods, G3 (judgement; UNVERIFIED). Clear at .25 and 95 %: judgement; UNVERIFIED. Plateau after
    session 6, over 4 sessions, below .20: methods, G3 (judgement; UNVERIFIED).
    """

    flagging: Flagging = Flagging.PENDING
    early_window_dose: int = 3
    late_window_dose: int = 7
    period_evaluation_doses: tuple[int, ...] = (12, 20, 52)
    early_share: float = 0.25
    established_probability: float = 0.80
    no_change_probability: float = 0.50
    goal_probability: float = 0.50
    clear_probability: float = 0.25
    deterioration_probability: float = 0.20
    band_level: float = 0.80
    clear_band_level: float = 0.95
    stale_intervals: int = 2
    stale_extra_days: int = 7
    plateau_dose: int = 6
    plateau_sessions: int = 4
    plateau_probability: float = 0.20

    def __post_init__(self) -> None:
        for name in _PROBABILITIES:
            if not 0 < getattr(self, name) < 1:
                raise _out_of_range(name, "a number above 0 and below 1")
        review_doses = (self.late_window_dose, *self.period_evaluation_doses)
        rules = (
            ("early_window_dose", self.early_window_dose >= 1, "1 or more"),
            ("late_window_dose", self.late_window_dose > self.early_window_dose, "more than early_window_dose"),
            (
                "period_evaluation_doses",
                all(earlier < later for earlier, later in pairwise(review_doses)),
                "ascending doses, all above late_window_dose",
            ),
            (
                "no_change_probability",
                self.no_change_probability <= self.established_probability,
                "at most established_probability",
            ),
            ("clear_probability", self.clear_probability <= self.goal_probability, "at most goal_probability"),
            ("clear_band_level", self.clear_band_level >= self.band_level, "at least band_level"),
            ("stale_intervals", self.stale_intervals >= 1, "1 or more"),
            ("stale_extra_days", self.stale_extra_days >= 0, "0 or more"),
            ("plateau_dose", self.plateau_dose >= 1, "1 or more"),
            ("plateau_sessions", self.plateau_sessions >= 1, "1 or more"),
        )
        for name, holds, allowed in rules:
            if not holds:
                raise _out_of_range(name, allowed)

    def late_window(self, plan: Plan) -> int:
        """Give the dose from which on a course without improvement is time for review.

        Parameters
        ----------
        plan : Plan
            What is planned for the patient.

        Returns
        -------
        int
            The late window, or two sessions before a shorter planned end, but not before the early window.

        Examples
        --------
        >>> [Policy().late_window(Plan(planned_dose=dose)) for dose in (4, 6, 20, None)]
        [3, 4, 7, 7]
        """
        if plan.planned_dose is None:
            return self.late_window_dose
        before_the_end = plan.planned_dose - _SESSIONS_LEFT_AT_REVIEW
        return max(self.early_window_dose, min(self.late_window_dose, before_the_end))

    def end_dose(self, plan: Plan, dose: int) -> int:
        """Give the dose that predictions made at a dose are for.

        Parameters
        ----------
        plan : Plan
            What is planned for the patient.
        dose : int
            Dose at the time of the prediction.

        Returns
        -------
        int
            The planned end; else, when none is planned or it has passed, the next period evaluation; else the dose
            itself. Never in the past.

        Examples
        --------
        >>> [Policy().end_dose(Plan(planned_dose=10), dose) for dose in (3, 10, 60)]
        [10, 12, 60]
        """
        ahead = [end for end in (plan.planned_dose, *self.period_evaluation_doses) if end is not None and end > dose]
        return ahead[0] if ahead else dose

    def due_dose(self, plan: Plan, dose: int) -> int | None:
        """Give the newest review point that a dose has reached.

        Parameters
        ----------
        plan : Plan
            What is planned for the patient.
        dose : int
            Dose now.

        Returns
        -------
        int or None
            Dose of the late window, a period evaluation or the planned end; None before the first of them.
        """
        points = (self.late_window(plan), *self.period_evaluation_doses, plan.planned_dose)
        return max((point for point in points if point is not None and point <= dose), default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned for one patient, as the verdict needs it.

    Parameters
    ----------
    planned_dose : int or None
        Counted sessions planned; None where there is no planned end.
    interval_days : int
        Planned days between sessions.
    pathway : int or None
        Pathway 1 to 3. In pathway 3, long-term harm-reduction care, only worsening signals.
    crisis_pause : bool
        Whether signals are paused while a crisis is handled.

    Raises
    ------
    MalformedBody
        If a figure lies outside its range.
    """

    planned_dose: int | None = None
    interval_days: int = 7
    pathway: int | None = None
    crisis_pause: bool = False

    def __post_init__(self) -> None:
        if self.planned_dose is not None and self.planned_dose < 1:
            raise _out_of_range("planned_dose", "1 or more")
        if self.interval_days < 1:
            raise _out_of_range("interval_days", "1 or more")
        if self.pathway is not None and self.pathway not in (1, 2, 3):
            raise _out_of_range("pathway", "1, 2 or 3")

    @property
    def only_worsening_signals(self) -> bool:
        """Whether the pathway is long-term harm reduction, where lack of improvement is no finding."""
        return self.pathway == 3

    def weeks_for(self, sessions: int) -> float:
        """Give the weeks that a number of sessions takes at the planned interval."""
        return sessions * self.interval_days / 7


def due_at(last_completed_at: datetime, plan: Plan) -> datetime:
    """Give the time at which the next measure is due: one planned interval after the last one."""
    return last_completed_at + timedelta(days=plan.interval_days)


def is_stale(last_completed_at: datetime, now: datetime, plan: Plan, policy: Policy) -> bool:
    """Tell whether a due measure has been missing for so long that the signal may be outdated.

    Parameters
    ----------
    last_completed_at : datetime
        When the newest score was given, aware.
    now : datetime
        The time of asking, aware.
    plan : Plan
        Holds the planned interval.
    policy : Policy
        Holds how many intervals, and days more, may pass.

    Returns
    -------
    bool
        True after 21 days of weekly and 35 of fortnightly care by default. Staleness lies over the last signal and
        never replaces it.

    Examples
    --------
    >>> from datetime import UTC
    >>> last = datetime(2024, 1, 1, tzinfo=UTC)
    >>> [is_stale(last, last + timedelta(days=days), Plan(), Policy()) for days in (21, 22)]
    [False, True]
    """
    patience = timedelta(days=policy.stale_intervals * plan.interval_days + policy.stale_extra_days)
    return now - last_completed_at > patience


def _out_of_range(name: str, allowed: str) -> MalformedBody:
    return MalformedBody(f"{name} must be {allowed}", pointer=f"/{name}", allowed=allowed)
