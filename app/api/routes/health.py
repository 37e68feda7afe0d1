"""What an operator's tools ask: is the process alive, can it work, and what has it counted. No credential of a user."""

from __future__ import annotations

import hmac
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.api.metrics import CONTENT_TYPE
from app.errors import NotFound, Unauthenticated

LIVE, READY, METRICS = "/health/live", "/health/ready", "/metrics"

router = APIRouter(tags=["health"])


class LiveRead(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class CheckRead(BaseModel):
    """One thing that the service needs."""

    check: str = Field(examples=["database"])
    passed: bool
    trouble: str | None = Field(default=None, examples=["the database does not answer"])


class ReadyRead(BaseModel):
    """Whether the service can be given requests, and what is in the way."""

    ready: bool
    checks: list[CheckRead]


@router.get(LIVE, operation_id="read_live", response_model=LiveRead)
async def live() -> LiveRead:
    """Tell that the process answers. Nothing else is looked at: restart it if this does not come."""
    return LiveRead()


@router.get(
    READY,
    operation_id="read_ready",
    response_model=ReadyRead,
    responses={503: {"model": ReadyRead, "description": "Not ready: give it no requests for now."}},
)
async def ready(request: Request, response: Response) -> ReadyRead:
    """Tell whether requests can be answered: database there, at this program's revision, with the right role."""
    findings = await request.app.state.readiness.findings()
    checks = [CheckRead(check=each.check, passed=each.trouble is None, trouble=each.trouble) for each in findings]
    passed = all(each.passed for each in checks)
    response.status_code = 200 if passed else 503
    return ReadyRead(ready=passed, checks=checks)


@router.get(METRICS, include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Give the numbers in Prometheus's text format to who holds SPOR_METRICS_TOKEN; without that setting, to nobody."""
    wanted = request.app.state.settings.metrics_token
    if wanted is None:
        raise NotFound("there is no such address")
    given = request.headers.get("authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {wanted.get_secret_value()}".encode()):
        raise Unauthenticated(
            "the token of the metrics is needed", allowed="Authorization: Bearer <SPOR_METRICS_TOKEN>"
        )
    return Response(request.app.state.metrics.exposition(), media_type=CONTENT_TYPE)
