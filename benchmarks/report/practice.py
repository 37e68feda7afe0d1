"""An organisation as large as a report is to bear, written past the service: the record, and the summaries of it.

Both are written from the same draws, each by statements of its own, and the service then says of a sample whether the
summaries are what it would have made of the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import numpy as np
import psycopg

from app.db.codes import OrganisationMode, ProgrammeFormat, Role
from app.db.ids import uuid7
from app.db.session import Access, Database
from app.scales.catalogue import instrument
from app.scales.change import ChangeCriteria
from app.services.organisations import add_service, add_user, found_organisation, founding_scope
from app.services.programmes import add_programme
from app.services.summaries import check
from benchmarks.report.drawn import FIRST_YEAR, MEASURE, draw, long, names

SERVICES, THERAPISTS, PROGRAMMES = 20, 400, 5
SAMPLE = 4_000
"""Episodes that the service checks. Only they have rows of sessions and attendances: nobody else reads them here."""

_ROWS_AT_ONCE = 200_000
_LEFT_OUT = (
    "administrations_id_idx",
    "administrations_organisation_id_series_id_idx",
    "administrations_of_episode_idx",
)


@dataclass(frozen=True, slots=True)
class Practice:
    """Who asks in it, and how large it is."""

    organisation_id: UUID
    service_id: UUID
    lead_id: UUID
    episodes: int
    administrations: int


def criteria_of_measure() -> ChangeCriteria:
    """Give cut-off and reliable change of the measure."""
    found = instrument(MEASURE)
    criteria = found.forms[0].subscale(found.main_subscale).criteria
    assert criteria is not None, "the measure has criteria of change"
    return criteria


def fill(database: Database, admin: psycopg.Connection, episodes: int, *, record: bool) -> Practice:
    """Found an organisation with so many closed episodes; their record is written only where it is asked for."""
    organisation_id = found_organisation(database, f"{episodes}", mode=OrganisationMode.DECISION_SUPPORT)
    with database.work(founding_scope(organisation_id), Access("bench", uuid7())) as work:
        services = [add_service(work, f"Service {number}") for number in range(SERVICES)]
        lead = add_user(work, services[0], Role.SERVICE_LEAD, "Lead")
        own = THERAPISTS // SERVICES
        users = [add_user(work, services[n // own], Role.THERAPIST, f"Therapist {n}") for n in range(THERAPISTS)]
        programmes = [add_programme(work, _programme(number)) for number in range(PROGRAMMES)]
        ids = {
            "organisation": organisation_id,
            "services": [each.id for each in services],
            "therapists": [each.id for each in users],
            "programmes": [each.id for each in programmes],
            "lead": lead.id,
        }
        service_id, lead_id = services[0].id, lead.id
    rng = np.random.default_rng(7)
    drawn, scores, days = draw(rng, criteria_of_measure(), episodes, SERVICES, THERAPISTS, PROGRAMMES)
    rows = long(drawn, scores, days)
    _copy(admin, "drawn_episodes", drawn)
    _write(admin, _SUMMARIES, ids)
    if record:
        _copy(admin, "drawn_scores", rows)
        indexes = _taken_away(admin)
        _write(admin, _RECORD, ids)
        for definition in indexes:
            admin.execute(definition)
    admin.execute("drop table if exists drawn_episodes, drawn_scores")
    return Practice(organisation_id, service_id, lead_id, episodes, len(rows))


def checked(database: Database, practice: Practice) -> tuple[int, int]:
    """Let the service check the first episodes; give how many it looked at, and how many differ."""
    parts = list(islice(check(database, practice.organisation_id), -(-min(SAMPLE, practice.episodes) // 500)))
    return sum(part.episodes for part in parts), sum(len(part.differing) for part in parts)


def _programme(number: int) -> dict[str, object]:
    return {
        "name": f"Programme {number}",
        "format": ProgrammeFormat.INDIVIDUAL,
        "counted_contact_types": ["individual"],
        "planned_dose": 12,
        "planned_interval_days": 7,
    }


def _copy(admin: psycopg.Connection, table: str, rows: np.ndarray) -> None:
    """Make a table of whole numbers, and copy rows into it in PostgreSQL's binary format."""
    columns = rows.dtype.names
    assert columns is not None, "the rows have named columns"
    admin.execute(f"create unlogged table {table} ({names(columns)})")
    with admin.cursor() as cursor, cursor.copy(f"copy {table} from stdin (format binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for part in _packed(rows, columns):
            copy.write(part)
        copy.write(b"\xff\xff")
    admin.execute(f"analyze {table}")


def _packed(rows: np.ndarray, columns: tuple[str, ...]) -> Iterator[bytes]:
    """Give rows as their number of columns, and each value behind its length."""
    layout = [("columns", ">i2")]
    for name in columns:
        layout += [(f"length_{name}", ">i4"), (name, ">i4")]
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        packed = np.empty(len(part), dtype=layout)
        packed["columns"] = len(columns)
        for name in columns:
            packed[f"length_{name}"], packed[name] = 4, part[name]
        yield packed.tobytes()


def _taken_away(admin: psycopg.Connection) -> list[str]:
    """Take away what would be kept for each row; give what makes it again."""
    found = admin.execute(
        "select indexname, indexdef from pg_indexes where indexname = any(%s)", [list(_LEFT_OUT)]
    ).fetchall()
    for name, _ in found:
        admin.execute(f"drop index {name}")
    return [definition for _, definition in found]


def _write(admin: psycopg.Connection, statements: tuple[str, ...], ids: dict[str, object]) -> None:
    with admin.transaction():
        # All that a row points at is written too, so that no foreign key need be looked up.
        admin.execute("set local session_replication_role = replica")
        for each in statements:
            admin.execute(each, {**ids, "measure": MEASURE, "sample": SAMPLE})


def _id(kind: int, number: str) -> str:
    """Make an id that follows from a number: rows of one episode lie together, as those made in time do."""
    return f"('{kind:08x}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


_PATIENT, _INFORMANT, _EPISODE, _SERIES = (_id(kind, "d.n") for kind in range(1, 5))
_SESSION, _ATTENDANCE, _ADMINISTRATION = (_id(kind, "d.n::bigint * 32 + s.i") for kind in range(5, 8))
_DAY_ZERO = f"date '{FIRST_YEAR}-01-01'"
_SCORES = "drawn_scores s join drawn_episodes d using (n)"


def _at(day: str, hour: int) -> str:
    return f"(({_DAY_ZERO} + {day}) + time '{hour:02}:00') at time zone 'UTC'"


_SERVICE = "(%(services)s::uuid[])[d.service + 1]"
_THERAPIST = "(%(therapists)s::uuid[])[d.therapist + 1]"
_PROGRAMME = "(%(programmes)s::uuid[])[d.programme + 1]"
_SEX = "(array['female', 'male'])[d.sex + 1]"
_LANGUAGE = "(array['nb', 'nn', 'en'])[d.language + 1]"
_AREAS = (
    "(array['{depression}', '{anxiety}', '{sleep}', '{depression,anxiety}', '{stress}', '{grief}']::text[])[d.area + 1]"
    "::text[]"
)
_REASON = (
    "case when d.held = 0 then 'not_started' when d.dropped_out = 1 then 'dropped_out'"
    " when d.n %% 9 = 0 then 'referred_on' else 'completed' end"
)
_BIRTH = "make_date(d.birth_year, 1 + d.n %% 12, 1)"
_LAST_DAY = "d.opened + d.waited + d.treated_days"

_RECORD = (
    f"""insert into patients (organisation_id, id, reference, birth_month, sex, language, registered_by, version)
        select %(organisation)s, {_PATIENT}, 'P-' || d.n, {_BIRTH}, {_SEX}, {_LANGUAGE}, %(lead)s, 1
          from drawn_episodes d order by d.n""",
    f"""insert into informants (organisation_id, id, patient_id, role, label, visibility, version)
        select %(organisation)s, {_INFORMANT}, {_PATIENT}, 'self', 'self', 'open', 1
          from drawn_episodes d order by d.n""",
    f"""insert into episodes (organisation_id, id, patient_id, service_id, opened_at, closed_at, closing_reason,
                              pathway, problem_areas, main_series_id, version)
        select %(organisation)s, {_EPISODE}, {_PATIENT}, {_SERVICE}, {_at("d.opened", 7)}, {_at("d.closed", 20)},
               {_REASON}, d.pathway, {_AREAS}, case when d.held > 0 then {_SERIES} end, 1
          from drawn_episodes d order by d.n""",
    f"""insert into episode_programmes (organisation_id, id, episode_id, programme_id, position, started_at, version)
        select %(organisation)s, {_id(9, "d.n")}, {_EPISODE}, {_PROGRAMME}, 1, {_at("d.opened", 7)}, 1
          from drawn_episodes d order by d.n""",
    f"""insert into treatment_relations (organisation_id, id, episode_id, user_id, started_at, version)
        select %(organisation)s, {_id(10, "d.n")}, {_EPISODE}, {_THERAPIST}, {_at("d.opened", 7)}, 1
          from drawn_episodes d order by d.n""",
    f"""insert into series (organisation_id, id, episode_id, instrument, instrument_version, form_family, informant_id)
        select %(organisation)s, {_SERIES}, {_EPISODE}, %(measure)s, '1', 'self', {_INFORMANT}
          from drawn_episodes d where d.held > 0 order by d.n""",
    f"""insert into treatment_sessions (organisation_id, id, service_id, therapist_id, starts_at, contact_type, mode,
                                        minutes, version)
        select %(organisation)s, {_SESSION}, {_SERVICE}, {_THERAPIST}, {_at("s.day", 9)}, 'individual', 'in_person',
               45, 1
          from {_SCORES} where d.n < %(sample)s""",
    f"""insert into treatment_sessions (organisation_id, id, service_id, therapist_id, starts_at, contact_type, mode,
                                        minutes, version)
        select %(organisation)s, {_id(8, "d.n")}, {_SERVICE}, {_THERAPIST}, {_at(f"{_LAST_DAY} + 7", 9)}, 'individual',
               'in_person', 45, 1
          from drawn_episodes d where d.n < %(sample)s and d.dropped_out = 1""",
    f"""insert into attendances (organisation_id, id, episode_id, treatment_session_id, informant_id, outcome, version)
        select %(organisation)s, {_ATTENDANCE}, {_EPISODE}, {_SESSION}, {_INFORMANT}, 'attended', 1
          from {_SCORES} where d.n < %(sample)s""",
    f"""insert into attendances (organisation_id, id, episode_id, treatment_session_id, informant_id, outcome, version)
        select %(organisation)s, {_id(11, "d.n")}, {_EPISODE}, {_id(8, "d.n")}, {_INFORMANT}, 'no_show', 1
          from drawn_episodes d where d.n < %(sample)s and d.dropped_out = 1""",
    f"""insert into administrations (organisation_id, id, version, episode_id, series_id, completed_at, received_at,
                                     author_id, instrument, instrument_version, form, state, item_states, answers,
                                     body_hash)
        select %(organisation)s, {_ADMINISTRATION}, 1, {_EPISODE}, {_SERIES}, {_at("s.day", 8)}, {_at("s.day", 8)},
               %(lead)s, %(measure)s, '1', 'self', 'final', 'aaaaaaaaa',
               array(select s.score / 9 + (item < s.score %% 9)::int from generate_series(0, 8) item)::smallint[],
               sha256(int8send(d.n::bigint * 32 + s.i))
          from {_SCORES}""",
    f"""insert into scores (organisation_id, administration_id, administration_version, subscale, value, missing,
                            prorated, is_case, band)
        select %(organisation)s, {_ADMINISTRATION}, 1, 'total', s.score, 0, false, s.score >= 10, 'b'
          from {_SCORES}""",
)

_COMPARED = f"""{_SERVICE} as service_id, {_PROGRAMME} as programme_id, {_THERAPIST} as therapist_id,
               extract(year from {_DAY_ZERO} + d.closed)::smallint as closed_year, d.pathway, {_SEX} as sex,
               extract(year from age({_DAY_ZERO} + d.opened, {_BIRTH}))::smallint as age_years,
               {_LANGUAGE} as language, {_AREAS} as problem_areas, d.held as dose,
               case when d.held > 1 then round(d.treated_days::numeric / (d.held - 1)) end as interval_days,
               d.dropped_out = 1 as dropped_out"""
_COMPARED_NAMES = (
    "service_id, programme_id, therapist_id, closed_year, pathway, sex, age_years, language, problem_areas, dose,"
    " interval_days, dropped_out"
)

# In the order in which episodes begin, as the service writes them: a year's lie together.
_SUMMARIES = (
    f"""insert into episode_summaries (organisation_id, episode_id, {_COMPARED_NAMES}, opened_on, closed_on,
               closing_reason, planned_dose, waiting_days, treatment_days, days_after_last, attended, cancelled,
               no_shows, missed_last, forms_offered, forms_completed, forms_declined, forms_unable)
        select %(organisation)s, {_EPISODE}, {_COMPARED}, {_DAY_ZERO} + d.opened, {_DAY_ZERO} + d.closed, {_REASON}, 12,
               case when d.held > 0 then d.waited end, case when d.held > 0 then d.treated_days end,
               case when d.held > 0 then d.closed - ({_LAST_DAY}) end, d.held, 0, d.dropped_out,
               case when d.held > 0 then d.dropped_out = 1 end, 0, 0, 0, 0
          from drawn_episodes d order by d.opened, d.n""",
    f"""insert into measure_summaries (organisation_id, episode_id, measure, form_family, informant_id,
               {_COMPARED_NAMES}, role, rank, scores, measured_sessions, baseline, case_at_start, last, last_dose,
               last_days, change, case_at_end, first_improved_dose)
        select %(organisation)s, {_EPISODE}, %(measure)s, 'self', {_INFORMANT}, {_COMPARED}, 'self', 0, d.held, d.held,
               d.first, d.first >= 10,
               case when d.held > 1 then d.last end, case when d.held > 1 then d.held - 1 end,
               case when d.held > 1 then d.treated_days end,
               case when d.held > 1 then (d.first - d.last >= 6)::int - (d.last - d.first >= 6)::int end,
               case when d.held > 1 then d.last >= 10 end,
               case when d.improved_at > 0 then d.improved_at end
          from drawn_episodes d where d.held > 0 order by d.opened, d.n""",
    """insert into summary_years (organisation_id, closed_year, changes)
       select organisation_id, closed_year, 1 from episode_summaries where organisation_id = %(organisation)s
        group by 1, 2""",
)
