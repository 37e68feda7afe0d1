"""A trajectory and its sparkline as charts: by Accept, in the reader's words, without holding anything while drawn."""

from __future__ import annotations

import csv
import io
import json
import threading
from concurrent.futures import Future
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api import charts
from app.db.codes import OrganisationMode
from app.db.session import Database
from app.services.pictures import DrawingFailed
from tests.api.steps import accept, close, correct, course
from tests.factories import Clinic, administration, created, gad_7, make_clinic, make_episode, make_sessions, phq_9, put
from tests.owner import Owner

VEGA_LITE = "application/vnd.vegalite.v6+json"
VEGA_LITE_5 = "application/vnd.vegalite.v5+json"

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chart(clinic: Clinic, episode: dict[str, Any], form: str, what: str = "trajectory", **headers: str) -> Response:
    path, _, query = what.partition("?")
    address = f"/v1/episodes/{episode['id']}/{path}?{query}"
    return clinic.therapist.get(address, headers={"Accept": form, "Accept-Language": "nb", **headers})


def spec_of(clinic: Clinic, episode: dict[str, Any], what: str = "trajectory", **headers: str) -> dict[str, Any]:
    answer = chart(clinic, episode, VEGA_LITE, what, **headers)
    assert answer.status_code == 200, answer.text
    spec: dict[str, Any] = answer.json()
    return spec


def points(spec: dict[str, Any]) -> list[tuple[float, str]]:
    [rows] = [each["data"]["values"] for each in spec["layer"] if "tooltip" in each["encoding"]]
    return [(row["score"], row["signal"]) for row in rows]


def texts(spec: dict[str, Any]) -> set[str]:
    return {row["text"] for each in spec["layer"] for row in each["data"]["values"] if "text" in row}


# ---- The forms


@pytest.mark.parametrize("what", ["trajectory", "sparkline"])
@pytest.mark.parametrize("form", [VEGA_LITE, VEGA_LITE_5, "image/svg+xml", "image/png"])
def test_a_chart_comes_in_the_form_that_is_asked_for(clinic: Clinic, what: str, form: str) -> None:
    episode, _ = course(clinic, [17, 15, 12, 9], planned_dose=10)
    answer = chart(clinic, episode, form, what)
    assert (answer.status_code, answer.headers["content-type"]) == (200, form)
    assert answer.headers["vary"] == "Accept, Accept-Language"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content)
    if form == "image/png":
        assert answer.content.startswith(PNG_SIGNATURE)
    elif form == "image/svg+xml":
        picture = ElementTree.fromstring(answer.content)
        assert next(iter(picture)).text == "Skårer på PHQ-9"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    else:
        schema = answer.json()["$schema"]
        assert schema == f"https://vega.github.io/schema/vega-lite/{'v5' if 'v5' in form else 'v6'}.json"


def test_without_a_wish_the_trajectory_is_the_one_it_always_was(clinic: Clinic) -> None:
    episode, _ = course(clinic, [17, 15])
    path = f"/v1/episodes/{episode['id']}/trajectory"
    answers = [
        clinic.therapist.get(path, headers=each) for each in ({}, {"Accept": "application/json"}, {"Accept": "*/*"})
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.headers["vary"] == "Accept, Accept-Language"
        assert answer.json() == answers[0].json()
    assert answers[0].json()["verdict"]["dose"] == 1


def test_a_browser_gets_a_page_with_the_picture_and_the_table(clinic: Clinic) -> None:
    episode, _ = course(clinic, [17, 15, 12, 9], planned_dose=10)
    answer = chart(clinic, episode, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "style-src 'unsafe-inline'; sandbox" in answer.headers["content-security-policy"]
    for part in ('<html lang="nb">', "<svg ", 'role="img"', '<th scope="col">Dato</th>', "<td>Grønt: godt nok</td>"):
        assert part in answer.text
    # The day on which the first form was filled in, a Monday.
    assert '<th scope="row">05.01.2026</th>' in answer.text


def test_the_table_alone_comes_as_csv(clinic: Clinic) -> None:
    episode, verdicts = course(clinic, [17, 15, 12, 9], planned_dose=10)
    answer = chart(clinic, episode, "text/csv", **{"Accept-Language": "en"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert head[:5] == ["Date", "Week", "Sessions attended", "Phase", "Score"]
    assert [row[4] for row in rows] == ["17", "15", "12", "9"]
    last = verdicts[-1]
    assert rows[-1][6:] == [f"From {last['lower']} to {last['upper']}", "Green: good enough", "Reliable improvement"]


@pytest.mark.parametrize(
    ("what", "form"), [("trajectory", "text/plain"), ("sparkline", "text/html"), ("sparkline", "image/webp")]
)
def test_a_form_that_there_is_not_is_a_problem_that_names_those_there_are(clinic: Clinic, what: str, form: str) -> None:
    episode, _ = course(clinic, [17])
    answer = chart(clinic, episode, form, what)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (406, "/v1/problems/not-acceptable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"image/svg+xml", "image/png", VEGA_LITE} <= set(problem["allowed"].split(", "))
    assert clinic.therapist.get("/v1/problems/not-acceptable").json()["status"] == 406


@pytest.mark.parametrize(
    ("language", "title"),
    [("nb", "Skårer på PHQ-9"), ("nn-NO", "Skårar på PHQ-9"), ("en", "Scores on the PHQ-9"), ("fr", "Skårer på PHQ-9")],
)
def test_a_chart_is_in_the_reader_s_language(clinic: Clinic, language: str, title: str) -> None:
    episode, _ = course(clinic, [17, 15])
    assert spec_of(clinic, episode, **{"Accept-Language": language})["title"]["text"] == title


# ---- What is shown


def test_the_scores_have_the_verdicts_that_were_issued(clinic: Clinic) -> None:
    episode, verdicts = course(clinic, [14, 15, 16, 21, 22], planned_dose=10)
    colours = {"red": "Rødt", "yellow": "Gult", "green": "Grønt", "grey": "Grått"}
    spec = spec_of(clinic, episode)
    assert points(spec) == [
        (score, colours[verdict["signal"]]) for score, verdict in zip((14, 15, 16, 21, 22), verdicts, strict=True)
    ]
    assert "Rødt: bekreftet forverring" in texts(spec)


def test_the_curves_are_those_of_the_trajectory(clinic: Clinic) -> None:
    episode, _ = course(clinic, [17, 15, 12, 9], planned_dose=10)
    told = chart(clinic, episode, "application/json").json()
    spec = spec_of(clinic, episode)
    [band] = [each["data"]["values"] for each in spec["layer"] if each["mark"]["type"] == "area"]
    assert [(row["score"], row["score2"]) for row in band] == [
        (point["lower"], point["upper"]) for point in told["curve"]["from_baseline"]
    ]


def test_another_series_is_drawn_when_it_is_named(clinic: Clinic) -> None:
    episode, _ = course(clinic, [17, 15])
    created(put(clinic.tablet, administration(episode, gad_7(12), instrument="gad-7")))
    for what in ("trajectory?instrument=gad-7", "sparkline?instrument=gad-7"):
        assert "GAD-7" in spec_of(clinic, episode, what)["description"]
    assert chart(clinic, episode, VEGA_LITE, "sparkline?instrument=phq-8").status_code == 422
    assert chart(clinic, make_episode(clinic), VEGA_LITE, "sparkline").status_code == 404


def test_what_needs_clarification_is_counted_and_not_drawn(clinic: Clinic) -> None:
    episode, _ = course(clinic, [15, 14])
    created(put(clinic.tablet, administration(episode, {"1": 3}, week=2)))
    spec = spec_of(clinic, episode)
    assert [score for score, _ in points(spec)] == [15, 14]
    assert "Utfyllinger som må avklares, og derfor ikke vises: 1." in spec["title"]["subtitle"]


def test_a_late_answer_is_drawn_in_its_place_with_the_verdicts_issued_anew(clinic: Clinic) -> None:
    episode = make_episode(clinic, planned_dose=10)
    make_sessions(clinic, episode, 4)
    for week, total in ((0, 17), (2, 12), (3, 23), (1, 16)):
        created(put(clinic.tablet, administration(episode, phq_9(total), week=week)))
    assert [score for score, _ in points(spec_of(clinic, episode))] == [17, 16, 12, 23]
    told = chart(clinic, episode, "application/json").json()["verdict"]
    assert (told["score"], points(spec_of(clinic, episode))[-1][1]) == (23, "Rødt")


def test_a_corrected_score_is_drawn_as_corrected(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    make_sessions(clinic, episode, 2)
    first = created(put(clinic.therapist, administration(episode, phq_9(17))))
    before = chart(clinic, episode, "image/svg+xml").content
    created(correct(clinic, first["id"], answers=phq_9(11)))
    assert [score for score, _ in points(spec_of(clinic, episode))] == [11]
    assert chart(clinic, episode, "image/svg+xml").content != before


def test_scores_after_the_treatment_are_shown_and_not_judged(clinic: Clinic) -> None:
    episode, _ = course(clinic, [17, 15, 12, 9], planned_dose=4)
    close(clinic, episode, weeks=3.5)
    accept(clinic, created(put(clinic.tablet, administration(episode, phq_9(5), week=20))), "episode_closed")
    spec = spec_of(clinic, episode)
    assert points(spec)[-1] == (5, "Vist, ikke vurdert")
    assert {"Behandling", "Oppfølging"} <= texts(spec)
    assert "Forventet herfra, ut fra alle skårene" not in texts(spec)


@pytest.mark.parametrize("what", ["trajectory", "sparkline"])
def test_record_mode_draws_scores_and_neither_curve_nor_signal(
    database: Database, client: TestClient, what: str
) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    episode, _ = course(clinic, [16, 12, 9, 7], planned_dose=10)
    spec = spec_of(clinic, episode, what)
    bands = [each["data"]["values"] for each in spec["layer"] if each["mark"]["type"] == "area"]
    assert not any(bands)
    text = json.dumps(spec, ensure_ascii=False)
    for gone in ("Rødt", "Gult", "Grønt", "Grått", "Forventet", "trolig"):
        assert gone not in text
    if what == "trajectory":
        assert [score for score, _ in points(spec)] == [16, 12, 9, 7]
        assert "Klinisk grenseverdi: 10" in texts(spec)


def test_verdicts_of_before_are_not_drawn_once_the_mode_is_record(clinic: Clinic) -> None:
    episode, _ = course(clinic, [14, 15, 16, 21])
    settings = clinic.lead.get("/v1/settings").json()
    clinic.lead.patch("/v1/settings", {"mode": "record", "reason": "trial"}, settings["version"])
    assert {signal for _, signal in points(spec_of(clinic, episode))} == {"Vist, ikke vurdert"}


def test_nothing_says_who_the_patient_is(clinic: Clinic) -> None:
    episode, _ = course(clinic, [17, 15])
    reference = clinic.therapist.get(f"/v1/patients/{episode['patient_id']}").json()["reference"]
    for form in (VEGA_LITE, "image/svg+xml", "text/html", "text/csv"):
        said = chart(clinic, episode, form).text
        assert not any(each in said for each in (reference, episode["patient_id"], episode["id"]))


# ---- Who may see it


@pytest.mark.parametrize("what", ["trajectory", "sparkline"])
@pytest.mark.parametrize("form", ["image/svg+xml", "text/html", "text/plain"])
def test_only_who_treats_the_patient_sees_a_chart(clinic: Clinic, what: str, form: str) -> None:
    episode, _ = course(clinic, [17, 15])
    path = f"/v1/episodes/{episode['id']}/{what}"
    # A form that there is not changes nothing of it: who may not ask is not told.
    answers = [each.get(path, headers={"Accept": form}).status_code for each in (clinic.tablet, clinic.lead)]
    assert answers == [403, 403]
    if form != "text/plain":
        expected = 404 if (what, form) != ("sparkline", "text/html") else 406
        assert clinic.colleague.get(path, headers={"Accept": form}).status_code == expected


@pytest.mark.parametrize(("what", "action"), [("trajectory", "read_trajectory"), ("sparkline", "read_sparkline")])
def test_a_chart_leaves_its_trace_also_when_it_was_drawn_before(
    clinic: Clinic, owner: Owner, what: str, action: str
) -> None:
    episode, _ = course(clinic, [17, 15])
    for _ in range(2):
        request_id = uuid4()
        chart(clinic, episode, "image/svg+xml", what, **{"X-Request-ID": str(request_id)})
        [event] = owner.rows("select * from audit_events where request_id = %s", request_id)
        assert (event["action"], [str(each) for each in event["patient_ids"]]) == (action, [episode["patient_id"]])


# ---- While it is drawn


class Slow:
    """Stands for the pictures: they come when they are let."""

    def __init__(self) -> None:
        self.waiting: list[Future[bytes]] = []
        self.changed = threading.Condition()

    def draw(self, *_: object) -> Future[bytes]:
        picture: Future[bytes] = Future()
        with self.changed:
            self.waiting.append(picture)
            self.changed.notify_all()
        return picture

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.waiting) >= count, 30)


def test_pictures_on_their_way_hold_neither_a_thread_nor_a_connection(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    episode, _ = course(clinic, [17, 15])
    slow = Slow()
    monkeypatch.setattr(charts, "pictures", lambda: slow)
    answers: list[Response] = []
    askers = [
        threading.Thread(target=lambda: answers.append(chart(clinic, episode, "image/svg+xml"))) for _ in range(40)
    ]
    for each in askers:
        each.start()
    # More than there are threads (8) or connections to the database: each request has come as far as its picture.
    slow.wait_for(40)
    assert chart(clinic, episode, "application/json").status_code == 200
    assert answers == []
    for picture in slow.waiting:
        picture.set_result(b"<svg></svg>")
    for each in askers:
        each.join(30)
    assert [each.status_code for each in answers] == [200] * 40


def test_a_picture_that_cannot_be_drawn_is_a_problem_of_ours(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    episode, _ = course(clinic, [17, 15])
    failed: Future[bytes] = Future()
    failed.set_exception(DrawingFailed("the renderer refused the specification"))

    class Failing:
        def draw(self, *_: object) -> Future[bytes]:
            return failed

    monkeypatch.setattr(charts, "pictures", Failing)
    answer = chart(clinic, episode, "image/svg+xml")
    assert (answer.status_code, answer.json()["type"]) == (500, "/v1/problems/internal-error")
