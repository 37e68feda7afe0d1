"""Late responders: patient by patient with the dense computation, all pairs, and the verdicts of the service itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria
from app.trajectories import late_responders
from app.trajectories.late_responders import (
    EARLY_LOOKS,
    LASTING_DOSE,
    check_late_flags,
    check_late_states,
    late_auc,
)
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.policy import Policy
from app.trajectories.progress import ResponderState
from app.trajectories.scenarios import Scenario
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Cohort, Occasions, simulate
from app.trajectories.trial import Trial, draw_trial
from tests.trajectories.factories import PHQ_9, a_curve, mirrored, of_all_shapes, verdicts
from tests.trajectories.oracles import slow_conditional
from tests.trajectories.test_plain_model import slow_expect

LATE, WORSENING = ResponseShape.LATE, ResponseShape.WORSENING
CURVE = of_all_shapes(a_curve())


@pytest.fixture(scope="module")
def trial() -> Trial:
    rng = np.random.default_rng(8)
    return draw_trial(Scenario.WELL_SPECIFIED, CURVE, PHQ_9, rng, count=80, learnt_from=120)


def cases(trial: Trial) -> list[tuple[ResponseShape, list[float]]]:
    """Give the shapes and scores of those who start at 10 or more."""
    shapes = [CURVE.shapes[place] for place in trial.cohort.shapes.tolist()]
    return [(shape, row) for shape, row in zip(shapes, trial.cohort.complete.tolist(), strict=True) if row[0] >= 10]


def known(row: list[float], look: int) -> list[tuple[float, float, float]]:
    return [(float(dose), float(dose), score) for dose, score in enumerate(row[: look + 1])]


class TestFlags:
    def test_likely_to_deteriorate_one_by_one(self, trial: Trial) -> None:
        """P(6 or more points above the first score at dose 20) above .2 at one of the looks."""
        found = check_late_flags(trial, np.random.default_rng(1), repeats=2)
        flagged = []
        for shape, row in cases(trial):
            chances = []
            for look in EARLY_LOOKS:
                told = slow_conditional(CURVE, known(row, look), [(LASTING_DOSE, LASTING_DOSE)])
                chances.append(sum(told.cells(0)[int(row[0]) + 6 :]))
            flagged.append((shape, max(chances) > 0.2))
        for of, figure in ((LATE, found.pending.late), (WORSENING, found.pending.worsening)):
            assert figure.estimate == pytest.approx(np.mean([each for shape, each in flagged if shape is of]))
        assert found.pending.everybody.estimate == pytest.approx(np.mean([each for _, each in flagged]))
        assert 0 < found.pending.everybody.estimate < 1

    def test_the_limit_one_by_one(self, trial: Trial) -> None:
        """The newest score is more than .8416 sds above what the first one alone lets expect, at one of the looks."""
        found = check_late_flags(trial, np.random.default_rng(1), repeats=2)
        fit = PlainMixedModel.learn(trial.training).fit
        flagged = []
        for shape, row in cases(trial):
            told = [slow_expect(fit, [(0.0, row[0])], [float(look)]) for look in EARLY_LOOKS]
            beyond = [
                row[look] > mean + 0.8416212 * sd for look, ((mean,), (sd,)) in zip(EARLY_LOOKS, told, strict=True)
            ]
            flagged.append((shape, any(beyond)))
        assert found.beyond_limit.everybody.estimate == pytest.approx(np.mean([each for _, each in flagged]))
        late = [each for shape, each in flagged if shape is LATE]
        assert found.beyond_limit.late.estimate == pytest.approx(np.mean(late))

    def test_the_budget_at_one_look(self, trial: Trial) -> None:
        """At one look as many are flagged as may be, by either ranking: a quarter, to the nearest whole patient."""
        found = check_late_flags(trial, np.random.default_rng(1), look_doses=[4], budget=0.25, repeats=2)
        count = len(cases(trial))
        for each in (found.ranked, found.ranked_response):
            assert each.everybody.estimate == pytest.approx(round(count / 4) / count)

    def test_the_highest_are_flagged(self, trial: Trial) -> None:
        """Those at the highest risk by the dense computation; ties are for chance, and there are none."""
        found = check_late_flags(trial, np.random.default_rng(1), look_doses=[4], budget=0.25, repeats=2)
        rows = cases(trial)
        risks = []
        for _, row in rows:
            told = slow_conditional(CURVE, known(row, 4), [(8.0, 8.0)])
            risks.append(1 - sum(told.cells(0)[: int(row[0]) - 5]))
        highest = np.argsort(risks)[::-1][: round(len(rows) / 4)]
        late = sum(rows[place][0] is LATE for place in highest)
        assert found.ranked.late.estimate == pytest.approx(late / sum(shape is LATE for shape, _ in rows))

    def test_ratios_are_those_of_late_responders(self, trial: Trial) -> None:
        found = check_late_flags(trial, np.random.default_rng(1), repeats=40)
        for ratio, ours, theirs in (
            (found.ranked_ratio, found.ranked, found.ranked_response),
            (found.pending_ratio, found.pending, found.beyond_limit),
        ):
            assert ratio.estimate == pytest.approx(ours.late.estimate / theirs.late.estimate)
            assert ratio.lower <= ratio.estimate <= ratio.upper

    def test_a_ratio_to_nobody_is_not_told(self) -> None:
        nobody, somebody = np.zeros(3, dtype=bool), np.array([True, False, True])
        ratio = late_responders._ratio(somebody, nobody, np.random.default_rng(1), 2)
        assert np.isnan([ratio.estimate, ratio.lower, ratio.upper]).all()

    def test_a_scale_that_runs_the_other_way(self, trial: Trial) -> None:
        """All scores taken from 27: everybody is flagged as before, but for ties."""
        cohort = trial.cohort
        turned_scores = 27 - cohort.scores
        turned = replace(
            trial,
            criteria=ChangeCriteria(0, 27, better=Better.HIGHER, cutoff=18, reliable_change=6),
            cohort=Cohort(cohort.doses, cohort.weeks, turned_scores, turned_scores, cohort.shapes),
            training=replace(trial.training, scores=27 - trial.training.scores),
            published=mirrored(CURVE),
        )
        found, as_before = (check_late_flags(each, np.random.default_rng(1), repeats=2) for each in (turned, trial))
        assert found.pending == as_before.pending
        assert found.beyond_limit == as_before.beyond_limit

    @pytest.mark.parametrize("missing", [LATE, WORSENING])
    def test_nobody_of_a_shape(self, trial: Trial, missing: ResponseShape) -> None:
        cohort = trial.cohort
        others = cohort.shapes != CURVE.shapes.index(missing)
        some = Cohort(cohort.doses, cohort.weeks, cohort.scores[others], cohort.complete[others], cohort.shapes[others])
        with pytest.raises(InvalidSeries, match="late responders needs cases"):
            check_late_flags(replace(trial, cohort=some), np.random.default_rng(1))


class TestAuc:
    def test_all_pairs(self, trial: Trial) -> None:
        """Of each late responder and each other who is not 6 points better at dose 20; a tie is a half."""
        found = late_auc(trial, np.random.default_rng(1), look_doses=(3, 8), repeats=40)
        for look in (3, 8):
            chances: dict[bool, list[float]] = {True: [], False: []}
            for shape, row in cases(trial):
                if shape is LATE or row[0] - row[LASTING_DOSE] < 6:
                    told = slow_conditional(CURVE, known(row, look), [(8.0, 8.0)])
                    chances[shape is LATE].append(told.shares[CURVE.shapes.index(LATE)])
            pairs = [
                (one > other + 1e-12) + (abs(one - other) <= 1e-12) / 2
                for one in chances[True]
                for other in chances[False]
            ]
            assert found[look].estimate == pytest.approx(np.mean(pairs))
            assert found[look].lower < found[look].estimate < found[look].upper

    def test_nobody_to_tell_apart(self, trial: Trial) -> None:
        only_early = replace(trial.cohort, shapes=np.zeros_like(trial.cohort.shapes))
        believed = replace(CURVE, shares={ResponseShape.EARLY: 1.0})
        for each in (replace(trial, cohort=only_early), replace(trial, published=believed)):
            with pytest.raises(InvalidSeries, match="respond late"):
                late_auc(each, np.random.default_rng(1))


class TestStates:
    def test_as_the_service_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The verdicts on the same scores, one patient at a time; courses go through in groups of seven."""
        monkeypatch.setattr(late_responders, "_AT_ONCE", 7)
        found = check_late_states(a_curve(), PHQ_9, np.random.default_rng(6), count=60)
        drawn = simulate(
            np.random.default_rng(6), replace(a_curve(), shares={LATE: 1.0}), Occasions(tuple(range(7))), 60
        )
        rows = [row for row in drawn.complete.tolist() if row[0] >= 10]
        states = [[str(each.responder_state) for each in verdicts(row)[3:7]] for row in rows]
        assert found.patients == len(rows)
        open_ones = [set(each) <= {"pending", "late"} for each in states]
        assert found.always_open.estimate == pytest.approx(np.mean(open_ones))
        counted = Counter(state for each in states for state in each)
        for state, share in found.verdicts.items():
            assert share == pytest.approx(counted[state] / (4 * len(rows)))
            assert found.ever[state].estimate == pytest.approx(np.mean([state in each for each in states]))
        assert sum(found.verdicts.values()) == pytest.approx(1)

    def test_the_windows_are_the_policys(self) -> None:
        """With a late window from dose 4 on, some are called none before dose 7."""
        by_default, soon = (
            check_late_states(a_curve(), PHQ_9, np.random.default_rng(6), count=60, policy=policy)
            for policy in (None, Policy(late_window_dose=4))
        )
        assert by_default.verdicts[ResponderState.NONE] == 0 < soon.verdicts[ResponderState.NONE]

    def test_nobody_is_a_case(self) -> None:
        healthy = replace(a_curve(), intercept=-40.0)
        with pytest.raises(InvalidSeries, match="nobody is a case"):
            check_late_states(healthy, PHQ_9, np.random.default_rng(1), count=20)
