"""Assignments as they are come by: a code for a tablet, a link for home, what is open, what was declined."""

from __future__ import annotations

import io
from typing import Annotated, Any, Final
from uuid import UUID

import segno
from fastapi import APIRouter, Request, Response

from app.api.charts import JSON, SVG, wanted
from app.api.deps import OpenWork, allow
from app.api.guesses import CODE, LINK, take_guess
from app.api.problems import declares
from app.api.routes.answers import answered
from app.api.schemas.tablets import (
    AssignmentDeclining,
    DeclinedRead,
    LinkRead,
    LinkRedemption,
    OpenAssignmentRead,
    OpeningCode,
    OpeningCodeRead,
    RespondentRead,
)
from app.identity.policy import Action
from app.services.openings import (
    Opener,
    decline_assignment,
    list_open,
    make_code,
    make_link,
    open_by_code,
    redeem_link,
)

router = APIRouter(prefix="/assignments", tags=["assignments"])

_FORMS: Final = (JSON, SVG)
_VARY: Final = {"Vary": "Accept"}


def _shown_once(model: type[OpeningCodeRead | LinkRead]) -> dict[int | str, dict[str, Any]]:
    """Declare that a secret is given as JSON, or as a picture of itself."""
    vary = {"description": "What chose the form.", "schema": {"type": "string", "const": _VARY["Vary"]}}
    content = {SVG: {"schema": {"type": "string"}}}
    return {201: {"model": model, "content": content, "headers": {"Vary": vary}}}


def _given(answer: OpeningCodeRead | LinkRead, secret: str, media_type: str) -> Response:
    if media_type != SVG:
        given = answered(answer, 201)
        given.headers.update(_VARY)
        return given
    picture = io.BytesIO()
    segno.make(secret, error="m", micro=False).save(picture, kind="svg", scale=8, border=4)
    return Response(picture.getvalue(), 201, headers=_VARY, media_type=SVG)


@router.post(
    "/{assignment_id}/code",
    operation_id=Action.MAKE_CODE,
    response_model=OpeningCodeRead,
    status_code=201,
    responses=_shown_once(OpeningCodeRead) | declares(404, 406, 409),
)
def add_code(
    assignment_id: UUID, request: Request, open_work: Annotated[OpenWork, allow(Action.MAKE_CODE)]
) -> Response:
    """Make the code by which a tablet of the service opens an assignment, shown once; by Accept also as a QR code."""
    with open_work() as work:
        media_type = wanted(request, _FORMS)
        made: Opener = make_code(work, assignment_id)
    return _given(OpeningCodeRead(code=made.secret, expires_at=made.expires_at), made.secret, media_type)


@router.post(
    "/{assignment_id}/link",
    operation_id=Action.MAKE_LINK,
    response_model=LinkRead,
    status_code=201,
    responses=_shown_once(LinkRead) | declares(404, 406, 409),
)
def add_link(
    assignment_id: UUID, request: Request, open_work: Annotated[OpenWork, allow(Action.MAKE_LINK)]
) -> Response:
    """Make the token of a link by which an assignment is answered at home, shown once; by Accept also as a QR code."""
    with open_work() as work:
        media_type = wanted(request, _FORMS)
        made: Opener = make_link(work, assignment_id)
    return _given(LinkRead(token=made.secret, expires_at=made.expires_at), made.secret, media_type)


@router.post(
    "/opening",
    operation_id=Action.OPEN_ASSIGNMENT,
    response_model=OpenAssignmentRead,
    status_code=201,
    responses=declares(404, 409),
)
def open_assignment(
    body: OpeningCode, request: Request, open_work: Annotated[OpenWork, allow(Action.OPEN_ASSIGNMENT)]
) -> OpenAssignmentRead:
    """Open on this tablet the one assignment that a code stands for."""
    with open_work() as work:
        take_guess(request, CODE, str(work.scope.actor_id))
        return OpenAssignmentRead.model_validate(open_by_code(work, body.code))


@router.post(
    "/redemption",
    operation_id="redeem_link",
    response_model=RespondentRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_redemption(body: LinkRedemption, request: Request) -> RespondentRead:
    """Redeem a link, once, for the credential of its one assignment. Needs no credential."""
    take_guess(request, LINK)
    redeemed = redeem_link(request.app.state.database, request.state.request_id, body.token)
    return RespondentRead.model_validate(redeemed)


@router.get(
    "/open",
    operation_id=Action.LIST_OPEN_ASSIGNMENTS,
    response_model=list[OpenAssignmentRead],
    responses=declares(),
)
def list_open_assignments(
    open_work: Annotated[OpenWork, allow(Action.LIST_OPEN_ASSIGNMENTS)],
) -> list[OpenAssignmentRead]:
    """List what is open on this tablet; for whoever redeemed a link, its one assignment while that is not answered."""
    with open_work() as work:
        return [OpenAssignmentRead.model_validate(each) for each in list_open(work)]


@router.post(
    "/{assignment_id}/declining",
    operation_id=Action.DECLINE_ASSIGNMENT,
    response_model=DeclinedRead,
    status_code=201,
    responses=declares(404, 409),
)
def add_declining(
    assignment_id: UUID,
    body: AssignmentDeclining,
    open_work: Annotated[OpenWork, allow(Action.DECLINE_ASSIGNMENT)],
) -> DeclinedRead:
    """Note that a form that is open here was not answered, and why. Answers that come later are stored all the same."""
    with open_work() as work:
        decline_assignment(work, assignment_id, body.state, body.reason)
    return DeclinedRead(assignment_id=assignment_id, state=body.state)
