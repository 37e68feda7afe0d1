"""How often one caller may ask."""

from __future__ import annotations

import math
import time

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
            room_at = self._limiter.get_window_stats(self._item, key).reset_time
            seconds = max(1, math.ceil(room_at - time.time()))
            raise TooManyRequests("more than one caller may ask in a minute; try again later", retry_after=seconds)
