"""What the service has to answer, held against what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


class Told:
    """An id that only the service can choose: believed the first time it is told, held to ever after."""

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def admits(self, value: object) -> bool:
        if self.value is None and value is not None:
            self.value = value
        return bool(self.value == value)

    def __repr__(self) -> str:
        return f"Told({self.value})"


class Moment(Told):
    """The time of a request by the service's clock: somewhere between sending and getting the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.sent_at = datetime.now(UTC)
        self.answered_at: datetime | None = None

    def is_over(self) -> None:
        self.answered_at = datetime.now(UTC)

    def admits(self, value: object) -> bool:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            return False
        if self.value is None and not self.sent_at <= moment <= (self.answered_at or moment):
            return False
        return super().admits(moment)

    @property
    def at(self) -> datetime:
        """The time, to the length of the request where the service has not told it yet."""
        return self.value if isinstance(self.value, datetime) else self.sent_at


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """List where an answer is not what was expected; fields that nothing is expected of are left alone."""
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{where}: {actual!r} in place of an object"]
        return [
            found
            for name, value in expected.items()
            for found in (
                differences(value, actual[name], f"{where}/{name}") if name in actual else [f"{where}/{name}: absent"]
            )
        ]
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        if not isinstance(actual, Sequence) or len(expected) != len(actual):
            return [f"{where}: expected {len(expected)} entries, not {len(actual or ())}: {expected!r} {actual!r}"]
        pairs = zip(expected, actual, strict=True)
        return [found for place, pair in enumerate(pairs) for found in differences(*pair, f"{where}/{place}")]
    return [] if _same(expected, actual) else [f"{where}: expected {expected!r}, got {actual!r}"]


def _same(expected: object, actual: object) -> bool:
    if isinstance(expected, Told):
        return expected.admits(actual)
    if isinstance(expected, datetime) and isinstance(actual, str):
        return expected == datetime.fromisoformat(actual)
    if isinstance(expected, UUID):
        return str(expected) == actual
    return expected == actual and (type(expected) is bool) == (type(actual) is bool)
