"""Learnt curves in use: what is known of one, its gates, its activation by a person, and one step back.

Verdicts that were issued stay as they were shown; the next ones are made with the curve that is in force then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from math import isfinite, nan
from typing import Any
from uuid import UUID

from app.db.codes import CurveState, Role
from app.db.curves import line_of, lock_family
from app.db.editing import edit_of_organisation
from app.db.models import Curve
from app.db.session import Work
from app.errors import Forbidden, PreconditionFailed, StateConflict
from app.services.settings import current_settings
from app.trajectories.curve_files import curve_to_document, document_hash
from app.trajectories.gates import Gate, HeldOut, all_passed, judge
from app.trajectories.growth import GrowthCurve
from app.trajectories.sampling_error import Interval

_INTERVALS = ("coverage", "calibration_slope", "log_score_difference")


@dataclass(frozen=True, slots=True)
class Window:
    """How many episodes there are, and the days on which the first and the last of them had their baseline."""

    episodes: int
    start: date
    end: date


def told_apart(curve: GrowthCurve) -> dict[str, str]:
    """Give what tells a curve from others: its name, and the hash of all its figures."""
    return {"key": curve.key, "hash": document_hash(curve_to_document(curve)).hex()}


def evaluation_to_keep(held_out: HeldOut, present: GrowthCurve, window: Window) -> dict[str, Any]:
    """Write down how a curve did on the episodes that were held back, beside which curve, and what the gates said."""
    gates = judge(held_out)
    figures = asdict(held_out)
    for name in _INTERVALS:
        figures[name] = {part: as_json(figure) for part, figure in figures[name].items()}
    return {
        "passed": all_passed(gates),
        "gates": [
            {"name": gate.name, "passed": gate.passed, "figure": as_json(gate.figure)}
            | {"at_least": as_json(gate.at_least), "at_most": as_json(gate.at_most)}
            for gate in gates
        ],
        "compared_with": told_apart(present),
        "held_back": {"episodes": window.episodes, "start": str(window.start), "end": str(window.end)},
        "held_out": figures,
    }


def gates_of(curve: Curve) -> tuple[Gate, ...]:
    """Hold what was found of a curve against the gates, as they are now."""
    return () if curve.evaluation is None else judge(_held_out(curve.evaluation["held_out"]))


def activate(work: Work, curve_id: UUID, version: int) -> Curve:
    """Put a candidate into force, by a person; the curve that was live in its place is retired.

    Raises
    ------
    NotFound
        If the organisation has no such curve.
    PreconditionFailed
        If somebody else has changed it since.
    StateConflict
        If it is no candidate, a gate is shut, or it was judged beside another curve than the one in force.
    """
    _require_person(work)
    family = lock_family(work, curve_id)
    curve = _at_version(family[curve_id], version)
    if curve.state != CurveState.CANDIDATE:
        raise StateConflict(f"the curve is {curve.state}, and only a candidate can be put into force")
    gates = gates_of(curve)
    if not all_passed(gates):
        shut = ", ".join(gate.name for gate in gates if not gate.passed)
        raise StateConflict(f"the curve has not passed every gate: {shut}")
    present = current_settings(work).curve_for(line_of(curve))
    if present is None or curve.evaluation is None or curve.evaluation["compared_with"] != told_apart(present):
        raise StateConflict("the curve was judged beside another one than is in force now: learn it anew")
    for each in family.values():
        if each.state == CurveState.LIVE and line_of(each) == line_of(curve):
            _retire(work, each, successor_id=curve.id)
    work.note()
    changes = {"state": CurveState.LIVE, "activated_by": work.scope.actor_id, "activated_at": work.now}
    return edit_of_organisation(work, curve, version, changes)


def step_back(work: Work, curve_id: UUID, version: int) -> Curve:
    """Take a live curve back, by a person: what was in force before it is in force again.

    That is the curve that it replaced, or, where it was the first of its line, what holds without one.

    Raises
    ------
    NotFound
        If the organisation has no such curve.
    PreconditionFailed
        If somebody else has changed it since.
    StateConflict
        If it is not live.
    """
    _require_person(work)
    family = lock_family(work, curve_id)
    curve = _at_version(family[curve_id], version)
    if curve.state != CurveState.LIVE:
        raise StateConflict(f"the curve is {curve.state}, and only a live one can be taken back")
    work.note()
    _retire(work, curve)
    for each in family.values():
        if each.successor_id == curve.id:
            nothing = {"retired_by": None, "retired_at": None, "successor_id": None}
            edit_of_organisation(work, each, each.version, {"state": CurveState.LIVE, **nothing})
    return curve


def _require_person(work: Work) -> None:
    if work.scope.role is Role.DEVICE:
        raise Forbidden("a curve is put into force, and taken back, by a person")


def _at_version(curve: Curve, version: int) -> Curve:
    if curve.version != version:
        raise PreconditionFailed("it has been changed since; read it again")
    return curve


def _retire(work: Work, curve: Curve, *, successor_id: UUID | None = None) -> None:
    by = {"retired_by": work.scope.actor_id, "retired_at": work.now, "successor_id": successor_id}
    edit_of_organisation(work, curve, curve.version, {"state": CurveState.RETIRED, **by})


def _held_out(kept: Mapping[str, Any]) -> HeldOut:
    """Read what was written down; what was not known is NaN again, and so passes no gate."""
    intervals = {
        name: Interval(**{part: nan if figure is None else figure for part, figure in kept[name].items()})
        for name in _INTERVALS
    }
    return HeldOut(**{**kept, **intervals})


def as_json(figure: float) -> float | None:
    """Give a figure as JSON can hold it."""
    return float(figure) if isfinite(figure) else None
