"""How a result is read for this patient: reminders of duties, norms, cut-offs by sex, and what is no main measure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.steps import an_episode, read
from tests.factories import Clinic, administration, created, make_patient, ok, phq_9, put

AGREED = {key: {"who": "the holder", "reference": "1", "date": "2026-03-01"} for key in ("ors", "rcads-47", "srs")}
NO_SYMPTOMS = {str(number): 0 for number in range(1, 21)}


def episode_of(clinic: Clinic, **patient: object) -> dict[str, Any]:
    return an_episode(clinic, 3, patient_id=make_patient(clinic, **patient)["id"])


def agree(clinic: Clinic) -> None:
    ok(clinic.lead.patch("/v1/settings", {"reason": "signed", "agreements": AGREED}, 1))


def result_of(clinic: Clinic, episode: dict[str, Any], answers: dict[str, Any], **more: object) -> dict[str, Any]:
    result: dict[str, Any] = created(put(clinic.therapist, administration(episode, answers, **more)))["result"]
    return result


def test_an_event_of_violence_reminds_of_the_duties_that_children_are_owed(clinic: Clinic) -> None:
    episode = episode_of(clinic, birth_month="2014-05-01")
    answers = NO_SYMPTOMS | {"E1": 1, "E3": 1, "E8": 0}
    result = result_of(clinic, episode, answers, instrument="kates-2", form="child")
    [alert] = result["risk_alerts"]
    assert (alert["item"], alert["kind"], alert["duty"]) == ("E3", "violence", "same_day")
    assert alert["duties"] == ["inform_child_welfare", "avert_abuse"]
    critical = {each["item"]: each for each in result["critical"]}
    assert (critical["E3"]["status"], critical["E3"]["duties"]) == ("positive", alert["duties"])
    assert (critical["E8"]["status"], critical["E8"]["duties"]) == ("negative", [])
    assert critical["E9"]["status"] == "not_answered"
    assert result["asks_about_suicide"] is False
    alerts: Any = ok(clinic.therapist.get("/v1/risk-alerts"))
    assert alerts[0]["duties"] == alert["duties"]


@pytest.mark.parametrize(
    ("born", "alerts"),
    [
        ("1990-04-01", 0),
        ("2007-12-01", 0),  # eighteen in the month before
        ("2008-01-01", 1),  # eighteen in this month, or not yet
        ("2008-02-01", 1),
        ("2010-01-01", 1),
    ],
)
def test_what_an_adult_tells_of_a_childhood_is_shown_without_an_alert(clinic: Clinic, born: str, alerts: int) -> None:
    answers = NO_SYMPTOMS | {"E5": 1}
    result = result_of(clinic, episode_of(clinic, birth_month=born), answers, instrument="pcl-5", form="traps-i")
    assert len(result["risk_alerts"]) == alerts
    assert {each["status"] for each in result["critical"] if each["item"] == "E5"} == {"positive"}


def test_a_t_score_is_found_by_sex_and_by_the_school_year_of_the_birth_year(clinic: Clinic) -> None:
    agree(clinic)
    # Born in 2016: in March 2026 in the fourth school year, which is taken for grade 3.
    ones = {str(number): 1 for number in range(1, 48)}
    boy = result_of(
        clinic, episode_of(clinic, birth_month="2016-05-01", sex="male"), ones, instrument="rcads-47", form="child"
    )
    assert boy["norms"] == {"population": "us_school_pupils", "school_year": 4, "grade": 3, "grade_is": "assumed"}
    # 50 + 10 x (10 - 8.26) / 4.08 = 54.26
    t = boy["scores"]["mdd"]["t"]
    assert t["exact"] == pytest.approx(54.2647, abs=1e-4)
    assert (t["shown"], t["band"], t["reason"]) == ("54", "normal", None)
    assert t["group"] == {"sex": "male", "first_grade": 3, "last_grade": 4}
    unknown = result_of(
        clinic, episode_of(clinic, birth_month="2016-05-01", sex=None), ones, instrument="rcads-47", form="child"
    )
    assert unknown["scores"]["mdd"]["t"]["reason"] == "sex_not_known"
    assert (unknown["scores"]["mdd"]["value"], unknown["scores"]["mdd"]["t"]["exact"]) == (10, None)
    grown = result_of(
        clinic, episode_of(clinic, birth_month="2000-05-01", sex="male"), ones, instrument="rcads-47", form="child"
    )
    assert grown["scores"]["mdd"]["t"]["reason"] == "grade_not_known"
    assert (grown["norms"]["school_year"], grown["norms"]["grade"]) == (None, None)


@pytest.mark.parametrize(("sex", "reached"), [("female", True), ("male", False), (None, None)])
def test_a_cutoff_by_sex(clinic: Clinic, sex: str | None, reached: bool | None) -> None:
    answers = {str(number): 2 * (number == 1) for number in range(1, 12)}
    episode = episode_of(clinic, birth_month="1990-04-01", sex=sex)
    total = result_of(clinic, episode, answers, instrument="dudit")["scores"]["total"]
    assert (total["value"], total["cutoffs"]) == (2, {"harmful_use": reached, "dependence": False})


def test_a_line_is_kept_and_given_back_in_tenths(clinic: Clinic) -> None:
    agree(clinic)
    episode = episode_of(clinic, birth_month="1990-04-01")
    answers = {"1": 7.3, "2": 6.1, "3": 5.5, "4": 6}
    receipt = created(put(clinic.therapist, administration(episode, answers, instrument="ors", form="adult")))
    assert receipt["result"]["scores"]["total"]["value"] == 24.9
    assert receipt["result"]["scores"]["total"]["is_case"] is True
    assert read(clinic, receipt["id"])["answers"] == answers
    refused = put(clinic.therapist, administration(episode, answers | {"1": 73}, instrument="ors", form="adult"))
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/answers/1")
    assert refused.json()["allowed"] == "0.0 to 10.0 in steps of 0.1"


def test_screens_are_told_and_a_blank_leaves_them_open(clinic: Clinic) -> None:
    episode = episode_of(clinic, birth_month="1990-04-01")
    four = {"1": 2, "2": 2, "3": 2, "4": 2, "5": 0, "6": 0, "7": 0, "8": 0}
    assert result_of(clinic, episode, four | {"9": 1})["screens"] == {"dsm": "major_depressive_syndrome"}
    assert result_of(clinic, episode, four, week=1)["screens"] == {"dsm": "undetermined"}


def test_what_is_not_followed_over_time_is_never_the_main_measure(clinic: Clinic) -> None:
    agree(clinic)
    episode = episode_of(clinic, birth_month="1990-04-01")
    lines = {str(number): 9.5 for number in range(1, 5)}
    created(put(clinic.therapist, administration(episode, lines, instrument="srs")))
    path = f"/v1/episodes/{episode['id']}"
    assert ok(clinic.therapist.get(path))["main_series_id"] is None
    created(put(clinic.therapist, administration(episode, phq_9(9))))
    present = ok(clinic.therapist.get(path))
    main = ok(clinic.therapist.get(f"{path}/trajectory"))["series"]
    assert (present["main_series_id"], main["instrument"]) == (main["id"], "phq-9")
    refused = clinic.therapist.get(f"{path}/trajectory?instrument=srs")
    assert refused.status_code == 409
    assert "says how the help is experienced" in refused.json()["detail"]
    assert "phq-9" in refused.json()["allowed"]
    offer = {"name": "Alliance", "format": "group", "counted_contact_types": ["group"]}
    refused = clinic.lead.post("/v1/programmes", offer | {"main_instrument": "srs"})
    assert (refused.status_code, refused.json()["pointer"]) == (409, "/main_instrument")
