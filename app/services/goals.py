"""Goals of an episode, in the patient's own words: what the form own-goals asks about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.db.editing import add, edit
from app.db.failures import translated_errors
from app.db.models import Goal
from app.db.scope import get_episode, get_of_episode
from app.db.session import Work
from app.errors import StateConflict


def add_goal(work: Work, episode_id: UUID, values: Mapping[str, Any]) -> Goal:
    """Set a goal, at one of the three places of the form.

    Raises
    ------
    StateConflict
        If there is a goal at that place that has not ended.
    """
    episode = get_episode(work, episode_id)
    try:
        with translated_errors():
            return add(work, work.entry, Goal, {**values, "episode_id": episode.id})
    except StateConflict:
        raise StateConflict("there is a goal at this place that has not ended", pointer="/place") from None


def change_goal(work: Work, goal_id: UUID, version: int, changes: Mapping[str, Any]) -> Goal:
    """Word a goal better, or end it, with whether it was reached."""
    goal = get_of_episode(work, Goal, goal_id)
    return edit(work, work.entry, goal, version, changes)
