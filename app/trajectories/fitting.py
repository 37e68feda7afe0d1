"""Learning a curve from episodes: offline, never inside a request.

A service starts with a published curve, a prior, and its own scores move it by what they tell: much where they are many
and to the point, hardly where they say little. The search is for the maximum of likelihood times prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes
from app.trajectories.fit_warning import FitWarning
from app.trajectories.growth import GrowthCurve, Provenance
from app.trajectories.likelihood import Likelihood
from app.trajectories.parameters import SHARE, Parameters, PriorSpread
from app.trajectories.prediction import FloatArray
from app.trajectories.search import Errors, Objective, search

ENOUGH_EPISODES = 500
"""From so many on, drift time, worsening and shares are learnt as well (engine, section 5: no loss below)."""

_TOLD_BY_MANY = ("ln_drift_weeks", "worsening", SHARE)
_STEP = 1e-5  # of a parameter, for the derivatives that carry errors over
_NONE = 1e-3  # a spread below this share of the noise's is none
_HARDLY = 0.05  # a share of the noise's below which the spread of a drift is hardly any
_SEEN_STEPS, _SEEN_COURSES = 0.25, 20.0  # a time constant is told by steps of that length, and courses of that
_EXPECTED_LOW, _SURPRISE = 5.0, 1e-3


@dataclass(frozen=True, slots=True)
class FittedParameter:
    """One parameter of a fitted curve.

    Parameters
    ----------
    name : str
        As in :class:`~app.trajectories.growth.GrowthCurve`, or `share_` and a shape.
    estimate : float
        Its value, in the curve's units.
    standard_error : float
        From the information in scores and prior. NaN where it was held, or can't be told.
    robust_standard_error : float
        The sandwich: right, too, where persons don't vary quite as the model says. NaN likewise, and where not asked.
    prior : float
        Where the search began: the prior's value, or a guess where there is no prior.
    held : bool
        Whether it was not learnt.
    """

    name: str
    estimate: float
    standard_error: float
    robust_standard_error: float
    prior: float
    held: bool


@dataclass(frozen=True, slots=True)
class GrowthFit:
    """A growth curve that was learnt from episodes.

    Parameters
    ----------
    curve : GrowthCurve
        The curve.
    parameters : tuple of FittedParameter
        Its parameters with their errors.
    n_episodes, n_observations : int
        How many episodes and scores it was learnt from.
    loglik : float
        Log-likelihood of the scores on the link scale, with all constants; the prior is not in it.
    log_prior : float
        What the prior takes off, without its constants; 0 where there is none.
    converged : bool
        Whether the search reached the maximum.
    iterations : int
        Steps that it took.
    local_information : float or None
        Share of what is known of intercept and slope that comes from the episodes, 0 to 1: 1 - tr(S Sigma^-1) / 2, with
        Sigma their covariance before and S that after. None without a prior.
    warnings : tuple of FitWarning
        What to know before it is used.
    """

    curve: GrowthCurve
    parameters: tuple[FittedParameter, ...]
    n_episodes: int
    n_observations: int
    loglik: float
    log_prior: float
    converged: bool
    iterations: int
    local_information: float | None
    warnings: tuple[FitWarning, ...]


def fit_growth_curve(
    episodes: Episodes, start: GrowthCurve, spread: PriorSpread | None = None, *, robust: bool = True
) -> GrowthFit:
    """Learn a growth curve.

    Parameters
    ----------
    episodes : Episodes
        Scores of all who were referred, of ended and open episodes, on the scale of the curve.
    start : GrowthCurve
        The mean of the prior, and where the search begins; its link, shapes and natural fall are kept.
    spread : PriorSpread, optional
        How far the prior lets the parameters go. Without it the likelihood alone is maximised.
    robust : bool
        Whether to work out robust standard errors, which takes as long as the search with many episodes.

    Returns
    -------
    GrowthFit

    Raises
    ------
    InvalidSeries
        If nothing can be learnt: fewer than two episodes, all scores at one time or all the same, two scores of an
        episode at one time, or a score outside the scale.

    Notes
    -----
    With s_i the derivatives of the log-likelihood of episode i, the search goes by (BHHH) steps

        (H + damping diag H)^-1 (sum s_i + derivatives of the log prior),   H = sum s_i s_i' + prior precision

    where the damping grows until a step gains (Marquardt). Derivatives are differences, for each episode; those by the
    shares are closed. Standard errors are of the inverse of A = -(second derivatives) + prior precision, the robust
    ones of A^-1 (sum s_i s_i' + prior precision) A^-1; the second derivatives are differences of scores. Where no
    robust errors are asked for, the squares stand for them with more than 1,000 episodes. Errors are carried over to a
    curve's own parameters by their derivatives (delta method).

    Missing scores are no trouble as long as leaving depends on scores that were seen. Patients chosen by their first
    score are: see :attr:`FitWarning.TRUNCATED_BASELINE`.

    References
    ----------
    Berndt, Hall, Hall & Hausman (1974), Annals of Economic and Social Measurement 3:653 (the search).
    Marquardt (1963), J SIAM 11:431, doi:10.1137/0111030 (damping).
    White (1982), Econometrica 50:1, doi:10.2307/1912526 (the sandwich).

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> from app.trajectories.parameters import default_spread
    >>> from app.trajectories.simulation import Occasions, simulate
    >>> prior = default_curve("phq-9")
    >>> worse_off = replace(prior, intercept=prior.intercept + 3)
    >>> cohort = simulate(np.random.default_rng(1), worse_off, Occasions((0, 2, 4, 8)), 200)
    >>> fit = fit_growth_curve(cohort.episodes, prior, default_spread("phq-9"))
    >>> round(fit.curve.intercept - prior.intercept), fit.converged, fit.warnings
    (3, True, (<FitWarning.FEW_EPISODES: 'few_episodes'>,))
    """
    refuse_unlearnable(episodes)
    parameters = Parameters(start)
    free = np.array([not _is_held(name, spread, episodes) for name in parameters.names])
    objective = Objective(Likelihood(episodes, start.link), parameters, parameters.vector(start), spread, free)
    found = search(objective)
    curve = replace(found.point.curve, key="fitted", version=1, provenance=_learnt_from(start))
    errors = Errors.of(objective, found, robust=robust)
    warnings = {
        FitWarning.FEW_EPISODES: not free.all(),
        FitWarning.UNCERTAIN: errors is None,
        FitWarning.NOT_CONVERGED: not found.converged,
    }
    return GrowthFit(
        curve=curve,
        parameters=_described(objective, found.point.vector, errors),
        n_episodes=episodes.count,
        n_observations=len(episodes.scores),
        loglik=found.point.loglik,
        log_prior=found.point.log_prior,
        converged=found.converged,
        iterations=found.iterations,
        local_information=_local_information(objective, errors),
        warnings=(*boundaries(curve, episodes), *(warning for warning, there in warnings.items() if there)),
    )


def refuse_unlearnable(episodes: Episodes) -> None:
    """Refuse episodes that no curve can be learnt from.

    Raises
    ------
    InvalidSeries
        If there are fewer than two of them, all scores lie at one time or are the same, or an episode has two scores
        at one time.
    """
    if episodes.count < 2:
        raise InvalidSeries("a curve needs at least two episodes to be learnt from")
    if np.ptp(episodes.scores) == 0:
        raise InvalidSeries("score is always the same, so nothing can be learnt from it", pointer="/score")
    later = np.flatnonzero(np.diff(episodes.episode) == 0)
    if not later.size or not (np.ptp(episodes.weeks) or np.ptp(episodes.doses)):
        raise InvalidSeries("all scores lie at one time, so no course can be learnt from them", pointer="/week")
    same = (np.diff(episodes.weeks)[later] == 0) & (np.diff(episodes.doses)[later] == 0)
    if same.any():
        raise InvalidSeries("an episode must not have two scores at one time", pointer="/week")


def boundaries(curve: GrowthCurve, episodes: Episodes) -> list[FitWarning]:
    """Name what a fitted curve has at the edge of what can be, and what its first scores lack."""
    noise = math.sqrt(curve.noise_variance)
    no_level, no_slope = curve.sd_intercept < _NONE * noise, curve.sd_slope < _NONE * noise
    warned = {
        FitWarning.BOUNDARY_SD_INTERCEPT: no_level,
        FitWarning.BOUNDARY_SD_SLOPE: no_slope,
        FitWarning.BOUNDARY_CORRELATION: not (no_level or no_slope) and 1 - abs(curve.correlation) < _NONE,
        FitWarning.BOUNDARY_DRIFT: curve.drift_variance > 0 and not _drift_is_seen(curve, episodes),
        FitWarning.TRUNCATED_BASELINE: _lacks_low_first_scores(curve, episodes),
    }
    return [warning for warning, there in warned.items() if there]


def _drift_is_seen(curve: GrowthCurve, episodes: Episodes) -> bool:
    """Tell whether there is drift that is neither noise to the shortest steps nor a level to the longest course."""
    steps = np.diff(episodes.weeks)[np.diff(episodes.episode) == 0]
    shortest, longest = float(steps[steps > 0].min(initial=np.inf)), float(np.ptp(episodes.weeks))
    much = math.sqrt(curve.drift_variance / curve.noise_variance) >= _HARDLY
    return much and _SEEN_STEPS * shortest < curve.drift_weeks < _SEEN_COURSES * longest


def _lacks_low_first_scores(curve: GrowthCurve, episodes: Episodes) -> bool:
    """Tell whether first scores stop short where the curve expects more of them: at either end."""
    at_start = episodes.doses[episodes.starts[:-1]] == 0
    first = episodes.first[at_start]
    if not first.size:
        return False
    table = curve.given([0.0], [0.0], [first.min()]).predict([0.0], [0.0], known=0)
    below, above = float(table.at_most(first.min() - 1)[0]), float(table.at_least(first.max() + 1)[0])
    return any(share * first.size > _EXPECTED_LOW and (1 - share) ** first.size < _SURPRISE for share in (below, above))


def _is_held(name: str, spread: PriorSpread | None, episodes: Episodes) -> bool:
    return spread is not None and episodes.count < ENOUGH_EPISODES and name.startswith(_TOLD_BY_MANY)


def _learnt_from(start: GrowthCurve) -> Provenance:
    return Provenance(f"learnt from local episodes, beginning with {start.key}", "fitted", start.provenance.confidence)


def _local_information(objective: Objective, errors: Errors | None) -> float | None:
    """Give 1 - tr(S Sigma^-1) / 2 of intercept and slope, which come first and are always free."""
    if objective.spread is None or errors is None:
        return None
    kept = np.diag(errors.covariance)[:2] * objective.precision[:2]
    return 1.0 - float(kept.mean())


def _described(objective: Objective, vector: FloatArray, errors: Errors | None) -> tuple[FittedParameter, ...]:
    """Give the curve's own parameters, with errors carried over from those of the search."""
    names, values = _own(objective.parameters, vector)
    priors = _own(objective.parameters, objective.centre)[1]
    derivatives = []
    for place in objective.free.tolist():
        low, high = vector.copy(), vector.copy()
        low[place] -= _STEP
        high[place] += _STEP
        derivatives.append((_own(objective.parameters, high)[1] - _own(objective.parameters, low)[1]) / (2 * _STEP))
    moved_by = np.array(derivatives).T
    held = np.asarray(~moved_by.any(axis=1))
    covariances = [] if errors is None else [errors.covariance, errors.robust]
    unknown = np.full(len(names), np.nan)
    found = [np.where(held, np.nan, np.sqrt(np.diag(moved_by @ each @ moved_by.T))) for each in covariances]
    columns = [values, *(found or [unknown, unknown]), priors, held]
    return tuple(map(FittedParameter, names, *(column.tolist() for column in columns)))


def _own(parameters: Parameters, vector: FloatArray) -> tuple[list[str], FloatArray]:
    """Give names and values of the parameters as a curve has them."""
    curve = parameters.curve(vector)
    drift = ("drift_variance", "drift_weeks") if "ln_drift_weeks" in parameters.names else ()
    worsening = ("worsening",) if "worsening" in parameters.names else ()
    names = ["intercept", "session_slope", "sd_intercept", "sd_slope", "correlation", "noise_variance"]
    names += [*drift, *worsening]
    shares = curve.shares if len(curve.shares) > 1 else {}
    values = [getattr(curve, name) for name in names] + list(shares.values())
    return [*names, *(f"share_{shape}" for shape in shares)], np.array(values)
