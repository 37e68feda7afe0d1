"""Every form of every instrument can be put, read, followed and drawn, also where nothing is there to judge it by."""

from __future__ import annotations

from typing import Any

import pytest

from app.scales.catalogue import catalogue
from app.scales.instrument import Form, InformantRole, LicenceStatus
from tests.api.steps import an_episode, read
from tests.factories import Clinic, administration, created, make_patient, ok, put

FORMS = [(key, form) for key, each in catalogue().items() for form in each.forms]
NOTE = {"who": "the holder", "reference": "2026/1", "date": "2026-03-01"}


def born(form: Form) -> str:
    """Give the birth month of somebody in the middle of the ages that the form is for."""
    youngest, oldest = form.min_age or 18, form.max_age or 30
    return f"{2026 - (youngest + oldest) // 2}-01-01"


def counting(form: Form, place: int) -> dict[str, float]:
    """Answer every item with the code at a place among those that count."""
    codes = {item: [code for code in item.codes if item.points(code) is not None] for item in form.items}
    return {item.number: item.choices.answer(each[place]) for item, each in codes.items()}


def asked_of(clinic: Clinic, episode: dict[str, Any], form: Form) -> dict[str, Any]:
    """Give who answers: nobody named is the patient."""
    if InformantRole.SELF in form.respondents:
        return {}
    path = f"/v1/patients/{episode['patient_id']}/informants"
    return {"informant_id": created(clinic.therapist.post(path, {"role": form.respondents[0], "label": "one"}))["id"]}


@pytest.mark.parametrize(("key", "form"), FORMS, ids=[f"{key} {form.key}" for key, form in FORMS])
def test_it_goes_all_the_way(clinic: Clinic, key: str, form: Form) -> None:
    needing = [each.key for each in catalogue().values() if each.licence.status is LicenceStatus.AGREEMENT_NEEDED]
    change = {"reason": "signed", "agreements": dict.fromkeys(needing, NOTE)}
    ok(clinic.lead.patch("/v1/settings", change, 1))
    patient = make_patient(clinic, birth_month=born(form))
    episode = an_episode(clinic, 3, patient_id=patient["id"])
    informant = asked_of(clinic, episode, form)
    main = catalogue()[key].main_subscale
    several = [counting(form, place) for place in (-1, 0, 1)]
    if form.subscale(main).missing.max_missing:
        del several[-1][form.subscale(main).items[0]]  # and is left blank
    for week, answers in enumerate(several):
        body = administration(episode, answers, instrument=key, form=form.key, week=week, **informant)
        receipt = created(put(clinic.therapist, body))
        assert (receipt["state"], receipt["result"]["clarifications"]) == ("final", [])
        scores = receipt["result"]["scores"]
        assert set(scores) == {subscale.key for subscale in form.subscales}
        for subscale in form.subscales:
            assert subscale.minimum <= scores[subscale.key]["value"] <= subscale.maximum
        kept = read(clinic, receipt["id"])
        assert kept["result"]["scores"] == scores
        assert {number: code for number, code in kept["answers"].items() if code is not None} == answers
        assert set(kept["result"]["screens"]) == {each.key for each in form.screens}
        assert kept["result"]["validated"] is catalogue()[key].validated
    query = f"/v1/episodes/{episode['id']}/trajectory?instrument={key}"
    if not catalogue()[key].for_change:
        refused = clinic.therapist.get(query)
        assert (refused.status_code, refused.json()["pointer"]) == (409, "/instrument")
        assert refused.json()["type"] == "/v1/problems/instrument-not-for-change"
        assert ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["main_series_id"] is None
        return
    trajectory = ok(clinic.therapist.get(query))
    assert [each["score"] for each in trajectory["observations"]][-1] == pytest.approx(scores[main]["value"])
    assert len(trajectory["observations"]) == 3
    for accept in ("image/svg+xml", "text/html", "text/csv", "application/vnd.vegalite.v6+json"):
        assert clinic.therapist.get(query, headers={"Accept": accept}).status_code == 200
    [shown] = ok(clinic.therapist.get("/v1/caseload"))["episodes"]
    assert shown["episode_id"] == episode["id"]
