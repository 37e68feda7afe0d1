"""Who may see a patient's record beyond the roles: who treats, whom the patient blocks, who opens it in need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from app.db.access import (
    get_block,
    get_opening,
    is_blocked,
    member_of_staff,
    patient_of_service,
    reaches_already,
    therapist_of_service,
)
from app.db.codes import ReviewFinding
from app.db.editing import add, edit
from app.db.failures import translated_errors
from app.db.models import Block, BreakGlass, TreatmentRelation
from app.db.scope import get_episode, get_of_episode, get_patient
from app.db.session import Work
from app.errors import StateConflict
from app.services.summaries import follow_what_is_around

Once = TypeVar("Once", Block, TreatmentRelation)

OPEN_FOR: Final = timedelta(hours=12)
"""So long a record stays open after it was opened in need: a shift, and what is written after it."""


def add_treatment_relation(work: Work, episode_id: UUID, user_id: UUID) -> TreatmentRelation:
    """Let another therapist of the service treat the patient, from now on.

    Raises
    ------
    InvalidReference
        If the user is no therapist of the episode's service.
    StateConflict
        If the user treats the patient already, or the patient has blocked them.
    """
    episode = get_episode(work, episode_id, lock=True)
    therapist = therapist_of_service(work, user_id, episode.service_id)
    if is_blocked(work, episode.patient_id, therapist.id):
        raise StateConflict("the patient has blocked this user", pointer="/user_id")
    values = {"episode_id": episode.id, "user_id": therapist.id, "started_at": work.now}
    relation = _add_once(work, TreatmentRelation, values, "the user treats the patient already")
    follow_what_is_around(work, [episode.id])
    return relation


def end_treatment_relation(work: Work, relation_id: UUID, version: int) -> TreatmentRelation:
    """End a treatment relation, from now on.

    Raises
    ------
    StateConflict
        If it has ended before.
    """
    relation = get_of_episode(work, TreatmentRelation, relation_id)
    if relation.ended_at is not None:
        raise StateConflict("the relation has ended already")
    return edit(work, work.entry, relation, version, {"ended_at": work.now})


def add_block(work: Work, patient_id: UUID, user_id: UUID) -> Block:
    """Keep somebody out of a patient's record, as the patient wishes: whatever else would let them in.

    Raises
    ------
    StateConflict
        If the patient has blocked them already.
    """
    patient = get_patient(work, patient_id)
    values = {
        "patient_id": patient.id,
        "user_id": member_of_staff(work, user_id).id,
        "blocked_at": work.now,
        "recorded_by": work.scope.actor_id,
    }
    return _add_once(work, Block, values, "the patient has blocked this user already")


def lift_block(work: Work, block_id: UUID, version: int) -> Block:
    """Lift a block, as the patient wishes.

    Raises
    ------
    StateConflict
        If it was lifted before.
    """
    block = get_block(work, block_id)
    if block.lifted_at is not None:
        raise StateConflict("the block was lifted already")
    return edit(work, work.entry, block, version, {"lifted_at": work.now, "lifted_by": work.scope.actor_id})


def break_glass(work: Work, values: Mapping[str, Any]) -> BreakGlass:
    """Open the record of a patient of the service whom the caller does not treat, for some hours.

    Raises
    ------
    NotFound
        If the service has no patient of that reference, or the patient has blocked the caller.
    StateConflict
        If the record is open to the caller already.
    """
    patient = patient_of_service(work, values["reference"])
    if reaches_already(work, patient.id):
        raise StateConflict("the record is open to you already")
    return add(
        work,
        work.entry,
        BreakGlass,
        {
            "patient_id": patient.id,
            "service_id": work.scope.service_id,
            "user_id": work.scope.actor_id,
            "purpose": values["purpose"],
            "note": values["note"],
            "opened_at": work.now,
            "expires_at": work.now + OPEN_FOR,
        },
    )


def review_opening(work: Work, opening_id: UUID, version: int, finding: ReviewFinding) -> BreakGlass:
    """Record whether the need was real for which a record was opened.

    Raises
    ------
    StateConflict
        If it was reviewed before, or the caller opened it.
    """
    opening = get_opening(work, opening_id)
    if opening.reviewed_at is not None:
        raise StateConflict("the opening was reviewed already")
    if opening.user_id == work.scope.actor_id:
        raise StateConflict("somebody else reviews what you opened")
    reviewed = {"reviewed_at": work.now, "reviewed_by": work.scope.actor_id, "finding": finding}
    return edit(work, work.entry, opening, version, reviewed)


def _add_once(work: Work, table: type[Once], values: Mapping[str, Any], taken: str) -> Once:
    """Add what can be in force once; the database decides between two who ask at the same moment."""
    try:
        with translated_errors():
            return add(work, work.entry, table, values)
    except StateConflict:
        raise StateConflict(taken, pointer="/user_id") from None
