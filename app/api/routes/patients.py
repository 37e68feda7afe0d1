"""Patients and informants."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import After, Limit, next_after, versioned
from app.api.schemas.care import (
    InformantChange,
    InformantCreate,
    InformantRead,
    PatientChange,
    PatientCreate,
    PatientPage,
    PatientRead,
)
from app.db import record
from app.db.scope import get_patient
from app.identity.policy import Action
from app.services import patients

router = APIRouter(tags=["patients"])


@router.get("/patients", operation_id=Action.LIST_PATIENTS, response_model=PatientPage, responses=declares())
def list_patients(
    open_work: Annotated[OpenWork, allow(Action.LIST_PATIENTS)], after: After = None, limit: Limit = 50
) -> PatientPage:
    """List the patients that the caller treats."""
    with open_work() as work:
        found = [PatientRead.model_validate(patient) for patient in record.patients(work, after, limit)]
    return PatientPage(patients=found, next_after=next_after(found, limit))


@router.post(
    "/patients",
    operation_id=Action.REGISTER_PATIENT,
    response_model=PatientRead,
    status_code=201,
    responses=declares(409),
)
def register_patient(
    body: PatientCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.REGISTER_PATIENT)]
) -> PatientRead:
    """Register a patient, who is also the first informant."""
    with open_work() as work:
        return versioned(response, PatientRead, patients.register_patient(work, body.model_dump()))


@router.get(
    "/patients/{patient_id}", operation_id=Action.READ_PATIENT, response_model=PatientRead, responses=declares(404)
)
def read_patient(
    patient_id: UUID, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_PATIENT)]
) -> PatientRead:
    """Give a patient."""
    with open_work() as work:
        return versioned(response, PatientRead, get_patient(work, patient_id))


@router.patch(
    "/patients/{patient_id}",
    operation_id=Action.CHANGE_PATIENT,
    response_model=PatientRead,
    responses=declares(404, 409, 412, 428),
)
def change_patient(
    patient_id: UUID,
    body: PatientChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_PATIENT)],
) -> PatientRead:
    """Change what is known about a patient."""
    with open_work() as work:
        return versioned(response, PatientRead, patients.change_patient(work, patient_id, version, body.changes()))


@router.get(
    "/patients/{patient_id}/informants",
    operation_id=Action.LIST_INFORMANTS,
    response_model=list[InformantRead],
    responses=declares(404),
)
def list_informants(
    patient_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_INFORMANTS)]
) -> list[InformantRead]:
    """List who answers about a patient."""
    with open_work() as work:
        return [InformantRead.model_validate(informant) for informant in record.informants(work, patient_id)]


@router.post(
    "/patients/{patient_id}/informants",
    operation_id=Action.ADD_INFORMANT,
    response_model=InformantRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_informant(
    patient_id: UUID,
    body: InformantCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ADD_INFORMANT)],
) -> InformantRead:
    """Add a person who answers about a patient."""
    with open_work() as work:
        return versioned(response, InformantRead, patients.add_informant(work, patient_id, body.model_dump()))


@router.patch(
    "/informants/{informant_id}",
    operation_id=Action.CHANGE_INFORMANT,
    response_model=InformantRead,
    responses=declares(404, 409, 412, 428),
)
def change_informant(
    informant_id: UUID,
    body: InformantChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_INFORMANT)],
) -> InformantRead:
    """Change an informant's label or visibility."""
    with open_work() as work:
        return versioned(
            response, InformantRead, patients.change_informant(work, informant_id, version, body.changes())
        )
