"""What every answer tells a browser, whatever it answers."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.config import Settings
from app.db.session import Database
from app.main import create_app
from tests.factories import Clinic, make_record

EXPECTED = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}


def told(answer: Response) -> dict[str, str | None]:
    return {name: answer.headers.get(name) for name in EXPECTED}


def test_every_answer_has_them(clinic: Clinic, client: TestClient) -> None:
    answers = {
        200: clinic.therapist.get("/v1/patients"),
        401: client.get("/v1/patients"),
        403: clinic.tablet.get("/v1/patients"),
        404: clinic.therapist.get("/v1/nothing"),
        405: clinic.therapist.request("DELETE", "/v1/patients"),
        413: clinic.therapist.request("POST", "/v1/patients", content=b" " * (4 * 1024 * 1024 + 1)),
        421: clinic.therapist.get("/v1/patients", headers={"Host": "elsewhere.test"}),
        422: clinic.therapist.post("/v1/patients", {}),
        431: clinic.therapist.get(f"/v1/patients?limit={'1' * 40_000}"),
    }
    assert {status: answer.status_code for status, answer in answers.items()} == {each: each for each in answers}
    for answer in (*answers.values(), client.get("/health/live"), client.get("/health/ready"), client.get("/metrics")):
        assert told(answer) == EXPECTED
        assert not {"server", "strict-transport-security"} & {*answer.headers}
        assert all(len(answer.headers.get_list(name)) == 1 for name in EXPECTED)


def test_a_mistake_of_ours_has_them(database: Database, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "work_for_token", None)
    answer = clinic.therapist.get("/v1/patients")
    assert (answer.status_code, told(answer)) == (500, EXPECTED)


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html"])
def test_a_picture_shows_its_own_styles_and_runs_nothing(clinic: Clinic, media_type: str) -> None:
    path = f"/v1/episodes/{make_record(clinic)['episode_id']}/trajectory"
    answer = clinic.therapist.get(path, headers={"Accept": media_type})
    assert answer.headers["content-type"].partition(";")[0] == media_type
    [policy] = answer.headers.get_list("content-security-policy")
    rules = dict(each.strip().partition(" ")[::2] for each in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "sandbox": "",
    }


@pytest.mark.parametrize(
    ("address", "header"), [("https://spor.test", "max-age=31536000"), ("http://spor.test", None), (None, None)]
)
def test_browsers_stay_with_tls_where_there_is_any(database: Database, address: str | None, header: str | None) -> None:
    client = TestClient(create_app(Settings(public_url=address), database))
    for path in ("/health/live", "/v1/patients"):
        assert client.get(path).headers.get("strict-transport-security") == header
