"""A series without a growth curve: its scores against the first one, if nothing had truly changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.fields import Answer, Hundredths
from app.scales.change import ChangeCategory
from app.scales.sources import Confidence
from app.scales.subscale import Interval, Reliability, ReliabilityMeasure, TimeUnit
from app.services.few_scores import FewOccasions, SubscaleChange
from app.texts.catalogue import say
from app.trajectories.few_occasions import BandBasis, Known, LaterScore, Limits, Usability
from app.trajectories.series import Observation, Phase


class IntervalRead(Answer):
    """Time between the two measures of a retest, for which alone its coefficient holds."""

    first: int
    last: int
    unit: TimeUnit


class CoefficientRead(Answer):
    """A reliability that the band rests on."""

    measure: ReliabilityMeasure
    coefficient: float
    interval: IntervalRead | None = Field(description="Null for alpha, and where the source does not show it.")


class BandNormRead(Answer):
    """Mean and spread of the group that the band rests on."""

    mean: Hundredths
    sd: Hundredths
    group: Literal["people_in_general", "sex_and_grade_at_baseline"] = Field(
        description="The group of the baseline holds throughout, also when the person grows older."
    )


class LimitsRead(Answer):
    """What to expect of a new score if nothing has truly changed, and from where on something has."""

    expected: Hundredths
    lower: int
    upper: int
    better_at: int | None = Field(description="First whole score that is reliably better; null where none can be.")
    worse_at: int | None = Field(description="First whole score that is reliably worse; null where none can be.")


class LaterScoreRead(Answer):
    """A score after the baseline, held against it."""

    administration_id: UUID
    weeks: Hundredths
    phase: Phase
    score: float
    improvement: float = Field(description="Points since the baseline, positive when better.")
    within_band: bool | None = Field(description="Null where a change of one person can't be told; so is `change`.")
    change: ChangeCategory | None


class SubscaleChangeRead(Answer):
    """One of the other scores of the form, the newest against that of the baseline."""

    key: str
    band_basis: BandBasis
    usability: Usability
    usability_words: str
    baseline: float | None
    score: float | None
    improvement: float | None
    limits: LimitsRead | None = Field(description="Null where a change of one person can't be told.")
    within_band: bool | None
    change: ChangeCategory | None


class FewOccasionsRead(Answer):
    """The scores of a series for which no growth curve is known: no expected course, and no natural course."""

    band_basis: BandBasis = Field(description="What is known of a score that has not truly changed.")
    band_level: float | None = Field(
        description="Central probability of the band; null without one, and for published points, which have none."
    )
    limits: LimitsRead | None = Field(description="Null where a change of one person can't be told.")
    reliable_change: int | None = Field(description="Smallest reliable change, points; it must also leave the band.")
    reliability: CoefficientRead | None
    norm: BandNormRead | None
    usability: Usability = Field(description="Whether the score is reliable enough for a change of one person.")
    confidence: Confidence | None = Field(description="How well the weakest figure is supported.")
    sources: list[str]
    change_in: Literal["raw_points"] = Field(description="Changes are never those of T-scores.")
    scores: list[LaterScoreRead]
    subscales: list[SubscaleChangeRead]
    words: list[str] = Field(description="What this rests on and how far it carries, in the reader's language.")


def few_occasions_read(few: FewOccasions, language: str) -> FewOccasionsRead:
    """Show a series without a growth curve."""
    known = few.known
    used = known.basis in (BandBasis.RETEST, BandBasis.ALPHA)
    group: Literal["people_in_general", "sex_and_grade_at_baseline"] = (
        "sex_and_grade_at_baseline" if few.by_group else "people_in_general"
    )
    return FewOccasionsRead(
        band_basis=known.basis,
        band_level=few.level,
        limits=_limits_read(few.limits),
        reliable_change=known.reliable_change if few.limits else None,
        reliability=_coefficient_read(known.reliability) if known.reliability else None,
        norm=BandNormRead(mean=float(known.norm.mean), sd=float(known.norm.sd), group=group)
        if used and known.norm
        else None,
        usability=known.usability,
        confidence=known.confidence,
        sources=[source.text for source in known.sources],
        change_in="raw_points",
        scores=[_later_score_read(*each) for each in few.later],
        subscales=[_subscale_change_read(each, language) for each in few.subscales],
        words=list(_words(few, language)),
    )


def _limits_read(limits: Limits | None) -> LimitsRead | None:
    return None if limits is None else LimitsRead(**limits._asdict())


def _coefficient_read(reliability: Reliability) -> CoefficientRead:
    interval = reliability.interval and IntervalRead.model_validate(reliability.interval)
    return CoefficientRead(measure=reliability.measure, coefficient=reliability.coefficient, interval=interval)


def _later_score_read(observation: Observation, later: LaterScore) -> LaterScoreRead:
    assert isinstance(observation.administration_id, UUID), "the record's administrations have UUIDs"
    return LaterScoreRead(
        administration_id=observation.administration_id,
        weeks=observation.weeks,
        phase=observation.phase,
        **later._asdict(),
    )


def _subscale_change_read(each: SubscaleChange, language: str) -> SubscaleChangeRead:
    newest = each.newest
    return SubscaleChangeRead(
        key=each.key,
        band_basis=each.known.basis,
        usability=each.known.usability,
        usability_words=_usability_words(each.known, language),
        baseline=each.first,
        limits=_limits_read(each.limits),
        score=newest.score if newest else None,
        improvement=newest.improvement if newest else None,
        within_band=newest.within_band if newest else None,
        change=newest.change if newest else None,
    )


def _usability_words(known: Known, language: str) -> str:
    return say(f"few_occasions.usability.{known.usability}", language, _figures(known.judged_by, language))


def _figures(reliability: Reliability | None, language: str) -> dict[str, object]:
    """Give a coefficient with two decimals, which one decimal would make nonsense of."""
    if reliability is None:
        return {}
    text = f"{reliability.coefficient:.2f}"
    return {"coefficient": text if language == "en" else text.replace(".", ",")}


def _words(few: FewOccasions, language: str) -> Iterator[str]:
    """Say what the band rests on, from where on a change is reliable, and what is not known."""
    if few.limits is not None:
        yield from _words_of_band(few.known, few.limits, few.band_level, language)
    elif few.known.usability is Usability.TOO_UNRELIABLE:
        yield _usability_words(few.known, language)
    else:
        yield say(f"few_occasions.basis.{BandBasis.NOTHING_KNOWN}", language)
    yield say("few_occasions.raw_points_in_group" if few.by_group else "few_occasions.raw_points", language)
    yield say("few_occasions.natural_course", language)


def _words_of_band(known: Known, limits: Limits, level: float, language: str) -> Iterator[str]:
    figures = {"reliable_change": known.reliable_change, "level": level, **_figures(known.reliability, language)}
    yield say(f"few_occasions.basis.{known.basis}", language, figures)
    if known.basis is BandBasis.RETEST and known.reliability is not None:
        yield _interval_words(known.reliability.interval, language)
    yield _usability_words(known, language)
    for side, score in (("better", limits.better_at), ("worse", limits.worse_at)):
        key = f"no_room_{side}" if score is None else f"{side}_at"
        yield say(f"few_occasions.{key}", language, {f"{side}_at": score})
    if known.confidence is Confidence.UNVERIFIED:
        yield say("few_occasions.unverified", language)


def _interval_words(interval: Interval | None, language: str) -> str:
    if interval is None:
        return say("few_occasions.interval.not_seen", language)
    span = f"{interval.first}" if interval.first == interval.last else f"{interval.first}\N{EN DASH}{interval.last}"
    return say(f"few_occasions.interval.{interval.unit}", language, {"span": span})
