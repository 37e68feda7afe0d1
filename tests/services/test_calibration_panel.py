"""The calibration panel over a clinic that ended some episodes, each copied twelve times.

Eight episodes are made through the interface, with a PHQ-9 before each weekly session (reliable change 6, cut-off 10),
eight sessions planned; what the therapist was shown is kept, and the panel is worked out from that, score by score:

| kind        | scores at dose 0, 1, …         | what became of it                                                     |
|-------------|--------------------------------|-----------------------------------------------------------------------|
| better (2)  | 18 16 14 12 11 10 9 8 7        | goal at dose 8: 18 - 7 = 11, and below 10                             |
| flat        | 18 nine times                  | flagged, a review at once; no improvement                             |
| unheeded    | 19 nine times                  | flagged, no review; no improvement                                    |
| worse       | 12 14 19 19 20                 | red from dose 2 on; deteriorated by 8                                 |
| early end   | 16 13 11 9 8                   | goal, by the last score at dose 4: carried forward at look 3          |
| no case     | 8 7 7 6 6 5 5 4 4              | began below the cut-off                                               |
| corrected   | 18 16 14 12 11 10 9 8 7        | the last score was 16 in truth: 18 - 16 = 2, no goal                  |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.db.codes import OrganisationMode, Role
from app.db.embedded import SUPERUSER, EmbeddedServer
from app.db.ids import uuid7
from app.db.session import Access, Database, Scope
from app.reports.document import Cell, Section, Table, Withheld
from app.services.calibration_panel import calibration_section
from app.trajectories.growth import default_curve
from app.trajectories.metrics import fractional_above, fractional_coverage
from tests.bulk import multiply
from tests.factories import Clinic, created, hold, make_clinic, make_episode, ok, phq_9, put_weekly

COPIES = 12
YEAR = 2026
FALLING = (18, 16, 14, 12, 11, 10, 9, 8, 7)
KINDS: Mapping[str, Sequence[int]] = {
    "better": FALLING,
    "better too": FALLING,
    "flat": (18,) * 9,
    "unheeded": (19,) * 9,
    "worse": (12, 14, 19, 19, 20),
    "early end": (16, 13, 11, 9, 8),
    "no case": (8, 7, 7, 6, 6, 5, 5, 4, 4),
    "corrected": FALLING,
}
CORRECTED = {"corrected": (8, 16), "better too": (2, 20)}
"""Dose and score in truth, as it was found later; of the second kind all later verdicts were issued anew."""


@dataclass(frozen=True)
class Ended:
    """One of the episodes: its scores as they hold now, and the verdicts as they were shown."""

    scores: Sequence[int]
    shown: Sequence[Mapping[str, Any]]
    reviewed: bool = False

    @property
    def is_case(self) -> bool:
        return self.scores[0] >= 10

    def goal(self, dose: int) -> bool:
        return self.scores[0] - self.scores[dose] >= 6 or self.scores[dose] < 10


@dataclass
class Filled:
    clinic: Clinic
    ended: dict[str, Ended] = field(default_factory=dict)


@pytest.fixture(scope="module")
def filled(database: Database, client: TestClient, server: EmbeddedServer) -> Filled:
    made = Filled(make_clinic(database, client))
    clinic = made.clinic
    episodes = {kind: make_episode(clinic, planned_dose=8) for kind in KINDS}
    for week in range(9):
        there = [episode for kind, episode in episodes.items() if week < len(KINDS[kind])]
        hold(clinic, *there, week=week)
    for kind, episode in episodes.items():
        stored = put_weekly(clinic, episode, KINDS[kind])
        shown = [each["result"]["verdict"] for each in stored]
        path, scores = f"/v1/episodes/{episode['id']}", list(KINDS[kind])
        if kind == "flat":
            review = {"dose": 7, "with_patient": True, "causes": ["alliance"], "action": "continue"}
            created(clinic.therapist.post(f"{path}/reviews", review))
        if kind in CORRECTED:
            dose, scores[dose] = CORRECTED[kind]
            correction = {"reason": "read wrongly", "answers": phq_9(scores[dose])}
            corrections = f"/v1/administrations/{stored[dose]['id']}/corrections"
            created(clinic.therapist.post(corrections, correction, headers={"If-Match": '"1"'}))
        closing = {"closed_at": "2026-04-01T12:00:00+02:00", "closing_reason": "completed"}
        ok(clinic.therapist.patch(path, closing, ok(clinic.therapist.get(path))["version"]))
        made.ended[kind] = Ended(scores, shown, reviewed=kind == "flat")
    still_open = make_episode(clinic)
    hold(clinic, still_open, week=0)
    put_weekly(clinic, still_open, [15, 15])
    with psycopg.connect(server.conninfo("spor", SUPERUSER)) as connection:
        multiply(connection, clinic, COPIES)
    return made


def asked(database: Database, clinic: Clinic, *, year: int = YEAR, **more: Any) -> Section:
    scope = Scope(clinic.organisation_id, clinic.staff["service lead"], Role.SERVICE_LEAD, clinic.service_id)
    with database.work(scope, Access("read_panel", uuid7())) as work:
        return calibration_section(work, more.pop("instrument", "phq-9"), more.pop("family", "self"), year, **more)


@pytest.fixture(scope="module")
def section(database: Database, filled: Filled) -> Section:
    return asked(database, filled.clinic)


def table(section: Section, key: str) -> Table:
    return next(each for each in section.tables if each.key == key)


def row(section: Section, key: str, row_key: str) -> dict[str, Cell]:
    found = table(section, key)
    [cells] = [each.cells for each in found.rows if each.key == row_key]
    return {column.key: cell for column, cell in zip(found.columns, cells, strict=True)}


def test_the_bands_are_judged_by_the_last_score_of_each_group(filled: Filled, section: Section) -> None:
    """The first group ends at dose 3, which everybody reached; the band stands in the verdict that was shown."""
    curve = default_curve("phq-9")
    assert curve is not None
    at_3 = [
        (each.scores[0], each.scores[3], (each.shown[3]["lower"], each.shown[3]["upper"]))
        for each in filled.ended.values()
    ]
    within = sum(lower <= score <= upper for _, score, (lower, upper) in at_3)
    found = row(section, "coverage", "doses_0_3")
    assert found["count"].value == COPIES * len(KINDS) == 96
    assert (found["within"].value, found["within"].of) == (within / 8, 96)
    below, at, inside = [], [], []
    for baseline, score, (lower, upper) in at_3:
        ahead = curve.given([0], [0], [baseline]).predict([3], [3])
        below.append(ahead.at_most(score - 1)[0])
        at.append(ahead.at_most(score)[0])
        inside.append(ahead.at_most(upper)[0] - ahead.at_most(lower - 1)[0])
    assert found["expected_within"].value == pytest.approx(sum(inside) / 8)
    assert found["fractional"].value == pytest.approx(fractional_coverage(below, at).mean())
    assert found["above"].value == pytest.approx(fractional_above(below, at).mean())


def test_the_later_groups_hold_those_who_came_so_far(section: Section) -> None:
    """By dose 7 six of the eight kinds are left, and two have their last score at dose 4: all count once."""
    assert row(section, "coverage", "doses_4_7")["count"].value == 96
    assert row(section, "coverage", "doses_8_12")["count"].value == 72
    assert [each.key for each in table(section, "coverage").rows if "13" in each.key or "21" in each.key] == []


def test_the_thirds_of_the_baselines(filled: Filled, section: Section) -> None:
    """Eight baselines 8 12 16 18 18 18 18 19: thirds end at 16 and 18, so 3, 4 and 1 of them."""
    keys = ("doses_0_3_low", "doses_0_3_middle", "doses_0_3_high")
    assert [row(section, "coverage", key)["count"].value for key in keys] == [36, 48, 12]
    assert sorted(each.scores[0] for each in filled.ended.values()) == [8, 12, 16, 18, 18, 18, 18, 19]


@pytest.mark.parametrize(("look", "kinds", "unjudged", "carried"), [(3, 7, 0, 2), (4, 5, 2, 0), (7, 5, 0, 0)])
def test_predictions_against_the_score_at_the_end(
    filled: Filled, section: Section, look: int, kinds: int, unjudged: int, carried: int
) -> None:
    """Cases only. Who ended at dose 4 is judged by it at look 3 and by nothing at look 4."""
    judged = [
        (each.shown[look]["goal_probability"], each.goal(len(each.scores) - 1))
        for each in filled.ended.values()
        if each.is_case and len(each.scores) > look + 1
    ]
    assert len(judged) == kinds
    found = row(section, "calibrated", f"look_{look}")
    assert (found["count"].value, found["not_judged"].value) == (12 * kinds, 12 * unjudged)
    assert found["carried_forward"].value == carried / kinds
    assert found["observed"].value == sum(met for _, met in judged) / kinds
    assert found["predicted"].value == pytest.approx(sum(chance for chance, _ in judged) / kinds, abs=0.0006)
    squares = [(chance - met) ** 2 for chance, met in judged]
    assert found["brier"].value == pytest.approx(sum(squares) / kinds, abs=0.001)
    assert row(section, "calibrated", f"look_{look}_at_end")["count"].value == 12 * (kinds - carried)


def test_the_first_issue_is_judged_by_the_score_that_holds_now(
    filled: Filled, section: Section, server: EmbeddedServer
) -> None:
    """*corrected* was shown 7 at the end, and had 16: 18 - 16 = 2 points. *better too* has verdicts of two issues."""
    with psycopg.connect(server.conninfo("spor", "spor_owner")) as connection:
        issued_anew = connection.execute(
            "select count(distinct f.goal_probability) from progress f join progress n using (administration_id)"
            " where f.organisation_id = %s and n.organisation_id = %s and f.dose in (3, 4, 7) and f.issue = 1"
            " and n.issue > 1 and n.goal_probability <> f.goal_probability",
            [filled.clinic.organisation_id] * 2,
        ).fetchone()
    assert issued_anew == (3,)
    assert not filled.ended["corrected"].goal(8)
    assert row(section, "calibrated", "look_7")["observed"].value == 2 / 5


def test_flags_against_the_end(filled: Filled, section: Section) -> None:
    """Of 7 kinds of cases 3 improved (better twice, early end); flat, unheeded and worse were flagged, and were right.

    Corrected was never flagged and did not improve: sensitivity 3 of 4, PPV 3 of 3, specificity 3 of 3, NPV 3 of 4.
    """
    flagged = [
        kind
        for kind, each in filled.ended.items()
        if each.is_case and any(verdict["signal"] in ("yellow", "red") for verdict in each.shown[:-1])
    ]
    assert flagged == ["flat", "unheeded", "worse"]
    found = row(section, "flags", "flag")
    figures = {name: (cell.value, cell.of) for name, cell in found.items()}
    assert figures == {
        "count": (84, None),
        "flagged": (3 / 7, 84),
        "happened": (4 / 7, 84),
        "sensitivity": (3 / 4, 48),
        "specificity": (1.0, 36),
        "positive_predictive_value": (1.0, 36),
        "negative_predictive_value": (3 / 4, 48),
    }


def test_red_against_deterioration(section: Section) -> None:
    """Of all 8 kinds one was red, and it is the one that deteriorated: 12 to 20."""
    found = row(section, "flags", "red")
    names = ("sensitivity", "specificity", "positive_predictive_value", "negative_predictive_value")
    assert [(found[name].value, found[name].of) for name in names] == [(1.0, 12), (1.0, 84), (1.0, 12), (1.0, 84)]


def test_flags_that_were_acted_upon_stand_apart(section: Section) -> None:
    acted, not_acted = row(section, "flags", "flag_acted"), row(section, "flags", "flag_not_acted")
    assert (acted["count"].value, not_acted["count"].value) == (12, 24)
    assert acted["positive_predictive_value"].value == not_acted["positive_predictive_value"].value == 1.0
    assert acted["sensitivity"].withheld is Withheld.UNKNOWN
    actions = row(section, "actions", "flag")
    assert (actions["count"].value, actions["acted_in_time"].value) == (36, 1 / 3)
    assert actions["median_days"].withheld is Withheld.UNKNOWN  # less than half were ever acted upon


def test_the_drift_is_charted_by_quarter(filled: Filled, section: Section) -> None:
    """All ended on 1 April: one point, by the verdicts at dose 4, of which 2 in 5 reached the goal."""
    [point] = table(section, "drift").rows
    assert (point.key, point.label) == ("2026_2", "4\N{EN DASH}6/2026")
    found = row(section, "drift", point.key)
    chances = [
        each.shown[4]["goal_probability"] for each in filled.ended.values() if each.is_case and len(each.scores) > 5
    ]
    expected, variance = 12 * sum(chances), 12 * sum(chance * (1 - chance) for chance in chances)
    assert found["standardised"].value == pytest.approx((24 - expected) / variance**0.5, abs=0.02)
    assert (found["count"].value, found["observed"].value) == (60, 2 / 5)


def test_another_year_and_another_service_have_nothing(database: Database, filled: Filled) -> None:
    for found in (asked(database, filled.clinic, year=2024), asked(database, filled.clinic, service_id=uuid7())):
        assert table(found, "coverage").rows == table(found, "calibrated").rows == table(found, "drift").rows == ()
        assert row(found, "flags", "flag")["count"].value == 0
        assert row(found, "flags", "flag")["sensitivity"].withheld is Withheld.UNKNOWN


def test_three_years_hold_the_last_one(database: Database, filled: Filled, section: Section) -> None:
    own = filled.clinic.service_id
    assert asked(database, filled.clinic, year=2027, years=3, service_id=own).tables[:3] == section.tables[:3]


def test_it_is_noted_without_a_patient(database: Database, filled: Filled, server: EmbeddedServer) -> None:
    asked(database, filled.clinic)
    with psycopg.connect(server.conninfo("spor", "spor_owner")) as connection:
        last = connection.execute(
            "select action, role, patient_ids from audit_events where organisation_id = %s order by xid desc, id desc",
            [filled.clinic.organisation_id],
        ).fetchone()
    assert last == ("read_panel", "service_lead", [])


def test_nothing_is_judged_where_nothing_is_predicted(database: Database, client: TestClient, filled: Filled) -> None:
    recording = make_clinic(database, client, OrganisationMode.RECORD)
    found = asked(database, recording)
    assert (found.tables, [note.code for note in found.notes]) == ((), ["nothing_predicted"])
    without = asked(database, filled.clinic, instrument="core-10")
    assert (without.tables, [note.code for note in without.notes]) == ((), ["no_curve_for_measure"])
