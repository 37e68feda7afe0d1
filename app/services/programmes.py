"""Programmes: the treatment offers of the organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.db.editing import add_of_organisation, edit_of_organisation, get_of_organisation
from app.db.episode_records import lock_episodes_of_programme
from app.db.instruments import find_instrument
from app.db.models import Programme
from app.db.session import Work
from app.services.decision_rules import check_rule
from app.services.instruments import require_for_change
from app.services.schedules import check_schedule
from app.services.summaries import follow_episodes

_IN_SUMMARIES = {"counted_contact_types", "planned_dose"}


def add_programme(work: Work, values: Mapping[str, Any]) -> Programme:
    """Add a treatment offer."""
    _check(work, values)
    return add_of_organisation(work, Programme, values)


def change_programme(work: Work, programme_id: UUID, version: int, changes: Mapping[str, Any]) -> Programme:
    """Change a treatment offer; verdicts already issued stay as they were shown."""
    _check(work, changes)
    programme = get_of_organisation(work, Programme, programme_id)
    followed = any(changes.get(name, kept) != kept for name in _IN_SUMMARIES for kept in [getattr(programme, name)])
    episode_ids = lock_episodes_of_programme(work, programme_id) if followed else []
    edit_of_organisation(work, programme, version, changes)
    follow_episodes(work, episode_ids)
    return programme


def _check(work: Work, values: Mapping[str, Any]) -> None:
    key = values.get("main_instrument")
    if key is not None:
        require_for_change(find_instrument(work, key, pointer="/main_instrument"), "/main_instrument")
    rule = values.get("decision_rule")
    if rule is not None:
        check_rule(work, rule)
    check_schedule(work, values.get("schedule") or ())
