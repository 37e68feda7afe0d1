"""Where things lie in a chart, in pixels, so that no label covers another."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_NARROW: Final = frozenset("fijlrt.,:;'!|()[]-/ I")
_WIDE: Final = frozenset("mwMW%@")
_FAR: Final = 8
"""Pixels away from its point that are as bad for a label as covering something of weight 1."""
_STEPS: Final = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Frame:
    """The drawn field: which weeks and points it spans, and how large it is.

    Parameters
    ----------
    first_week, last_week : float
        Weeks since the baseline at the left and the right edge.
    lowest, highest : float
        Points at the bottom and the top edge.
    width, height : int
        Pixels.
    """

    first_week: float
    last_week: float
    lowest: float
    highest: float
    width: int
    height: int

    def x(self, weeks: float) -> float:
        """Give the pixels from the left edge."""
        return (weeks - self.first_week) / (self.last_week - self.first_week) * self.width

    def y(self, score: float) -> float:
        """Give the pixels from the top edge."""
        return (self.highest - score) / (self.highest - self.lowest) * self.height

    def weeks(self, x: float) -> float:
        """Give the weeks at so many pixels from the left edge."""
        return self.first_week + x / self.width * (self.last_week - self.first_week)

    def score(self, y: float) -> float:
        """Give the points at so many pixels from the top edge."""
        return self.highest - y / self.height * (self.highest - self.lowest)


def text_width(text: str, size: float) -> float:
    """Estimate how wide a text is, in pixels, rather too wide than too narrow.

    Examples
    --------
    >>> text_width("Week", 10)
    26.6
    """
    return round(size * sum(map(_ems, text)), 1)


def _ems(letter: str) -> float:
    if letter in _NARROW:
        return 0.36
    if letter in _WIDE:
        return 0.95
    return 0.72 if letter.isupper() or letter == "ø" else 0.57


def lanes(spans: Sequence[tuple[float, float]], gap: float = 8) -> list[int]:
    """Give each span the lowest lane in which it keeps its distance from those before it.

    Parameters
    ----------
    spans : sequence of (float, float)
        First and last pixel of each, in any order.
    gap : float
        Pixels to keep between two in one lane.

    Returns
    -------
    list of int
        The lane of each span, 0 or more.

    Examples
    --------
    >>> lanes([(0, 40), (30, 70), (60, 90)])
    [0, 1, 0]
    """
    taken: list[list[tuple[float, float]]] = []
    chosen = []
    for first, last in spans:
        free = (
            number
            for number, lane in enumerate(taken)
            if all(last + gap <= start or end + gap <= first for start, end in lane)
        )
        number = next(free, len(taken))
        if number == len(taken):
            taken.append([])
        taken[number].append((first, last))
        chosen.append(number)
    return chosen


def spaced(places: Sequence[tuple[int, float]], important: Collection[int], gap: float) -> list[int]:
    """Choose the numbers for which there is room: the important ones, and between them the multiples of one step.

    Parameters
    ----------
    places : sequence of (int, float)
        Numbers in rising order and where they lie, pixels; at least one.
    important : collection of int
        Numbers that go first, as far as they don't crowd each other.
    gap : float
        Pixels to keep between two numbers.

    Returns
    -------
    list of int
        In rising order.

    Examples
    --------
    >>> spaced([(number, 12.0 * number) for number in range(13)], important=(0, 3, 7), gap=19)
    [0, 3, 7, 10, 12]
    """
    (first, left), (last, right) = places[0], places[-1]
    step = step_of(last - first or 1, right - left or gap, gap, _STEPS)
    chosen: dict[int, float] = {}
    for wanted in (lambda number: number in important, lambda number: number % step == 0):
        for number, at in places:
            if wanted(number) and all(abs(at - other) >= gap for other in chosen.values()):
                chosen[number] = at
    return sorted(chosen)


def step_of(span: float, pixels: float, room: float, steps: Sequence[int]) -> int:
    """Give the smallest step between ticks that leaves each its room; the largest there is where none does."""
    return next((step for step in steps if step * pixels / span >= room), steps[-1])


def along(points: Sequence[tuple[float, float]], step: float) -> Iterator[tuple[float, float]]:
    """Give points along a line, no further from each other than a step; pixels.

    Examples
    --------
    >>> list(along([(0, 0), (9, 0)], step=5))
    [(0.0, 0.0), (4.5, 0.0), (9.0, 0.0)]
    """
    for (x, y), (next_x, next_y) in pairwise(points):
        parts = math.ceil(math.hypot(next_x - x, next_y - y) / step) or 1
        yield from ((x + (next_x - x) * part / parts, y + (next_y - y) * part / parts) for part in range(parts + 1))


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, pixels from the left and the top edge."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point lies in it."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True, slots=True)
class Place:
    """Where a label stands: the pixels of its edge or middle, by its alignment, and of its middle height."""

    align: str
    x: float
    y: float


_SHARE_ON_THE_LEFT: Final = {"left": 0.0, "center": 0.5, "right": 1.0}
"""How much of a label lies left of its place. An edge stays where it is in a font that is wider than ours."""


def free_place(
    anchor: tuple[float, float],
    width: float,
    height: float,
    within: Box,
    obstacles: Iterable[tuple[float, float, float]],
) -> Place:
    """Find where a label of a point covers the least.

    Parameters
    ----------
    anchor : (float, float)
        The point that it belongs to, pixels.
    width, height : float
        Size of the label, pixels.
    within : Box
        What it must not leave, if that can be helped.
    obstacles : iterable of (float, float, float)
        Points that it had better not cover, pixels, and how bad that would be.

    Returns
    -------
    Place
        The best of some thirty places around the point.
    """
    x, y = anchor
    hindrances = list(obstacles)
    rises = (0, -17, 17, -32, 32, -50, 50, -70, 70, -95, 95)
    sides = (("left", x + 11), ("center", x), ("right", x - 11))
    places = [Place(align, at, y + rise) for rise in rises for align, at in sides]

    def cost(place: Place) -> tuple[int, float]:
        left = place.x - width * _SHARE_ON_THE_LEFT[place.align]
        box = Box(left - 2, place.y - height / 2, left + width + 2, place.y + height / 2)
        corners = ((box.left, box.top), (box.right, box.bottom))
        outside = sum(not within.holds(*corner) for corner in corners)
        covered = sum(weight for x, y, weight in hindrances if box.holds(x, y))
        return outside, covered + abs(place.y - y) / _FAR

    return min(places, key=cost)
