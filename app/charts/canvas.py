"""The pieces of a Vega-Lite specification that all charts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from app.charts import palette
from app.charts.layout import Frame
from app.charts.palette import Line

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
"""A name for the language of the specification; nothing is fetched from there."""

Spec: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]

TO_WEEKS: Final[Spec] = {"x2": {"field": "weeks2"}}
TO_SCORE: Final[Spec] = {"y2": {"field": "score2"}}

SMALL, TEXT, LARGE = 10.5, 11.5, 16
"""Sizes of texts, pixels."""

CONFIG: Final[Spec] = {
    "font": palette.FONT,
    "view": {"stroke": None},
    "aria": False,
    "axis": {
        "labelColor": palette.INK,
        "titleColor": palette.INK,
        "domainColor": palette.QUIET,
        "tickColor": palette.QUIET,
        "labelFontSize": TEXT,
        "titleFontSize": TEXT,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "grid": False,
    },
    "title": {
        "anchor": "start",
        "frame": "group",
        "offset": 10,
        "color": palette.INK,
        "fontSize": LARGE,
        "lineHeight": 20,
        "subtitleColor": palette.INK,
        "subtitleFontSize": TEXT,
        "subtitleLineHeight": 16,
        "subtitlePadding": 5,
    },
}
"""How axes and titles look."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a chart is drawn, in weeks and points; what lies beside the field is given in pixels.

    Parameters
    ----------
    frame : Frame
        The field.
    """

    frame: Frame

    def at(self, x: float, y: float) -> Row:
        """Give a place by its pixels."""
        return {"weeks": self.frame.weeks(x), "score": self.frame.score(y)}

    def at_week(self, weeks: float, y: float) -> Row:
        """Give a place by its week and its height in pixels."""
        return {"weeks": weeks, "score": self.frame.score(y)}

    def down(self, weeks: float, top: float, bottom: float) -> Row:
        """Give a vertical line between two heights, pixels."""
        return self.at_week(weeks, top) | {"score2": self.frame.score(bottom)}

    def across(self, score: float) -> Row:
        """Give a horizontal line through the field."""
        return {"weeks": self.frame.first_week, "weeks2": self.frame.last_week, "score": score}

    def beside(self, score: float, text: str) -> Row:
        """Give a text at the right edge of the field."""
        return {"weeks": self.frame.last_week, "score": score, "text": text}


def layer(rows: Iterable[Mapping[str, Any]], mark: Spec, **encoding: Any) -> Spec:
    """Give a layer with its data; x and y are what all layers share."""
    return {"data": {"values": [_rounded(row) for row in rows]}, "mark": mark, "encoding": encoding}


def texts(rows: Iterable[Mapping[str, Any]], size: float = SMALL, **style: Any) -> Spec:
    """Give a layer of texts."""
    mark = {"type": "text", "baseline": "middle", "fontSize": size, "color": palette.INK} | style
    return layer(rows, mark, text={"field": "text", "type": "nominal"})


def stroke(mark: str, line: Line) -> Spec:
    """Give a mark that draws a line."""
    return {"type": mark, "color": line.colour, "strokeWidth": line.width, "strokeDash": list(line.dash)}


def by_name(field: str, values: Mapping[str, str]) -> Spec:
    """Give the encoding of a name by what stands for it."""
    scale = {"domain": list(values), "range": list(values.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def _rounded(row: Mapping[str, Any]) -> Row:
    """Keep so many decimals that nothing moves by a tenth of a pixel, and the same figures come out everywhere."""
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}
