"""Instruments over HTTP: the list, one as a whole, the organisation's own, and the official wordings."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.api.examples import EXAMPLES
from app.api.schemas.instruments import Questionnaire
from app.db.session import Database
from app.scales.catalogue import catalogue
from tests.api.steps import an_episode, correct, read
from tests.factories import (
    Clinic,
    administration,
    created,
    make_clinic,
    ok,
    own_instrument,
    put,
)
from tests.owner import Owner

WORDING = "/v1/instruments/gad-7/forms/self/wording"
NAMED = (
    "sdq rcads-47 rcads-25 core-om core-10 audit dudit asrs-1.1 wurs-25 raads-r wfirs-p wfirs-s lpfs-bf-2.0 kates-2"
    " pcl-5 itq ors srs session-feedback own-goals phq-9 gad-7"
)
"""Every instrument that is asked for, under the keys of design section 6."""


def listed(clinic: Clinic) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in ok(clinic.tablet.get("/v1/instruments"))["instruments"]}


def questionnaire(**changes: object) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(EXAMPLES[Questionnaire]))
    return copied | changes


# ---- The list


def test_every_instrument_is_listed_with_licence_source_and_status(clinic: Clinic) -> None:
    found = listed(clinic)
    assert set(found) == {*NAMED.split(), "5-15r", "cats-2-icd-11"}
    for each in found.values():
        assert each["licence"]["holder"]
        assert each["licence"]["terms"]
        assert each["licence"]["source"]["text"]
        assert each["licence"]["source"]["confidence"] in ("A", "A-", "B", "UNVERIFIED")
    by_status: dict[str, set[str]] = {}
    for key, each in found.items():
        by_status.setdefault(each["status"], set()).add(key)
    assert by_status["agreement_needed"] == {
        *("ors", "raads-r", "rcads-25", "rcads-47", "sdq", "srs", "wfirs-p", "wfirs-s", "wurs-25")
    }
    assert by_status["not_implemented"] == {"5-15r", "cats-2-icd-11"}
    assert "not public" in found["5-15r"]["reason"]
    assert "agreement with Robert Goodman" in found["sdq"]["reason"]
    assert found["phq-9"]["reason"] is None
    assert [key for key, each in found.items() if not each["validated"]] == ["own-goals", "session-feedback"]
    assert found["wurs-25"]["not_for_change"] == "retrospective"


def test_a_note_of_an_agreement_makes_an_instrument_available(clinic: Clinic) -> None:
    note = {"who": "Youthinmind", "reference": "1", "date": "2026-03-01"}
    ok(clinic.lead.patch("/v1/settings", {"reason": "signed", "agreements": {"sdq": note}}, 1))
    sdq = listed(clinic)["sdq"]
    assert (sdq["status"], sdq["reason"]) == ("available", None)
    assert ok(clinic.tablet.get("/v1/instruments/sdq"))["enabled"] is True
    assert ok(clinic.tablet.get("/v1/instruments/ors"))["enabled"] is False


# ---- One as a whole


@pytest.mark.parametrize("key", list(catalogue()))
def test_a_tablet_gets_all_that_it_needs_to_draw_a_form(clinic: Clinic, key: str) -> None:
    shipped, shown = catalogue()[key], ok(clinic.tablet.get(f"/v1/instruments/{key}"))
    assert (shown["key"], shown["version"], shown["title"]) == (key, shipped.version, shipped.title)
    for form, drawn in zip(shipped.forms, shown["forms"], strict=True):
        assert [each["number"] for each in drawn["items"]] == [item.number for item in form.items]
        for item, asked in zip(form.items, drawn["items"], strict=True):
            offered = [each["answer"] for each in asked["choices"]]
            if asked["line"]:
                assert offered == [item.choices.answer(item.codes[0]), item.choices.answer(item.codes[-1])]
                assert asked["step"] == 1 / item.choices.per_point
            else:
                assert [item.choices.code(answer) for answer in offered] == list(item.codes)
        assert drawn["wording"] == ("topics" if shipped.validated else "own")
        assert drawn["for_clinical_use"] is not shipped.validated
        assert len(drawn["skip_rules"]) == len(form.skip_rules)


def test_a_psychometrician_gets_rules_norms_and_sources(clinic: Clinic) -> None:
    [form] = ok(clinic.therapist.get("/v1/instruments/phq-9"))["forms"]
    [total] = form["subscales"]
    assert total["missing"]["source"]["confidence"] == "UNVERIFIED"
    assert total["criteria"] == {"better": "lower", "cutoff": 10, "reliable_change": 6, "important_difference": 1.7}
    assert total["sources"]["reliable_change"]["text"].startswith("NHS Talking Therapies")
    [screen] = form["screens"]
    assert [each["code"] for each in screen["outcomes"]] == ["major_depressive_syndrome", "other_depressive_syndrome"]
    assert [each["count"] for each in screen["outcomes"][0]["requirements"]] == [5, 1]
    rcads = ok(clinic.therapist.get("/v1/instruments/rcads-47"))["norms"]
    assert rcads["population"] == "us_school_pupils"
    boys = [each for each in rcads["norms"] if (each["sex"], each["first_grade"], each["form"]) == ("male", 3, "child")]
    assert {each["subscale"]: (each["mean"], each["sd"]) for each in boys}["mdd"] == (8.26, 4.08)
    wfirs = ok(clinic.therapist.get("/v1/instruments/wfirs-p"))["forms"][0]["screens"][0]["outcomes"][0]
    assert [each["mean_above"] for each in wfirs["requirements"]] == [None, None, 1.5]


def test_what_has_not_changed_is_not_sent_again(clinic: Clinic) -> None:
    first = clinic.tablet.get("/v1/instruments/gad-7")
    etag = first.headers["ETag"]
    again = clinic.tablet.get("/v1/instruments/gad-7", headers={"If-None-Match": f'"0", {etag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    created(clinic.lead.put(WORDING, questionnaire()))
    changed = clinic.tablet.get("/v1/instruments/gad-7", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    # Another language is another answer.
    english = clinic.tablet.get("/v1/instruments/gad-7", headers={"Accept-Language": "en"})
    assert english.headers["ETag"] != changed.headers["ETag"]
    assert "Accept-Language" in english.headers["Vary"]


def test_an_unknown_instrument_is_not_found(clinic: Clinic) -> None:
    refused = clinic.tablet.get("/v1/instruments/phq-8")
    assert (refused.status_code, refused.json()["pointer"]) == (404, "/key")
    assert "phq-9" in refused.json()["allowed"]


def test_our_own_forms_are_worded_in_three_languages(clinic: Clinic) -> None:
    said = {}
    for language in ("nb", "nn", "en"):
        shown = ok(clinic.tablet.get("/v1/instruments/session-feedback", headers={"Accept-Language": language}))
        assert shown["validated"] is False
        forms = {form["key"]: form for form in shown["forms"]}
        assert set(forms) == {"adult", "child", "caregiver"}
        said[language] = [item["text"] for form in forms.values() for item in form["items"]]
        assert all(form["introduction"] for form in forms.values())
        ends = {choice["text"] for form in forms.values() for item in form["items"] for choice in item["choices"]}
        assert len(ends) == 2
    assert len({text for texts in said.values() for text in texts}) >= 30
    assert said["nb"][2] == "Jeg følte meg forstått og respektert."


# ---- The organisation's own


def test_an_instrument_of_ones_own_goes_all_the_way(clinic: Clinic) -> None:
    added = created(clinic.lead.post("/v1/instruments", own_instrument()))
    assert (added["key"], added["own"], added["validated"], added["enabled"]) == ("sleep-check", True, False, True)
    assert listed(clinic)["sleep-check"]["own"] is True
    episode = an_episode(clinic, 3)
    receipt = created(put(clinic.therapist, administration(episode, {"1": 2, "2": 1}, instrument="sleep-check")))
    assert receipt["result"]["scores"]["total"]["value"] == 3
    assert receipt["result"]["validated"] is False
    assert read(clinic, receipt["id"])["answers"] == {"1": 2, "2": 1}
    refused = put(clinic.tablet, administration(episode, {"1": 3}, instrument="sleep-check"))
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/answers/1")
    created(put(clinic.tablet, administration(episode, {"1": 0, "2": 0}, instrument="sleep-check", week=1)))
    corrected = created(correct(clinic, receipt["id"], answers={"1": 1, "2": 1}))
    assert corrected["result"]["scores"]["total"]["value"] == 2
    trajectory = ok(clinic.therapist.get(f"/v1/episodes/{episode['id']}/trajectory?instrument=sleep-check"))
    assert [each["score"] for each in trajectory["observations"]] == [2, 0]
    assert trajectory["verdict"] is None
    entries = [
        {"id": str(uuid4()), **administration(episode, {"1": 1, "2": 1}, instrument=key, week=2)}
        for key in ("sleep-check", "phq-9", "nothing")
    ]
    told = ok(clinic.tablet.put("/v1/administrations", {"administrations": entries}))["administrations"]
    assert [each["status"] for each in told] == ["stored", "stored", "refused"]
    path = f"/v1/episodes/{episode['id']}/assignments"
    asked = created(clinic.therapist.post(path, {"instrument": "sleep-check", "opens_at": "2026-01-05T09:00:00Z"}))
    assert asked["form"] == "self"


def test_a_new_version_begins_a_series_of_its_own(clinic: Clinic) -> None:
    created(clinic.lead.post("/v1/instruments", own_instrument()))
    episode = an_episode(clinic, 3)
    first = created(put(clinic.therapist, administration(episode, {"1": 2, "2": 1}, instrument="sleep-check")))
    again = clinic.lead.post("/v1/instruments", own_instrument())
    assert (again.status_code, again.json()["detail"]) == (409, "this version is there already and never changes")
    second = own_instrument(version="2")
    second["text"] = second["text"].replace('code = 2, topic = "most nights"', 'code = 5, topic = "most nights"')
    second["text"] = second["text"].replace("maximum = 4", "maximum = 10")
    assert created(clinic.lead.post("/v1/instruments", second))["version"] == "2"
    newer = administration(episode, {"1": 5, "2": 0}, instrument="sleep-check", week=1)
    assert created(put(clinic.therapist, newer))["result"]["scores"]["total"]["value"] == 5
    # What was answered before is read as it was answered.
    assert read(clinic, first["id"])["result"]["scores"]["total"]["value"] == 3
    assert (read(clinic, first["id"])["instrument_version"], read(clinic, first["id"])["answers"]["1"]) == ("1", 2)
    path = f"/v1/episodes/{episode['id']}/trajectory?instrument=sleep-check"
    assert [each["score"] for each in ok(clinic.therapist.get(path))["observations"]] == [5]


def test_another_organisation_does_not_know_of_it(clinic: Clinic, database: Database, client: TestClient) -> None:
    created(clinic.lead.post("/v1/instruments", own_instrument()))
    other = make_clinic(database, client)
    assert "sleep-check" not in listed(other)
    assert other.tablet.get("/v1/instruments/sleep-check").status_code == 404
    refused = put(other.therapist, administration(an_episode(other, 1), {"1": 1}, instrument="sleep-check"))
    assert (refused.status_code, refused.json()["type"]) == (422, "/v1/problems/unknown-instrument")
    # The same key may be another instrument there.
    theirs = own_instrument()
    theirs["text"] = theirs["text"].replace('title = "Sleep check"', 'title = "Theirs"')
    assert created(other.lead.post("/v1/instruments", theirs))["title"] == "Theirs"
    assert ok(clinic.tablet.get("/v1/instruments/sleep-check"))["title"] == "Sleep check"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("sleep-check", "phq-9"), "phq-9.toml:1: phq-9 is the key of a shipped instrument; choose another"),
        (("maximum = 4", "maximum = 5"), "sleep-check.toml:23: forms[0]: the items of subscale total give a range"),
        (("code = 1, topic", "code = 0, topic"), "sleep-check.toml:18: choices[0]: the codes of the choices must rise"),
        (('source = "own" },\n]', 'source = "mine" },\n]'), "sleep-check.toml:29: forms[0]: items[1]: there is no"),
        (('version = "1"', "version = 1"), "sleep-check.toml:2: version must be a text"),
        (('version = "1"', "version = "), "sleep-check.toml:2: not TOML: Invalid value (at line 2"),
        (('better = "lower"', 'beter = "lower"'), "sleep-check.toml:36: forms[0]: subscales[0]: the format has no key"),
        (("validated = false\n", ""), "sleep-check.toml:1: validated must be given, as true or false"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_file_line_and_rule(
    clinic: Clinic, owner: Owner, change: tuple[str, str], told: str
) -> None:
    body = {name: text.replace(*change) for name, text in own_instrument().items()}
    stored = owner.counts(clinic.organisation_id)
    refused = clinic.lead.post("/v1/instruments", body)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/text")
    assert refused.json()["detail"].startswith(told), refused.json()["detail"]
    assert owner.counts(clinic.organisation_id) == stored


def test_one_that_needs_an_agreement_is_gated_like_the_others(clinic: Clinic) -> None:
    body = own_instrument()
    body["text"] = body["text"].replace('status = "free"', 'status = "agreement_needed"')
    created(clinic.lead.post("/v1/instruments", body))
    episode = an_episode(clinic, 1)
    form = administration(episode, {"1": 1, "2": 1}, instrument="sleep-check")
    assert put(clinic.tablet, form).status_code == 409
    note = {"who": "the holder", "reference": "1", "date": "2026-03-01"}
    ok(clinic.lead.patch("/v1/settings", {"reason": "signed", "agreements": {"sleep-check": note}}, 1))
    created(put(clinic.tablet, form))


def test_a_limit_of_the_settings_that_does_not_fit_a_new_version_is_told(clinic: Clinic) -> None:
    lax = own_instrument()
    rule = 'max_missing = 0, method = "none"'
    lax["text"] = lax["text"].replace(rule, 'max_missing = 1, method = "prorate", configurable = true')
    created(clinic.lead.post("/v1/instruments", lax))
    ok(clinic.lead.patch("/v1/settings", {"reason": "stricter", "max_missing": {"sleep-check": 0}}, 1))
    ok(clinic.lead.patch("/v1/settings", {"reason": "as it was", "max_missing": {"sleep-check": 1}}, 2))
    refused = clinic.lead.post("/v1/instruments", own_instrument(version="2"))
    assert refused.status_code == 422
    assert refused.json()["detail"] == "the missing-item rule of this score is fixed"


# ---- Official wordings


def test_a_wording_is_served_with_the_form_in_its_language(clinic: Clinic) -> None:
    loaded = created(clinic.lead.put(WORDING, questionnaire()))
    assert loaded == {"instrument": "gad-7", "form": "self", "language": "nb", "items": 7}
    shown = ok(clinic.tablet.get("/v1/instruments/gad-7", headers={"Accept-Language": "nb"}))
    [form] = shown["forms"]
    assert (form["wording"], form["for_clinical_use"]) == ("official", True)
    assert [item["text"] for item in form["items"]] == [*(f"Spørsmål {number}" for number in range(1, 8)), None]
    assert [choice["text"] for choice in form["items"][0]["choices"]] == [f"{code} of 3" for code in range(4)]
    [other] = ok(clinic.tablet.get("/v1/instruments/gad-7", headers={"Accept-Language": "nn"}))["forms"]
    assert (other["wording"], other["for_clinical_use"], other["items"][0]["text"]) == ("topics", False, None)
    assert listed(clinic)["gad-7"]["languages"] == ["nb"]


def test_the_wording_loaded_last_is_served_and_the_others_are_kept(clinic: Clinic, owner: Owner) -> None:
    created(clinic.lead.put(WORDING, questionnaire()))
    newer = questionnaire(language="nb-NO", description="De siste to ukene")
    newer["item"][0]["text"] = "Et bedre spørsmål"
    created(clinic.lead.put(WORDING, newer))
    created(clinic.lead.put(WORDING, questionnaire(language="en")))
    [form] = ok(clinic.tablet.get("/v1/instruments/gad-7", headers={"Accept-Language": "nb"}))["forms"]
    assert (form["introduction"], form["items"][0]["text"]) == ("De siste to ukene", "Et bedre spørsmål")
    rows = owner.rows("select language, revision from wordings where organisation_id = %s", clinic.organisation_id)
    assert sorted((row["language"], row["revision"]) for row in rows) == [("en", 1), ("nb", 1), ("nb", 2)]
    assert listed(clinic)["gad-7"]["languages"] == ["en", "nb"]


def test_what_does_not_match_is_refused_with_a_list(clinic: Clinic, owner: Owner) -> None:
    wrong = questionnaire()
    wrong["item"][0]["linkId"] = "99"
    wrong["item"][1]["answerOption"].pop()
    wrong["item"][2]["text"] = " "
    wrong["item"][3]["answerOption"][0]["valueCoding"]["code"] = "7"
    refused = clinic.lead.put(WORDING, wrong)
    assert refused.status_code == 422
    told = {each["pointer"]: each["detail"] for each in refused.json()["errors"]}
    assert told["/item/0/linkId"] == "the question belongs to no item of the form"
    assert told["/item/1/answerOption"] == "item 2 lists no answer for 3"
    assert told["/item/2/text"] == "the question of item 3 has no text"
    assert told["/item"] == "there is no question for item 1, 3"
    assert owner.rows("select from wordings where organisation_id = %s", clinic.organisation_id) == []


def test_a_wording_of_nothing_is_not_found(clinic: Clinic) -> None:
    for path in ("/v1/instruments/gad-8/forms/self/wording", "/v1/instruments/gad-7/forms/child/wording"):
        assert clinic.lead.put(path, questionnaire()).status_code == 404
