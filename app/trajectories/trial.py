"""A trial: a simulated service whose truth is known, held against what is believed of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from app.scales.change import ChangeCriteria
from app.trajectories.band_check import BandCheck, check_bands, compare_log_scores, foreteller
from app.trajectories.calibration import Group, calibration_groups
from app.trajectories.comparators import Rival
from app.trajectories.episodes import Episodes
from app.trajectories.fitting import GrowthFit, fit_growth_curve
from app.trajectories.foretelling import GrowthModel
from app.trajectories.growth import GrowthCurve
from app.trajectories.judged import Part
from app.trajectories.parameters import default_spread
from app.trajectories.question import Question
from app.trajectories.risk_check import GROWTH_MODEL, RiskCheck, asked_about, check_risks, predictors
from app.trajectories.sampling_error import Interval
from app.trajectories.scenarios import Scenario, World, world
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Cohort

DOSES = tuple(range(21))
"""Everybody answers before each session, to dose 20."""

LOOK_DOSES = (3, 4, 7)
END_DOSE = 8
"""When it is asked who will not have improved, and by when (engine, section 4)."""

_PROBABILITIES = (GROWTH_MODEL, "updated_mixed_model")
"""Whose probabilities are shown beside what happened."""

FEW_SCORES, MORE_SCORES = 0, 4
"""Looks at which later scores are foretold in a scenario: from the first score, and from those to dose 4."""


class Belief(StrEnum):
    """What is believed of a service."""

    PUBLISHED = "published"
    """The published curve, whatever the service is like."""

    LEARNT = "learnt"
    """A curve learnt from earlier patients of the service, with the published one for its prior."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A simulated service with what is believed of it; made by :func:`draw_trial`.

    Parameters
    ----------
    criteria : ChangeCriteria
        Scale, cut-off and reliable change.
    service : World
        The service as it is.
    cohort : Cohort
        The patients who judge.
    training : Episodes
        Earlier patients of the service, as it knows them.
    published : GrowthCurve
        The curve before anything is learnt.
    fit : GrowthFit
        What was learnt from the training.
    """

    criteria: ChangeCriteria
    service: World
    cohort: Cohort
    training: Episodes
    published: GrowthCurve
    fit: GrowthFit

    def curve(self, belief: Belief) -> GrowthCurve:
        """Give the curve that is believed."""
        return self.published if belief is Belief.PUBLISHED else self.fit.curve

    def is_of(self, shape: ResponseShape) -> npt.NDArray[np.bool_]:
        """Tell which patients respond in a shape, shape (n,)."""
        places = [place for place, each in enumerate(self.service.truth.shapes) if each is shape]
        return np.isin(self.cohort.shapes, places)

    def part(self, belief: Belief, look_dose: float | None = None) -> Part:
        """Give what is judged at a look.

        Parameters
        ----------
        belief : Belief
            What is believed.
        look_dose : float or None
            The look; None for one step ahead.

        Returns
        -------
        Part
            Of a patient who left, what was answered up to the look and what would have been answered after it, so that
            those who left are judged as well; one step ahead only what was answered.
        """
        cohort, scores = self.cohort, self.cohort.scores
        if look_dose is not None:
            scores = np.where(cohort.doses <= look_dose, scores, cohort.complete)
        return Part(Episodes.of_table(cohort.doses, cohort.weeks, scores), self.curve(belief), self.training)

    def bands(self, belief: Belief, look_doses: Iterable[float | None]) -> tuple[BandCheck, ...]:
        """Hold later scores against the bands; as :func:`~app.trajectories.band_check.check_bands`."""
        return tuple(check for look in look_doses for check in check_bands([self.part(belief, look)], [look]))

    def risks(
        self,
        belief: Belief,
        rng: np.random.Generator,
        *,
        rivals: bool = True,
        look_doses: Sequence[float] = LOOK_DOSES,
        end_dose: float = END_DOSE,
        budget: float = 0.2,
        repeats: int = 200,
    ) -> tuple[RiskCheck, ...]:
        """Ask who will not improve reliably, with or without the rivals.

        Parameters
        ----------
        belief : Belief
            What the growth model believes.
        rng : numpy.random.Generator
            Breaks ties of the flags, and draws the bootstrap.
        rivals : bool
            Whether the rivals are asked as well.
        look_doses, end_dose, budget, repeats
            As for :func:`~app.trajectories.evaluation.evaluate`.

        Returns
        -------
        tuple of RiskCheck
            As :func:`~app.trajectories.risk_check.check_risks` gives them, look by look.
        """

        def asked(part: Part, question: Question) -> Mapping[str, Rival]:
            weeks = self.service.interval_weeks
            alone = {GROWTH_MODEL: GrowthModel(question, part.curve, weeks)}
            return predictors(part, question, interval_weeks=weeks) if rivals else alone

        found: list[RiskCheck] = []
        for look in look_doses:
            question = Question(self.criteria, look, end_dose)
            part = self.part(belief, look)
            found += check_risks([part], question, rng, predictors=asked, budget=budget, repeats=repeats)
        return tuple(found)

    def improvement_groups(
        self, belief: Belief, *, look_doses: Sequence[float] = LOOK_DOSES, end_dose: float = END_DOSE
    ) -> Mapping[float, Mapping[str, tuple[Group, ...]]]:
        """Give predicted reliable improvement beside what happened, for predictors whose risks are probabilities.

        Parameters
        ----------
        belief, look_doses, end_dose
            As for :meth:`risks`.

        Returns
        -------
        mapping of float to mapping of str to tuple of Group
            By look and predictor, in tenths of the cases.
        """
        found = {}
        for look in look_doses:
            part, question = self.part(belief, look), Question(self.criteria, look, end_dose)
            known, _, unimproved = asked_about(part.episodes, question)
            named = predictors(part, question, interval_weeks=self.service.interval_weeks)
            found[look] = {
                name: calibration_groups(1.0 - named[name].risk(known), ~unimproved) for name in _PROBABILITIES
            }
        return found

    def gain(self, look_dose: float = MORE_SCORES) -> Interval:
        """Give by how much the learnt curve foretells later scores better than the published one, nats a score."""
        part = self.part(Belief.LEARNT, look_dose)
        (check,) = compare_log_scores([part], lambda _: foreteller(self.published), [look_dose])
        return check.difference


def draw_trial(
    scenario: Scenario,
    curve: GrowthCurve,
    criteria: ChangeCriteria,
    rng: np.random.Generator,
    *,
    count: int = 40_000,
    learnt_from: int = 5_000,
    doses: tuple[int, ...] = DOSES,
) -> Trial:
    """Draw a service's patients, earlier ones to learn from and others to judge by.

    Parameters
    ----------
    scenario : Scenario
        What the service is like.
    curve : GrowthCurve
        The published curve.
    criteria : ChangeCriteria
        Scale, cut-off and reliable change.
    rng : numpy.random.Generator
        Source of randomness.
    count, learnt_from : int
        How many patients judge, and how many came earlier.
    doses : tuple of int
        Doses at which everybody answers.

    Returns
    -------
    Trial

    Raises
    ------
    InvalidSeries
        If there are no patients, or nothing can be learnt from so few.

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> phq_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6)
    >>> worse = Scenario.WORSE_SERVICE, default_curve("phq-9"), phq_9, np.random.default_rng(1)
    >>> trial = draw_trial(*worse, count=300, learnt_from=300, doses=(0, 2, 4, 8))
    >>> published, learnt = (trial.risks(belief, worse[-1], rivals=False, look_doses=[4])[0] for belief in Belief)
    >>> learnt.brier.estimate < published.brier.estimate, trial.gain().estimate > 0
    (True, True)
    """
    service = world(scenario, curve, criteria)
    cohort = service.cohort(rng, doses, count)
    training = service.cohort(rng, doses, learnt_from).episodes
    fit = fit_growth_curve(training, curve, default_spread(curve.instrument), robust=False)
    return Trial(criteria, service, cohort, training, curve, fit)


@dataclass(frozen=True, slots=True)
class ScenarioCheck:
    """How a belief does in a service.

    Parameters
    ----------
    scenario : Scenario
        What the service is like.
    belief : Belief
        What is believed of it.
    bands : tuple of BandCheck
        All later scores, by look: of everybody and of each third.
    risks : tuple of RiskCheck
        The growth model's, by look.
    gain : Interval or None
        By how much later scores are foretold better than by the published curve, nats a score; None for that itself.
    """

    scenario: Scenario
    belief: Belief
    bands: tuple[BandCheck, ...]
    risks: tuple[RiskCheck, ...]
    gain: Interval | None


def check_scenario(
    scenario: Scenario,
    curve: GrowthCurve,
    criteria: ChangeCriteria,
    rng: np.random.Generator,
    *,
    count: int = 20_000,
    learnt_from: int = 5_000,
    repeats: int = 200,
) -> tuple[ScenarioCheck, ...]:
    """Try both beliefs on a service.

    Parameters
    ----------
    scenario, curve, criteria, rng, count, learnt_from
        As for :func:`draw_trial`.
    repeats : int
        Of the bootstrap.

    Returns
    -------
    tuple of ScenarioCheck
        The published curve, then the learnt one.

    Raises
    ------
    InvalidSeries
        As for :func:`draw_trial`, and if nobody is a case.
    """
    trial = draw_trial(scenario, curve, criteria, rng, count=count, learnt_from=learnt_from)
    checks = []
    for belief in Belief:
        bands = trial.bands(belief, (FEW_SCORES, MORE_SCORES))
        risks = trial.risks(belief, rng, rivals=False, repeats=repeats)
        checks.append(
            ScenarioCheck(
                scenario,
                belief,
                bands=tuple(each for each in bands if each.dose is None),
                risks=tuple(each for each in risks if each.third is None),
                gain=trial.gain() if belief is Belief.LEARNT else None,
            )
        )
    return tuple(checks)
