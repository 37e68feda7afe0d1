"""The summary of an episode for the patient record: as data, as text to paste, as a document."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.api.charts import JSON, VARY, wanted
from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.papers import PDF, given_as_paper, paper
from app.api.problems import declares
from app.api.schemas.record_note import RecordNoteRead, record_note_read
from app.identity.policy import Action
from app.services import record_note

router = APIRouter(tags=["trajectories"])

TEXT: Final = "text/plain"


def _given() -> dict[int | str, dict[str, Any]]:
    given = given_as_paper()
    given[200]["content"][TEXT] = {"schema": {"type": "string"}}
    return given


@router.get(
    "/episodes/{episode_id}/record-note",
    operation_id=Action.READ_RECORD_NOTE,
    response_model=RecordNoteRead,
    responses=_given() | declares(404, 406),
)
def read_record_note(
    episode_id: UUID,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.READ_RECORD_NOTE)],
    withheld_from_parents: Annotated[
        bool, Query(description="Whether it is for a part of the record that no parent reads.")
    ] = False,
) -> RecordNoteRead | Response:
    """Sum up an episode in one paragraph for the patient record: scores, change, assessment and plan.

    By Accept also as plain text to paste, and as a document. The words are in the language of Accept-Language. Nothing
    is in it but what is kept here, and neither names nor answers; in the mode `record` nothing is judged.

    Parents may read the record of a patient under 18: what was made of answers that are not open to them is left out,
    without a word of it, unless the note is withheld from them.
    """
    language = language_of(request)
    media_type = wanted(request, (JSON, TEXT, PDF))
    with open_work() as work:
        note = record_note.read_record_note(work, episode_id, withheld_from_parents=withheld_from_parents)
    if media_type == PDF:
        return paper(record_note.printed(note, language), "record-note")
    if media_type == TEXT:
        return Response(note.paragraph(language), media_type=TEXT, headers=VARY)
    response.headers.update(VARY)
    return record_note_read(note, language)
