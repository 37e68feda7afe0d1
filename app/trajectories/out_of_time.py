"""How a learnt curve does on episodes that started later than those it was learnt from."""

from __future__ import annotations

import numpy as np

from app.errors import InvalidSeries
from app.scales.change import ChangeCriteria
from app.trajectories.calibration import calibration
from app.trajectories.episodes import Episodes
from app.trajectories.foretelling import foretold, risk_at_later_scores
from app.trajectories.gates import HeldOut
from app.trajectories.growth import GrowthCurve
from app.trajectories.metrics import fractional_coverage, log_score
from app.trajectories.question import Question
from app.trajectories.sampling_error import Interval, clustered_mean, paired_difference

LOOK_DOSE = 3
"""Scores up to the early window are known, and those after it judge. What follows a single score is foretold badly by
every fit, since the first one is chosen and noisier (engine, section 2): no gate rests on that."""

_SCORES = 3  # so many make an episode from which a course can be learnt (methods, G2)


def judge_out_of_time(
    learnt_from: Episodes,
    held_back: Episodes,
    candidate: GrowthCurve,
    present: GrowthCurve,
    criteria: ChangeCriteria,
) -> HeldOut:
    """Judge a learnt curve by later episodes, beside the one in force; nothing is fitted to them.

    Parameters
    ----------
    learnt_from, held_back : Episodes
        The episodes that the candidate was learnt from, and those that started later.
    candidate, present : GrowthCurve
        The learnt curve, and the one in force.
    criteria : ChangeCriteria
        Cut-off and reliable change of the score.

    Returns
    -------
    HeldOut
        Figures that the held-back episodes don't tell are NaN: none has a score on either side of the look, nobody
        started as a case, all improved or none.
    """
    enough = int((learnt_from.lengths >= _SCORES).sum())
    untold = Interval(np.nan, np.nan, np.nan, np.nan)
    try:
        known, later = held_back.split_at(LOOK_DOSE)
    except InvalidSeries:
        return HeldOut(enough, 0, untold, untold, untold)
    ours, theirs = (foretold(curve, known, later) for curve in (candidate, present))
    return HeldOut(
        episodes_learnt_with_three_scores=enough,
        episodes_judged=known.count,
        coverage=clustered_mean(fractional_coverage(ours.below, ours.at), later.episode),
        calibration_slope=_slope(candidate, known, later, criteria) or untold,
        log_score_difference=paired_difference(
            log_score(ours.below, ours.at), log_score(theirs.below, theirs.at), later.episode
        ),
    )


def _slope(curve: GrowthCurve, known: Episodes, later: Episodes, criteria: ChangeCriteria) -> Interval | None:
    """Give the calibration slope of no reliable improvement at each later score of those who could improve so much."""
    if criteria.reliable_change is None:
        return None
    question = Question(criteria, LOOK_DOSE, LOOK_DOSE + 1)
    about = question.is_about(known.first)[later.episode]
    if not about.any():
        return None
    risk = risk_at_later_scores(curve, known, later, question)[about]
    happened = question.unimproved(known.first[later.episode], later.scores)[about]
    return calibration(risk, happened, later.episode[about]).slope
