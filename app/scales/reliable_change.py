"""Reliable and clinically significant change between two scores, by the methods of the literature.

Everywhere here improvement and index are positive when the patient is better, whatever the direction of the scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from app.errors import MalformedBody
from app.scales.change import Better, ChangeCategory, ChangeCriteria, improvement

Scores = NDArray[np.float64]


class ChangeMethod(StrEnum):
    """How a change is held against what measurement error alone would do."""

    JACOBSON_TRUAX = "jt"
    GULLIKSEN_LORD_NOVICK = "gln"
    HSU_LINN_LORD = "hll"
    EDWARDS_NUNNALLY = "en"
    NUNNALLY_KOTSCH = "nk"
    HAGEMAN_ARRINDELL = "ha"

    @property
    def critical(self) -> float:
        """The index from which on a change is reliable."""
        return 1.65 if self is ChangeMethod.HAGEMAN_ARRINDELL else 1.96


@dataclass(frozen=True, slots=True)
class Spread:
    """Means and standard deviations of the group that a change is seen in.

    Parameters
    ----------
    mean_pre, mean_post : float
        Points.
    sd_pre, sd_post : float
        Points, of the sample (n - 1); above 0.
    correlation : float
        Between first and last scores, from -1 to 1; only Hageman & Arrindell's method uses it.

    Raises
    ------
    MalformedBody
        If a figure is not finite or out of its range.
    """

    mean_pre: float
    sd_pre: float
    mean_post: float
    sd_post: float
    correlation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("mean_pre", "sd_pre", "mean_post", "sd_post", "correlation"):
            figure = getattr(self, name)
            fits = isfinite(figure) and (figure > 0 or not name.startswith("sd"))
            if not fits or (name == "correlation" and abs(figure) > 1):
                allowed = "above 0" if name.startswith("sd") else "a number"
                raise MalformedBody(f"{name} is out of its range", pointer=f"/{name}", allowed=allowed)


def error_of_difference(sd: float, reliability: float) -> float:
    """Give the standard error of a difference between two scores, points: sd sqrt(2 (1 - reliability)).

    Parameters
    ----------
    sd : float
        Standard deviation of the group, points.
    reliability : float
        Of the score, from 0 to 1.

    Returns
    -------
    float
        Points. Jacobson & Truax 1991, doi 10.1037/0022-006X.59.1.12.

    Examples
    --------
    The example of their article, sd 7.5 and reliability .80:

    >>> round(error_of_difference(7.5, 0.80), 2)
    4.74
    """
    return sd * sqrt(2 * (1 - reliability))


def change_index(
    method: ChangeMethod,
    pre: Scores,
    post: Scores,
    spread: Spread,
    reliability: float,
    *,
    better: Better,
    reliability_post: float | None = None,
) -> Scores:
    """Give the index of change of each pair of scores.

    Parameters
    ----------
    method : ChangeMethod
        By which formula.
    pre, post : array of float, shape (n,)
        First and last scores, points; NaN where there is none.
    spread : Spread
        Of the group.
    reliability : float
        Of the score, above 0 and below 1.
    better : Better
        Which end of the scale is the good one.
    reliability_post : float, optional
        At the end, for Nunnally & Kotsch's method; the same as at the start, if not given.

    Returns
    -------
    array of float, shape (n,)
        Positive when better; NaN where a score is missing.

    Raises
    ------
    MalformedBody
        If a reliability is out of its range, or the group's figures leave no reliable difference to speak of.

    Notes
    -----
    With x1, x2 the scores, M1, S1, M2, S2 the group's means and standard deviations, r the reliability and
    SEM = S1 sqrt(1 - r):

    - JT: (x2 - x1) / (sqrt 2 SEM). Jacobson & Truax 1991, doi 10.1037/0022-006X.59.1.12.
    - GLN: ((x2 - M1) - r (x1 - M1)) / (S1 sqrt(1 - r^2)). Hsu 1989, Behav Assess 11:459-467.
    - HLL: ((x2 - M2) - r (x1 - M1)) / (S1 sqrt(1 - r^2)). Hsu 1989.
    - EN: (x2 - (r (x1 - M1) + M1)) / SEM. Speer 1992, doi 10.1037/0022-006X.60.3.402.
    - NK: (x2 - (r (x1 - M1) + M1)) / sqrt(r^2 S1^2 (1 - r) + S1^2 (1 - r_post)). Nunnally & Kotsch 1983.
    - HA: ((x2 - x1) r_dd + (M2 - M1) (1 - r_dd)) / (sqrt r_dd sqrt 2 SEM), where r_dd is the reliability of the
      difference. Hageman & Arrindell 1999, doi 10.1016/S0005-7967(99)00032-7.
    """
    post_reliability = reliability if reliability_post is None else reliability_post
    for figure in (reliability, post_reliability):
        if not 0 < figure < 1:
            raise MalformedBody("a reliability is out of its range", pointer="/reliability", allowed="above 0, below 1")
    r, mean, sd = reliability, spread.mean_pre, spread.sd_pre
    sem = sd * sqrt(1 - r)
    residual = (post - mean) - r * (pre - mean)
    match method:
        case ChangeMethod.JACOBSON_TRUAX:
            index = (post - pre) / error_of_difference(sd, r)
        case ChangeMethod.GULLIKSEN_LORD_NOVICK:
            index = residual / (sd * sqrt(1 - r**2))
        case ChangeMethod.HSU_LINN_LORD:
            index = (residual + mean - spread.mean_post) / (sd * sqrt(1 - r**2))
        case ChangeMethod.EDWARDS_NUNNALLY:
            index = residual / sem
        case ChangeMethod.NUNNALLY_KOTSCH:
            index = residual / sqrt(r**2 * sd**2 * (1 - r) + sd**2 * (1 - post_reliability))
        case _:  # Hageman & Arrindell, the one that is left
            of_difference = _reliability_of_difference(spread, sem)
            shrunk = (post - pre) * of_difference + (spread.mean_post - mean) * (1 - of_difference)
            index = shrunk / (sqrt(of_difference) * sqrt(2) * sem)
    return -index if better is Better.LOWER else index


def _reliability_of_difference(spread: Spread, sem: float) -> float:
    covariance = 2 * spread.sd_pre * spread.sd_post * spread.correlation
    observed = spread.sd_pre**2 + spread.sd_post**2 - covariance
    reliable = (spread.sd_pre**2 - sem**2) + (spread.sd_post**2 - sem**2) - covariance
    if observed <= 0 or reliable <= 0:
        raise MalformedBody(
            "the differences vary no more than measurement error does: this method gives no index",
            pointer="/method",
            allowed="another method, or a larger group",
        )
    return reliable / observed


@dataclass(frozen=True, slots=True)
class Functional:
    """Mean and standard deviation of people without the problem.

    Parameters
    ----------
    mean, sd : float
        Points; the standard deviation is above 0.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (isfinite(self.mean) and isfinite(self.sd) and self.sd > 0):
            raise MalformedBody("sd is out of its range", pointer="/functional_sd", allowed="above 0")


def clinical_cutoff(kind: str, spread: Spread, functional: Functional | None, *, better: Better) -> float:
    """Give Jacobson & Truax's cut-off between those with and those without the problem.

    Parameters
    ----------
    kind : str
        ``a``: two standard deviations beyond the mean of those with it; ``b``: within two of the mean of those
        without; ``c``: where either is as likely, weighed by their spread.
    spread : Spread
        Of those with the problem, at the start.
    functional : Functional or None
        Those without it; ``b`` and ``c`` need them.
    better : Better
        Which end of the scale is the good one.

    Returns
    -------
    float
        Points.

    Raises
    ------
    MalformedBody
        If the kind is none of the three, or needs figures that are not given.

    Notes
    -----
    a = M_d -/+ 2 S_d, b = M_f +/- 2 S_f, c = (S_d M_f + S_f M_d) / (S_d + S_f); the upper signs where lower is better.
    Jacobson & Truax 1991.
    """
    towards_better = -1 if better is Better.LOWER else 1
    if kind == "a":
        return spread.mean_pre + towards_better * 2 * spread.sd_pre
    if kind not in ("b", "c"):
        raise MalformedBody("there is no such cut-off", pointer="/cutoff", allowed="a, b, c or a number")
    if functional is None:
        raise MalformedBody(
            f"cut-off {kind} needs the mean and standard deviation of people without the problem",
            pointer="/cutoff",
            allowed="functional_mean and functional_sd",
        )
    if kind == "b":
        return functional.mean - towards_better * 2 * functional.sd
    return (spread.sd_pre * functional.mean + functional.sd * spread.mean_pre) / (spread.sd_pre + functional.sd)


def crosses(pre: float, post: float, cutoff: float, better: Better) -> bool:
    """Tell whether a pair of scores leaves the clinical side: the cut-off itself is on it where lower is better."""
    if better is Better.LOWER:
        return pre >= cutoff > post
    return pre < cutoff <= post


def percentage_improvement(baseline: float, score: float, better: Better = Better.LOWER) -> float | None:
    """Give the improvement in percent of the baseline; None where the baseline is 0.

    Examples
    --------
    >>> percentage_improvement(16, 8), percentage_improvement(0, 3)
    (50.0, None)
    >>> percentage_improvement(20, 25, Better.HIGHER)
    25.0
    """
    if baseline == 0:
        return None
    return 100 * improvement(baseline, score, better) / abs(baseline)


@dataclass(frozen=True, slots=True)
class CompositeChange:
    """What several measures of one person come to together.

    Parameters
    ----------
    case_at_start : bool
        A case on at least one of them.
    recovered : bool
        A case at the start, and on none of them at the end.
    reliably_improved, reliably_deteriorated : bool
        At least one reliably better (worse), and none reliably worse (better).
    """

    case_at_start: bool
    recovered: bool
    reliably_improved: bool
    reliably_deteriorated: bool

    @property
    def outcome(self) -> ChangeCategory:
        """The one outcome that it amounts to."""
        if self.reliably_improved:
            return ChangeCategory.RELIABLE_RECOVERY if self.recovered else ChangeCategory.RELIABLE_IMPROVEMENT
        if self.reliably_deteriorated:
            return ChangeCategory.RELIABLE_DETERIORATION
        return ChangeCategory.NO_RELIABLE_CHANGE


def composite_change(measures: Sequence[tuple[ChangeCriteria, float, float]]) -> CompositeChange:
    """Put the changes of several measures of one person together, as NHS Talking Therapies does for PHQ-9 and GAD-7.

    Parameters
    ----------
    measures : sequence of (ChangeCriteria, float, float)
        Criteria, first and last score of each; at least one.

    Returns
    -------
    CompositeChange
        Over all of them.

    Notes
    -----
    Caseness: on any measure at the start. Recovery: a case at the start, and on no measure at the end. Reliable
    improvement: at least one reliably better and none reliably worse; deterioration is its mirror image (Fingertips
    glossary; the wording of CORC). A measure without a published reliable change counts as not reliably changed.

    Examples
    --------
    >>> from app.scales.catalogue import instrument
    >>> phq_9, gad_7 = (instrument(key).form(None).subscale("total").criteria for key in ("phq-9", "gad-7"))
    >>> composite_change([(phq_9, 18, 8), (gad_7, 12, 7)]).outcome
    <ChangeCategory.RELIABLE_RECOVERY: 'reliable_recovery'>
    """
    at_start = any(criteria.is_case(first) for criteria, first, _ in measures)
    at_end = any(criteria.is_case(last) for criteria, _, last in measures)
    categories = {criteria.category(first, last) for criteria, first, last in measures}
    better = ChangeCategory.RELIABLE_IMPROVEMENT in categories
    worse = ChangeCategory.RELIABLE_DETERIORATION in categories
    return CompositeChange(
        case_at_start=at_start,
        recovered=at_start and not at_end,
        reliably_improved=better and not worse,
        reliably_deteriorated=worse and not better,
    )
