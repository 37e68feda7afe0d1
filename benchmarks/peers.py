"""`python -m benchmarks.peers`: our fits beside those of established programs, on the same scores in the same run.

A comparison has a fit of ours, a peer, and what is asked of the two: a ratio of times, and how close log-likelihoods
and estimates must be. R's peers read the scores from a file and time themselves, so that neither starting R nor reading
counts. In each round ours and the peer take turns; a ratio is that of one round, and then the median over the rounds.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from app.trajectories.episodes import Episodes
from app.trajectories.fitting import fit_growth_curve
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.link import Link, LinkKind
from app.trajectories.mixed_model import Method, fit_mixed_model
from app.trajectories.parameters import default_spread
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.simulation import Occasions
from app.trajectories.simulation import simulate as draw
from app.trajectories.starting import starting_curve
from benchmarks.r_programs import Fitted, in_r, missing

EPISODES = 20_000
ROUNDS = 3
SEED = 1
FOUR_DIGITS = 5e-4
"""Relative difference within which estimates agree to four significant digits. Peers stop their searches early."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Simulated scores, and the file in which a peer finds them."""

    episodes: Episodes
    time: FloatArray
    path: Path


Fit = Callable[[Sample], Fitted]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A fit of ours beside a peer's.

    Parameters
    ----------
    says : str
        What is fitted.
    peer : str
        Who else fits it.
    ours, theirs : callable
        Fit the sample and tell what it took.
    at_most : float
        The target: our time as a share of theirs.
    loglik_within : float
        How far the log-likelihoods may be apart; infinite where they are of different models.
    estimates_within : float
        How far estimates of one name may be apart, relatively; infinite likewise.
    """

    says: str
    peer: str
    ours: Fit
    theirs: Fit
    at_most: float
    loglik_within: float = 1e-4
    estimates_within: float = FOUR_DIGITS


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison with its rounds, each ours and theirs."""

    comparison: Comparison
    rounds: Sequence[tuple[Fitted, Fitted]]

    @property
    def ratio(self) -> float:
        """Our time as a share of theirs."""
        return statistics.median(ours.seconds / theirs.seconds for ours, theirs in self.rounds)

    @property
    def loglik_apart(self) -> float:
        """How far the log-likelihoods are apart; ours is higher where it is positive."""
        ours, theirs = self.rounds[0]
        return ours.loglik - theirs.loglik

    @property
    def estimates_apart(self) -> float:
        """The largest relative difference between estimates of one name."""
        ours, theirs = self.rounds[0]
        both = (name for name in theirs.estimates if name in ours.estimates)
        return max((abs(ours.estimates[name] / theirs.estimates[name] - 1) for name in both), default=0.0)

    @property
    def is_met(self) -> bool:
        """Whether all that is asked holds."""
        asked = self.comparison
        return (
            self.ratio <= asked.at_most
            and abs(self.loglik_apart) <= asked.loglik_within
            and self.estimates_apart <= asked.estimates_within
        )


# The sample


def simulate(episodes: int, seed: int, folder: Path) -> Sample:
    """Draw patients with 1 + Poisson(7) weekly scores, whose mean goes by the log of the dose, and write them down."""
    rng = np.random.default_rng(seed)
    lengths = 1 + rng.poisson(7, episodes)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    patient = np.repeat(np.arange(episodes), lengths)
    dose = (np.arange(len(patient)) - starts[patient]).astype(np.float64)
    level, slope = rng.multivariate_normal([14.3, -3.1], [[14.0, -1.8], [-1.8, 2.6]], episodes).T
    progress = np.log1p(dose)
    scores = level[patient] + slope[patient] * progress + rng.normal(0.0, 3.0, len(patient))
    path = folder / "scores.csv"
    write(path, patient, progress, scores)
    return Sample(Episodes(starts.astype(np.int64), dose, dose, scores), progress, path)


def write(path: Path, patient: IntArray, progress: FloatArray, scores: FloatArray) -> None:
    """Write scores down as R reads them."""
    columns = np.column_stack([patient, progress, scores])
    np.savetxt(path, columns, fmt=["%d", "%.17g", "%.17g"], delimiter=",", header="id,t,y", comments="")


# The plain model


def ours_plain(sample: Sample, method: Method) -> Fitted:
    """Fit a line for each patient; checking and summing up are part of it."""
    episodes = replace(sample.episodes)  # one that remembers nothing
    began = time.perf_counter()
    fit = fit_mixed_model(episodes, sample.time, method=method)
    seconds = time.perf_counter() - began
    assert fit.correlation is not None, "patients of the sample differ in level and slope"
    assert not fit.warnings, "there is enough of it"
    intercept, slope = fit.fixed_effects
    return Fitted(
        seconds,
        fit.loglik,
        {
            "intercept": intercept.estimate,
            "time": slope.estimate,
            "se_intercept": intercept.standard_error,
            "se_time": slope.standard_error,
            "sd_intercept": fit.sd_intercept,
            "sd_slope": fit.sd_slope,
            "correlation": fit.correlation,
            "sd_residual": fit.sd_residual,
        },
    )


LME4_PLAIN = """
suppressMessages(library(lme4))
d <- read.csv(path)
seconds <- system.time(m <- lmer(y ~ t + (t | id), d, REML = reml))[["elapsed"]]
spread <- as.data.frame(VarCorr(m))$sdcor
effects <- summary(m)$coefficients
say("intercept", effects[1, 1]); say("time", effects[2, 1])
say("se_intercept", effects[1, 2]); say("se_time", effects[2, 2])
say("sd_intercept", spread[1]); say("sd_slope", spread[2]); say("correlation", spread[3]); say("sd_residual", spread[4])
say("loglik", as.numeric(logLik(m))); say("seconds", seconds)
"""
"""The plain model with lme4's own settings, which are those of its users."""


def lme4_plain(sample: Sample, method: Method) -> Fitted:
    """Fit the same with lme4."""
    return in_r(LME4_PLAIN, path=sample.path, reml=method is Method.REML)


def statsmodels_plain(sample: Sample, method: Method) -> Fitted:
    """Fit the same with statsmodels."""
    mixed = importlib.import_module("statsmodels.regression.mixed_linear_model").MixedLM
    z = np.column_stack([np.ones_like(sample.time), sample.time])
    began = time.perf_counter()
    found = mixed(sample.episodes.scores, z, groups=sample.episodes.episode, exog_re=z).fit(reml=method is Method.REML)
    seconds = time.perf_counter() - began
    spread = np.asarray(found.cov_re)
    sds = np.sqrt(np.diag(spread))
    names = ("intercept", "time", "se_intercept", "se_time", "sd_intercept", "sd_slope", "correlation", "sd_residual")
    figures = (*found.fe_params, *found.bse_fe, *sds, spread[0, 1] / sds.prod(), math.sqrt(found.scale))
    return Fitted(seconds, float(found.llf), dict(zip(names, map(float, figures), strict=True)))


COMPARISONS = tuple(
    Comparison(
        f"plain model, {method.upper()}",
        "lme4",
        ours=partial(ours_plain, method=method),
        theirs=partial(lme4_plain, method=method),
        at_most=0.1,
    )
    for method in Method
)
"""What a run compares."""

WITH_STATSMODELS = tuple(
    Comparison(
        f"plain model, {method.upper()}",
        "statsmodels",
        ours=partial(ours_plain, method=method),
        theirs=partial(statsmodels_plain, method=method),
        at_most=0.1,
        loglik_within=1e-2,
        estimates_within=1e-3,
    )
    for method in Method
)
"""What is compared as well where statsmodels is there: once, since it takes half a minute.

It stops short of the maximum, by 2e-4 of log-likelihood with 20,000 episodes.
"""


# The full model


def simulate_courses(episodes: int, seed: int, kind: LinkKind) -> Episodes:
    """Draw PHQ-9 patients as the default curve has them, with 1 + Poisson(7) weekly scores."""
    curve = on_link(kind)
    rng = np.random.default_rng(seed)
    doses = tuple(range(25))
    scores = draw(rng, curve, Occasions(doses), episodes).scores
    stayed = 1 + rng.poisson(7, episodes)
    return Episodes.of_table(doses, doses, np.where(np.arange(25) < stayed[:, None], scores, np.nan))


def on_link(kind: LinkKind) -> GrowthCurve:
    """Give the default curve of the PHQ-9 with another link: the logit has no bounds at its ends."""
    curve = default_curve("phq-9")
    assert curve is not None, "it is published"
    return replace(curve, link=replace(curve.link, kind=kind))


def ours_full(sample: Sample, kind: LinkKind) -> Fitted:
    """Fit four shapes with drift and noise beside the prior, to as many courses as the sample has episodes."""
    episodes = simulate_courses(sample.episodes.count, SEED, kind)
    began = time.perf_counter()
    fit = fit_growth_curve(episodes, on_link(kind), default_spread("phq-9"), robust=False)
    seconds = time.perf_counter() - began
    assert fit.converged, "it is its own model"
    return Fitted(seconds, fit.loglik, {})


def ours_drifting(sample: Sample) -> Fitted:
    """Fit one shape with drift and noise on the raw scale."""
    episodes = sample.episodes
    lowest, highest = int(episodes.scores.min()) - 2, int(episodes.scores.max()) + 2
    start = starting_curve(episodes, Link(LinkKind.IDENTITY, lowest, highest, (lowest + highest) / 2))
    began = time.perf_counter()
    fit = fit_growth_curve(episodes, start)
    seconds = time.perf_counter() - began
    found = {each.name: each.estimate for each in fit.parameters}
    return Fitted(seconds, fit.loglik, {"intercept": found["intercept"], "time": found["session_slope"]})


def nlme_drifting(sample: Sample) -> Fitted:
    """Fit the same with nlme: an exponential correlation with a nugget."""
    return in_r(NLME_DRIFTING, path=sample.path)


def with_drift(sample: Sample) -> Sample:
    """Give as many episodes as nlme can take, with a drift of variance 9 and a time constant of 6 weeks in place."""
    episodes = sample.episodes.chosen(np.arange(min(OF_NLME, sample.episodes.count)))
    rng = np.random.default_rng(SEED)
    drift = rng.normal(0.0, 3.0, len(episodes.scores))
    share = math.exp(-1 / 6)
    for row in np.flatnonzero(episodes.position > 0):
        drift[row] = share * drift[row - 1] + math.sqrt(1 - share**2) * drift[row]
    path = sample.path.with_name("drifting.csv")
    write(path, episodes.episode, np.log1p(episodes.doses), episodes.scores + drift)
    return Sample(replace(episodes, scores=episodes.scores + drift), np.log1p(episodes.doses), path)


OF_NLME = 500

NLME_DRIFTING = """
suppressMessages(library(nlme))
d <- read.csv(path)
d$week <- expm1(d$t)
control <- lmeControl(opt = "optim", maxIter = 500, msMaxIter = 500, tolerance = 1e-9, msTol = 1e-10)
seconds <- system.time(m <- lme(y ~ t, d, random = ~ t | id, method = "ML", control = control,
  correlation = corExp(c(8, .5), form = ~ week | id, nugget = TRUE)))[["elapsed"]]
say("intercept", fixef(m)[[1]]); say("time", fixef(m)[[2]])
say("loglik", as.numeric(logLik(m))); say("seconds", seconds)
"""
"""Drift and noise, with settings that make it search to the end."""

DRIFTING = Comparison(
    "one shape with drift and noise",
    "nlme",
    ours=ours_drifting,
    theirs=nlme_drifting,
    at_most=math.inf,
    loglik_within=1e-2,
    estimates_within=1e-3,
)
"""The likelihood of the full model: nlme has one shape of it. Times are told, and nothing is asked of them."""

FULL = tuple(
    Comparison(
        f"full model, {kind} link{'' if kind is LinkKind.LOGIT else ' with bounds at the ends'}",
        "lme4's plain model",
        ours=partial(ours_full, kind=kind),
        theirs=partial(lme4_plain, method=Method.ML),
        at_most=at_most,
        loglik_within=math.inf,
        estimates_within=math.inf,
    )
    for kind, at_most in ((LinkKind.LOGIT, 1.0), (LinkKind.ARCSINE, 2.0))
)
"""The full model, beside the time that lme4 takes for the plain one."""


# The run


def compare(comparison: Comparison, sample: Sample, rounds: int) -> Compared:
    """Let ours and theirs take turns; ours goes once unmeasured, as R's compiler has been through lme4 before."""
    comparison.ours(sample)
    return Compared(comparison, [(comparison.ours(sample), comparison.theirs(sample)) for _ in range(rounds)])


def show(compared: Compared) -> None:
    """Print times, log-likelihoods and estimates side by side."""
    asked, (ours, theirs) = compared.comparison, compared.rounds[0]
    seconds = [statistics.median(each[place].seconds for each in compared.rounds) for place in (0, 1)]
    print(f"{asked.says}: ours beside {asked.peer}, {len(compared.rounds)} rounds")
    print(f"  {'seconds':<16}{seconds[0]:>18.4f}{seconds[1]:>18.4f}")
    told = f"ratio {compared.ratio:.3f} (at most {asked.at_most:g})"
    if math.isfinite(asked.loglik_within):
        print(f"  {'log-likelihood':<16}{ours.loglik:>18.5f}{theirs.loglik:>18.5f}")
        for name, figure in theirs.estimates.items():
            print(f"  {name:<16}{ours.estimates[name]:>18.6f}{figure:>18.6f}")
        told += f", log-likelihoods {compared.loglik_apart:+.1e} apart (at most {asked.loglik_within:g})"
        told += f", estimates {compared.estimates_apart:.1e} (at most {asked.estimates_within:g})"
    print(f"  {told}: {'met' if compared.is_met else 'NOT MET'}\n", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, compare, and print; the exit code is 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description="Our fits beside those of other programs.")
    parser.add_argument("--episodes", type=int, default=EPISODES, help=f"{EPISODES}, if not given")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"{ROUNDS}, if not given")
    parser.add_argument("--seed", type=int, default=SEED, help=f"{SEED}, if not given")
    given = parser.parse_args(arguments)
    if lacking := missing(["lme4", "nlme"]):
        sys.exit(lacking)
    with tempfile.TemporaryDirectory(prefix="spor-peers-") as folder:
        sample = simulate(given.episodes, given.seed, Path(folder))
        print(f"{given.episodes} episodes with {len(sample.time)} scores, seed {given.seed}\n", flush=True)
        found = [compare(comparison, sample, given.rounds) for comparison in (*COMPARISONS, *FULL)]
        found.append(compare(DRIFTING, with_drift(sample), rounds=1))
        for compared in found:
            show(compared)
        if importlib.util.find_spec("statsmodels") is None:
            print("statsmodels is not here and was left out.")
        else:
            for comparison in WITH_STATSMODELS:
                show(compare(comparison, sample, rounds=1))
    sys.exit(not all(compared.is_met for compared in found))


if __name__ == "__main__":
    main()
