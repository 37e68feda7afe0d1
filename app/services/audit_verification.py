"""Verifying the audit: every seal and every event recomputed, in batches, and held against the log of seals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from app.db import seals
from app.db.ids import uuid7
from app.db.seals import Event, Range, Seal
from app.db.session import Access, Database, Work
from app.services.audit_seals import is_genuine, root_hash
from app.services.seal_log import Logged
from app.services.sealing import LARGEST, RESTORED_INTO, boundary, open_ranges, sealing_scope

_SEALS_AT_ONCE: Final = 500
_LINES_AT_ONCE: Final = 2_000
_MARGIN: Final = 1_000
"""Events that may be too many in a batch before its seals are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, or worth knowing; `where` says where in figures, `text` in words."""

    organisation_id: UUID
    kind: str
    text: str
    where: dict[str, Any] = field(default_factory=dict)
    is_notice: bool = False


@dataclass(slots=True)
class Verified:
    """What was gone through of one organisation, and what has no seal yet."""

    organisation_id: UUID
    seals: int = 0
    events: int = 0
    unsealed: int = 0
    oldest_unsealed: datetime | None = None
    last_epoch: int = 0
    last_number: int = 0


class Verification:
    """Goes through the audit of organisations; `verified` tells afterwards how far it went."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key
        self.verified: dict[UUID, Verified] = {}

    def organisations(self) -> list[UUID]:
        """List the organisations, as the owner of the tables sees them."""
        with self._work(UUID(int=0)) as work:
            return seals.all_organisations(work)

    def _work(self, organisation_id: UUID) -> Any:
        return self._database.work(sealing_scope(organisation_id), Access("verify_audit", uuid7()))

    def record(self, organisation_id: UUID) -> Iterator[Finding]:
        """Recompute the seals and events of one organisation."""
        walk = _Walk(organisation_id, self._key)
        self.verified[organisation_id] = walk.verified
        finished = False
        while not finished:
            with self._work(organisation_id) as work:
                batch = seals.seals_after(work, walk.verified.last_number, _SEALS_AT_ONCE)
                yield from walk.through(work, batch)
                if not batch:
                    finished, found = walk.the_rest(work)
                    yield from found

    def log(self, logged: Iterable[Logged]) -> Iterator[Finding]:
        """Hold the log of seals against the database, for the organisations that were gone through."""
        lines = iter(logged)
        compared = _Compared(self.verified)
        while batch := list(islice(lines, _LINES_AT_ONCE)):
            for organisation_id in {each.organisation_id for each in batch}:
                own = [each for each in batch if each.organisation_id == organisation_id]
                with self._work(organisation_id) as work:
                    present = seals.seals_by_number(work, (each.number for each in own))
                for each in own:
                    yield from compared.line(each, present.get(each.number))
        yield from compared.afterwards()


class _Walk:
    """One organisation's seals from the first to the last."""

    def __init__(self, organisation_id: UUID, key: bytes) -> None:
        self.verified = Verified(organisation_id)
        self._key = key
        self._last: Seal | None = None
        self._found = 0
        self._can_count = True

    def through(self, work: Work, batch: list[Seal]) -> Iterator[Finding]:
        """Look at each seal, then at the events under those that are genuine."""
        genuine = []
        for seal in batch:
            yield from self._chain(seal)
            if is_genuine(self._key, seal):
                genuine.append(seal)
            else:
                self._can_count = False
                text = f"seal {seal.number} is not the one that was made: it was changed, or made with another key"
                yield self._finding("seal_changed", text, seal)
            self._last = seal
            self.verified.seals += 1
            self.verified.last_number, self.verified.last_epoch = seal.number, seal.epoch
        ends = _ends_of_epochs(work)
        for group in _groups(genuine):
            yield from self._events(work, group, ends.get(group[0].epoch))

    def _chain(self, seal: Seal) -> Iterator[Finding]:
        expected = self._last.number + 1 if self._last else 1
        if seal.number != expected:
            self._can_count = False
            missing = (
                f"seal {expected} is" if seal.number == expected + 1 else f"seals {expected} to {seal.number - 1} are"
            )
            yield self._finding("seal_missing", f"{missing} missing", seal)
        elif seal.previous_seal != (self._last.seal if self._last else None):
            yield self._finding(
                "seal_order", f"seal {seal.number} does not follow the seal that stands before it", seal
            )
        elif self._last and seal.epoch != self._last.epoch and not self._last.cluster.startswith(RESTORED_INTO):
            text = (
                f"epoch {seal.epoch} begins with seal {seal.number}: the database was restored, upgraded or moved"
                f" between {self._last.sealed_at:%Y-%m-%d %H:%M} and {seal.sealed_at:%Y-%m-%d %H:%M} UTC"
            )
            yield self._finding("epoch", text, seal, is_notice=True)

    def _events(self, work: Work, group: list[Seal], until_id: int | None) -> Iterator[Finding]:
        """Look at the events under neighbouring seals; read them one seal at a time where there are too many."""
        first, last = group[0], group[-1]
        sealed = sum(seal.events for seal in group)
        wanted = Range(first.first_xid, last.end_xid, first.after_id, until_id)
        limit = sealed + (_MARGIN if len(group) > 1 else 1)
        events = seals.events_in(work, wanted, limit)
        if len(events) == limit and len(group) > 1:
            for seal in group:
                yield from self._events(work, [seal], until_id)
            return
        for seal in group:
            own = [event for event in events if seal.first_xid <= int(event["xid"]) < seal.end_xid]
            self._found += len(own)
            self.verified.events += len(own)
            yield from self._compared(seal, own, more=len(events) == limit)

    def _compared(self, seal: Seal, events: list[Event], *, more: bool) -> Iterator[Finding]:
        place = f"under seal {seal.number}, made {seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC"
        if len(events) < seal.events:
            text = f"{place}: {seal.events} events were sealed and {len(events)} are there, so that some are missing"
            yield self._finding("event_missing", text, seal)
        elif len(events) > seal.events:
            self._can_count = self._can_count and not more
            text = f"{place}: {seal.events} events were sealed and there are more, so that some were added"
            yield self._finding("event_added", text, seal)
        elif root_hash(events) != seal.root_hash:
            text = f"{place}: the {seal.events} events are not those that were sealed: changed, exchanged or reordered"
            yield self._finding("event_changed", text, seal)

    def the_rest(self, work: Work) -> tuple[bool, list[Finding]]:
        """Count what has no seal yet, and what stands where nothing can; tell whether no seal has come meanwhile."""
        horizon = seals.horizon(work)
        if horizon.last is not None and horizon.last.number > self.verified.last_number:
            return False, []
        counts = [seals.count(work, each) for each in open_ranges(horizon)]
        self.verified.unsealed = sum(each.within for each in counts)
        self.verified.oldest_unsealed = min((each.oldest for each in counts if each.oldest), default=None)
        outside = counts[-1].total - self.verified.unsealed - self._found
        if outside <= 0 or not self._can_count:
            return True, []
        text = f"{outside} events stand where no seal was made and none will be: they were added, or moved"
        return True, [Finding(self.verified.organisation_id, "event_outside", text, {"events": outside})]

    def _finding(self, kind: str, text: str, seal: Seal, *, is_notice: bool = False) -> Finding:
        where = {
            "seal": seal.number,
            "epoch": seal.epoch,
            "sealed_at": seal.sealed_at.isoformat(),
            "first_xid": seal.first_xid,
            "end_xid": seal.end_xid,
        }
        return Finding(self.verified.organisation_id, kind, text, where, is_notice)


def _ends_of_epochs(work: Work) -> dict[int, int]:
    """Give the id up to which the events of an epoch go, where it has ended."""
    starts = seals.epochs(work)
    horizon = seals.horizon(work)
    moved = horizon.last is not None and horizon.last.cluster != horizon.cluster
    limits = {*starts.values(), *([boundary(horizon)] if moved else [])}
    above = {epoch: [each for each in limits if each > after_id] for epoch, after_id in starts.items()}
    return {epoch: min(higher) for epoch, higher in above.items() if higher}


def _groups(genuine: list[Seal]) -> Iterator[list[Seal]]:
    """Put neighbouring seals together whose events can be read at once."""
    group: list[Seal] = []
    for seal in genuine:
        joins = (
            group
            and seal.epoch == group[-1].epoch
            and seal.first_xid == group[-1].end_xid
            and sum(each.events for each in group) + seal.events <= LARGEST
        )
        if group and not joins:
            yield group
            group = []
        group.append(seal)
    if group:
        yield group


class _Compared:
    """The log's lines, held against the database's seals."""

    def __init__(self, verified: dict[UUID, Verified]) -> None:
        self._verified = verified
        self._logged: dict[UUID, int] = dict.fromkeys(verified, 0)
        self._lost: dict[UUID, int] = {}
        self._cut: dict[UUID, list[int]] = {}

    def line(self, logged: Logged, present: tuple[int, bytes] | None) -> Iterator[Finding]:
        """Look at one line, beside the seal of that number."""
        own = self._verified.get(logged.organisation_id)
        if own is None:
            return
        if present == (logged.epoch, logged.seal):
            self._logged[own.organisation_id] += 1
        elif (present[0] if present else own.last_epoch) > logged.epoch:
            self._lost[own.organisation_id] = self._lost.get(own.organisation_id, 0) + 1
        elif present:
            self._logged[own.organisation_id] += 1
            text = f"seal {logged.number} is another one in the database than in the log"
            yield Finding(own.organisation_id, "log_differs", text, {"seal": logged.number, "epoch": logged.epoch})
        else:
            self._cut.setdefault(own.organisation_id, []).append(logged.number)
            del self._cut[own.organisation_id][1:-1]  # the first and the last are enough

    def afterwards(self) -> Iterator[Finding]:
        """Tell what the lines say together."""
        for organisation_id, numbers in self._cut.items():
            text = f"the log has seals {min(numbers)} to {max(numbers)}, which the database does not have (any more)"
            yield Finding(organisation_id, "seals_cut_off", text, {"seal": min(numbers), "last_seal": max(numbers)})
        for organisation_id, lost in self._lost.items():
            text = (
                f"the log has {lost} seals of an earlier epoch which the database does not have: it was restored from a"
                " dump that was older"
            )
            yield Finding(organisation_id, "lost_in_restore", text, {"seals": lost}, is_notice=True)
        for organisation_id, logged in self._logged.items():
            unlogged = self._verified[organisation_id].seals - logged
            if unlogged > 0:
                text = f"{unlogged} seals are in the database and not in this log"
                yield Finding(organisation_id, "not_in_log", text, {"seals": unlogged}, is_notice=True)
