"""The one place that says which patients and episodes a caller may reach, and notes that they were reached.

Every statement about patients starts from one of these; tests/test_rules.py fails where one goes around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.db.codes import Role
from app.db.models import Block, BreakGlass, Episode, Patient, TreatmentRelation
from app.db.models.base import OfEpisode
from app.db.session import Work
from app.errors import NotFound

Hanging = TypeVar("Hanging", bound=OfEpisode)


def may_reach_episode(work: Work, *, listing: bool = False) -> ColumnElement[bool]:
    """Give the condition on `episodes` that holds for those the caller may reach.

    A tablet reaches the episodes of its service (to put answers); a therapist those with an active treatment relation,
    and for some hours those of the service whose record was opened for a named purpose; a supervisor those of the
    service. Nobody else reaches any: a lead sees aggregates, not persons. Whom the patient has blocked reaches none.

    The same is said in two ways: for episodes that are found by their own or their patient's key, and, `listing`, for
    all of them, which are then found by what lets the caller reach them.
    """
    return _reached(Episode, work.scope.role, caller(work), listing=listing)


def reach(work: Work, *, listing: bool = False) -> str:
    """Give that condition on `episodes e` as SQL, for statements that are sent with the parameters of `caller`."""
    return _reach_in_sql(work.scope.role, listing)


def caller(work: Work) -> dict[str, UUID]:
    """Give the parameters of the condition."""
    scope = work.scope
    return {"organisation_id": scope.organisation_id, "actor_id": scope.actor_id, "caller_service_id": scope.service_id}


def _reached(episodes: type[Episode], role: Role, values: Mapping[str, UUID], *, listing: bool) -> ColumnElement[bool]:
    """Give the condition with the caller's values, or with places for them where there are none."""

    def value(name: str) -> BindParameter[UUID]:
        return bindparam(name, values.get(name))

    own = episodes.organisation_id == value("organisation_id")
    if role is Role.DEVICE:
        return and_(own, episodes.service_id == value("caller_service_id"))
    allowed = ~has_blocked(episodes.organisation_id, episodes.patient_id, value("actor_id"))
    if role is Role.SUPERVISOR:
        return and_(own, episodes.service_id == value("caller_service_id"), allowed)
    if role is Role.THERAPIST:
        treated, opened = _treated(value), _opened(value)
        if listing:
            return and_(own, episodes.id.in_(treated.union_all(opened)), allowed)
        found = (treated.where(_RELATION.episode_id == episodes.id), opened.where(_OPENED.id == episodes.id))
        # Asked for a limit, the database looks for the one row, and does not read all that the caller reaches first.
        return and_(
            own, or_(*(each.limit(literal_column("1")).scalar_subquery().is_not(None) for each in found)), allowed
        )
    return false()


Value: TypeAlias = Callable[[str], BindParameter[UUID]]

# Of their own, since what is asked for may be a row of the same table.
_OPENED, _RELATION, _OPENING, _BLOCK = aliased(Episode), aliased(TreatmentRelation), aliased(BreakGlass), aliased(Block)


def _treated(value: Value) -> Select[UUID]:
    """Select the episodes in which the caller treats the patient."""
    return select(_RELATION.episode_id).where(
        _RELATION.organisation_id == value("organisation_id"),
        _RELATION.user_id == value("actor_id"),
        _RELATION.ended_at.is_(None),
    )


def _opened(value: Value) -> Select[UUID]:
    """Select the episodes of the caller's service whose patient's record the caller has opened a while ago."""
    of_patient = and_(_OPENED.organisation_id == _OPENING.organisation_id, _OPENED.patient_id == _OPENING.patient_id)
    return (
        select(_OPENED.id)
        .join(_OPENING, of_patient)
        .where(
            _OPENING.organisation_id == value("organisation_id"),
            _OPENING.user_id == value("actor_id"),
            _OPENING.expires_at > func.now(),
            _OPENED.service_id == value("caller_service_id"),
        )
    )


def has_blocked(
    organisation_id: InstrumentedAttribute[UUID], patient_id: InstrumentedAttribute[UUID], actor_id: Any
) -> ColumnElement[bool]:
    """Give the condition that the patient has blocked the caller: it comes before whatever else would let them in."""
    return exists().where(
        _BLOCK.organisation_id == organisation_id,
        _BLOCK.patient_id == patient_id,
        _BLOCK.user_id == actor_id,
        _BLOCK.lifted_at.is_(None),
    )


@cache
def _reach_in_sql(role: Role, listing: bool) -> str:
    e = aliased(Episode, name="e")
    selected = select(e.id).where(_reached(e, role, {}, listing=listing))
    return str(selected.compile(dialect=dialect())).partition("WHERE")[2]  # type: ignore[no-untyped-call]


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
    reached = select(Episode.patient_id).where(may_reach_episode(work, listing=listing)).union_all(just_registered)
    allowed = ~has_blocked(Patient.organisation_id, Patient.id, work.scope.actor_id)
    return and_(own, Patient.id.in_(reached), allowed)


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
    reached = select(Episode.patient_id).where(may_reach_episode(work, listing=listing))
    return and_(own, BreakGlass.patient_id.in_(reached))
