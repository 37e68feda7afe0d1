"""Six patients with twenty weekly administrations, put through the interface (the issue's third demand)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.api.steps import (
    course,
    set_policy,
    trajectory_of,
)
from tests.factories import (
    START,
    Clinic,
    administration,
    created,
    make_episode,
    make_sessions,
    ok,
    phq_9,
    put,
)
from tests.trajectories.test_archetypes import (
    DETERIORATING,
    EARLY_RESPONDER,
    LATE_RESPONDER,
    MILD_STARTER,
    NON_RESPONDER,
    STARTED_BELOW,
    rows,
    scores,
)


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


def twenty_weeks(clinic: Clinic, table: str) -> Course:
    """Put a patient's scores, and demand the verdicts of the table.

    The tables are argued for where they stand; here they come through the interface and the record.
    """
    episode, verdicts = course(clinic, scores(table))
    assert len(verdicts) == 20
    shown = [
        [str(each["dose"]), f"{each['score']:.0f}", each["signal"], each["signal_reason"], each["responder_state"]]
        for each in verdicts
    ]
    assert shown == rows(table)
    trajectory = trajectory_of(clinic, episode)
    assert trajectory["verdict"] == verdicts[-1]
    assert [each["dose"] for each in trajectory["observations"]] == list(range(20))
    assert {each["phase"] for each in trajectory["observations"]} == {"treatment"}
    return Course(scores(table), verdicts, trajectory)


def test_an_early_responder_is_told_at_dose_3(clinic: Clinic) -> None:
    patient = twenty_weeks(clinic, EARLY_RESPONDER)
    assert patient.all("responder_state") == ["not_assessed"] * 3 + ["early"] * 17
    # Good enough from there on: below the cut-off of 10, and 6 points or more better than the 16 of the start.
    assert all(total < 10 and total <= 16 - 6 for total in patient.totals[3:])
    assert set(patient.all("signal_reason")[3:]) == {"good_enough"}
    assert set(patient.all("signal")[3:]) == {"green"}


def test_a_late_responder_is_pending_with_no_change_yet_under_the_default_policy(clinic: Clinic) -> None:
    patient = twenty_weeks(clinic, LATE_RESPONDER)
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


def test_a_non_responder_is_time_for_review_at_dose_7_and_stays_so_until_it_is_reviewed(clinic: Clinic) -> None:
    patient = twenty_weeks(clinic, NON_RESPONDER)
    assert patient.all("signal") == ["grey"] * 7 + ["yellow"] * 13
    assert set(patient.all("signal_reason")[7:]) == {"time_for_review"}
    assert set(patient.all("responder_state")[7:]) == {"none"}


def test_a_deterioration_is_red_at_once_and_confirmed_by_the_next_score(clinic: Clinic) -> None:
    patient = twenty_weeks(clinic, DETERIORATING)
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


def test_a_mild_starter_on_the_expected_course_is_never_yellow(clinic: Clinic) -> None:
    patient = twenty_weeks(clinic, MILD_STARTER)
    assert set(patient.all("signal")[:3]) == {"grey"}
    assert set(patient.all("signal")[3:]) == {"green"}


def test_nor_is_it_under_early_flagging(clinic: Clinic) -> None:
    set_policy(clinic, flagging="early")
    _, verdicts = course(clinic, scores(MILD_STARTER)[:10])
    assert [each["signal"] for each in verdicts] == ["grey"] * 3 + ["green"] * 7


def test_a_starter_below_the_cut_off_has_little_room_for_change_but_can_get_worse(clinic: Clinic) -> None:
    patient = twenty_weeks(clinic, STARTED_BELOW)
    worse = [total - patient.totals[0] >= 6 for total in patient.totals]
    assert patient.all("signal") == ["red" if each else "grey" for each in worse]
    assert {each["signal_reason"] for each in patient.verdicts if each["signal"] == "grey"} == {"started_below_cutoff"}
    assert set(patient.all("responder_state")) == {"not_assessed"}


def test_every_reason_comes_with_its_evidence(clinic: Clinic) -> None:
    _, verdicts = course(clinic, scores(LATE_RESPONDER)[:11])
    for verdict in verdicts:
        assert verdict["reasons"][0]["code"] == verdict["signal_reason"]
        for reason in verdict["reasons"]:
            evidence = reason["evidence"]
            assert (evidence["baseline"], evidence["score"]) == (17, verdict["score"])
            assert (evidence["improvement"], evidence["dose"]) == (17 - verdict["score"], verdict["dose"])


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
