"""Each clarification, resolved: set right, accepted as it is, or moved to where it belongs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.steps import (
    an_episode,
    close,
    correct,
    observations,
    read,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    make_episode,
    make_patient,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)


def resolved(clinic: Clinic, administration_id: object, **changes: Any) -> dict[str, Any]:
    corrected = created(correct(clinic, administration_id, **changes))
    assert (corrected["result"]["state"], corrected["result"]["clarifications"]) == ("amended", [])
    assert corrected["versions"][0]["state"] == "needs_clarification"
    return corrected


def test_a_clock_that_was_ahead_is_set_right(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    put_weekly(clinic, episode, [16])
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), completed_at=tomorrow)))
    assert observations(clinic, episode) == [16]
    corrected = resolved(clinic, receipt["id"], completed_at=(START + timedelta(weeks=1)).isoformat())
    assert corrected["result"]["verdict"]["dose"] == 1
    assert observations(clinic, episode) == [16, 12]


def test_a_correction_that_resolves_nothing_leaves_it_set_aside(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), completed_at=tomorrow)))
    corrected = created(correct(clinic, receipt["id"], mode="paper"))
    assert corrected["result"]["clarifications"] == ["clock_ahead"]
    assert corrected["result"]["scores"] == {}
    corrected = created(correct(clinic, receipt["id"], 2, accept=["episode_closed"]))
    assert corrected["result"]["clarifications"] == ["clock_ahead"]


def test_an_answer_to_a_closed_episode_is_accepted_as_follow_up(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    put_weekly(clinic, episode, [16, 9])
    close(clinic, episode, 5)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), week=20)))
    corrected = resolved(clinic, receipt["id"], accept=["episode_closed"])
    assert corrected["versions"][1]["accepted"] == ["episode_closed"]
    assert corrected["result"]["scores"]["total"]["value"] == 12
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    assert [each["phase"] for each in trajectory["observations"]] == ["treatment", "treatment", "follow_up"]
    assert corrected["result"]["verdict"] is None
    assert trajectory["verdict"]["score"] == 9


def test_an_answer_to_a_closed_episode_is_moved_to_the_next_one(clinic: Clinic) -> None:
    closed = an_episode(clinic)
    put_weekly(clinic, closed, [16, 9])
    close(clinic, closed, 5)
    receipt = created(put(clinic.tablet, administration(closed, phq_9(12, item_9=1), week=20)))
    reopened_at = (START + timedelta(weeks=15)).isoformat()
    following = make_episode(clinic, patient_id=closed["patient_id"], opened_at=reopened_at)
    corrected = resolved(clinic, receipt["id"], episode_id=following["id"])
    assert corrected["episode_id"] == following["id"]
    assert observations(clinic, following) == [12]
    assert observations(clinic, closed) == [16, 9]
    body = administration(closed, phq_9(12, item_9=1), week=20)
    assert put(clinic.tablet, body, receipt["id"]).status_code == 200


def test_an_answer_of_another_patient_is_moved_there_and_the_verdicts_follow(clinic: Clinic) -> None:
    wrong, right = an_episode(clinic), an_episode(clinic)
    receipts = put_weekly(clinic, wrong, [16, 3, 15])
    moved = created(correct(clinic, receipts[1]["id"], episode_id=right["id"]))
    assert (observations(clinic, wrong), observations(clinic, right)) == ([16, 15], [3])
    assert [each["cause"] for each in read(clinic, receipts[2]["id"])["verdicts"]] == ["answer", "correction"]
    assert moved["result"]["verdict"]["baseline"] == 3
    [patient] = clinic.therapist.get(f"/v1/patients/{right['patient_id']}/informants").json()
    assert moved["informant_id"] == patient["id"]


def test_an_answer_cannot_be_moved_to_an_episode_out_of_reach(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), phq_9(12))))
    patient = created(clinic.colleague.post("/v1/patients", {"reference": "P-X", "birth_month": "1990-01-01"}))
    body = {"patient_id": patient["id"], "opened_at": START.isoformat()}
    other = created(clinic.colleague.post("/v1/episodes", body))
    assert correct(clinic, receipt["id"], episode_id=other["id"]).status_code == 404


def test_a_form_for_another_age_is_accepted(clinic: Clinic) -> None:
    patient = make_patient(clinic, birth_month=f"{START.year - 11}-03-01")
    episode = an_episode(clinic, patient_id=patient["id"])
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12))))
    corrected = resolved(clinic, receipt["id"], accept=["wrong_form_for_age"])
    assert corrected["result"]["scores"]["total"]["value"] == 12
    assert corrected["result"]["verdict"]["signal_reason"] == "too_early"


def test_what_was_accepted_stays_accepted(clinic: Clinic) -> None:
    patient = make_patient(clinic, birth_month=f"{START.year - 11}-03-01")
    receipt = created(put(clinic.tablet, administration(an_episode(clinic, patient_id=patient["id"]), phq_9(12))))
    resolved(clinic, receipt["id"], accept=["wrong_form_for_age"])
    corrected = created(correct(clinic, receipt["id"], 2, answers=phq_9(13)))
    assert (corrected["result"]["state"], corrected["versions"][2]["accepted"]) == ("amended", ["wrong_form_for_age"])


def test_missing_answers_are_filled_in(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), {"1": 3, "2": 3})))
    corrected = resolved(clinic, receipt["id"], answers=phq_9(14))
    assert corrected["result"]["scores"]["total"]["value"] == 14


def test_missing_answers_are_accepted_and_there_is_no_score(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, {"1": 3, "2": 3})))
    corrected = resolved(clinic, receipt["id"], accept=["too_many_missing"])
    total = corrected["result"]["scores"]["total"]
    assert (total["value"], total["reason"], total["missing"]) == (None, "too_many_missing", 7)
    assert observations(clinic, episode) == []


def test_an_unknown_informant_is_named(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), informant_id=str(uuid4()))))
    [himself] = clinic.therapist.get(f"/v1/patients/{episode['patient_id']}/informants").json()
    corrected = resolved(clinic, receipt["id"], informant_id=himself["id"])
    assert corrected["informant_id"] == himself["id"]
    assert observations(clinic, episode) == [12]


def test_an_unknown_informant_does_not_become_the_patient_by_another_correction(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), informant_id=str(uuid4()))))
    corrected = created(correct(clinic, receipt["id"], mode="paper"))
    assert corrected["result"]["clarifications"] == ["unknown_informant"]
    assert corrected["informant_id"] is None
    [himself] = clinic.therapist.get(f"/v1/patients/{episode['patient_id']}/informants").json()
    corrected = created(correct(clinic, receipt["id"], 2, informant_id=himself["id"]))
    assert (corrected["result"]["state"], corrected["mode"]) == ("amended", "paper")


def test_a_missing_informant_is_registered_and_then_known(clinic: Clinic) -> None:
    """The tablet knew of the mother before the record did: a correction that names her is enough."""
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), informant_id=str(uuid4()))))
    path = f"/v1/patients/{episode['patient_id']}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    corrected = created(correct(clinic, receipt["id"], informant_id=mother["id"]))
    assert corrected["result"]["clarifications"] == ["wrong_informant"]
    corrected = created(correct(clinic, receipt["id"], 2, accept=["wrong_informant"]))
    assert (corrected["result"]["state"], corrected["informant_id"]) == ("amended", mother["id"])


def test_an_unknown_session_is_named(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    sessions = make_sessions(clinic, episode, 3)
    body = administration(episode, phq_9(12), week=1, treatment_session_id=str(uuid4()), timing="after")
    receipt = created(put(clinic.tablet, body))
    corrected = created(correct(clinic, receipt["id"], mode="paper"))
    assert corrected["result"]["clarifications"] == ["unknown_session"]
    corrected = created(correct(clinic, receipt["id"], 2, treatment_session_id=sessions[1]["id"]))
    assert (corrected["result"]["state"], corrected["result"]["verdict"]["dose"]) == ("amended", 2)


@pytest.mark.parametrize("change", [{"accept": ["unknown_session"]}, {"treatment_session_id": None}])
def test_an_unknown_session_is_let_go(clinic: Clinic, change: dict[str, Any]) -> None:
    episode = an_episode(clinic)
    body = administration(episode, phq_9(12), week=1, treatment_session_id=str(uuid4()), timing="after")
    receipt = created(put(clinic.tablet, body))
    corrected = resolved(clinic, receipt["id"], **change)
    assert (corrected["treatment_session_id"], corrected["result"]["verdict"]["dose"]) == (None, 1)


def test_unreadable_answers_are_written_anew_and_the_alert_is_not_raised_twice(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, {"1": 9, "9": 1})))
    corrected = resolved(clinic, receipt["id"], answers=phq_9(12, item_9=1))
    assert corrected["result"]["scores"]["total"]["value"] == 12
    assert observations(clinic, episode) == [12]
    [alert] = clinic.therapist.get("/v1/risk-alerts").json()
    assert alert["administration_id"] == receipt["id"]
    assert [each["id"] for each in corrected["result"]["risk_alerts"]] == [alert["id"]]


def test_unreadable_answers_stay_so_until_they_are_written_anew(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), {"1": 9, "9": 1})))
    for changes in ({"accept": ["unreadable"]}, {"mode": "paper"}, {"answers": {"1": 9, "9": 1}}):
        refused = correct(clinic, receipt["id"], **changes)
        assert refused.status_code == 422
    assert len(read(clinic, receipt["id"])["versions"]) == 1


def test_an_unreadable_body_keeps_what_could_be_read_of_it(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    [session] = make_sessions(clinic, episode, 1)
    path = f"/v1/patients/{episode['patient_id']}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    body = administration(
        episode,
        {"1": 9, "9": 1},
        week=1,
        informant_id=mother["id"],
        treatment_session_id=session["id"],
        timing="after",
        mode="paper",
    )
    receipt = created(put(clinic.tablet, body))
    corrected = created(correct(clinic, receipt["id"], answers=phq_9(12, item_9=1)))
    assert (corrected["mode"], corrected["timing"]) == ("paper", "after")
    assert corrected["treatment_session_id"] == session["id"]
    assert corrected["informant_id"] == mother["id"]
    assert corrected["result"]["clarifications"] == ["wrong_informant"]


@pytest.mark.parametrize(
    ("field", "named", "clarification"),
    [("informant_id", "the mother", "unknown_informant"), ("treatment_session_id", 7, "unknown_session")],
)
def test_what_an_unreadable_body_names_by_no_id_stays_unknown(
    clinic: Clinic, field: str, named: object, clarification: str
) -> None:
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12, item_9=1)) | {field: named}))
    corrected = created(correct(clinic, receipt["id"], answers=phq_9(12, item_9=1)))
    assert corrected["result"]["clarifications"] == [clarification]
    resolved_by = {"accept": [clarification]} if field == "treatment_session_id" else {field: None}
    corrected = created(correct(clinic, receipt["id"], 2, **resolved_by))
    assert (corrected["result"]["state"], corrected["result"]["scores"]["total"]["value"]) == ("amended", 12)
    assert observations(clinic, episode) == [12]


def test_an_unreadable_time_has_to_be_given(clinic: Clinic) -> None:
    body = administration(an_episode(clinic), phq_9(12, item_9=1)) | {"completed_at": "yesterday"}
    receipt = created(put(clinic.tablet, body))
    refused = correct(clinic, receipt["id"], answers=phq_9(12, item_9=1))
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/completed_at")
    when = START.isoformat()
    corrected = resolved(clinic, receipt["id"], answers=phq_9(12, item_9=1), completed_at=when)
    assert datetime.fromisoformat(corrected["completed_at"]) == START


def test_several_clarifications_are_resolved_one_after_the_other(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    close(clinic, episode, 5)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    receipt = created(put(clinic.tablet, administration(episode, {"9": 1}, completed_at=tomorrow)))
    steps: list[tuple[dict[str, Any], set[str]]] = [
        ({"completed_at": (START + timedelta(weeks=6)).isoformat()}, {"episode_closed", "too_many_missing"}),
        ({"answers": phq_9(9, item_9=1)}, {"episode_closed"}),
        ({"accept": ["episode_closed"]}, set()),
    ]
    for version, (changes, left) in enumerate(steps, start=1):
        corrected = created(correct(clinic, receipt["id"], version, **changes))
        assert set(corrected["result"]["clarifications"]) == left
    assert corrected["result"]["scores"]["total"]["value"] == 9
    assert len(clinic.therapist.get("/v1/risk-alerts").json()) == 1
