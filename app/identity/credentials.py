"""Bearer tokens: random, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

PREFIX: Final = "spor_"
"""What every token of ours begins with."""


def new_token() -> str:
    """Make a token of 256 random bits; the prefix lets secret scanners find one that was leaked."""
    return PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Hash a token. A fast hash is enough, since nobody can guess 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
