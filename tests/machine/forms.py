"""Forms as tablets send them: mostly in order, sometimes with everything that can be the matter with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

from tests.machine.questionnaires import CRITICAL_ITEM, QUESTIONNAIRES, answers
from tests.machine.record_model import Episode, Session

UNREADABLE = ("unknown item", "code out of range", "no time", "naive time", "unknown field", "unknown form")
TROUBLES = ("none",) * 20 + ("clock ahead", "unknown informant", "mother", "unknown session") * 2 + UNREADABLE
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
OSLO_IN_SUMMER = timezone(timedelta(hours=2))


@dataclass(frozen=True)
class Form:
    """What is drawn of a form; when it was filled in, and for whom, is for the caller to say."""

    instrument: str
    off: int  # points beside where the course is
    first: int
    item_9: int
    blank: tuple[int, ...]
    marked: str | None
    timing: str | None
    session: int
    trouble: str


BLANKS: tuple[tuple[int, ...], ...] = ((),) * 8 + ((2,), (0, 5), (1, 8), (8,), (0, 1, 2, 3))


def forms() -> st.SearchStrategy[Form]:
    return st.builds(
        Form,
        instrument=st.sampled_from(["phq-9", "phq-9", "phq-9", "gad-7"]),
        off=st.sampled_from([-12, -6, -3, -2, -1, 0, 1, 2, 3, 6, 12]),
        first=st.integers(0, 6),
        item_9=st.sampled_from([0, 0, 0, 0, 1, 2, 3]),
        blank=st.sampled_from(BLANKS),
        marked=st.sampled_from([None, "declined", "not_shown", "blank"]),
        timing=st.sampled_from([None, None, "before", "after", "between"]),
        session=st.integers(0, 40),
        trouble=st.sampled_from(TROUBLES),
    )


def plain(episode: Episode, instrument: str, total: int, completed_at: datetime, *, item_9: int = 0) -> dict[str, Any]:
    """Write down a form with nothing the matter."""
    return {
        "episode_id": episode.id,
        "instrument": instrument,
        "answers": answers(instrument, total, item_9=item_9, first=total % 7),
        "completed_at": completed_at.isoformat(),
    }


def body_of(
    form: Form, episode: Episode, usual: int, completed_at: datetime, sessions: list[Session]
) -> dict[str, Any]:
    """Write a form down as a tablet would, with its trouble."""
    given = answers_of(form, form.instrument, usual)
    body = plain(episode, form.instrument, 0, completed_at) | {"answers": given}
    scored = QUESTIONNAIRES[form.instrument].scored
    if form.marked is not None:
        states = {str(each + 1): form.marked for each in form.blank if each < scored and str(each + 1) not in given}
        body["item_states"] = states
    if form.timing is not None and sessions:
        body |= {"treatment_session_id": sessions[form.session % len(sessions)].id, "timing": form.timing}
    return body | _trouble(form, body, episode)


def answers_of(form: Form, instrument: str, usual: int) -> dict[str, Any]:
    total = min(24, max(0, usual + form.off))
    return dict(answers(instrument, total, item_9=form.item_9, first=form.first, blank=form.blank))


def _trouble(form: Form, body: Mapping[str, Any], episode: Episode) -> dict[str, Any]:
    named = {role: informant for informant, role in episode.patient.informants.items()}
    ahead = datetime.now(UTC) + timedelta(days=2)
    changes: dict[str, dict[str, Any]] = {
        "none": {},
        "clock ahead": {"completed_at": ahead.isoformat()},
        "unknown informant": {"informant_id": UNKNOWN},
        "mother": {"informant_id": named["parent"]},
        "unknown session": {"treatment_session_id": UNKNOWN, "timing": "before"},
        "unknown item": {"answers": {**body["answers"], "17": 1}},
        "code out of range": {"answers": {**body["answers"], "1": 7}},
        "no time": {"completed_at": None},
        "naive time": {"completed_at": "2026-01-05T09:00:00"},
        "unknown field": {"comment": "late"},
        "unknown form": {"form": "short"},
    }
    return changes[form.trouble]


def respelt(body: Mapping[str, Any], episode: Episode) -> dict[str, Any]:
    """Write the same form down otherwise: another order, another time zone, the defaults named."""
    moment = datetime.fromisoformat(body["completed_at"]).astimezone(OSLO_IN_SUMMER)
    numbers = QUESTIONNAIRES[body["instrument"]].numbers
    marked = body.get("item_states") or {}
    blank = {number: "blank" for number in numbers if number not in body["answers"]}
    defaults = {"form": "self", "informant_id": episode.patient.himself(), "mode": None}
    whole = defaults | dict(body) | {"completed_at": moment.isoformat(), "item_states": blank | marked}
    return dict(reversed(whole.items()))


def otherwise(body: Mapping[str, Any]) -> dict[str, Any]:
    """Change one answer."""
    given = dict(body["answers"])
    number = next((each for each in given if each != CRITICAL_ITEM.get(body["instrument"])), "1")
    return dict(body) | {"answers": given | {number: (int(given.get(number, 0)) + 1) % 4}}


def new_id() -> str:
    """A tablet's id: never drawn, since what was put in one example is still there in the next."""
    return str(uuid4())
