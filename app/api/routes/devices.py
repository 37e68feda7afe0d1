"""Tablets: added, listed, paired, named anew, revoked."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.deps import OpenWork, Version, allow
from app.api.guesses import PAIRING, take_guess
from app.api.paths import BESIDE_WORDS
from app.api.problems import declares
from app.api.routes.answers import versioned
from app.api.schemas.tablets import (
    DeviceAdded,
    DeviceChange,
    DeviceCreate,
    DeviceRead,
    PairedRead,
    PairingCodeRead,
    PairingRedemption,
)
from app.db.devices import devices
from app.identity.policy import Action
from app.services.devices import add_tablet, change_device, pair_anew, redeem_pairing_code, revoke_device

router = APIRouter(prefix="/devices", tags=["devices"])


@router.get("", operation_id=Action.LIST_DEVICES, response_model=list[DeviceRead], responses=declares())
def list_devices(open_work: Annotated[OpenWork, allow(Action.LIST_DEVICES)]) -> list[DeviceRead]:
    """List the tablets of the caller's service; of the organisation for an administrator. Revoked ones stay listed."""
    with open_work() as work:
        return [DeviceRead.model_validate(row) for row in devices(work)]


@router.post(
    "",
    operation_id=Action.ADD_DEVICE,
    response_model=DeviceAdded,
    status_code=201,
    responses=declares(409),
)
def add_device(
    body: DeviceCreate, response: Response, open_work: Annotated[OpenWork, allow(Action.ADD_DEVICE)]
) -> DeviceAdded:
    """Add a tablet, and give the code that it is paired with within ten minutes."""
    with open_work() as work:
        row, pairing = add_tablet(work, body.label, body.service_id)
        device = versioned(response, DeviceRead, row)
    return DeviceAdded(**dict(device), pairing=PairingCodeRead.model_validate(pairing))


@router.post(
    "/pairing",
    operation_id="pair_device",
    response_model=PairedRead,
    status_code=201,
    responses=declares(404, 409),
)
def pair_device(body: PairingRedemption, request: Request) -> PairedRead:
    """Pair a tablet with the code that it was shown, and give it its token. Needs no credential."""
    take_guess(request, PAIRING)
    paired = redeem_pairing_code(request.app.state.database, request.state.request_id, body.code)
    return PairedRead.model_validate(paired)


@router.patch(
    "/{device_id" + BESIDE_WORDS + "}",
    operation_id=Action.CHANGE_DEVICE,
    response_model=DeviceRead,
    responses=declares(404, 409, 412, 428),
)
def patch_device(
    device_id: UUID,
    body: DeviceChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_DEVICE)],
) -> DeviceRead:
    """Change a tablet's label."""
    with open_work() as work:
        return versioned(response, DeviceRead, change_device(work, device_id, version, body.changes()))


@router.post(
    "/{device_id}/pairing-code",
    operation_id=Action.PAIR_DEVICE_ANEW,
    response_model=PairingCodeRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_pairing_code(
    device_id: UUID, open_work: Annotated[OpenWork, allow(Action.PAIR_DEVICE_ANEW)]
) -> PairingCodeRead:
    """Give another pairing code. The tablet's token holds until the code is redeemed."""
    with open_work() as work:
        return PairingCodeRead.model_validate(pair_anew(work, device_id))


@router.post(
    "/{device_id}/revocation",
    operation_id=Action.REVOKE_DEVICE,
    response_model=DeviceRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def add_revocation(
    device_id: UUID,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.REVOKE_DEVICE)],
) -> DeviceRead:
    """Take a tablet's token away, with effect from its next request; for one that was lost or is given away."""
    with open_work() as work:
        return versioned(response, DeviceRead, revoke_device(work, device_id, version))
