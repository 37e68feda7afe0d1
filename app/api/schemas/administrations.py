"""Administrations: what a tablet puts, what it gets back, what a clinician gets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError

from app.api.errors import malformed
from app.api.schemas.fields import Answer, Body, Change, Label, Text, Time
from app.api.schemas.results import ResultRead, VerdictRead
from app.db.codes import AdministrationState, AnsweringMode, Clarification, Occasion
from app.errors import MalformedBody
from app.scales.answers import SeveralValues
from app.scales.scoring import ItemState
from app.services.administrations import BATCH_LIMIT, Receipt
from app.services.admission import Submission
from app.trajectories.series import Timing

_EXAMPLE_ANSWERS = {"1": 2, "2": 3, "3": 1, "4": 2, "5": 1, "6": 2, "7": 1, "8": 0, "9": 0, "10": 1}
_CODES: dict[str, Any] = {"additionalProperties": {"type": "integer"}}
_STATES: dict[str, Any] = {"additionalProperties": {"enum": [state.value for state in ItemState]}}
"""What the values of answers and item states are; what else comes is a finding of the form's, with its own words."""


class AdministrationPut(Body):
    """One form as it was filled in."""

    episode_id: UUID
    instrument: Label = Field(examples=["phq-9"])
    form: Label | None = Field(default=None, description="The only form, where the instrument has one.")
    informant_id: UUID | None = Field(default=None, description="Who answered; the patient, if nobody is named.")
    answers: dict[str, Any] = Field(
        description="Item number to code. An item in neither `answers` nor `item_states` was left blank.",
        examples=[_EXAMPLE_ANSWERS],
        json_schema_extra=_CODES,
    )
    item_states: dict[str, Any] | None = Field(
        default=None,
        description="Item number to what became of it, for items that were not answered.",
        json_schema_extra=_STATES,
    )
    completed_at: Time = Field(description="When the form was filled in, by the tablet's clock.")
    treatment_session_id: UUID | None = None
    timing: Timing | None = Field(default=None, description="Where it lies in relation to the treatment session.")
    occasion: Occasion | None = None
    mode: AnsweringMode | None = None
    helped_by: Label | None = Field(default=None, description="Who helped, as a role; never a name.")
    assignment_id: UUID | None = Field(
        default=None, description="What it is put for, and completes. A respondent's is the only one that there is."
    )


class AdministrationOfBatch(AdministrationPut):
    """One form of a batch, with its id."""

    id: UUID


class AdministrationBatch(Body):
    """Up to 500 forms in one transaction."""

    administrations: Annotated[list[AdministrationOfBatch], Field(max_length=500)]


def read_submission(administration_id: UUID, body: object) -> Submission:
    """Read a body as far as it goes; what has the wrong form is noted, not lost."""
    try:
        return Submission(id=administration_id, body=body, **dict(AdministrationPut.model_validate(body)))
    except ValidationError as refused:
        return _salvaged(administration_id, body, refused)


def _salvaged(administration_id: UUID, body: object, refused: ValidationError) -> Submission:
    """Keep the fields that do have the right form: enough of them, and a critical answer is not lost."""
    failures = refused.errors(include_input=False, include_context=False)
    given = body if isinstance(body, Mapping) else {}
    found = [_in_several_values(given, failure) for failure in failures]
    wrong = {failure["loc"][0] for failure in found if failure["loc"]}
    right = {name: given[name] for name in AdministrationPut.model_fields if name in given and name not in wrong}
    placeholders = {"episode_id": UUID(int=0), "instrument": "-", "answers": {}, "completed_at": "2000-01-01T00:00:00Z"}
    missing = placeholders.keys() - right.keys()
    read = dict(AdministrationPut.model_validate(placeholders | right))
    kept = {name: None if name in missing else value for name, value in read.items()}
    kept["answers"] = given.get("answers")
    return Submission(id=administration_id, body=body, problems=malformed(found), **kept)


def _in_several_values(given: Mapping[Any, Any], failure: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name the true cause where a field has no single value that could have the right form."""
    twice = bool(failure["loc"]) and isinstance(given.get(failure["loc"][0]), SeveralValues)
    return {**failure, "type": "given_twice"} if twice else failure


def read_batch(body: object) -> list[Submission | MalformedBody]:
    """Read a batch; an entry without an id is a fault that can be told by its place only.

    Raises
    ------
    MalformedBody
        If the body is no list of entries, or one of more than 500.
    """
    given = body if isinstance(body, Mapping) else {}
    entries = given.get("administrations")
    if not isinstance(entries, list) or len(given) > 1:
        raise MalformedBody(
            "the body must be an object with a list", pointer="/administrations", allowed='{"administrations": [...]}'
        )
    if len(entries) > BATCH_LIMIT:
        raise MalformedBody(
            "there are too many administrations in one batch",
            pointer="/administrations",
            allowed=f"at most {BATCH_LIMIT}",
        )
    return [_read_entry(index, entry) for index, entry in enumerate(entries)]


_UUID = TypeAdapter(UUID)
"""Reads an id as it is read in an address."""


def _read_entry(index: int, entry: object) -> Submission | MalformedBody:
    try:
        administration_id = _UUID.validate_python(entry["id"]) if isinstance(entry, Mapping) else None
    except (KeyError, ValidationError):
        administration_id = None
    if administration_id is None or not isinstance(entry, Mapping):
        return MalformedBody("an entry needs an id", pointer=f"/administrations/{index}/id", allowed="a UUID")
    return read_submission(administration_id, {name: value for name, value in entry.items() if name != "id"})


class ReceiptRead(Answer):
    """What a tablet gets: that the form is kept. The same however often it is put."""

    id: UUID
    state: AdministrationState
    received_at: datetime


class ClinicianReceiptRead(ReceiptRead):
    """The receipt with the result, for a clinician."""

    result: ResultRead


class BatchEntryRead(Answer):
    """What became of one entry of a batch: a receipt, or a problem. An entry without a UUID has the id null."""

    id: UUID | None
    status: str
    receipt: ReceiptRead | ClinicianReceiptRead | None
    problem: dict[str, Any] | None


class BatchRead(Answer):
    """What became of a batch, in the order of its entries."""

    administrations: list[BatchEntryRead]


class VersionRead(Answer):
    """One version of an administration."""

    version: int
    state: AdministrationState
    received_at: datetime
    completed_at: datetime | None
    author_id: UUID
    reason: str | None
    clarifications: list[Clarification] | None
    accepted: list[Clarification] | None


class AdministrationRead(Answer):
    """An administration as it stands, with its history and every verdict that was issued on it."""

    id: UUID
    episode_id: UUID
    informant_id: UUID | None
    instrument: str
    instrument_version: str
    form: str
    completed_at: datetime | None
    received_at: datetime
    treatment_session_id: UUID | None
    timing: Timing | None
    occasion: Occasion | None
    mode: AnsweringMode | None
    helped_by: str | None
    answers: dict[str, int | float | None] | None
    item_states: dict[str, ItemState] | None
    body: str | None = Field(description="The body as JSON text, where it could not be read and was kept whole.")
    result: ResultRead
    versions: list[VersionRead]
    verdicts: list[VerdictRead]


class AdministrationCorrection(Change):
    """What was wrong, and what is right. `accept` names the clarifications that are right as they are."""

    reason: Text
    accept: list[Clarification] = Field(default_factory=list)
    episode_id: UUID = UUID(int=0)
    form: Label | None = None
    informant_id: UUID | None = None
    answers: dict[str, Any] = Field(default_factory=dict, json_schema_extra=_CODES)
    item_states: dict[str, Any] | None = Field(default=None, json_schema_extra=_STATES)
    completed_at: Time = datetime(1900, 1, 1)  # noqa: DTZ001 - never used: only named fields are changed
    treatment_session_id: UUID | None = None
    timing: Timing | None = None
    occasion: Occasion | None = None
    mode: AnsweringMode | None = None
    helped_by: Label | None = None

    def changes(self) -> dict[str, Any]:
        """Give what is corrected."""
        return self.model_dump(exclude_unset=True, exclude={"reason", "accept"})


class EnteredInError(Body):
    """Why an administration should not be there."""

    reason: Text


def receipt_read(receipt: Receipt) -> ReceiptRead:
    """Show a receipt."""
    return ReceiptRead.model_validate(receipt)
