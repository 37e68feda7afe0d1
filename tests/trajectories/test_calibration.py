"""Calibration: R, hand arithmetic, and predictions that are known to be too extreme."""

from __future__ import annotations

from math import log, nan

import numpy as np
import pytest
from scipy.special import expit

from app.errors import InvalidSeries
from app.trajectories.calibration import calibration_groups
from app.trajectories.metrics import Calibration, calibration

MIXED, RAGGED = np.array([1, "a", 2], dtype=object), [1, 2, (2,)]


def figures(found: Calibration) -> list[list[float]]:
    return [[each.estimate, each.standard_error, each.lower, each.upper] for each in (found.intercept, found.slope)]


# R 4.2.2, base:
#   > p <- c(.1,.2,.3,.4,.5,.6,.7,.8,.9,.25,.35,.65); y <- c(0,0,1,0,1,0,1,1,1,1,0,1); x <- qlogis(p)
#   > g <- c(1,1,1,2,2,3,3,4,4,4,5,5)
#   > f <- glm(y ~ x, family=binomial, control=list(epsilon=1e-14)); coef(f)             0.6198036995  1.2281145663
#   > sqrt(diag(vcov(f)))                                                                0.7432299829  0.7710707186
#   > confint.default(f)                             -0.8369002992 2.076507698; -0.2831562717 2.739385404
#   > X <- cbind(1,x); U <- rowsum(X*(y-fitted(f)), g); A <- solve(t(X) %*% (X*fitted(f)*(1-fitted(f))))
#   > V <- 5/4 * A %*% t(U) %*% U %*% A; sqrt(diag(V))                                   0.5819760144  0.4019804408
#   > cbind(coef(f)-qt(.975,4)*sqrt(diag(V)), coef(f)+qt(.975,4)*sqrt(diag(V)))
#                                                    -0.996020757  2.235628156;  0.112037939 2.344191194
PREDICTED = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.25, 0.35, 0.65]
HAPPENED = [0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 1]
WHOSE = [1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5]
NONE_TOLD = [[nan] * 4] * 2


class TestCalibration:
    def test_against_r(self) -> None:
        intercept, slope = figures(calibration(PREDICTED, HAPPENED))
        assert intercept == pytest.approx([0.6198036995, 0.7432299829, -0.8369002992, 2.076507698], rel=1e-7)
        assert slope == pytest.approx([1.2281145663, 0.7710707186, -0.2831562717, 2.739385404], rel=1e-7)

    def test_clusters_against_r(self) -> None:
        intercept, slope = figures(calibration(PREDICTED, HAPPENED, WHOSE))
        assert intercept == pytest.approx([0.6198036995, 0.5819760144, -0.996020757, 2.235628156], rel=1e-7)
        assert slope == pytest.approx([1.2281145663, 0.4019804408, 0.112037939, 2.344191194], rel=1e-7)

    def test_sure_predictions_against_r(self) -> None:
        """Here 0 and 1 count as 1e-6 and 1 - 1e-6.

        > z <- qlogis(pmin(pmax(c(0,.2,.6,1,.5,1), 1e-6), 1-1e-6)); w <- c(0,1,0,1,1,0)
        > f <- glm(w ~ z, family=binomial, control=list(epsilon=1e-14)); coef(f)   -0.09808511048 0.04533362572
        > sqrt(diag(vcov(f)))                                                       0.85821146583 0.08959811377
        """
        found = calibration([0, 0.2, 0.6, 1, 0.5, 1], [0, 1, 0, 1, 1, 0])
        assert [each.estimate for each in (found.intercept, found.slope)] == pytest.approx(
            [-0.09808511048, 0.04533362572], rel=1e-7
        )
        assert [each.standard_error for each in (found.intercept, found.slope)] == pytest.approx(
            [0.85821146583, 0.08959811377], rel=1e-7
        )

    def test_two_predictions_by_hand(self) -> None:
        """Through ln(3/7) at ln(1/4), and ln(7/3) at ln 4, where the information is 10 x .3 x .7 each."""
        found = calibration([0.2] * 10 + [0.8] * 10, [1] * 3 + [0] * 7 + [1] * 7 + [0] * 3)
        assert found.slope.estimate == pytest.approx(log(7 / 3) / log(4))
        assert found.slope.standard_error == pytest.approx((2 * 2.1 * log(4) ** 2) ** -0.5)
        assert found.intercept.estimate == pytest.approx(0, abs=1e-9)
        assert found.intercept.standard_error == pytest.approx(4.2**-0.5)

    def test_too_extreme_and_too_low_predictions_are_seen(self) -> None:
        """Truth has half the log odds, and half a unit more: 100,000 draws have a standard error below .01."""
        rng = np.random.default_rng(7)
        predicted = rng.normal(0, 2, 100_000)
        found = calibration(expit(predicted), rng.random(100_000) < expit(0.5 + predicted / 2))
        assert found.intercept.estimate == pytest.approx(0.5, abs=0.04)
        assert found.slope.estimate == pytest.approx(0.5, abs=0.03)
        assert found.slope.standard_error < 0.01

    def test_copies_of_a_patient_count_once(self) -> None:
        """Without clusters, four copies halve the error; with them it is that of one copy each."""
        copies = np.repeat(np.arange(12), 4)
        often = calibration(np.array(PREDICTED)[copies], np.array(HAPPENED)[copies], copies)
        once = calibration(PREDICTED, HAPPENED, np.arange(12))
        assert np.array(figures(often)) == pytest.approx(np.array(figures(once)))
        unaware = calibration(np.array(PREDICTED)[copies], np.array(HAPPENED)[copies])
        assert unaware.slope.standard_error == pytest.approx(0.7710707186 / 2)

    def test_names_of_clusters_may_be_words(self) -> None:
        assert calibration(PREDICTED, HAPPENED, [f"patient {who}" for who in WHOSE]) == calibration(
            PREDICTED, HAPPENED, WHOSE
        )

    @pytest.mark.parametrize(
        ("predicted", "happened"),
        [
            ([0.2, 0.4, 0.6], [1, 1, 1]),
            ([0.2, 0.4, 0.6], [0, 0, 0]),
            ([0.3, 0.3, 0.3], [1, 0, 1]),
            ([0.3, 0.3 + 1e-16, 0.3], [1, 0, 1]),
            ([1, 1 - 1e-9, 1], [1, 0, 1]),  # equal once they are cut
            ([0.2, 0.4, 0.6], [0, 0, 1]),
            ([0.2, 0.4, 0.6], [1, 0, 0]),
            ([0.2, 0.4, 0.4, 0.6], [0, 0, 1, 1]),  # they overlap in one point only
            ([0.2, 0.4, 0.4, 0.6], [1, 1, 0, 0]),
            ([0.5], [1]),
        ],
    )
    def test_what_can_not_be_told(self, predicted: list[float], happened: list[int]) -> None:
        assert np.array(figures(calibration(predicted, happened))) == pytest.approx(np.array(NONE_TOLD), nan_ok=True)
        assert np.array(figures(calibration(predicted, happened, happened))) == pytest.approx(
            np.array(NONE_TOLD), nan_ok=True
        )

    def test_one_cluster_has_no_error(self) -> None:
        intercept, slope = figures(calibration(PREDICTED, HAPPENED, [1] * 12))
        assert intercept == pytest.approx([0.6198036995, nan, nan, nan], nan_ok=True)
        assert slope == pytest.approx([1.2281145663, nan, nan, nan], nan_ok=True)

    @pytest.mark.parametrize("clusters", [MIXED, [1, 2], [1, 2, None], [1, 2, nan], [], [[1], [2], [3]], 7])
    def test_clusters(self, clusters: object) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            calibration([0.2, 0.3, 0.4], [1, 0, 1], clusters)  # type: ignore[arg-type]  # what is refused
        assert refusal.value.pointer == "/clusters"


class TestGroups:
    def test_by_hand(self) -> None:
        """Sorted: .1 no, .2 yes, .3 no | .6 yes, .7 no | .8 yes, .9 yes: groups of 3, 2 and 2."""
        predicted, happened = [0.9, 0.1, 0.7, 0.3, 0.2, 0.8, 0.6], [1, 0, 0, 0, 1, 1, 1]
        found = calibration_groups(predicted, happened, groups=3)
        assert [each.count for each in found] == [3, 2, 2]
        assert [each.predicted for each in found] == pytest.approx([0.2, 0.65, 0.85])
        assert [each.happened.estimate for each in found] == pytest.approx([1 / 3, 0.5, 1.0])

    def test_the_interval_is_that_of_a_share(self) -> None:
        """1 of 29, as in test_sampling_error.py."""
        (found,) = calibration_groups([0.1] * 29, [1, *[0] * 28], groups=1)
        assert (found.happened.lower, found.happened.upper) == pytest.approx((0.006113214, 0.171755219), abs=1e-7)

    def test_fewer_predictions_than_groups(self) -> None:
        assert [each.count for each in calibration_groups([0.4, 0.2], [1, 0])] == [1, 1]

    def test_equal_predictions_stay_in_their_order(self) -> None:
        found = calibration_groups([0.5] * 4, [0, 0, 1, 1], groups=2)
        assert [each.happened.estimate for each in found] == [0.0, 1.0]

    @pytest.mark.parametrize(("predicted", "happened", "groups"), [([], [], 3), ([2.0], [1], 3), ([0.5], [1], 0)])
    def test_bad_input_is_refused(self, predicted: list[float], happened: list[int], groups: int) -> None:
        with pytest.raises(InvalidSeries):
            calibration_groups(predicted, happened, groups)
