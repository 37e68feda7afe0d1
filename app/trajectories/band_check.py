"""How well later scores were foretold: by the band, and in log probability, beside a rival.

Nothing leaks: what was known up to a look foretells, and only what came later judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.trajectories.episodes import Episodes
from app.trajectories.foretelling import Foretold, foretold, next_foretold
from app.trajectories.growth import GrowthCurve
from app.trajectories.judged import THIRDS, Part, thirds
from app.trajectories.metrics import fractional_above, fractional_below, fractional_coverage, log_score
from app.trajectories.prediction import FloatArray
from app.trajectories.sampling_error import Interval, clustered_mean, paired_difference


@dataclass(frozen=True, slots=True)
class BandCheck:
    """How often later scores fell into the central band, and how well they were foretold.

    Parameters
    ----------
    look_dose : float or None
        Scores up to this dose were known; None where each score was foretold from all before it.
    dose : float or None
        Dose of the later scores; None for all.
    third : int or None
        Third of the first scores, 1 the lowest; None for all.
    scores : int
        How many later scores.
    coverage, above, below : Interval
        Fractional shares in the band, above and below it: .8, .1 and .1 if the band is right.
    closed_coverage : float
        Share within the closed band that is drawn, which holds more by being closed.
    width : float
        Its mean width, points: the upper end less the lower one.
    log_score : Interval
        Mean log probability of the scores, nats.
    """

    look_dose: float | None
    dose: float | None
    third: int | None
    scores: int
    coverage: Interval
    above: Interval
    below: Interval
    closed_coverage: float
    width: float
    log_score: Interval


def check_bands(
    parts: Sequence[Part], look_doses: Iterable[float | None], *, level: float = 0.8
) -> tuple[BandCheck, ...]:
    """Hold later scores against the bands of curves.

    Parameters
    ----------
    parts : sequence of Part
        The episodes, each part with its curve.
    look_doses : iterable of float or None
        The looks; None for one step ahead.
    level : float
        Central probability of the band.

    Returns
    -------
    tuple of BandCheck
        For each look all later scores, those of each third of first scores, of each dose, and of both. Intervals are
        those of patients, whose scores go together.

    Raises
    ------
    InvalidSeries
        If a look leaves a part without later scores, or a score lies outside the scale.
    """
    checks: list[BandCheck] = []
    for look in look_doses:
        firsts, laters, found = zip(*(_foretold_at(part, look, level) for part in parts), strict=True)
        together = Foretold(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
        checks += _bands_of(look, np.concatenate(firsts), Episodes.joined(laters), together, level)
    return tuple(checks)


def _foretold_at(part: Part, look: float | None, level: float) -> tuple[FloatArray, Episodes, Foretold]:
    """Give first scores of the patients, their later scores, and what was foretold of those."""
    if look is None:
        later, found = next_foretold(part.curve, part.episodes, level)
        return part.episodes.first[part.episodes.lengths > 1], later, found
    known, later = part.episodes.split_at(look)
    return known.first, later, foretold(part.curve, known, later, level)


def _bands_of(
    look: float | None, first: FloatArray, later: Episodes, found: Foretold, level: float
) -> Iterator[BandCheck]:
    inside = (later.scores >= found.lower) & (later.scores <= found.upper)
    figures = (
        fractional_coverage(found.below, found.at, level),
        fractional_above(found.below, found.at, level),
        fractional_below(found.below, found.at, level),
        log_score(found.below, found.at),
    )
    third = thirds(first)[later.episode]
    doses = [None, *np.unique(later.doses).tolist()]
    for dose in doses:
        for of in (None, *THIRDS):
            rows = np.ones(len(third), dtype=bool) if dose is None else later.doses == dose
            rows = rows if of is None else rows & (third == of)
            if rows.any():
                coverage, above, below, logs = (clustered_mean(each[rows], later.episode[rows]) for each in figures)
                width = float((found.upper - found.lower)[rows].mean())
                count = int(rows.sum())
                yield BandCheck(look, dose, of, count, coverage, above, below, float(inside[rows].mean()), width, logs)


@dataclass(frozen=True, slots=True)
class LogScoreCheck:
    """How well a curve foretold later scores, beside a rival.

    Parameters
    ----------
    look_dose : float
        Scores up to this dose were known.
    scores : int
        How many later scores.
    ours, theirs : Interval
        Mean log probability of a score, nats.
    difference : Interval
        Of the two, on the same scores: above 0 where ours foretold better.
    """

    look_dose: float
    scores: int
    ours: Interval
    theirs: Interval
    difference: Interval


Foreteller = Callable[[Episodes, Episodes], tuple[FloatArray, FloatArray]]
"""Gives P(Y < y) and P(Y <= y) of later scores, from those that were known."""


def foreteller(curve: GrowthCurve) -> Foreteller:
    """Give a curve as one that foretells."""
    return lambda known, later: foretold(curve, known, later)[:2]


def compare_log_scores(
    parts: Sequence[Part], rival: Callable[[Part], Foreteller], look_doses: Iterable[float]
) -> tuple[LogScoreCheck, ...]:
    """Compare how well curves and a rival foretell the same later scores.

    Parameters
    ----------
    parts : sequence of Part
        The episodes, each part with its curve.
    rival : callable
        Gives what foretells the episodes of a part in place of its curve.
    look_doses : iterable of float
        The looks.

    Returns
    -------
    tuple of LogScoreCheck
        One for each look. Intervals are those of patients.

    Raises
    ------
    InvalidSeries
        If a look leaves a part without later scores, or a score lies outside the scale.
    """
    pairs = [(part.episodes, foreteller(part.curve), rival(part)) for part in parts]
    checks = []
    for look in look_doses:
        split = [(episodes.split_at(look), both) for episodes, *both in pairs]
        later = Episodes.joined([rows for (_, rows), _ in split])
        our_logs, their_logs = (
            np.concatenate([log_score(*both[place](known, rows)) for (known, rows), both in split]) for place in (0, 1)
        )
        check = LogScoreCheck(
            look_dose=look,
            scores=len(later.scores),
            ours=clustered_mean(our_logs, later.episode),
            theirs=clustered_mean(their_logs, later.episode),
            difference=paired_difference(our_logs, their_logs, later.episode),
        )
        checks.append(check)
    return tuple(checks)
