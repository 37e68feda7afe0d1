"""Rounds: each goes once through all that is compared, so that a drift of the machine hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from benchmarks.clinic import CHARTED, STARTING_SCORES, WEEKS, Clinic
from benchmarks.load import LoadFailed, Run, put_under_load
from benchmarks.works import RECORD, REFERENCE, Group, Supply, Work

_BUSY = """
select exists (select from pg_stat_activity
                where usename = 'spor_app' and (state <> 'idle' or state_change > now() - interval '300 ms'))
"""
"""Whether the application asks anything, or did a moment ago."""
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 60
_WARMING_UP_SECONDS = 4
_BATCH_SECONDS = 4
"""Whatever is asked for: a slow machine answers more than one, and a fast one does not use up the clinic."""


def episodes_needed(works: Sequence[Work], rounds: int, seconds: int) -> dict[Supply, int]:
    """Tell how many episodes it takes so that none gets more than twenty scores."""
    puts, fresh = 0, 0
    for work in works:
        most = work.most_per_second * rounds * _seconds_of(work, seconds)
        if work.supply is Supply.STARTED:
            puts += most
        elif work.supply is Supply.FRESH:
            fresh += most // work.answers
    charted = CHARTED if any(work.supply is Supply.CHARTED for work in works) else 0
    return {Supply.STARTED: 500 + puts // (WEEKS - STARTING_SCORES), Supply.FRESH: 25 + fresh, Supply.CHARTED: charted}


def _seconds_of(work: Work, seconds: int) -> int:
    return seconds if work.administrations == 1 else _BATCH_SECONDS


@dataclass
class Loader:
    """Puts one work after the other under load, and looks after each that all of it was stored."""

    clinic: Clinic
    admin: psycopg.Connection
    folder: Path
    addresses: list[str] = field(default_factory=list)
    """Of the server processes; a work uses as many as it asks for."""
    runs: int = 0
    taken: dict[Supply, int] = field(default_factory=lambda: dict.fromkeys(Supply, 0))

    def __post_init__(self) -> None:
        for supply, ids in self._episodes.items():
            (self.folder / supply).write_text("".join(f"{each}\n" for each in ids))

    @property
    def _episodes(self) -> dict[Supply, list[UUID]]:
        # A work that uses up nothing (a reference) may name any episode.
        return {
            Supply.STARTED: self.clinic.started,
            Supply.FRESH: self.clinic.fresh,
            Supply.CHARTED: self.clinic.charted,
            Supply.NONE: self.clinic.started,
        }

    def on(self, started: list[UUID]) -> Loader:
        """Give a loader that goes on with other episodes that have five scores."""
        return replace(self, clinic=replace(self.clinic, started=started), taken=dict.fromkeys(Supply, 0))

    def run(self, work: Work, seconds: int) -> Run:
        """Put a work under load.

        Raises
        ------
        LoadFailed
            If any request went wrong, or the rows that were added are not those that were sent.
        """
        self.runs += 1
        self._refuse_too_small_a_clinic(work)
        before = self._rows(work)
        run = put_under_load(
            self.addresses[0] + work.route.format(episode=self.clinic.caseload[0]),
            work.script,
            [
                self.folder / work.supply,
                self._token(work),
                int(self.clinic.week_0.timestamp()),
                self.runs,
                self.taken[work.supply],
                STARTING_SCORES if work.supply is Supply.STARTED else 0,
                work.episodes,
                work.answers,
                work.accept,
            ],
            connections=work.connections,
            seconds=_seconds_of(work, seconds),
            addresses=self.addresses[: work.workers],
        )
        if work.supply is not Supply.NONE:
            self.taken[work.supply] += run.taken
        self._await_silence()
        self._check_stored(work, run, self._rows(work) - before)
        return run

    def handled(self, work: Work) -> int:
        """Count the requests handled so far: each has left an audit event, or a row of the reference."""
        return self._count(REFERENCE if work.stores == REFERENCE else "audit_events")

    def longest_series(self) -> int:
        """Tell how many scores the longest of the series has."""
        [(longest,)] = self.admin.execute(
            "select max(scores) from (select count(*) as scores from administrations group by series_id) series"
        )
        return int(longest)

    def _token(self, work: Work) -> str:
        if work.group is not Group.READ:
            return self.clinic.tablet
        return self.clinic.colleague if work.supply is Supply.CHARTED else self.clinic.therapist

    def _refuse_too_small_a_clinic(self, work: Work) -> None:
        allowed = {Supply.STARTED: WEEKS - STARTING_SCORES, Supply.FRESH: 1}.get(work.supply)
        if allowed and self.taken[work.supply] > allowed * len(self._episodes[work.supply]):
            raise LoadFailed(
                "bench: the episodes are used up: most_per_second in works.py is too small for this machine"
            )

    def _rows(self, work: Work) -> int:
        return self._count(work.stores) if work.stores else 0

    def _count(self, table: str) -> int:
        [(rows,)] = self.admin.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table)))
        return int(rows)

    def _await_silence(self) -> None:
        """Wait until what was under way when wrk left is done with."""
        given_up_at = time.monotonic() + _PATIENCE_SECONDS
        while self.admin.execute(_BUSY).fetchone() == (True,):
            if time.monotonic() > given_up_at:
                raise LoadFailed("bench: the server goes on asking the database though nobody asks it")
            time.sleep(_PAUSE_SECONDS)

    def _check_stored(self, work: Work, run: Run, added: int) -> None:
        if work.stores is None:
            return
        sent = run.requests * work.administrations
        under_way = work.connections * work.administrations
        if not sent <= added <= sent + under_way:
            raise LoadFailed(f"bench: {work.key}: {sent} administrations were answered for and {added} stored")
        if work.stores == RECORD:
            [(set_aside,)] = self.admin.execute("select count(*) from administrations where state <> 'final'")
            if set_aside:
                raise LoadFailed(
                    f"bench: {work.key}: {set_aside} administrations need clarification; the load is wrong"
                )


def go_round(
    loader: Loader, works: Sequence[Work], rounds: int, seconds: int, say: Callable[[str], object]
) -> dict[str, list[Run]]:
    """Warm everything up, then go round; give the runs of each work, in the order of the rounds."""
    for work in works:
        loader.run(work, _WARMING_UP_SECONDS)
    runs: dict[str, list[Run]] = {work.key: [] for work in works}
    for number in range(rounds):
        for work in works:
            run = loader.run(work, seconds)
            runs[work.key].append(run)
            say(
                f"round {number + 1} {work.key:20} {run.per_second * work.administrations:8.0f}/s"
                f"  median {run.median_ms:8.2f} ms  p99 {run.p99_ms:8.2f} ms"
            )
    return runs
