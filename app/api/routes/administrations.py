"""Administrations: put by tablets and clinicians, read and corrected by clinicians."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response

from app.api.bodies import WholeBody
from app.api.deps import OpenWork, Version, allow, etag
from app.api.errors import language_of, problem_of
from app.api.problems import declares
from app.api.routes.answers import answered
from app.api.schemas.administrations import (
    AdministrationBatch,
    AdministrationCorrection,
    AdministrationPut,
    AdministrationRead,
    BatchEntryRead,
    BatchRead,
    ClinicianReceiptRead,
    EnteredInError,
    ReceiptRead,
    VersionRead,
    read_batch,
    read_submission,
    receipt_read,
)
from app.api.schemas.results import VerdictRead, named_answers, result_read
from app.db.codes import STAFF
from app.db.devices import seen
from app.db.results import KeptResult, versions_of
from app.db.session import Work
from app.errors import MalformedBody, NotFound
from app.identity.policy import Action
from app.scales.answers import states_of_letters
from app.services.administrations import (
    PutOutcome,
    PutStatus,
    put_administrations,
    put_at_last,
)
from app.services.admission import Submission
from app.services.corrections import Correction, correct_administration, enter_in_error
from app.services.results import shown_results, shown_verdicts

router = APIRouter(prefix="/administrations", tags=["administrations"], route_class=WholeBody)

_RAW = Body(description="Read as it comes, so that a critical answer is found whatever else is wrong.")


def _body_of(model: type[AdministrationPut | AdministrationBatch]) -> dict[str, Any]:
    """Describe a body that a route reads itself."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.put(
    "/{administration_id}",
    operation_id=Action.PUT_ADMINISTRATION,
    openapi_extra=_body_of(AdministrationPut),
    response_model=ReceiptRead | ClinicianReceiptRead,
    responses=declares(404, 409)
    | {
        200: {"description": "The same body was put before; the receipt as first given."},
        201: {"model": ReceiptRead | ClinicianReceiptRead, "description": "Stored."},
    },
)
def put_administration(
    administration_id: UUID,
    body: Annotated[Any, _RAW],
    request: Request,
    open_work: Annotated[OpenWork, allow(Action.PUT_ADMINISTRATION)],
) -> Response:
    """Store one form, once, however often it is sent. Safe to repeat for ever."""
    with open_work() as work:
        submission = read_submission(administration_id, body)
        # A tablet's receipt needs nothing more of the database; a clinician's holds what is read after it was written.
        if work.scope.role not in STAFF:
            outcome = put_at_last(work, submission, clock_tolerance=_tolerance(request))
        else:
            [outcome] = put_administrations(work, [submission], clock_tolerance=_tolerance(request))
        if outcome.error is not None:
            raise outcome.error
        [answer] = _receipts(work, [outcome])
    assert answer is not None, "what was not refused has a receipt"
    return answered(answer, 201 if outcome.status is PutStatus.STORED else 200)


@router.put(
    "",
    operation_id=Action.PUT_ADMINISTRATIONS,
    openapi_extra=_body_of(AdministrationBatch),
    response_model=BatchRead,
    responses=declares(409),
)
def put_batch(
    body: Annotated[Any, _RAW],
    request: Request,
    open_work: Annotated[OpenWork, allow(Action.PUT_ADMINISTRATIONS)],
) -> Response:
    """Store up to 500 forms in one transaction: good entries are stored, bad ones reported."""
    with open_work() as work:
        entries = read_batch(body)
        submissions = [entry for entry in entries if isinstance(entry, Submission)]
        outcomes = put_administrations(work, submissions, clock_tolerance=_tolerance(request))
        for noted in seen(work):
            work.ask(noted)
        told = zip(outcomes, _receipts(work, outcomes), strict=True)
    language = language_of(request)
    answers = [
        _told(*next(told), language) if isinstance(entry, Submission) else _nameless(entry, language)
        for entry in entries
    ]
    request.app.state.metrics.count_puts(answer.status for answer in answers)
    return answered(BatchRead(administrations=answers))


def _told(outcome: PutOutcome, receipt: ReceiptRead | None, language: str) -> BatchEntryRead:
    problem = problem_of(outcome.error, language) if outcome.error else None
    return BatchEntryRead(id=outcome.id, status=outcome.status, receipt=receipt, problem=problem)


def _nameless(fault: MalformedBody, language: str) -> BatchEntryRead:
    problem = problem_of(fault, language)
    return BatchEntryRead(id=None, status=PutStatus.REFUSED, receipt=None, problem=problem)


@router.get(
    "/{administration_id}",
    operation_id=Action.READ_ADMINISTRATION,
    response_model=AdministrationRead,
    responses=declares(404),
)
def read_administration(
    administration_id: UUID, response: Response, open_work: Annotated[OpenWork, allow(Action.READ_ADMINISTRATION)]
) -> AdministrationRead:
    """Give an administration with its versions and every verdict that was issued on it."""
    with open_work() as work:
        answer = _read(work, administration_id)
    response.headers.update(etag(answer.result.version))
    return answer


@router.post(
    "/{administration_id}/corrections",
    operation_id=Action.CORRECT_ADMINISTRATION,
    response_model=AdministrationRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def add_correction(
    administration_id: UUID,
    body: AdministrationCorrection,
    version: Version,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.CORRECT_ADMINISTRATION)],
) -> AdministrationRead:
    """Correct an administration, or resolve what needs clarification, as a new version."""
    correction = Correction(body.reason, body.changes(), tuple(body.accept))
    with open_work() as work:
        correct_administration(work, administration_id, version, correction, clock_tolerance=_tolerance(request))
        answer = _read(work, administration_id)
    response.headers.update(etag(answer.result.version))
    return answer


@router.post(
    "/{administration_id}/entered-in-error",
    operation_id=Action.ENTER_ADMINISTRATION_IN_ERROR,
    response_model=AdministrationRead,
    status_code=201,
    responses=declares(404, 409, 412, 428),
)
def add_entered_in_error(
    administration_id: UUID,
    body: EnteredInError,
    version: Version,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ENTER_ADMINISTRATION_IN_ERROR)],
) -> AdministrationRead:
    """Mark an administration as entered in error: kept, but counted nowhere."""
    with open_work() as work:
        enter_in_error(work, administration_id, version, body.reason)
        answer = _read(work, administration_id)
    response.headers.update(etag(answer.result.version))
    return answer


def _tolerance(request: Request) -> timedelta:
    return timedelta(seconds=request.app.state.settings.clock_tolerance_seconds)


def _receipts(work: Work, outcomes: Sequence[PutOutcome]) -> list[ReceiptRead | None]:
    """Give the receipts; only a clinician's hold what was made of the answers."""
    results: dict[UUID, KeptResult] = {}
    if work.scope.role in STAFF:
        results = shown_results(work, [outcome.id for outcome in outcomes if outcome.receipt])
    return [_receipt(outcome, results.get(outcome.id)) for outcome in outcomes]


def _receipt(outcome: PutOutcome, result: KeptResult | None) -> ReceiptRead | None:
    if outcome.receipt is None:
        return None
    receipt = receipt_read(outcome.receipt)
    return ClinicianReceiptRead(**dict(receipt), result=result_read(result)) if result else receipt


def _read(work: Work, administration_id: UUID) -> AdministrationRead:
    kept = shown_results(work, [administration_id]).get(administration_id)
    if kept is None:
        raise NotFound("there is no such administration", pointer="/id")
    row = kept.administration
    answers = named_answers(kept)
    return AdministrationRead(
        **{name: getattr(row, name) for name in AdministrationRead.model_fields if name in _PLAIN},
        informant_id=kept.informant_id,
        answers=answers,
        item_states=dict(zip(answers, states_of_letters(row.item_states), strict=True))
        if answers and row.item_states
        else None,
        result=result_read(kept),
        versions=[VersionRead.model_validate(version) for version in versions_of(work, row)],
        verdicts=[VerdictRead.model_validate(verdict) for verdict in shown_verdicts(work, row)],
    )


_PLAIN = {
    "id",
    "episode_id",
    "instrument",
    "instrument_version",
    "form",
    "completed_at",
    "received_at",
    "treatment_session_id",
    "timing",
    "occasion",
    "mode",
    "helped_by",
    "body",
}
