"""Programmes: the treatment offers of the organisation."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import versioned
from app.api.schemas.care import (
    ProgrammeChange,
    ProgrammeCreate,
    ProgrammeRead,
)
from app.db.editing import all_of_organisation, get_of_organisation
from app.db.models import Programme
from app.identity.policy import Action
from app.services import programmes

router = APIRouter(tags=["programmes"])


@router.get(
    "/programmes",
    operation_id=Action.LIST_PROGRAMMES,
    response_model=list[ProgrammeRead],
    responses=declares(),
)
def list_programmes(open_work: Annotated[OpenWork, allow(Action.LIST_PROGRAMMES)]) -> list[ProgrammeRead]:
    """List the treatment offers."""
    with open_work() as work:
        return [ProgrammeRead.model_validate(row) for row in all_of_organisation(work, Programme)]


@router.post(
    "/programmes",
    operation_id=Action.ADD_PROGRAMME,
    response_model=ProgrammeRead,
    status_code=201,
    responses=declares(409),
)
def add_programme(
    body: ProgrammeCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.ADD_PROGRAMME)]
) -> ProgrammeRead:
    """Add a treatment offer."""
    with open_work() as work:
        return versioned(response, ProgrammeRead, programmes.add_programme(work, body.model_dump()))


@router.get(
    "/programmes/{programme_id}",
    operation_id=Action.READ_PROGRAMME,
    response_model=ProgrammeRead,
    responses=declares(404),
)
def read_programme(
    programme_id: UUID, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_PROGRAMME)]
) -> ProgrammeRead:
    """Give a treatment offer."""
    with open_work() as work:
        return versioned(response, ProgrammeRead, get_of_organisation(work, Programme, programme_id))


@router.patch(
    "/programmes/{programme_id}",
    operation_id=Action.CHANGE_PROGRAMME,
    response_model=ProgrammeRead,
    responses=declares(404, 409, 412, 428),
)
def change_programme(
    programme_id: UUID,
    body: ProgrammeChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_PROGRAMME)],
) -> ProgrammeRead:
    """Change a treatment offer."""
    with open_work() as work:
        return versioned(
            response, ProgrammeRead, programmes.change_programme(work, programme_id, version, body.changes())
        )
