"""Instruments, forms and items check themselves and fit together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError, UnknownInstrument
from app.scales.catalogue import catalogue
from app.scales.change import ChangeCriteria
from app.scales.instrument import Gate, InformantRole, MissingMethod
from tests.scales.factories import (
    SOURCE,
    a_choice_list,
    a_critical_item,
    a_form,
    a_missing_rule,
    a_subscale,
    a_sum,
    an_instrument,
    an_item,
)

EXACT = a_missing_rule(1, MissingMethod.PRORATE_EXACTLY)
TWO_RANGES = (an_item("1"), an_item("2", codes=(0, 2, 4)))
LOWER_AND_HIGHER_FROM = (an_item("1", codes=(0, 2, 3)), an_item("2", codes=(1, 2, 3)))
LOWER_AND_HIGHER_TO = (an_item("1"), an_item("2", codes=(0, 1, 4)))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: a_choice_list(codes=(0,)), "at least two choices"),
        (lambda: a_choice_list(codes=(1, 0)), "codes of the choices must rise"),
        (lambda: a_choice_list(codes=(0, 0, 1)), "codes of the choices must rise"),
        (lambda: a_choice_list("Frequency"), "lower case"),
        (lambda: an_item(" "), "an item needs a number"),
        (lambda: an_item(scored=False, reversed_=True), "cannot be reversed"),
        (lambda: an_item(codes=(0, 1, 4), reversed_=True), "lie symmetrically"),
        (lambda: a_critical_item(kind="Suicidal thoughts"), "lower case"),
        (lambda: a_form("Self"), "lower case"),
        (lambda: a_form(family="Self"), "lower case"),
        (lambda: a_form(respondents=()), "somebody who may answer"),
        (lambda: a_form(items=(an_item("1"), an_item("1"))), "each item of a form"),
        (lambda: a_form(subscales=(a_subscale(), a_subscale())), "each subscale of a form"),
        (lambda: a_form(critical_items=(a_critical_item(), a_critical_item())), "each critical item"),
        (lambda: a_form(ages=(-1, None)), "must not be negative"),
        (lambda: a_form(ages=(None, -1)), "must not be above max_age"),
        (lambda: a_form(ages=(12, 11)), "must not be above max_age"),
        (lambda: a_form(ages=(12, None), sources={}), "need a source each"),
        (lambda: a_form(sources={"min_age": SOURCE}), "need a source each"),
        (lambda: a_form(subscales=(a_subscale(items=("1", "2", "4")),)), "no item 4, which subscale total counts"),
        (lambda: a_form(subscales=(a_subscale(maximum=10),)), "give a range of 0 to 9"),
        (lambda: a_form(subscales=(a_subscale(times_mean=4, missing=EXACT),)), "give a range of 0 to 12"),
        (lambda: a_form(subscales=(a_sum("sum", "total", maximum=9), a_subscale())), "no subscale total before sum"),
        (lambda: a_form(subscales=(a_subscale(), a_sum("sum", "total", maximum=8))), "parts of subscale sum give a"),
        (
            lambda: a_form(subscales=(a_subscale(), a_subscale("a"), a_sum("sum", "total", "a", maximum=18))),
            "an item must not count twice in subscale sum",
        ),
        (lambda: a_form(subscales=(a_subscale(gate=Gate("4", 0, SOURCE)),)), "no item 4, which is called a gate"),
        (
            lambda: a_form(
                items=(*(an_item(number) for number in "123"), an_item("4", scored=False)),
                subscales=(a_subscale(gate=Gate("4", 7, SOURCE)),),
            ),
            "what opens or closes a gate must be one of its codes",
        ),
        (lambda: a_choice_list(counts=(0, 2, 1, 3)), "a higher code must not count for less"),
        (lambda: a_form(subscales=(a_subscale(items=("1", "2"), maximum=6),)), "the scored items, and no others"),
        (
            lambda: a_form(items=(an_item("1"), an_item("2"), an_item("3", scored=False))),
            "the scored items, and no others",
        ),
        (
            lambda: a_form(items=TWO_RANGES, subscales=(a_subscale(items=("1", "2"), maximum=7),)),
            "same range of points can be prorated",
        ),
        (
            lambda: a_form(
                items=LOWER_AND_HIGHER_FROM, subscales=(a_subscale(items=("1", "2"), minimum=1, maximum=6),)
            ),
            "same range of points can be prorated",
        ),
        (
            lambda: a_form(items=LOWER_AND_HIGHER_TO, subscales=(a_subscale(items=("1", "2"), maximum=7),)),
            "same range of points can be prorated",
        ),
        (lambda: a_form(critical_items=(a_critical_item("4"),)), "no item 4, which is called critical"),
        (lambda: a_form(critical_items=(a_critical_item(threshold=4),)), "must be one of its codes"),
        (lambda: an_instrument(key="PHQ-9"), "lower case"),
        (lambda: an_instrument(forms=()), "at least one form"),
        (lambda: an_instrument(forms=(a_form(), a_form())), "each form of an instrument"),
        (lambda: an_instrument(choices=(a_choice_list(), a_choice_list())), "each list of choices"),
        (lambda: an_instrument(main_subscale="sum"), "needs the main subscale"),
        (lambda: an_instrument(not_for_change=None), "needs change criteria"),
        (lambda: an_instrument(recall_days=14), "recall_days and loinc_panel need a source"),
        (lambda: an_instrument(sources={"recall_days": SOURCE}), "recall_days and loinc_panel need a source"),
        (lambda: an_instrument(asks_about_suicide=True), "asks_about_suicide must be true if"),
        (
            lambda: an_instrument(forms=(a_form(critical_items=(a_critical_item(),)),)),
            "asks_about_suicide must be true if",
        ),
        (
            lambda: an_instrument(forms=(a_form("parent", critical_items=(a_critical_item(),)), a_form("self"))),
            "same critical items with the same codes",
        ),
    ],
)
def test_a_broken_rule_is_named(make: Callable[[], object], rule: str) -> None:
    with pytest.raises(InstrumentDataError, match=rule):
        make()


def test_the_sources_of_figures_are_kept_and_cannot_be_changed() -> None:
    sources = {"min_age": SOURCE}
    form = a_form(ages=(12, None), sources=sources)
    of_recall = {"recall_days": SOURCE}
    instrument = an_instrument(recall_days=14, sources=of_recall)
    sources.clear()
    of_recall.clear()
    assert dict(form.sources) == {"min_age": SOURCE}
    assert dict(instrument.sources) == {"recall_days": SOURCE}


def test_forms_must_code_a_critical_item_alike() -> None:
    coded_otherwise = a_form(
        "other",
        items=tuple(an_item(number, codes=(0, 1, 3)) for number in "123"),
        critical_items=(a_critical_item(),),
    )
    with pytest.raises(InstrumentDataError, match="with the same codes"):
        an_instrument(
            forms=(a_form("self", critical_items=(a_critical_item(),)), coded_otherwise), asks_about_suicide=True
        )


def test_several_critical_items_of_several_kinds_in_two_forms() -> None:
    critical = (a_critical_item("1", 2, "violence"), a_critical_item("3", 1))
    forms = (a_form("child", critical_items=critical), a_form("caregiver", critical_items=critical))
    assert an_instrument(forms=forms, asks_about_suicide=True).critical_items == critical


def test_a_critical_item_of_another_kind_is_no_question_about_suicide() -> None:
    forms = (a_form(critical_items=(a_critical_item(kind="violence"),)),)
    assert not an_instrument(forms=forms, asks_about_suicide=False).asks_about_suicide


def test_codes_need_not_be_contiguous() -> None:
    items = tuple(an_item(number, codes=(0, 2, 4)) for number in "123")
    form = a_form(items=items, subscales=(a_subscale(maximum=12, missing=a_missing_rule(0)),))
    assert form.items[0].codes == (0, 2, 4)
    assert dict(form.points[0]) == {0: 0, 2: 2, 4: 4}


def test_items_of_unlike_range_may_be_summed_when_none_may_be_missing() -> None:
    subscale = a_subscale(items=("1", "2"), maximum=7, missing=a_missing_rule(0))
    assert a_form(items=TWO_RANGES, subscales=(subscale,)).subscale("total").maximum == 7


@given(st.integers(min_value=-3, max_value=3), st.integers(min_value=1, max_value=9))
def test_a_double_reversal_changes_nothing(lowest: int, width: int) -> None:
    item = an_item(codes=tuple(range(lowest, lowest + width + 1)), reversed_=True)
    mirrored = [points for code in item.codes if (points := item.points(code)) is not None]
    assert [item.points(points) for points in mirrored] == list(item.codes)
    assert item.points(item.codes[0]) == item.codes[-1]


@pytest.mark.parametrize(
    ("ages", "fitting", "unfitting"),
    [
        ((12, None), (12, 12.0, 17.5, 90), (0, 11, 11.99)),
        ((4, 17), (4, 17, 17.99), (3.99, 18, 40)),
        ((None, 17), (0, 17.99), (18, 18.01)),
        ((None, 0), (0, 0.99), (1,)),
        ((12, 12), (12, 12.99), (11.99, 13)),
        ((None, None), (0, 110), ()),
    ],
)
def test_ages_are_completed_years(
    ages: tuple[int | None, int | None], fitting: tuple[float, ...], unfitting: tuple[float, ...]
) -> None:
    form = a_form(ages=ages)
    assert all(form.fits_age(age) for age in fitting)
    assert not any(form.fits_age(age) for age in unfitting)


def test_the_only_form_needs_no_name() -> None:
    instrument = an_instrument()
    assert instrument.form(None) is instrument.form("self") is instrument.forms[0]


def test_one_of_several_forms_must_be_named() -> None:
    forms = (a_form("parent", respondents=(InformantRole.PARENT,)), a_form("self"))
    instrument = an_instrument(forms=forms)
    assert instrument.form("parent") is forms[0]
    with pytest.raises(UnknownInstrument, match="one must be named") as caught:
        instrument.form(None)
    assert (caught.value.pointer, caught.value.allowed) == ("/form", "parent, self")


def test_a_form_that_does_not_exist() -> None:
    with pytest.raises(UnknownInstrument, match="no such form") as caught:
        an_instrument().form("parent")
    assert (caught.value.pointer, caught.value.allowed) == ("/form", "self")


def test_an_instrument_for_change_has_criteria() -> None:
    form = a_form(subscales=(a_subscale(criteria=ChangeCriteria(0, 9)),))
    assert an_instrument(forms=(form,), not_for_change=None).for_change


def test_what_is_frozen_can_be_a_key() -> None:
    assert len({an_instrument(), an_instrument(), an_instrument(key="other")}) == 2


def test_a_critical_item_is_found_by_its_number() -> None:
    assert catalogue()["phq-9"].critical_item("9").item == "9"
    with pytest.raises(KeyError):
        catalogue()["phq-9"].critical_item("1")
