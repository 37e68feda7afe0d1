"""How good the engine is, as Vega-Lite specifications: whether probabilities mean what they say, and bands hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from app.charts import palette
from app.charts.canvas import CONFIG, SCHEMA, TEXT, Row, Spec, layer, stroke
from app.charts.palette import Line
from app.trajectories.band_check import BandCheck
from app.trajectories.calibration import Group

_WIDTH, _HEIGHT = 232, 232
_APART = 0.36  # doses between the signs of two beliefs, so that neither covers the other
_BESIDE_AXIS = 0.1  # doses, so that the line of the axis stays whole
_ROOM = 2.0  # per cent above and below what is aimed at

_FIRST: Final = ("circle", palette.EXPECTED, palette.EXPECTED, Line(palette.EXPECTED, 1.6, (1, 0)))
_SECOND: Final = ("square", palette.PAPER, palette.NATURAL, Line(palette.NATURAL, 1.4, (5, 4)))
"""Sign, filling, outline and line of the two that are compared: they differ in shape, filling and dash."""

RIGHT: Final = Line(palette.QUIET, 1.0, (3, 3))


def reliability_diagram(
    groups: Mapping[float, Mapping[str, Sequence[Group]]],
    *,
    names: Mapping[str, str],
    title: str,
    subtitle: Sequence[str],
    axes: tuple[str, str] = ("Predicted probability", "Share that happened"),
    name_of_look: Callable[[float], str] = "Look at dose {:g}".format,
) -> Spec:
    """Draw predicted probabilities against the shares that happened, a panel for each look.

    Parameters
    ----------
    groups : mapping of float to mapping of str to sequence of Group
        By look and predictor.
    names : mapping of str to str
        What the one or two predictors that are drawn are called.
    title : str
        What was predicted.
    subtitle : sequence of str
        Lines below it: of whom, and when.
    axes : tuple of str
        Titles of the two axes.
    name_of_look : callable
        Gives the title of a look's panel.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside.
    """
    panels = [
        panel_of(
            name_of_look(look),
            _share_axis("x", axes[0]),
            _share_axis("y", axes[1] if number == 0 else None),
            [
                layer([{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}], stroke("line", RIGHT)),
                *sign_rows({names[each]: _of_groups(by_predictor[each]) for each in names}),
            ],
        )
        for number, (look, by_predictor) in enumerate(groups.items())
    ]
    return chart_of(title, subtitle, panels, list(names.values()))


def coverage_by_dose(
    bands: Mapping[str, Sequence[BandCheck]],
    looks: Mapping[float | None, str],
    *,
    level: float,
    aimed: tuple[float, float],
    title: str,
    subtitle: Sequence[str],
) -> Spec:
    """Draw how much of the later scores a band holds, by dose, a panel for each look.

    Parameters
    ----------
    bands : mapping of str to sequence of BandCheck
        What one or two beliefs are called, and their bands.
    looks : mapping of float or None to str
        The looks that are drawn, with their names.
    level : float
        What the band is to hold.
    aimed : tuple of float
        Between which shares it is to lie.
    title : str
        What is shown.
    subtitle : sequence of str
        Lines below it: of whom.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside. A sign is the share of everybody; its bar reaches from the
        lowest to the highest third of first scores.
    """
    cells = [each for found in bands.values() for each in found if each.dose is not None and each.look_dose in looks]
    low, high = (_percent(each) for each in aimed)
    shares = [_percent(each.coverage.estimate) for each in cells] + [low - _ROOM, high + _ROOM]
    doses = [each.dose for each in cells if each.dose is not None]
    first, last = min(doses) - 1, max(doses) + 1
    panels = [
        panel_of(
            name,
            axis_of("x", "Dose of the later score", (first, last), step=5),
            axis_of("y", "Share within the band, %" if number == 0 else None, (min(shares), max(shares)), step=1),
            [
                layer(
                    [{"x": first + _BESIDE_AXIS, "x2": last, "y": low, "y2": high}],
                    {"type": "rect", "color": palette.BAND},
                    x2={"field": "x2"},
                    y2={"field": "y2"},
                ),
                layer([{"x": first, "x2": last, "y": _percent(level)}], stroke("rule", RIGHT), x2={"field": "x2"}),
                *sign_rows({belief: list(_of_bands(found, look)) for belief, found in bands.items()}, apart=_APART),
            ],
        )
        for number, (look, name) in enumerate(looks.items())
    ]
    return chart_of(title, subtitle, panels, list(bands))


def _of_groups(groups: Iterable[Group]) -> list[Row]:
    return [
        {
            "x": each.predicted,
            "y": each.happened.estimate,
            "low": each.happened.lower,
            "high": each.happened.upper,
        }
        for each in groups
    ]


def _of_bands(bands: Sequence[BandCheck], look: float | None) -> Iterator[Row]:
    """Give everybody's coverage at each dose, with the lowest and highest of the thirds."""
    cells = [each for each in bands if each.look_dose == look]
    for whole in (each for each in cells if each.dose is not None and each.third is None):
        of_dose = [_percent(each.coverage.estimate) for each in cells if each.dose == whole.dose]
        yield {"x": whole.dose, "y": _percent(whole.coverage.estimate), "low": min(of_dose), "high": max(of_dose)}


def _percent(share: float) -> float:
    """Give per cent: a thousandth of a share, to which figures are kept, would be seen."""
    return 100 * share


def sign_rows(rows: Mapping[str, Sequence[Row]], apart: float = 0.0) -> Iterator[Spec]:
    """Draw one or two rows of signs with their lines and bars; the first one lies on top."""
    looks = list(zip(rows.items(), (_FIRST, _SECOND), (-apart / 2, apart / 2), strict=False))
    for (name, signs), (shape, fill, outline, line), aside in reversed(looks):
        moved = [row | {"x": row["x"] + aside, "name": name} for row in signs]
        yield layer(moved, stroke("line", line))
        bars = {"type": "rule", "color": outline, "strokeWidth": 1.4}
        yield layer(moved, bars, y={"field": "low", "type": "quantitative"}, y2={"field": "high"})
        yield layer(moved, _sign(shape, fill, outline))


def _sign(shape: str, fill: str, outline: str) -> Spec:
    return palette.POINT_MARK | {"shape": shape, "fill": fill, "stroke": outline, "strokeWidth": 1.4, "size": 26}


def panel_of(name: str, x: Spec, y: Spec, layers: Sequence[Spec]) -> Spec:
    """Give a panel with its two axes."""
    title = {"text": name, "fontSize": TEXT + 1, "fontWeight": "bold", "anchor": "middle", "offset": 6}
    return {"title": title, "width": _WIDTH, "height": _HEIGHT, "encoding": {"x": x, "y": y}, "layer": list(layers)}


def axis_of(field: str, title: str | None, limits: tuple[float, float], *, step: float) -> Spec:
    """Give an axis between two limits."""
    scale = {"domain": [round(each, 3) for each in limits], "nice": False, "zero": False}
    axis = {"title": title, "tickMinStep": step, "grid": field == "y", "gridColor": palette.GRID, "labelFlush": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _share_axis(field: str, title: str | None) -> Spec:
    return axis_of(field, title, (0.0, 1.0), step=0.2)


def chart_of(title: str, subtitle: Sequence[str], panels: Sequence[Spec], names: Sequence[str]) -> Spec:
    """Put panels beside each other, under a title and above what tells the rows of signs apart."""
    return {
        "$schema": SCHEMA,
        "description": " ".join([f"{title}.", *subtitle]),
        "title": {"text": title, "subtitle": list(subtitle)},
        "background": palette.PAPER,
        "padding": 12,
        "vconcat": [{"hconcat": list(panels), "spacing": 26}, _legend(names)],
        "spacing": 14,
        "config": CONFIG,
    }


def _legend(names: Sequence[str]) -> Spec:
    """Say what the signs are, in a row of its own: a renderer's legend has no line through its signs."""
    width, each = 3 * _WIDTH, 230
    layers = []
    for number, (name, (shape, fill, outline, line)) in enumerate(zip(names, (_FIRST, _SECOND), strict=False)):
        left = number * each
        ends = [{"x": left, "y": 0.0}, {"x": left + 34, "y": 0.0}]
        layers.append(layer(ends, stroke("line", line)))
        layers.append(layer([{"x": left + 17, "y": 0.0}], _sign(shape, fill, outline)))
        text = {"type": "text", "align": "left", "baseline": "middle", "fontSize": TEXT, "color": palette.INK}
        layers.append(layer([{"x": left + 42, "y": 0.0, "text": name}], text, text={"field": "text"}))
    bare = {"type": "quantitative", "axis": None}
    encoding = {
        "x": bare | {"field": "x", "scale": {"domain": [0, width], "nice": False}},
        "y": bare | {"field": "y", "scale": {"domain": [-1, 1]}},
    }
    return {"width": width, "height": 18, "encoding": encoding, "layer": layers}
