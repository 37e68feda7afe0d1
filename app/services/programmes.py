"""Programmes: the treatment offers of the organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.db.editing import add, edit, get_of_organisation
from app.db.models import Programme
from app.db.session import Work
from app.errors import UnknownInstrument
from app.scales.catalogue import catalogue
from app.services.trajectories import require_for_change


def add_programme(work: Work, values: Mapping[str, Any]) -> Programme:
    """Add a treatment offer."""
    _check_instrument(values)
    return add(work, Programme, values)


def change_programme(work: Work, programme_id: UUID, version: int, changes: Mapping[str, Any]) -> Programme:
    """Change a treatment offer; verdicts already issued stay as they were shown."""
    _check_instrument(changes)
    return edit(work, get_of_organisation(work, Programme, programme_id), version, changes)


def _check_instrument(values: Mapping[str, Any]) -> None:
    key = values.get("main_instrument")
    if key is not None and key not in catalogue():
        allowed = ", ".join(catalogue())
        raise UnknownInstrument("there is no such instrument", pointer="/main_instrument", allowed=allowed)
    if key is not None:
        require_for_change(catalogue()[key], "/main_instrument")
