"""The one place that says which patients and episodes a caller may reach, and notes that they were reached.

Every statement about patients starts from one of these; tests/test_rules.py fails where one goes around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, exists, false, select
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.orm import aliased

from app.db.codes import Role
from app.db.models import Assignment, AssignmentOpening, Episode, Patient, TreatmentRelation
from app.db.models.base import OfEpisode
from app.db.session import Work
from app.errors import NotFound

Hanging = TypeVar("Hanging", bound=OfEpisode)


def may_reach_episode(work: Work) -> ColumnElement[bool]:
    """Give the condition on `episodes` that holds for those the caller may reach.

    A tablet reaches the episodes of its service of which an assignment was opened on it (to put answers), a respondent
    the episode of its assignment, a therapist those with an active treatment relation, a supervisor those of the
    service. Nobody else reaches any: a lead sees aggregates, not persons.
    """
    return _reached(Episode, work.scope.role, caller(work))


def reach(work: Work) -> str:
    """Give that condition on `episodes e` as SQL, for statements that are sent with the parameters of `caller`."""
    return _reach_in_sql(work.scope.role)


def caller(work: Work) -> dict[str, UUID]:
    """Give the parameters of the condition."""
    scope = work.scope
    return {"organisation_id": scope.organisation_id, "actor_id": scope.actor_id, "caller_service_id": scope.service_id}


def _reached(episodes: type[Episode], role: Role, values: Mapping[str, UUID]) -> ColumnElement[bool]:
    """Give the condition with the caller's values, or with places for them where there are none."""

    def value(name: str) -> BindParameter[UUID]:
        return bindparam(name, values.get(name))

    own = episodes.organisation_id == value("organisation_id")
    if role is Role.SUPERVISOR:
        return and_(own, episodes.service_id == value("caller_service_id"))
    if role is Role.DEVICE:
        opened = exists().where(
            AssignmentOpening.organisation_id == episodes.organisation_id,
            AssignmentOpening.episode_id == episodes.id,
            AssignmentOpening.device_id == value("actor_id"),
        )
        return and_(own, episodes.service_id == value("caller_service_id"), opened)
    if role is Role.RESPONDENT:
        its_own = aliased(Assignment)  # since the statement around it may be about assignments itself
        assigned = exists().where(
            its_own.organisation_id == episodes.organisation_id,
            its_own.episode_id == episodes.id,
            its_own.id == value("actor_id"),
        )
        return and_(own, assigned)
    if role is Role.THERAPIST:
        relation = exists().where(
            TreatmentRelation.organisation_id == episodes.organisation_id,
            TreatmentRelation.episode_id == episodes.id,
            TreatmentRelation.user_id == value("actor_id"),
            TreatmentRelation.ended_at.is_(None),
        )
        return and_(own, relation)
    return false()


@cache
def _reach_in_sql(role: Role) -> str:
    e = aliased(Episode, name="e")
    selected = select(e.id).where(_reached(e, role, {}))
    return str(selected.compile(dialect=dialect())).partition("WHERE")[2]  # type: ignore[no-untyped-call]


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
    own = Patient.organisation_id == work.scope.organisation_id
    registered = aliased(Patient)
    of_registered = and_(Episode.organisation_id == registered.organisation_id, Episode.patient_id == registered.id)
    just_registered = select(registered.id).where(
        registered.organisation_id == work.scope.organisation_id,
        registered.registered_by == work.scope.actor_id,
        ~exists().where(of_registered),
    )
    # A union, since no index helps to find what one or the other of two conditions holds for.
    reached = select(Episode.patient_id).where(may_reach_episode(work)).union_all(just_registered)
    return and_(own, Patient.id.in_(reached))


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
