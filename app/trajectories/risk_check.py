"""How well predictors told who would not improve reliably: ranking, probabilities, and flags within a budget.

Nothing leaks: what was known up to the look predicts, and only the score at the end judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.trajectories.calibration import Calibration, calibration
from app.trajectories.comparators import Rival, learn_rivals
from app.trajectories.episodes import Episodes
from app.trajectories.foretelling import GrowthModel
from app.trajectories.judged import THIRDS, Part, thirds
from app.trajectories.metrics import at_flag_budget, auc
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.question import Question
from app.trajectories.sampling_error import Interval, bootstrapped_each, clustered_mean

GROWTH_MODEL = "growth_model"

_PROBABILITIES = (GROWTH_MODEL, "updated_mixed_model", "nearest_neighbours")
"""Whose risks are probabilities; the others' are only more or less."""

_PREDICTIVE = 3  # place of the positive predictive value among the figures of a predictor
_FIGURES = 6


@dataclass(frozen=True, slots=True)
class FlagCheck:
    """What came of flagging those at the highest risk.

    Parameters
    ----------
    budget : float
        Share that might be flagged; the number of flags is the nearest whole one.
    sensitivity, specificity, positive_predictive_value, negative_predictive_value : Interval
        Of no reliable improvement.
    """

    budget: float
    sensitivity: Interval
    specificity: Interval
    positive_predictive_value: Interval
    negative_predictive_value: Interval


@dataclass(frozen=True, slots=True)
class RiskCheck:
    """How well one predictor told who would not improve reliably.

    Parameters
    ----------
    predictor : str
        Its name.
    look_dose, end_dose : float
        When it was asked, and for when.
    third : int or None
        Third of the first scores, 1 the lowest; None for all.
    patients : int
        How many.
    base_rate : float
        Share of them without reliable improvement.
    auc : Interval
        Probability that of one of each kind the right one had the higher risk.
    brier : Interval or None
        Mean squared error of the probabilities; None where risks are none.
    calibration : Calibration or None
        How probabilities stand to what happened; None likewise.
    flags : FlagCheck
        At a budget of flags.
    flags_behind : Interval or None
        By how much its positive predictive value lies below that of the growth model; None for that itself.
    """

    predictor: str
    look_dose: float
    end_dose: float
    third: int | None
    patients: int
    base_rate: float
    auc: Interval
    brier: Interval | None
    calibration: Calibration | None
    flags: FlagCheck
    flags_behind: Interval | None


def predictors(part: Part, question: Question, *, interval_weeks: float = 1.0) -> dict[str, Rival]:
    """Give the growth model of a part and its rivals, learnt from the part's training, by name.

    Raises
    ------
    InvalidSeries
        If a rival can't be learnt from so little.
    """
    return {GROWTH_MODEL: GrowthModel(question, part.curve, interval_weeks), **learn_rivals(part.training, question)}


def check_risks(
    parts: Sequence[Part],
    question: Question,
    rng: np.random.Generator,
    *,
    predictors: Callable[[Part, Question], Mapping[str, Rival]] = predictors,
    budget: float = 0.2,
    repeats: int = 200,
) -> tuple[RiskCheck, ...]:
    """Ask predictors at a look who will not improve reliably, and see who did not.

    Parameters
    ----------
    parts : sequence of Part
        The episodes, each part with its curve and training.
    question : Question
        What is asked.
    rng : numpy.random.Generator
        Breaks ties of the flags, and draws the bootstrap.
    predictors : callable
        Gives the predictors of a part by name; the growth model by `growth_model`.
    budget : float
        Share that may be flagged.
    repeats : int
        Of the bootstrap.

    Returns
    -------
    tuple of RiskCheck
        One for each predictor, then those of the growth model in each third of first scores.

    Raises
    ------
    InvalidSeries
        If a part has nobody to ask about: a case at the start, seen by the look, with a score at the end dose. Also if
        a predictor can't be learnt, the budget is no share, or there are fewer than two repeats.
    """
    known = [asked_about(part.episodes, question) for part in parts]
    named = [
        {name: predictor.risk(seen) for name, predictor in predictors(part, question).items()}
        for part, (seen, *_) in zip(parts, known, strict=True)
    ]
    risks = {name: np.concatenate([each[name] for each in named]) for name in named[0]}
    first, happened = (np.concatenate([each[place] for each in known]) for place in (1, 2))
    asked = _Asked(question, budget, repeats, rng)
    checks = asked.check(risks, happened)
    third = thirds(first)
    for of in THIRDS:
        rows = third == of
        if rows.any():
            checks += asked.check({GROWTH_MODEL: risks[GROWTH_MODEL][rows]}, happened[rows], of)
    return tuple(checks)


def asked_about(episodes: Episodes, question: Question) -> tuple[Episodes, FloatArray, npt.NDArray[np.bool_]]:
    """Give the patients whom a question is about, as they were known at the look, and who did not improve.

    Returns
    -------
    known : Episodes
        Scores up to the look of patients who started as cases, with room for a reliable improvement, and have a score
        at the end dose.
    first : ndarray, shape (n,)
        Their first scores.
    unimproved : ndarray of bool, shape (n,)
        Who did not improve reliably by the score at the end dose, the newest if there are several.

    Raises
    ------
    InvalidSeries
        If there is none.
    """
    at_end = episodes.doses == question.end_dose
    ends = np.full(episodes.count, np.nan)
    ends[episodes.episode[at_end]] = episodes.scores[at_end]
    starts_known = episodes.doses[episodes.starts[:-1]] <= question.look_dose
    who = starts_known & ~np.isnan(ends) & question.is_about(episodes.first)
    if not who.any():
        raise InvalidSeries("there is no case with a score by the look and one at the end", pointer="/end_dose")
    known, _ = episodes.chosen(who).split_at(question.look_dose)
    return known, known.first, question.unimproved(known.first, ends[who])


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, and how its answers are judged."""

    question: Question
    budget: float
    repeats: int
    rng: np.random.Generator

    def check(
        self, risks: Mapping[str, FloatArray], happened: npt.NDArray[np.bool_], third: int | None = None
    ) -> list[RiskCheck]:
        """Judge predictors by what happened; all are asked about the same patients, and drawn anew together."""

        def figures(rows: IntArray) -> FloatArray:
            of_each = np.array([self._figures(risk[rows], happened[rows]) for risk in risks.values()])
            ours = of_each[list(risks).index(GROWTH_MODEL)]
            return np.concatenate([of_each, ours[[_PREDICTIVE]] - of_each[:, [_PREDICTIVE]]], axis=1).ravel()

        found = bootstrapped_each(figures, np.arange(len(happened)), self.rng, self.repeats)
        rows = (found[start : start + _FIGURES] for start in range(0, len(found), _FIGURES))
        return [
            self._checked(name, risk, happened, third, of_one)
            for (name, risk), of_one in zip(risks.items(), rows, strict=True)
        ]

    def _figures(self, risk: FloatArray, happened: npt.NDArray[np.bool_]) -> list[float]:
        flagged = at_flag_budget(risk, happened, self.budget, self.rng)
        return [
            auc(risk, happened),
            flagged.sensitivity,
            flagged.specificity,
            flagged.positive_predictive_value,
            flagged.negative_predictive_value,
        ]

    def _checked(
        self,
        name: str,
        risk: FloatArray,
        happened: npt.NDArray[np.bool_],
        third: int | None,
        figures: Sequence[Interval],
    ) -> RiskCheck:
        ranked, *flags, behind = figures
        probable = name in _PROBABILITIES
        return RiskCheck(
            predictor=name,
            look_dose=self.question.look_dose,
            end_dose=self.question.end_dose,
            third=third,
            patients=len(happened),
            base_rate=float(happened.mean()),
            auc=ranked,
            brier=clustered_mean((risk - happened) ** 2, np.arange(len(risk))) if probable else None,
            calibration=calibration(risk, happened) if probable else None,
            flags=FlagCheck(self.budget, *flags),
            flags_behind=None if name == GROWTH_MODEL else behind,
        )
