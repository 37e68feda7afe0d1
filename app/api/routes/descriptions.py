"""What the service says of itself: the OpenAPI document, and the problems at their own addresses."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.api.deps import OpenWork, allow
from app.api.errors import NOT_OURS, STATUS, language_of, problem_type
from app.api.problems import declares
from app.errors import NotFound, slug
from app.identity.policy import Action
from app.texts.catalogue import say

router = APIRouter(tags=["descriptions"])


class ProblemDescription(BaseModel):
    """What a type of problem means."""

    type: str
    status: int
    title: str
    meaning: str


@router.get("/openapi.json", operation_id=Action.READ_OPENAPI, responses=declares(), response_model=dict[str, Any])
def read_openapi(request: Request, open_work: Annotated[OpenWork, allow(Action.READ_OPENAPI)]) -> JSONResponse:
    """Give the OpenAPI document."""
    with open_work():
        return JSONResponse(request.app.openapi())


@router.get(
    "/problems/{name}", operation_id=Action.READ_PROBLEM, response_model=ProblemDescription, responses=declares(404)
)
def read_problem(
    name: str, request: Request, open_work: Annotated[OpenWork, allow(Action.READ_PROBLEM)]
) -> ProblemDescription:
    """Say what a type of problem means."""
    with open_work():
        known = {slug(error): (status, (error.__doc__ or "").splitlines()[0]) for error, status in STATUS.items()}
        known |= {each: (status, "A problem of the request as such.") for status, each in NOT_OURS.items()}
        if name not in known:
            raise NotFound("there is no such type of problem", pointer="/name")
        status, meaning = known[name]
    title = say(f"problem.{name}", language_of(request))
    return ProblemDescription(type=problem_type(name), status=status, title=title, meaning=meaning)
