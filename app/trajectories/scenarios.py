"""Services to try the engine on: as it believes the world to be, and wrong on purpose.

What is wrong on purpose has figures of its own making. They say nothing of real services; they are there to see what
becomes of bands, probabilities and flags when the engine's beliefs don't hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from app.scales.change import Better, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import LinkKind
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Cohort, Leaving, Occasions, simulate

_MANY_LATE = 0.25  # engine, section 4
_HARDER = 3.0  # points: "a service 3 points worse than the prior" (methods, G5)
_MILDER = 5.0  # points: so that a quarter of the scores of a PHQ-9 lie at the floor by dose 20
_OFTEN = 0.5  # leave, who are well, or worse


class Scenario(StrEnum):
    """A service to try the engine on."""

    WELL_SPECIFIED = "well_specified"
    """As the engine believes."""
    TRUTH_IDENTITY = "truth_identity"
    """Scores are normal on the raw scale, and cut off at its ends."""
    TRUTH_LOGIT = "truth_logit"
    """Scores are normal on the logit scale."""
    MANY_LATE = "many_late"
    """A quarter of the patients respond late."""
    WHITE_NOISE = "white_noise"
    """No drift: the same variance without memory."""
    FLOOR = "floor"
    """Milder patients, whose scores reach the floor."""
    LEAVING_WHEN_WELL = "leaving_when_well"
    """Half of those who are below the cut-off leave, at each score."""
    LEAVING_WHEN_WORSE = "leaving_when_worse"
    """Half of those who are reliably worse leave, at each score."""
    FORTNIGHTLY = "fortnightly"
    """Two weeks between sessions."""
    WORSE_SERVICE = "worse_service"
    """Patients start three points higher, and less is gained."""


@dataclass(frozen=True, slots=True)
class World:
    """A service as it is.

    Parameters
    ----------
    truth : GrowthCurve
        How its patients really answer.
    interval_weeks : float
        Weeks between two sessions.
    leaving : Leaving or None
        Who leaves; nobody when None.
    """

    truth: GrowthCurve
    interval_weeks: float = 1.0
    leaving: Leaving | None = None

    def cohort(self, rng: np.random.Generator, doses: tuple[int, ...], count: int) -> Cohort:
        """Draw patients of the service with scores at some doses; see :func:`~app.trajectories.simulation.simulate`."""
        return simulate(rng, self.truth, Occasions(doses, self.interval_weeks), count, self.leaving)


def world(scenario: Scenario, curve: GrowthCurve, criteria: ChangeCriteria) -> World:
    """Give a service as a scenario has it.

    Parameters
    ----------
    scenario : Scenario
        Which one.
    curve : GrowthCurve
        What the engine believes.
    criteria : ChangeCriteria
        Cut-off and reliable change of the score, where they are published; leaving goes by them.

    Returns
    -------
    World

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> world(Scenario.FORTNIGHTLY, default_curve("phq-9"), ChangeCriteria(0, 27)).interval_weeks
    2.0
    """
    return _WORLDS[scenario](curve, criteria)


def _with_link(kind: LinkKind) -> Callable[[GrowthCurve, ChangeCriteria], World]:
    """Give the same figures on another scale: link units are points at the middle of each."""
    return lambda curve, _: World(replace(curve, link=replace(curve.link, kind=kind)))


def _many_late(curve: GrowthCurve, _: ChangeCriteria) -> World:
    late = curve.shares.get(ResponseShape.LATE, 0.0)
    others = {shape: share * (1 - _MANY_LATE) / (1 - late) for shape, share in curve.shares.items()}
    return World(replace(curve, shares=others | {ResponseShape.LATE: _MANY_LATE}))


def _white_noise(curve: GrowthCurve, _: ChangeCriteria) -> World:
    return World(replace(curve, drift_variance=0.0, noise_variance=curve.drift_variance + curve.noise_variance))


def _shifted(curve: GrowthCurve, criteria: ChangeCriteria, points: float, share: float = 1.0) -> World:
    """Give a service whose patients start so many points worse, and gain that share of what others do."""
    worse = points if criteria.better is Better.LOWER else -points
    return World(replace(curve, intercept=curve.intercept + worse, session_slope=curve.session_slope * share))


def _leaving_when_well(curve: GrowthCurve, criteria: ChangeCriteria) -> World:
    if criteria.cutoff is None:
        return World(curve)
    return World(curve, leaving=Leaving(when_at_most=criteria.cutoff - 1, then=_OFTEN))


def _leaving_when_worse(curve: GrowthCurve, criteria: ChangeCriteria) -> World:
    if criteria.reliable_change is None:
        return World(curve)
    return World(curve, leaving=Leaving(when_risen_by=criteria.reliable_change, then=_OFTEN))


_WORLDS: Mapping[Scenario, Callable[[GrowthCurve, ChangeCriteria], World]] = {
    Scenario.WELL_SPECIFIED: lambda curve, _: World(curve),
    Scenario.TRUTH_IDENTITY: _with_link(LinkKind.IDENTITY),
    Scenario.TRUTH_LOGIT: _with_link(LinkKind.LOGIT),
    Scenario.MANY_LATE: _many_late,
    Scenario.WHITE_NOISE: _white_noise,
    Scenario.FLOOR: lambda curve, criteria: _shifted(curve, criteria, -_MILDER),
    Scenario.LEAVING_WHEN_WELL: _leaving_when_well,
    Scenario.LEAVING_WHEN_WORSE: _leaving_when_worse,
    Scenario.FORTNIGHTLY: lambda curve, _: World(curve, interval_weeks=2.0),
    Scenario.WORSE_SERVICE: lambda curve, criteria: _shifted(curve, criteria, _HARDER, share=0.7),
}
