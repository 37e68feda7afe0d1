"""Summaries of episodes and of their measures: written with the record, and read back to be checked against it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from app.db.entry import Entry
from app.db.episode_records import COUNTED_SESSIONS
from app.db.models import EpisodeSummary, MeasureSummary
from app.db.models.summaries import Compared
from app.db.pipeline import statement
from app.db.session import Query, Work, uuids

_MOST: Final = 32_767
"""What a column of counts or days holds; more is written as that."""

_COMPARED: Final = tuple(Compared.__annotations__)
_EPISODE: Final = tuple(column.name for column in EpisodeSummary.__table__.columns)
_MEASURE: Final = tuple(column.name for column in MeasureSummary.__table__.columns)
_EPISODE_KEY: Final = ("organisation_id", "episode_id")
_MEASURE_KEY: Final = (*_EPISODE_KEY, "measure", "form_family", "informant_id")


def _small(count: str) -> str:
    return f"least({count}, {_MOST})::smallint"


def _days(between: str) -> str:
    """Give days, 0 where the order of events is the other way round, and null where one has not happened."""
    return f"case when {between} is not null then least(greatest({between}, 0), {_MOST})::smallint end"


_WORKED_OUT: Final = f"""
    select e.organisation_id, e.id as episode_id, e.service_id, programme.id as programme_id,
           coalesce(held.therapist_id, treats.user_id) as therapist_id,
           extract(year from closed.at)::smallint as closed_year, e.pathway, p.sex,
           extract(year from age(opened.at, p.birth_month))::smallint as age_years, p.language, e.problem_areas,
           {_small("held.dose")} as dose,
           case when held.dose > 1 then {_small("round(held.days::numeric / (held.dose - 1))")} end as interval_days,
           coalesce(e.closing_reason = 'dropped_out', false) as dropped_out,
           opened.at as opened_on, closed.at as closed_on, e.closing_reason,
           coalesce(e.planned_dose, programme.planned_dose) as planned_dose,
           {_days("held.first_on - opened.at")} as waiting_days,
           {_days("held.days")} as treatment_days,
           {_days("closed.at - came.last_on")} as days_after_last,
           {_small("came.attended")} as attended,
           {_small("came.cancelled")} as cancelled,
           {_small("came.no_shows")} as no_shows, came.missed_last,
           {_small("forms.offered")} as forms_offered,
           {_small("forms.completed")} as forms_completed,
           {_small("forms.declined")} as forms_declined,
           {_small("forms.unable")} as forms_unable
      from episodes e
      join patients p on p.organisation_id = e.organisation_id and p.id = e.patient_id
      join lateral (
           select o.time_zone from organisation_settings o where o.organisation_id = e.organisation_id
            order by o.version desc limit 1) clock on true
      join lateral (select (e.opened_at at time zone clock.time_zone)::date as at) opened on true
      join lateral (select (e.closed_at at time zone clock.time_zone)::date as at) closed on true
      left join lateral (
           select pr.id, pr.planned_dose
             from episode_programmes ep
             join programmes pr on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
            where ep.organisation_id = e.organisation_id and ep.episode_id = e.id
            order by ep.position desc limit 1) programme on true
      left join lateral (
           select r.user_id from treatment_relations r
            where r.organisation_id = e.organisation_id and r.episode_id = e.id
            order by r.started_at, r.id limit 1) treats on true
      join lateral (
           select count(*) as dose, min((c.starts_at at time zone clock.time_zone)::date) as first_on,
                  max((c.starts_at at time zone clock.time_zone)::date)
                  - min((c.starts_at at time zone clock.time_zone)::date) as days,
                  mode() within group (order by c.therapist_id) as therapist_id
             from ({COUNTED_SESSIONS}) c) held on true
      join lateral (
           select count(*) filter (where s.came) as attended,
                  count(*) filter (where not s.came and s.stayed_away) as no_shows,
                  count(*) filter (where not s.came and not s.stayed_away) as cancelled,
                  max((s.starts_at at time zone clock.time_zone)::date) filter (where s.came) as last_on,
                  (array_agg(not s.came order by s.starts_at desc, s.id desc))[1] as missed_last
             from (select ts.id, ts.starts_at, bool_or(a.outcome = 'attended') as came,
                          bool_or(a.outcome = 'no_show') as stayed_away
                     from attendances a
                     join treatment_sessions ts
                       on ts.organisation_id = a.organisation_id and ts.id = a.treatment_session_id
                    where a.organisation_id = e.organisation_id and a.episode_id = e.id
                    group by ts.id, ts.starts_at) s) came on true
      join lateral (
           select count(*) as offered, count(*) filter (where f.state = 'completed') as completed,
                  count(*) filter (where f.state = 'declined') as declined,
                  count(*) filter (where f.state = 'unable') as unable
             from assignments f
            where f.organisation_id = e.organisation_id and f.episode_id = e.id) forms on true
     where e.organisation_id = %(organisation_id)s and e.id = any(%(episode_ids)s::uuid[])"""  # noqa: S608 - our own words


def _set(names: Collection[str], source: str) -> str:
    return ", ".join(f"{name} = {source}.{name}" for name in names)


def _differs(names: Sequence[str], one: str, other: str) -> str:
    """Give the condition that something has changed: what has not is not written again."""
    these, those = (", ".join(f"{row}.{name}" for name in names) for row in (one, other))
    return f"({these}) is distinct from ({those})"


_KEPT_OF_EPISODE: Final = tuple(name for name in _EPISODE if name not in _EPISODE_KEY)

_REFRESH = statement(
    f"""
    with worked_out as ({_WORKED_OUT}),
         kept as (
           insert into episode_summaries as s ({", ".join(_EPISODE)}) select {", ".join(_EPISODE)} from worked_out
           on conflict (organisation_id, episode_id) do update set {_set(_KEPT_OF_EPISODE, "excluded")}
            where {_differs(_KEPT_OF_EPISODE, "s", "excluded")})
    update measure_summaries m set {_set(_COMPARED, "w")}
      from worked_out w
     where m.organisation_id = w.organisation_id and m.episode_id = w.episode_id and {_differs(_COMPARED, "m", "w")}
    """  # noqa: S608 - the names of our own columns
)


def refresh_episodes(work: Work, entry: Entry, episode_ids: Collection[UUID]) -> Query[list[Any]]:
    """Make the statement that works out the summaries of episodes anew, and what their measures are compared by."""
    work.writes_with(entry)
    return Query(_REFRESH, {"organisation_id": work.scope.organisation_id, "episode_ids": uuids(episode_ids)}, list)


def measures_written(source: str, condition: str) -> str:
    """Give the statement that writes the rows of measures that a JSON parameter holds, as part of a larger one."""
    values = ", ".join(f"s.{name}" if name in _COMPARED else f"r.{name}" for name in _MEASURE)
    kept = tuple(name for name in _MEASURE if name not in _MEASURE_KEY)
    return f"""insert into measure_summaries as m ({", ".join(_MEASURE)})
           select {values}
             from jsonb_populate_recordset(null::measure_summaries, {source}) r
             join episode_summaries s on s.organisation_id = r.organisation_id and s.episode_id = r.episode_id
            where {condition}
           on conflict ({", ".join(_MEASURE_KEY)}) do update set {_set(kept, "excluded")}
            where {_differs(kept, "m", "excluded")}"""  # noqa: S608 - the names of our own columns


_NEXT = statement(
    """
    select id from episodes
     where organisation_id = %(organisation_id)s and id > %(after)s
     order by id limit %(limit)s
    """
)


def next_episodes(work: Work, after: UUID, limit: int) -> list[UUID]:
    """Give the next episodes of the organisation in the order of their ids."""
    parameters = {"organisation_id": work.scope.organisation_id, "after": after, "limit": limit}
    return [episode_id for (episode_id,) in work.ask(Query(_NEXT, parameters, list))]


_DIFFERING = statement(
    f"""
    select w.episode_id
      from ({_WORKED_OUT}) w
      left join episode_summaries s on s.organisation_id = w.organisation_id and s.episode_id = w.episode_id
     where s.episode_id is null or {_differs(_KEPT_OF_EPISODE, "s", "w")}
        or exists (select from measure_summaries m
                    where m.organisation_id = w.organisation_id and m.episode_id = w.episode_id
                      and {_differs(_COMPARED, "m", "w")})
    """  # noqa: S608 - the names of our own columns
)


def differing_episodes(work: Work, episode_ids: Collection[UUID]) -> list[UUID]:
    """Give those of the episodes whose kept summary is not what the record says."""
    parameters = {"organisation_id": work.scope.organisation_id, "episode_ids": uuids(episode_ids)}
    return [episode_id for (episode_id,) in work.ask(Query(_DIFFERING, parameters, list))]


_SCORED: Final = tuple(name for name in _MEASURE if name not in _COMPARED)

_KEPT_MEASURES = statement(
    f"""
    select {", ".join(_SCORED)}
      from measure_summaries
     where organisation_id = %(organisation_id)s and episode_id = any(%(episode_ids)s::uuid[])
    """  # noqa: S608 - the names of our own columns
)


def kept_measures(work: Work, episode_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Read what is kept of the measures of episodes, as far as it follows from scores."""
    parameters = {"organisation_id": work.scope.organisation_id, "episode_ids": uuids(episode_ids)}
    asked = Query(_KEPT_MEASURES, parameters, lambda rows: [dict(zip(_SCORED, row, strict=True)) for row in rows])
    return work.ask(asked)
