"""Trials: what is known at a look and who judges, by hand; bands and risks as the parts that they are made of say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.trajectories.band_check import check_bands, foreteller
from app.trajectories.comparators import learn_rivals
from app.trajectories.foretelling import GrowthModel
from app.trajectories.metrics import log_score
from app.trajectories.question import Question
from app.trajectories.risk_check import GROWTH_MODEL, asked_about
from app.trajectories.scenarios import Scenario
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Cohort
from app.trajectories.trial import Belief, Trial, check_scenario, draw_trial
from tests.trajectories.factories import PHQ_9, a_curve

DOSES = (0, 2, 4, 8)


@pytest.fixture(scope="module")
def fortnightly() -> Trial:
    rng = np.random.default_rng(5)
    return draw_trial(Scenario.FORTNIGHTLY, a_curve(), PHQ_9, rng, count=300, learnt_from=250, doses=DOSES)


@pytest.fixture(scope="module")
def leaving(fortnightly: Trial) -> Trial:
    """Two patients by hand, the second of whom left after dose 2 and would have answered 9 and 5."""
    complete = np.array([[20.0, 18.0, 15.0, 13.0], [16.0, 8.0, 9.0, 5.0]])
    seen = complete.copy()
    seen[1, 2:] = np.nan
    shapes = np.array([a_curve().shapes.index(each) for each in (ResponseShape.LATE, ResponseShape.EARLY)])
    doses = np.array(DOSES)
    return replace(fortnightly, cohort=Cohort(doses, doses.astype(float), seen, complete, shapes))


class TestTrial:
    def test_who_left_is_known_to_the_look_and_judged_after_it(self, leaving: Trial) -> None:
        at_4 = leaving.part(Belief.PUBLISHED, 4).episodes
        assert at_4.doses.tolist() == [0, 2, 4, 8, 0, 2, 8]
        assert at_4.scores.tolist() == [20, 18, 15, 13, 16, 8, 5]
        assert leaving.part(Belief.PUBLISHED, 0).episodes.scores.tolist() == [20, 18, 15, 13, 16, 8, 9, 5]

    def test_one_step_ahead_only_what_was_answered_judges(self, leaving: Trial) -> None:
        assert leaving.part(Belief.PUBLISHED).episodes.scores.tolist() == [20, 18, 15, 13, 16, 8]

    def test_who_responds_in_which_shape(self, leaving: Trial) -> None:
        assert leaving.is_of(ResponseShape.LATE).tolist() == [True, False]
        assert leaving.is_of(ResponseShape.WORSENING).tolist() == [False, False]

    def test_beliefs(self, fortnightly: Trial) -> None:
        assert fortnightly.curve(Belief.PUBLISHED) == a_curve()
        assert fortnightly.curve(Belief.LEARNT) == fortnightly.fit.curve != a_curve()
        part = fortnightly.part(Belief.LEARNT, 4)
        assert (part.curve, part.training) == (fortnightly.fit.curve, fortnightly.training)

    def test_earlier_patients_are_others(self, fortnightly: Trial) -> None:
        assert (fortnightly.training.count, len(fortnightly.cohort.scores)) == (250, 300)
        assert fortnightly.fit.n_episodes == 250
        assert (fortnightly.cohort.scores[:250] != fortnightly.training.scores.reshape(-1, 4)).mean() > 0.5

    def test_bands_look_by_look(self, fortnightly: Trial) -> None:
        found = fortnightly.bands(Belief.LEARNT, (0, None))
        part = fortnightly.part(Belief.LEARNT)
        assert found == check_bands([part], [0, None])

    def test_the_growth_model_alone_counts_two_weeks_a_session(self, fortnightly: Trial) -> None:
        """Its Brier score is that of probabilities for a score 8 weeks, and not 4, after that at dose 4."""
        rng = np.random.default_rng(1)
        alone = fortnightly.risks(Belief.PUBLISHED, rng, rivals=False, look_doses=[4], repeats=2)
        assert {each.predictor for each in alone} == {GROWTH_MODEL}
        assert [each.third for each in alone] == [None, 1, 2, 3]
        question = Question(PHQ_9, 4, 8)
        known, _, happened = asked_about(fortnightly.cohort.episodes, question)
        weekly, right = (GrowthModel(question, a_curve(), weeks).risk(known) for weeks in (1.0, 2.0))
        assert alone[0].brier is not None
        assert alone[0].brier.estimate == pytest.approx(((right - happened) ** 2).mean())
        assert alone[0].brier.estimate != pytest.approx(((weekly - happened) ** 2).mean())

    def test_rivals_answer_beside_it(self, fortnightly: Trial) -> None:
        found = fortnightly.risks(Belief.PUBLISHED, np.random.default_rng(1), look_doses=[2, 4], repeats=2)
        names = [GROWTH_MODEL, *learn_rivals(fortnightly.training, Question(PHQ_9, 2, 8))]
        assert [each.predictor for each in found if each.third is None] == names * 2
        assert [each.look_dose for each in found if each.third is None] == [2] * 6 + [4] * 6

    def test_groups_of_improvement_by_probability(self, fortnightly: Trial) -> None:
        """Cases sorted by their probability, in ten parts: who improved by six points, of how many."""
        found = fortnightly.improvement_groups(Belief.PUBLISHED, look_doses=[2])[2]
        assert list(found) == [GROWTH_MODEL, "updated_mixed_model"]
        question = Question(PHQ_9, 2, 8)
        known, _, happened = asked_about(fortnightly.cohort.episodes, question)
        chance = 1 - GrowthModel(question, a_curve(), 2.0).risk(known)
        order = sorted(range(len(chance)), key=lambda place: (chance[place], place))
        groups, start = found[GROWTH_MODEL], 0
        assert len(groups) == 10
        for group in groups:
            some = order[start : start + group.count]
            assert group.predicted == pytest.approx(np.mean([chance[place] for place in some]))
            assert group.happened.estimate == pytest.approx(np.mean([not happened[place] for place in some]))
            start += group.count
        assert start == len(chance)

    def test_the_gain_is_the_difference_of_log_scores(self, fortnightly: Trial) -> None:
        known, later = fortnightly.cohort.episodes.split_at(2)
        learnt, published = (log_score(*foreteller(fortnightly.curve(each))(known, later)) for each in reversed(Belief))
        assert fortnightly.gain(2).estimate == pytest.approx((learnt - published).mean())


def test_what_is_learnt_from_is_what_the_service_saw() -> None:
    """Half of those below 10 leave at each score, so that training and cohort have lost some."""
    rng = np.random.default_rng(2)
    trial = draw_trial(Scenario.LEAVING_WHEN_WELL, a_curve(), PHQ_9, rng, count=100, learnt_from=100, doses=DOSES)
    assert len(trial.training.scores) < 400
    assert np.isnan(trial.cohort.scores).any()
    assert not np.isnan(trial.cohort.complete).any()
    assert trial.part(Belief.PUBLISHED, 0).episodes.count == 100


def test_nobody_to_judge_is_refused() -> None:
    with pytest.raises(InvalidSeries, match="at least one patient"):
        draw_trial(Scenario.WELL_SPECIFIED, a_curve(), PHQ_9, np.random.default_rng(1), count=0, learnt_from=50)


class TestScenarioCheck:
    def test_both_beliefs(self) -> None:
        """A service that starts three points higher and gains less: what is learnt foretells it better."""
        rng = np.random.default_rng(4)
        checks = check_scenario(Scenario.WORSE_SERVICE, a_curve(), PHQ_9, rng, count=300, learnt_from=300, repeats=2)
        assert [each.belief for each in checks] == list(Belief)
        assert {each.scenario for each in checks} == {Scenario.WORSE_SERVICE}
        for each in checks:
            assert [band.look_dose for band in each.bands] == [0] * 4 + [4] * 4
            assert [band.third for band in each.bands] == [None, 1, 2, 3] * 2
            assert all(band.dose is None for band in each.bands)
            assert [risk.look_dose for risk in each.risks] == [3, 4, 7]
            assert all(risk.third is None and risk.predictor == GROWTH_MODEL for risk in each.risks)
        published, learnt = checks
        assert published.gain is None
        assert learnt.gain is not None
        assert learnt.gain.estimate > 0
        assert published.bands[0].above.estimate > learnt.bands[0].above.estimate
