"""Whether the probabilities that were shown mean what they say: predicted against observed, at three looks.

Counted cells come in, never a row of one person, and no probability is judged by a score that it was made of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from app.trajectories.calibration import Calibration
from app.trajectories.logistic import fit_logistic_line
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.sampling_error import Interval, intervals

LOOK_DOSES: Final = (3, 4, 7)
"""Doses at which predictions are judged, as an evaluation of a curve has them. Session n is dose n - 1."""

_RESOLUTION: Final = 0.0005
"""Half a per mille: probabilities are counted in whole per mille, and none nearer to 0 or 1 can be told."""

_FEWEST: Final = 25
"""In a group of predictions, unless there are fewer at all: ten groups from 250 predictions on."""

_GROUPS: Final = 10


class PredictedCell(NamedTuple):
    """So many persons with the same probability of the goal, and what came of it.

    Parameters
    ----------
    year : int
        Year of closing.
    quarter : int
        Quarter of that year, 1 to 4.
    look : int
        Dose of the verdict.
    per_mille : int
        The probability that was shown, 0 to 1000.
    happened : bool or None
        Whether the score that judges it is at the goal; None where there is no later score.
    at_end : bool or None
        Whether that score lies at the end dose or later; if not, the last one is carried forward.
    persons : int
        How many, 1 or more.
    """

    year: int
    quarter: int
    look: int
    per_mille: int
    happened: bool | None
    at_end: bool | None
    persons: int


@dataclass(frozen=True, slots=True)
class PredictedGroup:
    """Predictions that are close to each other, and what came of them.

    Parameters
    ----------
    count, happened : int
        How many persons, and how many of them reached the goal.
    predicted : float
        Mean of their probabilities.
    """

    count: int
    happened: int
    predicted: float


@dataclass(frozen=True, slots=True)
class PredictedFigure:
    """Predictions of one look, and what came of them.

    Parameters
    ----------
    count, happened : int
        Persons with a later score, and how many of them reached the goal.
    carried_forward : int
        How many of them are judged by a last score before the end dose.
    not_judged : int
        Persons without a later score, beside them.
    predicted, brier : float
        Mean of the probabilities, and of their squared errors.
    line : Calibration
        Intercept and slope on the scale of log odds: 0 and 1 if the probabilities mean what they say. NaN where there
        is no such line.
    groups : tuple of PredictedGroup
        From the lowest probabilities to the highest.
    """

    count: int
    happened: int
    carried_forward: int
    not_judged: int
    predicted: float
    brier: float
    line: Calibration
    groups: tuple[PredictedGroup, ...]


def predicted(cells: Iterable[PredictedCell], *, only_at_end: bool = False) -> dict[int, PredictedFigure]:
    """Hold probabilities of the goal against what happened, at each look.

    Parameters
    ----------
    cells : iterable of PredictedCell
        Counted verdicts.
    only_at_end : bool
        Whether only those count who have a score at the end dose or later.

    Returns
    -------
    dict of int to PredictedFigure
        By dose of the look; only those at which somebody has a later score.

    Notes
    -----
    Probabilities are those of the middle of their per mille, kept off 0 and 1 by half of one; for the line see
    :func:`app.trajectories.calibration.calibration`. Groups hold about equally many persons, and equal probabilities
    lie in one group: that of the middle of their ranks.

    References
    ----------
    Cox (1958), Biometrika 45:562, doi:10.1093/biomet/45.3-4.562.
    Brier (1950), Mon Weather Rev 78:1, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    Of ten at 20 % three reached the goal, of ten at 80 % seven did.

    >>> rows = [(200, True, 3), (200, False, 7), (800, True, 7), (800, False, 3)]
    >>> found = predicted(PredictedCell(2025, 1, 4, chance, met, True, count) for chance, met, count in rows)[4]
    >>> found.predicted, round(found.brier, 2), round(found.line.slope.estimate, 3)
    (0.5, 0.22, 0.611)
    """
    by_look: dict[int, list[PredictedCell]] = {}
    for cell in cells:
        if not only_at_end or cell.at_end:
            by_look.setdefault(cell.look, []).append(cell)
    return {
        look: _figure(own) for look, own in sorted(by_look.items()) if any(cell.happened is not None for cell in own)
    }


def chance(cell: PredictedCell) -> float:
    """Give the probability of a cell, kept off 0 and 1 by what can't be told."""
    return min(max(cell.per_mille / 1000, _RESOLUTION), 1 - _RESOLUTION)


def _figure(own: Sequence[PredictedCell]) -> PredictedFigure:
    judged = sorted((cell for cell in own if cell.happened is not None), key=lambda cell: cell.per_mille)
    chances, counts = np.array([chance(cell) for cell in judged]), np.array([cell.persons for cell in judged])
    happened = np.array([bool(cell.happened) for cell in judged])
    return PredictedFigure(
        count=int(counts.sum()),
        happened=int(counts[happened].sum()),
        carried_forward=sum(cell.persons for cell in judged if not cell.at_end),
        not_judged=sum(cell.persons for cell in own if cell.happened is None),
        predicted=float(np.average(chances, weights=counts)),
        brier=float(np.average((chances - happened) ** 2, weights=counts)),
        line=_line(chances, happened, counts),
        groups=tuple(_groups(chances, happened, counts)),
    )


def _line(chances: FloatArray, happened: npt.NDArray[np.bool_], counts: IntArray) -> Calibration:
    line = fit_logistic_line(logit(chances), happened, counts.astype(np.float64))
    if line is None:
        untold = Interval(math.nan, math.nan, math.nan, math.nan)
        return Calibration(untold, untold)
    return Calibration(*intervals(line.coefficients, np.sqrt(np.diag(line.covariance))))


def _groups(chances: FloatArray, happened: npt.NDArray[np.bool_], counts: IntArray) -> Iterable[PredictedGroup]:
    persons = int(counts.sum())
    groups = min(_GROUPS, max(1, persons // _FEWEST))
    values, place = np.unique(chances, return_inverse=True)
    alike = np.bincount(place, weights=counts)
    middle = np.cumsum(alike) - alike / 2
    group = np.floor(groups * middle / persons)[place]
    for number in np.unique(group):
        rows = group == number
        mean = float(np.average(values[place[rows]], weights=counts[rows]))
        yield PredictedGroup(int(counts[rows].sum()), int(counts[rows & happened].sum()), mean)
