"""The seal over audit events: what is hashed, in which order, and with which key.

A row's hash covers every column that has a value, under its name, so that a column which is added later, and is empty
in the rows of before, changes nothing about them. A seal covers the ordered hashes of its rows, what range it is,
and the seal before it; it is made with a key that the database does not have.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from app.db.seals import Event, Seal

UNSIGNED: Final = b""


def row_hash(event: Event) -> bytes:
    """Hash one event.

    Examples
    --------
    >>> row_hash({"id": 1, "action": "read"}) == row_hash({"action": "read", "id": 1})
    True
    """
    return hashlib.sha256(canonical(event)).digest()


def root_hash(events: Iterable[Event]) -> bytes:
    """Hash events in their order."""
    root = hashlib.sha256()
    for event in events:
        root.update(row_hash(event))
    return root.digest()


def signature(key: bytes, seal: Seal) -> bytes:
    """Make the seal over all that a seal says."""
    said = {each.name: getattr(seal, each.name) for each in fields(Seal) if each.name != "seal"}
    return hmac.digest(key, canonical(said), "sha256")


def is_genuine(key: bytes, seal: Seal) -> bool:
    """Tell whether a seal is what its key makes of it."""
    return hmac.compare_digest(signature(key, seal), seal.seal)


def canonical(values: Event) -> bytes:
    """Write values in the one way there is: JSON, names sorted, times in UTC, bytes in hexadecimal.

    Examples
    --------
    >>> canonical({"b": UUID(int=1), "a": [b"x", None], "at": datetime(2026, 3, 5, tzinfo=UTC)})
    b'{"a":["78",null],"at":"2026-03-05T00:00:00.000000+00:00","b":"00000000-0000-0000-0000-000000000001"}'
    """
    return json.dumps(values, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no canonical form for {type(value).__name__}")
