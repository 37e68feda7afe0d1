"""Faults that were planted on purpose are found, each by its name, and not where they are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from fastapi import Body, FastAPI, HTTPException, Response
from pydantic import BaseModel, Field

from tests.contract.asking import Conversation, coverage, loaded, operations_of


class Thing(BaseModel):
    """What the small service keeps."""

    name: Annotated[str, Field(min_length=1, max_length=9)]
    number: Annotated[int, Field(ge=0, le=9)]


Answer = Callable[[dict[str, Any], Response], object]


def service(answer: Answer) -> FastAPI:
    """Give a service of one operation that reads its body itself, and declares more than it may keep."""
    app = FastAPI()
    described: dict[str, Any] = {
        "requestBody": {"content": {"application/json": {"schema": Thing.model_json_schema()}}, "required": True}
    }
    stamp = {"X-Stamp": {"required": True, "schema": {"type": "integer"}}}

    @app.put(
        "/things/{thing_id}",
        operation_id="put_thing",
        openapi_extra=described,
        responses={200: {"model": Thing, "headers": stamp}, 400: {}, 404: {}, 422: {}},
    )
    def put_thing(thing_id: UUID, body: Annotated[Any, Body()], response: Response) -> Any:
        response.headers["X-Stamp"] = "1"
        return answer(body, response)

    @app.get("/other", operation_id="read_other")
    def read_other() -> str:
        return "other"

    return app


def sound(body: Any, _: Response) -> object:
    try:
        return Thing.model_validate(body, strict=True)
    except ValueError:
        raise HTTPException(422) from None


def fails(body: Any, response: Response) -> object:
    if isinstance(body, dict) and body.get("number") == 9:
        raise ZeroDivisionError
    return sound(body, response)


def has_another_status(body: Any, response: Response) -> object:
    if isinstance(body, dict) and body.get("number") == 9:
        raise HTTPException(418)
    return sound(body, response)


def has_another_shape(body: Any, response: Response) -> object:
    thing = sound(body, response)
    assert isinstance(thing, Thing)
    return {"name": thing.name, "number": str(thing.number)}


def has_no_stamp(body: Any, response: Response) -> object:
    del response.headers["X-Stamp"]
    return sound(body, response)


def has_a_stamp_of_another_shape(body: Any, response: Response) -> object:
    response.headers["X-Stamp"] = "today"
    return sound(body, response)


def is_of_another_type(body: Any, response: Response) -> object:
    sound(body, response)
    return Response("<thing/>", media_type="application/xml")


def takes_everything(body: Any, response: Response) -> object:
    try:
        return sound(body, response)
    except HTTPException:
        return Thing(name="x", number=0)


def refuses_what_fits(body: Any, response: Response) -> object:
    if isinstance(body, dict) and body.get("number") == 9:
        raise HTTPException(406)
    return sound(body, response)


PLANTED: Mapping[str, tuple[Answer, str]] = {
    "mistake": (fails, "Server error"),
    "status": (has_another_status, "Undocumented status code"),
    "shape": (has_another_shape, "Response violates schema"),
    "header missing": (has_no_stamp, "Missing required response headers"),
    "header of another shape": (has_a_stamp_of_another_shape, "Response header does not conform to the schema"),
    "content type": (is_of_another_type, "Undocumented Content-Type"),
    "too lenient": (takes_everything, "Schema-violating request accepted"),
    "too strict": (refuses_what_fits, "Schema-valid request rejected"),
}


def found_in(answer: Answer) -> set[str]:
    """Ask for the operation in every way; give the titles of what was found."""
    operation = operations_of(loaded(service(answer)))["put_thing"]
    asked = Conversation(operation, {}, {"thing_id": str(uuid4())})
    for case in coverage(operation):
        asked.ask(case)
    asked.ask_at_random(10)
    return {told.partition(":")[0] for told in asked.faults.values()}


# The small service refuses in the framework's words; that they are no problems of ours is found, too.
EVERYWHERE = {"Custom check failed"}


def test_nothing_else_is_found_in_a_sound_service() -> None:
    assert found_in(sound) == EVERYWHERE


@pytest.mark.parametrize(("answer", "title"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_fault_is_found(answer: Answer, title: str) -> None:
    assert title in found_in(answer) - EVERYWHERE


def test_a_method_that_is_left_out_of_allow_is_found() -> None:
    app = service(sound)

    @app.delete("/things/{thing_id}", operation_id="delete_thing")
    def delete_thing(thing_id: UUID) -> None:
        """Share the address with another method: the framework names only the first in Allow."""

    operation = operations_of(loaded(app))["put_thing"]
    asked = Conversation(operation, {}, {"thing_id": str(uuid4())})
    for case in coverage(operation):
        asked.ask(case)
    assert any(told.startswith("Allow header mismatch") for told in asked.faults.values())
