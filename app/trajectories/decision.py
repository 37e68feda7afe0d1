"""Decision points of a programme: at most so many symptoms at a certain time, or another step is considered.

Such a rule counts symptoms at one measure; it is no curve and sets no signal. It is one ground in a joint decision.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from app.errors import MalformedBody
from app.scales.form import Form

_TEXTS = ("instrument", "subscale", "form_family")


class RuleState(StrEnum):
    """What a rule says."""

    NOT_YET_DUE = "not_yet_due"
    DUE = "due"
    """Its time has come, and nothing was measured yet."""

    MET = "met"
    NOT_MET = "not_met"
    UNDETERMINED = "undetermined"
    """Answers are missing that would tell."""

    OVERDUE = "overdue"
    """Its time has passed without a measure."""


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """A programme's rule: at most so many symptoms in certain weeks.

    Parameters
    ----------
    instrument : str
        Key of the instrument.
    subscale : str
        Key of the score whose items are symptoms.
    item_threshold : int
        The code from which on an item counts as a symptom, as answered; 1 or more.
    at_most : int
        So many symptoms still meet the rule; 0 or more.
    from_week, to_week : int
        Completed weeks since the programme started in which the measure counts, both included.
    form_family : str or None
        Only series of this form family count; those of any when None. Series never mix.

    Raises
    ------
    MalformedBody
        If a figure lies outside its range.

    Examples
    --------
    Parent-led treatment of traumatised children (Stepping Together): who has at most four symptoms in weeks 6 to 9 has
    responded. From which answer on an item is a symptom the programme has to say; here from the third on.

    >>> rule = DecisionRule("kates-2", "total", item_threshold=2, at_most=4, from_week=6, to_week=9)
    >>> [str(rule.state_at(weeks, SymptomCount(shown))) for weeks, shown in ((5, 3), (6, 4), (9.9, 5), (10, 3))]
    ['not_yet_due', 'met', 'not_met', 'overdue']

    References
    ----------
    Stepping Together, ClinicalTrials.gov NCT05734547 (the rule; the form of the count is the programme's).
    """

    instrument: str
    subscale: str
    item_threshold: int
    at_most: int
    from_week: int
    to_week: int
    form_family: str | None = None

    def __post_init__(self) -> None:
        rules = (
            ("item_threshold", self.item_threshold >= 1, "1 or more"),
            ("at_most", self.at_most >= 0, "0 or more"),
            ("from_week", self.from_week >= 0, "0 or more"),
            ("to_week", self.to_week >= self.from_week, "at least from_week"),
        )
        for name, holds, allowed in rules:
            if not holds:
                raise MalformedBody(f"{name} must be {allowed}", pointer=f"/{name}", allowed=allowed)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> DecisionRule | None:
        """Read a rule from a document as it is kept.

        Parameters
        ----------
        document : mapping
            Parsed JSON.

        Returns
        -------
        DecisionRule or None
            None for a document of another form: before rules had one, any document could be kept.
        """
        for field in fields(cls):
            value = document.get(field.name)
            fits = isinstance(value, str) if field.name in _TEXTS else type(value) is int
            if not fits and not (field.name == "form_family" and value is None):
                return None
        try:
            return cls(**document)
        except (TypeError, MalformedBody):
            return None

    def is_within(self, weeks: float) -> bool:
        """Tell whether a time, weeks since the programme started, lies in the weeks that count."""
        return self.from_week <= weeks < self.to_week + 1

    def count(self, form: Form, codes: Sequence[int | None]) -> SymptomCount:
        """Count the symptoms in the answers to a form.

        Parameters
        ----------
        form : Form
            What was answered; it has the rule's subscale.
        codes : sequence of int or None
            The codes answered, in the form's item order; None where an item was not answered.

        Returns
        -------
        SymptomCount
        """
        answers = [codes[form.position[item]] for item in form.subscale(self.subscale).items]
        answered = [code for code in answers if code is not None]
        shown = sum(code >= self.item_threshold for code in answered)
        return SymptomCount(shown, len(answers) - len(answered))

    def state_at(self, weeks: float, count: SymptomCount) -> RuleState:
        """Tell what the rule says at one administration.

        Parameters
        ----------
        weeks : float
            Weeks from the start of the programme to it; negative before.
        count : SymptomCount
            The symptoms in it.

        Returns
        -------
        RuleState
            Never *due*, since it was measured.
        """
        if not self.is_within(weeks):
            return RuleState.NOT_YET_DUE if weeks < self.from_week else RuleState.OVERDUE
        if count.shown > self.at_most:
            return RuleState.NOT_MET
        return RuleState.MET if count.most <= self.at_most else RuleState.UNDETERMINED


@dataclass(frozen=True, slots=True)
class SymptomCount:
    """How many symptoms an administration shows.

    Parameters
    ----------
    shown : int
        Items that count as symptoms.
    unanswered : int
        Items that might have.
    """

    shown: int
    unanswered: int = 0

    @property
    def most(self) -> int:
        """How many there may be at most."""
        return self.shown + self.unanswered


@dataclass(frozen=True, slots=True)
class Counted:
    """One administration of a series, as a rule sees it.

    Parameters
    ----------
    administration_id : Hashable
        Identity of the administration.
    weeks : float
        Weeks from the start of the programme to it; negative before.
    count : SymptomCount
        The symptoms in it.
    """

    administration_id: Hashable
    weeks: float
    count: SymptomCount


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What a rule says of a series now.

    Parameters
    ----------
    state : RuleState
        What it says.
    counted : Counted or None
        The administration that it rests on, the newest in the weeks that count; without one there the newest at all,
        for information. None where nothing was measured.
    """

    state: RuleState
    counted: Counted | None

    @property
    def decided(self) -> bool:
        """Whether it was measured in time."""
        return self.state in (RuleState.MET, RuleState.NOT_MET, RuleState.UNDETERMINED)


def outcome(rule: DecisionRule, series: Sequence[Counted], weeks_now: float) -> RuleOutcome:
    """Tell what a rule says of a series now.

    Parameters
    ----------
    rule : DecisionRule
        The programme's rule.
    series : sequence of Counted
        The administrations of one series, in any order.
    weeks_now : float
        Weeks since the programme started; negative before.

    Returns
    -------
    RuleOutcome
        By the newest administration in the weeks that count. What was measured too late decides nothing by itself.
    """
    in_time = [each for each in series if rule.is_within(each.weeks)]
    newest = max(in_time or series, key=lambda each: each.weeks, default=None)
    if newest is not None and in_time:
        return RuleOutcome(rule.state_at(newest.weeks, newest.count), newest)
    if rule.is_within(weeks_now):
        return RuleOutcome(RuleState.DUE, newest)
    return RuleOutcome(RuleState.NOT_YET_DUE if weeks_now < rule.from_week else RuleState.OVERDUE, newest)
