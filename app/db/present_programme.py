"""The programme that an episode is in now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.pipeline import statement
from app.db.session import Query, Work


@dataclass(frozen=True, slots=True)
class PresentProgramme:
    """The newest programme of an episode, and when the episode came to it."""

    id: UUID
    name: str
    decision_rule: dict[str, Any] | None
    started_at: datetime


_PRESENT = statement(
    """
    select pr.id, pr.name, pr.decision_rule, ep.started_at
      from episode_programmes ep
      join programmes pr on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
     where ep.organisation_id = %(organisation_id)s and ep.episode_id = %(episode_id)s
     order by ep.position desc
     limit 1
    """
)


def present_programme(work: Work, episode_id: UUID) -> PresentProgramme | None:
    """Read the newest programme of an episode that was reached within the caller's scope; None where it has none."""
    parameters = {"organisation_id": work.scope.organisation_id, "episode_id": episode_id}
    return work.ask(Query(_PRESENT, parameters, _only))


def _only(rows: Sequence[Sequence[Any]]) -> PresentProgramme | None:
    return PresentProgramme(*rows[0]) if rows else None
