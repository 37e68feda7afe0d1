"""Where a fit begins on a scale that has no published curve, and which link suits a scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from app.trajectories.episodes import Episodes
from app.trajectories.foretelling import next_foretold
from app.trajectories.growth import GrowthCurve, Provenance
from app.trajectories.judged import folds_of
from app.trajectories.link import Link, LinkKind
from app.trajectories.metrics import log_score
from app.trajectories.mixed_model import Method, fit_mixed_model
from app.trajectories.sampling_error import Interval, paired_difference
from app.trajectories.shapes import ResponseShape, progress

_WITH_WORSENING = (0.7, 0.2, 0.08, 0.02)  # where a search begins, and nothing else: about those of the defaults


def starting_curve(
    episodes: Episodes,
    link: Link,
    shapes: Sequence[ResponseShape] = (ResponseShape.EARLY,),
    *,
    drifts: bool = True,
    worsening: float = 0.0,
) -> GrowthCurve:
    """Give a curve from which a search can begin, from the plain mixed model on the scale of the link.

    Parameters
    ----------
    episodes : Episodes
        The scores.
    link : Link
        The scale on which they are taken to be normal.
    shapes : sequence of ResponseShape
        The shapes, one or more.
    drifts : bool
        Whether there is drift: half of what the lines leave, with a time constant between a step and a whole course.
    worsening : float
        What the worsening shape adds to a score by dose 8, link units: as in :class:`GrowthCurve`.

    Returns
    -------
    GrowthCurve
        Its figures are guesses; its provenance says so.

    Raises
    ------
    InvalidSeries
        As for :func:`~app.trajectories.mixed_model.fit_mixed_model`.
    """
    plain = fit_mixed_model(
        replace(episodes, scores=link.forward(episodes.scores)), progress(shapes[0], episodes.doses), method=Method.ML
    )
    intercept, slope = (each.estimate for each in plain.fixed_effects)
    left = plain.sd_residual**2
    shares = np.array(_WITH_WORSENING[: len(shapes)])
    return GrowthCurve(
        key="start",
        version=1,
        instrument="any",
        link=link,
        intercept=intercept,
        session_slope=slope,
        sd_intercept=plain.sd_intercept,
        sd_slope=plain.sd_slope,
        correlation=float(np.clip(plain.correlation or 0.0, -0.9, 0.9)),
        drift_variance=left / 2 if drifts else 0.0,
        drift_weeks=_between_a_step_and_a_course(episodes),
        noise_variance=left / 2 if drifts else left,
        shares=dict(zip(shapes, (shares / shares.sum()).tolist(), strict=True)),
        worsening=worsening,
        provenance=Provenance("guessed from the scores, to begin a search with", "guessed", "UNVERIFIED"),
    )


def _between_a_step_and_a_course(episodes: Episodes) -> float:
    """Give the geometric mean of the usual time between scores and the longest time that an episode covers."""
    steps = np.diff(episodes.weeks)[np.diff(episodes.episode) == 0]
    longest = float((episodes.weeks[episodes.starts[1:] - 1] - episodes.weeks[episodes.starts[:-1]]).max())
    return math.sqrt(float(np.median(steps[steps > 0])) * longest) if longest > 0 else 1.0


@dataclass(frozen=True, slots=True)
class LinkChoice:
    """Which link foretold scores best that the fits had not seen.

    Parameters
    ----------
    kind : LinkKind
        The best one.
    log_scores : mapping of LinkKind to float
        Mean log probability of a score given those before it, nats, for each link.
    behind : mapping of LinkKind to Interval
        By how much each of the others lies behind the best, on the same scores.
    """

    kind: LinkKind
    log_scores: Mapping[LinkKind, float]
    behind: Mapping[LinkKind, Interval]


def choose_link(
    episodes: Episodes,
    learn: Callable[[Episodes, LinkKind], GrowthCurve],
    rng: np.random.Generator,
    *,
    kinds: Iterable[LinkKind] = LinkKind,
    folds: int = 5,
) -> LinkChoice:
    """Choose a link by how well each foretells the next score of patients whom it was not fitted to.

    Parameters
    ----------
    episodes : Episodes
        The scores to learn from, and no others. Who has one score only is left out: there is no next one.
    learn : callable
        Gives a curve with a link of that kind from episodes.
    rng : numpy.random.Generator
        Divides the episodes.
    kinds : iterable of LinkKind
        The candidates.
    folds : int
        Into how many parts the episodes are divided, 2 or more.

    Returns
    -------
    LinkChoice

    Raises
    ------
    InvalidSeries
        If there are fewer episodes with a next score than folds, or nothing can be learnt without one of them.

    Notes
    -----
    Densities on different scales do not compare; probabilities of whole scores do.
    """
    some = episodes.chosen(episodes.lengths > 1)
    fold = folds_of(some, folds, rng)
    whose = np.concatenate([np.flatnonzero(fold == each) for each in range(folds)])
    who = np.repeat(whose, some.lengths[whose] - 1)
    logs = {}
    for kind in kinds:
        found = []
        for each in range(folds):
            _, told = next_foretold(learn(some.chosen(fold != each), kind), some.chosen(fold == each))
            found.append(log_score(told.below, told.at))
        logs[kind] = np.concatenate(found)
    means = {kind: float(each.mean()) for kind, each in logs.items()}
    best = max(means, key=lambda kind: means[kind])
    behind = {kind: paired_difference(logs[best], each, who) for kind, each in logs.items() if kind is not best}
    return LinkChoice(best, MappingProxyType(means), MappingProxyType(behind))
