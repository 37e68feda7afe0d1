"""Tokens that are right, and every way in which one is not; signed here, against a provider in this process."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.db.callers import Subject
from app.errors import IdentityProviderUnavailable, Unauthenticated
from app.identity.oidc import LONGEST
from app.identity.signing_keys import FRESH_SECONDS, KEPT_SECONDS, PAUSE_SECONDS, SigningKeys
from tests.identity.provider import (
    AUDIENCE,
    EC,
    EC_384,
    ED,
    ISSUER,
    NOW,
    OTHER_RSA,
    RSA,
    Key,
    Provider,
    claims,
    token,
)

KARI = Subject(ISSUER, "kari")


def segment(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def refused(
    reason: str, given: str, caplog: pytest.LogCaptureFixture, provider: Provider | None = None, **more: Any
) -> None:
    """A token is refused like any other; the log says why, and nothing of what the token holds."""
    caplog.clear()
    caplog.set_level(logging.INFO, "spor.identity")
    with pytest.raises(Unauthenticated) as error:
        (provider or Provider()).access_tokens(**more).subject(given)
    assert error.value.detail == "the credential is unknown, expired or revoked"
    [record] = [each for each in caplog.records if each.levelno == logging.INFO]
    assert record.__dict__["fields"] == {"reason": reason}


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")], ids=["RS256", "ES256", "EdDSA"]
)
@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "JWT", None])
def test_a_token_that_is_right_names_its_subject(key: Key, algorithm: str, kind: str | None) -> None:
    given = token(key=key, algorithm=algorithm, typ=kind)
    assert Provider().access_tokens().subject(given) == KARI


def test_a_signature_made_by_other_means_is_taken_as_well() -> None:
    """Put together by hand as RFC 7515 has it."""
    signed = f"{segment({'alg': 'RS256', 'kid': 'rsa'})}.{segment(claims())}"
    signature = RSA.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr]
    assert Provider().access_tokens().subject(f"{signed}.{segment(signature)}") == KARI


WRONG_CLAIMS: dict[str, list[dict[str, Any]]] = {
    "wrong_issuer": [
        {"iss": "https://login.example/"},
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": [ISSUER]},
    ],
    "wrong_audience": [
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other", "spor2"]},
        {"aud": []},
        {"aud": {AUDIENCE: 1}},
    ],
    "expired": [{"exp": NOW - 60}, {"exp": NOW - 3600}, {"exp": None}],
    "not_yet_valid": [{"nbf": NOW + 61}],
    "issued_ahead": [{"iat": NOW + 61}],
    "malformed_time": [{"exp": "never"}, {"exp": True}, {"nbf": []}, {"iat": float("inf")}, {"exp": float("nan")}],
    "no_subject": [{"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256}, {"sub": "a\0b"}, {"sub": "\ud800"}],
    "id_token": [{"nonce": "n"}, {"at_hash": "h"}],
}


@pytest.mark.parametrize(
    ("reason", "changed"), [(reason, changed) for reason, cases in WRONG_CLAIMS.items() for changed in cases]
)
def test_a_token_with_a_wrong_claim_is_refused(
    reason: str, changed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    refused(reason, token(claims(**changed)), caplog)


@pytest.mark.parametrize(
    "changed",
    [{"exp": NOW - 59}, {"nbf": NOW + 60}, {"iat": NOW + 60}, {"aud": ["other", AUDIENCE]}, {"nbf": None, "iat": None}],
)
def test_what_lies_within_the_skew_or_may_be_left_out_passes(changed: dict[str, Any]) -> None:
    assert Provider().access_tokens().subject(token(claims(**changed))) == KARI


def test_the_skew_is_a_setting(caplog: pytest.LogCaptureFixture) -> None:
    late = token(claims(exp=NOW - 5))
    assert Provider().access_tokens(clock_skew_seconds=6).subject(late) == KARI
    refused("expired", late, caplog, clock_skew_seconds=5)


def test_an_unsigned_token_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("none", "None", "NONE", ""):
        for signature in ("", segment(b"x")):
            header = segment({"alg": name, "typ": "at+jwt", "kid": "rsa"})
            refused("algorithm", f"{header}.{segment(claims())}.{signature}", caplog)


@pytest.mark.parametrize("kid", ["rsa", None])
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    kid: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    for secret in (RSA.as_pem(private=False), json.dumps(RSA.as_dict(private=False)).encode()):
        header = {"alg": "HS256", "typ": "at+jwt"} | ({"kid": kid} if kid else {})
        signed = f"{segment(header)}.{segment(claims())}"
        mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
        refused("algorithm", f"{signed}.{segment(mac)}", caplog)


def test_a_shared_secret_among_the_keys_opens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    secret = OctKey.generate_key(256, {"kid": "secret"})
    provider = Provider()
    provider.answer = json.dumps({"keys": [secret.as_dict(), RSA.as_dict(private=False)]}).encode()
    signed = f"{segment({'alg': 'HS256', 'kid': 'secret'})}.{segment(claims())}"
    mac = hmac.digest(secret.raw_value, signed.encode(), hashlib.sha256)
    refused("algorithm", f"{signed}.{segment(mac)}", caplog, provider)
    assert provider.access_tokens().subject(token()) == KARI


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_that_was_tampered_with_is_refused(part: int, caplog: pytest.LogCaptureFixture) -> None:
    given = token().split(".")
    other = token(claims(sub="ola"), jku="https://evil.example").split(".")
    given[part] = other[part]
    refused("signature_or_form", ".".join(given), caplog)


def test_a_key_is_taken_for_its_own_algorithm_only(caplog: pytest.LogCaptureFixture) -> None:
    # The name of another kind of key, one of another curve, one that says itself what it is for.
    refused("key", token(key=EC, algorithm="ES256", kid="rsa"), caplog)
    refused("key", token(key=EC, algorithm="ES256", kid="ec-384"), caplog, Provider([RSA, EC_384]))
    bound = RSAKey.import_key(RSA.as_dict(private=True) | {"alg": "RS512"})
    refused("key", token(), caplog, Provider([bound]))


def test_an_algorithm_that_is_not_allowed_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    refused("algorithm", token(key=RSA, algorithm="PS256"), caplog)
    assert Provider().access_tokens(algorithms=("PS256",)).subject(token(algorithm="PS256")) == KARI
    refused("algorithm", token(), caplog, algorithms=("ES256",))


def test_a_key_in_the_token_itself_is_not_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    own = OTHER_RSA.as_dict(private=False)
    refused("signature_or_form", token(key=OTHER_RSA, kid="rsa", jwk=own), caplog)
    refused("key", token(key=OTHER_RSA, jwk=own, jku="https://evil.example/keys"), caplog)


@pytest.mark.parametrize("header", [{"typ": "dpop+jwt"}, {"typ": "logout+jwt"}, {"typ": "JWE"}, {"typ": 7}])
def test_a_token_of_another_kind_is_refused(header: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spor.identity")
    given = f"{segment({'alg': 'RS256', 'kid': 'rsa', **header})}.{segment(claims())}.{segment(b'x')}"
    with pytest.raises(Unauthenticated):
        Provider().access_tokens().subject(given)
    assert caplog.records[-1].__dict__["fields"] == {"reason": "type"}


@pytest.mark.parametrize(
    "header", [{"kid": 7}, {"kid": ["rsa"]}, {"kid": {"a": 1}}, {"crit": ["exp"], "exp": 1}, {"alg": ["RS256"]}]
)
def test_a_header_that_is_none_is_refused(header: dict[str, Any]) -> None:
    given = f"{segment({'alg': 'RS256', 'kid': 'rsa', **header})}.{segment(claims())}.{segment(b'x')}"
    with pytest.raises(Unauthenticated):
        Provider().access_tokens().subject(given)


@pytest.mark.parametrize("payload", [b"", b"[]", b"7", b"null", b"{", b"\xff", b'"kari"', b"[" * 9000])
def test_a_payload_that_is_no_object_is_refused(payload: bytes, caplog: pytest.LogCaptureFixture) -> None:
    refused("signature_or_form", token(payload), caplog)


@pytest.mark.parametrize("given", ["", ".", "..", "a.b.c", "a.b", "....", "eyJ.eyJ.x", "ø.b.c", "a.b.c.d.e", "\0" * 9])
def test_garbage_is_refused(given: str, caplog: pytest.LogCaptureFixture) -> None:
    refused("signature_or_form", given, caplog)


def test_an_overlong_token_is_refused_unread(caplog: pytest.LogCaptureFixture) -> None:
    fits = token(claims(groups="x" * 9000))
    assert len(fits) < LONGEST
    assert Provider().access_tokens().subject(fits) == KARI
    provider = Provider()
    refused("too_long", token(claims(groups="x" * 13000)), caplog, provider)
    assert provider.asked == 0


@given(
    st.text(max_size=300) | st.builds(".".join, st.lists(st.text("eyJ0_-. aø", max_size=40), min_size=3, max_size=3))
)
def test_no_text_is_a_mistake_of_ours(given: str) -> None:
    with pytest.raises(Unauthenticated):
        Provider().access_tokens().subject(given)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "typ", "kid", "crit", "b64", "zip", "x5c"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2),
    ),
    st.recursive(
        st.none() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp"]), inner)
        ),
    ),
)
def test_no_header_and_no_claim_is_a_mistake_of_ours(header: dict[str, Any], payload: Any) -> None:
    given = f"{segment({'alg': 'RS256', 'kid': 'rsa', **header})}.{segment(payload)}.{segment(b'x' * 256)}"
    with pytest.raises(Unauthenticated):
        Provider().access_tokens().subject(given)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_no_changed_byte_passes(place: int, difference: int) -> None:
    parts = [base64.urlsafe_b64decode(part + "==") for part in token().split(".")]
    which = place % 3
    at = place % len(parts[which])
    changed = bytes([*parts[which][:at], parts[which][at] ^ difference, *parts[which][at + 1 :]])
    parts[which] = changed
    with pytest.raises(Unauthenticated):
        Provider().access_tokens().subject(".".join(segment(part) for part in parts))


# ---- Claims by name


def test_the_claims_are_settings(caplog: pytest.LogCaptureFixture) -> None:
    given = token(claims(sub=None, pid="17", org="o-1"))
    expected: dict[str, Any] = {"subject_claim": "pid", "organisation_claim": "org"}
    assert Provider().access_tokens(**expected).subject(given) == Subject(ISSUER, "17", "o-1")
    refused("no_organisation", token(claims(pid="17")), caplog, **expected)
    refused("no_subject", token(claims(org="o-1")), caplog, **expected)


# ---- Keys


def test_without_a_name_the_only_key_that_it_can_be_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    assert Provider([RSA, EC]).access_tokens().subject(token(kid=None)) == KARI
    refused("key", token(kid=None), caplog, Provider([RSA, OTHER_RSA]))


def test_keys_are_fetched_once_and_again_when_they_are_old() -> None:
    provider = Provider()
    tokens = provider.access_tokens()
    for _ in range(3):
        tokens.subject(token())
    assert provider.asked == 1
    provider.now += FRESH_SECONDS + 1
    for _ in range(3):
        tokens.subject(token(claims(exp=provider.now + 9)))
    assert provider.asked == 2


def test_a_rotated_key_works_without_a_restart_and_the_old_one_no_longer() -> None:
    provider = Provider([RSA])
    tokens = provider.access_tokens()
    tokens.subject(token())
    provider.keys = [OTHER_RSA]
    provider.now += PAUSE_SECONDS
    assert tokens.subject(token(key=OTHER_RSA)) == KARI
    with pytest.raises(Unauthenticated):
        tokens.subject(token())
    assert provider.asked == 2


def test_a_stranger_s_key_names_don_t_hammer_the_provider() -> None:
    provider = Provider()
    tokens = provider.access_tokens()
    for number in range(50):
        with pytest.raises(Unauthenticated):
            tokens.subject(token(kid=f"made-up-{number}"))
    assert provider.asked == 1
    provider.now += PAUSE_SECONDS
    for number in range(50):
        with pytest.raises(Unauthenticated):
            tokens.subject(token(kid=f"other-{number}"))
    assert provider.asked == 2


def test_while_the_provider_is_away_the_keys_that_are_there_are_used() -> None:
    provider = Provider()
    tokens = provider.access_tokens()
    tokens.subject(token())
    provider.away = True
    provider.now += FRESH_SECONDS + 1
    assert tokens.subject(token(claims(exp=provider.now + 9))) == KARI
    assert tokens.subject(token(claims(exp=provider.now + 9))) == KARI
    assert provider.asked == 2  # in vain, and then it is left alone for a while
    with pytest.raises(IdentityProviderUnavailable):
        tokens.subject(token(key=OTHER_RSA))
    provider.now += KEPT_SECONDS
    with pytest.raises(IdentityProviderUnavailable):  # a key that was taken back would live on otherwise
        tokens.subject(token(claims(exp=provider.now + 9)))


def test_a_provider_that_comes_back_is_found_again() -> None:
    provider = Provider(away=True)
    tokens = provider.access_tokens()
    for _ in range(20):
        with pytest.raises(IdentityProviderUnavailable):
            tokens.subject(token())
    assert provider.asked == 1
    provider.away = False
    provider.now += PAUSE_SECONDS
    assert tokens.subject(token()) == KARI


def test_nobody_waits_for_keys_that_are_there() -> None:
    provider, asked, answer = Provider(), threading.Event(), threading.Event()
    slow = False

    def handle(request: httpx.Request) -> httpx.Response:
        if slow:
            asked.set()
            assert answer.wait(10)
        return provider.handle(request)

    client = httpx.Client(transport=httpx.MockTransport(handle))
    keys = SigningKeys(ISSUER, "https://login.example/keys", client=client, clock=lambda: provider.now)
    assert keys.find("RS256", "rsa") is not None
    provider.now += FRESH_SECONDS + 1
    slow = True
    refreshing = threading.Thread(target=keys.find, args=("RS256", "rsa"))
    refreshing.start()
    assert asked.wait(10)
    assert keys.find("RS256", "rsa") is not None  # while the other one waits for the provider
    answer.set()
    refreshing.join(10)
    assert not refreshing.is_alive()


# ---- Where the keys are


def test_the_provider_is_asked_where_its_keys_are() -> None:
    provider = Provider()
    assert provider.access_tokens(None).subject(token()) == KARI
    assert provider.asked == 2


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://other.example", "jwks_uri": "https://login.example/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://login.example/keys"},
        {"issuer": ISSUER, "jwks_uri": "ftp://login.example/keys"},
        {"issuer": ISSUER},
    ],
)
def test_a_description_that_leads_astray_is_not_followed(described: dict[str, Any]) -> None:
    provider = Provider(described=described)
    with pytest.raises(IdentityProviderUnavailable):
        provider.access_tokens(None).subject(token())
    assert provider.asked == 1


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7, {}]}', b"{" + b" " * 2**20 + b"}"]
)
def test_an_answer_without_keys_is_as_none(answer: bytes) -> None:
    with pytest.raises(IdentityProviderUnavailable):
        Provider(answer=answer).access_tokens().subject(token())


def weak() -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    return {"kty": "RSA", "n": segment(numbers.n.to_bytes(128, "big")), "e": "AQAB"}


@pytest.mark.parametrize("kind", ["weak", "for encryption", "of a curve that no algorithm here has"])
def test_a_key_that_is_not_to_be_used_is_left_out(kind: str) -> None:
    made: dict[str, Callable[[], Any]] = {
        "weak": weak,
        "for encryption": lambda: {**RSA.as_dict(private=False), "use": "enc"},
        "of a curve that no algorithm here has": lambda: ECKey.generate_key("secp256k1").as_dict(private=False),
    }
    listed = [{**made[kind](), "kid": "rsa"}, EC.as_dict(private=False)]
    with pytest.raises(Unauthenticated):
        Provider(answer=json.dumps({"keys": listed}).encode()).access_tokens().subject(token())
