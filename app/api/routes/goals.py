"""Goals of an episode, in the patient's own words."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import versioned
from app.api.schemas.goals import GoalChange, GoalCreate, GoalRead
from app.db import record
from app.db.models import Goal
from app.db.scope import get_episode
from app.identity.policy import Action
from app.services import goals

router = APIRouter(tags=["goals"])


@router.get(
    "/episodes/{episode_id}/goals",
    operation_id=Action.LIST_GOALS,
    response_model=list[GoalRead],
    responses=declares(404),
)
def list_goals(episode_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_GOALS)]) -> list[GoalRead]:
    """List the goals of an episode, those that have ended too."""
    with open_work() as work:
        rows = record.of_episode(work, Goal, get_episode(work, episode_id))
        return [GoalRead.model_validate(row) for row in rows]


@router.post(
    "/episodes/{episode_id}/goals",
    operation_id=Action.ADD_GOAL,
    response_model=GoalRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_goal(
    episode_id: UUID, body: GoalCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.ADD_GOAL)]
) -> GoalRead:
    """Set a goal; the form own-goals asks how near it is, at the goal's place."""
    with open_work() as work:
        return versioned(response, GoalRead, goals.add_goal(work, episode_id, body.model_dump()))


@router.patch(
    "/goals/{goal_id}",
    operation_id=Action.CHANGE_GOAL,
    response_model=GoalRead,
    responses=declares(404, 409, 412, 428),
)
def change_goal(
    goal_id: UUID,
    body: GoalChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_GOAL)],
) -> GoalRead:
    """Word a goal better, or end it, with whether it was reached."""
    with open_work() as work:
        return versioned(response, GoalRead, goals.change_goal(work, goal_id, version, body.changes()))
