"""The summary of an episode for the patient record, as it is shown."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from app.api.schemas.fields import Answer
from app.db.codes import Language
from app.services.record_note import RecordNote


class NoteSentence(Answer):
    """One sentence of the note."""

    code: str = Field(examples=["held_of_planned"])
    text: str = Field(examples=["Det er gjennomført 4 av 10 planlagte timer."])


class RecordNoteRead(Answer):
    """A summary to be pasted into the patient record: facts that are kept here, without names or answers."""

    language: Language
    written_on: date
    left_out: bool = Field(description="Whether answers that parents may not be shown would be left out.")
    paragraph: str = Field(description="All sentences in one piece.")
    sentences: list[NoteSentence]


def record_note_read(note: RecordNote, language: str) -> RecordNoteRead:
    """Show a note in a language."""
    texts = note.texts(language)
    return RecordNoteRead(
        language=Language(language),
        written_on=note.written_on,
        left_out=note.left_out,
        paragraph=note.paragraph(language),
        sentences=[NoteSentence(code=each.code, text=text) for each, text in zip(note.sentences, texts, strict=True)],
    )
