"""Somebody asks for every report that there is, puts them side by side and subtracts: no count from 1 to 7 is learnt.

An organisation of three services in four years, with small numbers everywhere. Each figure of each table is known here
as a set of episodes: of which services, years, value and parts. Then

- every count is told to the nearest 5, and is of nobody or of 8 persons or more;
- equal sets have the same count wherever they are told;
- where one set holds another, from whatever report or table, the difference is no number from 1 to 7 that is sure;
- nor is what is left of a total when all of its parts that are told are taken from it, along any axis.

What is sure is worked out from between what the exact counts lie, and from what lies within what.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.db.codes import Role
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.ids import uuid7
from app.db.models import EpisodeSummary, MeasureSummary
from app.db.session import Access, Database, Scope, Work
from app.reports.cohort import Dimension, Period
from app.reports.document import Kind, Report, Table
from app.reports.rounding import TO, rounded_report
from app.reports.summary import COMPOSITE
from app.reports.tabulation import PARTS, Recovery, Stage
from app.reports.tabulation import Change as Came
from app.services.organisations import add_service, founding_scope
from app.services.report_request import FILTERS, ReportRequest
from app.services.reports import outcomes_report
from tests.factories import Clinic, make_clinic, make_programme

THRESHOLD: Final = 8
YEARS: Final = (2021, 2022, 2023, 2024)
MEASURES: Final = ("phq-9", COMPOSITE)
FILTERED: Final = (Period(YEARS[-1]), Period(YEARS[-1], 3))
"""In which single values are asked for too; the tables of the others name all of them."""
PERIODS: Final = (*(Period(year) for year in YEARS), *(Period(year, 3) for year in YEARS[2:]))


@dataclass(frozen=True)
class Told:
    """A count that a report told, and of which episodes."""

    services: frozenset[str]
    years: frozenset[int]
    dimension: str | None
    value: str | None
    """None for all of them."""
    measure: str
    """The empty word where it is the same for all measures."""
    parts: frozenset[str]
    count: int
    where: str

    @property
    def key(self) -> tuple[Any, ...]:
        return self.services, self.years, self.dimension, self.value, self.measure, self.parts


@dataclass(frozen=True)
class Organisation:
    """Who is asked about."""

    clinic: Clinic
    services: tuple[str, ...]


@pytest.fixture(scope="module")
def organisation(server: EmbeddedServer, database: Database, client: TestClient) -> Iterator[Organisation]:
    clinic = make_clinic(database, client)
    with database.work(founding_scope(clinic.organisation_id), Access("test", uuid7())) as work:
        third = add_service(work, "Familiens hus").id
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        found = connection.execute(
            "select id from services where organisation_id = %s order by name", [clinic.organisation_id]
        ).fetchall()
        services = [row[0] for row in found]
        assert third in services
        programmes = [UUID(make_programme(clinic, "individual")["id"]) for _ in range(2)]
        fill(connection, clinic, services, programmes)
    yield Organisation(clinic, tuple(map(str, services)))
    # Summaries without a record are in no database that a dump can restore: none stay for the tests that follow.
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        for table in (MeasureSummary, EpisodeSummary):
            delete = f"delete from {table.__tablename__} where organisation_id = %s"
            connection.execute(delete.encode(), [clinic.organisation_id])


def fill(
    connection: psycopg.Connection[Any], clinic: Clinic, services: Sequence[UUID], programmes: Sequence[UUID]
) -> None:
    """Write summaries without a record: between 4 and 60 episodes a service and year, of every kind."""
    rng = random.Random(20)
    episodes, measures = list[dict[str, Any]](), list[dict[str, Any]]()
    for place, service in enumerate(services):
        for year in YEARS:
            for _ in range(rng.choice([4, 11, 25, 60]) if place else rng.choice([40, 90])):
                episode = an_episode(rng, clinic, service, year, programmes)
                episodes.append(episode)
                measures += measures_of(rng, episode)
    for row in measures:
        if row["scores"] and row["measure"] != COMPOSITE and rng.random() < 0.4:
            row["follow_up_change"] = rng.randrange(-3, 4)
    connection.execute("set session_replication_role = replica")
    for table, rows in ((EpisodeSummary, episodes), (MeasureSummary, measures)):
        names = [column.name for column in table.__table__.columns]
        copying = f"copy {table.__tablename__} ({', '.join(names)}) from stdin"
        with connection.cursor().copy(copying.encode()) as copy:
            for row in rows:
                copy.write_row([row.get(name) for name in names])
    connection.execute("set session_replication_role = origin")
    connection.cursor().executemany(
        "insert into summary_years values (%s, %s, 1)", [(clinic.organisation_id, year) for year in YEARS]
    )


def an_episode(
    rng: random.Random, clinic: Clinic, service: UUID, year: int, programmes: Sequence[UUID]
) -> dict[str, Any]:
    dose = rng.choice([0, 1, 2, 3, 4, 5, 6, 8, 12])
    return {
        "organisation_id": clinic.organisation_id,
        "episode_id": uuid4(),
        "service_id": service,
        "closed_year": year,
        "opened_on": f"{year}-01-01",
        "closed_on": f"{year}-11-01",
        "closing_reason": rng.choice(["completed", "completed", "dropped_out", "moved"]),
        "dropped_out": rng.random() < 0.2,
        "therapist_id": rng.choice([clinic.staff[name] for name in ("therapist", "colleague", "locum")]),
        "programme_id": rng.choice([*programmes, programmes[0], None]),
        "pathway": rng.choice([1, 2, 2, None]),
        "sex": rng.choice(["female", "female", "male", None]),
        "age_years": rng.choice([15, 17, 30, 30, 30, 70]),
        "language": rng.choice(["nb", "nb", "nb", "nn", "en"]),
        "problem_areas": rng.sample(["anxiety", "depression", "sleep"], rng.randrange(3)),
        "dose": dose,
        "interval_days": rng.choice([7, 7, 14, 30]) if dose > 1 else None,
        "waiting_days": rng.randrange(60) if dose else None,
        "attended": dose,
        "cancelled": rng.randrange(2),
        "no_shows": rng.randrange(2),
        "missed_last": rng.random() < 0.2,
        "planned_dose": 6,
        "days_after_last": rng.choice([3, 80]),
        **dict.fromkeys(("forms_offered", "forms_completed", "forms_declined", "forms_unable"), 0),
    }


def measures_of(rng: random.Random, episode: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for measure, most, cutoff, reliable in (("phq-9", 27, 10, 6), (COMPOSITE, 0, 0, 0)):
        if rng.random() < 0.15:
            continue
        scores = min(episode["dose"], rng.choice([1, 2, 5]))
        first, last = rng.randrange(2, most or 3), rng.randrange(most or 3)
        paired, composite = scores > 1, measure == COMPOSITE
        gain = rng.randrange(-1, 2) if composite else (first - last >= reliable) - (last - first >= reliable)
        case = rng.random() < 0.8 if composite else first >= cutoff
        yield {
            **episode,
            "measure": measure,
            "form_family": "" if composite else "self",
            "informant_id": uuid4(),
            "role": "self",
            "rank": 0,
            "scores": scores,
            "baseline": first if scores and not composite else None,
            "last": last if paired and not composite else None,
            "last_dose": episode["dose"] - 1 if paired else None,
            "last_days": 7 * episode["dose"] if paired else None,
            "change": gain if paired else None,
            "case_at_start": case if scores else None,
            "case_at_end": (rng.random() < 0.4 if composite else last >= cutoff) if paired else None,
            "first_improved_dose": episode["dose"] - 1 if paired and gain == 1 else None,
            "measured_sessions": scores,
            "waiting_change": rng.randrange(-3, 4) if rng.random() < 0.3 and scores and not composite else None,
            "waiting_days": 14,
            "follow_up_change": None,
        }


# ---- What is asked, and what is told


def parts_where(**named: Any) -> frozenset[str]:
    """Give the parts whose stage, change or recovery is one of those that are named; None is none of them.

    A pair is of two parts, with a score after the treatment and without.
    """
    names = [part.name for part in PARTS if all(getattr(part, name) in some for name, some in named.items())]
    return frozenset(names) | {f"{name}{FOLLOWED_UP}" for name in names if name.startswith("paired")}


FOLLOWED_UP: Final = "/followed_up"
_STAGES = list(Stage)
PARTS_OF: Final[dict[str, frozenset[str]]] = {
    "referred": parts_where(stage=_STAGES),
    "started": parts_where(stage=_STAGES[1:]),
    "two_sessions": parts_where(stage=_STAGES[2:]),
    "single_session": parts_where(stage=[Stage.ONE_SESSION]),
    "with_first": parts_where(stage=_STAGES[3:]),
    "first_cases": parts_where(stage=[Stage.FIRST_CASE, Stage.PAIRED_CASE]),
    "paired": parts_where(stage=[Stage.PAIRED_BELOW, Stage.PAIRED_CASE]),
    "cases": parts_where(stage=[Stage.PAIRED_CASE]),
    "reliable_improvement": parts_where(change=[Came.IMPROVED]),
    "no_reliable_change": parts_where(change=[Came.UNCHANGED]),
    "reliable_deterioration": parts_where(change=[Came.DETERIORATED]),
    "recovery": parts_where(recovery=[Recovery.RELIABLE, Recovery.BELOW_ONLY]),
    "reliable_recovery": parts_where(recovery=[Recovery.RELIABLE]),
}
PARTS_OF["followed_up"] = frozenset(each for each in PARTS_OF["paired"] if each.endswith(FOLLOWED_UP))
OF_ALL_MEASURES: Final = [PARTS_OF[name] for name in ("referred", "started", "two_sessions", "single_session")]
OF_CASES: Final = ("recovery", "reliable_recovery")
BESIDE: Final = {"dose", "dose_by_third", "dose_by_interval", "responders", "good_enough", "endings", "drop_out"}
"""Tables whose totals are not those of others."""


@dataclass(frozen=True)
class Reader:
    """Reads the counts of one report off its tables."""

    services: tuple[str, ...]
    request: ReportRequest

    def told(self, report: Report) -> Iterator[Told]:
        for section in report.sections:
            for table in section.tables:
                if table.key not in BESIDE:
                    yield from self._of_table(table)

    def _of_table(self, table: Table) -> Iterator[Told]:
        columns = [column.key for column in table.columns]
        for row in table.rows:
            cells = dict(zip(columns, row.cells, strict=True))
            about = self.about(table.key, row.key)
            for name, cell in cells.items():
                if cell.withheld is None:
                    for parts, count in _counts(table.key, row.key, name, cell.value, cell.of):
                        yield Told(
                            **about, **self._of_measure(parts), count=count, where=f"{table.key}/{row.key}/{name}"
                        )

    def _of_measure(self, parts: frozenset[str]) -> dict[str, Any]:
        return {"parts": parts, "measure": "" if parts in OF_ALL_MEASURES else self.request.measure}

    def about(self, table: str, row: str) -> dict[str, Any]:
        """Say which episodes a row is about."""
        request = self.request
        services, period = self._services(request.service_id), request.period
        dimension, value = request.dimension, request.value
        if table in ("by_service", "funnel"):
            services = frozenset({row})
        elif table == "by_period":
            first, _, last = row.partition("-")
            period = Period(int(last or first), 3 if last else 1)
        elif table in ("by_problem_area", "by_respondent"):  # one of two values, with it or without
            measure = request.measure if table == "by_respondent" else ""
            dimension, value = f"{table}/{row}/{measure}", row  # type: ignore[assignment]
        elif table == "therapists":
            services, dimension, value = self._services(None), Dimension.THERAPIST, row
        elif table.startswith("by_"):
            dimension, value = Dimension(table.removeprefix("by_")), row
        if dimension is Dimension.BASELINE_THIRD:
            dimension = f"{dimension}/{request.measure}"  # type: ignore[assignment]  # each measure has thirds of its own
        years = frozenset(year for year in YEARS if period.holds(year))
        return {"services": services, "years": years, "dimension": dimension, "value": value}

    def _services(self, service_id: UUID | None) -> frozenset[str]:
        return frozenset(self.services if service_id is None else {str(service_id)})


def _counts(table: str, row: str, column: str, value: Any, of: int | None) -> Iterator[tuple[frozenset[str], int]]:
    """Give the counts that a cell tells: itself, its denominator, and the numerator of a share."""
    if table in ("denominators", "outcomes", "follow_up") and column == "count":
        yield PARTS_OF[row], value
    elif table == "denominators":
        yield PARTS_OF[row], round(value * of)
    elif table in ("effect", "compared", "funnel", "therapists") and column == "count":
        yield PARTS_OF["cases" if row == "severity_adjusted" else "paired"], value
    elif table == "waits" and column == "count":
        yield PARTS_OF["two_sessions" if row == "between_sessions" else "started"], value
    elif table.startswith("by_") and column in ("ended", "paired"):
        yield PARTS_OF["referred" if column == "ended" else "paired"], value
    elif of is not None and (table.startswith("by_") or column == "share") and table != "published":
        of_rows = table in ("outcomes", "follow_up")
        outcome = column if table.startswith("by_") else row if of_rows else "reliable_improvement"
        yield PARTS_OF["cases" if outcome in OF_CASES else "paired"], of
        yield PARTS_OF[outcome], round(value * of)
    elif table == "outcomes" and of is not None:
        everybody = "with_first" if column in ("carried_forward", "modelled") else "two_sessions"
        yield PARTS_OF["first_cases" if row in OF_CASES else everybody], of


def reports_of(work: Work, organisation: Organisation) -> Iterator[tuple[ReportRequest, Report]]:
    """Ask for everything: each plain report, then each value that its tables name."""
    for service in (None, *map(UUID, organisation.services)):
        for period in PERIODS:
            for measure in MEASURES:
                request = ReportRequest(period, measure, service)
                report = asked(work, request)
                yield request, report
                for dimension, value in values_named(report) if period in FILTERED else ():
                    request = ReportRequest(period, measure, service, None, dimension, value)
                    yield request, asked(work, request)


def asked(work: Work, request: ReportRequest) -> Report:
    """Give a report as the routes give it."""
    return rounded_report(outcomes_report(work, request, threshold=THRESHOLD))


def values_named(report: Report) -> Iterator[tuple[Dimension, str]]:
    for section in report.sections:
        for table in section.tables:
            name = table.key.removeprefix("by_")
            if name != table.key and name in FILTERS:
                yield from ((Dimension(name), row.key) for row in table.rows if row.key != "unknown")


@pytest.fixture(scope="module")
def everything(organisation: Organisation, database: Database) -> list[tuple[ReportRequest, Report]]:
    clinic = organisation.clinic
    scope = Scope(clinic.organisation_id, clinic.staff["administrator"], Role.ADMINISTRATOR, clinic.service_id)
    with database.work(scope, Access("test", uuid7())) as work:
        return list(reports_of(work, organisation))


@pytest.fixture(scope="module")
def told(organisation: Organisation, everything: list[tuple[ReportRequest, Report]]) -> list[Told]:
    """Each count once, with one of the places where it was told."""
    found: dict[tuple[Any, ...], Told] = {}
    for request, report in everything:
        for each in Reader(organisation.services, request).told(report):
            known = found.setdefault(each.key, each)
            assert known.count == each.count, (known, each)
    return list(found.values())


def test_thousands_of_counts_are_told(everything: list[tuple[ReportRequest, Report]], told: list[Told]) -> None:
    assert len(everything) > 200
    assert len(told) > 2000
    assert PARTS_OF["followed_up"] in {each.parts for each in told}


def test_every_count_is_rounded_and_of_nobody_or_of_many(everything: list[tuple[ReportRequest, Report]]) -> None:
    """In every table: counts themselves, and of how many a share or a mean is."""
    found = defaultdict[str, set[int]](set)
    for _, report in everything:
        for section in report.sections:
            for table in (each for each in section.tables if each.key != "published"):
                for row in table.rows:
                    for column, cell in zip(table.columns, row.cells, strict=True):
                        both = (cell.of, cell.value if column.kind is Kind.COUNT else None)
                        found[table.key] |= {int(count) for count in both if count is not None}
    assert len(found) > 10
    for key, counts in found.items():
        assert not {count for count in counts if count % TO or 0 < count < 2 * TO}, key


def masks(sets: Sequence[frozenset[Any]]) -> NDArray[np.int64]:
    order = {each: place for place, each in enumerate(sorted({each for some in sets for each in some}))}
    return np.array([sum(1 << order[each] for each in some) for some in sets], dtype=np.int64)


@dataclass(frozen=True)
class Bounds:
    """What somebody knows who has all counts: between what each of them can lie, and which sets lie in which."""

    told: list[Told]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    within: list[NDArray[np.int64]]
    """Of each set, the places of those that lie in it."""

    @classmethod
    def of(cls, told: list[Told]) -> Bounds:
        count = np.array([each.count for each in told])
        nearest = TO // 2
        low, high = np.where(count, np.maximum(count - nearest, THRESHOLD), 0), np.where(count, count + nearest, 0)
        return cls(told, low, high, _within(told))

    def tightened(self) -> Bounds:
        """Learn from parts and wholes until there is no more to learn: no part is larger than its whole.

        What is told as 0 is 0; all else is of the threshold or more.
        """
        low, high = self.low.copy(), self.high.copy()
        while True:
            before = low.sum(), high.sum()
            for place, inside in enumerate(self.within):
                low[place] = max(low[place], low[inside].max(initial=0))
                high[inside] = np.minimum(high[inside], high[place])
            if before == (low.sum(), high.sum()):
                return Bounds(self.told, low, high, self.within)


def _within(told: Sequence[Told]) -> list[NDArray[np.int64]]:
    """One set lies within another where services, years, value and parts all do."""
    services, years, parts = (masks([getattr(each, name) for each in told]) for name in ("services", "years", "parts"))
    values = {key: place for place, key in enumerate({(each.dimension, each.value) for each in told})}
    measures = {name: place for place, name in enumerate(("", *MEASURES))}
    value = np.array([values[(each.dimension, each.value)] for each in told])
    measure = np.array([measures[each.measure] for each in told])
    found = []
    for place, whole in enumerate(told):
        inside = (services & ~services[place] == 0) & (years & ~years[place] == 0) & (parts & ~parts[place] == 0)
        if whole.value is not None:
            inside &= value == value[place]
        if whole.measure:
            inside &= measure == measure[place]
        inside[place] = False
        found.append(np.flatnonzero(inside))
    return found


@pytest.fixture(scope="module")
def bounds(told: list[Told]) -> Bounds:
    return Bounds.of(told).tightened()


def learnt_by_subtraction(bounds: Bounds) -> list[tuple[Told, Told]]:
    """Give whole and part whose difference can only be one number, from 1 to 7."""
    found = []
    for place, inside in enumerate(bounds.within):
        least = bounds.low[place] - bounds.high[inside]
        most = bounds.high[place] - bounds.low[inside]
        sure = (least == most) & (most > 0) & (most < THRESHOLD)
        found += [(bounds.told[place], bounds.told[other]) for other in inside[sure]]
    return found


def learnt_from_what_is_left(bounds: Bounds, axis: str) -> list[tuple[Told, list[Told]]]:
    """Give totals of which all told parts along an axis leave one number, from 1 to 7."""
    apart = {axis, {"value": "dimension", "parts": "measure"}.get(axis)}
    names = [name for name in ("services", "years", "dimension", "value", "measure", "parts") if name not in apart]
    places = {each.key: place for place, each in enumerate(bounds.told)}
    alike = defaultdict(list)
    for each in bounds.told:
        alike[tuple(getattr(each, name) for name in names)].append(each)
    found = []
    for some in alike.values():
        for whole in some:
            for parts in disjoint(whole, some, axis):
                at, of = places[whole.key], [places[part.key] for part in parts]
                least, most = bounds.low[at] - bounds.high[of].sum(), bounds.high[at] - bounds.low[of].sum()
                if parts and 0 < least == most < THRESHOLD:
                    found.append((whole, parts))
    return found


def test_no_difference_of_two_counts_is_learnt(bounds: Bounds) -> None:
    assert learnt_by_subtraction(bounds)[:2] == []


@pytest.mark.parametrize("axis", ["services", "years", "value", "parts"])
def test_no_rest_of_a_total_is_learnt(bounds: Bounds, axis: str) -> None:
    """All parts that are told are taken from the total, the smallest first, and the largest first."""
    assert learnt_from_what_is_left(bounds, axis)[:2] == []


def test_exact_counts_would_be_learnt_from(told: list[Told]) -> None:
    """The attacker finds what there is: were the counts told exact ones, hundreds of small ones would follow."""
    count = np.array([each.count for each in told])
    exact = Bounds(told, count, count, _within(told))
    assert len(learnt_by_subtraction(exact)) > 100
    assert sum(len(learnt_from_what_is_left(exact, axis)) for axis in ("services", "years", "value", "parts")) > 100


def disjoint(whole: Told, some: Sequence[Told], axis: str) -> Iterator[list[Told]]:
    """Choose parts of a whole along an axis that do not overlap."""
    if axis == "value":
        if whole.value is None:
            for dimension in {each.dimension for each in some} - {None}:
                yield [each for each in some if each.dimension == dimension]
        return
    inside = [
        each
        for each in some
        if getattr(each, axis) < getattr(whole, axis) and (each.measure in ("", whole.measure) or not whole.measure)
    ]
    for measure in MEASURES if axis == "parts" else ("",):
        for larger_first in (False, True):
            chosen: list[Told] = []
            taken: frozenset[Any] = frozenset()
            for each in sorted(inside, key=lambda each: len(getattr(each, axis)), reverse=larger_first):
                fits = axis != "parts" or each.measure in ("", measure)
                if fits and not getattr(each, axis) & taken:
                    chosen.append(each)
                    taken |= getattr(each, axis)
            yield chosen
