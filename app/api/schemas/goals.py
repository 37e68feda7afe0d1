"""Goals: what the patient wants to reach, in the patient's own words."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field, StrictBool

from app.api.schemas.care import Versioned
from app.api.schemas.fields import Body, Change, GoalPlace, Text, Time


class GoalCreate(Body):
    """A goal in the patient's own words, at one of the three places of the form own-goals."""

    place: GoalPlace
    words: Text = Field(examples=["sleep through the night"])
    set_at: Time


class GoalChange(Change):
    """Better words, or how a goal ended."""

    words: Text = "-"
    ended_at: Time | None = None
    reached: StrictBool | None = None


class GoalRead(Versioned):
    """A goal, and whether it was reached."""

    episode_id: UUID
    place: int
    words: str
    set_at: datetime
    ended_at: datetime | None
    reached: bool | None
