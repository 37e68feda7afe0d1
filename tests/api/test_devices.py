"""Tablets: paired once by a code, listed, named anew, paired anew, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.config import Settings
from app.db.codes import Role
from app.db.session import Access, Database
from app.identity.codes import ALPHABET, pairing_hash
from app.identity.credentials import token_hash
from app.main import create_app
from app.services.organisations import add_service, founding_scope
from tests.factories import (
    Caller,
    Clinic,
    administration,
    created,
    listed,
    make_clinic,
    make_episode,
    ok,
    open_on_tablet,
    phq_9,
    put,
)
from tests.owner import Owner


def add(caller: Caller, **fields: Any) -> dict[str, Any]:
    return created(caller.post("/v1/devices", {"label": "Room 1"} | fields))


def pair(client: TestClient, code: str) -> Response:
    return client.post("/v1/devices/pairing", json={"code": code})


def told(answer: Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "request_id"}


def test_a_tablet_is_paired_by_the_code_that_it_was_shown(clinic: Clinic, client: TestClient, owner: Owner) -> None:
    before = datetime.now(UTC)
    device = add(clinic.lead)
    code = device["pairing"]["code"]
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)
    assert not set(ALPHABET) & set("01ILOU")
    expires_in = datetime.fromisoformat(device["pairing"]["expires_at"]) - before
    assert timedelta(minutes=10) <= expires_in < timedelta(minutes=11)
    assert device["paired_at"] is None
    # As somebody types it.
    paired = created(pair(client, f" {code[:4].lower()}-{code[4:]} "))
    assert (paired["device_id"], paired["label"], paired["service_id"]) == (
        device["id"],
        "Room 1",
        str(clinic.service_id),
    )
    tablet = Caller(client, paired["token"])
    assert listed(tablet.get("/v1/assignments/open")) == []
    [row] = [each for each in listed(clinic.lead.get("/v1/devices")) if each["id"] == device["id"]]
    assert row["paired_at"] is not None
    assert row["last_seen_on"] == datetime.now(UTC).date().isoformat()
    assert row["revoked_at"] is None
    assert "code" not in row
    # Neither the code nor the token is anywhere in the database.
    kept = owner.rows("select d::text || c::text as row from devices d join credentials c on c.device_id = d.id")
    assert not [each for each in kept if code in each["row"] or paired["token"] in each["row"]]
    assert owner.rows("select 1 from credentials where token_hash = %s", token_hash(paired["token"]))


def test_a_code_pairs_once_and_every_other_is_answered_alike(clinic: Clinic, client: TestClient, owner: Owner) -> None:
    used, expired, renewed, revoked = (add(clinic.lead) for _ in range(4))
    created(pair(client, used["pairing"]["code"]))
    owner.run("update devices set pairing_expires_at = now() - interval '1 second' where id = %s", UUID(expired["id"]))
    created(clinic.lead.request("POST", f"/v1/devices/{renewed['id']}/pairing-code"))
    created(clinic.lead.request("POST", f"/v1/devices/{revoked['id']}/revocation", headers={"If-Match": '"1"'}))
    answers = [told(pair(client, each["pairing"]["code"])) for each in (used, expired, renewed, revoked)]
    answers += [told(pair(client, code)) for code in ("23456789", "short", "0" * 200, "æøå", "' or true")]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)


def test_a_code_holds_until_ten_minutes_are_over(clinic: Clinic, client: TestClient, owner: Owner) -> None:
    device = add(clinic.lead)
    owner.run("update devices set pairing_expires_at = now() + interval '1 minute' where id = %s", UUID(device["id"]))
    created(pair(client, device["pairing"]["code"]))


def test_the_function_that_pairs_gives_nothing_to_whoever_has_no_code(
    clinic: Clinic, database: Database, owner: Owner
) -> None:
    device = add(clinic.lead)
    [row] = owner.rows("select pairing_hash from devices where id = %s", UUID(device["id"]))
    assert row["pairing_hash"] == pairing_hash(device["pairing"]["code"])
    # Neither nothing nor a part of it is a code; without one, nothing is said of any organisation.
    for guess in (b"", row["pairing_hash"][:-1], b"\x00" * 32):
        assert owner.rows("select * from spor_take_pairing_code(%s)", guess) == []


def test_pairing_anew_takes_the_old_token_away_when_it_is_done(clinic: Clinic, client: TestClient) -> None:
    device = add(clinic.lead)
    first = Caller(client, created(pair(client, device["pairing"]["code"]))["token"])
    code = created(clinic.lead.request("POST", f"/v1/devices/{device['id']}/pairing-code"))["code"]
    assert first.get("/v1/assignments/open").status_code == 200
    second = Caller(client, created(pair(client, code))["token"])
    assert [each.get("/v1/assignments/open").status_code for each in (first, second)] == [401, 200]


def test_a_revoked_tablet_is_refused_at_once_and_stays_listed(clinic: Clinic, client: TestClient) -> None:
    device = add(clinic.lead)
    tablet = Caller(client, created(pair(client, device["pairing"]["code"]))["token"])
    path = f"/v1/devices/{device['id']}"
    assert clinic.lead.request("POST", f"{path}/revocation").status_code == 428
    assert clinic.lead.request("POST", f"{path}/revocation", headers={"If-Match": '"7"'}).status_code == 412
    assert tablet.get("/v1/assignments/open").status_code == 200
    revoked = created(clinic.lead.request("POST", f"{path}/revocation", headers={"If-Match": '"1"'}))
    assert revoked["revoked_at"] is not None
    assert tablet.get("/v1/assignments/open").status_code == 401
    again = clinic.lead.request("POST", f"{path}/revocation", headers={"If-Match": '"2"'})
    assert again.status_code == clinic.lead.request("POST", f"{path}/pairing-code").status_code == 409
    assert device["id"] in {each["id"] for each in listed(clinic.lead.get("/v1/devices"))}


def test_a_label_is_changed_under_its_version(clinic: Clinic) -> None:
    path = f"/v1/devices/{add(clinic.lead)['id']}"
    assert ok(clinic.lead.patch(path, {"label": "Room 2"}, 1))["label"] == "Room 2"
    assert clinic.lead.patch(path, {"label": "Room 3"}, 1).status_code == 412


def test_a_lead_keeps_the_tablets_of_the_service_an_administrator_all(clinic: Clinic, database: Database) -> None:
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid4())) as work:
        other = add_service(work, "Elsewhere")
    elsewhere = add(clinic.administrator, service_id=str(other.id))
    assert elsewhere["service_id"] == str(other.id)
    path = f"/v1/devices/{elsewhere['id']}"
    assert elsewhere["id"] not in {each["id"] for each in listed(clinic.lead.get("/v1/devices"))}
    assert elsewhere["id"] in {each["id"] for each in listed(clinic.administrator.get("/v1/devices"))}
    answers = [
        clinic.lead.patch(path, {"label": "Ours"}, 1),
        clinic.lead.request("POST", f"{path}/pairing-code"),
        clinic.lead.request("POST", f"{path}/revocation", headers={"If-Match": '"1"'}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    # A service of somebody else's is as unknown as one that is not there.
    refused = [clinic.lead.post("/v1/devices", {"label": "x", "service_id": str(each)}) for each in (other.id, uuid4())]
    assert [each.status_code for each in refused] == [422, 422]
    assert told(refused[0]) == told(refused[1])
    assert told(clinic.administrator.post("/v1/devices", {"label": "x", "service_id": str(uuid4())})) == told(
        refused[0]
    )


def test_another_organisation_s_tablet_is_not_there(clinic: Clinic, database: Database, client: TestClient) -> None:
    stranger = make_clinic(database, client)
    path = f"/v1/devices/{add(clinic.lead)['id']}"
    for caller in (stranger.lead, stranger.administrator):
        assert caller.patch(path, {"label": "Ours"}, 1).status_code == 404
        assert caller.request("POST", f"{path}/pairing-code").status_code == 404
        assert path[12:] not in {each["id"] for each in listed(caller.get("/v1/devices"))}


@pytest.mark.parametrize("role", [Role.THERAPIST, Role.SUPERVISOR, Role.ANALYST, Role.OPERATOR, Role.DEVICE])
def test_nobody_else_keeps_tablets(clinic: Clinic, role: Role) -> None:
    assert clinic.caller(role).post("/v1/devices", {"label": "Mine"}).status_code == 403


def test_a_tablet_reaches_what_was_opened_on_it_and_nothing_else(clinic: Clinic, client: TestClient) -> None:
    episode = make_episode(clinic)  # which opens an assignment on the clinic's tablet
    newcomer = Caller(client, created(pair(client, add(clinic.lead)["pairing"]["code"]))["token"])
    body = administration(episode, phq_9(5))
    assert put(newcomer, body).status_code == 404
    assert put(clinic.tablet, body).status_code == 201
    open_on_tablet(clinic, episode["id"])
    assert put(newcomer, body).status_code == 404


# ---- Guessing


@pytest.fixture
def limited(database: Database) -> Iterator[TestClient]:
    """The service as it is set up outside of the tests."""
    with TestClient(create_app(Settings(), database), base_url="http://spor.test") as client:
        yield client


def test_who_guesses_codes_is_told_to_wait(clinic: Clinic, limited: TestClient) -> None:
    code = add(clinic.lead)["pairing"]["code"]
    assert {pair(limited, f"2345678{number}").status_code for number in range(2, 10)} == {404}
    assert pair(limited, "22222222").status_code == 404
    created(pair(limited, code))
    refused = [pair(limited, "22222222"), pair(limited, add(clinic.lead)["pairing"]["code"])]
    assert [each.status_code for each in refused] == [429, 429]
    assert told(refused[0]) == told(refused[1])
    assert refused[0].json()["type"] == "/v1/problems/too-many-requests"
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
