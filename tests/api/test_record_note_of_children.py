"""The note of a child's episode: parents may read the record, and learn nothing from it that is kept from them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.session import Database
from tests.api.test_copy import Family
from tests.api.test_few_occasions import IMPROVED, enable, months_0_and_6, rcads
from tests.factories import (
    Clinic,
    administration,
    created,
    make_clinic,
    make_episode,
    make_patient,
    make_sessions,
    ok,
    put,
    put_weekly,
)


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
    assert "decision: more help" in note["paragraph"]


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


SDQ = {
    "nb": [
        "SDQ (forelder) var 20 (utenfor vanlig område) den 5.1.2026 og 10 (vanlig område) den 6.7.2026.",
        "Skåren har gått ned 10 poeng (pålitelig bedring).",
        "Beslutningsstøtten vurderer skåren fra 6.7.2026 som «Grønt: pålitelig bedring».",
        "Forbehold: skårens pålitelighet er 0,82, så endringen må tolkes med varsomhet.",
        "Det er gjennomført 6 timer.",
    ],
    "nn": [
        "SDQ (forelder) var 20 (utanfor vanleg område) den 5.1.2026 og 10 (vanleg område) den 6.7.2026.",
        "Skåren har gått ned 10 poeng (påliteleg betring).",
        "Avgjerdsstøtta vurderer skåren frå 6.7.2026 som «Grønt: påliteleg betring».",
        "Atterhald: pålitelegheita til skåren er 0,82, så endringa må tolkast med varsemd.",
        "Det er gjennomført 6 timar.",
    ],
    "en": [
        "SDQ (parent) was 20 (outside the usual range) on 2026-01-05 and 10 (usual range) on 2026-07-06.",
        "The score has fallen by 10 (reliable improvement).",
        "The decision support rates the score of 2026-07-06 as “Green: reliable improvement”.",
        "To bear in mind: the reliability of the score is 0.82, so the change should be interpreted with caution.",
        "6 sessions have been held.",
    ],
}


@pytest.mark.parametrize("language", list(SDQ))
def test_a_parent_s_sdq_half_a_year_apart(clinic: Clinic, language: str) -> None:
    """The mother is the only parent who answers: her own are shown to her. From 20 to 10; 9 points are reliable."""
    child = months_0_and_6(clinic, IMPROVED)
    assert [each["text"] for each in note_of(clinic, child.episode, "", language)["sentences"]] == SDQ[language]


def test_a_change_on_the_rcads_that_cannot_be_judged(clinic: Clinic) -> None:
    enable(clinic)
    patient = make_patient(clinic, birth_month="2014-03-01")
    episode = make_episode(clinic, patient_id=patient["id"])
    make_sessions(clinic, episode, 4)
    for week, points in ((0, 40), (40, 26)):
        body = administration(episode, rcads(points), instrument="rcads-47", form="child", week=week)
        created(put(clinic.therapist, body))
    assert note_of(clinic, episode, "?withheld_from_parents=true", "nb")["paragraph"] == (
        "RCADS-47 var 40 den 5.1.2026 og 26 den 12.10.2026. Skåren har gått ned 14 poeng. Forbehold: om endringen er"
        " pålitelig, kan ikke vurderes med dette skjemaet. Det er gjennomført 4 timer."
    )
    assert note_of(clinic, episode, "", "nb")["paragraph"] == "Det er gjennomført 4 timer."
