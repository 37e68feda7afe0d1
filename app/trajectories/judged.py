"""What is judged: episodes with what was learnt without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.prediction import FloatArray, IntArray

THIRDS = (1, 2, 3)
"""Thirds of patients by their first score, from the lowest."""


@dataclass(frozen=True, slots=True)
class Part:
    """Episodes that are judged, and what was learnt without them; of several parts all episodes are judged together.

    Parameters
    ----------
    episodes : Episodes
        Whose later scores judge.
    curve : GrowthCurve
        The curve.
    training : Episodes
        What the rivals learn from.
    """

    episodes: Episodes
    curve: GrowthCurve
    training: Episodes


def thirds(first: FloatArray) -> IntArray:
    """Give the third in which each first score lies, 1 for the lowest; equal scores lie in one third."""
    lower, upper = np.quantile(first, [1 / 3, 2 / 3])
    return np.asarray(1 + (first > lower).astype(np.int64) + (first > upper))


def folds_of(episodes: Episodes, folds: int, rng: np.random.Generator) -> IntArray:
    """Divide episodes at random into parts of about equal size; all rows of one stay together.

    Parameters
    ----------
    episodes : Episodes
        The episodes.
    folds : int
        How many parts, 2 or more.
    rng : numpy.random.Generator
        Divides them.

    Returns
    -------
    ndarray of int, shape (n,)
        The part of each episode, from 0.

    Raises
    ------
    InvalidSeries
        If there are fewer episodes than parts.
    """
    if not 2 <= folds <= episodes.count:
        allowed = f"2 to {episodes.count}"
        raise InvalidSeries("there must be at least as many episodes as folds", pointer="/folds", allowed=allowed)
    return rng.permutation(np.arange(episodes.count) % folds)
