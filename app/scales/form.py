"""One variant of an instrument: who answers it, about whom, what is asked and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from app.scales.item import CriticalItem, Item
from app.scales.missing import MissingMethod
from app.scales.screens import Screen
from app.scales.skips import SkipRule
from app.scales.sources import Confidence, Source, require, require_key, require_unique
from app.scales.subscale import Subscale


class InformantRole(StrEnum):
    """In what capacity somebody answers about the patient."""

    SELF = "self"
    PARENT = "parent"
    TEACHER = "teacher"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True)
class Form:
    """One variant of an instrument: who answers it, about whom, and what it gives.

    Parameters
    ----------
    key : str
        Name of the form within the instrument.
    family : str
        Forms of one family make one series (a form and its follow-up).
    respondents : tuple of InformantRole
        Who may answer it.
    items : tuple of Item
        In the order in which they are asked.
    subscales : tuple of Subscale
        In the order in which they are shown.
    min_age, max_age : int or None
        Youngest and oldest patient in completed years, both included; None where the form is open to that side.
    sources : mapping of str to Source
        Where ``min_age`` and ``max_age`` were seen, for those that are given.
    critical_items : tuple of CriticalItem
        Items that are read before any other check.
    skip_rules : tuple of SkipRule
        Which items are left out after which answers.
    screens : tuple of Screen
        Published rules that count symptoms.

    Raises
    ------
    InstrumentDataError
        If the parts do not fit together, or an age has no source.
    """

    key: str
    family: str
    respondents: tuple[InformantRole, ...]
    items: tuple[Item, ...]
    subscales: tuple[Subscale, ...]
    min_age: int | None = None
    max_age: int | None = None
    sources: Mapping[str, Source] = field(default_factory=dict, hash=False)
    critical_items: tuple[CriticalItem, ...] = ()
    skip_rules: tuple[SkipRule, ...] = ()
    screens: tuple[Screen, ...] = ()
    position: Mapping[str, int] = field(init=False, repr=False, compare=False)
    points: tuple[Mapping[int, int | None], ...] = field(init=False, repr=False, compare=False)
    subscale_positions: tuple[tuple[int, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_key(self.key)
        require_key(self.family)
        require(bool(self.respondents), "a form needs somebody who may answer it")
        require_unique((item.number for item in self.items), "item of a form")
        require_unique((subscale.key for subscale in self.subscales), "subscale of a form")
        require_unique((critical.item for critical in self.critical_items), "critical item of a form")
        self._check_ages()
        position = {item.number: place for place, item in enumerate(self.items)}
        for place, subscale in enumerate(self.subscales):
            if subscale.parts:
                self._check_sum(subscale, self.subscales[:place])
            else:
                self._check_subscale(subscale, position)
        used = {number for subscale in self.subscales for number in subscale.items}
        scored = {item.number for item in self.items if item.scored}
        require(used == scored, "the scored items, and no others, must be in a subscale")
        for critical in self.critical_items:
            require(critical.item in position, f"the form has no item {critical.item}, which is called critical")
            codes = self.items[position[critical.item]].codes
            require(critical.threshold in codes, "the threshold of a critical item must be one of its codes")
        self._check_rules()
        object.__setattr__(self, "position", MappingProxyType(position))
        points = tuple(MappingProxyType({code: item.points(code) for code in item.codes}) for item in self.items)
        object.__setattr__(self, "points", points)
        places = tuple(tuple(position[number] for number in subscale.items) for subscale in self.subscales)
        object.__setattr__(self, "subscale_positions", places)

    def _check_rules(self) -> None:
        items = {item.number: item for item in self.items}
        for rule in self.skip_rules:
            rule.check(items)
        require_unique((screen.key for screen in self.screens), "screen of a form")
        for screen in self.screens:
            screen.check(items)

    def _check_ages(self) -> None:
        youngest = 0 if self.min_age is None else self.min_age
        require(youngest >= 0, "an age must not be negative")
        require(self.max_age is None or youngest <= self.max_age, "min_age must not be above max_age")
        figures = {name for name in ("min_age", "max_age") if getattr(self, name) is not None}
        require(set(self.sources) == figures, "min_age and max_age need a source each, where they are given")
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))

    def _check_subscale(self, subscale: Subscale, position: Mapping[str, int]) -> None:
        for number in subscale.items:
            require(number in position, f"the form has no item {number}, which subscale {subscale.key} counts")
        items = [self.items[position[number]] for number in subscale.items]
        lowest, highest = (sum(ends) * subscale.unit for ends in zip(*(item.range for item in items), strict=True))
        require(
            (subscale.minimum, subscale.maximum) == (lowest, highest),
            f"the items of subscale {subscale.key} give a range of {lowest} to {highest}",
        )
        require(
            all(item.choices.per_point == subscale.per_point for item in items),
            f"the items of subscale {subscale.key} must have {subscale.per_point} codes to a point, as it says",
        )
        leaves_out = any(None in item.choices.points.values() for item in items)
        require(
            not leaves_out or subscale.times_mean is not None,
            "where an answer takes an item out, the score must be a mean of those that are left",
        )
        # A mean of items with unlike ranges says nothing about the item that is missing.
        alike = len({item.range for item in items}) == 1
        prorated = subscale.missing.method in (MissingMethod.PRORATE, MissingMethod.PRORATE_EXACTLY)
        require(alike or not prorated, "only items with the same range of points can be prorated")
        if subscale.gate is not None:
            require(
                subscale.gate.item in position, f"the form has no item {subscale.gate.item}, which is called a gate"
            )
            gate = self.items[position[subscale.gate.item]]
            require(subscale.gate.code in gate.codes, "what opens or closes a gate must be one of its codes")

    def _check_sum(self, subscale: Subscale, before: tuple[Subscale, ...]) -> None:
        by_key = {each.key: each for each in before}
        for part in subscale.parts:
            require(part in by_key, f"the form has no subscale {part} before {subscale.key}, which is their sum")
        parts = [by_key[part] for part in subscale.parts]
        require(all(part.is_whole for part in parts), "only scores of whole points are summed")
        lowest, highest = sum(each.minimum for each in parts), sum(each.maximum for each in parts)
        require(
            (subscale.minimum, subscale.maximum) == (lowest, highest),
            f"the parts of subscale {subscale.key} give a range of {lowest} to {highest}",
        )
        items = [item for each in parts for item in each.items]
        require(len(items) == len(set(items)), f"an item must not count twice in subscale {subscale.key}")

    @property
    def unverified_screens(self) -> list[str]:
        """Keys of the screens whose rule could not be confirmed."""
        return [each.key for each in self.screens if each.source.confidence is Confidence.UNVERIFIED]

    def fits_age(self, age_years: float) -> bool:
        """Tell whether the form is meant for patients of an age.

        Parameters
        ----------
        age_years : float
            Age in years; 17.9 is still 17.

        Returns
        -------
        bool
            True from the first day of the youngest year to the last day of the oldest.
        """
        if self.min_age is not None and age_years < self.min_age:
            return False
        return self.max_age is None or age_years < self.max_age + 1

    def answers(self, codes: Sequence[int | None]) -> dict[str, float | None]:
        """Give answers by item number, as they are sent; None where an item was not answered."""
        return {
            item.number: None if code is None else item.choices.answer(code)
            for item, code in zip(self.items, codes, strict=True)
        }

    def subscale(self, key: str) -> Subscale:
        """Give the subscale with a key; a KeyError is a mistake of ours, since no caller names subscales freely."""
        return {subscale.key: subscale for subscale in self.subscales}[key]
