"""The parameters of a growth curve as numbers without bounds, for a search; and how far a prior lets them go."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from app.errors import InstrumentDataError
from app.trajectories.defaults import default_parameters
from app.trajectories.growth import GrowthCurve
from app.trajectories.prediction import FloatArray
from app.trajectories.shapes import ResponseShape

_LEAST_VARIANCE = 1e-12  # a variance of 0 has no logarithm to start from


@dataclass(frozen=True, slots=True)
class PriorSpread:
    """How far services are thought to differ from a curve: standard deviations of its parameters.

    Parameters
    ----------
    intercept, session_slope, worsening : float
        Link units.
    level, both, slope : float
        Link units, for the entries of the lower Cholesky factor of the covariance of the persons' levels and slopes.
    ln_drift_variance, ln_drift_weeks, ln_noise_variance : float
        Of their natural logarithms.
    ln_share : float
        Of the logarithm of a shape's share beside that of the first shape.
    status, source : str
        Where the figures come from.

    Raises
    ------
    InstrumentDataError
        If one of them is not a finite number above 0.
    """

    intercept: float
    session_slope: float
    worsening: float
    level: float
    both: float
    slope: float
    ln_drift_variance: float
    ln_drift_weeks: float
    ln_noise_variance: float
    ln_share: float
    status: str
    source: str

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if not isinstance(value, str) and not 0 < value < math.inf:
                raise InstrumentDataError(f"the prior spread of {name} must be a finite number above 0")

    def of(self, name: str) -> float:
        """Give the spread of a parameter of :class:`Parameters`."""
        return float(getattr(self, "ln_share" if name.startswith(SHARE) else name))


@cache
def default_spread(instrument_key: str) -> PriorSpread | None:
    """Give the spread of the default prior of an instrument; None where it has no default curve.

    Examples
    --------
    >>> default_spread("phq-9").intercept, default_spread("sdq")
    (1.5, None)
    """
    figures = default_parameters(instrument_key).get("prior")
    return None if figures is None else PriorSpread(**figures)


SHARE = "ln_share_"
"""What the name of a share's parameter begins with."""

_OF_ALL_CURVES = ("intercept", "session_slope", "level", "both", "slope", "ln_noise_variance")
_OF_DRIFT = ("ln_drift_variance", "ln_drift_weeks")
_LOGS = ("ln_noise_variance", *_OF_DRIFT)
_WORSENING = "worsening"


class Parameters:
    """The parameters of curves that are like a given one, as a vector.

    What the curve does not have is not a parameter: drift where its variance is 0, worsening and shares where it has
    no such shapes. Link and natural fall stay as they are.

    Parameters
    ----------
    like : GrowthCurve
        The curve.

    Attributes
    ----------
    names : tuple of str
        Name of each entry, as in :class:`PriorSpread`.

    Notes
    -----
    The covariance of levels and slopes is L L' with L = [[level, 0], [both, slope]], whose entries have no bounds, so
    that a spread of 0 is found like any other value. Variances and the time constant go by their logarithms, shares by
    the logarithm of their ratio to the first one.

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> curve = default_curve("phq-9")
    >>> parameters = Parameters(curve)
    >>> round(parameters.curve(parameters.vector(curve)).drift_weeks, 9)
    10.0
    """

    def __init__(self, like: GrowthCurve) -> None:
        drift = _OF_DRIFT if like.drift_variance > 0 else ()
        worsening = (_WORSENING,) if ResponseShape.WORSENING in like.shares else ()
        shares = tuple(f"{SHARE}{shape}" for shape in like.shapes[1:])
        self.names: tuple[str, ...] = (*_OF_ALL_CURVES, *drift, *worsening, *shares)
        self._like = like

    def vector(self, curve: GrowthCurve) -> FloatArray:
        """Give the entries of a curve, shape (parameters,)."""
        root = math.sqrt(max(1 - curve.correlation**2, 0.0))
        values = {
            "intercept": curve.intercept,
            "session_slope": curve.session_slope,
            "level": curve.sd_intercept,
            "both": curve.correlation * curve.sd_slope,
            "slope": root * curve.sd_slope,
            "ln_noise_variance": math.log(curve.noise_variance),
            "ln_drift_variance": math.log(max(curve.drift_variance, _LEAST_VARIANCE)),
            "ln_drift_weeks": math.log(curve.drift_weeks),
            _WORSENING: curve.worsening,
        }
        first, *others = curve.log_shares.tolist()
        values |= {f"{SHARE}{shape}": each - first for shape, each in zip(curve.shapes[1:], others, strict=True)}
        return np.array([values[name] for name in self.names])

    def curve(self, vector: FloatArray) -> GrowthCurve:
        """Give the curve with these entries.

        Raises
        ------
        InstrumentDataError
            If an entry is so far off that no curve has it.
        """
        values = dict(zip(self.names, vector.tolist(), strict=True))
        logs = [name for name in _LOGS if name in values]
        with np.errstate(over="ignore"):
            others: dict[str, Any] = {name.removeprefix("ln_"): float(np.exp(values[name])) for name in logs}
        if _WORSENING in values:
            others[_WORSENING] = values[_WORSENING]
        sd_slope = math.hypot(values["both"], values["slope"])
        # The sign of a factor's column is free; the covariance is that of level, both and slope either way.
        both = math.copysign(values["both"], values["both"] * values["level"])
        return replace(
            self._like,
            intercept=values["intercept"],
            session_slope=values["session_slope"],
            sd_intercept=abs(values["level"]),
            sd_slope=sd_slope,
            correlation=both / sd_slope if sd_slope else 0.0,
            shares=self._shares(values),
            **others,
        )

    def _shares(self, values: dict[str, float]) -> dict[ResponseShape, float]:
        ratios = np.array([0.0, *(values[f"{SHARE}{shape}"] for shape in self._like.shapes[1:])])
        shares = np.exp(ratios - ratios.max())
        return dict(zip(self._like.shapes, (shares / shares.sum()).tolist(), strict=True))
