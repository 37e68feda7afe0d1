"""What chance decides of an organisation's episodes: courses of the simulator's, and what lies around them.

Each session has a score an hour before it, and each episode is closed. There is no score in the waiting time or after
the treatment, no second respondent and no second measure: a report has the same number of questions without them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.scales.change import ChangeCriteria
from app.trajectories.growth import default_curve
from app.trajectories.prediction import IntArray
from app.trajectories.scenarios import Scenario, world
from app.trajectories.simulation import Leaving, Occasions, simulate

MEASURE = "phq-9"
FIRST_YEAR, YEARS = 2020, 6
MOST = 20
"""Sessions of an episode."""

_LEAVES = 0.1
_NEVER_CAME, _CAME_ONCE = 0.08, 0.10
_PUT_OFF = 0.15
"""How often a session lies a week later than it would."""

_DROPS_OUT = 0.3
_WORSE = (Scenario.WORSE_SERVICE, Scenario.FORTNIGHTLY, Scenario.MANY_LATE)
_GENERATOR = np.random.Generator


def scores_of(rng: _GENERATOR, criteria: ChangeCriteria, services: IntArray) -> IntArray:
    """Draw the course of each episode, shape (episodes, MOST); -1 after the last score.

    One service in five is as a scenario of the simulator has it, the others as the engine believes.
    """
    curve = default_curve(MEASURE)
    assert curve is not None, "the measure has a curve"
    scores = np.full((len(services), MOST), -1)
    for service in np.unique(services):
        scenario = _WORSE[service % len(_WORSE)] if service % 5 == 0 else Scenario.WELL_SPECIFIED
        there = world(scenario, curve, criteria)
        occasions = Occasions(tuple(range(MOST)), there.interval_weeks)
        own = np.flatnonzero(services == service)
        drawn = simulate(rng, there.truth, occasions, len(own), Leaving(always=_LEAVES)).scores
        scores[own] = np.where(np.isnan(drawn), -1, drawn)
    chance = rng.random(len(services))
    scores[chance < _NEVER_CAME] = -1
    scores[(chance >= _NEVER_CAME) & (chance < _NEVER_CAME + _CAME_ONCE), 1:] = -1
    return scores


def days_of(rng: _GENERATOR, count: int, interval_days: IntArray) -> IntArray:
    """Draw on which day since the first session each one lies, shape (episodes, MOST)."""
    gaps = interval_days[:, None] + 7 * (rng.random((count, MOST)) < _PUT_OFF)
    gaps[:, 0] = 0
    return np.cumsum(gaps, axis=1)


def draw(
    rng: _GENERATOR, criteria: ChangeCriteria, count: int, services: int, therapists: int, programmes: int
) -> tuple[np.ndarray, IntArray, IntArray]:
    """Draw episodes: a row of figures each, and scores and days of their sessions.

    Returns
    -------
    episodes : structured ndarray, shape (count,)
        The figures; days are counted from the first one of `FIRST_YEAR`, indexes from 0.
    scores, days : ndarray of int, shape (count, MOST)
    """
    assert criteria.reliable_change is not None, "the measure has a reliable change"
    service = rng.integers(services, size=count)
    scores = scores_of(rng, criteria, service)
    interval_days = np.where(rng.random(count) < 0.3, 14, 7)
    days = days_of(rng, count, interval_days)
    held = (scores >= 0).sum(axis=1)
    last = np.maximum(held - 1, 0)
    rows = np.arange(count)
    dropped_out = (held > 0) & (rng.random(count) < _DROPS_OUT)
    waited = rng.integers(3, 60, size=count)
    after_last = np.where(dropped_out, 70, rng.integers(0, 15, size=count))
    closed = rng.integers(365 * YEARS, size=count)
    span = np.where(held > 0, waited + days[rows, last] + after_last, 90)
    better = (scores[:, :1] - scores >= criteria.reliable_change) & (scores >= 0)
    figures = {
        "n": rows,
        "service": service,
        # Twenty therapists to a service.
        "therapist": service * (therapists // services) + rng.integers(therapists // services, size=count),
        "programme": rng.integers(programmes, size=count),
        "pathway": rng.integers(1, 4, size=count),
        "sex": rng.choice(3, p=(0.62, 0.36, 0.02), size=count),
        "birth_year": closed // 365 + FIRST_YEAR - 16 - rng.gamma(4, 6, size=count).astype(np.int64),
        "language": rng.choice(3, p=(0.8, 0.12, 0.08), size=count),
        "area": rng.integers(6, size=count),
        "closed": closed,
        "opened": closed - span,
        "waited": waited,
        "interval_days": interval_days,
        "held": held,
        "dropped_out": dropped_out,
        "treated_days": days[rows, last],
        "first": scores[:, 0],
        "last": scores[rows, last],
        "improved_at": np.where(better.any(axis=1), better.argmax(axis=1), -1),
    }
    return _rows(figures, count), scores, days


def _rows(figures: dict[str, IntArray], count: int) -> np.ndarray:
    made = np.empty(count, dtype=[(name, np.int32) for name in figures])
    for name, values in figures.items():
        made[name] = values
    return made


def long(episodes: np.ndarray, scores: IntArray, days: IntArray) -> np.ndarray:
    """Give a row for each score: episode, which one, its day and its points."""
    kept = scores >= 0
    number, index = np.nonzero(kept)
    first_day = episodes["opened"] + episodes["waited"]
    return _rows(
        {"n": number, "i": index, "day": first_day[number] + days[kept], "score": scores[kept]}, int(kept.sum())
    )


def names(columns: Sequence[str]) -> str:
    """Give the columns of a table of such rows, as SQL declares them."""
    return ", ".join(f"{name} integer not null" for name in columns)
