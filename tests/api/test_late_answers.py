"""Answers and attendances that come late and out of order: the same verdicts in the end, and none of them lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

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

# Worse from week 4 on, so that verdicts of all kinds change with what is known.
TOTALS = [14, 15, 13, 16, 20, 21, 11]

# What tells one issue of a verdict from another without saying anything of the patient.
OF_THE_ISSUE = {"issue", "issued_at", "cause", "settings_version"}


@pytest.fixture(scope="module")
def shared(database: Database, client: TestClient) -> Clinic:
    return make_clinic(database, client)


def says(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in verdict.items() if name not in OF_THE_ISSUE}


def history(clinic: Clinic, administration_id: str) -> list[dict[str, Any]]:
    """Give every verdict that was issued on an administration."""
    found: list[dict[str, Any]] = ok(clinic.therapist.get(f"/v1/administrations/{administration_id}"))["verdicts"]
    return found


def newest(clinic: Clinic, administration_id: str) -> dict[str, Any]:
    verdict: dict[str, Any] = ok(clinic.therapist.get(f"/v1/administrations/{administration_id}"))["result"]["verdict"]
    return verdict


def put_in_order(clinic: Clinic, weeks: Sequence[int]) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Put the weeks' scores in an order, into an episode whose sessions are all attended; give the receipts."""
    episode = make_episode(clinic, planned_dose=10)
    make_sessions(clinic, episode, len(TOTALS))
    receipts = {
        week: created(put(clinic.therapist, administration(episode, phq_9(TOTALS[week]), week=week))) for week in weeks
    }
    return episode, receipts


@pytest.fixture(scope="module")
def in_order(shared: Clinic) -> dict[int, dict[str, Any]]:
    _, receipts = put_in_order(shared, range(len(TOTALS)))
    return {week: receipt["result"]["verdict"] for week, receipt in receipts.items()}


@settings(max_examples=6, deadline=None)
@given(order=st.permutations(range(len(TOTALS))))
def test_any_order_ends_in_the_verdicts_of_the_right_order(
    shared: Clinic, in_order: dict[int, dict[str, Any]], order: list[int]
) -> None:
    episode, receipts = put_in_order(shared, order)
    for week, receipt in receipts.items():
        issued = history(shared, receipt["id"])
        assert says(issued[-1]) == says(in_order[week])
        # What the therapist was shown at first is still there, and who comes after it tells why.
        assert issued[0] == receipt["result"]["verdict"]
        assert [each["issue"] for each in issued] == list(range(1, len(issued) + 1))
        assert [each["cause"] for each in issued] == ["answer"] + ["late_answer"] * (len(issued) - 1)
        times = [datetime.fromisoformat(each["issued_at"]) for each in issued]
        assert times == sorted(times)
        # An issue that says the same as the one before is none.
        assert all(says(earlier) != says(later) for earlier, later in pairwise(issued))
    trajectory = ok(shared.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    assert says(trajectory["verdict"]) == says(in_order[len(TOTALS) - 1])
    assert [each["score"] for each in trajectory["observations"]] == TOTALS


def test_a_late_answer_changes_what_came_after_it_and_not_what_came_before(clinic: Clinic) -> None:
    _, receipts = put_in_order(clinic, [0, 1, 3, 4, 2])
    issues = {week: len(history(clinic, receipt["id"])) for week, receipt in receipts.items()}
    assert issues == {0: 1, 1: 1, 3: 2, 4: 2, 2: 1}


def test_a_baseline_that_comes_last_takes_its_place(clinic: Clinic) -> None:
    _, receipts = put_in_order(clinic, [3, 4, 0])
    first, second = history(clinic, receipts[4]["id"])
    assert "late_baseline" in [reason["code"] for reason in first["reasons"]]
    assert "late_baseline" not in [reason["code"] for reason in second["reasons"]]
    # 20 is 4 more than the 16 of week 3, and 6, which is reliable, more than the 14 of week 0.
    assert (first["baseline"], first["signal"]) == (16, "grey")
    assert (second["baseline"], second["signal"]) == (14, "red")


def test_a_tablet_that_was_offline_for_a_week_gets_its_receipt_and_both_times_are_kept(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    before = datetime.now(UTC)
    receipt = created(put(clinic.tablet, administration(episode, phq_9(14))))
    kept = ok(clinic.therapist.get(f"/v1/administrations/{receipt['id']}"))
    assert datetime.fromisoformat(kept["completed_at"]) == START
    assert before <= datetime.fromisoformat(kept["received_at"]) <= datetime.now(UTC)
    assert kept["received_at"] == receipt["received_at"]


def test_a_late_answer_of_another_series_changes_nothing(clinic: Clinic) -> None:
    episode, receipts = put_in_order(clinic, [0, 2])
    created(put(clinic.tablet, administration(episode, gad_7(12), week=1, instrument="gad-7")))
    assert [len(history(clinic, receipts[week]["id"])) for week in (0, 2)] == [1, 1]


def test_a_late_answer_that_needs_clarification_changes_nothing(clinic: Clinic) -> None:
    episode, receipts = put_in_order(clinic, [0, 2])
    created(put(clinic.tablet, administration(episode, {"1": 3}, week=1)))
    assert [len(history(clinic, receipts[week]["id"])) for week in (0, 2)] == [1, 1]


# ---- Late attendances


def test_attendances_that_come_late_bring_the_verdicts(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    receipts = put_weekly(clinic, episode, [16, 12, 9, 7])
    assert [receipt["result"]["verdict"] for receipt in receipts] == [None] * 4
    make_sessions(clinic, episode, 4)
    last = newest(clinic, receipts[3]["id"])
    assert (last["dose"], last["signal_reason"], last["responder_state"]) == (3, "good_enough", "early")
    issued = history(clinic, receipts[3]["id"])
    assert {each["cause"] for each in issued} == {"attendance"}
    # Each attendance that was recorded brought the dose one up.
    assert [each["dose"] for each in issued] == [1, 2, 3]
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    assert trajectory["verdict"] == last
    assert trajectory["counted_sessions"] == 4


def test_a_corrected_attendance_issues_anew_and_keeps_what_was_shown(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    sessions = make_sessions(clinic, episode, 4)
    receipts = put_weekly(clinic, episode, [16, 12, 9, 7])
    path = f"/v1/treatment-sessions/{sessions[1]['id']}/attendances"
    [attendance] = clinic.therapist.get(path).json()
    change = {"outcome": "no_show", "reason": "ill"}
    ok(clinic.therapist.patch(f"/v1/attendances/{attendance['id']}", change, attendance["version"]))
    assert [newest(clinic, receipt["id"])["dose"] for receipt in receipts] == [0, 1, 1, 2]
    shown, now = history(clinic, receipts[3]["id"])
    assert shown == receipts[3]["result"]["verdict"]
    assert (shown["dose"], shown["cause"], shown["signal_reason"]) == (3, "answer", "good_enough")
    assert (now["dose"], now["cause"], now["signal_reason"]) == (2, "attendance", "too_early")
    # Week 0 and 1 lie before the session that was missed: nothing new can be said of them.
    assert [len(history(clinic, receipt["id"])) for receipt in receipts[:2]] == [1, 1]


def test_a_session_that_took_place_later_moves_the_dose(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    sessions = make_sessions(clinic, episode, 4)
    receipts = put_weekly(clinic, episode, [16, 12, 9, 7])
    later = {"starts_at": (START + timedelta(weeks=3, hours=2)).isoformat()}
    ok(clinic.therapist.patch(f"/v1/treatment-sessions/{sessions[2]['id']}", later, sessions[2]["version"]))
    assert [newest(clinic, receipt["id"])["dose"] for receipt in receipts] == [0, 1, 2, 2]


def test_a_session_that_turns_out_not_to_count_moves_the_dose(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    sessions = make_sessions(clinic, episode, 4)
    receipts = put_weekly(clinic, episode, [16, 12, 9, 7])
    change = {"contact_type": "support_call"}
    ok(clinic.therapist.patch(f"/v1/treatment-sessions/{sessions[2]['id']}", change, sessions[2]["version"]))
    assert [newest(clinic, receipt["id"])["dose"] for receipt in receipts] == [0, 1, 2, 2]


def test_when_no_session_counts_any_more_nothing_is_judged(clinic: Clinic) -> None:
    """What was said stays in the history; it is not shown as how the patient is doing."""
    episode = make_episode(clinic)
    [session] = make_sessions(clinic, episode, 1)
    receipts = put_weekly(clinic, episode, [16, 23])
    assert receipts[1]["result"]["verdict"]["signal"] == "red"
    [attendance] = clinic.therapist.get(f"/v1/treatment-sessions/{session['id']}/attendances").json()
    change = {"outcome": "cancelled", "reason": "wrong patient"}
    ok(clinic.therapist.patch(f"/v1/attendances/{attendance['id']}", change, attendance["version"]))
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    assert {each["phase"] for each in trajectory["observations"]} == {"waiting"}
    assert (trajectory["verdict"], trajectory["words"], trajectory["curve"]) == (None, None, None)
    [entry] = ok(clinic.therapist.get("/v1/caseload"))["episodes"]
    assert entry["verdict"] is None
    assert [each["signal"] for each in history(clinic, receipts[1]["id"])] == ["red"]


def test_a_closing_before_the_last_answer_makes_it_follow_up_and_the_one_before_speaks(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    receipts = put_weekly(clinic, episode, [16, 15, 16, 23])
    assert receipts[-1]["result"]["verdict"]["signal"] == "red"
    closing = {"closed_at": (START + timedelta(weeks=2, days=1)).isoformat(), "closing_reason": "agreed_early_end"}
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, episode["version"]))
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory"))
    assert [each["phase"] for each in trajectory["observations"]] == ["treatment"] * 3 + ["follow_up"]
    assert (trajectory["verdict"]["score"], trajectory["verdict"]["signal"]) == (16, "grey")


def test_late_answers_in_one_batch_are_judged_as_one_by_one(
    clinic: Clinic, in_order: dict[int, dict[str, Any]]
) -> None:
    episode, receipts = put_in_order(clinic, [0, 6])
    late = [{"id": str(uuid4()), **administration(episode, phq_9(TOTALS[week]), week=week)} for week in (5, 1, 4, 2, 3)]
    batch = ok(clinic.therapist.put("/v1/administrations", {"administrations": late}))["administrations"]
    by_week = {
        **{week: each["receipt"]["id"] for week, each in zip((5, 1, 4, 2, 3), batch, strict=True)},
        **{week: receipt["id"] for week, receipt in receipts.items()},
    }
    for week, administration_id in by_week.items():
        assert says(newest(clinic, administration_id)) == says(in_order[week])
    # One late batch is one event: the score after it is judged anew once.
    assert [each["cause"] for each in history(clinic, by_week[6])] == ["answer", "late_answer"]
    assert [each["cause"] for each in history(clinic, by_week[3])] == ["answer"]


def test_answers_that_come_at_the_same_moment_are_judged_as_in_order(
    shared: Clinic, in_order: dict[int, dict[str, Any]]
) -> None:
    """Also while the attendances are still being recorded."""
    episode = make_episode(shared, planned_dose=10)
    bodies = [administration(episode, phq_9(total), week=week) for week, total in enumerate(TOTALS)]
    attended = [{"episode_id": episode["id"], "outcome": "attended"}]
    sessions = [
        {
            "starts_at": (START + timedelta(weeks=week, hours=1)).isoformat(),
            "contact_type": "individual",
            "attendances": attended,
        }
        for week in range(len(TOTALS))
    ]
    with ThreadPoolExecutor(8) as connections:
        receipts = [connections.submit(put, shared.tablet, body) for body in bodies]
        recorded = [connections.submit(shared.therapist.post, "/v1/treatment-sessions", each) for each in sessions]
        ids = [created(each.result())["id"] for each in receipts]
        assert {created(each.result())["version"] for each in recorded} == {1}
    assert [says(newest(shared, each)) for each in ids] == [says(in_order[week]) for week in range(len(TOTALS))]
