"""Verdicts as they were issued, counted beside what came later: what the calibration panel is made of.

Of each ended episode one series is judged: the main one where it is of the measure, else the first that was begun. A
verdict is the first that was issued on an administration, which is what was shown; the score that judges it is the one
that holds now. Answers that were entered in error, or are to be clarified, count nowhere; nor do verdicts without a
growth curve.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.db.aggregates import counted
from app.db.pipeline import statement
from app.db.session import Query, Work
from app.reports.calibration import BandCell
from app.reports.flags import FlagCell
from app.reports.predictions import LOOK_DOSES, PredictedCell


@dataclass(frozen=True, slots=True)
class Judged:
    """Whose verdicts are judged, and by what.

    `years` are those of closing, by the clock of `time_zone`; None for `service_id` is the whole organisation.
    """

    instrument: str
    form_family: str
    years: Collection[int]
    time_zone: str
    service_id: UUID | None
    lower_is_better: bool
    reliable_change: float | None
    cutoff: float | None


_VERDICTS: Final = """
    with chosen as (
         select distinct on (e.id) e.id as episode_id, e.closed_at, e.closed_at at time zone %(time_zone)s as closed,
                s.id as series_id, s.id is not distinct from e.main_series_id as is_main
           from episodes e
           join series s on s.organisation_id = e.organisation_id and s.episode_id = e.id
          where e.organisation_id = %(organisation_id)s
            and extract(year from e.closed_at at time zone %(time_zone)s)::int = any(%(years)s::int[])
            and (%(service_id)s::uuid is null or e.service_id = %(service_id)s::uuid)
            and s.instrument = %(instrument)s and s.form_family = %(form_family)s
          order by e.id, (s.id is not distinct from e.main_series_id) desc, s.id),
    verdicts as (
         select c.episode_id, c.series_id, c.is_main, c.closed, a.completed_at,
                extract(year from c.closed)::int as year,
                f.dose, f.end_dose, f.weeks, f.baseline, f.lower, f.upper, f.goal_probability, f.curve, f.signal,
                f.issued_at, n.dose as now_dose, n.score as now_score, n.baseline as now_baseline
           from chosen c
           join administrations a
             on a.organisation_id = %(organisation_id)s and a.series_id = c.series_id and a.superseded_at is null
            and a.state in ('final', 'amended') and a.completed_at <= c.closed_at
           join progress f on f.organisation_id = %(organisation_id)s and f.administration_id = a.id and f.issue = 1
           join lateral (
                select p.dose, p.score, p.baseline
                  from progress p
                 where p.organisation_id = %(organisation_id)s and p.administration_id = a.id
                 order by p.issue desc limit 1) n on true
          where f.end_dose is not null)
"""


def _on_clinical_side(score: str) -> str:
    """Give the condition that a score lies on the clinical side of the cut-off; null where there is none."""
    return (
        f"(case when %(lower_is_better)s::boolean then {score} >= %(cutoff)s::float8"
        f" else {score} < %(cutoff)s::float8 end)"
    )


def _reliably(better: str, worse: str) -> str:
    """Give the condition that one score is reliably better than another; false where no such change is published."""
    improvement = f"(case when %(lower_is_better)s::boolean then {worse} - {better} else {better} - {worse} end)"
    return f"coalesce({improvement} >= %(reliable_change)s::float8, false)"


_BANDS = statement(
    f"""
    {_VERDICTS}
    select year, doses, curve, first_dose, baseline, dose, round(weeks)::int, now_score, lower, upper, count(*)
      from (select distinct on (series_id, doses) *
              from (select *, width_bucket(dose, array[4, 8, 13, 21]) as doses,
                           min(dose) over (partition by series_id) as first_dose
                      from verdicts) placed
             where lower is not null
             order by series_id, doses, completed_at desc) last
     group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    """  # noqa: S608 - our own words
)

# Who has a later score at the end dose is judged by the first of these; others by the last later score there is.
_PREDICTED = statement(
    f"""
    {_VERDICTS},
    looks as (
         select distinct on (series_id, dose) *
           from verdicts
          where dose = any(%(looks)s::int[]) and goal_probability is not null
            and coalesce({_on_clinical_side("baseline")}, true)
          order by series_id, dose, completed_at desc),
    ends as (
         select l.year, l.closed, l.dose, l.goal_probability, l.baseline,
                (array_agg(v.now_score order by v.completed_at) filter (where v.now_dose >= l.end_dose))[1] as at_end,
                (array_agg(v.now_score order by v.completed_at desc))[1] as latest
           from looks l
           left join verdicts v on v.series_id = l.series_id and v.completed_at > l.completed_at
          group by l.series_id, l.year, l.closed, l.dose, l.goal_probability, l.baseline),
    judged as (select *, coalesce(at_end, latest) as score from ends)
    select year, extract(quarter from closed)::int, dose, round(1000 * goal_probability)::int,
           case when score is not null
                then {_reliably("score", "baseline")} or coalesce(not {_on_clinical_side("score")}, false) end,
           case when score is not null then at_end is not null end, count(*)
      from judged
     group by 1, 2, 3, 4, 5, 6
    """  # noqa: S608 - our own words
)

_FLAGS = statement(
    f"""
    {_VERDICTS},
    numbered as (
         select *, row_number() over (partition by series_id order by completed_at desc) as from_end
           from verdicts where is_main),
    ends as (
         select episode_id, year,
                (array_agg(now_score order by completed_at desc))[1] as score,
                (array_agg(now_baseline order by completed_at desc))[1] as baseline,
                (array_agg(issued_at order by completed_at)
                   filter (where from_end > 1 and signal in ('yellow', 'red')))[1] as flagged_at,
                coalesce(bool_or(signal = 'red') filter (where from_end > 1), false) as red
           from numbered
          group by series_id, episode_id, year
         having count(*) filter (where from_end > 1 and lower is not null) > 0)
    select year, coalesce({_on_clinical_side("baseline")}, true), flagged_at is not null, red,
           {_reliably("score", "baseline")}, {_reliably("baseline", "score")},
           (select floor(extract(epoch from min(r.reviewed_at) - flagged_at) / 86400)::int
              from reviews r
             where r.organisation_id = %(organisation_id)s and r.episode_id = ends.episode_id
               and r.reviewed_at >= flagged_at), count(*)
      from ends
     group by 1, 2, 3, 4, 5, 6, 7
    """  # noqa: S608 - our own words
)


def bands_held(work: Work, judged: Judged) -> Query[list[BandCell]]:
    """Make the query of the last scores in each group of doses, beside the bands that were shown for them."""
    return counted(work, _BANDS, BandCell, **_parameters(judged))


def goals_reached(work: Work, judged: Judged) -> Query[list[PredictedCell]]:
    """Make the query of the probabilities of the goal that were shown to those who began as cases, and what came."""
    return counted(work, _PREDICTED, PredictedCell, looks=list(LOOK_DOSES), **_parameters(judged))


def flags_raised(work: Work, judged: Judged) -> Query[list[FlagCell]]:
    """Make the query of the flags on main measures before the last score, the reviews after them, and the end."""
    return counted(work, _FLAGS, FlagCell, **_parameters(judged))


def _parameters(judged: Judged) -> dict[str, Any]:
    return {
        "instrument": judged.instrument,
        "form_family": judged.form_family,
        "years": sorted(judged.years),
        "time_zone": judged.time_zone,
        "service_id": judged.service_id,
        "lower_is_better": judged.lower_is_better,
        "reliable_change": judged.reliable_change,
        "cutoff": judged.cutoff,
    }
