"""Schedules of programmes, as they are written."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from app.api.schemas.fields import Body, Days, Label, whole_number
from app.db.codes import InformantRole

_Month: TypeAlias = Annotated[int, Field(ge=0, le=120), BeforeValidator(whole_number)]
_Every: TypeAlias = Annotated[int, Field(ge=1, le=50), BeforeValidator(whole_number)]
_DaysBefore: TypeAlias = Annotated[int, Field(ge=0, le=90), BeforeValidator(whole_number)]


class ScheduleRuleBody(Body):
    """A form that is asked for again and again: `every_sessions` or `months`, one of them."""

    instrument: Label = Field(examples=["phq-9"])
    form: Label | None = Field(default=None, description="The first that fits role and age, if none is named.")
    informant_role: InformantRole = Field(
        default=InformantRole.SELF, description="Everybody of this role who answers about the patient is asked."
    )
    every_sessions: _Every | None = Field(
        default=None,
        description="Asked for at every n-th counted session since the programme started: with 2 at the second, the "
        "fourth ...",
        examples=[2],
    )
    months: Annotated[list[_Month], Field(min_length=1, max_length=20)] | None = Field(
        default=None,
        description="Asked for so many months after the programme started; 0 is at the start.",
        examples=[[0, 6]],
    )
    days_before: _DaysBefore = Field(default=1, description="So many days before that, the window opens.")
    window_days: Days = Field(default=7, description="So many days after that, it closes.")
