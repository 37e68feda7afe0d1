"""What a questionnaire is: its forms, its items, and the scores that they give.

    Instrument            one questionnaire in one version
    ├── ChoiceList        the answers that an item offers, with their codes
    └── Form              one variant (for SDQ: parent 4-17), with its ages and the informants who may answer it
        ├── Item          one question
        ├── CriticalItem  an item whose answer asks for action, whatever the rest says
        └── Subscale      one score, with its bands, cut-offs, change criteria and missing-item rule

Everything is frozen and checks itself when it is made, so that whoever holds an instrument may trust it. Codes are
integers; a line marked in tenths is held in tenths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from app.errors import UnknownInstrument
from app.scales.bands import Band, Cutoff
from app.scales.item import SUICIDAL_THOUGHTS, Choice, ChoiceList, CriticalItem, Item
from app.scales.missing import MissingMethod, MissingRule
from app.scales.norms import Norms
from app.scales.screens import Screen
from app.scales.skips import SkipRule
from app.scales.sources import Confidence, Source, require, require_key, require_unique
from app.scales.subscale import Gate, Reliability, ReliabilityMeasure, Subscale

__all__ = [
    "SUICIDAL_THOUGHTS",
    "Band",
    "Choice",
    "ChoiceList",
    "Confidence",
    "CriticalItem",
    "Cutoff",
    "Form",
    "Gate",
    "InformantRole",
    "Instrument",
    "Item",
    "Licence",
    "LicenceStatus",
    "MissingMethod",
    "MissingRule",
    "NotForChange",
    "Reliability",
    "ReliabilityMeasure",
    "Source",
    "Subscale",
]


class InformantRole(StrEnum):
    """In what capacity somebody answers about the patient."""

    SELF = "self"
    PARENT = "parent"
    TEACHER = "teacher"
    CLINICIAN = "clinician"


class NotForChange(StrEnum):
    """Why an instrument is not followed over time."""

    RETROSPECTIVE = "retrospective"
    SCREENING = "screening"
    ABOUT_THE_HELP = "about_the_help"

    @property
    def because(self) -> str:
        """The reason as the end of a sentence."""
        return {
            NotForChange.RETROSPECTIVE: "it asks about the past, which does not change",
            NotForChange.SCREENING: "it screens for traits or problems of long standing",
            NotForChange.ABOUT_THE_HELP: "it says how the help is experienced, not how the patient is",
        }[self]


class LicenceStatus(StrEnum):
    """Whether an organisation may use an instrument as it is."""

    FREE = "free"
    AGREEMENT_NEEDED = "agreement_needed"


@dataclass(frozen=True, slots=True)
class Licence:
    """What a service may do with an instrument.

    Parameters
    ----------
    status : LicenceStatus
        Whether an agreement is needed first.
    holder : str
        Who holds the rights.
    terms : str
        What is allowed, in short.
    source : Source
        Where the terms were seen.
    """

    status: LicenceStatus
    holder: str
    terms: str
    source: Source


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
            rule.check(items, list(items))
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


@dataclass(frozen=True, slots=True)
class Instrument:
    """One questionnaire in one version.

    Parameters
    ----------
    key : str
        Name in lower case, e.g. ``phq-9``.
    version : str
        Changes when the questions or their coding change, since a series does not mix versions; not when a source
        or a limit is corrected.
    title : str
        The instrument's proper name.
    forms : tuple of Form
        Its variants.
    choices : tuple of ChoiceList
        The lists of answers that its items offer.
    licence : Licence
        What a service may do with it.
    main_subscale : str
        Key of the score that is followed over time; every form has it.
    not_for_change : NotForChange or None
        Why no trajectory may be made of it; None for an instrument that is followed over time.
    validated : bool
        False for a form of somebody's own, of which no study is known.
    asks_about_suicide : bool
        True if an item asks about wishes to die or thoughts of self-harm.
    recall_days : int or None
        How far back the questions look, days; None where that is not known or not fixed.
    loinc_panel : str or None
        LOINC code of the whole; None where there is none.
    norms : Norms or None
        Published norms; None where there are none.
    sources : mapping of str to Source
        Where ``recall_days`` and ``loinc_panel`` were seen, for those that are given.

    Raises
    ------
    InstrumentDataError
        If the parts do not fit together, or a figure has no source.
    """

    key: str
    version: str
    title: str
    forms: tuple[Form, ...]
    choices: tuple[ChoiceList, ...]
    licence: Licence
    main_subscale: str
    not_for_change: NotForChange | None
    asks_about_suicide: bool
    recall_days: int | None = None
    loinc_panel: str | None = None
    norms: Norms | None = None
    validated: bool = True
    sources: Mapping[str, Source] = field(default_factory=dict, hash=False)
    critical_items: tuple[CriticalItem, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_key(self.key)
        require(bool(self.forms), "an instrument needs at least one form")
        require_unique((form.key for form in self.forms), "form of an instrument")
        require_unique((choices.key for choices in self.choices), "list of choices")
        for form in self.forms:
            subscales = {subscale.key: subscale for subscale in form.subscales}
            require(self.main_subscale in subscales, "every form needs the main subscale")
            require(
                not self.for_change or subscales[self.main_subscale].criteria is not None,
                "the main subscale of an instrument for change needs change criteria",
            )
        if self.norms is not None:
            scored = {(form.key, subscale.key) for form in self.forms for subscale in form.subscales}
            known = all((group.form, key) in scored for group, key in self.norms.norms)
            require(known, "norms must be those of a form and a subscale of the instrument")
        figures = {name for name in ("recall_days", "loinc_panel") if getattr(self, name) is not None}
        require(set(self.sources) == figures, "recall_days and loinc_panel need a source each, where they are given")
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))
        object.__setattr__(self, "critical_items", self._shared_critical_items())
        asks = any(critical.kind == SUICIDAL_THOUGHTS for critical in self.critical_items)
        require(
            self.asks_about_suicide == asks,
            f"asks_about_suicide must be true if, and only if, there is a critical item of kind {SUICIDAL_THOUGHTS}",
        )

    @property
    def for_change(self) -> bool:
        """Whether the instrument is followed over time."""
        return self.not_for_change is None

    def _shared_critical_items(self) -> tuple[CriticalItem, ...]:
        # Risk is read before it is known whether the form that a body names exists: the items must not depend on it.
        first = self.forms[0]
        for form in self.forms:
            alike = form.critical_items == first.critical_items and all(
                form.items[form.position[critical.item]].codes == first.items[first.position[critical.item]].codes
                for critical in form.critical_items
            )
            require(alike, "all forms of an instrument must have the same critical items with the same codes")
        return first.critical_items

    def form(self, key: str | None) -> Form:
        """Give the form with a key, or the only form.

        Parameters
        ----------
        key : str or None
            Name of the form; None is enough where there is only one.

        Returns
        -------
        Form
            The form.

        Raises
        ------
        UnknownInstrument
            If the instrument has no such form, or several and none is named.
        """
        if key is None and len(self.forms) == 1:
            return self.forms[0]
        for form in self.forms:
            if form.key == key:
                return form
        detail = "this instrument has several forms: one must be named" if key is None else "no such form"
        raise UnknownInstrument(detail, pointer="/form", allowed=", ".join(form.key for form in self.forms))
