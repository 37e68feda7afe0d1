"""The search for the curve that episodes and prior speak for most, and how sure it is."""

from __future__ import annotations

import math
from copy import copy
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.errors import InstrumentDataError, InvalidSeries
from app.trajectories.growth import GrowthCurve
from app.trajectories.likelihood import Likelihood, mixed
from app.trajectories.parameters import SHARE, Parameters, PriorSpread
from app.trajectories.prediction import FloatArray
from app.trajectories.shapes import ResponseShape

_STEP = 1e-6  # of a parameter, for differences: between rounding and curvature
_WIDE_STEP = 1e-3  # for differences of scores, which have the rounding of differences themselves
_LONGEST_STEP = 2.0  # of a parameter in one iteration: beyond it logarithms run away
_ITERATIONS = 80  # along a ridge, as that of drift that can hardly be told, more gain next to nothing
_ENOUGH, _ENOUGH_OF_MANY, _NEARLY = 1e-7, 1e-5, 1e-2  # what a step may still promise of log-likelihood
_NO_GAIN = 1e-10
_LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e8
_SOME_EPISODES = 1000  # so many tell where the maximum lies, and how curved it is, well enough
_ROUNDING = 1e-10


class Point(NamedTuple):
    """A curve that was tried on episodes."""

    vector: FloatArray
    curve: GrowthCurve
    by_shape: FloatArray
    posterior: FloatArray
    loglik: float
    log_prior: float

    @property
    def value(self) -> float:
        """What is maximised."""
        return self.loglik + self.log_prior


class Objective:
    """Likelihood times prior of the free parameters, and the derivatives of each episode's log-likelihood."""

    def __init__(
        self,
        likelihood: Likelihood,
        parameters: Parameters,
        centre: FloatArray,
        spread: PriorSpread | None,
        free: npt.NDArray[np.bool_],
    ) -> None:
        self.likelihood, self.parameters, self.centre, self.spread = likelihood, parameters, centre, spread
        self.free = np.flatnonzero(free)
        sds = [math.inf if spread is None else spread.of(name) for name in parameters.names]
        self.precision = np.array(sds)[self.free] ** -2.0

    def thinned(self) -> Objective:
        """Give the same for some of the episodes, with the prior's share in them."""
        some = copy(self)
        some.likelihood = self.likelihood.thinned(_SOME_EPISODES)
        some.precision = self.precision * (some.likelihood.episodes.count / self.likelihood.episodes.count)
        return some

    def at(self, vector: FloatArray) -> Point | None:
        """Try a curve; None where there is no such curve, or it says that the scores can't be."""
        try:
            curve = self.parameters.curve(vector)
        except InstrumentDataError:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            by_shape = self.likelihood.by_shape(curve)
            log_density, posterior = mixed(by_shape, curve.log_shares)
            loglik, apart = float(log_density.sum()), (vector - self.centre)[self.free]
            log_prior = -0.5 * float(self.precision @ apart**2)
        return Point(vector, curve, by_shape, posterior, loglik, log_prior) if math.isfinite(loglik) else None

    def scores(self, point: Point) -> FloatArray:
        """Give the derivatives of the log-likelihood of each episode, shape (episodes, free parameters)."""
        scores = np.empty((self.likelihood.episodes.count, len(self.free)))
        for column, place in enumerate(self.free.tolist()):
            name = self.parameters.names[place]
            if name.startswith(SHARE):
                shape = point.curve.shapes.index(ResponseShape(name.removeprefix(SHARE)))
                scores[:, column] = point.posterior[shape] - math.exp(point.curve.log_shares[shape])
                continue
            which = _shapes_moved_by(name, point.curve)
            moved = self.parameters.curve(_moved(point.vector, place, _STEP))
            differences = self.likelihood.by_shape(moved, which) - point.by_shape[which]
            scores[:, column] = (point.posterior[which] * differences).sum(axis=0) / _STEP
        return scores

    def uphill(self, point: Point, scores: FloatArray) -> FloatArray:
        """Give the derivatives of what is maximised, shape (free parameters,)."""
        return np.asarray(scores.sum(axis=0) - self.precision * (point.vector - self.centre)[self.free])

    def curvature(self, scores: FloatArray) -> FloatArray:
        """Give what stands for minus the second derivatives of what is maximised: squares of scores, and the prior."""
        return np.asarray(scores.T @ scores + np.diag(self.precision))


def _shapes_moved_by(name: str, curve: GrowthCurve) -> list[int]:
    """Give the places of the shapes whose density a parameter changes."""
    worsens = [shape is ResponseShape.WORSENING for shape in curve.shapes]
    moved = {"session_slope": [not each for each in worsens], "worsening": worsens}.get(name)
    return [place for place in range(len(worsens)) if moved is None or moved[place]]


class Found(NamedTuple):
    """Where a search ended."""

    point: Point
    scores: FloatArray
    converged: bool
    iterations: int


def search(objective: Objective) -> Found:
    """Search for the maximum: with many episodes first for that of some of them, which lies close by and costs little.

    Raises
    ------
    InvalidSeries
        If the scores can't be, as the curve to begin with sees them.
    """
    if objective.likelihood.episodes.count <= _SOME_EPISODES:
        return _climb(objective, objective.centre, _ENOUGH)
    nearly = _climb(objective.thinned(), objective.centre, _NEARLY)
    return _climb(objective, nearly.point.vector, _ENOUGH_OF_MANY)


def _climb(objective: Objective, vector: FloatArray, enough: float) -> Found:
    """Go uphill from a point, until steps promise next to nothing."""
    point = objective.at(vector)
    if point is None:
        raise InvalidSeries("the scores lie too far from the curve to begin with", pointer="/score")
    scores, damping = objective.scores(point), 0.0
    uphill, curvature = objective.uphill(point, scores), objective.curvature(scores)
    promised = _promise(curvature, uphill)
    for iteration in range(_ITERATIONS):
        if promised < enough:
            return Found(point, scores, True, iteration)
        higher, damping = _higher(objective, point, curvature, uphill, damping)
        if higher is None:
            return Found(point, scores, False, iteration)
        scores = objective.scores(higher)
        uphill, curvature = objective.uphill(higher, scores), objective.curvature(scores)
        promised, promised_before = _promise(curvature, uphill), promised
        if iteration and promised > promised_before / 4:
            curvature = _true_curvature(objective, higher.vector, otherwise=curvature)
            promised = _promise(curvature, uphill)
        point = higher
    return Found(point, scores, False, _ITERATIONS)


def _promise(curvature: FloatArray, uphill: FloatArray) -> float:
    """Give twice what a full step would gain."""
    return float(uphill @ _step(curvature, 0.0, uphill))


def _higher(
    objective: Objective, point: Point, curvature: FloatArray, uphill: FloatArray, damping: float
) -> tuple[Point | None, float]:
    """Give a higher point and the damping to go on with; None where no step leads higher."""
    while damping <= _MOST_DAMPING:
        step = _step(curvature, damping, uphill)
        vector = point.vector.copy()
        vector[objective.free] += step * min(1.0, _LONGEST_STEP / float(np.abs(step).max()))
        reached = objective.at(vector)
        if reached is not None and reached.value > point.value + _NO_GAIN:
            return reached, damping / 10 if damping > _LEAST_DAMPING else 0.0
        damping = max(10 * damping, _LEAST_DAMPING)
    return None, damping


def _step(curvature: FloatArray, damping: float, uphill: FloatArray) -> FloatArray:
    """Solve for a step. Few episodes don't move all parameters apart: where they don't, the shortest step is taken."""
    damped = curvature + damping * np.diag(np.diag(curvature))
    return np.asarray(np.linalg.lstsq(damped, uphill, rcond=_ROUNDING)[0])


def _true_curvature(objective: Objective, vector: FloatArray, otherwise: FloatArray) -> FloatArray:
    """Work out the second derivatives where the squares of scores mislead, as those of few episodes may.

    They may be half or twice what they stand for, so that steps go there and back; and where a spread is almost 0, its
    slope is too, and the square of that even more. Where the value is not curved downwards, the squares must do. Of
    many episodes some are asked.
    """
    some = objective.thinned()
    found = _information(some, vector) * (objective.likelihood.episodes.count / some.likelihood.episodes.count)
    return found if np.linalg.eigvalsh(found)[0] > 0 else otherwise


class Errors(NamedTuple):
    """Covariances of the free parameters' estimates, where a search ended; the robust one is NaN unless asked for."""

    covariance: FloatArray
    robust: FloatArray

    @classmethod
    def of(cls, objective: Objective, found: Found, *, robust: bool) -> Errors | None:
        """Work them out; None where the scores don't tell the parameters apart.

        The squares of the scores of many episodes are as good as second derivatives, which take as long as all else.
        """
        squares = objective.curvature(found.scores)
        exact = robust or objective.likelihood.episodes.count <= _SOME_EPISODES
        information = _information(objective, found.point.vector) if exact else squares
        if not np.linalg.eigvalsh(information)[0] > 0:  # nor where it is not a number
            return None
        covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
        return cls(covariance, covariance @ squares @ covariance if robust else np.full_like(covariance, np.nan))


def _information(objective: Objective, vector: FloatArray) -> FloatArray:
    """Give minus the second derivatives of what is maximised, by differences of its first ones."""
    here = _slopes(objective, vector)
    rows = [here - _slopes(objective, _moved(vector, place, _WIDE_STEP)) for place in objective.free.tolist()]
    information = np.array(rows) / _WIDE_STEP
    return np.asarray((information + information.T) / 2) + np.diag(objective.precision)


def _slopes(objective: Objective, vector: FloatArray) -> FloatArray:
    """Give the derivatives of the log-likelihood; NaN where there is no such curve."""
    point = objective.at(vector)
    return np.full(len(objective.free), np.nan) if point is None else objective.scores(point).sum(axis=0)


def _moved(vector: FloatArray, place: int, by: float) -> FloatArray:
    moved = vector.copy()
    moved[place] += by
    return moved
