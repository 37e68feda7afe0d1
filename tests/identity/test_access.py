"""The policy at the door: every operation, asked by every role and by nobody."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api.examples import EXAMPLES
from app.api.middleware import WITHOUT_CREDENTIAL
from app.config import Settings
from app.db.codes import Role
from app.db.founding import add_credential
from app.db.ids import uuid7
from app.db.session import Access, Database
from app.identity.credentials import new_token, token_hash
from app.identity.policy import ALLOWED, Action
from app.main import create_app
from app.services.organisations import founding_scope
from tests.factories import START, Caller, Clinic, make_clinic

BODIES = {model.__name__: example for model, example in EXAMPLES.items()}


def operations() -> list[tuple[str, tuple[str, str], Any]]:
    """Give action, method, path and an acceptable body of every operation."""
    document = create_app(Settings(), Database("postgresql+psycopg://nobody@/nowhere")).openapi()
    found = []
    for path, methods in document["paths"].items():
        if path in WITHOUT_CREDENTIAL:  # what an operator's tools ask, tried in tests/api/test_health.py
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            found.append((operation["operationId"], (method, path), BODIES.get(reference.rpartition("/")[2])))
    return found


every_operation = pytest.mark.parametrize(
    ("action", "at", "body"), operations(), ids=[action for action, _, _ in operations()]
)


@pytest.fixture(scope="module")
def callers(database: Database, client: TestClient) -> dict[Role, Caller]:
    clinic = make_clinic(database, client)
    return {role: clinic.caller(role) for role in Role}


def ask(caller: Caller, at: tuple[str, str], body: object, **headers: str) -> Response:
    """Ask for something that does not exist, in the right form."""
    method, path = at
    path = re.sub(r"\{name\}", "not-found", path)
    path = re.sub(r"\{\w+\}", str(uuid4()), path)
    more = {} if body is None else {"json": body}
    return caller.request(method.upper(), path, headers={"If-Match": '"1"', **headers}, **more)


@every_operation
def test_nobody_gets_in_without_a_credential(
    callers: dict[Role, Caller], action: str, at: tuple[str, str], body: object
) -> None:
    client = callers[Role.THERAPIST].client
    path = re.sub(r"\{\w+\}", str(uuid4()), at[1])
    without = client.request(at[0].upper(), path, json=body)
    assert (without.status_code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    unknown = ask(Caller(client, new_token()), at, body)
    assert (unknown.status_code, unknown.json()["type"]) == (401, "/v1/problems/unauthenticated")


@every_operation
@pytest.mark.parametrize("role", Role)
def test_a_role_gets_what_the_table_gives_it(
    database: Database,
    client: TestClient,
    callers: dict[Role, Caller],
    role: Role,
    action: str,
    at: tuple[str, str],
    body: object,
) -> None:
    # To log out ends the credential, so somebody else does that.
    caller = make_clinic(database, client).caller(role) if action == Action.END_SESSION else callers[role]
    response = ask(caller, at, body)
    if action in ALLOWED[role]:
        # Nothing of the path exists, so what is allowed mostly finds nothing: but it was let in.
        assert response.status_code in {200, 201, 202, 204, 404, 409, 412, 422}, response.text
    else:
        assert response.status_code == 403, response.text
        assert response.json()["type"] == "/v1/problems/forbidden"


@pytest.mark.parametrize(
    "written", ["", "Bearer", "Bearer ", "Basic c3Bvcg==", "Bearer spor_\xff", "spor_x", "Bearer a b"]
)
def test_what_is_no_credential_is_none(callers: dict[Role, Caller], written: str) -> None:
    client = callers[Role.THERAPIST].client
    response = client.get("/v1/caseload", headers=[(b"Authorization", written.encode("latin-1"))])
    assert (response.status_code, response.json()["type"]) == (401, "/v1/problems/unauthenticated")


def test_a_credential_lasts_until_it_expires(database: Database, clinic: Clinic) -> None:
    statuses = []
    for days in (-1, 1):
        token = new_token()
        with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
            expires_at = work.now + timedelta(days=days)
            add_credential(work, token_hash(token), user_id=clinic.therapist_id, expires_at=expires_at)
        statuses.append(Caller(clinic.therapist.client, token).get("/v1/caseload").status_code)
    assert statuses == [401, 200]


def test_a_revoked_credential_is_none(database: Database, clinic: Clinic) -> None:
    assert clinic.therapist.get("/v1/caseload").status_code == 200
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
        revoke = "update credentials set revoked_at = now() where token_hash = %s"
        work.db.connection().exec_driver_sql(revoke, (token_hash(clinic.therapist.token),))
    assert clinic.therapist.get("/v1/caseload").status_code == 401
    assert clinic.colleague.get("/v1/caseload").status_code == 200


def test_a_refusal_leaves_no_trace_of_the_token(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    token = new_token()
    with caplog.at_level("DEBUG"):
        response = Caller(clinic.therapist.client, token).get("/v1/caseload", params={"since": START.isoformat()})
    assert response.status_code == 401
    assert token not in response.text
    assert caplog.records
    assert token not in caplog.text
