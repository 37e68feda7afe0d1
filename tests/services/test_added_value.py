"""The added value of the SDQ in a report, from forms that parents filled in, by hand arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.session import Database
from tests.factories import Clinic, administration, at, created, hold, make_clinic, make_episode, make_patient, ok, put

REVERSED = ("7", "11", "14", "21", "25")
QUESTIONS = [str(number) for number in range(1, 26)]
NOTE = {"who": "Youthinmind", "date": "2026-03-01", "reference": "2026/1"}
THRESHOLD = 8
SIX = 6
"""Of each of two kinds of children: twelve together, which is rounded to 10."""


def sdq(impact: Mapping[str, int], **counting: int) -> dict[str, int]:
    """Answer the parents' form: each item counts nothing but those named; what is reversed counts 2 less its code."""
    points = {number: counting.get(f"q{number}", 0) for number in QUESTIONS}
    answers = {number: 2 - each if number in REVERSED else each for number, each in points.items()}
    return answers | {"26": 2, "27": 2, **dict.fromkeys(("28", "29", "30", "31", "32", "33"), 0), **impact}


# Emotional 5 (3, 8, 13, 16, 24), conduct 4 (5, 12), hyperactivity 6 (2, 10, 15), peer 5 (6, 19, 23): 20. Impact 2 + 2.
MUCH = sdq(
    {"28": 3, "29": 3},
    q3=1,
    q8=1,
    q13=1,
    q16=1,
    q24=1,
    q5=2,
    q12=2,
    q2=2,
    q10=2,
    q15=2,
    q6=2,
    q19=1,
    q23=2,
)
# Emotional 2, conduct 4, hyperactivity 6: 12.
LESS = sdq({"28": 3}, q3=1, q8=1, q5=2, q12=2, q2=2, q10=2, q15=2)
# Emotional 3, conduct 4, hyperactivity 6, peer 4: 17. Impact 2.
SOME = sdq({"28": 3}, q3=1, q8=1, q13=1, q5=2, q12=2, q2=2, q10=2, q15=2, q6=2, q19=2)
# One point of peer less: 16.
SAME = sdq({"28": 3}, q3=1, q8=1, q13=1, q5=2, q12=2, q2=2, q10=2, q15=2, q6=2, q19=1)
# Emotional 10, and an impact of 10: what was so in the waiting time.
WORST = sdq(
    dict.fromkeys(("28", "29", "30", "31", "32"), 3), **dict.fromkeys(("q3", "q8", "q13", "q16", "q24", "q5"), 2)
)


def treated(clinic: Clinic, *forms: tuple[float, dict[str, int]]) -> None:
    child = make_patient(clinic, birth_month="2016-05-01")
    episode = make_episode(clinic, patient_id=child["id"], opened_at=at(-4))
    parent = created(
        clinic.therapist.post(f"/v1/patients/{child['id']}/informants", {"role": "parent", "label": "mother"})
    )
    for held_in in (0, 10):
        hold(clinic, episode, week=held_in)
    for week, answers in forms:
        by_parent = {"instrument": "sdq", "form": "parent-4-17", "informant_id": parent["id"]}
        created(put(clinic.therapist, administration(episode, answers, week=week, **by_parent)))
    path = f"/v1/episodes/{episode['id']}"
    version = ok(clinic.therapist.get(path))["version"]
    ok(clinic.therapist.patch(path, {"closed_at": at(14), "closing_reason": "completed"}, version))


@pytest.fixture(scope="module")
def clinic(database: Database, client: TestClient) -> Clinic:
    clinic = make_clinic(database, client)
    ok(clinic.lead.patch("/v1/settings", {"reason": "signed", "agreements": {"sdq": NOTE}}, 1))
    for _ in range(SIX):
        treated(clinic, (-3, WORST), (0, MUCH), (10, LESS))
        treated(clinic, (0, SOME), (5, MUCH), (10, SAME))
    # Who came once, or answered once, is in no pair.
    treated(clinic, (0, MUCH))
    return clinic


def compared(clinic: Clinic, **asked: Any) -> dict[str, Any]:
    query = {"year": 2026, "measure": "sdq", "respondent": "parent", **asked}
    report = ok(clinic.lead.get("/v1/reports/outcomes", params=query, headers={"Accept-Language": "en"}))
    [section] = (each for each in report["sections"] if each["key"] == "compared")
    found: dict[str, Any] = next(each for each in section["tables"] if each["key"] == "compared")
    return found


def line(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    [row] = (each for each in table["rows"] if each["key"] == "added_value")
    figures: list[dict[str, Any]] = row["figures"]
    return figures


@pytest.mark.parametrize("of_service", [False, True])
def test_the_first_and_the_last_form_of_the_treatment_by_hand(clinic: Clinic, of_service: bool) -> None:
    # 2.3 + .8 x 20 + .2 x 4 - .3 x 5 - 12 = 5.6 and 2.3 + .8 x 17 + .2 x 2 - .3 x 3 - 16 = -0.6: mean 2.5.
    # Observed: (20 - 12 + 17 - 16) / 2 = 4.5, so that 2.0 was to be expected. Twelve children are told as 10.
    # 1.96 x 5 / sqrt 10 = 3.1
    asked = {"service_id": str(clinic.service_id)} if of_service else {}
    table = compared(clinic, **asked)
    count, observed, expected, value = line(table)
    assert (count["value"], observed["value"], expected["value"]) == (10, 4.5, 2.0)
    assert (value["value"], value["low"], value["high"]) == (2.5, -0.6, 5.6)
    notes = {each["code"]: each["text"] for each in table["notes"]}
    assert "British children" in notes["added_value"]
    assert "groups" in notes["groups_only"]


def test_few_children_are_withheld(database: Database, client: TestClient) -> None:
    few = make_clinic(database, client)
    ok(few.lead.patch("/v1/settings", {"reason": "signed", "agreements": {"sdq": NOTE}}, 1))
    for _ in range(2):
        treated(few, (0, MUCH), (10, LESS))
    assert {figure["withheld"] for figure in line(compared(few))} == {"small_number"}


@pytest.mark.parametrize(
    "asked", [{"respondent": "self"}, {"measure": "phq-9"}, {"dimension": "sex", "value": "female"}]
)
def test_there_is_none_of_anybody_else(database: Database, client: TestClient, asked: dict[str, str]) -> None:
    other = make_clinic(database, client)
    ok(other.lead.patch("/v1/settings", {"reason": "signed", "agreements": {"sdq": NOTE}}, 1))
    query = {"year": 2026, "measure": "sdq", "respondent": "parent", **asked}
    answer = other.lead.get("/v1/reports/outcomes", params=query)
    assert '"added_value"' not in answer.text
