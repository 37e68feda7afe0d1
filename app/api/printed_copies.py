"""The complete copy on paper: the same as the JSON, in words for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.api.schemas.copies import CopiedAdministration, CopiedEpisode, CopiedVersion, PatientCopyRead
from app.scales.answers import ItemState
from app.services.printing import print_pdf
from app.texts.catalogue import say
from app.texts.dates import written_day, written_time

PDF: Final = "application/pdf"


class PrintedWord(StrEnum):
    """The words of the document that are no codes."""

    TITLE = "title"
    PERSON = "person"
    REFERENCE = "reference"
    BIRTH_MONTH = "birth_month"
    SEX = "sex"
    REGISTERED = "registered"
    INFORMANTS = "informants"
    INFORMANT = "informant"
    ROLE = "role"
    VISIBILITY = "visibility"
    CONSENTS = "consents"
    USE = "use"
    DECISION = "decision"
    DAY = "day"
    MEDIUM = "medium"
    TEXT_VERSION = "text_version"
    HOLDS = "holds"
    BLOCKS = "blocks"
    OPENINGS = "openings"
    WHO = "who"
    FINDING = "finding"
    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"
    REASON = "reason"
    UNTIL = "until"
    EPISODE = "episode"
    OPENED = "opened"
    CLOSED = "closed"
    REFERRAL_SOURCE = "referral_source"
    REFERRED_TO = "referred_to"
    PLAN = "plan"
    PROBLEM_AREAS = "problem_areas"
    TREATED_BY = "treated_by"
    PROGRAMME = "programme"
    PAUSE = "pause"
    SESSIONS = "sessions"
    CONTACT_TYPE = "contact_type"
    ATTENDANCE = "attendance"
    ASSIGNMENTS = "assignments"
    FORM = "form"
    STATE = "state"
    GOALS = "goals"
    WORDS = "words"
    REACHED = "reached"
    REVIEWS = "reviews"
    CAUSES = "causes"
    ACTION = "action"
    NOTE = "note"
    ANSWERED_BY = "answered_by"
    VERSION = "version"
    QUESTION = "question"
    ANSWER = "answer"
    SCORE = "score"
    ALERT = "alert"
    ASSESSMENT = "assessment"
    VERDICT = "verdict"
    AS_IT_CAME = "as_it_came"
    EARLIER = "earlier"
    WHAT = "what"
    WAS = "was"
    REPLACED = "replaced"
    STAFF = "staff"
    YES = "yes"
    NO = "no"


Section = dict[str, Any]


def printed_copy(copy: PatientCopyRead, language: str, time_zone: ZoneInfo) -> bytes:
    """Print a copy; the times are the organisation's."""
    written = _Printed(copy, language, time_zone)
    data = {
        "title": written.word("title"),
        "organisation": copy.organisation,
        "day": copy.made_at.astimezone(time_zone).date(),
        "introduction": copy.explanation,
        "sections": list(written.sections()),
    }
    return print_pdf("document", data, language)


class _Printed:
    """One copy, as it is put into words."""

    def __init__(self, copy: PatientCopyRead, language: str, time_zone: ZoneInfo) -> None:
        self.copy, self.language, self.time_zone = copy, language, time_zone
        self.people = {each.id: each.label for each in copy.informants}
        self.staff = {each.id: each.display_name for each in copy.staff}

    def word(self, key: str) -> str:
        return say(f"copy_word.{key}", self.language)

    def code(self, kind: str, code: StrEnum | None) -> str:
        return "" if code is None else say(f"code.{kind}.{code}", self.language)

    def day(self, moment: datetime | None) -> str:
        return "" if moment is None else written_day(moment.astimezone(self.time_zone).date(), self.language)

    def time(self, moment: datetime | None) -> str:
        if moment is None:
            return ""
        return f"{self.day(moment)} {written_time(moment.astimezone(self.time_zone), self.language)}"

    def person(self, informant_id: UUID | None) -> str:
        return self.people.get(informant_id, "") if informant_id else ""

    def table(self, heading: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[Section]:
        """Give a section with a table; none where there are no rows."""
        texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
        if texts:
            yield {"heading": heading, "table": {"columns": [self.word(each) for each in columns], "rows": texts}}

    def facts(self, facts: Mapping[str, object]) -> list[list[str]]:
        """Give what there is to say of some facts."""
        return [[self.word(name), str(value)] for name, value in facts.items() if value not in (None, "")]

    def sections(self) -> Iterator[Section]:
        copy = self.copy
        patient = {
            "reference": copy.patient.reference,
            "birth_month": f"{copy.patient.birth_month:%m.%Y}",
            "sex": self.code("sex", copy.patient.sex),
            "registered": self.day(copy.patient.created_at),
        }
        yield {"heading": self.word("person"), "facts": self.facts(patient)}
        people = (
            (each.label, self.code("informant_role", each.role), self.code("visibility", each.visibility))
            for each in copy.informants
        )
        yield from self.table(self.word("informants"), ("informant", "role", "visibility"), people)
        consents = (
            (
                self.day(each.stated_at),
                self.person(each.informant_id),
                self.code("consent_use", each.use),
                self.code("consent_decision", each.decision),
                self.code("consent_medium", each.medium),
                each.text_version,
            )
            for each in copy.consents
        )
        columns = ("day", "informant", "use", "decision", "medium", "text_version")
        yield from self.table(self.word("consents"), columns, consents)
        holds = ((self.day(each.placed_at), each.reason, self.day(each.lifted_at)) for each in copy.legal_holds)
        yield from self.table(self.word("holds"), ("day", "reason", "until"), holds)
        yield from self.who_may_see()
        for episode in copy.episodes:
            yield from self.of_episode(episode)
        earlier = (
            (self.time(each.replaced_at), each.kind.replace("_", " "), name.replace("_", " "), _plain(value))
            for each in copy.earlier_values
            for name, value in each.was.items()
        )
        yield from self.table(self.word("earlier"), ("replaced", "what", "state", "was"), earlier)
        staff = ((each.display_name, say(f"role.{each.role}", self.language)) for each in copy.staff)
        yield from self.table(self.word("staff"), ("informant", "role"), staff)

    def who_may_see(self) -> Iterator[Section]:
        """Tell whom the patient has blocked, and who opened the record without treating."""
        blocks = (
            (self.staff.get(each.user_id), self.day(each.blocked_at), self.day(each.lifted_at))
            for each in self.copy.blocks
        )
        yield from self.table(self.word("blocks"), ("who", "day", "until"), blocks)
        openings = (
            (
                self.staff.get(each.user_id),
                self.time(each.opened_at),
                say(f"purpose.{each.purpose}", self.language),
                each.note,
                self.word(each.finding) if each.finding else "",
            )
            for each in self.copy.openings
        )
        yield from self.table(self.word("openings"), ("who", "day", "reason", "note", "finding"), openings)

    def of_episode(self, episode: CopiedEpisode) -> Iterator[Section]:
        name = f"{self.word('episode')} {self.day(episode.opened_at)}, {episode.service}"
        facts = {
            "opened": self.day(episode.opened_at),
            "closed": " ".join(
                (self.day(episode.closed_at), self.code("closing_reason", episode.closing_reason))
            ).strip(),
            "referral_source": self.code("referral_source", episode.referral_source),
            "referred_to": self.code("referred_to", episode.referred_to),
            "problem_areas": ", ".join(episode.problem_areas),
            "plan": episode.planned_dose,
            "treated_by": ", ".join(self.staff.get(each.user_id, "") for each in episode.treated_by),
            "programme": ", ".join(each.name for each in episode.programmes),
            "pause": self.day(episode.crisis_pause_since),
        }
        yield {"heading": name, "facts": self.facts(facts)}
        sessions = {each.id: each for each in episode.sessions}
        in_time = sorted(episode.attendances, key=lambda each: sessions[each.treatment_session_id].starts_at)
        attended = (
            (
                self.time(sessions[each.treatment_session_id].starts_at),
                self.code("contact_type", sessions[each.treatment_session_id].contact_type),
                self.person(each.informant_id),
                self.code("attendance_outcome", each.outcome),
                each.reason,
            )
            for each in in_time
        )
        columns = ("day", "contact_type", "informant", "attendance", "reason")
        yield from self.table(self.word("sessions"), columns, attended)
        asked = (
            (
                self.day(each.opens_at),
                each.instrument.upper(),
                self.person(each.informant_id),
                self.code("assignment_state", each.state),
                each.reason,
            )
            for each in episode.assignments
        )
        yield from self.table(self.word("assignments"), ("day", "form", "informant", "state", "reason"), asked)
        goals = (
            (self.day(each.set_at), each.words, self.day(each.ended_at), self.yes_or_no(each.reached))
            for each in episode.goals
        )
        yield from self.table(self.word("goals"), ("day", "words", "until", "reached"), goals)
        reviews = (
            (
                self.day(each.reviewed_at),
                ", ".join(self.code("review_cause", cause) for cause in each.causes or ()),
                self.code("review_action", each.action),
                each.note,
            )
            for each in episode.reviews
        )
        yield from self.table(self.word("reviews"), ("day", "causes", "action", "note"), reviews)
        for administration in episode.administrations:
            yield from self.of_administration(administration)

    def yes_or_no(self, value: bool | None) -> str:
        return "" if value is None else self.word("yes" if value else "no")

    def of_administration(self, administration: CopiedAdministration) -> Iterator[Section]:
        for version in administration.versions:
            yield self.of_version(administration, version)
        verdicts = (
            (
                self.time(each.issued_at),
                say(f"signal_word.{each.signal}", self.language),
                say(f"signal_reason.{each.signal_reason}", self.language),
            )
            for each in administration.verdicts
        )
        heading = f"{administration.title}: {self.word('verdict')}"
        yield from self.table(heading, ("day", "verdict", "reason"), verdicts)

    def of_version(self, administration: CopiedAdministration, version: CopiedVersion) -> Section:
        moment = self.time(version.completed_at or version.received_at)
        facts: dict[str, object] = {
            "answered_by": self.person(version.informant_id),
            "version": version.version,
            "state": say(f"administration_state.{version.state}", self.language),
            "reason": version.reason,
            "score": "; ".join(f"{each.subscale} {_plain(each.value)}" for each in version.scores),
            "as_it_came": version.body,
        }
        section: Section = {"heading": f"{administration.title}, {moment}", "facts": self.facts(facts)}
        section["paragraphs"] = [
            f"{self.word('alert')}: {say(f'critical_kind.{each.kind}', self.language)}."
            f" {self.word('assessment')}: {each.assessment or ''}"
            for each in version.risk_alerts
        ]
        if version.answers:
            rows = [
                [
                    f"{each.item}. {each.topic}",
                    _plain(each.answer)
                    if each.state is ItemState.ANSWERED
                    else say(f"code.item_state.{each.state}", self.language),
                ]
                for each in version.answers
            ]
            columns = [self.word("question"), self.word("answer")]
            section["table"] = {"columns": columns, "rows": rows, "widths": [3, 1]}
        return section


def _plain(value: object) -> str:
    """Write a value without what only a program needs."""
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
