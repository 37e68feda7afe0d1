"""The summary of an episode for the patient record: exact sentences in three languages, both modes, who may read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode
from app.db.session import Database
from tests.api.steps import close
from tests.factories import (
    START,
    Clinic,
    administration,
    at,
    created,
    gad_7,
    make_clinic,
    make_episode,
    make_patient,
    make_programme,
    make_sessions,
    ok,
    phq_9,
    put,
    put_weekly,
)
from tests.pdf_text import text_of


def note_of(clinic: Clinic, episode: dict[str, Any], language: str = "en") -> dict[str, Any]:
    path = f"/v1/episodes/{episode['id']}/record-note"
    return ok(clinic.therapist.get(path, headers={"Accept-Language": language}))


def told(clinic: Clinic, episode: dict[str, Any], language: str = "en") -> list[str]:
    return [each["text"] for each in note_of(clinic, episode, language)["sentences"]]


def improved(clinic: Clinic) -> dict[str, Any]:
    """Four weekly PHQ-9 from 18 to 8 (reliable from 6 points on), GAD-7 twice, a goal, a review and an end ahead."""
    programme = make_programme(clinic, "individual", name=f"Kurs {uuid4().hex[:6]}")
    patient = make_patient(clinic, reference=f"Journal-{uuid4().hex[:6]}")
    plan = {"planned_dose": 10, "planned_end": "2026-06-30", "programme_id": programme["id"]}
    episode = make_episode(clinic, patient_id=patient["id"], **plan)
    make_sessions(clinic, episode, 4)
    put_weekly(clinic, episode, [18, 15, 11, 8])
    for week, total in ((0, 14), (3, 8)):
        body = administration(episode, {}, week=week) | {"instrument": "gad-7", "answers": gad_7(total)}
        created(put(clinic.therapist, body))
    path = f"/v1/episodes/{episode['id']}"
    created(clinic.therapist.post(f"{path}/goals", {"place": 1, "words": "Sove om natta", "set_at": START.isoformat()}))
    review = {"dose": 2, "with_patient": True, "causes": ["alliance"], "action": "continue", "due_on": "2026-03-02"}
    reviewed = created(clinic.therapist.post(f"{path}/reviews", review))
    day = datetime.fromisoformat(reviewed["reviewed_at"]).astimezone(ZoneInfo("Europe/Oslo")).date()
    days = {"reviewed": f"{day.day}.{day.month}.{day.year}", "reviewed_iso": day.isoformat()}
    return episode | days | {"programme": programme["name"], "reference": patient["reference"]}


EXPECTED = {
    "nb": [
        "PHQ-9 var 18 (moderat alvorlige plager) den 5.1.2026 og 8 (milde plager) den 26.1.2026.",
        "Skåren har gått ned 10 poeng (pålitelig bedring) og ligger utenfor det kliniske området (grenseverdi 10).",
        "Beslutningsstøtten vurderer skåren fra 26.1.2026 som «Grønt: godt nok».",
        "Andre målinger: GAD-7 gikk fra 14 (5.1.2026) til 8 (26.1.2026).",
        "Forbehold: en ny måling mangler, så vurderingen kan være utdatert.",
        "Det er gjennomført 4 av 10 planlagte timer i tiltaket {programme}; 0 av 1 mål er nådd; planlagt avslutning er"
        " 30.6.2026.",
        "Siste gjennomgang var {reviewed}, sammen med brukeren (beslutning: fortsette); neste er satt til 2.3.2026.",
    ],
    "nn": [
        "PHQ-9 var 18 (moderat alvorlege plager) den 5.1.2026 og 8 (milde plager) den 26.1.2026.",
        "Skåren har gått ned 10 poeng (påliteleg betring) og ligg utanfor det kliniske området (grenseverdi 10).",
        "Avgjerdsstøtta vurderer skåren frå 26.1.2026 som «Grønt: godt nok».",
        "Andre målingar: GAD-7 gjekk frå 14 (5.1.2026) til 8 (26.1.2026).",
        "Atterhald: ei ny måling manglar, så vurderinga kan vere utdatert.",
        "Det er gjennomført 4 av 10 planlagde timar i tiltaket {programme}; nådde mål: 0 av 1; planlagd avslutning er"
        " 30.6.2026.",
        "Siste gjennomgang var {reviewed}, saman med brukaren (avgjerd: halde fram); neste er sett til 2.3.2026.",
    ],
    "en": [
        "PHQ-9 was 18 (moderately severe symptoms) on 2026-01-05 and 8 (mild symptoms) on 2026-01-26.",
        "The score has fallen by 10 (reliable improvement) and lies outside the clinical range (cut-off 10).",
        "The decision support rates the score of 2026-01-26 as “Green: good enough”.",
        "Other measures: GAD-7 went from 14 (2026-01-05) to 8 (2026-01-26).",
        "To bear in mind: a new score is due, so the rating may be out of date.",
        "4 of 10 planned sessions in the programme {programme} have been held; goals reached: 0 of 1; the planned end"
        " is 2026-06-30.",
        "The last review was on {reviewed_iso}, together with the patient (decision: continue); the next is due on"
        " 2026-03-02.",
    ],
}


@pytest.mark.parametrize("language", list(EXPECTED))
def test_a_note_says_what_is_kept_in_the_reader_s_language(clinic: Clinic, language: str) -> None:
    episode = improved(clinic)
    note = note_of(clinic, episode, language)
    expected = [each.format_map(episode) for each in EXPECTED[language]]
    assert [each["text"] for each in note["sentences"]] == expected
    assert (note["language"], note["paragraph"]) == (language, " ".join(expected))


def test_in_the_mode_record_scores_are_told_and_nothing_is_judged(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    episode = improved(clinic)
    judging = ("Beslutningsstøtten", "Forbehold")
    without = [each.format_map(episode) for each in EXPECTED["nb"] if not each.startswith(judging)]
    assert told(clinic, episode, "nb") == without


def test_it_is_a_text_to_paste_and_a_document_with_the_reference(clinic: Clinic) -> None:
    episode = improved(clinic)
    path = f"/v1/episodes/{episode['id']}/record-note"
    paragraph = note_of(clinic, episode, "nb")["paragraph"]
    text = clinic.therapist.get(path, headers={"Accept": "text/plain", "Accept-Language": "nb"})
    assert (text.text, text.headers["content-type"]) == (paragraph, "text/plain; charset=utf-8")
    document = clinic.therapist.get(path, headers={"Accept": "application/pdf", "Accept-Language": "nb"})
    assert document.headers["content-disposition"] == 'attachment; filename="record-note.pdf"'
    said = text_of(document.content)
    assert episode["reference"] in said
    assert "Sammendrag til journalen" in said
    assert "pålitelig bedring" in said
    assert episode["reference"] not in paragraph
    assert "Sove om natta" not in said
    assert clinic.therapist.get(path, headers={"Accept": "image/png"}).status_code == 406
    newest = ok(clinic.therapist.get(f"/v1/patients/{episode['patient_id']}/access-log"))["entries"][0]
    assert newest["action"] == "read_record_note"


def test_an_alert_is_told_until_it_is_assessed_and_when_it_was(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 1)
    stored = created(put(clinic.therapist, administration(episode, phq_9(12, item_9=1))))
    assert told(clinic, episode)[0] == "Risk alerts not yet assessed: 1, the latest from answers given on 2026-01-05."
    [alert] = stored["result"]["risk_alerts"]
    path, first = f"/v1/risk-alerts/{alert['id']}/acknowledgement", {"If-Match": '"1"'}
    answer = clinic.therapist.post(path, {"assessment": "No plans."}, headers=first)
    assert answer.status_code < 300, answer.text
    [said] = [each["text"] for each in note_of(clinic, episode)["sentences"] if each["code"] == "alert_assessed"]
    assert said.startswith("The latest risk alert, from answers given on 2026-01-05, was assessed on ")
    assert "No plans" not in said


def test_an_episode_without_scores_or_plan_is_summed_up_too(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    assert told(clinic, episode, "nn") == ["Hovudmålet har ingen skår enno.", "Ingen timar er gjennomførte."]
    make_sessions(clinic, episode, 1)
    assert told(clinic, episode, "nn")[1] == "Det er gjennomført éin time."


def test_one_score_outside_the_clinical_range(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    put_weekly(clinic, episode, [7])
    assert told(clinic, episode)[0] == (
        "PHQ-9 was 7 (mild symptoms) on 2026-01-05, outside the clinical range (cut-off 10); there is no later score."
    )
    put_weekly(clinic, episode, [7, 11])
    assert "the baseline score already lay outside the clinical range" in note_of(clinic, episode)["paragraph"]


def test_in_a_crisis_pause_the_pause_is_told_and_the_risk_first(clinic: Clinic) -> None:
    """The first verdict after the pause began says no more than the pause; one from before it stands beside it."""
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 5)
    put_weekly(clinic, episode, [18, 17, 11])
    path = f"/v1/episodes/{episode['id']}"
    ok(clinic.therapist.patch(path, {"crisis_pause_since": at(2.5)}, ok(clinic.therapist.get(path))["version"]))
    created(put(clinic.therapist, administration(episode, phq_9(20, item_9=2), week=3)))
    assert told(clinic, episode, "nb") == [
        "Risikovarsler som ikke er vurdert: 1, det siste fra svar gitt 26.1.2026.",
        "PHQ-9 var 18 (moderat alvorlige plager) den 5.1.2026 og 20 (alvorlige plager) den 26.1.2026.",
        "Skåren har gått opp 2 poeng (ingen påvist pålitelig endring) og ligger i det kliniske området (grenseverdi"
        " 10).",
        "Krisepause er registrert fra 22.1.2026.",
        "Forbehold: en ny måling mangler, så vurderingen kan være utdatert.",
        "Det er gjennomført 5 timer.",
    ]


def test_a_late_baseline_is_told_as_a_reservation(clinic: Clinic) -> None:
    """The first form comes after three sessions."""
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 4)
    for week, total in ((2.5, 16), (3.5, 14)):
        created(put(clinic.therapist, administration(episode, phq_9(total), week=week)))
    [reservations] = [each for each in told(clinic, episode, "nb") if each.startswith("Forbehold")]
    assert reservations.startswith(
        "Forbehold: startskåren ble målt sent, etter 3 gjennomførte timer, så noe kan ha endret seg før den"
    )


def test_a_form_that_needs_clarification_is_counted_and_a_closed_episode_has_nothing_due(clinic: Clinic) -> None:
    episode = improved(clinic)
    few_answers = {"1": 2, "2": 1}
    created(put(clinic.therapist, administration(episode, few_answers, week=3.5)))
    assert "forms that need clarification and are not counted: 1" in note_of(clinic, episode)["paragraph"]
    close(clinic, episode, 6)
    said = note_of(clinic, episode)["paragraph"]
    assert "the episode was closed on 2026-02-16." in said
    assert "is due on" not in said
    assert "planned end" not in said


def test_who_may_not_see_the_episode_learns_nothing(clinic: Clinic, database: Database, client: TestClient) -> None:
    episode = improved(clinic)
    path = f"/v1/episodes/{episode['id']}/record-note"
    ok(clinic.supervisor.get(path))
    stranger = make_clinic(database, client)
    for accept in ("application/json", "text/plain", "application/pdf"):
        headers = {"Accept": accept}
        for caller in (clinic.colleague, stranger.therapist, stranger.supervisor):
            assert caller.get(path, headers=headers).status_code == 404
        for caller in (clinic.tablet, clinic.lead, clinic.administrator, clinic.analyst, clinic.operator):
            assert caller.get(path, headers=headers).status_code == 403
