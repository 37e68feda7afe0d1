"""Public repeated scores, by cross-validation: the link is chosen inside the training, and patients stay whole.

Both sets lie in tests/reference/trajectories; tests/trajectories/test_mixed_model.py says where they are from.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.scales.change import Better, ChangeCriteria
from app.trajectories.band_check import BandCheck, LogScoreCheck, check_bands, compare_log_scores
from app.trajectories.comparators import Rival, UpdatedMixedModel
from app.trajectories.episodes import Episodes
from app.trajectories.evaluation import crossed
from app.trajectories.fitting import fit_growth_curve
from app.trajectories.foretelling import GrowthModel
from app.trajectories.growth import GrowthCurve
from app.trajectories.judged import Part
from app.trajectories.limits import Target
from app.trajectories.link import Link, LinkKind
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.question import Question
from app.trajectories.risk_check import GROWTH_MODEL, RiskCheck, check_risks
from app.trajectories.sampling_error import Interval
from app.trajectories.starting import choose_link, starting_curve
from tests.programs import ROOT

FOLDS: Final = 5
WHITE_NOISE: Final = "updated_mixed_model"
ENOUGH_PATIENTS: Final = 500
"""From so many on, better means better by two standard errors."""

LAST_SCORE, LATER_SCORES, OF_A_THIRD = (0.76, 0.84), (0.76, 0.87), (0.70, 0.93)
"""Between which shares the coverage is to lie, in a set of about 550 patients."""


@dataclass(frozen=True)
class PublicSet:
    """A public set of repeated scores.

    `weeks` is how many weeks a step of its time is: doses are those steps, for lack of sessions. `better` is how many
    points count as improved, where the target names it.
    """

    name: str
    about: str
    file: str
    columns: tuple[str, str, str]
    weeks: float
    maximum: int
    looks: tuple[float, ...]
    end: float
    points: float = 1.0
    better: int | None = None

    def episodes(self) -> Episodes:
        """Read it; scores in whole units of the scale."""
        with (ROOT / "tests/reference/trajectories" / self.file).open(encoding="utf-8", newline="") as lines:
            rows = [[float(row[each]) for each in self.columns] for row in csv.DictReader(lines)]
        who, when, scores = np.array(rows).T
        return Episodes.of(who, when, when * self.weeks, np.round(scores / self.points))


SETS: Final = (
    PublicSet(
        "BtheB",
        "Beck Depression Inventory (0-63) of 100 patients at 0, 2, 3, 5 and 8 months",
        "btheb.csv",
        ("subject", "month", "bdi"),
        weeks=52 / 12,
        maximum=63,
        looks=(0, 2, 3, 5),
        end=8,
        better=9,
    ),
    PublicSet(
        "sleepstudy",
        "reaction times (hundredths of a second, 0-100) of 18 subjects on ten days, no questionnaire",
        "sleepstudy.csv",
        ("subject", "days", "reaction"),
        weeks=1 / 7,
        maximum=100,
        looks=(0, 2, 4, 6),
        end=9,
        points=10.0,
    ),
)


@dataclass(frozen=True)
class Judged:
    """What was found of one set."""

    public: PublicSet
    patients: int
    links: Mapping[LinkKind, int]
    log_scores: tuple[LogScoreCheck, ...]
    bands: tuple[BandCheck, ...]
    risks: tuple[RiskCheck, ...]

    def coverage(self, look: float, dose: float | None = None) -> Interval:
        """Give the coverage of later scores, or of that at one dose."""
        (found,) = (each for each in self.bands if (each.look_dose, each.dose, each.third) == (look, dose, None))
        return found.coverage

    def slope(self, look: float, predictor: str = GROWTH_MODEL) -> Interval | None:
        """Give the calibration slope of improvement at the end."""
        of_look = (
            each for each in self.risks if (each.look_dose, each.predictor, each.third) == (look, predictor, None)
        )
        return next((each.calibration.slope for each in of_look if each.calibration), None)


def judge(
    public: PublicSet, rng: np.random.Generator, *, folds: int = FOLDS, kinds: Iterable[LinkKind] = LinkKind
) -> Judged:
    """Learn from some patients and judge by the others, each in turn."""
    episodes, kinds = public.episodes(), tuple(kinds)
    chosen: Counter[LinkKind] = Counter()

    def fitted(training: Episodes, kind: LinkKind) -> GrowthCurve:
        link = Link(kind, 0, public.maximum, public.maximum / 2)
        return fit_growth_curve(training, starting_curve(training, link)).curve

    def learn(training: Episodes) -> GrowthCurve:
        kind = choose_link(training, fitted, rng, kinds=kinds, folds=folds).kind
        chosen[kind] += 1
        return fitted(training, kind)

    parts = crossed(episodes, folds, rng, learn)
    criteria = ChangeCriteria(0, public.maximum, Better.LOWER, reliable_change=public.better or public.maximum)

    def white_noise(part: Part) -> UpdatedMixedModel:
        return UpdatedMixedModel(Question(criteria, 0, public.end), PlainMixedModel.learn(part.training))

    log_scores = compare_log_scores(parts, lambda part: white_noise(part).cells, public.looks)
    bands = check_bands(parts, public.looks)
    return Judged(public, episodes.count, chosen, log_scores, bands, _risks(parts, public, criteria, rng))


def _risks(
    parts: Sequence[Part], public: PublicSet, criteria: ChangeCriteria, rng: np.random.Generator
) -> tuple[RiskCheck, ...]:
    """Ask who will not be better at the end, where it is said how much that is."""
    if public.better is None:
        return ()

    def asked(part: Part, question: Question) -> Mapping[str, Rival]:
        plain = PlainMixedModel.learn(part.training)
        return {
            GROWTH_MODEL: GrowthModel(question, part.curve, public.weeks),
            WHITE_NOISE: UpdatedMixedModel(question, plain),
        }

    questions = (Question(criteria, look, public.end) for look in public.looks)
    # Only slopes are shown of it, and their intervals are not those of the bootstrap.
    return tuple(each for asking in questions for each in check_risks(parts, asking, rng, predictors=asked, repeats=2))


def log_score_target(judged: Judged) -> Target:
    """Target 5: better than the updated white-noise model at every look; by two errors where patients are many."""
    least = 2 if judged.patients >= ENOUGH_PATIENTS else 0
    found = [each.difference for each in judged.log_scores]
    return Target(
        f"5 log score on {judged.public.name}, {judged.patients} patients",
        f"above the updated white-noise model's at every look; by two standard errors from {ENOUGH_PATIENTS} on",
        "; ".join(
            f"look {each.look_dose:g}: {each.difference.estimate:+.3f} ({each.difference.standard_error:.3f})"
            for each in judged.log_scores
        ),
        all(each.estimate > least * each.standard_error for each in found),
    )


def coverage_target(judged: Judged) -> Target:
    """Target 6, as far as a small set can tell: coverage of the last score, of all later ones, and in each third."""
    last = [judged.coverage(look, judged.public.end) for look in judged.public.looks]
    later = [judged.coverage(look) for look in judged.public.looks]
    thirds = [each.coverage for each in judged.bands if each.dose is None and each.third is not None]
    limits = ((last, LAST_SCORE), (later, LATER_SCORES), (thirds, OF_A_THIRD))
    (a, b), (c, d), (e, f) = LAST_SCORE, LATER_SCORES, OF_A_THIRD
    return Target(
        f"6 coverage on {judged.public.name}, {judged.patients} patients in place of about 550",
        f"at every look last score {a:.2f} to {b:.2f}, all later ones {c:.2f} to {d:.2f}, thirds {e:.2f} to {f:.2f}",
        "; ".join(
            f"{name} {min(each.estimate for each in found):.2f} to {max(each.estimate for each in found):.2f}"
            for name, found in (("last score", last), ("all later ones", later), ("thirds", thirds))
        ),
        all(low <= each.estimate <= high for found, (low, high) in limits for each in found),
    )
