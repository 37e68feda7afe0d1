"""What the audit's sealer reads and writes: events in the order of their transactions, and the seals over them.

An event is sealed once its transaction, and every one begun before it, has ended (`pg_snapshot_xmin`): none can then
come to a range that was sealed. Nothing here takes a lock that a request would wait for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.db.models import AuditEvent
from app.db.pipeline import Rows, statement
from app.db.session import Query, Work

Event = Mapping[str, Any]
"""One audit event: every column that it has a value in, by name."""

FIRST_XID: Final = 0
_ENDLESS: Final = 2**63 - 1

_COLUMNS: Final = tuple(column.name for column in AuditEvent.__table__.columns)


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal as it is kept."""

    organisation_id: UUID
    number: int
    epoch: int
    cluster: str
    after_id: int
    last_id: int
    first_xid: int
    end_xid: int
    events: int
    root_hash: bytes
    previous_seal: bytes | None
    seal: bytes
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far an organisation's events can be sealed now, and how far they are.

    Every transaction before `xmin` has ended. `foreign_id` is the highest id of an event whose transaction has a
    number that this database has not given yet: it came with a restored dump.
    """

    xmin: int
    cluster: str
    last: Seal | None
    foreign_id: int


@dataclass(frozen=True, slots=True)
class Range:
    """Events by transaction, from the first one and before the end, and by id, above one and up to another."""

    first_xid: int
    end_xid: int | None
    after_id: int
    until_id: int | None

    def parameters(self, organisation_id: UUID) -> dict[str, Any]:
        """Give the range as the statements take it."""
        return {
            "organisation_id": organisation_id,
            "first_xid": str(self.first_xid),
            "end_xid": str(_ENDLESS if self.end_xid is None else self.end_xid),
            "after_id": self.after_id,
            "until_id": _ENDLESS if self.until_id is None else self.until_id,
        }


_UNSEALED = statement("select organisation_id from spor_unsealed()")
_ALL_ORGANISATIONS = statement("select id from organisations order by id")

# In a statement of its own: what is read after it is read with the lock held.
_LOCK = statement(
    "select pg_try_advisory_xact_lock(hashtextextended('audit_seals ' || %(organisation_id)s::uuid::text, 0))"
)

_SEAL_COLUMNS: Final = ", ".join(each.name for each in fields(Seal))
_HORIZON = statement(
    """
    select pg_snapshot_xmin(pg_current_snapshot()), spor_cluster(),
           coalesce((select max(e.id)
                       from audit_events e
                      where e.organisation_id = %(organisation_id)s
                        and e.xid >= pg_snapshot_xmax(pg_current_snapshot())), 0)
    """
)
_LAST = statement(
    f"""
    select {_SEAL_COLUMNS} from audit_seals
     where organisation_id = %(organisation_id)s
     order by number desc
     limit 1
    """  # noqa: S608 - our own names
)
_SEALS = statement(
    f"""
    select {_SEAL_COLUMNS} from audit_seals
     where organisation_id = %(organisation_id)s and number > %(after)s
     order by number
     limit %(limit)s
    """  # noqa: S608 - our own names
)
_WITHIN: Final = """
        organisation_id = %(organisation_id)s
    and xid >= %(first_xid)s::xid8 and xid < %(end_xid)s::xid8 and id > %(after_id)s and id <= %(until_id)s
"""
_EVENTS = statement(
    f"select {', '.join(_COLUMNS)} from audit_events where {_WITHIN} order by xid, id limit %(limit)s"  # noqa: S608
)
_OLDEST = statement(
    f"select occurred_at from audit_events where {_WITHIN} order by xid, id limit 1"  # noqa: S608
)
_COUNT = statement(
    f"""
    select count(*) filter (where {_WITHIN}), min(occurred_at) filter (where {_WITHIN}),
           count(*)
      from audit_events
     where organisation_id = %(organisation_id)s
    """  # noqa: S608
)
_INSERT = statement(
    f"""
    insert into audit_seals ({_SEAL_COLUMNS})
    values ({", ".join("%(" + each.name + ")s" for each in fields(Seal))})
    """  # noqa: S608 - our own names
)
_EPOCHS = statement(
    "select epoch, min(after_id) from audit_seals where organisation_id = %(organisation_id)s group by epoch"
)
_NUMBERED = statement(
    "select number, epoch, seal from audit_seals"
    " where organisation_id = %(organisation_id)s and number = any(%(numbers)s::bigint[])"
)


def unsealed_organisations(work: Work) -> list[UUID]:
    """List the organisations that have events to seal, and nothing else about them."""
    return work.ask(Query(_UNSEALED, {}, _first_column))


def all_organisations(work: Work) -> list[UUID]:
    """List every organisation; the owner of the tables sees them, the application's role sees its own."""
    return work.ask(Query(_ALL_ORGANISATIONS, {}, _first_column))


def hold_alone(work: Work) -> bool:
    """Tell whether this transaction is the only one that seals the organisation's events until it ends."""
    return work.ask(Query(_LOCK, _own(work), lambda rows: bool(rows[0][0])))


def horizon(work: Work) -> Horizon:
    """Tell how far the organisation's events can be sealed, and how far they are."""
    [(xmin, cluster, foreign_id)], last = work.ask_all(
        Query(_HORIZON, _own(work), list), Query(_LAST, _own(work), _seals)
    )
    return Horizon(int(xmin), cluster, last[0] if last else None, foreign_id)


def events_in(work: Work, wanted: Range, limit: int) -> list[Event]:
    """Read the events of a range in their order, no more than a number of them."""
    parameters = wanted.parameters(work.scope.organisation_id) | {"limit": limit}
    return work.ask(Query(_EVENTS, parameters, _events))


def oldest_in(work: Work, wanted: Range) -> datetime | None:
    """Tell when the first event of a range occurred."""
    return work.ask(
        Query(_OLDEST, wanted.parameters(work.scope.organisation_id), lambda rows: rows[0][0] if rows else None)
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """How many events a range has, when its oldest occurred, and how many events the organisation has at all."""

    within: int
    oldest: datetime | None
    total: int


def count(work: Work, wanted: Range) -> Counted:
    """Count a range, and all there is beside it, at one moment."""
    return work.ask(Query(_COUNT, wanted.parameters(work.scope.organisation_id), lambda rows: Counted(*rows[0])))


def seals_after(work: Work, number: int, limit: int) -> list[Seal]:
    """Read seals in their order, from the one after a number."""
    return work.ask(Query(_SEALS, _own(work) | {"after": number, "limit": limit}, _seals))


def epochs(work: Work) -> dict[int, int]:
    """Give each epoch that has seals, with the id that its events are above."""
    return work.ask(Query(_EPOCHS, _own(work), dict))


def seals_by_number(work: Work, numbers: Iterable[int]) -> dict[int, tuple[int, bytes]]:
    """Give epoch and seal of those of the numbers that are there."""
    listed = f"{{{','.join(map(str, numbers))}}}"
    return work.ask(
        Query(_NUMBERED, _own(work) | {"numbers": listed}, lambda rows: {row[0]: (row[1], row[2]) for row in rows})
    )


def append(work: Work, seal: Seal) -> None:
    """Append a seal, and commit."""
    values = {each.name: getattr(seal, each.name) for each in fields(Seal)}
    values |= {"first_xid": str(seal.first_xid), "end_xid": str(seal.end_xid)}
    work.ask_last(Query(_INSERT, values, list))


def _own(work: Work) -> dict[str, Any]:
    return {"organisation_id": work.scope.organisation_id}


def _first_column(rows: Rows) -> list[UUID]:
    return [row[0] for row in rows]


def _events(rows: Rows) -> list[Event]:
    return [{name: value for name, value in zip(_COLUMNS, row, strict=True) if value is not None} for row in rows]


def _seals(rows: Rows) -> list[Seal]:
    return [_seal(row) for row in rows]


def _seal(row: Sequence[Any]) -> Seal:
    values = dict(zip((each.name for each in fields(Seal)), row, strict=True))
    return Seal(**values | {"first_xid": int(values["first_xid"]), "end_xid": int(values["end_xid"])})
