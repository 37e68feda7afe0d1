"""Corrections: new versions with author and reason, every clarification resolved, and nothing overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response

from tests.api.conftest import Owner
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    gad_7,
    make_episode,
    make_patient,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)

REASON = "read wrongly from the paper"


def path_of(administration_id: object) -> str:
    return f"/v1/administrations/{administration_id}"


def read(clinic: Clinic, administration_id: object) -> dict[str, Any]:
    return ok(clinic.therapist.get(path_of(administration_id)))


def correct(clinic: Clinic, administration_id: object, version: int = 1, **changes: Any) -> Response:
    body = {"reason": REASON} | changes
    headers = {"If-Match": f'"{version}"'}
    return clinic.therapist.post(f"{path_of(administration_id)}/corrections", body, headers=headers)


def enter_in_error(clinic: Clinic, administration_id: object, version: int = 1) -> Response:
    headers = {"If-Match": f'"{version}"'}
    return clinic.therapist.post(
        f"{path_of(administration_id)}/entered-in-error", {"reason": "another patient's form"}, headers=headers
    )


def an_episode(clinic: Clinic, sessions: int = 4, **fields: Any) -> dict[str, Any]:
    episode = make_episode(clinic, **fields)
    make_sessions(clinic, episode, sessions)
    return episode


def observations(clinic: Clinic, episode: Mapping[str, Any]) -> list[float]:
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    return [each["score"] for each in trajectory["observations"]]


def close(clinic: Clinic, episode: Mapping[str, Any], weeks: float) -> dict[str, Any]:
    version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
    closing = {"closed_at": (START + timedelta(weeks=weeks)).isoformat(), "closing_reason": "completed"}
    return ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, version))


# ---- Versions


def test_a_correction_is_a_new_version_with_author_and_reason(clinic: Clinic, owner: Owner) -> None:
    episode = an_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12), mode="paper")))
    before = read(clinic, receipt["id"])
    answer = correct(clinic, receipt["id"], answers=phq_9(13))
    corrected = created(answer)
    assert answer.headers["ETag"] == '"2"'
    assert corrected == read(clinic, receipt["id"])
    assert (corrected["result"]["version"], corrected["result"]["state"]) == (2, "amended")
    assert corrected["result"]["scores"]["total"]["value"] == 13
    first, second = corrected["versions"]
    assert first == before["versions"][0]
    assert (first["state"], first["reason"], second["state"], second["reason"]) == ("final", None, "amended", REASON)
    assert second["author_id"] == str(clinic.therapist_id)
    assert first["author_id"] != second["author_id"]
    # What was not corrected stays, also when the form was filled in.
    for name in ("completed_at", "mode", "informant_id", "episode_id", "form"):
        assert corrected[name] == before[name]

    versions = owner.rows(
        "select version, answers[5] as answer from administrations where id = %s order by version", receipt["id"]
    )
    scores = owner.rows(
        "select administration_version as version, value from scores where administration_id = %s", receipt["id"]
    )
    # 12 is 3 on each of the first four items, 13 one more on the fifth: the first version's row is as it was.
    assert [(row["version"], row["answer"]) for row in versions] == [(1, 0), (2, 1)]
    assert sorted((row["version"], row["value"]) for row in scores) == [(1, 12), (2, 13)]


def test_a_correction_issues_later_verdicts_anew_and_keeps_the_earlier_ones(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipts = put_weekly(clinic, episode, [16, 16, 16, 15])
    created(correct(clinic, receipts[0]["id"], answers=phq_9(9)))
    shown, now = read(clinic, receipts[3]["id"])["verdicts"]
    assert shown == receipts[3]["result"]["verdict"]
    assert (shown["baseline"], shown["signal"], shown["cause"]) == (16, "grey", "answer")
    # 15 is 6 points, which is reliable, above the 9 of the start as it is now known.
    assert (now["baseline"], now["signal"], now["cause"], now["issue"]) == (9, "red", "correction", 2)


def test_a_corrected_time_moves_the_score(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipts = put_weekly(clinic, episode, [16, 9, 14])
    created(correct(clinic, receipts[1]["id"], completed_at=(START + timedelta(weeks=3)).isoformat()))
    assert observations(clinic, episode) == [16, 14, 9]
    assert read(clinic, receipts[1]["id"])["result"]["verdict"]["dose"] == 3
    assert len(read(clinic, receipts[0]["id"])["verdicts"]) == 1


def test_the_same_body_is_still_the_same_after_a_correction(clinic: Clinic) -> None:
    """A tablet that repeats what it sent gets its receipt as first given, and undoes nothing."""
    body, administration_id = administration(an_episode(clinic), phq_9(12)), uuid4()
    receipt = created(put(clinic.tablet, body, administration_id))
    created(correct(clinic, administration_id, answers=phq_9(13)))
    again = put(clinic.tablet, body, administration_id)
    assert (again.status_code, again.json()) == (200, receipt)
    assert read(clinic, administration_id)["result"]["scores"]["total"]["value"] == 13
    assert put(clinic.tablet, body | {"answers": phq_9(13)}, administration_id).status_code == 409


def test_an_item_that_is_answered_after_all_is_no_longer_blank(clinic: Clinic) -> None:
    answers = {str(item): 2 for item in range(1, 8)}
    body = administration(an_episode(clinic), answers, item_states={"8": "declined"})
    receipt = created(put(clinic.therapist, body))
    assert receipt["result"]["scores"]["total"]["prorated"] is True
    corrected = created(correct(clinic, receipt["id"], answers=answers | {"8": 1, "9": 0}))
    assert corrected["result"]["scores"]["total"] == {
        "value": 15,
        "prorated": False,
        "missing": 0,
        "band": "moderately_severe",
        "is_case": True,
        "reason": None,
    }
    assert corrected["item_states"]["8"] == "answered"


def test_an_edit_needs_the_version_that_it_rests_on(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), phq_9(12))))
    for name in ("corrections", "entered-in-error"):
        path = f"{path_of(receipt['id'])}/{name}"
        body = {"reason": REASON}
        missing = clinic.therapist.post(path, body)
        assert (missing.status_code, missing.json()["type"]) == (428, "/v1/problems/precondition-required")
        for written in ('"2"', '"0"', '"7"'):
            outdated = clinic.therapist.post(path, body, headers={"If-Match": written})
            assert (outdated.status_code, outdated.json()["type"]) == (412, "/v1/problems/precondition-failed")
        for unread in ("*", 'W/"1"', "", "1e0", "٣", "-1"):  # an Arabic digit is a digit to Python
            answer = clinic.therapist.request(
                "POST",
                path,
                json=body,
                headers={b"If-Match": unread.encode()},  # type: ignore[dict-item]
            )
            assert answer.status_code == 422, unread
    created(correct(clinic, receipt["id"], answers=phq_9(13)))
    assert correct(clinic, receipt["id"], answers=phq_9(14)).status_code == 412
    assert len(read(clinic, receipt["id"])["versions"]) == 2


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"reason": ""}, 422, "/reason"),
        ({"reason": "   "}, 422, "/reason"),
        ({"reason": None}, 422, "/reason"),
        ({"answers": {"1": 4}}, 422, "/answers/1"),
        ({"answers": None}, 422, "/answers"),
        ({"answers": [1]}, 422, "/answers"),
        ({"item_states": {"1": "blank"}}, 422, "/item_states/1"),
        ({"form": "parent"}, 422, "/form"),
        ({"completed_at": None}, 422, "/completed_at"),
        ({"completed_at": "2026-01-05T09:00:00"}, 422, "/completed_at"),
        ({"episode_id": "00000000-0000-4000-8000-000000000001"}, 404, "/episode_id"),
        ({"episode_id": None}, 404, "/episode_id"),
        ({"accept": ["everything"]}, 422, "/accept/0"),
        ({"instrument": "gad-7"}, 422, "/instrument"),
        ({"score": 3}, 422, "/score"),
    ],
    ids=str,
)
def test_a_bad_correction_is_refused_and_changes_nothing(
    clinic: Clinic, changes: dict[str, Any], status: int, pointer: str
) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), phq_9(12))))
    before = read(clinic, receipt["id"])
    refused = correct(clinic, receipt["id"], **changes)
    assert (refused.status_code, refused.json()["pointer"]) == (status, pointer)
    assert read(clinic, receipt["id"]) == before


# ---- Entered in error


def test_what_was_entered_in_error_is_kept_and_counts_nowhere(clinic: Clinic, owner: Owner) -> None:
    episode = an_episode(clinic)
    receipts = put_weekly(clinic, episode, [16, 3, 15, 15])
    gone = created(enter_in_error(clinic, receipts[1]["id"]))
    assert gone["result"]["state"] == "entered_in_error"
    assert (gone["result"]["scores"], gone["result"]["verdict"]) == ({}, None)
    assert [each["state"] for each in gone["versions"]] == ["final", "entered_in_error"]
    assert gone["versions"][1]["reason"] == "another patient's form"
    assert observations(clinic, episode) == [16, 15, 15]
    # The verdicts after it are issued anew without it; what was shown stays.
    shown, now = read(clinic, receipts[3]["id"])["verdicts"]
    assert shown == receipts[3]["result"]["verdict"]
    assert (now["cause"], now["issue"]) == ("correction", 2)
    assert now["goal_probability"] < shown["goal_probability"]
    assert len(read(clinic, receipts[0]["id"])["verdicts"]) == 1
    assert owner.rows("select count(*) from scores where administration_id = %s", receipts[1]["id"]) == [{"count": 1}]


def test_the_baseline_entered_in_error_gives_its_place_to_the_next(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    receipts = put_weekly(clinic, episode, [16, 14, 15])
    created(enter_in_error(clinic, receipts[0]["id"]))
    assert read(clinic, receipts[2]["id"])["result"]["verdict"]["baseline"] == 14


def test_an_administration_entered_in_error_stays_so(clinic: Clinic) -> None:
    body, administration_id = administration(an_episode(clinic), phq_9(12)), uuid4()
    receipt = created(put(clinic.tablet, body, administration_id))
    created(enter_in_error(clinic, administration_id))
    for again in (correct(clinic, administration_id, 2), enter_in_error(clinic, administration_id, 2)):
        assert (again.status_code, again.json()["type"]) == (409, "/v1/problems/state-conflict")
    repeated = put(clinic.tablet, body, administration_id)
    assert (repeated.status_code, repeated.json()) == (200, receipt)
    assert read(clinic, administration_id)["result"]["state"] == "entered_in_error"


def test_an_alert_outlives_an_entry_in_error_until_a_person_closes_it(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), phq_9(12, item_9=2))))
    created(enter_in_error(clinic, receipt["id"]))
    assert len(clinic.therapist.get("/v1/risk-alerts").json()) == 1


# ---- Each clarification, resolved


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
    following = make_episode(clinic, patient_id=closed["patient_id"], opened_at="2026-05-01T00:00:00Z")
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
    patient = make_patient(clinic, birth_month="2015-03-01")
    episode = an_episode(clinic, patient_id=patient["id"])
    receipt = created(put(clinic.tablet, administration(episode, phq_9(12))))
    corrected = resolved(clinic, receipt["id"], accept=["wrong_form_for_age"])
    assert corrected["result"]["scores"]["total"]["value"] == 12
    assert corrected["result"]["verdict"]["signal_reason"] == "too_early"


def test_what_was_accepted_stays_accepted(clinic: Clinic) -> None:
    patient = make_patient(clinic, birth_month="2015-03-01")
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


# ---- Risk


def test_a_correction_that_raises_item_9_raises_an_alert(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), phq_9(12))))
    assert clinic.therapist.get("/v1/risk-alerts").json() == []
    corrected = created(correct(clinic, receipt["id"], answers=phq_9(12, item_9=2)))
    [alert] = corrected["result"]["risk_alerts"]
    assert (alert["code"], alert["duty"]) == (2, "same_day")
    # And again when it turns out to be higher still; never for a correction of something else.
    created(correct(clinic, receipt["id"], 2, answers=phq_9(12, item_9=3)))
    created(correct(clinic, receipt["id"], 3, mode="paper"))
    assert sorted(each["code"] for each in clinic.therapist.get("/v1/risk-alerts").json()) == [2, 3]


def test_a_correction_of_another_instrument_keeps_its_own_series(clinic: Clinic) -> None:
    episode = an_episode(clinic)
    created(put(clinic.tablet, administration(episode, phq_9(12))))
    receipt = created(put(clinic.tablet, administration(episode, gad_7(12), instrument="gad-7")))
    corrected = created(correct(clinic, receipt["id"], answers=gad_7(6)))
    assert corrected["result"]["scores"]["total"]["value"] == 6
    assert observations(clinic, episode) == [12]
