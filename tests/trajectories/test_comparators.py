"""The rivals: hand arithmetic, the dense conditional normal, brute force, and no look ahead."""

from __future__ import annotations

from math import erf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria
from app.trajectories.comparators import (
    ClassicalExpectedResponse,
    NearestNeighbours,
    ReliableChangeRule,
    TwentyFivePercentRule,
    UpdatedMixedModel,
    learn_rivals,
)
from app.trajectories.episodes import Episodes
from app.trajectories.metrics import auc
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.question import Question
from app.trajectories.simulation import Occasions, simulate
from tests.trajectories.factories import PHQ_9, b7b
from tests.trajectories.test_plain_model import a_fit, made, slow_expect, some_rows

HIGHER_IS_BETTER = ChangeCriteria(0, 40, Better.HIGHER, reliable_change=5)
AT_4 = Question(PHQ_9, look_dose=4, end_dose=8)
UPWARDS = Question(HIGHER_IS_BETTER, look_dose=4, end_dose=8)
PLAIN = PlainMixedModel(a_fit())

SIX = made(
    [
        [(0, 16), (4, 12)],
        [(0, 16), (2, 9), (4, 18)],
        [(0, 10), (4, 10)],
        [(0, 0), (4, 0)],
        [(0, 0), (4, 2)],
        [(0, 20)],
    ]
)


def normal(z: float) -> float:
    """Phi, as it is written."""
    return (1 + erf(z / sqrt(2))) / 2


def a_cohort(count: int, seed: int = 1) -> Episodes:
    """A service that is as its curve says, seen at each dose to 8."""
    return simulate(np.random.default_rng(seed), b7b(), Occasions(tuple(range(9))), count).episodes


class TestRules:
    def test_twenty_five_percent_by_hand(self) -> None:
        """Of 16 points 4 gained, 2 lost; of 10 none; who starts at 0 counts as having one to gain."""
        assert TwentyFivePercentRule(AT_4).risk(SIX).tolist() == [-0.25, 0.125, 0, 0, 2, 0]

    def test_reliable_change_by_hand(self) -> None:
        assert ReliableChangeRule(AT_4).risk(SIX).tolist() == [-4, 2, 0, 0, 2, 0]

    def test_upwards(self) -> None:
        """From 16 of 40 there are 24 points to gain."""
        risk = TwentyFivePercentRule(UPWARDS).risk(SIX)
        assert risk == pytest.approx([4 / 24, -2 / 24, 0, 0, -2 / 40, 0])
        assert ReliableChangeRule(UPWARDS).risk(SIX).tolist() == [4, -2, 0, 0, -2, 0]

    def test_the_good_end_need_not_be_0(self) -> None:
        question = Question(ChangeCriteria(10, 40, reliable_change=5), 4, 8)
        assert TwentyFivePercentRule(question).risk(made([[(0, 20), (4, 15)]])).tolist() == [-0.5]


class TestClassicalExpectedResponse:
    def test_by_hand(self) -> None:
        """15 at dose 0, 16 at dose 4, when slopes do not differ.

        V11 = 16 + 9, V41 = 16: the mean is 14 - 3 ln 5 + 16/25 (15 - 14), the variance 25 - 16^2 / 25 = 14.76.
        """
        model = PlainMixedModel(a_fit(None, sd_slope=0.0))
        z = (16 - (14 - 3 * log(5) + 0.64)) / sqrt(14.76)
        rows = made([[(0, 15), (4, 16)]])
        assert ClassicalExpectedResponse(AT_4, model).risk(rows).tolist() == [pytest.approx(z)]
        assert ClassicalExpectedResponse(UPWARDS, model).risk(rows).tolist() == [pytest.approx(-z)]

    @given(st.lists(some_rows, min_size=1, max_size=5))
    def test_only_first_and_newest_score_count(self, many: list[tuple[tuple[float, float], ...]]) -> None:
        rows = [[(dose, float(score)) for dose, score in each] for each in many]
        risk = ClassicalExpectedResponse(AT_4, PLAIN).risk(made(rows))
        for found, each in zip(risk.tolist(), rows, strict=True):
            mean, sd = slow_expect(PLAIN.fit, each[:1], [each[-1][0]])
            assert found == pytest.approx((each[-1][1] - mean[0]) / sd[0] if len(each) > 1 else 0)

    def test_limit(self) -> None:
        """Four in five lie within it: .8416 sds above the mean."""
        mean, sd = slow_expect(PLAIN.fit, [(0, 15)], [4])
        rows = [[(0.0, 15.0), (4.0, mean[0] + off * sd[0])] for off in (0.8415, 0.8417, -3)]
        assert ClassicalExpectedResponse(AT_4, PLAIN).beyond_limit(made(rows)).tolist() == [False, True, False]
        assert ClassicalExpectedResponse(UPWARDS, PLAIN).beyond_limit(made(rows)).tolist() == [False, False, True]

    def test_a_fifth_lies_beyond_the_limit_when_the_model_is_right(self) -> None:
        """20,000 normal scores tell it within .003."""
        rng = np.random.default_rng(2)
        persons = rng.multivariate_normal([0, 0], [[16, -1.8], [-1.8, 2.25]], 20_000)
        doses = np.array([0.0, 4])
        scores = (14 + persons[:, :1]) + (persons[:, 1:] - 3) * np.log1p(doses) + rng.normal(0, 3, (20_000, 2))
        beyond = ClassicalExpectedResponse(AT_4, PLAIN).beyond_limit(Episodes.of_table(doses, doses, scores))
        assert beyond.mean() == pytest.approx(0.2, abs=0.01)


class TestUpdatedMixedModel:
    @given(st.lists(some_rows, min_size=1, max_size=5))
    def test_risk_against_the_dense_conditional(self, many: list[tuple[tuple[float, float], ...]]) -> None:
        """P(Y > first - 6) with the tail below 0 at 0, cut at half a point; and upwards P(Y < first + 5)."""
        rows = [[(dose, float(score)) for dose, score in each] for each in many]
        down, up = (UpdatedMixedModel(question, PLAIN).risk(made(rows)).tolist() for question in (AT_4, UPWARDS))
        for found, found_upwards, each in zip(down, up, rows, strict=True):
            (mean,), (sd,) = slow_expect(PLAIN.fit, each, [8])
            first = each[0][1]
            assert found == pytest.approx(1 - normal((first - 5.5 - mean) / sd) if first >= 6 else 1)
            assert found_upwards == pytest.approx(normal((first + 4.5 - mean) / sd))

    def test_no_room_upwards(self) -> None:
        """36 + 5 lies beyond 40; 35 + 5 is 40, which has the tail."""
        risk = UpdatedMixedModel(UPWARDS, PLAIN).risk(made([[(0, 36)], [(0, 35)]]))
        (mean,), (sd,) = slow_expect(PLAIN.fit, [(0, 35)], [8])
        assert risk.tolist() == [1, pytest.approx(normal((39.5 - mean) / sd))]

    def test_distribution(self) -> None:
        known = made([[(0, 18), (1, 15)], [(0, 4)]])
        table = UpdatedMixedModel(AT_4, PLAIN).distribution(known, [4, 8]).tabled()
        assert table.cumulative.shape == (2, 2, 28)
        for place, rows in enumerate(([(0.0, 18.0), (1.0, 15.0)], [(0.0, 4.0)])):
            for column, (mean, sd) in enumerate(zip(*slow_expect(PLAIN.fit, rows, [4, 8]), strict=True)):
                slow = [normal((score + 0.5 - mean) / sd) for score in range(27)] + [1]
                assert table.cumulative[place, column] == pytest.approx(slow)

    def test_cells_of_later_scores(self) -> None:
        """Of different numbers, at the ends of the scale among them."""
        whole = made([[(0, 18), (1, 15), (5, 0), (6, 7), (8, 27)], [(0, 4), (2, 5), (7, 3)]])
        known, later = whole.split_at(4)
        below, at = UpdatedMixedModel(AT_4, PLAIN).cells(known, later)
        slow_below, slow_at = [], []
        for rows, ahead in (
            ([(0.0, 18.0), (1.0, 15.0)], [(5, 0), (6, 7), (8, 27)]),
            ([(0.0, 4.0), (2.0, 5.0)], [(7, 3)]),
        ):
            for dose, score in ahead:
                (mean,), (sd,) = slow_expect(PLAIN.fit, rows, [dose])
                slow_below.append(normal((score - 0.5 - mean) / sd) if score else 0)
                slow_at.append(normal((score + 0.5 - mean) / sd) if score < 27 else 1)
        assert below == pytest.approx(slow_below)
        assert at == pytest.approx(slow_at)

    def test_cells_of_others(self) -> None:
        with pytest.raises(InvalidSeries, match="of the same episodes"):
            UpdatedMixedModel(AT_4, PLAIN).cells(SIX, made([[(5, 3)]]))


def slow_neighbours(training: list[list[tuple[float, float]]], rows: list[tuple[float, float]], count: int) -> float:
    """Every earlier patient, one by one: their traits, their distance, the nearest, what became of them."""

    def traits(seen: list[tuple[float, float]]) -> list[float]:
        times, scores = [np.log1p(dose) for dose, _ in seen], [score for _, score in seen]
        slope = np.polyfit(times, scores, 1)[0] if len(seen) > 1 else 0.0
        return [scores[0], scores[-1], slope]

    pool = [
        ([row for row in each if row[0] <= 4], dict(each)[8])
        for each in training
        if {4, 8} <= {dose for dose, _ in each}
    ]
    table = [traits(seen) for seen, _ in pool]
    sds = [float(np.std(column)) for column in zip(*table, strict=True)]
    own = traits(rows)
    apart = [sum(((one - other) / sd) ** 2 for one, other, sd in zip(own, each, sds, strict=True)) for each in table]
    nearest = sorted(range(len(pool)), key=lambda place: (round(apart[place], 9), place))[:count]
    return sum(pool[place][0][0][1] - pool[place][1] < 6 for place in nearest) / count


def rows_of(episodes: Episodes) -> list[list[tuple[float, float]]]:
    columns = list(zip(episodes.doses.tolist(), episodes.scores.tolist(), strict=True))
    return [columns[start:end] for start, end in zip(episodes.starts[:-1], episodes.starts[1:], strict=True)]


class TestNearestNeighbours:
    @pytest.mark.parametrize("count", [1, 7, 30])
    def test_against_brute_force(self, count: int) -> None:
        """With gaps, so that some have no score at the look or the end."""
        rng = np.random.default_rng(4)
        cohort = simulate(rng, b7b(), Occasions(tuple(range(9))), 90)
        gaps = rng.random(cohort.scores.shape) < 0.15
        gaps[:, 0] = False
        training = Episodes.of_table(cohort.doses, cohort.weeks, np.where(gaps, np.nan, cohort.scores))
        known = a_cohort(40, seed=5).split_at(4)[0]
        found = NearestNeighbours.learn(training, AT_4, count).risk(known)
        slow = [slow_neighbours(rows_of(training), rows, count) for rows in rows_of(known)]
        assert found == pytest.approx(slow)
        assert 0 < found.mean() < 1

    def test_by_hand(self) -> None:
        """One earlier patient at 20 and 18 who did not improve, two at 20 and 10 of whom one did."""
        training = made(
            [
                [(0, 20), (4, 18), (8, 17)],
                [(0, 20), (4, 10), (8, 14)],
                [(0, 20), (4, 10), (8, 15)],
                [(0, 20), (4, 10)],  # no score at the end
                [(0, 20), (3, 10), (8, 19)],  # none at the look
            ]
        )
        known = made([[(0, 20), (4, 11)], [(0, 20), (4, 17)]])
        assert NearestNeighbours.learn(training, AT_4, 1).risk(known).tolist() == [0, 1]
        assert NearestNeighbours.learn(training, AT_4, 2).risk(known).tolist() == [0.5, 0.5]
        assert NearestNeighbours.learn(training, AT_4, 3).risk(known) == pytest.approx([2 / 3, 2 / 3])

    def test_ties_by_order(self) -> None:
        """Three are equally near: the first two count."""
        alike: list[list[tuple[float, float]]] = [[(0, 20), (4, 15), (8, end)] for end in (18, 10, 10)]
        known = made([[(0, 20), (4, 15)]])
        assert NearestNeighbours.learn(made(alike), AT_4, 2).risk(known).tolist() == [0.5]
        assert NearestNeighbours.learn(made([*alike[1:], alike[0]]), AT_4, 2).risk(known).tolist() == [0]

    def test_scores_at_one_dose_have_no_slope(self) -> None:
        question = Question(PHQ_9, look_dose=3, end_dose=8)
        training = made([[(3, 20), (3, 10), (3, 14), (8, 20)], [(3, 14), (8, 5)]])
        assert NearestNeighbours.learn(training, question, 1).earlier[2].tolist() == [0, 0]

    def test_many_patients_are_asked_in_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rival = NearestNeighbours.learn(a_cohort(50), AT_4, 10)
        known = a_cohort(31, seed=2).split_at(4)[0]
        at_once = rival.risk(known)
        for cells in (1, 100, 31 * 50, 10_000):
            monkeypatch.setattr("app.trajectories.comparators._CELLS_AT_ONCE", cells)
            assert rival.risk(known).tolist() == at_once.tolist()

    @pytest.mark.parametrize("count", [0, -1, 3])
    def test_too_few(self, count: int) -> None:
        training = made([[(0, 20), (4, 18), (8, 17)], [(0, 20), (4, 10), (8, 14)], [(0, 20), (4, 10)]])
        with pytest.raises(InvalidSeries, match="as many earlier patients") as refusal:
            NearestNeighbours.learn(training, AT_4, count)
        assert (refusal.value.pointer, refusal.value.allowed) == ("/count", "1 to 2")


class TestAll:
    def test_names(self) -> None:
        rivals = learn_rivals(a_cohort(60), AT_4, neighbours=20)
        assert {name: type(rival) for name, rival in rivals.items()} == {
            "twenty_five_percent_rule": TwentyFivePercentRule,
            "reliable_change_rule": ReliableChangeRule,
            "classical_expected_response": ClassicalExpectedResponse,
            "updated_mixed_model": UpdatedMixedModel,
            "nearest_neighbours": NearestNeighbours,
        }

    def test_what_comes_after_the_look_changes_nothing(self) -> None:
        rivals = learn_rivals(a_cohort(60), AT_4, neighbours=20)
        asked = a_cohort(25, seed=6)
        other_scores = np.where(asked.doses > 4, 27 - asked.scores, asked.scores)
        others = Episodes(asked.starts, asked.doses, asked.weeks, other_scores)
        for rival in rivals.values():
            assert rival.risk(asked.split_at(4)[0]).tolist() == rival.risk(others.split_at(4)[0]).tolist()

    def test_neighbours_learn_from_nothing_between_look_and_end(self) -> None:
        training, known = a_cohort(60), a_cohort(25, seed=6).split_at(4)[0]
        between = (training.doses > 4) & (training.doses < 8)
        scores = np.where(between, 27 - training.scores, training.scores)
        changed = Episodes(training.starts, training.doses, training.weeks, scores)
        one, other = (NearestNeighbours.learn(each, AT_4, 20).risk(known).tolist() for each in (training, changed))
        assert one == other

    def test_each_ranks_better_than_chance_in_the_order_that_theory_has(self) -> None:
        """As in the engine's table (section 4, dose 4): the updated model is ahead of all, neighbours of the ETR."""
        asked = a_cohort(4_000, seed=7)
        asked = asked.chosen(asked.first >= 10)
        known, _ = asked.split_at(4)
        outcome = AT_4.unimproved(known.first, asked.last)
        rivals = learn_rivals(a_cohort(3_000), AT_4)
        found = {name: auc(rival.risk(known), outcome) for name, rival in rivals.items()}
        assert min(found.values()) > 0.7
        assert found["updated_mixed_model"] >= max(found.values()) - 0.005
        assert found["nearest_neighbours"] > found["classical_expected_response"]
