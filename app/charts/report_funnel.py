"""The services by how many they helped, with the limits within which chance alone keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.charts import palette
from app.charts.canvas import SMALL, Row, Spec, layer, stroke
from app.charts.layout import Box, along, free_place, text_width
from app.charts.palette import Line
from app.charts.report_parts import (
    FIGURE,
    HALO,
    MIDDLE,
    Entry,
    chart_word,
    column_of,
    legend,
    mark_of,
    number,
    rows_said,
    shortened,
    whole_chart,
    within,
    words,
    wrapped,
    x_axis,
    y_axis,
)
from app.reports.document import Row as ReportRow
from app.reports.document import Table
from app.texts.figures import withheld_word
from app.texts.reports import column_name, row_head, row_name

_WIDTH, _HEIGHT = 560, 300
_LIMITS: Final = ("lower_95", "upper_95", "lower_998", "upper_998")
_INNER: Final = Line(palette.EXPECTED, 1.4, (6, 4))
_OUTER: Final = Line(palette.NATURAL, 1.8, (1, 0))
_NAME_ROOM: Final = 170
"""Pixels that a name may take; the table has all of it."""
_STEPS: Final = 24
_POINT_WEIGHT: Final = 4.0
_NAME_WEIGHT: Final = 3.0


@dataclass(frozen=True, slots=True)
class _Service:
    """One service, in numbers and per cent."""

    name: str
    count: float
    share: float
    expected: float
    limits: tuple[float, float, float, float]


def funnel_chart(table: Table, language: str) -> Spec:
    """Draw each service's share against its number, with the limits of 95 % and 99.8 %.

    Parameters
    ----------
    table : Table
        With columns ``count``, ``share``, ``expected``, ``lower_95``, ``upper_95``, ``lower_998``, ``upper_998``.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside. Where all services are expected to have the same share, the
        limits are curves; where case mix makes them differ, each service has its own. Services whose figures are
        withheld are named below, with the reason.

    Notes
    -----
    Limits lie at a distance from the expected share that goes with 1 / sqrt(number), so between two services they are
    straight lines of it.
    """
    shown = [found for row in table.rows if (found := _service(table, row, language)) is not None]
    hidden = list(_hidden(table, language))
    place = column_of(table, "share")
    assert place is not None, "the table has shares"
    parts = [_field(shown, language), legend(_entries(table, language), _WIDTH)]
    if hidden:
        lines = [line for each in hidden for line in wrapped(each, _WIDTH)]
        height = 16 * len(lines)
        texts = words([{"y": 16 * at + 8, "text": line} for at, line in enumerate(lines)], x=0, fontStyle="italic")
        bare = {"y": {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [height, 0]}}}
        parts.append({"width": _WIDTH, "height": height, "encoding": bare, "layer": [texts]})
    return whole_chart(table, language, parts, rows_said(table, table.rows, place, language))


def _service(table: Table, row: ReportRow, language: str) -> _Service | None:
    places = [column_of(table, key) for key in ("count", "share", "expected", *_LIMITS)]
    found = [number(row.cells[place]) for place in places if place is not None]
    complete = [each for each in found if each is not None]
    if len(complete) < len(places):
        return None
    count, *shares = complete
    share, expected, low, high, lower, upper = (100 * each for each in shares)
    [name] = shortened(row_name(table, row, language), _NAME_ROOM, 1, SMALL)
    return _Service(name, count, share, expected, (low, high, lower, upper))


def _hidden(table: Table, language: str) -> Iterator[str]:
    """Name the services that are not drawn, by reason."""
    by_reason: dict[str, list[str]] = {}
    for row in table.rows:
        why = next((cell.withheld for cell in row.cells if cell.withheld is not None), None)
        if why is not None:
            by_reason.setdefault(withheld_word(why, language), []).append(row_name(table, row, language))
    for reason, names in by_reason.items():
        yield f"{reason} ({', '.join(names)})"


def _entries(table: Table, language: str) -> list[Entry]:
    expected = column_of(table, "expected")
    assert expected is not None, "the table says what is expected"
    return [
        (FIGURE, row_head(table, language)),
        (MIDDLE, column_name(table.columns[expected], language)),
        (_INNER, chart_word("limits_95", language)),
        (_OUTER, chart_word("limits_998", language)),
    ]


def _field(shown: Sequence[_Service], language: str) -> Spec:
    if not shown:
        nothing = words([{"text": chart_word("none_shown", language)}], x=12, y=20, fontStyle="italic")
        return {"width": _WIDTH, "height": 40, "layer": [nothing]}
    counts = within([each.count for each in shown], room=0.1)
    shares = within([share for each in shown for share in (each.share, *each.limits)])
    counts, shares = (max(0.0, counts[0]), counts[1]), (max(0.0, shares[0]), min(100.0, shares[1]))
    same = max(each.expected for each in shown) - min(each.expected for each in shown) < 0.05
    layers = [*(_curves(shown) if same else _own_limits(shown))]
    points = [{"x": each.count, "y": each.share} for each in shown]
    layers += [layer(points, mark_of(FIGURE)), *_names(shown, counts, shares)]
    x = x_axis(chart_word("paired_number", language), counts, language)
    y = y_axis(chart_word("share", language), shares, language)
    return {"width": _WIDTH, "height": _HEIGHT, "encoding": {"x": x, "y": y}, "layer": layers}


def _curves(shown: Sequence[_Service]) -> Iterator[Spec]:
    """Draw the limits as curves through what the services have."""
    ordered = sorted(shown, key=lambda each: each.count)
    for line, places in ((_OUTER, (2, 3)), (_INNER, (0, 1))):
        for place in places:
            yield layer(list(_curve(ordered, place)), stroke("line", line))
    ends = [{"x": each.count, "y": each.expected} for each in (ordered[0], ordered[-1])]
    yield layer(ends, stroke("line", MIDDLE))


def _curve(ordered: Sequence[_Service], place: int) -> Iterator[Row]:
    for first, last in zip(ordered, ordered[1:] or ordered, strict=False):
        a, b = first.count**-0.5, last.count**-0.5
        for step in range(_STEPS + 1):
            part = step / _STEPS
            limit = first.limits[place] + part * (last.limits[place] - first.limits[place])
            yield {"x": (a + part * (b - a)) ** -2, "y": limit}


def _own_limits(shown: Sequence[_Service]) -> Iterator[Spec]:
    """Draw each service's own limits as bars."""
    for line, low, high in ((_OUTER, 2, 3), (_INNER, 0, 1)):
        bars = [{"x": each.count, "y": each.limits[low], "y2": each.limits[high]} for each in shown]
        yield layer(bars, stroke("rule", line), y2={"field": "y2"})
    ticks = [{"x": each.count, "y": each.expected} for each in shown]
    yield layer(ticks, {"type": "tick", "orient": "horizontal", "size": 14, "color": palette.QUIET, "opacity": 1})


def _names(shown: Sequence[_Service], counts: tuple[float, float], shares: tuple[float, float]) -> Iterator[Spec]:
    """Write each name where it covers the least."""
    across = [_WIDTH * (each.count - counts[0]) / (counts[1] - counts[0]) for each in shown]
    down = [_HEIGHT * (shares[1] - each.share) / (shares[1] - shares[0]) for each in shown]
    taken = [
        (x + dx, y + dy, _POINT_WEIGHT) for x, y in zip(across, down, strict=True) for dx in (-4, 4) for dy in (-4, 4)
    ]
    texts: dict[str, list[Row]] = {"left": [], "center": [], "right": []}
    for service, x, y in zip(shown, across, down, strict=True):
        width = text_width(service.name, SMALL)
        place = free_place((x, y), width, 13, Box(0, 0, _WIDTH, _HEIGHT), taken)
        left = place.x - {"left": 0.0, "center": 0.5, "right": 1.0}[place.align] * width
        rows = (place.y - 5, place.y, place.y + 5)
        taken += [(*at, _NAME_WEIGHT) for row in rows for at in along([(left, row), (left + width, row)], 8)]
        at = {
            "x": counts[0] + place.x / _WIDTH * (counts[1] - counts[0]),
            "y": shares[1] - place.y / _HEIGHT * (shares[1] - shares[0]),
            "text": service.name,
        }
        texts[place.align].append(at)
    for align, found in texts.items():
        yield words(found, size=SMALL, align=align, **HALO)
        yield words(found, size=SMALL, align=align)
