"""Where labels lie. Expected places: arithmetic by hand; the rules hold for any labels."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts.layout import Box, Frame, Place, free_place, lanes, spaced, step_of, text_width
from app.texts.catalogue import LANGUAGES, say
from tests.charts.scenes import width
from tests.texts.test_messages import MESSAGES, placeholders

FRAME = Frame(first_week=-2, last_week=8, lowest=0, highest=20, width=500, height=200)


def test_a_frame_counts_weeks_from_the_left_and_points_from_the_bottom() -> None:
    assert [FRAME.x(weeks) for weeks in (-2, 0, 8)] == [0, 100, 500]
    assert [FRAME.y(score) for score in (20, 15, 0)] == [0, 50, 200]


@given(st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_pixels_and_units_lead_back_to_each_other(x: float, y: float) -> None:
    assert FRAME.x(FRAME.weeks(x)) == pytest.approx(x, abs=1e-9)
    assert FRAME.y(FRAME.score(y)) == pytest.approx(y, abs=1e-9)


DRAWN = ("chart.", "verdict_word.", "signal_word.", "phase.", "band.")
IN_A_CHART = [key for key, text in MESSAGES.items() if key.startswith(DRAWN) and not placeholders(text["nb"])]


@pytest.mark.parametrize("key", IN_A_CHART)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_never_taken_for_narrower_than_it_is(key: str, language: str) -> None:
    text = say(key, language)
    assert width(text, 10) <= text_width(text, 10) <= 1.4 * width(text, 10)


starts_and_lengths = st.tuples(st.floats(0, 300), st.floats(1, 80))
spans = st.lists(starts_and_lengths.map(lambda each: (each[0], each[0] + each[1])), max_size=8)


@given(spans)
def test_spans_in_one_lane_keep_their_distance_and_no_lane_is_skipped(found: list[tuple[float, float]]) -> None:
    chosen = lanes(found, gap=5)
    assert set(chosen) == set(range(len(set(chosen))))
    for place, (first, last) in enumerate(found):
        for other, (start, end) in enumerate(found[:place]):
            if chosen[place] == chosen[other]:
                assert last + 5 <= start or end + 5 <= first
        # Not a lane higher than needed.
        for lower in range(chosen[place]):
            taken = [each for other, each in enumerate(found[:place]) if chosen[other] == lower]
            assert any(not (last + 5 <= start or end + 5 <= first) for start, end in taken)


@given(st.lists(st.floats(0.5, 60), min_size=1, max_size=60), st.sets(st.integers(0, 60)))
def test_numbers_keep_their_distance_and_important_ones_go_first(gaps: list[float], important: set[int]) -> None:
    places, at = [], 0.0
    for number, gap in enumerate(gaps):
        at += gap
        places.append((number, at))
    chosen = spaced(places, important, gap=19)
    pixels = [dict(places)[number] for number in chosen]
    assert chosen == sorted(chosen)
    assert all(later - earlier >= 19 for earlier, later in pairwise(pixels))
    # An important number is left out only for another one.
    for number, pixel in places:
        if number in important and number not in chosen:
            assert any(abs(dict(places)[each] - pixel) < 19 for each in chosen if each in important)


def test_with_room_for_all_every_number_is_there() -> None:
    assert spaced([(number, 40.0 * number) for number in range(6)], (), gap=19) == list(range(6))
    assert spaced([(4, 10.0)], (), gap=19) == [4]


@pytest.mark.parametrize(("span", "step"), [(10, 1), (30, 2), (60, 5), (100000, 10)])
def test_ticks_have_room(span: float, step: int) -> None:
    # 500 pixels, 30 for each: 16 ticks. 10 weeks take 10, 30 take 15 of two, 60 take 12 of five.
    assert step_of(span, 500, 30, (1, 2, 5, 10)) == step


FIELD = Box(0, 0, 600, 300)


def test_a_label_stands_beside_its_point_where_nothing_is_in_the_way() -> None:
    assert free_place((300, 150), 80, 15, FIELD, []) == Place("left", 311, 150)
    # Near the right edge there is no room on the right.
    assert free_place((520, 150), 80, 15, FIELD, [(520, 150, 5)]) == Place("right", 509, 150)


def test_a_label_goes_where_it_covers_less() -> None:
    beside = [(x, 150.0, 5.0) for x in range(0, 600, 4)]
    assert free_place((300, 150), 80, 15, FIELD, beside) == Place("left", 311, 133)
    above = [(x, 133.0, 5.0) for x in range(0, 600, 4)]
    assert free_place((300, 150), 80, 15, FIELD, [*beside, *above]) == Place("left", 311, 167)


@given(st.floats(0, 600), st.floats(0, 300))
def test_a_label_stays_in_the_field_and_beside_its_point(x: float, y: float) -> None:
    found = free_place((x, y), 150, 15, FIELD, [(x, y, 1000)])
    left = found.x - {"left": 0, "center": 75, "right": 150}[found.align]
    assert left >= 2
    assert left + 152 <= 600
    assert 7.5 <= found.y <= 292.5
    assert not (left <= x <= left + 150 and abs(found.y - y) <= 7.5)
