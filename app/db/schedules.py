"""What schedules need of the record, and the assignments that they make."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.db.codes import AssignmentState
from app.db.entry import Entry
from app.db.ids import uuid7
from app.db.pipeline import Statement, statement
from app.db.session import Query, Work, uuids


@dataclass(frozen=True, slots=True)
class ScheduledProgramme:
    """The newest programme of an episode, as far as it has a schedule of the form that is applied."""

    id: UUID
    """Of the row that says that the episode came to it."""
    schedule: list[dict[str, Any]]
    started_at: datetime


_SCHEDULES = statement(
    """
    select e.id, newest.id, newest.schedule, newest.started_at
      from episodes e
      join lateral (
           select ep.id, ep.started_at, ep.ended_at, pr.schedule
             from episode_programmes ep
             join programmes pr on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id
            order by ep.position desc limit 1) newest on true
     where e.organisation_id = %(organisation_id)s and e.id = any(%(episode_ids)s::uuid[])
       and e.closed_at is null and newest.ended_at is null and jsonb_typeof(newest.schedule) = 'array'
    """
)


def scheduled_programmes(work: Work, reached_ids: Collection[UUID]) -> dict[UUID, ScheduledProgramme]:
    """Read, by episode, the programmes under way that have a schedule, of episodes that were reached."""
    parameters = {"organisation_id": work.scope.organisation_id, "episode_ids": uuids(reached_ids)}
    return work.ask(Query(_SCHEDULES, parameters, lambda rows: {row[0]: ScheduledProgramme(*row[1:]) for row in rows}))


@dataclass(frozen=True, slots=True)
class DueForm:
    """A form that a schedule asks for. The key says which occasion of which rule it is, so that it is asked once."""

    key: str
    episode_id: UUID
    informant_id: UUID
    treatment_session_id: UUID | None
    instrument: str
    form: str
    opens_at: datetime
    closes_at: datetime


_ADD = statement(
    """
    insert into assignments (organisation_id, id, episode_id, informant_id, treatment_session_id, instrument, form,
                             opens_at, closes_at, state, schedule_key, version)
    select r.organisation_id, r.id, r.episode_id, r.informant_id, r.treatment_session_id, r.instrument, r.form,
           r.opens_at, r.closes_at, r.state, r.schedule_key, 1
      from jsonb_populate_recordset(null::assignments, %(rows)s::jsonb) r
    on conflict (organisation_id, episode_id, schedule_key) where schedule_key is not null do nothing
    """
)


def add_due_forms(work: Work, entry: Entry, due: Sequence[DueForm]) -> None:
    """Make the assignments that are not there yet."""
    work.writes_with(entry)
    rows = [
        {
            "organisation_id": work.scope.organisation_id,
            "id": uuid7(),
            "episode_id": each.episode_id,
            "informant_id": each.informant_id,
            "treatment_session_id": each.treatment_session_id,
            "instrument": each.instrument,
            "form": each.form,
            "opens_at": each.opens_at.isoformat(),
            "closes_at": each.closes_at.isoformat(),
            "state": AssignmentState.OFFERED,
            "schedule_key": each.key,
        }
        for each in due
    ]
    if rows:
        work.ask(Query(_ADD, {"rows": json.dumps(rows, default=str)}, list))


_MOVE = """
    update assignments
       set opens_at = opens_at + %(by)s::interval, closes_at = closes_at + %(by)s::interval, version = version + 1,
           code_expires_at = case when code_hash is not null
                                  then least(code_expires_at, closes_at + %(by)s::interval) end,
           link_expires_at = case when link_hash is not null
                                  then least(link_expires_at, closes_at + %(by)s::interval) end
     where organisation_id = %(organisation_id)s and state = 'offered' and
"""
_MOVE_OF_SESSION = statement(_MOVE + "treatment_session_id = %(treatment_session_id)s")
_MOVE_OF_PROGRAMME = statement(
    _MOVE + "episode_id = %(episode_id)s and treatment_session_id is null and starts_with(schedule_key, %(prefix)s)"
)


def move_windows_of_session(work: Work, entry: Entry, session_id: UUID, by: timedelta) -> None:
    """Move the windows of what is still to be answered for a session, by as much as the session itself."""
    _move(work, entry, _MOVE_OF_SESSION, by, {"treatment_session_id": session_id})


def move_windows_of_programme(work: Work, entry: Entry, episode_id: UUID, row_id: UUID, by: timedelta) -> None:
    """Move the windows of what is due by the calendar of a programme, by as much as its start."""
    _move(work, entry, _MOVE_OF_PROGRAMME, by, {"episode_id": episode_id, "prefix": f"{row_id} "})


def _move(work: Work, entry: Entry, asked: Statement, by: timedelta, of: Mapping[str, Any]) -> None:
    work.writes_with(entry)
    if by:
        work.ask(Query(asked, {"organisation_id": work.scope.organisation_id, "by": by, **of}, list))
