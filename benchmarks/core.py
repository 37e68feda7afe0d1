"""How long the pure core takes for a verdict and for a score, without server and database."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np

from app.scales.answers import read_answers
from app.scales.catalogue import catalogue
from app.scales.columns import NOT_ANSWERED, Codes, score_columns
from app.scales.scoring import score
from app.trajectories.course import Course
from app.trajectories.growth import default_curve
from app.trajectories.policy import Plan, Policy
from app.trajectories.series import CountedSession, Measurement, Series
from app.trajectories.tracking import assess, assess_many

_WEEKS = 20
_COURSES = 500
_PATIENTS_OF_LONG_BATCH = 25
_SCORINGS = 2000
_REPETITIONS = 5
_MANY = 1_000_000

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class CoreTime:
    """Median time that the core takes for one of what is named."""

    work: str
    microseconds: float


def measure_core() -> list[CoreTime]:
    """Time the core; each repetition has courses that nobody has seen, so that no cache has their answer."""
    rng = np.random.default_rng(11)
    newest_only = _WEEKS - 1
    return [
        CoreTime(
            "verdict on the newest of 20 scores, one by one",
            _time(lambda: _courses(rng, _COURSES, newest_only), _assess_one_by_one, _COURSES),
        ),
        CoreTime(
            "the same, 500 patients at once", _time(lambda: _courses(rng, _COURSES, newest_only), assess_many, _COURSES)
        ),
        CoreTime(
            "verdict on each of 20 scores, 25 patients at once",
            _time(lambda: _courses(rng, _PATIENTS_OF_LONG_BATCH, 0), assess_many, _PATIENTS_OF_LONG_BATCH * _WEEKS),
        ),
        *(_scoring(key, rng) for key in sorted(catalogue())),
        CoreTime(
            "scoring a phq-9 among a million of them, as columns", _time(lambda: _million(rng), _score_columns, _MANY)
        ),
    ]


def _time(prepare: Callable[[], Done], work: Callable[[Done], object], number: int) -> float:
    """Give the median of some repetitions, in microseconds for one of `number`; the preparation is not in it."""
    times = []
    for _ in range(_REPETITIONS):
        prepared = prepare()
        began = time.perf_counter()
        work(prepared)
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) / number * 1e6, 2)


def _courses(rng: np.random.Generator, number: int, first: int) -> list[Course]:
    """Make courses of weekly PHQ-9 scores, one before each session."""
    instrument = catalogue()["phq-9"]
    criteria, curve = instrument.forms[0].subscale(instrument.main_subscale).criteria, default_curve("phq-9")
    assert criteria is not None
    assert curve is not None
    weeks = [datetime(2024, 1, 1, 9, tzinfo=UTC) + timedelta(weeks=week) for week in range(_WEEKS)]
    sessions = [CountedSession(week, at + timedelta(hours=1)) for week, at in enumerate(weeks)]
    made = []
    for _ in range(number):
        course = rng.normal(15, 3) - rng.normal(0.4, 0.3) * np.arange(_WEEKS) + rng.normal(0, 2.5, _WEEKS)
        scores = [
            Measurement(n, at, float(np.clip(round(x), 0, 27)))
            for n, (at, x) in enumerate(zip(weeks, course, strict=True))
        ]
        made.append(Course(Series.build(scores, sessions), criteria, curve, Policy(), Plan(), first=first))
    return made


def _assess_one_by_one(courses: Sequence[Course]) -> None:
    for each in courses:
        assess(each.series, each.criteria, each.curve, each.policy, each.plan)


def _million(rng: np.random.Generator) -> Codes:
    """Draw a million PHQ-9, one item in fifty left blank."""
    codes = rng.integers(0, 4, (_MANY, 10)).astype(np.int16)
    codes[rng.random(codes.shape) < 1 / 50] = NOT_ANSWERED
    return codes


def _score_columns(codes: Codes) -> None:
    score_columns(catalogue()["phq-9"].form(None), codes)


def _scoring(key: str, rng: np.random.Generator) -> CoreTime:
    """Time the scoring of an instrument's first form, with one item left blank where that is allowed."""
    form = catalogue()[key].forms[0]

    def answered() -> list[dict[str, float]]:
        offered = {item.number: [item.choices.answer(code) for code in item.codes] for item in form.items}
        drawn = {number: rng.integers(len(answers), size=_SCORINGS) for number, answers in offered.items()}
        return [
            {number: answers[drawn[number][place]] for number, answers in offered.items()} for place in range(_SCORINGS)
        ]

    def score_all(given: list[dict[str, float]]) -> None:
        for answers in given:
            score(form, read_answers(form, answers))

    return CoreTime(f"reading and scoring a {key}", _time(answered, score_all, _SCORINGS))
