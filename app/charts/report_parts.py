"""What the charts of a report have in common: rows with names and figures beside a field, and words for what is hidden.

They are drawn from the tables of a report and from nothing else, so that a figure that is hidden there is nowhere here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.charts import palette
from app.charts.canvas import CONFIG, SCHEMA, TEXT, Spec, layer, stroke
from app.charts.layout import text_width
from app.charts.palette import Line
from app.reports.document import Cell, Column, Table
from app.reports.document import Row as ReportRow
from app.texts.catalogue import say
from app.texts.figures import withheld_word, written_whole
from app.texts.reports import is_difference, reading, row_name, table_title

LABELS: Final = 190
"""Pixels that the names of rows may take, beside the field."""
FIELD: Final = 300
BESIDE: Final = 160
"""Pixels for the figures beside the field."""
WHOLE: Final = LABELS + FIELD + BESIDE
ROW: Final = 34
_LINE: Final = 13

MAIN: Final = Line(palette.EXPECTED, 1.6, (1, 0))
SECOND: Final = Line(palette.NATURAL, 1.6, (6, 4))
MIDDLE: Final = Line(palette.QUIET, 1.4, (2, 3))
GRID: Final = Line(palette.GRID, 1.0, (1, 0))

HALO: Final[Spec] = {"stroke": palette.PAPER, "strokeWidth": 5, "strokeJoin": "round"}
"""What keeps a text apart from what lies below it."""


@dataclass(frozen=True, slots=True)
class Sign:
    """How a figure is drawn: its shape (Vega's names), filling, outline and size in square pixels."""

    shape: str
    fill: str
    outline: str
    size: int = 70


FIGURE: Final = Sign("circle", palette.EXPECTED, palette.EXPECTED)
CARRIED: Final = Sign("square", palette.PAPER, palette.INK, 46)
MODELLED: Final = Sign("triangle-up", palette.PAPER, palette.NATURAL, 60)


def chart_word(name: str, language: str) -> str:
    """Give a name that only the charts of reports have."""
    return say(f"report.chart.{name}", language)


def column_of(table: Table, key: str) -> int | None:
    """Tell which column has a key; None where the table has none."""
    return next((place for place, column in enumerate(table.columns) if column.key == key), None)


def number(cell: Cell, factor: float = 1.0) -> float | None:
    """Give the number that a cell shows; None where it is withheld, or words."""
    return None if cell.value is None or isinstance(cell.value, str) else factor * cell.value


def ends(cell: Cell, factor: float = 1.0) -> tuple[float, float] | None:
    """Give the interval of a cell, if it has one."""
    return None if cell.low is None or cell.high is None else (factor * cell.low, factor * cell.high)


def wrapped(text: str, width: float, size: float = TEXT) -> list[str]:
    """Break a text into lines of some width, pixels; a word that is too long stands for itself.

    Examples
    --------
    >>> wrapped("one two three", 50, 10)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def shortened(text: str, width: float, lines: int, size: float = TEXT) -> list[str]:
    """Break a text into at most so many lines; what is left out is shown by dots."""
    found = wrapped(text, width, size)
    if len(found) > lines:
        found = [*found[: lines - 1], f"{found[lines - 1]} …"]
    return [_cut(each, width, size) for each in found]


def _cut(line: str, width: float, size: float) -> str:
    if text_width(line, size) <= width:
        return line
    while text_width(f"{line}…", size) > width:
        line = line[:-1]
    return f"{line}…"


def words(
    rows: Iterable[Mapping[str, Any]],
    *,
    x: float | None = None,
    y: float | None = None,
    size: float = TEXT,
    **style: Any,
) -> Spec:
    """Give a layer of texts: each row has ``text``, and ``x`` and ``y`` unless they are given for all, in pixels."""
    mark = {"type": "text", "baseline": "middle", "fontSize": size, "color": palette.INK, "align": "left"} | style
    places = {name: {"value": value} for name, value in (("x", x), ("y", y)) if value is not None}
    return layer(rows, mark, text={"field": "text", "type": "nominal"}, **places)


def middle(place: int) -> float:
    """Give the height of a row, pixels from the top of the field."""
    return ROW * place + ROW / 2


def row_names(table: Table, rows: Sequence[ReportRow], language: str) -> Iterator[Spec]:
    """Write the names of rows beside the field, in at most two lines each."""
    texts = []
    for place, row in enumerate(rows):
        lines = shortened(row_name(table, row, language), LABELS - 10, 2)
        top = middle(place) - _LINE * (len(lines) - 1) / 2
        texts += [{"y": top + _LINE * below, "text": line} for below, line in enumerate(lines)]
    yield words(texts, x=-10, align="right")


def row_lines(rows: Sequence[ReportRow], across: tuple[float, float]) -> Iterator[Spec]:
    """Draw a faint line for each row, so that the eye finds its name."""
    lines = [{"x": across[0], "x2": across[1], "y": middle(place)} for place in range(len(rows))]
    yield layer(lines, stroke("rule", GRID), x2={"field": "x2"})


def row_figures(rows: Sequence[ReportRow], place: int, column: Column, language: str, at: float) -> Iterator[Spec]:
    """Write the figures of a column beside the field, as the table has them."""
    difference = is_difference(column)
    texts = [
        {"y": middle(at_row), "text": written_whole(row.cells[place], column.kind, language, is_difference=difference)}
        for at_row, row in enumerate(rows)
        if row.cells[place].withheld is None
    ]
    yield words(texts, x=at)


def gaps(rows: Sequence[ReportRow], place: int, language: str) -> Iterator[Spec]:
    """Say in the field why a row shows nothing."""
    texts = [
        {"y": middle(at), "text": withheld_word(reason, language)}
        for at, row in enumerate(rows)
        if (reason := row.cells[place].withheld) is not None
    ]
    yield words(texts, x=8, fontStyle="italic", color=palette.QUIET, **HALO)
    yield words(texts, x=8, fontStyle="italic", color=palette.QUIET)


def dots(rows: Sequence[ReportRow], place: int, factor: float, lift: float = 0.0) -> Iterator[Spec]:
    """Draw the figures of a column with their intervals, so many pixels above the middle of their rows."""
    cells = [(middle(at) - lift, row.cells[place]) for at, row in enumerate(rows)]
    bars = [{"x": each[0], "x2": each[1], "y": y} for y, cell in cells if (each := ends(cell, factor))]
    yield layer(bars, stroke("rule", MAIN), x2={"field": "x2"})
    caps = [{"x": bar[end], "y": bar["y"]} for bar in bars for end in ("x", "x2")]
    yield layer(caps, {"type": "tick", "orient": "vertical", "size": 9, "color": palette.EXPECTED, "opacity": 1})
    points = [{"x": found, "y": y} for y, cell in cells if (found := number(cell, factor)) is not None]
    yield layer(points, mark_of(FIGURE))


def mark_of(sign: Sign) -> Spec:
    """Give the mark of a sign."""
    shown = {"shape": sign.shape, "fill": sign.fill, "stroke": sign.outline, "strokeWidth": 1.5, "size": sign.size}
    return palette.POINT_MARK | shown


def x_axis(title: str, limits: tuple[float, float], language: str, ticks: Sequence[float] | None = None) -> Spec:
    """Give the axis below the field."""
    axis: Spec = {"title": title, "grid": True, "gridColor": palette.GRID, "tickCount": 6, "labelOverlap": False}
    if ticks is not None:
        axis["values"] = list(ticks)
    return quantitative("x", limits, axis | _comma(language))


def y_axis(title: str, limits: tuple[float, float], language: str) -> Spec:
    """Give the axis beside the field."""
    axis = {"title": title, "grid": True, "gridColor": palette.GRID, "tickCount": 5}
    return quantitative("y", limits, axis | _comma(language))


def pixels_down(height: float) -> Spec:
    """Give heights in pixels from the top, without an axis."""
    return quantitative("y", (height, 0), None)


def quantitative(field: str, limits: tuple[float, float], axis: Spec | None) -> Spec:
    """Give the encoding of a place."""
    scale = {"domain": [round(each, 3) for each in limits], "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _comma(language: str) -> Spec:
    """Write the numbers of an axis as Norwegian does: 1 000 and 0,5."""
    return {} if language == "en" else {"labelExpr": "replace(replace(datum.label, /,/g, '\u00a0'), '.', ',')"}


Entry = tuple[Line | Sign, str]
"""What stands for something in a chart, and its name."""


def legend(entries: Sequence[Entry], width: float = WHOLE) -> Spec:
    """Name the signs in rows of their own, below a chart."""
    left, top, places = 0.0, 10.0, []
    for sign, name in entries:
        long = 34 + text_width(name, TEXT) + 16
        if left > 0 and left + long > width:
            left, top = 0.0, top + 19
        places.append((left, top, sign, name))
        left += long
    layers = [_legend_sign(sign, left, top) for left, top, sign, _ in places]
    layers.append(words([{"x": left + 32, "y": top, "text": name} for left, top, _, name in places]))
    height = top + 10
    encoding = {"x": quantitative("x", (0, width), None), "y": pixels_down(height)}
    return {"width": width, "height": height, "encoding": encoding, "layer": layers}


def _legend_sign(sign: Line | Sign, left: float, top: float) -> Spec:
    if isinstance(sign, Line):
        ends = {"x": left, "x2": left + 26, "y": top}
        return layer([ends], stroke("rule", sign), x2={"field": "x2"})
    return layer([{"x": left + 13, "y": top}], mark_of(sign))


def whole_chart(table: Table, language: str, parts: Sequence[Spec], said: Sequence[str]) -> Spec:
    """Put a chart together: title, how it is read, the fields one below the other, and its words for who can't see it.

    Parameters
    ----------
    table : Table
        What it shows.
    language : str
        One of `nb`, `nn`, `en`.
    parts : sequence of dict
        Fields and legends.
    said : sequence of str
        The figures, in words.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside.
    """
    title, sentence = table_title(table, language), reading(table, language)
    return {
        "$schema": SCHEMA,
        "description": " ".join([f"{title}.", sentence, *said]),
        "title": {"text": title, "subtitle": wrapped(sentence, WHOLE), "frame": "bounds"},
        "background": palette.PAPER,
        "padding": 12,
        "vconcat": list(parts),
        "spacing": 14,
        "config": CONFIG,
    }


def rows_said(table: Table, rows: Sequence[ReportRow], place: int, language: str) -> list[str]:
    """Say the figures of a column, row by row, for who can't see them."""
    column = table.columns[place]
    difference = is_difference(column)
    return [
        f"{row_name(table, row, language)}: "
        f"{written_whole(row.cells[place], column.kind, language, is_difference=difference)}."
        for row in rows
    ]


def within(values: Iterable[float], *, room: float = 0.06, around: float | None = None) -> tuple[float, float]:
    """Give limits that hold some values with room at both ends, the same to both sides of a middle if there is one.

    Examples
    --------
    >>> within([1.0, -3.0], around=0.0, room=0.0)
    (-3.0, 3.0)
    """
    found = list(values) or [0.0]
    if around is not None:
        far = max(abs(each - around) for each in found) or 1.0
        return around - far * (1 + room), around + far * (1 + room)
    low, high = min(found), max(found)
    more = (high - low or 1.0) * room
    return low - more, high + more


def field(rows: Sequence[ReportRow], x: Spec, layers: Iterable[Spec], width: float = FIELD) -> Spec:
    """Give a field of rows."""
    height = ROW * len(rows)
    return {
        "width": width,
        "height": height,
        "encoding": {"x": x, "y": pixels_down(height)},
        "layer": list(layers),
    }
