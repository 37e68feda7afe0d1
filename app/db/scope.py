"""The one place that says which patients and episodes a caller may reach, and notes that they were reached.

Every statement about patients starts from one of these; tests/test_rules.py fails where one goes around them.
"""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, exists, select
from sqlalchemy.orm import aliased

from app.db.codes import Role
from app.db.models import BreakGlass, Episode, Patient
from app.db.models.base import OfEpisode
from app.db.reach import has_blocked, reached, reached_in_sql
from app.db.session import Work
from app.errors import NotFound

Hanging = TypeVar("Hanging", bound=OfEpisode)


def may_reach_episode(work: Work, *, listing: bool = False) -> ColumnElement[bool]:
    """Give the condition on `episodes` that holds for those the caller may reach.

    A tablet reaches the episodes of its service of which an assignment was opened on it (to put answers); a respondent
    the episode of the link's assignment; a therapist those with an active treatment relation, and for some hours those
    of the service whose record was opened for a named purpose; a supervisor those of the service. Nobody else reaches
    any: a lead sees aggregates, not persons. Whom the patient has blocked reaches none.

    The same is said in two ways: for episodes that are found by their own or their patient's key, and, `listing`, for
    all of them, which are then found by what lets the caller reach them.
    """
    values = caller(work)

    def value(name: str) -> BindParameter[UUID]:
        return bindparam(name, values[name])

    return reached(Episode, work.scope.role, value, listing=listing)


def reach(work: Work, *, listing: bool = False) -> str:
    """Give that condition on `episodes e` as SQL, for statements that are sent with the parameters of `caller`."""
    return reached_in_sql(work.scope.role, listing)


def caller(work: Work) -> dict[str, UUID]:
    """Give the parameters of the condition."""
    scope = work.scope
    return {"organisation_id": scope.organisation_id, "actor_id": scope.actor_id, "caller_service_id": scope.service_id}


def reachable_episodes(work: Work, *, listing: bool = False) -> Select[Episode]:
    """Select the episodes that the caller may reach."""
    return select(Episode).where(may_reach_episode(work, listing=listing))


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


def may_reach_patient(work: Work, *, listing: bool = False) -> ColumnElement[bool]:
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
    in_reach = select(Episode.patient_id).where(may_reach_episode(work, listing=listing)).union_all(just_registered)
    allowed = ~has_blocked(Patient.organisation_id, Patient.id, work.scope.actor_id)
    return and_(own, Patient.id.in_(in_reach), allowed)


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


def may_see_opening(work: Work, *, listing: bool = False) -> ColumnElement[bool]:
    """Give the condition on `break_glass`: an administrator sees all, others those of the patients they reach."""
    own = BreakGlass.organisation_id == work.scope.organisation_id
    if work.scope.role is Role.ADMINISTRATOR:
        return own
    in_reach = select(Episode.patient_id).where(may_reach_episode(work, listing=listing))
    return and_(own, BreakGlass.patient_id.in_(in_reach))
