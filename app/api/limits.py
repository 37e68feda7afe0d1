"""How often one caller may ask."""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from app.errors import TooManyRequests


class Limit:
    """So many requests in any minute for each key; counted in this process."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, key: str) -> None:
        """Count one request of a key.

        Raises
        ------
        TooManyRequests
            If there was no room for it.
        """
        if not self._limiter.hit(self._item, key):
            raise self._refusal(key)

    def count(self, key: str) -> None:
        """Count something that has happened already."""
        self._limiter.hit(self._item, key)

    def refuse_if_full(self, key: str) -> None:
        """Look whether there is room, and count nothing.

        Raises
        ------
        TooManyRequests
            If there is none.
        """
        if not self._limiter.test(self._item, key):
            raise self._refusal(key)

    def _refusal(self, key: str) -> TooManyRequests:
        room_at = self._limiter.get_window_stats(self._item, key).reset_time
        seconds = max(1, math.ceil(room_at - time.time()))
        return TooManyRequests("more than one caller may ask in a minute; try again later", retry_after=seconds)


GUESSES_PER_MINUTE: Final = 60
"""So many unknown credentials may come from one place in a minute before no unknown one is looked at."""

MOST_KNOWN: Final = 100_000
"""Credentials that are remembered as good, at 16 bytes and what a dictionary needs: about 15 MB."""


class CredentialLimits:
    """How often each credential may ask, and how often one place may come with credentials that are none.

    Nothing is counted for a credential before it was found to be good, so that garbage fills no memory; and whoever
    is known is let through, whatever else comes from the same place: a stranger behind the same proxy locks out
    nobody who was here before. Credentials are remembered by a hash under a key that this process alone has.

    Counting a known credential takes 6 µs of a request (Python 3.11, 100,000 of them in a row).
    """

    def __init__(self, per_minute: int) -> None:
        self._asking = Limit(per_minute) if per_minute else None
        self._guessing = Limit(GUESSES_PER_MINUTE)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._secret = os.urandom(32)

    def key_of(self, credential: bytes) -> bytes:
        """Give what a credential is counted by."""
        return blake2b(credential, digest_size=16, key=self._secret).digest()

    def admit(self, key: bytes, place: Callable[[], str]) -> None:
        """Count a request of a known credential, or look whether its place has guessed too often.

        Raises
        ------
        TooManyRequests
            If it has to wait.
        """
        if self._asking is None:
            return
        if key in self._known:
            self._known.move_to_end(key)
            self._asking.take(key.hex())
        else:
            self._guessing.refuse_if_full(place())

    def note(self, key: bytes, place: Callable[[], str], *, good: bool, refused: bool) -> None:
        """Remember what became of a request: that its credential was good, or that it was none."""
        if self._asking is None or key in self._known:
            return
        if good:
            self._known[key] = None
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        elif refused:
            self._guessing.count(place())
