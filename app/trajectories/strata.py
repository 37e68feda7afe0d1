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
    With all other parameters at those of the whole, programme j by itself has the estimates e_j with information I_j.
    The variance between programmes is estimated for each of the two, from e_j and their variances v_j with w = 1 / v:

        T = max(0, (sum w (e - sum w e / sum w)^2 - (k - 1)) / (sum w - sum w^2 / sum w))

    and the programme gets (I_j + 1/T)^-1 (I_j e_j + whole / T), where T = 0 leaves it at the whole.

    References
    ----------
    DerSimonian & Laird (1986), Controlled Clinical Trials 7:177, doi:10.1016/0197-2456(86)90046-2 (the variance).
    """
    if len(strata) < 2:
        raise InvalidSeries("curves of programmes need two programmes or more", pointer="/programme")
    whole = fit_growth_curve(Episodes.joined(list(strata.values())), start, spread)
    centre = np.array([whole.curve.intercept, whole.curve.session_slope])
    own = [_by_themselves(episodes, whole.curve) for episodes in strata.values()]
    variances = np.array([_between(*column) for column in _columns([each for each in own if each is not None])])
    found = tuple(
        _drawn(name, episodes.count, whole.curve, centre, each, variances)
        for (name, episodes), each in zip(strata.items(), own, strict=True)
    )
    sd_intercept, sd_slope = np.sqrt(variances).tolist()
    return StrataFit(whole, sd_intercept, sd_slope, found)


@dataclass(frozen=True, slots=True)
class _Own:
    """Estimates of intercept and slope from episodes alone, and their covariance."""

    estimates: FloatArray
    covariance: FloatArray


def _by_themselves(episodes: Episodes, whole: GrowthCurve) -> _Own | None:
    """Give what the episodes of one programme say; None where they don't tell intercept and slope apart."""
    parameters = Parameters(whole)
    free = np.arange(len(parameters.names)) < 2
    objective = Objective(Likelihood(episodes, whole.link), parameters, parameters.vector(whole), None, free)
    found = search(objective)
    errors = Errors.of(objective, found)
    return _Own(found.point.vector[:2], errors.covariance) if errors and found.converged else None


def _columns(own: list[_Own]) -> list[tuple[FloatArray, FloatArray]]:
    """Give estimates and variances of the programmes, for intercept and slope."""
    estimates = np.array([each.estimates for each in own]).reshape(-1, 2)
    variances = np.array([np.diag(each.covariance) for each in own]).reshape(-1, 2)
    return list(zip(estimates.T, variances.T, strict=True))


def _between(estimates: FloatArray, variances: FloatArray) -> float:
    """Give the variance between programmes."""
    if len(estimates) < 2:
        return 0.0
    weights = 1 / variances
    mean = float(weights @ estimates / weights.sum())
    apart = float(weights @ (estimates - mean) ** 2) - (len(estimates) - 1)
    return max(0.0, apart / float(weights.sum() - (weights**2).sum() / weights.sum()))


def _drawn(
    name: str, count: int, whole: GrowthCurve, centre: FloatArray, own: _Own | None, variances: FloatArray
) -> Stratum:
    """Draw a programme's own estimates towards the whole.

    With root T on both sides nothing is divided by a variance of 0.
    """
    if own is None:
        return Stratum(name, count, whole, np.nan, np.nan, 0.0)
    root = np.diag(np.sqrt(variances))
    weight = root @ np.linalg.inv(root @ np.linalg.inv(own.covariance) @ root + np.eye(2)) @ root
    gain = weight @ np.linalg.inv(own.covariance)
    intercept, slope = (centre + gain @ (own.estimates - centre)).tolist()
    curve = replace(whole, intercept=intercept, session_slope=slope)
    own_intercept, own_slope = own.estimates.tolist()
    return Stratum(name, count, curve, own_intercept, own_slope, float(np.trace(gain)) / 2)
