"""What is known of a series without a growth curve, from the instrument's file and the patient's group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db.episode_records import EpisodeRecord, KeptSeries
from app.db.results import scores_of
from app.db.session import Work
from app.scales.catalogue import catalogue
from app.scales.change import ChangeCriteria
from app.scales.instrument import Form, Instrument
from app.scales.norms import Norm, Sex
from app.scales.school import school_year, us_grade
from app.scales.subscale import Subscale
from app.trajectories.few_occasions import (
    Known,
    LaterScore,
    Limits,
    against_first,
    known_of,
    later_scores,
    limits_of,
)
from app.trajectories.policy import Policy
from app.trajectories.series import Observation, Series


@dataclass(frozen=True, slots=True)
class SubscaleChange:
    """One of the other scores of the form: the newest against the baseline's; None where there is none."""

    key: str
    known: Known
    first: float | None
    limits: Limits | None
    newest: LaterScore | None


@dataclass(frozen=True, slots=True)
class FewOccasions:
    """A series without a growth curve: its scores against the first one, if nothing had truly changed."""

    known: Known
    band_level: float
    by_group: bool
    """Whether the norm is that of the patient's sex and grade at the baseline."""
    limits: Limits | None
    later: tuple[tuple[Observation, LaterScore], ...]
    subscales: tuple[SubscaleChange, ...]

    @property
    def level(self) -> float | None:
        """Central probability of the band; None where it rests on published points, which have none."""
        return self.band_level if self.limits is not None and self.known.published is None else None


def read_few_occasions(
    work: Work, record: EpisodeRecord, kept: KeptSeries, instrument: Instrument, series: Series, policy: Policy
) -> FewOccasions | None:
    """Hold the scores of a series against its baseline, and the other scores of the form with them.

    None without a score.
    """
    form, level = form_of(instrument, kept), policy.band_level
    if series.baseline_index is None or not instrument.for_change:
        return None
    known = known_in_group(record, instrument, form, instrument.main_subscale, series)
    assert known is not None, "the main score of an instrument for change has criteria"
    baseline, newest = series.observations[series.baseline_index], series.observations[-1]
    first_of, newest_of = _all_scores(work, record, baseline, newest)
    subscales = []
    for each in form.subscales:
        of_it = known_in_group(record, instrument, form, each.key, series)
        if each.key != instrument.main_subscale and of_it is not None:
            scores = first_of.get(each.key), None if newest is baseline else newest_of.get(each.key)
            subscales.append(_subscale_change(each.key, of_it, *scores, level))
    return FewOccasions(
        known=known,
        band_level=level,
        by_group=instrument.norms is not None and known.norm is not None,
        limits=limits_of(known, baseline.score, level),
        later=later_scores(series, known, level),
        subscales=tuple(subscales),
    )


def _all_scores(work: Work, record: EpisodeRecord, *observations: Observation) -> list[dict[str, float]]:
    """Give all scores of some administrations in their current version."""
    versions = {kept.id: kept.version for kept in record.administrations}
    ids = [each.administration_id for each in observations if isinstance(each.administration_id, UUID)]
    found = scores_of(work, ids)
    return [found.get((each, versions[each]), {}) for each in ids]


def _subscale_change(key: str, known: Known, first: float | None, newest: float | None, level: float) -> SubscaleChange:
    if first is None:
        return SubscaleChange(key, known, None, None, None)
    later = None if newest is None else against_first(known, first, newest, level)
    return SubscaleChange(key, known, first, limits_of(known, first, level), later)


def form_of(instrument: Instrument, series: KeptSeries) -> Form:
    """Give the form that begins the family of a series: its follow-up is scored as it is."""
    return next(form for form in instrument.forms if form.family == series.form_family)


def criteria_of(series: KeptSeries) -> ChangeCriteria | None:
    """Give the criteria of change of a series; None for an instrument of the organisation's own."""
    instrument = catalogue().get(series.instrument)
    return None if instrument is None else form_of(instrument, series).subscale(instrument.main_subscale).criteria


def known_of_main(record: EpisodeRecord, kept: KeptSeries, series: Series) -> Known | None:
    """Give what is known of the score that a series follows.

    None without a score, and where the instrument is not followed over time or is the organisation's own.
    """
    instrument = catalogue().get(kept.instrument)
    if instrument is None or not instrument.for_change or series.baseline_index is None:
        return None
    return known_in_group(record, instrument, form_of(instrument, kept), instrument.main_subscale, series)


def known_in_group(
    record: EpisodeRecord, instrument: Instrument, form: Form, subscale: str, series: Series
) -> Known | None:
    """Give what is known of a score, in the norm group that the patient belonged to at the baseline.

    The group stays that of the baseline, so that a birthday between two scores changes nothing.
    """
    assert series.baseline_index is not None, "a series with a score has a baseline"
    found = form.subscale(subscale)
    began_at = series.observations[series.baseline_index].completed_at
    return known_of(found, _norm(record, instrument, form, found, began_at))


def _norm(
    record: EpisodeRecord, instrument: Instrument, form: Form, subscale: Subscale, began_at: datetime
) -> Norm | None:
    if instrument.norms is None:
        return None
    sex = None if record.sex is None else Sex(record.sex)
    grade = us_grade(school_year(record.birth_month.year, began_at.date()))
    return instrument.norms.norm_of(form.key, subscale.key, sex, grade)
