"""Learnt curves: what was learnt, whether it may be used, who has put it into force. No request learns one."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.deps import OpenWork, Version, allow, etag
from app.api.errors import language_of
from app.api.problems import declares
from app.api.schemas.curves import LearntCurveListed, LearntCurveRead, learnt_curve_listed, learnt_curve_read
from app.db.curves import get_curve, learnt_curves
from app.identity.policy import Action
from app.services import curves

router = APIRouter(tags=["curves"])


@router.get("/curves", operation_id=Action.LIST_CURVES, response_model=list[LearntCurveListed], responses=declares())
def list_curves(request: Request, open_work: Annotated[OpenWork, allow(Action.LIST_CURVES)]) -> list[LearntCurveListed]:
    """List the curves that were learnt from the organisation's own episodes, those of an instrument together."""
    with open_work() as work:
        return [learnt_curve_listed(curve, language_of(request)) for curve in learnt_curves(work)]


@router.get(
    "/curves/{curve_id}", operation_id=Action.READ_CURVE, response_model=LearntCurveRead, responses=declares(404)
)
def read_curve(
    curve_id: UUID, request: Request, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_CURVE)]
) -> LearntCurveRead:
    """Give a learnt curve with its gates, how it did on later episodes, and its figures."""
    with open_work() as work:
        answer = learnt_curve_read(get_curve(work, curve_id), language_of(request))
    response.headers.update(etag(answer.version))
    return answer


@router.post(
    "/curves/{curve_id}/activation",
    operation_id=Action.ACTIVATE_CURVE,
    response_model=LearntCurveRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def activate_curve(
    curve_id: UUID,
    version: Version,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ACTIVATE_CURVE)],
) -> LearntCurveRead:
    """Put a candidate into force, if every gate is passed; it takes the place of the one before it.

    Verdicts stay as they were shown: those that are issued from now on are made with it.
    """
    with open_work() as work:
        answer = learnt_curve_read(curves.activate(work, curve_id, version), language_of(request))
    response.headers.update(etag(answer.version))
    return answer


@router.post(
    "/curves/{curve_id}/step-back",
    operation_id=Action.STEP_BACK_CURVE,
    response_model=LearntCurveRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def step_back_curve(
    curve_id: UUID,
    version: Version,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.STEP_BACK_CURVE)],
) -> LearntCurveRead:
    """Take a live curve back: the one that it replaced is in force again, or what holds without one of its own.

    A curve that was taken back does not come again; another one has to be learnt.
    """
    with open_work() as work:
        answer = learnt_curve_read(curves.step_back(work, curve_id, version), language_of(request))
    response.headers.update(etag(answer.version))
    return answer
