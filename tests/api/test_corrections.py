"""Corrections: new versions with author and reason, entered in error; nothing is overwritten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.steps import (
    NOTHING_MORE,
    an_episode,
    correct,
    enter_in_error,
    observations,
    read,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    gad_7,
    phq_9,
    put,
    put_weekly,
)
from tests.owner import Owner


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
    assert (first["state"], first["reason"]) == ("final", None)
    assert (second["state"], second["reason"]) == ("amended", "read wrongly from the paper")
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
        **NOTHING_MORE,
        "cutoffs": {"caseness": True, "screening": True},
    }
    assert corrected["item_states"]["8"] == "answered"


def test_an_edit_needs_the_version_that_it_rests_on(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(an_episode(clinic), phq_9(12))))
    for name in ("corrections", "entered-in-error"):
        path = f"/v1/administrations/{receipt['id']}/{name}"
        body = {"reason": "misread"}
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
        ({"episode_id": None}, 422, "/episode_id"),
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
