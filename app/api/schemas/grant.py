"""What a service says of itself for the grant report: evidence and evaluation of its programmes, and its own words."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Path
from pydantic import Field

from app.api.schemas.care import Versioned
from app.api.schemas.fields import Answer, Body, Change, Date, EvidenceLevel, Label, Text
from app.reports.cohort import FIRST_YEAR, LAST_YEAR

Year: TypeAlias = Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR, description="The calendar year.", examples=[2025])]


class EvidenceCreate(Body):
    """How well a programme is documented for a target group."""

    target_group: Label = Field(description="In own words.", examples=["Adults with mild to moderate depression"])
    level: EvidenceLevel | None = Field(
        default=None, description="Unknown is null, not 0; a level needs its source and the date of the assessment."
    )
    source: Text | None = None
    assessed_on: Date | None = None


class EvidenceChange(Change):
    """What is changed of it."""

    target_group: Label = ""
    level: EvidenceLevel | None = None
    source: Text | None = None
    assessed_on: Date | None = None


class EvidenceRead(Versioned):
    """How well a programme is documented for a target group."""

    programme_id: UUID
    target_group: str
    level: int | None
    source: str | None
    assessed_on: date | None


class EvaluationPlanPut(Body):
    """The whole plan by which a programme is evaluated; what is not named is empty."""

    question: Text | None = None
    measure: Label | None = Field(default=None, description="The key of an instrument.", examples=["phq-9"])
    time: Text | None = Field(default=None, examples=["At the first session, at the last, and after six months."])
    comparator: Text | None = None
    missing_data: Text | None = None
    drop_out_follow_up: Text | None = None
    responsible: Text | None = None


class EvaluationPlanRead(Answer):
    """The plan by which a programme is evaluated; version 0 while nobody has written one."""

    programme_id: UUID
    version: int
    question: str | None
    measure: str | None
    time: str | None
    comparator: str | None
    missing_data: str | None
    drop_out_follow_up: str | None
    responsible: str | None


class StatementsPut(Body):
    """All that a service says of itself for one year; what is not named is empty."""

    target_group: Text | None = None
    goals: Text | None = None
    leadership: Text | None = None
    budget: Text | None = None
    plan: Text | None = None
    involvement_individual: Text | None = Field(
        default=None, description="How patients and next of kin take part in their own help."
    )
    involvement_service: Text | None = Field(
        default=None, description="How patients and next of kin take part in shaping the service."
    )
    involvement_system: Text | None = Field(
        default=None, description="How organisations of patients and next of kin take part in the municipality's plans."
    )


class StatementsRead(Answer):
    """What a service says of itself for one year; version 0 while nobody has written anything."""

    service_id: UUID
    year: int
    version: int
    target_group: str | None
    goals: str | None
    leadership: str | None
    budget: str | None
    plan: str | None
    involvement_individual: str | None
    involvement_service: str | None
    involvement_system: str | None
