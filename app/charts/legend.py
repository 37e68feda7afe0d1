"""The legend of a chart, laid out here: a renderer's own can't show a band, a dash and a shape side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.charts.canvas import TEXT, TO_WEEKS, Canvas, Spec, layer, stroke, texts
from app.charts.layout import text_width
from app.charts.palette import POINT_MARK, Line, Point

_SWATCH, _SYMBOL = 26, 12
"""Widths of what stands for a line and for a point, pixels."""
_AFTER_SIGN, _BETWEEN, _ROW = 6, 20, 19


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the chart shows, and its name."""

    sign: Line | Point
    text: str

    @property
    def sign_width(self) -> float:
        """Pixels that the sign takes."""
        return _SWATCH if isinstance(self.sign, Line) else _SYMBOL

    @property
    def width(self) -> float:
        """Pixels that sign and name take."""
        return self.sign_width + _AFTER_SIGN + text_width(self.text, TEXT)


def legend(groups: Sequence[Sequence[Entry]], canvas: Canvas, width: float, top: float) -> Iterator[Spec]:
    """Draw entries in rows below the field, each group beginning a new one.

    Parameters
    ----------
    groups : sequence of sequence of Entry
        What belongs together.
    canvas : Canvas
        Where the chart is drawn.
    width : float
        Pixels that a row may take.
    top : float
        Where the first row begins, pixels from the field's top.

    Returns
    -------
    iterator of dict
        Layers.
    """
    middle, names = top - _ROW / 2, []
    for group in groups:
        left = width  # so that the first entry of a group begins a row
        for entry in group:
            if left > 0 and left + entry.width > width:
                left, middle = 0.0, middle + _ROW
            yield _sign(entry.sign, canvas, left, middle)
            names.append(canvas.at(left + entry.sign_width + _AFTER_SIGN, middle) | {"text": entry.text})
            left += entry.width + _BETWEEN
    yield texts(names, TEXT, align="left")


def _sign(sign: Line | Point, canvas: Canvas, left: float, middle: float) -> Spec:
    if isinstance(sign, Point):
        shown = POINT_MARK | {"shape": sign.shape, "fill": sign.fill, "size": sign.size}
        return layer([canvas.at(left + _SYMBOL / 2, middle)], shown)
    ends = canvas.at(left, middle) | {"weeks2": canvas.frame.weeks(left + _SWATCH)}
    return layer([ends], stroke("rule", sign), **TO_WEEKS)
