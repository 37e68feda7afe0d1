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

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from app.errors import UnknownInstrument
from app.scales.bands import Band, Cutoff
from app.scales.form import Form, InformantRole
from app.scales.item import SUICIDAL_THOUGHTS, Choice, ChoiceList, CriticalItem, Item
from app.scales.missing import MissingMethod, MissingRule
from app.scales.norms import Norms
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
    by_calendar : bool
        True for one that is filled in at months, whatever the sessions.
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
    by_calendar: bool = False
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

    def critical_item(self, number: str) -> CriticalItem:
        """Give the critical item with a number; a KeyError is a mistake of ours, as in `Form.subscale`."""
        return {critical.item: critical for critical in self.critical_items}[number]

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
