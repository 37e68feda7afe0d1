"""The switch between record and decision support, and what nobody is told in the mode `record`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode, Role
from app.db.session import Database
from app.identity.policy import ALLOWED, Action
from tests.api.steps import correct, course
from tests.factories import (
    NAMES,
    Caller,
    Clinic,
    administration,
    at,
    created,
    gad_7,
    hold,
    listed,
    make_clinic,
    make_record,
    ok,
    phq_9,
    put,
)
from tests.owner import Owner

SPECIFICATION = "application/vnd.vegalite.v6+json"

JUDGING = {
    "signal",
    "signal_reason",
    "responder_state",
    "verdict",
    "verdicts",
    "expected",
    "goal_probability",
    "deterioration_probability",
    "change_probability",
    "curve",
    "prospects",
    "composite",
    "decision_rule",
    "natural_course",
    "further_gain",
    "natural_further_gain",
    "disagreements",
    "review_points",
}
"""Names under which curves, signals and predictions are told."""

OF_THE_ORGANISATION = {
    Action.READ_OPENAPI,
    Action.READ_PROBLEM,
    Action.LIST_INSTRUMENTS,
    Action.READ_INSTRUMENT,
    Action.LIST_PROGRAMMES,
    Action.READ_PROGRAMME,
    Action.LIST_CURVES,
    Action.READ_CURVE,
    Action.READ_SETTINGS,
}
"""What is said of no patient: a rule or a curve that is kept is not one that is applied."""


def switch(clinic: Clinic, mode: OrganisationMode, caller: Caller | None = None) -> dict[str, Any]:
    caller = caller or clinic.administrator
    version = ok(caller.get("/v1/settings"))["version"]
    return ok(caller.patch("/v1/settings", {"mode": mode, "reason": f"the board decided {mode}"}, version))


def told(answer: Any) -> Iterator[str]:
    """Give the names under which an answer tells something of what is expected, judged or foretold."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name in JUDGING and value not in (None, [], {}):
                yield name
            yield from told(value)
    elif isinstance(answer, list):
        for each in answer:
            yield from told(each)


def answers_of(clinic: Clinic, record: dict[str, str], role: Role) -> Iterator[tuple[str, Any]]:
    """Ask every route that a role may read; give what it answers, in every form."""
    caller = clinic.caller(role)
    document = ok(caller.get("/v1/openapi.json"))
    for path, methods in document["paths"].items():
        operation = methods.get("get")
        if operation is None or operation.get("operationId") not in ALLOWED[role] - OF_THE_ORGANISATION:
            continue
        asked = "?year=2026&measure=phq-9" if path.startswith("/v1/reports/") else ""
        answer = caller.get(path.format(**{**record, **NAMES}) + asked)
        assert answer.status_code == 200, (path, answer.text)
        yield operation["operationId"], answer.json()


def much_was_answered(clinic: Clinic) -> dict[str, str]:
    """A record of which much can be said: a course that gets worse, two measures, an alert, a review."""
    record = make_record(clinic)
    episode = {"id": record["episode_id"]}
    for week, total in enumerate([9, 18, 20, 22, 24], 1):
        hold(clinic, episode, week=week)
        created(put(clinic.therapist, administration(episode, phq_9(total), week=week)))
        answers = {"instrument": "gad-7", "answers": gad_7(10 - 2 * week)}
        created(put(clinic.therapist, administration(episode, {}, week=week) | answers))
    # Verdicts hang on the newest form too.
    newest = administration(episode, phq_9(23, item_9=1), week=6)
    record["administration_id"] = created(put(clinic.therapist, newest))["id"]
    return record


@pytest.fixture
def judged(clinic: Clinic) -> dict[str, str]:
    return much_was_answered(clinic)


@pytest.mark.parametrize("role", [Role.THERAPIST, Role.SUPERVISOR])
def test_in_the_mode_record_no_route_tells_curves_signals_or_predictions(
    clinic: Clinic, judged: dict[str, str], role: Role
) -> None:
    before = {name: set(told(answer)) for name, answer in answers_of(clinic, judged, role)}
    # Otherwise nothing would be shown by what follows.
    assert (
        "signal" in before[Action.READ_TRAJECTORY] & before[Action.READ_CASELOAD] & before[Action.READ_ADMINISTRATION]
    )
    assert {"prospects", "curve", "expected"} <= before[Action.READ_TRAJECTORY]
    switch(clinic, OrganisationMode.RECORD)
    asked = list(answers_of(clinic, judged, role))
    assert {name for name, _ in asked} == set(before)
    assert {name: set(told(answer)) for name, answer in asked if list(told(answer))} == {}
    # What was issued is kept, and shown again when it may be.
    switch(clinic, OrganisationMode.DECISION_SUPPORT)
    assert {name: set(told(answer)) for name, answer in answers_of(clinic, judged, role)} == before


def test_a_clinicians_receipts_and_corrections_tell_none_either(clinic: Clinic, judged: dict[str, str]) -> None:
    episode = {"id": judged["episode_id"]}
    body, stored = administration(episode, phq_9(20), week=7), judged["administration_id"]
    first = created(put(clinic.therapist, body))
    assert "signal" in set(told(first))
    switch(clinic, OrganisationMode.RECORD)
    again = ok(clinic.therapist.put(f"/v1/administrations/{first['id']}", body))
    assert again["result"]["scores"]["total"]["value"] == 20
    new = put(clinic.therapist, administration(episode, phq_9(9, item_9=2), week=8))
    batch = clinic.therapist.put("/v1/administrations", {"administrations": [body | {"id": first["id"]}]})
    corrected = correct(clinic, stored, answers=phq_9(21))
    for answer in (again, created(new), ok(batch), created(corrected)):
        assert list(told(answer)) == []
    # Risk alerts are raised in every mode.
    [alert] = new.json()["result"]["risk_alerts"]
    assert alert["duty"] == "same_day"
    assert alert["id"] in {each["id"] for each in listed(clinic.therapist.get("/v1/risk-alerts"))}


def test_charts_are_those_of_an_organisation_that_never_judged(
    clinic: Clinic, judged: dict[str, str], database: Database, client: TestClient
) -> None:
    never = make_clinic(database, client, OrganisationMode.RECORD)
    of_never = much_was_answered(never)
    assert len(of_never) == len(judged)

    def charts(of: Clinic, record: dict[str, str]) -> dict[tuple[str, str], str]:
        forms = {"trajectory": [SPECIFICATION, "text/csv"], "sparkline": [SPECIFICATION]}
        return {
            (route, accept): of.therapist.get(
                f"/v1/episodes/{record['episode_id']}/{route}", headers={"Accept": accept}
            ).text
            for route, accepts in forms.items()
            for accept in accepts
        }

    plain, before = charts(never, of_never), charts(clinic, judged)
    assert not {name for name in plain if plain[name] == before[name]}, "a chart shows something that is to go"
    switch(clinic, OrganisationMode.RECORD)
    assert charts(clinic, judged) == plain


def test_the_switch_is_a_named_persons_with_a_reason_and_leaves_both_modes_in_the_audit(
    clinic: Clinic, owner: Owner
) -> None:
    before = len(owner.audit(clinic.organisation_id))
    refused = clinic.administrator.patch("/v1/settings", {"mode": "record"}, 1)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/reason")
    assert len(owner.audit(clinic.organisation_id)) == before
    switch(clinic, OrganisationMode.RECORD)
    switch(clinic, OrganisationMode.DECISION_SUPPORT, clinic.lead)
    events = owner.audit(clinic.organisation_id)[before:]
    assert [(event["action"], event["role"], event["patient_ids"]) for event in events] == [
        ("change_settings: mode decision_support to record", "administrator", []),
        ("change_settings: mode record to decision_support", "service_lead", []),
    ]
    kept = owner.rows(
        "select s.mode, s.reason, u.display_name from organisation_settings s join users u"
        " on u.organisation_id = s.organisation_id and u.id = s.author_id"
        " where s.organisation_id = %s order by s.version",
        clinic.organisation_id,
    )
    assert [tuple(row.values()) for row in kept] == [
        ("record", "the board decided record", "Administrator"),
        ("decision_support", "the board decided decision_support", "Service lead"),
    ]
    for role in (Role.THERAPIST, Role.SUPERVISOR, Role.ANALYST, Role.OPERATOR, Role.DEVICE):
        assert clinic.caller(role).patch("/v1/settings", {"mode": "record", "reason": "no"}, 3).status_code == 403


def test_a_crisis_turns_the_flags_of_an_episode_off_and_no_risk_alert(clinic: Clinic) -> None:
    worse = [9, 18, 20, 22, 24]
    episode, verdicts = course(clinic, worse)
    other, _ = course(clinic, worse)
    assert verdicts[-1]["signal"] == "red"

    def standing() -> dict[str, tuple[str, str]]:
        return {
            each["episode_id"]: (each["verdict"]["signal"], each["verdict"]["signal_reason"])
            for each in ok(clinic.therapist.get("/v1/caseload"))["episodes"]
        }

    red = standing()[episode["id"]]
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", {"crisis_pause_since": at(4)}, 1))
    assert standing() == {episode["id"]: ("grey", "crisis_pause"), other["id"]: red}
    new = created(put(clinic.therapist, administration(episode, phq_9(24, item_9=3), week=5)))["result"]
    assert (new["verdict"]["signal"], new["verdict"]["signal_reason"]) == ("grey", "crisis_pause")
    assert [(each["item"], each["duty"]) for each in new["risk_alerts"]] == [("9", "same_day")]
    path = f"/v1/episodes/{episode['id']}/trajectory"
    assert ok(clinic.therapist.get(path))["verdict"]["signal_reason"] == "crisis_pause"
    # When it is over, the flags are back.
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", {"crisis_pause_since": None}, 2))
    assert standing()[episode["id"]][0] == "red"
