"""People, services, and how people log in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, StringConstraints

from app.api.schemas.care import Versioned
from app.api.schemas.fields import Answer, Body, Change, Label
from app.identity.passwords import LONGEST, SHORTEST

StaffRole: TypeAlias = Literal["therapist", "supervisor", "service_lead", "administrator", "analyst", "operator"]
UserName: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=False, pattern=r"^[a-z0-9][a-z0-9._@+-]{2,99}$"),
    Field(examples=["kari.nordmann"]),
]
Subject: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=False, min_length=1, max_length=255, pattern=r"^[!-~]+$"),
    Field(description="What the identity provider calls the person.", examples=["b7d1f0c2-subject"]),
]
Secret: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$")]
NewPassword: TypeAlias = Annotated[
    str, StringConstraints(min_length=SHORTEST, max_length=LONGEST, pattern=r"^[^\x00]*$")
]


class ServiceCreate(Body):
    """A service of the organisation."""

    name: Label = Field(examples=["Rask psykisk helsehjelp"])


class ServiceChange(Change):
    """A better name."""

    name: Label = "-"


class ServiceRead(Versioned):
    """A service of the organisation."""

    name: str
    created_at: datetime


class UserCreate(Body):
    """A person who works in a service, with a user name to be invited by, or a subject of the identity provider."""

    display_name: Label = Field(examples=["Kari Nordmann"])
    role: StaffRole
    service_id: UUID
    user_name: UserName | None = None
    oidc_subject: Subject | None = None


class UserChange(Change):
    """What is different about a person; deactivating ends every token, the password and the invitation."""

    display_name: Label = "-"
    role: StaffRole = "therapist"
    service_id: UUID = UUID(int=0)
    user_name: UserName | None = None
    oidc_subject: Subject | None = None
    deactivated: StrictBool = False


class UserRead(Versioned):
    """A person who works in a service."""

    service_id: UUID
    role: StaffRole
    display_name: str
    user_name: str | None
    oidc_subject: str | None
    created_at: datetime
    deactivated_at: datetime | None


class UserPage(Answer):
    """A page of people."""

    users: list[UserRead]
    next_after: UUID | None = Field(description="For the next page; null on the last one.")


class InvitationRead(Answer):
    """What a person sets a password with; it is shown once."""

    token: str
    expires_at: datetime


class Secrets(Body):
    """What holds a password, of which no character is dropped."""

    model_config = ConfigDict(str_strip_whitespace=False, hide_input_in_errors=True)


class SessionCreate(Secrets):
    """A log-in."""

    user_name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    password: Secret = Field(examples=["lange dager i fjellet"])


class InvitationRedemption(Secrets):
    """An invitation, and the password that its holder wants to have."""

    invitation: Secret
    password: NewPassword


class PasswordChange(Secrets):
    """The password that was, and the one that shall be."""

    present: Secret
    password: NewPassword


class SessionRead(Answer):
    """A token, which is shown once, for who has logged in."""

    token: str
    expires_at: datetime
    user: UserRead
