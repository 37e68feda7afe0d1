"""Edits rest on the version that was read, refusals say where; settings are kept in versions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.db.session import Database
from tests.factories import (
    Caller,
    Clinic,
    administration,
    at,
    created,
    hold,
    listed,
    make_clinic,
    make_episode,
    make_patient,
    make_programme,
    make_record,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)
from tests.owner import Owner


def problem(answer: Response) -> tuple[int, str, str | None]:
    document = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, document["type"].removeprefix("/v1/problems/"), document.get("pointer")


# ---- Settings


def test_settings_are_kept_in_versions_with_author_and_reason(
    clinic: Clinic, database: Database, client: TestClient, owner: Owner
) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    *_, before = put_weekly(clinic, episode, [16, 16, 16, 16])
    read = clinic.lead.get("/v1/settings")
    defaults = ok(read)
    assert (defaults["version"], read.headers["ETag"], defaults["mode"]) == (1, '"1"', "decision_support")
    # Windows 3 and 7, evaluations at 12, 20 and 52 (design, 4.3).
    policy = defaults["policy"]
    assert (policy["early_window_dose"], policy["late_window_dose"], policy["period_evaluation_doses"]) == (
        3,
        7,
        [12, 20, 52],
    )
    change = {"reason": "we look earlier", "policy": {"flagging": "early"}, "max_missing": {"phq-9": 0}}
    answer = clinic.lead.patch("/v1/settings", change, 1)
    assert ok(answer) == defaults | {
        "version": 2,
        "policy": policy | {"flagging": "early"},
        "max_missing": {"phq-9": 0},
    }
    assert answer.headers["ETag"] == '"2"'
    assert ok(clinic.therapist.get("/v1/settings")) == ok(answer)
    rows = owner.rows(
        "select version, reason, author_id is not null as by_a_person from organisation_settings"
        " where organisation_id = %s order by version",
        clinic.organisation_id,
    )
    assert [tuple(row.values()) for row in rows] == [(1, "founded", False), (2, "we look earlier", True)]
    # What was shown stays; what comes is judged, and scored, by the new version.
    [shown] = ok(clinic.therapist.get(f"/v1/administrations/{before['id']}"))["verdicts"]
    assert (shown["signal_reason"], shown["settings_version"]) == ("no_change_yet", 1)
    after = created(put(clinic.therapist, administration(episode, phq_9(16), week=3.1)))["result"]["verdict"]
    assert (after["signal"], after["settings_version"]) == ("yellow", 2)
    blank = administration(episode, {str(item): 1 for item in range(1, 9)}, week=4)
    assert created(put(clinic.tablet, blank))["state"] == "needs_clarification"
    assert ok(make_clinic(database, client).lead.get("/v1/settings"))["policy"]["flagging"] == "pending"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"policy": {"flagging": "loud"}}, "/policy/flagging"),
        ({"policy": {"established_probability": 1.5}}, "/policy/established_probability"),
        ({"policy": {"early_window_dose": 0}}, "/policy/early_window_dose"),
        ({"policy": {"late_window_dose": 3}}, "/policy/late_window_dose"),
        ({"policy": {"period_evaluation_doses": [20, 12]}}, "/policy/period_evaluation_doses"),
        ({"policy": {"late_windows": 8}}, "/policy/late_windows"),
        ({"max_missing": {"phq-9": 9}}, "/max_missing/phq-9"),
        # The rule of the PHQ-9 prorates at most two; a laxer limit would refuse every form that is put afterwards.
        ({"max_missing": {"phq-9": 3}}, "/max_missing/phq-9"),
        ({"max_missing": {"phq-8": 1}}, "/max_missing"),
        ({"time_zone": "Nowhere/City"}, "/time_zone"),
        ({"time_zone": "Europe"}, "/time_zone"),
        ({"language": "sv"}, "/language"),
        ({"mode": "autopilot"}, "/mode"),
        ({"reason": ""}, "/reason"),
    ],
)
def test_a_setting_that_is_none_is_refused_where_it_stands(clinic: Clinic, wrong: dict[str, Any], pointer: str) -> None:
    status, _, named = problem(clinic.lead.patch("/v1/settings", {"reason": "a trial"} | wrong, 1))
    assert (status, named) == (422, pointer)
    assert ok(clinic.lead.get("/v1/settings"))["version"] == 1


# ---- Editing


def test_every_edit_rests_on_the_version_that_was_read(clinic: Clinic) -> None:
    record = make_record(clinic)
    edits: dict[str, dict[str, Any]] = {
        "/v1/patients/{patient_id}": {"sex": "male"},
        "/v1/informants/{informant_id}": {"label": "mamma"},
        "/v1/episodes/{episode_id}": {"planned_end": "2026-09-01"},
        "/v1/episode-programmes/{row_id}": {"ended_at": at(30)},
        "/v1/treatment-sessions/{session_id}": {"minutes": 60},
        "/v1/attendances/{attendance_id}": {"minutes": 30},
        "/v1/assignments/{assignment_id}": {"state": "completed"},
        "/v1/goals/{goal_id}": {"words": "sleep all night"},
        "/v1/reviews/{review_id}": {"note": "agreed"},
        "/v1/risk-alerts/{alert_id}/acknowledgement": {"assessment": "talked it through"},
        "/v1/programmes/{programme_id}": {"planned_dose": 10},
        "/v1/programme-evidence/{evidence_id}": {"target_group": "adults in a group"},
        "/v1/settings": {"reason": "a trial", "time_zone": "Europe/Helsinki"},
    }
    for path, change in edits.items():
        caller = clinic.lead if path.startswith(("/v1/programme", "/v1/settings")) else clinic.therapist
        method = "POST" if path.endswith("acknowledgement") else "PATCH"

        def edit(
            tag: str | None, caller: Caller = caller, method: str = method, path: str = path, body: Any = change
        ) -> Response:
            headers = {"If-Match": tag} if tag is not None else {}
            return caller.request(method, path.format(**record), json=body, headers=headers)

        assert problem(edit(None))[:2] == (428, "precondition-required"), path
        assert problem(edit("*")) == (422, "malformed-body", "/if-match"), path
        assert problem(edit('"2"'))[:2] == (412, "precondition-failed"), path
        answer = edit('"1"')
        assert (answer.status_code, answer.headers["ETag"]) == (201 if method == "POST" else 200, '"2"'), path
        assert answer.json()["version"] == 2
        assert {name: answer.json()[name] for name in change if name not in ("reason", "ended_at")} == {
            name: value for name, value in change.items() if name not in ("reason", "ended_at")
        }
        # Acknowledging is done once; everything else is refused because it has moved on.
        assert edit('"1"').status_code == (409 if method == "POST" else 412), path
    read = clinic.therapist.get(f"/v1/patients/{record['patient_id']}")
    assert (read.headers["ETag"], ok(read)["version"], read.json()["sex"]) == ('"2"', 2, "male")


def test_of_two_edits_at_once_one_is_told_to_read_again(clinic: Clinic) -> None:
    patient = make_patient(clinic)
    edits: list[Callable[[], Response]] = [
        lambda: clinic.therapist.patch(f"/v1/patients/{patient['id']}", {"sex": "female"}, 1),
        lambda: clinic.lead.patch("/v1/settings", {"reason": "a trial", "language": "nn"}, 1),
    ]
    for edit in edits:
        with ThreadPoolExecutor(4) as pool:
            statuses = [each.result().status_code for each in [pool.submit(edit) for _ in range(4)]]
        assert sorted(statuses) == [200, 412, 412, 412]


def test_what_contradicts_the_record_is_a_conflict(clinic: Clinic) -> None:
    episode, therapist = make_episode(clinic), clinic.therapist
    reference = ok(therapist.get(f"/v1/patients/{episode['patient_id']}"))["reference"]
    informants = f"/v1/patients/{episode['patient_id']}/informants"
    created(therapist.post(informants, {"role": "parent", "label": "mother"}))
    offer = make_programme(clinic, "individual")
    session = hold(clinic, episode)
    closed = make_episode(clinic)
    ok(therapist.patch(f"/v1/episodes/{closed['id']}", {"closed_at": at(), "closing_reason": "moved"}, 1))
    again = {"name": offer["name"], "format": "group", "counted_contact_types": ["group"]}
    start = {"programme_id": offer["id"], "started_at": at()}
    attendance = {"episode_id": episode["id"], "outcome": "attended"}
    for answer in (
        therapist.post("/v1/patients", {"reference": reference, "birth_month": "1990-01-01"}),
        therapist.post(informants, {"role": "self", "label": "myself"}),
        therapist.post(informants, {"role": "parent", "label": "mother"}),
        clinic.lead.post("/v1/programmes", again),
        therapist.post(f"/v1/episodes/{closed['id']}/programmes", start),
        therapist.post(f"/v1/treatment-sessions/{session['id']}/attendances", attendance),
    ):
        assert problem(answer)[:2] == (409, "state-conflict"), answer.text
        assert reference not in answer.text


def test_what_points_nowhere_or_breaks_a_rule_is_said_where_it_stands(clinic: Clinic) -> None:
    episode, therapist = make_episode(clinic), clinic.therapist
    path, nobody = f"/v1/episodes/{episode['id']}", str(uuid4())
    [stranger] = listed(therapist.get(f"/v1/patients/{make_patient(clinic)['id']}/informants"))
    session = {"starts_at": at(), "contact_type": "individual"}
    attended = {"episode_id": episode["id"], "outcome": "attended"}
    asked = {"instrument": "phq-9", "opens_at": at()}
    offer = {"name": "Group", "format": "group", "counted_contact_types": ["group"]}
    opening = {"patient_id": episode["patient_id"], "opened_at": at()}
    start = {"programme_id": nobody, "started_at": at()}
    snooze = {"dose": 0, "with_patient": True, "causes": ["risk"], "action": "snooze"}
    patient = {"reference": "P-1", "birth_month": "1990-01-01"}
    posts: list[tuple[Caller, str, dict[str, Any], str, str | None]] = [
        (therapist, "/v1/treatment-sessions", session | {"programme_id": nobody}, "reference", "/programme_id"),
        (therapist, "/v1/treatment-sessions", session | {"therapist_id": nobody}, "reference", "/therapist_id"),
        (
            therapist,
            "/v1/treatment-sessions",
            session | {"attendances": [attended, attended | {"informant_id": stranger["id"]}]},
            "reference",
            "/attendances/1/informant_id",
        ),
        (therapist, "/v1/episodes", opening | {"programme_id": nobody}, "reference", "/programme_id"),
        (therapist, f"{path}/programmes", start, "reference", "/programme_id"),
        (therapist, f"{path}/assignments", asked | {"informant_id": stranger["id"]}, "reference", "/informant_id"),
        (
            therapist,
            f"{path}/assignments",
            asked | {"treatment_session_id": nobody},
            "reference",
            "/treatment_session_id",
        ),
        (therapist, f"{path}/assignments", asked | {"instrument": "phq-8"}, "instrument", "/instrument"),
        (therapist, f"{path}/assignments", asked | {"form": "child"}, "instrument", "/form"),
        (therapist, f"{path}/assignments", asked | {"closes_at": at()}, "body", None),
        (therapist, f"{path}/reviews", snooze, "body", None),
        (therapist, "/v1/patients", patient | {"birth_month": "1990-01-02"}, "body", "/birth_month"),
        (therapist, "/v1/patients", patient | {"name": "Kari"}, "body", "/name"),
        (therapist, "/v1/episodes", opening | {"pathway": 4}, "body", "/pathway"),
        (clinic.lead, "/v1/programmes", offer | {"main_instrument": "phq-8"}, "instrument", "/main_instrument"),
        (clinic.lead, "/v1/programmes", offer | {"evidence_level": 3}, "body", None),
        (clinic.lead, "/v1/programmes", offer | {"counted_contact_types": []}, "body", "/counted_contact_types"),
    ]
    kinds = {"reference": "invalid-reference", "instrument": "unknown-instrument", "body": "malformed-body"}
    for caller, where, body, kind, pointer in posts:
        assert problem(caller.post(where, body)) == (422, kinds[kind], pointer), (where, body)
    # Rules between several fields name none of them.
    together: list[dict[str, Any]] = [{"closed_at": at()}, {"closed_at": at(-9), "closing_reason": "other"}]
    for change in together:
        assert problem(therapist.patch(path, change, 1)) == (422, "malformed-body", None)
    alone: dict[str, Any] = {"planned_interval_days": 0, "problem_areas": None, "opened_at": at(), "planned_dose": "8"}
    for field, value in alone.items():
        assert problem(therapist.patch(path, {field: value}, 1)) == (422, "malformed-body", f"/{field}")
    assert ok(therapist.get(path)) == episode
