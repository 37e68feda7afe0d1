"""Deletion by documented decision, its tombstones, and legal holds: an administrator's, by ids alone."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import After, Limit, versioned
from app.api.schemas.deletion import (
    DeletionCreate,
    DeletionPage,
    DeletionRead,
    LegalHoldCreate,
    LegalHoldLifting,
    LegalHoldRead,
)
from app.db.deletion import Decision, deletions
from app.identity.policy import Action
from app.services import deletion

router = APIRouter(tags=["rights"])


def _decision(body: DeletionCreate) -> Decision:
    return Decision(body.ground, body.decision, body.decided_at, body.decided_by)


@router.post(
    "/patients/{patient_id}/deletion",
    operation_id=Action.DELETE_PATIENT,
    response_model=DeletionRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def delete_patient(
    patient_id: UUID,
    body: DeletionCreate,
    version: Version,
    open_work: Annotated[OpenWork, allow(Action.DELETE_PATIENT)],
) -> DeletionRead:
    """Delete everything that is kept of a patient, for good, by a documented decision; a tombstone stays.

    The version is the patient's, as a therapist reads it. While a legal hold is in force it is refused.
    """
    with open_work() as work:
        return DeletionRead.model_validate(deletion.delete_record(work, patient_id, version, _decision(body)))


@router.post(
    "/administrations/{administration_id}/deletion",
    operation_id=Action.DELETE_ADMINISTRATION,
    response_model=DeletionRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def delete_administration(
    administration_id: UUID,
    body: DeletionCreate,
    version: Version,
    open_work: Annotated[OpenWork, allow(Action.DELETE_ADMINISTRATION)],
) -> DeletionRead:
    """Delete one form in all its versions, for good, by a documented decision; verdicts that rested on it are anew."""
    with open_work() as work:
        tombstone = deletion.delete_one_administration(work, administration_id, version, _decision(body))
        return DeletionRead.model_validate(tombstone)


@router.get("/deletions", operation_id=Action.LIST_DELETIONS, response_model=DeletionPage, responses=declares())
def list_deletions(
    open_work: Annotated[OpenWork, allow(Action.LIST_DELETIONS)], after: After = None, limit: Limit = 50
) -> DeletionPage:
    """List what was deleted: who decided it on what ground, and how many rows there were."""
    with open_work() as work:
        found = [DeletionRead.model_validate(row) for row in deletions(work, after, limit)]
    return DeletionPage(deletions=found, next_after=found[-1].id if len(found) == limit else None)


@router.get(
    "/patients/{patient_id}/legal-holds",
    operation_id=Action.LIST_LEGAL_HOLDS,
    response_model=list[LegalHoldRead],
    responses=declares(404),
)
def list_legal_holds(
    patient_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_LEGAL_HOLDS)]
) -> list[LegalHoldRead]:
    """List the holds on a patient's record, those that were lifted too."""
    with open_work() as work:
        return [LegalHoldRead.model_validate(row) for row in deletion.list_legal_holds(work, patient_id)]


@router.post(
    "/patients/{patient_id}/legal-holds",
    operation_id=Action.PLACE_LEGAL_HOLD,
    response_model=LegalHoldRead,
    status_code=201,
    responses=declares(404, 409),
)
def place_legal_hold(
    patient_id: UUID,
    body: LegalHoldCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.PLACE_LEGAL_HOLD)],
) -> LegalHoldRead:
    """Keep a patient's record from being deleted, until the hold is lifted."""
    with open_work() as work:
        return versioned(response, LegalHoldRead, deletion.place_legal_hold(work, patient_id, body.reason))


@router.post(
    "/legal-holds/{hold_id}/lifting",
    operation_id=Action.LIFT_LEGAL_HOLD,
    response_model=LegalHoldRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def lift_legal_hold(
    hold_id: UUID,
    body: LegalHoldLifting,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.LIFT_LEGAL_HOLD)],
) -> LegalHoldRead:
    """Lift a hold, with the reason."""
    with open_work() as work:
        return versioned(response, LegalHoldRead, deletion.lift_legal_hold(work, hold_id, version, body.reason))
