"""Consents to uses beyond care."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.api.schemas.fields import Answer, Body, Label, Time
from app.db.codes import ConsentDecision, ConsentMedium, ConsentUse
from app.services.consents import Consents


class ConsentCreate(Body):
    """What a person said to a use of the record beyond care."""

    informant_id: UUID | None = Field(default=None, description="Who said it; the patient if nobody is named.")
    use: ConsentUse
    decision: ConsentDecision
    stated_at: Time
    medium: ConsentMedium
    text_version: Label = Field(description="Which text the person was given.", examples=["research-2026-2"])


class ConsentRead(Answer):
    """A statement in the ledger; it is never changed."""

    id: UUID
    patient_id: UUID
    informant_id: UUID
    use: ConsentUse
    decision: ConsentDecision
    stated_at: datetime
    medium: ConsentMedium
    text_version: str
    recorded_by: UUID
    recorded_at: datetime


class ConsentsRead(Answer):
    """The ledger of a patient, and what is in force of it."""

    in_force: dict[ConsentUse, bool] = Field(description="By use: whether the newest statement gives consent.")
    statements: list[ConsentRead]


def consents_read(consents: Consents) -> ConsentsRead:
    """Show the ledger."""
    return ConsentsRead(
        in_force=consents.in_force,
        statements=[ConsentRead.model_validate(each) for each in consents.statements],
    )
