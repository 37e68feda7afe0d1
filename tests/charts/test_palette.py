"""What has to be told apart can be, in grey too: contrasts by the formula of WCAG 2.2 (relative luminance)."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from app.charts import palette
from app.trajectories.progress import Signal


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour: 0 is black, 1 is white."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1 to 21."""
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_is_right() -> None:
    # WCAG: black on white is 21:1, and #767676 the lightest grey that passes 4.5:1 on white.
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") > 4.5 > contrast("#777777", "#ffffff")


GROUNDS = (palette.PAPER, palette.WINDOW, palette.BAND, palette.UNCHANGED)


@pytest.mark.parametrize("colour", [palette.INK, palette.QUIET, palette.CUTOFF])
@pytest.mark.parametrize("ground", GROUNDS)
def test_texts_can_be_read_on_every_ground(colour: str, ground: str) -> None:
    assert contrast(colour, ground) >= 4.5


LINES = {
    "scores": palette.OBSERVED_LINE,
    "expected": palette.EXPECTED_LINE,
    "ahead": palette.AHEAD_LINE,
    "natural": palette.NATURAL_LINE,
    "unchanged": palette.UNCHANGED_LINE,
    "cut-off": palette.CUTOFF_LINE,
    "review": palette.REVIEW_LINE,
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_lines_stand_out_from_every_ground(name: str, ground: str) -> None:
    assert contrast(LINES[name].colour, ground) >= 3


@pytest.mark.parametrize("edge", [palette.BAND_EDGE, palette.UNCHANGED_EDGE])
def test_the_edges_of_the_bands_stand_out_from_the_paper(edge: str) -> None:
    assert contrast(edge, palette.PAPER) >= 3


@pytest.mark.parametrize(("one", "other"), list(combinations(LINES, 2)))
def test_lines_differ_in_dash_or_in_lightness(one: str, other: str) -> None:
    first, second = LINES[one], LINES[other]
    assert first.dash != second.dash or contrast(first.colour, second.colour) >= 1.5


def test_grounds_differ_in_lightness() -> None:
    shades = [luminance(each) for each in (palette.PAPER, palette.WINDOW, palette.BAND)]
    assert all(lighter - darker >= 0.1 for lighter, darker in pairwise(shades))


SIGNALS: list[Signal | None] = [*Signal, None]


@pytest.mark.parametrize(("one", "other"), list(combinations(SIGNALS, 2)))
def test_signals_differ_in_shape_or_clearly_in_lightness(one: Signal | None, other: Signal | None) -> None:
    first, second = palette.POINTS[one], palette.POINTS[other]
    assert first.shape != second.shape or contrast(first.fill, second.fill) >= 3


@pytest.mark.parametrize("signal", SIGNALS)
def test_every_signal_has_an_outline_that_stands_out(signal: Signal | None) -> None:
    assert palette.POINT_MARK["stroke"] == palette.INK
    for ground in GROUNDS:
        assert contrast(palette.INK, ground) >= 3
    assert contrast(palette.POINTS[signal].fill, palette.INK) >= 2
