"""The one place that says which patients and episodes a caller may reach, and notes that they were reached.

Every statement about patients starts from one of these; tests/test_rules.py fails where one goes around them.
"""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from app.db.codes import Role
from app.db.models import Episode, Patient, TreatmentRelation
from app.db.models.base import OfEpisode
from app.db.session import Work
from app.errors import NotFound

Hanging = TypeVar("Hanging", bound=OfEpisode)


def may_reach_episode(work: Work) -> ColumnElement[bool]:
    """Give the condition on `episodes` that holds for those the caller may reach.

    A tablet reaches the episodes of its service (to put answers), a therapist those with an active treatment
    relation, a service lead none: a lead sees aggregates, not persons.
    """
    scope = work.scope
    own = Episode.organisation_id == scope.organisation_id
    if scope.role is Role.DEVICE:
        return and_(own, Episode.service_id == scope.service_id)
    if scope.role is Role.THERAPIST:
        relation = exists().where(
            TreatmentRelation.organisation_id == Episode.organisation_id,
            TreatmentRelation.episode_id == Episode.id,
            TreatmentRelation.user_id == scope.actor_id,
            TreatmentRelation.ended_at.is_(None),
        )
        return and_(own, relation)
    return false()


def reachable_episodes(work: Work) -> Select[Episode]:
    """Select the episodes that the caller may reach."""
    return select(Episode).where(may_reach_episode(work))


def get_episode(work: Work, episode_id: UUID, *, lock: bool = False) -> Episode:
    """Load one episode, locked against every other change of its verdicts if asked.

    Raises
    ------
    NotFound
        If there is none, or the caller may not reach it.
    """
    statement = reachable_episodes(work).where(Episode.id == episode_id)
    if lock:
        statement = statement.with_for_update(key_share=True, of=Episode)
    episode = work.db.scalars(statement).one_or_none()
    if episode is None:
        raise NotFound("there is no such episode", pointer="/episode_id")
    work.saw([episode.patient_id])
    return episode


def may_reach_patient(work: Work) -> ColumnElement[bool]:
    """Give the condition on `patients`: somebody with a reachable episode, or just registered by the caller."""
    of_patient = and_(Episode.organisation_id == Patient.organisation_id, Episode.patient_id == Patient.id)
    has_reachable = exists().where(of_patient, may_reach_episode(work))
    just_registered = and_(
        Patient.organisation_id == work.scope.organisation_id,
        Patient.registered_by == work.scope.actor_id,
        ~exists().where(of_patient),
    )
    return or_(has_reachable, just_registered)


def get_patient(work: Work, patient_id: UUID) -> Patient:
    """Load one patient.

    Raises
    ------
    NotFound
        If there is none, or the caller may not reach them.
    """
    patient = work.db.scalars(select(Patient).where(Patient.id == patient_id, may_reach_patient(work))).one_or_none()
    if patient is None:
        raise NotFound("there is no such patient", pointer="/patient_id")
    work.saw([patient.id])
    return patient


def get_of_episode(work: Work, table: type[Hanging], row_id: UUID) -> Hanging:
    """Load a row that hangs on an episode, through the episode.

    Raises
    ------
    NotFound
        If there is none, or the caller may not reach its episode.
    """
    at_episode = and_(Episode.organisation_id == table.organisation_id, Episode.id == table.episode_id)
    found = work.db.execute(
        select(table, Episode.patient_id).join(Episode, at_episode).where(table.id == row_id, may_reach_episode(work))
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such row", pointer="/id")
    row, patient_id = found
    work.saw([patient_id])
    return row
