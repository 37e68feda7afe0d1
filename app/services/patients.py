"""Patients and the informants who answer about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.db.codes import InformantRole, Visibility
from app.db.editing import add, edit
from app.db.episode_records import lock_episodes_of_patient
from app.db.ids import uuid7
from app.db.models import Informant, Patient
from app.db.record import get_informant
from app.db.scope import get_patient
from app.db.session import Work
from app.services.summaries import follow_what_is_around


def register_patient(work: Work, values: Mapping[str, Any]) -> Patient:
    """Register a patient, who is also the first informant."""
    patient_id = uuid7()
    registered = {**values, "id": patient_id, "registered_by": work.scope.actor_id}
    patient = add(work, work.saw([patient_id]), Patient, registered)
    add_informant(work, patient.id, {"role": InformantRole.SELF, "label": "self", "visibility": Visibility.RESTRICTED})
    return patient


def change_patient(work: Work, patient_id: UUID, version: int, changes: Mapping[str, Any]) -> Patient:
    """Change what is known about a patient."""
    patient = get_patient(work, patient_id)
    episode_ids = lock_episodes_of_patient(work, patient.id)
    edit(work, work.entry, patient, version, changes)
    follow_what_is_around(work, episode_ids)
    return patient


def add_informant(work: Work, patient_id: UUID, values: Mapping[str, Any]) -> Informant:
    """Add a person who answers about a patient."""
    patient = get_patient(work, patient_id)
    return add(work, work.entry, Informant, {**values, "patient_id": patient.id})


def change_informant(work: Work, informant_id: UUID, version: int, changes: Mapping[str, Any]) -> Informant:
    """Change an informant's label or visibility."""
    informant = get_informant(work, informant_id)
    return edit(work, work.entry, informant, version, changes)
