"""How good a curve is on episodes that it was not learnt from: bands, probabilities and flags, beside its rivals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.scales.change import ChangeCriteria
from app.trajectories.band_check import BandCheck, Foreteller, LogScoreCheck, check_bands, compare_log_scores
from app.trajectories.comparators import UpdatedMixedModel
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.judged import Part, folds_of
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.question import Question
from app.trajectories.risk_check import RiskCheck, check_risks


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Parameters
    ----------
    episodes, scores : int
        How many were judged.
    bands : tuple of BandCheck
        The bands, by look, later dose and third of first scores.
    log_scores : tuple of LogScoreCheck
        Beside the plain mixed model updated at each look, by look.
    risks : tuple of RiskCheck
        Who would not improve reliably, beside all rivals; by look.
    """

    episodes: int
    scores: int
    bands: tuple[BandCheck, ...]
    log_scores: tuple[LogScoreCheck, ...]
    risks: tuple[RiskCheck, ...]


def evaluate(
    parts: Sequence[Part],
    criteria: ChangeCriteria,
    rng: np.random.Generator,
    *,
    look_doses: Sequence[float] = (3, 4, 7),
    end_dose: float = 8,
    budget: float = 0.2,
    repeats: int = 200,
    done: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Judge curves and their rivals.

    Parameters
    ----------
    parts : sequence of Part
        The episodes, each part with its curve and training.
    criteria : ChangeCriteria
        Scale, cut-off and reliable change.
    rng : numpy.random.Generator
        Breaks ties of the flags, and draws the bootstrap.
    look_doses : sequence of float
        When predictors are asked; bands are looked at from the first score and one step ahead as well.
    end_dose : float
        For when they are asked.
    budget : float
        Share that may be flagged.
    repeats : int
        Of the bootstrap.
    done : callable
        Called after the bands, and after each look.

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidSeries
        If there is nothing to judge at one of the looks, or a rival can't be learnt from so little.

    Notes
    -----
    A score before session n is at dose n - 1: "by session 8" is dose 7. At a look at dose 7 the end is dose 8, so that
    no look sees what judges it.
    """
    questions = [Question(criteria, look, end_dose) for look in look_doses]
    bands = check_bands(parts, (0, *look_doses, None))
    log_scores = compare_log_scores(parts, _updated(Question(criteria, 0, end_dose)), (0, *look_doses))
    done()
    risks: list[RiskCheck] = []
    for question in questions:
        risks += check_risks(parts, question, rng, budget=budget, repeats=repeats)
        done()
    return Evaluation(
        episodes=sum(part.episodes.count for part in parts),
        scores=sum(len(part.episodes.scores) for part in parts),
        bands=bands,
        log_scores=log_scores,
        risks=tuple(risks),
    )


def crossed(
    episodes: Episodes, folds: int, rng: np.random.Generator, learn: Callable[[Episodes], GrowthCurve]
) -> list[Part]:
    """Divide episodes at random, and learn for each part from all others.

    Parameters
    ----------
    episodes : Episodes
        The episodes; all rows of one stay together.
    folds : int
        How many parts, 2 or more.
    rng : numpy.random.Generator
        Divides them.
    learn : callable
        Gives a curve from episodes; whatever is chosen on the way must be chosen in here.

    Returns
    -------
    list of Part

    Raises
    ------
    InvalidSeries
        If there are fewer episodes than parts, or a curve can't be learnt.
    """
    fold = folds_of(episodes, folds, rng)
    pairs = ((episodes.chosen(fold == each), episodes.chosen(fold != each)) for each in range(folds))
    return [Part(judged, learn(training), training) for judged, training in pairs]


def _updated(question: Question) -> Callable[[Part], Foreteller]:
    return lambda part: UpdatedMixedModel(question, PlainMixedModel.learn(part.training)).cells
