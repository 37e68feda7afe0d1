"""Courses that a chart has to show: those that a clinic sees, and those at the edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from app.charts.charted import ChartedSeries, judged_afresh
from app.scales.catalogue import instrument
from app.scales.norms import Norm
from app.trajectories.policy import Plan, Policy
from app.trajectories.series import CountedSession, Measurement, Series
from tests.trajectories.factories import a_curve, at, sessions


def charted(
    scores: Sequence[float],
    *,
    key: str = "phq-9",
    planned_dose: int | None = None,
    every_weeks: float = 1,
    waiting: Sequence[tuple[float, float]] = (),
    after: Sequence[tuple[float, float]] = (),
    attended: bool = True,
    crisis_pause: bool = False,
) -> ChartedSeries:
    """Give a series with one score an hour before each session; others by week and score."""
    held = sessions(len(scores), interval_weeks=every_weeks) if attended else []
    weekly = [(number * every_weeks, score) for number, score in enumerate(scores)]
    placed = enumerate([*waiting, *weekly, *after])
    measurements = [Measurement(f"{number:03}", at(weeks), score) for number, (weeks, score) in placed]
    ended_at = at((len(scores) - 1) * every_weeks) + timedelta(days=1) if after else None
    plan = Plan(planned_dose=planned_dose, interval_days=int(7 * every_weeks), crisis_pause=crisis_pause)
    series = Series.build(measurements, held, ended_at)
    shown = judged_afresh(instrument(key), series, a_curve(key), Policy(), plan)
    if ended_at is None:
        return shown
    return replace(shown, ended_weeks=(len(scores) - 1) * every_weeks + 1 / 7)


def by_months(
    scores: Sequence[tuple[float, float]],
    *,
    key: str = "sdq",
    form: str | None = "parent-4-17",
    norm: Norm | None = None,
    ended_weeks: float | None = None,
) -> ChartedSeries:
    """Give a series without a curve, by week and score, with a session every fortnight from week 0 on."""
    measurements = [Measurement(f"{number:03}", at(weeks), score) for number, (weeks, score) in enumerate(scores)]
    ended_at = None if ended_weeks is None else at(ended_weeks)
    series = Series.build(measurements, sessions(12, interval_weeks=2), ended_at)
    answered = instrument(key).form(form)
    shown = judged_afresh(instrument(key), series, None, Policy(), Plan(), form=answered, norm=norm)
    return replace(shown, ended_weeks=ended_weeks)


def in_record_mode(shown: ChartedSeries) -> ChartedSeries:
    return replace(shown, curve=None, reviews=(), judged={})


def late_baseline(sessions_before: int = 5) -> ChartedSeries:
    """The first score came after some sessions."""
    held = [CountedSession(number, at(number)) for number in range(9)]
    first, scores = sessions_before - 0.5, enumerate((16, 15, 15, 13))
    found = [Measurement(f"{number:03}", at(first + number), score) for number, score in scores]
    series = Series.build(found, held)
    return judged_afresh(instrument("phq-9"), series, a_curve(), Policy(), Plan(planned_dose=12))


def _year() -> list[float]:
    """A course of 52 sessions that falls slowly and wavers."""
    return [round(19 - 2.6 * math.log1p(number) + 2.2 * math.sin(2.4 * number)) for number in range(52)]


CASES = {
    "early responder": charted([18, 13, 9, 8, 7, 6, 7, 5], planned_dose=12),
    "late responder, pending": charted([17, 18, 16, 17, 17, 16], planned_dose=20),
    "late responder": charted([17, 18, 16, 17, 17, 16, 14, 11, 9, 8], planned_dose=20),
    "deterioration, unconfirmed": charted([14, 13, 15, 16, 21], planned_dose=10),
    "deterioration, confirmed": charted([14, 15, 16, 21, 22], planned_dose=10),
    "time for review": charted([17, 18, 16, 17, 17, 16, 18, 17, 17], planned_dose=12),
    "no natural course": charted([15, 14, 12, 12, 10, 9, 7], key="gad-7", planned_dose=10),
    "one score": charted([16]),
    "52 sessions": charted(_year(), planned_dose=52),
    "waiting time": charted([17, 15, 14, 12, 11], planned_dose=10, waiting=[(-10, 19), (-6, 21), (-3, 18)]),
    "follow-up": charted([17, 15, 14, 12, 11, 9, 8, 7], planned_dose=8, waiting=[(-4.2, 16)], after=[(20, 6), (33, 9)]),
    "long waiting time": charted([17, 15], planned_dose=8, waiting=[(-70, 19)]),
    "left early": charted([17, 16, 15], planned_dose=12, after=[(14, 12)]),
    "started below the cut-off": charted([7, 6, 7, 8, 5], planned_dose=10),
    "every other week": replace(
        charted([21, 19, 20, 17, 13, 14, 10, 9], every_weeks=2, planned_dose=14), stale=True, set_aside=2
    ),
    "four sessions": charted([15, 14, 12, 11], planned_dose=4),
    "planned end near an evaluation": charted([15, 17, 12, 13, 15, 14, 11, 12, 13, 11, 11, 10, 12], planned_dose=14),
    "crisis": charted([20, 22, 24, 24, 26], planned_dose=10, crisis_pause=True),
    "floor": charted([12, 8, 4, 2, 1, 0, 0, 0, 0], planned_dose=10),
    "ceiling": charted([27, 27, 26, 27, 27, 27, 26, 27], planned_dose=20),
    "late baseline": late_baseline(),
    "record mode": in_record_mode(charted([16, 12, 9, 7])),
    "record mode, waiting time": in_record_mode(charted([16, 12, 9, 7], key="gad-7", waiting=[(-5, 11)])),
    "no session yet": charted([15, 22], attended=False),
    "no score": replace(charted([], attended=False), set_aside=1),
    "half a year, better": by_months([(0, 20), (26, 10)]),
    "half a year, no change": by_months([(-9, 24), (0, 20), (26, 19)], form="self-11-17"),
    "a year and more, worse": by_months([(0, 20), (13, 19), (26, 18), (54, 30)]),
    "before half a year": by_months([(0, 20)], form="teacher-4-17"),
    "follow-up after months": by_months([(0, 22), (26, 14), (52, 9)], ended_weeks=30),
    "months in record mode": in_record_mode(by_months([(0, 20), (26, 10)])),
    "a form without any figures": by_months([(0, 20), (26, 10)], form="parent-2-4"),
    "published points": by_months([(-8, 26), (0, 24), (1, 22), (2, 19), (4, 14)], key="core-10", form=None),
    "published points, higher is better": by_months([(0, 20), (2, 22), (4, 26)], key="ors", form="adult"),
    "one score in record mode": in_record_mode(charted([9])),
}
