"""Who read or changed what is known about a patient."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from app.api.schemas.fields import Answer
from app.db.access_log import AccessEntry
from app.db.codes import Purpose, Role
from app.services.access_log import action_in_words, who_in_words
from app.texts.catalogue import say


class AccessEntryRead(Answer):
    """One request that touched the patient's data, in codes and in words for the patient."""

    id: int
    occurred_at: datetime
    name: str | None = Field(description="Of the person or tablet; null where it was neither.")
    role: Role
    service: str | None
    action: str = Field(examples=["read_trajectory"])
    purpose: Purpose
    who: str = Field(examples=["Kari Nordmann, behandler"])
    what: str = Field(examples=["Så på kurven over skårer"])
    why: str = Field(examples=["Behandling"])


class AccessLogPage(Answer):
    """A page of the log, the newest first."""

    entries: list[AccessEntryRead]
    next_after: int | None = Field(description="Where the next page begins; null if this is the last one.")


def access_log_page(entries: list[AccessEntry], limit: int, language: str) -> AccessLogPage:
    """Show entries in a language."""
    read = [
        AccessEntryRead(
            id=each.id,
            occurred_at=each.occurred_at,
            name=each.name,
            role=Role(each.role),
            service=each.service,
            action=each.action,
            purpose=Purpose(each.purpose),
            who=who_in_words(each, language),
            what=action_in_words(each.action, language),
            why=say(f"purpose.{each.purpose}", language),
        )
        for each in entries
    ]
    return AccessLogPage(entries=read, next_after=read[-1].id if len(read) == limit else None)
