"""Who treats a patient, whom the patient has blocked, and who has opened the record in need."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.care import Page, Versioned
from app.api.schemas.fields import Body, Label, Text
from app.db.codes import Purpose, ReviewFinding


class TreatmentRelationCreate(Body):
    """A therapist of the service who is to treat the patient too."""

    user_id: UUID


class TreatmentRelationRead(Versioned):
    """Who treats the patient of an episode, since when, until when."""

    episode_id: UUID
    user_id: UUID
    started_at: datetime
    ended_at: datetime | None


class BlockCreate(Body):
    """Whom the patient does not want to see the record."""

    user_id: UUID


class BlockRead(Versioned):
    """A block: who may not see the record, since when, until when."""

    patient_id: UUID
    user_id: UUID
    blocked_at: datetime
    recorded_by: UUID
    lifted_at: datetime | None
    lifted_by: UUID | None


class BreakGlassCreate(Body):
    """Which record is to be opened, by the reference of the record system, and what for."""

    reference: Label = Field(examples=["P-1042"])
    purpose: Literal[Purpose.EMERGENCY, Purpose.COVERING_FOR_COLLEAGUE, Purpose.ASKED_BY_PATIENT]
    note: Text | None = Field(default=None, examples=["Rang på vakt, har det akutt vanskelig."])


class BreakGlassRead(Versioned):
    """A record that somebody of the service has opened without treating the patient."""

    patient_id: UUID
    service_id: UUID
    user_id: UUID
    purpose: str = Field(examples=["emergency"])
    note: str | None
    opened_at: datetime
    expires_at: datetime
    reviewed_at: datetime | None
    reviewed_by: UUID | None
    finding: ReviewFinding | None


class BreakGlassPage(Page):
    """A page of openings, newest first."""

    openings: list[BreakGlassRead]


class BreakGlassReview(Body):
    """Whether the need was real."""

    finding: ReviewFinding
