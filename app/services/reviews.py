"""Reviews: the conversations that a signal asks for, with what was found and decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.db.codes import IssueCause
from app.db.editing import add, edit
from app.db.episode_records import lock_episodes
from app.db.models import Review
from app.db.scope import get_episode, get_of_episode
from app.db.session import Work
from app.errors import MalformedBody
from app.services.episodes import issue_anew


def record_review(work: Work, episode_id: UUID, values: Mapping[str, Any]) -> Review:
    """Record a review; the verdict no longer asks for what has been reviewed until its next due point.

    Raises
    ------
    MalformedBody
        If the dose has not been reached: it would silence a review that is still to come.
    """
    episode = get_episode(work, episode_id)
    records = lock_episodes(work, [episode.id])
    held = records[episode.id]
    if values["dose"] > len(held.sessions):
        raise MalformedBody(
            "a review can't be of a dose that has not been reached",
            pointer="/dose",
            allowed=f"0 to {len(held.sessions)}",
        )
    review = add(
        work,
        work.entry,
        Review,
        {**values, "episode_id": episode.id, "author_id": work.scope.actor_id, "reviewed_at": work.now},
    )
    held.reviewed_doses.append(review.dose)
    issue_anew(work, records, IssueCause.REVIEW)
    return review


def change_review(work: Work, review_id: UUID, version: int, changes: Mapping[str, Any]) -> Review:
    """Change what a review decided, or mark it as done."""
    review = get_of_episode(work, Review, review_id)
    return edit(work, work.entry, review, version, changes)
