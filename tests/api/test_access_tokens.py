"""A provider's tokens at the door: whom they let in, and that ours go on beside them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db.session import Database
from app.identity.oidc import AccessTokens, Expectations
from app.main import create_app
from tests.factories import PASSWORD, Caller, Clinic, created, make_clinic, ok, user_name_of
from tests.identity.provider import AUDIENCE, ISSUER, OTHER_RSA, Provider, present_claims, token
from tests.owner import Owner


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider()


@pytest.fixture(scope="module")
def with_provider(database: Database, provider: Provider) -> TestClient:
    app = create_app(Settings(oidc_issuer=ISSUER, oidc_audience=AUDIENCE), database)
    app.state.access_tokens = AccessTokens(
        Expectations(ISSUER, AUDIENCE, organisation_claim=None), provider.signing_keys()
    )
    return TestClient(app, base_url="http://spor.test", raise_server_exceptions=False)


@pytest.fixture
def at_provider(database: Database, with_provider: TestClient) -> Clinic:
    return make_clinic(database, with_provider)


def person(clinic: Clinic, role: str = "therapist", **fields: Any) -> tuple[dict[str, Any], Caller]:
    """Add somebody by subject; give them, and who calls with a token of the provider for that."""
    subject = f"subject-{uuid4()}"
    body = {"display_name": "X", "role": role, "service_id": str(clinic.service_id), "oidc_subject": subject}
    user = created(clinic.administrator.post("/v1/users", body | fields))
    return user, Caller(clinic.administrator.client, token(present_claims(sub=subject)))


def test_a_subject_works_in_its_organisation_and_role(at_provider: Clinic, owner: Owner) -> None:
    user, caller = person(at_provider)
    patient = created(caller.post("/v1/patients", {"reference": "P-1", "birth_month": "1990-01-01"}))
    [event] = [e for e in owner.audit(at_provider.organisation_id) if e["action"] == "register_patient"]
    assert (str(event["actor_id"]), event["role"]) == (user["id"], "therapist")
    assert ok(caller.get(f"/v1/patients/{patient['id']}"))["reference"] == "P-1"
    assert caller.get("/v1/devices").status_code == 403


def test_who_is_not_known_or_deactivated_is_refused_like_any_other(at_provider: Clinic) -> None:
    user, caller = person(at_provider)
    client = caller.client
    ok(caller.get("/v1/patients"))
    ok(at_provider.administrator.patch(f"/v1/users/{user['id']}", {"deactivated": True}, user["version"]))
    answers = [
        caller.get("/v1/patients"),
        Caller(client, token(present_claims(sub="stranger"))).get("/v1/patients"),
        Caller(client, token(present_claims(exp=1))).get("/v1/patients"),
        Caller(client, token(present_claims(aud="other"))).get("/v1/patients"),
        Caller(client, token(present_claims(), key=OTHER_RSA)).get("/v1/patients"),
        Caller(client, "garbage").get("/v1/patients"),
        Caller(client, "spor_unknown").get("/v1/patients"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    # What is wrong with the body is told to nobody of them.
    strangers = Caller(client, token(present_claims(sub="stranger")))
    assert strangers.post("/v1/patients", {"reference": 7}).status_code == 401


def test_a_change_of_role_holds_for_a_token_given_before(at_provider: Clinic) -> None:
    user, caller = person(at_provider)
    ok(caller.get("/v1/patients"))
    ok(at_provider.administrator.patch(f"/v1/users/{user['id']}", {"role": "analyst"}, user["version"]))
    assert caller.get("/v1/patients").status_code == 403


def test_the_organisation_that_a_token_names_has_to_be_the_right_one(
    at_provider: Clinic, database: Database, provider: Provider
) -> None:
    user, _ = person(at_provider)
    app = create_app(Settings(), database)
    app.state.access_tokens = AccessTokens(
        Expectations(ISSUER, AUDIENCE, organisation_claim="org"), provider.signing_keys()
    )
    client = TestClient(app)
    for organisation, status in ((at_provider.organisation_id, 200), (uuid4(), 401), ("", 401)):
        given = token(present_claims(sub=user["oidc_subject"], org=str(organisation)))
        assert Caller(client, given).get("/v1/patients").status_code == status


def test_a_subject_of_another_issuer_is_somebody_else(at_provider: Clinic, owner: Owner) -> None:
    user, caller = person(at_provider)
    owner.run("update users set oidc_issuer = 'https://former.example' where id = %s", user["id"])
    assert caller.get("/v1/patients").status_code == 401


def test_a_subject_is_one_person_s_on_the_whole_server(at_provider: Clinic, database: Database) -> None:
    user, _ = person(at_provider)
    other = make_clinic(database, at_provider.administrator.client)
    body = {"display_name": "X", "role": "analyst", "service_id": str(other.service_id)}
    again = other.administrator.post("/v1/users", body | {"oidc_subject": user["oidc_subject"]})
    assert (again.status_code, again.json()["type"]) == (409, "/v1/problems/state-conflict")


def test_tokens_of_ours_go_on_without_asking_the_provider(at_provider: Clinic, provider: Provider) -> None:
    before = provider.asked
    ok(at_provider.therapist.get("/v1/patients"))
    assert at_provider.tablet.get("/v1/patients").status_code == 403
    assert provider.asked == before


def test_with_a_provider_passwords_are_off(at_provider: Clinic) -> None:
    client = at_provider.therapist.client
    user_name = user_name_of("Therapist", at_provider.organisation_id)
    user, _ = person(at_provider, user_name=f"new-{uuid4()}")
    answers = [
        client.post("/v1/sessions", json={"user_name": user_name, "password": PASSWORD}),
        client.post("/v1/invitations", json={"invitation": "spor_x", "password": PASSWORD}),
        at_provider.therapist.put("/v1/users/me/password", {"present": PASSWORD, "password": PASSWORD}),
        at_provider.administrator.post(f"/v1/users/{user['id']}/invitation", None),
    ]
    assert {(each.status_code, each.json()["type"]) for each in answers} == {(409, "/v1/problems/local-login-off")}


def test_when_the_provider_is_away_and_no_key_fits_one_may_come_again(database: Database) -> None:
    app = create_app(Settings(), database)
    app.state.access_tokens = Provider(away=True).access_tokens()
    answer = Caller(TestClient(app), token(present_claims())).get("/v1/patients")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert answer.json()["type"] == "/v1/problems/identity-provider-unavailable"


@pytest.mark.parametrize(
    "given",
    [
        {"oidc_issuer": "http://login.example", "oidc_audience": "spor"},
        {"oidc_issuer": ISSUER},
        {"oidc_issuer": ISSUER, "oidc_audience": ""},
        {"oidc_issuer": ISSUER, "oidc_audience": "spor", "oidc_algorithms": "RS256,none"},
        {"oidc_issuer": ISSUER, "oidc_audience": "spor", "oidc_algorithms": "HS256"},
        {"oidc_issuer": ISSUER, "oidc_audience": "spor", "oidc_jwks_url": "http://login.example/keys"},
    ],
)
def test_settings_that_let_too_much_in_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings(**given)  # type: ignore[arg-type]
