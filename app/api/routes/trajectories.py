"""Where patients stand: one trajectory, and the whole caseload."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.problems import declares
from app.api.schemas.trajectories import CaseloadRead, TrajectoryRead, caseload_entry_read, trajectory_read
from app.identity.policy import Action
from app.services.caseload import read_caseload
from app.services.trajectories import read_trajectory

router = APIRouter(tags=["trajectories"])


@router.get(
    "/episodes/{episode_id}/trajectory",
    operation_id=Action.READ_TRAJECTORY,
    response_model=TrajectoryRead,
    responses=declares(404, 409),
)
def get_trajectory(
    episode_id: UUID,
    request: Request,
    open_work: Annotated[OpenWork, allow(Action.READ_TRAJECTORY)],
    instrument: Annotated[str | None, Query(description="The main measure, if not named.", examples=["phq-9"])] = None,
    form: str | None = None,
    informant: UUID | None = None,
) -> TrajectoryRead:
    """Give a series with its expected curve, its verdict and what lies ahead."""
    with open_work() as work:
        trajectory = read_trajectory(work, episode_id, instrument, form, informant)
    return trajectory_read(trajectory, language_of(request))


@router.get("/caseload", operation_id=Action.READ_CASELOAD, response_model=CaseloadRead, responses=declares())
def get_caseload(request: Request, open_work: Annotated[OpenWork, allow(Action.READ_CASELOAD)]) -> CaseloadRead:
    """Give the caller's open episodes, worst first: open risk alerts above all, stale above green.

    A closed episode stays in the list until somebody has assessed the critical answers in it.
    """
    with open_work() as work:
        entries = read_caseload(work)
    language = language_of(request)
    return CaseloadRead(episodes=[caseload_entry_read(entry, language) for entry in entries])
