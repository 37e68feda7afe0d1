"""Closed episodes as an export has them: of consenting patients alone, without an id that is told to anybody."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from app.db.pipeline import statement
from app.db.reports import AGE_BANDS
from app.db.session import Query, Work, uuids
from app.reports.cohort import Period


class Case(NamedTuple):
    """One measure of a closed episode by one informant, and whose it is."""

    patient_id: UUID
    """To count persons by; it is not exported."""
    measure: str
    role: str
    rank: int
    year: int
    service: str
    programme: str | None
    age_band: int
    """Place among the bands of age."""
    language: str
    pathway: int | None
    sex: str | None
    sessions: int
    first_score: float | None
    last_score: float | None
    days: int | None
    change: int | None
    case_at_start: bool | None
    case_at_end: bool | None
    dropped_out: bool
    first_improved_session: int | None


_CASES = statement(
    f"""
    select e.patient_id, m.measure, m.role, m.rank, m.closed_year, s.name, p.name,
           width_bucket(m.age_years, array[{", ".join(map(str, AGE_BANDS))}]), m.language, m.pathway, m.sex, m.dose,
           m.baseline, m.last, m.last_days, m.change, m.case_at_start, m.case_at_end, m.dropped_out,
           m.first_improved_dose
      from measure_summaries m
      join episodes e on e.organisation_id = m.organisation_id and e.id = m.episode_id
      join services s on s.organisation_id = m.organisation_id and s.id = m.service_id
      left join programmes p on p.organisation_id = m.organisation_id and p.id = m.programme_id
     where m.organisation_id = %(organisation_id)s and m.closed_year between %(first_year)s and %(last_year)s
       and (%(measure)s::text is null or m.measure = %(measure)s::text) and m.scores > 0
       and e.patient_id = any(%(patient_ids)s::uuid[])
    """  # noqa: S608 - our own words
)


def closed_cases(work: Work, period: Period, measure: str | None, patient_ids: Collection[UUID]) -> list[Case]:
    """Read the measured episodes of some patients that were closed in a period; of one measure, or of all."""
    parameters = {
        "organisation_id": work.scope.organisation_id,
        "first_year": period.first_year,
        "last_year": period.last_year,
        "measure": measure,
        "patient_ids": uuids(patient_ids),
    }
    return work.ask(Query(_CASES, parameters, lambda rows: [Case(*row) for row in rows]))
