"""Risk alerts, reviews and assignments: what must not be missed."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow
from app.api.paths import BESIDE_WORDS
from app.api.problems import declares
from app.api.routes.answers import versioned
from app.api.schemas.care import (
    Acknowledgement,
    AssignmentChange,
    AssignmentCreate,
    AssignmentRead,
    ReviewChange,
    ReviewCreate,
    ReviewRead,
)
from app.api.schemas.results import RiskAlertRead
from app.db import record
from app.db.models import Assignment, Review
from app.db.scope import get_episode
from app.identity.policy import Action
from app.services import assignments, reviews, risks

router = APIRouter(tags=["oversight"])


@router.get(
    "/risk-alerts",
    operation_id=Action.LIST_RISK_ALERTS,
    response_model=list[RiskAlertRead],
    responses=declares(),
)
def list_alerts(open_work: Annotated[OpenWork, allow(Action.LIST_RISK_ALERTS)]) -> list[RiskAlertRead]:
    """List the critical answers that nobody has assessed yet, earliest duty first."""
    with open_work() as work:
        return [RiskAlertRead.model_validate(row) for row in record.open_alerts(work)]


@router.post(
    "/risk-alerts/{alert_id}/acknowledgement",
    operation_id=Action.ACKNOWLEDGE_RISK_ALERT,
    response_model=RiskAlertRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def acknowledge_alert(
    alert_id: UUID,
    body: Acknowledgement,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ACKNOWLEDGE_RISK_ALERT)],
) -> RiskAlertRead:
    """Record that a person has assessed a critical answer, and what they found."""
    with open_work() as work:
        return versioned(response, RiskAlertRead, risks.acknowledge_alert(work, alert_id, version, body.assessment))


@router.get(
    "/episodes/{episode_id}/reviews",
    operation_id=Action.LIST_REVIEWS,
    response_model=list[ReviewRead],
    responses=declares(404),
)
def list_reviews(episode_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_REVIEWS)]) -> list[ReviewRead]:
    """List the reviews of an episode."""
    with open_work() as work:
        return [
            ReviewRead.model_validate(row) for row in record.of_episode(work, Review, get_episode(work, episode_id))
        ]


@router.post(
    "/episodes/{episode_id}/reviews",
    operation_id=Action.RECORD_REVIEW,
    response_model=ReviewRead,
    status_code=201,
    responses=declares(404, 409),
)
def record_review(
    episode_id: UUID,
    body: ReviewCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.RECORD_REVIEW)],
) -> ReviewRead:
    """Record a review: what was found, what was decided, what is due when."""
    with open_work() as work:
        return versioned(response, ReviewRead, reviews.record_review(work, episode_id, body.model_dump()))


@router.patch(
    "/reviews/{review_id}",
    operation_id=Action.CHANGE_REVIEW,
    response_model=ReviewRead,
    responses=declares(404, 409, 412, 428),
)
def change_review(
    review_id: UUID,
    body: ReviewChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_REVIEW)],
) -> ReviewRead:
    """Change what a review decided, or mark it as done."""
    with open_work() as work:
        return versioned(response, ReviewRead, reviews.change_review(work, review_id, version, body.changes()))


@router.get(
    "/episodes/{episode_id}/assignments",
    operation_id=Action.LIST_ASSIGNMENTS,
    response_model=list[AssignmentRead],
    responses=declares(404),
)
def list_assignments(
    episode_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_ASSIGNMENTS)]
) -> list[AssignmentRead]:
    """List what is due from whom."""
    with open_work() as work:
        return [
            AssignmentRead.model_validate(row)
            for row in record.of_episode(work, Assignment, get_episode(work, episode_id))
        ]


@router.post(
    "/episodes/{episode_id}/assignments",
    operation_id=Action.ADD_ASSIGNMENT,
    response_model=AssignmentRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_assignment(
    episode_id: UUID,
    body: AssignmentCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ADD_ASSIGNMENT)],
) -> AssignmentRead:
    """Ask an informant for a form."""
    with open_work() as work:
        return versioned(response, AssignmentRead, assignments.add_assignment(work, episode_id, body.model_dump()))


@router.patch(
    "/assignments/{assignment_id" + BESIDE_WORDS + "}",
    operation_id=Action.CHANGE_ASSIGNMENT,
    response_model=AssignmentRead,
    responses=declares(404, 409, 412, 428),
)
def change_assignment(
    assignment_id: UUID,
    body: AssignmentChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_ASSIGNMENT)],
) -> AssignmentRead:
    """Record what became of a form that was due."""
    with open_work() as work:
        return versioned(
            response, AssignmentRead, assignments.change_assignment(work, assignment_id, version, body.changes())
        )
