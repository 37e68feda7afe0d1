"""Treatment sessions and who came."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow
from app.api.problems import declares
from app.api.routes.answers import versioned
from app.api.schemas.care import (
    AttendanceChange,
    AttendanceCreate,
    AttendanceRead,
    TreatmentSessionChange,
    TreatmentSessionCreate,
    TreatmentSessionRead,
)
from app.db import record
from app.identity.policy import Action
from app.services import sessions

router = APIRouter(tags=["treatment sessions"])


@router.post(
    "/treatment-sessions",
    operation_id=Action.RECORD_SESSION,
    response_model=TreatmentSessionRead,
    status_code=201,
    responses=declares(404, 409),
)
def record_session(
    body: TreatmentSessionCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.RECORD_SESSION)]
) -> TreatmentSessionRead:
    """Record a treatment session with those who came or did not."""
    with open_work() as work:
        return versioned(
            response,
            TreatmentSessionRead,
            sessions.record_session(
                work, body.model_dump(exclude={"attendances"}), [each.model_dump() for each in body.attendances]
            ),
        )


@router.get(
    "/treatment-sessions/{session_id}",
    operation_id=Action.READ_SESSION,
    response_model=TreatmentSessionRead,
    responses=declares(404),
)
def read_session(
    session_id: UUID, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_SESSION)]
) -> TreatmentSessionRead:
    """Give a treatment session of the service."""
    with open_work() as work:
        return versioned(response, TreatmentSessionRead, record.get_session(work, session_id))


@router.patch(
    "/treatment-sessions/{session_id}",
    operation_id=Action.CHANGE_SESSION,
    response_model=TreatmentSessionRead,
    responses=declares(404, 409, 412, 428),
)
def change_session(
    session_id: UUID,
    body: TreatmentSessionChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_SESSION)],
) -> TreatmentSessionRead:
    """Change when and how a session took place; the verdicts follow."""
    with open_work() as work:
        return versioned(
            response, TreatmentSessionRead, sessions.change_session(work, session_id, version, body.changes())
        )


@router.get(
    "/treatment-sessions/{session_id}/attendances",
    operation_id=Action.LIST_ATTENDANCES,
    response_model=list[AttendanceRead],
    responses=declares(404),
)
def list_attendances(
    session_id: UUID, open_work: Annotated[OpenWork, allow(Action.LIST_ATTENDANCES)]
) -> list[AttendanceRead]:
    """List who came, of those whom the caller treats."""
    with open_work() as work:
        return [
            AttendanceRead.model_validate(row) for row in record.attendances(work, record.get_session(work, session_id))
        ]


@router.post(
    "/treatment-sessions/{session_id}/attendances",
    operation_id=Action.ADD_ATTENDANCE,
    response_model=AttendanceRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_attendance(
    session_id: UUID,
    body: AttendanceCreate,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ADD_ATTENDANCE)],
) -> AttendanceRead:
    """Add a participant; the dose and the verdicts follow."""
    with open_work() as work:
        return versioned(response, AttendanceRead, sessions.add_attendance(work, session_id, body.model_dump()))


@router.patch(
    "/attendances/{attendance_id}",
    operation_id=Action.CHANGE_ATTENDANCE,
    response_model=AttendanceRead,
    responses=declares(404, 409, 412, 428),
)
def change_attendance(
    attendance_id: UUID,
    body: AttendanceChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_ATTENDANCE)],
) -> AttendanceRead:
    """Correct whether a participant came; the dose and the verdicts follow."""
    with open_work() as work:
        return versioned(
            response, AttendanceRead, sessions.change_attendance(work, attendance_id, version, body.changes())
        )
