"""Bands and log scores of later scores: hand arithmetic on a few patients, parts put together, and many samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, replace
from math import log, sqrt

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.trajectories.band_check import (
    BandCheck,
    Foreteller,
    LogScoreCheck,
    check_bands,
    compare_log_scores,
    foreteller,
)
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.judged import Part
from app.trajectories.prediction import FloatArray
from app.trajectories.sampling_error import Interval
from app.trajectories.simulation import Leaving, Occasions, simulate
from tests.trajectories.factories import a_curve, all_alike, b7b, of_all_shapes
from tests.trajectories.oracles import normal_cdf
from tests.trajectories.test_episodes import made


def flat(mean: float) -> GrowthCurve:
    """Give a curve on which whatever comes is normal around one score with sd 2, whatever was."""
    return replace(all_alike(b7b(), noise_variance=4.0), intercept=mean, session_slope=0.0)


# Around 10 a tenth lies below 7.44 and a tenth above 12.56: the band is 7 to 13. The cell of 7 is from 6.5 to 7.5, from
# Phi(-1.75) = .0401 to Phi(-1.25) = .1056, of which .0056 / .0656 = .086 lies in the band; of that of 13 as much.
AT_THE_EDGE = (normal_cdf(-1.25) - 0.1) / (normal_cdf(-1.25) - normal_cdf(-1.75))

LOW = [(0.0, 0.0, 3.0), (4.0, 4.0, 10.0), (8.0, 8.0, 7.0)]
MIDDLE = [(0.0, 0.0, 12.0), (4.0, 4.0, 13.0), (8.0, 8.0, 14.0)]
HIGH = [(0.0, 0.0, 20.0), (4.0, 4.0, 6.0)]
ONE_SCORE = [(0.0, 0.0, 27.0)]

LOG_CELLS = {
    score: log(normal_cdf((score + 0.5 - 10) / 2) - normal_cdf((score - 0.5 - 10) / 2)) for score in (6, 7, 10, 13, 14)
}


def a_part(episodes: Episodes, curve: GrowthCurve) -> Part:
    return Part(episodes, curve, training=episodes)


def clustered(sums: list[float], counts: list[int]) -> tuple[float, float]:
    """Give the mean of values, and its error from what those of each patient add up to (see clustered_mean)."""
    mean = sum(sums) / sum(counts)
    squares = sum((each - count * mean) ** 2 for each, count in zip(sums, counts, strict=True))
    return mean, sqrt(len(sums) / (len(sums) - 1) * squares) / sum(counts)


def of(checks: Iterable[BandCheck], dose: float | None = None, third: int | None = None) -> BandCheck:
    (found,) = (each for each in checks if (each.dose, each.third) == (dose, third))
    return found


def numbers(check: BandCheck | LogScoreCheck) -> list[float]:
    """Give all figures of a check in one row, with NaN for what is not there."""
    row: list[float] = []
    for each in astuple(check):
        row += each if isinstance(each, tuple) else [np.nan if each is None else each]
    return row


def assert_same(ones: Iterable[BandCheck | LogScoreCheck], others: Iterable[BandCheck | LogScoreCheck]) -> None:
    for one, other in zip(ones, others, strict=True):
        assert numbers(one) == pytest.approx(numbers(other), nan_ok=True)


class TestBandsByHand:
    @pytest.mark.parametrize("look", [0, None])
    def test_three_patients(self, look: float | None) -> None:
        """One step ahead it is the same here, since what was says nothing; who has one score only is not there."""
        checks = check_bands([a_part(made([LOW, MIDDLE, HIGH, ONE_SCORE]), flat(10))], [look])
        assert [(each.look_dose, each.dose, each.third, each.scores) for each in checks] == [
            *((look, None, third, scores) for third, scores in ((None, 5), (1, 2), (2, 2), (3, 1))),
            *((look, 4, third, scores) for third, scores in ((None, 3), (1, 1), (2, 1), (3, 1))),
            *((look, 8, third, scores) for third, scores in ((None, 2), (1, 1), (2, 1))),
        ]
        total = of(checks)
        edge = AT_THE_EDGE
        for found, sums in (
            (total.coverage, [1 + edge, edge, 0.0]),
            (total.above, [0.0, (1 - edge) + 1, 0.0]),
            (total.below, [1 - edge, 0.0, 1.0]),
            (total.log_score, [LOG_CELLS[10] + LOG_CELLS[7], LOG_CELLS[13] + LOG_CELLS[14], LOG_CELLS[6]]),
        ):
            assert (found.estimate, found.standard_error) == pytest.approx(clustered(sums, [2, 2, 1]))
        assert total.closed_coverage == pytest.approx(3 / 5)
        assert total.width == 6

    def test_each_third_and_each_dose_has_its_own_scores(self) -> None:
        checks = check_bands([a_part(made([LOW, MIDDLE, HIGH]), flat(10))], [0])
        assert of(checks, third=1).coverage.estimate == pytest.approx((1 + AT_THE_EDGE) / 2)
        assert of(checks, third=1).closed_coverage == 1
        assert of(checks, dose=4).coverage.estimate == pytest.approx((1 + AT_THE_EDGE) / 3)
        assert of(checks, dose=8).closed_coverage == pytest.approx(1 / 2)
        assert of(checks, dose=8, third=2).above.estimate == 1
        assert of(checks, dose=4, third=3).below.estimate == 1
        assert of(checks, dose=4, third=3).log_score.estimate == pytest.approx(LOG_CELLS[6])
        assert np.isnan(of(checks, dose=4, third=3).coverage.standard_error)

    @pytest.mark.parametrize("look", [0, None])
    def test_another_level(self, look: float | None) -> None:
        """Half lies from 8.65 to 11.35: of 9, from .2266 to .4013, that is .1513 / .1747; the band is 9 to 11."""
        rows = made([[(0, 0, 5), (1, 1, 9)], [(0, 0, 6), (1, 1, 12)]])
        (total, *_) = check_bands([a_part(rows, flat(10))], [look], level=0.5)
        edge = (normal_cdf(-0.25) - 0.25) / (normal_cdf(-0.25) - normal_cdf(-0.75))
        assert edge == pytest.approx(0.866, abs=0.001)
        assert total.coverage.estimate == pytest.approx(edge / 2)
        assert (total.above.estimate, total.below.estimate) == pytest.approx((1 / 2, (1 - edge) / 2))
        assert (total.closed_coverage, total.width) == (0.5, 2)

    def test_what_is_known_at_a_look_does_not_judge(self) -> None:
        """Up to dose 4 the two of them are known; one step ahead all but the first scores judge."""
        parts = [a_part(made([LOW, MIDDLE, HIGH]), flat(10))]
        checks = check_bands(parts, [4, None])
        assert [(each.look_dose, each.scores) for each in checks if (each.dose, each.third) == (None, None)] == [
            (4, 2),
            (None, 5),
        ]
        assert of((each for each in checks if each.look_dose == 4), dose=8).scores == 2


class TestParts:
    def test_each_is_judged_by_its_own_curve(self) -> None:
        """10 is in the middle of the one, and 14 is four points below the other's."""
        parts = [a_part(made([LOW[:2]]), flat(10)), a_part(made([[*HIGH[:1], (4.0, 4.0, 14.0)]]), flat(18))]
        (total, low, high, *_) = check_bands(parts, [0])
        assert (low.third, low.coverage.estimate) == (1, 1)
        assert (high.third, high.below.estimate) == (3, 1)
        assert total.coverage.estimate == pytest.approx(1 / 2)

    def test_thirds_are_those_of_all_patients(self) -> None:
        """Three with low first scores in one part, six with higher ones in the other; 10 is far below 14."""
        rows = [[(0.0, 0.0, float(first)), (1.0, 1.0, 10.0)] for first in range(1, 10)]
        parts = [a_part(made(rows[:3]), flat(10)), a_part(made(rows[3:]), flat(14))]
        checks = check_bands(parts, [0])
        assert [of(checks, third=third).below.estimate for third in (1, 2, 3)] == [0, 1, 1]
        assert [of(checks, third=third).scores for third in (1, 2, 3)] == [3, 3, 3]

    def test_several_with_one_curve_are_one(self) -> None:
        """Divided at random, with ends of the scale, and lengths that differ."""
        curve = of_all_shapes(a_curve())
        rng = np.random.default_rng(3)
        cohort = simulate(rng, curve, Occasions((0, 1, 2, 4, 6)), 90, Leaving(0.15)).episodes
        fold = rng.integers(0, 3, cohort.count)
        parts = [a_part(cohort.chosen(fold == each), curve) for each in range(3)]
        whole = [a_part(cohort, curve)]
        assert_same(check_bands(parts, [0, 2, None]), check_bands(whole, [0, 2, None]))
        wrong = replace(curve, intercept=curve.intercept + 2)
        assert_same(
            compare_log_scores(parts, lambda _: foreteller(wrong), [0, 2]),
            compare_log_scores(whole, lambda _: foreteller(wrong), [0, 2]),
        )


class TestLogScores:
    def test_by_hand(self) -> None:
        """Beside a rival that gives every score a quarter."""
        whole = made([LOW, MIDDLE, HIGH, ONE_SCORE])
        asked: list[tuple[list[float], list[float]]] = []

        def a_quarter(known: Episodes, later: Episodes) -> tuple[FloatArray, FloatArray]:
            asked.append((known.scores.tolist(), later.scores.tolist()))
            return np.full(len(later.scores), 0.5), np.full(len(later.scores), 0.75)

        at_0, at_4 = compare_log_scores([a_part(whole, flat(10))], lambda _: a_quarter, [0, 4])
        assert (at_0.look_dose, at_0.scores, at_4.look_dose, at_4.scores) == (0, 5, 4, 2)
        ours = [LOG_CELLS[10] + LOG_CELLS[7], LOG_CELLS[13] + LOG_CELLS[14], LOG_CELLS[6]]
        for found, sums in (
            (at_0.ours, ours),
            (at_0.theirs, [2 * log(0.25), 2 * log(0.25), log(0.25)]),
            (at_0.difference, [each - count * log(0.25) for each, count in zip(ours, [2, 2, 1], strict=True)]),
        ):
            assert [found.estimate, found.standard_error] == pytest.approx(clustered(sums, [2, 2, 1]), abs=1e-12)
        assert at_4.ours.estimate == pytest.approx((LOG_CELLS[7] + LOG_CELLS[14]) / 2)
        assert asked == [([3, 12, 20], [10, 7, 13, 14, 6]), ([3, 10, 12, 13], [7, 14])]

    def test_it_is_that_of_the_bands(self) -> None:
        parts = [a_part(made([LOW, MIDDLE, HIGH]), a_curve())]
        for look in (0, 4):
            (check,) = compare_log_scores(parts, lambda part: foreteller(part.curve), [look])
            assert check.ours == check_bands(parts, [look])[0].log_score
            assert check.ours == check.theirs
            assert check.difference == Interval(0, 0, 0, 0)

    def test_each_part_has_a_rival_of_its_own(self) -> None:
        """Learnt from what that part may know: named by its training, asked of its episodes."""
        parts = [
            Part(made([LOW]), flat(10), training=made([MIDDLE])),
            Part(made([MIDDLE, HIGH]), flat(14), training=made([LOW])),
        ]

        def rival(part: Part) -> Foreteller:
            return foreteller(flat(13 if part.training.first[0] == 12 else 17))

        (check,) = compare_log_scores(parts, rival, [4])
        cells = [
            log(normal_cdf((score + 0.5 - mean) / 2) - normal_cdf((score - 0.5 - mean) / 2))
            for score, mean in ((7, 10), (14, 14), (7, 13), (14, 17))
        ]
        assert check.ours.estimate == pytest.approx((cells[0] + cells[1]) / 2)
        assert check.theirs.estimate == pytest.approx((cells[2] + cells[3]) / 2)

    def test_the_truth_foretells_better_than_what_is_wrong(self) -> None:
        """By how much for sure, the other way round with the other sign; an honest score rewards the truth."""
        curve = a_curve()
        wrong = replace(curve, noise_variance=3 * curve.noise_variance)
        cohort = simulate(np.random.default_rng(4), curve, Occasions((0, 2, 4, 8)), 500).episodes
        (better,) = compare_log_scores([a_part(cohort, curve)], lambda _: foreteller(wrong), [2])
        (worse,) = compare_log_scores([a_part(cohort, wrong)], lambda _: foreteller(curve), [2])
        assert better.difference.estimate > 2 * better.difference.standard_error
        assert worse.difference.estimate == pytest.approx(-better.difference.estimate)
        assert worse.ours == better.theirs


class TestSimulated:
    def test_a_right_curve_covers_what_it_says(self) -> None:
        """3,000 at each of five doses: .8 in the band and .1 on each side, in each third (engine, section 6)."""
        curve = a_curve()
        cohort = simulate(np.random.default_rng(6), curve, Occasions((0, 1, 2, 4, 8, 12)), 3_000).episodes
        checks = check_bands([a_part(cohort, curve)], [0, 2, None])
        for check in checks:
            if check.dose is None or check.third is None:
                assert check.coverage.estimate == pytest.approx(0.8, abs=0.02), check
                assert check.above.estimate == pytest.approx(0.1, abs=0.02), check
                assert check.below.estimate == pytest.approx(0.1, abs=0.02), check
            assert check.closed_coverage > check.coverage.estimate
        assert {(each.dose, each.third) for each in checks} >= {(None, 1), (None, 3), (12, None), (12, 2)}

    def test_too_narrow_a_curve_covers_less(self) -> None:
        curve = a_curve()
        narrow = replace(curve, noise_variance=1.0, drift_variance=3.0)
        cohort = simulate(np.random.default_rng(6), curve, Occasions((0, 1, 2, 4, 8)), 500).episodes
        (total, *_) = check_bands([a_part(cohort, narrow)], [0])
        assert total.coverage.upper < 0.75


class TestRefusals:
    @pytest.mark.parametrize("look", [8, 30])
    def test_nothing_comes_later(self, look: float) -> None:
        parts = [a_part(made([LOW, MIDDLE, HIGH]), flat(10))]
        with pytest.raises(InvalidSeries, match="at least one score"):
            check_bands(parts, [look])
        with pytest.raises(InvalidSeries, match="at least one score"):
            compare_log_scores(parts, lambda part: foreteller(part.curve), [look])

    def test_nothing_one_step_ahead(self) -> None:
        with pytest.raises(InvalidSeries, match="at least one score"):
            check_bands([a_part(made([ONE_SCORE, LOW[:1]]), flat(10))], [None])

    @pytest.mark.parametrize("place", [0, 1])
    def test_a_score_outside_the_scale(self, place: int) -> None:
        rows = [*LOW[:2]]
        rows[place] = (*rows[place][:2], 28.0)
        parts = [a_part(made([rows]), flat(10))]
        for judge in (
            lambda: check_bands(parts, [0]),
            lambda: check_bands(parts, [None]),
            lambda: compare_log_scores(parts, lambda part: foreteller(part.curve), [0]),
        ):
            with pytest.raises(InvalidSeries, match="outside the range") as refusal:
                judge()
            assert refusal.value.pointer == "/score"
