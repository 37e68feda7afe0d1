"""A service of twenty closed episodes that a reader can count, kept through the interface.

All ended in 2025. The first session of each was on Monday 3 February at ten; the questionnaires were filled in an hour
before the first session and an hour before the last one, unless the table says otherwise:

- 1 and 2 also filled in a PHQ-9 when they were referred, a week before the first session: 22 and 17.
- 3 and 4 had ended their programme three days after the last session, and filled in one 30 days later: 4 and 7.
- 13 filled in both an hour after the session began.
- 4 cancelled two sessions in the first week; 10, 15 and 19 stayed away from one after their last.
- Episodes were closed three days after the last session, that of 14 after 70 days, those of 3 and 4 after 33,
  those without one after 30.
- A PHQ-9 was asked for by assignment of 1, who filled it in, of 2, who declined, of 3, who could not, and of 4.

Programme A plans five sessions and is pathway 1, programme B plans none and is pathway 2. 1 to 8 came for depression,
7 to 12 for anxiety. `phq-9` and `gad-7` are first and last score.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.factories import Clinic, administration, created, gad_7, listed, make_programme, ok, phq_9, put

YEAR: Final = 2025
BEGIN: Final = datetime(YEAR, 2, 3, 9, tzinfo=UTC)

TABLE: Final = """
no  sex     age  language  programme  waited  every  sessions  phq-9  gad-7  ended
 1  female   19  nb        A               7      7         8  20>8   15>6   completed
 2  male     19  nb        A               7      7         6  18>9   10>9   completed
 3  female   19  nb        A               7      7         4  16>5   12>12  completed
 4  male     19  en        A               7      7         5  15>9   9>9    completed
 5  female   19  nb        A               7      7         3  14>9   8>6    completed
 6  male     30  nb        A               7      7         2  12>8   7>5    completed
 7  female   30  nb        A               7      7        10  19>12  14>19  referred_on
 8  male     30  nb        A               7     14         6  17>14  13>8   referred_on
 9  female   30  nb        A               7     14         4  13>13  5>5    agreed_early_end
10  male     30  nb        A              14     14         3  11>18  10>10  dropped_out
11  female   30  nb        B              14      7         4  8>2    4>3    completed
12  male     30  nb        B              14      7         2  9>6    9>4    completed
13  -        70  nb        B              14      7         2  6>7    -      completed
14  male     70  nb        A              14      7         3  21     -      dropped_out
15  female   70  nb        B              14      7         2  7      -      dropped_out
16  male     70  en        B              28      7         4  -      -      agreed_early_end
17  female   70  nb        B              28      7         1  12     -      single_session
18  male     70  nb        B              28      7         1  -      -      single_session
19  female   70  nb        -               -      7         0  -      -      not_started
20  -        70  nb        -               -      7         0  -      -      not_started
"""

AT_REFERRAL: Final = {1: 22, 2: 17}
AFTERWARDS: Final = {3: 4, 4: 7}
AFTER_SESSIONS: Final = {13}
CANCELLED: Final = {4: 2}
STAYED_AWAY: Final = {10, 15, 19}
CLOSED_AFTER: Final = {3: 33, 4: 33, 14: 70, 19: 30, 20: 30}
ASKED_FOR: Final = {1: None, 2: "declined", 3: "unable", 4: None}


@dataclass(frozen=True)
class Line:
    """One episode of the table."""

    no: int
    sex: str | None
    age: int
    language: str
    programme: str | None
    waited: int
    every: int
    sessions: int
    phq_9: tuple[int, ...]
    gad_7: tuple[int, ...]
    ended: str

    @classmethod
    def of(cls, written: str) -> Line:
        no, sex, age, language, programme, waited, every, sessions, phq, gad, ended = (
            None if word == "-" else word for word in written.split()
        )
        return cls(
            no=int(no or 0),
            sex=sex,
            age=int(age or 0),
            language=str(language),
            programme=programme,
            waited=int(waited or 0),
            every=int(every or 0),
            sessions=int(sessions or 0),
            phq_9=_scores(phq),
            gad_7=_scores(gad),
            ended=str(ended),
        )

    @property
    def areas(self) -> list[str]:
        return ["depression"] * (self.no <= 8) + ["anxiety"] * (7 <= self.no <= 12)

    def session(self, place: int) -> datetime:
        """When a session was held, the first being 1."""
        return BEGIN + timedelta(days=self.every * (place - 1), hours=1)


def _scores(written: str | None) -> tuple[int, ...]:
    return tuple(int(score) for score in written.split(">")) if written else ()


LINES: Final = [Line.of(written) for written in TABLE.strip().splitlines()[1:]]


def keep(clinic: Clinic) -> dict[int, str]:
    """Keep all twenty; give the ids of the episodes by their numbers."""
    programmes = {
        name: make_programme(clinic, "individual", name=f"Programme {name}", **more)["id"]
        for name, more in (("A", {"planned_dose": 5}), ("B", {}))
    }
    return {line.no: _kept(clinic, line, programmes) for line in LINES}


def _kept(clinic: Clinic, line: Line, programmes: dict[str, str]) -> str:
    episode = _opened(clinic, line, programmes)
    for place in range(1, line.sessions + 1):
        _meet(clinic, episode, line.session(place), "attended")
    for place in range(CANCELLED.get(line.no, 0)):
        _meet(clinic, episode, line.session(1) + timedelta(days=1 + place), "cancelled")
    if line.no in STAYED_AWAY:
        _meet(clinic, episode, line.session(line.sessions) + timedelta(days=1), "no_show")
    asked_for = _ask(clinic, episode, line) if line.no in ASKED_FOR else {}
    _answer(clinic, episode, line, asked_for)
    last = line.session(line.sessions)
    if line.no in AFTERWARDS:
        [part] = listed(clinic.therapist.get(f"/v1/episodes/{episode['id']}/programmes"))
        ended = {"ended_at": (last + timedelta(days=3)).isoformat()}
        ok(clinic.therapist.patch(f"/v1/episode-programmes/{part['id']}", ended, 1))
        _put(clinic, episode, phq_9(AFTERWARDS[line.no]), last + timedelta(days=33))
    closed_at = last + timedelta(days=CLOSED_AFTER.get(line.no, 3))
    closing = {"closed_at": closed_at.isoformat(), "closing_reason": line.ended}
    path = f"/v1/episodes/{episode['id']}"
    ok(clinic.therapist.patch(path, closing, ok(clinic.therapist.get(path))["version"]))
    return str(episode["id"])


def _opened(clinic: Clinic, line: Line, programmes: dict[str, str]) -> dict[str, Any]:
    patient = {
        "reference": f"P-{line.no}",
        "birth_month": f"{YEAR - 1 - line.age}-06-01",
        "sex": line.sex,
        "language": line.language,
    }
    body = {
        "patient_id": created(clinic.therapist.post("/v1/patients", patient))["id"],
        "opened_at": (BEGIN - timedelta(days=line.waited)).isoformat(),
        "problem_areas": line.areas,
        "programme_id": programmes.get(line.programme or ""),
        "pathway": {"A": 1, "B": 2}.get(line.programme or ""),
    }
    return created(clinic.therapist.post("/v1/episodes", body))


def _meet(clinic: Clinic, episode: dict[str, Any], at: datetime, outcome: str) -> None:
    attendances = [{"episode_id": episode["id"], "outcome": outcome}]
    body = {"starts_at": at.isoformat(), "contact_type": "individual", "attendances": attendances}
    created(clinic.therapist.post("/v1/treatment-sessions", body))


def _ask(clinic: Clinic, episode: dict[str, Any], line: Line) -> dict[str, str]:
    path, body = f"/v1/episodes/{episode['id']}/assignments", {"instrument": "phq-9", "opens_at": BEGIN.isoformat()}
    assignment = created(clinic.therapist.post(path, body))
    state = ASKED_FOR[line.no]
    if state is not None:
        said = {"state": state, "reason": "not today"}
        ok(clinic.therapist.patch(f"/v1/assignments/{assignment['id']}", said, 1))
    return {"assignment_id": assignment["id"]} if line.no == 1 else {}


def _answer(clinic: Clinic, episode: dict[str, Any], line: Line, asked_for: dict[str, str]) -> None:
    hour = timedelta(hours=1)
    if line.no in AT_REFERRAL:
        _put(clinic, episode, phq_9(AT_REFERRAL[line.no]), BEGIN - timedelta(days=line.waited))
    aside = hour if line.no in AFTER_SESSIONS else -hour
    times = (line.session(1) + aside, line.session(line.sessions) + aside)
    for place, (total, at) in enumerate(zip(line.phq_9, times, strict=False)):
        _put(clinic, episode, phq_9(total), at, **(asked_for if place == 0 else {}))
    for total, at in zip(line.gad_7, times, strict=False):
        _put(clinic, episode, gad_7(total), at, instrument="gad-7")


def _put(clinic: Clinic, episode: dict[str, Any], answers: dict[str, int], at: datetime, **fields: Any) -> None:
    body = administration(episode, answers, completed_at=at.isoformat()) | fields
    created(put(clinic.therapist, body))
