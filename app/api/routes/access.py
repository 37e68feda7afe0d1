"""Who may see a patient's record beyond the roles: who treats, whom the patient blocks, who opens it in need."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import After, Limit, next_after, versioned
from app.api.schemas.access import (
    BlockCreate,
    BlockRead,
    BreakGlassCreate,
    BreakGlassPage,
    BreakGlassRead,
    BreakGlassReview,
    TreatmentRelationCreate,
    TreatmentRelationRead,
)
from app.db import access as kept
from app.db import record
from app.db.models import TreatmentRelation
from app.db.scope import get_episode
from app.identity.policy import Action
from app.services import access

router = APIRouter(tags=["access"])


@router.get(
    "/episodes/{episode_id}/treatment-relations",
    operation_id=Action.LIST_TREATMENT_RELATIONS,
    response_model=list[TreatmentRelationRead],
    responses=declares(404),
)
def list_treatment_relations(
    episode_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_TREATMENT_RELATIONS)]
) -> list[TreatmentRelationRead]:
    """List who treats the patient of an episode, and who did."""
    with open_work() as work:
        rows = record.of_episode(work, TreatmentRelation, get_episode(work, episode_id))
        return [TreatmentRelationRead.model_validate(row) for row in rows]


@router.post(
    "/episodes/{episode_id}/treatment-relations",
    operation_id=Action.ADD_TREATMENT_RELATION,
    response_model=TreatmentRelationRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_treatment_relation(
    episode_id: UUID,
    body: TreatmentRelationCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ADD_TREATMENT_RELATION)],
) -> TreatmentRelationRead:
    """Let another therapist of the service treat the patient too, or take over."""
    with open_work() as work:
        row = access.add_treatment_relation(work, episode_id, body.user_id)
        return versioned(response, TreatmentRelationRead, row)


@router.post(
    "/treatment-relations/{relation_id}/end",
    operation_id=Action.END_TREATMENT_RELATION,
    response_model=TreatmentRelationRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def end_treatment_relation(
    relation_id: UUID,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.END_TREATMENT_RELATION)],
) -> TreatmentRelationRead:
    """End a treatment relation: from now on the therapist does not see the record."""
    with open_work() as work:
        return versioned(response, TreatmentRelationRead, access.end_treatment_relation(work, relation_id, version))


@router.get(
    "/patients/{patient_id}/blocks",
    operation_id=Action.LIST_BLOCKS,
    response_model=list[BlockRead],
    responses=declares(404),
)
def list_blocks(patient_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_BLOCKS)]) -> list[BlockRead]:
    """List whom a patient has blocked, also the blocks that were lifted."""
    with open_work() as work:
        return [BlockRead.model_validate(row) for row in kept.blocks_of(work, patient_id)]


@router.post(
    "/patients/{patient_id}/blocks",
    operation_id=Action.ADD_BLOCK,
    response_model=BlockRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_block(
    patient_id: UUID, body: BlockCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.ADD_BLOCK)]
) -> BlockRead:
    """Keep a named person out of the patient's record, as the patient wishes: before every other right."""
    with open_work() as work:
        return versioned(response, BlockRead, access.add_block(work, patient_id, body.user_id))


@router.post(
    "/blocks/{block_id}/lifting",
    operation_id=Action.LIFT_BLOCK,
    response_model=BlockRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def lift_block(
    block_id: UUID, version: Version, response: Response, open_work: Annotated[OpenWork, allow(Action.LIFT_BLOCK)]
) -> BlockRead:
    """Lift a block, as the patient wishes."""
    with open_work() as work:
        return versioned(response, BlockRead, access.lift_block(work, block_id, version))


@router.post(
    "/break-glass",
    operation_id=Action.BREAK_GLASS,
    response_model=BreakGlassRead,
    status_code=201,
    responses=declares(404, 409),
)
def break_glass(
    body: BreakGlassCreate,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.BREAK_GLASS)],
) -> BreakGlassRead:
    """Open the record of a patient of the service whom the caller does not treat.

    It stays open for twelve hours. The purpose stands in the patient's access log, who treats the patient is told,
    and somebody else reviews it.
    """
    with open_work() as work:
        request.app.state.openings.take(str(work.scope.actor_id))
        return versioned(response, BreakGlassRead, access.break_glass(work, body.model_dump()))


@router.get("/break-glass", operation_id=Action.LIST_BREAK_GLASS, response_model=BreakGlassPage, responses=declares())
def list_break_glass(
    open_work: Annotated[OpenWork, allow(Action.LIST_BREAK_GLASS)],
    reviewed: bool | None = None,
    after: After = None,
    limit: Limit = 50,
) -> BreakGlassPage:
    """List the openings of records, newest first: of the patients one treats, of the service, of the organisation."""
    with open_work() as work:
        rows = kept.openings(work, reviewed=reviewed, after=after, limit=limit)
        found = [BreakGlassRead.model_validate(row) for row in rows]
    return BreakGlassPage(openings=found, next_after=next_after(found, limit))


@router.post(
    "/break-glass/{opening_id}/review",
    operation_id=Action.REVIEW_BREAK_GLASS,
    response_model=BreakGlassRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def review_break_glass(
    opening_id: UUID,
    body: BreakGlassReview,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.REVIEW_BREAK_GLASS)],
) -> BreakGlassRead:
    """Record whether the need was real for which somebody else has opened a record."""
    with open_work() as work:
        return versioned(response, BreakGlassRead, access.review_opening(work, opening_id, version, body.finding))
