"""The ledger of consents: what was said to uses beyond care, and what of it is in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.db.codes import ConsentDecision, ConsentUse, InformantRole
from app.db.consents import add_consent, consenting_patients, consents
from app.db.models import Consent
from app.db.record import informants
from app.db.session import Work
from app.errors import InvalidReference, MalformedBody


@dataclass(frozen=True, slots=True)
class Consents:
    """A patient's statements, and by use whether consent is in force."""

    statements: list[Consent]
    in_force: dict[ConsentUse, bool]


def read_consents(work: Work, patient_id: UUID) -> Consents:
    """Give what was said about a patient, and what is in force; an export goes by the same statement."""
    statements = consents(work, patient_id)
    return Consents(statements, {use: patient_id in consenting_patients(work, use, patient_id) for use in ConsentUse})


def record_consent(work: Work, patient_id: UUID, values: Mapping[str, Any]) -> Consent:
    """Add a statement; a withdrawal is one too.

    Raises
    ------
    InvalidReference
        If it comes from somebody who does not answer about this patient, or who can't consent for them.
    MalformedBody
        If it lies ahead.
    """
    people = informants(work, patient_id)
    wanted = values["informant_id"]
    found = [each for each in people if each.id == wanted or (wanted is None and each.role == InformantRole.SELF)]
    if not found or found[0].role not in (InformantRole.SELF, InformantRole.PARENT):
        raise InvalidReference("consent is the patient's or a parent's of this patient", pointer="/informant_id")
    if values["stated_at"] > work.now:
        raise MalformedBody("the statement lies ahead", pointer="/stated_at", allowed="a time that has passed")
    decision = ConsentDecision(values["decision"])
    return add_consent(work, work.entry, patient_id, {**values, "informant_id": found[0].id, "decision": decision})
