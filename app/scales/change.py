"""Two scores of one scale: improvement, caseness, reliable change.

Improvement is positive when the patient is better, whatever the direction of the scale, so that no caller
has to remember which way a scale runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from app.errors import InstrumentDataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Better(StrEnum):
    """Which end of a scale means that the patient is better."""

    LOWER = "lower"
    HIGHER = "higher"


Points = TypeVar("Points", float, "NDArray[np.float64]")


def improvement(baseline: Points, score: Points, better: Better) -> Points:
    """Give the change from baseline, positive when the patient is better: of one score, or of each of an array.

    Parameters
    ----------
    baseline, score : float, or array of float, shape (n,)
        Points; NaN where a score is missing.
    better : Better
        Which end of the scale is the good one.

    Returns
    -------
    float or array of float, shape (n,)
        Points; NaN where either score is missing.

    Examples
    --------
    >>> improvement(15, 9, Better.LOWER), improvement(15, 9, Better.HIGHER)
    (6, -6)
    """
    return baseline - score if better is Better.LOWER else score - baseline


class ChangeCategory(StrEnum):
    """What a change between two scores amounts to; exclusive and exhaustive.

    Two of them ask for more than a reliable change, and are told where a start and an end are compared: `spor change`,
    reports. While help goes on, what it amounts to so far is one of the other three.
    """

    RELIABLE_RECOVERY = "reliable_recovery"
    """Reliably better, a case by the published cut-off at the start and none at the end."""
    CLINICALLY_SIGNIFICANT_CHANGE = "clinically_significant_change"
    """Reliably better, and from the clinical to the other side of a cut-off a, b or c (Jacobson & Truax 1991)."""
    RELIABLE_IMPROVEMENT = "reliable_improvement"
    NO_RELIABLE_CHANGE = "no_reliable_change"
    RELIABLE_DETERIORATION = "reliable_deterioration"


@dataclass(frozen=True, slots=True)
class ChangeCriteria:
    """What it takes, on one score, to be a case, to have changed reliably, to have changed at all.

    Parameters
    ----------
    minimum, maximum : int
        Range of the score, points.
    better : Better
        Which end is the good one.
    cutoff : int or None
        The first score on the clinical side (PHQ-9: 10, a case at 10 or more); None where none is published.
    reliable_change : int or None
        Smallest reliable change, points; None where none is published.
    important_difference : float or None
        Smallest change that patients notice (MCID), points; None where none is published.

    Raises
    ------
    InstrumentDataError
        If the range is empty, or a figure lies outside it.
    """

    minimum: int
    maximum: int
    better: Better = Better.LOWER
    cutoff: int | None = None
    reliable_change: int | None = None
    important_difference: float | None = None

    def __post_init__(self) -> None:
        if self.minimum >= self.maximum:
            raise InstrumentDataError("the range of a score must not be empty", allowed="minimum below maximum")
        if self.cutoff is not None and not self.minimum <= self.cutoff <= self.maximum:
            raise InstrumentDataError("a cut-off must lie within the range of the score")
        width = self.maximum - self.minimum
        for name in ("reliable_change", "important_difference"):
            figure = getattr(self, name)
            if figure is not None and not 0 < figure <= width:
                raise InstrumentDataError(f"{name} must be above 0 and within the range of the score")

    def improvement(self, baseline: float, score: float) -> float:
        """Give the change from baseline, positive when the patient is better.

        Examples
        --------
        >>> ChangeCriteria(0, 27).improvement(baseline=15, score=9)
        6
        >>> ChangeCriteria(0, 40, Better.HIGHER).improvement(baseline=15, score=9)
        -6
        """
        return improvement(baseline, score, self.better)

    def is_case(self, score: float) -> bool:
        """Tell whether a score lies on the clinical side of the cut-off; False where there is no cut-off.

        Examples
        --------
        >>> [ChangeCriteria(0, 27, cutoff=10).is_case(score) for score in (9, 10)]
        [False, True]
        """
        if self.cutoff is None:
            return False
        return score >= self.cutoff if self.better is Better.LOWER else score < self.cutoff

    def category(self, baseline: float, score: float) -> ChangeCategory:
        """Classify a change by the published reliable change; none published means none reliable.

        Examples
        --------
        >>> ChangeCriteria(0, 27, reliable_change=6).category(baseline=15, score=9)
        <ChangeCategory.RELIABLE_IMPROVEMENT: 'reliable_improvement'>
        """
        improvement = self.improvement(baseline, score)
        if self.reliable_change is None or abs(improvement) < self.reliable_change:
            return ChangeCategory.NO_RELIABLE_CHANGE
        return ChangeCategory.RELIABLE_IMPROVEMENT if improvement > 0 else ChangeCategory.RELIABLE_DETERIORATION
