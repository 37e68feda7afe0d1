"""The grant report from the record: a service of eight episodes that a reader can count, and courses made at random.

Nine episodes were kept, of which the last is another service's. The year is 2026; week 0 begins on 5 January.

    who  opened  by                  sessions (weeks)   PHQ-9         ended, and how               areas
    A    2026    self                1 2 3              18 .. 9       2026, completed              depression, sleep
    B    2026    general practitioner 2 4, video        15, 13        2026, dropped out            depression
    C    2026    a parent            1 2, parent too    10, 17        2026, on to specialist care  anxiety
    D    2026    school health       none               12            2026, never started          anxiety
    E    2026    not recorded        3, phone           14            2026, single session         -
    F    2026    self                1, and a no-show   -             still open                   -
    G    2025    self                1 2                20, 20        2026, completed              Sleep
    H    2025    others              none               -             2025, moved                  -
    I    2026    self                none               9             2026, completed, elsewhere   depression
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.db.access_log import organisation_name
from app.db.codes import OrganisationMode, Role
from app.db.episode_records import EpisodeRecord, lock_episodes
from app.db.ids import uuid7
from app.db.models import Episode, Review, Service
from app.db.session import Access, Database, Scope, Work
from app.errors import NotFound
from app.reports.document import Report, Withheld
from app.reports.grant_facts import NOT_RECORDED, EvaluationPlan, Events, Evidence, GrantFacts, Outcomes
from app.scales.change import ChangeCategory
from app.services.few_scores import criteria_of
from app.services.grant import facts_for_grant, report_for_grant
from app.services.placing import place
from tests.factories import (
    START,
    Clinic,
    administration,
    at,
    created,
    hold,
    make_clinic,
    make_episode,
    make_patient,
    make_programme,
    ok,
    phq_9,
    put,
)

YEAR = 2026
UNWRITTEN = {"If-Match": '"0"'}


def answer(clinic: Clinic, episode: Mapping[str, Any], week: float, total: int, **fields: Any) -> None:
    """Fill in a PHQ-9 at nine in the morning; sessions are held at ten."""
    created(put(clinic.therapist, administration(episode, phq_9(total), week=week, **fields)))


def close(clinic: Clinic, episode: Mapping[str, Any], closed_at: str, reason: str, **fields: Any) -> None:
    path = f"/v1/episodes/{episode['id']}"
    version = ok(clinic.therapist.get(path))["version"]
    ok(clinic.therapist.patch(path, {"closed_at": closed_at, "closing_reason": reason} | fields, version))


def goal(clinic: Clinic, episode: Mapping[str, Any], place: int, *reached: bool) -> None:
    path = f"/v1/episodes/{episode['id']}/goals"
    made = created(clinic.therapist.post(path, {"place": place, "words": "sleep", "set_at": at(1)}))
    if reached:
        ok(clinic.therapist.patch(f"/v1/goals/{made['id']}", {"ended_at": at(3), "reached": reached[0]}, 1))


def review(clinic: Clinic, episode: Mapping[str, Any], *, with_patient: bool) -> None:
    body = {"dose": 1, "with_patient": with_patient, "causes": ["alliance"], "action": "continue"}
    created(clinic.therapist.post(f"/v1/episodes/{episode['id']}/reviews", body))


def parent_of(clinic: Clinic, episode: Mapping[str, Any]) -> str:
    path = f"/v1/patients/{episode['patient_id']}/informants"
    found: str = created(clinic.therapist.post(path, {"role": "parent", "label": "mother"}))["id"]
    return found


def open_at(clinic: Clinic, opened_at: str, source: str | None, *areas: str, **fields: Any) -> dict[str, Any]:
    given = {"opened_at": opened_at, "referral_source": source, "problem_areas": areas} | fields
    return make_episode(clinic, **given)


def keep(clinic: Clinic) -> dict[str, dict[str, Any]]:
    """Keep the nine episodes of the table."""
    alone = make_programme(clinic, "individual", name="Guided self-help", format="guided_self_help")
    course = make_programme(clinic, "individual", name="Course", format="group")
    path = f"/v1/programmes/{alone['id']}"
    rated = {"target_group": "young people", "level": 0, "source": "a review", "assessed_on": "2025-03-01"}
    for evidence in ({"target_group": "adults"}, rated):
        created(clinic.lead.post(f"{path}/evidence", evidence))
    ok(clinic.lead.put(f"{path}/evaluation-plan", {"question": "Does it help?"}, headers=UNWRITTEN))
    said = {"goals": "Help in time.", "involvement_system": "A council."}
    ok(clinic.lead.put(f"/v1/services/{clinic.service_id}/statements/{YEAR}", said, headers=UNWRITTEN))
    now, before = at(0, hours=-1), "2025-12-01T10:00:00Z"

    a = open_at(clinic, now, "self", "depression", "sleep", programme_id=alone["id"])
    hold(clinic, a, contact_type="assessment", mode="phone")
    for week in (1, 2, 3):
        hold(clinic, a, week=week)
    for week, total in ((1, 18), (3, 9)):
        answer(clinic, a, week, total, mode="tablet")
    goal(clinic, a, 1, True)
    goal(clinic, a, 2, False)
    review(clinic, a, with_patient=True)
    close(clinic, a, at(4), "completed")

    b = open_at(clinic, now, "general_practitioner", "depression", programme_id=alone["id"])
    for week, total in ((2, 15), (4, 13)):
        hold(clinic, b, week=week, mode="video")
        answer(clinic, b, week, total, mode="home")
    goal(clinic, b, 1)
    review(clinic, b, with_patient=False)
    close(clinic, b, at(5), "dropped_out")

    c = open_at(clinic, now, "parent_or_guardian", "anxiety", programme_id=course["id"])
    came = [
        {"episode_id": c["id"], "outcome": "attended", "informant_id": each} for each in (None, parent_of(clinic, c))
    ]
    hold(clinic, week=1, attendances=came)
    hold(clinic, c, week=2)
    for week, total in ((1, 10), (2, 17)):
        answer(clinic, c, week, total)
    close(clinic, c, at(3), "referred_on", referred_to="specialist_care")

    d = open_at(clinic, now, "school_health_service", "anxiety")
    answer(clinic, d, 1, 12)
    close(clinic, d, at(3), "not_started")

    e = open_at(clinic, now, None)
    hold(clinic, e, week=3, mode="phone")
    answer(clinic, e, 3, 14)
    close(clinic, e, at(4), "single_session")

    f = open_at(clinic, now, "self")
    hold(clinic, f, week=1)
    hold(clinic, week=2, attendances=[{"episode_id": f["id"], "outcome": "no_show"}])

    g = open_at(clinic, before, "self", "Sleep")
    for week in (1, 2):
        hold(clinic, g, week=week)
        answer(clinic, g, week, 20)
    mothers = administration(
        g, {"1": 6}, week=2, instrument="own-goals", form="caregiver", informant_id=parent_of(clinic, g)
    )
    created(put(clinic.therapist, mothers))
    close(clinic, g, at(3), "completed")

    h = open_at(clinic, before, "other")
    close(clinic, h, "2025-12-15T10:00:00Z", "moved")

    i = open_at(clinic, now, "self", "depression")
    answer(clinic, i, 1, 9)
    close(clinic, i, at(3), "completed")
    return {"a": a, "b": b, "i": i}


@pytest.fixture(scope="module")
def clinic(database: Database, client: TestClient) -> Clinic:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    kept = keep(clinic)
    with as_lead(database, clinic) as work:
        work.saw([UUID(kept[name]["patient_id"]) for name in ("a", "b", "i")])
        others = select(Service.id).where(Service.name == "Helsestasjonen")
        elsewhere = (
            update(Episode).where(Episode.id == UUID(kept["i"]["id"])).values(service_id=others.scalar_subquery())
        )
        work.db.execute(elsewhere)
        work.db.execute(update(Review).values(reviewed_at=START))  # else they are of the day on which this runs
    return clinic


def as_lead(database: Database, clinic: Clinic) -> AbstractContextManager[Work]:
    scope = Scope(clinic.organisation_id, clinic.staff["service lead"], Role.SERVICE_LEAD, clinic.service_id)
    return database.work(scope, Access("read_grant_report", uuid7()))


@pytest.fixture(scope="module")
def facts(database: Database, clinic: Clinic) -> GrantFacts:
    with as_lead(database, clinic) as work:
        return facts_for_grant(work, clinic.service_id, YEAR)


def present(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {code: count for code, count in counts.items() if count not in (0, Events())}


# ---- Figure by figure


def test_who_came(facts: GrantFacts) -> None:
    # A to F were opened in 2026: two by themselves, one by a parent, one unknown.
    assert present(facts.received) == {
        "self": 2,
        "parent_or_guardian": 1,
        "general_practitioner": 1,
        "school_health_service": 1,
        NOT_RECORDED: 1,
    }
    assert (facts.referred, facts.without_referral) == (6, 3)
    # 5 January to the first counted session: A 12th, B 19th, C 12th, E 26th, F 12th; A's assessment does not count.
    assert facts.first_session_days == {7: 3, 14: 1, 21: 1}


def test_how_it_ended(facts: GrantFacts) -> None:
    # A to E, and G of the year before; H ended then, I is another service's.
    assert present(facts.endings) == {
        "completed": 2,
        "dropped_out": 1,
        "referred_on": 1,
        "single_session": 1,
        "not_started": 1,
    }
    assert present(facts.referred_on) == {"specialist_care": 1}
    assert facts.helped == 5  # all but D
    assert facts.measured_twice == 4  # A, B, C, G
    assert facts.discussed == 1  # A; B's review was without the patient
    assert facts.with_goals == 2  # A, B
    assert facts.with_next_of_kin == 2  # C's parent came, G's answered


def test_own_goals(facts: GrantFacts) -> None:
    # A reached one of two, B's one goes on.
    assert (facts.goals_set, facts.goals_ended) == (Events(3, 2), Events(2, 1))
    assert (facts.goals_judged, facts.goals_reached) == (Events(2, 1), Events(1, 1))


def test_what_was_done_in_the_year(facts: GrantFacts) -> None:
    # Counted: A 3, B 2, C 2 (with the parent still two), E 1, F 1, G 2. Without a form: A's second, F's.
    assert (facts.sessions, facts.sessions_measured) == (Events(11, 6), Events(9, 5))
    # By phone E's, and A's assessment; in person A 3, C 2, F 1, G 2.
    assert present(facts.sessions_by_mode) == {"in_person": Events(8, 4), "video": Events(2, 1), "phone": Events(2, 2)}
    # Not recorded: C 2, D 1, E 1, G 2 and the mother's.
    assert present(facts.forms_by_mode) == {"tablet": Events(2, 1), "home": Events(2, 1), NOT_RECORDED: Events(7, 4)}
    assert (facts.reviews, facts.reviews_with_patient) == (Events(2, 2), Events(1, 1))


def test_change_by_problem_area(facts: GrantFacts) -> None:
    # PHQ-9, reliable at 6: A 18 to 9, better; B 15 to 13, the same; C 10 to 17, worse; G 20 to 20, the same.
    assert facts.outcomes == Outcomes(ended=6, paired=4, improved=1, deteriorated=1)
    assert facts.outcomes_by_area == {
        "depression": Outcomes(2, 2, 1, 0),  # A, B
        "Sleep": Outcomes(2, 2, 1, 0),  # A, G
        "anxiety": Outcomes(2, 1, 0, 1),  # C, D
    }


def test_programmes_and_words(facts: GrantFacts) -> None:
    course, alone = facts.programmes
    assert (course.name, course.format, course.episodes, course.evidence, course.plan) == (
        "Course",
        "group",
        1,
        (),
        None,
    )
    assert (alone.name, alone.format, alone.episodes) == ("Guided self-help", "guided_self_help", 2)
    assert alone.evidence == (Evidence("adults"), Evidence("young people", 0, "a review", "2025-03-01"))
    assert alone.plan == EvaluationPlan(question="Does it help?")
    assert (facts.statements.goals, facts.statements.involvement_system) == ("Help in time.", "A council.")
    assert facts.statements.budget is None


def test_the_whole_organisation_has_every_service_and_no_words_of_one(database: Database, clinic: Clinic) -> None:
    with as_lead(database, clinic) as work:
        facts = facts_for_grant(work, None, YEAR)
    assert (facts.referred, facts.ended) == (7, 7)  # and I
    assert facts.statements.goals is None


def test_another_year_is_another_report(database: Database, clinic: Clinic) -> None:
    with as_lead(database, clinic) as work:
        facts = facts_for_grant(work, clinic.service_id, YEAR - 1)
    assert present(facts.received) == {"self": 1, "other": 1}  # G, H
    assert facts.first_session_days == {42: 1}  # G: 1 December to 12 January
    assert present(facts.endings) == {"moved": 1}
    assert (facts.outcomes, facts.outcomes_by_area) == (Outcomes(ended=1), {})
    assert facts.programmes == ()


# ---- The report


def numbers(report: Report) -> Iterator[float]:
    for section in report.sections:
        for table in section.tables:
            for row in table.rows:
                for cell in row.cells:
                    yield from (each for each in (cell.value, cell.of) if isinstance(each, int | float))


def test_the_report_says_whom_it_is_about_and_hides_the_few(database: Database, clinic: Clinic) -> None:
    with as_lead(database, clinic) as work:
        report = report_for_grant(work, clinic.service_id, YEAR)
        open_one = report_for_grant(work, clinic.service_id, YEAR, threshold=1)
        name = organisation_name(work)
        with pytest.raises(NotFound):
            report_for_grant(work, uuid7(), YEAR)
    assert {fact.key: fact.value for fact in report.facts} == {
        "organisation": name,
        "service": "Rask psykisk helsehjelp",
        "year": "2026",
    }
    # Eight in-person sessions were of four persons only; the 0 beside them is the level of the evidence, and none.
    assert set(numbers(report)) == {0}
    assert {6, 11, 8, 0.8} <= set(numbers(open_one))
    withheld = {cell.withheld for s in report.sections for t in s.tables for row in t.rows for cell in row.cells}
    assert withheld == {None, Withheld.SMALL_NUMBER, Withheld.UNKNOWN}


def test_the_report_is_noted_in_the_audit_without_a_patient(database: Database, clinic: Clinic) -> None:
    with as_lead(database, clinic) as work:
        report_for_grant(work, None, YEAR)
        [(_, event)] = work._audit_event()
    assert (event["action"], event["patient_ids"]) == ("read_grant_report", "{}")


# ---- Held against the core


def random_course(clinic: Clinic, chance: random.Random) -> dict[str, Any]:
    """Keep a course of help in which forms come before, after and between sessions, or long before the first."""
    patient = make_patient(clinic)
    episode = make_episode(clinic, patient_id=patient["id"], opened_at=at(-8))
    weeks = sorted(chance.sample(range(1, 9), chance.randint(0, 4)))
    held = {week: hold(clinic, episode, week=week)["id"] for week in weeks}
    # One that does not count, to which a form may belong all the same.
    held[0] = hold(clinic, episode, week=chance.choice((-1, 4)), contact_type="assessment")["id"]
    for week in chance.sample([each / 2 for each in range(-12, 20)], chance.randint(1, 6)):
        linked: dict[str, Any] = {}
        if chance.random() < 0.5:
            linked["treatment_session_id"] = chance.choice([*held.values()])
            linked["timing"] = chance.choice(("before", "after", "between", None))
        answer(clinic, episode, week, chance.randint(0, 24), **linked)
    close(clinic, episode, at(chance.choice((5, 11))), "completed")
    return episode


def changed(record: EpisodeRecord) -> ChangeCategory | None:
    """Tell, by the core, what became of a course; None where nothing is paired."""
    [kept] = [each for each in record.series if each.id == record.main_series_id]
    treated = place(record, kept.id).treated()
    criteria = criteria_of(kept)
    if len(treated) < 2 or criteria is None:
        return None
    return criteria.category(treated[0].score, treated[-1].score)


def test_baseline_and_end_are_those_of_the_core(database: Database, client: TestClient) -> None:
    clinic = make_clinic(database, client, OrganisationMode.RECORD)
    chance = random.Random(20260105)
    ids = [UUID(random_course(clinic, chance)["id"]) for _ in range(30)]
    scope = Scope(clinic.organisation_id, clinic.therapist_id, Role.THERAPIST, clinic.service_id)
    with database.work(scope, Access("test", uuid7())) as work:
        found = [changed(record) for record in lock_episodes(work, ids).values()]
        facts = facts_for_grant(work, clinic.service_id, YEAR)
    assert facts.outcomes == Outcomes(
        ended=30,
        paired=sum(each is not None for each in found),
        improved=found.count(ChangeCategory.RELIABLE_IMPROVEMENT),
        deteriorated=found.count(ChangeCategory.RELIABLE_DETERIORATION),
    )
    assert min(facts.outcomes.improved, facts.outcomes.deteriorated, 30 - facts.outcomes.paired) >= 3
