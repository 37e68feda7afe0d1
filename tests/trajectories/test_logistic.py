"""The logistic line: a slow search, and where there is none. R is asked in test_metrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from app.trajectories.logistic import fit_logistic_line

rows = st.lists(st.tuples(st.integers(-20, 20).map(lambda tenth: tenth / 10), st.booleans()), min_size=2, max_size=25)


@given(rows)
def test_against_a_slow_search(data: list[tuple[float, bool]]) -> None:
    """The log-likelihood as it is written, searched without derivatives; no line only where it has no maximum."""
    numbers, happened = np.array([number for number, _ in data]), np.array([did for _, did in data])

    def loss(line: np.ndarray) -> float:
        log_odds = line[0] + line[1] * numbers
        return float(np.where(happened, np.logaddexp(0, -log_odds), np.logaddexp(0, log_odds)).sum())

    line = fit_logistic_line(numbers, happened)
    slow = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 4000})
    if line is None:
        some, others = numbers[happened], numbers[~happened]
        assert (
            not len(some)
            or not len(others)
            or max(some) <= min(others)
            or max(others) <= min(some)
            or len(set(numbers)) == 1
        )
    else:
        assert loss(line.coefficients) <= slow.fun + 1e-9
        assert line.influences.sum(axis=0) == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_units_do_not_matter(scale: float, shift: float) -> None:
    numbers, happened = np.array([-2.0, -1, 0, 1, 2, 3]), np.array([0, 1, 0, 1, 0, 1]) == 1
    plain = fit_logistic_line(numbers, happened)
    other = fit_logistic_line((numbers + shift) * scale, happened)
    assert plain is not None
    assert other is not None
    (intercept, slope), (other_intercept, other_slope) = plain.coefficients, other.coefficients
    assert other_slope * scale == pytest.approx(slope)
    assert other_intercept + other_slope * scale * shift == pytest.approx(intercept, abs=1e-8)
    assert other.covariance[1, 1] * scale**2 == pytest.approx(plain.covariance[1, 1])


def test_a_step_that_goes_too_far_is_halved() -> None:
    """Many at one place, and a few far away: a full Newton step lowers the likelihood.

    R 4.2.2, which starts elsewhere:

    > x <- c(-6, rep(4, 114), 5, 86); y <- c(1, rep(0, 114), 1, 0)
    > coef(glm(y ~ x, family=binomial, control=list(epsilon=1e-14, maxit=100)))   -1.9006138348 -0.6838766827
    """
    numbers, happened = np.array([-6.0, *[4.0] * 114, 5, 86]), np.array([1, *[0] * 114, 1, 0]) == 1
    line = fit_logistic_line(numbers, happened)
    assert line is not None
    assert line.coefficients == pytest.approx([-1.9006138348, -0.6838766827], rel=1e-7)


def test_an_overlap_too_narrow_to_tell_the_slope() -> None:
    """0 and 1e-7 overlap, so that there is a maximum, at a slope of about 7 million: nobody's calibration."""
    narrow = 1e-7
    numbers = np.array([-1, -1, 0, narrow, 0, narrow, narrow, 1, 1])
    assert fit_logistic_line(numbers, np.array([0, 0, 0, 0, 1, 1, 1, 1, 1]) == 1) is None


@given(rows, st.lists(st.integers(1, 40), min_size=25, max_size=25))
def test_counted_rows_are_as_many_rows(data: list[tuple[float, bool]], counts: list[int]) -> None:
    numbers, happened = np.array([number for number, _ in data]), np.array([did for _, did in data])
    times = np.array(counts[: len(data)])
    counted = fit_logistic_line(numbers, happened, times.astype(float))
    repeated = fit_logistic_line(np.repeat(numbers, times), np.repeat(happened, times))
    assert (counted is None) == (repeated is None)
    if counted is not None and repeated is not None:
        assert counted.coefficients == pytest.approx(repeated.coefficients, rel=1e-6, abs=1e-8)
        assert counted.covariance == pytest.approx(repeated.covariance, rel=1e-6, abs=1e-8)
