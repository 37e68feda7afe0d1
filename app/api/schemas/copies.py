"""The complete copy of a patient's record: its shape is kept within `/v1`, so that programs can rely on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from app.api.schemas.access import BlockRead, BreakGlassRead
from app.api.schemas.care import (
    AssignmentRead,
    AttendanceRead,
    EpisodeProgrammeRead,
    EpisodeRead,
    InformantRead,
    PatientRead,
    TreatmentSessionRead,
)
from app.api.schemas.consents import ConsentRead
from app.api.schemas.deletion import LegalHoldRead
from app.api.schemas.fields import Answer
from app.api.schemas.goals import GoalRead
from app.api.schemas.results import VerdictRead
from app.db.codes import AdministrationState, ReviewAction, ReviewCause, RiskDuty
from app.db.models import Administration, Review
from app.scales.answers import ItemState, states_of_letters
from app.services.copies import CopyFor, PatientCopy
from app.services.visibility import earlier_shown, left_empty
from app.texts.catalogue import say


class StaffRead(Answer):
    """Somebody who worked with the patient."""

    id: UUID
    display_name: str
    role: str


class EarlierValuesRead(Answer):
    """What a row said before it was edited: only what was changed."""

    row_id: UUID
    version: int
    kind: str
    was: dict[str, Any]
    replaced_at: datetime
    replaced_by: UUID


class CopiedPatient(PatientRead):
    """The patient, as the others who work with the record know them."""

    created_at: datetime
    registered_by: UUID


class CopiedRelation(Answer):
    """Who treated the patient, and when."""

    user_id: UUID
    started_at: datetime
    ended_at: datetime | None


class CopiedProgramme(EpisodeProgrammeRead):
    """A programme, with its name."""

    name: str


class CopiedReview(Answer):
    """A review; what may repeat hidden answers is null in a parent's copy."""

    id: UUID
    version: int
    author_id: UUID
    dose: int | None
    reviewed_at: datetime
    with_patient: bool
    causes: list[ReviewCause] | None
    action: ReviewAction
    note: str | None
    due_on: date | None
    done_at: datetime | None
    snoozed_until: date | None


class CopiedAnswer(Answer):
    """One answer, with our own word for what was asked; the questionnaire's wording is somebody else's."""

    item: str
    topic: str
    answer: float | None
    state: ItemState


class CopiedScore(Answer):
    """One score."""

    subscale: str
    value: float | None
    missing: int
    prorated: bool
    is_case: bool | None
    band: str | None
    reason: str | None


class CopiedAlert(Answer):
    """A critical answer that asked for action, and what was done."""

    id: UUID
    item: str
    kind: str
    code: int
    duty: RiskDuty
    duties: list[str]
    answered_at: datetime
    raised_at: datetime
    due_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    assessment: str | None


class CopiedVersion(Answer):
    """One version of a form that was filled in."""

    version: int
    state: AdministrationState
    informant_id: UUID | None
    form: str
    completed_at: datetime | None
    received_at: datetime
    superseded_at: datetime | None
    author_id: UUID
    reason: str | None
    treatment_session_id: UUID | None
    timing: str | None
    occasion: str | None
    mode: str | None
    helped_by: str | None
    clarifications: list[str] | None
    accepted: list[str] | None
    answers: list[CopiedAnswer] | None
    body: str | None = Field(description="The form as it came, where it could not be read as answers.")
    scores: list[CopiedScore]
    risk_alerts: list[CopiedAlert]


class CopiedAdministration(Answer):
    """A form that was filled in, in all its versions."""

    id: UUID
    instrument: str
    instrument_version: str
    title: str
    withheld: bool = Field(
        description="True where it was entered in error: then the answers may be somebody else's, and are not given."
    )
    versions: list[CopiedVersion]
    verdicts: list[VerdictRead] = Field(description="As they were issued; empty in the mode `record`.")


class CopiedEpisode(EpisodeRead):
    """One course of help, with everything that belongs to it."""

    service: str
    treated_by: list[CopiedRelation]
    programmes: list[CopiedProgramme]
    sessions: list[TreatmentSessionRead]
    attendances: list[AttendanceRead]
    assignments: list[AssignmentRead]
    goals: list[GoalRead]
    reviews: list[CopiedReview]
    administrations: list[CopiedAdministration]


class PatientCopyRead(Answer):
    """Everything that is kept of a patient, in the episodes that whoever made the copy may see."""

    made_at: datetime
    made_for: CopyFor
    informant_id: UUID | None
    organisation: str
    explanation: list[str] = Field(description="What this is and what is left out, in the reader's language.")
    left_out: bool = Field(description="Whether answers that others gave in confidence would be left out.")
    patient: CopiedPatient
    informants: list[InformantRead]
    consents: list[ConsentRead]
    legal_holds: list[LegalHoldRead]
    blocks: list[BlockRead]
    openings: list[BreakGlassRead] = Field(description="Who opened the record without treating the patient.")
    episodes: list[CopiedEpisode]
    earlier_values: list[EarlierValuesRead]
    staff: list[StaffRead]


def patient_copy_read(copy: PatientCopy, made_at: datetime, language: str) -> PatientCopyRead:
    """Show a copy."""
    record = copy.record
    return PatientCopyRead(
        made_at=made_at,
        made_for=copy.made_for,
        informant_id=copy.reader_id,
        organisation=record.organisation,
        explanation=explained(copy, language),
        left_out=not copy.view.is_whole,
        patient=CopiedPatient.model_validate(record.patient),
        informants=_each(InformantRead, record.informants),
        consents=_each(ConsentRead, record.consents),
        legal_holds=_each(LegalHoldRead, record.holds),
        blocks=_each(BlockRead, record.blocks),
        openings=_each(BreakGlassRead, record.openings),
        episodes=_episodes(copy),
        earlier_values=[
            EarlierValuesRead(**_columns(EarlierValuesRead, row) | {"was": earlier_shown(copy.view, row)})
            for row in record.earlier
        ],
        staff=_each(StaffRead, record.staff),
    )


def explained(copy: PatientCopy, language: str) -> list[str]:
    """Say in plain words what a copy is, what is left out, and what the words in it mean."""
    keys = ["what", "earlier", "reach"]
    keys += [] if copy.view.is_whole else ["left_out"]
    keys += ["scores", "verdicts" if copy.tells_verdicts else "record_mode", "in_error", "wrong"]
    return [say(f"copy.{key}", language, {"organisation": copy.record.organisation}) for key in keys]


def _episodes(copy: PatientCopy) -> list[CopiedEpisode]:
    record, view = copy.record, copy.view
    by_episode = {
        name: _grouped(getattr(record, name))
        for name in ("relations", "programmes", "attendances", "assignments", "goals", "reviews")
    }
    administrations = _administrations(copy)
    found = []
    for episode in record.episodes:
        rows = {name: grouped.get(episode.id, []) for name, grouped in by_episode.items()}
        session_ids = {each.treatment_session_id for each in rows["attendances"]}
        empty = dict.fromkeys(left_empty(view, "episodes"))
        found.append(
            CopiedEpisode(
                **_columns(EpisodeRead, episode) | empty,
                service=record.services[episode.service_id],
                treated_by=_each(CopiedRelation, rows["relations"]),
                programmes=[
                    CopiedProgramme(**_columns(EpisodeProgrammeRead, each), name=record.offers[each.programme_id])
                    for each in rows["programmes"]
                ],
                sessions=_each(TreatmentSessionRead, [each for each in record.sessions if each.id in session_ids]),
                attendances=[
                    each if view.shows(each.informant_id) else each.model_copy(update={"reason": None})
                    for each in _each(AttendanceRead, rows["attendances"])
                ],
                assignments=_each(AssignmentRead, rows["assignments"]),
                goals=_each(GoalRead, rows["goals"]),
                reviews=[_review(copy, each) for each in rows["reviews"]],
                administrations=administrations.get(episode.id, []),
            )
        )
    return found


def _review(copy: PatientCopy, row: Review) -> CopiedReview:
    return CopiedReview(**_columns(CopiedReview, row) | dict.fromkeys(left_empty(copy.view, "reviews")))


def _administrations(copy: PatientCopy) -> dict[UUID, list[CopiedAdministration]]:
    """Show the administrations by the episode in which the newest version stands."""
    versions: dict[UUID, list[Administration]] = {}
    for row in copy.record.administrations:
        versions.setdefault(row.id, []).append(row)
    informant_of = {each.id: each.informant_id for each in copy.record.series}
    scores, alerts = _by_version(copy.record.scores), _by_version(copy.record.alerts)
    verdicts: dict[UUID, list[VerdictRead]] = {}
    for verdict in copy.record.verdicts if copy.tells_verdicts else ():
        verdicts.setdefault(verdict.administration_id, []).append(VerdictRead.model_validate(verdict))
    found: dict[UUID, list[CopiedAdministration]] = {}
    for rows in versions.values():
        newest = rows[-1]
        withheld = newest.state == AdministrationState.ENTERED_IN_ERROR
        told = [_version(copy, row, informant_of, withheld=withheld) for row in rows]
        if not withheld:
            for version in told:
                key = newest.id, version.version
                version.scores = _each(CopiedScore, scores.get(key, []))
                version.risk_alerts = _each(CopiedAlert, alerts.get(key, []))
        found.setdefault(newest.episode_id, []).append(
            CopiedAdministration(
                id=newest.id,
                instrument=newest.instrument,
                instrument_version=newest.instrument_version,
                title=copy.instrument_of(newest).title,
                withheld=withheld,
                versions=told,
                verdicts=[] if withheld else verdicts.get(newest.id, []),
            )
        )
    return found


def _version(
    copy: PatientCopy, row: Administration, informant_of: Mapping[UUID, UUID], *, withheld: bool
) -> CopiedVersion:
    """Show a version, without what was made of it yet."""
    made: dict[str, Any] = {
        "informant_id": informant_of.get(row.series_id) if row.series_id else None,
        "answers": None if withheld else _answers(copy, row),
        "body": None if withheld else row.body,
        "scores": [],
        "risk_alerts": [],
    }
    return CopiedVersion(
        **made, **{name: getattr(row, name) for name in CopiedVersion.model_fields if name not in made}
    )


def _answers(copy: PatientCopy, row: Administration) -> list[CopiedAnswer] | None:
    if row.answers is None or row.item_states is None:
        return None
    form = copy.instrument_of(row).form(row.form)
    named, states = form.answers(row.answers), states_of_letters(row.item_states)
    return [
        CopiedAnswer(item=item.number, topic=item.topic, answer=named[item.number], state=state)
        for item, state in zip(form.items, states, strict=True)
    ]


Shown = TypeVar("Shown", bound=BaseModel)


def _each(model: type[Shown], rows: Iterable[object]) -> list[Shown]:
    return [model.model_validate(row) for row in rows]


def _columns(model: type[BaseModel], row: object) -> dict[str, Any]:
    return {name: getattr(row, name) for name in model.model_fields}


def _grouped(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    grouped: dict[UUID, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.episode_id, []).append(row)
    return grouped


def _by_version(rows: Iterable[Any]) -> dict[tuple[UUID, int], list[Any]]:
    grouped: dict[tuple[UUID, int], list[Any]] = {}
    for row in rows:
        grouped.setdefault((row.administration_id, row.administration_version), []).append(row)
    return grouped
