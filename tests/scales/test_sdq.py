"""SDQ: a table of answers with the scores and bands that the sources give them, and what public programs got wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError
from app.scales.catalogue import instrument, load_instrument
from app.scales.instrument import Form, LicenceStatus
from app.scales.scoring import NoScoreReason, Score, Scores, read_answers, score

SDQ = instrument("sdq")
BASELINE = ("parent-4-17", "teacher-4-17", "self-11-17", "parent-2-4", "teacher-2-4")
FILE = Path(__file__).parents[2] / "app" / "scales" / "instruments" / "sdq.toml"
TABLE = Path(__file__).parents[1] / "reference" / "sdq.csv"
with TABLE.open(encoding="utf-8", newline="") as lines:
    CASES = list(csv.DictReader(lines))
SCORES = ("emotional", "conduct", "hyperactivity", "peer", "prosocial", "total_difficulties")
TOGETHER = ("internalising", "externalising")
IMPACT = {5: ("28", "29", "30", "31", "32"), 3: ("28", "30", "31")}


def answered(form: Form, core: str, gate: str = ".", impact: str = "") -> Scores:
    """Score a form whose answers are written as characters, a dot for none."""
    given_answers = {str(number): code for number, code in enumerate(core, start=1)}
    given_answers |= {"26": gate} | dict(zip(IMPACT.get(len(impact), ()), impact, strict=False))
    return score(form, read_answers(form, {item: int(code) for item, code in given_answers.items() if code != "."}))


def shown(scores: Mapping[str, Score], form: Form, name: str) -> dict[str, str]:
    """Give the bands of one way of dividing the range."""
    found = {}
    for key, each in scores.items():
        if each.value is not None:
            subscale = form.subscale(key)
            band = each.band if name == "three_band" else subscale.further_band_codes(each.value).get(name)
            if band is not None:
                found[key] = band
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_table_is_met(case: Mapping[str, str]) -> None:
    form = SDQ.form(case["form"])
    scores = answered(form, case["answers"], case["gate"], case["impact_answers"]).subscales
    expected = {key: int(case[key]) if case[key] else None for key in (*SCORES, *TOGETHER, "impact")}
    assert {key: scores[key].value for key in expected} == expected
    for name in ("three_band", "four_band"):
        assert shown(scores, form, name) == json.loads(case[name])


def test_the_table_reaches_every_form_and_every_band() -> None:
    met = {
        (case["form"], name, key, band)
        for case in CASES
        for name in ("three_band", "four_band")
        for key, band in json.loads(case[name]).items()
    }
    published = set()
    for form in SDQ.forms:
        for subscale in form.subscales:
            for name, bands in ({"three_band": subscale.bands} | dict(subscale.further_bands)).items():
                published |= {(form.key, name, subscale.key, band.code) for band in bands}
    assert {case["form"].removesuffix("-follow-up") for case in CASES} == set(BASELINE)
    # A follow-up form has the bands of its own form.
    assert {each for each in published if not each[0].endswith("-follow-up")} <= met


def test_forms_their_families_and_who_answers_them() -> None:
    forms = {form.key: form for form in SDQ.forms}
    assert set(forms) == {*BASELINE, *(f"{key}-follow-up" for key in BASELINE)}
    for key in BASELINE:
        form, follow_up = forms[key], forms[f"{key}-follow-up"]
        assert follow_up.family == form.family == key
        assert follow_up.subscales == form.subscales
        assert (follow_up.min_age, follow_up.max_age) == (form.min_age, form.max_age)
        assert "27" in form.position
        assert "27" not in follow_up.position
        assert {"34", "35"} <= set(follow_up.position)
        assert "34" not in form.position
    assert {key: [str(role) for role in forms[key].respondents] for key in BASELINE} == {
        "parent-4-17": ["parent"],
        "teacher-4-17": ["teacher"],
        "self-11-17": ["self"],
        "parent-2-4": ["parent"],
        "teacher-2-4": ["teacher"],
    }
    # Both parent forms fit a child of four, so that the form has to be stored.
    assert [key for key in BASELINE if forms[key].fits_age(4)] == [
        "parent-4-17",
        "teacher-4-17",
        "parent-2-4",
        "teacher-2-4",
    ]


def test_reversed_items_and_scales_are_those_of_the_variable_list() -> None:
    """sdqinfo c2: items 7, 11, 14, 21 and 25 are reversed."""
    for form in SDQ.forms:
        assert [item.number for item in form.items if item.reversed] == ["7", "11", "14", "21", "25"]


def test_bands_that_were_not_found_are_stated_as_missing() -> None:
    for form in SDQ.forms:
        young = "2-4" in form.key
        for key in (*SCORES, "impact"):
            subscale = form.subscale(key)
            assert ("bands" in subscale.not_found) is young
            assert bool(subscale.bands) is not young
            assert bool(subscale.further_bands) is not form.key.startswith("teacher-2-4")


def test_it_does_not_ask_about_suicide_and_needs_an_agreement() -> None:
    assert not SDQ.asks_about_suicide
    assert SDQ.licence.status is LicenceStatus.AGREEMENT_NEEDED


# ---- What public programs got wrong (the reference's section 6)


def test_pitfall_6_prorating_scales_the_mean_by_five_and_rounds_half_up() -> None:
    form = SDQ.form("parent-4-17")
    # Emotional: items 3, 8, 13, 16 with 1, 1, 0, 0: 5 * 2/4 = 2.5 -> 3, which half to even would make 2.
    codes = ["."] * 25
    for item, code in ((3, "1"), (8, "1"), (13, "0"), (16, "0")):
        codes[item - 1] = code
    assert answered(form, "".join(codes)).subscales["emotional"].value == 3


def test_pitfall_7_impact_is_recoded_and_none_at_the_gate_is_zero() -> None:
    parent, teacher = SDQ.form("parent-4-17"), SDQ.form("teacher-4-17")
    none = "." * 25
    # Codes 0, 1, 2, 3 and 3 count 0, 0, 1, 2 and 2.
    assert answered(parent, none, "2", "01233").subscales["impact"].value == 5
    assert answered(parent, none, "0", ".....").subscales["impact"].value == 0
    assert answered(parent, none, "0", "33333").subscales["impact"].value == 0
    assert answered(parent, none, "1", ".....").subscales["impact"].reason is NoScoreReason.TOO_MANY_MISSING
    # The teacher answers three questions: the highest impact is 6.
    assert answered(teacher, none, "3", "333").subscales["impact"].value == 6
    assert teacher.subscale("impact").maximum == 6


def test_pitfall_8_three_bands_and_four_bands_are_not_mixed() -> None:
    parent = SDQ.form("parent-4-17")
    total, prosocial = parent.subscale("total_difficulties"), parent.subscale("prosocial")
    assert [total.band(value) for value in (13, 14, 16, 17)] == ["normal", "borderline", "borderline", "abnormal"]
    assert [prosocial.band(value) for value in (4, 5, 6)] == ["abnormal", "borderline", "normal"]
    four = [prosocial.further_band_codes(value)["four_band"] for value in (5, 6, 7, 8)]
    assert four == ["very_low", "low", "slightly_lowered", "close_to_average"]


# ---- Properties

CODES = st.sampled_from(["0", "1", "2", "."])


@given(st.lists(CODES, min_size=25, max_size=25), st.sampled_from(BASELINE))
def test_scores_agree_with_a_slow_reading_of_the_rule(codes: list[str], key: str) -> None:
    form = SDQ.form(key)
    scores = answered(form, "".join(codes)).subscales
    total: int | None = 0
    for name in ("emotional", "conduct", "hyperactivity", "peer", "prosocial"):
        points = []
        for item in form.subscale(name).items:
            if codes[int(item) - 1] != ".":
                code = int(codes[int(item) - 1])
                points.append(2 - code if item in {"7", "11", "14", "21", "25"} else code)
        # floor(0.5 + 5 * mean), in whole numbers: 5 * sum and half an answer, by how many answered.
        expected = (10 * sum(points) + len(points)) // (2 * len(points)) if len(points) >= 3 else None
        assert scores[name].value == expected
        assert scores[name].prorated is (3 <= len(points) < 5)
        if name != "prosocial":
            total = None if total is None or expected is None else total + expected
    assert scores["total_difficulties"].value == total


FAULTS = (
    ('{ form = "parent-4-17"', '{ form = "parent"', "there is no form parent before this one"),
    ('["strengths-and-difficulties-4-17"', '["strengths"', "there is no list of items strengths"),
    ('{ item = "26", code = 0', '{ item = "60", code = 0', "which is called a gate"),
    ('{ item = "26", code = 0', '{ item = "26", code = 9', "what opens or closes a gate"),
    ('["emotional", "conduct"', '["emotions", "conduct"', "no subscale emotions before total_difficulties"),
    ("minimum = 0, maximum = 20", "minimum = 0, maximum = 30", "give a range of 0 to 20"),
    ('"medium", counts = 1', '"medium", counts = 3', "must not count for less"),
    ("not_found = { bands = {", "not_found = { bands = { where = 1,", "not_found: bands: the format has no key where"),
    ("four_band = [{", "four_band = [{ note = 1,", "further_bands: four_band.0.: the format has no key note"),
)


@pytest.mark.parametrize(("old", "new", "rule"), FAULTS)
def test_a_slip_in_the_file_is_named(old: str, new: str, rule: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(InstrumentDataError, match=rule):
        load_instrument(text.replace(old, new, 1), "sdq.toml")
