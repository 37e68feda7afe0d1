"""Curves as vectors: there and back, without bounds, and with what a prior says of each entry."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError
from app.trajectories.growth import GrowthCurve
from app.trajectories.parameters import Parameters, PriorSpread, default_spread
from app.trajectories.shapes import ResponseShape
from tests.trajectories.factories import a_curve, b7b

FIGURES = ("intercept", "session_slope", "sd_intercept", "sd_slope", "correlation", "worsening")
VARIANCES = ("drift_variance", "drift_weeks", "noise_variance")

curves = st.builds(
    lambda figures, shares: replace(
        a_curve(), **figures, shares=dict(zip(ResponseShape, np.array(shares) / sum(shares), strict=True))
    ),
    st.fixed_dictionaries(
        {
            "intercept": st.floats(0, 27),
            "session_slope": st.floats(-6, 6),
            "sd_intercept": st.floats(0, 10),
            "sd_slope": st.floats(0.01, 5),
            "correlation": st.floats(-1, 1),
            "worsening": st.floats(0, 10),
            **{name: st.floats(0.1, 50) for name in VARIANCES},
        }
    ),
    st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
)


def same(found: GrowthCurve, expected: GrowthCurve) -> None:
    for name in (*FIGURES, *VARIANCES):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-9), name
    assert dict(found.shares) == pytest.approx(dict(expected.shares), rel=1e-9)


@given(curves)
def test_a_curve_comes_back_as_it_was(curve: GrowthCurve) -> None:
    parameters = Parameters(curve)
    back = parameters.curve(parameters.vector(curve))
    same(back, curve)
    assert (back.link, back.natural_fall, back.key) == (curve.link, curve.natural_fall, curve.key)


def test_the_entries_by_hand() -> None:
    """Correlation .6 of spreads 4 and 2: L = [[4, 0], [1.2, 1.6]], since 2 sqrt(1 - .36) = 1.6."""
    shares = dict(zip(ResponseShape, (0.4, 0.3, 0.2, 0.1), strict=True))
    curve = replace(a_curve(), sd_intercept=4.0, sd_slope=2.0, correlation=0.6, shares=shares)
    parameters = Parameters(curve)
    entries = dict(zip(parameters.names, parameters.vector(curve).tolist(), strict=True))
    assert entries == pytest.approx(
        {
            "intercept": 14.4,
            "session_slope": -2.7,
            "level": 4.0,
            "both": 1.2,
            "slope": 1.6,
            "ln_noise_variance": log(8),
            "ln_drift_variance": log(13),
            "ln_drift_weeks": log(10),
            "worsening": 6.0,
            "ln_share_linear": log(0.3 / 0.4),
            "ln_share_late": log(0.2 / 0.4),
            "ln_share_worsening": log(0.1 / 0.4),
        }
    )


@pytest.mark.parametrize(("level", "both", "slope"), [(-4.0, 1.2, 1.6), (4.0, -1.2, 1.6), (4.0, 1.2, -1.6)])
def test_signs_of_the_factor_give_the_covariance_that_they_make(level: float, both: float, slope: float) -> None:
    """L L' has the variances 16 and 4 and the covariance level x both."""
    curve = a_curve()
    parameters = Parameters(curve)
    vector = parameters.vector(curve)
    for name, value in (("level", level), ("both", both), ("slope", slope)):
        vector[parameters.names.index(name)] = value
    found = parameters.curve(vector).variation
    assert (found.level, found.slope, found.both) == pytest.approx((16.0, 4.0, level * both))


def test_no_spread_of_slopes_has_no_correlation() -> None:
    curve = replace(a_curve(), sd_slope=0.0)
    parameters = Parameters(curve)
    assert parameters.curve(parameters.vector(curve)).correlation == 0.0


def test_what_a_curve_does_not_have_is_no_parameter() -> None:
    plain = replace(b7b(), drift_variance=0.0)
    assert Parameters(plain).names == ("intercept", "session_slope", "level", "both", "slope", "ln_noise_variance")
    assert Parameters(plain).curve(Parameters(plain).vector(plain)).drift_variance == 0.0
    assert set(Parameters(b7b()).names) - set(Parameters(plain).names) == {"ln_drift_variance", "ln_drift_weeks"}


def test_an_entry_that_no_curve_has_is_refused() -> None:
    curve = a_curve()
    parameters = Parameters(curve)
    vector = parameters.vector(curve)
    vector[parameters.names.index("ln_drift_weeks")] = 1e4
    with pytest.raises(InstrumentDataError):
        parameters.curve(vector)


def test_shares_of_shapes_that_nearly_nobody_has() -> None:
    curve = a_curve()
    parameters = Parameters(curve)
    vector = parameters.vector(curve)
    vector[parameters.names.index("ln_share_late")] = 300.0
    shares = parameters.curve(vector).shares
    assert shares[ResponseShape.LATE] == pytest.approx(1)
    assert shares[ResponseShape.EARLY] == pytest.approx(exp(-300))


class TestPriors:
    def test_the_published_spreads(self) -> None:
        """Engine, section 5; intercept and slope of the GAD-7: methods, B7b."""
        phq_9, gad_7 = default_spread("phq-9"), default_spread("gad-7")
        assert phq_9 is not None
        assert gad_7 is not None
        names = ("intercept", "session_slope", "level", "slope", "both", "worsening", "ln_share_late")
        assert [phq_9.of(name) for name in names] == [1.5, 0.6, 1.0, 0.6, 0.6, 1.5, 0.5]
        logs = ("ln_drift_variance", "ln_drift_weeks", "ln_noise_variance")
        assert [phq_9.of(name) for name in logs] == [0.4, 0.4, 0.3]
        assert (gad_7.intercept, gad_7.session_slope) == (1.2, 0.5)

    def test_every_parameter_has_one(self) -> None:
        for instrument in ("phq-9", "gad-7"):
            spread = default_spread(instrument)
            assert spread is not None
            assert all(spread.of(name) > 0 for name in Parameters(a_curve(instrument)).names)

    def test_none_is_invented(self) -> None:
        assert default_spread("sdq") is None

    @pytest.mark.parametrize("figure", [0.0, -1.0, float("nan"), float("inf")])
    def test_a_spread_is_a_number_above_0(self, figure: float) -> None:
        usual = default_spread("phq-9")
        assert usual is not None
        with pytest.raises(InstrumentDataError, match="prior spread of both"):
            replace(usual, both=figure)


def spreads(**figures: Any) -> PriorSpread:
    """Give the default prior of the PHQ-9 with some figures changed."""
    usual = default_spread("phq-9")
    assert usual is not None
    return replace(usual, **figures)


def test_a_change_of_one_figure_leaves_the_others() -> None:
    assert spreads(intercept=sqrt(2)).session_slope == 0.6
