"""Skip rules: which questions a form leaves out after certain answers. What was skipped counts 0 and is not missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.scales.item import Item
from app.scales.sources import Source, require, require_unique


@dataclass(frozen=True, slots=True)
class SkipRule:
    """Some questions that need not be asked when others were answered with their lowest code.

    Parameters
    ----------
    after : tuple of str
        Numbers of the items that must all have been answered, with the code 0.
    skips : tuple of str
        Numbers of the items that are left out then. One that was declined is not skipped, but missing.
    source : Source
        Where the rule was seen.

    Raises
    ------
    InstrumentDataError
        If it names no items, or one on both sides.
    """

    after: tuple[str, ...]
    skips: tuple[str, ...]
    source: Source

    def __post_init__(self) -> None:
        require(bool(self.after) and bool(self.skips), "a skip rule needs items on both sides")
        require_unique((*self.after, *self.skips), "item of a skip rule")

    def check(self, items: Mapping[str, Item]) -> None:
        """Require that a form's items, in the order in which they are asked, are what the rule takes them for.

        Raises
        ------
        InstrumentDataError
            If the form lacks one, asks in another order, or one of them can't count 0.
        """
        for number in (*self.after, *self.skips):
            require(number in items, f"the form has no item {number}, which a skip rule names")
            item = items[number]
            require(0 in item.codes and item.points(0) == 0, f"item {number} of a skip rule must have the answer 0")
        place = {number: index for index, number in enumerate(items)}
        last = max(place[number] for number in self.after)
        require(all(place[number] > last for number in self.skips), "only what is asked later can be skipped")
