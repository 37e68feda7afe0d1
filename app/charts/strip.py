"""What stands above the field of a chart: the doses, the windows, the review points and the phases."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from app.charts import palette
from app.charts.canvas import SMALL, TEXT, TO_SCORE, TO_WEEKS, Canvas, Spec, layer, stroke, texts
from app.charts.charted import ChartedSeries
from app.charts.layout import lanes, spaced, text_width
from app.charts.words import Word, word
from app.texts.catalogue import say
from app.trajectories.outlook import ReviewKind
from app.trajectories.series import Phase

_DOSES, _WINDOWS, _LANE = 20, 16, 14
"""Heights of the rows from the field upwards, pixels."""

_BETWEEN_NUMBERS: Final = 19

_REVIEW_WORDS: Final[Mapping[ReviewKind, Word]] = {
    ReviewKind.LATE_WINDOW: Word.REVIEW,
    ReviewKind.PERIOD_EVALUATION: Word.PERIOD_EVALUATION,
    ReviewKind.PLANNED_END: Word.PLANNED_END,
}


class Strip:
    """The rows above the field of one chart.

    Parameters
    ----------
    charted : ChartedSeries
        The series.
    canvas : Canvas
        Where it is drawn.
    language : str
        One of `nb`, `nn`, `en`.
    """

    def __init__(self, charted: ChartedSeries, canvas: Canvas, language: str) -> None:
        self.charted = charted
        self.canvas = canvas
        self.frame = canvas.frame
        self.language = language
        self.weeks = charted.weeks_of_doses
        self.reviews = self._placed_reviews()
        reviewed = 1 + max((lane for *_, lane in self.reviews), default=-1)
        # Without doses there is nothing between the names of the reviews and the field.
        self.foot = -_DOSES if self.weeks else 0
        self.review_bottom = -(_DOSES + _WINDOWS + 2) if self.weeks else -4
        self.phase_bar = self.review_bottom - reviewed * _LANE - 4

    def windows(self) -> Iterator[Spec]:
        """Shade the early and the late window, down through the field."""
        charted, frame = self.charted, self.frame
        if not charted.expected:
            return
        early, late, last = charted.early_window_dose, charted.late_window_dose, charted.expected[-1].weeks
        windows = []
        if early in self.weeks and charted.expected[0].dose < early:
            windows.append((Word.EARLY_WINDOW, 0.0, self.weeks[early]))
        if late in self.weeks and self.weeks[late] < last:
            windows.append((Word.LATE_WINDOW, self.weeks[late], last))
        top = -(_DOSES + _WINDOWS)
        yield layer(
            [self.canvas.down(first, top, frame.height) | {"weeks2": end} for _, first, end in windows],
            {"type": "rect", "color": palette.WINDOW, "opacity": 1},
            **TO_WEEKS,
            **TO_SCORE,
        )
        names, taken = [], -math.inf
        for name, first, end in windows:
            # Where there is no room beside the name before it, a name moves into its window, or is left out.
            text, left = word(name, self.language), max(frame.x(first) + 3, taken + 4)
            if left <= frame.x(end):
                names.append(self.canvas.at(left, top + _WINDOWS / 2) | {"text": text})
                taken = left + text_width(text, SMALL)
        yield texts(names, align="left", color=palette.QUIET)

    def doses(self) -> Iterator[Spec]:
        """Mark each dose, with its number where there is room."""
        if not self.weeks:
            return
        canvas, frame = self.canvas, self.frame
        ticks = [canvas.down(weeks, 0, -4) for weeks in self.weeks.values()]
        line = {"type": "rule", "color": palette.QUIET}
        yield layer(ticks, line, **TO_SCORE)
        yield layer([canvas.across(frame.highest)], line, **TO_WEEKS)
        important = {0, self.charted.early_window_dose, *(dose for dose, *_ in self.reviews if dose is not None)}
        places = [(dose, frame.x(weeks)) for dose, weeks in self.weeks.items()]
        numbers = spaced(places, important, _BETWEEN_NUMBERS)
        middle = -12
        yield texts([canvas.at_week(self.weeks[dose], middle) | {"text": str(dose)} for dose in numbers], TEXT)
        title = canvas.beside(frame.score(middle), word(Word.DOSE, self.language))
        yield texts([title], TEXT, align="left", dx=10)

    def review_points(self) -> Iterator[Spec]:
        """Mark where to take stock, with a line down through the field."""
        lines, names = [], []
        for _, weeks, text, lane in self.reviews:
            middle = self.review_bottom - lane * _LANE - _LANE / 2
            lines += [self.canvas.down(weeks, middle + 6, self.foot), self.canvas.down(weeks, 0, self.frame.height)]
            names.append(self.canvas.at_week(weeks, middle) | {"text": text})
        if names:
            yield layer(lines, stroke("rule", palette.REVIEW_LINE), **TO_SCORE)
            yield texts(names)

    def phases(self) -> Iterator[Spec]:
        """Mark waiting time, treatment and follow-up, with a line where one becomes the other."""
        canvas, frame = self.canvas, self.frame
        placed = list(self._placed_phases())
        spans = [self._centred(name, frame.x((first + last) / 2)) for name, first, last in placed]
        bars, names = [], []
        for (name, first, last), lane in zip(placed, lanes(spans), strict=True):
            ends = {"weeks2": frame.weeks(frame.x(last) - 1)}
            bars.append(canvas.at(frame.x(first) + 1, self.phase_bar) | ends)
            middle = self.phase_bar - 9 - lane * _LANE
            names.append(canvas.at_week((first + last) / 2, middle) | {"text": name})
        if placed:
            borders = [canvas.down(first, 0, frame.height) for _, first, _ in placed[1:]]
            yield layer(bars, {"type": "rule", "color": palette.QUIET, "strokeWidth": 3}, **TO_WEEKS)
            yield layer(borders, {"type": "rule", "color": palette.QUIET}, **TO_SCORE)
            yield texts(names)

    def _placed_reviews(self) -> list[tuple[int | None, float, str, int]]:
        """Give dose, week, name and lane of the review points that lie on the curve, and of evaluations by date."""
        found: list[tuple[int | None, float, str]] = [
            (review.dose, self.weeks[review.dose], word(_REVIEW_WORDS[review.kind], self.language))
            for review in self.charted.reviews_in_treatment
            if review.dose in self.weeks
        ]
        evaluation = word(Word.PERIOD_EVALUATION, self.language)
        found += [(None, weeks, evaluation) for weeks in self.charted.evaluations]
        spans = [self._centred(text, self.frame.x(weeks)) for _, weeks, text in found]
        return [(*each, lane) for each, lane in zip(found, lanes(spans), strict=True)]

    def _placed_phases(self) -> Iterator[tuple[str, float, float]]:
        """Give name, first and last week of the phases that there are."""
        charted, frame = self.charted, self.frame
        present = [phase for phase in Phase if any(each.phase is phase for each in charted.observations)]
        ended = frame.last_week if charted.ended_weeks is None else min(charted.ended_weeks, frame.last_week)
        begins = {Phase.WAITING: frame.first_week, Phase.TREATMENT: 0.0, Phase.FOLLOW_UP: ended}
        starts = [frame.first_week, *(begins[phase] for phase in present[1:])]
        ends = [*starts[1:], frame.last_week]
        for phase, first, last in zip(present, starts, ends, strict=False):
            yield say(f"phase.{phase}", self.language), first, last

    def _centred(self, text: str, x: float) -> tuple[float, float]:
        half = text_width(text, SMALL) / 2
        return x - half, x + half
