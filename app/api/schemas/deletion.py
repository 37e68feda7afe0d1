"""Deletions by decision, and legal holds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.api.schemas.care import Page, Versioned
from app.api.schemas.fields import Answer, Body, Label, Text, Time
from app.db.codes import DeletionGround


class DeletionCreate(Body):
    """The documented decision by which something is deleted."""

    ground: DeletionGround
    decision: Label = Field(description="Where the decision is filed.", examples=["2026/2210-4"])
    decided_at: Time
    decided_by: Label = Field(description="Who decided, in words.", examples=["the head of the service"])


class DeletionRead(Answer):
    """The tombstone: what was decided and how many rows there were, and nothing of what they said."""

    id: UUID
    patient_id: UUID
    ground: DeletionGround
    decision: str
    decided_at: datetime
    decided_by: str
    deleted_at: datetime
    deleted_by: UUID = Field(description="All zeros where the retention job did it.")
    counts: dict[str, int] = Field(description="Rows that were deleted, by table.")


class DeletionPage(Page):
    """A page of tombstones."""

    deletions: list[DeletionRead]


class LegalHoldCreate(Body):
    """Why a record must not be deleted."""

    reason: Text


class LegalHoldLifting(Body):
    """Why a hold is lifted."""

    reason: Text


class LegalHoldRead(Versioned):
    """A hold on a patient's record."""

    patient_id: UUID
    reason: str
    placed_by: UUID
    placed_at: datetime
    lifted_by: UUID | None
    lifted_at: datetime | None
    lifting_reason: str | None
