"""`spor user`: the first administrator of an organisation comes in."""

from __future__ import annotations

import subprocess
from uuid import uuid4

import httpx

from tests.programs import enterable_folder, free_port, serving, spor


def test_the_first_administrator_sets_a_password_and_adds_the_others() -> None:
    with enterable_folder() as folder:
        data = ("--data-dir", folder / "spor")
        organisation_id = spor("organisation", "found", "Storvik", *data).stdout.strip()
        to_whom = ("Kari", "--organisation", organisation_id)
        added = spor("user", "add-administrator", *to_whom, "--user-name", "Kari@storvik.example", *data)
        assert added.returncode == 0, added.stderr
        port = free_port()
        with (
            serving("serve", "--port", port, *data),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            redemption = {"invitation": added.stdout.strip(), "password": "lange dager i fjellet"}
            session = client.post("/v1/invitations", json=redemption).raise_for_status().json()
            assert session["user"]["user_name"] == "kari@storvik.example"
            held = {"Authorization": f"Bearer {session['token']}"}
            [service] = client.get("/v1/services", headers=held).raise_for_status().json()
            body = {"display_name": "Ola", "role": "therapist", "service_id": service["id"]}
            assert client.post("/v1/users", json=body, headers=held).status_code == 201


def refused(*arguments: str, **settings: str) -> str:
    ran: subprocess.CompletedProcess[str] = spor(
        "user", "add-administrator", "Kari", "--organisation", uuid4(), *arguments, **settings
    )
    assert ran.returncode == 2
    return ran.stderr


def test_what_does_not_fit_is_one_clear_line() -> None:
    provider = {"SPOR_OIDC_ISSUER": "https://login.example", "SPOR_OIDC_AUDIENCE": "spor"}
    assert "either --user-name or --subject" in refused()
    assert "set SPOR_OIDC_ISSUER" in refused("--subject", "x")
    assert "give --subject" in refused("--user-name", "kari", **provider)
    assert "oidc_audience is wrong" in refused("--subject", "x", SPOR_OIDC_ISSUER="https://login.example")
