"""Children's measures: a parent and a teacher at months 0 and 6, never mixed, without a curve that nobody published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode
from app.db.session import Database
from tests.api.steps import close, correct, read, trajectory_of
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    make_clinic,
    make_episode,
    make_patient,
    make_sessions,
    ok,
    phq_9,
    put,
)
from tests.owner import Owner

HALF_A_YEAR = 26
NOTE = {"who": "the holder", "reference": "2026/1", "date": "2026-03-01"}

# Five items each; one code of 0 to 2 makes a point. Items 7, 11, 14, 21 and 25 are reversed (scales.md, section 3).
SCALES = {
    "emotional": (3, 8, 13, 16, 24),
    "conduct": (5, 7, 12, 18, 22),
    "hyperactivity": (2, 10, 15, 21, 25),
    "peer": (6, 11, 14, 19, 23),
}
REVERSED = {7, 11, 14, 21, 25}


def sdq(emotional: int, conduct: int, hyperactivity: int, peer: int) -> dict[str, int]:
    """Answers of an SDQ with these four scores; the strengths are all there, and nothing is said of impact."""
    answers = {"1": 2, "4": 2, "9": 2, "17": 2, "20": 2}
    for items, total in zip(SCALES.values(), (emotional, conduct, hyperactivity, peer), strict=True):
        left = total
        for item in items:
            points = min(2, left)
            left -= points
            answers[str(item)] = 2 - points if item in REVERSED else points
    return answers


@dataclass(frozen=True)
class Child:
    """A boy of nine with his mother and his teacher."""

    clinic: Clinic
    episode: dict[str, Any]
    mother: str
    teacher: str

    def put(self, who: str, form: str, weeks: float, scores: tuple[int, int, int, int]) -> dict[str, Any]:
        body = administration(
            self.episode, sdq(*scores), instrument="sdq", form=form, week=weeks, informant_id=getattr(self, who)
        )
        receipt = created(put(self.clinic.therapist, body))
        assert receipt["state"] == "final"
        return receipt

    def trajectory(self, who: str, language: str = "en") -> dict[str, Any]:
        query = f"?instrument=sdq&informant={getattr(self, who)}"
        return trajectory_of(self.clinic, self.episode, query, **{"Accept-Language": language})


def enable(clinic: Clinic) -> None:
    settings = ok(clinic.lead.get("/v1/settings"))
    agreements = dict.fromkeys(("sdq", "rcads-47", "rcads-25", "ors"), NOTE)
    ok(clinic.lead.patch("/v1/settings", {"reason": "signed", "agreements": agreements}, settings["version"]))


def make_child(clinic: Clinic, sessions: int = 6, **plan: Any) -> Child:
    enable(clinic)
    patient = make_patient(clinic, birth_month="2016-05-01", sex="male")
    episode = make_episode(clinic, patient_id=patient["id"], **plan)
    make_sessions(clinic, episode, sessions, every_days=14)
    informants = f"/v1/patients/{patient['id']}/informants"
    mother, teacher = (
        created(clinic.therapist.post(informants, {"role": role, "label": label}))["id"]
        for role, label in (("parent", "mother"), ("teacher", "class teacher"))
    )
    return Child(clinic, episode, mother, teacher)


def months_0_and_6(clinic: Clinic, mother: Sequence[tuple[int, int, int, int]]) -> Child:
    """Give a child whose mother answered at both months, the second time on the follow-up form."""
    child = make_child(clinic)
    child.put("mother", "parent-4-17", 0, mother[0])
    child.put("mother", "parent-4-17-follow-up", HALF_A_YEAR, mother[1])
    return child


IMPROVED = ((7, 4, 6, 3), (3, 2, 3, 2))  # 20 and 10
UNCHANGED = ((7, 4, 6, 3), (6, 4, 6, 3))  # 20 and 19


def test_half_a_year_apart_a_parent_s_scores_get_a_verdict(clinic: Clinic) -> None:
    child = months_0_and_6(clinic, IMPROVED)
    trajectory = child.trajectory("mother")
    assert [(each["weeks"], each["score"]) for each in trajectory["observations"]] == [(0, 20), (HALF_A_YEAR, 10)]
    verdict = trajectory["verdict"]
    assert (verdict["signal"], verdict["signal_reason"]) == ("green", "as_expected")
    assert (verdict["change"], verdict["responder_state"]) == ("reliable_improvement", "not_assessed")
    # By hand in test_few_occasions: expected 16.752, band 12 to 22.
    assert (verdict["expected"], verdict["lower"], verdict["upper"]) == (pytest.approx(16.752, abs=1e-3), 12, 22)
    assert (verdict["curve"], verdict["end_dose"], verdict["goal_probability"]) == ("few_occasions/retest", None, None)
    assert trajectory["no_verdict"] is None
    assert trajectory["words"]["signal_reason"].startswith("Reliable improvement since the baseline.")
    assert trajectory["words"]["reasons"] == [
        "The score went from 20 to 10: reliable improvement, which is a change of 9 or more and outside the range from"
        " 12 to 22, where an unchanged score is expected."
    ]


def test_what_the_band_rests_on_is_told(clinic: Clinic) -> None:
    few = months_0_and_6(clinic, IMPROVED).trajectory("mother")["few_occasions"]
    assert (few["band_basis"], few["band_level"], few["reliable_change"]) == ("retest", 0.8, 9)
    assert few["limits"] == {"expected": 16.75, "lower": 12, "upper": 22, "better_at": 11, "worse_at": 29}
    assert few["reliability"] == {
        "measure": "retest",
        "coefficient": 0.72,
        "interval": {"first": 4, "last": 6, "unit": "months"},
    }
    assert few["norm"] == {"mean": 8.4, "sd": 5.8, "group": "people_in_general"}
    assert (few["usability"], few["confidence"], few["change_in"]) == ("with_caution", "UNVERIFIED", "raw_points")
    assert len(few["sources"]) == 2
    [later] = few["scores"]
    assert (later["score"], later["improvement"], later["within_band"]) == (10, 10, False)
    assert later["change"] == "reliable_improvement"


def test_it_is_said_in_the_reader_s_language(clinic: Clinic) -> None:
    child = months_0_and_6(clinic, IMPROVED)
    words = {
        language: child.trajectory("mother", language)["few_occasions"]["words"] for language in ("nb", "nn", "en")
    }
    assert {len(each) for each in words.values()} == {8}
    assert "(retest 0,72)" in words["nb"][0]
    assert "(retest 0.72)" in words["en"][0]
    assert words["en"][1] == "Months between the two measures of the retest: 4\N{EN DASH}6."
    assert words["en"][3:5] == ["Reliable improvement begins at 11.", "Reliable deterioration begins at 29."]
    assert words["nb"][-1] == "Hvordan det ville ha gått med akkurat denne personen uten hjelp, er ukjent."


def test_the_subscales_are_too_unreliable_for_one_child(clinic: Clinic) -> None:
    few = months_0_and_6(clinic, IMPROVED).trajectory("mother")["few_occasions"]
    subscales = {each["key"]: each for each in few["subscales"]}
    assert "total_difficulties" not in subscales
    for key, first, second in zip(SCALES, *IMPROVED, strict=True):
        each = subscales[key]
        assert each["usability"] == "too_unreliable"
        assert "too low to say whether one person has changed" in each["usability_words"]
        assert (each["baseline"], each["score"], each["improvement"]) == (first, second, first - second)
        assert (each["limits"], each["within_band"], each["change"]) == (None, None, None)
    # Nothing is published of the sums of two scales.
    assert subscales["internalising"]["usability"] == "not_known"
    assert subscales["internalising"]["change"] is None


def test_no_natural_course_and_no_curve_is_shown_for_a_child(clinic: Clinic) -> None:
    trajectory = months_0_and_6(clinic, IMPROVED).trajectory("mother")
    for name in ("curve", "natural_course"):
        assert trajectory[name] is None
    assert trajectory["review_points"] == []


def test_without_reliable_improvement_half_a_year_is_time_for_review(clinic: Clinic) -> None:
    child = months_0_and_6(clinic, UNCHANGED)
    trajectory = child.trajectory("mother")
    assert (trajectory["verdict"]["signal"], trajectory["verdict"]["signal_reason"]) == ("yellow", "time_for_review")
    assert trajectory["words"]["signal"].startswith("Yellow: an evaluation is due")
    assert trajectory["change"] == "no_reliable_change"
    review = {"dose": 6, "with_patient": True, "causes": ["alliance"], "action": "continue"}
    created(clinic.therapist.post(f"/v1/episodes/{child.episode['id']}/reviews", review))
    verdict = child.trajectory("mother")["verdict"]
    assert (verdict["signal_reason"], verdict["cause"], verdict["issue"]) == ("no_change_yet", "review", 2)


def test_a_first_score_alone_is_too_early(clinic: Clinic) -> None:
    child = make_child(clinic)
    receipt = child.put("mother", "parent-4-17", 0, IMPROVED[0])
    assert receipt["result"]["verdict"]["signal_reason"] == "too_early"
    trajectory = child.trajectory("mother")
    assert trajectory["change"] is None
    assert trajectory["few_occasions"]["limits"]["better_at"] == 11
    assert trajectory["few_occasions"]["scores"] == []
    assert {each["score"] for each in trajectory["few_occasions"]["subscales"]} == {None}


def test_a_deterioration_is_red_at_once_and_confirmed_by_the_next_score(clinic: Clinic) -> None:
    child = months_0_and_6(clinic, ((7, 4, 6, 3), (9, 7, 8, 6)))  # 20 and 30
    assert child.trajectory("mother")["verdict"]["signal_reason"] == "deterioration_unconfirmed"
    again = child.put("mother", "parent-4-17-follow-up", HALF_A_YEAR + 3, (9, 7, 8, 5))
    assert again["result"]["verdict"]["signal_reason"] == "deterioration_confirmed"
    [shown] = ok(clinic.therapist.get("/v1/caseload"))["episodes"]
    assert (shown["verdict"]["signal"], shown["change"]) == ("red", -9)


# ---- Informants


def test_parent_and_teacher_are_two_series_that_may_disagree(clinic: Clinic) -> None:
    child = make_child(clinic)
    child.put("mother", "parent-4-17", 0, IMPROVED[0])
    child.put("teacher", "teacher-4-17", 0, (2, 4, 6, 2))  # 14
    child.put("mother", "parent-4-17-follow-up", HALF_A_YEAR, IMPROVED[1])
    child.put("teacher", "teacher-4-17-follow-up", HALF_A_YEAR, (4, 7, 9, 5))  # 25: eleven points more, of 8
    ours, theirs = child.trajectory("mother"), child.trajectory("teacher")
    assert [each["score"] for each in ours["observations"]] == [20, 10]
    assert [each["score"] for each in theirs["observations"]] == [14, 25]
    assert theirs["few_occasions"]["reliable_change"] == 8
    assert (ours["verdict"]["signal"], theirs["verdict"]["signal"]) == ("green", "red")
    [disagreement] = ours["disagreements"]
    assert disagreement["code"] == "informants_disagree"
    assert disagreement["evidence"]["other_change"] == "reliable_deterioration"
    assert ours["words"]["reasons"][-1].startswith("Another informant describes a different course.")


def test_two_forms_of_one_parent_are_no_two_informants(clinic: Clinic) -> None:
    """From 2-4 to 4-17 the form changes with the age, and the series with the form."""
    enable(clinic)
    patient = make_patient(clinic, birth_month="2022-02-01", sex="female")
    episode = make_episode(clinic, patient_id=patient["id"])
    make_sessions(clinic, episode, 4)
    path = f"/v1/patients/{patient['id']}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))["id"]
    for form, weeks, scores in (
        ("parent-2-4", 0, (5, 5, 5, 5)),
        ("parent-4-17", 8, (1, 1, 1, 1)),
        ("parent-4-17", 20, (5, 4, 4, 3)),
    ):
        fields = {"instrument": "sdq", "form": form, "week": weeks, "informant_id": mother}
        created(put(clinic.therapist, administration(episode, sdq(*scores), **fields)))
    both = [trajectory_of(clinic, episode, f"?instrument=sdq&form={form}") for form in ("parent-2-4", "parent-4-17")]
    assert both[0]["no_verdict"]["code"] == "no_curve"  # nothing is published of the form for 2-4
    assert both[1]["verdict"]["signal"] == "red"
    assert both[1]["disagreements"] == []


# ---- What is kept, and what is not shown


def test_what_was_shown_is_kept_with_what_it_rested_on(clinic: Clinic, owner: Owner) -> None:
    child = make_child(clinic)
    first = child.put("mother", "parent-4-17", 0, IMPROVED[0])
    child.put("mother", "parent-4-17-follow-up", HALF_A_YEAR, IMPROVED[1])
    created(correct(clinic, first["id"], answers=sdq(3, 3, 3, 3)))  # it was 12 all along
    rows = owner.rows(
        "select issue, cause, curve, signal_reason, baseline from progress where organisation_id = %s"
        " order by weeks, issue",
        clinic.organisation_id,
    )
    assert [tuple(row.values()) for row in rows] == [
        (1, "answer", "few_occasions/retest", "too_early", 20),
        (2, "correction", "few_occasions/retest", "too_early", 12),
        (1, "answer", "few_occasions/retest", "as_expected", 20),
        (2, "correction", "few_occasions/retest", "time_for_review", 12),
    ]
    few = child.trajectory("mother")["few_occasions"]
    assert [each["improvement"] for each in few["scores"]] == [2]
    assert {each["key"]: each["baseline"] for each in few["subscales"]}["emotional"] == 3


def test_record_mode_has_band_and_reliable_change_but_no_signal(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    child = months_0_and_6(clinic, IMPROVED)
    trajectory = child.trajectory("mother")
    assert (trajectory["verdict"], trajectory["words"], trajectory["disagreements"]) == (None, None, [])
    assert trajectory["no_verdict"]["code"] == "record_mode"
    assert trajectory["change"] == "reliable_improvement"
    assert trajectory["few_occasions"]["limits"]["lower"] == 12


def test_a_measure_with_a_curve_has_no_such_part(database: Database, client: TestClient) -> None:
    for mode in OrganisationMode:
        clinic = make_clinic(database, client, mode)
        episode = make_episode(clinic)
        make_sessions(clinic, episode, 2)
        created(put(clinic.tablet, administration(episode, phq_9(15))))
        assert trajectory_of(clinic, episode)["few_occasions"] is None


def test_follow_up_is_held_against_the_baseline_and_not_judged(clinic: Clinic) -> None:
    child = make_child(clinic)
    child.put("mother", "parent-4-17", 0, IMPROVED[0])
    close(clinic, child.episode, weeks=20)
    body = administration(
        child.episode,
        sdq(*IMPROVED[1]),
        instrument="sdq",
        form="parent-4-17-follow-up",
        week=HALF_A_YEAR,
        informant_id=child.mother,
    )
    receipt = created(put(clinic.therapist, body))
    created(correct(clinic, receipt["id"], accept=["episode_closed"]))
    trajectory = child.trajectory("mother")
    assert trajectory["verdict"]["signal_reason"] == "too_early"
    [later] = trajectory["few_occasions"]["scores"]
    assert (later["phase"], later["change"]) == ("follow_up", "reliable_improvement")
    assert trajectory["change"] is None


def test_waiting_time_is_held_against_the_first_score_and_not_judged(clinic: Clinic) -> None:
    child = make_child(clinic, sessions=0)
    child.put("mother", "parent-4-17", 0, IMPROVED[0])
    child.put("mother", "parent-4-17", 13, IMPROVED[1])
    trajectory = child.trajectory("mother")
    assert trajectory["no_verdict"]["code"] == "no_counted_session"
    assert [each["phase"] for each in trajectory["few_occasions"]["scores"]] == ["waiting"]


def test_a_form_that_is_filled_in_at_months_is_not_stale_after_weeks(clinic: Clinic) -> None:
    child = make_child(clinic)
    child.put("mother", "parent-4-17", 0, IMPROVED[0])
    due = datetime.fromisoformat(child.trajectory("mother")["next_measure_due_at"])
    assert due == START + timedelta(weeks=HALF_A_YEAR)


# ---- Other instruments without a curve


def rcads(points: int) -> dict[str, int]:
    """Answers of an RCADS-47 with so many points, a point an item."""
    assert points <= 47
    return {str(item): int(item <= points) for item in range(1, 48)}


def rcads_trajectory(clinic: Clinic, patient: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    enable(clinic)
    episode = make_episode(clinic, patient_id=patient["id"])
    make_sessions(clinic, episode, 4)
    for week, points in ((0, 40), (40, 26)):
        body = administration(episode, rcads(points), instrument="rcads-47", form="child", week=week, **fields)
        created(put(clinic.therapist, body))
    return trajectory_of(clinic, episode, **{"Accept-Language": "en"})


def test_the_norm_group_of_the_baseline_holds_throughout(clinic: Clinic) -> None:
    """Born in 2014: trinn 6 and grade 5 in January 2026, grade 6 after the summer; the girls of grades 5 and 6 have
    44.67 and 19.33. 19.33 sqrt(2 * .07) = 7.233, * 1.96 = 14.2: 15 points. Fourteen are not enough."""
    trajectory = rcads_trajectory(clinic, make_patient(clinic, birth_month="2014-03-01", sex="female"))
    few = trajectory["few_occasions"]
    assert few["norm"] == {"mean": 44.67, "sd": 19.33, "group": "sex_and_grade_at_baseline"}
    assert (few["band_basis"], few["reliable_change"], few["usability"]) == ("alpha", 15, "adequate")
    assert (trajectory["change"], trajectory["verdict"]["signal_reason"]) == ("no_reliable_change", "time_for_review")
    assert few["words"][0].startswith("The range is reckoned from how well the items hang together (alpha 0.93)")
    assert "norm group of the baseline throughout" in few["words"][-2]
    assert few["confidence"] == "B"


def test_without_sex_there_is_no_group_and_nothing_is_told(clinic: Clinic) -> None:
    trajectory = rcads_trajectory(clinic, make_patient(clinic, birth_month="2014-03-01"))
    few = trajectory["few_occasions"]
    assert (few["band_basis"], few["limits"], few["norm"], few["confidence"]) == ("nothing_known", None, None, None)
    assert (few["band_level"], few["reliable_change"]) == (None, None)
    assert (trajectory["change"], trajectory["verdict"]) == (None, None)
    assert trajectory["no_verdict"]["code"] == "no_curve"
    assert [each["improvement"] for each in few["scores"]] == [14]
    assert few["words"][0].startswith("For this score we have no source")


def test_published_points_give_a_band_without_a_level(clinic: Clinic) -> None:
    enable(clinic)
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    for week, each in enumerate((5.0, 6.5)):
        answers = {str(line): each for line in range(1, 5)}
        created(put(clinic.therapist, administration(episode, answers, instrument="ors", form="adult", week=week)))
    trajectory = trajectory_of(clinic, episode, **{"Accept-Language": "nb"})
    few = trajectory["few_occasions"]
    assert (few["band_basis"], few["band_level"]) == ("published_reliable_change", None)
    assert few["limits"] == {"expected": 20, "lower": 16, "upper": 24, "better_at": 25, "worse_at": 15}
    # 26 is six points better, and 25 is the cut-off (scales.md, section 5).
    assert trajectory["verdict"]["signal_reason"] == "good_enough"
    assert few["words"][0].startswith("Området er endringer på mindre enn 5 poeng")


def test_a_result_shows_the_verdict_too(clinic: Clinic) -> None:
    child = months_0_and_6(clinic, IMPROVED)
    shown = child.trajectory("mother")
    newest = shown["observations"][-1]["administration_id"]
    assert read(clinic, newest)["result"]["verdict"] == shown["verdict"]
