"""Logs in at a real OpenID provider (node's `oidc-provider`), and asks a served Spor with the tokens that it gives.

Node 20 or newer and npm are needed; the provider is installed into a temporary folder, from the lock beside its script.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.identity.signing_keys import PAUSE_SECONDS
from tests.programs import ROOT, enterable_folder, free_port, serving, spor

SCRIPT: Final = ROOT / "tests" / "evidence" / "oidc"
CALLBACK: Final = "http://127.0.0.1/callback"

Claimed = tuple[str, int, int]
"""What was tried, the status that has to come, and the one that came."""


def new_keys(algorithm: str) -> dict[str, Any]:
    """Give a key set of one key, private part and all, as a provider has it."""
    made: RSAKey | ECKey | OKPKey
    name: Any = {"kid": secrets.token_hex(4), "use": "sig", "alg": algorithm}
    if algorithm == "RS256":
        made = RSAKey.generate_key(2048, name)
    elif algorithm == "ES256":
        made = ECKey.generate_key("P-256", name)
    else:
        made = OKPKey.generate_key("Ed25519", name)
    return {"keys": [made.as_dict(private=True)]}


@contextmanager
def provider(folder: Path, port: int, algorithm: str) -> Iterator[str]:
    """Run the provider with a new key; give its address."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps(new_keys(algorithm)), encoding="utf-8")
    command = ["node", "provider.mjs", str(port), str(keys), algorithm]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            while (line := program.stdout.readline()) and line != "ready\n":
                pass
            assert line, program.stderr and program.stderr.read()
            yield f"http://127.0.0.1:{port}"
        finally:
            program.kill()


def log_in(issuer: str, who: str, resource: str = "urn:spor") -> dict[str, str]:
    """Go through the code flow with PKCE as a browser does; give the tokens."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": "screen",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": secrets.token_hex(8),
        "nonce": secrets.token_hex(8),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "resource": resource,
    }
    with httpx.Client(base_url=issuer, timeout=20) as browser:
        answer = browser.get("/auth", params=asked)
        while not answer.headers.get("location", "").startswith(CALLBACK):
            if answer.is_redirect:
                answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
            else:
                answer = submit(browser, answer, who)
        back = parse_qs(urlsplit(answer.headers["location"]).query)
        assert back["state"] == [asked["state"]], back
        exchange = {
            "grant_type": "authorization_code",
            "client_id": "screen",
            "code": back["code"][0],
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
        tokens = browser.post("/token", data=exchange)
        assert tokens.status_code == httpx.codes.OK, tokens.text
        given: dict[str, str] = tokens.json()
        return given


def submit(browser: httpx.Client, page: httpx.Response, who: str) -> httpx.Response:
    """Fill in the form of a page of the provider: who it is, or that it is agreed to."""
    assert page.status_code == httpx.codes.OK, page.text
    action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    assert action, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    return browser.post(html.unescape(action[1]), data={**hidden, "login": who, "password": "any"})


def unsigned(token: str) -> str:
    """Give the same claims under the algorithm `none`."""
    header, payload, _ = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(header + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(told | {"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{changed}.{payload}."


def tampered(token: str) -> str:
    """Give a token that names somebody else, under the old signature."""
    header, payload, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(payload + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(told | {"sub": "ola"}).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{signature}"


class Asking:
    """Asks a served Spor, and notes what came against what has to come."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=20)
        self.noted: list[Claimed] = []

    def ask(self, about: str, expected: int, token: str, path: str = "/v1/users", **more: Any) -> httpx.Response:
        method = "POST" if more else "GET"
        answer = self._client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)
        self.noted.append((about, expected, answer.status_code))
        return answer


def one_algorithm(asking: Asking, folder: Path, port: int, algorithm: str) -> None:
    """Ask with every kind of token that a provider signs by an algorithm."""
    with provider(folder, port, algorithm) as issuer:
        kari = log_in(issuer, "kari")
        asking.ask("code flow with PKCE", 200, kari["access_token"])
        asking.ask("an ID token", 401, kari["id_token"])
        asking.ask("for another audience", 401, log_in(issuer, "kari", "urn:other")["access_token"])
        asking.ask("somebody whom Spor does not know", 401, log_in(issuer, "stranger")["access_token"])
        asking.ask("algorithm none", 401, unsigned(kari["access_token"]))
        asking.ask("changed after it was signed", 401, tampered(kari["access_token"]))
        brief = log_in(issuer, "kari", "urn:spor:brief")["access_token"]
        asking.ask("a token for two seconds, at once", 200, brief)
        time.sleep(3)
        asking.ask("the same, expired", 401, brief)
    asking.ask("while the provider is away", 200, kari["access_token"])
    with provider(folder, port, algorithm) as issuer:
        rotated = log_in(issuer, "kari")["access_token"]
        time.sleep(PAUSE_SECONDS + 1)
        asking.ask("a rotated key, without a restart", 200, rotated)
        asking.ask("a key that the provider has no longer", 401, kari["access_token"])


def add_therapist(asking: Asking, issuer: str, service_id: str) -> None:
    """Let the administrator add a therapist by subject, who then works, and is deactivated."""
    kari, ola = (log_in(issuer, who)["access_token"] for who in ("kari", "ola"))
    asking.ask("a subject that is added later, before", 401, ola, "/v1/patients")
    body = {"display_name": "Ola", "role": "therapist", "service_id": service_id, "oidc_subject": "ola"}
    asking.ask("the administrator adds it", 201, kari, json=body)
    asking.ask("a subject that is added later, after", 200, ola, "/v1/patients")
    asking.ask("a therapist asks for the list of people", 403, ola)


def main() -> int:
    """Run it all, and print what came."""
    assert shutil.which("node"), "node and npm are needed"
    with enterable_folder() as folder:
        for name in ("package.json", "package-lock.json", ".npmrc", "provider.mjs"):
            shutil.copy(SCRIPT / name, folder)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
        port = free_port()
        settings = {
            "SPOR_OIDC_ISSUER": f"http://127.0.0.1:{port}",
            "SPOR_OIDC_AUDIENCE": "spor",
            "SPOR_OIDC_CLOCK_SKEW_SECONDS": "0",
        }
        data = ("--data-dir", folder / "spor")
        noted = run(folder, port, data, settings)
    for about, expected, came in noted:
        sys.stdout.write(f"{came}{'' if expected == came else f' INSTEAD OF {expected}'}  {about}\n")
    return 0 if all(expected == came for _, expected, came in noted) else 1


def run(folder: Path, port: int, data: tuple[str, Path], settings: Mapping[str, str]) -> list[Claimed]:
    """Found an organisation whose administrator the provider knows, serve, and ask."""
    organisation_id = spor("organisation", "found", "Evidence", *data, **settings).stdout.strip()
    named = ("Kari", "--organisation", organisation_id, "--subject", "kari")
    added = spor("user", "add-administrator", *named, *data, **settings)
    assert added.returncode == 0, added.stderr
    noted: list[Claimed] = []
    for algorithm in ("RS256", "ES256", "EdDSA"):
        served = free_port()
        with serving("serve", "--port", served, *data, **settings):
            asking = Asking(f"http://127.0.0.1:{served}")
            one_algorithm(asking, folder, port, algorithm)
            noted += [(f"{algorithm}: {about}", expected, came) for about, expected, came in asking.noted]
            if algorithm == "RS256":
                asking.noted = []
                with provider(folder, port, algorithm) as issuer:
                    time.sleep(PAUSE_SECONDS + 1)
                    kari = log_in(issuer, "kari")["access_token"]
                    service_id = asking.ask("services", 200, kari, "/v1/services").json()[0]["id"]
                    add_therapist(asking, issuer, service_id)
                noted += asking.noted
    return noted


if __name__ == "__main__":
    sys.exit(main())
