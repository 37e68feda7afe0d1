"""The words of a verdict: signal, reason, responder state, and the evidence behind them. Codes, no sentences."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from app.scales.change import ChangeCategory

Evidence: TypeAlias = Mapping[str, float | int | str]


class Signal(StrEnum):
    """The level of a verdict. It asks for a conversation; it decides nothing."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    GREY = "grey"


class SignalReason(StrEnum):
    """The one cause that set the signal."""

    DETERIORATION_UNCONFIRMED = "deterioration_unconfirmed"
    DETERIORATION_CONFIRMED = "deterioration_confirmed"
    ABOVE_BAND = "above_band"
    UNLIKELY_TO_REACH_GOAL = "unlikely_to_reach_goal"
    LIKELY_TO_DETERIORATE = "likely_to_deteriorate"
    TIME_FOR_REVIEW = "time_for_review"
    AS_EXPECTED = "as_expected"
    GOOD_ENOUGH = "good_enough"
    TOO_EARLY = "too_early"
    NO_CHANGE_YET = "no_change_yet"
    STARTED_BELOW_CUTOFF = "started_below_cutoff"
    CRISIS_PAUSE = "crisis_pause"


SIGNALS: Mapping[SignalReason, Signal] = {
    SignalReason.DETERIORATION_UNCONFIRMED: Signal.RED,
    SignalReason.DETERIORATION_CONFIRMED: Signal.RED,
    SignalReason.LIKELY_TO_DETERIORATE: Signal.YELLOW,
    SignalReason.TIME_FOR_REVIEW: Signal.YELLOW,
    SignalReason.UNLIKELY_TO_REACH_GOAL: Signal.YELLOW,
    SignalReason.ABOVE_BAND: Signal.YELLOW,
    SignalReason.AS_EXPECTED: Signal.GREEN,
    SignalReason.GOOD_ENOUGH: Signal.GREEN,
    SignalReason.TOO_EARLY: Signal.GREY,
    SignalReason.NO_CHANGE_YET: Signal.GREY,
    SignalReason.STARTED_BELOW_CUTOFF: Signal.GREY,
    SignalReason.CRISIS_PAUSE: Signal.GREY,
}
"""The level that each cause sets."""


class ReasonCode(StrEnum):
    """Everything that can be said about a verdict: the signal's causes, and what else a reader must know."""

    DETERIORATION_UNCONFIRMED = "deterioration_unconfirmed"
    DETERIORATION_CONFIRMED = "deterioration_confirmed"
    ABOVE_BAND = "above_band"
    UNLIKELY_TO_REACH_GOAL = "unlikely_to_reach_goal"
    LIKELY_TO_DETERIORATE = "likely_to_deteriorate"
    TIME_FOR_REVIEW = "time_for_review"
    AS_EXPECTED = "as_expected"
    GOOD_ENOUGH = "good_enough"
    TOO_EARLY = "too_early"
    NO_CHANGE_YET = "no_change_yet"
    STARTED_BELOW_CUTOFF = "started_below_cutoff"
    CRISIS_PAUSE = "crisis_pause"
    LATE_BASELINE = "late_baseline"
    NO_COUNTED_SESSION = "no_counted_session"
    """For callers that explain why a series has no verdict: no session counts yet."""
    MEASURES_DISAGREE = "measures_disagree"
    INFORMANTS_DISAGREE = "informants_disagree"


class ResponderState(StrEnum):
    """When the patient's improvement became established, if it did. Independent of the signal."""

    EARLY = "early"
    PENDING = "pending"
    LATE = "late"
    NONE = "none"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause with the numbers that it rests on.

    Parameters
    ----------
    code : ReasonCode
        The cause.
    evidence : mapping of str to number or str
        The numbers, by name; points, doses and probabilities as in :class:`Progress`.
    """

    code: ReasonCode
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Probabilities:
    """What is expected of the patient, given all scores so far.

    Parameters
    ----------
    goal_by_end : float or None
        Probability that a score at the end dose shows reliable improvement or lies below the cut-off; None where
        neither is published or neither can be reached.
    deterioration_by_end : float or None
        Probability that a score at the end dose is reliably worse than the baseline; None where no reliable change
        is published.
    established_change : float or None
        Probability that the true score has improved by the policy's share, and by what patients notice; None where no
        growth curve is known.
    """

    goal_by_end: float | None
    deterioration_by_end: float | None
    established_change: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a series stands, as other series of the episode are held against it.

    Parameters
    ----------
    change : ChangeCategory
        Change from the baseline.
    signal : Signal
        Level of the newest verdict.
    """

    change: ChangeCategory
    signal: Signal


@dataclass(frozen=True, slots=True)
class Progress:
    """The verdict on one administration, from the scores up to it.

    Parameters
    ----------
    administration_id : Hashable
        Identity of the administration.
    dose : int
        Counted sessions before it.
    weeks : float
        Weeks since the baseline.
    score, baseline : float
        Points.
    improvement : float
        Points since the baseline, positive when better.
    change : ChangeCategory
        Whether that is a reliable change.
    signal : Signal
        Level of the verdict.
    signal_reason : SignalReason
        What set it.
    responder_state : ResponderState
        When improvement became established, if it did.
    reasons : tuple of Reason
        All that apply, the signal's own first.
    expected : float or None
        Expected score given the baseline only, points; None at the baseline itself. Where no growth curve is known,
        what was expected if nothing had truly changed; the same holds of the band.
    band : tuple of int or None
        Lowest and highest expected score given the baseline only, points; None at the baseline itself.
    probabilities : Probabilities
        Given all scores so far.
    end_dose : int or None
        Dose that the probabilities by the end are for; None where no growth curve is known.
    curve_version : str
        Key of the growth curve, or of what took its place.
    """

    administration_id: Hashable
    dose: int
    weeks: float
    score: float
    baseline: float
    improvement: float
    change: ChangeCategory
    signal: Signal
    signal_reason: SignalReason
    responder_state: ResponderState
    reasons: tuple[Reason, ...]
    expected: float | None
    band: tuple[int, int] | None
    probabilities: Probabilities
    end_dose: int | None
    curve_version: str

    @property
    def standing(self) -> Standing:
        """Where the series stands by this verdict."""
        return Standing(self.change, self.signal)
