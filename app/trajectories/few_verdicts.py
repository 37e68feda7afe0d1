"""The verdict on a few scores without a growth curve: what has reliably changed since the first, and what is due.

It says nothing of a course, since none is known: a score in the band is a score as it would be if nothing had changed,
and no reason for praise. Evaluations come by the calendar, and at the planned end; the dose plays no other role.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from app.scales.change import ChangeCategory
from app.trajectories.course import Course
from app.trajectories.few_occasions import Known, LaterScore, Limits, against_first, limits_of
from app.trajectories.policy import Plan, Policy
from app.trajectories.progress import (
    SIGNALS,
    Probabilities,
    Progress,
    Reason,
    ReasonCode,
    ResponderState,
    SignalReason,
)
from app.trajectories.series import Observation, Phase, Series
from app.trajectories.tracking import assess_many

FEW_OCCASIONS: Final = "few_occasions"
"""How a verdict names what it was held against, before the basis of the band: `few_occasions/retest`."""

EVALUATION_WEEKS: Final = 26.0
"""Weeks from one evaluation to the next: the SDQ is filled in again after half a year (methods, B9)."""

EARLY_BY_WEEKS: Final = 2.0
"""So many weeks before an evaluation a score counts as filled in for it. Judgement; UNVERIFIED."""


@dataclass(frozen=True, slots=True)
class FewScores:
    """All that the verdicts on one series rest on where no growth curve is known.

    Parameters
    ----------
    series : Series
        The scores of one informant.
    known : Known
        What is known of a score that has not truly changed.
    policy : Policy
        Holds the level of the band.
    plan : Plan
        What is planned for the patient.
    reviewed_doses : tuple of int
        Doses at which a review was recorded.
    first : int
        Position, among the observations of the series, of the first one to judge, 0 or more.
    """

    series: Series
    known: Known
    policy: Policy
    plan: Plan
    reviewed_doses: tuple[int, ...] = ()
    first: int = 0


Judgeable: TypeAlias = Course | FewScores


def is_of_few_occasions(curve_version: str | None) -> bool:
    """Tell whether a verdict was held against the first score, and not against a growth curve.

    Examples
    --------
    >>> is_of_few_occasions("few_occasions/retest"), is_of_few_occasions("arcsine-1")
    (True, False)
    """
    return curve_version is not None and curve_version.startswith(f"{FEW_OCCASIONS}/")


def assess_all(courses: Sequence[Judgeable]) -> list[tuple[Progress, ...]]:
    """Give the verdicts on many series at once, those with a growth curve and those without.

    Parameters
    ----------
    courses : sequence of Course or FewScores
        In any order.

    Returns
    -------
    list of tuple of Progress
        For each the verdicts from `first` on, as :func:`app.trajectories.tracking.assess_many` gives them.
    """
    with_curve = iter(assess_many([each for each in courses if isinstance(each, Course)]))
    return [next(with_curve) if isinstance(each, Course) else assess_few(each) for each in courses]


def assess_few(few: FewScores) -> tuple[Progress, ...]:
    """Give the verdicts on a series without a growth curve, each on the scores up to it.

    Parameters
    ----------
    few : FewScores
        The scores, and what is known of them.

    Returns
    -------
    tuple of Progress
        On the treated administrations from `first` on, in time order; none where a change of one person can't be told.

    Notes
    -----
    The first that holds: crisis pause; reliably worse (red, confirmed if the score before was too); reliably better
    and below the cut-off (green, good enough); started below the cut-off (grey); one score (grey, too early); reliably
    better (green, as expected); an evaluation is due (yellow, time for review); else grey, no change yet.

    Examples
    --------
    SDQ by a parent, half a year apart; nine points are reliable, and six are not:

    >>> from datetime import UTC, datetime, timedelta
    >>> from app.scales.catalogue import instrument
    >>> from app.trajectories.few_occasions import known_of
    >>> from app.trajectories.series import CountedSession, Measurement
    >>> start = datetime(2024, 1, 1, tzinfo=UTC)
    >>> sessions = [CountedSession(number, start + timedelta(weeks=number, hours=1)) for number in range(8)]
    >>> total = known_of(instrument("sdq").form("parent-4-17").subscale("total_difficulties"))
    >>> def said(later):
    ...     scores = [Measurement(0, start, 20), Measurement(1, start + timedelta(weeks=26), later)]
    ...     verdicts = assess_few(FewScores(Series.build(scores, sessions), total, Policy(), Plan()))
    ...     return [str(each.signal_reason) for each in verdicts]
    >>> said(10), said(14), said(30)[1:]
    (['too_early', 'as_expected'], ['too_early', 'time_for_review'], ['deterioration_unconfirmed'])
    """
    treated = few.series.treated()
    limits = limits_of(few.known, treated[0].score, few.policy.band_level) if treated else None
    if limits is None:
        return ()
    held = [against_first(few.known, treated[0].score, each.score, few.policy.band_level) for each in treated]
    asked = sum(each.phase is Phase.TREATMENT for each in few.series.observations[few.first :])
    looks = (_Look(few, treated[: place + 1], held[: place + 1], limits) for place in range(len(treated)))
    return tuple(map(_progress, list(looks)[len(treated) - asked :]))


class _Look(NamedTuple):
    """The scores up to one of them, each held against the first."""

    few: FewScores
    treated: Sequence[Observation]
    held: Sequence[LaterScore]
    limits: Limits

    @property
    def now(self) -> LaterScore:
        return self.held[-1]

    @property
    def improved(self) -> bool:
        return self.now.change is ChangeCategory.RELIABLE_IMPROVEMENT

    @property
    def good_enough(self) -> bool:
        return self.improved and self.below_cutoff(self.now.score)

    @property
    def started_below_cutoff(self) -> bool:
        return self.below_cutoff(self.treated[0].score)

    def below_cutoff(self, score: float) -> bool:
        criteria = self.few.known.criteria
        return criteria.cutoff is not None and not criteria.is_case(score)

    @property
    def deterioration(self) -> SignalReason | None:
        """How a reliable deterioration is named; None where there is none."""
        worse = [each.change is ChangeCategory.RELIABLE_DETERIORATION for each in self.held[-2:]]
        if not worse[-1]:
            return None
        return SignalReason.DETERIORATION_CONFIRMED if all(worse) else SignalReason.DETERIORATION_UNCONFIRMED

    @property
    def evaluation_is_due(self) -> bool:
        """Whether the newest evaluation that was reached has not been reviewed since.

        Reviews are recorded by dose; later ones don't count, so that a verdict is the same when it is computed again.
        """
        now = self.treated[-1]
        reached = [each.dose for each in self._first_scores_of_evaluations()]
        return bool(reached) and not any(max(reached) <= dose <= now.dose for dose in self.few.reviewed_doses)

    def _first_scores_of_evaluations(self) -> Iterator[Observation]:
        now, planned = self.treated[-1], self.few.plan.planned_dose
        evaluation = (now.weeks + EARLY_BY_WEEKS) // EVALUATION_WEEKS * EVALUATION_WEEKS
        if evaluation > 0:
            yield next(each for each in self.treated if each.weeks + EARLY_BY_WEEKS >= evaluation)
        if planned is not None and now.dose >= planned:
            yield next(each for each in self.treated if each.dose >= planned)


def _progress(look: _Look) -> Progress:
    causes, limits = list(_causes(look)), look.limits
    observation, at_baseline = look.treated[-1], len(look.treated) == 1
    assert look.now.change is not None, "where there are limits, a change can be told"
    return Progress(
        administration_id=observation.administration_id,
        dose=observation.dose,
        weeks=observation.weeks,
        score=observation.score,
        baseline=look.treated[0].score,
        improvement=look.now.improvement,
        change=look.now.change,
        signal=SIGNALS[causes[0]],
        signal_reason=causes[0],
        responder_state=ResponderState.NOT_ASSESSED,
        reasons=_reasons(causes, look),
        expected=None if at_baseline else limits.expected,
        band=None if at_baseline else (limits.lower, limits.upper),
        probabilities=Probabilities(None, None, None),
        end_dose=None,
        curve_version=f"{FEW_OCCASIONS}/{look.few.known.basis}",
    )


def _causes(look: _Look) -> Iterator[SignalReason]:
    """Give the causes that apply, the one that sets the signal first: worsening, then silence, then praise."""
    plan = look.few.plan
    if plan.crisis_pause:
        yield SignalReason.CRISIS_PAUSE
    if look.deterioration is not None:
        yield look.deterioration
    if look.good_enough:
        yield SignalReason.GOOD_ENOUGH
    if look.started_below_cutoff:
        yield SignalReason.STARTED_BELOW_CUTOFF
    if len(look.treated) == 1:
        yield SignalReason.TOO_EARLY
    elif look.improved:
        yield SignalReason.AS_EXPECTED
    elif look.evaluation_is_due and not plan.only_worsening_signals:
        yield SignalReason.TIME_FOR_REVIEW
    else:
        yield SignalReason.NO_CHANGE_YET


_ALSO_SAID: Final = (
    SignalReason.CRISIS_PAUSE,
    SignalReason.DETERIORATION_UNCONFIRMED,
    SignalReason.DETERIORATION_CONFIRMED,
    SignalReason.GOOD_ENOUGH,
    SignalReason.STARTED_BELOW_CUTOFF,
)
"""Causes that a reader must know of, whether or not they set the signal."""


def _reasons(causes: Sequence[SignalReason], look: _Look) -> tuple[Reason, ...]:
    """Give all reasons that apply, the signal's own first, each with the figures that any of them rests on."""
    own, *others = causes
    codes = [ReasonCode(own), *(ReasonCode(each) for each in others if each in _ALSO_SAID)]
    if look.few.series.late_baseline:
        codes.append(ReasonCode.LATE_BASELINE)
    evidence = _evidence(look)
    return tuple(Reason(code, evidence) for code in codes)


def _evidence(look: _Look) -> dict[str, float | int | str]:
    now, known, limits = look.treated[-1], look.few.known, look.limits
    figures: dict[str, float | int | str | None] = {
        "basis": str(known.basis),
        "dose": now.dose,
        "weeks": now.weeks,
        "baseline": look.treated[0].score,
        "baseline_dose": look.treated[0].dose,
        "score": now.score,
        "improvement": look.now.improvement,
        "reliable_change": known.reliable_change,
        "cutoff": known.criteria.cutoff,
        "lower": limits.lower,
        "upper": limits.upper,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}
