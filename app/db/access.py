"""Who treats a patient, whom the patient has blocked, and who has opened the record without treating."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, select

from app.db.codes import Role
from app.db.models import Block, BreakGlass, Episode, Patient, User
from app.db.reach import has_blocked
from app.db.scope import get_patient, may_reach_episode, may_see_opening
from app.db.session import Work
from app.errors import InvalidReference, NotFound


def therapist_of_service(work: Work, user_id: UUID, service_id: UUID) -> User:
    """Load a therapist who works in a service.

    Raises
    ------
    InvalidReference
        If the user is none, or works there no longer.
    """
    user = work.db.get(User, (work.scope.organisation_id, user_id))
    if user is None or user.service_id != service_id or user.role != Role.THERAPIST or user.deactivated_at is not None:
        raise InvalidReference("the user is no therapist of the service", pointer="/user_id")
    return user


def member_of_staff(work: Work, user_id: UUID) -> User:
    """Load somebody who works in the organisation, in whatever role.

    Raises
    ------
    InvalidReference
        If there is nobody of that id.
    """
    user = work.db.get(User, (work.scope.organisation_id, user_id))
    if user is None:
        raise InvalidReference("there is no such user", pointer="/user_id")
    return user


def is_blocked(work: Work, patient_id: UUID, user_id: UUID) -> bool:
    """Tell whether a patient has blocked somebody."""
    of = select(has_blocked(Patient.organisation_id, Patient.id, user_id))
    return bool(
        work.db.scalar(of.where(Patient.organisation_id == work.scope.organisation_id, Patient.id == patient_id))
    )


def blocks_of(work: Work, patient_id: UUID) -> list[Block]:
    """List whom a patient has blocked, and those blocks that were lifted."""
    get_patient(work, patient_id)
    return list(
        work.db.scalars(
            select(Block)
            .where(Block.organisation_id == work.scope.organisation_id, Block.patient_id == patient_id)
            .order_by(Block.id)
        )
    )


def get_block(work: Work, block_id: UUID) -> Block:
    """Load one block, through the patient.

    Raises
    ------
    NotFound
        If there is none, or the caller may not reach the patient.
    """
    block = work.db.get(Block, (work.scope.organisation_id, block_id))
    if block is None:
        raise NotFound("there is no such block", pointer="/id")
    try:
        get_patient(work, block.patient_id)
    except NotFound:
        raise NotFound("there is no such block", pointer="/id") from None
    return block


def patient_of_service(work: Work, reference: str) -> Patient:
    """Load a patient by the reference of the record system, whoever of the caller's service treats them.

    Raises
    ------
    NotFound
        If the service has none, or the patient has blocked the caller: the same answer.
    """
    in_service = exists().where(
        Episode.organisation_id == Patient.organisation_id,
        Episode.patient_id == Patient.id,
        Episode.service_id == work.scope.service_id,
    )
    patient = work.db.scalars(
        select(Patient).where(
            Patient.organisation_id == work.scope.organisation_id,
            Patient.reference == reference,
            in_service,
            ~has_blocked(Patient.organisation_id, Patient.id, work.scope.actor_id),
        )
    ).one_or_none()
    if patient is None:
        raise NotFound("the service has no such patient", pointer="/reference")
    work.saw([patient.id])
    return patient


def reaches_already(work: Work, patient_id: UUID) -> bool:
    """Tell whether the caller reaches an episode of the patient."""
    return bool(work.db.scalar(select(exists().where(Episode.patient_id == patient_id, may_reach_episode(work)))))


def openings(work: Work, *, reviewed: bool | None, after: UUID | None, limit: int) -> list[BreakGlass]:
    """List openings of records that the caller is told of, newest first, a page at a time."""
    statement = (
        select(BreakGlass).where(may_see_opening(work, listing=True)).order_by(BreakGlass.id.desc()).limit(limit)
    )
    if after is not None:
        statement = statement.where(BreakGlass.id < after)
    if reviewed is not None:
        statement = statement.where(
            BreakGlass.reviewed_at.is_not(None) if reviewed else BreakGlass.reviewed_at.is_(None)
        )
    found = list(work.db.scalars(statement))
    work.saw(each.patient_id for each in found)
    return found


def get_opening(work: Work, opening_id: UUID) -> BreakGlass:
    """Load one opening of a record.

    Raises
    ------
    NotFound
        If there is none, or the caller is not told of it.
    """
    found = work.db.scalars(select(BreakGlass).where(BreakGlass.id == opening_id, may_see_opening(work))).one_or_none()
    if found is None:
        raise NotFound("there is no such opening", pointer="/id")
    work.saw([found.patient_id])
    return found
