"""Access tokens of an identity provider (OpenID Connect): whom a token names, if everything about it is right.

Signatures are joserfc's matter. What is decided here is which tokens are meant for this service at all.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from joserfc import jws
from joserfc.errors import JoseError

from app.config import Settings
from app.db.callers import Subject
from app.errors import Unauthenticated
from app.identity.signing_keys import SigningKeys

logger = logging.getLogger("spor.identity")

LONGEST: Final = 16 * 1024
"""Characters of a token; a header of more does not pass most proxies."""

_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
_OF_ID_TOKENS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
"""Claims that only ID tokens carry: they tell the client who logged in, and open nothing."""

_LONGEST_SUBJECT: Final = 255
"""As OpenID Connect Core has it."""


class Refused(Exception):
    """Why a token is refused: a code for the operator's log, and nothing that the token says."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a token has to be."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    subject_claim: str = "sub"
    organisation_claim: str | None = None
    clock_skew_seconds: int = 60


class _Allowed(jws.JWSRegistry):
    """The allowed algorithms, also by the older name of Ed25519, of which joserfc would warn at each token."""

    def get_alg(self, name: str) -> Any:
        """Give an allowed algorithm."""
        if name not in (self.allowed or ()):
            _refuse("algorithm")
        return self.algorithms[name]


class AccessTokens:
    """Tells whom the access tokens of one provider name."""

    def __init__(self, expected: Expectations, keys: SigningKeys, *, clock: Callable[[], float] = time.time) -> None:
        self._expected = expected
        self._keys = keys
        self._clock = clock
        # Providers' headers hold more than the standard names; a key among them is not looked at.
        self._registry = _Allowed(None, expected.algorithms, strict_check_header=False)
        self._registry.max_payload_length = self._registry.max_header_length = LONGEST

    @property
    def issuer(self) -> str:
        """The provider whose tokens are taken."""
        return self._expected.issuer

    def close(self) -> None:
        """Close the connections to the provider."""
        self._keys.close()

    def subject(self, token: str) -> Subject:
        """Give whom a token names.

        Raises
        ------
        Unauthenticated
            If anything about it is not right; what it was stays in the log.
        IdentityProviderUnavailable
            If its signature can't be checked at present.
        """
        try:
            return self._subject(token)
        except Refused as refusal:
            logger.info("an access token was refused", extra={"fields": {"reason": str(refusal)}})
            raise Unauthenticated("the credential is unknown, expired or revoked") from None

    def _subject(self, token: str) -> Subject:
        expected = self._expected
        claims = self._verified(token)
        if claims.get("iss") != expected.issuer:
            _refuse("wrong_issuer")
        audience = claims.get("aud")
        if expected.audience not in (audience if isinstance(audience, list) else [audience]):
            _refuse("wrong_audience")
        if _OF_ID_TOKENS & claims.keys():
            _refuse("id_token")
        self._check_times(claims)
        organisation = None
        if expected.organisation_claim is not None:
            organisation = _text(claims, expected.organisation_claim, "no_organisation")
        return Subject(expected.issuer, _text(claims, expected.subject_claim, "no_subject"), organisation)

    def _verified(self, token: str) -> Mapping[str, Any]:
        """Give the claims of a token with a right signature."""
        if len(token) > LONGEST:
            _refuse("too_long")
        try:
            header = jws.extract_compact(token.encode("ascii"), registry=self._registry).headers()
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in self._expected.algorithms:
                _refuse("algorithm")
            if str(header.get("typ", "jwt")).lower() not in _TYPES:
                _refuse("type")
            if "crit" in header:
                _refuse("critical_header")
            if kid is not None and not isinstance(kid, str):
                _refuse("key")
            key = self._keys.find(algorithm, kid)
            if key is None:
                _refuse("key")
            signed = jws.deserialize_compact(token, key, None, self._registry)
            claims = json.loads(signed.payload or b"")
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            _refuse("signature_or_form")
        if not isinstance(claims, dict):
            _refuse("signature_or_form")
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, skew = self._clock(), self._expected.clock_skew_seconds
        expires, begins, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is None or expires <= now - skew:
            _refuse("expired")
        if begins is not None and begins > now + skew:
            _refuse("not_yet_valid")
        if issued is not None and issued > now + skew:
            _refuse("issued_ahead")


def access_tokens_of(settings: Settings) -> AccessTokens | None:
    """Give what tells the tokens of the provider that is set; None where people have passwords of our own."""
    if settings.oidc_issuer is None:
        return None
    expected = Expectations(
        settings.oidc_issuer,
        settings.oidc_audience or "",
        algorithms=tuple(name.strip() for name in settings.oidc_algorithms.split(",")),
        subject_claim=settings.oidc_subject_claim,
        organisation_claim=settings.oidc_organisation_claim,
        clock_skew_seconds=settings.oidc_clock_skew_seconds,
    )
    return AccessTokens(expected, SigningKeys(settings.oidc_issuer, settings.oidc_jwks_url))


def _refuse(reason: str) -> NoReturn:
    raise Refused(reason)


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    """Read seconds since 1970."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _refuse("malformed_time")
    return value


def _text(claims: Mapping[str, Any], name: str, reason: str) -> str:
    """Read who it is about; what the database could not hold is nobody."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_SUBJECT or "\0" in value:
        _refuse(reason)
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        _refuse(reason)
    return value
