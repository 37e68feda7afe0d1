"""Where a search begins: the plain mixed model of lme4; and the link that the scores themselves show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.mixed_model import Method, fit_mixed_model
from app.trajectories.sampling_error import paired_difference
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Occasions, simulate
from app.trajectories.starting import LinkChoice, choose_link, starting_curve
from tests.trajectories.factories import a_curve, b7b, of_all_shapes
from tests.trajectories.oracles import slow_conditional, slow_progress
from tests.trajectories.test_episodes import Rows, made, rows_of

RAW = Link(LinkKind.IDENTITY, 0, 27, middle=15)
ARCSINE = Link(LinkKind.ARCSINE, 0, 27, middle=15)

# R 4.2.2, lme4:
#   > y <- c(15,13,12,9,20,16,13,9,11,10,7,7,17,16,17,15,22,17,9,4); d <- rep(0:3,5); id <- rep(1:5,each=4)
#   > s <- 15.5/28; g <- function(y) 15 + 56*sqrt(s*(1-s))*(asin(sqrt((y+.5)/28))-asin(sqrt(s)))  # half of them: z <- y
#   > m <- lmer(g(y) ~ log(1+d) + (1+log(1+d)|id), REML=FALSE, control=lmerControl("bobyqa",optCtrl=list(rhoend=1e-10)))
#   > fixef(m); as.data.frame(VarCorr(m))$sdcor
SCORES = [15, 13, 12, 9, 20, 16, 13, 9, 11, 10, 7, 7, 17, 16, 17, 15, 22, 17, 9, 4]
FIVE = Episodes.of(np.repeat(np.arange(5), 4), list(range(4)) * 5, list(range(4)) * 5, SCORES)
IN_R = {
    RAW: (17.5162479, -5.7472253, 3.96744764, 3.99658619, -0.79371543, 1.35649744),
    ARCSINE: (17.7010756, -6.0136229, 4.16595579, 4.30901263, -0.80811005, 1.40397647),
}


def a_cohort(curve: GrowthCurve, count: int, seed: int = 1) -> Episodes:
    return simulate(np.random.default_rng(seed), curve, Occasions((0, 1, 2, 4, 6, 8)), count).episodes


class TestStartingCurve:
    @pytest.mark.parametrize("link", [RAW, ARCSINE])
    @pytest.mark.parametrize("drifts", [True, False])
    def test_it_is_the_plain_mixed_model_of_r(self, link: Link, drifts: bool) -> None:
        """With drift, which the lines don't know, half of what they leave is that."""
        curve = starting_curve(FIVE, link, drifts=drifts)
        found = (curve.intercept, curve.session_slope, curve.sd_intercept, curve.sd_slope, curve.correlation)
        assert found == pytest.approx(IN_R[link][:5], rel=1e-4)
        left = IN_R[link][5] ** 2
        assert curve.drift_variance == pytest.approx(left / 2 if drifts else 0, rel=1e-4)
        assert curve.noise_variance == pytest.approx(left / 2 if drifts else left, rel=1e-4)
        assert (curve.link, curve.shapes, curve.natural_fall) == (link, (ResponseShape.EARLY,), 0)
        assert (curve.provenance.status, curve.provenance.confidence) == ("guessed", "UNVERIFIED")

    @given(st.lists(st.sampled_from(list(ResponseShape)), min_size=1, unique=True), st.floats(-9, 9))
    def test_shares_fall_in_the_order_of_the_shapes(self, shapes: list[ResponseShape], worsening: float) -> None:
        """About those of the defaults, .7, .2, .08 and .02, as many of them as there are shapes."""
        late = replace(FIVE, doses=FIVE.doses + 6)  # past the flat part of the late shape
        curve = starting_curve(late, RAW, shapes, worsening=worsening)
        about = (0.7, 0.2, 0.08, 0.02)[: len(shapes)]
        assert curve.shapes == tuple(shapes)
        assert list(curve.shares.values()) == pytest.approx([each / sum(about) for each in about])
        assert curve.worsening == worsening

    @pytest.mark.parametrize("shape", ResponseShape)
    def test_time_goes_as_the_first_shape_has_come(self, shape: ResponseShape) -> None:
        late = replace(FIVE, doses=FIVE.doses + 6)
        time = [slow_progress(shape, dose) for dose in late.doses.tolist()]
        plain = fit_mixed_model(late, time, method=Method.ML)
        curve = starting_curve(late, RAW, [shape])
        assert (curve.intercept, curve.session_slope) == pytest.approx(
            tuple(each.estimate for each in plain.fixed_effects)
        )
        assert (curve.sd_intercept, curve.sd_slope) == pytest.approx((plain.sd_intercept, plain.sd_slope))

    @pytest.mark.parametrize(("sign", "limit"), [(1, 0.9), (-1, -0.9)])
    def test_no_correlation_is_near_1(self, sign: int, limit: float) -> None:
        """Lines that fan out from the first score, or meet at the last: a search could not leave from there."""
        rng = np.random.default_rng(2)
        doses = np.arange(4.0)
        levels = rng.normal(0, 4, (30, 1))
        scores = 13 + levels + sign * levels / 2 * np.log1p(doses) + rng.normal(0, 0.5, (30, 4))
        episodes = Episodes.of_table(doses, doses, scores)
        told = fit_mixed_model(episodes, np.log1p(episodes.doses), method=Method.ML).correlation
        assert told is not None
        assert abs(told) > 0.95
        assert starting_curve(episodes, RAW).correlation == limit

    def test_without_slopes_of_their_own_there_is_no_correlation(self) -> None:
        """Levels of 8, 12 and 16 with noise of both signs: whoever it is, the slope is one."""
        levels = np.array([[8.0], [8], [16], [16], [12], [12]])
        noise = np.array([[1.0, -1, -1, 1], [-1, 1, 1, -1]] * 3)
        episodes = Episodes.of_table(np.arange(4), np.arange(4), levels + noise)
        curve = starting_curve(episodes, RAW)
        assert curve.sd_slope < 0.01
        assert curve.correlation == 0

    @pytest.mark.parametrize(
        ("weeks", "drift_weeks"),
        [
            ([[0, 1, 2, 3], [0, 1, 2, 3]], sqrt(1 * 3)),
            # Steps of 2, 2, 6 and 2, 1, 1: the middle ones are 2 and the longest episode has 10 weeks.
            ([[0, 2, 4, 10], [5, 7, 8, 9]], sqrt(2 * 10)),
            # Between two episodes nothing goes by, and of two scores in one week neither tells.
            ([[0, 0, 0, 4], [50, 50, 50, 50]], sqrt(4 * 4)),
            ([[3, 3, 3, 3], [0, 0, 0, 0]], 1.0),
        ],
    )
    def test_drift_lasts_between_a_step_and_a_course(self, weeks: list[list[float]], drift_weeks: float) -> None:
        episodes = Episodes.of_table(np.arange(4), weeks, [[15, 13, 12, 9], [20, 16, 13, 9]])
        assert starting_curve(episodes, RAW).drift_weeks == pytest.approx(drift_weeks)

    def test_scores_at_the_ends_are_taken_at_their_word(self) -> None:
        """On every link they are finite, so that there is a curve to begin with."""
        ends = replace(FIVE, scores=np.where(FIVE.scores < 9, 0.0, np.where(FIVE.scores > 16, 27.0, FIVE.scores)))
        for kind in LinkKind:
            curve = starting_curve(ends, Link(kind, 0, 27, 15), tuple(ResponseShape), worsening=6.0)
            assert curve.given([0], [0], [27]).predict([4], [4]).at_most(13) > 0

    @pytest.mark.parametrize(
        ("episodes", "shape", "sentence", "pointer"),
        [
            (FIVE.chosen(np.array([0])), ResponseShape.EARLY, "at least two episodes", None),
            (replace(FIVE, scores=np.full(20, 9.0)), ResponseShape.EARLY, "always the same", "/score"),
            (replace(FIVE, doses=np.zeros(20)), ResponseShape.EARLY, "always the same", "/time"),
            (FIVE, ResponseShape.LATE, "always the same", "/time"),
        ],
    )
    def test_refusals(self, episodes: Episodes, shape: ResponseShape, sentence: str, pointer: str | None) -> None:
        with pytest.raises(InvalidSeries, match=sentence) as refusal:
            starting_curve(episodes, RAW, [shape])
        assert refusal.value.pointer == pointer


def as_started(episodes: Episodes, kind: LinkKind) -> GrowthCurve:
    return starting_curve(episodes, Link(kind, 0, 27, 15), drifts=False)


class TestChooseLink:
    @pytest.mark.parametrize("kind", LinkKind)
    @pytest.mark.parametrize("seed", [1, 2])
    def test_it_finds_the_true_one(self, kind: LinkKind, seed: int) -> None:
        """In 500 courses that reach both ends of the scale; the wrongest by more than two standard errors."""
        spread = replace(b7b(), intercept=12.0, sd_intercept=4.5, drift_variance=0.0, noise_variance=9.0)
        truth = replace(spread, link=Link(kind, 0, 27, middle=15))
        found = choose_link(a_cohort(truth, 500, seed), as_started, np.random.default_rng(3), folds=3)
        assert found.kind is kind
        assert set(found.log_scores) == set(LinkKind)
        assert set(found.behind) == set(LinkKind) - {kind}
        assert all(found.log_scores[kind] > found.log_scores[other] for other in found.behind)
        assert max(each.estimate / each.standard_error for each in found.behind.values()) > 2

    def test_by_how_much_against_the_dense_computation(self) -> None:
        """With curves that need no learning the folds make no difference: each score given all before it."""
        curves = {LinkKind.IDENTITY: b7b(), LinkKind.ARCSINE: of_all_shapes(a_curve())}
        rows = [each[: 2 + number % 5] for number, each in enumerate(rows_of(a_cohort(a_curve(), 8)))]
        logs: dict[LinkKind, list[float]] = {kind: [] for kind in curves}
        whose: list[int] = []
        for number, each in enumerate(rows):
            for place in range(1, len(each)):
                dose, week, score = each[place]
                whose.append(number)
                for kind, curve in curves.items():
                    slow = slow_conditional(curve, each[:place], [(dose, week)])
                    logs[kind].append(log(slow.cells(0)[int(score)]))
        # A patient with one score has no next one.
        episodes = made([[(0.0, 0.0, 9.0)], *rows, [(0.0, 0.0, 27.0)]])
        found = choose_link(episodes, lambda _, kind: curves[kind], np.random.default_rng(1), kinds=curves, folds=4)
        for kind, values in logs.items():
            assert found.log_scores[kind] == pytest.approx(np.mean(values), abs=1e-7)
        best, other = sorted(curves, key=lambda kind: -np.mean(logs[kind]))
        behind = paired_difference(logs[best], logs[other], whose)
        assert found.kind is best
        assert list(found.behind) == [other]
        assert found.behind[other].estimate == pytest.approx(behind.estimate, abs=1e-7)
        assert found.behind[other].standard_error == pytest.approx(behind.standard_error, rel=1e-6)

    @given(st.integers(2, 6), st.integers(0, 4))
    def test_nobody_is_foretold_by_what_was_learnt_from_him(self, folds: int, seed: int) -> None:
        """For each link as many fits as folds, the same ones; together they leave out everybody once."""
        rows: list[Rows] = [
            [(float(dose), 100.0 * number + dose, 9.0) for dose in range(1 + number % 3)] for number in range(12)
        ]
        several = [each for each in rows if len(each) > 1]
        shown: dict[LinkKind, list[list[Rows]]] = {kind: [] for kind in LinkKind}

        def learn(episodes: Episodes, kind: LinkKind) -> GrowthCurve:
            shown[kind].append(rows_of(episodes))
            return b7b()

        choose_link(made(rows), learn, np.random.default_rng(seed), folds=folds)
        assert shown[LinkKind.IDENTITY] == shown[LinkKind.ARCSINE] == shown[LinkKind.LOGIT]
        left_out = [[each for each in several if each not in seen] for seen in shown[LinkKind.IDENTITY]]
        assert len(left_out) == folds
        assert sorted(each for out in left_out for each in out) == several

    def test_one_candidate_is_behind_nobody(self) -> None:
        found = choose_link(FIVE, as_started, np.random.default_rng(1), kinds=iter([LinkKind.LOGIT]), folds=2)
        assert isinstance(found, LinkChoice)
        assert (found.kind, dict(found.behind)) == (LinkKind.LOGIT, {})

    def test_the_same_seed_gives_the_same(self) -> None:
        cohort = a_cohort(b7b(), 40)
        once, again, other = (
            choose_link(cohort, as_started, np.random.default_rng(seed), folds=3) for seed in (1, 1, 2)
        )
        assert once == again
        assert once != other

    @pytest.mark.parametrize("folds", [-2, 0, 1, 6])
    def test_as_many_folds_as_episodes_with_a_next_score(self, folds: int) -> None:
        episodes = Episodes.joined([FIVE, made([[(0.0, 0.0, 9.0)]] * 3)])
        with pytest.raises(InvalidSeries, match="as many episodes as folds") as refusal:
            choose_link(episodes, as_started, np.random.default_rng(1), folds=folds)
        assert (refusal.value.pointer, refusal.value.allowed) == ("/folds", "2 to 5")

    @pytest.mark.parametrize(
        ("episodes", "learn", "sentence"),
        [
            (made([[(0.0, 0.0, 9.0)]] * 3), as_started, "at least one score"),
            (FIVE.chosen(np.array([0, 1])), as_started, "at least two episodes"),
            (replace(FIVE, scores=FIVE.scores + 10), lambda *_: b7b(), "outside the range"),
        ],
    )
    def test_nothing_can_be_learnt(
        self, episodes: Episodes, learn: Callable[[Episodes, LinkKind], GrowthCurve], sentence: str
    ) -> None:
        with pytest.raises(InvalidSeries, match=sentence):
            choose_link(episodes, learn, np.random.default_rng(1), folds=2)
