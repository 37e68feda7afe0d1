"""Sealing the audit: which events come under the next seal of an organisation, and the thread that goes on doing it.

Several processes may do it beside each other: a lock that lasts for one transaction lets one of them at a time seal
an organisation's events, and the others pass it by.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from app.db import seals
from app.db.failures import DatabaseFailure
from app.db.ids import uuid7
from app.db.seals import FIRST_XID, Event, Horizon, Range, Seal
from app.db.session import Access, Database, Scope, Work
from app.errors import DatabaseUnavailable
from app.services.audit_seals import UNSIGNED, root_hash, signature
from app.services.organisations import machine_scope
from app.services.seal_log import SealLog

logger = logging.getLogger("spor.audit")

LARGEST: Final = 5_000
"""Events under one seal: a backlog is sealed in pieces, in memory that does not grow with it."""

EVERY_SECONDS: Final = 1.0
STALLED_SECONDS: Final = 60.0
RESTORED_INTO: Final = "restored into"
"""What begins the name of an epoch that holds what a dump brought along unsealed."""

_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Piece:
    """The range of the next seal, in the epoch that it belongs to."""

    epoch: int
    cluster: str
    range: Range


def sealing_scope(organisation_id: UUID = _NOBODY) -> Scope:
    """Give the scope in which the audit of an organisation is sealed or verified."""
    return machine_scope(organisation_id)


def seal_everything(database: Database, key: bytes, log: SealLog) -> Iterator[Seal]:
    """Seal, organisation by organisation, what can be sealed; give each seal once it is kept and logged."""
    for organisation_id in unsealed(database):
        while seal := seal_next(database, organisation_id, key):
            log.append(seal)
            yield seal


def unsealed(database: Database) -> list[UUID]:
    """List the organisations that have something to seal."""
    with database.work(sealing_scope(), _access()) as work:
        return seals.unsealed_organisations(work)


def oldest_unsealed(database: Database) -> datetime | None:
    """Tell when the oldest event occurred that has no seal, in any organisation; None where all have one."""
    found = []
    for organisation_id in unsealed(database):
        with database.work(sealing_scope(organisation_id), _access()) as work:
            found += [seals.oldest_in(work, each) for each in open_ranges(seals.horizon(work))]
    return min((each for each in found if each), default=None)


def seal_next(database: Database, organisation_id: UUID, key: bytes, *, largest: int = LARGEST) -> Seal | None:
    """Append one seal over the oldest events of an organisation that have none; None where there are none now."""
    with database.work(sealing_scope(organisation_id), _access()) as work:
        if not seals.hold_alone(work):
            return None
        horizon = seals.horizon(work)
        for piece in _pieces(horizon):
            events, end_xid = _taken(work, piece.range, largest)
            if events:
                seal = _made(work, key, horizon.last, piece, events, end_xid)
                seals.append(work, seal)
                return seal
        return None


def boundary(horizon: Horizon) -> int:
    """Give the id up to which events came with a restored dump, where the database is another than that of the seals.

    In it transactions are counted anew. What came with the dump is either sealed, or has a transaction that this
    database has not come to yet; every event since has a higher id, as the dump restores the count of ids too.
    """
    return max(horizon.last.last_id if horizon.last else 0, horizon.foreign_id)


def _pieces(horizon: Horizon) -> Iterator[_Piece]:
    """Give the ranges that the next seal may be over: first what a dump brought along, then what is new."""
    last = horizon.last
    if last is not None and last.cluster == horizon.cluster:
        new = Range(last.end_xid, horizon.xmin, last.after_id, None)
        yield _Piece(last.epoch, last.cluster, new)
        return
    restored = boundary(horizon)
    epoch = last.epoch if last is not None else 0
    rest = f"{RESTORED_INTO} {horizon.cluster}"
    if last is not None or restored:
        # An epoch of its own: after the dump, others may have been sealed under the next numbers of the last one.
        first_xid, after_id = (last.end_xid, last.after_id) if last is not None else (FIRST_XID, 0)
        continued = last is not None and last.cluster == rest
        yield _Piece(epoch if continued else epoch + 1, rest, Range(first_xid, None, after_id, restored))
    yield _Piece(epoch + 1, horizon.cluster, Range(FIRST_XID, horizon.xmin, restored, None))


def window(horizon: Horizon) -> Range:
    """Give the range of everything new that has no seal, whether it can be sealed by now or not."""
    return open_ranges(horizon)[-1]


def open_ranges(horizon: Horizon) -> list[Range]:
    """Give the ranges that have no seal: what a dump brought along, where there was one, and what is new."""
    return [replace(piece.range, end_xid=None) for piece in _pieces(horizon)]


def _taken(work: Work, wanted: Range, largest: int) -> tuple[list[Event], int]:
    """Read the events of a range, whole transactions only, and give where what was read ends."""
    events = seals.events_in(work, wanted, largest + 1)
    if len(events) <= largest:
        end = wanted.end_xid if wanted.end_xid is not None else _xid(events[-1]) + 1 if events else wanted.first_xid
        return events, end
    end = _xid(events[-1])
    whole = [event for event in events if _xid(event) < end]
    if not whole:  # one transaction with more events than that
        end += 1
        whole = seals.events_in(work, replace(wanted, end_xid=end), len(events) + _ONE_TRANSACTION)
    return whole, end


_ONE_TRANSACTION: Final = 10_000_000


def _xid(event: Event) -> int:
    return int(event["xid"])


def _made(work: Work, key: bytes, last: Seal | None, piece: _Piece, events: list[Event], end_xid: int) -> Seal:
    unsigned = Seal(
        organisation_id=work.scope.organisation_id,
        number=last.number + 1 if last else 1,
        epoch=piece.epoch,
        cluster=piece.cluster,
        after_id=piece.range.after_id,
        last_id=max(last.last_id if last else 0, *(event["id"] for event in events), 0),
        first_xid=piece.range.first_xid,
        end_xid=end_xid,
        events=len(events),
        root_hash=root_hash(events),
        previous_seal=last.seal if last else None,
        seal=UNSIGNED,
        sealed_at=work.now,
    )
    return replace(unsigned, seal=signature(key, unsigned))


def _access() -> Access:
    return Access("seal_audit", uuid7())


class Sealer:
    """Seals once a second, in a thread and over a connection of its own."""

    def __init__(self, database: Database, key: bytes, log: SealLog) -> None:
        self._database = database
        self._key = key
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-sealer", daemon=True)
        self._worked_at = time.monotonic()
        self._waiting: dict[UUID, float] = {}
        self.seals = 0
        self.events = 0
        self.oldest: datetime | None = None

    def start(self) -> None:
        """Begin."""
        self._worked_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Seal what there is, and end; but keep nobody waiting for a database that does not answer."""
        self._stop.set()
        self._thread.join(timeout=5)
        self._database.close()

    def trouble(self) -> str | None:
        """Say what is wrong with the sealing, if anything is."""
        if not self._thread.is_alive():
            return "the audit is not being sealed: the sealer has ended"
        now = time.monotonic()
        since = min([self._worked_at, *list(self._waiting.values())])
        if now - since > STALLED_SECONDS:
            return f"the audit has not been sealed for {STALLED_SECONDS:.0f} seconds"
        return None

    def unsealed_seconds(self) -> float:
        """Tell how old the oldest event is that has no seal yet; 0 where all have one."""
        oldest = self.oldest
        return (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0

    def _run(self) -> None:
        while True:
            last_round = self._stop.is_set()
            self._round()
            if last_round:
                return
            self._stop.wait(EVERY_SECONDS)

    def _round(self) -> None:
        """Seal what there is. Whatever goes wrong, the next round tries again."""
        try:
            self._seal_what_there_is()
        except (DatabaseUnavailable, DatabaseFailure) as error:
            logger.warning("the audit could not be sealed", extra={"fields": {"error": type(error).__name__}})
        except Exception:  # a thread that ended would leave the audit open
            logger.exception("the audit could not be sealed")

    def _seal_what_there_is(self) -> None:
        listed = unsealed(self._database)
        now = time.monotonic()
        self._waiting = {each: self._waiting.get(each, now) for each in listed}
        left: list[datetime] = []
        for organisation_id in listed:
            while seal := seal_next(self._database, organisation_id, self._key):
                self._log.append(seal)
                self._count(seal)
            left += self._left(organisation_id)
        self.oldest = min(left, default=None)
        self._worked_at = time.monotonic()

    def _count(self, seal: Seal) -> None:
        self.seals += 1
        self.events += seal.events
        self._worked_at = self._waiting[seal.organisation_id] = time.monotonic()

    def _left(self, organisation_id: UUID) -> list[datetime]:
        """Give when the oldest event occurred that is left, and forget one that can't be sealed yet.

        What a transaction holds back that has begun and not ended is not the sealer's to seal.
        """
        with self._database.work(sealing_scope(organisation_id), _access()) as work:
            horizon = seals.horizon(work)
            sealable = any(seals.oldest_in(work, piece.range) for piece in _pieces(horizon))
            oldest = seals.oldest_in(work, window(horizon))
        if not sealable:
            self._waiting.pop(organisation_id, None)
        return [oldest] if oldest else []
