"""Who would not improve reliably: hand arithmetic on a few patients, parts put together, and no look ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field, replace
from math import isnan, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria
from app.trajectories.comparators import Rival, UpdatedMixedModel, learn_rivals
from app.trajectories.episodes import Episodes
from app.trajectories.foretelling import GrowthModel
from app.trajectories.judged import Part
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.prediction import FloatArray
from app.trajectories.question import Question
from app.trajectories.risk_check import GROWTH_MODEL, RiskCheck, asked_about, check_risks, predictors
from app.trajectories.sampling_error import Interval
from app.trajectories.simulation import Leaving, Occasions, simulate
from tests.trajectories.factories import PHQ_9, a_curve, b7b
from tests.trajectories.test_episodes import Rows, made, rows_of

AT_4 = Question(PHQ_9, look_dose=4, end_dose=8)
"""A case at 10 or more; six points to improve by."""

# Nine cases, one of each first score from 12 to 20. Three of them, the first, fourth and fifth, don't improve by six.
FIRST = [12.0, 13, 14, 15, 16, 17, 18, 19, 20]
UNIMPROVED = [True, False, False, True, True, False, False, False, False]
OURS = [0.9, 0.2, 0.1, 0.3, 0.8, 0.7, 0.4, 0.05, 0.6]
A_RULE = [0.0, 5, 1, 2, 3, 4, -1, -2, -3]


@dataclass
class Told:
    """A predictor whose answers are known by the first score; it remembers what it was shown."""

    risks: Mapping[float, float]
    shown: list[list[Rows]] = field(default_factory=list)

    def risk(self, known: Episodes) -> FloatArray:
        self.shown.append(rows_of(known))
        return np.array([self.risks[first] for first in known.first.tolist()])


def told(risks: list[float]) -> Told:
    return Told(dict(zip(FIRST, risks, strict=True)))


def a_part(episodes: Episodes, training: Episodes | None = None) -> Part:
    return Part(episodes, b7b(), training or episodes)


def a_course(first: float, end: float) -> Rows:
    return [(0.0, 0.0, first), (4.0, 4.0, first - 1), (8.0, 8.0, end)]


NINE = [a_course(first, first - 5 if kept else first - 6) for first, kept in zip(FIRST, UNIMPROVED, strict=True)]


def check_told(
    named: Mapping[str, Rival], rows: list[Rows] = NINE, seed: int = 1, budget: float = 0.2, repeats: int = 20
) -> tuple[RiskCheck, ...]:
    return check_risks(
        [a_part(made(rows))],
        AT_4,
        np.random.default_rng(seed),
        predictors=lambda *_: named,
        budget=budget,
        repeats=repeats,
    )


def rates(check: RiskCheck) -> list[float]:
    """Give AUC, sensitivity, specificity, and both predictive values."""
    flags = check.flags
    of_flags = (
        flags.sensitivity,
        flags.specificity,
        flags.positive_predictive_value,
        flags.negative_predictive_value,
    )
    return [each.estimate for each in (check.auc, *of_flags)]


def numbers(check: RiskCheck) -> list[float]:
    """Give all figures of a check in one row, with NaN for what is not there."""

    def flat(each: object) -> list[float]:
        if isinstance(each, tuple):
            return [figure for one in each for figure in flat(one)]
        return [nan if each is None else float(each)]  # type: ignore[arg-type]  # astuple() tells no types

    return flat(astuple(check)[1:])


class TestAskedAbout:
    ASKED = (
        [(0.0, 0.0, 15.0), (4.0, 4.0, 12.0), (8.0, 8.0, 9.0)],  # six better
        [(0.0, 0.0, 15.0), (4.0, 4.0, 8.0), (7.0, 7.0, 3.0), (8.0, 8.0, 10.0)],  # five; what was between is past
        [(0.0, 0.0, 14.0), (8.0, 8.0, 14.0), (8.0, 9.0, 8.0)],  # the newer of two at the end dose is six better
        [(2.0, 2.0, 20.0), (8.0, 8.0, 20.0), (9.0, 9.0, 5.0)],  # not yet at the end dose
        [(0.0, 0.0, 10.0), (8.0, 8.0, 4.0)],  # just a case
    )
    NOT_ASKED = (
        [(0.0, 0.0, 9.0), (4.0, 4.0, 9.0), (8.0, 8.0, 9.0)],  # no case
        [(5.0, 5.0, 20.0), (8.0, 8.0, 20.0)],  # not seen by the look
        [(0.0, 0.0, 20.0), (7.0, 7.0, 20.0), (9.0, 9.0, 20.0)],  # no score at the end
        [(0.0, 0.0, 20.0), (4.0, 4.0, 20.0)],
        [(8.0, 8.0, 20.0)],
    )

    def test_by_hand(self) -> None:
        """Those who are asked about stand among those who are not."""
        mixed = [rows for both in zip(self.NOT_ASKED, self.ASKED, strict=True) for rows in both]
        known, first, unimproved = asked_about(made(mixed), AT_4)
        assert rows_of(known) == [
            [(0, 0, 15), (4, 4, 12)],
            [(0, 0, 15), (4, 4, 8)],
            [(0, 0, 14)],
            [(2, 2, 20)],
            [(0, 0, 10)],
        ]
        assert first.tolist() == [15, 15, 14, 20, 10]
        assert unimproved.tolist() == [False, True, False, True, False]

    def test_upwards(self) -> None:
        """Of 40, cases below 25, five points to gain."""
        question = Question(ChangeCriteria(0, 40, Better.HIGHER, cutoff=25, reliable_change=5), 0, 2)
        rows = [[(0.0, 0.0, first), (2.0, 2.0, end)] for first, end in ((24.0, 29.0), (24.0, 28.0), (25.0, 40.0))]
        known, first, unimproved = asked_about(made(rows), question)
        assert known.scores.tolist() == first.tolist() == [24, 24]
        assert unimproved.tolist() == [False, True]

    def test_without_a_cut_off_all_with_room_are_asked_about(self) -> None:
        question = Question(replace(PHQ_9, cutoff=None), 4, 8)
        _, first, _ = asked_about(made([a_course(first, 0) for first in (5.0, 6.0, 20.0)]), question)
        assert first.tolist() == [6, 20]

    def test_session_n_is_dose_n_minus_1(self) -> None:
        """A look "by session 8" sees the score of dose 7; that of session 9, dose 8, is what it is judged by."""
        weekly = [(float(dose), float(dose), float(20 - dose)) for dose in range(10)]
        known, _, unimproved = asked_about(made([weekly]), Question(PHQ_9, look_dose=7, end_dose=8))
        assert known.scores.tolist() == [20, 19, 18, 17, 16, 15, 14, 13]
        assert unimproved.tolist() == [False]
        late = [*weekly[:8], (8.0, 8.0, 15.0), (9.0, 9.0, 0.0)]
        assert asked_about(made([late]), Question(PHQ_9, look_dose=7, end_dose=8))[2].tolist() == [True]

    @pytest.mark.parametrize("rows", NOT_ASKED)
    def test_nobody(self, rows: Rows) -> None:
        with pytest.raises(InvalidSeries, match="no case") as refusal:
            asked_about(made([rows]), AT_4)
        assert refusal.value.pointer == "/end_dose"


class TestByHand:
    def test_all_of_them(self) -> None:
        """.9, .3 and .8 stand above 6, 3 and 6 of the six others; of nine two are flagged, rightly .9 and .8.

        The rule's 0, 2 and 3 stand above 3, 4 and 4; its two flags, 5 and 4, are both wrong.
        """
        ours, rule, *_ = check_told({GROWTH_MODEL: told(OURS), "a_rule": told(A_RULE)})
        assert (ours.predictor, ours.look_dose, ours.end_dose, ours.third, ours.patients) == (
            ("growth_model", 4, 8, None, 9)
        )
        assert (rule.predictor, rule.third, rule.patients) == ("a_rule", None, 9)
        assert ours.base_rate == rule.base_rate == pytest.approx(3 / 9)
        assert rates(ours) == pytest.approx([15 / 18, 2 / 3, 6 / 6, 2 / 2, 6 / 7])
        assert rates(rule) == pytest.approx([11 / 18, 0 / 3, 4 / 6, 0 / 2, 4 / 7])
        assert ours.flags.budget == 0.2
        assert ours.flags_behind is None
        assert rule.flags_behind is not None
        assert rule.flags_behind.estimate == 1

    def test_how_far_a_rule_is_behind(self) -> None:
        """Of three flags two are right, .9, .8 and .7; of the rule's, 5, 4 and 3, one is."""
        _, rule, *_ = check_told({GROWTH_MODEL: told(OURS), "a_rule": told(A_RULE)}, budget=1 / 3)
        assert rates(rule)[1:] == pytest.approx([1 / 3, 4 / 6, 1 / 3, 4 / 6])
        assert rule.flags_behind is not None
        assert rule.flags_behind.estimate == pytest.approx(1 / 3)

    def test_probabilities_are_held_against_what_happened(self) -> None:
        """Squares .01 + .04 + .01 + .49 + .04 + .49 + .16 + .0025 + .36 over 9; what is no probability has none.

        The error is that of a mean of nine.
        """
        named = dict.fromkeys((GROWTH_MODEL, "updated_mixed_model", "nearest_neighbours"), told(OURS))
        *probable, rule = check_told({**named, "a_rule": told(A_RULE)})[:4]
        squares = [0.01, 0.04, 0.01, 0.49, 0.04, 0.49, 0.16, 0.0025, 0.36]
        for check in probable:
            assert check.brier is not None
            assert check.brier.estimate == pytest.approx(1.6025 / 9)
            assert check.brier.standard_error == pytest.approx(np.std(squares, ddof=1) / 3)
            assert check.calibration is not None
        assert (rule.brier, rule.calibration) == (None, None)

    def test_calibration(self) -> None:
        """Of ten at 20 % three happened, of ten at 80 % seven: a line of log odds with slope ln(7/3) / ln 4."""
        kept = [True] * 3 + [False] * 7 + [True] * 7 + [False] * 3
        rows = [a_course(20.0 if place < 10 else 21.0, 20.0 if of else 10.0) for place, of in enumerate(kept)]
        (check, *_) = check_told({GROWTH_MODEL: Told({20.0: 0.2, 21.0: 0.8})}, rows)
        assert check.calibration is not None
        assert check.calibration.intercept.estimate == pytest.approx(0, abs=1e-9)
        assert check.calibration.slope.estimate == pytest.approx(log(7 / 3) / log(4))
        assert check.base_rate == 0.5

    def test_thirds_of_first_scores(self) -> None:
        """For the growth model, one flag in each three: .9, .8 and .6. Of the last nobody failed to improve."""
        checks = check_told({"a_rule": told(A_RULE), GROWTH_MODEL: told(OURS)})
        assert [(each.predictor, each.third, each.patients) for each in checks] == [
            ("a_rule", None, 9),
            (GROWTH_MODEL, None, 9),
            *((GROWTH_MODEL, third, 3) for third in (1, 2, 3)),
        ]
        low, middle, high = checks[2:]
        assert [each.base_rate for each in (low, middle, high)] == pytest.approx([1 / 3, 2 / 3, 0])
        assert rates(low) == [1, 1, 1, 1, 1]
        assert rates(middle) == [0.5, 0.5, 1, 1, 0.5]
        assert rates(high) == pytest.approx([nan, nan, 2 / 3, 0, 1], nan_ok=True)
        assert high.calibration is not None
        assert isnan(high.calibration.slope.estimate)
        assert all(each.flags_behind is None for each in checks[1:])

    def test_a_third_without_patients_is_left_out(self) -> None:
        checks = check_told({GROWTH_MODEL: Told({15.0: 0.4})}, [a_course(15.0, end) for end in (5.0, 12.0, 8.0)])
        assert [(each.third, each.patients) for each in checks] == [(None, 3), (1, 3)]

    def test_one_patient_has_no_interval(self) -> None:
        check, _ = check_told({GROWTH_MODEL: Told({15.0: 0.4})}, [a_course(15.0, 12.0)], budget=1.0)
        assert check.flags.positive_predictive_value.estimate == 1
        assert isnan(check.flags.positive_predictive_value.standard_error)
        assert isnan(check.auc.estimate)

    @pytest.mark.parametrize(("budget", "predictive"), [(0.0, nan), (1 / 3, 2 / 3), (1.0, 3 / 9)])
    def test_budgets(self, budget: float, predictive: float) -> None:
        """Three flags are .9, .8 and .7, of which two are right; all flags have the base rate; none have no rate."""
        (check, *_) = check_told({GROWTH_MODEL: told(OURS)}, budget=budget)
        assert check.flags.budget == budget
        assert check.flags.positive_predictive_value.estimate == pytest.approx(predictive, nan_ok=True)

    def test_predictors_are_shown_what_was_known_and_nothing_else(self) -> None:
        named = {GROWTH_MODEL: told(OURS), "a_rule": told(A_RULE)}
        check_told(named)
        for predictor in named.values():
            assert predictor.shown == [[rows[:2] for rows in NINE]]


class TestDrawnAnew:
    def test_predictors_are_drawn_together(self) -> None:
        """A rival with the same ranking is behind by 0 in every repeat, though its figures move."""
        same = [3 * risk - 1 for risk in OURS]
        ours, rule, *_ = check_told({GROWTH_MODEL: told(OURS), "a_rule": told(same)}, repeats=50)
        assert rule.flags_behind is not None
        assert ours.flags.sensitivity.standard_error > 0.1
        assert rule.auc == ours.auc
        assert abs(rule.flags_behind.estimate) == 0

    def test_patients_are_drawn_and_not_their_scores(self) -> None:
        """The error of the share of flags that are right, when all are flagged, is that of a base rate: .157."""
        (check, *_) = check_told({GROWTH_MODEL: told(OURS)}, budget=1.0, repeats=600)
        found = check.flags.positive_predictive_value
        assert found.standard_error == pytest.approx((3 / 9 * 6 / 9 / 9) ** 0.5, rel=0.1)
        assert (found.lower, found.upper) == pytest.approx((0.0, 6 / 9), abs=0.12)

    def test_the_seed_decides_intervals_and_ties_and_nothing_else(self) -> None:
        named = {GROWTH_MODEL: told(OURS), "a_rule": told(A_RULE)}
        once, again, other = (check_told(named, seed=seed) for seed in (1, 1, 2))
        assert [numbers(each) for each in once] == [pytest.approx(numbers(each), nan_ok=True) for each in again]
        assert [rates(each) for each in once] == [pytest.approx(rates(each), nan_ok=True) for each in other]
        assert once[0].auc.standard_error != other[0].auc.standard_error

    def test_ties_fall_at_random(self) -> None:
        """Two of nine equal risks are flagged: over seeds a third of them is right, as it happened to three."""
        found = [
            check_told({GROWTH_MODEL: told([0.5] * 9)}, seed=seed, repeats=2)[0].flags.positive_predictive_value
            for seed in range(100)
        ]
        assert np.mean([each.estimate for each in found]) == pytest.approx(1 / 3, abs=0.08)


class TestParts:
    CURVE = a_curve()
    OCCASIONS = Occasions((0, 2, 4, 6, 8))
    TRAINING = simulate(np.random.default_rng(1), CURVE, OCCASIONS, 200).episodes
    JUDGED = simulate(np.random.default_rng(2), CURVE, OCCASIONS, 150, Leaving(0.05)).episodes

    def checked(self, *parts: Episodes, seed: int = 3) -> tuple[RiskCheck, ...]:
        of = [Part(each, self.CURVE, self.TRAINING) for each in parts]
        return check_risks(of, AT_4, np.random.default_rng(seed), repeats=5)

    def test_several_with_one_curve_and_training_are_one(self) -> None:
        places = np.arange(self.JUDGED.count)
        parts = [self.JUDGED.chosen(block) for block in np.array_split(places, 3)]
        for one, other in zip(self.checked(self.JUDGED), self.checked(*parts), strict=True):
            assert one.predictor == other.predictor
            assert numbers(one) == pytest.approx(numbers(other), nan_ok=True)

    def test_each_has_predictors_of_its_own(self) -> None:
        """Learnt from its training, asked about its patients; then all are judged together."""
        named = [{GROWTH_MODEL: told(OURS)}, {GROWTH_MODEL: told([1 - risk for risk in OURS])}]
        parts = [a_part(made(NINE[:4]), made(NINE[:1])), a_part(made(NINE[4:]), made(NINE[1:2]))]

        def of_part(part: Part, question: Question) -> Mapping[str, Rival]:
            assert question is AT_4
            return named[int(part.training.first[0] - FIRST[0])]

        (check, *_) = check_risks(parts, AT_4, np.random.default_rng(1), predictors=of_part, repeats=2)
        mixed = OURS[:4] + [1 - risk for risk in OURS[4:]]
        squares = [(risk - kept) ** 2 for risk, kept in zip(mixed, UNIMPROVED, strict=True)]
        assert check.brier is not None
        assert check.brier.estimate == pytest.approx(sum(squares) / 9)
        assert [len(each[GROWTH_MODEL].shown[0]) for each in named] == [4, 5]

    def test_the_end_judges_and_nothing_else_after_the_look(self) -> None:
        """Scores at dose 6 may be any; those at dose 8 change what happened."""
        between = replace(self.JUDGED, scores=np.where(self.JUDGED.doses == 6, 27.0, self.JUDGED.scores))
        at_end = replace(self.JUDGED, scores=np.where(self.JUDGED.doses == 8, 27.0, self.JUDGED.scores))
        checks = self.checked(self.JUDGED)
        assert [numbers(each) for each in self.checked(between)] == [
            pytest.approx(numbers(each), nan_ok=True) for each in checks
        ]
        assert {each.base_rate for each in self.checked(at_end)} == {1}
        assert checks[0].base_rate < 0.8

    @given(st.data())
    def test_what_comes_after_the_look_is_not_seen(self, data: st.DataObject) -> None:
        """Any scores in its place: who is asked about and what is known of them stays."""
        after = np.flatnonzero(self.JUDGED.doses > 4)[:40]
        others = data.draw(st.lists(st.integers(0, 27), min_size=len(after), max_size=len(after)))
        scores = self.JUDGED.scores.copy()
        scores[after] = others
        known, first, _ = asked_about(self.JUDGED, AT_4)
        other_known, other_first, _ = asked_about(replace(self.JUDGED, scores=scores), AT_4)
        assert rows_of(known) == rows_of(other_known)
        assert first.tolist() == other_first.tolist()


class TestPredictors:
    def test_the_growth_model_and_all_rivals_learnt_from_the_training(self) -> None:
        part = Part(TestParts.JUDGED, TestParts.CURVE, TestParts.TRAINING)
        found = predictors(part, AT_4, interval_weeks=2.0)
        assert list(found) == [GROWTH_MODEL, *learn_rivals(TestParts.TRAINING, AT_4)]
        assert found[GROWTH_MODEL] == GrowthModel(AT_4, TestParts.CURVE, 2.0)
        model = PlainMixedModel.learn(TestParts.TRAINING)
        assert found["updated_mixed_model"] == UpdatedMixedModel(AT_4, model)
        assert predictors(part, AT_4)[GROWTH_MODEL] == GrowthModel(AT_4, TestParts.CURVE, 1.0)

    def test_they_are_those_that_are_checked(self) -> None:
        checks = TestParts().checked(TestParts.JUDGED)
        names = list(predictors(Part(TestParts.JUDGED, TestParts.CURVE, TestParts.TRAINING), AT_4))
        assert [each.predictor for each in checks] == [*names, *[GROWTH_MODEL] * 3]
        assert [each.predictor for each in checks if each.brier is not None] == [
            GROWTH_MODEL,
            "updated_mixed_model",
            "nearest_neighbours",
            *[GROWTH_MODEL] * 3,
        ]
        for check in checks:
            assert check.predictor == GROWTH_MODEL or isinstance(check.flags_behind, Interval)

    def test_too_little_to_learn_from(self) -> None:
        few = TestParts.TRAINING.chosen(np.arange(99))
        with pytest.raises(InvalidSeries, match="as many earlier patients") as refusal:
            predictors(Part(TestParts.JUDGED, TestParts.CURVE, few), AT_4)
        assert refusal.value.pointer == "/count"


class TestRefusals:
    @pytest.mark.parametrize(
        ("ask", "pointer"),
        [
            (lambda: check_told({GROWTH_MODEL: told(OURS)}, [a_course(9.0, 9.0)]), "/end_dose"),
            (lambda: check_told({GROWTH_MODEL: told(OURS)}, budget=1.1), "/budget"),
            (lambda: check_told({GROWTH_MODEL: told(OURS)}, budget=-0.1), "/budget"),
            (lambda: check_told({GROWTH_MODEL: told(OURS)}, repeats=1), "/repeats"),
        ],
    )
    def test_what_can_not_be_asked(self, ask: Callable[[], object], pointer: str) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            ask()
        assert refusal.value.pointer == pointer

    def test_a_part_in_which_there_is_nobody(self) -> None:
        parts = [a_part(made(NINE)), a_part(made([a_course(9.0, 9.0)]))]
        with pytest.raises(InvalidSeries, match="no case") as refusal:
            check_risks(parts, AT_4, np.random.default_rng(1), predictors=lambda *_: {GROWTH_MODEL: told(OURS)})
        assert refusal.value.pointer == "/end_dose"
