"""Tablets: listed, paired, seen, revoked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.db.codes import Role
from app.db.models import Credential, Device
from app.db.pipeline import statement
from app.db.session import Query, Work
from app.errors import NotFound


def devices(work: Work) -> list[Device]:
    """List the tablets that the caller may see: an administrator's the organisation's, else those of the service."""
    own = select(Device).where(Device.organisation_id == work.scope.organisation_id)
    if work.scope.role is not Role.ADMINISTRATOR:
        own = own.where(Device.service_id == work.scope.service_id)
    return list(work.db.scalars(own.order_by(Device.id)))


def get_device(work: Work, device_id: UUID) -> Device:
    """Load one of those.

    Raises
    ------
    NotFound
        If there is none, or it is another service's.
    """
    device = work.db.get(Device, (work.scope.organisation_id, device_id))
    everywhere = work.scope.role is Role.ADMINISTRATOR
    if device is None or not (everywhere or device.service_id == work.scope.service_id):
        raise NotFound("there is no such device", pointer="/id")
    return device


def revoke_credentials(work: Work, device_id: UUID) -> None:
    """Take every token of a tablet away, with effect from its next request."""
    work.db.execute(
        update(Credential)
        .where(
            Credential.organisation_id == work.scope.organisation_id,
            Credential.device_id == device_id,
            Credential.revoked_at.is_(None),
        )
        .values(revoked_at=work.now)
    )


_SEEN = statement(
    """
    update devices set last_seen_on = %(today)s
     where organisation_id = %(organisation_id)s and id = %(device_id)s
       and coalesce(last_seen_on, '-infinity') < %(today)s
    """
)


def seen(work: Work) -> list[Query[Sequence[Any]]]:
    """Make the statement that notes on which day a tablet was seen last; none where the caller is no tablet."""
    if work.scope.role is not Role.DEVICE:
        return []
    parameters = {
        "organisation_id": work.scope.organisation_id,
        "device_id": work.scope.actor_id,
        "today": work.now.astimezone(UTC).date(),
    }
    return [Query(_SEEN, parameters, list)]
