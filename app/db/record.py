"""Lists of the record: what belongs to a patient, an episode, a session; each reached through the scope."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import and_, func, select

from app.db.models import (
    Assignment,
    Attendance,
    Episode,
    EpisodeProgramme,
    Goal,
    Informant,
    Patient,
    Review,
    RiskAlert,
    Series,
    TreatmentRelation,
    TreatmentSession,
)
from app.db.scope import get_patient, may_reach_episode, may_reach_patient, reachable_episodes
from app.db.session import Work
from app.errors import InvalidReference, NotFound

Hanging = TypeVar(
    "Hanging", EpisodeProgramme, Attendance, Assignment, Goal, Review, RiskAlert, Series, TreatmentRelation
)


def patients(work: Work, after: UUID | None, limit: int) -> list[Patient]:
    """List the patients that the caller may reach, a page at a time."""
    statement = select(Patient).where(may_reach_patient(work, listing=True)).order_by(Patient.id).limit(limit)
    found = list(work.db.scalars(statement.where(Patient.id > after) if after else statement))
    work.saw(patient.id for patient in found)
    return found


def informants(work: Work, patient_id: UUID) -> list[Informant]:
    """List who answers about a patient."""
    get_patient(work, patient_id)
    return list(
        work.db.scalars(
            select(Informant)
            .where(Informant.organisation_id == work.scope.organisation_id, Informant.patient_id == patient_id)
            .order_by(Informant.id)
        )
    )


def get_informant(work: Work, informant_id: UUID) -> Informant:
    """Load one informant, through the patient."""
    at_patient = and_(Patient.organisation_id == Informant.organisation_id, Patient.id == Informant.patient_id)
    informant = work.db.scalars(
        select(Informant)
        .join(Patient, at_patient)
        .where(Informant.id == informant_id, may_reach_patient(work, listing=True))
    ).one_or_none()
    if informant is None:
        raise NotFound("there is no such informant", pointer="/id")
    work.saw([informant.patient_id])
    return informant


def informant_for(work: Work, episode: Episode, informant_id: UUID | None) -> Informant:
    """Give the named informant of an episode's patient, or the patient where none is named.

    Raises
    ------
    InvalidReference
        If the informant does not answer about this patient.
    """
    everybody = informants(work, episode.patient_id)
    for informant in everybody:
        if informant.id == informant_id or (informant_id is None and informant.role == "self"):
            return informant
    raise InvalidReference("the informant does not answer about this patient", pointer="/informant_id")


def episodes(work: Work, patient_id: UUID | None, after: UUID | None, limit: int) -> list[Episode]:
    """List the episodes that the caller may reach, a page at a time."""
    statement = reachable_episodes(work, listing=patient_id is None).order_by(Episode.id).limit(limit)
    if patient_id:
        statement = statement.where(Episode.patient_id == patient_id)
    found = list(work.db.scalars(statement.where(Episode.id > after) if after else statement))
    work.saw(episode.patient_id for episode in found)
    return found


def of_episode(work: Work, table: type[Hanging], episode: Episode) -> list[Hanging]:
    """List the rows of a table that hang on an episode that was reached."""
    return list(
        work.db.scalars(
            select(table)
            .where(table.organisation_id == work.scope.organisation_id, table.episode_id == episode.id)
            .order_by(table.id)
        )
    )


def next_position(work: Work, episode: Episode) -> int:
    """Give the place of the next programme in an episode's sequence."""
    last = work.db.scalar(
        select(func.max(EpisodeProgramme.position)).where(
            EpisodeProgramme.organisation_id == work.scope.organisation_id, EpisodeProgramme.episode_id == episode.id
        )
    )
    return (last or 0) + 1


def get_session(work: Work, session_id: UUID) -> TreatmentSession:
    """Load a treatment session of the caller's service; who attended is reached through the episodes."""
    session = work.db.get(TreatmentSession, (work.scope.organisation_id, session_id))
    if session is None or session.service_id != work.scope.service_id:
        raise NotFound("there is no such treatment session", pointer="/id")
    return session


def attendances(work: Work, session: TreatmentSession) -> list[Attendance]:
    """List the attendances of a session in episodes that the caller may reach."""
    at_episode = and_(Episode.organisation_id == Attendance.organisation_id, Episode.id == Attendance.episode_id)
    rows = work.db.execute(
        select(Attendance, Episode.patient_id)
        .join(Episode, at_episode)
        .where(Attendance.treatment_session_id == session.id, may_reach_episode(work))
        .order_by(Attendance.id)
    ).all()
    work.saw(row.patient_id for row in rows)
    return [row.Attendance for row in rows]


def sessions_of(work: Work, episode: Episode) -> list[TreatmentSession]:
    """List the treatment sessions of an episode that was reached, in time order."""
    attended = select(Attendance.treatment_session_id).where(
        Attendance.organisation_id == work.scope.organisation_id, Attendance.episode_id == episode.id
    )
    return list(
        work.db.scalars(
            select(TreatmentSession)
            .where(TreatmentSession.organisation_id == work.scope.organisation_id, TreatmentSession.id.in_(attended))
            .order_by(TreatmentSession.starts_at)
        )
    )


def open_alerts(work: Work) -> list[RiskAlert]:
    """List the risk alerts that nobody has acknowledged, earliest duty first."""
    at_episode = and_(Episode.organisation_id == RiskAlert.organisation_id, Episode.id == RiskAlert.episode_id)
    found = list(
        work.db.scalars(
            select(RiskAlert)
            .join(Episode, at_episode)
            .where(RiskAlert.acknowledged_at.is_(None), may_reach_episode(work, listing=True))
            .order_by(RiskAlert.due_at.asc().nulls_last(), RiskAlert.id)
        )
    )
    work.saw(alert.patient_id for alert in found)
    return found
