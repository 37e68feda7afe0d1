"""One series as a Vega-Lite specification: the scores, what was to be expected, and where to take stock.

Weeks run along the bottom and doses along the top, because waiting time and follow-up exist in weeks only, while the
windows and reviews go by dose. Everything is placed here, in data units, so that any renderer puts it in the same
place; no label depends on a renderer's guess.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final

from app.charts import palette
from app.charts.canvas import (
    CONFIG,
    SCHEMA,
    TEXT,
    TO_SCORE,
    TO_WEEKS,
    Canvas,
    Spec,
    by_name,
    layer,
    stroke,
    texts,
)
from app.charts.charted import ChartedSeries, Unchanged
from app.charts.layout import Box, Frame, along, free_place, step_of, text_width
from app.charts.legend import Entry, legend
from app.charts.strip import Strip
from app.charts.words import Word, description, notes, score_title, signal_word, title, verdict_word, word
from app.texts.catalogue import say
from app.trajectories.progress import Signal

_WIDTH, _HEIGHT = 640, 310
_WEEK_STEPS: Final = (1, 2, 4, 8, 13, 26, 52, 104, 260)
_SCORE_STEPS: Final = (1, 2, 5, 10, 20, 25, 50, 100)
_WEEKS_WITHOUT_SPAN = 4.0
"""Width of a chart in which nothing takes any time: a single score without a curve."""

_LEGEND_TOP, _LEGEND_WIDTH = 58, 790
"""Below the field there has to be room for the axis of weeks; beside it are the names of the severity bands."""

_BESIDE = 18
"""A label that lies further above or below its point, in pixels, is tied to it by a line."""

_SCORE_WEIGHT = 10.0
"""How much worse it is for a label to cover a part of a score than six pixels of a line."""

_PADDING: Final = {"left": 12, "top": 12, "bottom": 12, "right": 36}
"""On the right, where texts end the picture, there is room for a font that is wider than ours."""


def trajectory_chart(charted: ChartedSeries, language: str) -> Spec:
    """Draw a series.

    Parameters
    ----------
    charted : ChartedSeries
        The series, what it was held against and what was said of it.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside: version 6, and but for its name valid as version 5.
    """
    field = _Field(charted, Canvas(_frame(charted)), language)
    return {
        "$schema": SCHEMA,
        "description": description(charted, language),
        "title": {"text": title(charted, language), "subtitle": notes(charted, language)},
        "width": _WIDTH,
        "height": _HEIGHT,
        "background": palette.PAPER,
        "padding": _PADDING,
        "encoding": field.axes(),
        "layer": list(field.layers()),
        "config": CONFIG,
    }


def _frame(charted: ChartedSeries) -> Frame:
    """Span all scores and curves and the whole scale, with so much room that no score is cut at an edge."""
    first, last = min([0.0, *(each.weeks for each in charted.observations)]), charted.last_week
    if first == last:
        last = first + _WEEKS_WITHOUT_SPAN
    beside, above = (last - first) * 0.02, (charted.scale.maximum - charted.scale.minimum) * 0.025
    return Frame(
        first - beside,
        last + beside,
        charted.scale.minimum - above,
        charted.scale.maximum + above,
        _WIDTH,
        _HEIGHT,
    )


class _Field:
    """The parts of one chart."""

    def __init__(self, charted: ChartedSeries, canvas: Canvas, language: str) -> None:
        self.charted = charted
        self.canvas = canvas
        self.frame = canvas.frame
        self.language = language
        criteria = charted.scale.criteria
        self.cutoff = None if criteria is None else criteria.cutoff
        # Scores are whole: the line lies between the last one on one side and the first on the other.
        self.border = None if self.cutoff is None else self.cutoff - 0.5

    def axes(self) -> Spec:
        """Give the encoding that all layers share."""
        frame, scale = self.frame, self.charted.scale
        week_step = step_of(frame.last_week - frame.first_week, frame.width, 30, _WEEK_STEPS)
        score_step = step_of(scale.maximum - scale.minimum, frame.height, 32, _SCORE_STEPS)
        weeks = word(Word.WEEKS_SINCE_BASELINE, self.language)
        return {
            "x": _axis("weeks", weeks, frame.first_week, frame.last_week, week_step),
            "y": _axis("score", score_title(self.charted, self.language), frame.lowest, frame.highest, score_step),
        }

    def layers(self) -> Iterator[Spec]:
        """Give the layers, the lowest first."""
        strip = Strip(self.charted, self.canvas, self.language)
        yield from strip.windows()
        yield from self._severity()
        yield from self._band()
        yield from self._unchanged()
        yield from strip.phases()
        yield from strip.review_points()
        yield from strip.doses()
        yield from self._cutoff()
        yield from self._lines()
        yield from self._range_at_the_end()
        yield from self._points()
        yield from self._newest_word()
        bottom = self.frame.height + _LEGEND_TOP
        yield from legend(self._entries(), self.canvas, _LEGEND_WIDTH, bottom)

    def _severity(self) -> Iterator[Spec]:
        """Name the severity bands beside the field, and draw their limits."""
        bands = self.charted.scale.bands
        limits = [self.canvas.across(band.low - 0.5) for band in bands[1:]]
        yield layer(limits, {"type": "rule", "color": palette.GRID}, **TO_WEEKS)
        names = [
            self.canvas.beside(self._name_height(band.low, band.high), say(f"band.{band.code}", self.language))
            for band in bands
        ]
        yield texts(names, align="left", dx=10, color=palette.QUIET)

    def _name_height(self, low: int, high: int) -> float:
        """Give the middle of a severity band, or of the larger part that the cut-off leaves of it."""
        first, last = low - 0.5, high + 0.5
        if self.border is None or not first < self.border < last:
            return (first + last) / 2
        below = self.border - first > last - self.border
        return (first + self.border) / 2 if below else (self.border + last) / 2

    def _cutoff(self) -> Iterator[Spec]:
        """Draw the cut-off, and name it beside the field by its first clinical score."""
        if self.border is not None:
            yield layer([self.canvas.across(self.border)], stroke("rule", palette.CUTOFF_LINE), **TO_WEEKS)
            name = word(Word.CUTOFF, self.language, cutoff=self.cutoff)
            beside = self.canvas.beside(self.border, name)
            yield texts([beside], align="left", dx=10, color=palette.CUTOFF, fontWeight="bold")

    def _band(self) -> Iterator[Spec]:
        """Draw the expected band: closed, in whole points."""
        rows = [{"weeks": each.weeks, "score": each.lower, "score2": each.upper} for each in self.charted.expected]
        if rows:
            yield layer(rows, {"type": "area", "color": palette.BAND, "opacity": 1}, **TO_SCORE)
            for edge in ("score", "score2"):
                edges = [{"weeks": row["weeks"], "score": row[edge]} for row in rows]
                yield layer(edges, {"type": "line", "color": palette.BAND_EDGE, "strokeWidth": 1})

    def _unchanged(self) -> Iterator[Spec]:
        """Draw where any later score is expected if nothing has changed, from the baseline on."""
        if self.charted.unchanged is None:
            return
        limits, last = self.charted.unchanged.limits, self.charted.last_week
        band = {"weeks": 0.0, "weeks2": last, "score": limits.lower, "score2": limits.upper}
        yield layer([band], {"type": "rect", "color": palette.UNCHANGED, "opacity": 1}, **TO_WEEKS, **TO_SCORE)
        edges = [{"weeks": 0.0, "weeks2": last, "score": score} for score in (limits.lower, limits.upper)]
        yield layer(edges, {"type": "rule", "color": palette.UNCHANGED_EDGE, "strokeWidth": 1}, **TO_WEEKS)
        severity = [band.low - 0.5 for band in self.charted.scale.bands[1:]]
        hidden = [score for score in severity if limits.lower < score < limits.upper]
        again = [{"weeks": 0.0, "weeks2": last, "score": score} for score in hidden]
        yield layer(again, {"type": "rule", "color": palette.PAPER}, **TO_WEEKS)

    def _courses(self) -> list[tuple[palette.Line, Word, list[tuple[float, float]]]]:
        """Give the lines with their names and their points in weeks and score."""
        charted = self.charted
        return [
            (palette.OBSERVED_LINE, Word.SCORES, [(each.weeks, each.score) for each in charted.observations]),
            (
                palette.EXPECTED_LINE,
                Word.EXPECTED_FROM_BASELINE,
                [(each.weeks, each.mean) for each in charted.expected],
            ),
            (palette.AHEAD_LINE, Word.EXPECTED_AHEAD, [(each.weeks, each.mean) for each in charted.ahead]),
            (palette.UNCHANGED_LINE, Word.UNCHANGED_EXPECTED, self._unchanged_course()),
            (palette.NATURAL_LINE, Word.NATURAL_COURSE, [(each.weeks, each.score) for each in charted.natural]),
        ]

    def _unchanged_course(self) -> list[tuple[float, float]]:
        unchanged, baseline = self.charted.unchanged, self.charted.baseline
        if unchanged is None or baseline is None or unchanged.limits.expected == baseline.score:
            return []  # the band around the first score says it
        return [(0.0, unchanged.limits.expected), (self.charted.last_week, unchanged.limits.expected)]

    def _lines(self) -> Iterator[Spec]:
        """Draw the courses, the scores above the others."""
        for line, _, points in reversed(self._courses()):
            if len(points) > 1:
                yield layer([{"weeks": weeks, "score": score} for weeks, score in points], stroke("line", line))

    def _entries(self) -> list[list[Entry]]:
        """Give what the legend has to name: the points by their signals, then the lines and the band."""
        charted, language = self.charted, self.language
        signals = {self._signal_of(each.administration_id) for each in charted.observations}
        points = [
            Entry(point, signal_word(each, language)) for each, point in palette.POINTS.items() if each in signals
        ]
        lines = [Entry(line, word(name, language)) for line, name, points in self._courses() if len(points) > 1]
        if len(charted.expected) > 1:
            lines.insert(1, Entry(palette.BAND_LINE, word(Word.BAND_OF, language, level=charted.band_level)))
        if charted.unchanged is not None:
            lines.insert(0, Entry(palette.UNCHANGED_BAND_LINE, self._unchanged_word(charted.unchanged)))
        # Where nothing is judged, the points need no names.
        return [points if signals != {None} else [], lines]

    def _unchanged_word(self, unchanged: Unchanged) -> str:
        if unchanged.level is None:
            return word(Word.UNCHANGED_BY_PUBLISHED, self.language)
        return word(Word.UNCHANGED_BAND_OF, self.language, level=unchanged.level)

    def _range_at_the_end(self) -> Iterator[Spec]:
        """Show how wide the expectation from here is when the treatment ends."""
        for end in self.charted.ahead[1:][-1:]:
            bar = [{"weeks": end.weeks, "score": end.lower, "score2": end.upper}]
            caps = [{"weeks": end.weeks, "score": score} for score in (end.lower, end.upper)]
            yield layer(bar, {"type": "rule", "color": palette.EXPECTED}, **TO_SCORE)
            cap = {"type": "tick", "orient": "horizontal", "size": 9, "color": palette.EXPECTED, "opacity": 1}
            yield layer(caps, cap)

    def _points(self) -> Iterator[Spec]:
        """Draw the scores, each in the shape and colour of its signal."""
        charted, language = self.charted, self.language
        signals = [self._signal_of(each.administration_id) for each in charted.observations]
        present = {signal_word(each, language): point for each, point in palette.POINTS.items() if each in signals}
        rows = [
            {
                "weeks": each.weeks,
                "score": each.score,
                "dose": each.dose,
                "phase": say(f"phase.{each.phase}", language),
                "signal": signal_word(signal, language),
                "size": palette.POINTS[signal].size,
            }
            for each, signal in zip(charted.observations, signals, strict=True)
        ]
        told = {
            "weeks": Word.WEEKS_SINCE_BASELINE,
            "dose": Word.DOSE,
            "phase": Word.PHASE,
            "score": Word.SCORE,
            "signal": Word.VERDICT,
        }
        yield layer(
            rows,
            palette.POINT_MARK,
            shape=by_name("signal", {name: point.shape for name, point in present.items()}),
            fill=by_name("signal", {name: point.fill for name, point in present.items()}),
            size={"field": "size", "type": "quantitative", "scale": None, "legend": None},
            tooltip=[{"field": field, "title": word(name, language)} for field, name in told.items()],
        )

    def _signal_of(self, administration_id: Hashable) -> Signal | None:
        judged = self.charted.judged.get(administration_id)
        return None if judged is None else judged.signal

    def _newest_word(self) -> Iterator[Spec]:
        """Write the newest verdict beside its score, where it covers the least."""
        newest, frame = self.charted.newest_judged, self.frame
        if newest is None:
            return
        text = verdict_word(self.charted.judged[newest.administration_id], self.language)
        x, y = frame.x(newest.weeks), frame.y(newest.score)
        width = text_width(text, TEXT) * palette.BOLD
        place = free_place((x, y), width, 15, Box(0, 0, frame.width, frame.height), self._obstacles())
        at = self.canvas.at(place.x, place.y)
        if abs(place.y - y) > _BESIDE:
            line = self.canvas.at(x, y) | {"weeks2": at["weeks"], "score2": at["score"]}
            yield layer([line], {"type": "rule", "color": palette.INK, "strokeWidth": 0.8}, **TO_WEEKS, **TO_SCORE)
        style = {"align": place.align, "fontWeight": "bold"}
        halo = {"stroke": palette.PAPER, "strokeWidth": 4, "strokeJoin": "round"}
        yield texts([at | {"text": text}], TEXT, **style, **halo)
        yield texts([at | {"text": text}], TEXT, **style)

    def _obstacles(self) -> Iterator[tuple[float, float, float]]:
        """Give points, in pixels, of all that a label had better not cover, with their weights."""
        frame = self.frame
        for each in self.charted.observations:
            x, y = frame.x(each.weeks), frame.y(each.score)
            yield from ((x + dx, y + dy, _SCORE_WEIGHT) for dx in (-6, 0, 6) for dy in (-6, 0, 6))
        for _, _, points in self._courses():
            pixels = [(frame.x(weeks), frame.y(score)) for weeks, score in points]
            yield from ((x, y, 1.0) for x, y in along(pixels, step=6))


def _axis(field: str, name: str, lowest: float, highest: float, step: int) -> Spec:
    """Give an axis with ticks at the multiples of a step."""
    ticks = list(range(int(-(-lowest // step)) * step, int(highest // step) * step + 1, step))
    scale = {"domain": [round(lowest, 3), round(highest, 3)], "nice": False, "zero": False}
    axis = {"title": name, "values": ticks, "format": "d"}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}
