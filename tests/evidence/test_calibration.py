"""What the engine says to be likely happens as often, in cohorts whose truth is known.

The definitions are those of the band's fractional coverage: the share of an observation's cell of probability that lies
within the band, which is exactly the level in a correct model however many scores lie at the floor of the scale
(method: randomised probability integral transform, Czado, Gneiting & Held 2009, Biometrics 65:1254, without the
random numbers).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logit

from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import Prediction
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Occasions, simulate
from app.trajectories.tracking import Plan, Policy
from tests.trajectories.factories import PHQ_9, a_curve, verdicts

logger = logging.getLogger("evidence")

EPISODES: Final = int(os.environ.get("EPISODES", "150"))
"""`make evidence` asks for 5,000 in each cohort."""

DOSES: Final = np.arange(21.0)
LEVEL: Final = 0.8
END: Final = 8
LOOKS: Final = (3, 4, 7)
SHOWN_DOSES: Final = (1, 4, 8, 12, 20)
SURE: Final = 4
"""Standard errors of the simulation by which a figure may miss beyond its tolerance: none of some hundred misses by
more by chance.
"""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cohort:
    """A truth: a curve that may be another than the one that is believed."""

    about: str
    curve: GrowthCurve

    @cache  # noqa: B019 - the cohorts live as long as the tests
    def scores(self) -> npt.NDArray[np.int64]:
        """Draw the scores, shape (episodes, doses); weekly."""
        occasions = Occasions(tuple(range(len(DOSES))))
        return simulate(np.random.default_rng(20_260_105), self.curve, occasions, EPISODES).scores.astype(np.int64)

    def __hash__(self) -> int:
        return hash(self.about)


EARLY, LINEAR, LATE, WORSENING = ResponseShape

AS_BELIEVED: Final = Cohort("as the curve believes", a_curve())
OTHERWISE: Final = (
    Cohort(
        "a quarter late, 6 % worsening",
        replace(a_curve(), shares={EARLY: 0.5, LINEAR: 0.19, LATE: 0.25, WORSENING: 0.06}),
    ),
    Cohort("a third less improvement", replace(a_curve(), session_slope=-1.8)),
    Cohort("half as much noise again", replace(a_curve(), noise_variance=12.0)),
    Cohort("no slow drift, more noise", replace(a_curve(), drift_variance=0.0, noise_variance=21.0)),
)


def fractions(prediction: Prediction, scores: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Give which part of each score's cell of probability lies within the band, and which above it."""
    scores = np.asarray(scores)
    below, at = prediction.at_most(scores - 1), prediction.at_most(scores)
    tail = (1 - LEVEL) / 2
    width = np.maximum(at - below, 1e-300)
    within = np.clip(np.minimum(at, 1 - tail) - np.maximum(below, tail), 0, None) / width
    above = np.clip(at - np.maximum(below, 1 - tail), 0, None) / width
    return within, above


def test_fractions_of_a_cell() -> None:
    """By hand: Y is 0 or 1 with halves. Each cell is half as wide as all, of which .1 lies below or above the band."""
    even = Prediction(Link(LinkKind.IDENTITY, 0, 1, middle=0.5), *(np.full((1, 2), each) for each in (1.0, 0.5, 1.0)))
    within, above = fractions(even, [0, 1])
    assert within == pytest.approx([0.8, 0.8])
    assert above == pytest.approx([0.0, 0.2])


def coverage(cohort: Cohort) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Give coverage and upper exceedance of every score, shape (episodes, later doses), by what was known."""
    found: dict[str, list[tuple[FloatArray, FloatArray]]] = {}
    for scores in cohort.scores():
        given = a_curve().given(DOSES, DOSES, scores)
        for what, first, known in (
            ("the first score", 1, 1),
            ("doses 0-4", 5, 5),
            ("all before", 1, np.arange(1, len(DOSES))),
        ):
            later = DOSES[first:]
            found.setdefault(what, []).append(fractions(given.predict(later, later, known), scores[first:]))
    return {
        what: (np.array([within for within, _ in each]), np.array([above for _, above in each]))
        for what, each in found.items()
    }


def mean_with_error(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give means over episodes and their standard errors."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def tell_coverage(about: str, found: Mapping[str, tuple[FloatArray, FloatArray]]) -> None:
    for what, (within, above) in found.items():
        (covered, error), (exceeded, _) = mean_with_error(within), mean_with_error(above)
        first = len(DOSES) - within.shape[1]
        shown = [dose - first for dose in SHOWN_DOSES if dose >= first]
        logger.info(
            "%s, from %s, doses %s: coverage %s, above %s (error %.4f)",
            about,
            what,
            " ".join(str(first + place) for place in shown),
            " ".join(f"{covered[place]:.3f}" for place in shown),
            " ".join(f"{exceeded[place]:.3f}" for place in shown),
            error.max(),
        )


def test_the_band_holds_what_it_says_when_the_truth_is_as_believed() -> None:
    """.78 to .82 at every dose and in every third of the baseline; .08 to .12 of the scores lie above it."""
    found = coverage(AS_BELIEVED)
    tell_coverage(AS_BELIEVED.about, found)
    order = np.argsort(AS_BELIEVED.scores()[:, 0], kind="stable")
    for within, above in found.values():
        for part in (order, *np.array_split(order, 3)):
            covered, error = mean_with_error(within[part])
            assert np.all(np.abs(covered - LEVEL) < 0.02 + SURE * error)
        exceeded, error = mean_with_error(above)
        assert np.all(np.abs(exceeded - (1 - LEVEL) / 2) < 0.02 + SURE * error)


def test_a_band_that_is_too_narrow_is_found() -> None:
    """With half as much noise again the band of a new score is about a tenth too narrow."""
    within, _ = coverage(OTHERWISE[2])["the first score"]
    covered, error = mean_with_error(within[:, :1])
    assert covered[0] + (SURE if EPISODES >= 5000 else -SURE) * error[0] < LEVEL


@dataclass(frozen=True)
class Forecasts:
    """What was said at a look, and what happened; of cases."""

    said: FloatArray
    happened: npt.NDArray[np.bool_]

    def slope(self) -> tuple[float, float]:
        """Give the calibration slope with its standard error: logistic regression on the log odds that were said."""
        x = np.column_stack([np.ones(len(self.said)), logit(np.clip(self.said, 1e-4, 1 - 1e-4))])
        beta = np.array([0.0, 1.0])
        for _ in range(50):  # Newton's steps
            fitted = expit(x @ beta)
            information = x.T @ (x * (fitted * (1 - fitted))[:, None])
            step = np.linalg.solve(information, x.T @ (self.happened - fitted))
            beta += step
            if np.abs(step).max() < 1e-10:
                break
        return float(beta[1]), float(np.sqrt(np.linalg.inv(information)[1, 1]))

    def by_tenth(self) -> list[tuple[float, float, float]]:
        """Give, for each tenth of what was said: its mean, the share that happened, and its error if that was right."""
        found = []
        for tenth in np.array_split(np.argsort(self.said, kind="stable"), 10):
            said = float(self.said[tenth].mean())
            found.append((said, float(self.happened[tenth].mean()), float(np.sqrt(said * (1 - said) / len(tenth)))))
        return found


def test_the_slope_of_a_forecast_that_is_too_sure() -> None:
    """By definition: what is said with twice the log odds has the slope one half."""
    rng = np.random.default_rng(2)
    odds = rng.normal(0, 1, 20_000)
    happened = rng.random(20_000) < expit(odds)
    right, sure = Forecasts(expit(odds), happened).slope(), Forecasts(expit(2 * odds), happened).slope()
    assert right[0] == pytest.approx(1, abs=SURE * right[1])
    assert sure[0] == pytest.approx(0.5, abs=SURE * sure[1])


@cache
def forecasts(cohort: Cohort) -> Mapping[tuple[str, int], Forecasts]:
    """Give what the verdicts say at each look about the end, with what happened there."""
    said: dict[tuple[str, int], list[float]] = {}
    happened: dict[tuple[str, int], list[bool]] = {}
    for scores in cohort.scores():
        first, last = int(scores[0]), int(scores[END])
        if not PHQ_9.is_case(first):
            continue
        judged = verdicts(scores[: max(LOOKS) + 1].tolist(), policy=Policy(), plan=Plan(planned_dose=END))
        reached = {
            "goal": first - last >= 6 or last < 10,  # reliable improvement, or below the cut-off (NHS manual)
            "deterioration": last - first >= 6,
        }
        for look in LOOKS:
            probabilities = judged[look].probabilities
            for what, probability in (
                ("goal", probabilities.goal_by_end),
                ("deterioration", probabilities.deterioration_by_end),
            ):
                assert probability is not None
                assert judged[look].end_dose == END
                said.setdefault((what, look), []).append(probability)
                happened.setdefault((what, look), []).append(reached[what])
    return {key: Forecasts(np.array(said[key]), np.array(happened[key])) for key in said}


def tell_forecasts(cohort: Cohort, keys: Sequence[tuple[str, int]]) -> None:
    for what, look in keys:
        each = forecasts(cohort)[what, look]
        slope, error = each.slope()
        logger.info(
            "%s, %s at dose %d said at dose %d (%d cases): slope %.2f (%.2f), said %.3f, happened %.3f; by tenths %s",
            cohort.about, what, END, look, len(each.said), slope, error, each.said.mean(), each.happened.mean(),
            " ".join(f"{said:.2f}:{share:.2f}({error:.2f})" for said, share, error in each.by_tenth()),
        )  # fmt: skip


def test_what_is_said_happens_as_often_when_the_truth_is_as_believed() -> None:
    """Slopes from .9 to 1.1; the share that happened in each tenth within its error of what was said."""
    found = forecasts(AS_BELIEVED)
    tell_forecasts(AS_BELIEVED, list(found))
    for (what, _), each in found.items():
        slope, error = each.slope()
        if what == "goal":
            assert abs(slope - 1) < 0.1 + SURE * error
        for said, share, error in each.by_tenth():
            assert abs(said - share) < 0.04 + SURE * error


@pytest.mark.parametrize("cohort", OTHERWISE, ids=lambda cohort: cohort.about)
def test_what_it_says_where_the_truth_is_another(cohort: Cohort) -> None:
    """Reported, with a wide demand: the band still holds .6, and what is said to be likelier is likelier."""
    found = coverage(cohort)
    tell_coverage(cohort.about, found)
    tell_forecasts(cohort, [("goal", look) for look in LOOKS])
    assert all(within.mean() > 0.6 for within, _ in found.values())
    assert all(each.slope()[0] > 0.5 for (what, _), each in forecasts(cohort).items() if what == "goal")
