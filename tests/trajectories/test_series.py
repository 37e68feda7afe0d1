"""From events to dose, phase, baseline and weeks."""

from __future__ import annotations

from datetime import timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.trajectories.series import CountedSession, Measurement, Observation, Phase, Series, Timing, dose_at
from tests.trajectories.factories import a_series, at, sessions

WAITING, TREATMENT, FOLLOW_UP = Phase.WAITING, Phase.TREATMENT, Phase.FOLLOW_UP
NAIVE = at(0).replace(tzinfo=None)


def scored(weeks: float, score: float = 15, name: str | None = None) -> Measurement:
    return Measurement(name or f"at {weeks:+.3f}", at(weeks), score)


class TestDose:
    """Sessions 0, 1, 2 and 3 are an hour after the turn of week 0, 1, 2 and 3."""

    @pytest.mark.parametrize(
        ("weeks", "dose"),
        [(-1, 0), (0, 0), (0.5, 1), (1, 1), (1.5, 2), (9, 4)],
    )
    def test_without_a_link_the_clock_counts(self, weeks: float, dose: int) -> None:
        assert dose_at(scored(weeks), sessions(4)) == dose

    @pytest.mark.parametrize(
        ("session_id", "timing", "dose"),
        [
            (0, Timing.BEFORE, 0),  # a measure before session n has dose n - 1
            (2, Timing.BEFORE, 2),
            (2, Timing.AFTER, 3),
            (3, Timing.AFTER, 4),
            (2, Timing.BETWEEN, 1),  # the clock: half an hour before session 1
            (2, None, 1),
        ],
    )
    def test_a_link_says_more_than_the_clock(self, session_id: int, timing: Timing | None, dose: int) -> None:
        linked = Measurement("linked", at(1) + timedelta(minutes=30), 15, session_id, timing)
        assert dose_at(linked, sessions(4)) == dose

    @pytest.mark.parametrize("timing", [Timing.BEFORE, Timing.AFTER])
    def test_a_linked_session_that_was_not_attended_gives_the_moment_only(self, timing: Timing) -> None:
        missed = Measurement("linked", at(1.5), 15, "missed", timing, session_starts_at=at(3))
        assert dose_at(missed, sessions(4)) == 3

    @pytest.mark.parametrize("timing", [Timing.BEFORE, Timing.AFTER])
    def test_an_unknown_linked_session_leaves_the_clock(self, timing: Timing) -> None:
        assert dose_at(Measurement("linked", at(1.5), 15, "unknown", timing), sessions(4)) == 2

    @pytest.mark.parametrize(
        ("weeks", "session"),
        [(-3, 1), (0, 1), (0.2, 1), (0.4, 1), (0.6, 2), (1, 2), (2.9, 4), (9, 4)],
    )
    def test_a_score_is_given_with_the_nearest_session(self, weeks: float, session: int) -> None:
        """Half way between two is 0.5 weeks and an hour."""
        [found] = Series.build([scored(weeks)], sessions(4)).observations
        assert found.session == session

    def test_of_two_as_near_it_is_the_coming_one_and_a_link_says_more(self) -> None:
        between = at(0.5) + timedelta(hours=1)
        near = Measurement("near", between, 15)
        linked = Measurement("linked", at(2), 15, 0, Timing.AFTER)
        missed = Measurement("missed", at(2.2), 15, "missed", Timing.AFTER, at(1))
        found = Series.build([near, linked, missed], sessions(4)).observations
        assert [each.session for each in found] == [2, 1, 3]
        assert Series.build([near], []).observations[0].session is None

    def test_a_late_attendance_correction_lowers_what_follows(self) -> None:
        attended = sessions(4)
        measurements = [scored(week) for week in range(4)]
        assert [each.dose for each in Series.build(measurements, attended).observations] == [0, 1, 2, 3]
        corrected = [attended[0], *attended[2:]]
        assert [each.dose for each in Series.build(measurements, corrected).observations] == [0, 1, 1, 2]

    def test_a_link_can_put_a_later_score_at_a_lower_dose(self) -> None:
        by_clock = scored(2.5)
        by_link = Measurement("linked", at(2.6), 14, 1, Timing.BEFORE)
        series = Series.build([scored(0), by_clock, by_link], sessions(4))
        assert [(each.dose, round(each.weeks, 1)) for each in series.observations] == [(0, 0.0), (3, 2.5), (1, 2.6)]


class TestBaseline:
    @pytest.mark.parametrize(
        ("weeks", "index", "late"),
        [
            ([-3, -1, 0.5, 1.5], 1, False),  # the last at dose 0
            ([-3.9, 0.5], 0, False),  # 27 days and 7 hours old
            ([-4.1, 0.5], 0, False),  # too old to be preferred, but still the first at dose <= 1
            ([-8, -6, 0.5, 1.5], 0, False),
            ([0.5, 0.8, 1.5], 0, False),  # the first at dose 1
            ([1.5, 2.5, 3.5], 0, True),  # treatment was well under way
        ],
    )
    def test_three_rules_in_order(self, weeks: list[float], index: int, late: bool) -> None:
        series = Series.build(map(scored, weeks), sessions(4))
        assert (series.baseline_index, series.late_baseline) == (index, late)

    @pytest.mark.parametrize(("minutes_more", "index"), [(0, 1), (1, 0)])
    def test_twenty_eight_days_are_still_within_twenty_eight_days(self, minutes_more: int, index: int) -> None:
        first = sessions(1)[0]
        referral = Measurement("referral", first.starts_at - timedelta(days=60), 15)
        recent = Measurement("recent", first.starts_at - timedelta(days=28, minutes=minutes_more), 15)
        assert Series.build([referral, recent], [first]).baseline_index == index

    def test_until_a_session_counts_the_first_score_is_the_baseline(self) -> None:
        series = Series.build([scored(0), scored(1)], [])
        assert (series.baseline_index, series.late_baseline, series.sessions_counted) == (0, False, 0)

    def test_no_score_no_baseline(self) -> None:
        series = Series.build([], sessions(2))
        assert (series.baseline_index, series.observations, series.treated()) == (None, (), ())


class TestPhase:
    def test_waiting_treatment_follow_up(self) -> None:
        weeks = [-6, -2, -1, 0.5, 2, 3.5, 9]
        series = Series.build(map(scored, weeks), sessions(4), treatment_ended_at=at(3.5))
        assert [each.phase for each in series.observations] == [WAITING, WAITING, *[TREATMENT] * 4, FOLLOW_UP]
        assert [round(each.weeks, 1) for each in series.observations] == [-5, -1, 0, 1.5, 3, 4.5, 10]
        assert series.treated() == series.observations[2:6]

    def test_everything_is_waiting_until_a_session_counts(self) -> None:
        series = Series.build([scored(0), scored(1)], [])
        assert {each.phase for each in series.observations} == {WAITING}
        assert series.treated() == ()

    def test_waiting_goes_on_after_an_old_baseline(self) -> None:
        series = Series.build(map(scored, [-8, -6, 0.5]), sessions(2))
        assert [each.phase for each in series.observations] == [TREATMENT, WAITING, TREATMENT]
        assert [each.weeks for each in series.treated()] == [0, pytest.approx(8.5)]

    def test_a_first_score_after_the_end_is_follow_up(self) -> None:
        series = Series.build([scored(9), scored(10)], sessions(4), treatment_ended_at=at(4))
        assert {each.phase for each in series.observations} == {FOLLOW_UP}
        assert series.treated() == ()


class TestOrder:
    @given(st.permutations(range(8)), st.permutations(range(5)))
    def test_the_order_of_the_input_is_irrelevant(self, scores: list[int], order: list[int]) -> None:
        measurements = [scored(week - 1.5, score) for week, score in enumerate([18, 17, 15, 16, 12, 11, 9, 8])]
        attended = sessions(5)
        mixed = Series.build([measurements[place] for place in scores], [attended[place] for place in order])
        assert mixed == Series.build(measurements, attended)

    def test_scores_of_one_moment_are_ordered_by_identity(self) -> None:
        pair = [scored(1, 12, "b"), scored(1, 14, "a")]
        series = Series.build([scored(0), *pair], sessions(2))
        assert [each.administration_id for each in series.observations] == ["at +0.000", "a", "b"]

    def test_baselines_and_weeks_do_not_depend_on_the_date(self) -> None:
        shift = timedelta(days=4000, hours=5)
        measurements = [scored(week) for week in (-2, -1, 0.5, 3)]
        moved = [Measurement(each.administration_id, each.completed_at + shift, each.score) for each in measurements]
        attended = [CountedSession(each.session_id, each.starts_at + shift) for each in sessions(4)]
        here = Series.build(measurements, sessions(4), at(2))
        there = Series.build(moved, attended, at(2) + shift)
        assert [(each.dose, each.weeks, each.phase) for each in here.observations] == [
            (each.dose, each.weeks, each.phase) for each in there.observations
        ]


class TestUntil:
    def test_keeps_the_rows_up_to_an_observation(self) -> None:
        series = Series.build(map(scored, [-3, -1, 0.5, 1.5]), sessions(4))
        assert series.until(2).observations == series.observations[:3]
        assert series.until(2).baseline_index == 1
        assert series.until(3) == series

    def test_has_no_baseline_before_the_baseline(self) -> None:
        early = Series.build(map(scored, [-3, -1, 0.5]), sessions(4)).until(0)
        assert (early.baseline_index, early.late_baseline, early.treated()) == (None, False, ())

    def test_keeps_a_late_baseline_late(self) -> None:
        assert a_series([15, 14, 13], first_dose=3).until(1).late_baseline

    @pytest.mark.parametrize("index", [-1, 3])
    def test_refuses_a_place_outside_the_series(self, index: int) -> None:
        with pytest.raises(InvalidSeries, match="no observation at that position"):
            a_series([15, 14, 13]).until(index)


class TestRefusals:
    @pytest.mark.parametrize("score", [nan, inf, -inf])
    def test_a_score_is_a_finite_number(self, score: float) -> None:
        with pytest.raises(InvalidSeries, match="finite number"):
            scored(0, score)

    def test_times_carry_a_zone(self) -> None:
        with pytest.raises(InvalidSeries, match="starts_at must carry a time zone"):
            CountedSession(1, NAIVE)
        with pytest.raises(InvalidSeries, match="completed_at must carry a time zone"):
            Measurement("a", NAIVE, 15)
        with pytest.raises(InvalidSeries, match="session_starts_at must carry a time zone"):
            Measurement("a", at(0), 15, 1, Timing.BEFORE, session_starts_at=NAIVE)
        with pytest.raises(InvalidSeries, match="treatment_ended_at must carry a time zone"):
            Series.build([scored(0)], sessions(1), NAIVE)

    def test_nothing_comes_twice(self) -> None:
        with pytest.raises(InvalidSeries, match="each administration may come only once"):
            Series.build([scored(0, name="a"), scored(1, name="a")], sessions(1))
        with pytest.raises(InvalidSeries, match="each session may come only once"):
            Series.build([scored(0)], [*sessions(1), *sessions(1)])

    def test_a_series_is_in_time_order_and_holds_its_baseline(self) -> None:
        one, two = (Observation(week, at(week), 15, week, week, TREATMENT) for week in (0, 1))
        with pytest.raises(InvalidSeries, match="time order"):
            Series((two, one), 0, late_baseline=False, sessions_counted=1)
        with pytest.raises(InvalidSeries, match="one of the observations"):
            Series((one, two), 2, late_baseline=False, sessions_counted=1)
