"""What becomes of late responders: patients who stay flat to dose 5 and improve then.

Before the late window their scores look like those of patients who will never improve. So it counts how often a policy
flags them, when scores tell the two apart, and what they are called in the meantime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria
from app.trajectories.comparators import ClassicalExpectedResponse
from app.trajectories.course import Course
from app.trajectories.flag_budget import series_of
from app.trajectories.foretelling import GrowthModel
from app.trajectories.growth import GrowthCurve
from app.trajectories.metrics import auc
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.policy import Plan, Policy
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.progress import ResponderState
from app.trajectories.question import Question
from app.trajectories.sampling_error import Interval, bootstrapped, share
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Occasions, simulate
from app.trajectories.tracking import assess_many
from app.trajectories.trial import END_DOSE, Belief, Trial

BoolArray: TypeAlias = npt.NDArray[np.bool_]

EARLY_LOOKS = (3, 4, 5, 6)
"""From the end of the early window to the last dose before the late one."""

LASTING_DOSE = 20
"""Who has not improved reliably by this dose never will, as far as a trial goes."""

_AT_ONCE = 4_000  # courses whose verdicts are held at a time


class EverFlagged(NamedTuple):
    """Shares of cases that were flagged at one look or more.

    Parameters
    ----------
    late, worsening : Interval
        Of those who respond late, and of those who get worse.
    everybody : Interval
        Of all.
    """

    late: Interval
    worsening: Interval
    everybody: Interval


@dataclass(frozen=True, slots=True)
class LateFlags:
    """Who is flagged before the late window, by which rule.

    Parameters
    ----------
    ranked : EverFlagged
        Those at the highest risk of no reliable improvement, as many at each look as the budget allows.
    ranked_response : EverFlagged
        As many at each look by the classical expected response.
    pending : EverFlagged
        Those who will likely be reliably worse, and nobody else.
    beyond_limit : EverFlagged
        Those beyond the classical expected response's one-sided 80 % limit.
    ranked_ratio, pending_ratio : Interval
        Share of late responders flagged by the first of each pair of rules, over that by the second.
    """

    ranked: EverFlagged
    ranked_response: EverFlagged
    pending: EverFlagged
    beyond_limit: EverFlagged
    ranked_ratio: Interval
    pending_ratio: Interval


def check_late_flags(
    trial: Trial,
    rng: np.random.Generator,
    *,
    belief: Belief = Belief.PUBLISHED,
    look_doses: Sequence[float] = EARLY_LOOKS,
    budget: float = 0.2,
    likely: float = 0.2,
    repeats: int = 200,
) -> LateFlags:
    """Count who is flagged at looks before the late window.

    Parameters
    ----------
    trial : Trial
        The simulated service.
    rng : numpy.random.Generator
        Breaks ties of the flags, and draws the bootstrap.
    belief : Belief
        What the growth model believes.
    look_doses : sequence of float
        The looks.
    budget : float
        Share that is flagged at each look by rules that rank.
    likely : float
        Probability of reliable deterioration at dose 20 above which it is likely.
    repeats : int
        Of the bootstrap.

    Returns
    -------
    LateFlags
        Of cases.

    Raises
    ------
    InvalidSeries
        If no case responds late, or none gets worse.
    """
    part = trial.part(belief)
    seen = Question(trial.criteria, min(look_doses), LASTING_DOSE)
    cases = seen.is_about(part.episodes.first)
    episodes = part.episodes.chosen(cases)
    late, worsening = (trial.is_of(shape)[cases] for shape in (ResponseShape.LATE, ResponseShape.WORSENING))
    if not (late.any() and worsening.any()):
        raise InvalidSeries("a trial of late responders needs cases who respond late, and some who get worse")
    model, weeks = PlainMixedModel.learn(part.training), trial.service.interval_weeks
    flagged = np.zeros((4, episodes.count), dtype=np.bool_)
    for look in look_doses:
        known, _ = episodes.split_at(look)
        question = Question(trial.criteria, look, END_DOSE)
        response = ClassicalExpectedResponse(question, model)
        worse = 1.0 - GrowthModel(_the_other_way(trial.criteria, look), part.curve, weeks).risk(known)
        flagged |= [
            _highest(GrowthModel(question, part.curve, weeks).risk(known), budget, rng),
            _highest(response.risk(known), budget, rng),
            worse > likely,
            response.beyond_limit(known),
        ]
    ranked, ranked_response, pending, beyond_limit = (
        EverFlagged(share(each[late]), share(each[worsening]), share(each)) for each in flagged
    )
    return LateFlags(
        ranked,
        ranked_response,
        pending,
        beyond_limit,
        ranked_ratio=_ratio(flagged[0, late], flagged[1, late], rng, repeats),
        pending_ratio=_ratio(flagged[2, late], flagged[3, late], rng, repeats),
    )


def late_auc(
    trial: Trial,
    rng: np.random.Generator,
    *,
    belief: Belief = Belief.PUBLISHED,
    look_doses: Sequence[int] = tuple(range(3, 13)),
    repeats: int = 200,
) -> Mapping[int, Interval]:
    """Give how well the probability of the late shape tells late responders from lasting non-responders.

    Parameters
    ----------
    trial, rng, belief, look_doses, repeats
        As for :func:`check_late_flags`.

    Returns
    -------
    mapping of int to Interval
        By look, the probability that of one of each kind of cases the late responder has the higher one. Lasting
        non-responders are of another shape and not reliably better at dose 20.

    Raises
    ------
    InvalidSeries
        If no case is of one of the two kinds, or nobody is believed to respond late.
    """
    part = trial.part(belief)
    question = Question(trial.criteria, min(look_doses), LASTING_DOSE)
    first, last = part.episodes.first, trial.cohort.complete[:, trial.cohort.doses == LASTING_DOSE]
    late = trial.is_of(ResponseShape.LATE)
    who = question.is_about(first) & (late | question.unimproved(first, last[:, 0]))
    late, shapes = late[who], part.curve.shapes
    if not late.any() or late.all() or ResponseShape.LATE not in shapes:
        raise InvalidSeries("there must be cases who respond late, and some who never improve")
    episodes, place = part.episodes.chosen(who), shapes.index(ResponseShape.LATE)
    found = {}
    for look in look_doses:
        chance = GrowthModel(question, part.curve).shares(episodes.split_at(look)[0])[place]
        found[look] = bootstrapped(partial(_auc_of, chance, late), np.arange(len(late)), rng, repeats)
    return found


@dataclass(frozen=True, slots=True)
class LateStates:
    """What late responders are called before the late window.

    Parameters
    ----------
    patients : int
        How many cases.
    always_open : Interval
        Share of them whose every verdict is pending or late.
    ever : mapping of ResponderState to Interval
        Share of them with such a verdict at one look or more.
    verdicts : mapping of ResponderState to float
        Share of all verdicts.
    """

    patients: int
    always_open: Interval
    ever: Mapping[ResponderState, Interval]
    verdicts: Mapping[ResponderState, float]


def check_late_states(
    curve: GrowthCurve,
    criteria: ChangeCriteria,
    rng: np.random.Generator,
    *,
    count: int = 40_000,
    policy: Policy | None = None,
) -> LateStates:
    """Ask for the verdicts on late responders before the late window, as the service gives them.

    Parameters
    ----------
    curve : GrowthCurve
        What is believed; the patients all respond late, and are else as it says.
    criteria : ChangeCriteria
        Scale, cut-off and reliable change; who is no case is left out.
    rng : numpy.random.Generator
        Draws the patients.
    count : int
        How many to draw.
    policy : Policy, optional
        Windows and thresholds; the default ones when None.

    Returns
    -------
    LateStates

    Raises
    ------
    InvalidSeries
        If nobody is a case.
    """
    occasions = Occasions(tuple(range(EARLY_LOOKS[-1] + 1)))
    scores = simulate(rng, replace(curve, shares={ResponseShape.LATE: 1.0}), occasions, count).complete
    cases = scores[Question(criteria, 0, 1).is_about(scores[:, 0])].tolist()
    if not cases:
        raise InvalidSeries("nobody is a case")
    held_against = criteria, curve, policy or Policy(), Plan()
    states: list[list[ResponderState]] = []
    for start in range(0, len(cases), _AT_ONCE):
        some = cases[start : start + _AT_ONCE]
        courses = [Course(series_of(row, occasions), *held_against, first=EARLY_LOOKS[0]) for row in some]
        states += [[verdict.responder_state for verdict in verdicts] for verdicts in assess_many(courses)]
    table = np.array(states, dtype=np.str_)
    return LateStates(
        patients=len(table),
        always_open=share(np.isin(table, (ResponderState.PENDING, ResponderState.LATE)).all(axis=1)),
        ever={state: share((table == state).any(axis=1)) for state in ResponderState},
        verdicts={state: float((table == state).mean()) for state in ResponderState},
    )


def _the_other_way(criteria: ChangeCriteria, look_dose: float) -> Question:
    """Ask for a reliable change for the worse: one for the better on a scale that runs the other way."""
    turned = Better.HIGHER if criteria.better is Better.LOWER else Better.LOWER
    return Question(replace(criteria, better=turned), look_dose, LASTING_DOSE)


def _auc_of(chance: FloatArray, late: BoolArray, rows: IntArray) -> float:
    return auc(chance[rows], late[rows])


def _highest(risk: FloatArray, budget: float, rng: np.random.Generator) -> BoolArray:
    """Flag so many with the highest risk; chance decides among equal risks."""
    flagged = np.zeros(len(risk), dtype=np.bool_)
    flagged[np.lexsort((rng.random(len(risk)), -risk))[: round(budget * len(risk))]] = True
    return flagged


def _ratio(ours: BoolArray, theirs: BoolArray, rng: np.random.Generator, repeats: int) -> Interval:
    """Give the ratio of two shares of the same patients; NaN where the second is 0."""

    def ratio(rows: IntArray) -> float:
        flagged = int(theirs[rows].sum())
        return int(ours[rows].sum()) / flagged if flagged else np.nan

    return bootstrapped(ratio, np.arange(len(ours)), rng, repeats)
