"""Learning curves: against nlme, against the slow way, on services of known truth, and on what can't be learnt from.

`drifting.csv` in tests/reference/trajectories was simulated for this test (120 patients, irregular weeks, levels of sd
3.5, slopes of sd 1.4, drift of variance 9 with a time constant of 6 weeks, noise of variance 4.84). R 4.2.2, nlme
3.1-162:

    d <- read.csv("drifting.csv"); d$t <- log1p(d$dose)
    m <- lme(score ~ t, d, random = ~ t | id, correlation = corExp(c(8, .4), form = ~ week | id, nugget = TRUE),
             method = "ML", control = lmeControl(opt = "optim", maxIter = 500, msMaxIter = 500, tolerance = 1e-9,
             msTol = 1e-10))
    summary(m)$tTable                               # 14.6741074 (.5103479), -3.1166138 (.2413087)
    VarCorr(m)                                      # 4.445846, 1.474355, -.095; residual 3.505447
    coef(m$modelStruct$corStruct, unconstrained = FALSE)   # range 4.10211632, nugget .35312506
    logLik(m)                                       # -2482.4030099275
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from app.errors import InvalidSeries
from app.trajectories import search
from app.trajectories.episodes import Episodes
from app.trajectories.fit_warning import FitWarning
from app.trajectories.fitting import FittedParameter, GrowthFit, fit_growth_curve
from app.trajectories.growth import GrowthCurve, Provenance
from app.trajectories.likelihood import Likelihood
from app.trajectories.link import Link, LinkKind
from app.trajectories.mixed_model import Method, fit_mixed_model
from app.trajectories.parameters import Parameters, PriorSpread, default_spread
from app.trajectories.prediction import FloatArray
from app.trajectories.search import Objective
from app.trajectories.simulation import Occasions, simulate
from tests.trajectories.factories import a_curve, b7b

REFERENCE = Path(__file__).parents[1] / "reference" / "trajectories"
WEEKLY = tuple(range(12))


def of_one_shape(**figures: Any) -> GrowthCurve:
    """Give a curve of one shape on a raw scale so wide that no score is only a bound."""
    given: dict[str, float] = {
        "intercept": 10,
        "session_slope": -2,
        "sd_intercept": 3,
        "sd_slope": 1,
        "correlation": 0,
        "drift_variance": 6,
        "drift_weeks": 8,
        "noise_variance": 6,
    }
    return GrowthCurve(
        key="start",
        version=1,
        instrument="any",
        link=Link(LinkKind.IDENTITY, -1000, 1000, middle=0),
        provenance=Provenance("this test", "derived", "UNVERIFIED"),
        **(given | figures),
    )


def spread() -> PriorSpread:
    found = default_spread("phq-9")
    assert found is not None
    return found


def a_service(truth: GrowthCurve, count: int, seed: int, *, doses: tuple[int, ...] = WEEKLY) -> Episodes:
    """Give weekly scores of patients who stay for 1 + Poisson(7) occasions."""
    rng = np.random.default_rng(seed)
    scores = simulate(rng, truth, Occasions(doses), count).scores
    stayed = 1 + rng.poisson(7, count)
    return Episodes.of_table(doses, doses, np.where(np.arange(len(doses)) < stayed[:, None], scores, np.nan))


def drifting() -> Episodes:
    ids, doses, weeks, scores = np.loadtxt(REFERENCE / "drifting.csv", delimiter=",", skiprows=1).T
    return Episodes.of(ids, doses, weeks, scores)


def named(fit: GrowthFit) -> dict[str, FittedParameter]:
    return {each.name: each for each in fit.parameters}


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth_curve(drifting(), of_one_shape())


class TestAgainstNlme:
    def test_the_maximum(self, fit: GrowthFit) -> None:
        assert fit.loglik == pytest.approx(-2482.4030099275, abs=1e-5)
        assert fit.converged
        assert fit.warnings == ()
        assert (fit.n_episodes, fit.n_observations) == (120, 920)

    @pytest.mark.parametrize(
        ("name", "estimate"),
        [
            ("intercept", 14.6741074),
            ("session_slope", -3.1166138),
            ("sd_intercept", 4.445846),
            ("sd_slope", 1.474355),
            ("correlation", -0.095),
            ("noise_variance", 0.35312506 * 3.505447**2),
            ("drift_variance", (1 - 0.35312506) * 3.505447**2),
            ("drift_weeks", 4.10211632),
        ],
    )
    def test_estimates(self, fit: GrowthFit, name: str, estimate: float) -> None:
        assert named(fit)[name].estimate == pytest.approx(estimate, rel=2e-4 if name != "correlation" else 1e-2)
        assert getattr(fit.curve, name) == named(fit)[name].estimate

    def test_errors_of_the_fixed_effects(self, fit: GrowthFit) -> None:
        """nlme takes the spreads as known and divides by n - 2: the same to a few thousandths."""
        assert named(fit)["intercept"].standard_error == pytest.approx(0.5103479, rel=5e-3)
        assert named(fit)["session_slope"].standard_error == pytest.approx(0.2413087, rel=5e-3)

    def test_it_does_not_matter_where_the_search_begins(self, fit: GrowthFit) -> None:
        far = of_one_shape(intercept=30, session_slope=3, sd_intercept=9, drift_variance=1, drift_weeks=2)
        assert fit_growth_curve(drifting(), far).loglik == pytest.approx(fit.loglik, abs=1e-4)


def test_without_drift_it_is_the_plain_mixed_model() -> None:
    """The other fit, which agrees with lme4 (test_mixed_model.py)."""
    episodes = drifting()
    plain = fit_mixed_model(episodes, np.log1p(episodes.doses), method=Method.ML)
    fit = fit_growth_curve(episodes, of_one_shape(drift_variance=0))
    assert fit.loglik == pytest.approx(plain.loglik, abs=1e-5)
    assert fit.curve.sd_slope == pytest.approx(plain.sd_slope, rel=1e-3)
    assert named(fit)["intercept"].standard_error == pytest.approx(plain.fixed_effects[0].standard_error, rel=2e-3)


@pytest.fixture(scope="module")
def objective() -> Objective:
    curve = a_curve()
    parameters = Parameters(curve)
    episodes = a_service(replace(curve, intercept=16.0), 150, seed=4)
    everything = np.ones(len(parameters.names), dtype=bool)
    return Objective(Likelihood(episodes, curve.link), parameters, parameters.vector(curve), spread(), everything)


class TestTheSearch:
    @staticmethod
    def value(vector: FloatArray, objective: Objective) -> float:
        point = objective.at(vector)
        assert point is not None
        return point.value

    def test_the_slopes_are_those_of_the_value(self, objective: Objective) -> None:
        """Differences of the whole value, one parameter at a time: also the closed slopes of the shares."""
        vector = objective.centre + 0.1
        point = objective.at(vector)
        assert point is not None
        slow = approx_fprime(vector, self.value, 1e-6, objective)
        assert objective.uphill(point, objective.scores(point)) == pytest.approx(slow, rel=1e-4, abs=1e-2)

    def test_another_optimiser_finds_no_higher_point(self, objective: Objective) -> None:
        """Nelder and Mead's simplex knows no slopes, and begins beside the maximum."""
        episodes = objective.likelihood.episodes
        parameters = Parameters(b7b())
        start = replace(b7b(), link=a_curve().link)
        fit = fit_growth_curve(episodes, start)
        alone = Objective(
            Likelihood(episodes, start.link),
            parameters,
            parameters.vector(start),
            None,
            np.ones(len(parameters.names), dtype=bool),
        )

        def below(vector: FloatArray) -> float:
            point = alone.at(vector)
            return np.inf if point is None else -point.value

        found = minimize(
            below,
            parameters.vector(fit.curve) + 0.05,
            method="Nelder-Mead",
            options={"maxiter": 4000, "maxfev": 4000, "fatol": 1e-7, "xatol": 1e-5},
        )
        assert fit.loglik == pytest.approx(-found.fun, abs=1e-4)

    def test_a_prior_is_what_it_takes_off(self, objective: Objective) -> None:
        """One spread from the centre in two of the parameters: 1/2 + 1/2."""
        vector = objective.centre.copy()
        vector[0] += 1.5
        vector[1] -= 0.6
        point = objective.at(vector)
        assert point is not None
        assert point.log_prior == pytest.approx(-1.0)

    def test_a_curve_that_can_t_be_is_no_point(self, objective: Objective) -> None:
        assert objective.at(objective.centre + 1e4) is None
        far = objective.centre.copy()
        far[0] = 1e200
        assert objective.at(far) is None


class TestErrors:
    def test_they_are_those_of_repeated_services(self) -> None:
        """Sixty services of one truth: the spread of their estimates, within what sixty can tell (a fifth)."""
        truth = of_one_shape(drift_variance=0, sd_slope=1.5)
        fits = [fit_growth_curve(a_service(truth, 80, seed=seed), truth) for seed in range(60)]
        for name in ("intercept", "session_slope", "sd_intercept", "noise_variance"):
            estimates = [named(fit)[name].estimate for fit in fits]
            told = np.mean([named(fit)[name].standard_error for fit in fits])
            robust = np.mean([named(fit)[name].robust_standard_error for fit in fits])
            assert np.std(estimates) == pytest.approx(told, rel=0.25), name
            assert robust == pytest.approx(told, rel=0.1), name

    def test_the_robust_ones_hold_where_noise_differs_between_persons(self) -> None:
        """Half of the patients answer with four times the noise: the variance of the noise is less well known."""
        truth = of_one_shape(drift_variance=0, sd_slope=0.5)
        quiet, loud = (a_service(replace(truth, noise_variance=noise), 100, seed=3) for noise in (2.0, 18.0))
        noise = named(fit_growth_curve(Episodes.joined([quiet, loud]), truth))["noise_variance"]
        assert noise.robust_standard_error > 1.5 * noise.standard_error

    def test_the_squares_of_many_are_as_good_as_second_derivatives(self) -> None:
        truth = replace(b7b(), drift_variance=0.0)
        episodes = a_service(truth, 1500, seed=6)
        slow, fast = (fit_growth_curve(episodes, truth, robust=robust) for robust in (True, False))
        for name, each in named(fast).items():
            assert each.standard_error == pytest.approx(named(slow)[name].standard_error, rel=0.1), name
            assert np.isnan(each.robust_standard_error)

    def test_few_have_second_derivatives_all_the_same(self) -> None:
        slow, fast = (fit_growth_curve(drifting(), of_one_shape(), robust=robust) for robust in (True, False))
        assert named(fast)["sd_slope"].standard_error == named(slow)["sd_slope"].standard_error

    def test_many_episodes_are_as_sure_as_they_are_many(self) -> None:
        """4,000 instead of 1,000 episodes halve the errors."""
        truth = replace(b7b(), drift_variance=0.0)
        few, many = (fit_growth_curve(a_service(truth, count, seed=6), truth, robust=False) for count in (1000, 4000))
        for name in ("intercept", "session_slope", "noise_variance"):
            ratio = named(few)[name].standard_error / named(many)[name].standard_error
            assert ratio == pytest.approx(2, rel=0.1), name


class TestPriors:
    def test_few_episodes_leave_what_they_can_t_tell_at_the_prior(self) -> None:
        fit = fit_growth_curve(a_service(a_curve(), 60, seed=1), a_curve(), spread())
        held = {name for name, each in named(fit).items() if each.held}
        assert held == {"drift_weeks", "worsening", *(f"share_{shape}" for shape in fit.curve.shapes)}
        assert fit.curve.shares == pytest.approx(dict(a_curve().shares))
        assert fit.curve.drift_weeks == pytest.approx(10)
        assert np.isnan(named(fit)["worsening"].standard_error)
        assert fit.warnings == (FitWarning.FEW_EPISODES,)

    def test_many_tell_all(self) -> None:
        fit = fit_growth_curve(a_service(a_curve(), 500, seed=1), a_curve(), spread())
        assert not any(each.held for each in fit.parameters)
        assert fit.warnings == ()

    def test_a_service_three_points_off_is_learnt_within_a_hundred_episodes(self) -> None:
        """Methods, G2: the prior must stay wide enough for that."""
        truth = replace(a_curve(), intercept=a_curve().intercept + 3)
        fit = fit_growth_curve(a_service(truth, 100, seed=8), a_curve(), spread())
        assert fit.curve.intercept == pytest.approx(truth.intercept, abs=1.2)

    def test_local_information_grows_with_the_episodes(self) -> None:
        """By the formula: with the errors e and the prior's spreads, 1 - (e1^2 / 1.5^2 + e2^2 / .6^2) / 2."""
        shares = []
        for count in (5, 50, 400):
            fit = fit_growth_curve(a_service(a_curve(), count, seed=2), a_curve(), spread())
            assert fit.local_information is not None
            intercept, slope = (named(fit)[name].standard_error for name in ("intercept", "session_slope"))
            assert fit.local_information == pytest.approx(1 - ((intercept / 1.5) ** 2 + (slope / 0.6) ** 2) / 2)
            shares.append(fit.local_information)
        assert 0 < shares[0] < 0.4 < shares[1] < 0.8 < shares[2] < 1

    def test_without_a_prior_there_is_no_such_share(self) -> None:
        assert fit_growth_curve(drifting(), of_one_shape()).local_information is None

    def test_the_curve_says_where_it_comes_from(self) -> None:
        fit = fit_growth_curve(drifting(), of_one_shape())
        assert (fit.curve.provenance.status, fit.curve.link) == ("fitted", of_one_shape().link)
        assert "start" in fit.curve.provenance.source


class TestWhatCantBeLearnt:
    @pytest.mark.parametrize(
        ("ids", "weeks", "scores", "says"),
        [
            ([1, 1, 1], [0, 1, 2], [15, 12, 9], "at least two episodes"),
            ([1, 1, 2, 2], [0, 1, 0, 1], [9, 9, 9, 9], "always the same"),
            ([1, 2, 3], [0, 0, 0], [9, 12, 15], "all scores lie at one time"),
            ([1, 2, 3], [0, 1, 2], [9, 12, 15], "all scores lie at one time"),
            ([1, 1, 2, 2], [0, 0, 0, 1], [9, 12, 15, 9], "two scores at one time"),
        ],
    )
    def test_one_error_says_why(self, ids: list[int], weeks: list[float], scores: list[float], says: str) -> None:
        with pytest.raises(InvalidSeries, match=says):
            fit_growth_curve(Episodes.of(ids, weeks, weeks, scores), a_curve(), spread())

    def test_a_score_outside_the_scale(self) -> None:
        with pytest.raises(InvalidSeries, match="outside the range"):
            fit_growth_curve(Episodes.of([1, 1, 2, 2], [0, 1, 0, 1], [0, 1, 0, 1], [9, 28, 15, 9]), a_curve())

    def test_a_start_that_makes_the_scores_impossible(self) -> None:
        impossible = of_one_shape(intercept=1e200)
        with pytest.raises(InvalidSeries, match="too far from the curve"):
            fit_growth_curve(drifting(), impossible)


class TestWarnings:
    def test_persons_who_don_t_differ(self) -> None:
        truth = of_one_shape(sd_intercept=0, sd_slope=0, drift_variance=0)
        fit = fit_growth_curve(a_service(truth, 40, seed=7), of_one_shape(drift_variance=0))
        boundaries = (FitWarning.BOUNDARY_SD_INTERCEPT, FitWarning.BOUNDARY_SD_SLOPE, FitWarning.BOUNDARY_CORRELATION)
        assert fit.warnings == tuple(warning for warning in boundaries if warning in fit.warnings) != ()
        assert fit.converged

    def test_drift_that_is_not_there(self) -> None:
        truth = of_one_shape(drift_variance=0)
        fit = fit_growth_curve(a_service(truth, 300, seed=5), of_one_shape(drift_variance=1, drift_weeks=50))
        assert fit.converged is False or FitWarning.BOUNDARY_DRIFT in fit.warnings

    def test_level_and_slope_that_go_fully_together(self) -> None:
        truth = of_one_shape(correlation=1.0, sd_slope=1.5, drift_variance=0)
        fit = fit_growth_curve(a_service(truth, 60, seed=1), of_one_shape(drift_variance=0, correlation=0.5))
        assert FitWarning.BOUNDARY_CORRELATION in fit.warnings

    def test_patients_chosen_by_their_first_score(self) -> None:
        """All referrals, and those of them who start at 10 or more."""
        everybody = a_service(a_curve(), 600, seed=9)
        cases = everybody.chosen(everybody.first >= 10)
        assert FitWarning.TRUNCATED_BASELINE not in fit_growth_curve(everybody, a_curve(), spread()).warnings
        assert FitWarning.TRUNCATED_BASELINE in fit_growth_curve(cases, a_curve(), spread()).warnings

    def test_episodes_without_a_score_at_dose_0_say_nothing_of_that(self) -> None:
        later = a_service(a_curve(), 100, seed=9, doses=tuple(range(3, 12)))
        chosen = later.chosen(later.first >= 10)
        assert FitWarning.TRUNCATED_BASELINE not in fit_growth_curve(chosen, a_curve(), spread()).warnings

    def test_two_episodes_can_t_tell_everything(self) -> None:
        fit = fit_growth_curve(
            Episodes.of([1, 1, 2, 2], [0, 1, 0, 1], [0, 1, 0, 1], [15, 12, 9, 9]), of_one_shape(), None
        )
        assert set(fit.warnings) & {FitWarning.UNCERTAIN, FitWarning.NOT_CONVERGED, FitWarning.BOUNDARY_DRIFT}

    def test_a_search_that_is_cut_short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(search, "_ITERATIONS", 2)
        fit = fit_growth_curve(drifting(), of_one_shape(intercept=30))
        assert FitWarning.NOT_CONVERGED in fit.warnings
        assert (fit.converged, fit.iterations) == (False, 2)

    def test_a_search_that_finds_no_way_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It asks for so much of a step that none gives it."""
        monkeypatch.setattr(search, "_NO_GAIN", 1e9)
        fit = fit_growth_curve(drifting(), of_one_shape(intercept=30))
        assert FitWarning.NOT_CONVERGED in fit.warnings
        assert (fit.converged, fit.iterations) == (False, 0)
