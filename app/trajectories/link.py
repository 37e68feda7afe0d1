"""The link: on which scale a score is taken to be normal.

A score is a whole number between two ends. Close to an end it can move in one direction only, and on many scales a
point there says more than a point in the middle. A link g stretches the scale so that one normal distribution fits
everywhere, and a whole score k stands for the cell from g(k - 1/2) to g(k + 1/2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from app.errors import InstrumentDataError, InvalidSeries
from app.trajectories.prediction import HALF_A_POINT, FloatArray


class LinkKind(StrEnum):
    """How the scale is stretched."""

    IDENTITY = "identity"
    ARCSINE = "arcsine"
    LOGIT = "logit"


@dataclass(frozen=True, slots=True)
class Link:
    """A link function of a bounded score.

    Parameters
    ----------
    kind : LinkKind
        How the scale is stretched.
    minimum, maximum : int
        Range of the score, points.
    middle : float
        Score at which link units are points: there g(y) = y and g'(y) = 1. Inside the range; without meaning for the
        identity.

    Attributes
    ----------
    edges : ndarray, shape (maximum - minimum,)
        Upper edges of the cells of all scores but the highest, link units: g(k + 1/2).

    Raises
    ------
    InstrumentDataError
        If the range is empty or the middle lies outside it.

    Notes
    -----
    With m points between the ends and y counted from the minimum,

        identity  g(y) = y
        arcsine   g(y) = c asin sqrt((y + 1/2) / (m + 1)) + constant
        logit     g(y) = c ln((y + 1) / (m + 1 - y)) + constant

    where c and the constant give g(middle) = middle and g'(middle) = 1. The arcsine makes the variance of a binomial
    share even (Anscombe 1948, Biometrika 35:246, doi:10.1093/biomet/35.3-4.246).

    Examples
    --------
    >>> phq_9 = Link(LinkKind.ARCSINE, 0, 27, middle=15)
    >>> phq_9.forward([0, 15, 27]).round(2), phq_9.backward(phq_9.forward([3, 20])).round(2)
    (array([-4.63, 15.  , 31.64]), array([ 3., 20.]))
    """

    kind: LinkKind
    minimum: int
    maximum: int
    middle: float
    edges: FloatArray = field(init=False, repr=False, compare=False)
    _scale: float = field(init=False, repr=False, compare=False)
    _origin: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.minimum >= self.maximum:
            raise InstrumentDataError("the range of a score must not be empty", allowed="minimum below maximum")
        if not self.minimum < self.middle < self.maximum:
            raise InstrumentDataError("the middle of a link must lie between the ends of the scale")
        # What follows from the rest is worked out once, since every look asks for it.
        self._derive("_scale", self._units_at_the_middle())
        self._derive("_origin", float(self._stretch(np.array(float(self.middle)))))
        self._derive("edges", self.forward(np.arange(self.minimum, self.maximum) + HALF_A_POINT))

    def _derive(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def censors(self) -> bool:
        """Whether the ends of the scale are only bounds: a score there says "this low or lower"."""
        return self.kind is not LinkKind.LOGIT

    def refuse_outside(self, scores: FloatArray) -> None:
        """Refuse scores, one or more, if any lies outside the range of the scale or is missing.

        Raises
        ------
        InvalidSeries
            If there is one.
        """
        if not (scores.min() >= self.minimum and scores.max() <= self.maximum):
            allowed = f"{self.minimum} to {self.maximum}"
            raise InvalidSeries("a score lies outside the range of its scale", pointer="/score", allowed=allowed)

    def at_ends(self, scores: FloatArray) -> npt.NDArray[np.int8]:
        """Give -1 for scores at the minimum, 1 for those at the maximum, 0 between."""
        return (scores >= self.maximum).astype(np.int8) - (scores <= self.minimum).astype(np.int8)

    def bounds_any(self, lowest: float, highest: float) -> bool:
        """Tell whether any of some scores is only a bound, by the lowest and the highest of them."""
        return self.censors and not self.minimum < lowest <= highest < self.maximum

    def bound(self, score: float) -> float:
        """Give the bound that a score at an end of a censored scale stands for, points; any other score itself."""
        if not self.bounds_any(score, score):
            return score
        return score + HALF_A_POINT if score <= self.minimum else score - HALF_A_POINT

    def upper_edge(self, score: float) -> float:
        """Give the upper edge of the cell of a score, link units: infinite for the maximum, and outside the range.

        Parameters
        ----------
        score : float
            Points. A fraction counts as the whole point below it.

        Returns
        -------
        float
            P(Y <= score) is the probability below it.

        Examples
        --------
        >>> [Link(LinkKind.IDENTITY, 0, 27, middle=15).upper_edge(score) for score in (-1, 9, 9.5, 27)]
        [-inf, 9.5, 9.5, inf]
        """
        place = math.floor(score) - self.minimum
        if place < 0:
            return -math.inf
        return float(self.edges[place]) if place < len(self.edges) else math.inf

    def forward(self, scores: npt.ArrayLike) -> FloatArray:
        """Give link units.

        Parameters
        ----------
        scores : array_like
            Points. Beyond half a point outside the range, where no score can be, the arcsine and the logit stop.

        Returns
        -------
        ndarray
            Same shape. NaN where the score is.
        """
        scores = np.asarray(scores, dtype=np.float64)
        if self.kind is LinkKind.IDENTITY:
            return scores
        return np.asarray(self.middle + self._scale * (self._stretch(scores) - self._origin))

    def backward(self, units: npt.ArrayLike) -> FloatArray:
        """Give points, cut to the range of the scale.

        Parameters
        ----------
        units : array_like
            Link units, any finite number.

        Returns
        -------
        ndarray
            Same shape.
        """
        units = np.asarray(units, dtype=np.float64)
        if self.kind is LinkKind.IDENTITY:
            scores = units
        else:
            scores = self._relax((units - self.middle) / self._scale + self._origin)
        return np.asarray(np.clip(scores, self.minimum, self.maximum))

    @property
    def _points(self) -> int:
        return self.maximum - self.minimum

    def _units_at_the_middle(self) -> float:
        """Give the factor c that makes a link unit a point at the middle."""
        inside = self.middle - self.minimum
        if self.kind is LinkKind.ARCSINE:
            share = (inside + HALF_A_POINT) / (self._points + 1)
            return 2 * (self._points + 1) * math.sqrt(share * (1 - share))
        return 1 / (1 / (inside + 1) + 1 / (self._points + 1 - inside))

    def _stretch(self, scores: FloatArray) -> FloatArray:
        # np.clip would do the same in three times the time.
        inside = np.minimum(np.maximum(scores - self.minimum, -HALF_A_POINT), self._points + HALF_A_POINT)
        if self.kind is LinkKind.ARCSINE:
            return np.asarray(np.arcsin(np.sqrt((inside + HALF_A_POINT) / (self._points + 1))))
        return np.asarray(np.log((inside + 1) / (self._points + 1 - inside)))

    def _relax(self, stretched: FloatArray) -> FloatArray:
        if self.kind is LinkKind.ARCSINE:
            share = np.sin(np.minimum(np.maximum(stretched, 0.0), math.pi / 2)) ** 2
            return np.asarray(share * (self._points + 1) - HALF_A_POINT + self.minimum)
        odds = np.exp(np.minimum(stretched, 700.0))
        return np.asarray((odds * (self._points + 1) - 1) / (1 + odds) + self.minimum)
