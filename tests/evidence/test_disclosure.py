"""Somebody asks for thousands of reports and bounds counts by all that they tell: none from 1 to 7 follows.

As `tests/services/test_report_attack.py`, whose attacker this is, with more services, periods that begin before the
record or end after it, therapists' own reports, and files; and with more that bounds a count than its rounding:

- a mean with one decimal is not that of just any number of whole scores;
- limits in whole per cent around what is expected of a service are narrower, the more it helped;
- so are the intervals of therapists, which share two unknown variances;
- a share in whole per cent is a fraction of few numbers, and the reach of its interval tells of how many it is.

The last three are therefore made from the rounded counts, which is what is tried here.
"""

from __future__ import annotations

import csv
import io
import logging
import math
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg
import pytest
from fastapi.testclient import TestClient
from scipy.optimize import linprog

from app.charts.reports import charted_tables, report_chart
from app.db.codes import Role
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.ids import uuid7
from app.db.models import EpisodeSummary, MeasureSummary
from app.db.session import Access, Database, Scope, Work
from app.reports.cohort import Dimension, Period
from app.reports.document import Cell, Report, Table
from app.reports.rounding import rounded_report
from app.services.organisations import add_service, founding_scope
from app.services.report_csv import report_csv
from app.services.report_request import ReportRequest
from app.services.report_xlsx import report_xlsx
from app.services.reports import own_report
from app.trajectories.sampling_error import wilson_ends
from tests.factories import Clinic, make_clinic, make_programme, ok
from tests.services.test_report_attack import (
    MEASURES,
    PARTS_OF,
    THRESHOLD,
    YEARS,
    Bounds,
    Organisation,
    Reader,
    Told,
    asked,
    fill,
    learnt_by_subtraction,
    learnt_from_what_is_left,
    values_named,
)

logger = logging.getLogger("evidence")

REPORTS: Final = int(os.environ.get("REPORTS", "60"))
"""`make evidence` asks for at least 2,000, of more services; fewer are a quick look."""

SERVICES: Final = 2 if REPORTS < 1000 else 8
PERIODS: Final = (
    *(Period(year, years) for years in (1, 3) for year in YEARS),
    *(Period(YEARS[-1] + after, 3) for after in (1, 2)),
)
"""Each year, and each three years that hold one of them, also where they begin before the record or end after it."""
AXES: Final = ("services", "years", "value", "parts")
_MORE: Final = "shares that tell more than their rounded counts"
_NARROWED: Final = "bounds that {} narrowed"
_BY: Final = ("means", "limits", "therapists' intervals")
_IN_WHOLE: Final = 0.005 + 1e-9
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def organisation(server: EmbeddedServer, database: Database, client: TestClient) -> Iterator[Organisation]:
    clinic = make_clinic(database, client)
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
        for number in range(SERVICES - 2):
            add_service(work, f"Service {number}")
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        of_all = "select id from services where organisation_id = %s order by name"
        services = [row[0] for row in connection.execute(of_all, [clinic.organisation_id])]
        fill(connection, clinic, services, [UUID(make_programme(clinic, "individual")["id"]) for _ in range(2)])
    yield Organisation(clinic, tuple(map(str, services)))
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        for table in (MeasureSummary, EpisodeSummary):
            delete = f"delete from {table.__tablename__} where organisation_id = %s"
            connection.execute(delete.encode(), [clinic.organisation_id])


# ---- What is asked


def requests_of(work: Work, organisation: Organisation) -> Iterator[tuple[ReportRequest, Report]]:
    """Ask for all plain reports first, and then for each value that their tables name."""
    plain = [
        ReportRequest(period, measure, service)
        for service in (None, *map(UUID, organisation.services))
        for period in PERIODS
        for measure in MEASURES
    ]
    named: list[ReportRequest] = []
    for request in plain:
        report = asked(work, request)
        yield request, report
        named += [replace(request, dimension=dimension, value=value) for dimension, value in values_named(report)]
    for request in named:
        yield request, asked(work, request)


def own_reports(database: Database, clinic: Clinic) -> Iterator[tuple[ReportRequest, Report]]:
    for name in ("therapist", "colleague", "locum"):
        scope = Scope(clinic.organisation_id, clinic.staff[name], Role.THERAPIST, clinic.service_id)
        with database.work(scope, Access("test", uuid7())) as work:
            for period in PERIODS:
                for measure in MEASURES:
                    value = str(clinic.staff[name])
                    request = ReportRequest(period, measure, dimension=Dimension.THERAPIST, value=value)
                    yield request, rounded_report(own_report(work, period, measure, threshold=THRESHOLD))


# ---- What is told, and what it bounds


@dataclass
class Knowledge:
    """All that somebody who has every report knows: counts, and between what each of them lies for another reason."""

    told: dict[tuple[Any, ...], Told] = field(default_factory=dict)
    low: dict[tuple[Any, ...], int] = field(default_factory=dict)
    high: dict[tuple[Any, ...], int] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys((_MORE, *map(_NARROWED.format, _BY)), 0)))
    odd: list[str] = field(default_factory=list)

    def add(self, reader: Reader, report: Report) -> None:
        self.found["reports"] += 1
        for each in reader.told(report):
            self.found["counts"] += 1
            known = self.told.setdefault(each.key, each)
            if known.count != each.count:
                self.odd.append(f"told twice, and differently: {known.where} {known.count}, {each.where} {each.count}")
        for table in (table for section in report.sections for table in section.tables):
            self._intervals(table)
            if table.key == "effect":
                self._by_means(reader, table)
            elif table.key == "funnel":
                self._by_limits(reader, table)
            elif table.key == "therapists":
                self._by_therapists(reader, table)

    def _intervals(self, table: Table) -> None:
        """Every share of persons is one of rounded counts, and its interval theirs, but for what a model says."""
        for row in table.rows:
            for column, cell in zip(table.columns, row.cells, strict=True):
                if cell.of is None or not isinstance(cell.value, float) or table.key in ("published", "therapists"):
                    continue
                if column.key == "modelled" or column.kind.value != "share":
                    continue
                self.found["shares"] += 1
                if not is_of_rounded(cell):
                    self.found[_MORE] += 1
                    self.odd.append(f"{table.key}/{row.key}/{column.key}: {cell}")

    def _keys(self, reader: Reader, table: Table, row: str, parts: str) -> tuple[Any, ...]:
        about = reader.about(table.key, row)
        return Told(**about, measure=reader.request.measure, parts=PARTS_OF[parts], count=0, where="").key

    def _bound(self, key: tuple[Any, ...], low: float, high: float, by: str) -> None:
        if key not in self.told:
            return
        count = self.told[key].count
        before = max(self.low.get(key, count - 2), THRESHOLD), self.high.get(key, count + 2)
        self.low[key], self.high[key] = max(before[0], math.ceil(low)), min(before[1], math.floor(high))
        if self.low[key] > self.high[key]:
            self.odd.append(f"nothing is left of {count} by {by}")
        if (self.low[key], self.high[key]) != before:
            self.found[_NARROWED.format(by)] += 1

    def _by_means(self, reader: Reader, table: Table) -> None:
        """A mean of n whole scores is a whole number of n-ths."""
        cells = cells_of(table, "pre_post")
        if any(cells[each].withheld is not None for each in ("count", "mean_before", "mean_after")):
            return
        count, means = int(number(cells["count"])), [number(cells[each]) for each in ("mean_before", "mean_after")]
        fitting = [
            n
            for n in range(max(THRESHOLD, count - 2), count + 3)
            if all(abs(round(mean * n) / n - mean) <= 0.05 + 1e-9 for mean in means)
        ]
        key = self._keys(reader, table, "pre_post", "paired")
        self._bound(key, min(fitting, default=0), max(fitting, default=0), "means")

    def _by_limits(self, reader: Reader, table: Table) -> None:
        """The reach of limits is z g sqrt(V) / n, and V at most n p (1 - p): so many there are at the most."""
        phi = [float(note.evidence["phi"]) for note in table.notes if note.code == "over_dispersion"]
        for row in table.rows:
            cells = cells_of(table, row.key)
            if any(cells[each].withheld is not None for each in ("count", "expected", "lower_95", "upper_998")):
                continue
            expected = number(cells["expected"])
            p = min(max(0.5, expected - 0.005), expected + 0.005)
            for ends, z in ((("lower_95", "upper_95"), 1.96), (("lower_998", "upper_998"), 3.09)):
                low, high = (number(cells[each]) for each in ends)
                if low > 0.0 and high < 1.0:
                    reach = max((high - low - 0.01) / 2, 1e-6)
                    most = z**2 * (phi[0] + 0.005 if phi else 1.0) * p * (1 - p) / reach**2
                    # They are meant to be those of the rounded count: more they would tell if they were narrower.
                    if most < number(cells["count"]):
                        self._bound(self._keys(reader, table, row.key, "paired"), 0, most, "limits")

    def _by_therapists(self, reader: Reader, table: Table) -> None:
        """1 / reach^2 is (1 + r n) / (z^2 s^2 r), with one unknown r and s^2 for all of them: a linear programme."""
        rows = [row for row in table.rows if all(each.withheld is None for each in row.cells)]
        if len(rows) < 2:
            return
        counts = [int(number(row.cells[0])) for row in rows]
        reaches = [((row.cells[1].high or 0.0) - (row.cells[1].low or 0.0)) / 2 for row in rows]
        for place, row in enumerate(rows):
            least, most = (possible(counts, reaches, place, sign) for sign in (1, -1))
            if least is not None and most is not None:
                key = self._keys(reader, table, row.key, "paired")
                self._bound(key, least - 1e-6, most + 1e-6, "therapists' intervals")

    def bounds(self) -> Bounds:
        """Put all of it together."""
        found = Bounds.of(list(self.told.values()))
        for place, each in enumerate(found.told):
            found.low[place] = max(found.low[place], self.low.get(each.key, 0))
            found.high[place] = min(found.high[place], self.high.get(each.key, found.high[place]))
        return found.tightened()


def cells_of(table: Table, key: str) -> dict[str, Cell]:
    [row] = [row for row in table.rows if row.key == key]
    return {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}


def number(cell: Cell) -> float:
    assert isinstance(cell.value, int | float)
    return float(cell.value)


def is_of_rounded(cell: Cell) -> bool:
    """Tell whether a share is one of multiples of five, and its interval Wilson's of some such number of persons.

    Both may be told in whole per cent. The number is that of the share where everybody was followed to the end.
    """
    share, of = number(cell), int(cell.of or 0)
    counts, worth = np.arange(0, of + 1, 5), np.arange(5, of + 1, 5)
    shares = counts[np.abs(counts / max(of, 1) - share) <= _IN_WHOLE] / max(of, 1)
    if of % 5 or not shares.size or cell.low is None or cell.high is None:
        return of % 5 == 0 and shares.size > 0
    low, high = wilson_ends(shares[:, None] * worth, worth)
    return bool(((np.abs(low - cell.low) <= _IN_WHOLE) & (np.abs(high - cell.high) <= _IN_WHOLE)).any())


def possible(counts: list[int], reaches: list[float], place: int, sign: int) -> float | None:
    """Give the smallest (1) or largest (-1) number that a therapist can have had: variables a, s, n_1, n_2, ..."""
    known = len(counts)
    rows, limits = [], []
    for each, reach in enumerate(reaches):
        for end, direction in ((reach + 0.05, -1.0), (max(reach - 0.05, 1e-3), 1.0)):
            row = np.zeros(known + 2)
            row[0], row[1], row[each + 2] = direction, -direction / end**2, direction
            rows.append(row)
            limits.append(0.0)
    within = [(0, None), (0, None), *((max(THRESHOLD, count - 2), count + 2) for count in counts)]
    aim = np.zeros(known + 2)
    aim[place + 2] = sign
    found = linprog(aim, A_ub=np.array(rows), b_ub=limits, bounds=within)
    return sign * float(found.fun or 0.0) if found.success else None


# ---- Files and charts


def numbers_in(report: Report) -> set[float]:
    rows = (row for section in report.sections for table in section.tables for row in table.rows)
    found = set[float]()
    for cell in (cell for row in rows for cell in row.cells):
        for each in (cell.value, cell.low, cell.high, cell.of):
            if isinstance(each, int | float):
                found.add(round(float(each), 9))
    return found


def numbers_in_csv(content: bytes) -> set[float]:
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    return {
        round(float(line[name]), 9)
        for line in lines
        for name in ("value", "low", "high", "of")
        if is_number(line[name])
    }


def numbers_in_xlsx(content: bytes) -> set[float]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        sheets = [file.read(name).decode() for name in file.namelist() if name.startswith("xl/worksheets/")]
    cells = re.compile(r"<c (?![^>]*t=\"s\")[^>]*><v>([^<]+)</v>")
    return {round(float(each), 9) for sheet in sheets for each in cells.findall(sheet)}


def is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?[\d.]+(e-?\d+)?", text))


def ask_for_files(clinic: Clinic, request: ReportRequest, report: Report) -> int:
    """Ask the interface for the same, as data, as files and as its charts: nothing else is in any of them."""
    query = {
        "year": request.period.last_year,
        "years": request.period.years,
        "measure": request.measure,
        **({"service_id": str(request.service_id)} if request.service_id else {}),
        **({"dimension": request.dimension, "value": request.value} if request.dimension else {}),
    }
    told = numbers_in(report)
    for media_type, read in (("text/csv", numbers_in_csv), (XLSX, numbers_in_xlsx)):
        answer = clinic.administrator.get("/v1/reports/outcomes", params=query, headers={"Accept": media_type})
        assert answer.status_code == 200, answer.text
        assert read(answer.content) <= told
    charts = charted_tables(report)
    for table in charts:
        path = f"/v1/reports/outcomes/charts/{table.key}"
        headers = {"Accept": "application/vnd.vegalite.v6+json", "Accept-Language": "en"}
        assert ok(clinic.administrator.get(path, params=query, headers=headers)) == report_chart(table, "en")
    return 2 + len(charts)


def test_thousands_of_reports_tell_no_count_from_1_to_7(organisation: Organisation, database: Database) -> None:
    clinic, knowledge, files = organisation.clinic, Knowledge(), 0
    scope = Scope(clinic.organisation_id, clinic.staff["administrator"], Role.ADMINISTRATOR, clinic.service_id)
    sample: list[tuple[ReportRequest, Report]] = []
    with database.work(scope, Access("test", uuid7())) as work:
        for request, report in requests_of(work, organisation):
            knowledge.add(Reader(organisation.services, request), report)
            told = numbers_in(report)
            assert numbers_in_csv(report_csv(report, "en")) <= told
            if knowledge.found["reports"] % 10 == 0:
                assert numbers_in_xlsx(report_xlsx(report, "en", day=work.now.date())) <= told
            if knowledge.found["reports"] % 40 == 0:
                sample.append((request, report))
            if REPORTS < 1000 and knowledge.found["reports"] >= REPORTS:
                break
    for request, report in own_reports(database, clinic):
        knowledge.add(Reader(organisation.services, request), report)
    for request, report in sample:
        files += ask_for_files(clinic, request, report)
    assert knowledge.found["reports"] >= REPORTS
    learnt = learnt_from(knowledge)
    show(knowledge, learnt, files)
    assert knowledge.odd[:3] == []
    assert learnt.total() == 0
    assert knowledge.found[_MORE] == 0


def learnt_from(knowledge: Knowledge) -> Counter[str]:
    bounds = knowledge.bounds()
    learnt = Counter({"by subtracting one from another": len(learnt_by_subtraction(bounds))})
    for axis in AXES:
        learnt[f"by subtracting all told parts from a total, by {axis}"] = len(learnt_from_what_is_left(bounds, axis))
    sure = (bounds.low == bounds.high) & (bounds.low > 0)
    knowledge.found["counts known exactly (all of 8 or more)"] = int(sure.sum())
    learnt["as such"] = int(((bounds.high > 0) & (bounds.high < THRESHOLD)).sum())
    count = np.array([each.count for each in bounds.told])
    exact = learnt_by_subtraction(Bounds(bounds.told, count, count, bounds.within))
    knowledge.found["would be learnt by subtraction if the told counts were exact"] = len(exact)
    return learnt


def show(knowledge: Knowledge, learnt: Counter[str], files: int) -> None:
    found = knowledge.found
    logger.info(
        "%s reports of %d services in %d years; %s files and charts of some of them over the interface",
        f"{found['reports']:,}",
        SERVICES,
        len(YEARS),
        f"{files:,}",
    )
    logger.info("%s counts told, of %s different sets of episodes", f"{found['counts']:,}", f"{len(knowledge.told):,}")
    for name in sorted(found.keys() - {"reports", "counts"}):
        logger.info("%s: %s", name, f"{found[name]:,}")
    for name, number in learnt.items():
        logger.info("counts from 1 to 7 learnt %s: %d", name, number)
    for each in knowledge.odd[:5]:
        logger.info("contradiction: %s", each)
    logger.info("contradictions: %d", len(knowledge.odd))
