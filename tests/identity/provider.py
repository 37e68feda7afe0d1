"""An identity provider in this process: keys of its own, tokens of every kind, and its two documents."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.identity.oidc import AccessTokens, Expectations
from app.identity.signing_keys import SigningKeys

ISSUER = "https://login.example"
AUDIENCE = "spor"
NOW = 1_790_000_000.0

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
EC_384 = ECKey.generate_key("P-384", {"kid": "ec-384"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})

Key = RSAKey | ECKey | OKPKey


@dataclass
class Provider:
    """What the provider answers, and how often it was asked; `now` is the time of both."""

    keys: list[Key] = field(default_factory=lambda: [RSA, EC, ED])
    away: bool = False
    asked: int = 0
    described: dict[str, Any] = field(
        default_factory=lambda: {"issuer": ISSUER, "jwks_uri": "https://login.example/keys"}
    )
    now: float = NOW
    answer: bytes | None = None

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.away:
            raise httpx.ConnectError("refused")
        if self.answer is not None:
            return httpx.Response(200, content=self.answer)
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self.described)
        assert str(request.url) == self.described["jwks_uri"]
        return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})

    def signing_keys(self, address: str | None = "https://login.example/keys") -> SigningKeys:
        client = httpx.Client(transport=httpx.MockTransport(self.handle))
        return SigningKeys(ISSUER, address, client=client, clock=lambda: self.now)

    def access_tokens(self, address: str | None = "https://login.example/keys", **expected: Any) -> AccessTokens:
        expectations = Expectations(**{"issuer": ISSUER, "audience": AUDIENCE, **expected})
        return AccessTokens(expectations, self.signing_keys(address), clock=lambda: self.now)


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a token that is right at NOW; None takes one away."""
    right = {"iss": ISSUER, "aud": AUDIENCE, "sub": "kari", "exp": NOW + 300, "iat": NOW, "nbf": NOW}
    return {name: value for name, value in {**right, **changed}.items() if value is not None}


def present_claims(**changed: Any) -> dict[str, Any]:
    """The claims of a token that is right at this moment."""
    now = int(time.time())
    return claims(**{"exp": now + 300, "iat": now, "nbf": now, **changed})


def token(payload: object = None, key: Key = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """Sign a token; None takes a header away."""
    parts = {"alg": algorithm, "typ": "at+jwt", "kid": key.get("kid"), **header}
    told = {name: value for name, value in parts.items() if value is not None}
    content = payload if isinstance(payload, bytes) else json.dumps(claims() if payload is None else payload).encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jws.serialize_compact(told, content, key, registry=registry)
