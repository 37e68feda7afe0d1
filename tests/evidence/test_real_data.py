"""The public sets are read whole, judged without a look at who is judged, and their targets judge by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.trajectories.band_check import LogScoreCheck
from app.trajectories.link import LinkKind
from app.trajectories.risk_check import GROWTH_MODEL
from tests.evidence.real_data import SETS, WHITE_NOISE, Judged, coverage_target, judge, log_score_target
from tests.trajectories.held_out import about
from tests.trajectories.judged_by_hand import a_band

BTHEB, SLEEPSTUDY = SETS


def judged(
    differences: Sequence[float] = (0.05, 0.02),
    *,
    error: float = 0.03,
    patients: int = 100,
    last: float = 0.8,
    later: float = 0.8,
    third: float = 0.8,
) -> Judged:
    looks = (0.0, 2.0)
    checks = tuple(
        LogScoreCheck(look, 200, about(-3.4), about(-3.5), about(difference, error))
        for look, difference in zip(looks, differences, strict=True)
    )
    bands = [a_band(share, look=look, dose=dose) for look in looks for dose, share in ((None, later), (8.0, last))]
    thirds = [a_band(third, look=look, dose=None, third=of) for look in looks for of in (1, 2, 3)]
    return Judged(replace(BTHEB, looks=looks), patients, {LinkKind.ARCSINE: 5}, checks, (*bands, *thirds), ())


def test_all_scores_are_read() -> None:
    """HSAUR3: 100 patients, 380 scores, the first 29; lme4: 18 subjects on 10 days, the first 249.56 ms."""
    btheb, sleepstudy = (each.episodes() for each in SETS)
    assert (btheb.count, len(btheb.scores), btheb.scores[0]) == (100, 380, 29)
    assert btheb.weeks.max() == pytest.approx(8 * 52 / 12)
    assert (sleepstudy.count, len(sleepstudy.scores), sleepstudy.scores[0]) == (18, 180, 25)


class TestLogScoreTarget:
    def test_few_patients_need_be_better_only(self) -> None:
        assert log_score_target(judged()).met
        assert not log_score_target(judged((0.05, -0.001))).met
        assert not log_score_target(judged((0.05, 0.0))).met

    def test_many_need_two_errors(self) -> None:
        assert not log_score_target(judged((0.07, 0.06), patients=500)).met
        assert log_score_target(judged((0.07, 0.061), patients=500)).met

    def test_what_it_says(self) -> None:
        found = log_score_target(judged((0.05, -0.02)))
        assert found.name == "5 log score on BtheB, 100 patients"
        assert found.found == "look 0: +0.050 (0.030); look 2: -0.020 (0.030)"


class TestCoverageTarget:
    @pytest.mark.parametrize(
        ("figures", "met"),
        [
            ({}, True),
            ({"last": 0.759}, False),
            ({"last": 0.85}, False),
            ({"later": 0.87}, True),
            ({"later": 0.88}, False),
            ({"third": 0.70}, True),
            ({"third": 0.69}, False),
        ],
    )
    def test_limits(self, figures: dict[str, float], met: bool) -> None:
        assert coverage_target(judged(**figures)).met == met  # type: ignore[arg-type]  # only floats are given

    def test_what_it_says(self) -> None:
        found = coverage_target(judged(third=0.72)).found
        assert found == "last score 0.80 to 0.80; all later ones 0.80 to 0.80; thirds 0.72 to 0.72"


@pytest.fixture(scope="module")
def btheb() -> Judged:
    return judge(BTHEB, np.random.default_rng(1), folds=2, kinds=[LinkKind.ARCSINE])


class TestJudge:
    def test_everybody_is_judged_at_each_look(self, btheb: Judged) -> None:
        """97 patients have a second score: 280 later scores in all; 52 have one at 8 months."""
        assert (btheb.patients, btheb.links) == (100, {LinkKind.ARCSINE: 2})
        assert [each.look_dose for each in btheb.log_scores] == [0, 2, 3, 5]
        assert [each.scores for each in btheb.log_scores] == [280, 183, 110, 52]
        assert 0.5 < btheb.coverage(0).estimate < 1
        assert 0.5 < btheb.coverage(5, 8).estimate < 1

    def test_slopes_of_both(self, btheb: Judged) -> None:
        for name in (GROWTH_MODEL, WHITE_NOISE):
            slope = btheb.slope(3, name)
            assert slope is not None
            assert slope.estimate > 0
        assert btheb.slope(4) is None
