"""Assignments: which forms are due from whom, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.db.codes import AssignmentState
from app.db.editing import add, edit
from app.db.instruments import find_instrument
from app.db.models import Assignment
from app.db.record import informant_for
from app.db.scope import get_episode, get_of_episode
from app.db.session import Work
from app.services.summaries import follow_what_is_around


def add_assignment(work: Work, episode_id: UUID, values: Mapping[str, Any]) -> Assignment:
    """Ask an informant for a form; the patient, if nobody is named."""
    episode = get_episode(work, episode_id, lock=True)
    form = find_instrument(work, values["instrument"]).form(values["form"])
    informant = informant_for(work, episode, values["informant_id"])
    assignment = add(
        work,
        work.entry,
        Assignment,
        {
            **values,
            "episode_id": episode.id,
            "form": form.key,
            "informant_id": informant.id,
            "state": AssignmentState.OFFERED,
        },
    )
    follow_what_is_around(work, [episode.id])
    return assignment


def change_assignment(work: Work, assignment_id: UUID, version: int, changes: Mapping[str, Any]) -> Assignment:
    """Record that a form was completed, declined, or could not be filled in."""
    if changes.get("state") == AssignmentState.COMPLETED:
        changes = {"completed_at": work.now, **changes}
    assignment = get_of_episode(work, Assignment, assignment_id)
    get_episode(work, assignment.episode_id, lock=True)
    edit(work, work.entry, assignment, version, changes)
    follow_what_is_around(work, [assignment.episode_id])
    return assignment
