"""Tablets and links: paired, opened, answered; what is shown once, and what is never shown again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.care import Versioned
from app.api.schemas.fields import Answer, Body, Change, Label
from app.db.codes import AssignmentState, DecliningReason, InformantRole, Language


class DeviceCreate(Body):
    """A tablet of a service: the caller's own if none is named, which only an administrator may do."""

    label: Label = Field(examples=["Waiting room"])
    service_id: UUID | None = None


class DeviceChange(Change):
    """What is changed of a tablet."""

    label: Label = ""


class DeviceRead(Versioned):
    """A tablet of a service."""

    label: str
    service_id: UUID
    paired_at: datetime | None = Field(description="Null until its first pairing code was redeemed.")
    last_seen_on: date | None = Field(description="By the day, in UTC.")
    revoked_at: datetime | None


class PairingCodeRead(Answer):
    """A pairing code, shown once."""

    code: str = Field(examples=["7KQ2MZ4P"])
    expires_at: datetime


class DeviceAdded(DeviceRead):
    """A new tablet with its pairing code, which is shown once."""

    pairing: PairingCodeRead


class PairingRedemption(Body):
    """The code that the tablet was shown. Small letters, spaces and hyphens are read too."""

    code: Label = Field(examples=["7KQ2MZ4P"])


class PairedRead(Answer):
    """The tablet's token, shown once."""

    token: str
    device_id: UUID
    service_id: UUID
    label: str


class OpeningCodeRead(Answer):
    """The code of an assignment, shown once."""

    code: str = Field(examples=["R7M2KX"])
    expires_at: datetime


class LinkRead(Answer):
    """The token of a link to an assignment, shown once."""

    token: str
    expires_at: datetime


class OpeningCode(Body):
    """The code that was handed over. Small letters, spaces and hyphens are read too."""

    code: Label = Field(examples=["R7M2KX"])


class LinkRedemption(Body):
    """The token of the link."""

    token: Label


class RespondentRead(Answer):
    """The credential with which the one assignment of a link is fetched and answered; shown once."""

    token: str
    expires_at: datetime
    assignment_id: UUID


class OpenAssignmentRead(Answer):
    """A form that is to be answered, with the ids to put it with; nothing of the person."""

    assignment_id: UUID
    episode_id: UUID
    informant_id: UUID
    informant_role: InformantRole
    instrument: str
    form: str
    language: Language
    treatment_session_id: UUID | None
    opens_at: datetime
    closes_at: datetime | None


class AssignmentDeclining(Body):
    """Why a form was not answered, as a code."""

    state: Literal[AssignmentState.DECLINED, AssignmentState.UNABLE]
    reason: DecliningReason


class DeclinedRead(Answer):
    """That it is noted."""

    assignment_id: UUID
    state: AssignmentState
