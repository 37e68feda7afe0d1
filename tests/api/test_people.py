"""An administrator looks after the people: what changes holds at once, and nobody shuts the door behind themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from app.db.codes import STAFF, Role
from app.db.ids import uuid7
from app.db.session import Access, Database
from app.errors import SporError
from app.services import people
from app.services.organisations import founding_scope
from tests.factories import PASSWORD, Caller, Clinic, created, listed, make_clinic, make_user, ok
from tests.owner import Owner


def session_of(clinic: Clinic, user_id: str) -> Caller:
    """Invite somebody, and log them in."""
    invitation = created(clinic.administrator.post(f"/v1/users/{user_id}/invitation", None))["token"]
    client = clinic.administrator.client
    redeemed = client.post("/v1/invitations", json={"invitation": invitation, "password": PASSWORD})
    return Caller(client, created(redeemed)["token"])


def change(clinic: Clinic, user: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return ok(clinic.administrator.patch(f"/v1/users/{user['id']}", changes, user["version"]))


def own_user_named(clinic: Clinic, display_name: str) -> dict[str, Any]:
    users = ok(clinic.administrator.get("/v1/users"))["users"]
    found: dict[str, Any] = next(each for each in users if each["display_name"] == display_name)
    return found


# ---- Lists


def test_an_administrator_lists_everybody_page_by_page_and_a_lead_the_own_service(clinic: Clinic) -> None:
    elsewhere = created(clinic.administrator.post("/v1/services", {"name": "Elsewhere"}))
    make_user(clinic, service_id=elsewhere["id"])
    found: list[str] = []
    after = ""
    while True:
        page = ok(clinic.administrator.get(f"/v1/users?limit=3{after}"))
        found += [each["id"] for each in page["users"]]
        if page["next_after"] is None:
            break
        after = f"&after={page['next_after']}"
    assert len(found) == len(set(found)) == len(clinic.staff) + 1
    services = [{each["service_id"] for each in ok(caller.get("/v1/users"))["users"]} for caller in (clinic.lead,)]
    assert services == [{str(clinic.service_id)}]
    assert {each["id"] for each in ok(clinic.lead.get("/v1/users"))["users"]} == {*map(str, clinic.staff.values())}
    assert {each["id"] for each in listed(clinic.lead.get("/v1/services"))} >= {str(clinic.service_id), elsewhere["id"]}


def test_colleagues_are_known_by_name_and_not_by_how_they_log_in(clinic: Clinic) -> None:
    for caller in (clinic.therapist, clinic.supervisor):
        users = ok(caller.get("/v1/users"))["users"]
        assert {each["id"]: each["display_name"] for each in users}[str(clinic.therapist_id)] == "Therapist"
        assert {(each["user_name"], each["oidc_subject"]) for each in users} == {(None, None)}
    assert None not in {each["user_name"] for each in ok(clinic.lead.get("/v1/users"))["users"][:2]}


def test_people_of_another_organisation_are_not_there(clinic: Clinic, database: Database, client: TestClient) -> None:
    stranger = make_clinic(database, client).administrator
    user = make_user(clinic)
    for path in (f"/v1/users/{user['id']}", f"/v1/users/{uuid4()}"):
        answers = [
            stranger.get(path),
            stranger.patch(path, {"display_name": "X"}, 1),
            stranger.post(f"{path}/invitation", None),
            stranger.request("DELETE", f"{path}/credentials"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4
    moved = stranger.post("/v1/users", {"display_name": "X", "role": "analyst", "service_id": str(clinic.service_id)})
    assert (moved.status_code, moved.json()["pointer"]) == (422, "/service_id")
    assert user["id"] not in stranger.get("/v1/users").text


# ---- What holds at once


def test_a_change_of_role_holds_at_the_next_request(clinic: Clinic) -> None:
    user = make_user(clinic)
    session = session_of(clinic, user["id"])
    assert session.get("/v1/patients").status_code == 200
    user = change(clinic, user, role="analyst")
    assert session.get("/v1/patients").status_code == 403
    change(clinic, user, role="supervisor")
    assert session.get("/v1/patients").status_code == 200


def test_a_deactivation_ends_everything_and_being_back_needs_an_invitation(clinic: Clinic) -> None:
    user = make_user(clinic)
    session = session_of(clinic, user["id"])
    invitation = created(clinic.administrator.post(f"/v1/users/{user['id']}/invitation", None))["token"]
    user = change(clinic, user, deactivated=True)
    since = user["deactivated_at"]
    user = change(clinic, user, deactivated=True)
    assert user["deactivated_at"] == since is not None
    assert session.get("/v1/patients").status_code == 401
    assert clinic.administrator.post(f"/v1/users/{user['id']}/invitation", None).status_code == 409
    change(clinic, user, deactivated=False)
    client = clinic.administrator.client
    assert session.get("/v1/patients").status_code == 401
    redeemed = client.post("/v1/invitations", json={"invitation": invitation, "password": PASSWORD})
    logged_in = client.post("/v1/sessions", json={"user_name": user["user_name"], "password": PASSWORD})
    assert (redeemed.status_code, logged_in.status_code) == (401, 401)
    assert session_of(clinic, user["id"]).get("/v1/patients").status_code == 200


def test_ended_credentials_are_ended(clinic: Clinic) -> None:
    user = make_user(clinic)
    session = session_of(clinic, user["id"])
    assert clinic.administrator.request("DELETE", f"/v1/users/{user['id']}/credentials").status_code == 204
    assert session.get("/v1/patients").status_code == 401
    login = {"user_name": user["user_name"], "password": PASSWORD}
    assert clinic.administrator.client.post("/v1/sessions", json=login).status_code == 401


# ---- Nobody shuts the door behind themselves


@pytest.mark.parametrize("changes", [{"role": "therapist"}, {"deactivated": True}])
def test_nobody_takes_their_own_administration_away(clinic: Clinic, changes: dict[str, Any]) -> None:
    make_user(clinic, role="administrator")
    own = own_user_named(clinic, "Administrator")
    path = f"/v1/users/{own['id']}"
    assert clinic.administrator.patch(path, changes, own["version"]).status_code == 409
    assert clinic.administrator.request("DELETE", f"{path}/credentials").status_code == 409
    assert ok(clinic.administrator.patch(path, {"display_name": "Same"}, own["version"]))["role"] == "administrator"


def test_two_administrators_can_t_take_it_from_each_other_at_once(clinic: Clinic) -> None:
    other = make_user(clinic, role="administrator")
    first, second = own_user_named(clinic, "Administrator"), other
    callers = (clinic.administrator, session_of(clinic, other["id"]))

    def take(pair: tuple[Caller, dict[str, Any]]) -> int:
        caller, user = pair
        return caller.patch(f"/v1/users/{user['id']}", {"role": "analyst"}, user["version"]).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(take, zip(callers, (second, first), strict=True)))
    # The slower one is too late: refused by the role that is gone, or since nobody else would be left.
    assert statuses[0] == 200
    assert statuses[1] in {403, 409}


def test_the_last_administrator_stays_one(clinic: Clinic, database: Database) -> None:
    last = own_user_named(clinic, "Administrator")
    scope, access = founding_scope(clinic.organisation_id), Access("test", uuid7())
    for changes in ({"role": "analyst"}, {"deactivated": True}):
        with pytest.raises(SporError, match="without an administrator"), database.work(scope, access) as work:
            people.change_person(work, UUID(last["id"]), last["version"], changes, None)


@pytest.mark.parametrize("role", ["device", "respondent", "owner", None])
def test_nobody_is_a_tablet_or_a_respondent(clinic: Clinic, owner: Owner, role: str | None) -> None:
    body = {"display_name": "X", "role": role, "service_id": str(clinic.service_id)}
    assert clinic.administrator.post("/v1/users", body).status_code == 422
    user = make_user(clinic)
    assert clinic.administrator.patch(f"/v1/users/{user['id']}", {"role": role}, 1).status_code == 422
    [rule] = owner.rows(
        "select pg_get_constraintdef(oid) as rule from pg_constraint where conname = 'users_role_check'"
    )
    assert {each for each in Role if f"'{each}'" in rule["rule"]} == set(STAFF)


def test_without_a_provider_nobody_has_a_subject(clinic: Clinic) -> None:
    body = {"display_name": "X", "role": "analyst", "service_id": str(clinic.service_id), "oidc_subject": "x"}
    answer = clinic.administrator.post("/v1/users", body)
    assert (answer.status_code, answer.json()["pointer"]) == (409, "/oidc_subject")


def test_who_has_no_user_name_can_t_be_invited(clinic: Clinic) -> None:
    user = make_user(clinic, user_name=None)
    assert clinic.administrator.post(f"/v1/users/{user['id']}/invitation", None).status_code == 409


# ---- The trace


def test_everything_that_is_done_with_people_leaves_an_event_of_nobody_s_data(clinic: Clinic, owner: Owner) -> None:
    administrator = clinic.administrator
    before = len(owner.audit(clinic.organisation_id))
    service = created(administrator.post("/v1/services", {"name": "Elsewhere"}))
    ok(administrator.patch(f"/v1/services/{service['id']}", {"name": "There"}, 1))
    user = make_user(clinic)
    change(clinic, user, service_id=service["id"])
    session_of(clinic, user["id"])
    administrator.request("DELETE", f"/v1/users/{user['id']}/credentials")
    events = owner.audit(clinic.organisation_id)[before:]
    assert [event["action"] for event in events] == [
        "add_service",
        "change_service",
        "add_user",
        "change_user",
        "invite_user",
        "redeem_invitation",
        "end_user_credentials",
    ]
    assert {tuple(event["patient_ids"]) for event in events} == {()}
    assert {event["role"] for event in events} == {"administrator", "therapist"}
