"""The caseload: who needs attention first, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode
from app.db.session import Database
from tests.factories import (
    START,
    Caller,
    Clinic,
    administration,
    created,
    gad_7,
    listed,
    make_clinic,
    make_episode,
    make_patient,
    ok,
    phq_9,
    put,
)


def caseload(caller: Caller, **headers: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(caller.get("/v1/caseload", headers=headers))["episodes"]
    return found


def references(clinic: Clinic) -> list[str]:
    return [entry["patient_reference"] for entry in caseload(clinic.therapist)]


def a_course(
    clinic: Clinic, reference: str, totals: Sequence[int], *, started: datetime, item_9: int = 0, **plan: Any
) -> dict[str, Any]:
    """Weekly scores from a time on, each an hour before a session; item 9 is answered in the last one."""
    patient = make_patient(clinic, reference=reference)
    opened_at = (started - timedelta(days=1)).isoformat()
    episode = make_episode(clinic, patient_id=patient["id"], opened_at=opened_at, **plan)
    for week, total in enumerate(totals):
        at = started + timedelta(weeks=week)
        attended = [{"episode_id": episode["id"], "outcome": "attended"}]
        session = {"starts_at": (at + timedelta(hours=1)).isoformat(), "contact_type": "individual"}
        created(clinic.therapist.post("/v1/treatment-sessions", session | {"attendances": attended}))
        answers = phq_9(total, item_9=item_9 if week == len(totals) - 1 else 0)
        created(put(clinic.tablet, administration(episode, answers, completed_at=at.isoformat())))
    return episode


def recently(weeks: int) -> datetime:
    """The start of a course of so many weekly scores, the last of them yesterday."""
    return datetime.now(UTC) - timedelta(days=1, weeks=weeks - 1)


def at_once(clinic: Clinic, reference: str, totals: Sequence[int], **more: Any) -> dict[str, Any]:
    return a_course(clinic, reference, totals, started=recently(len(totals)), **more)


def test_worst_first(clinic: Clinic) -> None:
    """Open risk alerts above all, then red, yellow, stale, no change yet, too early, green, good enough."""
    made = {
        "good enough": at_once(clinic, "good enough", [16, 12, 9, 7]),
        "green": at_once(clinic, "green", [16, 14, 12, 11]),
        "no change yet": at_once(clinic, "no change yet", [16, 16, 16, 16]),
        "stale": a_course(clinic, "stale", [16, 12, 9, 7], started=START),
        "yellow": at_once(clinic, "yellow", [16] * 8),
        "red": at_once(clinic, "red", [14, 15, 16, 20]),
        "risk": at_once(clinic, "risk", [16, 12, 9, 7], item_9=1),
        "too early": at_once(clinic, "too early", [16]),
    }
    assert references(clinic) == [
        "risk",
        "red",
        "yellow",
        "stale",
        "no change yet",
        "too early",
        "green",
        "good enough",
    ]
    by_reference = {entry["patient_reference"]: entry for entry in caseload(clinic.therapist)}
    for reference, episode in made.items():
        assert by_reference[reference]["episode_id"] == episode["id"]
    reasons = {each: entry["verdict"]["signal_reason"] for each, entry in by_reference.items()}
    assert reasons == {
        "risk": "good_enough",
        "red": "deterioration_unconfirmed",
        "yellow": "time_for_review",
        "stale": "good_enough",
        "no change yet": "no_change_yet",
        "too early": "too_early",
        "green": "as_expected",
        "good enough": "good_enough",
    }
    assert {each for each, entry in by_reference.items() if entry["stale"]} == {"stale"}


def test_a_stale_red_stays_red_and_above_a_stale_green(clinic: Clinic) -> None:
    a_course(clinic, "stale green", [16, 12, 9, 7], started=START)
    a_course(clinic, "stale red", [14, 15, 16, 20], started=START)
    at_once(clinic, "green", [16, 12, 9, 7])
    assert references(clinic) == ["stale red", "stale green", "green"]
    red = caseload(clinic.therapist)[0]
    assert (red["verdict"]["signal"], red["stale"]) == ("red", True)


def test_among_alerts_the_duty_of_the_day_comes_first_and_an_assessed_one_is_gone(clinic: Clinic) -> None:
    red = at_once(clinic, "red", [14, 15, 16, 20])
    shown = at_once(clinic, "only shown", [16, 12], item_9=1)
    at_once(clinic, "same day", [16, 12], item_9=1)
    alerts = clinic.therapist.get("/v1/risk-alerts").json()
    [alert] = [each for each in alerts if each["episode_id"] == shown["id"]]
    path = f"/v1/risk-alerts/{alert['id']}/acknowledgement"
    created(clinic.therapist.post(path, {"assessment": "talked"}, headers={"If-Match": '"1"'}))
    assert references(clinic) == ["same day", "red", "only shown"]
    # Unchanged and assessed: shown, above the signals, but below what has to be done today.
    created(put(clinic.tablet, administration(shown, phq_9(12, item_9=1), completed_at=datetime.now(UTC).isoformat())))
    assert references(clinic) == ["same day", "only shown", "red"]
    entry = caseload(clinic.therapist)[1]
    [open_alert] = entry["open_alerts"]
    assert (open_alert["duty"], open_alert["due_at"], open_alert["item"]) == ("shown", None, "9")
    assert caseload(clinic.therapist)[2]["episode_id"] == red["id"]


def test_an_entry_tells_where_the_patient_stands(clinic: Clinic) -> None:
    started = recently(4)
    episode = at_once(clinic, "P-1", [16, 15, 12, 13])
    [entry] = caseload(clinic.therapist)
    assert (entry["patient_id"], entry["instrument"]) == (episode["patient_id"], "phq-9")
    assert (entry["baseline"], entry["last_score"], entry["last_dose"]) == (16, 13, 3)
    assert entry["change"] == 3  # positive when better
    last = datetime.fromisoformat(entry["last_completed_at"])
    assert abs(last - (started + timedelta(weeks=3))) < timedelta(minutes=1)
    assert [(each["score"], each["dose"], each["weeks"], each["phase"]) for each in entry["sparkline"]] == [
        (16, 0, 0, "treatment"),
        (15, 1, 1, "treatment"),
        (12, 2, 2, "treatment"),
        (13, 3, 3, "treatment"),
    ]
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    assert entry["verdict"] == trajectory["verdict"]
    assert entry["words"] == trajectory["words"]
    assert entry["series_id"] == trajectory["series"]["id"]
    assert (entry["open_alerts"], entry["overdue"], entry["stale"]) == ([], [], False)


def test_an_episode_without_answers_is_there_too(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    [entry] = caseload(clinic.therapist)
    assert entry["episode_id"] == episode["id"]
    for name in ("instrument", "verdict", "words", "baseline", "last_score", "last_dose", "change", "series_id"):
        assert entry[name] is None
    assert (entry["sparkline"], entry["overdue"], entry["stale"]) == ([], [], False)


# ---- What is overdue


def overdue(clinic: Clinic) -> dict[str, str]:
    [entry] = caseload(clinic.therapist)
    return {each["kind"]: each["due_at"] for each in entry["overdue"]}


def test_a_measure_is_overdue_one_interval_after_the_last(clinic: Clinic) -> None:
    a_course(clinic, "P-1", [16, 15], started=datetime.now(UTC) - timedelta(days=15), planned_interval_days=7)
    due = datetime.fromisoformat(overdue(clinic)["measure"])
    assert timedelta(days=1) <= datetime.now(UTC) - due < timedelta(days=1, minutes=1)
    assert caseload(clinic.therapist)[0]["stale"] is False


def test_with_a_longer_interval_it_is_not(clinic: Clinic) -> None:
    a_course(clinic, "P-1", [16, 15], started=datetime.now(UTC) - timedelta(days=15), planned_interval_days=14)
    assert overdue(clinic) == {}


def test_what_needs_clarification_is_overdue_from_the_day_it_came(clinic: Clinic) -> None:
    receipt = created(put(clinic.tablet, administration(make_episode(clinic), {"1": 3})))
    assert overdue(clinic) == {"clarification": receipt["received_at"]}
    [entry] = caseload(clinic.therapist)
    assert entry["overdue"][0]["id"] == receipt["id"]
    body = {"reason": "asked again", "answers": phq_9(3)}
    path = f"/v1/administrations/{receipt['id']}/corrections"
    created(clinic.therapist.post(path, body, headers={"If-Match": '"1"'}))
    assert "clarification" not in overdue(clinic)


def test_a_review_is_overdue_on_its_day_until_it_is_done(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    today = datetime.now(UTC).date()
    review = {"dose": 0, "with_patient": True, "causes": ["alliance"], "action": "change_focus"}
    path = f"/v1/episodes/{episode['id']}/reviews"
    created(clinic.therapist.post(path, review | {"due_on": (today + timedelta(days=2)).isoformat()}))
    assert overdue(clinic) == {}
    due = created(clinic.therapist.post(path, review | {"due_on": (today - timedelta(days=1)).isoformat()}))
    assert overdue(clinic) == {"review": (today - timedelta(days=1)).isoformat()}
    done = {"done_at": datetime.now(UTC).isoformat()}
    ok(clinic.therapist.patch(f"/v1/reviews/{due['id']}", done, due["version"]))
    assert overdue(clinic) == {}


def test_a_snoozed_review_is_overdue_when_the_snooze_ends(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    today = datetime.now(UTC).date()
    review = {"dose": 0, "with_patient": True, "causes": ["alliance"], "action": "snooze", "note": "holidays"}
    review |= {"due_on": (today - timedelta(days=9)).isoformat()}
    path = f"/v1/episodes/{episode['id']}/reviews"
    later, earlier = ((today + timedelta(days=days)).isoformat() for days in (3, -2))
    snoozed = created(clinic.therapist.post(path, review | {"snoozed_until": later}))
    assert overdue(clinic) == {}
    ok(clinic.therapist.patch(f"/v1/reviews/{snoozed['id']}", {"snoozed_until": earlier}, snoozed["version"]))
    assert overdue(clinic) == {"review": earlier}


def test_what_waits_longest_comes_first_among_equals(clinic: Clinic) -> None:
    a_course(clinic, "b: three days", [16], started=datetime.now(UTC) - timedelta(days=10))
    a_course(clinic, "c: five days", [16], started=datetime.now(UTC) - timedelta(days=12))
    a_course(clinic, "d: not yet", [16], started=datetime.now(UTC) - timedelta(days=2))
    a_course(clinic, "a: not yet", [16], started=datetime.now(UTC) - timedelta(days=2))
    assert references(clinic) == ["c: five days", "b: three days", "a: not yet", "d: not yet"]


# ---- Whose, and how shown


def test_a_closed_episode_is_gone_until_it_is_opened_again(clinic: Clinic) -> None:
    episode = at_once(clinic, "P-1", [16, 12])
    closed = close(clinic, episode)
    assert caseload(clinic.therapist) == []
    reopening = {"closed_at": None, "closing_reason": None}
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", reopening, closed["version"]))
    assert references(clinic) == ["P-1"]


def test_a_closed_episode_stays_above_all_until_its_alert_is_assessed(clinic: Clinic) -> None:
    at_once(clinic, "open", [12, 18])
    closed = close(clinic, at_once(clinic, "closed", [16, 12], item_9=1))
    first, second = caseload(clinic.therapist)
    assert (first["patient_reference"], first["closed_at"]) == ("closed", closed["closed_at"])
    assert (second["patient_reference"], second["closed_at"]) == ("open", None)
    for alert in listed(clinic.therapist.get("/v1/risk-alerts")):
        path, assessed = f"/v1/risk-alerts/{alert['id']}/acknowledgement", {"assessment": "talked with the patient"}
        created(clinic.therapist.post(path, assessed, headers={"If-Match": '"1"'}))
    assert references(clinic) == ["open"]


def close(clinic: Clinic, episode: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/episodes/{episode['id']}"
    closing = {"closed_at": datetime.now(UTC).isoformat(), "closing_reason": "moved"}
    return ok(clinic.therapist.patch(path, closing, ok(clinic.therapist.get(path))["version"]))


def test_each_therapist_sees_their_own(clinic: Clinic) -> None:
    at_once(clinic, "mine", [16, 12])
    assert caseload(clinic.colleague) == []
    patient = created(clinic.colleague.post("/v1/patients", {"reference": "theirs", "birth_month": "1990-01-01"}))
    body = {"patient_id": patient["id"], "opened_at": START.isoformat()}
    created(clinic.colleague.post("/v1/episodes", body))
    assert [entry["patient_reference"] for entry in caseload(clinic.colleague)] == ["theirs"]
    assert references(clinic) == ["mine"]


def test_measures_that_disagree_are_named(clinic: Clinic) -> None:
    episode = at_once(clinic, "P-1", [18, 15, 13, 11])
    started = recently(4)
    for week, total in enumerate([8, 9, 11, 13]):
        at = (started + timedelta(weeks=week)).isoformat()
        created(put(clinic.tablet, administration(episode, gad_7(total), instrument="gad-7", completed_at=at)))
    [entry] = caseload(clinic.therapist, **{"Accept-Language": "en"})
    assert [each["code"] for each in entry["disagreements"]] == ["measures_disagree"]
    assert entry["words"]["reasons"][-1].startswith("Another measure")
    assert entry["words"]["language"] == "en"


def test_record_mode_has_scores_and_what_is_overdue_but_no_signals(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    at_once(clinic, "deteriorating", [14, 15, 16, 20])
    at_once(clinic, "at risk", [16, 12, 9, 7], item_9=1)
    entries = caseload(clinic.therapist)
    assert [entry["patient_reference"] for entry in entries] == ["at risk", "deteriorating"]
    assert [(entry["verdict"], entry["words"], entry["change"]) for entry in entries] == [
        (None, None, 9),
        (None, None, -6),
    ]


@pytest.mark.parametrize("who", ["lead", "tablet"])
def test_a_caseload_is_a_therapist_s(clinic: Clinic, who: str) -> None:
    caller: Mapping[str, Caller] = {"lead": clinic.lead, "tablet": clinic.tablet}
    assert caller[who].get("/v1/caseload").status_code == 403
