"""Rows that come before anybody has a credential: the organisation itself, and the credentials."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.models import Credential, Organisation, OrganisationSettings
from app.db.session import Work


def add_organisation(work: Work, name: str, settings: dict[str, Any]) -> None:
    """Add the organisation that the work is scoped to, with the first version of its settings."""
    organisation_id = work.scope.organisation_id
    work.db.add(Organisation(id=organisation_id, name=name))
    work.db.flush()
    work.db.add(OrganisationSettings(organisation_id=organisation_id, version=1, **settings))
    work.db.flush()


def add_credential(
    work: Work,
    token_hash: bytes,
    *,
    user_id: UUID | None = None,
    device_id: UUID | None = None,
    assignment_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Keep the hash of a token and whom it stands for."""
    work.db.add(
        Credential(
            token_hash=token_hash,
            organisation_id=work.scope.organisation_id,
            user_id=user_id,
            device_id=device_id,
            assignment_id=assignment_id,
            expires_at=expires_at,
        )
    )
    work.db.flush()
