"""Official wordings: FHIR R4 Questionnaires, matched to items and codes, or refused with a list."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MalformedBody
from app.scales.catalogue import instrument
from app.scales.wording import read_questionnaire
from tests.scales.test_records import JSON_LIKE

PHQ_9 = instrument("phq-9").form(None)
GAD_7 = instrument("gad-7").form(None)
LOINC = "http://loinc.org"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
"""LOINC's answers to a frequency, from 0 on: HL7 personal-health-record-format-ig, PHQ-9 example."""


def coded(system: str | None, code: str, display: str, **more: object) -> dict[str, Any]:
    return {"valueCoding": {"system": system, "code": code, "display": display} | more}


BY_CODE = [coded(None, str(code), f"svar {code}") for code in range(4)]
BY_LOINC = [coded(LOINC, code, f"svar {place}") for place, code in enumerate(ANSWERS)]
BY_ORDINAL = [
    coded("urn:x", f"a{code}", f"svar {code}", extension=[{"url": "x"}, {"url": ORDINAL, "valueDecimal": code}])
    for code in range(4)
]
BY_OPTIONS_OWN_ORDINAL = [
    coded("urn:x", f"a{code}", f"svar {code}") | {"extension": [{"url": ORDINAL, "valueDecimal": float(code)}]}
    for code in range(4)
]


def ordinal(url: str, value: float) -> dict[str, Any]:
    return coded("urn:x", "x", "x", extension=[{"url": url, "valueDecimal": value}])


def questionnaire(*items: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "language": "nb", "item": list(items)} | more


def question(link: str, options: list[dict[str, Any]] | None = None, **more: object) -> dict[str, Any]:
    return {"linkId": link, "type": "choice", "text": f"Spørsmål {link}", "answerOption": options or BY_CODE} | more


def gad_7(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [changes.get(f"q{number}", question(str(number))) for number in range(1, 8)]


@pytest.mark.parametrize("options", [BY_CODE, BY_LOINC, BY_ORDINAL, BY_OPTIONS_OWN_ORDINAL])
def test_answers_are_matched_however_they_are_coded(options: list[dict[str, Any]]) -> None:
    wording = read_questionnaire(GAD_7, questionnaire(*(question(str(number), options) for number in range(1, 8))))
    assert wording.items == {str(number): f"Spørsmål {number}" for number in range(1, 8)}
    assert wording.choices["3"] == {code: f"svar {code}" for code in range(4)}
    assert (wording.language, wording.introduction) == ("nb", None)


def test_questions_are_matched_by_their_loinc_code_also_in_groups() -> None:
    """As HL7's examples write them: linkId is the code after a slash, and questions stand in a group."""
    items = [
        question(f"/{item.loinc}", BY_LOINC)
        if place % 2
        else question("x", BY_LOINC, code=[{"system": LOINC, "code": item.loinc}])
        for place, item in enumerate(PHQ_9.items[:9])
    ]
    inside = {"linkId": "g", "type": "group", "item": items, "text": "PHQ-9"}
    total = {"linkId": "intro", "type": "display", "text": "I løpet av de siste to ukene"}
    wording = read_questionnaire(PHQ_9, questionnaire(total, inside, description="Om de siste to ukene"))
    assert set(wording.items) == {str(number) for number in range(1, 10)}
    assert wording.introduction == "Om de siste to ukene"


def test_answers_may_stand_in_a_contained_value_set() -> None:
    concepts = [{"code": str(code), "display": f"svar {code}"} for code in range(4)]
    contained = [
        {"resourceType": "ValueSet", "id": "other", "compose": {"include": [{"concept": [{"code": "9"}]}]}},
        {"resourceType": "ValueSet", "id": "freq", "compose": {"include": [{"system": "urn:x", "concept": concepts}]}},
        {"resourceType": "ValueSet", "id": "none"},
    ]
    items = [
        {"linkId": str(number), "type": "choice", "text": "Spørsmål", "answerValueSet": "#freq"}
        for number in range(1, 8)
    ]
    wording = read_questionnaire(GAD_7, questionnaire(*items, contained=contained))
    assert wording.choices["7"] == {code: f"svar {code}" for code in range(4)}
    items[0]["answerValueSet"] = "#none"
    with pytest.raises(MalformedBody, match="item 1 lists no answer for 0, 1, 2, 3"):
        read_questionnaire(GAD_7, questionnaire(*items, contained=contained))


def test_the_system_of_a_value_set_is_that_of_its_answers() -> None:
    concepts = [{"code": code, "display": f"svar {place}"} for place, code in enumerate(ANSWERS)]
    contained = [
        {"resourceType": "ValueSet", "id": "a", "compose": {"include": [{"system": LOINC, "concept": concepts}]}}
    ]
    items = [{"linkId": str(number), "text": "Spørsmål", "answerValueSet": "#a"} for number in range(1, 8)]
    wording = read_questionnaire(GAD_7, questionnaire(*items, contained=contained))
    assert wording.choices["7"] == {code: f"svar {code}" for code in range(4)}


def test_a_question_may_be_as_long_as_is_said() -> None:
    long = "x" * 4000
    assert read_questionnaire(GAD_7, questionnaire(*gad_7(q4=question("4", text=long)))).items["4"] == long


def test_a_fault_in_a_group_is_told_with_its_place() -> None:
    group = {"linkId": "g", "item": [*gad_7()[:6], question("99")]}
    with pytest.raises(MalformedBody) as caught:
        read_questionnaire(GAD_7, questionnaire(group))
    assert "/item/0/item/6/linkId" in {each.pointer for each in (caught.value, *caught.value.also)}


def test_a_line_needs_no_answers() -> None:
    form = instrument("ors").form("adult")
    items = [{"linkId": str(number), "type": "decimal", "text": "Linje"} for number in range(1, 5)]
    wording = read_questionnaire(form, questionnaire(*items))
    assert (len(wording.items), dict(wording.choices)) == (4, {})


@pytest.mark.parametrize(
    ("given_language", "language"), [("nb", "nb"), ("no", "nb"), ("nb-NO", "nb"), ("nn-NO", "nn"), ("EN", "en")]
)
def test_the_language_is_one_of_ours(given_language: str, language: str) -> None:
    assert read_questionnaire(GAD_7, questionnaire(*gad_7(), language=given_language)).language == language


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (None, "/resourceType"),
        ([], "/resourceType"),
        ({"resourceType": "Patient"}, "/resourceType"),
        (questionnaire(language="sv"), "/language"),
        (questionnaire(language=None), "/language"),
        (questionnaire(language=5), "/language"),
        (questionnaire(), "/item"),
        (questionnaire(item="x"), "/item"),
        (questionnaire(item=[5, None]), "/item"),
    ],
)
def test_what_is_no_questionnaire_of_ours_is_refused(body: object, pointer: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        read_questionnaire(GAD_7, body)
    assert caught.value.pointer == pointer
    allowed = {"/resourceType": "Questionnaire", "/language": "nb, nn, en"}
    assert caught.value.allowed == allowed.get(pointer)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (question("99"), {"the question belongs to no item of the form", "there is no question for item 4"}),
        (question("3"), {"item 3 has a question already", "there is no question for item 4"}),
        (question("4", text=None), {"the question of item 4 has no text", "there is no question for item 4"}),
        (question("4", text="\x00"), {"the question of item 4 has no text", "there is no question for item 4"}),
        (question("4", text="\ud800"), {"the question of item 4 has no text", "there is no question for item 4"}),
        (question("4", text="x" * 4001), {"the question of item 4 has no text", "there is no question for item 4"}),
        (question("4", BY_CODE[:3]), {"item 4 lists no answer for 3"}),
        (question("4", [*BY_CODE, coded(None, "4", "mer")]), {"an answer of item 4 belongs to none of its codes"}),
        (question("4", [*BY_CODE, BY_CODE[0]]), {"an answer of item 4 belongs to none of its codes"}),
        (
            question("4", [coded(None, "0", " "), *BY_CODE[1:]]),
            {"answer 0 of item 4 has no text", "item 4 lists no answer for 0"},
        ),
        (
            question(
                "4", [*BY_ORDINAL[:3], coded("urn:x", "3", "x", extension=[{"url": ORDINAL, "valueDecimal": 2.5}])]
            ),
            {"an answer of item 4 belongs to none of its codes", "item 4 lists no answer for 3"},
        ),
        (
            question("4", [*BY_CODE[:3], coded(None, "\N{SUPERSCRIPT THREE}", "x"), {"valueInteger": 3}]),
            {"an answer of item 4 belongs to none of its codes", "item 4 lists no answer for 3"},
        ),
        (
            question("4", [*BY_ORDINAL[:2], ordinal(ORDINAL, 2.5), BY_ORDINAL[3]]),
            {"an answer of item 4 belongs to none of its codes", "item 4 lists no answer for 2"},
        ),
        # A number under another name, a LOINC answer of another system, a digit that is not ours, and no number at all.
        *(
            (
                question("4", [*BY_CODE[:3], option]),
                {"an answer of item 4 belongs to none of its codes", "item 4 lists no answer for 3"},
            )
            for option in (
                ordinal("urn:other", 3),
                coded("urn:x", ANSWERS[3], "x"),
                coded(None, "\N{ARABIC-INDIC DIGIT THREE}", "x"),
                coded(None, "three", "x"),
            )
        ),
    ],
)
def test_what_does_not_match_is_told_as_a_list(wrong: dict[str, Any], told: set[str]) -> None:
    with pytest.raises(MalformedBody) as caught:
        read_questionnaire(GAD_7, questionnaire(*gad_7(q4=wrong)))
    faults = [caught.value, *caught.value.also]
    assert {each.detail for each in faults} == told
    assert all(each.pointer and each.pointer.startswith("/item") for each in faults)


@given(st.lists(JSON_LIKE, max_size=4), JSON_LIKE, JSON_LIKE)
def test_whatever_comes_is_read_or_refused(items: list[object], contained: object, options: object) -> None:
    some: list[Any] = [
        *items,
        {"linkId": "1", "text": "x", "answerOption": options, "code": options, "item": contained},
    ]
    with pytest.raises(MalformedBody):
        read_questionnaire(
            GAD_7, {"resourceType": "Questionnaire", "language": "nb", "item": some, "contained": contained}
        )
