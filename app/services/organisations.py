"""Organisations: founded with settings, services, people and tablets; credentials that are shown once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.codes import Language, OrganisationMode, Role
from app.db.editing import add_of_organisation
from app.db.founding import add_credential, add_organisation
from app.db.ids import uuid7
from app.db.models import Device, Service, User
from app.db.session import Access, Database, Scope, Work
from app.identity.credentials import new_token, token_hash


def founding_scope(organisation_id: UUID) -> Scope:
    """Give the scope in which an organisation is set up from the command line, before anybody works in it."""
    return Scope(organisation_id, actor_id=UUID(int=0), role=Role.SERVICE_LEAD, service_id=UUID(int=0))


def machine_scope(organisation_id: UUID) -> Scope:
    """Give the scope of what is done at the machine, where nobody is logged in: the audit says so."""
    return Scope(organisation_id, actor_id=UUID(int=0), role=Role.OPERATOR, service_id=UUID(int=0))


def found_organisation(
    database: Database,
    name: str,
    *,
    mode: OrganisationMode = OrganisationMode.RECORD,
    language: Language = Language.BOKMAL,
    time_zone: str = "Europe/Oslo",
) -> UUID:
    """Found an organisation. It starts in record mode unless told: scores and arithmetic, no signals."""
    organisation_id = uuid7()
    settings = first_settings(mode, language, time_zone)
    with database.work(founding_scope(organisation_id), Access("found_organisation", uuid7())) as work:
        add_organisation(work, name, settings)
    return organisation_id


def first_settings(mode: OrganisationMode, language: Language, time_zone: str) -> dict[str, Any]:
    """Give the first version of an organisation's settings: the shipped policy, the instruments' own limits."""
    return {
        "mode": mode,
        "language": language,
        "time_zone": time_zone,
        "policy": {},
        "max_missing": {},
        "agreements": {},
        "author_id": None,
        "reason": "founded",
    }


def add_service(work: Work, name: str) -> Service:
    """Add a service."""
    return add_of_organisation(work, Service, {"name": name})


def add_user(work: Work, service: Service, role: Role, display_name: str) -> User:
    """Add a person who works in a service."""
    return add_of_organisation(work, User, {"service_id": service.id, "role": role, "display_name": display_name})


def add_device(work: Work, service: Service, label: str) -> Device:
    """Add a tablet of a service."""
    return add_of_organisation(work, Device, {"service_id": service.id, "label": label})


def issue_credential(work: Work, holder: User | Device, *, expires_at: datetime | None = None) -> str:
    """Issue a token; it is shown once and kept as a hash."""
    token = new_token()
    if isinstance(holder, User):
        add_credential(work, token_hash(token), user_id=holder.id, expires_at=expires_at)
    else:
        add_credential(work, token_hash(token), device_id=holder.id, expires_at=expires_at)
    return token
