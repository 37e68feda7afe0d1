"""Bearer tokens: random, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets

_PREFIX = "spor_"


def new_token() -> str:
    """Make a token of 256 random bits; the prefix lets secret scanners find one that was leaked."""
    return _PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Hash a token. A fast hash is enough, since nobody can guess 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
