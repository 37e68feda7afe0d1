"""The administrator's narrow way to a patient: by the id alone, to hold the record or to have it deleted.

An administrator reaches no person's record (`app.db.scope`). What is here tells that a patient is there and at which
version, and nothing of what is kept. The deletions are two functions of the tables' owner, since the application's
role may delete nothing; they look for the holds themselves, and leave the tombstone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db.codes import DeletionGround
from app.db.entry import Entry
from app.db.ids import uuid7
from app.db.models import Administration, Deletion, Episode, LegalHold, Patient
from app.db.pipeline import Rows, statement
from app.db.session import Query, Work
from app.errors import NotFound, StateConflict


@dataclass(frozen=True, slots=True)
class Decision:
    """The documented decision on which something is deleted."""

    ground: DeletionGround
    reference: str
    decided_at: datetime
    decided_by: str


def patient_version(work: Work, patient_id: UUID) -> int:
    """Lock a patient of the organisation and tell the version.

    Raises
    ------
    NotFound
        If the organisation has no such patient.
    """
    version = work.db.scalars(
        select(Patient.version)
        .where(Patient.organisation_id == work.scope.organisation_id, Patient.id == patient_id)
        .with_for_update()
    ).one_or_none()
    if version is None:
        raise NotFound("there is no such patient", pointer="/patient_id")
    work.saw([patient_id])
    return version


def administration_at(work: Work, administration_id: UUID) -> tuple[UUID, UUID, int]:
    """Give the episode and the patient of an administration of the organisation, and its version.

    Raises
    ------
    NotFound
        If the organisation has no such administration.
    """
    found = work.db.execute(
        select(Administration.episode_id, Episode.patient_id, Administration.version)
        .join(Episode, Episode.id == Administration.episode_id)
        .where(
            Episode.organisation_id == work.scope.organisation_id,
            Administration.organisation_id == work.scope.organisation_id,
            Administration.id == administration_id,
            Administration.superseded_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such administration", pointer="/administration_id")
    work.saw([found.patient_id])
    return found.episode_id, found.patient_id, found.version


def legal_holds(work: Work, patient_id: UUID) -> list[LegalHold]:
    """List the holds on a patient's record that was found, those that were lifted too."""
    of_patient = LegalHold.patient_id == patient_id
    own = select(LegalHold).where(LegalHold.organisation_id == work.scope.organisation_id, of_patient)
    return list(work.db.scalars(own.order_by(LegalHold.id)))


def get_legal_hold(work: Work, hold_id: UUID) -> LegalHold:
    """Load one hold.

    Raises
    ------
    NotFound
        If the organisation has no such hold.
    """
    hold = work.db.get(LegalHold, (work.scope.organisation_id, hold_id))
    if hold is None:
        raise NotFound("there is no such legal hold", pointer="/hold_id")
    work.saw([hold.patient_id])
    return hold


def deletions(work: Work, after: UUID | None, limit: int) -> list[Deletion]:
    """List the tombstones of the organisation, oldest first, a page at a time."""
    own = select(Deletion).where(Deletion.organisation_id == work.scope.organisation_id)
    page = own.order_by(Deletion.id).limit(limit)
    return list(work.db.scalars(page.where(Deletion.id > after) if after else page))


_PARAMETERS = (
    "%(subject_id)s, %(deletion_id)s, %(ground)s, %(decision)s, %(decided_at)s, %(decided_by)s, %(deleted_by)s,"
    " %(deleted_at)s"
)
_DELETE_PATIENT = statement(f"select spor_delete_patient({_PARAMETERS})")
_DELETE_ADMINISTRATION = statement(f"select spor_delete_administration({_PARAMETERS})")


def delete_patient(work: Work, entry: Entry, patient_id: UUID, decision: Decision) -> Deletion:
    """Delete everything that is kept of a patient, and give the tombstone.

    Raises
    ------
    StateConflict
        If a hold is in force.
    """
    work.writes_with(entry)
    return _deleted(work, Query(_DELETE_PATIENT, _parameters(work, patient_id, decision), _only))


def delete_administration(work: Work, entry: Entry, administration_id: UUID, decision: Decision) -> Deletion:
    """Delete every version of one administration with all that was made of it, and give the tombstone.

    Raises
    ------
    StateConflict
        If a hold is in force.
    """
    work.writes_with(entry)
    return _deleted(work, Query(_DELETE_ADMINISTRATION, _parameters(work, administration_id, decision), _only))


def _parameters(work: Work, subject_id: UUID, decision: Decision) -> Mapping[str, Any]:
    return {
        "subject_id": subject_id,
        "deletion_id": uuid7(),
        "ground": decision.ground,
        "decision": decision.reference,
        "decided_at": decision.decided_at,
        "decided_by": decision.decided_by,
        "deleted_by": work.scope.actor_id,
        "deleted_at": work.now,
    }


def _only(rows: Rows) -> bool:
    return bool(rows and rows[0][0] is not None)


def _deleted(work: Work, query: Query[bool]) -> Deletion:
    if not work.ask(query):
        raise StateConflict("a legal hold is in force: lift it first")
    work.db.expire_all()
    tombstone = work.db.get(Deletion, (work.scope.organisation_id, query.parameters["deletion_id"]))
    assert tombstone is not None, "what is deleted leaves a tombstone with the same statement"
    return tombstone
