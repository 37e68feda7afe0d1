"""What a curve foretells of many episodes at once, each with the scores up to a look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.errors import InvalidSeries
from app.trajectories.conditional import Conditional
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.question import Question

_CELLS_AT_ONCE = 500_000
"""So many cells of arrays are held at a time (4 MB each), however many episodes there are."""


class Foretold(NamedTuple):
    """Where later scores fell in their distributions, in the order of the scores.

    Parameters
    ----------
    below, at : ndarray, shape (rows,)
        P(Y < y) and P(Y <= y) of each score y that was given.
    lower, upper : ndarray of int, shape (rows,)
        The closed band of a new score, points.
    """

    below: FloatArray
    at: FloatArray
    lower: IntArray
    upper: IntArray


def foretold(curve: GrowthCurve, known: Episodes, later: Episodes, level: float = 0.8) -> Foretold:
    """Hold later scores against what was to be expected of them.

    Parameters
    ----------
    curve : GrowthCurve
        The curve.
    known, later : Episodes
        The same episodes in the same order, as :meth:`Episodes.split_at` gives them.
    level : float
        Central probability of the band.

    Returns
    -------
    Foretold
        A figure for each row of `later`.

    Raises
    ------
    InvalidSeries
        If they are not equally many episodes, or a score lies outside the scale.
    """
    if known.count != later.count:
        raise InvalidSeries("what comes later must be of the same episodes")
    curve.link.refuse_outside(later.scores)
    doses, weeks, scores = (later.by_occasion(each, absent=0.0).T for each in (later.doses, later.weeks, later.scores))
    tables = _empty(doses.shape)
    for places, given in _conditioned(known, curve, points=doses.shape[1]):
        predicted = given.predict(doses[places], weeks[places])
        tables.below[places], tables.at[places] = (predicted.at_most(scores[places] - by) for by in (1.0, 0.0))
        tables.lower[places], tables.upper[places] = predicted.tabled().band(level)
    rows = later.episode, later.position
    return Foretold(tables.below[rows], tables.at[rows], tables.lower[rows], tables.upper[rows])


def next_foretold(curve: GrowthCurve, episodes: Episodes, level: float = 0.8) -> tuple[Episodes, Foretold]:
    """Hold each score but the first of an episode against what was to be expected given all before it.

    Parameters
    ----------
    curve, level
        As for :func:`foretold`.
    episodes : Episodes
        The scores.

    Returns
    -------
    later : Episodes
        The scores that are foretold; episodes with one score are left out.
    foretold : Foretold
        A figure for each of them.

    Raises
    ------
    InvalidSeries
        If no episode has two scores, or a score lies outside the scale.
    """
    some = episodes.chosen(episodes.lengths > 1)
    _, later = some.split_after_first()
    tables = _empty((len(later.scores),))
    for places, given in _conditioned(some, curve, points=int(some.lengths.max())):
        rows = later.starts[places][:, None] + np.arange(given.doses.shape[-1] - 1)
        predicted = given.predict(given.doses[:, 1:], given.weeks[:, 1:], known=np.arange(1, given.doses.shape[-1]))
        tables.below[rows], tables.at[rows] = (predicted.at_most(later.scores[rows] - by) for by in (1.0, 0.0))
        tables.lower[rows], tables.upper[rows] = predicted.tabled().band(level)
    return later, tables


def risk_at_later_scores(curve: GrowthCurve, known: Episodes, later: Episodes, question: Question) -> FloatArray:
    """Give the probability of no reliable improvement at each later score.

    Parameters
    ----------
    curve, known, later
        As for :func:`foretold`.
    question : Question
        What a reliable improvement is.

    Returns
    -------
    ndarray, shape (rows of later,)
    """
    doses, weeks = (later.by_occasion(each, absent=0.0).T for each in (later.doses, later.weeks))
    found = np.empty(doses.shape)
    for places, given in _conditioned(known, curve, points=doses.shape[1]):
        predicted = given.predict(doses[places], weeks[places])
        found[places] = question.risk(known.first[places][:, None], predicted)
    return found[later.episode, later.position]


@dataclass(frozen=True, slots=True)
class GrowthModel:
    """The growth model among its rivals: it tells who is at risk, as probabilities.

    Parameters
    ----------
    question : Question
        What is asked.
    curve : GrowthCurve
        The curve.
    interval_weeks : float
        Weeks to come between two sessions, as planned.
    """

    question: Question
    curve: GrowthCurve
    interval_weeks: float = 1.0

    def risk(self, known: Episodes) -> FloatArray:
        """Give the probability of no reliable improvement at the end dose, shape (n,); see :class:`Rival`."""
        newest = known.starts[1:] - 1
        ahead = np.maximum(self.question.end_dose - known.doses[newest], 0.0)
        weeks = (known.weeks[newest] + ahead * self.interval_weeks)[:, None]
        found = np.empty((known.count, 1))
        for places, given in _conditioned(known, self.curve, points=1):
            at_end = given.predict(np.full((len(places), 1), float(self.question.end_dose)), weeks[places])
            found[places] = self.question.risk(known.first[places][:, None], at_end)
        return found[:, 0]

    def shares(self, known: Episodes) -> FloatArray:
        """Give the probability of each shape of the curve given the scores so far, shape (shapes, n)."""
        found = np.empty((len(self.curve.shapes), known.count))
        for places, given in _conditioned(known, self.curve, points=1):
            found[:, places] = given.shares()
        return found


def _empty(shape: tuple[int, ...]) -> Foretold:
    """Give room for figures."""
    below, at = np.empty(shape), np.empty(shape)
    return Foretold(below, at, np.empty(shape, np.int64), np.empty(shape, np.int64))


def _conditioned(known: Episodes, curve: GrowthCurve, points: int) -> Iterator[tuple[IntArray, Conditional]]:
    """Condition a curve on the scores of episodes, on those with equally many of them at once, with their places."""
    for length in np.unique(known.lengths).tolist():
        alike = np.flatnonzero(known.lengths == length)
        # What is held for an episode in each shape: its scores with each other and with the points, and their tables.
        cells = len(curve.shapes) * (length * (length + points) + points * (curve.maximum - curve.minimum + 1))
        at_once = max(1, _CELLS_AT_ONCE // cells)
        for places in np.split(alike, range(at_once, len(alike), at_once)):
            rows = known.starts[places][:, None] + np.arange(length)
            yield places, curve.given(known.doses[rows], known.weeks[rows], known.scores[rows])
