"""The note of a child's episode: parents may read the record, and learn nothing from it that is kept from them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.session import Database
from tests.api.test_copy import Family
from tests.factories import Clinic, make_clinic, make_episode, make_patient, make_sessions, ok, put_weekly


@pytest.fixture(scope="module")
def family(database: Database, client: TestClient) -> Family:
    return Family(make_clinic(database, client))


def note_of(clinic: Clinic, episode: dict[str, Any], query: str = "", language: str = "en") -> dict[str, Any]:
    path = f"/v1/episodes/{episode['id']}/record-note{query}"
    return ok(clinic.therapist.get(path, headers={"Accept-Language": language}))


def test_what_is_kept_from_a_parent_leaves_no_trace(family: Family) -> None:
    """Four answered in confidence; of what rests on it only sessions, the action of a review and the plan are told."""
    note = note_of(family.clinic, family.episode)
    assert note["left_out"]
    for trace in ("SDQ", "PHQ-9", "score", "measure", "verdict", "alert", "pause", "oal", "clarification"):
        assert trace not in note["paragraph"], trace
    assert "Decision: more help" in note["paragraph"]


def test_withheld_from_parents_it_says_all(family: Family) -> None:
    note = note_of(family.clinic, family.episode, "?withheld_from_parents=true")
    assert not note["left_out"]
    for said in ("PHQ-9", "SDQ (parent)", "SDQ (teacher)", "SDQ (", "isk alert", "pause", "oal"):
        assert said in note["paragraph"], said


def test_what_was_opened_is_told(database: Database, client: TestClient) -> None:
    """The mother opens her answers: they are told, the father's are not. The youth's make the main measure."""
    family = Family(make_clinic(database, client))
    family.open("mother")
    told = note_of(family.clinic, family.episode)["paragraph"]
    assert told.count("SDQ (parent)") == 1
    assert "PHQ-9" not in told
    family.open("self")
    told = note_of(family.clinic, family.episode)["paragraph"]
    assert "PHQ-9" in told
    assert "isk alert" in told
    assert "pause" not in told  # nobody says whose answers it rests on, and the teacher's are hidden still
    assert "risis" not in told


@pytest.mark.parametrize(("born", "left_out"), [("1988-04-01", False), ("2011-06-01", True)])
def test_only_of_a_patient_under_age_something_is_left_out(clinic: Clinic, born: str, left_out: bool) -> None:
    episode = make_episode(clinic, patient_id=make_patient(clinic, birth_month=born)["id"])
    make_sessions(clinic, episode, 2)
    put_weekly(clinic, episode, [12, 9])
    note = note_of(clinic, episode)
    assert (note["left_out"], "PHQ-9" in note["paragraph"]) == (left_out, not left_out)
