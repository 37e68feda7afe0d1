"""What happened in the invented municipality: who came, when, what they answered and how it ended. No database.

Who stays away, who leaves and how totals spread over items are inventions, chosen to look like a working week; the
scores follow the default curves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np

from app.db.codes import (
    AnsweringMode,
    AttendanceOutcome,
    ClosingReason,
    ContactMode,
    ContactType,
    Occasion,
    ProgrammeFormat,
    ReferralSource,
    Sex,
)
from app.services.demonstration.practice import PRACTICES, TIME_ZONE, Offer, Practice
from app.trajectories.archetypes import CourseShape, simulate_course
from app.trajectories.growth import default_curve


@dataclass(frozen=True, slots=True)
class Form:
    """One form as it was filled in; `contact` is the place of its treatment session among the cohort's contacts."""

    instrument: str
    completed_at: datetime
    received_at: datetime
    answers: Mapping[str, int]
    contact: int
    occasion: Occasion
    mode: AnsweringMode


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether one member of the cohort came; `parent` names who came in their place."""

    member: int
    outcome: AttendanceOutcome
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """One treatment session."""

    starts_at: datetime
    contact_type: ContactType
    mode: ContactMode
    minutes: int
    presences: tuple[Presence, ...]
    module: str | None = None

    @property
    def ends_at(self) -> datetime:
        """When it was over."""
        return self.starts_at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Member:
    """One patient of a cohort, from the first contact on. What has not happened yet is None."""

    number: int
    birth_month: date
    sex: Sex
    parents: tuple[str, ...]
    problem_areas: tuple[str, ...]
    opened_at: datetime
    forms: tuple[Form, ...]
    closed_at: datetime | None
    closing_reason: ClosingReason | None
    crisis_pause_since: datetime | None

    @property
    def reference(self) -> str:
        """The reference of the record system; plainly an invention."""
        return f"DEMO-{self.number + 1:04}"

    @property
    def referral_source(self) -> ReferralSource | None:
        """Who brought them, by turns: no draw, so that all else stays as it was. Now and then nobody wrote it down."""
        sources = _SOURCES_OF_CHILDREN if self.parents else _SOURCES
        return sources[self.number % len(sources)]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those who share their treatment sessions: one patient, or a group. Contacts are in time order."""

    number: int
    practice: Practice
    therapist: str
    offer: Offer
    contacts: tuple[Contact, ...]
    members: tuple[Member, ...]


_DAYS_BACK: Final = 548
"""Eighteen months."""

_SHAPES: Final = tuple(CourseShape)
_SHAPE_SHARES: Final = (0.30, 0.35, 0.12, 0.15, 0.08)

_LEAVES_PER_SESSION: Final = 0.035
"""Comes to about a quarter of those who start, as in prompt mental health care (25.3 %; methods, B8)."""

_ATTENDS, _CANCELS = 0.88, 0.08

_MINUTES: Final = {ContactType.SUPPORT_CALL: 20, ContactType.GROUP: 120, ContactType.PARENTS: 90}

_SOURCES: Final = (
    *(ReferralSource.SELF, ReferralSource.GENERAL_PRACTITIONER, ReferralSource.SELF, None),
    *(ReferralSource.SELF, ReferralSource.OTHER_MUNICIPAL_SERVICE, ReferralSource.GENERAL_PRACTITIONER),
)
_SOURCES_OF_CHILDREN: Final = (
    *(ReferralSource.PARENT_OR_GUARDIAN, ReferralSource.SCHOOL_HEALTH_SERVICE, ReferralSource.SCHOOL_OR_KINDERGARTEN),
    *(ReferralSource.PARENT_OR_GUARDIAN, ReferralSource.CHILD_WELFARE),
)
"""Inventions, like all of it."""

_PROBLEM_AREAS: Final = ("nedstemthet", "angst", "søvn", "stress", "sorg", "familie", "arbeid")

_ITEM_WEIGHTS: Final = {
    "phq-9": (1.0, 1.1, 1.2, 1.4, 0.9, 1.0, 0.9, 0.5, 0.07),
    "gad-7": (1.2, 1.2, 1.2, 1.0, 0.7, 1.0, 0.9),
}
"""How easily each item takes a point of the total; the last of the PHQ-9, on death and self-harm, least."""
_LEVEL_WEIGHTS: Final = (1.0, 0.6, 0.35)
"""How easily an item takes its first, second and third point."""

_GAD_7_ON_PHQ_9: Final = 0.50
"""Points of the first GAD-7 for a point of the first PHQ-9: a correlation of .62, from methods B7b."""
_GAD_7_REST_SD: Final = 3.5


def simulate_cohorts(episodes: int, today: date, seed: int) -> Iterator[Cohort]:
    """Give cohorts with so many episodes together: what happened in the eighteen months before today.

    Each cohort has its own random numbers, so that the first of them are the same however many are wanted.
    """
    number = first = 0
    while first < episodes:
        rng = np.random.default_rng([seed, number])
        cohort = _cohort(rng, number, first, episodes - first, today)
        yield cohort
        number, first = number + 1, first + len(cohort.members)


def midnight(day: date) -> datetime:
    """Give the beginning of a day where the municipality lies."""
    return datetime.combine(day, time(), TIME_ZONE)


def _cohort(rng: np.random.Generator, number: int, first: int, room: int, today: date) -> Cohort:
    practice = PRACTICES[rng.choice(len(PRACTICES), p=[each.share for each in PRACTICES])]
    offer = practice.offers[rng.choice(len(practice.offers), p=[weight for _, weight in practice.offers])][0]
    therapist = practice.therapists[rng.integers(len(practice.therapists))]
    size = min(room, int(rng.integers(6, 9))) if offer.format is ProgrammeFormat.GROUP else 1
    schedule = _schedule(rng, offer, today)
    courses = [_Course(rng, offer, schedule, midnight(today)) for _ in range(size)]
    contacts = _contacts(offer, schedule, courses)
    places = {(each.starts_at, each.contact_type): place for place, each in enumerate(contacts)}
    members = tuple(course.member(first + index, practice, places) for index, course in enumerate(courses))
    return Cohort(number, practice, therapist, offer, contacts, members)


def _schedule(rng: np.random.Generator, offer: Offer, today: date) -> list[datetime]:
    """Plan the contacts of an offer at one hour of one weekday, with holidays kept free."""
    start = today - timedelta(days=int(_DAYS_BACK * (1 - rng.random() ** 0.6)) + 1)
    start -= timedelta(days=max(0, start.weekday() - 4))
    hour = time(int(rng.integers(9, 15)), 30 * int(rng.integers(2)))
    wanted = 40 if offer.planned_dose is None else offer.planned_dose
    if offer.format is not ProgrammeFormat.GROUP:
        wanted += 5  # to make up for those that were missed
    schedule: list[datetime] = []
    week = 0
    while len(schedule) < wanted:
        day = start + timedelta(days=week * offer.interval_days)
        if day.isocalendar().week not in (29, 30, 52):
            schedule.append(datetime.combine(day, hour, TIME_ZONE))
        week += 1
    return schedule


class _Course:
    """One patient's way through the planned contacts, up to now."""

    def __init__(self, rng: np.random.Generator, offer: Offer, schedule: Sequence[datetime], now: datetime) -> None:
        self.rng = rng
        self.offer = offer
        self.now = now
        self.shape = _SHAPES[rng.choice(len(_SHAPES), p=_SHAPE_SHARES)]
        self.assessed_at = schedule[0] - timedelta(days=int(rng.integers(5, 15)), hours=1)
        self.opened_at = self.assessed_at - timedelta(days=int(rng.integers(3, 12)))
        self.parents: tuple[str, ...] = ()
        self.outcomes: dict[datetime, AttendanceOutcome] = {}
        self.ending: tuple[datetime, ClosingReason] | None = None
        self._live(schedule)

    def _live(self, schedule: Sequence[datetime]) -> None:
        """Come, stay away, leave early or come to the end."""
        attended, leaves_at, leaves_with = 0, *self._early_end()
        for moment in schedule:
            if moment >= self.now:
                return
            if attended == leaves_at and leaves_with is ClosingReason.DROPPED_OUT:
                self.outcomes[moment] = AttendanceOutcome.NO_SHOW
            if attended in (leaves_at, self.offer.planned_dose):
                self._end(moment, leaves_with if attended == leaves_at else ClosingReason.COMPLETED)
                return
            self.outcomes[moment] = self._outcome()
            attended += self.outcomes[moment] is AttendanceOutcome.ATTENDED
        if schedule[-1] < self.now:
            self._end(schedule[-1], ClosingReason.COMPLETED)

    def _early_end(self) -> tuple[int | None, ClosingReason]:
        """Tell after how many sessions somebody leaves before the planned end, if ever, and why."""
        hazard = _LEAVES_PER_SESSION * (1.6 if self.shape in (CourseShape.NONE, CourseShape.WORSENING) else 0.9)
        sessions = int(self.rng.geometric(hazard)) - 1
        if self.shape is CourseShape.EARLY and self.rng.random() < 0.3:
            return min(sessions, int(self.rng.integers(5, 8))), ClosingReason.AGREED_EARLY_END
        if sessions == 0:
            return 0, ClosingReason.NOT_STARTED
        reasons = (ClosingReason.DROPPED_OUT, ClosingReason.REFERRED_ON, ClosingReason.MOVED)
        return sessions, reasons[self.rng.choice(3, p=[0.8, 0.15, 0.05])]

    def _end(self, last: datetime, reason: ClosingReason) -> None:
        """Close the episode some time after the last contact; now and then it is forgotten."""
        dropped_out = reason is ClosingReason.DROPPED_OUT
        days = int(self.rng.integers(21, 50)) if dropped_out else int(self.rng.integers(1, 15))
        closed_at = last + timedelta(days=days)
        forgotten = dropped_out and self.rng.random() < 0.1
        if closed_at < self.now and not forgotten:
            self.ending = closed_at, reason

    def _outcome(self) -> AttendanceOutcome:
        draw = self.rng.random()
        if draw < _ATTENDS:
            return AttendanceOutcome.ATTENDED
        return AttendanceOutcome.CANCELLED if draw < _ATTENDS + _CANCELS else AttendanceOutcome.NO_SHOW

    @property
    def attended(self) -> list[datetime]:
        """When they came."""
        return [moment for moment, outcome in self.outcomes.items() if outcome is AttendanceOutcome.ATTENDED]

    def member(self, number: int, practice: Practice, places: Mapping[tuple[datetime, ContactType], int]) -> Member:
        """Give the patient with all that is known by now."""
        rng = self.rng
        child = self.offer.format is ProgrammeFormat.PARENTS
        age = int(rng.integers(7, 13)) if child else int(rng.integers(practice.youngest, practice.oldest + 1))
        self.parents = tuple(("mor", "far")[: int(rng.integers(1, 3))]) if age < 16 else ()
        forms = self._misplaced_form(places) if child else self._forms(places)
        closed_at, closing_reason = self.ending or (None, None)
        paused = closed_at is None and len(self.attended) > 1 and rng.random() < 0.03
        return Member(
            number=number,
            birth_month=date(self.opened_at.year - age, int(rng.integers(1, self.opened_at.month + 1)), 1),
            sex=Sex.FEMALE if rng.random() < 0.63 else Sex.MALE,
            parents=self.parents,
            problem_areas=tuple(rng.choice(_PROBLEM_AREAS, size=int(rng.integers(1, 3)), replace=False).tolist()),
            opened_at=self.opened_at,
            forms=tuple(form for form in forms if form.received_at < self.now),
            closed_at=closed_at,
            closing_reason=closing_reason,
            crisis_pause_since=self.attended[-1] if paused else None,
        )

    def _forms(self, places: Mapping[tuple[datetime, ContactType], int]) -> list[Form]:
        """Fill in a PHQ-9 and a GAD-7 before each session, and mostly at the assessment too."""
        moments = [each for each in self.attended if self.rng.random() < 0.95]
        at_assessment = self.assessed_at < self.now and self.rng.random() < 0.6
        if at_assessment:
            moments.insert(0, self.assessed_at)
        if not moments:
            return []
        doses = [sum(session < moment for session in self.attended) for moment in moments]
        weeks = [(moment - moments[0]) / timedelta(weeks=1) for moment in moments]
        totals = self._totals(doses, weeks)
        leanings = {key: self.rng.lognormal(0, 0.5, len(weights)) for key, weights in _ITEM_WEIGHTS.items()}
        forms: list[Form] = []
        for index, moment in enumerate(moments):
            first = at_assessment and index == 0
            contact = places[moment, ContactType.ASSESSMENT if first else self.offer.contact_type]
            occasion = Occasion.INTAKE if first else Occasion.SESSION
            completed_at, received_at, mode = self._filled_in(moment)
            for key, total in totals.items():
                answers = _answers(self.rng, key, int(total[index]), leanings[key])
                forms.append(Form(key, completed_at, received_at, answers, contact, occasion, mode))
        if self.ending is None and self.rng.random() < 0.05:
            forms[-2:] = [self._unclear(form) for form in forms[-2:]]
        return forms

    def _totals(self, doses: Sequence[int], weeks: Sequence[float]) -> dict[str, Sequence[int]]:
        """Draw both totals, with first scores that go together and courses of the same shape."""
        phq_9, gad_7 = default_curve("phq-9"), default_curve("gad-7")
        assert phq_9 is not None
        assert gad_7 is not None
        low_mood = simulate_course(self.rng, phq_9, doses, weeks, self.shape)
        expected = gad_7.intercept + _GAD_7_ON_PHQ_9 * (float(low_mood[0]) - phq_9.intercept)
        first = float(np.clip(round(expected + _GAD_7_REST_SD * self.rng.standard_normal()), 0, 21))
        anxiety = simulate_course(self.rng, gad_7, doses, weeks, self.shape, first_score=first)
        return {"phq-9": low_mood.tolist(), "gad-7": anxiety.tolist()}

    def _filled_in(self, moment: datetime) -> tuple[datetime, datetime, AnsweringMode]:
        """Tell when and where a form for a session was filled in, and when it came to the server."""
        seconds = int(self.rng.integers(20, 90))
        if self.offer.format is ProgrammeFormat.GUIDED_SELF_HELP:
            evening = datetime.combine(moment.date() - timedelta(days=1), time(20), TIME_ZONE)
            completed_at = evening - timedelta(minutes=int(self.rng.integers(90)))
            mode = AnsweringMode.HOME
        else:
            completed_at = moment - timedelta(minutes=int(self.rng.integers(4, 12)))
            mode = AnsweringMode.TABLET
        offline_days = int(self.rng.integers(8, 12)) if self.rng.random() < 0.015 else 0
        return completed_at, completed_at + timedelta(days=offline_days, seconds=seconds), mode

    def _unclear(self, form: Form) -> Form:
        """Let a form need clarification: its clock was a day ahead, or half of it was left blank."""
        if self.rng.random() < 0.5:
            return replace(form, completed_at=form.received_at + timedelta(days=1))
        return replace(form, answers={item: code for item, code in form.answers.items() if int(item) % 2})

    def _misplaced_form(self, places: Mapping[tuple[datetime, ContactType], int]) -> list[Form]:
        """Hand a child, now and then, a form that is not meant for children."""
        if len(self.attended) < 2 or self.rng.random() < 0.7:
            return []
        moment = self.attended[1]
        answers = _answers(self.rng, "phq-9", 4, np.array([1, 1, 1, 1, 1, 1, 1, 1, 0.01]))
        completed_at, received_at, mode = self._filled_in(moment)
        contact = places[moment, self.offer.contact_type]
        return [Form("phq-9", completed_at, received_at, answers, contact, Occasion.SESSION, mode)]


def _contacts(offer: Offer, schedule: Sequence[datetime], courses: Sequence[_Course]) -> tuple[Contact, ...]:
    """Give what took place: each one's assessment, the planned contacts, and the modules worked through before them."""
    digital = offer.format is ProgrammeFormat.GUIDED_SELF_HELP
    parent = "mor" if offer.format is ProgrammeFormat.PARENTS else None
    mode = ContactMode.PHONE if digital else ContactMode.IN_PERSON
    minutes = _MINUTES.get(offer.contact_type, 45)
    contacts = []
    for member, course in enumerate(courses):
        if course.assessed_at < course.now:
            came = (Presence(member, AttendanceOutcome.ATTENDED, parent),)
            contacts.append(Contact(course.assessed_at, ContactType.ASSESSMENT, ContactMode.IN_PERSON, 60, came))
    for place, moment in enumerate(schedule):
        present = [(member, course.outcomes.get(moment)) for member, course in enumerate(courses)]
        presences = tuple(Presence(member, outcome, parent) for member, outcome in present if outcome is not None)
        if not presences:
            continue
        contacts.append(Contact(moment, offer.contact_type, mode, minutes, presences))
        if digital and presences[0].outcome is AttendanceOutcome.ATTENDED:
            worked_at = moment - timedelta(days=3)
            contacts.append(
                Contact(worked_at, ContactType.MODULE, ContactMode.DIGITAL, 40, presences, f"Modul {place + 1}")
            )
    return tuple(sorted(contacts, key=lambda contact: contact.starts_at))


def _answers(rng: np.random.Generator, key: str, total: int, leaning: np.ndarray) -> dict[str, int]:
    """Spread a total over the items, as easily as each takes points from this person; sometimes one stays blank."""
    weights = np.outer(np.array(_ITEM_WEIGHTS[key]) * leaning, _LEVEL_WEIGHTS).ravel()
    points = rng.choice(len(weights), size=total, replace=False, p=weights / weights.sum())
    codes = np.bincount(points // 3, minlength=len(leaning)).tolist()
    answers = {str(item): code for item, code in enumerate(codes, start=1)}
    if key == "phq-9" and total > 0:
        answers["10"] = int(np.clip(round(total / 9 + 0.5 * rng.standard_normal()), 0, 3))
    if rng.random() < 0.03:
        answers.pop(str(rng.integers(1, len(leaning) + 1)), None)
    return answers
