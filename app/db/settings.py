"""The organisation's settings in versions: the newest is in force."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.db.models import OrganisationSettings
from app.db.session import Work, translated_errors
from app.errors import PreconditionFailed, StateConflict


def current_settings(work: Work) -> OrganisationSettings:
    """Load the settings in force."""
    newest = select(OrganisationSettings).order_by(OrganisationSettings.version.desc()).limit(1)
    return work.db.scalars(newest).one()


def add_settings(
    work: Work, present: OrganisationSettings, changes: dict[str, Any], reason: str
) -> OrganisationSettings:
    """Add the next version, with the author and the reason.

    Raises
    ------
    PreconditionFailed
        If somebody else has added that version in the meantime.
    """
    row = OrganisationSettings(
        organisation_id=work.scope.organisation_id,
        version=present.version + 1,
        author_id=work.scope.actor_id,
        reason=reason,
        **{
            name: changes.get(name, getattr(present, name))
            for name in ("mode", "language", "time_zone", "policy", "max_missing")
        },
    )
    work.db.add(row)
    try:
        with translated_errors():
            work.db.flush()
    except StateConflict:
        raise PreconditionFailed("the settings have been changed since; read them again") from None
    return row
