"""What no random data meets and some client sends: odd spellings, odd encodings, odd sizes, odd moments."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.errors import MOST_FAULTS
from app.db.session import Database
from tests.factories import (
    Caller,
    Clinic,
    administration,
    created,
    listed,
    make_clinic,
    make_episode,
    make_record,
    ok,
    phq_9,
    put,
)
from tests.owner import Owner

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def record_of(database: Database, client: TestClient) -> tuple[Clinic, dict[str, str]]:
    clinic = make_clinic(database, client)
    return clinic, make_record(clinic)


def kind(answer: Response) -> tuple[int, str, str | None]:
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, problem["type"].removeprefix("/v1/problems/"), problem.get("pointer")


# ---- The body as it comes over the wire


def a_form(record: dict[str, str]) -> dict[str, Any]:
    return administration({"id": record["episode_id"]}, phq_9(9))


READABLE = {
    "with a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "with spaces around": lambda text: b" \r\n\t" + text.encode() + b"\n",
    "escaped": lambda text: text.replace("phq-9", "\\u0070hq\\u002d9").encode(),
    "byte by byte": lambda text: iter([bytes([each]) for each in text.encode()]),
}


@pytest.mark.parametrize("encoded", READABLE.values(), ids=READABLE.keys())
def test_a_body_that_can_be_read_is_read(record_of: tuple[Clinic, dict[str, str]], encoded: Any) -> None:
    clinic, record = record_of
    path = f"/v1/administrations/{uuid4()}"
    created(clinic.tablet.request("PUT", path, content=encoded(json.dumps(a_form(record))), headers=JSON))
    ok(put(clinic.tablet, a_form(record), UUID(path.rpartition("/")[2])))


UNREADABLE: dict[str, tuple[bytes, dict[str, str], int]] = {
    "empty": (b"", JSON, 422),
    "compressed": (gzip.compress(b"{}"), JSON | {"Content-Encoding": "gzip"}, 400),
    "Latin-1": ('{"reference": "Bjørn"}'.encode("latin-1"), JSON, 400),
    "two at once": (b"{}{}", JSON, 422),
    "cut off": (b'{"reference": "P-', JSON, 422),
    "not a number": (b"NaN", JSON, 422),
    "nested a hundred thousand times": (b"[" * 100_000 + b"]" * 100_000, JSON, 400),
    "a number of ten thousand digits": (b'{"reference": ' + b"7" * 10_000 + b"}", JSON, 400),
    "a form of a page": (b"reference=P-1", {"Content-Type": "application/x-www-form-urlencoded"}, 422),
    "parts": (b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, 422),
    "text": (b"{}", {"Content-Type": "text/plain"}, 422),
    "of no type": (b"{}", {}, 422),
}


@pytest.mark.parametrize(("content", "headers", "status"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_cannot_be_read_is_a_problem_and_no_business_of_strangers(
    record_of: tuple[Clinic, dict[str, str]], content: bytes, headers: dict[str, str], status: int
) -> None:
    clinic, record = record_of
    stranger = replace(clinic.therapist, token="spor_nobody")
    operations = {
        ("POST", "/v1/patients"): clinic.therapist,
        ("PATCH", f"/v1/patients/{record['patient_id']}"): clinic.therapist,
        ("PUT", f"/v1/administrations/{uuid4()}"): clinic.tablet,
        ("PUT", "/v1/administrations"): clinic.tablet,
        ("PATCH", "/v1/settings"): clinic.lead,
    }
    for (method, path), caller in operations.items():
        asked: dict[str, Any] = {"content": content, "headers": headers | {"If-Match": '"1"'}}
        answer = caller.request(method, path, **asked)
        assert kind(answer)[:2] == (status, "bad-request" if status == 400 else "malformed-body"), (path, answer.text)
        assert kind(stranger.request(method, path, **asked))[:2] == (401, "unauthenticated"), path


def test_an_edit_without_a_version_is_no_business_of_strangers(record_of: tuple[Clinic, dict[str, str]]) -> None:
    clinic, record = record_of
    stranger = replace(clinic.therapist, token="spor_nobody")
    path = f"/v1/patients/{record['patient_id']}"
    for headers in ({}, {"If-Match": "*"}):
        statuses = [
            caller.request("PATCH", path, json={"language": "nn"}, headers=headers).status_code
            for caller in (stranger, clinic.tablet, clinic.therapist)
        ]
        assert statuses == [401, 403, 422 if headers else 428]


# ---- How much


def test_a_body_of_nothing_but_faults_is_told_the_first_hundred(clinic: Clinic) -> None:
    episode = make_episode(clinic)
    answers = {str(number): 7 for number in range(11, 10_011)}
    unknown_fields = {f"field_{number}": number for number in range(10_000)}
    for answer in (
        put(clinic.tablet, administration(episode, answers)),
        put(clinic.tablet, administration(episode, phq_9(3)) | unknown_fields),
        clinic.therapist.post("/v1/patients", unknown_fields),
        clinic.lead.patch("/v1/settings", unknown_fields | {"reason": "a trial"}, 1),
    ):
        assert answer.status_code == 422
        assert len(answer.json()["errors"]) == MOST_FAULTS == 100
        assert len(answer.content) < 30_000


@pytest.mark.parametrize("entry", [None, {"id": "x"}, {}], ids=["null", "no UUID", "empty"])
def test_a_batch_of_501_is_refused_whatever_is_in_it(clinic: Clinic, owner: Owner, entry: object) -> None:
    told = ok(clinic.tablet.put("/v1/administrations", {"administrations": [entry] * 500}))["administrations"]
    assert [each["status"] for each in told] == ["refused"] * 500
    stored = owner.counts(clinic.organisation_id)
    refused = clinic.tablet.put("/v1/administrations", {"administrations": [entry] * 501})
    assert kind(refused) == (422, "malformed-body", "/administrations")
    assert refused.json()["allowed"] == "at most 500"
    assert owner.counts(clinic.organisation_id) == stored


def test_a_critical_answer_is_found_among_ten_thousand(clinic: Clinic) -> None:
    answers = {str(number): 7 for number in range(11, 10_011)} | {"9": 2}
    receipt = created(put(clinic.tablet, administration(make_episode(clinic), answers)))
    assert receipt["state"] == "needs_clarification"
    assert [each["item"] for each in listed(clinic.therapist.get("/v1/risk-alerts"))] == ["9"]


@pytest.mark.parametrize("critical", [0, 2])
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"answers": phq_9(9) | {"1": 4}}, "/answers/1"),
        ({"answers": phq_9(9) | {"11": 1}}, "/answers/11"),
        ({"item_states": {"12": "blank"}}, "/item_states/12"),
    ],
    ids=["code", "item", "state"],
)
def test_a_correction_that_cannot_be_read_says_where_whatever_the_critical_item_says(
    clinic: Clinic, critical: int, changes: dict[str, Any], pointer: str
) -> None:
    receipt = created(put(clinic.therapist, administration(make_episode(clinic), phq_9(9, item_9=critical))))
    if "answers" in changes:
        changes = {"answers": changes["answers"] | {"9": critical}}
    path = f"/v1/administrations/{receipt['id']}/corrections"
    refused = clinic.therapist.post(path, {"reason": "misread"} | changes, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["pointer"]) == (422, pointer)


@pytest.mark.parametrize("length", [201, 4_000, 1_000_000])
def test_a_text_that_is_too_long_is_refused_and_not_repeated(clinic: Clinic, length: int) -> None:
    refused = clinic.therapist.post("/v1/patients", {"reference": "x" * length, "birth_month": "1990-01-01"})
    assert kind(refused) == (422, "malformed-body", "/reference")
    assert "xxx" not in refused.text


# ---- Ids and addresses


SPELLINGS = {
    "capitals": str.upper,
    "braces": lambda text: f"{{{text}}}",
    "URN": lambda text: f"urn:uuid:{text}",
    "no hyphens": lambda text: text.replace("-", ""),
    "capitals without hyphens": lambda text: text.replace("-", "").upper(),
}


@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_an_id_means_the_same_however_it_is_spelt(clinic: Clinic, owner: Owner, spelt: Any) -> None:
    body = administration(make_episode(clinic), phq_9(9))
    receipt = created(put(clinic.tablet, body))
    written = spelt(receipt["id"])
    stored = owner.counts(clinic.organisation_id)["administrations"]
    assert ok(clinic.tablet.put(f"/v1/administrations/{written}", body)) == receipt
    assert clinic.tablet.put(f"/v1/administrations/{written}", body | {"mode": "paper"}).status_code == 409
    batch = {
        "administrations": [
            body | {"id": each, "episode_id": spelt(body["episode_id"])} for each in (written, receipt["id"])
        ]
    }
    told = ok(clinic.tablet.put("/v1/administrations", batch))["administrations"]
    assert [(each["id"], each["status"], each["receipt"]) for each in told] == [
        (receipt["id"], "repeated", receipt)
    ] * 2
    assert ok(clinic.therapist.get(f"/v1/administrations/{written}"))["id"] == receipt["id"]
    assert owner.counts(clinic.organisation_id)["administrations"] == stored


@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_an_id_that_stands_twice_in_a_batch_is_stored_once(clinic: Clinic, spelt: Any) -> None:
    body, written = administration(make_episode(clinic), phq_9(9)), str(uuid4())
    batch = {"administrations": [body | {"id": each} for each in (written, spelt(written))]}
    told = ok(clinic.tablet.put("/v1/administrations", batch))["administrations"]
    assert [(each["id"], each["status"]) for each in told] == [(written, "stored"), (written, "repeated")]


NO_IDS = ["{{{0}", "urn:uuid:{{{0}}}", "x{0}", "{0}x", " {0}", "{0}-", "0x{0}", "{0}{0}"]


@pytest.mark.parametrize("spelt", NO_IDS)
def test_what_is_no_id_in_an_address_is_none_in_a_batch(clinic: Clinic, spelt: str) -> None:
    written, body = spelt.format(uuid4()), administration(make_episode(clinic), phq_9(9))
    assert kind(clinic.tablet.put(f"/v1/administrations/{written}", body)) == (
        422,
        "malformed-body",
        "/administration_id",
    )
    [told] = ok(clinic.tablet.put("/v1/administrations", {"administrations": [body | {"id": written}]}))[
        "administrations"
    ]
    assert (told["id"], told["status"]) == (None, "refused")
    assert told["problem"]["pointer"] == "/administrations/0/id"


def test_an_address_may_be_percent_encoded(record_of: tuple[Clinic, dict[str, str]]) -> None:
    clinic, record = record_of
    encoded = "".join(f"%{ord(each):02X}" for each in record["patient_id"])
    assert ok(clinic.therapist.get(f"/v1/%70atients/{encoded}"))["id"] == record["patient_id"]


@pytest.mark.parametrize(
    "path", ["/v1/patients/", "/v1//patients", "/V1/patients", "/v1/patients;x=1", "/v1/patients%2F"]
)
def test_an_address_that_is_almost_right_is_not_there(clinic: Clinic, path: str) -> None:
    answer = clinic.therapist.request("GET", path, follow_redirects=False)
    assert kind(answer)[:2] == (404, "not-found")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/patients", "GET, POST"),
        ("/v1/patients/{patient_id}", "GET, PATCH"),
        ("/v1/administrations", "PUT"),
        ("/v1/administrations/{administration_id}", "GET, PUT"),
        ("/v1/risk-alerts/{alert_id}/acknowledgement", "POST"),
    ],
)
def test_a_method_that_is_not_there_is_answered_with_all_that_are(
    record_of: tuple[Clinic, dict[str, str]], path: str, methods: str
) -> None:
    # RFC 9110, 15.5.6: Allow lists the methods of the resource; the framework lists those of one route of several.
    clinic, record = record_of
    for method in ("HEAD", "OPTIONS", "TRACE", "DELETE", "PROPFIND"):
        answer = clinic.therapist.request(method, path.format(**record))
        assert (answer.status_code, answer.headers["allow"]) == (405, methods), method
        if method != "HEAD":
            assert kind(answer)[1] == "method-not-allowed"


# ---- Versions, pages, languages


@pytest.mark.parametrize(
    "tag",
    ['"' + "9" * 400 + '"', '"1", "2"', 'W/"1"', "*", '""', '"', "-1", '" 1"', "0x1", "1.0", "1e0", '"²"', '"1" x'],
)
def test_what_is_no_version_of_ours_is_refused(record_of: tuple[Clinic, dict[str, str]], tag: str) -> None:
    clinic, record = record_of
    headers: Any = {"If-Match": tag.encode()}
    path = f"/v1/patients/{record['patient_id']}"
    answer = clinic.therapist.request("PATCH", path, json={"language": "nn"}, headers=headers)
    assert kind(answer) == (422, "malformed-body", "/if-match")


def test_a_version_that_is_far_ahead_is_not_the_present_one(record_of: tuple[Clinic, dict[str, str]]) -> None:
    clinic, record = record_of
    answer = clinic.therapist.patch(f"/v1/patients/{record['patient_id']}", {"language": "nn"}, 999_999_999)
    assert kind(answer)[:2] == (412, "precondition-failed")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("after={patient_id}", 200),
        ("after={{{patient_id}}}", 200),
        ("after=", 422),
        ("after=%00", 422),
        ("after=%FF", 422),
        ("after=eyJpZCI6IDF9", 422),
        ("after={patient_id}x", 422),
        ("limit=1&limit=500", 422),
        ("limit=9223372036854775808", 422),
        ("limit=1e1", 422),
        ("limit=%D9%A3", 422),
        ("limit=-1", 422),
    ],
)
def test_a_page_begins_at_an_id_or_nowhere(record_of: tuple[Clinic, dict[str, str]], query: str, status: int) -> None:
    clinic, record = record_of
    for path in ("/v1/patients", "/v1/episodes"):
        answer = clinic.therapist.get(f"{path}?{query.format(**record)}")
        assert answer.status_code == status, answer.text


def test_a_page_that_begins_at_another_organisation_s_patient_shows_nothing_of_it(
    clinic: Clinic, record_of: tuple[Clinic, dict[str, str]]
) -> None:
    own, others = make_episode(clinic)["patient_id"], record_of[1]["patient_id"]
    for after in (others, str(uuid4()), "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"):
        page = ok(clinic.therapist.get(f"/v1/patients?after={after}"))["patients"]
        assert {each["id"] for each in page} <= {own}


@pytest.mark.parametrize(
    "language", ["", ",", "*", "xx", "nb;q=2", "nb;q=", ";;;", "en" * 4_000, "nb-NO-x-" + "a" * 300, "\x7f", "no;q=0"]
)
def test_an_unreadable_wish_for_a_language_gets_an_answer(clinic: Clinic, language: str) -> None:
    headers: Any = {"Accept-Language": language.encode()}
    refused = clinic.therapist.request("GET", f"/v1/patients/{uuid4()}", headers=headers)
    assert (kind(refused)[:2], refused.json()["title"]) == ((404, "not-found"), "Ikke funnet")


# ---- Moments


def stored_time(caller: Caller, record: dict[str, str], written: str) -> Response:
    """Record a session at a time; give the answer."""
    attended = [{"episode_id": record["episode_id"], "outcome": "attended"}]
    body = {"starts_at": written, "contact_type": "individual", "attendances": attended}
    return caller.post("/v1/treatment-sessions", body)


MOMENTS = {
    "2026-03-02T09:30:00+23:59": "2026-03-01T09:31:00Z",
    "2026-03-02T09:30:00-23:59": "2026-03-03T09:29:00Z",
    "2026-03-02T09:30:00+14:00": "2026-03-01T19:30:00Z",
    "2026-03-02T09:30:00-00:00": "2026-03-02T09:30:00Z",
    "2026-03-02t09:30:00z": "2026-03-02T09:30:00Z",
    "2026-03-02 09:30Z": "2026-03-02T09:30:00Z",
    "2026-03-02T09:30:00.123456789Z": "2026-03-02T09:30:00.123456Z",
    "1900-01-02T00:00:00+23:59": "1900-01-01T00:01:00Z",
    "2199-12-30T23:59:59-23:59": "2199-12-31T23:58:59Z",
}


@pytest.mark.parametrize(("written", "meant"), MOMENTS.items())
def test_a_moment_is_kept_whatever_its_zone_and_read_back_as_it_was_answered(
    clinic: Clinic, written: str, meant: str
) -> None:
    # RFC 3339 allows every offset below a day; PostgreSQL takes none of 16 hours or more.
    record = {"episode_id": make_episode(clinic)["id"]}
    session = created(stored_time(clinic.therapist, record, written))
    assert session["starts_at"] == meant
    assert ok(clinic.therapist.get(f"/v1/treatment-sessions/{session['id']}")) == session
    for caller in (clinic.tablet, clinic.therapist):
        form = administration({"id": record["episode_id"]}, phq_9(9), completed_at=written)
        receipt = created(put(caller, form))
        assert ok(put(caller, form | {"completed_at": meant}, receipt["id"])) == receipt
        assert ok(clinic.therapist.get(f"/v1/administrations/{receipt['id']}"))["completed_at"] == meant
    assert clinic.therapist.get(f"/v1/episodes/{record['episode_id']}/trajectory").status_code == 200
    assert clinic.therapist.get("/v1/caseload").status_code == 200


NO_MOMENTS = [
    "2016-12-31T23:59:60Z",
    "2026-03-02T24:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-03-02T09:30:00+24:00",
    "2026-03-02T09:30:00",
    "2026-03-02",
    "2026-W10-1T09:30:00Z",
    "0001-01-01T00:00:00+14:00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "+2026-03-02T09:30:00Z",
    "٢٠٢٦-03-02T09:30:00Z",
    "2026-03-02T09:30:00Z\n",
]


@pytest.mark.parametrize("written", NO_MOMENTS)
def test_what_is_no_moment_is_refused(record_of: tuple[Clinic, dict[str, str]], written: str) -> None:
    clinic, record = record_of
    assert kind(stored_time(clinic.therapist, record, written)) == (422, "malformed-body", "/starts_at")
    refused = put(clinic.tablet, a_form(record) | {"completed_at": written})
    assert kind(refused) == (422, "malformed-body", "/completed_at")


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "9999-12-31"])
def test_the_first_and_the_last_day_of_the_calendar_do_no_harm(clinic: Clinic, day: str) -> None:
    episode = make_episode(clinic, planned_end=day, planned_interval_days=366)
    created(put(clinic.tablet, administration(episode, phq_9(12))))
    review = {"dose": 0, "with_patient": True, "causes": ["alliance"], "action": "continue", "due_on": day}
    path = f"/v1/episodes/{episode['id']}"
    created(clinic.therapist.post(f"{path}/reviews", review | {"snoozed_until": day}))
    assert ok(clinic.therapist.get(path))["planned_end"] == day
    assert clinic.therapist.get(f"{path}/trajectory").status_code == 200
    assert clinic.therapist.get("/v1/caseload").status_code == 200


# ---- Numbers


NUMBERS = [
    "1e400",
    "-1e400",
    "NaN",
    "-Infinity",
    "9223372036854775808",
    "-9223372036854775809",
    "1.5",
    "7" * 4_000,
]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_is_none_of_the_item_s_codes_is_refused(clinic: Clinic, number: str) -> None:
    text = json.dumps(administration(make_episode(clinic), phq_9(9))).replace('"1": 3', f'"1": {number}')
    answer = clinic.tablet.request("PUT", f"/v1/administrations/{uuid4()}", content=text.encode(), headers=JSON)
    assert kind(answer) == (422, "invalid-answer", "/answers/1")


@pytest.mark.parametrize("written", ["-0", "0.0", "-0.0", "0e5"])
def test_zero_is_zero_in_every_spelling(clinic: Clinic, written: str) -> None:
    # JSON Schema, 2020-12 validation, 6.1.1: a number without a fraction is an integer.
    form = administration(make_episode(clinic), phq_9(9))
    receipt = created(put(clinic.tablet, form))
    text = json.dumps(form).replace('"9": 0', f'"9": {written}')
    path = f"/v1/administrations/{receipt['id']}"
    assert ok(clinic.tablet.request("PUT", path, content=text.encode(), headers=JSON)) == receipt
    assert listed(clinic.therapist.get("/v1/risk-alerts")) == []
