"""Whether the bands that were shown held: they rest on the baseline alone, and later scores judge them.

Counted cells come in, never a row of one person.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from app.trajectories.growth import GrowthCurve
from app.trajectories.judged import THIRDS
from app.trajectories.metrics import fractional_above, fractional_coverage
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.sampling_error import Interval

DOSE_GROUPS: Final = ("doses_0_3", "doses_4_7", "doses_8_12", "doses_13_20", "doses_21_on")
"""Doses of the scores that judge a band, as SQL numbers them from 0: up to the early window, the late one, reviews."""

_UPPER_TAIL: Final = 0.975
_CELLS_AT_ONCE: Final = 50_000
_TOLERANCE: Final = 1e-9


class BandCell(NamedTuple):
    """So many persons whose last score in a group of doses, and the band for it, were the same.

    Parameters
    ----------
    year : int
        Year of closing.
    dose_group : int
        Place in `DOSE_GROUPS`.
    curve : str
        Name of the curve that the band was made with.
    first_dose : int
        Dose of the baseline.
    baseline : float
        The baseline that the band rests on, and nothing else; points.
    dose, weeks : int
        Where the score lies; whole weeks since the baseline.
    score : float
        Points.
    lower, upper : int
        The closed band that was shown, points.
    persons : int
        How many, 1 or more.
    """

    year: int
    dose_group: int
    curve: str
    first_dose: int
    baseline: float
    dose: int
    weeks: int
    score: float
    lower: int
    upper: int
    persons: int


@dataclass(frozen=True, slots=True)
class BandFigure:
    """How a band held for the last score of each person in a group of doses.

    Parameters
    ----------
    count : int
        Persons.
    within : int
        How many of their scores lie in the closed band that was shown.
    expected_within : float
        Share that should, if the curve is right: a closed band of whole points holds more than its level. NaN where no
        curve is known.
    known : int
        How many persons the curve is known for; what follows, and what is expected, is theirs.
    fractional, above : Interval
        Shares of their scores in the central band and above it, scores on its border in part: the level, and half of
        what is left, if the curve is right. NaN without persons.
    """

    count: int
    within: int
    expected_within: float
    known: int
    fractional: Interval
    above: Interval


def coverage(
    cells: Sequence[BandCell], curves: Mapping[str, GrowthCurve], level: float = 0.8
) -> dict[tuple[int, int | None], BandFigure]:
    """Tell how the bands held, by group of doses and third of baselines.

    Parameters
    ----------
    cells : sequence of BandCell
        Counted last scores.
    curves : mapping of str to GrowthCurve
        The curves by their names. What was shown by one that is not among them is counted by its closed band only.
    level : float
        Central probability of the bands, above 0 and below 1.

    Returns
    -------
    dict of (int, int or None) to BandFigure
        By place in `DOSE_GROUPS` and third (1 the lowest baselines; None all); only groups with persons. Each person
        counts once in a group, so that intervals are those of persons; a person may be in several groups. The thirds
        are those of the first group that there is, which almost everybody is in.

    Notes
    -----
    The band is worked out anew from the baseline, at whole weeks, by P(Y <= k) of the curve: a closed band [l, u]
    should hold P(Y <= u) - P(Y <= l - 1); for the fractional shares see
    :func:`app.trajectories.metrics.fractional_coverage`.

    References
    ----------
    Czado, Gneiting & Held (2009), Biometrics 65:1254, doi:10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    Eight persons with a PHQ-9 of 15, who have 10 at dose 3, and were shown a band from 5 to 17.

    >>> from app.trajectories.growth import default_curve
    >>> curve = default_curve("phq-9")
    >>> found = coverage([BandCell(2025, 0, curve.key, 0, 15, 3, 3, 10, 5, 17, 8)], {curve.key: curve})[0, None]
    >>> found.within, round(found.expected_within, 2), found.fractional.estimate
    (8, 0.8, 1.0)
    """
    if not cells:
        return {}
    counts = np.array([cell.persons for cell in cells])
    group = np.array([cell.dose_group for cell in cells])
    third = _thirds(np.array([cell.baseline for cell in cells]), np.where(group == group.min(), counts, 0))
    held = np.array([cell.lower <= cell.score <= cell.upper for cell in cells])
    expected, fractional, above = _foretold(cells, curves, level)
    figures = {}
    for place in np.unique(group).tolist():
        for of in (None, *THIRDS):
            rows = group == place if of is None else (group == place) & (third == of)
            if rows.any():
                known = rows & ~np.isnan(expected)
                weights = counts[known]
                figures[place, of] = BandFigure(
                    count=int(counts[rows].sum()),
                    within=int(counts[rows & held].sum()),
                    expected_within=counted_mean(expected[known], weights).estimate,
                    known=int(weights.sum()),
                    fractional=counted_mean(fractional[known], weights),
                    above=counted_mean(above[known], weights),
                )
    return figures


def _thirds(baselines: FloatArray, counts: IntArray) -> IntArray:
    """Give the third of each baseline, 1 for the lowest; equal ones lie in one third. Only who is counted sets them."""
    order = np.argsort(baselines, kind="stable")
    shares = np.cumsum(counts[order]) / counts.sum()
    ends = baselines[order][[int((shares < part / 3 - _TOLERANCE).sum()) for part in (1, 2)]]
    return np.asarray(1 + (baselines[:, None] > ends).sum(axis=1))


def _foretold(cells: Sequence[BandCell], curves: Mapping[str, GrowthCurve], level: float) -> FloatArray:
    """Give what each closed band should hold, and how much of each score lies in the band and above it, shape (3, n).

    NaN where the curve is not known.
    """
    found = np.full((3, len(cells)), math.nan)
    for name, curve in curves.items():
        places = np.flatnonzero([cell.curve == name for cell in cells])
        for some in np.split(places, range(_CELLS_AT_ONCE, len(places), _CELLS_AT_ONCE)):
            if len(some):
                found[:, some] = _by_curve([cells[place] for place in some.tolist()], curve, level)
    return found


def _by_curve(cells: Sequence[BandCell], curve: GrowthCurve, level: float) -> FloatArray:
    rows = [cell[3:10] for cell in cells]
    first, baseline, dose, weeks, score, lower, upper = np.array(rows, dtype=np.float64).T[..., None]
    ahead = curve.given(first, np.zeros_like(first), baseline, known=[1]).predict(dose, weeks, known=1)
    at = [ahead.at_most(points)[:, 0] for points in (lower - 1, upper, np.ceil(score) - 1, score)]
    return np.array([at[1] - at[0], fractional_coverage(at[2], at[3], level), fractional_above(at[2], at[3], level)])


def counted_mean(values: FloatArray, counts: IntArray) -> Interval:
    """Give a mean with its interval, of values that several persons share.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite numbers.
    counts : ndarray of int, shape (n,)
        How many persons each is the value of, 1 or more.

    Returns
    -------
    Interval
        NaN of nobody; without an error of one person.

    Notes
    -----
    The error is the standard deviation, with N - 1, over sqrt N; the quantiles are those of t with N - 1 degrees of
    freedom: as :func:`app.trajectories.sampling_error.clustered_mean` of N persons with one value each.

    Examples
    --------
    >>> found = counted_mean(np.array([0.0, 1.0]), np.array([2, 2]))
    >>> found.estimate, round(found.standard_error, 4), round(found.lower, 3)
    (0.5, 0.2887, -0.419)
    """
    persons = int(counts.sum())
    if not persons:
        return Interval(math.nan, math.nan, math.nan, math.nan)
    mean = float(np.average(values, weights=counts))
    if persons == 1:
        return Interval(mean, math.nan, math.nan, math.nan)
    error = math.sqrt(float(counts @ (values - mean) ** 2) / (persons - 1) / persons)
    reach = error * float(stdtrit(persons - 1, _UPPER_TAIL))
    return Interval(mean, error, mean - reach, mean + reach)
