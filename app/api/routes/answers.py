"""What many routes share in answering: pages, and rows with their ETag."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar
from uuid import UUID

from fastapi import Query, Response

from app.api.deps import etag
from app.api.schemas.care import Versioned
from app.api.schemas.fields import Answer

After: TypeAlias = Annotated[UUID | None, Query(description="`next_after` of the page before.")]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=200)]

Read = TypeVar("Read", bound=Versioned)


def versioned(response: Response, model: type[Read], row: object) -> Read:
    """Show a row that can be edited, with its ETag."""
    answer = model.model_validate(row)
    response.headers.update(etag(answer.version))
    return answer


def answered(answer: Answer, status: int = 200) -> Response:
    """Send an answer as it is: it was checked when it was made, and FastAPI would wait for a thread to do it again."""
    return Response(answer.model_dump_json(), status, media_type="application/json")


def next_after(page: list[Read], limit: int) -> UUID | None:
    """Tell where the next page begins; None if this one is not full."""
    return page[-1].id if len(page) == limit else None
