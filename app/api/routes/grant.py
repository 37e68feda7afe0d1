"""What a service says of itself for the grant report: evidence and evaluation of its programmes, and its own words."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow, etag
from app.api.problems import declares
from app.api.routes.answers import versioned
from app.api.schemas.grant import (
    EvaluationPlanPut,
    EvaluationPlanRead,
    EvidenceChange,
    EvidenceCreate,
    EvidenceRead,
    StatementsPut,
    StatementsRead,
    Year,
)
from app.identity.policy import Action
from app.services import grant_words

router = APIRouter(tags=["programmes"])


@router.get(
    "/programmes/{programme_id}/evidence",
    operation_id=Action.LIST_PROGRAMME_EVIDENCE,
    response_model=list[EvidenceRead],
    responses=declares(404),
)
def list_programme_evidence(
    programme_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_PROGRAMME_EVIDENCE)]
) -> list[EvidenceRead]:
    """List how well a treatment offer is documented, by target group."""
    with open_work() as work:
        return [EvidenceRead.model_validate(row) for row in grant_words.list_evidence(work, programme_id)]


@router.post(
    "/programmes/{programme_id}/evidence",
    operation_id=Action.ADD_PROGRAMME_EVIDENCE,
    response_model=EvidenceRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_programme_evidence(
    programme_id: UUID,
    body: EvidenceCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ADD_PROGRAMME_EVIDENCE)],
) -> EvidenceRead:
    """Add how well a treatment offer is documented for a target group."""
    with open_work() as work:
        return versioned(response, EvidenceRead, grant_words.add_evidence(work, programme_id, body.model_dump()))


@router.patch(
    "/programme-evidence/{evidence_id}",
    operation_id=Action.CHANGE_PROGRAMME_EVIDENCE,
    response_model=EvidenceRead,
    responses=declares(404, 409, 412, 428),
)
def change_programme_evidence(
    evidence_id: UUID,
    body: EvidenceChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_PROGRAMME_EVIDENCE)],
) -> EvidenceRead:
    """Change how well a treatment offer is documented for a target group."""
    with open_work() as work:
        row = grant_words.change_evidence(work, evidence_id, version, body.changes())
        return versioned(response, EvidenceRead, row)


@router.get(
    "/programmes/{programme_id}/evaluation-plan",
    operation_id=Action.READ_EVALUATION_PLAN,
    response_model=EvaluationPlanRead,
    responses=declares(404),
)
def read_evaluation_plan(
    programme_id: UUID, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_EVALUATION_PLAN)]
) -> EvaluationPlanRead:
    """Give the plan by which a treatment offer is evaluated; an empty one of version 0 while nobody has written it."""
    with open_work() as work:
        answer = EvaluationPlanRead.model_validate(grant_words.read_evaluation_plan(work, programme_id))
    response.headers.update(etag(answer.version))
    return answer


@router.put(
    "/programmes/{programme_id}/evaluation-plan",
    operation_id=Action.PUT_EVALUATION_PLAN,
    response_model=EvaluationPlanRead,
    responses=declares(404, 409, 412, 428),
)
def put_evaluation_plan(
    programme_id: UUID,
    body: EvaluationPlanPut,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.PUT_EVALUATION_PLAN)],
) -> EvaluationPlanRead:
    """Write the plan by which a treatment offer is evaluated, as a whole; the first time over version 0."""
    with open_work() as work:
        row = grant_words.put_evaluation_plan(work, programme_id, version, body.model_dump())
        answer = EvaluationPlanRead.model_validate(row)
    response.headers.update(etag(answer.version))
    return answer


@router.get(
    "/services/{service_id}/statements/{year}",
    operation_id=Action.READ_SERVICE_STATEMENTS,
    response_model=StatementsRead,
    responses=declares(404),
)
def read_service_statements(
    service_id: UUID,
    year: Year,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_SERVICE_STATEMENTS)],
) -> StatementsRead:
    """Give what a service says of itself for a year; nothing, of version 0, while nobody has written."""
    with open_work() as work:
        answer = StatementsRead.model_validate(grant_words.read_statements(work, service_id, year))
    response.headers.update(etag(answer.version))
    return answer


@router.put(
    "/services/{service_id}/statements/{year}",
    operation_id=Action.PUT_SERVICE_STATEMENTS,
    response_model=StatementsRead,
    responses=declares(404, 409, 412, 428),
)
def put_service_statements(
    service_id: UUID,
    year: Year,
    body: StatementsPut,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.PUT_SERVICE_STATEMENTS)],
) -> StatementsRead:
    """Write what a service says of itself for a year, as a whole; the first time over version 0."""
    with open_work() as work:
        row = grant_words.put_statements(work, service_id, year, version, body.model_dump())
        answer = StatementsRead.model_validate(row)
    response.headers.update(etag(answer.version))
    return answer
