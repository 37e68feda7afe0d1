"""The demonstration: plausible courses, every signal among them, and a fill that never doubles anything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from statistics import mean, stdev
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db.codes import AttendanceOutcome, ClosingReason, Occasion, ProgrammeFormat
from app.db.models import Base
from app.db.session import Access, Database
from app.identity.credentials import token_hash
from app.scales.catalogue import instrument
from app.services.demonstration.courses import Cohort, Form, Member, midnight, simulate_cohorts
from app.services.demonstration.filling import (
    Credentials,
    Demonstration,
    episode_to_show,
    fill,
    issue_credentials,
    keep_credentials,
)
from app.services.organisations import founding_scope
from app.services.trajectories import read_trajectory
from app.trajectories.growth import default_curve
from app.trajectories.policy import Plan, Policy
from app.trajectories.series import CountedSession, Measurement, Series, Timing
from app.trajectories.tracking import Progress, assess

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def cohorts() -> list[Cohort]:
    return list(simulate_cohorts(400, TODAY, Demonstration(TODAY).seed))


def members(cohorts: list[Cohort]) -> Iterator[tuple[Cohort, int, Member]]:
    for cohort in cohorts:
        for place, member in enumerate(cohort.members):
            yield cohort, place, member


def forms(cohorts: list[Cohort], key: str) -> list[Form]:
    return [form for _, _, member in members(cohorts) for form in member.forms if form.instrument == key]


def total(form: Form) -> int:
    return sum(code for item, code in form.answers.items() if item != "10")


def attended(cohort: Cohort, place: int) -> list[CountedSession]:
    """List the sessions that count for a member: those of the kind that the programme counts."""
    return [
        CountedSession(number, contact.starts_at)
        for number, contact in enumerate(cohort.contacts)
        if contact.contact_type == cohort.offer.contact_type
        and any(each.member == place and each.outcome is AttendanceOutcome.ATTENDED for each in contact.presences)
    ]


def verdict(cohort: Cohort, place: int, member: Member) -> Progress | None:
    """Judge a member by the core alone."""
    key = cohort.offer.main_instrument
    curve = default_curve(key) if key else None
    readable = [form for form in member.forms if form.instrument == key and form.completed_at <= form.received_at]
    if key is None or curve is None or not readable:
        return None
    scores = [
        Measurement(form.contact, form.completed_at, total(form), form.contact, Timing.BEFORE) for form in readable
    ]
    criteria = instrument(key).forms[0].subscales[0].criteria
    assert criteria is not None
    plan = Plan(
        cohort.offer.planned_dose,
        cohort.offer.interval_days,
        cohort.offer.pathway,
        member.crisis_pause_since is not None,
    )
    return assess(Series.build(scores, attended(cohort, place)), criteria, curve, Policy(), plan)


# Courses


def test_every_signal_is_among_the_open_episodes(cohorts: list[Cohort]) -> None:
    open_ones = [verdict(*each) for each in members(cohorts) if each[2].closed_at is None]
    found = Counter(judged.signal for judged in open_ones if judged)
    assert found.keys() == {"red", "yellow", "green", "grey"}
    assert 60 <= len(open_ones) <= 140


def test_first_scores_are_those_of_methods_b7b(cohorts: list[Cohort]) -> None:
    # Methods B7b: mean 14.3, sd sqrt(3.74^2 + 10 + 6) = 5.5; three standard errors of some 380 first scores.
    first = [
        total(member.forms[0])
        for _, _, member in members(cohorts)
        if member.forms and member.forms[0].instrument == "phq-9"
    ]
    assert mean(first) == pytest.approx(14.3, abs=0.9)
    assert stdev(first) == pytest.approx(5.5, abs=0.7)


def test_thoughts_of_death_are_rare_and_go_with_the_total(cohorts: list[Cohort]) -> None:
    answered = [(form.answers["9"], total(form)) for form in forms(cohorts, "phq-9") if "9" in form.answers]
    positive = [score for code, score in answered if code > 0]
    assert 0.05 < len(positive) / len(answered) < 0.35
    assert mean(positive) > mean(score for code, score in answered if code == 0)


def test_about_a_quarter_of_those_who_start_drop_out(cohorts: list[Cohort]) -> None:
    reasons = Counter(member.closing_reason for *_, member in members(cohorts) if member.closing_reason)
    assert 0.12 < reasons[ClosingReason.DROPPED_OUT] / reasons.total() < 0.35  # 25.3 %: methods, B8
    assert reasons[ClosingReason.COMPLETED] > reasons[ClosingReason.DROPPED_OUT] > reasons[ClosingReason.MOVED] > 0


def test_the_practice_is_varied(cohorts: list[Cohort]) -> None:
    kinds = {contact.contact_type for cohort in cohorts for contact in cohort.contacts}
    assert kinds == {"assessment", "individual", "group", "parents", "module", "support_call"}
    outcomes = {each.outcome for cohort in cohorts for contact in cohort.contacts for each in contact.presences}
    assert outcomes == set(AttendanceOutcome)
    assert any(len(cohort.members) >= 6 for cohort in cohorts)
    assert {cohort.offer.interval_days for cohort in cohorts} == {7, 14}
    assert any(member.parents for *_, member in members(cohorts))
    assert {form.occasion for form in forms(cohorts, "gad-7")} == {Occasion.INTAKE, Occasion.SESSION}
    assert any(len(form.answers) < 7 for form in forms(cohorts, "gad-7"))
    late = [form for form in forms(cohorts, "phq-9") if form.received_at - form.completed_at > timedelta(days=7)]
    assert 0 < len(late) < 0.05 * len(forms(cohorts, "phq-9"))


def test_nothing_happens_after_today(cohorts: list[Cohort]) -> None:
    now = midnight(TODAY)
    for cohort, _, member in members(cohorts):
        assert all(contact.starts_at < now for contact in cohort.contacts)
        assert all(form.received_at < now for form in member.forms)
        assert member.closed_at is None or member.opened_at < member.closed_at < now


def test_parents_come_in_a_child_s_place(cohorts: list[Cohort]) -> None:
    for cohort, place, member in members(cohorts):
        came = {each.parent for contact in cohort.contacts for each in contact.presences if each.member == place}
        if cohort.offer.format is ProgrammeFormat.PARENTS:
            assert came == {"mor"}
            assert "mor" in member.parents
        else:
            assert came <= {None}


def test_the_first_cohorts_are_the_same_however_many_are_wanted(cohorts: list[Cohort]) -> None:
    few = list(simulate_cohorts(15, TODAY, Demonstration(TODAY).seed))
    assert sum(len(cohort.members) for cohort in few) == 15
    assert few[:-1] == list(islice(cohorts, len(few) - 1))


# The fill


def small() -> Demonstration:
    return Demonstration(TODAY, episodes=12, organisation_id=uuid4())


def counts(database: Database, organisation_id: UUID) -> dict[str, int]:
    """Count an organisation's rows, table by table; reading the caseload leaves audit events, so these don't count."""
    tables = [table for table in Base.metadata.tables.values() if "organisation_id" in table.columns]
    names = sorted(table.name for table in tables if not table.name.startswith("audit_"))
    with database.work(founding_scope(organisation_id), Access("test", uuid4())) as work:
        return {name: work.db.execute(text(f"select count(*) from {name}")).scalar_one() for name in names}


class Interrupted(Exception):
    """The fill is cut short."""


def interrupt(_: int) -> None:
    raise Interrupted


def test_a_second_fill_adds_nothing(database: Database) -> None:
    demonstration, reported = small(), list[int]()
    fill(database, demonstration, reported.append)
    filled = counts(database, demonstration.organisation_id)
    fill(database, demonstration)
    assert counts(database, demonstration.organisation_id) == filled
    assert sum(reported) == filled["episodes"] == filled["patients"] == 12
    assert (filled["services"], filled["users"], filled["programmes"]) == (3, 15, 9)
    assert filled["scores"] > 0
    assert filled["progress"] > 0


def test_a_fill_that_was_cut_short_goes_on(database: Database) -> None:
    whole, cut_short = small(), small()
    fill(database, whole)
    with pytest.raises(Interrupted):
        fill(database, cut_short, interrupt)
    assert 0 < counts(database, cut_short.organisation_id)["episodes"] < 12
    fill(database, cut_short)
    assert counts(database, cut_short.organisation_id) == counts(database, whole.organisation_id)


def test_verdicts_are_issued_when_the_answers_arrive(database: Database) -> None:
    demonstration = small()
    fill(database, demonstration)
    with database.work(founding_scope(demonstration.organisation_id), Access("test", uuid4())) as work:
        times = work.db.execute(
            text(
                "select a.received_at, p.issued_at from administrations a"
                " join progress p on p.organisation_id = a.organisation_id and p.administration_id = a.id"
                " where p.issue = 1 and p.cause = 'answer'"
            )
        ).all()
    assert len(times) > 50
    assert all(received_at == issued_at for received_at, issued_at in times)


def test_the_record_says_what_the_core_says_of_the_courses(database: Database) -> None:
    """Only of those without blanks, whose totals are plain sums, and without reviews, which the core is not told of."""
    demonstration = small()
    fill(database, demonstration)
    with database.work(founding_scope(demonstration.organisation_id), Access("test", uuid4())) as work:
        newest = work.db.execute(
            text(
                "select distinct on (e.id) p.reference, v.signal_reason, v.dose from episodes e"
                " join patients p on p.organisation_id = e.organisation_id and p.id = e.patient_id"
                " join administrations a on a.organisation_id = e.organisation_id and a.series_id = e.main_series_id"
                " join progress v on v.organisation_id = a.organisation_id and v.administration_id = a.id"
                " where not exists (select from reviews r where r.organisation_id = e.organisation_id"
                " and r.episode_id = e.id)"
                " order by e.id, a.completed_at desc, v.issue desc"
            )
        ).all()
    said = {reference: (signal_reason, dose) for reference, signal_reason, dose in newest}
    compared = 0
    for cohort, place, member in members(list(simulate_cohorts(12, TODAY, demonstration.seed))):
        judged = verdict(cohort, place, member)
        if judged is not None and member.reference in said and all(map(is_whole, member.forms)):
            assert said[member.reference] == (judged.signal_reason, judged.dose)
            compared += 1
    assert compared > 3


def is_whole(form: Form) -> bool:
    return len(form.answers.keys() - {"10"}) == {"phq-9": 9, "gad-7": 7}[form.instrument]


@pytest.mark.parametrize(
    "damage", ["", "{", '{"tablet": "x"}', '{"tablet": "x", "therapist": "y", "service_lead": "z"}']
)
def test_tokens_are_kept_and_replaced_when_they_are_lost(damage: str, database: Database, tmp_path: Path) -> None:
    demonstration, file = small(), tmp_path / "data" / "demonstration.json"
    fill(database, demonstration)
    issued = keep_credentials(database, demonstration, file)
    assert keep_credentials(database, demonstration, file) == issued
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(damage)
    replaced = keep_credentials(database, demonstration, file)
    assert set(vars_of(replaced)).isdisjoint(vars_of(issued))
    assert json.loads(file.read_text()) == dict(
        zip(("tablet", "therapist", "service_lead"), vars_of(replaced), strict=True)
    )


def vars_of(credentials: Credentials) -> list[str]:
    return [credentials.tablet, credentials.therapist, credentials.service_lead]


def test_there_is_an_episode_to_show(database: Database) -> None:
    demonstration = small()
    fill(database, demonstration)
    credentials = issue_credentials(database, demonstration)
    shown = episode_to_show(database, credentials)
    with database.work_for_token(token_hash(credentials.therapist), Access("test", uuid4())) as work:
        assert read_trajectory(work, shown, None, None, None).series.observations
