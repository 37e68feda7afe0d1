"""Forms: what a tablet draws, and what a psychometrician judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from app.api.schemas.fields import Answer
from app.scales.change import Better
from app.scales.instrument import (
    Confidence,
    Form,
    InformantRole,
    Instrument,
    MissingMethod,
    ReliabilityMeasure,
)
from app.scales.item import ChoiceList, Item
from app.scales.norms import Sex
from app.scales.screens import Count, Requirement, Screen
from app.scales.wording import FormWording


class SourceRead(Answer):
    """Where a figure was seen, and how well that supports it: A, A-, B, or UNVERIFIED."""

    text: str
    confidence: Confidence


class ChoiceRead(Answer):
    """One answer that an item offers."""

    answer: float = Field(description="What is sent.")
    topic: str = Field(description="In our own words; not for clinical use.")
    text: str | None = Field(description="The official wording; null where none is loaded.")
    counts: int | None = Field(description="Points; null for an answer that takes the item out of the score.")
    loinc: str | None


class ItemRead(Answer):
    """One question, with what may be answered to it."""

    number: str
    topic: str = Field(description="In our own words; not for clinical use.")
    text: str | None = Field(description="The official wording; null where none is loaded.")
    choices: list[ChoiceRead] = Field(description="All answers, or the two ends of a line.")
    line: bool
    step: float | None = Field(description="Between the answers on a line; null where there is none.")
    scored: bool
    reversed: bool
    loinc: str | None
    source: SourceRead


class BandRead(Answer):
    """A range of scores with a name of its own, both ends included."""

    code: str
    low: int
    high: int
    source: SourceRead


class CutoffRead(Answer):
    """A published cut-off: the first score on the clinical side, or the first that is well where higher is better."""

    key: str
    score: int
    sex: Sex | None
    source: SourceRead


class ReliabilityRead(Answer):
    """A published reliability coefficient."""

    measure: ReliabilityMeasure
    coefficient: float
    source: SourceRead


class MissingRuleRead(Answer):
    """What is done about unanswered items."""

    max_missing: int
    method: MissingMethod
    configurable: bool
    source: SourceRead


class GateRead(Answer):
    """A question that settles the score as 0 by one answer."""

    item: str
    code: int
    source: SourceRead


class CriteriaRead(Answer):
    """Direction, caseness and change; null where not published."""

    better: Better
    cutoff: int | None
    reliable_change: int | None
    important_difference: float | None


class SubscaleRead(Answer):
    """One score: what it is made of, and how it is read."""

    key: str
    items: list[str]
    parts: list[str] = Field(description="Scores that are summed, in place of items.")
    minimum: int
    maximum: int
    times_mean: int | None = Field(description="The score is so many times the mean of the answered items.")
    missing: MissingRuleRead
    gate: GateRead | None
    bands: list[BandRead]
    further_bands: dict[str, list[BandRead]]
    criteria: CriteriaRead | None
    further_cutoffs: list[CutoffRead]
    reliability: list[ReliabilityRead]
    not_found: dict[str, SourceRead]
    loinc: str | None
    sources: dict[str, SourceRead]


class SkipRuleRead(Answer):
    """After the answer 0 to all of some items, others are left out, and count 0."""

    after: list[str]
    skips: list[str]
    source: SourceRead


class SignRead(Answer):
    """When an answer counts as a symptom, by its code."""

    item: str
    at_least: int | None
    at_most: int | None


class RequirementRead(Answer):
    """So many of some signs, or a mean of some items above a limit."""

    count: int | None
    signs: list[SignRead]
    mean_above: float | None
    items: list[str]


class OutcomeRead(Answer):
    """What a screen comes to if all of its requirements are met, or any of them."""

    code: str
    any_of_them: bool
    requirements: list[RequirementRead]


class ScreenRead(Answer):
    """A published rule that counts symptoms: the first outcome that is reached, else negative."""

    key: str
    outcomes: list[OutcomeRead]
    source: SourceRead


class CriticalItemRead(Answer):
    """An item whose answer asks for action, whatever the rest says."""

    item: str
    threshold: int
    kind: str
    under_age: int | None
    duties: list[str]
    source: SourceRead


class FormRead(Answer):
    """One variant of an instrument, in the order in which it is asked."""

    key: str
    family: str
    respondents: list[InformantRole]
    min_age: int | None
    max_age: int | None
    sources: dict[str, SourceRead]
    wording: Literal["official", "own", "topics"]
    for_clinical_use: bool = Field(description="False where only topics in our own words can be given.")
    introduction: str | None
    items: list[ItemRead]
    skip_rules: list[SkipRuleRead]
    subscales: list[SubscaleRead]
    screens: list[ScreenRead]
    critical_items: list[CriticalItemRead]


def sources_read(sources: Mapping[str, Any]) -> dict[str, SourceRead]:
    """Show the sources of figures, by the figures' names."""
    return {name: SourceRead.model_validate(source) for name, source in sources.items()}


def form_read(instrument: Instrument, form: Form, wording: FormWording | None) -> FormRead:
    """Show a form, with its wording where there is one."""
    kind: Literal["official", "own", "topics"] = "topics"
    if wording is not None:
        kind = "official" if instrument.validated else "own"
    return FormRead(
        **{name: getattr(form, name) for name in ("key", "family", "min_age", "max_age")},
        respondents=list(form.respondents),
        sources=sources_read(form.sources),
        wording=kind,
        for_clinical_use=wording is not None,
        introduction=wording.introduction if wording else None,
        items=[_item_read(item, wording) for item in form.items],
        skip_rules=[SkipRuleRead.model_validate(rule) for rule in form.skip_rules],
        subscales=[SubscaleRead.model_validate(subscale) for subscale in form.subscales],
        screens=[_screen_read(screen) for screen in form.screens],
        critical_items=[CriticalItemRead.model_validate(critical) for critical in form.critical_items],
    )


def _item_read(item: Item, wording: FormWording | None) -> ItemRead:
    texts = wording.choices.get(item.number, {}) if wording else {}
    return ItemRead(
        **{name: getattr(item, name) for name in ("number", "topic", "scored", "reversed", "loinc")},
        text=wording.items.get(item.number) if wording else None,
        choices=_choices_read(item.choices, texts),
        line=item.choices.line,
        step=1 / item.choices.per_point if item.choices.line else None,
        source=SourceRead.model_validate(item.source),
    )


def _choices_read(choices: ChoiceList, texts: Mapping[int, str]) -> list[ChoiceRead]:
    return [
        ChoiceRead(
            answer=choices.answer(choice.code),
            topic=choice.topic,
            text=texts.get(choice.code),
            counts=choice.points,
            loinc=choice.loinc,
        )
        for choice in choices.choices
    ]


def _screen_read(screen: Screen) -> ScreenRead:
    outcomes = [
        OutcomeRead(
            code=outcome.code,
            any_of_them=outcome.any_of_them,
            requirements=[_requirement_read(each) for each in outcome.requirements],
        )
        for outcome in screen.outcomes
    ]
    return ScreenRead(key=screen.key, outcomes=outcomes, source=SourceRead.model_validate(screen.source))


def _requirement_read(requirement: Requirement) -> RequirementRead:
    if isinstance(requirement, Count):
        signs = [SignRead.model_validate(sign) for sign in requirement.signs]
        return RequirementRead(count=requirement.count, signs=signs, mean_above=None, items=[])
    return RequirementRead(count=None, signs=[], mean_above=float(requirement.limit), items=list(requirement.items))
