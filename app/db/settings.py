"""The organisation's settings in versions: the newest is in force."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from app.db.failures import translated_errors
from app.db.models import OrganisationSettings
from app.db.pipeline import Rows, statement
from app.db.session import Query, Work
from app.errors import NotFound, PreconditionFailed, StateConflict


@dataclass(frozen=True, slots=True)
class KeptSettings:
    """One version as it is kept, and the curves that are live; from the policy on JSON.

    Hashable, so that it is read only once.
    """

    version: int
    mode: str
    language: str
    time_zone: str
    policy: str
    max_missing: str
    agreements: str
    retention_years: int | None
    retention_until_age: int | None
    pools_reports: bool
    curves: str
    """Of each live curve: instrument, form family, programme, document."""


_IN_FORCE = statement(
    """
    select version, mode, language, time_zone, policy::text, max_missing::text, agreements::text,
           retention_years, retention_until_age, pools_reports,
           coalesce((select json_agg(json_build_array(c.instrument, c.form_family, c.programme_id, c.parameters)
                                     order by c.id)::text
                       from curves c
                      where c.organisation_id = %(organisation_id)s and c.state = 'live'), '[]')
      from organisation_settings
     where organisation_id = %(organisation_id)s
     order by version desc
     limit 1
    """
)


def settings_in_force(work: Work) -> Query[KeptSettings]:
    """Make the statement that reads the settings in force, with the curves that are live."""
    return Query(_IN_FORCE, {"organisation_id": work.scope.organisation_id}, _newest)


def _newest(rows: Rows) -> KeptSettings:
    if not rows:  # whoever has a credential has an organisation; the command line names one
        raise NotFound("there is no such organisation")
    return KeptSettings(*rows[0])


def add_settings(work: Work, present: KeptSettings, changes: dict[str, Any], reason: str) -> None:
    """Add the next version, with the author and the reason.

    Raises
    ------
    PreconditionFailed
        If somebody else has added that version in the meantime.
    """
    kept = asdict(present)
    del kept["curves"]
    for name in ("policy", "max_missing", "agreements"):
        kept[name] = json.loads(kept[name])
    new = kept | changes | {"version": present.version + 1, "author_id": work.scope.actor_id, "reason": reason}
    work.db.add(OrganisationSettings(organisation_id=work.scope.organisation_id, **new))
    try:
        with translated_errors():
            work.db.flush()
    except StateConflict:
        raise PreconditionFailed("the settings have been changed since; read them again") from None
