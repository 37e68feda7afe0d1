"""What is measured: one table, in the order in which each round goes through it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """What can be put under load alone."""

    PUT = "put"
    WORKERS = "workers"
    BATCH = "batch"
    READ = "read"


class Supply(StrEnum):
    """Which episodes a work uses up."""

    STARTED = "started"
    """Those with five scores: each new score goes to the next, and round again a week later."""
    FRESH = "fresh"
    """Those without a score: each is used once."""
    CHARTED = "charted"
    """Those with twenty scores and a course of their own: more than there is room for their pictures."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Work:
    """One request that is made over and over for some seconds.

    `{episode}` in the route stands for one episode with twenty scores, `EPISODE` for another one each time.
    """

    key: str
    says: str
    group: Group
    script: str
    route: str
    connections: int = 1
    workers: int = 1
    accept: str = "application/json"
    stores: str | None = None
    """The table that must have a row more for each administration."""
    supply: Supply = Supply.NONE
    episodes: int = 1
    """Episodes in one request."""
    answers: int = 1
    """New administrations of each of them."""
    most_per_second: int = 0
    """More administrations than are expected of any machine: the clinic is made large enough for them."""

    @property
    def administrations(self) -> int:
        """Administrations in one request."""
        return self.episodes * self.answers


_PUT, _BATCH = "/v1/administrations/", "/v1/administrations"
RECORD, REFERENCE = "administrations", "bench_inserted"


def _single(connections: int) -> tuple[Work, ...]:
    """Give a put and what it is held against."""
    at = f"{connections} connection{'s' if connections > 1 else ''}"
    return (
        Work(
            f"put-{connections}",
            f"put, {at}",
            Group.PUT,
            "put",
            _PUT,
            connections,
            stores=RECORD,
            supply=Supply.STARTED,
            most_per_second=1500,
        ),
        Work(f"parsed-{connections}", f"parse-only, {at}", Group.PUT, "put", "/bench/parsed/", connections),
        Work(
            f"inserted-{connections}",
            f"bare insert, {at}",
            Group.PUT,
            "put",
            "/bench/inserted/",
            connections,
            stores=REFERENCE,
        ),
    )


def _two_workers(connections: int) -> Work:
    return Work(
        f"put-{connections}-two-workers",
        f"put, {connections} connections, two workers",
        Group.WORKERS,
        "put",
        _PUT,
        connections,
        workers=2,
        stores=RECORD,
        supply=Supply.STARTED,
        most_per_second=2000,
    )


def _batch(key: str, says: str, supply: Supply, episodes: int, answers: int, most_per_second: int) -> Work:
    return Work(
        key,
        says,
        Group.BATCH,
        "batch",
        _BATCH,
        stores=RECORD,
        supply=supply,
        episodes=episodes,
        answers=answers,
        most_per_second=most_per_second,
    )


def _read(key: str, says: str, route: str, connections: int = 1) -> Work:
    return Work(key, says, Group.READ, "get", route, connections)


def _picture(key: str, says: str, episode: str, supply: Supply) -> Work:
    route = f"/v1/episodes/{episode}/trajectory"
    return Work(key, says, Group.READ, "get", route, accept="image/svg+xml", supply=supply)


_TRAJECTORY = "/v1/episodes/{episode}/trajectory"

WORKS = (
    *_single(1),
    *_single(8),
    *_single(32),
    _two_workers(8),
    _two_workers(32),
    _batch("batch-20-of-one", "batch of 20 answers of one patient", Supply.FRESH, 1, 20, 4000),
    _batch("batch-500-of-500", "batch of 500, one of each patient", Supply.STARTED, 500, 1, 8000),
    _batch("batch-500-of-25", "batch of 500, 20 of each patient", Supply.FRESH, 25, 20, 8000),
    _read("trajectory-1", "trajectory of 20, 1 connection", _TRAJECTORY),
    _read("trajectory-8", "trajectory of 20, 8 connections", _TRAJECTORY, 8),
    _read("caseload", "caseload of 60, 1 connection", "/v1/caseload"),
    _picture("picture-kept", "trajectory of 20 as SVG, drawn before", "{episode}", Supply.NONE),
    _picture("picture-drawn", "trajectory of 20 as SVG, drawn anew", "EPISODE", Supply.CHARTED),
)

COUNTED = ("put-1", "inserted-1", "batch-20-of-one", "batch-500-of-500", "batch-500-of-25", "trajectory-1", "caseload")
"""Works of one connection whose statements are counted."""


def work_of(key: str) -> Work:
    """Find a work by its key."""
    return next(work for work in WORKS if work.key == key)
