"""The keys with which an identity provider signs: fetched when they are needed, kept, and fetched anew in time.

Whoever sends a token can name any key. So an unknown name has the keys fetched anew at most once in a while, and
while they are fetched, nobody waits whose token names a key that is there.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from app.config import is_safe_address
from app.errors import IdentityProviderUnavailable

logger = logging.getLogger("spor.identity")

FRESH_SECONDS: Final = 600.0
"""So long keys are used before they are asked for again."""

KEPT_SECONDS: Final = 86_400.0
"""So long keys are used while the provider can't be reached; a key that it took back would live on otherwise."""

PAUSE_SECONDS: Final = 30.0
"""So long nothing is asked again after having asked, whatever tokens name."""

_TIMEOUT: Final = 3.0
_LONGEST_ANSWER: Final = 1024 * 1024
_SHORTEST_RSA_MODULUS: Final = 342
"""Characters of 2048 bits in base64url."""

Key = RSAKey | ECKey | OKPKey


class SigningKeys:
    """The keys of one provider.

    Parameters
    ----------
    issuer : str
        The provider, which describes itself at `/.well-known/openid-configuration` below this address.
    address : str, optional
        Where the keys are, if the provider shall not be asked for that.
    client : httpx.Client, optional
        What asks; a test brings its own.
    clock : callable, optional
        Seconds that only go forward.
    """

    def __init__(
        self,
        issuer: str,
        address: str | None = None,
        *,
        client: httpx.Client | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._address = address
        self._client = client or httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
        self._clock = clock
        self._fetching = threading.Lock()
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = self._asked_at = float("-inf")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def find(self, algorithm: str, kid: str | None) -> Key | None:
        """Give the key that a token names; without a name, the only one that it can be.

        Raises
        ------
        IdentityProviderUnavailable
            If no key fits, and the provider could not be asked whether there are others.
        """
        found = self._kept(algorithm, kid)
        if found is None:
            with self._fetching:
                if self._may_ask():
                    self._fetch()
            found = self._kept(algorithm, kid)
            if found is None and self._fetched_at < self._asked_at:
                raise IdentityProviderUnavailable("who you are can't be checked at present; try again later")
        elif self._clock() - self._fetched_at > FRESH_SECONDS and self._fetching.acquire(blocking=False):
            try:
                if self._may_ask():
                    self._fetch()
            finally:
                self._fetching.release()
            found = self._kept(algorithm, kid)
        return found

    def _may_ask(self) -> bool:
        return self._clock() - self._asked_at >= PAUSE_SECONDS

    def _kept(self, algorithm: str, kid: str | None) -> Key | None:
        if self._clock() - self._fetched_at > KEPT_SECONDS:
            return None
        fitting = [key for key in self._keys if _fits(key, algorithm) and kid in (None, key.get("kid"))]
        return fitting[0] if len(fitting) == 1 else None

    def _fetch(self) -> None:
        """Fetch the keys; where that fails, those that are there stay."""
        self._asked_at = self._clock()
        try:
            keys = _keys_of(self._read(self._address or self._discovered()))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            reason = {"reason": f"{type(error).__name__}: {error}"}
            logger.warning("the signing keys of the identity provider can't be fetched", extra={"fields": reason})
            return
        self._keys, self._fetched_at = keys, self._asked_at

    def _discovered(self) -> str:
        described = self._read(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        address = described.get("jwks_uri")
        if described.get("issuer") != self._issuer:
            raise ValueError("the provider calls itself by another name than the setting does")
        if not isinstance(address, str) or not is_safe_address(address):
            raise ValueError("the provider's keys are at no address with https")
        return address

    def _read(self, address: str) -> Mapping[str, Any]:
        with self._client.stream("GET", address, headers={"Accept": "application/json"}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"the provider answered {answer.status_code}")
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > _LONGEST_ANSWER:
                    raise ValueError("the provider's answer is too long")
        document = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError("the provider's answer is no object")
        return document


def _keys_of(document: Mapping[str, Any]) -> tuple[Key, ...]:
    listed = document.get("keys")
    keys = tuple(key for each in listed if (key := _key_of(each))) if isinstance(listed, list) else ()
    if not keys:
        raise ValueError("there is no key that could be used")
    return keys


def _key_of(described: object) -> Key | None:
    """Read a public key for signatures; None for what is none, or too weak."""
    if not isinstance(described, dict) or described.get("use", "sig") != "sig":
        return None
    public = {name: value for name, value in described.items() if name not in _PRIVATE}
    if public.get("kty") == "RSA" and len(str(public.get("n"))) < _SHORTEST_RSA_MODULUS:
        return None
    try:
        key = import_key(public)
        key.get_op_key("verify")
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
"""A provider that publishes these has made a mistake, which is no reason to keep them."""


def _fits(key: Key, algorithm: str) -> bool:
    """Tell whether a key is one of an algorithm; it may say itself of which."""
    if key.get("alg", algorithm) != algorithm:
        return False
    return {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]] == key.key_type and (
        key.key_type == "RSA" or key["crv"] == _CURVES[algorithm]
    )


_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
