"""Learning a curve from an organisation's own episodes: offline, by command, and judged by episodes that came later.

What is learnt is a candidate; its gates and a person decide whether it is used: see `app.services.curves`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Final, TypeAlias
from uuid import UUID

from app.db.curves import Line, add_candidate, next_numbers, series_of_line, takes_turn
from app.db.editing import get_of_organisation
from app.db.episode_records import read_episodes
from app.db.instruments import find_instrument
from app.db.models import Curve, Programme
from app.db.session import Work
from app.errors import StateConflict
from app.scales.change import ChangeCriteria
from app.services.curves import Window, as_json, evaluation_to_keep, told_apart
from app.services.instruments import require_for_change
from app.services.placing import place
from app.services.settings import current_settings
from app.services.verdicts import criteria_for
from app.trajectories.curve_files import curve_to_document, document_hash
from app.trajectories.episodes import Episodes
from app.trajectories.fitting import GrowthFit, fit_growth_curve
from app.trajectories.gates import HeldOut
from app.trajectories.growth import GrowthCurve, Provenance, default_curve
from app.trajectories.out_of_time import judge_out_of_time
from app.trajectories.parameters import default_spread
from app.trajectories.series import Observation
from app.trajectories.strata import fit_strata

HELD_BACK: Final = 4
"""One in so many episodes, the newest, is held back to judge the curve by."""

_OWN: Final = "own"
"""Name of the programme that a curve is for, among those that it is learnt beside."""

_AT_ONCE: Final = 500
"""Episodes that are read at a time."""


Fit: TypeAlias = Callable[[Episodes, GrowthCurve], GrowthFit]
"""Learns a curve from episodes, starting from what is believed without them."""

FitProgramme: TypeAlias = Callable[[Mapping[str, Episodes], str, GrowthCurve], GrowthFit]
"""Learns the curve of one of several programmes, by name, drawn towards that of all of them."""

Evaluate: TypeAlias = Callable[[Episodes, Episodes, GrowthCurve, GrowthCurve, ChangeCriteria], HeldOut]
"""Tells, given the episodes learnt from and those held back, how a learnt curve does on the latter beside the curve in
force; it fits nothing on them."""


@dataclass(frozen=True, slots=True)
class Methods:
    """How curves are learnt and judged."""

    fit: Fit
    fit_programme: FitProgramme
    evaluate: Evaluate


def _fit(episodes: Episodes, prior: GrowthCurve) -> GrowthFit:
    return fit_growth_curve(episodes, prior, default_spread(prior.instrument))


def _fit_programme(strata: Mapping[str, Episodes], name: str, prior: GrowthCurve) -> GrowthFit:
    found = fit_strata(strata, prior, default_spread(prior.instrument))
    (own,) = (stratum for stratum in found.strata if stratum.name == name)
    return replace(found.whole, curve=own.curve)


METHODS: Final = Methods(_fit, _fit_programme, judge_out_of_time)
"""Ours."""


@dataclass(frozen=True, slots=True)
class Started:
    """An episode with the treated scores of its series, its programme, and when the first of them was the baseline."""

    at: datetime
    episode_id: UUID
    programme_id: UUID | None
    series: tuple[tuple[Observation, ...], ...]


def find_line(work: Work, instrument: str, form: str | None, programme_id: UUID | None) -> Line:
    """Give the line of curves for an instrument's form, in a programme or the whole organisation.

    Raises
    ------
    UnknownInstrument
        If there is no such instrument or form, or it has several and none is named.
    InstrumentNotForChange
        If the instrument is not followed over time.
    NotFound
        If there is no such programme.
    """
    found = find_instrument(work, instrument)
    require_for_change(found, "/instrument")
    if programme_id is not None:
        get_of_organisation(work, Programme, programme_id)
    return Line(found.key, found.form(form).family, programme_id)


def learn(work: Work, line: Line, methods: Methods = METHODS) -> Curve:
    """Learn a curve and keep it as a candidate, with how it does on the newest quarter of the episodes.

    Raises
    ------
    StateConflict
        If a curve of the instrument is being learnt at this moment, there is nothing to start from or too little to
        learn from, or the fit did not converge: then nothing is kept.
    """
    prior = default_curve(line.instrument)
    if prior is None:
        raise StateConflict("no curve of this instrument is published, and so there is nothing to start from")
    if not takes_turn(work, line.instrument):
        raise StateConflict("a curve of this instrument is being learnt already; try again when that is done")
    settings, criteria = current_settings(work), criteria_for(line)
    assert criteria is not None, "what has a published curve has criteria"
    started = _episodes(work, line)
    older, newer = out_of_time([each for each in started if _is_of(line, each)])
    if not older or not newer:
        raise StateConflict("there are too few episodes to learn from some and hold others back")
    others = [each for each in started if not _is_of(line, each) and each.at < newer[0].at]
    learnt_from, held_back = columns([*older, *others]), columns(newer)
    fitted = _fitted(methods, older, others, prior)
    if not fitted.converged or fitted.local_information is None:
        raise StateConflict("the fit did not converge, and nothing was kept")
    window, number, revision = _window([*older, *others], settings.time_zone), *next_numbers(work, line)
    candidate = replace(
        fitted.curve,
        key=f"local-{number}",
        version=revision,
        instrument=line.instrument,
        provenance=Provenance(_source(fitted, window, prior), status="fitted", confidence="B"),
    )
    present = settings.curve_for(line) or prior
    held_out = methods.evaluate(learnt_from, held_back, candidate, present, criteria)
    evaluation = evaluation_to_keep(held_out, present, _window(newer, settings.time_zone))
    kept = {"made_at": work.now, "provenance": _provenance(fitted, prior), "evaluation": evaluation}
    return add_candidate(work, line, _figures(candidate, fitted, window) | kept)


def _is_of(line: Line, started: Started) -> bool:
    return line.programme_id in (None, started.programme_id)


def _fitted(methods: Methods, own: Sequence[Started], others: Sequence[Started], prior: GrowthCurve) -> GrowthFit:
    """Learn from the episodes of a line; where there are those of other programmes, towards what all of them say."""
    if not others:
        return methods.fit(columns(own), prior)
    programmes: dict[str, list[Started]] = {_OWN: list(own)}
    for each in others:
        programmes.setdefault(str(each.programme_id), []).append(each)
    return methods.fit_programme({name: columns(of) for name, of in programmes.items()}, _OWN, prior)


def out_of_time(started: Sequence[Started]) -> tuple[list[Started], list[Started]]:
    """Divide episodes into the older ones, to learn from, and the newest quarter, to judge by.

    All series of an episode go with its first baseline, so that no patient's two informants are on both sides.
    """
    ordered = sorted(started, key=lambda each: (each.at, each.episode_id))
    last = len(ordered) - len(ordered) // HELD_BACK
    return ordered[:last], ordered[last:]


def columns(started: Sequence[Started]) -> Episodes:
    """Give the series of episodes in columns, each series on its own; of scores at one moment the last counts."""
    rows = [
        (number, each.dose, each.weeks, each.score)
        for number, observations in enumerate(series for each in started for series in each.series)
        for each in {(each.dose, each.weeks): each for each in observations}.values()
    ]
    return Episodes.of(*zip(*rows, strict=True))


def _episodes(work: Work, line: Line) -> list[Started]:
    """Read the episodes that have a score in treatment, of all programmes; waiting time and follow-up are left out."""
    whole = replace(line, programme_id=None)
    by_episode = series_of_line(work, whole, find_instrument(work, line.instrument).version)
    ids = list(by_episode)
    found = []
    for first in range(0, len(ids), _AT_ONCE):
        for record in read_episodes(work, ids[first : first + _AT_ONCE]).values():
            placed = (place(record, series_id).treated() for series_id in by_episode[record.id])
            if series := tuple(observations for observations in placed if observations):
                begun = min(each[0].completed_at for each in series)
                found.append(Started(begun, record.id, record.programme_id, series))
    return found


def _window(started: Sequence[Started], time_zone: tzinfo) -> Window:
    days = [each.at.astimezone(time_zone).date() for each in started]
    return Window(len(started), min(days), max(days))


def _source(fitted: GrowthFit, window: Window, prior: GrowthCurve) -> str:
    return (
        f"learnt from {fitted.n_observations} scores of {window.episodes} of the organisation's own episodes, started"
        f" from {window.start} to {window.end}, which weigh {fitted.local_information or 0:.0%} beside {prior.key}"
    )


def _figures(candidate: GrowthCurve, fitted: GrowthFit, window: Window) -> dict[str, Any]:
    document = curve_to_document(candidate)
    return {
        "key": candidate.key,
        "revision": candidate.version,
        "link": candidate.link.kind,
        "parameters": document,
        "parameters_hash": document_hash(document),
        "data_from": window.start,
        "data_to": window.end,
        "n_episodes": fitted.n_episodes,
        "n_observations": fitted.n_observations,
        "local_information": fitted.local_information,
    }


def _provenance(fitted: GrowthFit, prior: GrowthCurve) -> dict[str, Any]:
    """Tell how it was learnt: from which prior, and how sure each figure is."""
    return {
        "prior": told_apart(prior),
        "warnings": [str(warning) for warning in fitted.warnings],
        "estimates": [
            {"name": each.name, "estimate": as_json(each.estimate), "standard_error": as_json(each.standard_error)}
            for each in fitted.parameters
        ],
    }
