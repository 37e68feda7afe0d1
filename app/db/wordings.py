"""The official wordings that an organisation has loaded, by instrument, form and language; the newest is in use."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.db.failures import translated_errors
from app.db.models import Wording
from app.db.session import Work
from app.errors import StateConflict


def wordings_of(work: Work, instrument: str, version: str) -> list[Wording]:
    """List the wordings in use of an instrument's forms, in all languages."""
    return list(
        work.db.scalars(
            select(Wording)
            .ext(distinct_on(Wording.form, Wording.language))
            .where(
                Wording.organisation_id == work.scope.organisation_id,
                Wording.instrument == instrument,
                Wording.instrument_version == version,
            )
            .order_by(Wording.form, Wording.language, Wording.revision.desc())
        )
    )


def languages_with_wording(work: Work) -> dict[str, list[str]]:
    """Give, by instrument, the languages in which any of its forms is worded."""
    rows = work.db.execute(
        select(Wording.instrument, func.array_agg(Wording.language.distinct()))
        .where(Wording.organisation_id == work.scope.organisation_id)
        .group_by(Wording.instrument)
    )
    return {instrument: sorted(languages) for instrument, languages in rows}


def add_wording(work: Work, **values: Any) -> Wording:
    """Keep a wording; from now on it is the one in use.

    Raises
    ------
    StateConflict
        If somebody else has added one at the same moment.
    """
    same = ("instrument", "instrument_version", "form", "language")
    last = work.db.scalar(
        select(func.max(Wording.revision)).where(
            Wording.organisation_id == work.scope.organisation_id,
            *(getattr(Wording, name) == values[name] for name in same),
        )
    )
    wording = Wording(
        organisation_id=work.scope.organisation_id,
        revision=(last or 0) + 1,
        author_id=work.scope.actor_id,
        **values,
    )
    work.db.add(wording)
    try:
        with translated_errors():
            work.db.flush()
    except StateConflict:
        raise StateConflict("another wording was loaded at the same moment; try again") from None
    return wording
