"""What is done about items that were not answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.errors import MalformedBody
from app.scales.sources import Source, require


class MissingMethod(StrEnum):
    """What is done about items that were not answered."""

    PRORATE = "prorate"
    """The sum of the answered items, scaled up to all items and rounded half up."""
    PRORATE_EXACTLY = "prorate_exactly"
    """The same, not rounded."""
    ZERO = "zero"
    """An item that was not answered counts nothing."""
    NONE = "none"
    """Nothing: the score needs every item."""


@dataclass(frozen=True, slots=True)
class MissingRule:
    """How many unanswered items a score stands, and what is done about them.

    Parameters
    ----------
    max_missing : int
        The largest number of unanswered items with which there is still a score.
    method : MissingMethod
        What is done about them.
    source : Source
        Where the rule was seen.
    configurable : bool
        True if a service may choose a stricter limit: no official rule binds it.

    Raises
    ------
    InstrumentDataError
        If the limit is negative, or missing items are allowed without a method for them.
    """

    max_missing: int
    method: MissingMethod
    source: Source
    configurable: bool = False

    def __post_init__(self) -> None:
        require(self.max_missing >= 0, "max_missing must not be negative")
        require(
            self.method is not MissingMethod.NONE or self.max_missing == 0,
            "without a method for missing items, max_missing must be 0",
        )

    def limit(self, chosen: int | None) -> int:
        """Give the limit that holds when a service has chosen its own, which may only be stricter.

        Parameters
        ----------
        chosen : int or None
            The service's limit, items; None for the rule's own.

        Returns
        -------
        int
            The largest number of unanswered items with which there is a score.

        Raises
        ------
        MalformedBody
            If the chosen limit is negative or laxer than the rule, or the rule leaves no choice.
        """
        if chosen is None or chosen == self.max_missing:
            return self.max_missing
        if not self.configurable:
            raise MalformedBody("the missing-item rule of this score is fixed", allowed=str(self.max_missing))
        if not 0 <= chosen <= self.max_missing:
            raise MalformedBody(
                "max_missing must not be negative or laxer than the rule of this score",
                allowed=f"0 to {self.max_missing}",
            )
        return chosen
