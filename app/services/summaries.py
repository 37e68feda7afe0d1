"""Keeps the summaries that reports read, in the transaction that changes what they follow from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import Any, Final
from uuid import UUID

from app.db.administrations import NewRows, write
from app.db.episode_records import EpisodeRecord, lock_known_episodes, read_episodes
from app.db.ids import uuid7
from app.db.session import Access, Database, Work
from app.db.summaries import differing_episodes, kept_measures, next_episodes, refresh_episodes
from app.reports.summary import Line, MeasureSummary, summarise
from app.scales.instrument import InformantRole
from app.services.few_scores import criteria_of
from app.services.organisations import founding_scope
from app.services.placing import PlacedEpisode

_AT_ONCE: Final = 500


def follow(work: Work, records: Mapping[UUID, EpisodeRecord]) -> None:
    """Let the summaries of locked episodes follow from what has changed in them."""
    if records:
        work.ask(refresh_episodes(work, work.entry, records.keys()))
        write(work, work.entry, NewRows(measures=measures_of(work, map(PlacedEpisode.of, records.values()))))


def follow_episodes(work: Work, locked_ids: Sequence[UUID]) -> None:
    """Let the summaries of locked episodes follow as the record now has them, also where their doses may differ."""
    for first in range(0, len(locked_ids), _AT_ONCE):
        follow(work, read_episodes(work, locked_ids[first : first + _AT_ONCE]))


def follow_what_is_around(work: Work, locked_ids: Sequence[UUID]) -> None:
    """Let the summaries of locked episodes follow from a change that touches no score and no dose."""
    if locked_ids:
        work.ask(refresh_episodes(work, work.entry, locked_ids))


def rebuild(database: Database, organisation_id: UUID) -> Iterator[int]:
    """Work out all summaries of an organisation anew from its record; tell after each part how many episodes it had."""
    for episode_ids in _parts(database, organisation_id, "rebuild_summaries"):
        with _work(database, organisation_id, "rebuild_summaries") as work:
            follow(work, lock_known_episodes(work, episode_ids))
        yield len(episode_ids)


@dataclass(frozen=True, slots=True)
class Checked:
    """How many episodes were looked at, and which of them have summaries that do not say what the record says."""

    episodes: int
    differing: tuple[UUID, ...]


def check(database: Database, organisation_id: UUID) -> Iterator[Checked]:
    """Work out all summaries of an organisation from its record, and compare them with those that are kept."""
    for episode_ids in _parts(database, organisation_id, "check_summaries"):
        with _work(database, organisation_id, "check_summaries") as work:
            records = lock_known_episodes(work, episode_ids)
            differing = {*differing_episodes(work, episode_ids), *_with_other_measures(work, records)}
        yield Checked(len(episode_ids), tuple(sorted(differing)))


def _with_other_measures(work: Work, records: Mapping[UUID, EpisodeRecord]) -> set[UUID]:
    kept = {_key(row): row for row in kept_measures(work, records)}
    told = {_key(row): row for row in measures_of(work, map(PlacedEpisode.of, records.values()))}
    return {key[0] for key in kept.keys() | told.keys() if kept.get(key) != told.get(key)}


def _key(row: Mapping[str, Any]) -> tuple[UUID, str, str, UUID]:
    return row["episode_id"], row["measure"], row["form_family"], row["informant_id"]


def _parts(database: Database, organisation_id: UUID, action: str) -> Iterator[list[UUID]]:
    """Go through the episodes of an organisation, each part in a short transaction of its own."""
    last = UUID(int=0)
    while True:
        with _work(database, organisation_id, action) as work:
            part = next_episodes(work, last, _AT_ONCE)
        if not part:
            return
        yield part
        last = part[-1]


def _work(database: Database, organisation_id: UUID, action: str) -> AbstractContextManager[Work]:
    return database.work(founding_scope(organisation_id), Access(action, uuid7()))


def measures_of(work: Work, episodes: Iterable[PlacedEpisode]) -> list[dict[str, Any]]:
    """Give the rows that summarise the measures of episodes, as their records have them."""
    return [
        {"organisation_id": work.scope.organisation_id, "episode_id": episode.record.id, **_row(summary)}
        for episode in episodes
        for summary in summarise(_lines(episode))
    ]


_FIELDS: Final = tuple(field.name for field in fields(MeasureSummary))


def _row(summary: MeasureSummary) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in _FIELDS}


def _lines(episode: PlacedEpisode) -> list[Line]:
    record = episode.record
    return [
        Line(
            measure=kept.instrument,
            form_family=kept.form_family,
            informant_id=kept.informant_id,
            role=InformantRole(record.informants[kept.informant_id]),
            series=episode.series[kept.id],
            criteria=criteria_of(kept),
            is_main=kept.id == record.main_series_id,
        )
        for kept in record.series
    ]
