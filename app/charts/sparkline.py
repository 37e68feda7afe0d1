"""A series at a glance, for one row of a caseload."""

from __future__ import annotations

from typing import Final

from app.charts import palette
from app.charts.canvas import SCHEMA, TO_SCORE, TO_WEEKS, Spec, layer, stroke
from app.charts.charted import ChartedSeries
from app.charts.palette import Line
from app.charts.words import description
from app.trajectories.series import Observation

_WIDTH, _HEIGHT = 160, 40
_MARGIN = 6
"""Pixels around the field, so that a sign at its edge is not cut."""
_SMALLER = 0.62
"""Size of a sign, as a share of what it is in the large chart."""

_SCORES: Final = Line(palette.INK, 1.2, (1, 0))
_CUTOFF: Final = Line(palette.CUTOFF, 1.0, (4, 2))


def sparkline(charted: ChartedSeries, language: str) -> Spec:
    """Draw a series small: scores, expected band, cut-off, and the newest signal by shape and colour.

    Parameters
    ----------
    charted : ChartedSeries
        The series.
    language : str
        One of `nb`, `nn`, `en`, for the description.

    Returns
    -------
    dict
        A Vega-Lite specification of 160 by 40 pixels.
    """
    return {
        "$schema": SCHEMA,
        "description": description(charted, language),
        "width": _WIDTH - 2 * _MARGIN,
        "height": _HEIGHT - 2 * _MARGIN,
        "padding": _MARGIN,
        "autosize": "none",
        "background": palette.PAPER,
        "encoding": {
            "x": _axis("weeks", *_weeks(charted)),
            "y": _axis("score", charted.scale.minimum, charted.scale.maximum),
        },
        "layer": _layers(charted),
        "config": {"view": {"stroke": None}, "aria": False, "font": palette.FONT},
    }


def _weeks(charted: ChartedSeries) -> tuple[float, float]:
    """Span the scores alone: what lies ahead would leave them too little room."""
    weeks = [each.weeks for each in charted.observations] or [0.0]
    first, last = min(weeks), max(weeks)
    return (first, last) if last > first else (first - 1, last + 1)


def _axis(field: str, lowest: float, highest: float) -> Spec:
    scale = {"domain": [round(lowest, 3), round(highest, 3)], "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": None}


def _layers(charted: ChartedSeries) -> list[Spec]:
    first, last = _weeks(charted)
    criteria = charted.scale.criteria
    band = [
        {"weeks": each.weeks, "score": each.lower, "score2": each.upper}
        for each in charted.expected
        if each.weeks <= last
    ]
    layers = [layer(band, {"type": "area", "color": palette.BAND, "opacity": 1}, **TO_SCORE)]
    if charted.unchanged is not None and last > 0:
        limits = charted.unchanged.limits
        unchanged = {"weeks": 0.0, "weeks2": last, "score": limits.lower, "score2": limits.upper}
        mark = {"type": "rect", "color": palette.UNCHANGED, "opacity": 1}
        layers.append(layer([unchanged], mark, **TO_WEEKS, **TO_SCORE))
    if criteria is not None and criteria.cutoff is not None:
        line = {"weeks": first, "weeks2": last, "score": criteria.cutoff - 0.5}
        layers.append(layer([line], stroke("rule", _CUTOFF), **TO_WEEKS))
    scores = [{"weeks": each.weeks, "score": each.score} for each in charted.observations]
    dots = {"type": "point", "filled": True, "opacity": 1, "size": 8, "color": palette.INK}
    layers += [layer(scores, stroke("line", _SCORES)), layer(scores, dots)]
    for each in charted.observations:
        # The newest verdict, and the newest score where it came after the treatment.
        if each is charted.newest_judged or each is charted.observations[-1]:
            layers.append(_sign(charted, each))
    return layers


def _sign(charted: ChartedSeries, observation: Observation) -> Spec:
    judged = charted.judged.get(observation.administration_id)
    sign = palette.POINTS[None if judged is None else judged.signal]
    shown = {"shape": sign.shape, "fill": sign.fill, "size": sign.size * _SMALLER, "strokeWidth": 1}
    return layer([{"weeks": observation.weeks, "score": observation.score}], palette.POINT_MARK | shown)
