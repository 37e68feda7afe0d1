"""Learnt curves at the interface: who sees them, who puts one into force, and what keeps one out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.db.session import Database
from tests.api.steps import course
from tests.factories import Clinic, created, listed, make_clinic, make_curve, make_programme, ok
from tests.learnt import DOES_BADLY, LINE, fake_methods, learn_curve, make_courses


def act(clinic: Clinic, curve_id: object, step: str, version: int = 1) -> Response:
    return clinic.lead.request("POST", f"/v1/curves/{curve_id}/{step}", headers={"If-Match": f'"{version}"'})


def in_force(clinic: Clinic) -> str:
    """Give the curve of a new verdict."""
    _, verdicts = course(clinic, [15])
    key: str = verdicts[0]["curve"]
    return key


def test_a_learnt_curve_is_shown_with_its_gates_and_its_evaluation(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    curve_id = learn_curve(database, clinic, methods=fake_methods(intercept=8.0))
    answer = clinic.lead.get(f"/v1/curves/{curve_id}", headers={"Accept-Language": "en"})
    assert answer.headers["ETag"] == '"1"'
    curve = ok(answer)
    listed_one = listed(clinic.therapist.get("/v1/curves", headers={"Accept-Language": "en"}))
    assert listed_one == [{name: curve[name] for name in listed_one[0]}]
    assert (curve["key"], curve["state"], curve["passed"], curve["revision"]) == ("local-1", "candidate", True, 1)
    assert curve["words"] == "Candidate: learnt from the organisation's own episodes, but not in force."
    assert (curve["data_from"], curve["data_to"], curve["n_episodes"]) == ("2026-01-05", "2026-01-19", 3)
    assert [(gate["name"], gate["passed"], gate["figure"]) for gate in curve["gates"]] == [
        ("enough_episodes", True, 120),
        ("out_of_time", True, 45),
        ("coverage", True, 0.8),
        ("calibration", True, 1.0),
        ("log_score", True, pytest.approx(0.024)),
    ]
    assert (curve["gates"][2]["at_least"], curve["gates"][2]["at_most"]) == (0.75, 0.85)
    assert curve["gates"][0]["words"].endswith("at least 100 episodes with three scores or more.")
    evaluation = curve["evaluation"]
    assert evaluation["held_back"] == {"episodes": 1, "start": "2026-01-26", "end": "2026-01-26"}
    assert evaluation["compared_with"] == curve["learnt_from"]["prior"]
    assert evaluation["compared_with"]["key"] == "arcsine-1"
    assert evaluation["held_out"]["coverage"]["standard_error"] == 0.01
    assert curve["learnt_from"]["estimates"] == [{"name": "intercept", "estimate": 12.0, "standard_error": 0.8}]
    # The published curve of the PHQ-9 (its file), but for where it starts.
    assert (curve["parameters"]["intercept"], curve["parameters"]["session_slope"]) == (8.0, -2.7)
    assert curve["parameters"]["shares"] == {"early": 0.686, "linear": 0.196, "late": 0.098, "worsening": 0.02}
    assert len(curve["parameters_hash"]) == 64


def test_curves_are_listed_by_instrument_the_newest_first(database: Database, clinic: Clinic) -> None:
    programme = make_programme(clinic, "individual")["id"]
    make_courses(clinic, programme_id=programme)
    learn_curve(database, clinic)
    learn_curve(database, clinic, replace(LINE, programme_id=UUID(programme)))
    curves = listed(clinic.lead.get("/v1/curves"))
    assert [(curve["key"], curve["programme_id"]) for curve in curves] == [("local-2", programme), ("local-1", None)]
    assert listed(make_clinic(database, clinic.lead.client).lead.get("/v1/curves")) == []


def test_a_lead_puts_a_curve_into_force_and_takes_it_back(clinic: Clinic) -> None:
    curve_id = make_curve(clinic)["id"]
    assert in_force(clinic) == "arcsine-1"
    answer = act(clinic, curve_id, "activation")
    live = created(answer)
    assert (live["state"], live["version"], answer.headers["ETag"]) == ("live", 2, '"2"')
    assert live["activated_by"] is not None
    assert in_force(clinic) == "local-1"
    retired = created(act(clinic, curve_id, "step-back", 2))
    assert (retired["state"], retired["version"], retired["retired_by"]) == ("retired", 3, live["activated_by"])
    assert in_force(clinic) == "arcsine-1"


def test_one_step_back_brings_the_curve_before(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    first = learn_curve(database, clinic)
    created(act(clinic, first, "activation"))
    second = learn_curve(database, clinic)
    created(act(clinic, second, "activation"))
    before = ok(clinic.lead.get(f"/v1/curves/{first}"))
    assert (before["state"], before["successor_id"]) == ("retired", str(second))
    assert in_force(clinic) == "local-2"
    created(act(clinic, second, "step-back", 2))
    before = ok(clinic.lead.get(f"/v1/curves/{first}"))
    assert (before["state"], before["successor_id"], before["retired_at"]) == ("live", None, None)
    assert in_force(clinic) == "local-1"


def test_a_shut_gate_keeps_a_curve_out_and_is_named(database: Database, clinic: Clinic) -> None:
    make_courses(clinic)
    curve_id = learn_curve(database, clinic, methods=fake_methods(DOES_BADLY))
    curve = ok(clinic.lead.get(f"/v1/curves/{curve_id}"))
    assert (curve["passed"], [gate["name"] for gate in curve["gates"] if not gate["passed"]]) == (False, ["coverage"])
    refused = act(clinic, curve_id, "activation")
    assert (refused.status_code, refused.json()["type"]) == (409, "/v1/problems/state-conflict")
    assert refused.json()["detail"] == "the curve has not passed every gate: coverage"
    assert ok(clinic.lead.get(f"/v1/curves/{curve_id}"))["state"] == "candidate"
    assert in_force(clinic) == "arcsine-1"


@pytest.mark.parametrize("step", ["activation", "step-back"])
def test_therapists_and_tablets_decide_nothing(clinic: Clinic, step: str) -> None:
    path = f"/v1/curves/{make_curve(clinic)['id']}/{step}"
    for caller in (clinic.therapist, clinic.tablet):
        assert caller.request("POST", path, headers={"If-Match": '"1"'}).status_code == 403
    assert clinic.tablet.get("/v1/curves").status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 428), ({"If-Match": '"7"'}, 412), ({"If-Match": "x"}, 422), ({"If-Match": '"1"'}, 409)]
)
def test_a_step_rests_on_what_was_read(clinic: Clinic, headers: dict[str, str], status: int) -> None:
    path = f"/v1/curves/{make_curve(clinic)['id']}/step-back"
    assert clinic.lead.request("POST", path, headers=headers).status_code == status


def test_what_is_decided_twice_is_a_conflict(clinic: Clinic) -> None:
    curve_id = make_curve(clinic)["id"]
    created(act(clinic, curve_id, "activation"))
    assert act(clinic, curve_id, "activation").status_code == 412
    assert act(clinic, curve_id, "activation", 2).status_code == 409
    created(act(clinic, curve_id, "step-back", 2))
    assert act(clinic, curve_id, "step-back", 2).status_code == 412
    assert act(clinic, curve_id, "activation", 3).status_code == 409


def test_a_curve_that_is_not_there(clinic: Clinic) -> None:
    assert clinic.lead.get(f"/v1/curves/{uuid4()}").status_code == 404
    assert act(clinic, uuid4(), "activation").status_code == 404
    assert act(clinic, "7", "activation").status_code == 422


def test_no_request_learns_a_curve(client: TestClient) -> None:
    """It would hold up everybody who waits for an answer."""
    app: Any = client.app
    paths = [path for path in app.openapi()["paths"] if "curve" in path]
    assert paths == [
        "/v1/curves",
        "/v1/curves/{curve_id}",
        "/v1/curves/{curve_id}/activation",
        "/v1/curves/{curve_id}/step-back",
    ]
    assert list(app.openapi()["paths"]["/v1/curves"]) == ["get"]
