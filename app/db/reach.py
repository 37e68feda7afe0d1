"""Whom each role reaches: one condition on episodes, which everything about patients rests on (see app.db.scope)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias
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
from app.db.models import Assignment, AssignmentOpening, Block, BreakGlass, Episode, TreatmentRelation

Value: TypeAlias = Callable[[str], BindParameter[UUID]]
"""Gives the caller's `organisation_id`, `actor_id` or `caller_service_id`, or a place for it."""

# Of their own, since what is asked for may be a row of the same table.
_OPENED, _RELATION, _OPENING, _BLOCK = aliased(Episode), aliased(TreatmentRelation), aliased(BreakGlass), aliased(Block)
_ASSIGNED, _ON_TABLET = aliased(Assignment), aliased(AssignmentOpening)


def reached(episodes: type[Episode], role: Role, value: Value, *, listing: bool) -> ColumnElement[bool]:
    """Give the condition on episodes that holds for those a caller in a role may reach."""
    condition = _CONDITIONS.get(role)
    if condition is None:
        return false()
    own = episodes.organisation_id == value("organisation_id")
    return and_(own, condition(episodes, value, listing))


@cache
def reached_in_sql(role: Role, listing: bool) -> str:
    """Give that condition on `episodes e` as SQL, with places for the caller's values."""
    e = aliased(Episode, name="e")
    selected = select(e.id).where(reached(e, role, bindparam, listing=listing))
    return str(selected.compile(dialect=dialect())).partition("WHERE")[2]  # type: ignore[no-untyped-call]


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


def _of_tablet(episodes: type[Episode], value: Value, _: bool) -> ColumnElement[bool]:
    """Give the condition that an assignment of the episode was opened on the tablet."""
    opened = exists().where(
        _ON_TABLET.organisation_id == episodes.organisation_id,
        _ON_TABLET.episode_id == episodes.id,
        _ON_TABLET.device_id == value("actor_id"),
    )
    return and_(_of_service(episodes, value), opened)


def _of_respondent(episodes: type[Episode], value: Value, _: bool) -> ColumnElement[bool]:
    """Give the condition that the episode is that of the assignment which the link was for."""
    return exists().where(
        _ASSIGNED.organisation_id == episodes.organisation_id,
        _ASSIGNED.episode_id == episodes.id,
        _ASSIGNED.id == value("actor_id"),
    )


def _of_supervisor(episodes: type[Episode], value: Value, _: bool) -> ColumnElement[bool]:
    return and_(_of_service(episodes, value), _not_blocked(episodes, value))


def _of_therapist(episodes: type[Episode], value: Value, listing: bool) -> ColumnElement[bool]:
    treated, opened = _treated(value), _opened(value)
    if listing:
        return and_(episodes.id.in_(treated.union_all(opened)), _not_blocked(episodes, value))
    found = (treated.where(_RELATION.episode_id == episodes.id), opened.where(_OPENED.id == episodes.id))
    # Asked for a limit, the database looks for the one row, and does not read all that the caller reaches first.
    either = or_(*(each.limit(literal_column("1")).scalar_subquery().is_not(None) for each in found))
    return and_(either, _not_blocked(episodes, value))


_CONDITIONS: Final = {
    Role.DEVICE: _of_tablet,
    Role.RESPONDENT: _of_respondent,
    Role.THERAPIST: _of_therapist,
    Role.SUPERVISOR: _of_supervisor,
}
"""Who is not named here reaches nobody."""


def _of_service(episodes: type[Episode], value: Value) -> ColumnElement[bool]:
    return episodes.service_id == value("caller_service_id")


def _not_blocked(episodes: type[Episode], value: Value) -> ColumnElement[bool]:
    return ~has_blocked(episodes.organisation_id, episodes.patient_id, value("actor_id"))


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
