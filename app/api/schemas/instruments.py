"""Instruments: all that a tablet needs to draw a form, and a psychometrician to judge it."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.fields import Answer, Body
from app.api.schemas.forms import FormRead, SourceRead, form_read, sources_read
from app.scales.catalogue import NotImplementedHere
from app.scales.instrument import (
    LicenceStatus,
    NotForChange,
)
from app.scales.norms import Norms, Sex
from app.services.instruments import Listed, Worded


class LicenceRead(Answer):
    """What a service may do with an instrument."""

    status: LicenceStatus | None = Field(description="Null where the instrument is not implemented.")
    holder: str
    terms: str
    source: SourceRead


class InstrumentListed(Answer):
    """One instrument of the list."""

    key: str
    version: str | None
    title: str
    status: Literal["available", "agreement_needed", "not_implemented"] = Field(
        description="An instrument that needs an agreement is available once the settings hold a note of one."
    )
    reason: str | None = Field(description="Why it can't be used; null where it can.")
    own: bool = Field(description="Whether it is the organisation's own.")
    validated: bool
    asks_about_suicide: bool
    not_for_change: NotForChange | None
    forms: list[str]
    languages: list[str] = Field(description="In which the official wording can be given.")
    licence: LicenceRead


class InstrumentList(Answer):
    """The instruments that are known here."""

    instruments: list[InstrumentListed]


class NormRead(Answer):
    """Mean and standard deviation of a score in a group."""

    form: str
    sex: Sex
    first_grade: int
    last_grade: int
    subscale: str
    mean: float
    sd: float
    source: SourceRead


class NormTableRead(Answer):
    """The published norms of an instrument."""

    population: str
    shown_up_to: int
    norms: list[NormRead]
    source: SourceRead


class InstrumentRead(Answer):
    """An instrument as a whole."""

    key: str
    version: str
    title: str
    language: str
    enabled: bool
    own: bool
    validated: bool
    asks_about_suicide: bool
    not_for_change: NotForChange | None
    main_subscale: str
    recall_days: int | None
    loinc_panel: str | None
    licence: LicenceRead
    sources: dict[str, SourceRead]
    norms: NormTableRead | None
    forms: list[FormRead]


class InstrumentFile(Body):
    """An instrument of the organisation's own, as the text of its file."""

    name: str = Field(
        max_length=100,
        pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*\.toml$",
        description="The file's name: the instrument's key and .toml.",
        examples=["sleep-check.toml"],
    )
    text: str = Field(max_length=200_000, description="Its content: TOML, as `spor instrument check` takes it.")


class Questionnaire(BaseModel):
    """The official wording of a form: a FHIR R4 Questionnaire. What else it holds is not read."""

    model_config = ConfigDict(extra="allow")

    resourceType: Literal["Questionnaire"]  # noqa: N815 - FHIR's name
    language: str = Field(pattern="^(nb|nn|no|en)(-[A-Za-z0-9]+)*$", examples=["nb"])
    item: list[dict[str, Any]] = Field(description="Questions, matched by linkId or LOINC code.", max_length=500)


class WordingRead(Answer):
    """What became of a wording that was loaded."""

    instrument: str
    form: str
    language: str
    items: int = Field(description="How many items it words.")


def listed_read(each: Listed) -> InstrumentListed:
    """Show an instrument of the list."""
    found = each.instrument
    needs = f"It needs an agreement with {found.licence.holder}, of which the settings hold no note."
    return InstrumentListed(
        status="available" if each.enabled else "agreement_needed",
        reason=None if each.enabled else needs,
        own=each.own,
        forms=[form.key for form in found.forms],
        languages=each.languages,
        licence=LicenceRead.model_validate(found.licence),
        **{
            name: getattr(found, name)
            for name in ("key", "version", "title", "validated", "asks_about_suicide", "not_for_change")
        },
    )


def not_implemented_read(each: NotImplementedHere) -> InstrumentListed:
    """Show an instrument that people will look for, and that is not scored here."""
    source = SourceRead.model_validate(each.source)
    return InstrumentListed(
        key=each.key,
        version=None,
        title=each.title,
        status="not_implemented",
        reason=each.reason,
        own=False,
        validated=True,
        asks_about_suicide=False,
        not_for_change=None,
        forms=[],
        languages=[],
        licence=LicenceRead(status=None, holder=each.holder, terms=each.terms, source=source),
    )


def instrument_read(worded: Worded, language: str) -> InstrumentRead:
    """Show an instrument with its wording in a language."""
    found = worded.instrument
    plain = ("key", "version", "title", "validated", "asks_about_suicide", "not_for_change", "main_subscale")
    return InstrumentRead(
        **{name: getattr(found, name) for name in (*plain, "recall_days", "loinc_panel")},
        language=language,
        enabled=worded.enabled,
        own=worded.own,
        licence=LicenceRead.model_validate(found.licence),
        sources=sources_read(found.sources),
        norms=None if found.norms is None else _norms_read(found.norms),
        forms=[form_read(found, form, worded.wordings.get(form.key)) for form in found.forms],
    )


def etag_of(answer: Answer) -> str:
    """Give the ETag of an answer by what it says."""
    digest = hashlib.sha256(answer.model_dump_json().encode()).digest()
    return f'"{int.from_bytes(digest[:7])}"'


def _norms_read(norms: Norms) -> NormTableRead:
    groups = ("form", "sex", "first_grade", "last_grade")
    return NormTableRead(
        population=norms.population,
        shown_up_to=norms.shown_up_to,
        norms=[
            NormRead(
                **{name: getattr(group, name) for name in groups},
                subscale=subscale,
                mean=float(norm.mean),
                sd=float(norm.sd),
                source=SourceRead.model_validate(norm.source),
            )
            for (group, subscale), norm in norms.norms.items()
        ],
        source=SourceRead.model_validate(norms.source),
    )
