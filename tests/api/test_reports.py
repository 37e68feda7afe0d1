"""The report of outcomes of a service of twenty: each figure is the hand arithmetic beside it (`tests/api/twenty.py`).

Without a threshold, so that all of it is told; and, as callers get it, with what is withheld. The numbers in
comments are those of the episodes. PHQ-9: a case from 10 on, a reliable change from 6 on; GAD-7: 8 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import log, sqrt
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode, Role
from app.db.ids import uuid7
from app.db.session import Access, Database, Scope
from app.reports.cohort import Dimension, Period
from app.reports.document import Cell, Report, Table, Withheld
from app.services.report_request import ReportRequest
from app.services.reports import outcomes_report
from app.services.summaries import check
from tests.api.twenty import LINES, YEAR, Line, keep
from tests.factories import Clinic, make_clinic, ok

Z = 1.959963984540054
UNKNOWN, DOES_NOT_APPLY = Withheld.UNKNOWN, Withheld.DOES_NOT_APPLY


@pytest.fixture(scope="module")
def twenty(database: Database, client: TestClient) -> Iterator[Clinic]:
    """The service; in the mode without curves, so that nothing rests on what is expected by a model."""
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    keep(clinic)
    yield clinic
    assert [episode for part in check(database, clinic.organisation_id) for episode in part.differing] == []


def told(clinic: Clinic, measure: str = "phq-9", **asked: Any) -> Report:
    """Make the report with all that it could tell, which no route gives."""
    database: Database = clinic.lead.client.app.state.database  # type: ignore[attr-defined]  # Starlette leaves app untyped
    request = ReportRequest(asked.pop("period", Period(YEAR)), measure, **asked)
    lead = Scope(clinic.organisation_id, clinic.staff["service lead"], Role.SERVICE_LEAD, clinic.service_id)
    with database.work(lead, Access("test", uuid7())) as work:
        return outcomes_report(work, request, threshold=1)


@pytest.fixture(scope="module")
def report(twenty: Clinic) -> Report:
    return told(twenty, service_id=twenty.service_id, own_fall=2.0, own_source="a waiting list of our own")


def table(report: Report, key: str) -> Table:
    [found] = [each for section in report.sections for each in section.tables if each.key == key]
    return found


def figures(report: Report, key: str, *, named: bool = False) -> dict[str, list[Any]]:
    """Give the values of a table by row, None or a reason where there is none."""
    rows = table(report, key).rows
    return {
        (row.label or row.key) if named else row.key: [each.withheld or each.value for each in row.cells]
        for row in rows
    }


def cell(report: Report, key: str, row: str, column: str) -> Cell:
    found = table(report, key)
    [cells] = [each.cells for each in found.rows if each.key == row]
    return cells[[each.key for each in found.columns].index(column)]


def wilson(count: int, of: int) -> tuple[float, float]:
    """The score interval, written out."""
    p = count / of
    middle, reach = p + Z**2 / (2 * of), Z * sqrt(p * (1 - p) / of + Z**2 / (4 * of**2))
    return (middle - reach) / (1 + Z**2 / of), (middle + reach) / (1 + Z**2 / of)


def is_share(found: Cell, count: int, of: int) -> None:
    assert found.of == of
    assert found.value == pytest.approx(count / of)
    assert (found.low, found.high) == pytest.approx(wilson(count, of))


def test_the_table_is_what_the_arithmetic_rests_on() -> None:
    pairs = {line.no: line.phq_9 for line in LINES if len(line.phq_9) > 1}
    assert [line.no for line in LINES] == list(range(1, 21))
    assert [no for no, (first, last) in pairs.items() if first - last >= 6] == [1, 2, 3, 4, 7, 11]
    assert [no for no, (first, last) in pairs.items() if last - first >= 6] == [10]
    assert [no for no, (first, _) in pairs.items() if first >= 10] == list(range(1, 11))
    assert [no for no, (first, last) in pairs.items() if last < 10 <= first] == [1, 2, 3, 4, 5, 6]


def test_denominators(report: Report) -> None:
    # All; without 19, 20; without 17, 18; without 14, 15, 16; without 11, 12, 13.
    flow = {"referred": 20, "started": 18, "two_sessions": 16, "paired": 13, "cases": 10}
    for (name, count), before in zip(flow.items(), [None, *flow.values()], strict=False):
        assert cell(report, "denominators", name, "count").value == count
        if before is not None:
            is_share(cell(report, "denominators", name, "share_of_previous"), count, before)
    assert cell(report, "denominators", "referred", "share_of_previous").withheld is DOES_NOT_APPLY
    assert cell(report, "denominators", "single_session", "count").value == 2  # 17, 18
    is_share(cell(report, "denominators", "single_session", "share_of_previous"), 2, 18)


@pytest.mark.parametrize(
    ("outcome", "count", "of", "carried", "first", "everybody"),
    [
        # Of 13 pairs: 1-4, 7, 11. First scores 15: the pairs, 14 and 15. Two sessions 16: these and 16.
        ("reliable_improvement", 6, 13, 6, 15, 16),
        # Of 10 cases: 1-6. Cases by the first score 11: these and 14.
        ("recovery", 6, 10, 6, 11, 11),
        ("reliable_recovery", 4, 10, 4, 11, 11),  # 1-4
        # 5, 6, 8, 9, 12, 13; carried forward 14 and 15 are unchanged too.
        ("no_reliable_change", 6, 13, 8, 15, 16),
        ("reliable_deterioration", 1, 13, 1, 15, 16),  # 10
    ],
)
def test_outcomes(report: Report, outcome: str, count: int, of: int, carried: int, first: int, everybody: int) -> None:
    assert cell(report, "outcomes", outcome, "count").value == count
    is_share(cell(report, "outcomes", outcome, "share"), count, of)
    is_share(cell(report, "outcomes", outcome, "carried_forward"), carried, first)
    assert cell(report, "outcomes", outcome, "modelled").withheld is UNKNOWN  # without a curve there is no model
    lowest, highest = (cell(report, "outcomes", outcome, name) for name in ("lowest", "highest"))
    assert (lowest.value, lowest.of) == (count / everybody, everybody)
    assert (highest.value, highest.of) == ((count + everybody - of) / everybody, everybody)


def test_effect(report: Report) -> None:
    # First scores 20 18 16 15 14 12 19 17 13 11 8 9 6: sum 178, of squares 2666. Last ones: sum 120.
    mean, sd = 178 / 13, sqrt((2666 - 178**2 / 13) / 12)
    assert figures(report, "effect")["pre_post"][:4] == pytest.approx([13, mean, 120 / 13, sd])
    effect = cell(report, "effect", "pre_post", "effect")
    assert effect.value == pytest.approx((178 - 120) / 13 / sd)
    assert (effect.low or 0) < (178 - 120) / 13 / sd < (effect.high or 0)
    # Of the cases, 1-10: first scores sum 155, of squares 2485, last ones 105. The service is the whole organisation,
    # so nothing is to be adjusted.
    adjusted = cell(report, "effect", "severity_adjusted", "effect")
    assert cell(report, "effect", "severity_adjusted", "count").value == 10
    assert adjusted.value == pytest.approx((155 - 105) / 10 / sqrt((2485 - 155**2 / 10) / 9))


def mean_of(values: Sequence[float]) -> tuple[float, float, float]:
    """A mean with its normal 95 % interval."""
    mean = sum(values) / len(values)
    error = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
    return mean, mean - Z * error, mean + Z * error


GAINED = [12, 9, 11, 6, 5, 4, 7, 3, 0, -7, 6, 3, -1]
"""Points of the pairs 1-13."""

WEEKS = [7, 5, 3, 4, 2, 1, 9, 10, 6, 4, 3, 1, 1]
"""From their first score to the last: one less than the sessions, twice for 8-10."""


def test_compared(report: Report) -> None:
    assert figures(report, "compared")["expected"] == [UNKNOWN] * 4
    firsts = [line.phq_9[0] for line in LINES[:13]]
    # Points by themselves in 10 weeks from 15, .21 more for each point above it, as ln(1 + w / 2) / ln 6.
    for key, fall in (("own", 2.0), ("metapsy", 2.55), ("wait_list", 2.39), ("usual_care", 2.91)):
        alone = [(fall + 0.21 * (first - 15)) * log(1 + w / 2) / log(6) for first, w in zip(firsts, WEEKS, strict=True)]
        difference, low, high = mean_of([gained - each for gained, each in zip(GAINED, alone, strict=True)])
        assert figures(report, "compared")[f"natural_{key}"] == pytest.approx(
            [13, 58 / 13, sum(alone) / 13, difference], abs=1e-3
        )
        found = cell(report, "compared", f"natural_{key}", "difference")
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def by_groups(report: Report, key: str) -> dict[str, str]:
    """Write a table of groups in short: ended, paired, then count/of of each outcome, `-` of nobody."""
    found = {}
    for row in table(report, key).rows:
        ended, paired, *rest = row.cells
        parts = [
            "-" if not each.of else f"{round(float(each.value or 0) * each.of)}/{each.of}"
            for each in rest
            if each.of or each.withheld is UNKNOWN
        ]
        for each in rest:
            if each.of:
                is_share(each, round(float(each.value or 0) * each.of), each.of)
        name = row.key if key == "by_language" else row.label or row.key
        found[name] = " ".join([str(ended.value), str(paired.value), *parts])
    return found


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        (  # ended, paired; reliable improvement (1-4, 7, 11), recovery (1-6), reliable recovery (1-4), worse (10)
            "by_programme",
            {  # A: 1-10, 14. B: 11-13, 15-18.
                "Programme A": "11 10 5/10 6/10 4/10 1/10",
                "Programme B": "7 3 1/3 - - 0/3",
                "unknown": "2 0 - - - -",
            },
        ),
        ("by_pathway", {"1": "11 10 5/10 6/10 4/10 1/10", "2": "7 3 1/3 - - 0/3", "unknown": "2 0 - - - -"}),
        (
            "by_sex",
            {
                "female": "9 6 4/6 3/5 2/5 0/6",  # pairs 1 3 5 7 9 11
                "male": "9 6 2/6 3/5 2/5 1/6",  # pairs 2 4 6 8 10 12
                "unknown": "2 1 0/1 - - 0/1",  # 13; 20
            },
        ),
        (
            "by_age_band",
            {
                "18-24": "5 5 4/5 5/5 4/5 0/5",  # 1-5
                "25-44": "7 7 2/7 1/5 0/5 1/7",  # 6-12
                "65+": "8 1 0/1 - - 0/1",  # 13-20
            },
        ),
        ("by_language", {"en": "2 1 1/1 1/1 1/1 0/1", "nb": "18 12 5/12 5/9 3/9 1/12"}),  # 4, 16
        ("by_respondent", {"self": "15 13 6/13 6/10 4/10 1/13"}),  # with a first score and two sessions
        (
            # First scores, with 17's: 6 7 8 9 11 12 12 | 13 14 15 16 | 17 18 19 20 21.
            "by_baseline_third",
            {
                "1": "6 5 1/5 1/2 0/2 1/5",  # 6 10 11 12 13, 15
                "2": "4 4 2/4 3/4 2/4 0/4",  # 3 4 5 9
                "3": "5 4 3/4 2/4 2/4 0/4",  # 1 2 7 8, 14
                "unknown": "5 0 - - - -",  # 16-20: without a first score, or without a second session
            },
        ),
        ("by_problem_area", {"anxiety": "6 6 2/6 0/4 0/4 1/6", "depression": "8 8 5/8 6/8 4/8 0/8"}),  # 7-12, 1-8
        ("by_period", {"2025": "20 13 6/13 6/10 4/10 1/13"}),
    ],
)
def test_for_whom(report: Report, key: str, rows: Mapping[str, str]) -> None:
    assert by_groups(report, key) == rows


def test_services_of_the_organisation(twenty: Clinic) -> None:
    found = by_groups(told(twenty), "by_service")
    assert found == {"Rask psykisk helsehjelp": "20 13 6/13 6/10 4/10 1/13", "Helsestasjonen": "0 0 - - - -"}


def test_funnel(report: Report) -> None:
    # Thirds of the pairs: 1 of 5, 2 of 4, 3 of 4 improved; one service is all there is, so that it does as expected.
    reach = sqrt(5 * 0.2 * 0.8 + 4 * 0.5 * 0.5 + 4 * 0.75 * 0.25) / 13
    p = 6 / 13
    limits = [p - 1.96 * reach, p + 1.96 * reach, p - 3.09 * reach, p + 3.09 * reach]
    rows = figures(report, "funnel", named=True)
    assert rows["Rask psykisk helsehjelp"] == pytest.approx([13, p, p, *limits], abs=1e-4)
    assert rows["Helsestasjonen"] == [0, *[UNKNOWN] * 6]


def test_therapists(report: Report) -> None:
    """One alone can be compared with nobody."""
    assert figures(report, "therapists", named=True) == {"Therapist": [13, UNKNOWN]}


def event(line: Line) -> tuple[int, str] | None:
    """When a line's time ends and by what: the first reliable improvement is at its last score, one session earlier."""
    if not line.phq_9 or not line.sessions:
        return None
    if len(line.phq_9) > 1 and line.phq_9[0] - line.phq_9[1] >= 6:
        return line.sessions - 1, "improved"
    return line.sessions, "dropped_out" if line.ended == "dropped_out" else "ended"


def curve(lines: Sequence[Line], by: int) -> list[Any]:
    """Those without either by a session, and the shares of both events, session by session (Aalen-Johansen).

    Beyond the longest time nothing is known of the shares.
    """
    events = [found for found in map(event, lines) if found is not None]
    left, shares = Fraction(1), {"improved": Fraction(0), "dropped_out": Fraction(0)}
    for session in range(1, by + 1):
        at_risk = sum(time >= session for time, _ in events)
        if at_risk:
            happened = {kind: events.count((session, kind)) for kind in shares}
            for kind, count in happened.items():
                shares[kind] += left * count / at_risk
            left *= 1 - Fraction(sum(happened.values()), at_risk)
    left_over = len(events) - sum(time <= by and kind != "ended" for time, kind in events)
    if by > max(time for time, _ in events):
        return [left_over, UNKNOWN, UNKNOWN]
    return [left_over, *(float(share) for share in shares.values())]


def is_curve(row: Sequence[Any], lines: Sequence[Line], by: int) -> None:
    expected = curve(lines, by)
    assert [each for each in row if isinstance(each, Withheld)] == [each for each in expected if each is UNKNOWN], by
    assert [each for each in row if not isinstance(each, Withheld)] == pytest.approx(
        [each for each in expected if each is not UNKNOWN]
    ), by


def test_dose_by_hand() -> None:
    """16 were followed: one ended after 1 session; 15 left, one dropped out, three ended; 11 left at session 3 ..."""
    at_3 = [
        16 - 5,
        float(Fraction(14, 15) * Fraction(2, 11)),
        float(Fraction(1, 15) + Fraction(14, 15) * Fraction(2, 11)),
    ]
    assert curve(LINES, 3) == pytest.approx(at_3)  # 3 and 11 improved, 10 and 14 dropped out, 15 did before
    assert curve(LINES, 5)[0] == 16 - 4 - 3  # and 4, 2
    assert curve(LINES, 9)[0] == 16 - 6 - 3  # and 1, 7
    assert curve(LINES, 52) == [16 - 6 - 3, UNKNOWN, UNKNOWN]


def test_dose(report: Report) -> None:
    rows = figures(report, "dose")
    assert list(rows) == ["3", "6", "7", "10", "14", "20", "30", "40", "52"]
    for session, row in rows.items():
        is_curve(row, LINES, int(session))


def test_dose_by_strata(report: Report) -> None:
    thirds = {"1": range(13), "2": range(13, 17), "3": range(17, 28)}
    for third, scores in thirds.items():
        for mark in (3, 7, 20, 52):
            lines = [line for line in LINES if line.phq_9 and line.phq_9[0] in scores]
            is_curve(figures(report, "dose_by_third")[f"{third}:{mark}"], lines, mark)
    for interval, days in (("weekly", 7), ("fortnightly", 14)):
        lines = [line for line in LINES if line.every == days and line.sessions > 1]
        for mark in (3, 7, 20, 52):
            is_curve(figures(report, "dose_by_interval")[f"{interval}:{mark}"], lines, mark)


def test_responders(report: Report) -> None:
    # By session 3: 3, 11; from 7 on: 1, 7; between: 2, 4; of 16 followed.
    assert {row: values[0] for row, values in figures(report, "responders").items()} == {
        "early": 2,
        "linear": 2,
        "late": 2,
        "none": 10,
    }
    is_share(cell(report, "responders", "none", "share"), 10, 16)


def test_good_enough(report: Report) -> None:
    # Reliably better and below 10: 1-4, 11. Sessions of the pairs: 5 6 10 12 13 | 2 3 4 8 9 11 | 1 7.
    rows = figures(report, "good_enough")
    assert rows == {"1-3": [5, 0.0], "4-6": [6, 4 / 6], "8-10": [2, 0.5]}
    is_share(cell(report, "good_enough", "4-6", "good_enough"), 4, 6)


def test_waits(report: Report) -> None:
    # Days: nine times 7, six times 14, three times 28. Between: thirteen times 7, three times 14.
    # Sessions: 1 1 2 2 2 2 3 3 3 4 4 4 4 5 6 6 8 10, of which the 5th, the 9th and the 14th.
    assert figures(report, "waits") == {
        "to_first_session": [18, 7, 7, 14],
        "between_sessions": [16, 7, 7, 7],
        "sessions": [18, 2, 3, 5],
    }


def test_attendance(report: Report) -> None:
    # 70 sessions; two cancelled (4), three stayed away from (10, 15, 19).
    assert figures(report, "attendance") == {"attended": [0.93], "cancelled": [0.03], "no_shows": [0.04]}
    assert sum(line.sessions for line in LINES) == 70


def test_endings(report: Report) -> None:
    counts = {
        "agreed_early_end": 2,  # 9, 16
        "completed": 9,  # 1-6, 11-13
        "dropped_out": 3,  # 10, 14, 15
        "not_started": 2,
        "referred_on": 2,
        "single_session": 2,
    }
    assert {row: values[0] for row, values in figures(report, "endings").items()} == counts
    for reason, count in counts.items():
        is_share(cell(report, "endings", reason, "share"), count, 20)


def test_drop_out(report: Report) -> None:
    counts = {
        "as_recorded": 3,  # 10, 14, 15
        "few_sessions": 11,  # 5, 6, 10, 12-15, 17-20
        "missed_last": 3,  # 10, 15, 19
        "no_contact": 1,  # 14: 70 days without contact, 3 of 5 sessions
    }
    assert {row: values[0] for row, values in figures(report, "drop_out").items()} == counts
    for name, count in counts.items():
        is_share(cell(report, "drop_out", name, "share"), count, 20)


def test_measuring(report: Report) -> None:
    # The first and the last session of 13 episodes, the first of 14, 15, 17: 2 * 13 + 3 = 29. No. 13 filled it in after
    # both of its sessions, which are two sessions too. Those who filled in a PHQ-9 had 8 + 6 + 4 + 5 + 3 + 2 + 10 + 6 +
    # 4 + 3 + 4 + 2 + 2 + 3 + 2 + 1 = 65 sessions.
    assert figures(report, "measuring") == {
        "sessions_with_measure": [0.45],  # 29 / 65
        "forms_completed": [0.25],
        "forms_declined": [0.25],
        "forms_unable": [0.25],
    }


def test_follow_up(report: Report) -> None:
    # 3 and 4, of the 13 with a first and a last score.
    assert cell(report, "follow_up", "followed_up", "count").value == 2
    is_share(cell(report, "follow_up", "followed_up", "share"), 2, 13)


def test_phases(report: Report) -> None:
    changes = {"waiting": [22 - 20, 17 - 18], "treatment": GAINED, "follow_up": [16 - 4, 15 - 7]}
    weeks: Mapping[str, float | Withheld] = {"waiting": 1, "treatment": sorted(WEEKS)[6], "follow_up": UNKNOWN}
    for phase, points in changes.items():
        change = cell(report, "phases", phase, "change")
        assert (change.value, change.low, change.high) == pytest.approx(mean_of(points)), phase
        assert figures(report, "phases")[phase][1] == weeks[phase]


def test_one_value_of_a_dimension(twenty: Clinic) -> None:
    """The women alone: 1 3 5 7 9 11, 15, 17, 19."""
    women = told(twenty, dimension=Dimension.SEX, value="female")
    assert {row: values[0] for row, values in figures(women, "denominators").items()} == {
        "referred": 9,
        "started": 8,
        "two_sessions": 7,
        "paired": 6,
        "cases": 5,
        "single_session": 1,
    }
    is_share(cell(women, "outcomes", "reliable_improvement", "share"), 4, 6)
    is_share(cell(women, "outcomes", "reliable_improvement", "carried_forward"), 4, 7)
    firsts, lasts = (20, 16, 14, 19, 13, 8), (8, 5, 9, 12, 13, 2)
    assert figures(women, "effect")["pre_post"][:3] == pytest.approx([6, sum(firsts) / 6, sum(lasts) / 6])
    lines = [line for line in LINES if line.sex == "female"]
    for session, row in figures(women, "dose").items():
        is_curve(row, lines, int(session))


def test_one_third_of_the_first_scores(twenty: Clinic) -> None:
    middle = told(twenty, dimension=Dimension.BASELINE_THIRD, value="2")
    assert figures(middle, "effect")["pre_post"][:3] == pytest.approx(
        [4, (13 + 14 + 15 + 16) / 4, (13 + 9 + 9 + 5) / 4]
    )
    is_share(cell(middle, "outcomes", "recovery", "share"), 3, 4)
    lines = [line for line in LINES if line.phq_9 and 13 <= line.phq_9[0] <= 16]
    for session, row in figures(middle, "dose").items():
        is_curve(row, lines, int(session))


def test_both_measures_together(twenty: Clinic) -> None:
    """1-12 filled in both. 3 and 4 stay anxious, 7 got better and worse, 8 and 12 got better by the GAD-7."""
    both = told(twenty, "phq-9+gad-7")
    assert figures(both, "denominators")["paired"][0] == 12
    for outcome, count, of in (
        ("reliable_improvement", 7, 12),  # 1-4, 8, 11, 12
        ("recovery", 4, 11),  # 1, 5, 6, 12, of all but 11
        ("reliable_recovery", 2, 11),  # 1, 12
        ("no_reliable_change", 4, 12),  # 5-7, 9
        ("reliable_deterioration", 1, 12),  # 10
    ):
        assert cell(both, "outcomes", outcome, "count").value == count, outcome
        is_share(cell(both, "outcomes", outcome, "share"), count, of)
    own = {key: (values[1], values[2]) for key, values in figures(both, "published").items()}
    assert own["published_nhs_2025_04"] == (pytest.approx(2 / 11), "comparable")
    assert own["published_nhs_2017_18_recovery"] == (pytest.approx(4 / 11), "comparable")
    assert own["published_nhs_2017_18_improvement"] == (pytest.approx(7 / 12), "comparable")
    assert own["published_rask_cohort_carried"] == (pytest.approx(2 / 11), "comparable")
    assert own["published_rask_cohort_imputed"] == (Withheld.NOT_COMPARABLE, "other_missing_data_rule")


def test_other_years_have_nobody(twenty: Clinic) -> None:
    before = told(twenty, period=Period(YEAR - 1))
    assert [values[0] for values in figures(before, "denominators").values()] == [0] * 6
    window = told(twenty, period=Period(YEAR, 3))
    assert figures(window, "denominators")["referred"][0] == 20
    assert by_groups(window, "by_period")["2023-2025"] == "20 13 6/13 6/10 4/10 1/13"


ASKED = f"/v1/reports/outcomes?year={YEAR}&measure=phq-9"


def through_the_interface(answer: Mapping[str, Any], key: str) -> dict[str, list[Any]]:
    [found] = [each for section in answer["sections"] for each in section["tables"] if each["key"] == key]
    return {row["key"]: [each["withheld"] or each["value"] for each in row["figures"]] for row in found["rows"]}


def test_a_lead_gets_rounded_counts_and_no_small_one(twenty: Clinic) -> None:
    """Counts to the nearest 5, of 8 persons or more; whatever is smaller is withheld."""
    answer = ok(twenty.lead.get(f"{ASKED}&service_id={twenty.service_id}"))
    rows = {row: values[0] for row, values in through_the_interface(answer, "denominators").items()}
    exact = {"referred": 20, "started": 18, "two_sessions": 16, "paired": 13, "cases": 10, "single_session": 2}
    told = {name: count for name, count in rows.items() if count != "small_number"}
    assert rows["single_session"] == "small_number"
    assert set(told) >= {"referred", "started", "two_sessions"}
    assert all(count == 5 * ((exact[name] + 2) // 5) for name, count in told.items())
    for name, values in through_the_interface(answer, "outcomes").items():  # of 6, 6, 4, 6 and 1
        assert values[0] == "small_number", name
    phases = through_the_interface(answer, "phases")
    assert phases["waiting"] == phases["follow_up"] == ["small_number"] * 2
    # Shares of sessions are no counts of persons.
    assert through_the_interface(answer, "attendance") == {"attended": [0.93], "cancelled": [0.03], "no_shows": [0.04]}
    assert through_the_interface(answer, "drop_out")["few_sessions"] == [10, 0.5]  # 11 of 20
