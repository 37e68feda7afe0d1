"""Whether the service can be given requests: asked often and by anybody, so answered from a moment ago."""

from __future__ import annotations

import time
from typing import Final

import anyio
from anyio import CapacityLimiter

from app.db.health import NO_ANSWER, Examination, Finding
from app.services.sealing import Sealer

KEPT_SECONDS: Final = 1.0
"""How long a finding holds. However often strangers ask, the database is looked at once in that time."""

PATIENCE_SECONDS: Final = 3.0
"""How long the database is waited for."""


class Readiness:
    """What is in the way of answering requests, if anything is."""

    def __init__(self, examination: Examination, sealer: Sealer | None = None) -> None:
        self.stopping = False
        self._examination = examination
        self._sealer = sealer
        self._one_at_a_time = CapacityLimiter(1)
        self._found: tuple[Finding, ...] = ()
        self._found_at = float("-inf")

    async def findings(self) -> tuple[Finding, ...]:
        """Give what the checks found; when the service is about to stop, that alone counts."""
        if self.stopping:
            return (Finding("service", "the service is stopping"),)
        with anyio.move_on_after(PATIENCE_SECONDS):
            # A thread beside those of the requests, so that a full house is not taken for a broken one.
            return await anyio.to_thread.run_sync(self._recent, limiter=self._one_at_a_time, abandon_on_cancel=True)
        return (NO_ANSWER,)

    def _recent(self) -> tuple[Finding, ...]:
        if time.monotonic() - self._found_at > KEPT_SECONDS:
            sealing = (Finding("audit", self._sealer.trouble()),) if self._sealer else ()
            self._found = self._examination.findings() + sealing
            self._found_at = time.monotonic()
        return self._found
