"""The access log of a patient, as data and as a document to hand over."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.api.charts import JSON, VARY, wanted
from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.papers import PDF, given_as_paper, paper
from app.api.problems import declares
from app.api.routes.answers import Limit
from app.api.schemas.access_log import AccessLogPage, access_log_page
from app.identity.policy import Action
from app.services import access_log

router = APIRouter(tags=["patients"])

_After = Annotated[int | None, Query(ge=0, le=2**63 - 1, description="`next_after` of the page before.")]


@router.get(
    "/patients/{patient_id}/access-log",
    operation_id=Action.READ_ACCESS_LOG,
    response_model=AccessLogPage,
    responses=given_as_paper() | declares(404, 406),
)
def read_access_log(
    patient_id: UUID,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_ACCESS_LOG)],
    after: _After = None,
    limit: Limit = 50,
) -> AccessLogPage | Response:
    """Tell who read or changed what is known about a patient, when and why; the newest first.

    With Accept: application/pdf the whole log as a document that can be handed to the patient. The words are in the
    language of Accept-Language. To read it is itself an event, which the next reading shows.
    """
    language = language_of(request)
    with open_work() as work:
        if wanted(request, (JSON, PDF)) == JSON:
            response.headers.update(VARY)
            return access_log_page(access_log.read_access_log(work, patient_id, after, limit), limit, language)
        document = access_log.read_access_document(work, patient_id)
    return paper(access_log.printed(document, language), "access-log")
