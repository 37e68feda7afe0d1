"""Episodes, their programmes in sequence, their sessions."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import After, Limit, next_after, versioned
from app.api.schemas.care import (
    EpisodeChange,
    EpisodeCreate,
    EpisodePage,
    EpisodeProgrammeChange,
    EpisodeProgrammeCreate,
    EpisodeProgrammeRead,
    EpisodeRead,
    TreatmentSessionRead,
)
from app.db import record
from app.db.models import EpisodeProgramme
from app.db.scope import get_episode
from app.identity.policy import Action
from app.services import episodes

router = APIRouter(tags=["episodes"])


@router.get("/episodes", operation_id=Action.LIST_EPISODES, response_model=EpisodePage, responses=declares())
def list_episodes(
    open_work: Annotated[OpenWork, allow(Action.LIST_EPISODES)],
    patient_id: UUID | None = None,
    after: After = None,
    limit: Limit = 50,
) -> EpisodePage:
    """List the episodes that the caller treats, of one patient or of all."""
    with open_work() as work:
        found = [EpisodeRead.model_validate(row) for row in record.episodes(work, patient_id, after, limit)]
    return EpisodePage(episodes=found, next_after=next_after(found, limit))


@router.post(
    "/episodes",
    operation_id=Action.OPEN_EPISODE,
    response_model=EpisodeRead,
    status_code=201,
    responses=declares(404, 409),
)
def open_episode(
    body: EpisodeCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.OPEN_EPISODE)]
) -> EpisodeRead:
    """Open an episode in the caller's service."""
    with open_work() as work:
        return versioned(response, EpisodeRead, episodes.open_episode(work, body.model_dump()))


@router.get(
    "/episodes/{episode_id}",
    operation_id=Action.READ_EPISODE,
    response_model=EpisodeRead,
    responses=declares(404),
)
def read_episode(
    episode_id: UUID, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_EPISODE)]
) -> EpisodeRead:
    """Give an episode."""
    with open_work() as work:
        return versioned(response, EpisodeRead, get_episode(work, episode_id))


@router.patch(
    "/episodes/{episode_id}",
    operation_id=Action.CHANGE_EPISODE,
    response_model=EpisodeRead,
    responses=declares(404, 409, 412, 428),
)
def change_episode(
    episode_id: UUID,
    body: EpisodeChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_EPISODE)],
) -> EpisodeRead:
    """Change plan, main measure or pause; close or reopen."""
    with open_work() as work:
        return versioned(response, EpisodeRead, episodes.change_episode(work, episode_id, version, body.changes()))


@router.get(
    "/episodes/{episode_id}/programmes",
    operation_id=Action.LIST_EPISODE_PROGRAMMES,
    response_model=list[EpisodeProgrammeRead],
    responses=declares(404),
)
def list_programmes_of_episode(
    episode_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_EPISODE_PROGRAMMES)]
) -> list[EpisodeProgrammeRead]:
    """List the programmes of an episode in sequence."""
    with open_work() as work:
        return [
            EpisodeProgrammeRead.model_validate(row)
            for row in record.of_episode(work, EpisodeProgramme, get_episode(work, episode_id))
        ]


@router.post(
    "/episodes/{episode_id}/programmes",
    operation_id=Action.START_EPISODE_PROGRAMME,
    response_model=EpisodeProgrammeRead,
    status_code=201,
    responses=declares(404, 409),
)
def start_programme(
    episode_id: UUID,
    body: EpisodeProgrammeCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.START_EPISODE_PROGRAMME)],
) -> EpisodeProgrammeRead:
    """Start the next programme of an episode."""
    with open_work() as work:
        return versioned(response, EpisodeProgrammeRead, episodes.start_programme(work, episode_id, body.model_dump()))


@router.patch(
    "/episode-programmes/{row_id}",
    operation_id=Action.CHANGE_EPISODE_PROGRAMME,
    response_model=EpisodeProgrammeRead,
    responses=declares(404, 409, 412, 428),
)
def change_programme_of_episode(
    row_id: UUID,
    body: EpisodeProgrammeChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_EPISODE_PROGRAMME)],
) -> EpisodeProgrammeRead:
    """Change when a programme of an episode started or ended."""
    with open_work() as work:
        return versioned(
            response, EpisodeProgrammeRead, episodes.change_programme_of_episode(work, row_id, version, body.changes())
        )


@router.get(
    "/episodes/{episode_id}/treatment-sessions",
    operation_id=Action.LIST_EPISODE_SESSIONS,
    response_model=list[TreatmentSessionRead],
    responses=declares(404),
)
def list_sessions_of_episode(
    episode_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_EPISODE_SESSIONS)]
) -> list[TreatmentSessionRead]:
    """List the treatment sessions of an episode in time order."""
    with open_work() as work:
        return [
            TreatmentSessionRead.model_validate(row) for row in record.sessions_of(work, get_episode(work, episode_id))
        ]
