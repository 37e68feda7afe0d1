"""How often codes and links may be tried: whoever guesses is told to wait, and told nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fastapi import Request

from app.api.limits import Limit

PAIRING: Final = "pairing"
LINK: Final = "link"
CODE: Final = "code"

PER_MINUTE: Final = 10
"""Tries of one client address, or of one tablet. Nobody types more codes than that by hand."""


@dataclass(frozen=True, slots=True)
class Guesses:
    """What has been tried in the last minute."""

    limit: Limit = field(default_factory=lambda: Limit(PER_MINUTE))


def take_guess(request: Request, kind: str, who: str | None = None) -> None:
    """Count one try of a caller: of who is known by a credential, else of the client's address.

    Raises
    ------
    TooManyRequests
        If there were too many in the last minute, right or wrong.
    """
    guesses: Guesses = request.app.state.guesses
    guesses.limit.take(f"{kind} {who or request.state.place}")
