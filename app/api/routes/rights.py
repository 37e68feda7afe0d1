"""Patients' rights: the complete copy, and consents to uses beyond care."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.api.charts import JSON, VARY, wanted
from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.printed_copies import PDF, printed_copy
from app.api.problems import declares
from app.api.schemas.consents import ConsentCreate, ConsentRead, ConsentsRead, consents_read
from app.api.schemas.copies import PatientCopyRead, patient_copy_read
from app.identity.policy import Action
from app.services.consents import read_consents, record_consent
from app.services.copies import CopyFor, copy_record

router = APIRouter(tags=["rights"])

_ON_PAPER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"Vary": {"description": "What chose the form and its words.", "schema": {"type": "string"}}},
    }
}


@router.get(
    "/patients/{patient_id}/copy",
    operation_id=Action.READ_PATIENT_COPY,
    response_model=PatientCopyRead,
    responses=_ON_PAPER | declares(404, 406),
)
def get_patient_copy(
    patient_id: UUID,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_PATIENT_COPY)],
    made_for: Annotated[CopyFor, Query(alias="for", description="Who will be given it.")] = CopyFor.PATIENT,
    informant_id: Annotated[UUID | None, Query(description="Which parent, in a copy for an informant.")] = None,
) -> PatientCopyRead | Response:
    """Give everything that is kept of a patient, in the episodes that the caller reaches; by Accept also on paper.

    A parent's copy holds what the parent answered and what the others have opened; a youth's answers, and what was
    made of them, are left out unless they are open.
    """
    language = language_of(request)
    with open_work() as work:
        media_type = wanted(request, (JSON, PDF))
        copy = copy_record(work, patient_id, made_for, informant_id)
        answer = patient_copy_read(copy, work.now, language)
        time_zone = copy.settings.time_zone
    if media_type == PDF:
        return Response(printed_copy(answer, language, time_zone), media_type=PDF, headers=VARY)
    response.headers.update(VARY)
    return answer


@router.get(
    "/patients/{patient_id}/consents",
    operation_id=Action.LIST_CONSENTS,
    response_model=ConsentsRead,
    responses=declares(404),
)
def list_consents(patient_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_CONSENTS)]) -> ConsentsRead:
    """List what was said to uses of a patient's record beyond care, and what of it is in force."""
    with open_work() as work:
        return consents_read(read_consents(work, patient_id))


@router.post(
    "/patients/{patient_id}/consents",
    operation_id=Action.RECORD_CONSENT,
    response_model=ConsentRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_consent(
    patient_id: UUID, body: ConsentCreate, open_work: Annotated[OpenWork, allow(Action.RECORD_CONSENT)]
) -> ConsentRead:
    """Record that a consent was given or withdrawn; the newest statement of a use is in force."""
    with open_work() as work:
        return ConsentRead.model_validate(record_consent(work, patient_id, body.model_dump()))
