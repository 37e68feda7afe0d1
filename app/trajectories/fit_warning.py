"""What to know about a fit before it is used."""

from __future__ import annotations

from enum import StrEnum


class FitWarning(StrEnum):
    """A finding that does not stop a fit."""

    BOUNDARY_SD_INTERCEPT = "boundary_sd_intercept"
    """Persons don't differ in their level at time 0, as far as these scores tell."""
    BOUNDARY_SD_SLOPE = "boundary_sd_slope"
    """Persons don't differ in their slope, as far as these scores tell."""
    BOUNDARY_CORRELATION = "boundary_correlation"
    """Level and slope go fully together, as real ones don't: the scores are too few to tell one from the other."""
    BOUNDARY_DRIFT = "boundary_drift"
    """Drift can't be told from noise or from what persons are: it is nothing, or slower or faster than can be seen."""
    FEW_EPISODES = "few_episodes"
    """Drift time, worsening and shares were held at the prior: fewer than 500 episodes don't tell them."""
    TRUNCATED_BASELINE = "truncated_baseline"
    """Low first scores are missing that the curve expects: patients were chosen by them, which biases the fit."""
    UNCERTAIN = "uncertain"
    """The scores don't tell all parameters apart, so that there are no standard errors."""
    NOT_CONVERGED = "not_converged"
    """The search stopped short of the maximum."""
