"""Tokens: unguessable, recognisable, kept as a hash."""

from __future__ import annotations

import re

from app.identity.credentials import new_token, token_hash


def test_a_token_can_be_recognised_and_not_guessed() -> None:
    token = new_token()
    # 32 bytes are 43 characters of base64url without padding: ceil(32 * 8 / 6).
    assert re.fullmatch(r"spor_[A-Za-z0-9_-]{43}", token)


def test_no_token_is_made_twice() -> None:
    assert len({new_token() for _ in range(1000)}) == 1000


def test_the_hash_is_sha_256() -> None:
    # FIPS 180-2, appendix B.1: the digest of "abc".
    assert token_hash("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_what_is_no_text_has_a_hash_too() -> None:
    # A header may decode to half a character; it is an unknown token, and no error of ours.
    assert len(token_hash("spor_\udcff")) == 32
    assert token_hash("spor_\udcff") != token_hash("spor_\udcfe")
