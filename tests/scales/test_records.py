"""Records of a file: the same scores as from a tablet, and one clear error for each that can't be read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scales.answers import SeveralValues
from app.scales.catalogue import catalogue, instrument
from app.scales.records import score_record

PHQ_9 = {"instrument": "phq-9", "answers": {str(number): 1 for number in range(1, 10)}}
SDQ = {"instrument": "sdq", "form": "parent-4-17", "answers": {str(number): 1 for number in range(1, 26)}}
RCADS = {"instrument": "rcads-47", "form": "child", "answers": {str(number): 1 for number in range(1, 48)}}


def scores(record: object) -> dict[str, Any]:
    told: dict[str, Any] = score_record(record)["scores"]
    return told


def test_a_record_is_scored() -> None:
    assert score_record(PHQ_9) == {
        "instrument": "phq-9",
        "form": "self",
        "scores": {
            "total": {
                "value": 9,
                "prorated": False,
                "missing": 0,
                "band": "mild",
                "cutoffs": {"caseness": False, "screening": False},
            }
        },
        # At 1 only item 9 counts as a symptom.
        "screens": {"dsm": "negative"},
        "critical": [{"item": "9", "kind": "suicidal_thoughts", "status": "positive", "code": 1}],
        "asks_about_suicide": True,
    }


def test_what_is_missing_is_told() -> None:
    assert scores({"instrument": "gad-7", "answers": {"1": 2}}) == {
        "total": {"value": None, "prorated": False, "missing": 6, "reason": "too_many_missing"}
    }
    blank = {"instrument": "phq-9", "answers": {}, "item_states": {"9": "declined"}}
    assert score_record(blank)["critical"][0]["status"] == "not_answered"


def test_what_a_score_does_not_rest_on_firmly_is_named() -> None:
    # No official rule says how many items of a PHQ-9 may be missing.
    prorated = {"instrument": "phq-9", "answers": {str(number): 1 for number in range(1, 9)}}
    assert scores(prorated)["total"]["unverified"] == ["missing"]
    assert "unverified" not in scores(PHQ_9)["total"]
    four = scores(SDQ)["total_difficulties"]
    assert (four["band"], four["further_bands"]) == ("abnormal", {"four_band": "very_high"})
    assert "not_found" not in four
    young = scores(SDQ | {"form": "parent-2-4"})["emotional"]
    assert (young["further_bands"], young["unverified"]) == ({"four_band": "very_high"}, ["further_bands"])
    assert young["not_found"] == ["bands"]
    teacher = scores(SDQ | {"form": "teacher-2-4"})["emotional"]
    assert teacher == {"value": 5, "prorated": False, "missing": 0, "not_found": ["bands"]}
    told = score_record(SDQ)
    assert told["asks_about_suicide"] is False
    assert "norms" not in told


def test_what_rests_on_figures_that_were_not_confirmed_says_so() -> None:
    """scales.md section 5: what is marked UNVERIFIED there."""

    def unverified(key: str, **more: object) -> dict[str, list[str]]:
        form = instrument(key).forms[0]
        answers = {item.number: item.choices.answer(item.codes[1]) for item in form.items}
        told = scores({"instrument": key, "form": form.key, "answers": answers} | more)
        return {name: each["unverified"] for name, each in told.items() if "unverified" in each}

    assert unverified("core-om") == {"total": ["reliable_change"]}
    assert unverified("core-10") == {}
    assert unverified("audit", sex="male") == unverified("audit") | {"total": ["norwegian"]}
    assert unverified("dudit", sex="male") == {}
    assert unverified("ors") == {"total": ["reliable_change"]}
    assert unverified("ors", form="child") == {"total": ["cutoff", "reliable_change"]}
    assert unverified("raads-r") == {key: ["screening"] for key in ("social", "interests", "language", "sensory_motor")}
    assert set(unverified("session-feedback")) == {"total"}


def test_a_screen_whose_rule_was_not_confirmed_says_so() -> None:
    told = score_record({"instrument": "srs", "answers": {str(number): 9.5 for number in range(1, 5)}})
    assert (told["screens"], told["unverified_screens"]) == ({"session": "negative"}, ["session"])
    assert "unverified_screens" not in score_record(PHQ_9)


def test_a_cutoff_by_sex_is_not_judged_without_it() -> None:
    record = {"instrument": "dudit", "answers": {str(number): 2 * (number == 1) for number in range(1, 12)}}
    found = {sex: scores(record | {"sex": sex})["total"]["cutoffs"] for sex in ("female", "male", None)}
    assert found == {
        "female": {"harmful_use": True, "dependence": False},
        "male": {"harmful_use": False, "dependence": False},
        None: {"harmful_use": None, "dependence": False},
    }


def test_what_was_skipped_is_told() -> None:
    told = scores({"instrument": "audit", "answers": {"1": 0, "9": 0, "10": 2}})
    assert (told["total"]["value"], told["total"]["missing"], told["total"]["skipped"]) == (2, 0, 7)


def test_a_form_of_our_own_is_called_not_validated() -> None:
    told = score_record({"instrument": "own-goals", "form": "self", "answers": {"1": 7, "2": 4}})
    assert (told["scores"]["mean"]["value"], told["validated"]) == (5.5, False)
    assert "validated" not in score_record(PHQ_9)


def test_an_impact_supplement_may_stand_apart() -> None:
    # Codes 1, 2, 3, 0 and blank count 0, 1, 2 and 0.
    apart = SDQ | {"gate": 2, "impact": [1, 2, 3, 0]}
    assert scores(apart)["impact"]["value"] == 3
    assert scores(SDQ | {"gate": 0})["impact"]["value"] == 0
    among = SDQ | {"answers": {**SDQ["answers"], "26": 2, "28": 1, "29": 2, "30": 3, "31": 0}}  # type: ignore[dict-item]
    assert scores(among) == scores(apart) == scores(among | {"gate": 2, "impact": [1, None, 3]})
    differs = score_record(among | {"gate": 0})["error"]
    assert (differs["type"], differs["item"]) == ("invalid-answer", "26")


def test_t_scores_come_where_there_are_norms() -> None:
    # 50 + 10 x (10 - 8.26) / 4.08, and 47 points in all: 50 + 10 x (47 - 41.07) / 17.14
    found = scores(RCADS | {"sex": "male", "grade": 3})
    assert found["mdd"]["t"] == {"exact": pytest.approx(54.2647, abs=1e-4), "shown": "54", "band": "normal"}
    assert found["tot_int"]["t"]["exact"] == pytest.approx(53.4597, abs=1e-4)
    assert scores(RCADS | {"sex": "male"})["mdd"]["t"] == {"reason": "grade_not_known"}
    assert scores(RCADS | {"grade": 3})["mdd"]["t"] == {"reason": "sex_not_known"}
    assert scores(RCADS | {"sex": "female", "grade": 13})["mdd"]["t"] == {"reason": "grade_outside_norms"}
    assert score_record(RCADS)["norms"] == "us_school_pupils"
    assert "t" not in scores(SDQ)["emotional"]


def test_a_form_for_another_age_gives_no_score_with_the_reason() -> None:
    assert scores(PHQ_9 | {"age": 11.9}) == {
        "total": {"value": None, "prorated": False, "missing": 0, "reason": "wrong_form_for_age"}
    }
    assert score_record(PHQ_9 | {"age": 11.9})["critical"][0]["status"] == "positive"
    assert scores(PHQ_9 | {"age": 12})["total"]["value"] == 9


def test_an_age_and_a_grade_may_lie_at_their_limits() -> None:
    assert scores(SDQ | {"age": 0})["emotional"]["reason"] == "wrong_form_for_age"
    assert scores(PHQ_9 | {"age": 120})["total"]["value"] == 9
    # Norms begin with grade 3; the first year of school is a grade all the same.
    assert scores(RCADS | {"grade": 0, "sex": "female"})["sp"]["t"].keys() == {"reason"}


def test_what_is_screened_is_told_only_of_the_right_age() -> None:
    assert "screens" not in score_record(PHQ_9 | {"age": 11})
    assert "screens" not in score_record({"instrument": "gad-7", "answers": {"1": 2}})


def test_the_states_of_items_count() -> None:
    """AUDIT, nobody drinks: items 2 to 8 are skipped and count 0, but one that was declined is not skipped."""
    answers = {"1": 0, "9": 0, "10": 0}
    assert scores({"instrument": "audit", "answers": answers})["total"]["value"] == 0
    declined = scores({"instrument": "audit", "answers": answers, "item_states": {"4": "declined"}})["total"]
    assert (declined["value"], declined["missing"]) == (None, 1)


def test_an_impact_supplement_may_be_whole() -> None:
    assert scores(SDQ | {"gate": 1, "impact": [0, 2, 3, 0, 2]})["impact"]["value"] == 1 + 2 + 1  # 0 1 2 3 count 0 0 1 2


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ([], {"type": "malformed-body"}),
        (
            {"answers": {}},
            {"type": "malformed-body", "field": "instrument", "allowed": ", ".join(catalogue())},
        ),
        ({"instrument": 9, "answers": {}}, {"type": "malformed-body", "field": "instrument"}),
        ({"instrument": "phq-8", "answers": {}}, {"type": "unknown-instrument", "field": "instrument"}),
        (SDQ | {"form": "parent"}, {"type": "unknown-instrument", "field": "form"}),
        (SDQ | {"form": None}, {"type": "unknown-instrument", "field": "form"}),
        (
            PHQ_9 | {"name": "x"},
            {
                "type": "malformed-body",
                "field": "name",
                "allowed": "instrument, form, answers, item_states, age, sex, grade, gate, impact",
            },
        ),
        (PHQ_9 | {"age": "12"}, {"type": "malformed-body", "field": "age", "allowed": "a number from 0 to 120"}),
        (PHQ_9 | {"age": -1}, {"type": "malformed-body", "field": "age"}),
        (PHQ_9 | {"age": 121}, {"type": "malformed-body", "field": "age"}),
        (PHQ_9 | {"age": float("nan")}, {"type": "malformed-body", "field": "age"}),
        (
            RCADS | {"grade": 3.5},
            {"field": "grade", "allowed": "a whole number from 0 to 120"},
        ),
        (RCADS | {"grade": True}, {"type": "malformed-body", "field": "grade"}),
        (RCADS | {"sex": "boy"}, {"type": "malformed-body", "field": "sex", "allowed": "female or male"}),
        (PHQ_9 | {"gate": 1}, {"type": "malformed-body", "field": "gate"}),
        (PHQ_9 | {"impact": []}, {"type": "malformed-body", "field": "impact"}),
        (SDQ | {"impact": 3}, {"type": "malformed-body", "field": "impact"}),
        (SDQ | {"impact": [0] * 6}, {"type": "malformed-body", "field": "impact", "allowed": "up to 5"}),
        (SDQ | {"impact": [4]}, {"type": "invalid-answer", "item": "28", "allowed": "0, 1, 2 or 3"}),
        (SDQ | {"answers": [1]}, {"type": "malformed-body", "field": "answers"}),
        ({"instrument": "gad-7", "answers": {"1": 4}}, {"type": "invalid-answer", "item": "1"}),
        ({"instrument": "gad-7", "answers": {"9": 1}}, {"type": "unknown-item", "item": "9"}),
        ({"instrument": "gad-7", "answers": {}, "item_states": {"1": "no"}}, {"type": "malformed-body", "item": "1"}),
    ],
)
def test_what_can_t_be_read_is_one_error(record: object, error: dict[str, str]) -> None:
    told = score_record(record)["error"]
    assert {name: told.get(name) for name in error} == error
    assert told["detail"]
    assert told.keys() <= {"type", "detail", "allowed", "item", "field"}


def test_a_positive_critical_item_is_told_whatever_else_is_wrong() -> None:
    told = score_record({"instrument": "phq-9", "answers": {"1": 9, "9": SeveralValues((0, 2))}, "name": "x"})
    assert told["error"]["field"] == "name"
    assert told["critical"] == [{"item": "9", "kind": "suicidal_thoughts", "status": "positive", "code": 2}]
    assert "critical" not in score_record({"instrument": "phq-9", "answers": {"1": 9, "9": 0}})


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("instrument", "form", "answers", "item_states", "age", "sex", "grade", "gate", "impact")


@given(st.sampled_from([PHQ_9, SDQ, RCADS]), st.dictionaries(st.sampled_from(FIELDS), JSON_LIKE, max_size=3))
def test_nothing_raises(record: dict[str, object], change: dict[str, object]) -> None:
    assert score_record(record | change).keys() & {"scores", "error"}
