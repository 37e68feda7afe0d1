"""The plain mixed model: a line for each patient around a common one, with noise that has no memory.

It is what local data are first described with, and what the full growth model has to be better than:

    score = X beta + u0 + u1 time + e

with (u0, u1) normal and correlated, and e independent normal noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes
from app.trajectories.fit_warning import FitWarning
from app.trajectories.prediction import FloatArray

_LARGEST = 1e100  # beyond it squares are soon infinite
_ROUNDING = 1e-10  # a share of a column's size, or of its variance, that may be rounding and nothing else
_SAME_TIME = 1e-6  # share of the spread of all times within which two times are one
_BOUNDARY = 1e-3  # a spread below this share of the noise is none
_STEPS, _AIMED_GRADIENT, _ENOUGH_GRADIENT = 200, 1e-7, 1e-5  # rounding may stop a search between the gradients
_ENOUGH_SLOPE = 1e-4  # a way inside that is less steep gains less than 1e-3 of log-likelihood with 160,000 scores
_START = (0.7, 0.0, 0.5)  # in units of the guess: as in the defaults, levels differ more than slopes


class Method(StrEnum):
    """Which likelihood is maximised."""

    ML = "ml"
    """That of the scores: fits with different covariates can be compared."""
    REML = "reml"
    """That of what the fixed effects leave: the spreads are not underestimated."""


@dataclass(frozen=True, slots=True)
class FixedEffect:
    """What one column adds to the mean of all.

    Parameters
    ----------
    name : str
        `intercept`, `time`, or the name of a covariate.
    estimate, standard_error : float
        Points for each unit of the column; the error takes the spreads as known.
    """

    name: str
    estimate: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class MixedModelFit:
    """A fitted mixed model, in the units of the data.

    Parameters
    ----------
    n_episodes, n_observations : int
        How many episodes and scores it was learnt from.
    method : Method
        Which likelihood was maximised.
    loglik : float
        Its maximum, with all constants.
    converged : bool
        Whether the search reached it.
    fixed_effects : tuple of FixedEffect
        Intercept, time, then the covariates in their order.
    sd_intercept, sd_slope : float
        Spread of persons around the common intercept, at time 0, and around the common slope.
    correlation : float or None
        Correlation of the two. None where one of them is 0.
    sd_residual : float
        Spread of the noise.
    warnings : tuple of FitWarning
        What to know before it is used.
    """

    n_episodes: int
    n_observations: int
    method: Method
    loglik: float
    converged: bool
    fixed_effects: tuple[FixedEffect, ...]
    sd_intercept: float
    sd_slope: float
    correlation: float | None
    sd_residual: float
    warnings: tuple[FitWarning, ...]


def fit_mixed_model(
    episodes: Episodes,
    time: npt.ArrayLike,
    *,
    method: Method = Method.REML,
    covariates: npt.ArrayLike | None = None,
    names: Sequence[str] = (),
) -> MixedModelFit:
    """Fit a line for each patient around a common one.

    Parameters
    ----------
    episodes : Episodes
        The scores. Episodes with a single one count too.
    time : array_like, shape (rows,)
        Time of each score, on whatever scale the lines are straight. Within an episode different, in any order.
    method : Method
        Which likelihood to maximise.
    covariates : array_like, shape (rows, p), optional
        Further columns of X, the same throughout an episode or not.
    names : sequence of str
        Names of the covariates; `covariate_1` and so on if not given.

    Returns
    -------
    MixedModelFit

    Raises
    ------
    InvalidSeries
        If nothing can be learnt: fewer than two episodes, a number missing, infinite or too much, two scores of an
        episode at one time, a column that does not vary or is made of others, or scores without noise.

    Notes
    -----
    With Z = [1, time], K = Z'Z in each episode and D the covariance of (u0, u1) in units of the noise variance s^2,
    V = I + Z D Z'. Given D, beta is the generalised least squares estimate and s^2 = rss / df, where df is the number
    of scores, for REML less the columns of X. What remains is

        -2 loglik = sum ln|V| + df (1 + ln(2 pi rss / df)), and for REML + ln|A| with A = sum X' V^-1 X

    With l the coefficients of least-squares lines through the columns of an episode, and r what these leave,

        |V| = |I + K D|,   B = Z' V^-1 Z = (K + |K| adj D) / |V|,   C' V^-1 C = r'r + l' B l,   Z' V^-1 C = B l

    for the columns C of X and the scores: sums of squares, so that little noise beside much spread costs no digits. The
    derivative by D is sum B - e e' df / rss, and for REML - F A^-1 F', with e and F the B l of residuals and of X.
    D = L L' is searched over the entries of L, which have no bounds, so that a spread of 0 is found like any other. For
    that X is made orthonormal and the scores are centred and scaled; the log-likelihood is carried back by the scale of
    the scores, and that of REML by the determinant of what was done to X as well.

    References
    ----------
    Laird & Ware (1982), Biometrics 38:963, doi:10.2307/2529876 (the model).
    Bates, Maechler, Bolker & Walker (2015), J Stat Softw 67(1), doi:10.18637/jss.v067.i01 (profiled likelihoods).
    Lindstrom & Bates (1988), JASA 83:1014, doi:10.1080/01621459.1988.10478693 (derivatives).

    Examples
    --------
    >>> times = [0, 1, 2, 3] * 4
    >>> scores = [15, 13, 12, 9, 20, 16, 13, 9, 11, 10, 7, 7, 17, 16, 17, 15]
    >>> four = Episodes.of(np.repeat([1, 2, 3, 4], 4), doses=times, weeks=times, scores=scores)
    >>> fit = fit_mixed_model(four, times, method=Method.ML)
    >>> [round(each.estimate, 3) for each in fit.fixed_effects], round(fit.sd_intercept, 2), round(fit.correlation, 2)
    ([15.75, -1.875], 3.18, -0.48)
    """
    design = _Design.of(episodes, time, covariates, names)
    likelihood = _Likelihood(_Lines.of(design.columns, episodes), method)
    factor, point, converged = _maximise(likelihood)
    back, noise = design.back, math.sqrt(point.noise)
    effects = back @ point.effects
    effects[0] += design.centre
    errors = noise * np.sqrt(np.diag(back @ point.covariance @ back.T))
    at_zero = back[:2, :2] @ factor
    sds = np.linalg.norm(at_zero, axis=1)
    none = sds < _BOUNDARY * np.abs(np.diag(back)[:2])
    singular = np.linalg.norm(factor, -2) < _BOUNDARY
    warned = {
        FitWarning.BOUNDARY_SD_INTERCEPT: none[0],
        FitWarning.BOUNDARY_SD_SLOPE: none[1],
        FitWarning.BOUNDARY_CORRELATION: singular and not none.any(),
        FitWarning.NOT_CONVERGED: not converged,
    }
    return MixedModelFit(
        n_episodes=episodes.count,
        n_observations=len(episodes.scores),
        method=method,
        loglik=likelihood.maximum(point, design),
        converged=converged,
        fixed_effects=tuple(map(FixedEffect, design.names, effects.tolist(), errors.tolist())),
        sd_intercept=noise * float(sds[0]),
        sd_slope=noise * float(sds[1]),
        correlation=None if none.any() else float(np.clip(at_zero[0] @ at_zero[1] / sds.prod(), -1.0, 1.0)),
        sd_residual=noise * design.scale,
        warnings=tuple(warning for warning, there in warned.items() if there),
    )


@dataclass(frozen=True, slots=True)
class _Design:
    """The columns of X, made orthonormal with 1 and time first, and the scores, centred and of variance 1; as rows.

    `back` carries effects back to columns and scores as they were, which had that `centre` and `scale`.
    """

    columns: FloatArray
    names: tuple[str, ...]
    back: FloatArray
    centre: float
    scale: float

    @classmethod
    def of(
        cls, episodes: Episodes, time: npt.ArrayLike, covariates: npt.ArrayLike | None, names: Sequence[str]
    ) -> _Design:
        """Check the data and lay them out."""
        if episodes.count < 2:
            raise InvalidSeries("a mixed model needs at least two episodes")
        rows = len(episodes.scores)
        times = _numbers("time", time, rows, 1)
        others = np.empty((rows, 0)) if covariates is None else _numbers("covariate", covariates, rows, 2)
        names = tuple(names) or tuple(f"covariate_{number + 1}" for number in range(others.shape[1]))
        if len(names) != others.shape[1]:
            raise InvalidSeries("each covariate needs one name", pointer="/names")
        given = zip(("time", *names, "score"), (times, *others.T, episodes.scores), strict=True)
        columns, centres, scales = zip(*(_scaled(what, column) for what, column in given), strict=True)
        _refuse_two_scores_at_one_time(episodes, columns[0])
        x = np.stack([np.ones(rows), *columns[:-1]])
        crossed = x @ x.T / rows
        if np.linalg.eigvalsh(crossed)[0] < _ROUNDING:
            raise InvalidSeries("time and covariates must not be made of each other", pointer="/covariate")
        orthonormal = np.linalg.inv(np.linalg.cholesky(crossed))
        back = np.diag([1.0, *(1.0 / np.array(scales[:-1]))])
        back[0, 1:] = -np.array(centres[:-1]) / scales[:-1]
        every = np.vstack([orthonormal @ x, columns[-1]])
        return cls(every, ("intercept", "time", *names), scales[-1] * back @ orthonormal.T, centres[-1], scales[-1])


def _numbers(what: str, values: npt.ArrayLike, rows: int, axes: int) -> FloatArray:
    """Read one number, or one row of numbers, for each score."""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidSeries(f"each {what} must be a number", pointer=f"/{what}") from error
    if numbers.ndim != axes or len(numbers) != rows:
        raise InvalidSeries(f"each score needs its {what}", pointer=f"/{what}")
    return numbers


def _scaled(what: str, column: FloatArray) -> tuple[FloatArray, float, float]:
    """Give a column centred and with variance 1, with its centre and its scale."""
    size = float(np.abs(column).max())
    if not size < _LARGEST:
        raise InvalidSeries(f"each {what} must be a finite number", pointer=f"/{what}")
    span = float(np.ptp(column))
    if span <= _ROUNDING * size:
        raise InvalidSeries(f"{what} is always the same, so nothing can be learnt from it", pointer=f"/{what}")
    within = (column - column.mean()) / span  # divided twice, since the square of a small number may be 0
    return within / within.std(), float(column.mean()), span * float(within.std())


def _refuse_two_scores_at_one_time(episodes: Episodes, times: FloatArray) -> None:
    """Refuse what is a mistake in the data far more often than it is meant."""
    steps = np.diff(times[np.lexsort((times, episodes.episode))])
    steps[episodes.starts[1:-1] - 1] = np.inf
    if (steps < _SAME_TIME).any():
        raise InvalidSeries("an episode must not have two scores at one time", pointer="/time")


@dataclass(frozen=True, slots=True)
class _Lines:
    """A least-squares line through each column of each episode: all that the likelihood needs of the rows.

    An episode has `lengths` scores; `squares` sums those of their times around their mean, the centre. `levels` (at the
    centre) and `slopes` are l, a row for each column; a single score has a flat line. `left` is r'r over all episodes.
    """

    lengths: FloatArray
    squares: FloatArray
    levels: FloatArray
    slopes: FloatArray
    left: FloatArray
    noise: float

    @classmethod
    def of(cls, columns: FloatArray, episodes: Episodes) -> _Lines:
        """Draw the lines, once."""
        starts, lengths = episodes.starts[:-1], episodes.lengths.astype(np.float64)
        means = np.add.reduceat(columns, starts, axis=1) / lengths
        inside = columns - np.repeat(means, episodes.lengths, axis=1)
        squares = np.where(lengths > 1, np.add.reduceat(inside[1] ** 2, starts), 0.0)
        slopes = np.add.reduceat(inside * inside[1], starts, axis=1) / np.where(lengths > 1, squares, 1.0)
        inside -= np.repeat(slopes, episodes.lengths, axis=1) * inside[1]
        left = inside @ inside.T
        return cls(lengths, squares, means, slopes, left, _noise(left, free=np.maximum(lengths - 2.0, 0.0).sum()))


def _noise(left: FloatArray, free: float) -> float:
    """Give the variance that neither lines nor covariates explain; the lines leave `free` degrees of freedom.

    Where they explain everything, as they do where no episode has three scores, there may be no maximum to find.
    """
    sizes, directions = np.linalg.eigh(left[2:-1, 2:-1])
    varying = sizes > _ROUNDING * (free + 1.0)
    along = directions.T[varying] @ left[2:-1, -1]
    remaining = float(left[-1, -1] - (along**2 / sizes[varying]).sum())
    free -= float(varying.sum())
    if free < 1.0 or remaining <= _ROUNDING * free:
        raise InvalidSeries("the scores of each episode lie on a line of its own, so there is no noise to learn from")
    return remaining / free


class _Point(NamedTuple):
    """The likelihood of scaled columns at one D; variances but the last are in units of the noise variance."""

    deviance: float  # by score, without its constants
    slope: FloatArray  # its derivative by D
    effects: FloatArray
    covariance: FloatArray
    noise: float


class _Likelihood:
    """The profiled likelihood of scaled columns as a function of D = L L'."""

    def __init__(self, lines: _Lines, method: Method) -> None:
        self.lines = lines
        self.reml = method is Method.REML
        self.centres = lines.levels[1]  # the line through time itself
        self.rows = int(lines.lengths.sum())
        self.df = self.rows - self.reml * (len(lines.left) - 1)

    def at(self, factor: FloatArray) -> _Point:
        """Give the likelihood where L is `factor`."""
        volumes, (b00, b01, b11) = self._weigh(factor)
        levels, slopes = self.lines.levels, self.lines.slopes
        low, high = b00 * levels + b01 * slopes, b01 * levels + b11 * slopes
        products = self.lines.left + low @ levels.T + high @ slopes.T
        covariance = np.asarray(np.linalg.inv(products[:-1, :-1]), dtype=np.float64)
        residual = np.append(-covariance @ products[:-1, -1], 1.0)
        rss = float(residual @ products @ residual)
        taken = np.outer(residual, residual) * (self.df / rss)
        deviance = float(np.log(volumes).sum()) + self.df * math.log(rss)
        if self.reml:
            taken[:-1, :-1] += covariance
            deviance -= float(np.linalg.slogdet(covariance)[1])
        high += self.centres * low
        by_level = b00.sum() - (taken * (low @ low.T)).sum()
        by_both = (b01 + self.centres * b00).sum() - (taken * (low @ high.T)).sum()
        by_slope = (b11 + self.centres * (2.0 * b01 + self.centres * b00)).sum() - (taken * (high @ high.T)).sum()
        slope = np.array([[by_level, by_both], [by_both, by_slope]]) / self.rows
        return _Point(deviance / self.rows, slope, -residual[:-1], covariance, rss / self.df)

    def _weigh(self, factor: FloatArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray, FloatArray]]:
        """Give |V| of each episode, and entries 00, 01 and 11 of its B, with time counted from its mean time."""
        n, squares, ((a, _), (b, c)) = self.lines.lengths, self.lines.squares, factor
        at_centre, apart = a + self.centres * b, self.centres * c
        d00, d01, d11 = at_centre**2 + apart**2, at_centre * b + apart * c, b * b + c * c
        volumes = 1.0 + n * d00 + squares * (d11 + (a * c) ** 2 * n)
        b00, b01, b11 = n * (1.0 + squares * d11), -n * squares * d01, squares * (1.0 + n * d00)
        return volumes, (b00 / volumes, b01 / volumes, b11 / volumes)

    def maximum(self, point: _Point, design: _Design) -> float:
        """Give the log-likelihood of the scores and columns as they were, with all constants."""
        of_scaled = -0.5 * (point.deviance * self.rows + self.df * (1.0 + math.log(2.0 * math.pi / self.df)))
        return of_scaled - self.rows * math.log(design.scale) + self.reml * float(np.linalg.slogdet(design.back)[1])


def _maximise(likelihood: _Likelihood) -> tuple[FloatArray, _Point, bool]:
    """Search for L, and tell whether the maximum was found.

    In units of a first guess, any ratio of the persons' spread to the noise is an ordinary number.
    """
    guess = math.sqrt(max(1.0 / likelihood.lines.noise - 1.0, 0.1))

    def factored(entries: FloatArray) -> FloatArray:
        return np.array([[entries[0], 0.0], [entries[1], entries[2]]]) * guess

    def deviance(entries: FloatArray) -> tuple[float, FloatArray]:
        factor = factored(entries)
        point = likelihood.at(factor)
        return point.deviance, 2.0 * guess * (point.slope @ factor)[[0, 1, 1], [0, 0, 1]]

    found = minimize(deviance, _START, jac=True, method="BFGS", options={"gtol": _AIMED_GRADIENT, "maxiter": _STEPS})
    factor = factored(found.x)
    point = likelihood.at(factor)
    # Where L is singular its gradient is 0 whether or not the likelihood rises on the way inside; that of D tells.
    inside = float(np.linalg.eigvalsh(point.slope)[0]) * guess**2
    return factor, point, bool(np.abs(found.jac).max() < _ENOUGH_GRADIENT and inside > -_ENOUGH_SLOPE)
