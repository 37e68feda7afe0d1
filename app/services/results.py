"""What was made of administrations, as an organisation's mode lets it be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from app.db.codes import OrganisationMode
from app.db.models import Administration, Progress
from app.db.results import KeptResult, get_results, verdicts_of
from app.db.session import Work
from app.services.settings import current_settings


def shows_verdicts(work: Work) -> bool:
    """Tell whether verdicts are shown: in the mode `record` not even those that were issued before."""
    return current_settings(work).mode is OrganisationMode.DECISION_SUPPORT


def shown_results(work: Work, ids: Sequence[UUID]) -> dict[UUID, KeptResult]:
    """Load administrations that the caller may reach, with all that was made of them and may be shown."""
    found = get_results(work, ids)
    if any(each.verdict for each in found.values()) and not shows_verdicts(work):
        return {key: replace(each, verdict=None) for key, each in found.items()}
    return found


def shown_verdicts(work: Work, administration: Administration) -> list[Progress]:
    """List the verdicts issued on an administration that was reached, as far as they may be shown."""
    return verdicts_of(work, administration) if shows_verdicts(work) else []
