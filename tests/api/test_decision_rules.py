"""Decision rules of programmes: which are taken, and what one says in a trajectory's answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode
from app.db.session import Database
from tests.api.steps import accept, trajectory_of
from tests.factories import (
    Clinic,
    administration,
    created,
    make_clinic,
    make_episode,
    make_patient,
    make_programme,
    ok,
    phq_9,
    put,
)
from tests.owner import Owner

# Stepping Together (NCT05734547): at most 4 symptoms in weeks 6 to 9. The threshold of an item is the programme's own.
RULE = {
    "instrument": "kates-2",
    "form_family": "child",
    "subscale": "total",
    "item_threshold": 2,
    "at_most": 4,
    "from_week": 6,
    "to_week": 9,
}


def kates_2(shown: int, blank: int = 0) -> dict[str, Any]:
    """Answer so many symptoms with 2, the others with 1, and leave the last ones open; no events."""
    symptoms = {str(number): 2 if number <= shown else 1 for number in range(1, 21 - blank)}
    return {f"E{number}": 0 for number in range(1, 16)} | symptoms


def ago(weeks: float) -> str:
    return (datetime.now(UTC) - timedelta(weeks=weeks)).isoformat()


def a_child_in(
    clinic: Clinic, programme: Mapping[str, Any], weeks: float, measured: Mapping[float, dict[str, Any]]
) -> dict[str, Any]:
    """Give the episode of a child who came to the programme so many weeks ago, measured in some of its weeks."""
    born = f"{datetime.now(UTC).year - 10}-01-01"
    patient = make_patient(clinic, birth_month=born)
    episode = make_episode(clinic, patient_id=patient["id"], opened_at=ago(weeks), programme_id=programme["id"])
    for week, answers in measured.items():
        body = administration(episode, answers, instrument="kates-2", form="child")
        receipt = created(put(clinic.therapist, body | {"completed_at": ago(weeks - week)}))
        if receipt["state"] == "needs_clarification":
            accept(clinic, receipt, "too_many_missing")
    return episode


def rule_of(clinic: Clinic, episode: Mapping[str, Any], language: str = "en") -> Any:
    answer = trajectory_of(clinic, episode, "?instrument=kates-2&form=child", **{"Accept-Language": language})
    return answer["decision_rule"]


@pytest.mark.parametrize(
    ("weeks", "measured", "state", "count", "words"),
    [
        (2, {1: kates_2(9)}, "not_yet_due", 9, "comes in weeks 6 to 9. At the last measure the number"),
        (7, {1: kates_2(9)}, "due", 9, "It is time to measure now"),
        (7, {1: kates_2(9), 6.5: kates_2(4)}, "met", 4, "the number of symptoms is 4, within the rule's limit of 4"),
        (9.5, {6.5: kates_2(3), 9.2: kates_2(5)}, "not_met", 5, "the number of symptoms is 5, above the rule's limit"),
        (30, {6.5: kates_2(4), 20: kates_2(12)}, "met", 4, "within"),
        (12, {1: kates_2(9)}, "overdue", 9, "passed without a measure"),
        (12, {11: kates_2(2)}, "overdue", 2, "At the last measure the number of symptoms was 2"),
        (7, {6.5: kates_2(4, blank=3)}, "undetermined", 4, "the number of symptoms is 4 to 7"),
    ],
)
def test_what_it_says_at_its_time(
    clinic: Clinic, weeks: float, measured: dict[float, dict[str, Any]], state: str, count: int, words: str
) -> None:
    programme = make_programme(clinic, "parents", decision_rule=RULE)
    found = rule_of(clinic, a_child_in(clinic, programme, weeks, measured))
    assert found["programme"] == programme["name"]
    assert found["weeks"] == pytest.approx(weeks, abs=0.02)
    [outcome] = found["outcomes"]
    assert (outcome["state"], outcome["count"]) == (state, count)
    assert words in outcome["words"]


def test_it_stands_in_the_answer_whatever_series_is_asked_for(clinic: Clinic) -> None:
    programme = make_programme(clinic, "parents", decision_rule=RULE)
    episode = make_episode(clinic, opened_at=ago(2), programme_id=programme["id"])
    created(put(clinic.therapist, administration(episode, phq_9(12)) | {"completed_at": ago(1)}))
    found = trajectory_of(clinic, episode, "?instrument=phq-9", **{"Accept-Language": "en"})
    [outcome] = found["decision_rule"]["outcomes"]
    assert (outcome["state"], outcome["series_id"], outcome["count"]) == ("not_yet_due", None, None)
    assert outcome["words"] == "The decision point of the programme comes in weeks 6 to 9."


def test_series_never_mix(clinic: Clinic) -> None:
    """The child has responded, by the mother's answers it has not: two outcomes, and no average."""
    programme = make_programme(clinic, "parents", decision_rule=RULE | {"form_family": None})
    episode = a_child_in(clinic, programme, 7, {6.5: kates_2(2)})
    path = f"/v1/patients/{episode['patient_id']}/informants"
    mother = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))
    hers = administration(episode, kates_2(8), instrument="kates-2", form="caregiver", informant_id=mother["id"])
    created(put(clinic.therapist, hers | {"completed_at": ago(0.5)}))
    outcomes = {each["form_family"]: each for each in rule_of(clinic, episode)["outcomes"]}
    assert {family: each["state"] for family, each in outcomes.items()} == {"child": "met", "caregiver": "not_met"}
    assert outcomes["caregiver"]["informant_id"] == mother["id"]


def test_after_the_treatment_only_what_was_measured_in_time(clinic: Clinic) -> None:
    programme = make_programme(clinic, "parents", decision_rule=RULE)
    in_time = a_child_in(clinic, programme, 12, {7: kates_2(2)})
    too_late = a_child_in(clinic, programme, 12, {1: kates_2(2)})
    for episode in (in_time, too_late):
        version = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}"))["version"]
        closing = {"closed_at": ago(1), "closing_reason": "completed"}
        ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", closing, version))
    assert [each["state"] for each in rule_of(clinic, in_time)["outcomes"]] == ["met"]
    assert rule_of(clinic, too_late)["outcomes"] == []


def test_nothing_in_record_mode(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    programme = make_programme(clinic, "parents", decision_rule=RULE)
    assert rule_of(clinic, a_child_in(clinic, programme, 7, {6.5: kates_2(2)})) is None


@pytest.mark.parametrize("language", ["nb", "nn"])
def test_in_the_reader_s_words(clinic: Clinic, language: str) -> None:
    programme = make_programme(clinic, "parents", decision_rule=RULE)
    [outcome] = rule_of(clinic, a_child_in(clinic, programme, 7, {6.5: kates_2(2)}), language)["outcomes"]
    assert outcome["words"].startswith({"nb": "Beslutningspunktet er", "nn": "Avgjerdspunktet er"}[language])


# ---- What may be a rule


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"instrument": "no-such"}, "/decision_rule/instrument"),
        ({"instrument": "wurs-25"}, "/decision_rule/instrument"),  # not followed over time
        ({"form_family": "teacher"}, "/decision_rule/form_family"),
        ({"subscale": "events"}, "/decision_rule/subscale"),
        ({"item_threshold": 4}, "/decision_rule/item_threshold"),
        ({"at_most": 20}, "/decision_rule/at_most"),
        ({"to_week": 5}, "/decision_rule/to_week"),
        ({"from_week": -1}, "/decision_rule/from_week"),
        ({"at_most": "4"}, "/decision_rule/at_most"),
        ({"note": "see the manual"}, "/decision_rule/note"),
    ],
)
def test_a_rule_that_can_not_be_applied_is_refused(clinic: Clinic, change: dict[str, Any], pointer: str) -> None:
    body = {
        "name": f"Programme {uuid4()}",
        "format": "individual",
        "counted_contact_types": ["parents"],
        "decision_rule": RULE | change,
    }
    refused = clinic.lead.post("/v1/programmes", body)
    assert refused.status_code in (409, 422)
    assert refused.json()["pointer"] == pointer


def test_a_rule_is_changed_and_taken_away(clinic: Clinic) -> None:
    programme = make_programme(clinic, "parents")
    path = f"/v1/programmes/{programme['id']}"
    with_rule = ok(clinic.lead.patch(path, {"decision_rule": RULE}, programme["version"]))
    assert with_rule["decision_rule"] == RULE
    refused = clinic.lead.patch(path, {"decision_rule": RULE | {"at_most": 20}}, with_rule["version"])
    assert refused.json()["pointer"] == "/decision_rule/at_most"
    without = ok(clinic.lead.patch(path, {"decision_rule": None}, with_rule["version"]))
    assert without["decision_rule"] is None


def test_a_document_from_before_rules_had_a_form_is_kept_shown_and_not_applied(clinic: Clinic, owner: Owner) -> None:
    programme = make_programme(clinic, "parents")
    document = {"week": 6, "step up": {"symptoms": "more than four"}}
    owner.run("update programmes set decision_rule = %s where id = %s", json.dumps(document), programme["id"])
    episode = a_child_in(clinic, programme, 7, {6.5: kates_2(2)})
    assert rule_of(clinic, episode) is None
    kept = ok(clinic.lead.get(f"/v1/programmes/{programme['id']}"))
    assert kept["decision_rule"] == document
    renamed = ok(clinic.lead.patch(f"/v1/programmes/{programme['id']}", {"planned_dose": 5}, kept["version"]))
    assert renamed["decision_rule"] == document


def test_a_rule_of_what_is_no_longer_there_is_not_applied(clinic: Clinic, owner: Owner) -> None:
    """As a document may name what an instrument never had."""
    programme = make_programme(clinic, "parents")
    owner.run(
        "update programmes set decision_rule = %s where id = %s",
        json.dumps(RULE | {"subscale": "intrusion"}),
        programme["id"],
    )
    [outcome] = rule_of(clinic, a_child_in(clinic, programme, 7, {6.5: kates_2(2)}))["outcomes"]
    assert (outcome["state"], outcome["count"]) == ("due", None)
