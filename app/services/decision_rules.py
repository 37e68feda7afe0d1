"""Decision rules of programmes: what may be one, and what it says of an episode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.db.codes import OrganisationMode
from app.db.episode_records import EpisodeRecord, KeptSeries
from app.db.instruments import find_instrument
from app.db.present_programme import present_programme
from app.db.session import Work
from app.errors import MalformedBody
from app.scales.form import Form
from app.services.instruments import require_for_change
from app.services.placing import USED_STATES
from app.services.trajectories import Trajectory
from app.trajectories.decision import Counted, DecisionRule, RuleOutcome, outcome

_POINTER = "/decision_rule"


@dataclass(frozen=True, slots=True)
class SeriesOutcome:
    """What a rule says of one series; of none where nothing was answered yet."""

    series: KeptSeries | None
    outcome: RuleOutcome


@dataclass(frozen=True, slots=True)
class RuleOfEpisode:
    """The rule of an episode's present programme, and what it says of each series that it is about."""

    programme_id: UUID
    programme: str
    rule: DecisionRule
    weeks: float
    outcomes: tuple[SeriesOutcome, ...]


def check_rule(work: Work, document: Mapping[str, Any]) -> None:
    """Refuse a rule that can't be applied.

    Raises
    ------
    UnknownInstrument, InstrumentNotForChange, MalformedBody
        If the instrument is not there or not followed over time, has no such forms or score, or the score no such
        code or not so many items.
    """
    try:
        rule = DecisionRule(**document)
    except MalformedBody as error:
        error.pointer = f"{_POINTER}{error.pointer}"
        raise
    instrument = find_instrument(work, rule.instrument, pointer=f"{_POINTER}/instrument")
    require_for_change(instrument, f"{_POINTER}/instrument")
    families = sorted({form.family for form in instrument.forms})
    if rule.form_family is not None and rule.form_family not in families:
        raise _not_of_the_instrument("form_family", ", ".join(families))
    for form in instrument.forms:
        if rule.form_family in (None, form.family):
            _check_form(rule, form)


def _check_form(rule: DecisionRule, form: Form) -> None:
    counted = {subscale.key: subscale.items for subscale in form.subscales if subscale.items}
    if rule.subscale not in counted:
        raise _not_of_the_instrument("subscale", ", ".join(counted))
    items = counted[rule.subscale]
    codes = sorted({code for item in items for code in form.items[form.position[item]].codes})
    if rule.item_threshold not in codes[1:]:
        raise _not_of_the_instrument("item_threshold", f"{codes[1]} to {codes[-1]}")
    if rule.at_most >= len(items):
        raise _not_of_the_instrument("at_most", f"0 to {len(items) - 1}")


def _not_of_the_instrument(name: str, allowed: str) -> MalformedBody:
    return MalformedBody(
        f"{name} does not fit the items of the instrument", pointer=f"{_POINTER}/{name}", allowed=allowed
    )


def read_rule(work: Work, trajectory: Trajectory) -> RuleOfEpisode | None:
    """Give the rule of the episode's present programme and what it says.

    Returns
    -------
    RuleOfEpisode or None
        None in the mode `record`, without a programme, and where it has no rule, or a document from before rules had a
        form. After the treatment, only what was measured in time.
    """
    record = trajectory.record
    if trajectory.settings.mode is not OrganisationMode.DECISION_SUPPORT:
        return None
    programme = present_programme(work, record.id)
    rule = None if programme is None else DecisionRule.of_document(programme.decision_rule or {})
    if programme is None or rule is None:
        return None
    weeks = (work.now - programme.started_at) / timedelta(weeks=1)
    found = [
        SeriesOutcome(kept, outcome(rule, list(_counted(work, record, kept, rule, programme.started_at)), weeks))
        for kept in record.series
        if kept.instrument == rule.instrument and rule.form_family in (None, kept.form_family)
    ]
    found = found or [SeriesOutcome(None, outcome(rule, [], weeks))]
    ended = record.treatment_ended_at is not None
    told = tuple(each for each in found if each.outcome.decided or not ended)
    return RuleOfEpisode(programme.id, programme.name, rule, weeks, told)


def _counted(
    work: Work, record: EpisodeRecord, series: KeptSeries, rule: DecisionRule, started_at: datetime
) -> Iterator[Counted]:
    """Count the symptoms in the administrations of a series; one without a score can be counted all the same."""
    instrument = find_instrument(work, series.instrument, series.instrument_version)
    for kept in record.administrations:
        if kept.series_id != series.id or kept.state not in USED_STATES:
            continue
        form = instrument.form(kept.form)
        if kept.answers is None or kept.completed_at is None or rule.subscale not in {s.key for s in form.subscales}:
            continue
        weeks = (kept.completed_at - started_at) / timedelta(weeks=1)
        yield Counted(kept.id, weeks, rule.count(form, kept.answers))
