"""The gates: what a curve learnt from an organisation's own episodes must show before a person may put it into force.

A gate is passed or not by its figure alone. There is no setting that opens one, and a figure that can't be told opens
none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.errors import InvalidSeries
from app.trajectories.sampling_error import Interval

EPISODES_NEEDED = 100
"""Episodes with at least three scores that a curve is learnt from (methods, G2)."""

COVERAGE = (0.75, 0.85)
"""Share of later scores within their central 80 % interval (methods, G2)."""

CALIBRATION_SLOPE = (0.8, 1.2)
"""Slope of what happened on what was foretold (methods, G2)."""


class GateName(StrEnum):
    """What is asked of a learnt curve."""

    ENOUGH_EPISODES = "enough_episodes"
    """It was learnt from enough episodes with at least three scores."""

    OUT_OF_TIME = "out_of_time"
    """It was judged by episodes that started after those it was learnt from."""

    COVERAGE = "coverage"
    """Its central 80 % interval holds about that share of the later scores."""

    CALIBRATION = "calibration"
    """What it calls likely happens as often as it says."""

    LOG_SCORE = "log_score"
    """It foretells scores not significantly worse than the curve that is in force."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How a learnt curve did on episodes that it was not learnt from.

    Parameters
    ----------
    episodes_learnt_with_three_scores : int
        Episodes with at least three scores that the curve was learnt from, 0 or more.
    episodes_judged : int
        Episodes that started later and had scores to foretell, 0 or more.
    coverage : Interval
        Share of the later scores in the central 80 % interval, 0 to 1; a whole score counts by the part of its
        probability that lies inside (engine, section 1).
    calibration_slope : Interval
        Logistic slope of what happened on the logit of what was foretold; 1 is right.
    log_score_difference : Interval
        Mean over episodes of ln p(score), the learnt curve's minus that of the curve in force on the same scores, with
        the standard error of a paired difference; above 0 the learnt one is better.

    Raises
    ------
    InvalidSeries
        If a number of episodes is negative.

    Notes
    -----
    A figure of an interval is NaN where it can't be told: then its gate stays shut.
    """

    episodes_learnt_with_three_scores: int
    episodes_judged: int
    coverage: Interval
    calibration_slope: Interval
    log_score_difference: Interval

    def __post_init__(self) -> None:
        for name in ("episodes_learnt_with_three_scores", "episodes_judged"):
            if getattr(self, name) < 0:
                raise InvalidSeries(f"{name} must be 0 or more", pointer=f"/{name}")


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that is asked, and what was found.

    Parameters
    ----------
    name : GateName
        Which one.
    figure : float
        What was found; NaN where it can't be told.
    at_least, at_most : float
        What is asked, ends included; infinite where one side is open.
    """

    name: GateName
    figure: float
    at_least: float = -math.inf
    at_most: float = math.inf

    @property
    def passed(self) -> bool:
        """Whether the figure is finite and lies within what is asked."""
        return math.isfinite(self.figure) and self.at_least <= self.figure <= self.at_most


def judge(held_out: HeldOut) -> tuple[Gate, ...]:
    """Hold a learnt curve against every gate.

    Parameters
    ----------
    held_out : HeldOut
        How it did on later episodes.

    Returns
    -------
    tuple of Gate
        All of them, in the order of :class:`GateName`.

    Notes
    -----
    Coverage and slope are judged by their estimates. The difference of log scores is judged by the upper end of its
    95 % interval, which must not lie below 0: the gain from local data is small (engine, section 5), so a curve has
    to be not significantly worse, and need not be better. An interval with a figure that is not finite has none.

    Examples
    --------
    >>> found = HeldOut(
    ...     episodes_learnt_with_three_scores=140,
    ...     episodes_judged=52,
    ...     coverage=Interval(0.79, 0.03, 0.73, 0.85),
    ...     calibration_slope=Interval(0.71, 0.11, 0.49, 0.93),
    ...     log_score_difference=Interval(-0.004, 0.005, -0.014, 0.006),
    ... )
    >>> [str(gate.name) for gate in judge(found) if not gate.passed], all_passed(judge(found))
    (['calibration'], False)
    """
    return (
        Gate(GateName.ENOUGH_EPISODES, held_out.episodes_learnt_with_three_scores, at_least=EPISODES_NEEDED),
        Gate(GateName.OUT_OF_TIME, held_out.episodes_judged, at_least=1),
        Gate(GateName.COVERAGE, _if_known(held_out.coverage, held_out.coverage.estimate), *COVERAGE),
        Gate(
            GateName.CALIBRATION,
            _if_known(held_out.calibration_slope, held_out.calibration_slope.estimate),
            *CALIBRATION_SLOPE,
        ),
        Gate(
            GateName.LOG_SCORE,
            _if_known(held_out.log_score_difference, held_out.log_score_difference.upper),
            at_least=0.0,
        ),
    )


def all_passed(gates: Iterable[Gate]) -> bool:
    """Tell whether every gate there is was asked about, and is passed."""
    passed = {gate.name for gate in gates if gate.passed}
    return passed == set(GateName)


def _if_known(interval: Interval, figure: float) -> float:
    """Give a figure of an interval, or NaN where any of them is not finite: such an interval says nothing."""
    figures = (interval.estimate, interval.standard_error, interval.lower, interval.upper)
    return figure if all(map(math.isfinite, figures)) else math.nan
