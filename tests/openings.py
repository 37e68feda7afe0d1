"""Assignments that were opened on a tablet once, put in the database past the routes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.db.ids import uuid7
from app.db.session import Work

OPENED: Final = datetime(2026, 1, 1, tzinfo=UTC)

_ASSIGNED: Final = text(
    "insert into assignments"
    " (organisation_id, id, episode_id, informant_id, instrument, form, opens_at, state, version)"
    " select e.organisation_id, :assignment, e.id, i.id, 'session-feedback', 'self', :at, 'offered', 1"
    " from episodes e join informants i on i.organisation_id = e.organisation_id and i.patient_id = e.patient_id"
    " where e.organisation_id = :organisation and e.id = :episode and i.role = 'self'"
)
_OPENED: Final = text(
    "insert into assignment_openings (organisation_id, assignment_id, device_id, episode_id, opened_at, closed_at)"
    " values (:organisation, :assignment, :device, :episode, :at, :at)"
)
_SUMMARISED: Final = text(
    "update episode_summaries set forms_offered = forms_offered + 1"
    " where organisation_id = :organisation and episode_id = :episode"
)


def open_quietly(work: Work, episode_id: UUID, device_id: UUID) -> None:
    """Let a tablet reach an episode, as after an assignment that it has open no longer."""
    named = {
        "organisation": work.scope.organisation_id,
        "assignment": uuid7(),
        "episode": episode_id,
        "device": device_id,
        "at": OPENED,
    }
    work.db.execute(_ASSIGNED, named)
    work.db.execute(_OPENED, named)
    work.db.execute(_SUMMARISED, named)
