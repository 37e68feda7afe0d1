"""Short codes that a person reads and types: of an alphabet without look-alikes, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final
from uuid import UUID

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Thirty signs: no 0 and O, no 1, I and L, no U that looks like V."""

PAIRING_LENGTH: Final = 8
"""Of 30 signs: 6.6e11 codes, of which one holds for ten minutes."""

OPENING_LENGTH: Final = 6
"""Of 30 signs: 7.3e8 codes, to be tried by a paired tablet of the same service only."""


def new_code(length: int) -> str:
    """Draw a code."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def pairing_hash(code: str) -> bytes:
    """Hash a pairing code."""
    return _hashed("pairing", code)


def opening_hash(service_id: UUID, code: str) -> bytes:
    """Hash the code of an assignment together with its service: elsewhere the same code is another one."""
    return _hashed(str(service_id), code)


def _hashed(purpose: str, code: str) -> bytes:
    """Hash a code as it may be typed: in small letters, with spaces or hyphens."""
    plain = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(f"{purpose}:{plain}".encode("utf-8", "surrogatepass")).digest()
