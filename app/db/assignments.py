"""Assignments as tablets and respondents meet them: opened by a code, listed while open, named by what is put."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from app.db.codes import Role
from app.db.entry import Entry
from app.db.pipeline import Statement, statement
from app.db.scope import caller, reach
from app.db.session import Query, Work, uuids


@dataclass(slots=True)
class KeptAssignment:
    """An assignment that an administration may be put for, and the administration that completed it."""

    id: UUID
    episode_id: UUID
    informant_id: UUID
    instrument: str
    form: str
    administration_id: UUID | None


_OPENED_HERE = """
    exists (select from assignment_openings o
             where o.organisation_id = a.organisation_id and o.assignment_id = a.id and o.device_id = %(actor_id)s)
"""
_OPEN_HERE = """
    a.id in (select o.assignment_id from assignment_openings o
              where o.organisation_id = %(organisation_id)s and o.device_id = %(actor_id)s and o.closed_at is null)
"""
_ITS_OWN = "a.id = %(actor_id)s"

_ANSWERED = {Role.DEVICE: _OPENED_HERE, Role.RESPONDENT: _ITS_OWN}
_OPEN = {Role.DEVICE: _OPEN_HERE, Role.RESPONDENT: _ITS_OWN}


@cache
def _named(reached: str, own: str) -> Statement:
    return statement(
        f"""
        select a.id, a.episode_id, a.informant_id, a.instrument, a.form, a.administration_id
          from assignments a
          join episodes e on e.organisation_id = a.organisation_id and e.id = a.episode_id
         where a.organisation_id = %(organisation_id)s and a.id = any(%(assignment_ids)s::uuid[])
           and {reached} and {own}
        """  # noqa: S608 - our own words
    )


def assignments_named(work: Work, ids: Collection[UUID]) -> Query[dict[UUID, KeptAssignment]]:
    """Make the statement that reads those of the assignments for which the caller may put something.

    A tablet may do so for those that were ever opened on it, since it may have been offline ever since.
    """
    own = _ANSWERED.get(work.scope.role, "true")
    parameters = {**caller(work), "assignment_ids": uuids(ids)}
    return Query(_named(reach(work), own), parameters, lambda rows: {row[0]: KeptAssignment(*row) for row in rows})


@dataclass(frozen=True, slots=True)
class OpenAssignment:
    """What a tablet or a respondent needs to ask for a form and to put it; nothing of the person."""

    assignment_id: UUID
    episode_id: UUID
    informant_id: UUID
    informant_role: str
    instrument: str
    form: str
    language: str
    treatment_session_id: UUID | None
    opens_at: datetime
    closes_at: datetime | None


@cache
def _listing(reached: str, own: str) -> Statement:
    return statement(
        f"""
        select e.patient_id, a.id, a.episode_id, a.informant_id, i.role, a.instrument, a.form, p.language,
               a.treatment_session_id, a.opens_at, a.closes_at
          from assignments a
          join episodes e on e.organisation_id = a.organisation_id and e.id = a.episode_id
          join patients p on p.organisation_id = e.organisation_id and p.id = e.patient_id
          join informants i on i.organisation_id = a.organisation_id and i.id = a.informant_id
         where a.organisation_id = %(organisation_id)s and a.state = 'offered'
           and (a.closes_at is null or a.closes_at > %(now)s) and {reached} and {own}
         order by a.opens_at, a.id
        """  # noqa: S608 - our own words
    )


def open_assignments(work: Work) -> list[OpenAssignment]:
    """List what is open for the caller: on this tablet, or the respondent's one."""
    parameters = {**caller(work), "now": work.now}
    rows = work.ask(Query(_listing(reach(work), _OPEN[work.scope.role]), parameters, list))
    work.saw(row[0] for row in rows)
    return [OpenAssignment(*row[1:]) for row in rows]


_TAKE_CODE = statement(
    """
    update assignments a set code_hash = null, code_expires_at = null
      from episodes e
     where a.organisation_id = %(organisation_id)s and a.code_hash = %(code_hash)s and a.code_expires_at > %(now)s
       and a.opens_at <= %(now)s and a.state = 'offered'
       and e.organisation_id = a.organisation_id and e.id = a.episode_id and e.service_id = %(caller_service_id)s
    returning a.id, a.episode_id, e.patient_id
    """
)


def take_code(work: Work, code_hash: bytes) -> tuple[Entry, UUID, UUID] | None:
    """Use a code up in the tablet's own service; give the assignment and its episode, None where it opens nothing."""
    parameters = {**caller(work), "code_hash": code_hash, "now": work.now}
    rows: Sequence[Any] = work.ask(Query(_TAKE_CODE, parameters, list))
    if not rows:
        return None
    [(assignment_id, episode_id, patient_id)] = rows
    return work.saw([patient_id]), assignment_id, episode_id


_CLOSE_ELSEWHERE = statement(
    """
    update assignment_openings set closed_at = %(now)s
     where organisation_id = %(organisation_id)s and assignment_id = %(assignment_id)s
       and device_id <> %(device_id)s and closed_at is null
    """
)
_OPEN_ON_DEVICE = statement(
    """
    insert into assignment_openings (organisation_id, assignment_id, device_id, episode_id, opened_at)
    values (%(organisation_id)s, %(assignment_id)s, %(device_id)s, %(episode_id)s, %(now)s)
    on conflict (organisation_id, assignment_id, device_id)
       do update set opened_at = excluded.opened_at, closed_at = null
    """
)


def open_on_device(work: Work, entry: Entry, assignment_id: UUID, episode_id: UUID, device_id: UUID) -> None:
    """Open an assignment on a tablet, and no longer on any other. What was filled in on another may still be put."""
    work.writes_with(entry)
    parameters = {
        "organisation_id": work.scope.organisation_id,
        "assignment_id": assignment_id,
        "episode_id": episode_id,
        "device_id": device_id,
        "now": work.now,
    }
    work.ask_all(*(Query(each, parameters, list) for each in (_CLOSE_ELSEWHERE, _OPEN_ON_DEVICE)))


_DECLINE = """
    update assignments a set state = %(state)s, reason = %(reason)s, version = a.version + 1
      from episodes e
     where a.organisation_id = %(organisation_id)s and a.id = %(assignment_id)s and a.state = 'offered'
       and e.organisation_id = a.organisation_id and e.id = a.episode_id and {} and {}
    returning e.patient_id
"""


@cache
def _declining(reached: str, own: str) -> Statement:
    return statement(_DECLINE.format(reached, own))


def decline(work: Work, assignment_id: UUID, state: str, reason: str) -> bool:
    """Note on an assignment that is open for the caller that it was not answered; tell whether there was one."""
    parameters = {**caller(work), "assignment_id": assignment_id, "state": state, "reason": reason}
    asked = _declining(reach(work), _OPEN[work.scope.role])
    rows: Sequence[Any] = work.ask(Query(asked, parameters, list))
    work.saw(patient_id for (patient_id,) in rows)
    return bool(rows)


_HAS_CODE = statement(
    """
    select exists (select from assignments where organisation_id = %(organisation_id)s and code_hash = %(code_hash)s)
    """
)


def code_is_taken(work: Work, code_hash: bytes) -> bool:
    """Tell whether another assignment has this code."""
    parameters = {"organisation_id": work.scope.organisation_id, "code_hash": code_hash}
    [(taken,)] = work.ask(Query(_HAS_CODE, parameters, list))
    return bool(taken)
