"""How far the shares of services lie from what chance and case mix make likely: limits, not ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from app.trajectories.prediction import FloatArray, IntArray

Z_95: Final = 1.96
Z_998: Final = 3.09

_WINSORISED: Final = 0.1
_SIGNIFICANT: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Between which a share is expected, at two levels, cut at 0 and 1.

    Parameters
    ----------
    lower_95, upper_95, lower_998, upper_998 : ndarray
        0 to 1; NaN of nobody.
    """

    lower_95: FloatArray
    upper_95: FloatArray
    lower_998: FloatArray
    upper_998: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Dispersion:
    """How much more the units differ than chance makes them.

    Parameters
    ----------
    units : int
        With a figure of their own.
    phi : float
        Mean winsorised z squared, 1 where only chance is at work; NaN of fewer than two units.
    p_value : float
        Of so much or more by chance alone; NaN likewise.
    inflation : float
        By what the limits are widened: the root of phi where that is significantly above 1, else 1.
    """

    units: int
    phi: float
    p_value: float
    inflation: float


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """Shares of units with the limits around what is expected of each.

    Parameters
    ----------
    count, of : ndarray of int, shape (units,)
        How many of how many.
    share : ndarray, shape (units,)
        0 to 1; NaN of nobody.
    expected : ndarray, shape (units,)
        Share that the unit would have if each of its strata did as everywhere; NaN of nobody.
    z : ndarray, shape (units,)
        (O - E) / sqrt(sum p (1 - p)); NaN of nobody, and where all strata are sure.
    limits : Limits
        Around what is expected, with over-dispersion.
    centre : float
        Share of all units together.
    dispersion : Dispersion
    """

    count: IntArray
    of: IntArray
    share: FloatArray
    expected: FloatArray
    z: FloatArray
    limits: Limits
    centre: float
    dispersion: Dispersion


def funnel(count: npt.ArrayLike, of: npt.ArrayLike, told: npt.ArrayLike | None = None) -> Funnel | None:
    """Give the funnel of units, adjusted for the strata of which each consists.

    Parameters
    ----------
    count, of : array_like of int, shape (units, strata)
        How many of how many in each stratum of each unit, of the whole organisation; one stratum is no case mix.
    told : array_like of int, shape (units,), optional
        What is told of how many there are in each unit, where that is rounded: limits for so many give away no more.

    Returns
    -------
    Funnel or None
        None of nobody.

    Raises
    ------
    AssertionError
        If the shapes differ, or a part is less than none or more than the whole: a mistake of ours.

    Notes
    -----
    Indirect standardisation: with p_s the share of a stratum in all units together, E = sum n_s p_s and V = sum n_s
    p_s (1 - p_s). Limits are (E -+ z g sqrt(V)) / n with z 1.96 and 3.09; with one stratum p0 -+ z g sqrt(p0 (1 - p0) /
    n). Without over-dispersion g = 1.

    Over-dispersion: the lowest and highest tenth of z are drawn in to their quantiles (R's type 7), so that the units
    that stand out don't widen their own limits; phi is the mean of the squares, and I phi is held against chi squared
    with I - 1 degrees of freedom, since p0 comes from the same units. Only if phi is significantly above 1, at 5 %, is
    g = sqrt(phi). The form is multiplicative: one factor is all that a handful of services can tell. Spiegelhalter
    (2005b) finds both feasible and the additive one (a variance between units) better founded; but with few units that
    variance can hardly be told from 0, and it would forgive large units what they differ.

    References
    ----------
    Spiegelhalter (2005a), Stat Med 24:1185, doi:10.1002/sim.1970.
    Spiegelhalter (2005b), Qual Saf Health Care 14:347, doi:10.1136/qshc.2005.013755.

    Examples
    --------
    >>> found = funnel([[20], [30]], [[50], [50]])
    >>> found.centre, found.z.round(2).tolist(), found.limits.lower_95.round(2).tolist()
    (0.5, [-1.41, 1.41], [0.36, 0.36])
    """
    part, whole = np.asarray(count, dtype=np.int64), np.asarray(of, dtype=np.int64)
    assert part.ndim == 2, "each unit has its strata"
    assert part.shape == whole.shape, "each part has its whole"
    assert ((part >= 0) & (part <= whole)).all(), "a part is neither less than none nor more than the whole"
    if not whole.any():
        return None
    rate = part.sum(axis=0) / np.maximum(whole.sum(axis=0), 1)
    observed, n = part.sum(axis=1), whole.sum(axis=1)
    there = np.where(n > 0, n, math.nan)
    reached = there if told is None else np.where(np.asarray(told) > 0, told, there)
    expected, error = whole @ rate, np.sqrt(whole @ (rate * (1 - rate)))
    z = (observed - expected) / np.where(error > 0, error, math.nan)
    dispersion = dispersion_of(z)
    return Funnel(
        count=observed,
        of=n,
        share=observed / there,
        expected=expected / there,
        z=z,
        limits=_limits(expected / there, error / np.sqrt(there * reached), dispersion.inflation),
        centre=float(part.sum() / whole.sum()),
        dispersion=dispersion,
    )


def limits(centre: float, of: npt.ArrayLike, inflation: float = 1.0) -> Limits:
    """Give the lines of a funnel: between which the share of so many is expected, without case mix.

    Parameters
    ----------
    centre : float
        Share of all, p0.
    of : array_like of int, shape (sizes,)
        Persons.
    inflation : float
        As of :class:`Dispersion`.

    Returns
    -------
    Limits
        p0 -+ z g sqrt(p0 (1 - p0) / n), z 1.96 and 3.09.

    References
    ----------
    Spiegelhalter (2005), Stat Med 24:1185, doi:10.1002/sim.1970.

    Examples
    --------
    >>> limits(0.5, [100]).upper_95.round(3).tolist()
    [0.598]
    """
    n = np.asarray(of, dtype=np.float64)
    error = np.sqrt(centre * (1 - centre) / np.where(n > 0, n, math.nan))
    return _limits(np.full_like(error, centre), error, inflation)


def dispersion_of(z: npt.ArrayLike) -> Dispersion:
    """Give how much more units differ than chance makes them.

    Parameters
    ----------
    z : array_like, shape (units,)
        Standardised differences from what is expected; NaN where there is none.

    Returns
    -------
    Dispersion
        As the notes of :func:`funnel` say.

    References
    ----------
    Spiegelhalter (2005), Stat Med 24:1185, doi:10.1002/sim.1970.

    Examples
    --------
    >>> found = dispersion_of([-3.0, -1.0, 0.0, 1.0, 3.0])
    >>> round(found.phi, 3), round(found.p_value, 3), round(found.inflation, 2)
    (2.336, 0.02, 1.53)
    """
    known = np.asarray(z, dtype=np.float64)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return Dispersion(len(known), math.nan, math.nan, 1.0)
    drawn_in = np.clip(known, *np.quantile(known, [_WINSORISED, 1 - _WINSORISED]))
    phi = float((drawn_in**2).mean())
    p_value = float(chdtrc(len(known) - 1, len(known) * phi))
    return Dispersion(len(known), phi, p_value, math.sqrt(phi) if phi > 1 and p_value < _SIGNIFICANT else 1.0)


def _limits(expected: FloatArray, error: FloatArray, inflation: float) -> Limits:
    reach = np.outer([-Z_95, Z_95, -Z_998, Z_998], inflation * error)
    return Limits(*np.clip(expected + reach, 0.0, 1.0))
