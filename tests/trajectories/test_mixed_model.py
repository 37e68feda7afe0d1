"""The plain mixed model: lme4's figures, a slow dense computation, and what can't be learnt from.

Two public data sets lie beside the tables of this folder's tests:

- `sleepstudy.csv`: reaction times of 18 subjects on ten days, from lme4 1.1-31 (GPL 2 or later; Belenky et al. 2003,
  Journal of Sleep Research 12:1), columns in another order and in lower case.
- `btheb.csv`: Beck Depression Inventory of 100 patients at 0, 2, 3, 5 and 8 months, from HSAUR3 1.0-13 (GPL 2;
  Proudfoot et al. 2003, Psychological Medicine 33:217), in long format without the missing scores; treatment is 1 for
  the program `Beat the Blues` and 0 for treatment as usual.

All figures of lme4 come from one session of R 4.2.2 with lme4 1.1-31. Its default optimiser stops early, so the figures
are those of a finer one; log-likelihoods are the same to 1e-5 with the default.

    library(lme4)
    sleepstudy <- read.csv("sleepstudy.csv"); btheb <- read.csv("btheb.csv")
    fit <- function(formula, data, reml) {
      control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-8))
      m <- lmer(formula, data, REML = reml, control = control)
      print(logLik(m), digits = 10)
      print(summary(m)$coefficients[, 1:2], digits = 10)
      print(as.data.frame(VarCorr(m))$sdcor, digits = 10)
    }

Each case below has its call, and what that printed.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from app.errors import InvalidSeries
from app.trajectories import mixed_model
from app.trajectories.episodes import Episodes
from app.trajectories.fit_warning import FitWarning
from app.trajectories.mixed_model import Method, MixedModelFit, fit_mixed_model
from app.trajectories.prediction import FloatArray

TABLES = Path(__file__).parents[1] / "reference" / "trajectories"

FIVE_DIGITS = 5e-5


@dataclass(frozen=True)
class Data:
    """Scores with their times, and covariates if any."""

    episodes: Episodes
    time: Any
    covariates: Any = None
    names: tuple[str, ...] = ()

    def fit(self, method: Method = Method.REML) -> MixedModelFit:
        return fit_mixed_model(self.episodes, self.time, method=method, covariates=self.covariates, names=self.names)

    @property
    def design(self) -> FloatArray:
        columns = [np.ones_like(self.time), self.time]
        return np.column_stack(columns if self.covariates is None else [*columns, self.covariates])


def data_of(ids: Any, time: Any, scores: Any, covariates: Any = None, names: tuple[str, ...] = ()) -> Data:
    """Make data whose order within an episode says nothing of the times."""
    nothing = np.zeros(len(time))
    return Data(Episodes.of(ids, nothing, nothing, scores), np.asarray(time, dtype=np.float64), covariates, names)


def table(name: str) -> dict[str, FloatArray]:
    with (TABLES / name).open(encoding="utf-8", newline="") as lines:
        heads, *rows = csv.reader(lines)
    return dict(zip(heads, np.array(rows, dtype=np.float64).T, strict=True))


def sleepstudy() -> Data:
    columns = table("sleepstudy.csv")
    return data_of(columns["subject"], columns["days"], columns["reaction"])


def btheb() -> Data:
    columns = table("btheb.csv")
    return data_of(columns["subject"], columns["month"], columns["bdi"])


def btheb_by_treatment() -> Data:
    columns = table("btheb.csv")
    covariates = np.column_stack([columns["treatment"], columns["month"] * columns["treatment"]])
    return replace(btheb(), covariates=covariates, names=("treatment", "treatment_by_month"))


def simulated(seed: int = 1, patients: int = 500, slope: float = 1.5) -> Data:
    """Simulate patients with 1 to 15 scores, 8 on average, as R does with these lines.

    simulated <- function(seed, patients, slope) {
      uniform <- function() { seed <<- (16807 * seed) %% 2147483647; seed / 2147483647 }
      normal <- function() { total <- 0; for (k in 1:12) total <- total + uniform(); total - 6 }
      rows <- list()
      for (i in 0:(patients - 1)) {
        u0 <- normal(); u1 <- normal()
        for (j in 0:((7 * i) %% 15)) {
          t <- log(1 + j)
          y <- 14 + 4 * u0 + (slope * u1 - slope / 3 * u0 - 3) * t + 3 * normal()
          rows[[length(rows) + 1]] <- c(i, t, round(y, 2))
        }
      }
      d <- as.data.frame(do.call(rbind, rows)); names(d) <- c("id", "t", "y"); d
    }
    d <- simulated(1, 500, 1.5); c(nrow(d), sum(d$y))      # 4005.00 38572.42
    d <- simulated(2, 30, 0); c(nrow(d), sum(d$y))         #  240.00  2173.97

    The generator is that of Park & Miller (1988), Communications of the ACM 31:1192, doi:10.1145/63039.63042.
    """

    def uniforms() -> Iterator[float]:
        state = seed
        while True:
            state = 16807 * state % 2147483647
            yield state / 2147483647

    numbers = uniforms()

    def normal() -> float:
        return sum(next(numbers) for _ in range(12)) - 6

    rows = []
    for patient in range(patients):
        u0, u1 = normal(), normal()
        for occasion in range(7 * patient % 15 + 1):
            t = math.log(1 + occasion)
            rows.append((patient, t, round(14 + 4 * u0 + (slope * u1 - slope / 3 * u0 - 3) * t + 3 * normal(), 2)))
    ids, time, scores = zip(*rows, strict=True)
    return data_of(ids, time, scores)


def test_the_simulated_scores_are_those_that_r_has() -> None:
    for data, rows, total in ((simulated(), 4005, 38572.42), (simulated(2, 30, 0), 240, 2173.97)):
        assert (len(data.time), round(float(data.episodes.scores.sum()), 6)) == (rows, total)


@dataclass(frozen=True)
class Oracle:
    """What lme4 prints: coefficients as (estimate, standard error); sds of intercept and slope, correlation, noise."""

    data: Data
    method: Method
    loglik: float
    effects: tuple[tuple[float, float], ...]
    spreads: tuple[float, float, float, float]


ORACLES = {
    """fit(reaction ~ days + (days | subject), sleepstudy, TRUE)""": Oracle(
        sleepstudy(),
        Method.REML,
        -871.814136,
        ((251.40510485, 6.824556041), (10.46728596, 1.545788964)),
        (24.74044899266, 5.92213341629, 0.06555129448, 25.59181572338),
    ),
    """fit(reaction ~ days + (days | subject), sleepstudy, FALSE)""": Oracle(
        sleepstudy(),
        Method.ML,
        -875.969672,
        ((251.40510485, 6.632276367), (10.46728596, 1.502236805)),
        (23.7805647316, 5.7168346390, 0.0813201039, 25.5918157882),
    ),
    """fit(bdi ~ month + (month | subject), btheb, TRUE)""": Oracle(
        btheb(),
        Method.REML,
        -1345.860895,
        ((21.346413650, 1.0308667417), (-1.375265246, 0.1468940034)),
        (9.09500426087, 0.49937280551, 0.06771564156, 6.17340725761),
    ),
    """fit(bdi ~ month + (month | subject), btheb, FALSE)""": Oracle(
        btheb(),
        Method.ML,
        -1345.761400,
        ((21.345447497, 1.0255371395), (-1.374748889, 0.1457048529)),
        (9.03519466449, 0.47634490105, 0.08297372549, 6.17387366895),
    ),
    """fit(bdi ~ month + treatment + I(month * treatment) + (month | subject), btheb, TRUE)""": Oracle(
        btheb_by_treatment(),
        Method.REML,
        -1342.631529,
        (
            (23.1166454788, 1.4805096866),
            (-1.2979233033, 0.2122118344),
            (-3.3826451695, 2.0508538998),
            (-0.1617062679, 0.2958597409),
        ),
        (9.02266111284, 0.52408583152, -0.01775390143, 6.17220172793),
    ),
    """fit(bdi ~ month + treatment + I(month * treatment) + (month | subject), btheb, FALSE)""": Oracle(
        btheb_by_treatment(),
        Method.ML,
        -1343.790190,
        (
            (23.1152058847, 1.4652185964),
            (-1.2970125898, 0.2088008647),
            (-3.3835157952, 2.0296185749),
            (-0.1615297916, 0.2910887662),
        ),
        (8.903354707996, 0.478957637705, 0.004960728414, 6.173019087410),
    ),
    """fit(y ~ t + (t | id), simulated(1, 500, 1.5), TRUE)""": Oracle(
        simulated(),
        Method.REML,
        -10839.218469,
        ((14.254472523, 0.2097094898), (-3.052186677, 0.1111008299)),
        (4.0674395472, 1.7255684443, -0.2958563299, 2.9490488005),
    ),
    """fit(y ~ t + (t | id), simulated(1, 500, 1.5), FALSE)""": Oracle(
        simulated(),
        Method.ML,
        -10837.179895,
        ((14.254492833, 0.2094955047), (-3.052250325, 0.1109607241)),
        (4.0619925361, 1.7218974058, -0.2953329663, 2.9490612776),
    ),
    # lme4 calls this one singular.
    """fit(y ~ t + (t | id), simulated(2, 30, 0), TRUE)""": Oracle(
        simulated(2, 30, 0),
        Method.REML,
        -640.239092,
        ((13.385281177, 0.8994660893), (-2.777106003, 0.2755606451)),
        (4.3564957273, 0.2446367003, -1.0, 2.9823695390),
    ),
}
"""Calls of lme4 by what they are made with, each with what it printed."""


class TestLme4:
    @pytest.mark.parametrize("oracle", ORACLES.values(), ids=list(ORACLES))
    def test_the_fit_is_that_of_lme4(self, oracle: Oracle) -> None:
        fit = oracle.data.fit(oracle.method)
        assert (fit.method, fit.converged) == (oracle.method, True)
        assert fit.loglik == pytest.approx(oracle.loglik, abs=1e-4)
        assert [(each.estimate, each.standard_error) for each in fit.fixed_effects] == [
            pytest.approx(effect, rel=FIVE_DIGITS) for effect in oracle.effects
        ]
        spreads = (fit.sd_intercept, fit.sd_slope, fit.correlation, fit.sd_residual)
        assert spreads == pytest.approx(oracle.spreads, rel=FIVE_DIGITS)

    def test_a_singular_fit_is_named(self) -> None:
        assert simulated(2, 30, 0).fit().warnings == (FitWarning.BOUNDARY_CORRELATION,)

    @pytest.mark.parametrize("method", Method)
    def test_other_fits_need_no_warning(self, method: Method) -> None:
        for data in (sleepstudy(), btheb(), btheb_by_treatment(), simulated()):
            assert data.fit(method).warnings == ()

    def test_what_was_learnt_from_is_said(self) -> None:
        fit = btheb_by_treatment().fit()
        assert (fit.n_episodes, fit.n_observations) == (100, 380)
        assert [each.name for each in fit.fixed_effects] == ["intercept", "time", "treatment", "treatment_by_month"]
        unnamed = replace(btheb_by_treatment(), names=()).fit()
        assert [each.name for each in unnamed.fixed_effects[2:]] == ["covariate_1", "covariate_2"]
        assert replace(unnamed, fixed_effects=fit.fixed_effects) == fit


def slow_loglik(data: Data, method: Method, spreads: tuple[float, float, float, float]) -> float:
    """Give the log-likelihood at some spreads by dense covariances, episode by episode, as the textbook has it.

    Diggle, Heagerty, Liang & Zeger (2002), Analysis of Longitudinal Data, sections 4.4 and 4.5, without the term
    ln|X'X| that the authors add to REML.
    """
    sd_intercept, sd_slope, correlation, sd_residual = spreads
    both = correlation * sd_intercept * sd_slope
    persons = np.array([[sd_intercept**2, both], [both, sd_slope**2]])
    rows = [slice(*ends) for ends in zip(data.episodes.starts[:-1], data.episodes.starts[1:], strict=True)]
    blocks = [(data.design[each], data.episodes.scores[each]) for each in rows]
    covariances = [x[:, :2] @ persons @ x[:, :2].T + sd_residual**2 * np.eye(len(x)) for x, _ in blocks]
    information = sum(x.T @ np.linalg.solve(v, x) for (x, _), v in zip(blocks, covariances, strict=True))
    weighted = sum(x.T @ np.linalg.solve(v, y) for (x, y), v in zip(blocks, covariances, strict=True))
    effects = np.linalg.solve(information, weighted)
    loglik = sum(
        float(multivariate_normal.logpdf(y, x @ effects, v)) for (x, y), v in zip(blocks, covariances, strict=True)
    )
    if method is Method.REML:
        loglik += 0.5 * (len(effects) * math.log(2 * math.pi) - float(np.linalg.slogdet(information)[1]))
    return loglik


def spreads_of(fit: MixedModelFit) -> tuple[float, float, float, float]:
    assert fit.correlation is not None
    return fit.sd_intercept, fit.sd_slope, fit.correlation, fit.sd_residual


def drawn(seed: int, *, patients: int = 40, noise: float = 3.0, covariates: int = 0) -> Data:
    """Draw patients with 1 to 9 scores at uneven times from the model."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(patients), rng.integers(1, 10, patients))
    time = rng.uniform(-1, 3, len(ids))
    level, slope = rng.multivariate_normal([14, -3], [[14, -1], [-1, 3]], patients).T
    others = rng.normal(size=(len(ids), covariates))
    scores = level[ids] + slope[ids] * time + others.sum(axis=1) + rng.normal(0, noise, len(ids))
    return data_of(ids, time, scores, others if covariates else None)


class TestSlowComputation:
    @pytest.mark.parametrize("method", Method)
    @pytest.mark.parametrize("data", [sleepstudy(), btheb_by_treatment(), simulated(5, 40), drawn(1, covariates=3)])
    def test_the_maximum_is_the_dense_likelihood_there(self, data: Data, method: Method) -> None:
        fit = data.fit(method)
        assert slow_loglik(data, method, spreads_of(fit)) == pytest.approx(fit.loglik, abs=1e-7)

    @pytest.mark.parametrize("method", Method)
    def test_nothing_near_it_is_higher(self, method: Method) -> None:
        data = drawn(2, covariates=1)
        fit = data.fit(method)
        s0, s1, correlation, noise = spreads_of(fit)
        for f0, f1, shift, f in product((0.9, 1, 1.1), (0.9, 1, 1.1), (-0.1, 0, 0.1), (0.9, 1, 1.1)):
            nearby = slow_loglik(data, method, (f0 * s0, f1 * s1, correlation + shift, f * noise))
            assert nearby <= fit.loglik + 1e-7

    @pytest.mark.parametrize("noise", [1e-1, 1e-3])
    def test_little_noise_costs_no_digits(self, noise: float) -> None:
        data = drawn(3, noise=noise)
        fit = data.fit()
        assert (fit.converged, fit.warnings) == (True, ())
        assert fit.sd_residual == pytest.approx(noise, rel=0.2)
        assert slow_loglik(data, Method.REML, spreads_of(fit)) == pytest.approx(fit.loglik, abs=1e-4)

    def test_a_single_score_counts(self) -> None:
        data = simulated(5, 40)
        several = data.episodes.lengths > 1
        others = Data(data.episodes.chosen(several), data.time[several[data.episodes.episode]])
        assert others.episodes.count < data.episodes.count
        assert others.fit().sd_intercept != pytest.approx(data.fit().sd_intercept, rel=1e-3)


seeds = st.integers(0, 10_000)
factors = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3) | st.sampled_from([1e-30, 1e30])
shifts = st.floats(-1e3, 1e3)


def changed(data: Data, *, time: FloatArray | None = None, scores: FloatArray | None = None) -> Data:
    return replace(
        data,
        time=data.time if time is None else time,
        episodes=replace(data.episodes, scores=data.episodes.scores if scores is None else scores),
    )


class TestProperties:
    @settings(max_examples=30)
    @given(seeds, st.sampled_from(Method), factors, shifts)
    def test_scores_in_other_units(self, seed: int, method: Method, factor: float, shift: float) -> None:
        data = drawn(seed, covariates=1)
        before = data.fit(method)
        after = changed(data, scores=factor * (data.episodes.scores + shift)).fit(method)
        free = before.n_observations - (3 if method is Method.REML else 0)
        assert after.loglik == pytest.approx(before.loglik - free * math.log(abs(factor)), abs=1e-4)
        for name in ("sd_intercept", "sd_slope", "sd_residual"):
            assert getattr(after, name) == pytest.approx(abs(factor) * getattr(before, name), rel=1e-3)
        moved = [shift, 0.0, 0.0]
        for was, now, more in zip(before.fixed_effects, after.fixed_effects, moved, strict=True):
            assert now.estimate == pytest.approx(factor * (was.estimate + more), rel=1e-3, abs=1e-4 * abs(factor))
            assert now.standard_error == pytest.approx(abs(factor) * was.standard_error, rel=1e-3)

    @settings(max_examples=30)
    @given(seeds, st.sampled_from(Method), factors)
    def test_time_in_other_units(self, seed: int, method: Method, factor: float) -> None:
        data = drawn(seed)
        before, after = data.fit(method), changed(data, time=factor * data.time).fit(method)
        taken = math.log(abs(factor)) if method is Method.REML else 0.0
        assert after.loglik == pytest.approx(before.loglik - taken, abs=1e-4)
        assert after.sd_slope == pytest.approx(before.sd_slope / abs(factor), rel=1e-3)
        assert after.fixed_effects[1].estimate == pytest.approx(before.fixed_effects[1].estimate / factor, rel=1e-3)
        for name in ("sd_intercept", "sd_residual"):
            assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-3)

    @settings(max_examples=30)
    @given(seeds, st.sampled_from(Method), shifts)
    def test_time_from_another_origin(self, seed: int, method: Method, shift: float) -> None:
        """Slopes stay; levels are those at the new time 0, and so is their spread."""
        data = drawn(seed)
        before, after = data.fit(method), changed(data, time=data.time + shift).fit(method)
        assert after.loglik == pytest.approx(before.loglik, abs=1e-4)
        (level, slope), (new_level, new_slope) = (
            [each.estimate for each in fit.fixed_effects] for fit in (before, after)
        )
        assert new_slope == pytest.approx(slope, rel=1e-4)
        assert new_level == pytest.approx(level - shift * slope, rel=1e-3, abs=1e-3)
        assert after.sd_slope == pytest.approx(before.sd_slope, rel=1e-3)
        s0, s1, correlation, _ = spreads_of(before)
        expected = math.sqrt(s0**2 - 2 * shift * correlation * s0 * s1 + shift**2 * s1**2)
        assert after.sd_intercept == pytest.approx(expected, rel=1e-3)

    @settings(max_examples=30)
    @given(seeds, st.sampled_from(Method))
    def test_the_order_of_episodes_tells_nothing(self, seed: int, method: Method) -> None:
        data = drawn(seed)
        order = np.random.default_rng(seed).permutation(data.episodes.count)
        starts = data.episodes.starts
        rows = np.concatenate([np.arange(starts[place], starts[place + 1]) for place in order])
        before, after = data.fit(method), Data(data.episodes.chosen(order), data.time[rows]).fit(method)
        assert after.loglik == pytest.approx(before.loglik, abs=1e-6)
        assert spreads_of(after) == pytest.approx(spreads_of(before), rel=1e-3, abs=1e-3)


UP_AND_DOWN = np.array([1.0, -1.0, -1.0, 1.0])
"""Noise that neither a level nor a slope explains, at the four times."""

TIMES = np.array([-1.5, -0.5, 0.5, 1.5])


def lined(levels: Any, slopes: Any, noise: Any = (0.5, -0.4, 0.3, -0.2, 0.6)) -> Data:
    """Give patients with exactly these lines, and noise around them."""
    scores = np.add.outer(levels, 0 * TIMES) + np.outer(slopes, TIMES) + np.outer(noise, UP_AND_DOWN)
    return data_of(np.repeat(np.arange(len(scores)), 4), np.tile(TIMES, len(scores)), scores.ravel())


LEVELS = np.array([10.0, 14.0, 9.0, 17.0, 12.0])
SLOPES = np.array([-3.0, -1.0, -2.0, 0.0, -2.5])


class TestBoundaries:
    @pytest.mark.parametrize("method", Method)
    def test_the_same_slope_for_all(self, method: Method) -> None:
        fit = lined(LEVELS, np.full(5, -2.0)).fit(method)
        assert (fit.converged, fit.warnings) == (True, (FitWarning.BOUNDARY_SD_SLOPE,))
        assert fit.correlation is None
        assert fit.sd_slope == pytest.approx(0, abs=1e-3)
        assert fit.sd_intercept > 1

    @pytest.mark.parametrize("method", Method)
    def test_the_same_level_for_all(self, method: Method) -> None:
        fit = lined(np.full(5, 12.0), SLOPES).fit(method)
        assert (fit.converged, fit.warnings) == (True, (FitWarning.BOUNDARY_SD_INTERCEPT,))
        assert fit.correlation is None
        assert fit.sd_intercept == pytest.approx(0, abs=1e-3)
        assert fit.sd_slope > 1

    def test_the_same_line_for_all(self) -> None:
        fit = lined(np.full(5, 12.0), np.full(5, -2.0)).fit()
        assert fit.warnings == (FitWarning.BOUNDARY_SD_INTERCEPT, FitWarning.BOUNDARY_SD_SLOPE)
        assert (fit.converged, fit.correlation) == (True, None)

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_level_and_slope_in_step(self, sign: int) -> None:
        fit = lined(LEVELS, sign * 0.5 * LEVELS).fit()
        assert (fit.converged, fit.warnings) == (True, (FitWarning.BOUNDARY_CORRELATION,))
        assert fit.correlation == pytest.approx(sign)

    def test_a_search_that_is_cut_short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mixed_model, "_STEPS", 1)
        fit = sleepstudy().fit()
        assert (fit.converged, fit.warnings) == (False, (FitWarning.NOT_CONVERGED,))

    def test_a_search_that_stays_on_the_boundary(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From a singular start the gradient points nowhere else, though the maximum lies inside."""
        highest = sleepstudy().fit().loglik
        monkeypatch.setattr(mixed_model, "_START", (0.7, 0.0, 0.0))
        fit = sleepstudy().fit()
        assert (fit.converged, fit.warnings) == (False, (FitWarning.BOUNDARY_CORRELATION, FitWarning.NOT_CONVERGED))
        assert fit.loglik < highest - 0.1


GOOD = drawn(7, patients=6, covariates=2)
ROWS = len(GOOD.time)


def spoilt(values: FloatArray, value: float) -> FloatArray:
    return np.concatenate([values[:1] * 0 + value, values[1:]])


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (data_of([1, 1, 1], [0, 1, 2], [15, 12, 13]), "at least two episodes"),
            (changed(GOOD, time=np.ones(ROWS)), "time is always the same"),
            (changed(GOOD, time=1e9 + 1e-3 * GOOD.time), "time is always the same"),
            (changed(GOOD, scores=np.full(ROWS, 12.0)), "score is always the same"),
            (changed(GOOD, time=spoilt(GOOD.time, math.nan)), "each time must be a finite number"),
            (changed(GOOD, time=spoilt(GOOD.time, -math.inf)), "each time must be a finite number"),
            (changed(GOOD, scores=spoilt(GOOD.episodes.scores, 1e300)), "each score must be a finite number"),
            (changed(GOOD, time=GOOD.time[1:]), "each score needs its time"),
            (changed(GOOD, time=GOOD.time[:, None]), "each score needs its time"),
            (replace(GOOD, time=["soon"] * ROWS), "each time must be a number"),
            (replace(GOOD, time=[[0], [0, 1]]), "each time must be a number"),
            (replace(GOOD, covariates=GOOD.time), "each score needs its covariate"),
            (replace(GOOD, covariates=GOOD.covariates[1:]), "each score needs its covariate"),
            (replace(GOOD, covariates=[[None, {}]] * ROWS), "each covariate must be a number"),
            (replace(GOOD, names=("age",)), "each covariate needs one name"),
            (replace(GOOD, covariates=None, names=("age",)), "each covariate needs one name"),
            (replace(GOOD, covariates=np.ones((ROWS, 1)), names=("age",)), "age is always the same"),
            (replace(GOOD, covariates=np.full((ROWS, 1), math.nan)), "each covariate_1 must be a finite number"),
            (replace(GOOD, covariates=5 - 2 * GOOD.time[:, None]), "must not be made of each other"),
            (replace(GOOD, covariates=np.eye(ROWS)[:, 1:]), "must not be made of each other"),
            (data_of([1, 1, 2, 2], [0, 0, 0, 1], [15, 12, 13, 9]), "two scores at one time"),
            (data_of([1, 1, 1, 2, 2], [0, 1, 0, 0, 1], [15, 12, 13, 9, 4]), "two scores at one time"),
            (data_of([1, 2, 3], [0, 1, 2], [15, 12, 13]), "no noise"),
            (data_of([1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 0, 2], [15, 12, 13, 9, 8, 8]), "no noise"),
            (lined(LEVELS, SLOPES, noise=np.zeros(5)), "no noise"),
            (
                replace(lined(LEVELS, SLOPES), covariates=np.outer([5, -4, 3, -2, 6], UP_AND_DOWN).reshape(-1, 1)),
                "no noise",
            ),
        ],
    )
    def test_what_can_not_be_learnt_from(self, data: Data, sentence: str) -> None:
        for method in Method:
            with pytest.raises(InvalidSeries, match=sentence):
                data.fit(method)

    def test_missing_scores_are_no_episodes(self) -> None:
        with pytest.raises(InvalidSeries, match="each score must be a finite number"):
            data_of([1, 1, 2, 2], [0, 1, 0, 1], [15, math.nan, 13, 9])
        with pytest.raises(InvalidSeries, match="each score must be a finite number"):
            data_of([1, 1, 2, 2], [0, 1, 0, 1], [15, math.inf, 13, 9])

    def test_a_covariate_may_be_constant_within_episodes(self) -> None:
        data = drawn(8)
        sizes = data.episodes.lengths[data.episodes.episode].astype(np.float64)
        assert replace(data, covariates=sizes[:, None]).fit().converged
