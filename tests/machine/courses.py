"""Courses of treatment as they are drawn: how scores go, when forms come, what is planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.machine.forms import forms
from tests.machine.practice import Practice
from tests.machine.record_model import WEEK

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
WEEKS_AGO = (16, 30, 50)
AGES = (40, 12, 11)
OUTCOMES = ("attended",) * 5 + ("no_show", "cancelled")
CONTACTS = ("individual",) * 3 + ("group", "assessment", "module")
INSTRUMENTS = ("phq-9",) * 4 + ("gad-7",)
HOURS = (0, 0, 0, -20, 2, 50)
WEEK_DRAWN = st.integers(-5, 60)
PLANS = st.fixed_dictionaries(
    {},
    optional={
        "planned_dose": st.sampled_from([5, 6, 10, 16]),
        "planned_interval_days": st.sampled_from([7, 14]),
        "pathway": st.sampled_from([1, 2, 3]),
    },
)
PROGRAMMES = st.fixed_dictionaries(
    {
        "counted_contact_types": st.sampled_from(
            [["individual"], ["individual", "assessment"], ["module", "individual"]]
        ),
        "planned_dose": st.sampled_from([None, 6, 12]),
        "planned_interval_days": st.sampled_from([7, 14]),
        "main_instrument": st.sampled_from([None, "gad-7"]),
    }
)
CORRECTIONS = (
    *("answers", "answers", "answers", "time", "time", "time", "link", "link", "unlink", "move", "move"),
    *("enter in error", "enter in error", "unknown session", "unknown informant", "mother", "himself"),
    *("mode", "move out of reach"),
)
SETTINGS = {"flagging": "early", "mode": "record", "max_missing": {"phq-9": 0}}
PLANNING = (*("plan", "plan", "pause", "pause", "close", "close", "start a programme", "end a programme"), *SETTINGS)
SHAPES = st.fixed_dictionaries(
    {
        "instrument": st.sampled_from(INSTRUMENTS),
        "towards": st.sampled_from([None, None, None, 4, 8, 14, 22, 24]),
        "pace": st.sampled_from([1, 2, 3]),
        "noise": st.lists(st.sampled_from([-2, -1, 0, 0, 1, 2]), min_size=4, max_size=7),
        "outcomes": st.lists(st.sampled_from(OUTCOMES), min_size=7, max_size=7),
        "order": st.permutations(range(7)),
        "slip": st.sampled_from([None, None, 2, 7, 12, 17]),
    }
)
"""Some weeks of a course: how the scores go, whether the patient comes, how the forms arrive, what was misread."""


STEP_DETAILS: dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]] = {
    "put_one": (4, {"form": forms(), "week": WEEK_DRAWN, "hours": st.sampled_from(HOURS)}),
    "weeks": (4, {"shape": SHAPES, "how": st.sampled_from(["in order", "late", "at once"])}),
    "put_batch": (
        2,
        {
            "entries": st.lists(st.tuples(forms(), WEEK_DRAWN), min_size=2, max_size=5),
            "also": st.sampled_from(["nothing", "the same again", "the same id again", "a stranger's"]),
        },
    ),
    "put_again": (
        2,
        {
            "how": st.sampled_from(["as it was", "otherwise spelt", "other answers", "by another organisation"]),
            "by_tablet": st.sampled_from([True, True, False]),
        },
    ),
    "correct": (
        6,
        {
            "what": st.sampled_from(CORRECTIONS),
            "form": forms(),
            "week": WEEK_DRAWN,
            "hours": st.sampled_from(HOURS),
        },
    ),
    "attend": (
        4,
        {
            "what": st.sampled_from(["hold", "attended", "attended", "attended", "somebody else", "move"]),
            "week": WEEK_DRAWN,
            "contact": st.sampled_from(CONTACTS),
            "outcome": st.sampled_from(OUTCOMES),
        },
    ),
    "plan": (4, {"what": st.sampled_from(PLANNING), "plan": PLANS, "programme": PROGRAMMES, "week": WEEK_DRAWN}),
    "oversee": (
        4,
        {
            "what": st.sampled_from(["accept", "accept", "assess", "assess", "review", "review", "look"]),
            "back": st.sampled_from([1, 1, 1, 2, 0, -1]),
            "due": st.sampled_from([None, -3, 3]),
        },
    ),
    "open_another_episode": (
        1,
        {
            "again": st.booleans(),
            "plan": PLANS,
            "weeks_ago": st.sampled_from(WEEKS_AGO),
            "total": st.integers(4, 22),
            "age": st.sampled_from(AGES),
        },
    ),
}
"""What may happen, by the method that does it: how often, and what has to be drawn for it."""

STEPS = st.sampled_from([name for name, (weight, _) in STEP_DETAILS.items() for _ in range(weight)]).flatmap(
    lambda name: st.tuples(st.just(name), st.fixed_dictionaries(STEP_DETAILS[name][1]))
)


@dataclass
class Course:
    """Where an episode is in its weeks, so that what is drawn makes a course of treatment."""

    practice: Practice
    began_at: datetime
    total: int
    weeks: int = 0

    def at(self, week: float, hours: float = 0) -> datetime:
        return self.began_at + week * WEEK + timedelta(hours=hours)

    def go_on(self, shape: dict[str, Any]) -> Iterator[tuple[int, int]]:
        """Give weeks and totals: the patient stays about the same, or gets better or worse at some pace."""
        for noise in shape["noise"]:
            way = 0 if shape["towards"] is None else shape["towards"] - self.total
            self.total += max(-shape["pace"], min(shape["pace"], way))
            yield self.weeks, min(24, max(0, self.total + noise))
            self.weeks += 1

    def near(self, drawn: int, hours: float = 0) -> datetime:
        """A time in or near what has been: before the start, long past, or just ahead."""
        return self.at(drawn if drawn < 0 else drawn % (self.weeks + 2), hours)
