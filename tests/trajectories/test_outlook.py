"""The curves of a chart, and the points at which to take stock."""

from __future__ import annotations

from math import log

import pytest

from app.trajectories.outlook import ReviewKind, expected_curve, review_points
from app.trajectories.policy import Plan, Policy
from app.trajectories.series import Measurement, Series
from app.trajectories.tracking import assess_each
from tests.trajectories.factories import GAD_7, PHQ_9, a_curve, a_series, at, at_doses, sessions
from tests.trajectories.oracles import slow_conditional

WINDOW, EVALUATION, END = ReviewKind.LATE_WINDOW, ReviewKind.PERIOD_EVALUATION, ReviewKind.PLANNED_END
WAITING = Series.build([Measurement(0, at(0), 15)], [])


class TestExpectedCurve:
    def test_from_the_baseline_it_is_the_band_of_the_verdicts(self) -> None:
        series = a_series([15, 14, 12, 13])
        curve = expected_curve(series, a_curve(), Policy(), Plan(planned_dose=8))
        assert curve is not None
        verdicts = assess_each(series, PHQ_9, a_curve(), Policy(), Plan(planned_dose=8))
        assert [point.dose for point in curve.from_baseline] == list(range(9))
        assert [(point.mean, (point.lower, point.upper)) for point in curve.from_baseline[1:4]] == [
            (each.expected, each.band) for each in verdicts[1:]
        ]

    def test_it_starts_at_the_baseline_itself(self) -> None:
        curve = expected_curve(a_series([15, 14]), a_curve(), Policy(), Plan())
        assert curve is not None
        start = curve.from_baseline[0]
        assert (start.dose, start.weeks, start.mean, start.lower, start.upper) == (0, 0, 15, 15, 15)

    def test_the_update_starts_at_the_newest_dose_and_uses_all_scores(self) -> None:
        scores = [16, 12, 9, 7]
        curve = expected_curve(a_series(scores), a_curve(), Policy(), Plan(planned_dose=6))
        assert curve is not None
        assert [(point.dose, point.weeks) for point in curve.updated] == [(3, 3), (4, 4), (5, 5), (6, 6)]
        observed = [(float(n), float(n), float(score)) for n, score in enumerate(scores)]
        slow = slow_conditional(a_curve(), observed, [(dose, dose) for dose in (3, 4, 5, 6)])
        assert [point.mean for point in curve.updated] == pytest.approx(
            [slow.expected(place) for place in range(4)], abs=0.0051
        )

    def test_weeks_follow_the_calendar_as_it_was_and_then_the_plan(self) -> None:
        """Weekly so far, fortnightly from here on."""
        curve = expected_curve(a_series([15, 14, 13]), a_curve(), Policy(), Plan(planned_dose=5, interval_days=14))
        assert curve is not None
        assert [point.weeks for point in curve.from_baseline] == [0, 1, 2, 4, 6, 8]

    def test_doses_without_a_score_lie_between_their_neighbours(self) -> None:
        measurements = [Measurement(n, at(week), 15) for n, week in enumerate([0, 4])]
        curve = expected_curve(Series.build(measurements, sessions(5)), a_curve(), Policy(), Plan())
        assert curve is not None
        assert [point.weeks for point in curve.from_baseline[:6]] == [0, 1, 2, 3, 4, 5]

    def test_without_a_planned_end_it_goes_to_the_next_evaluation(self) -> None:
        curve = expected_curve(a_series([15] * 4), a_curve(), Policy(), Plan())
        assert curve is not None
        assert curve.from_baseline[-1].dose == curve.updated[-1].dose == 12

    def test_natural_course_beside_it(self) -> None:
        curve = expected_curve(a_series([15, 14]), a_curve(), Policy(), Plan(planned_dose=10))
        assert curve is not None
        assert curve.natural is not None
        assert [point.weeks for point in curve.natural] == [point.weeks for point in curve.from_baseline]
        assert [curve.natural[week].score for week in (0, 10)] == pytest.approx([15, 15 - 2.55])

    def test_unknown_natural_course(self) -> None:
        curve = expected_curve(a_series([15, 14]), a_curve("gad-7"), Policy(), Plan())
        assert curve is not None
        assert curve.natural is None

    def test_a_late_baseline_starts_where_it_is(self) -> None:
        curve = expected_curve(a_series([15, 14], first_dose=9), a_curve(), Policy(), Plan())
        assert curve is not None
        assert [point.dose for point in curve.from_baseline] == [9, 10, 11, 12]

    def test_beyond_every_review_point_it_is_the_present(self) -> None:
        curve = expected_curve(a_series([15], first_dose=60), a_curve(), Policy(), Plan())
        assert curve is not None
        assert [point.dose for point in curve.from_baseline] == [60]
        assert [point.dose for point in curve.updated] == [60]

    def test_it_reaches_every_score_also_where_the_links_put_them_out_of_order(self) -> None:
        series = at_doses(a_series([15, 14, 13]), [0, 14, 2])
        curve = expected_curve(series, a_curve(), Policy(), Plan())
        assert curve is not None
        assert curve.from_baseline[-1].dose == 14

    def test_nothing_to_draw_before_treatment(self) -> None:
        assert expected_curve(WAITING, a_curve(), Policy(), Plan()) is None


class TestReviewPoints:
    @pytest.mark.parametrize(
        ("planned", "newest_dose", "points"),
        [
            (None, 2, [(7, WINDOW), (12, EVALUATION)]),
            (None, 13, [(7, WINDOW), (12, EVALUATION)]),
            (None, 21, [(7, WINDOW), (12, EVALUATION), (20, EVALUATION)]),  # reached all the same
            (6, 2, [(4, WINDOW), (6, END)]),
            (10, 2, [(7, WINDOW), (10, END)]),
            (10, 13, [(7, WINDOW), (10, END), (12, EVALUATION)]),
            (12, 2, [(7, WINDOW), (12, END)]),
            (20, 2, [(7, WINDOW), (12, EVALUATION), (20, END)]),
            (30, 2, [(7, WINDOW), (12, EVALUATION), (20, EVALUATION), (30, END)]),
            (60, 2, [(7, WINDOW), (12, EVALUATION), (20, EVALUATION), (52, EVALUATION), (60, END)]),
            (3, 2, [(3, END)]),
        ],
    )
    def test_20_and_52_only_where_the_plan_reaches_them(
        self, planned: int | None, newest_dose: int, points: list[tuple[int, ReviewKind]]
    ) -> None:
        series = a_series([15] * (newest_dose + 1))
        found = review_points(series, PHQ_9, a_curve(), Policy(), Plan(planned_dose=planned))
        assert [(point.dose, point.kind) for point in found] == points

    def test_what_is_to_be_gained_beside_what_the_calendar_brings(self) -> None:
        """At dose 2 after 20, 17, 15; dense computation for the scores, methods B8 for the natural course."""
        scores = [20, 17, 15]
        found = review_points(a_series(scores), PHQ_9, a_curve(), Policy(), Plan(planned_dose=12))
        observed = [(float(n), float(n), float(score)) for n, score in enumerate(scores)]
        slow = slow_conditional(a_curve(), observed, [(2, 2), (7, 7), (12, 12)])
        now, at_7, at_12 = map(slow.expected, range(3))
        fall = 2.55 + 0.21 * 5
        natural = [fall * (log(1 + weeks / 2) - log(2)) / log(6) for weeks in (7, 12)]
        assert [point.expected for point in found] == pytest.approx([at_7, at_12], abs=0.0051)
        assert [point.further_gain for point in found] == pytest.approx([now - at_7, now - at_12], abs=0.0051)
        assert [point.natural_further_gain for point in found] == pytest.approx(natural, abs=0.0051)
        assert [point.weeks for point in found] == [7, 12]

    def test_a_point_that_was_reached_has_no_further_gain(self) -> None:
        first, second = review_points(a_series([15] * 8), PHQ_9, a_curve(), Policy(), Plan())
        assert (first.dose, first.weeks, first.expected, first.further_gain) == (7, 7, None, None)
        assert second.expected is not None

    def test_unknown_natural_course(self) -> None:
        found = review_points(a_series([15] * 3), GAD_7, a_curve("gad-7"), Policy(), Plan())
        assert {point.natural_further_gain for point in found} == {None}
        assert all(point.further_gain is not None for point in found)

    def test_none_before_treatment(self) -> None:
        assert review_points(WAITING, PHQ_9, a_curve(), Policy(), Plan()) == ()
