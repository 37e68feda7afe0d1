"""The complete copy: everything that is kept, and of a youth's answers nothing in a parent's unless they are open."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response

from app.db import copying
from app.db.codes import OrganisationMode
from app.db.models import Base, Informant
from app.services.visibility import PATIENTS_VIEW, view_of
from tests.api.steps import correct, enter_in_error
from tests.api.test_modes import switch
from tests.factories import (
    Clinic,
    administration,
    at,
    created,
    hold,
    make_episode,
    make_opening,
    make_patient,
    ok,
    phq_9,
    put,
    staff_of,
)
from tests.owner import Owner
from tests.pdf_text import text_of

FOUR = ("self", "mother", "father", "teacher")
SDQ = {"self": "self-11-17", "mother": "parent-4-17", "father": "parent-4-17", "teacher": "teacher-4-17"}


def copy_of(clinic: Clinic, patient_id: object, query: str = "", **headers: str) -> dict[str, Any]:
    return ok(clinic.therapist.get(f"/v1/patients/{patient_id}/copy{query}", headers=headers))


def sdq(code: int) -> dict[str, int]:
    return {str(item): code for item in range(1, 26)}


class Family:
    """A youth of fourteen, both parents and a teacher; each answered the same questionnaire, and the youth one more."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        agreed = {"who": "Youthinmind", "reference": "2026/1", "date": "2026-01-02"}
        ok(clinic.lead.patch("/v1/settings", {"agreements": {"sdq": agreed}, "reason": "agreed"}, 1))
        self.patient_id = make_patient(clinic, birth_month="2011-06-01")["id"]
        path = f"/v1/patients/{self.patient_id}/informants"
        [own] = ok_list(clinic.therapist.get(path))
        self.informants: dict[str, dict[str, Any]] = {"self": own}
        for label, role in (("mother", "parent"), ("father", "parent"), ("teacher", "teacher")):
            self.informants[label] = created(clinic.therapist.post(path, {"role": role, "label": label}))
        self.episode = make_episode(clinic, patient_id=self.patient_id)
        for week in range(3):
            hold(clinic, self.episode, week=week)
        self.stored: dict[str, str] = {}
        for code, label in enumerate(FOUR):
            body = administration(self.episode, sdq(code % 3), instrument="sdq", form=SDQ[label])
            body |= {"informant_id": self.informants[label]["id"]}
            self.stored[label] = created(put(clinic.therapist, body))["id"]
        for week, total in enumerate((12, 19, 21)):
            created(put(clinic.therapist, administration(self.episode, phq_9(total, item_9=week), week=week)))
        episode_path = f"/v1/episodes/{self.episode['id']}"
        review = {
            "dose": 2,
            "with_patient": True,
            "causes": ["risk"],
            "action": "step_up",
            "note": "told of the secret",
        }
        created(clinic.therapist.post(f"{episode_path}/reviews", review))
        created(clinic.therapist.post(f"{episode_path}/goals", {"place": 1, "words": "a secret goal", "set_at": at(0)}))
        asked = {"instrument": "phq-9", "opens_at": at(0)}
        assignment = created(clinic.therapist.post(f"{episode_path}/assignments", asked))
        declined = {"state": "declined", "reason": "a secret reason"}
        ok(clinic.therapist.patch(f"/v1/assignments/{assignment['id']}", declined, 1))
        ok(clinic.therapist.patch(episode_path, {"crisis_pause_since": at(2)}, version_of(clinic, episode_path)))

    def copy_for(self, label: str) -> dict[str, Any]:
        return copy_of(self.clinic, self.patient_id, f"?for=informant&informant_id={self.informants[label]['id']}")

    def open(self, label: str) -> None:
        informant = self.informants[label]
        ok(self.clinic.therapist.patch(f"/v1/informants/{informant['id']}", {"visibility": "open"}, 1))


def ok_list(response: Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()
    return rows


def version_of(clinic: Clinic, path: str) -> int:
    version: int = ok(clinic.therapist.get(path))["version"]
    return version


@pytest.fixture
def family(clinic: Clinic) -> Family:
    return Family(clinic)


def forms_in(copy: dict[str, Any]) -> set[tuple[str, str]]:
    """Give whose answers to which forms are in a copy."""
    labels = {each["id"]: each["label"] for each in copy["informants"]}
    return {
        (labels[version["informant_id"]], form["instrument"])
        for episode in copy["episodes"]
        for form in episode["administrations"]
        for version in form["versions"]
    }


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


# ---- Whose answers


def test_the_patients_copy_holds_what_everybody_answered(family: Family) -> None:
    copy = copy_of(family.clinic, family.patient_id)
    assert forms_in(copy) == {(label, "sdq") for label in FOUR} | {("self", "phq-9")}
    [episode] = copy["episodes"]
    assert (copy["left_out"], copy["made_for"], episode["crisis_pause_since"] is not None) == (False, "patient", True)
    assert [each["note"] for each in episode["reviews"]] == ["told of the secret"]
    assert [each["words"] for each in episode["goals"]] == ["a secret goal"]
    alerts = [each for form in episode["administrations"] for v in form["versions"] for each in v["risk_alerts"]]
    assert [each["code"] for each in alerts] == [1, 2]


@pytest.mark.parametrize("parent", ["mother", "father"])
def test_a_parents_copy_holds_nothing_of_what_the_youth_answered_and_no_trace_of_it(
    family: Family, parent: str
) -> None:
    copy = family.copy_for(parent)
    assert forms_in(copy) == {(parent, "sdq")}
    assert (copy["left_out"], copy["made_for"]) == (True, "informant")
    [episode] = copy["episodes"]
    assert (episode["goals"], episode["assignments"], copy["legal_holds"]) == ([], [], [])
    assert (episode["crisis_pause_since"], episode["main_series_id"]) == (None, None)
    assert [(each["note"], each["causes"], each["dose"]) for each in episode["reviews"]] == [(None, None, None)]
    whole = " ".join(texts(copy))
    assert "secret" not in whole
    assert "phq-9" not in whole
    for label in set(FOUR) - {parent}:
        assert family.stored[label] not in whole
    [own] = episode["administrations"]
    assert own["versions"][0]["scores"]


def test_what_is_opened_is_shown_and_only_that(family: Family) -> None:
    family.open("father")
    assert forms_in(family.copy_for("mother")) == {("mother", "sdq"), ("father", "sdq")}
    # What the father has opened opens nothing of the mother's to him.
    assert forms_in(family.copy_for("father")) == {("father", "sdq")}
    family.open("self")
    copy = family.copy_for("mother")
    assert forms_in(copy) == {("mother", "sdq"), ("father", "sdq"), ("self", "sdq"), ("self", "phq-9")}
    assert [each["words"] for each in copy["episodes"][0]["goals"]] == ["a secret goal"]
    # The teacher has not, so that reviews may still repeat what the teacher said.
    assert (copy["left_out"], copy["episodes"][0]["reviews"][0]["note"]) == (True, None)
    family.open("teacher")
    copy = family.copy_for("mother")
    assert (copy["left_out"], copy["episodes"][0]["reviews"][0]["note"]) == (False, "told of the secret")


def test_a_form_that_was_taken_for_the_mothers_and_is_the_youths_is_hidden_in_all_its_versions(family: Family) -> None:
    clinic, youth = family.clinic, family.informants["self"]["id"]
    moved = correct(clinic, family.stored["mother"], informant_id=youth, form=SDQ["self"])
    if moved.status_code == 201:
        assert forms_in(family.copy_for("mother")) == set()
    # A form from somebody who is not known may be anybody's.
    body = administration(family.episode, sdq(1), instrument="sdq", form=SDQ["mother"], week=1)
    created(put(clinic.therapist, body | {"informant_id": str(uuid4())}))
    before = forms_in(family.copy_for("father"))
    assert before == {("father", "sdq")}


def test_a_copy_is_made_for_the_patient_or_a_parent_of_the_patient(family: Family) -> None:
    clinic, other = family.clinic, make_patient(family.clinic)
    [stranger] = ok_list(clinic.therapist.get(f"/v1/patients/{other['id']}/informants"))
    path = f"/v1/patients/{family.patient_id}/copy"
    for query in (
        "?for=informant",
        f"?for=informant&informant_id={stranger['id']}",
        f"?for=informant&informant_id={family.informants['teacher']['id']}",
        f"?for=informant&informant_id={uuid4()}",
        f"?informant_id={family.informants['mother']['id']}",
    ):
        refused = clinic.therapist.get(path + query)
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/informant_id"), query
    # Nothing was given, and nothing is noted of a copy that was not made.
    assert clinic.colleague.get(path).status_code == 404
    assert clinic.therapist.get(f"{path}?for=teacher").status_code == 422


@pytest.mark.parametrize(
    ("reader", "opened", "shown"),
    [
        ("self", "", "self mother father teacher"),
        ("mother", "", "mother"),
        ("father", "mother", "father mother"),
        ("teacher", "", "teacher"),
        ("teacher", "self mother", "teacher self mother"),
        ("mother", "self father teacher", "self mother father teacher"),
    ],
)
def test_the_rule_itself(reader: str, opened: str, shown: str) -> None:
    roles = {"self": "self", "mother": "parent", "father": "parent", "teacher": "teacher"}
    people = {
        label: Informant(
            id=uuid4(), role=role, label=label, visibility="open" if label in opened.split() else "restricted"
        )
        for label, role in roles.items()
    }
    view = view_of(people[reader], people.values())
    assert {label for label, each in people.items() if view.shows(each.id)} == set(shown.split())
    assert view.is_whole is (len(shown.split()) == 4)
    assert view.shows(None) is view.is_whole
    assert all(PATIENTS_VIEW.shows(each.id) for each in people.values())


# ---- Everything


def test_a_copy_holds_every_version_by_item_with_our_own_words(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    hold(clinic, episode)
    stored = created(put(clinic.therapist, administration(episode, phq_9(10, item_9=1))))
    created(correct(clinic, stored["id"], answers=phq_9(12, item_9=1)))
    [copied] = copy_of(clinic, episode["patient_id"])["episodes"]
    [form] = copied["administrations"]
    first, second = form["versions"]
    assert [(each["version"], each["state"]) for each in (first, second)] == [(1, "final"), (2, "amended")]
    assert second["reason"] == "read wrongly from the paper"
    for version, total in ((first, 10), (second, 12)):
        expected = phq_9(total, item_9=1)
        assert {each["item"]: each["answer"] for each in version["answers"] if each["item"] in expected} == expected
        assert [each["value"] for each in version["scores"] if each["subscale"] == "total"] == [total]
        assert all(each["topic"] for each in version["answers"])
    # The tenth question was not answered, and is not shown as if it were.
    assert [(each["answer"], each["state"]) for each in second["answers"] if each["item"] == "10"] == [(None, "blank")]
    assert [(each["item"], each["code"]) for each in first["risk_alerts"]] == [("9", 1)]
    assert form["verdicts"]


def test_a_copy_shows_what_stood_there_before(clinic: Clinic) -> None:
    patient = make_patient(clinic, reference="P-old-" + str(uuid4()))
    path = f"/v1/patients/{patient['id']}"
    episode = make_episode(clinic, patient_id=patient["id"], pathway=1)
    ok(clinic.therapist.patch(path, {"birth_month": "1990-01-01", "language": "nb"}, 1))
    [informant] = ok_list(clinic.therapist.get(f"{path}/informants"))
    ok(clinic.therapist.patch(f"/v1/informants/{informant['id']}", {"label": "kid"}, 1))
    ok(clinic.therapist.patch(f"/v1/episodes/{episode['id']}", {"pathway": 2}, 1))
    goal = created(
        clinic.therapist.post(f"/v1/episodes/{episode['id']}/goals", {"place": 1, "words": "sleap", "set_at": at(0)})
    )
    ok(clinic.therapist.patch(f"/v1/goals/{goal['id']}", {"words": "sleep"}, 1))
    ok(clinic.therapist.patch(f"/v1/goals/{goal['id']}", {"words": "sleep well"}, 2))
    copy = copy_of(clinic, patient["id"])
    was = [(each["kind"], each["version"], each["was"]) for each in copy["earlier_values"]]
    assert sorted(was, key=str) == sorted(
        [
            ("patients", 1, {"birth_month": "1988-04-01"}),
            ("informants", 1, {"label": "self"}),
            ("episodes", 1, {"pathway": 1}),
            ("goals", 1, {"words": "sleap"}),
            ("goals", 2, {"words": "sleep"}),
        ],
        key=str,
    )
    assert {each["replaced_by"] for each in copy["earlier_values"]} == {str(clinic.therapist_id)}
    assert [(each["display_name"], each["role"]) for each in copy["staff"]] == [("Therapist", "therapist")]


def test_a_form_that_may_be_somebody_elses_is_named_and_its_answers_are_not_given(clinic: Clinic) -> None:
    episode, other = make_episode(clinic), make_episode(clinic)
    wrong = created(put(clinic.therapist, administration(episode, phq_9(20, item_9=2))))
    created(enter_in_error(clinic, wrong["id"]))
    moved = created(put(clinic.therapist, administration(episode, phq_9(5), week=1)))
    created(correct(clinic, moved["id"], episode_id=other["id"]))
    [form] = copy_of(clinic, episode["patient_id"])["episodes"][0]["administrations"]
    assert (form["id"], form["withheld"], form["verdicts"]) == (wrong["id"], True, [])
    for version in form["versions"]:
        assert (version["answers"], version["body"], version["scores"], version["risk_alerts"]) == (None, None, [], [])
    [form] = copy_of(clinic, other["patient_id"])["episodes"][0]["administrations"]
    assert (form["id"], form["withheld"], len(form["versions"])) == (moved["id"], False, 2)
    assert episode["patient_id"] not in json.dumps(form)


def test_a_copy_holds_the_episodes_that_its_maker_reaches(clinic: Clinic, owner: Owner) -> None:
    episode = make_episode(clinic)
    secret = make_episode(clinic, patient_id=episode["patient_id"])
    ok(clinic.therapist.patch(f"/v1/episodes/{secret['id']}", {"pathway": 3}, 1))
    owner.run("update treatment_relations set ended_at = now() where episode_id = %s", secret["id"])
    copy = copy_of(clinic, episode["patient_id"])
    assert [each["id"] for each in copy["episodes"]] == [episode["id"]]
    assert secret["id"] not in json.dumps(copy)


def test_a_copy_tells_no_verdict_in_record_mode_and_says_so(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    hold(clinic, episode)
    created(put(clinic.therapist, administration(episode, phq_9(12))))
    before = copy_of(clinic, episode["patient_id"], **{"Accept-Language": "en"})
    switch(clinic, OrganisationMode.RECORD)
    after = copy_of(clinic, episode["patient_id"], **{"Accept-Language": "en"})
    assert before["episodes"][0]["administrations"][0]["verdicts"]
    assert after["episodes"][0]["administrations"][0]["verdicts"] == []
    assert not [each for each in before["explanation"] if "does not use assessments" in each]
    assert [each for each in after["explanation"] if "does not use assessments" in each]


# ---- On paper


@pytest.mark.parametrize(
    ("language", "begins", "word"),
    [
        ("nb", "Dette er en kopi av alt som Testing har registrert", "Fortrolig"),
        ("nn", "Dette er ein kopi av alt som Testing har registrert", "Fortruleg"),
        ("en", "This is a copy of everything that Testing has recorded", "In confidence"),
    ],
)
def test_a_copy_on_paper_begins_with_a_plain_explanation_and_says_the_same(
    family: Family, language: str, begins: str, word: str
) -> None:
    headers = {"Accept": "application/pdf", "Accept-Language": language}
    answer = family.clinic.therapist.get(f"/v1/patients/{family.patient_id}/copy", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    said = text_of(answer.content)
    assert begins in said
    assert said.index(begins) < 300
    assert word.lower() in said.lower()
    for wanted in ("told of the secret", "a secret goal", "a secret reason", "mother", "teacher"):
        assert wanted in said
    parents = f"?for=informant&informant_id={family.informants['mother']['id']}"
    said = text_of(
        family.clinic.therapist.get(f"/v1/patients/{family.patient_id}/copy{parents}", headers=headers).content
    )
    assert "secret" not in said
    assert "PHQ" not in said


def test_a_form_that_is_neither_is_refused(clinic: Clinic) -> None:
    patient_id = make_patient(clinic)["id"]
    answer = clinic.therapist.get(f"/v1/patients/{patient_id}/copy", headers={"Accept": "text/plain"})
    assert answer.status_code == 406
    empty = clinic.therapist.get(f"/v1/patients/{patient_id}/copy", headers={"Accept": "application/pdf"})
    assert empty.content.startswith(b"%PDF-")


# ---- Nothing is forgotten

NOT_IN_THE_COPY = {
    "assignment_openings": "on which tablets a form was open: no data of the patient, and the audit tells who looked",
    "credentials": "hashes of links that were handed out",
    "episode_summaries": "worked out from the rest, for reports",
    "measure_summaries": "worked out from the rest, for reports",
}
"""Tables with a path to the patient that the copy leaves out, and why."""


def tables_with_a_path_to_the_patient() -> set[str]:
    """Follow the foreign keys back from `patients`."""
    found, size = {"patients"}, 0
    while len(found) > size:
        size = len(found)
        for name, table in Base.metadata.tables.items():
            if any(key.column.table.name in found for key in table.foreign_keys if key.column.name == "id"):
                found.add(name)
    return found


def test_every_table_of_a_patient_is_in_the_copy_or_left_out_for_a_reason() -> None:
    named = {each.id for each in ast.walk(ast.parse(Path(copying.__file__).read_text())) if isinstance(each, ast.Name)}
    read = {str(each.local_table) for each in Base.registry.mappers if each.class_.__name__ in named}
    assert tables_with_a_path_to_the_patient() - read == NOT_IN_THE_COPY.keys()


def test_the_copy_tells_whom_the_patient_blocked_and_who_opened_the_record(clinic: Clinic) -> None:
    patient = make_patient(clinic)
    path = f"/v1/patients/{patient['id']}"
    make_episode(clinic, patient_id=patient["id"])
    mother = created(clinic.therapist.post(f"{path}/informants", {"role": "parent", "label": "mother"}))
    created(clinic.therapist.post(f"{path}/blocks", staff_of(clinic, "analyst")))
    make_opening(clinic, patient["id"])
    copy = ok(clinic.therapist.get(f"{path}/copy"))
    assert [each["user_id"] for each in copy["blocks"]] == [str(clinic.staff["analyst"])]
    assert [(each["user_id"], each["purpose"]) for each in copy["openings"]] == [
        (str(clinic.staff["locum"]), "emergency")
    ]
    assert {"Analyst", "Locum"} <= {each["display_name"] for each in copy["staff"]}
    printed = text_of(
        clinic.therapist.get(f"{path}/copy", headers={"Accept": "application/pdf", "Accept-Language": "nb"}).content
    )
    assert "Sperret for" in printed
    assert "Øyeblikkelig hjelp" in printed
    # A block may be about the parent who reads; who opened the record is theirs to know too.
    for_mother = ok(clinic.therapist.get(f"{path}/copy?for=informant&informant_id={mother['id']}"))
    assert (for_mother["blocks"], len(for_mother["openings"])) == ([], 1)
