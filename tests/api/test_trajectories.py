"""One series against what was to be expected: the six patients of the issue's third demand, curves, words."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode
from app.db.session import Database
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
from tests.trajectories.test_archetypes import (
    LATE_RESPONDER,
    MILD_STARTER,
    NON_RESPONDER,
    TABLES,
    rows,
    scores,
)

NAMES = ["early", "late", "none", "deteriorating", "mild", "below"]


def trajectory_of(clinic: Clinic, episode: Mapping[str, Any], query: str = "", **headers: str) -> dict[str, Any]:
    return ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory{query}", headers=headers))


def set_policy(clinic: Clinic, **policy: Any) -> None:
    settings = ok(clinic.lead.get("/v1/settings"))
    ok(clinic.lead.patch("/v1/settings", {"policy": policy, "reason": "agreed in the team"}, settings["version"]))


def course(clinic: Clinic, totals: Sequence[int], **plan: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Put weekly scores, each an hour before a session that is attended; give the episode and the verdicts."""
    episode = make_episode(clinic, **plan)
    make_sessions(clinic, episode, len(totals))
    receipts = [
        created(put(clinic.therapist, administration(episode, phq_9(total, item_9=max(0, total - 24)), week=week)))
        for week, total in enumerate(totals)
    ]
    return episode, [receipt["result"]["verdict"] for receipt in receipts]


def reasons_of(verdict: Mapping[str, Any]) -> list[str]:
    return [reason["code"] for reason in verdict["reasons"]]


# ---- Six patients, twenty weekly administrations each


@dataclass(frozen=True)
class Course:
    """A patient's weekly scores, put through the interface: the verdicts as they were issued, and how it stands."""

    totals: list[int]
    verdicts: list[dict[str, Any]]
    trajectory: dict[str, Any]

    def all(self, name: str) -> list[Any]:
        return [verdict[name] for verdict in self.verdicts]


@pytest.fixture(scope="module")
def six(database: Database, client: TestClient) -> dict[str, Course]:
    clinic = make_clinic(database, client)
    courses = {}
    for name, table in zip(NAMES, TABLES, strict=True):
        episode, verdicts = course(clinic, scores(table))
        courses[name] = Course(scores(table), verdicts, trajectory_of(clinic, episode))
    return courses


@pytest.mark.parametrize(("name", "table"), list(zip(NAMES, TABLES, strict=True)), ids=NAMES)
def test_each_score_gets_its_verdict_at_its_dose(six: dict[str, Course], name: str, table: str) -> None:
    """The tables are argued for where they stand; here they come through the interface and the record."""
    patient = six[name]
    given = [
        [str(each["dose"]), f"{each['score']:.0f}", each["signal"], each["signal_reason"], each["responder_state"]]
        for each in patient.verdicts
    ]
    assert given == rows(table)
    assert patient.trajectory["verdict"] == patient.verdicts[-1]
    assert [each["dose"] for each in patient.trajectory["observations"]] == list(range(20))
    assert {each["phase"] for each in patient.trajectory["observations"]} == {"treatment"}


def test_an_early_responder_is_told_at_dose_3(six: dict[str, Course]) -> None:
    patient = six["early"]
    assert patient.all("responder_state") == ["not_assessed"] * 3 + ["early"] * 17
    # Good enough from there on: below the cut-off of 10, and 6 points or more better than the 16 of the start.
    assert all(total < 10 and total <= 16 - 6 for total in patient.totals[3:])
    assert set(patient.all("signal_reason")[3:]) == {"good_enough"}
    assert set(patient.all("signal")[3:]) == {"green"}


def test_a_late_responder_is_pending_with_no_change_yet_under_the_default_policy(six: dict[str, Course]) -> None:
    patient = six["late"]
    assert patient.all("signal")[3:7] == ["grey"] * 4
    assert patient.all("signal_reason")[3:7] == ["no_change_yet"] * 4
    assert patient.all("responder_state")[3:7] == ["pending"] * 4
    assert "early" not in patient.all("responder_state")
    assert (patient.verdicts[-1]["responder_state"], patient.verdicts[-1]["signal"]) == ("late", "green")


@pytest.mark.parametrize("table", [LATE_RESPONDER, NON_RESPONDER], ids=["late", "none"])
def test_early_flagging_calls_a_flat_course_from_dose_3_on(clinic: Clinic, table: str) -> None:
    set_policy(clinic, flagging="early")
    _, verdicts = course(clinic, scores(table)[:8])
    assert [each["signal"] for each in verdicts] == ["grey"] * 3 + ["yellow"] * 5
    assert {each["responder_state"] for each in verdicts[3:7]} == {"pending"}
    assert {each["settings_version"] for each in verdicts} == {2}


def test_a_non_responder_is_time_for_review_at_dose_7_and_stays_so_until_it_is_reviewed(
    six: dict[str, Course],
) -> None:
    patient = six["none"]
    assert patient.all("signal") == ["grey"] * 7 + ["yellow"] * 13
    assert set(patient.all("signal_reason")[7:]) == {"time_for_review"}
    assert set(patient.all("responder_state")[7:]) == {"none"}


def test_a_deterioration_is_red_at_once_and_confirmed_by_the_next_score(six: dict[str, Course]) -> None:
    patient = six["deteriorating"]
    # 6 points or more above the start are reliable: NHS Talking Therapies manual.
    worse = [total - patient.totals[0] >= 6 for total in patient.totals]
    assert [signal == "red" for signal in patient.all("signal")] == worse
    first = worse.index(True)
    assert patient.all("signal_reason")[first] == "deterioration_unconfirmed"
    assert set(patient.all("signal_reason")[first + 1 :]) == {"deterioration_confirmed"}
    # Then the patient stops answering: the last signal stays, and staleness lies over it.
    assert (patient.trajectory["verdict"]["signal"], patient.trajectory["stale"]) == ("red", True)
    due = START + timedelta(weeks=20)  # the last score was given in week 19
    assert datetime.fromisoformat(patient.trajectory["next_measure_due_at"]) == due


def test_a_mild_starter_on_the_expected_course_is_never_yellow(six: dict[str, Course]) -> None:
    assert set(six["mild"].all("signal")[:3]) == {"grey"}
    assert set(six["mild"].all("signal")[3:]) == {"green"}


def test_nor_is_it_under_early_flagging(clinic: Clinic) -> None:
    set_policy(clinic, flagging="early")
    _, verdicts = course(clinic, scores(MILD_STARTER)[:10])
    assert [each["signal"] for each in verdicts] == ["grey"] * 3 + ["green"] * 7


def test_a_starter_below_the_cut_off_has_little_room_for_change_but_can_get_worse(six: dict[str, Course]) -> None:
    patient = six["below"]
    worse = [total - patient.totals[0] >= 6 for total in patient.totals]
    assert patient.all("signal") == ["red" if each else "grey" for each in worse]
    assert {each["signal_reason"] for each in patient.verdicts if each["signal"] == "grey"} == {"started_below_cutoff"}
    assert set(patient.all("responder_state")) == {"not_assessed"}


def test_every_reason_comes_with_its_evidence(six: dict[str, Course]) -> None:
    for patient in six.values():
        for verdict in patient.verdicts:
            assert verdict["reasons"][0]["code"] == verdict["signal_reason"]
            for reason in verdict["reasons"]:
                evidence = reason["evidence"]
                assert (evidence["baseline"], evidence["score"]) == (patient.totals[0], verdict["score"])
                assert evidence["improvement"] == patient.totals[0] - verdict["score"]
                assert evidence["dose"] == verdict["dose"]


def test_a_new_policy_leaves_the_verdicts_that_were_shown(clinic: Clinic) -> None:
    episode, verdicts = course(clinic, [16, 16, 16, 16])
    set_policy(clinic, flagging="early")
    assert trajectory_of(clinic, episode)["verdict"] == verdicts[-1]
    later = created(put(clinic.therapist, administration(episode, phq_9(16), week=4)))["result"]["verdict"]
    assert (verdicts[-1]["signal"], later["signal"]) == ("grey", "yellow")
    assert (verdicts[-1]["settings_version"], later["settings_version"]) == (1, 2)


# ---- What the plan changes


def test_with_a_short_plan_the_review_comes_two_sessions_before_its_end(clinic: Clinic) -> None:
    _, verdicts = course(clinic, [16] * 6, planned_dose=6)
    assert [each["signal_reason"] for each in verdicts] == ["too_early"] * 3 + ["no_change_yet"] + [
        "time_for_review"
    ] * 2


def test_in_long_term_care_lack_of_improvement_is_no_finding_and_worsening_is(clinic: Clinic) -> None:
    _, verdicts = course(clinic, [16] * 9 + [22], pathway=3)
    assert "yellow" not in {each["signal"] for each in verdicts}
    assert verdicts[-1]["signal"] == "red"


def test_in_a_crisis_pause_signals_rest_and_risk_alerts_do_not(clinic: Clinic) -> None:
    episode, verdicts = course(clinic, [14, 15, 16, 18, 20])
    assert verdicts[-1]["signal"] == "red"
    paused = {"crisis_pause_since": (START + timedelta(weeks=4)).isoformat()}
    version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", paused, version))
    verdict = trajectory_of(clinic, episode)["verdict"]
    assert (verdict["signal"], verdict["signal_reason"], verdict["cause"]) == ("grey", "crisis_pause", "plan")
    assert "deterioration_unconfirmed" in reasons_of(verdict)
    result = created(put(clinic.therapist, administration(episode, phq_9(21, item_9=2), week=5)))["result"]
    assert result["verdict"]["signal_reason"] == "crisis_pause"
    assert [alert["duty"] for alert in result["risk_alerts"]] == ["same_day"]
    version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", {"crisis_pause_since": None}, version))
    assert trajectory_of(clinic, episode)["verdict"]["signal_reason"] == "deterioration_confirmed"


def test_a_late_baseline_says_so_and_knows_no_early_response(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 12)
    verdicts = [
        created(put(clinic.therapist, administration(episode, phq_9(total), week=week)))["result"]["verdict"]
        for week, total in enumerate([16, 12, 9, 7, 6, 5], start=4)
    ]
    assert trajectory_of(clinic, episode)["late_baseline"] is True
    assert all("late_baseline" in reasons_of(each) for each in verdicts)
    assert "early" not in {each["responder_state"] for each in verdicts}


# ---- Curves

TABLE = Path(__file__).parents[1] / "reference" / "b7b-1.csv"


def published() -> dict[tuple[str, int], list[dict[str, str]]]:
    """Read the table of the curve's publication, by instrument and first score."""
    with TABLE.open(encoding="utf-8") as lines:
        table = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    grouped: dict[tuple[str, int], list[dict[str, str]]] = {}
    for row in table:
        grouped.setdefault((row["instrument"], int(row["first"])), []).append(row)
    return grouped


def whole_point(printed: str) -> set[int]:
    """Give the whole scores that a printed normal quantile q allows: the smallest k with k + 1/2 >= q, at least 0.

    The table prints one decimal, so that q itself may lie up to .05 on either side.
    """
    return {max(0, math.ceil(float(printed) + shift - 0.5)) for shift in (-0.05, 0.05)}


@pytest.mark.parametrize(("first", "table"), published().items(), ids=lambda key: "-".join(map(str, key))[:12])
def test_the_curve_is_the_published_one_to_the_printed_digit(
    clinic: Clinic, first: tuple[str, int], table: list[dict[str, str]]
) -> None:
    """Session s is dose s - 1; the band is closed and whole."""
    instrument, score = first
    episode = make_episode(clinic, planned_dose=20)
    make_sessions(clinic, episode, 1)
    answers = phq_9(score, item_9=max(0, score - 24)) if instrument == "phq-9" else gad_7(score)
    created(put(clinic.tablet, administration(episode, answers, instrument=instrument)))
    trajectory = trajectory_of(clinic, episode)
    curve = trajectory["curve"]
    assert (curve["version"], curve["status"], curve["band_level"]) == ("b7b-1", "derived", 0.8)
    points = {point["dose"]: point for point in curve["from_baseline"]}
    assert list(points) == list(range(21))
    assert points[0] == {"dose": 0, "weeks": 0, "mean": score, "lower": score, "upper": score}
    for row in table:
        point = points[int(row["session"]) - 1]
        assert point["weeks"] == point["dose"]
        # Shown to the hundredth, printed to the tenth.
        assert abs(point["mean"] - float(row["mean"])) <= 0.05 + 0.005
        assert point["lower"] in whole_point(row["lower"])
        assert point["upper"] in whole_point(row["upper"])
    # With nothing but the baseline known, the update adds nothing but the noise of the score itself.
    later = [{**point, "lower": 0, "upper": 0} for point in curve["updated"][1:]]
    assert later == [{**point, "lower": 0, "upper": 0} for point in curve["from_baseline"][1:]]


def test_later_scores_update_the_curve_and_leave_the_first_one(clinic: Clinic) -> None:
    episode = make_episode(clinic, planned_dose=10)
    make_sessions(clinic, episode, 3)
    put_weekly(clinic, episode, [15])
    first = trajectory_of(clinic, episode)["curve"]
    created(put(clinic.tablet, administration(episode, phq_9(5), week=1)))
    second = trajectory_of(clinic, episode)["curve"]
    assert second["from_baseline"] == first["from_baseline"]
    assert [point["dose"] for point in second["updated"]] == list(range(1, 11))
    assert second["updated"][-1]["mean"] < first["updated"][-1]["mean"]


def test_the_natural_course_stands_beside_the_curve_for_the_phq_9(clinic: Clinic) -> None:
    episode, _ = course(clinic, [15], planned_dose=10)
    natural = trajectory_of(clinic, episode)["natural_course"]
    # Methods B8: a fall of 2.55 points in 10 weeks from a first score of 15.
    assert natural["points"][0] == {"weeks": 0, "score": 15}
    assert natural["points"][-1]["weeks"] == 10
    assert natural["points"][-1]["score"] == pytest.approx(15 - 2.55, abs=0.005)
    assert "Metapsy" in natural["source"]
    assert natural["note"]


def test_the_natural_course_is_unknown_for_the_gad_7(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    created(put(clinic.tablet, administration(episode, gad_7(12), instrument="gad-7")))
    natural = trajectory_of(clinic, episode, **{"Accept-Language": "en"})["natural_course"]
    assert (natural["points"], natural["source"]) == (None, None)
    assert "unknown" in natural["note"].lower()
    assert {point["natural_further_gain"] for point in trajectory_of(clinic, episode)["review_points"]} == {None}


@pytest.mark.parametrize(
    ("planned_dose", "points"),
    [
        (None, {7: "late_window", 12: "period_evaluation"}),
        (6, {4: "late_window", 6: "planned_end"}),
        (12, {7: "late_window", 12: "planned_end"}),
        (20, {7: "late_window", 12: "period_evaluation", 20: "planned_end"}),
        (30, {7: "late_window", 12: "period_evaluation", 20: "period_evaluation", 30: "planned_end"}),
        (
            60,
            {
                7: "late_window",
                12: "period_evaluation",
                20: "period_evaluation",
                52: "period_evaluation",
                60: "planned_end",
            },
        ),
    ],
)
def test_review_points_at_20_and_52_only_where_the_plan_reaches_them(
    clinic: Clinic, planned_dose: int | None, points: dict[int, str]
) -> None:
    episode, _ = course(clinic, [15], planned_dose=planned_dose)
    found = trajectory_of(clinic, episode)["review_points"]
    assert {point["dose"]: point["kind"] for point in found} == points
    for point in found:
        assert point["further_gain"] > 0
        # Part of the gain is what the calendar alone would bring.
        assert 0 < point["natural_further_gain"] < point["further_gain"]


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
    accepted = {"reason": "she filled it in on his behalf", "accept": ["wrong_informant"]}
    path = f"/v1/administrations/{receipt['id']}/corrections"
    created(clinic.therapist.post(path, accepted, headers={"If-Match": '"1"'}))


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


def test_fortnightly_care_collects_weeks_faster_than_dose(clinic: Clinic) -> None:
    episode = make_episode(clinic, planned_interval_days=14, planned_dose=10)
    make_sessions(clinic, episode, 4, every_days=14)
    for week, total in ((0, 16), (2, 14), (4, 13), (6, 12)):
        created(put(clinic.tablet, administration(episode, phq_9(total), week=week)))
    trajectory = trajectory_of(clinic, episode)
    assert [(each["dose"], each["weeks"]) for each in trajectory["observations"]] == [(0, 0), (1, 2), (2, 4), (3, 6)]
    assert trajectory["curve"]["updated"][-1]["weeks"] == 20
    due = START + timedelta(weeks=8)
    assert datetime.fromisoformat(trajectory["next_measure_due_at"]) == due


def test_the_link_to_a_session_says_more_than_the_clock(clinic: Clinic) -> None:
    """Filled in before the second session, sent and stamped an hour after it."""
    episode = make_episode(clinic)
    sessions = make_sessions(clinic, episode, 3)
    put_weekly(clinic, episode, [15])
    late_stamp = (START + timedelta(weeks=1, hours=2)).isoformat()
    for timing, dose in (("before", 1), ("after", 2), ("between", 2)):
        body = administration(episode, phq_9(14), completed_at=late_stamp)
        body |= {"treatment_session_id": sessions[1]["id"], "timing": timing}
        verdict = created(put(clinic.therapist, body))["result"]["verdict"]
        assert verdict["dose"] == dose
