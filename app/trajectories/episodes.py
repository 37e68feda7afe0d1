"""Episodes: the scores of many patients in columns, as a curve is learnt from them and judged by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.trajectories.prediction import FloatArray, IntArray


@dataclass(frozen=True)
class Episodes:
    """Scores of many episodes, one row each, episode by episode in time order.

    Parameters
    ----------
    starts : ndarray of int, shape (n + 1,)
        Where the rows of each episode start, and where the last one ends. Each episode has at least one row.
    doses, weeks, scores : ndarray, shape (rows,)
        Dose and weeks, both finite and 0 or more, and score, points. Weeks don't fall within an episode.

    Raises
    ------
    InvalidSeries
        If the columns don't belong together, or a number is missing or out of order.

    Examples
    --------
    >>> two = Episodes.of([1, 1, 2], doses=[0, 1, 0], weeks=[0, 1, 0], scores=[15, 12, 9])
    >>> two.count, two.lengths.tolist(), two.first.tolist()
    (2, [2, 1], [15.0, 9.0])
    """

    starts: IntArray
    doses: FloatArray
    weeks: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        rows = len(self.scores)
        if not (len(self.doses) == len(self.weeks) == rows and self.starts[0] == 0 and self.starts[-1] == rows):
            raise InvalidSeries("doses, weeks and scores must be columns of the same length")
        if not rows or not (np.diff(self.starts) > 0).all():
            raise InvalidSeries("each episode needs at least one score")
        for name, values in (("dose", self.doses), ("week", self.weeks)):
            if not ((values >= 0) & (values < np.inf)).all():
                raise InvalidSeries(f"each {name} must be a finite number, 0 or more", pointer=f"/{name}")
        if not np.isfinite(self.scores).all():
            raise InvalidSeries("each score must be a finite number", pointer="/score")
        later = np.diff(self.weeks)
        later[self.starts[1:-1] - 1] = 0.0
        if (later < 0).any():
            raise InvalidSeries("the weeks of an episode must not fall", pointer="/week")

    @classmethod
    def of(
        cls,
        ids: Sequence[object] | npt.NDArray[np.generic],
        doses: npt.ArrayLike,
        weeks: npt.ArrayLike,
        scores: npt.ArrayLike,
    ) -> Episodes:
        """Make episodes from a long table whose rows stand episode by episode.

        Parameters
        ----------
        ids : sequence
            Episode of each row; a new value starts a new episode.
        doses, weeks, scores : array_like
            As for the class.

        Returns
        -------
        Episodes

        Raises
        ------
        InvalidSeries
            As for the class.
        """
        changed = [place for place in range(1, len(ids)) if ids[place] != ids[place - 1]]
        columns = (np.asarray(each, dtype=np.float64) for each in (doses, weeks, scores))
        return cls(np.array([0, *changed, len(ids)], dtype=np.int64), *columns)

    @classmethod
    def of_table(cls, doses: npt.ArrayLike, weeks: npt.ArrayLike, scores: npt.ArrayLike) -> Episodes:
        """Make episodes from tables with a row for each episode and a column for each occasion.

        Parameters
        ----------
        doses, weeks, scores : array_like, shape (n, occasions)
            Broadcast against each other. NaN among the scores where there is none.

        Returns
        -------
        Episodes
            Episodes without any score are left out.

        Raises
        ------
        InvalidSeries
            As for the class.
        """
        table = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (doses, weeks, scores)))
        there = ~np.isnan(table[2])
        lengths = there.sum(axis=1)
        starts = np.concatenate([[0], np.cumsum(lengths[lengths > 0])])
        return cls(starts.astype(np.int64), *(column[there] for column in table))

    @classmethod
    def joined(cls, parts: Sequence[Episodes]) -> Episodes:
        """Put the episodes of several parts, one or more, one after the other."""
        lengths = np.concatenate([part.lengths for part in parts])
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("doses", "weeks", "scores"))
        return cls(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), *columns)

    @property
    def count(self) -> int:
        """How many episodes there are."""
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> IntArray:
        """How many scores each episode has, shape (n,)."""
        return np.diff(self.starts)

    @cached_property
    def episode(self) -> IntArray:
        """Episode of each row, shape (rows,)."""
        return np.repeat(np.arange(self.count), self.lengths)

    @cached_property
    def position(self) -> IntArray:
        """Place of each row within its episode, from 0, shape (rows,)."""
        return np.arange(len(self.scores)) - self.starts[self.episode]

    @cached_property
    def last(self) -> FloatArray:
        """Newest score of each episode, points, shape (n,)."""
        return self.scores[self.starts[1:] - 1]

    @cached_property
    def first(self) -> FloatArray:
        """First score of each episode, points, shape (n,)."""
        return self.scores[self.starts[:-1]]

    def chosen(self, which: npt.NDArray[np.bool_] | IntArray) -> Episodes:
        """Give some of the episodes, by mask or by place; a place may be named more than once."""
        places = np.arange(self.count)[which]
        lengths = self.lengths[places]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.repeat(self.starts[places] - starts[:-1], lengths) + np.arange(starts[-1])
        return Episodes(starts.astype(np.int64), self.doses[rows], self.weeks[rows], self.scores[rows])

    def split_at(self, dose: float) -> tuple[Episodes, Episodes]:
        """Split episodes into what is known at a dose and what comes after it.

        Parameters
        ----------
        dose : float
            Scores up to this dose are known.

        Returns
        -------
        known, later : Episodes
            The same episodes in the same order; those without a score on either side are left out.

        Raises
        ------
        InvalidSeries
            If no episode is left.
        """
        return self._split(self.doses <= dose)

    def split_after_first(self) -> tuple[Episodes, Episodes]:
        """Split episodes into first scores and those after them; who has one score only is left out."""
        return self._split(self.position == 0)

    def _split(self, known: npt.NDArray[np.bool_]) -> tuple[Episodes, Episodes]:
        count = np.add.reduceat(known.astype(np.int64), self.starts[:-1])
        both = (count > 0) & (count < self.lengths)
        return self._rows(known & both[self.episode]), self._rows(~known & both[self.episode])

    def _rows(self, which: npt.NDArray[np.bool_]) -> Episodes:
        """Give episodes with some of their rows; those that have none left are left out."""
        lengths = np.add.reduceat(which.astype(np.int64), self.starts[:-1])
        starts = np.concatenate([[0], np.cumsum(lengths[lengths > 0])]).astype(np.int64)
        return Episodes(starts, self.doses[which], self.weeks[which], self.scores[which])

    def by_occasion(self, column: FloatArray, absent: float = np.nan) -> FloatArray:
        """Lay out a column of the rows as a table, occasion by occasion.

        Parameters
        ----------
        column : ndarray, shape (rows,)
            One figure for each row.
        absent : float
            What stands where an episode has no such occasion.

        Returns
        -------
        ndarray, shape (occasions, n)
        """
        table = np.full((int(self.lengths.max()), self.count), absent)
        table[self.position, self.episode] = column
        return table
