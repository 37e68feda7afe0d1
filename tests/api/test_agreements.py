"""An instrument that needs an agreement is used only where one is noted, and is refused in plain words elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.steps import read
from tests.factories import Clinic, administration, created, make_episode, make_patient, ok, phq_9, put
from tests.owner import Owner

NEEDING = "ors, raads-r, rcads-25, rcads-47, sdq, srs, wfirs-p, wfirs-s, wurs-25"
NOTE = {"who": "Youthinmind", "reference": "2026/1043", "date": "2026-03-01"}
ALL_ONES = {str(number): 1 for number in range(1, 26)}


def agree(clinic: Clinic, **agreements: dict[str, str]) -> dict[str, Any]:
    settings = ok(clinic.lead.get("/v1/settings"))
    change = {"reason": "signed by the municipality", "agreements": agreements}
    return ok(clinic.lead.patch("/v1/settings", change, settings["version"]))


def about_a_child(clinic: Clinic) -> dict[str, Any]:
    """Give what a parent of a child of about eight fills in."""
    episode = make_episode(clinic, patient_id=make_patient(clinic, birth_month="2018-01-01")["id"])
    path = f"/v1/patients/{episode['patient_id']}/informants"
    parent = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    return administration(
        episode, ALL_ONES | {"26": 0}, instrument="sdq", form="parent-4-17", informant_id=parent["id"]
    )


def test_without_a_note_it_is_refused_and_says_why(clinic: Clinic, owner: Owner) -> None:
    body = about_a_child(clinic)
    stored = owner.counts(clinic.organisation_id)
    for caller in (clinic.tablet, clinic.therapist):
        refused = put(caller, body)
        assert refused.status_code == 409
        problem = refused.json()
        assert (problem["type"], problem["pointer"]) == ("/v1/problems/instrument-not-enabled", "/instrument")
        assert "agreement with Robert Goodman, Youthinmind" in problem["detail"]
    assert owner.counts(clinic.organisation_id) == stored


def test_in_a_batch_only_its_entry_is_refused(clinic: Clinic) -> None:
    free = administration(make_episode(clinic), phq_9(9))
    entries = [{"id": str(uuid4()), **body} for body in (about_a_child(clinic), free)]
    told = ok(clinic.tablet.put("/v1/administrations", {"administrations": entries}))["administrations"]
    assert [each["status"] for each in told] == ["refused", "stored"]
    assert told[0]["problem"]["type"] == "/v1/problems/instrument-not-enabled"


def test_with_a_note_it_is_scored(clinic: Clinic) -> None:
    assert agree(clinic, sdq=NOTE)["agreements"] == {"sdq": NOTE}
    receipt = created(put(clinic.therapist, about_a_child(clinic)))
    assert receipt["state"] == "final"
    scores = receipt["result"]["scores"]
    # Every answer is 1, which reversed is 1: five a scale, twenty for the four that count; no difficulties at the gate.
    assert {key: each["value"] for key, each in scores.items()} == {
        "emotional": 5,
        "conduct": 5,
        "hyperactivity": 5,
        "peer": 5,
        "prosocial": 5,
        "total_difficulties": 20,
        "internalising": 10,
        "externalising": 10,
        "impact": 0,
    }
    assert (scores["total_difficulties"]["band"], scores["prosocial"]["band"]) == ("abnormal", "borderline")
    assert receipt["result"]["asks_about_suicide"] is False
    # No curve is published for it, so that there is nothing to judge it by.
    assert receipt["result"]["verdict"] is None
    assert read(clinic, receipt["id"])["form"] == "parent-4-17"


def test_a_note_that_is_taken_back_holds_no_longer(clinic: Clinic) -> None:
    agree(clinic, sdq=NOTE)
    created(put(clinic.tablet, about_a_child(clinic)))
    assert agree(clinic)["agreements"] == {}
    assert put(clinic.tablet, about_a_child(clinic)).status_code == 409


@pytest.mark.parametrize(
    ("agreements", "pointer", "allowed"),
    [
        ({"phq-9": NOTE}, "/agreements", NEEDING),
        ({"sdq-2": NOTE}, "/agreements", NEEDING),
        ({"sdq": {"who": "Youthinmind", "date": "2026-03-01"}}, "/agreements/sdq/reference", None),
        ({"sdq": NOTE | {"date": "March"}}, "/agreements/sdq/date", None),
        ({"sdq": NOTE | {"price": 3}}, "/agreements/sdq/price", None),
    ],
)
def test_a_note_has_to_be_one(clinic: Clinic, agreements: dict[str, Any], pointer: str, allowed: str | None) -> None:
    refused = clinic.lead.patch("/v1/settings", {"reason": "signed", "agreements": agreements}, 1)
    assert refused.status_code == 422
    assert refused.json()["pointer"] == pointer
    assert refused.json().get("allowed") == allowed
