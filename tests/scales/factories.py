"""Small instruments for tests: valid as they come, one keyword away from anything else."""

from __future__ import annotations

from collections.abc import Mapping

from app.scales.change import ChangeCriteria
from app.scales.instrument import (
    Band,
    Choice,
    ChoiceList,
    Confidence,
    CriticalItem,
    Cutoff,
    Form,
    Gate,
    InformantRole,
    Instrument,
    Item,
    Licence,
    LicenceStatus,
    MissingMethod,
    MissingRule,
    NotForChange,
    Reliability,
    Source,
    Subscale,
)
from app.scales.norms import Norms
from app.scales.screens import Screen
from app.scales.skips import SkipRule

SOURCE = Source("made up for a test", Confidence.UNVERIFIED)


def a_choice_list(
    key: str = "frequency", codes: tuple[int, ...] = (0, 1, 2, 3), counts: tuple[int, ...] | None = None
) -> ChoiceList:
    counted = counts or (None,) * len(codes)
    choices = (Choice(code, f"choice {code}", counts=points) for code, points in zip(codes, counted, strict=True))
    return ChoiceList(key, tuple(choices), SOURCE)


def an_item(
    number: str = "1", *, codes: tuple[int, ...] = (0, 1, 2, 3), scored: bool = True, reversed_: bool = False
) -> Item:
    return Item(number, "topic", a_choice_list(codes=codes), SOURCE, scored=scored, reversed=reversed_)


def a_missing_rule(
    max_missing: int = 1, method: MissingMethod = MissingMethod.PRORATE, *, configurable: bool = True
) -> MissingRule:
    return MissingRule(max_missing, method if max_missing else MissingMethod.NONE, SOURCE, configurable)


def a_sum(key: str, *parts: str, maximum: int) -> Subscale:
    """Give a score that is the sum of others."""
    return a_subscale(key, parts=parts, maximum=maximum, missing=a_missing_rule(0))


def a_subscale(
    key: str = "total",
    *,
    items: tuple[str, ...] = ("1", "2", "3"),
    minimum: int = 0,
    maximum: int = 9,
    missing: MissingRule | None = None,
    bands: tuple[Band, ...] = (),
    criteria: ChangeCriteria | None = None,
    further_cutoffs: tuple[Cutoff, ...] = (),
    reliability: tuple[Reliability, ...] = (),
    loinc: str | None = None,
    sources: Mapping[str, Source] | None = None,
    parts: tuple[str, ...] = (),
    times_mean: int | None = None,
    per_point: int = 1,
    gate: Gate | None = None,
    further_bands: Mapping[str, tuple[Band, ...]] | None = None,
    not_found: Mapping[str, Source] | None = None,
) -> Subscale:
    return Subscale(
        key=key,
        items=() if parts else items,
        parts=parts,
        times_mean=times_mean,
        per_point=per_point,
        gate=gate,
        further_bands=further_bands or {},
        not_found=not_found or {},
        minimum=minimum,
        maximum=maximum,
        missing=missing or a_missing_rule(),
        sources={"range": SOURCE} if sources is None else sources,
        bands=bands,
        criteria=criteria,
        further_cutoffs=further_cutoffs,
        reliability=reliability,
        loinc=loinc,
    )


def a_form(
    key: str = "self",
    *,
    family: str = "self",
    respondents: tuple[InformantRole, ...] = (InformantRole.SELF,),
    items: tuple[Item, ...] | None = None,
    subscales: tuple[Subscale, ...] | None = None,
    ages: tuple[int | None, int | None] = (None, None),
    sources: Mapping[str, Source] | None = None,
    critical_items: tuple[CriticalItem, ...] = (),
    skip_rules: tuple[SkipRule, ...] = (),
    screens: tuple[Screen, ...] = (),
) -> Form:
    named = {name: SOURCE for name, age in zip(("min_age", "max_age"), ages, strict=True) if age is not None}
    return Form(
        key=key,
        family=family,
        respondents=respondents,
        items=items or (an_item("1"), an_item("2"), an_item("3")),
        subscales=subscales or (a_subscale(),),
        min_age=ages[0],
        max_age=ages[1],
        sources=named if sources is None else sources,
        critical_items=critical_items,
        skip_rules=skip_rules,
        screens=screens,
    )


def a_critical_item(item: str = "3", threshold: int = 1, kind: str = "suicidal_thoughts") -> CriticalItem:
    return CriticalItem(item, threshold, kind, SOURCE)


def an_instrument(
    *,
    key: str = "example",
    forms: tuple[Form, ...] | None = None,
    choices: tuple[ChoiceList, ...] | None = None,
    main_subscale: str = "total",
    not_for_change: NotForChange | None = NotForChange.SCREENING,
    asks_about_suicide: bool = False,
    recall_days: int | None = None,
    sources: Mapping[str, Source] | None = None,
    norms: Norms | None = None,
) -> Instrument:
    return Instrument(
        key=key,
        version="1",
        title="Example",
        forms=(a_form(),) if forms is None else forms,
        choices=choices or (a_choice_list(),),
        licence=Licence(LicenceStatus.FREE, "nobody", "anything", SOURCE),
        main_subscale=main_subscale,
        not_for_change=not_for_change,
        asks_about_suicide=asks_about_suicide,
        recall_days=recall_days,
        norms=norms,
        sources=sources or {},
    )
