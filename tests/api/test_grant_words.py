"""What a lead writes for the grant report, who else may read it, and who referred whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Caller, Clinic, at, created, listed, make_episode, make_programme, ok

UNWRITTEN = {"If-Match": '"0"'}
WORDS = (
    *("target_group", "goals", "leadership", "budget", "plan"),
    *("involvement_individual", "involvement_service", "involvement_system"),
)


def test_the_level_belongs_to_a_programme_and_a_target_group(clinic: Clinic) -> None:
    path = f"/v1/programmes/{make_programme(clinic, 'group')['id']}/evidence"
    rated = {"target_group": "young people", "level": 0, "source": "a review", "assessed_on": "2025-03-01"}
    for group in ({"target_group": "adults"}, rated):
        created(clinic.lead.post(path, group))
    adults, young = listed(clinic.supervisor.get(path))
    # Nobody knows, and somebody has looked and found nothing: two different things.
    assert (adults["level"], young["level"]) == (None, 0)
    assert clinic.lead.post(path, {"target_group": "adults"}).status_code == 409
    other = f"/v1/programmes/{make_programme(clinic, 'group')['id']}/evidence"
    created(clinic.lead.post(other, {"target_group": "adults"}))
    change = {"level": 3, "source": "a trial", "assessed_on": "2026-01-05"}
    changed = ok(clinic.administrator.patch(f"/v1/programme-evidence/{adults['id']}", change, 1))
    assert {name: changed[name] for name in (*change, "version")} == change | {"version": 2}


@pytest.mark.parametrize("lacking", ["source", "assessed_on"])
def test_a_level_needs_its_source_and_its_date(clinic: Clinic, lacking: str) -> None:
    path = f"/v1/programmes/{make_programme(clinic, 'group')['id']}/evidence"
    rated = {"target_group": "adults", "level": 2, "source": "a trial", "assessed_on": "2026-01-05"}
    assert clinic.lead.post(path, {**rated, lacking: None}).status_code == 422
    row = created(clinic.lead.post(path, rated))
    assert clinic.lead.patch(f"/v1/programme-evidence/{row['id']}", {lacking: None}, 1).status_code == 422
    for level in (-1, 6, "2"):
        assert clinic.lead.post(path, {**rated, "level": level}).status_code == 422


def test_an_evaluation_plan_is_written_as_a_whole_over_what_was_read(clinic: Clinic) -> None:
    path = f"/v1/programmes/{make_programme(clinic, 'group')['id']}/evaluation-plan"
    empty = clinic.therapist.get(path)
    assert (ok(empty)["version"], empty.headers["ETag"], ok(empty)["question"]) == (0, '"0"', None)
    body = {"question": "Does it help?", "measure": "phq-9", "time": "at the end", "responsible": "the lead"}
    written = clinic.lead.put(path, body, headers=UNWRITTEN)
    assert (ok(written)["version"], written.headers["ETag"]) == (1, '"1"')
    assert clinic.lead.put(path, body, headers=UNWRITTEN).status_code == 412
    # What is not named is empty afterwards.
    ok(clinic.lead.put(path, {"comparator": "the expected course"}, headers={"If-Match": '"1"'}))
    plan = ok(clinic.therapist.get(path))
    assert (plan["version"], plan["question"], plan["comparator"]) == (2, None, "the expected course")
    missing = clinic.lead.put(path, {"measure": "phq-8"}, headers={"If-Match": '"2"'})
    assert (missing.status_code, missing.json()["pointer"]) == (422, "/measure")
    assert clinic.lead.put(path, {}).status_code == 428


def test_nothing_is_written_over_a_version_that_nobody_has_seen(clinic: Clinic) -> None:
    path = f"/v1/programmes/{make_programme(clinic, 'group')['id']}/evaluation-plan"
    assert clinic.lead.put(path, {"time": "now"}, headers={"If-Match": '"1"'}).status_code == 412
    assert ok(clinic.lead.get(path))["version"] == 0


def test_a_lead_speaks_for_the_own_service_and_an_administrator_for_each(clinic: Clinic) -> None:
    services = {row["name"]: row["id"] for row in listed(clinic.administrator.get("/v1/services"))}
    own, other = (
        f"/v1/services/{services[name]}/statements/2024" for name in ("Rask psykisk helsehjelp", "Helsestasjonen")
    )
    said = {name: f"our {name}" for name in WORDS}
    ok(clinic.lead.put(own, said, headers=UNWRITTEN))
    assert {name: ok(clinic.administrator.get(own))[name] for name in WORDS} == said
    # Another year begins empty.
    assert ok(clinic.lead.get(own.replace("2024", "2025"))) == {
        **dict.fromkeys(WORDS),
        "service_id": str(clinic.service_id),
        "year": 2025,
        "version": 0,
    }
    assert clinic.lead.get(other).status_code == clinic.lead.put(other, {}, headers=UNWRITTEN).status_code == 404
    ok(clinic.administrator.put(other, {"goals": "help in time"}, headers=UNWRITTEN))
    for caller in (clinic.therapist, clinic.supervisor, clinic.analyst):
        assert caller.get(own).status_code == 403


@pytest.mark.parametrize(("year", "status"), [("1999", 422), ("2000", 200), ("2199", 200), ("2200", 422), ("x", 422)])
def test_a_year_is_one(clinic: Clinic, year: str, status: int) -> None:
    assert clinic.lead.get(f"/v1/services/{clinic.service_id}/statements/{year}").status_code == status


def test_what_a_service_says_has_an_end(clinic: Clinic) -> None:
    path = f"/v1/services/{clinic.service_id}/statements/2023"
    refused = clinic.lead.put(path, {"budget": "x" * 4001}, headers=UNWRITTEN)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/budget")
    assert ok(clinic.lead.put(path, {"budget": "x" * 4000}, headers=UNWRITTEN))["version"] == 1


def change(caller: Caller, episode: dict[str, Any], version: int, **fields: Any) -> dict[str, Any]:
    return ok(caller.patch(f"/v1/episodes/{episode['id']}", fields, version))


def test_an_episode_says_who_referred_and_where_to(clinic: Clinic) -> None:
    episode = make_episode(clinic, referral_source="school_health_service")
    assert (episode["referral_source"], episode["referred_to"]) == ("school_health_service", None)
    closing = {"closed_at": at(5), "closing_reason": "referred_on", "referred_to": "specialist_care"}
    closed = change(clinic.therapist, episode, 1, **closing)
    assert (closed["referral_source"], closed["referred_to"]) == ("school_health_service", "specialist_care")
    assert change(clinic.therapist, episode, 2, referral_source="self")["referral_source"] == "self"
    for wrong in ({"referral_source": "a friend"}, {"referred_to": "self"}):
        assert clinic.therapist.patch(f"/v1/episodes/{episode['id']}", wrong, 3).status_code == 422
    # It is the patient's too, with what it was before.
    copy = ok(clinic.therapist.get(f"/v1/patients/{episode['patient_id']}/copy?for=patient"))
    [copied] = copy["episodes"]
    assert (copied["referral_source"], copied["referred_to"]) == ("self", "specialist_care")
    assert {"referral_source": "school_health_service"} in [each["was"] for each in copy["earlier_values"]]
