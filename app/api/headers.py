"""What every answer tells a browser: show nothing else, run nothing, keep nothing, tell nobody."""

from __future__ import annotations

from typing import Final

NOTHING_MORE: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Content security policy of answers that are data."""

A_PICTURE: Final = f"{NOTHING_MORE}; style-src 'unsafe-inline'; sandbox"
"""That of what a browser may show as a document: its own styles, no scripts, and an origin of its own."""

_POLICY: Final = b"content-security-policy"
_ALWAYS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_STAY_WITH_TLS: Final = (b"strict-transport-security", b"max-age=31536000")

Headers = list[tuple[bytes, bytes]]


class SecurityHeaders:
    """The headers of a service, whose callers reach it by https or not."""

    def __init__(self, *, by_tls: bool) -> None:
        self._with_own_policy = [*_ALWAYS, *([_STAY_WITH_TLS] if by_tls else ())]
        self._whole = [(_POLICY, NOTHING_MORE.encode()), *self._with_own_policy]

    def added_to(self, given: Headers) -> Headers:
        """Give an answer's headers with ours; a content security policy of its own stays."""
        own = any(name == _POLICY for name, _ in given)
        return [*given, *(self._with_own_policy if own else self._whole)]
