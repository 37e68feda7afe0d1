"""What the added value of the SDQ is worked out from: sums over the children of a report, and of none of them alone."""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from app.db.aggregates import counted
from app.db.pipeline import statement
from app.db.session import Query, Work
from app.reports.cohort import Period


class Sums(NamedTuple):
    """Children with all four scores, and the sums of these; null of nobody."""

    children: int
    total: float | None
    impact: float | None
    emotional: float | None
    later_total: float | None


def _used(form: str, total: str) -> str:
    return f"""
           join administrations {form}
             on {form}.organisation_id = m.organisation_id and {form}.series_id = s.id and {form}.superseded_at is null
            and {form}.state <> 'entered_in_error'
           join scores {form}_total
             on {form}_total.organisation_id = m.organisation_id and {form}_total.administration_id = {form}.id
            and {form}_total.administration_version = {form}.version
            and {form}_total.subscale = 'total_difficulties' and {form}_total.value = {total}"""


def _score(name: str) -> str:
    return f"""
           join scores {name}
             on {name}.organisation_id = m.organisation_id and {name}.administration_id = first.id
            and {name}.administration_version = first.version and {name}.subscale = '{name}'
            and {name}.value is not null"""


# The first and the last form are those that the summary's scores are of: it has both totals, and the days between them.
_SUMS: Final = statement(
    f"""
    with children as (
         select distinct on (m.episode_id) m.baseline, m.last, impact.value as impact, emotional.value as emotional
           from measure_summaries m
           join series s
             on s.organisation_id = m.organisation_id and s.episode_id = m.episode_id and s.instrument = m.measure
            and s.form_family = m.form_family and s.informant_id = m.informant_id
           {_used("first", "m.baseline")}
           {_used("later", "m.last")}
           {_score("impact")}
           {_score("emotional")}
          where m.organisation_id = %(organisation_id)s and m.closed_year between %(first_year)s and %(last_year)s
            and m.measure = 'sdq' and m.form_family = 'parent-4-17' and m.role = 'parent' and m.rank < 2
            and m.scores > 1 and m.dose > 1
            and (%(service_id)s::uuid is null or m.service_id = %(service_id)s::uuid)
            and floor(extract(epoch from later.completed_at - first.completed_at) / 86400) = m.last_days
          order by m.episode_id, first.completed_at desc)
    select count(*), sum(baseline), sum(impact), sum(emotional), sum(last) from children
    """  # noqa: S608 - our own words
)


def sums_of_children(work: Work, period: Period, service_id: UUID | None) -> Query[list[Sums]]:
    """Make the query that sums up the scores of children of whom a parent filled in the first and the last form."""
    return counted(
        work,
        _SUMS,
        Sums,
        first_year=period.first_year,
        last_year=period.last_year,
        service_id=service_id,
    )
