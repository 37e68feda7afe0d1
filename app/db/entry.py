"""The audit entry as whatever writes rows of patients asks for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Set
from uuid import UUID


class Entry(ABC):
    """The audit entry of a transaction that has named patients; whatever writes their rows asks for it.

    It comes from `Work.saw`, or from `Work.entry` once somebody was named. Nothing else can make one, so that a write
    that leaves no event does not pass the checking of types.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def patient_ids(self) -> Set[UUID]:
        """Whom the transaction has named so far."""
