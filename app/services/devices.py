"""Tablets: added with a pairing code, paired, named anew, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.db.codes import Role
from app.db.devices import get_device, revoke_credentials
from app.db.editing import add_of_organisation, edit_of_organisation
from app.db.founding import add_credential
from app.db.models import Device
from app.db.session import Access, Database, Secret, Work
from app.errors import InvalidReference, StateConflict
from app.identity.codes import PAIRING_LENGTH, new_code, pairing_hash
from app.identity.credentials import new_token, token_hash

PAIRING_LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class PairingCode:
    """The code that a tablet is paired with, in plain for the only time."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Paired:
    """What a tablet gets when it is paired: its token, in plain for the only time."""

    token: str
    device_id: UUID
    service_id: UUID
    label: str


def add_tablet(work: Work, label: str, service_id: UUID | None) -> tuple[Device, PairingCode]:
    """Add a tablet to a service, the caller's own if none is named; only an administrator may name another.

    Raises
    ------
    InvalidReference
        If there is no such service, or it is another than the caller may lead.
    """
    wanted = service_id or work.scope.service_id
    if work.scope.role is not Role.ADMINISTRATOR and wanted != work.scope.service_id:
        raise InvalidReference("service_id points at nothing in this organisation", pointer="/service_id")
    device = add_of_organisation(work, Device, {"service_id": wanted, "label": label})
    return device, _new_pairing_code(work, device)


def change_device(work: Work, device_id: UUID, version: int, changes: Mapping[str, Any]) -> Device:
    """Change a tablet's label."""
    return edit_of_organisation(work, get_device(work, device_id), version, changes)


def pair_anew(work: Work, device_id: UUID) -> PairingCode:
    """Give another pairing code; the tablet's token holds until that is redeemed.

    Raises
    ------
    StateConflict
        If the tablet was revoked.
    """
    device = get_device(work, device_id)
    work.db.refresh(device, with_for_update={"key_share": True})
    if device.revoked_at is not None:
        raise StateConflict("the device was revoked; add it as a new one")
    return _new_pairing_code(work, device)


def _new_pairing_code(work: Work, device: Device) -> PairingCode:
    code = new_code(PAIRING_LENGTH)
    device.pairing_hash, device.pairing_expires_at = pairing_hash(code), work.now + PAIRING_LASTS
    work.db.flush()
    return PairingCode(code, device.pairing_expires_at)


def revoke_device(work: Work, device_id: UUID, version: int) -> Device:
    """Take a tablet's token away, with effect from its next request.

    Raises
    ------
    StateConflict
        If that was done before.
    """
    device = get_device(work, device_id)
    if device.revoked_at is not None and device.version == version:
        raise StateConflict("the device was revoked before")
    revoked = {"revoked_at": work.now, "pairing_hash": None, "pairing_expires_at": None}
    edit_of_organisation(work, device, version, revoked)
    revoke_credentials(work, device_id)
    return device


def redeem_pairing_code(database: Database, request_id: UUID, code: str) -> Paired:
    """Pair a tablet with the code that it was shown; a token that it had before holds no longer.

    Raises
    ------
    NotFound
        If the code opens nothing: no difference is made between the reasons.
    """
    access = Access("pair_device", request_id)
    with database.work_for_secret(Secret.PAIRING_CODE, pairing_hash(code), access, "/code") as work:
        device = get_device(work, work.scope.actor_id)
        work.db.refresh(device)
        revoke_credentials(work, device.id)
        device.paired_at = work.now
        token = new_token()
        add_credential(work, token_hash(token), device_id=device.id)
        work.note()
        return Paired(token, device.id, device.service_id, device.label)
