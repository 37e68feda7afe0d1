"""The same aggregates over the scores themselves: in plain SQL, and in polars where there is one."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.report.asking import REQUEST
from benchmarks.report.practice import Practice, criteria_of_measure

POLARS = "BENCH_POLARS"
"""The Python that has polars: it is no dependency of ours."""

_PERIOD = {"first": f"{REQUEST.period.first_year}-01-01", "end": f"{REQUEST.period.last_year + 1}-01-01"}
_PAIRS = """
    select e.service_id, count(*), avg(t.first), avg(t.last), avg(t.first - t.last),
           avg((t.first - t.last >= %(reliable)s)::int), sum((t.first - t.last >= %(reliable)s)::int)
      from (select a.episode_id, (array_agg(s.value order by a.completed_at))[1] as first,
                   (array_agg(s.value order by a.completed_at desc))[1] as last
              from administrations a
              join scores s on s.organisation_id = a.organisation_id and s.administration_id = a.id
                           and s.administration_version = a.version and s.subscale = 'total'
             where a.organisation_id = %(organisation)s and a.instrument = %(measure)s
               and a.superseded_at is null and a.state in ('final', 'amended')
             group by a.episode_id having count(*) > 1) t
      join episodes e on e.organisation_id = %(organisation)s and e.id = t.episode_id
     where e.closed_at at time zone 'Europe/Oslo' >= %(first)s and e.closed_at at time zone 'Europe/Oslo' < %(end)s
     group by 1 order by 1
"""
_OF_SUMMARIES = """
    select service_id, count(*), avg(baseline), avg(last), avg(baseline - last), avg((change = 1)::int),
           sum((change = 1)::int)
      from measure_summaries
     where organisation_id = %(organisation)s and measure = %(measure)s and rank = 0 and scores > 1 and dose > 1
       and closed_year between %(first_year)s and %(last_year)s
     group by 1 order by 1
"""


@dataclass(frozen=True, slots=True)
class InPolars:
    """What polars took, or why there is no figure."""

    version: str
    seconds: list[float]
    missing: str = ""


def in_sql(admin: psycopg.Connection, practice: Practice, rounds: int) -> list[float]:
    """Aggregate the scores by service so often; every answer has to be what the summaries say."""
    given = {**_given(practice), **_PERIOD}
    admin.execute("set work_mem = '512MB'")
    admin.execute("set jit = off")
    told = _rounded(admin.execute(_OF_SUMMARIES, given).fetchall())
    seconds = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        rows = admin.execute(_PAIRS, given).fetchall()
        seconds.append(time.perf_counter() - began)
        assert _rounded(rows) == told, "the summaries say what the scores say"
    return seconds[1:]


def in_polars(admin: psycopg.Connection, practice: Practice, folder: Path, rounds: int) -> InPolars:
    """Aggregate the same rows in polars, from a file of columns that was written before."""
    python = os.environ.get(POLARS)
    if python is None:
        return InPolars("", [], f"not measured: {POLARS} names no Python that has polars")
    given = {**_given(practice), **_PERIOD}
    told = admin.execute(_OF_SUMMARIES, given).fetchall()
    scores = folder / "scores.csv"
    with scores.open("wb") as file, admin.cursor() as cursor:
        for part in _copied(cursor, practice):
            file.write(part)
    program = Path(__file__).with_name("in_polars.py")
    ran = subprocess.run(
        [python, str(program), str(scores), str(rounds + 1), str(given["reliable"]), *_PERIOD.values()],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        return InPolars("", [], f"not measured: polars stopped with {ran.stderr.strip().splitlines()[-1]}")
    found = json.loads(ran.stdout)
    assert _rounded(found["rows"]) == _rounded(told), "polars finds what the summaries say"
    return InPolars(found["version"], found["seconds"][1:])


def _copied(cursor: psycopg.Cursor, practice: Practice) -> Any:
    rows = f"""copy (select e.service_id, a.episode_id, extract(epoch from a.completed_at)::bigint as at,
                            s.value as score, (e.closed_at at time zone 'Europe/Oslo')::date as closed
                       from administrations a
                       join scores s on s.organisation_id = a.organisation_id and s.administration_id = a.id
                                    and s.administration_version = a.version
                       join episodes e on e.organisation_id = a.organisation_id and e.id = a.episode_id
                      where a.organisation_id = '{practice.organisation_id}') to stdout (format csv, header)"""
    with cursor.copy(rows) as copy:
        yield from copy


def _given(practice: Practice) -> dict[str, Any]:
    return {
        "organisation": practice.organisation_id,
        "measure": REQUEST.measure,
        "reliable": criteria_of_measure().reliable_change,
        "first_year": REQUEST.period.first_year,
        "last_year": REQUEST.period.last_year,
    }


def _rounded(rows: list[Any]) -> list[list[Any]]:
    return [[str(service), *(round(float(each), 9) for each in figures)] for service, *figures in rows]
