"""Instruments: the list, one as a whole, the organisation's own, and the official wordings that it may use."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from app.api.deps import OpenWork, allow
from app.api.errors import language_of
from app.api.problems import declares
from app.api.routes.answers import answered
from app.api.schemas.instruments import (
    InstrumentFile,
    InstrumentList,
    InstrumentRead,
    Questionnaire,
    WordingRead,
    etag_of,
    instrument_read,
    listed_read,
    not_implemented_read,
)
from app.errors import NotFound, UnknownInstrument
from app.identity.policy import Action
from app.scales.catalogue import not_implemented
from app.services import instruments

router = APIRouter(prefix="/instruments", tags=["instruments"])

_VARY = {"Vary": "Accept-Language"}


@router.get("", operation_id=Action.LIST_INSTRUMENTS, response_model=InstrumentList, responses=declares())
def list_instruments(open_work: Annotated[OpenWork, allow(Action.LIST_INSTRUMENTS)]) -> InstrumentList:
    """List the instruments: shipped ones, the organisation's own, and those that are not implemented, with why."""
    with open_work() as work:
        listed = [listed_read(each) for each in instruments.list_instruments(work)]
    return InstrumentList(instruments=[*listed, *map(not_implemented_read, not_implemented())])


@router.get(
    "/{key}",
    operation_id=Action.READ_INSTRUMENT,
    response_model=InstrumentRead,
    responses=declares(404) | {304: {"description": "It still is as the ETag says."}},
)
def read_instrument(
    key: str,
    request: Request,
    open_work: Annotated[OpenWork, allow(Action.READ_INSTRUMENT)],
    if_none_match: Annotated[str | None, Header(description="The ETag as last read.")] = None,
) -> Response:
    """Give all that is needed to draw a form and to judge it, worded in the language of Accept-Language.

    Without an official wording the items have short topics, which are not for clinical use.
    """
    language = language_of(request)
    with open_work() as work:
        try:
            answer = instrument_read(instruments.read_instrument(work, key, language), language)
        except UnknownInstrument as error:
            raise NotFound(error.detail, pointer="/key", allowed=error.allowed) from None
    headers = {"ETag": etag_of(answer), **_VARY}
    if if_none_match is not None and headers["ETag"] in [each.strip() for each in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    response = answered(answer)
    response.headers.update(headers)
    return response


@router.post(
    "",
    operation_id=Action.ADD_INSTRUMENT,
    response_model=InstrumentRead,
    status_code=201,
    responses=declares(409),
)
def add_instrument(
    body: InstrumentFile,
    request: Request,
    response: Response,
    open_work: Annotated[OpenWork, allow(Action.ADD_INSTRUMENT)],
) -> InstrumentRead:
    """Add an instrument of the organisation's own, or a new version of one; a version never changes."""
    language = language_of(request)
    with open_work() as work:
        own = instruments.add_instrument(work, body.name, body.text)
        answer = instrument_read(instruments.read_instrument(work, own.key, language), language)
    response.headers["ETag"] = etag_of(answer)
    return answer


@router.put(
    "/{key}/forms/{form}/wording",
    operation_id=Action.LOAD_WORDING,
    response_model=WordingRead,
    status_code=201,
    responses=declares(404, 409),
)
def load_wording(
    key: str,
    form: str,
    body: Questionnaire,
    open_work: Annotated[OpenWork, allow(Action.LOAD_WORDING)],
) -> WordingRead:
    """Load the official wording of a form, which the organisation has the right to use.

    Questions are matched by linkId or LOINC code, answers by LOINC code, ordinal value or code; what does not match is
    refused with a list.
    """
    with open_work() as work:
        try:
            wording = instruments.load_wording(work, key, form, body.model_dump())
        except UnknownInstrument as error:
            raise NotFound(error.detail, pointer=error.pointer, allowed=error.allowed) from None
    return WordingRead(instrument=key, form=form, language=wording.language, items=len(wording.items))
