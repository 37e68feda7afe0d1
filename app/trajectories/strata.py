"""Curves of programmes: each learns from its own episodes as far as programmes differ, and else from all of them.

A programme with few episodes tells little of its own course. Its intercept and slope are drawn towards those of the
whole, the more the less its episodes say and the less programmes are seen to differ; all else is that of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes
from app.trajectories.fitting import GrowthFit, fit_growth_curve
from app.trajectories.growth import GrowthCurve
from app.trajectories.likelihood import Likelihood
from app.trajectories.parameters import Parameters, PriorSpread
from app.trajectories.prediction import FloatArray
from app.trajectories.search import Errors, Objective, search


@dataclass(frozen=True, slots=True)
class Stratum:
    """The curve of one programme.

    Parameters
    ----------
    name : str
        The programme.
    n_episodes : int
        How many episodes of its own it has.
    curve : GrowthCurve
        Its curve, drawn towards the whole.
    own_intercept, own_slope : float
        What its episodes say by themselves, link units; NaN where they say nothing.
    own_weight : float
        Share of what is known of its intercept and slope that its own episodes gave, 0 to 1.
    """

    name: str
    n_episodes: int
    curve: GrowthCurve
    own_intercept: float
    own_slope: float
    own_weight: float


@dataclass(frozen=True, slots=True)
class StrataFit:
    """Curves of programmes, and of all of them together.

    Parameters
    ----------
    whole : GrowthFit
        The fit on all episodes.
    sd_intercept, sd_slope : float
        How much programmes differ, link units.
    strata : tuple of Stratum
        In the order given.
    """

    whole: GrowthFit
    sd_intercept: float
    sd_slope: float
    strata: tuple[Stratum, ...]


def fit_strata(strata: Mapping[str, Episodes], start: GrowthCurve, spread: PriorSpread | None = None) -> StrataFit:
    """Learn a curve for each programme.

    Parameters
    ----------
    strata : mapping of str to Episodes
        The episodes of each programme; two programmes or more.
    start, spread
        As for :func:`~app.trajectories.fitting.fit_growth_curve`, for the fit on all episodes.

    Returns
    -------
    StrataFit

    Raises
    ------
    InvalidSeries
        If there are fewer than two programmes, or nothing can be learnt from all of them together.

    Notes
    -----
    With all other parameters at those of the whole, the episodes of programme j say of intercept and slope that they
    lie at e_j with information I_j: by the slope and curvature of their log-likelihood, where it is highest together
    with the prior around the whole. The variance between programmes is estimated for each of the two, from e_j and
    their variances v_j with w = 1 / v:

        T = max(0, (sum w (e - sum w e / sum w)^2 - (k - 1)) / (sum w - sum w^2 / sum w))

    and the programme gets (I_j + 1/T)^-1 (I_j e_j + whole / T), where T = 0 leaves it at the whole.

    References
    ----------
    DerSimonian & Laird (1986), Controlled Clinical Trials 7:177, doi:10.1016/0197-2456(86)90046-2 (the variance).
    """
    if len(strata) < 2:
        raise InvalidSeries("curves of programmes need two programmes or more", pointer="/programme")
    whole = fit_growth_curve(Episodes.joined(list(strata.values())), start, spread)
    own = [_by_themselves(episodes, whole.curve, spread) for episodes in strata.values()]
    variances = np.array([_between(*_told_apart(own, place)) for place in (0, 1)])
    found = tuple(
        _drawn(name, episodes.count, whole.curve, each, variances)
        for (name, episodes), each in zip(strata.items(), own, strict=True)
    )
    sd_intercept, sd_slope = np.sqrt(variances).tolist()
    return StrataFit(whole, sd_intercept, sd_slope, found)


@dataclass(frozen=True, slots=True)
class _Own:
    """What the episodes of a programme say of intercept and slope: information, and information times distance.

    The distance is that of their own estimates from the whole. Where they say nothing, both are 0.
    """

    information: FloatArray
    pull: FloatArray

    def estimates(self) -> tuple[FloatArray, FloatArray]:
        """Give the distances and their variances; NaN and infinite where the two can't be told."""
        if np.linalg.eigvalsh(self.information)[0] <= 0:
            return np.full(2, np.nan), np.full(2, np.inf)
        covariance = np.linalg.inv(self.information)
        return np.asarray(covariance @ self.pull), np.diag(covariance)


def _by_themselves(episodes: Episodes, whole: GrowthCurve, spread: PriorSpread | None) -> _Own:
    """Give what the episodes of one programme say by themselves; the prior helps to find it and is taken off again."""
    parameters = Parameters(whole)
    free = np.arange(len(parameters.names)) < 2
    centre = parameters.vector(whole)
    objective = Objective(Likelihood(episodes, whole.link), parameters, centre, spread, free)
    found = search(objective)
    errors = Errors.of(objective, found, robust=False)
    if errors is None or not found.converged:
        return _Own(np.zeros((2, 2)), np.zeros(2))
    together = np.linalg.inv(errors.covariance)
    pull = together @ (found.point.vector - centre)[:2]
    return _Own(np.asarray(together - np.diag(objective.precision), dtype=np.float64), pull)


def _told_apart(own: list[_Own], place: int) -> tuple[FloatArray, FloatArray]:
    """Give the distances and variances of the programmes that tell one of the two."""
    distances, variances = (np.array(each)[:, place] for each in zip(*(each.estimates() for each in own), strict=True))
    told = np.isfinite(variances)
    return distances[told], variances[told]


def _between(estimates: FloatArray, variances: FloatArray) -> float:
    """Give the variance between programmes."""
    if len(estimates) < 2:
        return 0.0
    weights = 1 / variances
    mean = float(weights @ estimates / weights.sum())
    apart = float(weights @ (estimates - mean) ** 2) - (len(estimates) - 1)
    return max(0.0, apart / float(weights.sum() - (weights**2).sum() / weights.sum()))


def _drawn(name: str, count: int, whole: GrowthCurve, own: _Own, variances: FloatArray) -> Stratum:
    """Draw a programme's own estimates towards the whole.

    With root T on both sides nothing is divided by a variance of 0.
    """
    root = np.diag(np.sqrt(variances))
    weight = root @ np.linalg.inv(root @ own.information @ root + np.eye(2)) @ root
    intercept, slope = (weight @ own.pull).tolist()
    curve = replace(whole, intercept=whole.intercept + intercept, session_slope=whole.session_slope + slope)
    own_intercept, own_slope = own.estimates()[0].tolist()
    return Stratum(
        name,
        count,
        curve,
        whole.intercept + own_intercept,
        whole.session_slope + own_slope,
        own_weight=float(np.trace(weight @ own.information)) / 2,
    )
