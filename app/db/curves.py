"""Learnt curves as they are kept, and the series that they are learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.db.codes import CurveState
from app.db.editing import add_of_organisation
from app.db.models import Curve
from app.db.pipeline import statement
from app.db.session import Query, Work
from app.errors import NotFound


@dataclass(frozen=True, slots=True)
class Line:
    """What a line of curves is for: an instrument's form family, in one programme or (None) the whole organisation."""

    instrument: str
    form_family: str
    programme_id: UUID | None = None


def line_of(curve: Curve) -> Line:
    """Give the line that a curve belongs to."""
    return Line(curve.instrument, curve.form_family, curve.programme_id)


# It ends with the transaction, so that a pooler may give the next one another connection.
_TAKE_TURN = statement(
    "select pg_try_advisory_xact_lock(hashtextextended('learn ' || %(organisation_id)s || ' ' || %(instrument)s, 0))"
)


def takes_turn(work: Work, instrument: str) -> bool:
    """Tell whether this transaction may learn curves of the instrument: until it ends, no other one may."""
    parameters = {"organisation_id": str(work.scope.organisation_id), "instrument": instrument}
    return work.ask(Query(_TAKE_TURN, parameters, lambda rows: bool(rows[0][0])))


_SERIES = statement(
    """
    select s.id, s.episode_id
      from series s
     where s.organisation_id = %(organisation_id)s and s.instrument = %(instrument)s
       and s.instrument_version = %(instrument_version)s and s.form_family = %(form_family)s
       and (%(programme_id)s::uuid is null or %(programme_id)s::uuid = (
             select ep.programme_id from episode_programmes ep
              where ep.organisation_id = s.organisation_id and ep.episode_id = s.episode_id
              order by ep.position desc limit 1))
     order by s.id
    """
)


def series_of_line(work: Work, line: Line, instrument_version: str) -> dict[UUID, list[UUID]]:
    """Give, by episode, the series of a line: of open and ended episodes, each informant's on its own.

    An episode belongs to the programme that it came to last.
    """
    parameters = {
        "organisation_id": work.scope.organisation_id,
        "instrument": line.instrument,
        "instrument_version": instrument_version,
        "form_family": line.form_family,
        "programme_id": line.programme_id,
    }
    return work.ask(Query(_SERIES, parameters, _by_episode))


def _by_episode(rows: Sequence[Sequence[Any]]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    for series_id, episode_id in rows:
        found.setdefault(episode_id, []).append(series_id)
    return found


def next_numbers(work: Work, line: Line) -> tuple[int, int]:
    """Give the number of the instrument's next curve in the organisation, and the revision that it has in its line."""
    of_instrument = (Curve.organisation_id == work.scope.organisation_id) & (Curve.instrument == line.instrument)
    number = work.db.scalar(select(func.count()).select_from(Curve).where(of_instrument))
    revision = work.db.scalar(
        select(func.max(Curve.revision)).where(
            of_instrument,
            Curve.form_family == line.form_family,
            Curve.programme_id.is_not_distinct_from(line.programme_id),
        )
    )
    return (number or 0) + 1, (revision or 0) + 1


def add_candidate(work: Work, line: Line, values: Mapping[str, Any]) -> Curve:
    """Keep a curve that was learnt, as a candidate."""
    of_line = {"instrument": line.instrument, "form_family": line.form_family, "programme_id": line.programme_id}
    return add_of_organisation(work, Curve, {**of_line, "state": CurveState.CANDIDATE, **values})


def learnt_curves(work: Work) -> list[Curve]:
    """List the organisation's curves, those of an instrument together, the newest first."""
    own = select(Curve).where(Curve.organisation_id == work.scope.organisation_id)
    return list(work.db.scalars(own.order_by(Curve.instrument, Curve.made_at.desc(), Curve.id)))


def get_curve(work: Work, curve_id: UUID) -> Curve:
    """Load one curve.

    Raises
    ------
    NotFound
        If the organisation has none with that id.
    """
    curve = work.db.get(Curve, (work.scope.organisation_id, curve_id))
    if curve is None:
        raise NotFound("there is no such curve", pointer="/curve_id")
    return curve


def lock_family(work: Work, curve_id: UUID) -> dict[UUID, Curve]:
    """Load one curve with all others of its instrument and form family, locked, by id.

    What is live of a family changes in one transaction at a time.

    Raises
    ------
    NotFound
        If the organisation has no curve with that id.
    """
    curve = get_curve(work, curve_id)
    family = (
        select(Curve)
        .where(
            Curve.organisation_id == work.scope.organisation_id,
            Curve.instrument == curve.instrument,
            Curve.form_family == curve.form_family,
        )
        .order_by(Curve.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in work.db.scalars(family)}
