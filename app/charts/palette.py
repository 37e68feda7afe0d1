"""Colours, shapes and dashes: what has to be told apart differs in lightness, shape or dash, never in hue alone.

The figures that this rests on (WCAG 2.2, contrast and relative luminance) are checked in tests/charts/test_palette.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.trajectories.progress import Signal

FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The first ships with the renderer; the others have the same widths, or are what a reader has."""

PAPER: Final = "#ffffff"
INK: Final = "#1f2933"
"""Texts, the scores and the outlines of points."""
QUIET: Final = "#52606d"
"""Names and lines that stand back: severity bands, axes, phases."""
GRID: Final = "#e4e7eb"
WINDOW: Final = "#f4f1e6"
BAND: Final = "#cfe0f1"
BAND_EDGE: Final = "#5584b0"
EXPECTED: Final = "#1b4f80"
UNCHANGED: Final = "#dcdad3"
"""The band of a score that has not changed. It is grey: to lie in it is not what anybody hopes for."""
UNCHANGED_EDGE: Final = "#6b6558"
NATURAL: Final = "#8f4a00"
CUTOFF: Final = "#6b2d73"


@dataclass(frozen=True, slots=True)
class Line:
    """How a line is drawn: its colour, its width in pixels and the pixels on and off."""

    colour: str
    width: float
    dash: tuple[int, ...]


OBSERVED_LINE: Final = Line(INK, 1.8, (1, 0))
BAND_LINE: Final = Line(BAND, 12, (1, 0))
"""The band as the legend shows it."""
UNCHANGED_BAND_LINE: Final = Line(UNCHANGED, 12, (1, 0))
UNCHANGED_LINE: Final = Line(UNCHANGED_EDGE, 1.8, (7, 4))
EXPECTED_LINE: Final = Line(EXPECTED, 2.2, (1, 0))
AHEAD_LINE: Final = Line(EXPECTED, 2.2, (2, 3))
NATURAL_LINE: Final = Line(NATURAL, 2.0, (9, 5))
CUTOFF_LINE: Final = Line(CUTOFF, 1.4, (12, 3, 2, 3))
REVIEW_LINE: Final = Line(QUIET, 1.0, (3, 3))


@dataclass(frozen=True, slots=True)
class Point:
    """How a score is drawn: its shape (Vega's names), filling and size in square pixels; the outline is of ink."""

    shape: str
    fill: str
    size: int


POINT_MARK: Final[dict[str, Any]] = {
    "type": "point",
    "filled": True,
    "opacity": 1,
    "stroke": INK,
    "strokeWidth": 1.2,
}
"""Points are as opaque as everything else; 0.7 is what Vega-Lite would take, and signal colours would be washed out."""

BOLD: Final = 1.05
"""How much wider bold texts are."""

POINTS: Final[Mapping[Signal | None, Point]] = {
    Signal.RED: Point("diamond", "#c0271d", 150),
    Signal.YELLOW: Point("triangle-up", "#ffc61a", 120),
    Signal.GREEN: Point("circle", "#2e8b57", 105),
    Signal.GREY: Point("square", "#9aa5b1", 90),
    None: Point("circle", PAPER, 105),
}
"""By signal; None is a score that is shown and not judged."""
