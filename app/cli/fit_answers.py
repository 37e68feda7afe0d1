"""What `spor fit` prints."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from app.trajectories.curve_files import curve_to_document
from app.trajectories.fitting import GrowthFit
from app.trajectories.mixed_model import Method, MixedModelFit
from app.trajectories.starting import LinkChoice


def told_plain(found: MixedModelFit, seconds: float) -> dict[str, Any]:
    """Tell a fitted plain model."""
    fixed = {each.name: {"estimate": each.estimate, "se": each.standard_error} for each in found.fixed_effects}
    return {
        "n_episodes": found.n_episodes,
        "n_observations": found.n_observations,
        "method": found.method,
        "loglik": found.loglik,
        "converged": found.converged,
        "seconds": seconds,
        "fixed": {"slope" if name == "time" else name: each for name, each in fixed.items()},
        "random": {
            "sd_intercept": found.sd_intercept,
            "sd_slope": found.sd_slope,
            "correlation": found.correlation,
        },
        "residual": {"sd": found.sd_residual},
        "shapes": [],
        "warnings": list(found.warnings),
    }


def told_full(found: GrowthFit, seconds: float, per_unit: float, choice: LinkChoice | None) -> dict[str, Any]:
    """Tell a fitted growth model; slopes are told for each unit of time, along which the shape moves by `per_unit`."""
    curve = found.curve
    fixed = _with_errors(found, {"intercept": "intercept", "session_slope": "slope", "worsening": "worsening"})
    fixed["slope"] = {name: figure * per_unit for name, figure in fixed["slope"].items()}
    random = {
        "sd_intercept": curve.sd_intercept,
        "sd_slope": curve.sd_slope * per_unit,
        "correlation": curve.correlation,
    }
    residual = {
        "ou_variance": curve.drift_variance,
        "ou_time_constant": curve.drift_weeks,
        "nugget_variance": curve.noise_variance,
    }
    return {
        "n_episodes": found.n_episodes,
        "n_observations": found.n_observations,
        "method": Method.ML,
        "loglik": found.loglik,
        "converged": found.converged,
        "seconds": seconds,
        "fixed": fixed,
        "random": random,
        "residual": residual if curve.drift_variance else {"sd": math.sqrt(curve.noise_variance)},
        "shapes": [
            {"shape": shape, "share": share, "se": error}
            for (shape, share), error in zip(curve.shares.items(), _share_errors(found), strict=True)
        ],
        "link": curve.link.kind,
        "link_choice": _told_choice(choice),
        "natural_fall": curve.natural_fall,
        "log_prior": found.log_prior + 0.0,  # no minus before a zero
        "local_information": found.local_information,
        "held": [each.name for each in found.parameters if each.held],
        "warnings": list(found.warnings),
        "curve": curve_to_document(curve),
    }


def _with_errors(found: GrowthFit, names: dict[str, str]) -> dict[str, dict[str, float]]:
    return {
        names[each.name]: {
            "estimate": each.estimate,
            "se": each.standard_error,
            "robust_se": each.robust_standard_error,
        }
        for each in found.parameters
        if each.name in names
    }


def _share_errors(found: GrowthFit) -> Iterable[float | None]:
    errors = {each.name: each.standard_error for each in found.parameters}
    return [errors.get(f"share_{shape}") for shape in found.curve.shapes]


def _told_choice(choice: LinkChoice | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    behind = {kind: {"estimate": each.estimate, "se": each.standard_error} for kind, each in choice.behind.items()}
    return {"log_scores": dict(choice.log_scores), "behind": behind}
