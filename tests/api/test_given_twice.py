"""A name that comes twice in a body: no value is lost, none is chosen, and a positive critical answer is heard.

RFC 8259, section 4: names within an object should be unique; what a reader makes of one that is not, is unpredictable.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.api.steps import put_text, read
from tests.factories import Clinic, administration, created, make_episode, phq_9
from tests.owner import Owner


def text_of(clinic: Clinic, *members: str) -> str:
    """Write a complete PHQ-9 with item 9 at 0, and these members after it."""
    return (
        json.dumps(administration(make_episode(clinic), phq_9(9, item_9=0))).removesuffix("}")
        + "".join(f", {member}" for member in members)
        + "}"
    )


def with_answers(clinic: Clinic, answers: str) -> str:
    body = administration(make_episode(clinic), {})
    return json.dumps(body).replace('"answers": {}', f'"answers": {answers}')


@pytest.mark.parametrize(
    "answers", ['{"1": 2, "9": 3, "9": 0}', '{"9": 0, "1": 2, "9": 3}', '{"9": 0, "9": 3, "9": "none"}']
)
def test_a_positive_item_9_is_heard_wherever_it_stands(clinic: Clinic, owner: Owner, answers: str) -> None:
    text, administration_id = with_answers(clinic, answers), uuid4()
    receipt = created(put_text(clinic.tablet, text, administration_id))
    assert receipt["state"] == "needs_clarification"
    again = put_text(clinic.tablet, text, administration_id)
    assert (again.status_code, again.json()) == (200, receipt)
    [alert] = clinic.therapist.get("/v1/risk-alerts").json()
    assert (alert["item"], alert["code"], alert["duty"]) == ("9", 3, "same_day")
    kept = read(clinic, administration_id)
    assert kept["result"]["critical"][0]["status"] == "positive"
    assert kept["result"]["scores"] == {}
    for member in answers.strip("{}").split(", "):
        assert member in kept["body"]


def test_so_is_one_in_answers_that_come_twice(clinic: Clinic) -> None:
    receipt = created(put_text(clinic.tablet, text_of(clinic, '"answers": {"9": 2}')))
    assert receipt["state"] == "needs_clarification"
    [alert] = clinic.therapist.get("/v1/risk-alerts").json()
    assert alert["code"] == 2
    # Both are kept.
    assert read(clinic, receipt["id"])["body"].count('"answers"') == 2


@pytest.mark.parametrize(
    ("member", "pointer"),
    [
        ('"answers": {"1": 1}', "/answers"),
        ('"completed_at": "2026-01-06T09:00:00+01:00"', "/completed_at"),
        ('"episode_id": "0b0e7a52-54f4-4f6c-9a43-6d5f2f9d7c11"', "/episode_id"),
        ('"instrument": "gad-7"', "/instrument"),
        ('"mode": "tablet", "mode": "paper"', "/mode"),
        ('"item_states": {"10": "blank", "10": "declined"}', "/item_states/10"),
    ],
)
def test_two_values_of_a_field_are_one_clear_error(clinic: Clinic, owner: Owner, member: str, pointer: str) -> None:
    text = text_of(clinic, member)
    stored = owner.counts(clinic.organisation_id)
    refused = put_text(clinic.tablet, text)
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["pointer"] == pointer
    assert "more than once" in problem["detail"]
    assert owner.counts(clinic.organisation_id) == stored


def test_two_answers_to_an_item_that_is_not_critical_are_refused(clinic: Clinic) -> None:
    refused = put_text(clinic.tablet, with_answers(clinic, '{"1": 0, "1": 3, "9": 0}'))
    assert refused.status_code == 422
    assert (refused.json()["type"], refused.json()["pointer"]) == ("/v1/problems/invalid-answer", "/answers/1")


@pytest.mark.parametrize("answers", ['{"9": 1, "9": 1}', '{"9": 1, "9": true, "9": 1}'])
def test_the_same_value_twice_is_one_value(clinic: Clinic, answers: str) -> None:
    state: dict[str, Any] = created(put_text(clinic.tablet, with_answers(clinic, answers)))
    # With one answer of nine there is nothing to score; true is another value than 1, and no code.
    assert state["state"] == "needs_clarification"
    kept = read(clinic, state["id"])
    assert kept["result"]["clarifications"] == (["unreadable"] if "true" in answers else ["too_many_missing"])


def test_so_it_is_in_a_batch(clinic: Clinic) -> None:
    entry = with_answers(clinic, '{"9": 3, "9": 0}').replace("{", f'{{"id": "{uuid4()}", ', 1)
    [kept] = clinic.tablet.request(
        "PUT",
        "/v1/administrations",
        content=f'{{"administrations": [{entry}]}}'.encode(),
        headers={"Content-Type": "application/json"},
    ).json()["administrations"]
    assert (kept["status"], kept["receipt"]["state"]) == ("stored", "needs_clarification")
    assert len(clinic.therapist.get("/v1/risk-alerts").json()) == 1
