"""Which episodes a report is about, and the counted cells that its figures are made of.

A cell says how many episodes were alike in what it names. There are as many as there are kinds of episodes, however
many episodes there are, and no cell says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from app.errors import MalformedBody

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199
WINDOW_YEARS: Final = 3
"""How many years small services put together; there is no other window, so that few can be subtracted."""


class Dimension(StrEnum):
    """By what episodes are compared; a report has one at most."""

    SERVICE = "service"
    PROGRAMME = "programme"
    PATHWAY = "pathway"
    SEX = "sex"
    AGE_BAND = "age_band"
    LANGUAGE = "language"
    RESPONDENT = "respondent"
    BASELINE_THIRD = "baseline_third"
    PROBLEM_AREA = "problem_area"
    THERAPIST = "therapist"
    INTERVAL = "interval"
    """Weekly, fortnightly, or more seldom."""


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar year, or three of them; episodes belong to the year in which they were closed.

    Raises
    ------
    MalformedBody
        If it is not one of the two, or there was no such year.
    """

    last_year: int
    years: int = 1

    def __post_init__(self) -> None:
        if self.years not in (1, WINDOW_YEARS):
            raise MalformedBody("a report is of one year or of three", pointer="/years", allowed="1 or 3")
        if not FIRST_YEAR <= self.last_year <= LAST_YEAR:
            raise MalformedBody(
                "there is no record of that year", pointer="/year", allowed=f"{FIRST_YEAR} to {LAST_YEAR}"
            )

    @property
    def first_year(self) -> int:
        """The first of its years."""
        return self.last_year - self.years + 1

    def holds(self, year: int) -> bool:
        """Tell whether a year is one of its years."""
        return self.first_year <= year <= self.last_year


STEPS: Final = (3, 6, 7, 10, 14, 20, 30, 40, 52)
"""Sessions by which something has happened or not: 3, 7, 20 and 52 are the marks; after 6, response is late."""


class Event(IntEnum):
    """What ended the time until a first reliable improvement."""

    ENDED = 0
    """As planned or agreed, without improvement: nobody knows what more sessions would have brought."""
    IMPROVED = 1
    DROPPED_OUT = 2


class Started(NamedTuple):
    """Closed episodes by how much help there was."""

    year: int
    service: str
    value: str | None
    sessions: int
    """0, 1, or 2 for two and more."""
    episodes: int


class Measured(NamedTuple):
    """Closed episodes that have the measure, by what became of it."""

    year: int
    service: str
    value: str | None
    baseline: float | None
    """None for the composite, which has no score of its own, and where it is not asked for."""
    sessions: int
    paired: bool
    change: int | None
    case_at_start: bool | None
    case_at_end: bool | None
    episodes: int


class Pair(NamedTuple):
    """First and last score."""

    year: int
    value: str | None
    baseline: float
    last: float
    episodes: int


class Lasting(NamedTuple):
    """A first score with all the last ones that lie at the same dose and week after it, summed."""

    year: int
    value: str | None
    baseline: float
    dose: int
    weeks: int
    episodes: int
    last: float
    """Sum of the last scores."""
    squares: float
    """Sum of their squares."""


class First(NamedTuple):
    """When improvement first became reliable, or the episode ended without it."""

    year: int
    value: str | None
    sessions: int
    """At which it became so, or after which the episode ended."""
    event: int
    """As :class:`Event`."""
    episodes: int


class Step(NamedTuple):
    """The same in steps of sessions, for all of the organisation."""

    year: int
    service: str
    value: str | None
    step: int
    """Place among :data:`STEPS`; one more for later than all of them."""
    event: int
    episodes: int


class Reached(NamedTuple):
    """How many sessions there were, and whether the last score was reliably better and below the cut-off."""

    year: int
    service: str
    step: int
    good_enough: bool
    episodes: int


class Unpaired(NamedTuple):
    """A first score without a later one, and how long the treatment went on."""

    year: int
    baseline: float
    dose: int
    interval_days: int | None
    episodes: int


class OfTherapist(NamedTuple):
    """What is needed of a therapist's pairs: their number, sums, squares and products of first and last score."""

    year: int
    therapist: str
    episodes: int
    first: float
    last: float
    first_squares: float
    last_squares: float
    products: float


class Change(NamedTuple):
    """Improvement before or after the treatment, and how many weeks it took."""

    year: int
    points: float
    weeks: int | None
    episodes: int


class ChangeIn(NamedTuple):
    """The same, for all of the organisation."""

    year: int
    service: str
    points: float
    weeks: int | None
    episodes: int


class FollowedUp(NamedTuple):
    """Paired episodes with and without a score after the treatment, for all of the organisation."""

    year: int
    service: str
    followed_up: bool
    episodes: int


class Held(NamedTuple):
    """Sessions held, and those that have a score of the measure."""

    year: int
    episodes: int
    sessions: int
    measured: int


class Attended(NamedTuple):
    """Days until the first session, or days between sessions, or how many there were; the others are None."""

    year: int
    waiting_days: int | None
    interval_days: int | None
    sessions: int | None
    episodes: int


class Ended(NamedTuple):
    """How episodes ended, and what came of their sessions and forms."""

    year: int
    service: str
    reason: str | None
    sessions: int
    """0 to 3, or 4 for four and more."""
    missed_last: bool
    no_contact: bool
    episodes: int
    attended: int
    cancelled: int
    no_shows: int
    forms_offered: int
    forms_completed: int
    forms_declined: int
    forms_unable: int
