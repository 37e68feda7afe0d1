"""The organisation's settings, in versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from app.api.deps import OpenWork, Version, allow, etag
from app.api.problems import declares
from app.api.schemas.settings import SettingsChange, SettingsRead, settings_read
from app.identity.policy import Action
from app.services.settings import change_settings, current_settings

router = APIRouter(tags=["settings"])


@router.get("/settings", operation_id=Action.READ_SETTINGS, response_model=SettingsRead, responses=declares())
def read_settings(response: Response, open_work: Annotated[OpenWork, allow(Action.READ_SETTINGS)]) -> SettingsRead:
    """Give the settings in force, complete with the defaults."""
    with open_work() as work:
        answer = settings_read(current_settings(work))
    response.headers.update(etag(answer.version))
    return answer


@router.patch(
    "/settings", operation_id=Action.CHANGE_SETTINGS, response_model=SettingsRead, responses=declares(409, 412, 428)
)
def patch_settings(
    body: SettingsChange,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CHANGE_SETTINGS)],
) -> SettingsRead:
    """Put a new version of the settings into force, with its reason. Earlier verdicts stay as they were shown."""
    with open_work() as work:
        answer = settings_read(change_settings(work, version, body.changes(), body.reason))
    response.headers.update(etag(answer.version))
    return answer
