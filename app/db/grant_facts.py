"""The counts of the grant report, from the raw record.

This is a place that reads everybody's rows and not only those within the caller's reach: a lead sees aggregates, not
persons. So no statement here gives a row of a patient, an episode or a form: each ends in a grouping, and what leaves
this module is a count. Small counts are hidden by whoever shows them (`app/reports/grant.py`). Like every statement on
patients, these name their organisation at each table; row-level security stands beneath them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.db.codes import AnsweringMode, ClosingReason, ContactMode, ContactType, ReferralSource, ReferredTo
from app.db.pipeline import Rows, statement
from app.db.session import Query, Work
from app.reports.grant_facts import NOT_RECORDED, Events, GrantFacts, Outcomes
from app.scales.change import Better
from app.scales.instrument import Instrument

_COUNTED = f"{{{ContactType.INDIVIDUAL},{ContactType.GROUP},{ContactType.PARENTS}}}"
"""What counts as dose where no programme says so, as in app/db/episode_records.py."""

_USED = "a.superseded_at is null and a.state in ('final', 'amended')"


@dataclass(frozen=True, slots=True)
class Reported:
    """What is reported on: a service, or all of them, from a moment on and before another, in the local calendar."""

    service_id: UUID | None
    since: datetime
    until: datetime
    zone: ZoneInfo


def _chosen(column: str) -> str:
    return f"""
        chosen as (
        select e.id, e.opened_at, e.closed_at, e.closing_reason, e.problem_areas, e.main_series_id,
               coalesce(e.referral_source, '{NOT_RECORDED}') as source,
               case when e.referred_to is not null or e.closing_reason = '{ClosingReason.REFERRED_ON}'
                    then coalesce(e.referred_to, '{NOT_RECORDED}') end as referred_on
          from episodes e
         where e.organisation_id = %(organisation_id)s
           and e.{column} >= %(since)s::timestamptz and e.{column} < %(until)s::timestamptz
           and (%(service_id)s::uuid is null or e.service_id = %(service_id)s::uuid))"""  # noqa: S608 - our own words


# What counts is the session's programme's to say, else that of the programme that the episode was in at the time.
_TYPES = """
          left join programmes own on own.organisation_id = s.organisation_id and own.id = s.programme_id
          left join lateral (
               select pr.counted_contact_types
                 from episode_programmes ep
                 join programmes pr on pr.organisation_id = ep.organisation_id and pr.id = ep.programme_id
                where ep.organisation_id = t.organisation_id and ep.episode_id = t.episode_id
                  and ep.started_at <= s.starts_at
                order by ep.position desc limit 1) present on true"""
_COUNTS = (
    "s.contact_type = any(coalesce(own.counted_contact_types, present.counted_contact_types, %(counted)s::text[]))"
)
# Looked up episode by episode: a plan that is made without knowing the values takes the chosen ones for a single row,
# and would otherwise go through all their sessions once for each of them.
_SESSIONS = f"""
     cross join lateral (
           select min(k.starts_at) as at, array_agg(k.starts_at) as starts, array_agg(k.id) as sessions
             from (select distinct s.id, s.starts_at
                     from attendances t
                     join treatment_sessions s
                       on s.organisation_id = t.organisation_id and s.id = t.treatment_session_id
                     {_TYPES}
                    where t.organisation_id = %(organisation_id)s and t.episode_id = c.id and t.outcome = 'attended'
                      and {_COUNTS}) k) b"""  # noqa: S608 - our own words

_OPENED = statement(
    f"""
    with {_chosen("opened_at")}
    select c.source,
           greatest(0, (b.at at time zone %(zone)s::text)::date
                       - (c.opened_at at time zone %(zone)s::text)::date) as days,
           b.at is not null as has_begun, count(*)
      from chosen c {_SESSIONS}
     group by 1, 2, 3
    """  # noqa: S608 - our own words
)

_ENDED = statement(
    f"""
    with {_chosen("closed_at")},
         looked_at as (
         select c.closing_reason, c.referred_on,
                b.at is not null as helped,
                exists (select from administrations a
                         where a.organisation_id = %(organisation_id)s and a.episode_id = c.id and {_USED}
                           and exists (select from scores v
                                        where v.organisation_id = a.organisation_id and v.administration_id = a.id
                                          and v.administration_version = a.version and v.value is not null)
                           and a.series_id is not null
                         group by a.series_id having count(*) >= 2) as measured_twice,
                exists (select from reviews r
                         where r.organisation_id = %(organisation_id)s and r.episode_id = c.id and r.with_patient
                       ) as discussed,
                exists (select from goals g
                         where g.organisation_id = %(organisation_id)s and g.episode_id = c.id) as with_goals,
                (exists (select from attendances t
                           join informants i on i.organisation_id = t.organisation_id and i.id = t.informant_id
                          where t.organisation_id = %(organisation_id)s and t.episode_id = c.id
                            and t.outcome = 'attended' and i.role = 'parent')
                 or exists (select from administrations a
                              join series m on m.organisation_id = a.organisation_id and m.id = a.series_id
                              join informants i on i.organisation_id = m.organisation_id and i.id = m.informant_id
                             where a.organisation_id = %(organisation_id)s and a.episode_id = c.id and {_USED}
                               and i.role = 'parent')) as with_next_of_kin
           from chosen c {_SESSIONS})
    select closing_reason, referred_on, helped, measured_twice, discussed, with_goals, with_next_of_kin, count(*)
      from looked_at group by 1, 2, 3, 4, 5, 6, 7
    """  # noqa: S608 - our own words
)

_GOALS = statement(
    f"""
    with {_chosen("closed_at")}
    select count(*), count(distinct g.episode_id),
           count(g.ended_at), count(distinct g.episode_id) filter (where g.ended_at is not null),
           count(g.reached), count(distinct g.episode_id) filter (where g.reached is not null),
           count(*) filter (where g.reached), count(distinct g.episode_id) filter (where g.reached)
      from goals g where g.organisation_id = %(organisation_id)s and g.episode_id in (select id from chosen)
    """  # noqa: S608 - our own words
)

_HELD = statement(
    f"""
    with held as (
         select t.episode_id, (t.episode_id, s.id) as session, coalesce(t.mode, s.mode) as mode, {_COUNTS} as counts,
                exists (select from administrations a
                         where a.organisation_id = t.organisation_id and a.episode_id = t.episode_id and {_USED}
                           and (a.treatment_session_id = s.id
                                or (a.completed_at at time zone %(zone)s::text)::date
                                   = (s.starts_at at time zone %(zone)s::text)::date)) as measured
           from treatment_sessions s
           join attendances t on t.organisation_id = s.organisation_id and t.treatment_session_id = s.id
          {_TYPES}
          where s.organisation_id = %(organisation_id)s and t.outcome = 'attended'
            and s.starts_at >= %(since)s::timestamptz and s.starts_at < %(until)s::timestamptz
            and (%(service_id)s::uuid is null or s.service_id = %(service_id)s::uuid))
    select mode, grouping(mode), count(distinct session), count(distinct episode_id),
           count(distinct session) filter (where counts), count(distinct episode_id) filter (where counts),
           count(distinct session) filter (where counts and measured),
           count(distinct episode_id) filter (where counts and measured)
      from held group by grouping sets ((mode), ())
    """  # noqa: S608 - our own words
)

_SERVICE = "(%(service_id)s::uuid is null or e.service_id = %(service_id)s::uuid)"


def _within(column: str) -> str:
    return f"{column} >= %(since)s::timestamptz and {column} < %(until)s::timestamptz and {_SERVICE}"


_FORMS = statement(
    f"""
    select coalesce(a.mode, '{NOT_RECORDED}'), count(*), count(distinct e.id)
      from administrations a
      join episodes e on e.organisation_id = a.organisation_id and e.id = a.episode_id
     where a.organisation_id = %(organisation_id)s and {_USED} and {_within("a.completed_at")}
     group by 1
    """  # noqa: S608 - our own words
)
_REVIEWS = statement(
    f"""
    select count(*), count(distinct e.id),
           count(*) filter (where r.with_patient), count(distinct e.id) filter (where r.with_patient)
      from reviews r
      join episodes e on e.organisation_id = r.organisation_id and e.id = r.episode_id
     where r.organisation_id = %(organisation_id)s and {_within("r.reviewed_at")}
    """  # noqa: S608 - our own words
)
_BEGUN = statement(
    f"""
    select ep.programme_id, count(distinct e.id)
      from episode_programmes ep
      join episodes e on e.organisation_id = ep.organisation_id and e.id = ep.episode_id
     where ep.organisation_id = %(organisation_id)s and {_within("ep.started_at")}
     group by 1
    """  # noqa: S608 - our own words
)

# Dose, baseline and end of treatment as app/trajectories/series.py and app/db/episode_records.py have them; the tests
# hold the two against each other.
_OUTCOMES = statement(
    f"""
    with {_chosen("closed_at")},
         scored as materialized (
         select c.id, c.problem_areas, a.completed_at, v.value, r.reliable, r.sign, b.at as began_at,
                (select count(*) from unnest(b.starts) start
                  where start < case when coalesce(a.timing, 'between') = 'between' then a.completed_at
                                     else coalesce(linked.starts_at, a.completed_at) end)
                + (coalesce(a.timing, '') = 'after' and coalesce(a.treatment_session_id = any(b.sessions), false)
                  )::int as dose,
                least(c.closed_at, (select case when bool_and(ep.ended_at is not null) then max(ep.ended_at) end
                                      from episode_programmes ep
                                     where ep.organisation_id = %(organisation_id)s and ep.episode_id = c.id)
                ) as treated_until
           from chosen c {_SESSIONS}
           join series m on m.organisation_id = %(organisation_id)s and m.id = c.main_series_id
           join jsonb_to_recordset(%(criteria)s::jsonb)
                as r(instrument text, form_family text, subscale text, reliable float8, sign int)
             on r.instrument = m.instrument and r.form_family = m.form_family
           join administrations a on a.organisation_id = m.organisation_id and a.series_id = m.id and {_USED}
           join scores v on v.organisation_id = a.organisation_id and v.administration_id = a.id
                        and v.administration_version = a.version and v.subscale = r.subscale
           left join treatment_sessions linked
             on linked.organisation_id = a.organisation_id and linked.id = a.treatment_session_id
          where b.at is not null and v.value is not null and a.completed_at is not null),
         placed as (
         select *, dose = 0 and completed_at >= began_at - interval '28 days' as before_treatment from scored),
         held as (
         select *, first_value(value) over first as first, first_value(completed_at) over first as first_at
           from placed
         window first as (
                partition by id
                order by case when before_treatment then 0 when dose <= 1 then 1 else 2 end,
                         case when before_treatment then began_at - completed_at else completed_at - began_at end)),
         changed as (
         select distinct on (id) problem_areas, sign * (value - first) as improvement, reliable
           from held where dose >= 1 and completed_at > first_at and completed_at <= treated_until
          order by id, completed_at desc),
         told as (
         select problem_areas, true as ended, null::float8 as improvement, null::float8 as reliable from chosen
          union all
         select problem_areas, false, improvement, reliable from changed)
    select min(area.words), count(*) filter (where ended), count(*) filter (where not ended),
           count(*) filter (where improvement >= reliable), count(*) filter (where -improvement >= reliable)
      from told
     cross join lateral (select null as name, null as words
                          union all
                         select lower(btrim(each)), min(btrim(each))
                           from unnest(told.problem_areas) each group by 1) area
     group by area.name
    """  # noqa: S608 - our own words
)


def counted_facts(work: Work, reported: Reported, instruments: Iterable[Instrument]) -> GrantFacts:
    """Count what the grant report tells; programmes and own words are not counts, and are left empty.

    `instruments` are those whose change can be judged; a main measure without a published reliable change pairs nobody.
    """
    parameters = _parameters(work, reported) | {"criteria": json.dumps(list(_criteria(instruments)))}

    def ask(sql: Any, read: Callable[[Rows], Any] = list) -> Query[Any]:
        return Query(sql, {name: parameters[name] for name in sql.parameters}, read)

    opened, ended, goals, held, forms, reviews, outcomes = work.ask_all(
        *map(ask, (_OPENED, _ENDED, _GOALS, _HELD, _FORMS, _REVIEWS)), ask(_OUTCOMES, _outcomes)
    )
    received = _by_code(ReferralSource, ((source, count) for source, _, _, count in opened))
    days: Counter[int] = Counter()
    for _, waited, has_begun, count in opened:
        if has_begun:
            days[waited] += count
    by_mode = {mode: Events(count, episodes) for mode, together, count, episodes, *_ in held if not together}
    [session_counts] = [row[4:] for row in held if row[1]]
    sessions, sessions_measured = _pairs(session_counts)
    goals_set, goals_ended, goals_judged, goals_reached = _pairs(goals[0])
    reviewed, reviewed_with_patient = _pairs(reviews[0])
    answered = {mode: Events(count, episodes) for mode, count, episodes in forms}
    return GrantFacts(
        received=received,
        without_referral=received[ReferralSource.SELF] + received[ReferralSource.PARENT_OR_GUARDIAN],
        first_session_days=days,
        endings={reason: sum(row[-1] for row in ended if row[0] == reason) for reason in ClosingReason},
        referred_on=_by_code(ReferredTo, ((to, count) for _, to, *_, count in ended if to is not None)),
        helped=_of_helped(ended),
        measured_twice=_of_helped(ended, _MEASURED_TWICE),
        discussed=_of_helped(ended, _DISCUSSED),
        with_goals=_of_helped(ended, _WITH_GOALS),
        with_next_of_kin=_of_helped(ended, _WITH_NEXT_OF_KIN),
        goals_set=goals_set,
        goals_ended=goals_ended,
        goals_judged=goals_judged,
        goals_reached=goals_reached,
        sessions=sessions,
        sessions_measured=sessions_measured,
        sessions_by_mode={mode: by_mode.get(mode, Events()) for mode in ContactMode},
        forms_by_mode={mode: answered.get(mode, Events()) for mode in (*AnsweringMode, NOT_RECORDED)},
        reviews=reviewed,
        reviews_with_patient=reviewed_with_patient,
        outcomes=outcomes.pop(None, Outcomes()),
        outcomes_by_area=outcomes,
    )


def programmes_begun(work: Work, reported: Reported) -> dict[UUID, int]:
    """Count, by programme, the episodes in which it was begun."""
    parameters = _parameters(work, reported)
    return work.ask(Query(_BEGUN, {name: parameters[name] for name in _BEGUN.parameters}, dict))


def _parameters(work: Work, reported: Reported) -> dict[str, Any]:
    return {
        "organisation_id": work.scope.organisation_id,
        "service_id": reported.service_id,
        "since": reported.since,
        "until": reported.until,
        "zone": reported.zone.key,
        "counted": _COUNTED,
    }


def _criteria(instruments: Iterable[Instrument]) -> Iterable[dict[str, Any]]:
    """Give, by instrument and form family, the score that is followed and how much of it is a reliable change."""
    for instrument in instruments:
        for form in instrument.forms:
            criteria = form.subscale(instrument.main_subscale).criteria
            if criteria is None or criteria.reliable_change is None:
                continue
            if instrument.for_change and form.key == form.family:
                yield {
                    "instrument": instrument.key,
                    "form_family": form.family,
                    "subscale": instrument.main_subscale,
                    "reliable": criteria.reliable_change,
                    "sign": -1 if criteria.better is Better.LOWER else 1,
                }


def _outcomes(rows: Rows) -> dict[str | None, Outcomes]:
    return {area: Outcomes(*counts) for area, *counts in rows}


def _by_code(codes: type[StrEnum], counted: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """Sum counts by code: all there are, in their order, and what was not recorded."""
    found = dict.fromkeys([*map(str, codes), NOT_RECORDED], 0)
    for code, count in counted:
        found[code] += count
    return found


def _pairs(counts: Sequence[int]) -> Iterable[Events]:
    """Read times and episodes that stand side by side."""
    return map(Events, counts[::2], counts[1::2])


_HELPED, _MEASURED_TWICE, _DISCUSSED, _WITH_GOALS, _WITH_NEXT_OF_KIN = range(2, 7)
"""Where in the rows of `_ENDED` it is said."""


def _of_helped(ended: Rows, also: int = _HELPED) -> int:
    """Count the episodes with at least one counted session of which something else is true too."""
    return sum(row[-1] for row in ended if row[_HELPED] and row[also])
