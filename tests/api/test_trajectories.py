"""A trajectory: which series, which scores, which verdict or why none, in whose words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode
from app.db.session import Database
from tests.api.steps import (
    accept,
    course,
    trajectory_of,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    gad_7,
    make_clinic,
    make_episode,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)

# ---- Which scores are shown, and which judged


def test_scores_of_the_waiting_time_are_shown_and_never_fitted(clinic: Clinic) -> None:
    plain, _ = course(clinic, [15, 13], planned_dose=10)
    waited = make_episode(clinic, planned_dose=10)
    make_sessions(clinic, waited, 2)
    for week, total in ((-10, 24), (-2, 3), (0, 15), (1, 13)):
        created(put(clinic.tablet, administration(waited, phq_9(total), week=week)))
    trajectory = trajectory_of(clinic, waited)
    assert [(each["weeks"], each["phase"], each["is_baseline"]) for each in trajectory["observations"]] == [
        (-10, "waiting", False),
        (-2, "waiting", False),
        (0, "treatment", True),
        (1, "treatment", False),
    ]
    expected = trajectory_of(clinic, plain)
    for name in ("curve", "natural_course", "review_points"):
        assert trajectory[name] == expected[name]
    for name in ("signal", "expected", "lower", "upper", "goal_probability", "baseline"):
        assert trajectory["verdict"][name] == expected["verdict"][name]


def test_before_a_session_counts_nothing_is_judged(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    for week, total in enumerate([15, 22]):
        created(put(clinic.tablet, administration(episode, phq_9(total), week=week)))
    trajectory = trajectory_of(clinic, episode)
    assert {each["phase"] for each in trajectory["observations"]} == {"waiting"}
    for name in ("curve", "natural_course", "verdict", "words", "change"):
        assert trajectory[name] is None
    assert trajectory["review_points"] == []
    assert trajectory["counted_sessions"] == 0


def test_what_needs_clarification_is_there_but_is_no_result(clinic: Clinic) -> None:
    episode, _ = course(clinic, [15, 14])
    body = administration(episode, {"1": 3}, week=2)
    set_aside = created(put(clinic.tablet, body))
    trajectory = trajectory_of(clinic, episode)
    assert [each["score"] for each in trajectory["observations"]] == [15, 14]
    [shown] = trajectory["needs_clarification"]
    assert shown["administration_id"] == set_aside["id"]
    assert datetime.fromisoformat(shown["completed_at"]) == START + timedelta(weeks=2)


def test_record_mode_has_scores_and_change_but_no_curve_and_no_verdict(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    episode, verdicts = course(clinic, [16, 12, 9, 7])
    assert verdicts == [None] * 4
    trajectory = trajectory_of(clinic, episode)
    assert trajectory["mode"] == "record"
    assert [each["score"] for each in trajectory["observations"]] == [16, 12, 9, 7]
    # 9 points are more than the 6 that are reliable.
    assert trajectory["change"] == "reliable_improvement"
    assert (trajectory["series"]["cutoff"], trajectory["series"]["reliable_change"]) == (10, 6)
    for name in ("curve", "natural_course", "verdict", "words"):
        assert trajectory[name] is None
    assert (trajectory["review_points"], trajectory["disagreements"]) == ([], [])


def test_risk_alerts_work_in_record_mode(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    created(put(clinic.tablet, administration(make_episode(clinic), phq_9(9, item_9=1))))
    [alert] = clinic.therapist.get("/v1/risk-alerts").json()
    assert alert["duty"] == "same_day"


def test_switching_to_record_mode_hides_curves_and_verdicts_and_switching_back_shows_them(clinic: Clinic) -> None:
    episode, verdicts = course(clinic, [16, 12])
    for mode, shown in (("record", None), ("decision_support", verdicts[-1])):
        settings = ok(clinic.lead.get("/v1/settings"))
        ok(clinic.lead.patch("/v1/settings", {"mode": mode, "reason": "trial"}, settings["version"]))
        assert trajectory_of(clinic, episode)["verdict"] == shown


def why_no_verdict(clinic: Clinic, episode: Mapping[str, Any]) -> str:
    trajectory = trajectory_of(clinic, episode, "?instrument=phq-9", **{"Accept-Language": "en"})
    assert trajectory["verdict"] is None
    assert trajectory["words"] is None
    assert trajectory["no_verdict"]["words"]
    code: str = trajectory["no_verdict"]["code"]
    return code


def test_where_there_is_no_verdict_there_is_a_reason(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    receipt = created(put(clinic.tablet, administration(episode, {"1": 3})))
    assert why_no_verdict(clinic, episode) == "needs_clarification"
    accept(clinic, receipt, "too_many_missing")
    assert why_no_verdict(clinic, episode) == "no_score"
    created(put(clinic.tablet, administration(episode, phq_9(16))))
    assert why_no_verdict(clinic, episode) == "no_counted_session"
    make_sessions(clinic, episode, 1)
    assert trajectory_of(clinic, episode)["no_verdict"] is None


def test_a_follow_up_alone_is_not_judged(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    closing = {"closed_at": (START + timedelta(weeks=2)).isoformat(), "closing_reason": "completed"}
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, episode["version"]))
    receipt = created(put(clinic.tablet, administration(episode, phq_9(16), week=10)))
    accept(clinic, receipt, "episode_closed")
    assert why_no_verdict(clinic, episode) == "follow_up"


def test_scores_of_the_record_mode_are_judged_from_the_next_event_on(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 3)
    put_weekly(clinic, episode, [16, 15])
    assert why_no_verdict(clinic, episode) == "record_mode"
    settings = ok(clinic.lead.get("/v1/settings"))
    ok(clinic.lead.patch("/v1/settings", {"mode": "decision_support", "reason": "agreed"}, settings["version"]))
    assert why_no_verdict(clinic, episode) == "not_issued_yet"
    assert trajectory_of(clinic, episode)["curve"] is not None
    created(put(clinic.tablet, administration(episode, phq_9(14), week=2)))
    assert trajectory_of(clinic, episode)["verdict"]["baseline"] == 16


# ---- Which series


def test_the_main_measure_comes_unasked_and_any_other_when_asked(clinic: Clinic) -> None:
    episode, _ = course(clinic, [15, 14])
    created(put(clinic.tablet, administration(episode, gad_7(12), instrument="gad-7")))
    main = trajectory_of(clinic, episode)["series"]
    assert (main["instrument"], main["is_main_measure"]) == ("phq-9", True)
    other = trajectory_of(clinic, episode, "?instrument=gad-7&form=self")["series"]
    assert (other["instrument"], other["is_main_measure"]) == ("gad-7", False)
    assert (other["minimum"], other["maximum"], other["better"]) == (0, 21, "lower")
    version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", {"main_series_id": other["id"]}, version))
    assert trajectory_of(clinic, episode)["series"]["instrument"] == "gad-7"


def put_for(mother: Mapping[str, Any], clinic: Clinic, episode: Mapping[str, Any], week: int, total: int) -> None:
    """Put a self-report that the mother filled in, and accept it."""
    answers = phq_9(total, item_9=max(0, total - 24))
    receipt = created(put(clinic.tablet, administration(episode, answers, week=week, informant_id=mother["id"])))
    assert receipt["state"] == "needs_clarification"
    accept(clinic, receipt, "wrong_informant")


def two_informants(clinic: Clinic) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give an episode with the patient's series and one of the mother's."""
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    put_weekly(clinic, episode, [15])
    informants = f"/v1/patients/{episode['patient_id']}/informants"
    mother = created(clinic.therapist.post(informants, {"role": "parent", "label": "mother"}))
    put_for(mother, clinic, episode, 0, 20)
    return episode, mother


def test_series_of_two_informants_never_mix_and_have_to_be_named(clinic: Clinic) -> None:
    episode, mother = two_informants(clinic)
    ambiguous = clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory?instrument=phq-9")
    assert (ambiguous.status_code, ambiguous.json()["type"]) == (409, "/v1/problems/state-conflict")
    hers = trajectory_of(clinic, episode, f"?instrument=phq-9&informant={mother['id']}")
    assert [each["score"] for each in hers["observations"]] == [20]
    assert [each["score"] for each in trajectory_of(clinic, episode)["observations"]] == [15]
    by_informant = trajectory_of(clinic, episode, f"?informant={mother['id']}")
    assert by_informant["series"]["id"] == hers["series"]["id"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?instrument=gad-7", 404),
        ("?instrument=phq-8", 422),
        ("?instrument=phq-9&form=parent", 422),
        ("?form=parent", 404),
        ("?informant=00000000-0000-4000-8000-000000000001", 404),
        ("?informant=me", 422),
    ],
)
def test_a_series_that_is_not_there_is_a_problem(clinic: Clinic, query: str, status: int) -> None:
    episode, _ = course(clinic, [15])
    assert clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory{query}").status_code == status


def test_an_episode_without_any_series_has_no_trajectory_yet(clinic: Clinic) -> None:
    assert clinic.therapist.get(f"/v1/episodes/{make_episode(clinic)['id']}/trajectory").status_code == 404


# ---- Disagreement and words


def disagreeing(clinic: Clinic) -> dict[str, Any]:
    """The depression falls reliably (6 points), the anxiety rises reliably (4 points)."""
    episode, _ = course(clinic, [18, 15, 13, 11, 10])
    for week, total in enumerate([8, 9, 11, 12, 13]):
        created(put(clinic.tablet, administration(episode, gad_7(total), week=week, instrument="gad-7")))
    return episode


def test_measures_that_disagree_are_named_and_not_averaged(clinic: Clinic) -> None:
    trajectory = trajectory_of(clinic, disagreeing(clinic))
    assert trajectory["verdict"]["change"] == "reliable_improvement"
    assert trajectory["verdict"]["signal"] == "green"
    [disagreement] = trajectory["disagreements"]
    assert disagreement["code"] == "measures_disagree"
    assert disagreement["evidence"]["other_signal"] == "red"
    assert disagreement["evidence"]["other_change"] == "reliable_deterioration"
    assert "gad-7" in disagreement["evidence"]["label"]


def test_informants_that_disagree_have_a_reason_of_their_own(clinic: Clinic) -> None:
    episode, mother = two_informants(clinic)
    for week, (his, hers) in enumerate([(14, 24), (9, 24)], start=1):
        created(put(clinic.tablet, administration(episode, phq_9(his), week=week)))
        put_for(mother, clinic, episode, week, hers)
    assert trajectory_of(clinic, episode)["disagreements"] == []
    # 26 is 6 points worse than the 20 that her series began with; his has fallen by 6.
    put_for(mother, clinic, episode, 3, 26)
    [disagreement] = trajectory_of(clinic, episode)["disagreements"]
    assert disagreement["code"] == "informants_disagree"


@pytest.mark.parametrize(
    ("accept", "language", "colour", "other_measure"),
    [
        (None, "nb", "Grønt", "Et annet skjema"),
        ("nb-NO, en;q=0.5", "nb", "Grønt", "Et annet skjema"),
        ("nn", "nn", "Grønt", "Eit anna skjema"),
        ("en-GB", "en", "Green", "Another measure"),
        ("de", "nb", "Grønt", "Et annet skjema"),
    ],
)
def test_the_verdict_in_the_reader_s_words(
    clinic: Clinic, accept: str | None, language: str, colour: str, other_measure: str
) -> None:
    headers = {"Accept-Language": accept} if accept else {"Accept-Language": ""}
    words = trajectory_of(clinic, disagreeing(clinic), **headers)["words"]
    assert words["language"] == language
    assert words["signal"].startswith(colour)
    assert words["reasons"][-1].startswith(other_measure)
    assert words["signal_reason"]
    assert words["responder_state"]


def test_a_problem_is_said_in_the_reader_s_language(clinic: Clinic) -> None:
    titles = {
        language: clinic.therapist.get(
            f"/v1/episodes/{uuid4()}/trajectory", headers={"Accept-Language": language}
        ).json()["title"]
        for language in ("nb", "nn", "en")
    }
    assert len(set(titles.values())) == 3
