"""The likelihood: how well a curve foretells the scores of many episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from app.trajectories.episodes import Episodes
from app.trajectories.filtering import Sides, log_density
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link
from app.trajectories.prediction import HALF_A_POINT, FloatArray, IntArray

_AT_ONCE = 1024
"""So many episodes are worked on together: their arrays stay in the cache of a processor."""


class Likelihood:
    """The scores of episodes, laid out so that many curves of one link can be tried on them.

    Parameters
    ----------
    episodes : Episodes
        The scores.
    link : Link
        The scale on which they are normal.

    Raises
    ------
    InvalidSeries
        If a score lies outside the range of the scale.

    Notes
    -----
    A score between the ends counts with its density on the link scale, log N(g(y); m, F); a score at an end that is
    only a bound with the probability of the end's cell. Both come from the filter that predictions rest on (see
    :func:`~app.trajectories.filtering.filter_scores`), so that a curve is learnt by what it will be used for.
    """

    def __init__(self, episodes: Episodes, link: Link) -> None:
        link.refuse_outside(episodes.scores)
        self.episodes, self._link = episodes, link
        # Episodes of about equal lengths lie together, so that few places of the tables are empty.
        order = np.argsort(-episodes.lengths, kind="stable")
        cuts = range(_AT_ONCE, episodes.count, _AT_ONCE)
        self._blocks = [_Block.of(episodes, places, link) for places in np.split(order, cuts)]

    def thinned(self, most: int) -> Likelihood:
        """Give the likelihood of at most so many of the episodes, spread evenly over all."""
        if self.episodes.count <= most:
            return self
        return Likelihood(
            self.episodes.chosen(np.linspace(0, self.episodes.count - 1, most).astype(np.int64)), self._link
        )

    def by_shape(self, curve: GrowthCurve, which: Sequence[int] | None = None) -> FloatArray:
        """Give the log density of each episode's scores in each shape.

        Parameters
        ----------
        curve : GrowthCurve
            The curve to try, of the same link.
        which : sequence of int, optional
            Places of the shapes to try; all when None.

        Returns
        -------
        ndarray, shape (shapes, episodes)
        """
        shapes = list(range(len(curve.shapes))) if which is None else list(which)
        found = np.empty((len(shapes), self.episodes.count))
        for block in self._blocks:
            found[:, block.places] = block.log_density(curve, shapes)
        return found

    def by_episode(self, curve: GrowthCurve) -> FloatArray:
        """Give the log density of each episode's scores, shape (episodes,): that of the mixture of all shapes."""
        return mixed(self.by_shape(curve), curve.log_shares)[0]


def mixed(by_shape: FloatArray, log_shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mix shapes by their shares.

    Parameters
    ----------
    by_shape : ndarray, shape (shapes, episodes)
        Log densities.
    log_shares : ndarray, shape (shapes,)
        Log of the share of each shape.

    Returns
    -------
    log_density : ndarray, shape (episodes,)
        That of the mixture.
    posterior : ndarray, shape (shapes, episodes)
        Probability of each shape given the scores, by Bayes' rule.
    """
    joint = by_shape + log_shares[:, None]
    largest = joint.max(axis=0)
    weights = np.exp(joint - largest)
    total = weights.sum(axis=0)
    return largest + np.log(total), weights / total


class _Block(NamedTuple):
    """Some episodes: arrays of shape (occasions, episodes), units and sides with an axis of shapes between them."""

    places: IntArray
    doses: FloatArray
    weeks: FloatArray
    units: FloatArray
    sides: Sides

    @classmethod
    def of(cls, episodes: Episodes, places: IntArray, link: Link) -> _Block:
        some = episodes.chosen(places)
        sides = link.at_ends(some.scores) if link.censors else np.zeros(len(some.scores), np.int8)
        units = link.forward(some.scores - HALF_A_POINT * sides)
        return cls(
            places,
            doses=some.by_occasion(some.doses, absent=0.0),
            weeks=np.fmax.accumulate(some.by_occasion(some.weeks)),
            units=some.by_occasion(units)[:, None],
            sides=some.by_occasion(sides.astype(np.float64), absent=0.0).astype(np.int8)[:, None],
        )

    def log_density(self, curve: GrowthCurve, shapes: Sequence[int]) -> FloatArray:
        courses = curve.courses(self.doses, self.weeks)
        means, progress = (np.moveaxis(each[shapes], 0, 1) for each in courses)
        return log_density(self.units - means, self.sides, progress, self.weeks[:, None], curve.variation)
